"""MP4: H.264, yuv420p, BT.709, with bounded memory however large the frames are."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import tempfile
from fractions import Fraction
from typing import IO

import numpy as np

from ganimate.errors import OutputError
from ganimate.media.ffmpeg import find_ffmpeg
from ganimate.media.packets import mp4_box
from ganimate.media.places import Place
from ganimate.media.sound import Sound, add_sound
from ganimate.media.streams import Frame, PlacedWriter

_LARGEST_SIDE_PX = 16_384  # of H.264
# Above this x264's usual 40 frames of look-ahead and ffmpeg's own queues add up to gigabytes.
_LARGE_FRAME_PX = 3_000_000
# Not to be told from the original at normal viewing distance. Of 50 frames of 1920×1080 with grain, "veryfast" at 17
# makes a file as large as "fast" at 18 does (1.27 and 1.31 MB), 0.9 dB less like them (48.2 dB), in 42 % of the time.
_USUAL_ENCODING = ("-crf", "17", "-preset", "veryfast", "-threads", "4", "-x264-params", "rc-lookahead=12")
_LEAN_ENCODING = (
    *("-crf", "18", "-preset", "veryfast", "-tune", "zerolatency"),
    *("-threads", "4", "-x264-params", "ref=1:weightp=0"),
)
# Above this x264's own copies of frames add up: of 24 megapixels without the pictures by which it places fractions of
# pixels and the reduced ones by which it plans ahead it takes 390 MB instead of 610. Clips of
# 8K aside, only photos are so large.
_HUGE_FRAME_PX = 12_000_000
_HUGE_ENCODING = (
    *("-qp", "18", "-preset", "veryfast", "-tune", "zerolatency"),
    *("-threads", "4", "-x264-params", "ref=1:weightp=0:scenecut=0:subme=0"),
)
_TO_YUV = ",".join(
    (
        "scale=in_range=pc:out_range=tv:out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int",  # the size stays
        "format=yuv420p",
        "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
    )
)


class Mp4Writer(PlacedWriter):
    """Streams frames to an MP4 that plays everywhere.

    The picture is never rescaled: an odd width or height gets its last column or row twice, as the format wants even
    sizes.
    """

    def __init__(self, place: Place, fps: float, sound: Sound | None = None) -> None:
        """Prepare; `sound` is laid under the pictures and ends with them."""
        super().__init__(place)
        self.sound = sound
        self._silent = place.temporary.with_suffix(".part" if sound is None else ".silent")
        self._fps = Fraction(fps).limit_denominator(1001)
        self._ffmpeg = find_ffmpeg()
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None
        self._sent = 0

    def _begin(self, height: int, width: int) -> None:
        if max(height, width) > _LARGEST_SIDE_PX:
            raise OutputError(
                f"'{self.place.shown}' would be {width}×{height} px, H.264 allows {_LARGEST_SIDE_PX} px a side",
                "reduce the photo, or write a folder of PNG frames",
            )
        self._paced, self._huge = (height * width > most for most in (_LARGE_FRAME_PX, _HUGE_FRAME_PX))
        self._complaints = tempfile.TemporaryFile(dir=self.place.path.parent)  # no other folder is needed
        self._process = subprocess.Popen(
            self._command(height + height % 2, width + width % 2),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self._paced else subprocess.DEVNULL,
            stderr=self._complaints,
            start_new_session=True,  # Ctrl-C is for us; ffmpeg would end the file early and call it complete
        )

    def _command(self, height: int, width: int) -> list[str]:
        source = [
            "-thread_queue_size",
            "1",
            "-threads",
            "1",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{width}x{height}",
            "-framerate",
            str(self._fps),
        ]
        reports = ["-progress", "pipe:1", "-stats_period", "0.05"]
        encoding = _HUGE_ENCODING if self._huge else _LEAN_ENCODING if self._paced else _USUAL_ENCODING
        return [
            *(self._ffmpeg, "-y", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error"),
            *(reports if self._paced else []),
            *(*source, "-i", "pipe:0", "-an", "-filter_threads", "1", "-vf", _TO_YUV),
            *("-c:v", "libx264", "-profile:v", "high", *encoding),
            *([] if self.mark is None else ["-metadata", f"comment={self.mark.comment}"]),  # players show it
            *("-movflags", "+faststart", "-f", "mp4", f"file:{self._silent}"),
        ]

    def _add(self, frame: Frame) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(_even(frame).data)
        except BrokenPipeError:
            raise self._broken() from None
        self._sent += 1
        self._wait_for_encoder()

    def _wait_for_encoder(self) -> None:
        """Keep at most two large frames under way, one of the largest: ffmpeg would queue up to 16 of them."""
        assert self._process is not None
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            if line.startswith(b"frame=") and int(line[6:]) >= self._sent - (not self._huge):
                return

    def _finish(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._broken() from None
        if self._ended() != 0:
            raise self._broken()
        if self.sound is not None:
            self.sound_failure = add_sound(self._silent, self.sound, self.place.temporary, self._sent / self._fps)
            if self.sound_failure is not None:  # the pictures took long to make, and are kept
                os.replace(self._silent, self.place.temporary)
        if self.mark is not None:  # last of all, as ffmpeg would drop it
            with self.place.temporary.open("ab") as file:
                file.write(mp4_box(self.mark.packet()))

    def _ended(self) -> int:
        """Return ffmpeg's exit code; its reports are read to the end, as it could not end while they are waiting."""
        assert self._process is not None
        if self._process.stdout is not None:
            self._process.stdout.read()
        return self._process.wait()

    def _broken(self) -> OutputError:
        """Return why ffmpeg has given up, from its own words."""
        assert self._complaints is not None
        code = self._ended()
        self._complaints.seek(0)
        words = self._complaints.read().decode(errors="replace").strip()
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            if os.strerror(number) in words:
                return self.place.failure(OSError(number, os.strerror(number)))
        reason = words.splitlines()[-1] if words else f"exit code {code}"
        return OutputError(f"ffmpeg could not write '{self.place.shown}': {reason}", "try a .gif, or PNG frames")

    def _release(self) -> None:
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process.wait()
        if self._complaints is not None:
            self._complaints.close()
        if self.sound is not None:
            with contextlib.suppress(OSError):
                self._silent.unlink(missing_ok=True)


def _even(frame: Frame) -> Frame:
    """Return `frame` with its last row and column repeated where their number is odd."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")

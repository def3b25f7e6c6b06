"""One video in: facts first, then upright RGB frames at a constant rate, one by one, whatever the clip's length.

ffmpeg does the work, in a process of its own; what it says of a file is read from its messages, as no ffprobe comes
with imageio-ffmpeg. Exact size and rate come from a header in which ffmpeg has to write them as whole numbers.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from ganimate.errors import VideoError
from ganimate.media.ffmpeg import complaints_file, find_ffmpeg
from ganimate.media.photo_kinds import is_video_head
from ganimate.media.photos import SMALLEST_SIDE_PX
from ganimate.media.rates import FASTEST_FPS, SLOWEST_FPS, Rate, Seconds, choose_rate, slower
from ganimate.media.suffixes import VIDEO_SUFFIXES

Image = NDArray[np.uint8]  # (H, W, 3) RGB

LARGEST_FRAME_PX = 8192 * 4320  # 8K
_PATIENCE_S = 60  # for the first frame
_STILL_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\0", b"MM\0*", b"BM")
_CUT_OFF = re.compile(r"partial file|ended prematurely|truncat|moov atom not found", re.IGNORECASE)
# Wide dynamic range, by the transfer functions of ITU-R BT.2100: PQ, and HLG on a display of 1,000 cd/m². The white of
# paper, 203 cd/m² (BT.2408), becomes white. What is below 0.9 of that stays as it is, brighter things level off up to
# 1,000 cd/m²; all three colours by the same factor, which keeps the hue. agamma=0: with the quick gamma of zscale's
# default HLG gets too colourful.
_HDR = re.compile(r"(?:([\w-]+)/([\w-]+)/)?(smpte2084|arib-std-b67)")
_TONE_MAP = (
    "zscale=transfer=linear:npl=203:agamma=0,format=gbrpf32le,zscale=primaries=bt709,"
    f"tonemap=mobius:param=0.9:desat=0:peak={1000 / 203:.4f},zscale=transfer=bt709:matrix=bt709:range=tv,format=yuv444p"
)


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video before it is decoded.

    `width` and `height` in pixels as it is shown: upright, of square pixels. `frames` is an estimate at `fps`, exact
    where the rate was constant already. `audio` is the codec of the sound, None without.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    audio: str | None
    rotation_deg: float
    hdr: bool

    @property
    def duration_s(self) -> float:
        """Seconds that the frames take."""
        return float(self.frames / self.fps)


@dataclass(frozen=True)
class Video:
    """A video that can be read.

    `pace` is ffmpeg's filter that makes its frames come at one rate, `filters` what is done to them, and `notes` is
    what is worth telling of that. A part of one (see `stretches`) has the times of the whole; `span` says which frames
    of the whole are read, from the first on up to the one after the last.
    """

    path: Path
    facts: VideoFacts
    pace: str
    filters: str
    notes: tuple[str, ...] = ()
    span: tuple[int, int] | None = None

    @property
    def source(self) -> list[str]:
        """What ffmpeg is told of what it reads."""
        return [*([] if self.span is None else ["-copyts"]), *picture_source(self.path)]

    @property
    def paced(self) -> str:
        """The filter that lets the frames through that are read, at their rate."""
        if self.span is None:
            return self.pace
        first, end = self.span
        return f"{self.pace},trim=start_frame={first}:end_frame={end},setpts=PTS-STARTPTS"

    def frames(self) -> Iterator[Image]:
        """Yield the frames (H, W, 3) uint8 RGB, each an array of its own; ffmpeg ends with the iterator.

        Raises VideoError where decoding stops short.
        """
        command = [*ffmpeg_command("error"), "-threads", "2", *self.source, "-filter_threads", "1"]
        command += ["-vf", f"{self.paced},{self.filters}"]
        command += ["-f", "rawvideo", "-thread_queue_size", "1", "pipe:1"]
        with complaints_file() as complaints, _child(command, complaints) as process:
            assert process.stdout is not None
            while True:
                frame = np.empty((self.facts.height, self.facts.width, 3), np.uint8)
                read = process.stdout.readinto(frame.data.cast("B"))  # type: ignore[attr-defined]
                if read < frame.nbytes:
                    break
                yield frame
            if process.wait() != 0 or read:
                complaints.seek(0)
                raise _damaged(self.path, complaints.read().decode(errors="replace"))


def is_video(path: str | os.PathLike[str]) -> bool:
    """Say whether the file is to be treated as a video: by what is in it, by its name only where that says nothing.

    Animated GIFs are videos. Never raises.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(512)
        if head.startswith(b"GIF8"):
            with PillowImage.open(path, formats=["GIF"]) as image:
                return bool(getattr(image, "is_animated", False))
    except Exception:  # missing, unreadable or damaged: whoever reads it says so
        head = b""
    known_still = head.startswith(_STILL_HEADS) or head[8:12] == b"WEBP"
    return is_video_head(head) or (Path(path).suffix.lower() in VIDEO_SUFFIXES and not known_still)


def read_video(path: str | os.PathLike[str], most_fps: float = float(FASTEST_FPS)) -> Video:
    """Return the video at `path`; its packets are looked through and its first frame is decoded, nothing more.

    Rotation is applied, pixels that are not square are made so, wide dynamic range is mapped to the usual one. A
    variable frame rate is made a constant one at which hardly a frame is lost; above `most_fps` every second frame is
    read, or every third.

    Raises VideoError: no file, not a video, sound only, damaged or cut off, under 32 px a side, over 8K.
    """
    path = Path(path)
    _check_file(path)
    header, messages = _first_frame(path)
    stream = _picture_stream(path, messages)
    _check_size(path, stream)
    found = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+) I\S+ A(\d+):(\d+)", header)
    if found is None:
        raise _damaged(path, messages)
    width, height, rate, scale, across, down = (int(number) for number in found.groups())
    shape = Fraction(across, down) if across and down else Fraction(1)
    if shape != 1:
        width = max(2, 2 * round(width * shape / 2))
    times_s, end_s, tick_s = _shown_at(path)
    whole = _checked(path, choose_rate(Fraction(rate, max(scale, 1)), times_s, tick_s))
    taken = slower(whole, times_s, most_fps)
    rotation = re.search(r"rotation of (-?[\d.]+) degrees", messages)
    audio = re.search(r"^ *Stream #0:.*? Audio: (\w+)", messages, re.MULTILINE)
    facts = VideoFacts(
        width=width,
        height=height,
        fps=taken.fps,
        frames=max(1, round(end_s * taken.fps)),
        audio=audio.group(1) if audio else None,
        rotation_deg=float(rotation.group(1)) if rotation else 0.0,
        hdr=_HDR.search(stream) is not None,
    )
    mapped = facts.hdr and _can_map_tones()
    return Video(path, facts, taken.filter, _filters(facts, stream, mapped), _notes(facts, whole, taken, mapped))


def _notes(facts: VideoFacts, whole: Rate, taken: Rate, mapped: bool) -> tuple[str, ...]:
    """Return what has been done to the frames that one may wonder at, in sentences without a capital and a stop."""
    notes = []
    if whole.uneven:
        lost = f", at which {whole.lost} of them are lost" if whole.lost else ", so that each is shown for its own time"
        notes.append(f"its frames come at varying times: read at {float(whole.fps):.5g} a second{lost}")
    if taken.fps < whole.fps:
        which = {2: "second", 3: "third"}.get(n := round(whole.fps / taken.fps), f"{n}th")
        notes.append(f"of its {float(whole.fps):.5g} frames a second every {which} is taken: {float(taken.fps):.5g}")
    if facts.hdr:
        pale = "is shown pale: this ffmpeg lacks the filters zscale and tonemap"
        notes.append(f"its wide dynamic range (HDR) {'is mapped to the usual one' if mapped else pale}")
    return tuple(notes)


def _filters(facts: VideoFacts, stream: str, mapped: bool) -> str:
    """Return what makes frames of one size and colour space, for ffmpeg's option -vf."""
    steps = [*_named_colours(stream), _TONE_MAP] if mapped else []
    matrix = ""
    if not mapped and re.search(r" (yuv|nv)", stream) and not re.search(r"bt709|bt2020|bt470|smpte|fcc", stream):
        # nothing is said of the colours: taken as players do, by the size
        matrix = ":in_color_matrix=" + ("bt709" if facts.height > 576 or facts.width >= 1280 else "bt601")
    size = f"{facts.width}:{facts.height}"
    steps.append(f"scale={size}{matrix}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp")
    # To planes first, then packed: the same to the bit as straight to rgb24, and more than twice as fast, as only the
    # way to planes is vectorised in ffmpeg: 8 instead of 24 ms for a frame of 1920×1080.
    return ",".join([*steps, "format=gbrp", "scale", "format=rgb24"])


def _named_colours(stream: str) -> list[str]:
    """Return what says of a clip of wide dynamic range that its colours are BT.2020's, where it does not say itself."""
    found = _HDR.search(stream)
    matrix, primaries = (found.group(1), found.group(2)) if found else (None, None)
    missing = [
        f"{name}={usual}"
        for name, told, usual in (("colorspace", matrix, "bt2020nc"), ("color_primaries", primaries, "bt2020"))
        if told in (None, "unknown", "reserved", "gbr")
    ]
    return ["setparams=" + ":".join(missing)] if missing else []


def _can_map_tones() -> bool:
    """Say whether this ffmpeg has what brings wide dynamic range to the usual one; else it is shown pale."""
    listed = subprocess.run([*ffmpeg_command("error"), "-filters"], capture_output=True, check=False).stdout
    return b" zscale " in listed and b" tonemap " in listed


def ffmpeg_command(level: str) -> list[str]:
    """Return how ffmpeg begins that tells of itself at a `level`, as it has them, and asks nothing."""
    return [find_ffmpeg(), "-nostdin", "-hide_banner", "-nostats", "-loglevel", level]


def picture_source(path: Path) -> list[str]:
    """Return the input and its first picture stream; V leaves out the covers of songs."""
    limits = ["-protocol_whitelist", "file", "-max_pixels", str(LARGEST_FRAME_PX)]
    return [*limits, "-i", f"file:{path}", "-map", "0:V:0"]


@contextlib.contextmanager
def _child(command: list[str], complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program as long as the block lasts; Ctrl-C is for us, so it has a session of its own."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"'{path}' is a folder, not a video", "hand in one file of that folder")
    if not path.exists():
        raise VideoError(f"video '{path}' does not exist", "check the spelling and the folder")
    if not path.is_file():
        raise VideoError(f"'{path}' is not a regular file", "hand in a video file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise VideoError(f"cannot read '{path}': {error.strerror}", "check the file's permissions") from error
    if not head:
        raise VideoError(f"'{path}' is empty (0 bytes)", "copy or download the video again")
    if not (is_video_head(head) or head.startswith(b"GIF8")):  # playlists and scripts, which name other files, end here
        raise VideoError(f"'{path}' is not a video that can be read", "hand in an MP4, MOV, MKV, WebM, AVI or GIF")


def _first_frame(path: Path) -> tuple[bytes, str]:
    """Return the header that ffmpeg writes before the first decoded frame, b"" if there is none, and its messages."""
    command = [
        *ffmpeg_command("info"),
        *picture_source(path),
        "-frames:v",
        "1",
        "-pix_fmt",
        "yuv420p",
        "-f",
        "yuv4mpegpipe",
    ]
    try:
        done = subprocess.run(
            [*command, "pipe:1"], capture_output=True, check=False, timeout=_PATIENCE_S, start_new_session=True
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, "") from error
    return done.stdout[:200].partition(b"\n")[0], done.stderr.decode(errors="replace")


def _picture_stream(path: Path, messages: str) -> str:
    """Return ffmpeg's description of the first picture stream."""
    streams = re.findall(r"^ *Stream #0:.*?: (Video|Audio)(: .*)$", messages, re.MULTILINE)
    pictures = [text for kind, text in streams if kind == "Video" and "(attached pic)" not in text]
    if pictures:
        return str(pictures[0])
    if any(kind == "Audio" for kind, _ in streams):
        raise VideoError(f"'{path}' has sound, but no picture", "hand in a video that shows a face")
    raise _damaged(path, messages)


def _check_size(path: Path, stream: str) -> None:
    found = re.search(r", (\d{1,9})x(\d{1,9})\b", stream)
    if found is None:
        return
    width, height = int(found.group(1)), int(found.group(2))
    if width * height > LARGEST_FRAME_PX:
        raise VideoError(f"'{path}' has {width}×{height} px, more than 8K", _smaller_hint(path))
    if 0 < min(width, height) < SMALLEST_SIDE_PX:
        raise VideoError(f"'{path}' has only {width}×{height} px", f"a video needs {SMALLEST_SIDE_PX} px a side")


def _smaller_hint(path: Path) -> str:
    return f"reduce it first, for example with: ffmpeg -i '{path}' -vf scale=1920:-2 smaller.mp4"


def _checked(path: Path, rate: Rate) -> Rate:
    if not SLOWEST_FPS <= rate.fps <= FASTEST_FPS:
        allowed = f"{float(SLOWEST_FPS):g} to {float(FASTEST_FPS):g}"
        hint = f"{allowed} are taken; convert it first, for example with: ffmpeg -i '{path}' -r 30 converted.mp4"
        raise VideoError(f"'{path}' has {float(rate.fps):g} frames a second", hint)
    return rate


def _shown_at(path: Path) -> tuple[Seconds, Fraction, float]:
    """Return when each frame begins to be shown, rising, when the last ends, and the tick of the file's clock.

    Nothing is decoded. Raises VideoError for a file that breaks off.
    """
    command = [*ffmpeg_command("error"), *picture_source(path), "-c", "copy", "-f", "framecrc", "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=False, start_new_session=True)
    messages = done.stderr.decode(errors="replace")
    clock = re.search(rb"^#tb 0: (\d+)/(\d+)$", done.stdout, re.MULTILINE)
    # stream, decoding time, showing time, duration; some containers do not know the second time
    packets = re.findall(rb"^0, *(-?\d+), *(-?\d+|NOPTS), *(\d+),", done.stdout, re.MULTILINE)
    if done.returncode != 0 or clock is None or not packets or _CUT_OFF.search(messages):
        raise _damaged(path, messages)
    column = 0 if any(packet[1] == b"NOPTS" for packet in packets) else 1
    starts = np.array([int(packet[column]) for packet in packets])
    shown = np.unique(starts[starts >= 0])
    last_ticks = int(packets[int(np.argmax(starts))][2])
    if last_ticks <= 1 and len(shown) > 1:  # not told: as long as the others
        last_ticks = int(np.median(np.diff(shown)))
    tick = Fraction(int(clock.group(1)), int(clock.group(2)))
    return shown * float(tick), (int(starts.max()) + last_ticks) * tick, float(tick)


def _damaged(path: Path, messages: str) -> VideoError:
    if "exceeds specified max pixel count" in messages:
        return VideoError(f"'{path}' has more pixels than 8K", _smaller_hint(path))
    whole = f"what is whole can be cut out with: ffmpeg -i '{path}' -c copy whole.mp4"
    return VideoError(f"'{path}' is damaged or cut off", f"copy or download the video again; {whole}")

"""Small clips for tests: the astronaut's photo moved on a known path, with what cameras and editors do to videos."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from ganimate.face.crop import Box, Face, transform

Picture = NDArray[np.uint8]
CLIP_PX = 320


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg; fails where it does."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def make_clip(
    path: Path, frames: Sequence[Picture], fps: str = "25", audio: str | None = "aac", more: Sequence[str] = ()
) -> Path:
    """Write `frames` to `path` as H.264, nearly lossless, with a tone in the codec `audio` and `more` of ffmpeg."""
    height, width = frames[0].shape[:2]
    picture = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", "pipe:0"]
    seconds = float(len(frames) / Fraction(fps))  # told, as -shortest ends a little sooner or later each time
    tone = [] if audio is None else ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds:.4f}", "-c:a", audio]
    colours = "scale=out_color_matrix=bt709:out_range=tv,setparams=colorspace=bt709:range=tv"
    if not any(word in more for word in ("-vf", "-c:v")):
        more = ["-vf", colours, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p", *more]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *picture, *tone, *more, str(path)]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True, timeout=60)
    return path


def record_as_browsers_do(path: Path, seconds: int, late_ms: str) -> Path:
    """Write a WebM of 30 frames a second as MediaRecorder does: neither duration nor rate told, frames late.

    `late_ms` is ffmpeg's expression of how late, of the frame's number N.
    """
    source = f"testsrc=s=320x240:r=30:d={seconds}"
    late = [
        "-vf",
        f"settb=1/1000,setpts='PTS+floor({late_ms})'",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1/1000",
    ]
    live = ["-deadline", "realtime", "-lag-in-frames", 0, "-auto-alt-ref", 0, "-b:v", "1M", "-live", 1, "-f", "webm"]
    ffmpeg("-f", "lavfi", "-i", source, *late, "-c:v", "libvpx", *live, path)
    data = path.read_bytes()
    place = data.index(
        b"\x23\xe3\x83"
    )  # the rate that ffmpeg tells against all options; overwritten by an empty element
    length = 4 + (data[place + 3] & 0x7F)
    empty = bytes([0xEC, 0x80 | (length - 2)]) + bytes(length - 2)
    path.write_bytes(data[:place] + empty + data[place + length :])
    return path


# To BT.2020's colours from BT.709's (ITU-R BT.2087).
_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def _pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signal of light in cd/m² (ITU-R BT.2100, table 4)."""
    power = (light / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def _hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the signal of light in cd/m² on a display of 1,000 cd/m² (ITU-R BT.2100, table 5)."""
    share = light / 1000
    brightness = (share @ [0.2627, 0.6780, 0.0593])[..., None]
    scene = share * np.maximum(brightness, 1e-9) ** (1 / 1.2 - 1)
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def make_hdr_clip(path: Path, picture: Picture, transfer: str, tagged: bool = True) -> Path:
    """Write a clip of five frames of `picture`, whose white has 203 cd/m², in BT.2020 and 10 bits, as phones film.

    `transfer` is ``smpte2084`` (PQ) or ``arib-std-b67`` (HLG); one that is not `tagged` tells nothing but that.
    """
    light = 203 * (picture / 255.0) ** 2.4 @ _TO_BT2020.T
    signal = np.rint((_pq if transfer == "smpte2084" else _hlg)(light).clip(0, 1) * 65535).astype("<u2")
    height, width = picture.shape[:2]
    told = "colorspace=bt2020nc:color_primaries=bt2020:" if tagged else "colorspace=unknown:color_primaries=unknown:"
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb48le"),
        *("-s", f"{width}x{height}", "-r", "25", "-i", "pipe:0", "-vf"),
        "scale=out_color_matrix=bt2020:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p10le,"
        f"setparams={told}range=tv:color_trc={transfer}",
        *("-c:v", "libx265", "-preset", "ultrafast", "-crf", "6", "-x265-params", "log-level=error", str(path)),
    ]
    subprocess.run(command, input=signal.tobytes() * 5, check=True, capture_output=True, timeout=60)
    return path


def paths(frames: int, shift_px: float = 20.0) -> list[NDArray[np.float64]]:
    """Return the matrices (2, 3) from the 512 px photo to each frame of a head that sways, nods and comes nearer."""
    matrices = []
    for k in range(frames):
        turn = 2 * np.pi * k / 25
        matrix = np.asarray(cv2.getRotationMatrix2D((225.0, 130.0), 4 * np.sin(turn), 0.85 + 0.1 * np.sin(turn / 2)))
        matrix[:, 2] += [-65 + shift_px * np.sin(turn), 30 + shift_px / 2 * np.cos(turn)]
        matrices.append(matrix)
    return matrices


def sway(photo: Picture, frames: int) -> list[Picture]:
    """Return the photo on its `paths`, (CLIP_PX, CLIP_PX, 3) each."""
    size = (CLIP_PX, CLIP_PX)
    moved = (cv2.warpAffine(photo, m, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT) for m in paths(frames))
    return [np.asarray(frame, np.uint8) for frame in moved]


def moved_face(face: Face, matrix: NDArray[np.float64]) -> Face:
    """Return the face of the photo where it is in a frame."""
    points = transform(face.landmarks, matrix).astype(np.float32)
    corners = transform(np.array([[face.box.left, face.box.top], [face.box.right, face.box.bottom]]), matrix)
    return Face(Box(*map(float, corners.ravel())), points)


def png_start(width: int, height: int) -> bytes:
    """Return a PNG that ends where the pixels would begin."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")

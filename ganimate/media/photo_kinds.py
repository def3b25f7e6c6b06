"""What a file is that no decoder takes for a photo, told from its first bytes; and the sentence that says so."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image

from ganimate.errors import PhotoError

READABLE = "JPEG, PNG, WebP, TIFF, AVIF, GIF, BMP"
_CLASSIC_TIFF_HEADS = (b"II*\0", b"MM\0*")
TIFF_HEADS = (*_CLASSIC_TIFF_HEADS, b"II+\0", b"MM\0+")
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", *TIFF_HEADS, b"BM")
_BITS_TAG = 258


def not_a_photo(path: Path) -> PhotoError:
    """Return why `path`, which no decoder accepts, cannot be used."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return PhotoError(f"'{path}' is empty (0 bytes)", "copy or download the photo again")
    brands = _brands(head)
    if brands & _AVIF:
        return damaged(path) if "AVIF" in Image.OPEN else _unsupported(path, "an AVIF", "pip install 'pillow>=11.3'")
    if brands & _HEIC:
        return damaged(path) if "HEIF" in Image.OPEN else _unsupported(path, "a HEIC", "pip install pillow-heif")
    if head.startswith(_JPEG_XL):
        message = f"'{path}' is a JPEG XL photo, which is not supported"
        return PhotoError(message, f"convert it to JPEG first, for example with: djxl '{path}' photo.jpg")
    if is_video_head(head):
        return PhotoError(f"'{path}' is a video, not a photo", one_frame_hint(path))
    if head.startswith(_CLASSIC_TIFF_HEADS) and _tiff_bits(path) > 16:
        return too_deep(path)
    if head.startswith(_PICTURES):
        return damaged(path)
    return PhotoError(f"'{path}' is not a picture that can be read", f"hand in a photo as {READABLE}")


def _unsupported(path: Path, kind: str, install: str) -> PhotoError:
    convert = f"convert it to JPEG, for example with: magick '{path}' photo.jpg"
    return PhotoError(f"'{path}' is {kind} photo, for which a decoder is missing", f"{install}; or {convert}")


def damaged(path: Path) -> PhotoError:
    """Return the error for a picture whose decoder gives up."""
    return PhotoError(f"'{path}' is damaged or cut off", "copy or download the photo again")


def too_deep(path: Path) -> PhotoError:
    """Return the error for a picture of 32 bits a channel: nobody knows which of its numbers is white."""
    return PhotoError(f"'{path}' stores 32 bits a channel", "save it with 8 or 16 bits a channel first")


def one_frame_hint(path: Path) -> str:
    """Return how a photo comes out of an animation or a video."""
    if path.suffix.lower() in (".webp", ".avif", ".png"):
        return f"hand in one photo; a frame can be taken out with: magick '{path}[0]' photo.png"
    return f"hand in one photo; a frame can be taken out with: ffmpeg -i '{path}' -frames:v 1 photo.png"


def is_video_head(head: bytes) -> bool:
    """Say whether a file whose first 512 bytes are `head` is a video, told from these and not from its name."""
    if _brands(head) & (_AVIF | _HEIC):
        return False
    starts = (b"\x1aE\xdf\xa3", b"FLV", b"\0\0\1\xba", b"\0\0\1\xb3", b"0&\xb2u", b"OggS")
    boxes = (b"ftyp", b"moov", b"mdat", b"wide")  # MP4 and QuickTime
    transport_stream = len(head) > 376 and head[0] == head[188] == head[376] == 0x47
    return head.startswith(starts) or head[4:8] in boxes or head[8:12] == b"AVI " or transport_stream


def _brands(head: bytes) -> set[bytes]:
    """Return the kinds that a file of ISO boxes says it is: its own and those that it is compatible with."""
    if head[4:8] != b"ftyp":
        return set()
    return {head[8:12]} | {head[i : i + 4] for i in range(16, min(int.from_bytes(head[:4], "big"), 128), 4)}


def _tiff_bits(path: Path) -> int:
    """Return the bits a channel of the first page of a classic TIFF, 0 where it does not say."""
    with path.open("rb") as file:
        order = "<" if file.read(4).startswith(b"II") else ">"
        try:
            file.seek(*struct.unpack(order + "I", file.read(4)))
            (entries,) = struct.unpack(order + "H", file.read(2))
            for _ in range(entries):
                tag, _, count, place = struct.unpack(order + "HHII", file.read(12))
                if tag == _BITS_TAG:
                    file.seek(place if count > 2 else file.tell() - 4)
                    (bits,) = struct.unpack(order + "H", file.read(2))
                    return int(bits)
        except (struct.error, OSError):
            return 0
    return 0

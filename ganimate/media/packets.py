"""XMP packets in files: the blocks that GIF and MP4 keep one in, and the one that a finished file holds.

Files are walked from block to block and never read as a whole, so that a video of gigabytes costs no memory.
Places: Adobe, XMP Specification Part 3, Storage in Files (2020).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from ganimate.errors import MarkError
from ganimate.media.provenance import PACKET_LIMIT_BYTES, Provenance, read_packet

PNG_KEYWORD = "XML:com.adobe.xmp"
_GIF_HEAD = b"!\xff\x0bXMP DataXMP"
# Readers that know no XMP take each letter for the length of a block. Wherever they land in here, they reach the end.
_GIF_TRAIL = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_MP4_UUID = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
_JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_MOST_STEPS = 3_000_000  # some seconds; a GIF of half a gigabyte has two million blocks
_STILL_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}

_KINDS = "hand in a .png, .gif, .jpg, .webp, .mp4 or .mov file, or a folder of frames"

Packet = bytes | None
Span = tuple[int, int]  # from here to there in a file


def gif_extension(packet: bytes) -> bytes:
    """Return `packet` as a block of a GIF, to stand anywhere between its header and its end."""
    return _GIF_HEAD + packet + _GIF_TRAIL


def mp4_box(packet: bytes) -> bytes:
    """Return `packet` as a box of an MP4, to be added at its end: no other box moves."""
    return struct.pack(">I4s", 24 + len(packet), b"uuid") + _MP4_UUID + packet


def read_provenance(path: Path) -> Provenance:
    """Return what a PNG, GIF, JPEG, WebP, MP4 or MOV file says of where it comes from; nothing where it has no XMP.

    Raises MarkError: no such file, another kind of file, cut off, or metadata that is none.
    """
    packet = _find_packet(path)
    try:
        return Provenance() if packet is None else read_packet(packet)
    except MarkError as error:
        raise MarkError(f"'{path}': {error.message}", error.hint) from error


def _find_packet(path: Path) -> Packet:
    if path.exists() and not path.is_file():
        raise MarkError(f"'{path}' is not a regular file", _KINDS)
    try:
        with path.open("rb") as file:
            return _reader(path, file.read(16))(_Walk(file))
    except (EOFError, struct.error) as error:
        raise MarkError(f"'{path}' is damaged or cut off", "copy or download it again") from error
    except ValueError as error:
        raise MarkError(f"'{path}' {error}") from error
    except OSError as error:
        raise MarkError(f"cannot read '{path}': {error.strerror or error}", "check name and permissions") from error


class _Walk:
    """A file that is read in small steps: neither too many nor too large ones."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MOST_STEPS

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; raises EOFError where there are fewer, ValueError where too many."""
        self._left -= 1
        if size > PACKET_LIMIT_BYTES:
            raise ValueError(f"has metadata of {size} bytes, more than {PACKET_LIMIT_BYTES}")
        if self._left < 0:
            raise ValueError("has too many parts to look through")
        taken = self._file.read(size) if size >= 0 else b""
        if len(taken) != size:
            raise EOFError
        return taken

    def go(self, place: int) -> None:
        """Go to a place of the file, be it behind its end."""
        self._file.seek(place)

    def skip(self, size: int) -> None:
        """Go on by `size` bytes."""
        self._file.seek(size, os.SEEK_CUR)

    def place(self) -> int:
        """Return where in the file we are."""
        return self._file.tell()

    def size(self) -> int:
        """Return the size of the file."""
        return os.fstat(self._file.fileno()).st_size


def _reader(path: Path, head: bytes) -> Callable[[_Walk], Packet]:
    """Return what reads a file that begins with `head`; raises MarkError."""
    readers = ((b"\x89PNG\r\n\x1a\n", _in_png), (b"\xff\xd8\xff", _in_jpeg), (b"GIF8", _in_gif))
    for start, reader in readers:
        if head.startswith(start):
            return reader
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _in_webp
    if head[4:8] == b"ftyp" and head[8:12] not in _STILL_BRANDS:
        return _in_mp4
    what = "is empty" if not head else "is of a kind that cannot be looked into"
    raise MarkError(f"'{path}' {what}", _KINDS)


def _in_png(walk: _Walk) -> Packet:
    walk.go(8)
    while True:
        size, kind = struct.unpack(">I4s", walk.take(8))
        start = walk.place()
        if kind == b"IEND":
            return None
        if kind == b"iTXt":
            keyword, _, rest = walk.take(min(size, 80)).partition(b"\0")
            if keyword.decode("latin-1") == PNG_KEYWORD:
                walk.go(start + len(keyword) + 1)
                return _png_text(walk.take(size - len(keyword) - 1)) if rest else None
        walk.go(start + size + 4)


def _png_text(body: bytes) -> bytes:
    """Return the text of an iTXt chunk from its flags on: compressed or not, two bytes, language, keyword, text."""
    text = body[2:].partition(b"\0")[2].partition(b"\0")[2]
    if body[:1] != b"\1":
        return text
    try:
        return zlib.decompressobj().decompress(text, PACKET_LIMIT_BYTES)
    except zlib.error as error:
        raise EOFError from error


def _in_jpeg(walk: _Walk) -> Packet:
    walk.go(2)
    while True:
        marker = walk.take(2)
        if marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):  # the picture's own data, or its end
            return None
        if marker[1] == 0xFF:  # filling
            walk.skip(-1)
            continue
        (size,) = struct.unpack(">H", walk.take(2))
        start = walk.place()
        if size < 2:
            raise EOFError
        if marker[1] == 0xE1 and size - 2 > len(_JPEG_HEAD) and walk.take(len(_JPEG_HEAD)) == _JPEG_HEAD:
            return walk.take(size - 2 - len(_JPEG_HEAD))
        walk.go(start + size - 2)


def _in_webp(walk: _Walk) -> Packet:
    walk.go(12)
    end = walk.size()
    while walk.place() < end:
        kind, size = struct.unpack("<4sI", walk.take(8))
        if kind == b"XMP ":
            return walk.take(size)
        walk.skip(size + size % 2)
    return None


def _in_gif(walk: _Walk) -> Packet:
    walk.go(10)
    _skip_colours(walk, walk.take(3)[0])
    while True:
        kind = walk.take(1)
        if kind == b";":
            return None
        if kind == b"!":
            label, size = walk.take(2)
            name = walk.take(size)
            start, end = _gif_blocks(walk) if size else (0, 0)
            if label == 0xFF and name == _GIF_HEAD[3:]:
                return _gif_packet(walk, start, end)
        elif kind == b",":
            _skip_colours(walk, walk.take(9)[8])
            walk.take(1)
            _gif_blocks(walk)
        else:
            raise EOFError


def _skip_colours(walk: _Walk, flags: int) -> None:
    if flags & 0x80:
        walk.skip(3 << ((flags & 7) + 1))


def _gif_blocks(walk: _Walk) -> Span:
    """Skip blocks up to the empty one that ends them; return where the first began and the empty one ended."""
    start = walk.place()
    while True:
        size = walk.take(1)[0]
        if size == 0:
            return start, walk.place()
        walk.skip(size)


def _gif_packet(walk: _Walk, start: int, end: int) -> bytes:
    walk.go(start)
    raw = walk.take(end - start)
    walk.go(end)
    return raw[: -len(_GIF_TRAIL)] if raw.endswith(_GIF_TRAIL) else raw


def _in_mp4(walk: _Walk) -> Packet:
    for kind, start, stop in _boxes(walk, 0, walk.size()):
        if kind == b"uuid" and stop - start >= 16:
            walk.go(start)
            if walk.take(16) == _MP4_UUID:
                return walk.take(stop - start - 16)
        if kind == b"moov":
            packet = _in_user_data(walk, start, stop)
            if packet is not None:
                return packet
    return None


def _in_user_data(walk: _Walk, start: int, end: int) -> Packet:
    """Return the packet in moov/udta/XMP_, where QuickTime files keep it, or None."""
    for kind, inner, stop in _boxes(walk, start, end):
        if kind == b"udta":
            for name, first, last in _boxes(walk, inner, stop):
                if name == b"XMP_":
                    walk.go(first)
                    return walk.take(last - first)
    return None


def _boxes(walk: _Walk, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each box between two places of a file."""
    while end - start >= 8:  # QuickTime ends some lists with four zero bytes
        walk.go(start)
        size, kind = struct.unpack(">I4s", walk.take(8))
        inner = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", walk.take(8))
            inner += 8
        stop = end if size == 0 else start + size
        if not inner <= stop <= end:
            raise EOFError
        yield kind, inner, stop
        start = stop

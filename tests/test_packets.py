"""Marks in files: every kind keeps one and still plays, no pixel changes, and damaged files get a sentence."""

from __future__ import annotations

import functools
import io
import os
import struct
import subprocess
import zlib
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganimate.errors import MarkError
from ganimate.media import inspect, open_writer, write_image
from ganimate.media.packets import gif_extension, mp4_box, read_provenance
from ganimate.media.provenance import PACKET_LIMIT_BYTES, SOURCE_TYPES, Mark, Provenance

MARK = Mark("default", "62952d" * 10 + "abcd", ("6=1,12=0.8",))
STILLS = ("a.png", "a.jpg", "a.webp")
FOREIGN = MARK.packet().replace(b"compositeWith", b"")


def pictures() -> list[np.ndarray]:
    ramp = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    return [np.roll(ramp, 5 * k, axis=1) for k in range(4)]


def write(path: str, mark: Mark | None, loop: bool = True) -> Path:
    if Path(path).name in STILLS:
        write_image(path, pictures()[0], mark=mark)
    else:
        with open_writer(path, 25, loop=loop, mark=mark) as writer:
            for picture in pictures():
                writer.append(picture)
    return Path(path)


def decoded(path: Path) -> bytes:
    """Return all pixels of a file, as ffmpeg sees them; fails for what it complains of."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24"]
    done = subprocess.run([*command, "-"], capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


@pytest.mark.parametrize("name", [*STILLS, "a.gif", "a.mp4"])
def test_a_mark_is_found_again_and_changes_no_pixel(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").mkdir()
    marked, plain = write(f"{tmp_path}/{name}", MARK), write(f"{tmp_path}/plain/{name}", None)
    assert read_provenance(marked).mark == MARK
    assert read_provenance(marked).synthetic
    assert read_provenance(plain) == Provenance()
    assert len(decoded(marked)) % (48 * 64 * 3) == 0
    assert decoded(marked) == decoded(plain)


def test_every_frame_of_a_folder_is_marked(tmp_path: Path) -> None:
    folder = write(f"{tmp_path}/frames/", MARK)
    found = inspect(folder)
    assert found.marked
    assert (found.frames, found.alike) == (4, 4)
    write_image(folder / "00002.png", pictures()[2], overwrite=True)
    found = inspect(folder)
    assert not found.marked
    assert (found.frames, found.alike, found.provenance.mark) == (4, 3, MARK)


@pytest.mark.parametrize("name", STILLS)
def test_pillow_reads_the_mark(tmp_path: Path, name: str) -> None:
    with Image.open(write(f"{tmp_path}/{name}", MARK)) as image:
        said = image.info["xmp"]
    assert said == MARK.packet()


@pytest.mark.parametrize("loop", [True, False])
def test_a_marked_gif_has_its_frames_and_its_loop(tmp_path: Path, loop: bool) -> None:
    with Image.open(write(f"{tmp_path}/a.gif", MARK, loop)) as image:
        assert image.info.get("loop") == (0 if loop else None)
        assert getattr(image, "n_frames", 1) == 4


def test_readers_that_know_no_xmp_get_through_a_gif_wherever_they_land() -> None:
    for length in range(300):
        block = gif_extension(b"\x01" * length)
        place = 14
        while block[place]:
            place += 1 + block[place]
        assert place == len(block) - 1


def test_a_marked_mp4_still_starts_at_once_and_players_find_the_comment(tmp_path: Path) -> None:
    path = write(f"{tmp_path}/a.mp4", MARK)
    content, kinds, place = path.read_bytes(), [], 0
    while place < len(content):
        size, kind = struct.unpack_from(">I4s", content, place)
        kinds.append(kind)
        place += size
    assert place == len(content)
    assert kinds.index(b"moov") < kinds.index(b"mdat")
    assert kinds[-1] == b"uuid"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "ffmetadata", "-"]
    told = subprocess.run(command, capture_output=True, check=True).stdout.decode().replace("\\", "")
    assert f"comment={MARK.comment}" in told


def test_a_mark_tells_no_path_and_no_time(tmp_path: Path) -> None:
    for name in (*STILLS, "a.gif", "a.mp4"):
        first = write(f"{tmp_path}/{name}", MARK).read_bytes()
        assert os.fsencode(tmp_path.name) not in first
        Path(tmp_path / name).unlink()
        assert write(f"{tmp_path}/{name}", MARK).read_bytes() == first


def box(kind: bytes, content: bytes, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def compressed_png(text: bytes) -> bytes:
    return b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(text)


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


OTHERS = {
    "quicktime.mov": box(b"ftyp", b"qt  ") + box(b"moov", box(b"mvhd", b"") + box(b"udta", box(b"XMP_", FOREIGN))),
    "large.mp4": box(b"ftyp", b"isom") + box(b"mdat", bytes(99), large=True) + mp4_box(FOREIGN),
    "late.png": png(chunk(b"IDAT", b"pixels"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + FOREIGN)),
    "compressed.png": png(chunk(b"iTXt", b"Title\0\0\0\0\0x"), chunk(b"iTXt", compressed_png(FOREIGN))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_marks_of_other_tools_are_found_where_they_keep_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(OTHERS[name])
    assert read_provenance(tmp_path / name).source_type == f"{SOURCE_TYPES}TrainedAlgorithmicMedia"


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write(f"{tmp_path}/a.png", MARK).rename(tmp_path / "a.jpg")
    assert read_provenance(path).mark == MARK


def test_a_huge_video_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    with open(tmp_path / "huge.mp4", "wb") as file:
        file.write(box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 16 + 2**33))
        file.seek(2**33, os.SEEK_CUR)  # a hole: it takes no room on disk
        file.write(mp4_box(MARK.packet()))
    assert read_provenance(tmp_path / "huge.mp4").mark == MARK


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"hello", "cannot be looked into"),
        (box(b"ftyp", b"heic\0\0\0\0"), "cannot be looked into"),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 7, b"mdat"), "damaged or cut off"),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 99, b"mdat"), "damaged or cut off"),
        (box(b"ftyp", b"isom") + mp4_box(bytes(PACKET_LIMIT_BYTES + 1)), "more than"),
        (png(chunk(b"iTXt", compressed_png(b" " * (PACKET_LIMIT_BYTES + 1)))), "damaged"),
        (b"\xff\xd8\xff\xe1\0\0", "damaged or cut off"),
        (b"GIF89a" + bytes(7) + b"?", "damaged or cut off"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(MarkError, match=sentence) as caught:
        read_provenance(tmp_path / "x")
    assert str(tmp_path / "x") in caught.value.message


def test_other_things_than_files_get_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, sentence in ((tmp_path / "none", "cannot read"), (tmp_path / "pipe", "not a regular file")):
        with pytest.raises(MarkError, match=sentence):
            inspect(path)
    with pytest.raises(MarkError, match="holds no frames"):
        inspect(tmp_path)


@functools.cache
def small_files() -> list[bytes]:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", MARK.packet().decode(), zip=True)
    files = list(OTHERS.values())
    for name, options in (("PNG", {"pnginfo": info}), ("JPEG", {"xmp": MARK.packet()}), ("WEBP", {"xmp": FOREIGN})):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, name, **options)
        files.append(buffer.getvalue())
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "GIF", comment=b"hello")
    return [*files, buffer.getvalue()[:-1] + gif_extension(MARK.packet()) + b";"]


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(small_files())))
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read_provenance(path)
    except MarkError as error:
        assert str(path) in error.message

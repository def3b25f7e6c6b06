"""Laws of pictures in and out: what is read is what was meant, results appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import io
import itertools
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from clips import png_start
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from ganimate.errors import GanimateError, OutputError, PhotoError
from ganimate.media import PIXEL_LIMIT, check_output, open_photo, open_writer, photos, read_photo, write_image
from ganimate.media import gif as gif_module
from ganimate.media.dither import ColourCounts, Dither, blue_noise_mask
from ganimate.media.photos import _as_stored
from ganimate.media.places import Place
from ganimate.media.streams import PlacedWriter
from ganimate.media.writers import FASTEST_FPS

Picture = NDArray[np.uint8]
ANIMATIONS = ("out.gif", "out.mp4", "frames/")


def smooth(height: int = 60, width: int = 80, seed: int = 0) -> Picture:
    """Return a picture without noise, that lossy formats keep."""
    small = np.random.default_rng(seed).integers(20, 236, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def moving(frames: int = 8, height: int = 96, width: int = 128) -> list[Picture]:
    """Return frames in which a soft spot moves over the middle of a gradient; the borders stand still."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    backdrop = np.stack([80 + 100 * y / height, 120 + 60 * x / width, 200 - 80 * y / height], axis=2)
    pictures = []
    for k in range(frames):
        spot = np.exp(-((y - height / 2) ** 2 + (x - width / 2 - k) ** 2) / 72)[..., None]
        spot[: height // 4] = 0
        pictures.append((backdrop * (1 - spot) + np.float32([220, 60, 70]) * spot).astype(np.uint8))
    return pictures


def write(path: Path | str, frames: list[Picture], fps: float = 25, **options: bool) -> None:
    with open_writer(path, fps, **options) as writer:
        for frame in frames:
            writer.append(frame)


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def save(path: Path, picture: Picture, **options: Any) -> Path:
    Image.fromarray(picture).save(path, **options)
    return path


def complaint(path: Path) -> PhotoError:
    """Return the error of reading `path`, after checking that it is one line and has a hint."""
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


class TestReading:
    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
    def test_lossless_formats_are_bit_equal(self, tmp_path: Path, suffix: str) -> None:
        picture = np.random.default_rng(1).integers(0, 256, (41, 37, 3), dtype=np.uint8)
        read = read_photo(save(tmp_path / f"photo.{suffix}", picture))
        assert np.array_equal(read, picture)
        assert read.flags.c_contiguous
        assert read.flags.writeable

    def test_a_jpeg_is_what_pillow_decodes(self, astronaut_path: Path, astronaut: Picture) -> None:
        assert np.array_equal(read_photo(astronaut_path), astronaut)
        assert np.array_equal(read_photo(str(astronaut_path)), astronaut)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
    def test_exif_orientation(self, tmp_path: Path, suffix: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path / f"photo.{suffix}", smooth(40, 70), exif=exif)
        with Image.open(path) as image:
            upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        assert np.array_equal(read_photo(path), upright)
        assert upright.shape[:2] == ((70, 40) if orientation > 4 else (40, 70))

    def test_impossible_orientations_are_ignored(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 77
        assert read_photo(save(tmp_path / "photo.png", smooth(), exif=exif)).shape == (60, 80, 3)

    def test_strips_meet_without_seams(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ganimate.media.photos._STRIP_PX", 700)
        exif = Image.Exif()
        exif[0x0112] = 6
        picture = np.random.default_rng(1).integers(0, 256, (50, 80, 3), dtype=np.uint8)
        path = save(tmp_path / "photo.png", picture, exif=exif)
        assert np.array_equal(read_photo(path), np.rot90(picture, -1))

    def test_transparency_is_laid_on_white(self, tmp_path: Path) -> None:
        rgba = np.zeros((40, 40, 4), np.uint8)
        rgba[..., 0] = 200
        rgba[:10, :, 3], rgba[10:20, :, 3], rgba[20:, :, 3] = 0, 128, 255
        read = read_photo(save(tmp_path / "photo.png", rgba))
        assert read[5, 5].tolist() == [255, 255, 255]
        assert read[15, 15].tolist() == [227, 127, 127]
        assert read[30, 30].tolist() == [200, 0, 0]

    def test_alpha_comes_back_in_png_and_webp_and_colours_with_it(self, tmp_path: Path) -> None:
        rgba = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
        rgba[..., 3] |= 64  # of what is hardly seen, colours are not kept
        photo = open_photo(save(tmp_path / "photo.png", rgba))
        assert photo.alpha is not None and np.array_equal(photo.alpha, rgba[..., 3])
        for name in ("again.png", "again.jpg"):
            write_image(tmp_path / name, photo.image, alpha=photo.alpha)
        with Image.open(tmp_path / "again.png") as again:
            assert np.abs(np.array(again).astype(int) - rgba).max() <= 2
        assert np.array_equal(read_photo(tmp_path / "again.png"), photo.image)
        assert open_photo(tmp_path / "again.jpg").alpha is None

    def test_transparent_grey_and_palette(self, tmp_path: Path) -> None:
        Image.new("LA", (40, 40), (90, 0)).save(tmp_path / "grey.png")
        assert (read_photo(tmp_path / "grey.png") == 255).all()
        palette = Image.new("P", (40, 40), 1)
        palette.putpalette([10, 20, 30, 40, 50, 60])
        palette.paste(0, (0, 0, 40, 20))
        palette.save(tmp_path / "palette.png", transparency=0)
        palette.save(tmp_path / "palette.gif", transparency=0)
        for name in ("palette.png", "palette.gif"):
            read = read_photo(tmp_path / name)
            assert read[5, 5].tolist() == [255, 255, 255]
            assert read[30, 30].tolist() == [40, 50, 60]

    def test_grey_and_black_and_white(self, tmp_path: Path) -> None:
        grey = smooth()[..., 0]
        assert np.array_equal(read_photo(save(tmp_path / "grey.png", grey)), np.repeat(grey[..., None], 3, axis=2))
        Image.new("1", (40, 40), 1).save(tmp_path / "bilevel.png")
        assert (read_photo(tmp_path / "bilevel.png") == 255).all()

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_sixteen_bits_are_scaled_not_clipped(self, tmp_path: Path, suffix: str) -> None:
        ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (40, 1))
        path = save(tmp_path / f"deep.{suffix}", ramp)
        assert np.array_equal(read_photo(path)[0, :, 0], np.arange(256))

    def test_sixteen_bit_colour(self, tmp_path: Path) -> None:
        ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16)[None, :, None], (40, 1, 3))
        cv2.imwrite(str(tmp_path / "deep.png"), ramp)
        read = read_photo(tmp_path / "deep.png")
        assert np.abs(read[0].astype(int) - np.arange(256)[:, None]).max() <= 1

    def test_cmyk(self, tmp_path: Path) -> None:
        Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=95)
        red, green, blue = read_photo(tmp_path / "print.jpg")[20, 20].tolist()
        assert red > 245
        assert max(green, blue) < 10

    def test_srgb_profiles_change_nothing_and_broken_ones_are_ignored(self, tmp_path: Path) -> None:
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        for profile in (srgb, b"nonsense"):
            path = save(tmp_path / "photo.png", smooth(), icc_profile=profile)
            assert np.array_equal(read_photo(path), smooth())

    def test_other_profiles_are_converted_to_srgb(self, tmp_path: Path) -> None:
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        path = save(tmp_path / "photo.png", smooth(), icc_profile=lab)
        read = read_photo(path)
        assert read.shape == (60, 80, 3)

    def test_a_camera_file_with_a_preview_is_one_photo(self, tmp_path: Path) -> None:
        photo, preview = Image.fromarray(smooth()), Image.fromarray(smooth(40, 40))
        photo.save(tmp_path / "photo.jpg", format="MPO", save_all=True, append_images=[preview])
        assert read_photo(tmp_path / "photo.jpg").shape == (60, 80, 3)

    def test_the_caller_may_write_and_delete(self, tmp_path: Path) -> None:
        path = save(tmp_path / "photo.png", smooth())
        read_photo(path)[:] = 0
        path.unlink()

    def test_memory_of_a_large_photo(self, tmp_path: Path) -> None:
        path = save(tmp_path / "photo.jpg", cv2.resize(smooth(), (6000, 4000)), exif=_turned())
        code = (
            "import resource, sys; from ganimate.media import read_photo\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "shape = read_photo(sys.argv[1]).shape\n"
            "print(shape, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
        )
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        shape, _, mib = done.stdout.strip().rpartition(" ")
        assert shape == "(6000, 4000, 3)"
        assert int(mib) < 230  # 72 MB the result, 96 MB Pillow's own copy, and a strip


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 8
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_views_are_views(orientation: int) -> None:
    upright = np.zeros((7, 9, 3), np.uint8)
    assert np.shares_memory(_as_stored(upright, orientation), upright)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


class TestRefusing:
    def test_missing(self, tmp_path: Path) -> None:
        assert "does not exist" in complaint(tmp_path / "photo.jpg").message
        assert "does not exist" in complaint(tmp_path / "no" / "photo.jpg").message

    def test_folder(self, tmp_path: Path) -> None:
        assert "is a folder" in complaint(tmp_path).message
        assert "ganimate batch" in str(complaint(tmp_path).hint)

    def test_what_is_no_regular_file_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "photo.jpg")
        assert "not a regular file" in complaint(tmp_path / "photo.jpg").message

    def test_text_renamed(self, tmp_path: Path) -> None:
        (tmp_path / "photo.jpg").write_text("no picture at all\n" * 20)
        assert "not a picture" in complaint(tmp_path / "photo.jpg").message

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "photo.jpg").touch()
        assert "empty" in complaint(tmp_path / "photo.jpg").message

    def test_not_allowed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = save(tmp_path / "photo.png", smooth())

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Image, "open", refuse)
        assert "Permission denied" in complaint(path).message

    @pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95])
    @pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
    def test_truncated_jpeg(self, tmp_path: Path, astronaut: Picture, options: dict[str, bool], kept: float) -> None:
        path = save(tmp_path / "photo.jpg", astronaut, **options)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
        assert "damaged" in complaint(path).message

    @pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
    @pytest.mark.parametrize("missing", [1, 2])
    def test_a_jpeg_without_its_end_is_read_and_told(
        self, tmp_path: Path, astronaut: Picture, options: dict[str, bool], missing: int
    ) -> None:
        path = save(tmp_path / "photo.jpg", astronaut, **options)
        whole = read_photo(path)
        path.write_bytes(path.read_bytes()[:-missing])
        photo = open_photo(path)
        assert np.array_equal(photo.image, whole)
        assert "lacks its end" in photo.notes[0]

    @pytest.mark.parametrize("suffix", ["png", "webp", "tif", "gif"])
    def test_truncated_others(self, tmp_path: Path, astronaut: Picture, suffix: str) -> None:
        path = save(tmp_path / f"photo.{suffix}", astronaut)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "damaged" in complaint(path).message

    @pytest.mark.parametrize("side", [(1, 1), (31, 200), (200, 31)])
    def test_too_small(self, tmp_path: Path, side: tuple[int, int]) -> None:
        assert "only" in complaint(save(tmp_path / "photo.png", smooth(*side))).message

    @pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
    def test_animations(self, tmp_path: Path, suffix: str) -> None:
        first, *others = (Image.fromarray(frame) for frame in moving(3))
        path = tmp_path / f"photo.{suffix}"
        first.save(path, save_all=True, append_images=others)
        error = complaint(path)
        assert "is an animation with 3 frames" in error.message
        assert "one photo" in (error.hint or "")

    def test_one_frame_is_no_animation(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.gif"
        write(path, moving(1))
        assert read_photo(path).shape == (96, 128, 3)

    def test_pages(self, tmp_path: Path) -> None:
        first, *others = (Image.fromarray(frame) for frame in moving(2))
        first.save(tmp_path / "scan.tif", save_all=True, append_images=others)
        assert "2 pages" in complaint(tmp_path / "scan.tif").message

    @pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4"])
    def test_video(self, tmp_path: Path, name: str) -> None:
        write(tmp_path / "clip.mp4", moving(3))
        error = complaint((tmp_path / "clip.mp4").rename(tmp_path / name))
        assert "is a video" in error.message
        assert "ffmpeg" in (error.hint or "")

    @pytest.mark.parametrize(
        "head",
        [
            b"\x1aE\xdf\xa3" + bytes(60),
            b"RIFF\0\0\0\0AVI LIST" + bytes(60),
            b"\0\0\0\x14ftypqt  " + bytes(60),
            (b"G" + bytes(187)) * 3,
        ],
        ids=["mkv", "avi", "mov", "ts"],
    )
    def test_other_videos(self, tmp_path: Path, head: bytes) -> None:
        (tmp_path / "clip.bin").write_bytes(head)
        assert "is a video" in complaint(tmp_path / "clip.bin").message

    @pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"msf1\0\0\0\0hevc"])
    def test_heic(self, tmp_path: Path, brands: bytes) -> None:
        (tmp_path / "photo.heic").write_bytes(box(b"ftyp", brands) + bytes(200))
        error = complaint(tmp_path / "photo.heic")
        if importlib.util.find_spec("pillow_heif") is None:
            assert "is a HEIC photo, for which a decoder is missing" in error.message
            assert "pip install pillow-heif" in (error.hint or "") and "JPEG" in (error.hint or "")
        else:
            assert "damaged" in error.message

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_heic_with_pillow_heif(self, tmp_path: Path, astronaut: Picture, orientation: int) -> None:
        pytest.importorskip("pillow_heif").register_heif_opener()
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = np.rot90(astronaut) if orientation == 6 else astronaut
        Image.fromarray(turned).save(tmp_path / "me.heic", quality=95, exif=exif.tobytes())
        read = read_photo(tmp_path / "me.heic")
        assert np.abs(read.astype(int) - astronaut).mean() < 3

    @pytest.mark.parametrize("head", [b"\xff\x0a\xfa\x7f", b"\0\0\0\x0cJXL \r\n\x87\n"])
    def test_jpeg_xl(self, tmp_path: Path, head: bytes) -> None:
        (tmp_path / "photo.jxl").write_bytes(head + bytes(200))
        error = complaint(tmp_path / "photo.jxl")
        assert "is a JPEG XL photo, which is not supported" in error.message
        assert "djxl" in (error.hint or "")

    def test_bombs(self, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
        before = Image.MAX_IMAGE_PIXELS
        (tmp_path / "bomb.png").write_bytes(png_start(40_000, 30_000))
        error = complaint(tmp_path / "bomb.png")
        assert "40000×30000" in error.message
        assert f"{PIXEL_LIMIT // 1_000_000} megapixels" in error.message
        assert capfd.readouterr() == ("", "")
        assert not recwarn.list
        assert before == Image.MAX_IMAGE_PIXELS

    def test_large_photos_below_the_limit_are_decoded(self, tmp_path: Path) -> None:
        # above Pillow's own limit, and cut off after the header
        (tmp_path / "large.png").write_bytes(png_start(19_000, 10_000) + bytes(4_000_000))
        assert "damaged" in complaint(tmp_path / "large.png").message

    @pytest.mark.parametrize(("width", "height"), [(14_142, 14_142), (6_000, 5_001)])
    def test_huge_pictures_in_small_files(self, tmp_path: Path, width: int, height: int) -> None:
        Image.new("L", (width, height), 90).save(tmp_path / "empty.png", compress_level=9)
        error = complaint(tmp_path / "empty.png")
        assert f"{width}×{height} px in a file of only" in error.message
        assert "30 megapixels" in (error.hint or "")

    def test_thirty_megapixels_of_one_colour_are_a_picture(self, tmp_path: Path) -> None:
        Image.new("1", (6_000, 5_000), 1).save(tmp_path / "white.png")
        assert read_photo(tmp_path / "white.png").shape == (5_000, 6_000, 3)

    def test_a_chunk_that_claims_gigabytes_costs_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = io.BytesIO()
        Image.fromarray(smooth(40, 40)).save(stream, "PNG")
        data = bytearray(stream.getvalue())
        at = data.index(b"IDAT") - 4
        data[at : at + 4] = struct.pack(">I", 2**32 - 1)
        (tmp_path / "odd.png").write_bytes(data)
        asked: list[int] = []
        modest = photos._ModestFile.read

        def read(file: photos._ModestFile, size: int = -1) -> bytes:
            asked.append(size)
            return modest(file, size)

        monkeypatch.setattr(photos._ModestFile, "read", read)
        tracemalloc.start()
        with contextlib.suppress(PhotoError):
            read_photo(tmp_path / "odd.png")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert max(asked) > 10**9  # what Pillow asks for; without our file it would get the memory for it
        assert peak < 10**7

    def test_libraries_do_not_tell_of_damage_themselves(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        stream = io.BytesIO()
        Image.fromarray(smooth(40, 40)).save(stream, "TIFF", compression="tiff_lzw")
        for place in range(8, len(stream.getvalue()) - 200, 40):
            data = bytearray(stream.getvalue())
            data[place : place + 20] = b"\xff" * 20
            (tmp_path / "odd.tif").write_bytes(data)
            with contextlib.suppress(PhotoError):
                read_photo(tmp_path / "odd.tif")
        assert capfd.readouterr() == ("", "")
        os.write(2, b"heard again")
        assert capfd.readouterr().err == "heard again"

    def test_thirty_two_bits(self, tmp_path: Path) -> None:
        Image.new("F", (40, 40), 0.5).save(tmp_path / "photo.tif")
        assert "32 bits" in complaint(tmp_path / "photo.tif").message
        assert cv2.imwrite(str(tmp_path / "colour.tif"), np.full((40, 40, 3), 0.5, np.float32))
        assert "32 bits" in complaint(tmp_path / "colour.tif").message

    @settings(max_examples=150, deadline=None)
    @given(data=st.data())
    def test_damage_gives_a_picture_or_a_sentence(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        content = bytearray(data.draw(st.sampled_from(_small_files())))
        for _ in range(data.draw(st.integers(0, 6))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.getbasetemp() / "damaged.bin"
        path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
        try:
            read = read_photo(path)
        except PhotoError as error:
            assert error.hint
        else:
            assert read.dtype == np.uint8
            assert read.ndim == 3


def _small_files() -> list[bytes]:
    files = []
    for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM"):
        buffer = io.BytesIO()
        Image.fromarray(smooth(40, 40)).save(buffer, name)
        files.append(buffer.getvalue())
    return files


def gif_frames(path: Path) -> tuple[list[Picture], list[int]]:
    """Return the frames of a GIF and their durations in ms."""
    pictures, durations = [], []
    with Image.open(path) as image:
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            pictures.append(np.array(image.convert("RGB")))
            durations.append(image.info["duration"])
    return pictures, durations


class TestGif:
    def test_still_pixels_are_equal_in_all_frames(self, tmp_path: Path) -> None:
        frames = moving(12)
        write(tmp_path / "out.gif", frames)
        written, _ = gif_frames(tmp_path / "out.gif")
        for (a, b), (shown_a, shown_b) in zip(itertools.pairwise(frames), itertools.pairwise(written), strict=True):
            still = (a == b).all(axis=2)
            assert still.any()
            assert np.array_equal(shown_a[still], shown_b[still])

    def test_a_frame_that_comes_back_is_the_same(self, tmp_path: Path) -> None:
        frames = moving(4)
        write(tmp_path / "out.gif", [*frames, *frames[::-1]])
        written, _ = gif_frames(tmp_path / "out.gif")
        assert np.array_equal(written[0], written[-1])

    def test_gradients_are_kept(self, tmp_path: Path) -> None:
        frames = moving(6)
        write(tmp_path / "out.gif", frames)
        written, _ = gif_frames(tmp_path / "out.gif")
        for frame, shown in zip(frames, written, strict=True):
            seen = [cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2) for picture in (frame, shown)]
            assert np.abs(seen[0] - seen[1]).mean() < 1.0
            assert np.abs(seen[0] - seen[1]).max() < 8.0

    def test_few_colours_are_exact(self, tmp_path: Path) -> None:
        frame = np.zeros((40, 40, 3), np.uint8)
        frame[:10], frame[10:20] = 255, (254, 0, 0)
        write(tmp_path / "out.gif", [frame])
        (written,), _ = gif_frames(tmp_path / "out.gif")
        assert np.abs(written.astype(int) - frame).max() <= 1
        assert (written[:10] == 255).all()
        assert (written[20:] == 0).all()

    def test_one_palette_for_all(self, tmp_path: Path) -> None:
        write(tmp_path / "out.gif", moving(5))
        colours = {tuple(colour) for frame in gif_frames(tmp_path / "out.gif")[0] for colour in frame.reshape(-1, 3)}
        assert len(colours) <= 255

    def test_what_appears_late_has_its_colour(self, tmp_path: Path) -> None:
        frames = moving(20)
        frames[-1][50:60, 50:60] = (0, 255, 0)
        write(tmp_path / "out.gif", frames)
        last = gif_frames(tmp_path / "out.gif")[0][-1]
        assert np.abs(last[52:58, 52:58].astype(int) - (0, 255, 0)).max() <= 8

    @pytest.mark.parametrize("fps", [10, 12.5, 23.976, 24, 25, 29.97, 30, 50])
    def test_the_clock_does_not_drift(self, tmp_path: Path, fps: float) -> None:
        count = 31
        write(tmp_path / "out.gif", [np.full((32, 32, 3), 4 * k, np.uint8) for k in range(count)], fps)
        _, durations = gif_frames(tmp_path / "out.gif")
        assert len(durations) == count
        assert max(durations) - min(durations) <= 10
        ends = np.cumsum(durations)
        assert np.abs(ends - np.arange(1, count + 1) * 1000 / fps).max() <= 5.001

    def test_thirty_fps(self, tmp_path: Path) -> None:
        write(tmp_path / "out.gif", moving(6), 30)
        assert sorted(gif_frames(tmp_path / "out.gif")[1]) == [30, 30, 30, 30, 40, 40]

    def test_a_held_frame_lengthens_the_one_before(self, tmp_path: Path) -> None:
        first, second = moving(2)
        write(tmp_path / "out.gif", [first, first, second, second, second], 10)
        assert gif_frames(tmp_path / "out.gif")[1] == [200, 300]

    def test_a_hold_longer_than_a_delay_can_be(self, tmp_path: Path) -> None:
        write(tmp_path / "out.gif", [smooth()] * 70, 0.1)
        pictures, durations = gif_frames(tmp_path / "out.gif")
        assert sum(durations) == 700_000
        assert all(np.array_equal(picture, pictures[0]) for picture in pictures)

    @pytest.mark.parametrize("loop", [True, False])
    def test_loops_forever_or_plays_once(self, tmp_path: Path, loop: bool) -> None:
        write(tmp_path / "out.gif", moving(2), loop=loop)
        with Image.open(tmp_path / "out.gif") as image:
            assert image.info.get("loop") == (0 if loop else None)

    def test_too_fast(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="60 frames a second"):
            open_writer(tmp_path / "out.gif", 60)

    def test_too_large(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="too large"):
            write(tmp_path / "out.gif", [np.zeros((1, 70_000, 3), np.uint8)])
        assert everything_in(tmp_path) == []

    def test_work_in_strips_changes_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "whole.gif", moving(3))
        monkeypatch.setattr(gif_module, "_STRIP_PX", 500)
        write(tmp_path / "strips.gif", moving(3))
        assert (tmp_path / "whole.gif").read_bytes() == (tmp_path / "strips.gif").read_bytes()

    def test_the_same_frames_give_the_same_file(self, tmp_path: Path) -> None:
        write(tmp_path / "a.gif", moving(3))
        write(tmp_path / "b.gif", moving(3))
        assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


class TestDither:
    def test_the_mask_is_even_and_without_clusters(self) -> None:
        mask = blue_noise_mask()
        counts = np.bincount(mask.ravel(), minlength=255)
        assert counts.min() >= 16
        assert counts.max() <= 17
        spectrum = np.abs(np.fft.fft2(mask - mask.mean())) ** 2
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
        low = spectrum[(frequency > 0) & (frequency < 0.15)].mean()
        assert low < 0.1 * spectrum[frequency > 0.3].mean()

    def test_an_index_depends_on_colour_and_place_only(self) -> None:
        picture = smooth(80, 90)
        counts = ColourCounts()
        counts.add_first([picture])
        dither = Dither(counts.palette(), counts.cells())
        whole = dither.indices(picture, 0, 0)
        assert np.array_equal(dither.indices(picture[13:70, 21:88], 13, 21), whole[13:70, 21:88])

    def test_a_grey_between_two_colours_is_their_mixture(self) -> None:
        grey = np.full((64, 64, 3), 100, np.uint8)
        counts = ColourCounts()
        counts.add_first([grey])
        palette = np.array([[80, 80, 80], [120, 120, 120]], np.uint8)
        shown = palette[Dither(palette, counts.cells()).indices(grey, 0, 0)]
        assert abs(shown.mean() - 100) < 1.5


def mp4_frames(path: Path) -> tuple[list[Picture], dict[str, Any]]:
    reader = imageio_ffmpeg.read_frames(path)
    facts = next(reader)
    width, height = facts["size"]
    return [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader], facts


def ffmpeg_says(path: Path) -> str:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


class TestMp4:
    def test_plays_everywhere(self, tmp_path: Path) -> None:
        write(tmp_path / "out.mp4", moving(10), 30)
        description = ffmpeg_says(tmp_path / "out.mp4")
        for fact in ("h264 (High)", "yuv420p(tv, bt709", "128x96", "30 fps"):
            assert fact in description
        content = (tmp_path / "out.mp4").read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")  # plays before it is loaded

    @pytest.mark.parametrize("large", [False, True], ids=["usual", "lean"])
    def test_frames_and_colours_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
        if large:
            monkeypatch.setattr("ganimate.media.mp4._LARGE_FRAME_PX", 100)
        frames = moving(12)
        write(tmp_path / "out.mp4", frames)
        written, _ = mp4_frames(tmp_path / "out.mp4")
        assert len(written) == len(frames)
        for frame, shown in zip(frames, written, strict=True):
            assert np.abs(frame.astype(int) - shown).mean() < 3
        assert np.abs(frames[0][:20].astype(int) - written[0][:20]).mean(axis=(0, 1)).max() < 2.5

    @pytest.mark.parametrize("size", [(65, 80), (64, 81), (65, 81)])
    def test_odd_sizes_repeat_the_last_row_and_column(self, tmp_path: Path, size: tuple[int, int]) -> None:
        frame = smooth(*size)
        write(tmp_path / "out.mp4", [frame] * 3)
        written, facts = mp4_frames(tmp_path / "out.mp4")
        assert facts["size"] == (size[1] + size[1] % 2, size[0] + size[0] % 2)
        assert np.abs(frame.astype(int) - written[0][: size[0], : size[1]]).mean() < 5

    @pytest.mark.parametrize("fps", [23.976, 12.5, 60])
    def test_fps(self, tmp_path: Path, fps: float) -> None:
        write(tmp_path / "out.mp4", moving(6), fps)
        _, facts = mp4_frames(tmp_path / "out.mp4")
        assert facts["fps"] == pytest.approx(fps, abs=0.011)

    def test_one_frame(self, tmp_path: Path) -> None:
        write(tmp_path / "out.mp4", moving(1))
        assert len(mp4_frames(tmp_path / "out.mp4")[0]) == 1

    def test_too_large(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="16384 px"):
            write(tmp_path / "out.mp4", [np.zeros((2, 16_386, 3), np.uint8)])
        assert everything_in(tmp_path) == []

    def test_a_name_that_looks_like_an_option(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write("-i:%d.mp4", moving(2))
        assert everything_in(tmp_path) == ["-i:%d.mp4"]

    def test_what_ffmpeg_says_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ganimate.media.mp4._USUAL_ENCODING", ("-crf", "best"))
        with pytest.raises(OutputError, match="ffmpeg could not write") as caught:
            write(tmp_path / "out.mp4", moving(60))
        assert "\n" not in caught.value.message
        assert everything_in(tmp_path) == []

    def test_ffmpeg_that_dies(self, tmp_path: Path, children: list[subprocess.Popen[bytes]]) -> None:
        with pytest.raises(OutputError, match="ffmpeg could not"), open_writer(tmp_path / "out.mp4", 25) as writer:
            for k, frame in enumerate(moving(200)):
                writer.append(frame)
                if k == 3:
                    children[0].kill()
        assert everything_in(tmp_path) == []

    def test_no_ffmpeg(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> str:
            raise RuntimeError("No ffmpeg exe could be found")

        monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
        with pytest.raises(GanimateError, match="ffmpeg") as caught:
            open_writer(tmp_path / "out.mp4", 25)
        assert caught.value.hint


class TestFolder:
    def test_frames_are_bit_equal(self, tmp_path: Path) -> None:
        frames = moving(11)
        write(str(tmp_path / "frames"), frames)
        assert everything_in(tmp_path) == ["frames", *(f"frames/{k:05d}.png" for k in range(11))]
        for k, frame in enumerate(frames):
            assert np.array_equal(read_photo(tmp_path / "frames" / f"{k:05d}.png"), frame)

    def test_a_slash_makes_a_folder_of_any_name(self, tmp_path: Path) -> None:
        write(f"{tmp_path}/take.2/", moving(1))
        assert everything_in(tmp_path) == ["take.2", "take.2/00000.png"]

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        (tmp_path / "frames").mkdir()
        write(tmp_path / "frames", moving(1))
        assert everything_in(tmp_path) == ["frames", "frames/00000.png"]

    def test_overwriting_replaces_all_frames(self, tmp_path: Path) -> None:
        write(tmp_path / "frames", moving(5))
        with pytest.raises(OutputError, match="already exists"):
            write(tmp_path / "frames", moving(2))
        write(tmp_path / "frames", moving(2), overwrite=True)
        assert everything_in(tmp_path) == ["frames", "frames/00000.png", "frames/00001.png"]

    @pytest.mark.parametrize("other", ["notes.txt", "1.png", "00001.png/", ".hidden"])
    def test_overwriting_spares_everything_else(self, tmp_path: Path, other: str) -> None:
        write(tmp_path / "frames", moving(1))
        (tmp_path / "frames" / other).mkdir() if other.endswith("/") else (tmp_path / "frames" / other).touch()
        before = everything_in(tmp_path)
        with pytest.raises(OutputError, match="other files than frames"):
            open_writer(tmp_path / "frames", 25, overwrite=True)
        assert everything_in(tmp_path) == before

    def test_old_frames_come_back_if_the_move_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "frames", moving(2))
        rename = os.rename

        def fail_second(source: Path, target: Path) -> None:
            if str(source).endswith(".part"):
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "rename", fail_second)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "frames", moving(5), overwrite=True)
        assert everything_in(tmp_path) == ["frames", "frames/00000.png", "frames/00001.png"]


class TestStills:
    def test_png_is_lossless(self, tmp_path: Path) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        write_image(tmp_path / "still.png", picture)
        assert np.array_equal(read_photo(tmp_path / "still.png"), picture)
        write_image(tmp_path / "grey.png", picture[..., 0])
        assert np.array_equal(read_photo(tmp_path / "grey.png")[..., 1], picture[..., 0])

    @pytest.mark.parametrize("name", ["still.jpg", "still.JPEG", "still.webp"])
    def test_lossy_formats_are_close(self, tmp_path: Path, name: str) -> None:
        write_image(tmp_path / name, smooth()[::-1])
        assert np.abs(read_photo(tmp_path / name).astype(int) - smooth()[::-1]).mean() < 2

    def test_never_without_permission(self, tmp_path: Path) -> None:
        write_image(tmp_path / "still.png", smooth())
        with pytest.raises(OutputError, match="already exists") as caught:
            write_image(tmp_path / "still.png", smooth(seed=1))
        assert "--force" in (caught.value.hint or "")
        write_image(tmp_path / "still.png", smooth(seed=1), overwrite=True)
        assert np.array_equal(read_photo(tmp_path / "still.png"), smooth(seed=1))
        assert everything_in(tmp_path) == ["still.png"]

    def test_limits_of_formats(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="16383"):
            write_image(tmp_path / "still.webp", np.zeros((2, 17_000), np.uint8))
        assert everything_in(tmp_path) == []

    @pytest.mark.parametrize(
        "array", [np.zeros((40, 40, 3)), np.zeros((40, 40, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
    )
    def test_other_arrays_are_a_mistake_of_the_caller(self, tmp_path: Path, array: Picture) -> None:
        with pytest.raises(ValueError, match="uint8 RGB"):
            write_image(tmp_path / "still.png", array)
        with pytest.raises(ValueError, match="uint8 RGB"), open_writer(tmp_path / "out.gif", 25) as writer:
            writer.append(array)
        assert everything_in(tmp_path) == []


class TestPlaces:
    @pytest.mark.parametrize("path", ["out.gif", "out.MP4", "frames", "frames.v2/", ".hidden"])
    def test_good_places_leave_no_trace(self, tmp_path: Path, path: str) -> None:
        check_output(f"{tmp_path}/{path}")
        assert everything_in(tmp_path) == []

    @pytest.mark.parametrize("path", ["out.avi", "out.png", "smile.v2"])
    def test_unknown_suffix(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(OutputError, match=path) as caught:
            check_output(tmp_path / path)
        assert ".gif" in (caught.value.hint or "")
        assert ".mp4" in (caught.value.hint or "")

    @pytest.mark.parametrize("path", ["still.gif", "still", "still/"])
    def test_unknown_suffix_of_a_still(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(OutputError, match="still picture") as caught:
            check_output(f"{tmp_path}/{path}", kind="still")
        assert ".webp" in (caught.value.hint or "")

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_missing_parent(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(OutputError, match="does not exist"):
            check_output(f"{tmp_path}/missing/{path}")

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_parent_is_a_file(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="is not a folder"):
            check_output(f"{tmp_path}/file/{path}")
        with pytest.raises(OutputError, match=r"does not exist|is not a folder"):
            check_output(f"{tmp_path}/file/deeper/{path}")

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_places_where_not_even_root_may_write(self, path: str) -> None:
        with pytest.raises(OutputError, match=r"cannot write|no permission"):
            check_output(f"/proc/{path}")

    @pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, number: int) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(OutputError, match="no permission to write") as caught:
            open_writer(f"{tmp_path}/{path}", 25)
        assert caught.value.hint

    def test_taken(self, tmp_path: Path) -> None:
        (tmp_path / "out.gif").write_bytes(b"precious")
        with pytest.raises(OutputError, match="already exists") as caught:
            check_output(tmp_path / "out.gif")
        assert "--force" in (caught.value.hint or "")
        check_output(tmp_path / "out.gif", overwrite=True)
        assert (tmp_path / "out.gif").read_bytes() == b"precious"

    def test_a_folder_is_never_replaced_by_a_file_or_the_other_way_round(self, tmp_path: Path) -> None:
        (tmp_path / "out.gif").mkdir()
        (tmp_path / "frames").touch()
        with pytest.raises(OutputError, match="is a folder"):
            check_output(tmp_path / "out.gif", overwrite=True)
        with pytest.raises(OutputError, match="is not a folder"):
            check_output(tmp_path / "frames", overwrite=True)

    def test_a_device_is_not_replaced(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "out.gif")
        with pytest.raises(OutputError, match="not a regular file"):
            check_output(tmp_path / "out.gif", overwrite=True)

    def test_links_are_written_through(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link.png").symlink_to(tmp_path / "real" / "still.png")
        write_image(tmp_path / "link.png", smooth())
        assert (tmp_path / "link.png").is_symlink()
        assert everything_in(tmp_path / "real") == ["still.png"]

    def test_long_names(self, tmp_path: Path) -> None:
        write(tmp_path / ("n" * 250 + ".gif"), moving(2))
        with pytest.raises(OutputError, match="too long"):
            check_output(tmp_path / ("n" * 300 + ".gif"))

    def test_permissions_follow_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            for name in ("out.gif", "out.mp4"):
                write(tmp_path / name, moving(2))
                assert (tmp_path / name).stat().st_mode & 0o777 == 0o640
        finally:
            os.umask(before)

    @pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), FASTEST_FPS + 1])
    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_impossible_fps(self, tmp_path: Path, path: str, fps: float) -> None:
        with pytest.raises(OutputError, match="frames a second"):
            open_writer(f"{tmp_path}/{path}", fps)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The child processes that a test starts; afterwards all must have ended."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    yield started
    assert all(child.returncode is not None for child in started)


def processes_about(folder: Path) -> list[str]:
    """Return the command lines of all running processes that name `folder`."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line]


class TestFullDisk:
    """The device /dev/full, which has no space left, takes the place of the file that is being written."""

    FULL = Path("/dev/full")

    def check(self, folder: Path, error: pytest.ExceptionInfo[OutputError]) -> None:
        assert "\n" not in error.value.message
        assert "free some space" in (error.value.hint or "")
        assert everything_in(folder) == []

    def open_full(self, *_: object, **__: object) -> IO[bytes]:
        return open(self.FULL, "w+b")

    def test_mp4(self, tmp_path: Path, children: list[subprocess.Popen[bytes]]) -> None:
        writer = open_writer(tmp_path / "out.mp4", 25)
        assert isinstance(writer, PlacedWriter)
        with pytest.raises(OutputError, match="disk full") as error, writer:
            writer.place.temporary.symlink_to(self.FULL)
            for frame in moving(60):
                writer.append(frame)
        self.check(tmp_path, error)
        assert len(children) == 1

    def test_png_folder(self, tmp_path: Path) -> None:
        writer = open_writer(tmp_path / "frames", 25)
        assert isinstance(writer, PlacedWriter)
        with pytest.raises(OutputError, match="disk full") as error, writer:
            writer.append(smooth())
            (writer.place.temporary / "00001.png").symlink_to(self.FULL)
            writer.append(smooth())
        self.check(tmp_path, error)

    def test_gif_while_frames_come_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "TemporaryFile", self.open_full)
        with pytest.raises(OutputError, match="disk full") as error:
            write(tmp_path / "out.gif", moving(3))
        self.check(tmp_path, error)

    def test_gif_at_the_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with (
            pytest.raises(OutputError, match="disk full") as error,
            open_writer(tmp_path / "out.gif", 25) as writer,
        ):
            writer.append(smooth())
            monkeypatch.setattr(Path, "open", self.open_full)
        self.check(tmp_path, error)

    def test_still(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Place, "check", lambda _: None)
        monkeypatch.setattr(Path, "open", self.open_full)
        with pytest.raises(OutputError, match="disk full") as error:
            write_image(tmp_path / "still.jpg", smooth())
        self.check(tmp_path, error)


class TestAllOrNothing:
    @pytest.mark.parametrize("path", ANIMATIONS)
    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_exceptions_leave_nothing(
        self,
        tmp_path: Path,
        children: list[subprocess.Popen[bytes]],
        path: str,
        error: type[BaseException],
    ) -> None:
        with pytest.raises(error), open_writer(f"{tmp_path}/{path}", 25) as writer:
            for frame in moving(5):
                writer.append(frame)
            raise error
        assert everything_in(tmp_path) == []
        assert len(children) == (path == "out.mp4")

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_exceptions_spare_what_was_there(self, tmp_path: Path, path: str) -> None:
        write(f"{tmp_path}/{path}", moving(2))
        before = {name: (tmp_path / name).stat() for name in everything_in(tmp_path)}
        with pytest.raises(RuntimeError), open_writer(f"{tmp_path}/{path}", 25, overwrite=True) as writer:
            writer.append(smooth())
            raise RuntimeError
        assert {name: (tmp_path / name).stat() for name in everything_in(tmp_path)} == before

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_nothing_is_to_be_seen_before_the_end(self, tmp_path: Path, path: str) -> None:
        with open_writer(f"{tmp_path}/{path}", 25) as writer:
            for frame in moving(3):
                writer.append(frame)
                assert all(name.startswith(".") for name in everything_in(tmp_path))
        assert everything_in(tmp_path)[0] == path.rstrip("/")

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_no_frames(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(OutputError, match="no frames"), open_writer(f"{tmp_path}/{path}", 25):
            pass
        assert everything_in(tmp_path) == []

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_frames_of_two_sizes_and_frames_too_late(self, tmp_path: Path, path: str) -> None:
        writer = open_writer(f"{tmp_path}/{path}", 25)
        with pytest.raises(ValueError, match="inside the writer's with block"):
            writer.append(smooth())
        with pytest.raises(ValueError, match="of one size"), writer:
            writer.append(smooth())
            writer.append(smooth(50))
        assert everything_in(tmp_path) == []

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_the_array_may_be_reused_and_be_a_view(self, tmp_path: Path, path: str) -> None:
        frames = moving(5)
        write(f"{tmp_path}/a{path}", [np.ascontiguousarray(frame[:, ::-1]) for frame in frames])
        shared = np.empty_like(frames[0])
        with open_writer(f"{tmp_path}/b{path}", 25) as writer:
            for frame in frames:
                shared[:] = frame
                writer.append(shared[:, ::-1])
        for name in everything_in(tmp_path):
            if name.startswith("a") and (tmp_path / name).is_file():
                assert (tmp_path / name).read_bytes() == (tmp_path / f"b{name[1:]}").read_bytes()

    @pytest.mark.parametrize("path", ANIMATIONS)
    def test_who_comes_second_does_not_overwrite(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(OutputError, match="already exists"), open_writer(f"{tmp_path}/{path}", 25) as slow:
            slow.append(smooth())
            write(f"{tmp_path}/{path}", moving(3))
            taken = everything_in(tmp_path)
        assert set(everything_in(tmp_path)) <= set(taken)

    def test_the_name_is_taken_in_the_last_moment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ganimate.media.places.FilePlace.check_vacant", lambda self: None)
        (tmp_path / "still.png").write_bytes(b"precious")
        with pytest.raises(OutputError, match="already exists"):
            write_image(tmp_path / "still.png", smooth())
        assert (tmp_path / "still.png").read_bytes() == b"precious"
        assert everything_in(tmp_path) == ["still.png"]

    def test_file_systems_without_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "not supported")

        monkeypatch.setattr(os, "link", refuse)
        write_image(tmp_path / "still.png", smooth())
        assert everything_in(tmp_path) == ["still.png"]

    def test_eight_processes_at_once(self, tmp_path: Path) -> None:
        code = (
            "import sys, numpy as np; from ganimate.media import open_writer\n"
            "for name in ('out.gif', 'frames'):\n"
            "    with open_writer(sys.argv[1] + '/' + name, 25, overwrite=True) as writer:\n"
            "        for k in range(9):\n"
            "            writer.append(np.full((40, 40, 3), 20 * k, np.uint8))\n"
        )
        command = [sys.executable, "-c", code, str(tmp_path)]
        running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(8)]
        complaints = [process.communicate()[1] for process in running]
        # of those that replace the same folder in the same moment all but one may have to give up, with a sentence
        assert all(not text or "OutputError" in text for text in complaints), complaints
        assert everything_in(tmp_path) == ["frames", *(f"frames/{k:05d}.png" for k in range(9)), "out.gif"]
        assert len(gif_frames(tmp_path / "out.gif")[0]) == 9

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_signals_leave_no_process_and_no_result(self, tmp_path: Path, number: signal.Signals) -> None:
        code = (
            "import sys, time, numpy as np; from ganimate.media import open_writer\n"
            "with open_writer(sys.argv[1] + '/out.mp4', 25) as writer:\n"
            "    for k in range(10_000):\n"
            "        writer.append(np.full((64, 64, 3), k % 256, np.uint8))\n"
            "        if k == 20: print('begun', flush=True)\n"
            "        time.sleep(0.01)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
        assert process.returncode != 0
        deadline = time.monotonic() + 30
        while processes_about(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes_about(tmp_path) == []
        assert not (tmp_path / "out.mp4").exists()
        if number == signal.SIGINT:  # nobody can clean up after a kill
            assert everything_in(tmp_path) == []

"""One photo in: any common still picture becomes uint8 RGB, upright; anything else gets a sentence."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from ganimate.errors import PhotoError
from ganimate.media.jpeg_ends import with_end
from ganimate.media.photo_kinds import READABLE, TIFF_HEADS, damaged, not_a_photo, one_frame_hint, too_deep

SMALLEST_SIDE_PX = 32
PIXEL_LIMIT = 200_000_000  # the largest phone sensors; 600 MB as uint8 RGB
# A small file can say that it is huge and be it, in one colour: a bomb, that costs up to 25 bytes a pixel to decode.
# What is larger than this has to be a photo also by its size: the emptiest JPEGs and AVIFs have 0.02 bytes a pixel.
BOMB_PX = 30_000_000
BOMB_PX_PER_BYTE = 50

# Named one by one: among Pillow's other formats are some that start programs (EPS) or cannot be decoded (MPEG). HEIF is
# that of pillow-heif, where this is installed.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF", "JPEG2000", "HEIF")
# Not MPO and HEIF: that is how cameras and phones store previews, depth and gain maps behind the one photo.
_ANIMATED_FORMATS = {"GIF", "PNG", "WEBP", "AVIF"}
_STRIP_PX = 1_000_000
_ORIENTATION_TAG = 0x0112
_ADDRESS = re.compile(r"(?:https?|ftp|file):[/\\]", re.IGNORECASE)  # of two slashes a path keeps one
_pillow_limit_lock = threading.Lock()
_stderr_lock = threading.Lock()
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what is wrong is told by the error, once


@dataclass(frozen=True)
class Photo:
    """A photo: `image` (H, W, 3) uint8 RGB on white, and `alpha` (H, W) uint8 where it is transparent somewhere.

    `notes` say what was wrong with its file.
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()


def read_photo(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the image of the photo at `path`, (H, W, 3) uint8 RGB, as `open_photo` reads it."""
    return open_photo(path).image


def open_photo(path: str | os.PathLike[str]) -> Photo:
    """Return the photo at `path`, its arrays contiguous and writable.

    EXIF orientation is applied, transparency is laid on white, 16 bits are scaled to 8, and an embedded colour
    profile other than sRGB (Display P3 of phones, print CMYK) is converted to sRGB. A JPEG that lacks only its end is
    read, with a note.

    Raises PhotoError: no file, no picture, damaged, an animation or a video, HEIC without pillow-heif, under 32 px a
    side, over 200 megapixels, or over 30 in a file too small to hold a photo.
    """
    path = Path(path)
    _check_file(path)
    with warnings.catch_warnings(), _libtiff_silenced(path):
        warnings.simplefilter("ignore")  # Pillow warns of metadata that does not matter here
        with _opened(path) as image:
            _check_header(path, image)
            try:
                _check_still(path, image)
                with _loaded(path, image) as (whole, notes):
                    return Photo(*_upright(whole), notes)
            except (PhotoError, MemoryError):
                raise
            except Exception as error:  # decoders fail in many ways on damaged data
                raise damaged(path) from error


@contextlib.contextmanager
def _loaded(path: Path, image: Image.Image) -> Iterator[tuple[Image.Image, tuple[str, ...]]]:
    """Give the decoded image, or the same with its end where that alone is missing, and what there is to note."""
    try:
        image.load()
    except OSError:
        mended = with_end(path.read_bytes()) if image.format == "JPEG" else None
        if mended is None:
            raise
        with Image.open(io.BytesIO(mended), formats=["JPEG"]) as whole:
            whole.load()
            yield whole, ("the file lacks its end: if it was cut off, copy it again",)
        return
    yield image, ()


def _check_file(path: Path) -> None:
    if _ADDRESS.match(str(path)):
        hint = "download the photo first, and hand in the file"
        address = re.sub(r"^(\w+):[/\\]+", r"\1://", str(path))  # a path has lost one of its slashes
        raise PhotoError(f"'{address}' is an address in the web, not a file", hint)
    try:
        os.stat(path)
    except FileNotFoundError:
        pass  # told below
    except (OSError, ValueError) as error:  # such as a name that is too long, or a folder that may not be looked into
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"cannot read '{path}': {reason}", "check the name and the permissions") from error
    if path.is_dir():
        raise PhotoError(
            f"'{path}' is a folder, not a photo",
            "hand in one picture of that folder; 'ganimate batch' animates all of them",
        )
    if not path.exists():
        raise PhotoError(f"photo '{path}' does not exist", "check the spelling and the folder")
    if not path.is_file():
        raise PhotoError(f"'{path}' is not a regular file", f"hand in a picture file ({READABLE})")


@contextlib.contextmanager
def _libtiff_silenced(path: Path) -> Iterator[None]:
    """Keep libtiff, which tells of damage on the process's stderr by itself, from doing so while the block lasts."""
    try:
        with path.open("rb") as file:
            is_tiff = file.read(4) in TIFF_HEADS
    except OSError:  # told when it is opened in earnest
        is_tiff = False
    if not is_tiff:
        yield
        return
    with _stderr_lock, contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a process without a stderr needs none of this
            kept = os.dup(2)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            stack.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
        yield


class _ModestFile(io.BufferedReader):
    """A file that is never asked for more than it has: a damaged PNG makes Pillow want 4 GB of memory for the rest."""

    def __init__(self, path: Path) -> None:
        raw = io.FileIO(path)
        super().__init__(raw)
        self._size = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return super().read(size)
        return super().read(min(size, max(self._size - self.tell(), 0)))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(_ModestFile(path))
            # Pillow's own limit is a global and lies below our own, which _check_header applies before any decoding.
            with _pillow_limit_lock:
                before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
                try:
                    image = stack.enter_context(Image.open(file, formats=formats))
                finally:
                    Image.MAX_IMAGE_PIXELS = before
        except UnidentifiedImageError as error:
            raise not_a_photo(path) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno:  # the system's errors have a number, those of decoders none
                raise PhotoError(f"cannot read '{path}': {error.strerror}", "check the file's permissions") from error
            raise damaged(path) from error
        yield image


def _check_header(path: Path, image: Image.Image) -> None:
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        raise PhotoError(
            f"'{path}' has {width}×{height} px, more than the limit of {PIXEL_LIMIT // 1_000_000} megapixels",
            "reduce the picture first",
        )
    size = path.stat().st_size
    if width * height > max(BOMB_PX, size * BOMB_PX_PER_BYTE):
        raise PhotoError(
            f"'{path}' has {width}×{height} px in a file of only {size / 1000:.0f} kB, too few for a photo",
            f"if it was cut off, copy it again; else reduce the picture to {BOMB_PX // 1_000_000} megapixels first",
        )
    if min(width, height) < SMALLEST_SIDE_PX:
        raise PhotoError(
            f"'{path}' has only {width}×{height} px", f"a photo needs {SMALLEST_SIDE_PX} px a side, a face about 100"
        )
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise too_deep(path)


def _check_still(path: Path, image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames == 1 or image.format in ("MPO", "HEIF"):
        return
    if image.format in _ANIMATED_FORMATS:
        raise PhotoError(f"'{path}' is an animation with {frames} frames, not a photo", one_frame_hint(path))
    raise PhotoError(f"'{path}' holds {frames} pages, not one photo", "save the page that you want as its own file")


def _upright(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return the loaded `image` as RGB, orientation applied, and its alpha, None where that is 255 all over.

    Converted strip by strip to keep memory low.
    """
    width, height = image.size
    orientation = _orientation(image)
    shape = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    upright = np.empty((*shape, 3), np.uint8)
    alpha = np.empty(shape, np.uint8) if image.has_transparency_data else None
    stored = _as_stored(upright, orientation)  # (height, width, 3), a view
    to_srgb = _colour_transform(image)
    rows = max(1, _STRIP_PX // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        stored[top:bottom], opacity = _strip_rgb(image.crop((0, top, width, bottom)), to_srgb)
        if alpha is not None:
            _as_stored(alpha, orientation)[top:bottom] = 255 if opacity is None else opacity
    return upright, None if alpha is None or alpha.min() == 255 else alpha


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged metadata is no reason to refuse the picture
        return 1


def _as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return the view of `upright` whose rows and columns run as in the file (EXIF orientation 1 to 8)."""
    if orientation in (2, 6):
        upright = upright[:, ::-1]
    elif orientation in (3, 7):
        upright = upright[::-1, ::-1]
    elif orientation in (4, 8):
        upright = upright[::-1]
    return upright.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else upright


def _colour_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from the image's own colour profile to sRGB, None where there is nothing to convert."""
    profile = image.info.get("icc_profile")
    mode = "CMYK" if image.mode == "CMYK" else "RGB"
    if not profile or image.mode not in ("RGB", "RGBA", "P", "CMYK"):
        return None
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):  # a broken profile or one of another colour space
        return None


def _strip_rgb(
    strip: Image.Image, to_srgb: ImageCms.ImageCmsTransform | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return a strip (h, w, 3) as RGB on white, and its alpha (h, w) where it has one."""
    if strip.mode.startswith("I"):  # 16 bits; Pillow's own conversion would clip them
        deep = np.asarray(strip).astype(np.int64)
        grey = (np.clip(deep, 0, 65535) * 255 + 32767) // 65535
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2), None
    alpha = None
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        alpha = np.asarray(strip.getchannel("A"))
    if to_srgb is None or strip.mode != "CMYK":
        strip = strip.convert("RGB")
    if to_srgb is not None:
        strip = ImageCms.applyTransform(strip, to_srgb) or strip
    rgb = np.asarray(strip)
    return (rgb, None) if alpha is None else (on_white(rgb, alpha), alpha)


def on_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours (H, W, 3) laid on white by their alpha (H, W)."""
    share = alpha.astype(np.uint16)[..., None]
    return ((rgb * share + (255 - share) * 255 + 127) // 255).astype(np.uint8)

"""Single pictures: encode to PNG, JPEG or WebP and put into place at once."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganimate.errors import OutputError
from ganimate.media.packets import PNG_KEYWORD
from ganimate.media.places import AnyPath, FilePlace, place_for
from ganimate.media.provenance import Mark


@dataclass(frozen=True)
class _Format:
    name: str
    largest_side_px: int
    options: Mapping[str, int] = field(default_factory=dict)


# subsampling 0 keeps colour at full resolution: lips and irises are small and saturated.
_JPEG = _Format("JPEG", 65_500, {"quality": 95, "subsampling": 0})
_FORMATS = {
    ".png": _Format("PNG", 2**31 - 1),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _Format("WEBP", 16_383, {"quality": 95}),
}


def write_image(path: AnyPath, image: NDArray[np.uint8], overwrite: bool = False, *, mark: Mark | None = None) -> None:
    """Write `image`, (H, W, 3) RGB or (H, W) grey, uint8, as PNG, JPEG or WebP by the suffix of `path`.

    `mark` is what the picture says of itself as XMP.

    The picture appears under its name complete or not at all. Raises OutputError for a bad place, a taken name or
    a full disk, ValueError for an array of another kind.
    """
    check_pixels(image, grey=True)
    check_still(path, image.shape[0], image.shape[1], overwrite)
    place = place_for(path, overwrite, "still")
    assert isinstance(place, FilePlace)  # no still is a folder
    chosen = _format(path)
    # Encoded in memory first: Pillow's own file writing hides the reason of a failure (such as a full disk).
    place.fill(_encode(image, chosen.name, chosen.options, mark))


def check_still(path: AnyPath, height: int, width: int, overwrite: bool = False) -> None:
    """Return if a picture of that size could be written to `path` now; raises OutputError as `write_image` does."""
    place = place_for(path, overwrite, "still")
    chosen = _format(path)
    if max(height, width) > chosen.largest_side_px:
        raise OutputError(
            f"cannot write '{place.shown}': {chosen.name} allows {chosen.largest_side_px} px a side",
            "use .png, which has no such limit",
        )
    place.check()


def _format(path: AnyPath) -> _Format:
    return _FORMATS[Path(path).suffix.lower()]


def check_pixels(image: NDArray[np.uint8], grey: bool = False) -> None:
    """Raise ValueError unless `image` is uint8 (H, W, 3), or (H, W) where `grey` is allowed, and not empty."""
    right_shape = (image.ndim == 3 and image.shape[2] == 3) or (grey and image.ndim == 2)
    if image.dtype != np.uint8 or not right_shape or image.size == 0:
        raise ValueError(f"expected an uint8 RGB picture (H, W, 3), got {image.dtype} {image.shape}")


def encode_frame(frame: NDArray[np.uint8], mark: Mark | None = None) -> bytes:
    """Return `frame` as PNG, compressed for speed: on photos 4 times faster than level 6 and no larger."""
    return _encode(frame, "PNG", {"compress_level": 1, "compress_type": zlib.Z_RLE}, mark)


def _encode(image: NDArray[np.uint8], name: str, options: Mapping[str, int], mark: Mark | None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, name, **options, **_embedded(name, mark))
    return buffer.getvalue()


def _embedded(name: str, mark: Mark | None) -> dict[str, Any]:
    """Return Pillow's options for a mark in a picture of that format."""
    if mark is None:
        return {}
    if name != "PNG":
        return {"xmp": mark.packet()}
    info = PngInfo()
    info.add_itxt(PNG_KEYWORD, mark.packet().decode())
    return {"pnginfo": info}

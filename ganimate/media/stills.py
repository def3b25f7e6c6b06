"""Single pictures: encode to PNG, JPEG or WebP and put into place at once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo

from ganimate.errors import OutputError
from ganimate.media.packets import PNG_KEYWORD
from ganimate.media.places import AnyPath, FilePlace, place_for
from ganimate.media.provenance import Mark
from ganimate.media.suffixes import ANIMATION_SUFFIXES


@dataclass(frozen=True)
class _Format:
    name: str
    largest_side_px: int
    keeps_alpha: bool = True
    options: Mapping[str, int] = field(default_factory=dict)


# subsampling 0 keeps colour at full resolution: lips and irises are small and saturated.
_JPEG = _Format("JPEG", 65_500, False, {"quality": 95, "subsampling": 0})
_FORMATS = {
    ".png": _Format("PNG", 2**31 - 1),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _Format("WEBP", 16_383, True, {"quality": 95}),
}


def write_image(
    path: AnyPath,
    image: NDArray[np.uint8],
    overwrite: bool = False,
    *,
    mark: Mark | None = None,
    alpha: NDArray[np.uint8] | None = None,
) -> None:
    """Write `image`, (H, W, 3) RGB or (H, W) grey, uint8, as PNG, JPEG or WebP by the suffix of `path`.

    `mark` is what the picture says of itself as XMP; `alpha` (H, W) what of it, which is laid on white, is transparent.
    JPEGs stay white there.

    The picture appears under its name complete or not at all. Raises OutputError for a bad place, a taken name or
    a full disk, ValueError for an array of another kind.
    """
    check_pixels(image, grey=True)
    check_still(path, image.shape[0], image.shape[1], overwrite)
    place = place_for(path, overwrite, "still")
    assert isinstance(place, FilePlace)  # no still is a folder
    chosen = _format(path)
    # Encoded in memory first: Pillow's own file writing hides the reason of a failure (such as a full disk).
    place.fill(_encode(image, chosen.name, chosen.options, mark, alpha if chosen.keeps_alpha else None))


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


def encode_frame(frame: NDArray[np.uint8], mark: Mark | None = None, alpha: NDArray[np.uint8] | None = None) -> bytes:
    """Return `frame`, and `alpha` as in `write_image`, as PNG.

    Compressed for speed: on photos 4 times faster than level 6 and no larger.
    """
    return _encode(frame, "PNG", {"compress_level": 1, "compress_type": zlib.Z_RLE}, mark, alpha)


def keeps_alpha(path: AnyPath) -> bool:
    """Return if a result at `path`, a still or an animation, shows what of a photo is transparent."""
    suffix = Path(path).suffix.lower()
    return _FORMATS[suffix].keeps_alpha if suffix in _FORMATS else suffix not in ANIMATION_SUFFIXES


def _with_alpha(image: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) that was laid on white as (H, W, 4), with the colours that it had before."""
    share = alpha.astype(np.int32)[..., None]
    colours = ((image.astype(np.int32) - 255 + share) * 255 + share // 2) // np.maximum(share, 1)
    return np.dstack([np.where(share > 0, colours, 255).clip(0, 255).astype(np.uint8), alpha])


def _encode(
    image: NDArray[np.uint8],
    name: str,
    options: Mapping[str, int],
    mark: Mark | None,
    alpha: NDArray[np.uint8] | None,
) -> bytes:
    import imageio.v3 as imageio  # takes its time, and animations do without

    image = np.ascontiguousarray(image if alpha is None else _with_alpha(image, alpha))
    save = {"plugin": "pillow", "format": name, "is_batch": False, **options, **_embedded(name, mark)}
    return bytes(imageio.imwrite("<bytes>", image, extension=f".{name.lower()}", **save))


def _embedded(name: str, mark: Mark | None) -> dict[str, Any]:
    """Return Pillow's options for a mark in a picture of that format."""
    if mark is None:
        return {}
    if name != "PNG":
        return {"xmp": mark.packet()}
    info = PngInfo()
    info.add_itxt(PNG_KEYWORD, mark.packet().decode())
    return {"pnginfo": info}

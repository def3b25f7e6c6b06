"""Pictures within the page: no file, so nothing to remove, and nothing that another visitor could ask for."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUALITY = 90  # the result itself is written by the library, and better


def data_uri(picture: NDArray[np.uint8], mark: bytes | None = None) -> str:
    """Return a picture (H, W, 3) as a JPEG in a URI, with what it says of itself (XMP) where it is synthetic."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY, **({} if mark is None else {"xmp": mark}))
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

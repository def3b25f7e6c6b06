"""What many tests need: the example photo, and its face without a detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganimate.detect import FixedDetector
from ganimate.faces import Box, Face

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """The example photo, 512×512."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> NDArray[np.uint8]:
    """The example photo (512, 512, 3) RGB; not writable, as all tests share it."""
    with Image.open(astronaut_path) as image:
        photo = np.array(image.convert("RGB"))
    photo.flags.writeable = False
    return photo


@pytest.fixture(scope="session")
def astronaut_face() -> Face:
    """The face of the example photo, as `DlibDetector` found it."""
    landmarks = np.loadtxt(ROOT / "tests" / "data" / "astronaut_landmarks.csv", np.float32, delimiter=",")
    return Face(Box(175.0, 79.2, 274.6, 178.8), landmarks)


@pytest.fixture(scope="session")
def astronaut_detector(astronaut_face: Face) -> FixedDetector:
    """A detector for the example photo that needs no dlib."""
    return FixedDetector((astronaut_face,))

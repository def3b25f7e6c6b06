"""face_recognition and dlib, and what is asked of them: the only place that loads them.

They are imported when the first photo is searched, not before: they load 130 MB of weights. dlib's HOG detector lies
here as dlib writes it (frontal_face.svm; by Davis King, Boost Software License): dlib unpacks its own copy of it in
0.4 s, and reads this one in 1 ms.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from ganimate.errors import DependencyError
from ganimate.face.crop import Image

Points = NDArray[np.float64]  # (68, 2), iBUG order

HOG_PATH = Path(__file__).with_name("frontal_face.svm")
# How to get each module, in the order in which their absence must be noticed: face_recognition calls quit() when
# face_recognition_models cannot be imported, and that in turn needs pkg_resources.
REMEDIES = {
    "pkg_resources": 'pip install "setuptools<81"',
    "dlib": "pip install dlib-bin",
    "face_recognition_models": "pip install face_recognition_models",
    "face_recognition.api": "pip install --no-deps face_recognition",
}


@cache
def api() -> Any:
    """Return face_recognition.api, imported without its side effects; raises DependencyError with the remedy.

    Its module-level dlib objects are used, not its functions: `face_landmarks` regroups the 68 points and repeats
    some, and `face_locations` drops the scores.
    """
    with _no_side_effects(), ExitStack() as undone:
        for name, remedy in REMEDIES.items():
            try:
                module = importlib.import_module(name)
                if name == "dlib":
                    undone.enter_context(_hog_from_file(module))
            except ImportError as error:
                package = name.partition(".")[0]
                raise DependencyError(f"faces cannot be found without {package}: {error}", remedy) from error
            except RuntimeError as error:  # dlib cannot read the weights
                remedy = "pip install --force-reinstall --no-deps --no-cache-dir face_recognition_models"
                raise DependencyError(f"the weights of face_recognition cannot be read: {error}", remedy) from error
    return module


@contextmanager
def _no_side_effects() -> Iterator[None]:
    """Undo what importing face_recognition does besides.

    pkg_resources warns of its own deprecation, and face_recognition tells Pillow to accept truncated pictures, for
    the whole process: they would then be animated half grey.
    """
    accept_truncated = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = accept_truncated


@contextmanager
def _hog_from_file(dlib: Any) -> Iterator[None]:
    """Let face_recognition have dlib's detector from the file here: it asks for it while it is imported."""
    unpack = dlib.get_frontal_face_detector
    dlib.get_frontal_face_detector = lambda: dlib.fhog_object_detector(str(HOG_PATH))
    try:
        yield
    finally:
        dlib.get_frontal_face_detector = unpack


def hog(image: Image, least_score: float) -> list[tuple[Any, float]]:
    """Return the rectangles and scores of the HOG detector, from `least_score` up."""
    rectangles, scores, _ = api().face_detector.run(image, 0, least_score)
    return list(zip(rectangles, scores, strict=True))


def predict(image: Image, rectangle: Any) -> Points:
    """Return the 68 landmarks in pixels of the image; dlib rounds them to whole pixels."""
    return np.array([(point.x, point.y) for point in api().pose_predictor_68_point(image, rectangle).parts()], float)


def to_rectangle(box: NDArray[np.float64]) -> Any:
    """Return dlib's rectangle, whose right and bottom are inclusive."""
    left, top, right, bottom = (round(value) for value in box)
    return api().dlib.rectangle(left, top, right - 1, bottom - 1)

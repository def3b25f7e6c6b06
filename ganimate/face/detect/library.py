"""face_recognition and dlib, and what is asked of them: the only place that loads them.

They are imported when the first photo is searched, not before: they load 130 MB of weights. dlib's HOG detector lies
here as dlib writes it (frontal_face.svm; by Davis King, Boost Software License): dlib unpacks its own copy of it in
0.4 s, and reads this one in 1 ms.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, cached_property, partial
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
                    undone.enter_context(_lighter(module))
            except ImportError as error:
                package = name.partition(".")[0]
                raise DependencyError(f"faces cannot be found without {package}: {error}", remedy) from error
            except RuntimeError as error:  # dlib cannot read the weights
                raise _unreadable(error) from error
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


def _unreadable(error: RuntimeError) -> DependencyError:
    remedy = "pip install --force-reinstall --no-deps --no-cache-dir face_recognition_models"
    return DependencyError(f"the weights of face_recognition cannot be read: {error}", remedy)


class _Late:
    """Something of dlib's that is loaded when it is first used, and not at all by most; raises DependencyError then."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    @cached_property
    def _loaded(self) -> Any:
        try:
            return self._load()
        except RuntimeError as error:
            raise _unreadable(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loaded, name)

    def __call__(self, *arguments: Any) -> Any:
        return self._loaded(*arguments)


@contextmanager
def _lighter(dlib: Any) -> Iterator[None]:
    """Let face_recognition, while it is imported, have what it asks dlib for with less to be loaded.

    The HOG detector comes from the file here. Networks, and the predictor of five points, wait for their first use:
    40 MB that most never need.
    """
    names = ("shape_predictor", "cnn_face_detection_model_v1", "face_recognition_model_v1")
    usual = {name: getattr(dlib, name) for name in (*names, "get_frontal_face_detector")}
    dlib.get_frontal_face_detector = lambda: dlib.fhog_object_detector(str(HOG_PATH))
    for name in names:
        setattr(dlib, name, partial(_later, usual[name]))
    try:
        yield
    finally:
        for name, own in usual.items():
            setattr(dlib, name, own)


def _later(load: Callable[[str], Any], path: str) -> Any:
    """Return what is loaded from a file of weights, which must be there: at once if all need it, else when used."""
    if "68_face_landmarks" in Path(path).name or not Path(path).is_file():
        return load(path)
    return _Late(partial(load, path))


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

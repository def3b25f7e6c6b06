"""ganimate: facial animation from a single photo, steered by anatomy (FACS action units).

    import ganimate

    ganimate.animate("me.jpg", "happiness", out="smile.gif")

Names are loaded when they are first used, so that importing this is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.animation.api import (
        ACTION_UNITS,
        FACE_REGIONS,
        PRESETS,
        ActionUnit,
        Animation,
        Keyframe,
        Others,
        Progress,
        Table,
        animate,
        drive,
        frames,
        interpolate,
        parse_expression,
        parse_timeline,
        read_keyframes,
        read_others,
        read_photo,
        with_keyframes,
    )
    from ganimate.animation.job import Result
    from ganimate.animation.portrait import Portrait, Studio, View
    from ganimate.animation.session import load_model
    from ganimate.errors import (
        AnnotationError,
        ConfigError,
        DependencyError,
        ExpressionError,
        FaceError,
        GanimateError,
        InputError,
        MarkError,
        ModelError,
        OutputError,
        PackError,
        PhotoError,
        TimelineError,
        TrainingError,
        VideoError,
    )

__all__ = [
    "ACTION_UNITS",
    "FACE_REGIONS",
    "PRESETS",
    "ActionUnit",
    "Animation",
    "Animator",
    "AnnotationError",
    "ConfigError",
    "DependencyError",
    "ExpressionError",
    "FaceError",
    "GanimateError",
    "InputError",
    "Keyframe",
    "MarkError",
    "ModelError",
    "Others",
    "OutputError",
    "PackError",
    "PhotoError",
    "Portrait",
    "Progress",
    "Result",
    "Studio",
    "Table",
    "TimelineError",
    "TrainingError",
    "VideoError",
    "View",
    "__version__",
    "animate",
    "drive",
    "frames",
    "interpolate",
    "load_model",
    "parse_expression",
    "parse_timeline",
    "read_keyframes",
    "read_others",
    "read_photo",
    "with_keyframes",
]

_HOMES = {
    "ACTION_UNITS": "ganimate.animation.api",
    "ActionUnit": "ganimate.animation.api",
    "Animation": "ganimate.animation.api",
    "Animator": "ganimate.animation.animator",
    "FACE_REGIONS": "ganimate.animation.api",
    "Keyframe": "ganimate.animation.api",
    "Others": "ganimate.animation.api",
    "PRESETS": "ganimate.animation.api",
    "Portrait": "ganimate.animation.portrait",
    "Progress": "ganimate.animation.api",
    "Result": "ganimate.animation.job",
    "Studio": "ganimate.animation.portrait",
    "Table": "ganimate.animation.api",
    "View": "ganimate.animation.portrait",
    "animate": "ganimate.animation.api",
    "drive": "ganimate.animation.api",
    "frames": "ganimate.animation.api",
    "interpolate": "ganimate.animation.api",
    "load_model": "ganimate.animation.session",
    "parse_expression": "ganimate.animation.api",
    "parse_timeline": "ganimate.animation.api",
    "read_keyframes": "ganimate.animation.api",
    "read_others": "ganimate.animation.api",
    "read_photo": "ganimate.animation.api",
    "with_keyframes": "ganimate.animation.api",
}  # all others are errors


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "ganimate.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The other photos that expressions name, in the course of a job: opened before slow work, read with the model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganimate.cli import session
from ganimate.cli.console import Display
from ganimate.trajectory.plan import NamesPhotos, Plan

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator
    from ganimate.cli.session import Means
    from ganimate.face.crop import Image

Readings = Mapping[str, Mapping[int, float]]


def photos_of(plan: Plan) -> tuple[str, ...]:
    """Return the paths of the photos that a plan asks for."""
    return plan.photos() if isinstance(plan, NamesPhotos) else ()


def filled(plan: Plan, readings: Readings) -> Plan:
    """Return a plan with what was read from its photos."""
    return plan.with_readings(readings) if isinstance(plan, NamesPhotos) else plan


def blank(paths: Sequence[str], aus: Sequence[int]) -> Readings:
    """Return readings of photos that nobody has looked at yet, to check a plan with."""
    return {path: dict.fromkeys(aus, 0.0) for path in paths}


def open_photos(paths: Sequence[str], display: Display) -> dict[str, Image]:
    """Return the photos by path; raises PhotoError, which names the photo."""
    # as ganimate.animation.other_photos.open_target, which loads torch
    return {path: session.read_photo(Path(os.path.expanduser(path)), display) for path in paths}


def read_photos(photos: Mapping[str, Image], animator: Animator, means: Means, display: Display) -> Readings:
    """Return the AUs that the animator's model reads from the largest face of each photo; raises FaceError."""
    if not photos:
        return {}
    from ganimate.animation.other_photos import TargetReader

    reader = TargetReader(animator, session.make_detector(means.detector))
    with display.stage("reading the faces of the other photos"):
        return {path: reader.read(path, photo) for path, photo in photos.items()}

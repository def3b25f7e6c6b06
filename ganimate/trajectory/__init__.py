"""Trajectories: the AU intensities of an animation, frame by frame, as data that can be printed, saved and loaded."""

from __future__ import annotations

from ganimate.trajectory.frames import Trajectory
from ganimate.trajectory.moves import EASINGS, LOOPS, Easing, Loop, build_trajectory
from ganimate.trajectory.performances import Performance
from ganimate.trajectory.tables import format_trajectory, load_trajectory, save_trajectory

__all__ = [
    "EASINGS",
    "LOOPS",
    "Easing",
    "Loop",
    "Performance",
    "Trajectory",
    "build_trajectory",
    "format_trajectory",
    "load_trajectory",
    "save_trajectory",
]

"""What a timeline tells, in words and as data, without a photo and without a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganimate.errors import ExpressionError, TimelineError
from ganimate.facs import ACTION_UNITS, OPENFACE_AUS
from ganimate.timeline.timeline import Timeline
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import WORTH_TELLING


def timeline_facts(timeline: Timeline, file: Path) -> dict[str, Any]:
    """Return the timeline as plain data."""
    return {
        "path": str(file),
        "duration_s": round(timeline.frames / timeline.fps, 3),
        "frames": timeline.frames,
        "fps": timeline.fps,
        "loop": timeline.loop,
        "repeat": timeline.repeat,
        "others": timeline.others,
        "keyframes": [asdict(key) | {"expression": str(key.expression)} for key in timeline.keyframes],
        "tracks": [asdict(event) for event in timeline.events],
        "blinks_s": [round(time_s, 3) for time_s in timeline.blinks_s],
    }


def timeline_lines(timeline: Timeline) -> list[tuple[str, str]]:
    """Return what a timeline does as lines, each with a heading, which is empty where it is that of the line before."""
    rounds = f", {timeline.repeat} times" if timeline.repeat > 1 else ""
    seconds = f"{timeline.frames / timeline.fps:.4g} s"
    lines = [
        ("duration", f"{seconds}, {timeline.frames} frames at {timeline.fps:g} fps"),
        ("loop", f"{timeline.loop}{rounds}"),
        ("other AUs", "as in the photo" if timeline.others == "keep" else "zero"),
    ]
    for place, key in enumerate(timeline.keyframes):
        held = f" for {key.hold_s:g} s" if key.hold_s else ""
        lines.append(("" if place else "keyframes", f"{key.time_s:g} s  {key.expression}{held}"))
    for place, number in enumerate(sorted({event.au for event in timeline.events})):
        told = ", ".join(_span(event.onset_s, event.offset_s) for event in timeline.events if event.au == number)
        strongest = max(event.intensity for event in timeline.events if event.au == number)
        lines.append(("" if place else "tracks", f"{ACTION_UNITS[number]}: {told}, up to {strongest:g}"))
    blinks = ", ".join(f"{time_s:.4g}" for time_s in timeline.blinks_s)
    lines.append(("blinks", f"{len(timeline.blinks_s)}, at {blinks} s" if blinks else "none"))
    return lines


def _span(onset_s: float, offset_s: float | None) -> str:
    return f"{onset_s:g} s to " + ("the end" if offset_s is None else f"{offset_s:g} s")


def timeline_notes(timeline: Timeline) -> list[str]:
    """Return what may be meant otherwise, though it can be played."""
    notes = [f"{path} is not looked at here: as if its face showed nothing" for path in timeline.photos()]
    try:
        _unseen(timeline, OPENFACE_AUS).trajectory(np.zeros(len(OPENFACE_AUS), np.float32), OPENFACE_AUS)
    except ExpressionError as error:
        notes.append(f"models of OpenFace's AUs, such as the default one, cannot play it: {error.message}")
    if timeline.loop == "cycle":
        aus = tuple(ACTION_UNITS)
        once = replace(_unseen(timeline, aus), loop="once", repeat=1).unblinking(np.zeros(len(aus), np.float32), aus)
        jumps = np.abs(once.values[-1] - once.values[0])
        if jumps.max() >= WORTH_TELLING:
            worst = ACTION_UNITS[aus[int(jumps.argmax())]]
            notes.append(f"the cycle jumps where it begins again: {worst} by {jumps.max():.2f}")
    return notes


def _unseen(timeline: Timeline, aus: Iterable[int]) -> Timeline:
    """Return a timeline as if a model of these AUs saw faces without expression in the photos that it names."""
    return timeline.with_readings({path: dict.fromkeys(aus, 0.0) for path in timeline.photos()})


def on_a_neutral_face(timeline: Timeline) -> Trajectory:
    """Return the trajectory of those AUs, of all that there are, that a face without expression then shows."""
    aus = tuple(ACTION_UNITS)
    path = _unseen(timeline, aus).trajectory(np.zeros(len(aus), np.float32), aus)
    (shown,) = np.nonzero(path.values.max(axis=0) > 0.0)
    if not len(shown):
        hint = "give a keyframe an expression such as happiness, or add a track"
        raise TimelineError("on a neutral face nothing moves in this timeline, so there is nothing to draw", hint)
    return Trajectory(path.values[:, shown], path.fps, tuple(aus[n] for n in shown))


def au_names(path: Trajectory) -> list[tuple[str, str]]:
    """Return the label and the name of each AU of a trajectory."""
    return [(ACTION_UNITS[number].label, ACTION_UNITS[number].name) for number in path.aus]

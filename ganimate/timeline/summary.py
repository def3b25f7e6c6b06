"""What a timeline tells, in words and as data, without a photo and without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ganimate.errors import ExpressionError, TimelineError
from ganimate.facs import ACTION_UNITS, OPENFACE_AUS, Others, Word, words_of
from ganimate.facs.words import au_numbers, bounds, label, order, title, value_text
from ganimate.timeline.blinks import NoBlinks
from ganimate.timeline.timeline import Timeline
from ganimate.trajectory import Trajectory
from ganimate.trajectory.plan import WORTH_TELLING, folded

EVERY_WORD = words_of(tuple(ACTION_UNITS), mesh=True)
OTHER_AUS: Mapping[Others, str] = {
    "auto": "zero where a keyframe names an emotion, else as in the photo where faces show both",
    "keep": "as in the photo",
    "zero": "zero",
}


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
        ("other AUs", OTHER_AUS[timeline.others]),
    ]
    for place, key in enumerate(timeline.keyframes):
        held = f" for {key.hold_s:g} s" if key.hold_s else ""
        lines.append(("" if place else "keyframes", f"{key.time_s:g} s  {key.expression}{held}"))
    for place, word in enumerate(sorted({event.au for event in timeline.events}, key=order)):
        told = ", ".join(_span(event.onset_s, event.offset_s) for event in timeline.events if event.au == word)
        strongest = max(event.intensity for event in timeline.events if event.au == word)
        lines.append(("" if place else "tracks", f"{label(word)} ({title(word)}): {told}, up to {strongest:g}"))
    blinks = ", ".join(f"{time_s:.4g}" for time_s in timeline.blinks_s)
    lines.append(("blinks", f"{len(timeline.blinks_s)}, at {blinks} s" if blinks else "none"))
    return lines


def _span(onset_s: float, offset_s: float | None) -> str:
    return f"{onset_s:g} s to " + ("the end" if offset_s is None else f"{offset_s:g} s")


def timeline_notes(timeline: Timeline) -> list[str]:
    """Return what may be meant otherwise, though it can be played."""
    notes = [f"{path} is not looked at here: as if its face showed nothing" for path in timeline.photos()]
    if why := _refusal(timeline, words_of(OPENFACE_AUS, mesh=True)):
        notes.append(f"models of OpenFace's AUs, such as the default one, cannot play it: {why}")
    elif _refusal(timeline, OPENFACE_AUS):
        what = "sides of AUs by themselves, or turns of head or eyes"
        notes.append(f"only models of the architecture mesh, such as the default one, can play it: it has {what}")
    if timeline.loop == "cycle":
        once = _on_nobody(replace(timeline, loop="once", repeat=1, blinks=NoBlinks()), EVERY_WORD)
        jumps = np.abs(once.values[-1] - once.values[0])
        shares = jumps / bounds(once.aus)[1]
        if shares.max() >= WORTH_TELLING:
            worst = int(shares.argmax())
            word, jump = once.aus[worst], value_text(once.aus[worst], float(jumps[worst]))
            notes.append(f"the cycle jumps where it begins again: {label(word)} ({title(word)}) by {jump}")
    return notes


def _refusal(timeline: Timeline, words: Sequence[Word]) -> str:
    """Return why a model of these words could not play it; "" if it can."""
    try:
        _on_nobody(timeline, words)
    except ExpressionError as error:
        return error.message
    return ""


def _on_nobody(timeline: Timeline, words: Sequence[Word]) -> Trajectory:
    """Return what a face without expression then shows, and in words for people.

    In the photos that the timeline names a model of these words sees nothing, too.
    """
    blank: dict[Word, float] = dict.fromkeys(au_numbers(words), 0.0)
    readings = dict.fromkeys(timeline.photos(), blank)
    nobody = np.zeros(len(words), np.float32)
    return folded(timeline.with_readings(readings).trajectory(nobody, words))[0]


def on_a_neutral_face(timeline: Timeline) -> Trajectory:
    """Return the trajectory of what a face without expression then shows, of all words that there are."""
    path = _on_nobody(timeline, EVERY_WORD)
    (shown,) = np.nonzero((path.values != 0.0).any(axis=0))
    if not len(shown):
        hint = "give a keyframe an expression such as happiness, or add a track"
        raise TimelineError("on a neutral face nothing moves in this timeline, so there is nothing to draw", hint)
    return Trajectory(path.values[:, shown], path.fps, tuple(path.aus[n] for n in shown))

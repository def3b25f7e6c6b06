"""Timelines from YAML files, as animators and FACS coders write them by hand.

fps: 25                    # frames a second
duration: 4                # seconds; without it, up to the last thing below
loop: once                 # or ping-pong, cycle; repeat: 2
others: auto               # AUs that an expression does not name: keep (as in the photo), zero, or as it is an emotion
blink: auto                # or off, a list of times, {rate_per_min: 17, seed: 1}
keyframes:
  - {time: 0.8, expression: "happiness:0.6", easing: in-out, hold: 0.5}
tracks:
  - {au: 12, onset: 0.4, apex: 0.9, apex_end: 2.0, offset: 2.8, intensity: C, easing: in-out}
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import cast, get_args

from ganimate.config import Motion
from ganimate.errors import TimelineError
from ganimate.facs import TURNS, Others, Word, did_you_mean, parse_au, parse_expression
from ganimate.facs.hints import require_known
from ganimate.facs.words import one_sided, parts
from ganimate.timeline.blinks import RATE_PER_MIN, Blinks, BlinksAt, NaturalBlinks, NoBlinks
from ganimate.timeline.contents import EASING, GRADES, Event, Keyframe
from ganimate.timeline.document import Node, Scalar, Series, parse_tree, read_text, says_something
from ganimate.timeline.section import Section, kind
from ganimate.timeline.timeline import Timeline
from ganimate.trajectory import EASINGS, LOOPS

KEYS = ("fps", "duration", "loop", "repeat", "others", "blink", "keyframes", "tracks")
KEYFRAME_KEYS = ("time", "expression", "easing", "hold")
TRACK_KEYS = ("au", "onset", "apex", "apex_end", "hold", "offset", "intensity", "easing")
BLINK_KEYS = ("rate_per_min", "seed")

_GRADED = re.compile(r"(.*\d\s*[lr]?)\s*([a-e])", re.ASCII | re.IGNORECASE)
_HALVES = re.compile(r"[ut]\s*(\d+)\s*[a-e]?", re.ASCII | re.IGNORECASE)  # upper and lower half, as coders write them
_BLINK_HINT = "write auto, off, a list of times such as [1.2, 3.4], or {rate_per_min: 17, seed: 1}"
_INTENSITY_HINT = "write a fraction of 1, such as 0.6, or a FACS grade from A to E; OpenFace's 0-5 is divided by 5"


def load_timeline(path: str | os.PathLike[str]) -> Timeline:
    """Return the timeline in a YAML file; raises TimelineError, with line and key, for what cannot be played."""
    return parse_timeline(read_text(Path(path)), os.fspath(path))


def parse_timeline(text: str, source: str = "timeline") -> Timeline:
    """Return the timeline that the YAML `text` tells; errors call it `source`."""
    top = Section(source, parse_tree(text, source), "a timeline", KEYS)
    if not any(key in top for key in ("keyframes", "tracks", "blink")):
        hint = "add for example keyframes: [{time: 1, expression: happiness}]"
        raise TimelineError(f"{source} has neither keyframes nor tracks, so there is nothing to play", hint)
    keyframes = tuple(_keyframe(Section(source, item, "a keyframe", KEYFRAME_KEYS)) for item in top.items("keyframes"))
    events = tuple(_event(Section(source, item, "a track", TRACK_KEYS)) for item in top.items("tracks"))
    blinks = _blinks(top, source)
    others = _others(top)
    with top.placed():
        return Timeline(
            keyframes,
            events,
            blinks,
            fps=top.number("fps", Motion.fps),
            duration_s=top.seconds("duration") if "duration" in top else None,
            loop=top.choice("loop", LOOPS, "once"),
            repeat=top.count("repeat", 1),
            others=others,
        )


def read_keyframes(text: str, source: str = "timeline") -> tuple[Keyframe, ...]:
    """Return the keyframes that the YAML `text` tells, none of an empty one, whether or not they can be played."""
    if not says_something(text):
        return ()
    top = Section(source, parse_tree(text, source), "a timeline", KEYS)
    return tuple(_keyframe(Section(source, item, "a keyframe", KEYFRAME_KEYS)) for item in top.items("keyframes"))


def read_others(text: str, source: str = "timeline") -> Others:
    """Return what the YAML `text` says of AUs that keyframes do not name, whether or not these can be played."""
    return _others(Section(source, parse_tree(text, source), "a timeline", KEYS)) if says_something(text) else "auto"


def _others(top: Section) -> Others:
    return cast(Others, top.choice("others", get_args(Others), "auto"))


def _keyframe(section: Section) -> Keyframe:
    time_s = section.seconds("time")
    text = section.text("expression", hint="such as happiness:0.6, neutral, self or 1=0.5,2=0.5")
    with section.placed("expression"):
        expression = parse_expression(text)
    with section.placed():
        return Keyframe(time_s, expression, section.choice("easing", EASINGS, EASING), section.seconds("hold", 0.0))


def _event(section: Section) -> Event:
    word, grade = _au(section)
    if grade and "intensity" in section:
        raise section.refuse(("intensity",), f"au has the grade {grade} already", "leave one of them out")
    intensity = GRADES[grade] if grade else _intensity(section)
    onset_s, apex_s = section.seconds("onset"), section.seconds("apex")
    apex_end_s = section.seconds("apex_end") if "apex_end" in section else None
    if "hold" in section:
        if apex_end_s is not None:
            raise section.refuse(("hold",), "hold and apex_end both say how long the apex lasts", "leave one out")
        apex_end_s = apex_s + section.seconds("hold")
    offset_s = section.seconds("offset") if "offset" in section else None
    easing = section.choice("easing", EASINGS, EASING)
    with section.placed("au"):
        require_known((parts(word) or (0, ""))[0])
    with section.placed():
        return Event(word, onset_s, apex_s, apex_end_s, offset_s, intensity, easing)


def _au(section: Section) -> tuple[Word, str]:
    """Return the AU, or its side, and the grade that may stand behind it, as in ``12C`` and ``12LC``."""
    text = section.text("au", hint="such as 12, 12L, AU12 or 12C")
    graded = _GRADED.fullmatch(text)
    if au := parse_au(graded[1] if graded else text):
        return one_sided(*au) if au[1] else au[0], graded[2].upper() if graded else ""
    if half := _HALVES.fullmatch(text):
        hint = f"write {half[1]}; upper and lower half move together"
        raise section.refuse(("au",), f"au is {text!r}, and AUs have no upper or lower half here", hint)
    if text.lower() in TURNS:
        hint = f'write it into keyframes, such as {{time: 1, expression: "{text.lower()}=10"}}'
        raise section.refuse(("au",), f"au is {text!r}, which turns and is no AU", hint)
    hint = "write one AU, such as 12, 12L, AU12 or 12C, and a track for each AU"
    raise section.refuse(("au",), f"au is {text[:40]!r}, which is not the number of an AU", hint)


def _intensity(section: Section) -> float:
    """Return the intensity in [0, 1], given as a number or as a FACS grade."""
    if "intensity" not in section:
        return 1.0
    grade = section.text("intensity", hint=_INTENSITY_HINT).upper()
    if grade in GRADES:
        return GRADES[grade]
    intensity = section.number("intensity", hint=_INTENSITY_HINT)
    if not 0.0 <= intensity <= 1.0:
        message = f"intensity must be between 0 and 1, not {intensity:g}"
        raise section.refuse(("intensity",), message, _INTENSITY_HINT)
    return intensity


def _blinks(top: Section, source: str) -> Blinks:
    node = top.table.entries.get("blink", Scalar(1, "off"))
    if isinstance(node, Series):
        with top.placed("blink"):
            return BlinksAt(tuple(_blink_time(top, place, item) for place, item in enumerate(node.items)))
    if isinstance(node, Scalar):
        word = node.text.strip().lower()
        if word not in ("auto", "off"):
            hint = did_you_mean(word, ("auto", "off")) or _BLINK_HINT
            raise top.refuse(("blink",), f"blink is {kind(node)}", hint)
        return NaturalBlinks() if word == "auto" else NoBlinks()
    section = Section(source, node, "blink", BLINK_KEYS)
    with section.placed():
        return NaturalBlinks(section.number("rate_per_min", RATE_PER_MIN), section.count("seed", 0))


def _blink_time(top: Section, place: int, node: Node) -> float:
    try:
        return float(node.text if isinstance(node, Scalar) else "")
    except ValueError:
        message = f"the time of a blink is {kind(node)}, which is not a number"
        raise top.refuse(("blink", place), message, _BLINK_HINT) from None

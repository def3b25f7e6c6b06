"""Timelines: performances in time, written by hand as YAML, and blinks over any plan."""

from __future__ import annotations

from ganimate.timeline.blinks import Blinking, Blinks, BlinksAt, NaturalBlinks, NoBlinks
from ganimate.timeline.contents import GRADES, Event, Keyframe
from ganimate.timeline.reading import load_timeline, parse_timeline, read_keyframes, read_others
from ganimate.timeline.timeline import Timeline, for_face, with_blinks
from ganimate.timeline.writing import with_keyframes

__all__ = [
    "GRADES",
    "Blinking",
    "Blinks",
    "BlinksAt",
    "Event",
    "Keyframe",
    "NaturalBlinks",
    "NoBlinks",
    "Timeline",
    "for_face",
    "load_timeline",
    "parse_timeline",
    "read_keyframes",
    "read_others",
    "with_blinks",
    "with_keyframes",
]

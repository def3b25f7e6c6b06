"""Action units (AUs) and their sides, turns, presets, and the expressions that are asked for with them."""

from __future__ import annotations

from ganimate.facs.expressions import (
    ChangeAU,
    Expression,
    LikePhoto,
    Others,
    Reset,
    SetAU,
    Term,
    Turn,
    UsePreset,
    combine,
)
from ganimate.facs.grammar import format_expression, parse_au, parse_expression, parse_rows
from ganimate.facs.hints import did_you_mean
from ganimate.facs.presets import PRESETS, RESETS, Preset
from ganimate.facs.regions import FACE_REGIONS
from ganimate.facs.units import ACTION_UNITS, OPENFACE_AUS, ActionUnit
from ganimate.facs.words import TURNS, Word, words_of

__all__ = [
    "ACTION_UNITS",
    "FACE_REGIONS",
    "OPENFACE_AUS",
    "PRESETS",
    "RESETS",
    "TURNS",
    "ActionUnit",
    "ChangeAU",
    "Expression",
    "LikePhoto",
    "Others",
    "Preset",
    "Reset",
    "SetAU",
    "Term",
    "Turn",
    "UsePreset",
    "Word",
    "combine",
    "did_you_mean",
    "format_expression",
    "parse_au",
    "parse_expression",
    "parse_rows",
    "words_of",
]

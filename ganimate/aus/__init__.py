"""Action units (AUs), presets of them, and the expressions that are asked for with them."""

from __future__ import annotations

from ganimate.aus.expressions import ChangeAU, Expression, LikePhoto, Others, Reset, SetAU, Term, UsePreset, combine
from ganimate.aus.grammar import format_expression, parse_expression, parse_rows
from ganimate.aus.hints import did_you_mean
from ganimate.aus.presets import PRESETS, RESETS, Preset
from ganimate.aus.units import ACTION_UNITS, OPENFACE_AUS, ActionUnit

__all__ = [
    "ACTION_UNITS",
    "OPENFACE_AUS",
    "PRESETS",
    "RESETS",
    "ActionUnit",
    "ChangeAU",
    "Expression",
    "LikePhoto",
    "Others",
    "Preset",
    "Reset",
    "SetAU",
    "Term",
    "UsePreset",
    "combine",
    "did_you_mean",
    "format_expression",
    "parse_expression",
    "parse_rows",
]

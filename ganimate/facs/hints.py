"""What is said to a word or a number that nobody knows: the nearest ones that somebody does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from ganimate.errors import ExpressionError
from ganimate.facs.presets import PRESETS, RESETS
from ganimate.facs.units import ACTION_UNITS, OPENFACE_AUS, ActionUnit
from ganimate.facs.words import TURNS

_EVERYDAY_WORDS = {
    "happy": "happiness",
    "joy": "happiness",
    "smile": "happiness",
    "surprised": "surprise",
    "afraid": "fear",
    "scared": "fear",
    "angry": "anger",
    "sad": "sadness",
    "disgusted": "disgust",
    "frown": "4=1.0 (brow lowerer)",
    "eyes closed": "blink",
    "head": "yaw=10, pitch=10 or roll=10 (degrees)",
    "gaze": "gaze_x=10 or gaze_y=10 (degrees)",
    "look": "gaze_x=10 or gaze_y=10 (degrees)",
    "nod": "pitch=-10 (degrees)",
}
# What to write for a word that somebody may try; only ever used for hints.
_HEARD_AS: Mapping[str, str] = {
    **{unit.name: f"{unit.number}=1.0 ({unit.name})" for unit in ACTION_UNITS.values() if unit.name != "wink"},
    **_EVERYDAY_WORDS,
    **{name.replace("_", " "): f"{name}=10 ({meaning}, degrees)" for name, meaning in TURNS.items()},
    **{name: name for name in (*PRESETS, *RESETS)},
}


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """The question ``did you mean 'fear'?`` with up to three of `names` that look like `word`, nearest first."""
    nearest = difflib.get_close_matches(word.lower(), list(names), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(repr(name) for name in nearest)}?" if nearest else None


def unknown_word(word: str) -> ExpressionError:
    """The error about a word that is no preset, with the presets and AUs that it may mean."""
    nearest = difflib.get_close_matches(word.replace("-", " "), _HEARD_AS, n=3, cutoff=0.6)
    wanted = list(dict.fromkeys(_HEARD_AS[name] for name in nearest))
    hint = f"did you mean {' or '.join(wanted)}?" if wanted else f"presets: {', '.join((*PRESETS, *RESETS))}"
    return ExpressionError(f"{word!r} is neither an AU nor a preset", hint)


def require_known(number: int) -> None:
    """Raise ExpressionError, with the nearest of OpenFace's AUs, unless FACS has an AU of the face of that number."""
    if number in ACTION_UNITS:
        return

    def nearness(unit: ActionUnit) -> tuple[float, int]:
        likeness = difflib.SequenceMatcher(None, str(number), str(unit.number)).ratio()
        return -likeness, abs(number - unit.number)  # as typed first, then as counted

    usual = [ACTION_UNITS[each] for each in OPENFACE_AUS]  # models hardly ever have others
    nearest = " or ".join(str(unit) for unit in sorted(usual, key=nearness)[:3])
    raise ExpressionError(f"FACS has no action unit {number} of the face", f"did you mean {nearest}?")

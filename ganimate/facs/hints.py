"""What is said to a word or a number that nobody knows: the nearest ones that somebody does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from ganimate.errors import ExpressionError
from ganimate.facs.presets import PRESETS, RESETS
from ganimate.facs.units import ACTION_UNITS, OPENFACE_AUS, ActionUnit
from ganimate.facs.words import TURNS, Word

_EVERYDAY_WORDS = {
    **dict.fromkeys(("happy", "joy", "joyful", "smile", "smiling"), "happiness"),
    **dict.fromkeys(("surprised", "shocked", "astonished"), "surprise"),
    **dict.fromkeys(("afraid", "scared", "frightened", "fearful"), "fear"),
    **dict.fromkeys(("angry", "furious"), "anger"),
    **dict.fromkeys(("sad", "unhappy"), "sadness"),
    "disgusted": "disgust",
    "contemptuous": "contempt",
    "calm": "neutral",
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


def unknown_word(word: str, intensity: str = "") -> ExpressionError:
    """The error about a word that is no preset, with the presets, at the `intensity` asked, and AUs it may mean."""
    spoken = word.replace("-", " ")
    nearest = [spoken] if spoken in _HEARD_AS else difflib.get_close_matches(spoken, _HEARD_AS, n=3, cutoff=0.6)
    meant = dict.fromkeys(_HEARD_AS[name] for name in nearest)
    wanted = [f"{name}:{intensity}" if intensity and name in PRESETS else name for name in meant]
    hint = f"did you mean {' or '.join(wanted)}?" if wanted else f"presets: {', '.join((*PRESETS, *RESETS))}"
    return ExpressionError(f"{word!r} is neither an AU nor a preset", hint)


def more_than_all(name: str) -> str:
    """What to write for more than a whole preset: more of the AU that tells it best from others, the rarest there."""
    preset = PRESETS[name]

    def rarity(word: Word) -> tuple[int, float]:
        return -sum(word in other.intensities for other in PRESETS.values()), preset.intensities[word]

    telling = max(preset.intensities, key=rarity)
    if preset.intensities[telling] == 1.0:
        return f"1 is full: write {name}"
    return f"at 1 it is already as strong as people show it; single AUs can be added: {name},{telling}=1"


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

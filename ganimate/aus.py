"""Action units (AUs), presets of them, and the one grammar in which expressions are asked for.

    expression = term { "," term }
    term       = au "=" intensity             12=1.0  AU12=1     set it, 0 absent … 1 full
               | au "=" ("+" | "-") change    12=+0.4  12=-0.2   add to what is there, clipped to [0, 1]
               | preset [ ":" intensity ]     happiness  fear:0.6
               | "neutral"                                       every AU of the model 0
               | "self"                                          every AU as the photo shows it

Terms act from left to right and later ones win; "what is there" is the photo's own value or what an earlier term
left. Case and spaces do not matter. Intensities are fractions of 1: OpenFace's 0-5 divided by 5.

AU numbers, names and muscles: Ekman & Friesen, Facial Action Coding System (1978); Ekman, Friesen & Hager (2002).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError

__all__ = [
    "ACTION_UNITS",
    "OPENFACE_AUS",
    "PRESETS",
    "RESETS",
    "ActionUnit",
    "ChangeAU",
    "Expression",
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
]

Others: TypeAlias = Literal["keep", "zero"]
ByAU: TypeAlias = Mapping[int, float]

OPENFACE_AUS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


@dataclass(frozen=True)
class ActionUnit:
    """One visible movement of the face: its FACS number, name and the muscles that make it."""

    number: int
    name: str
    muscle: str

    @property
    def label(self) -> str:
        """``AU12``."""
        return f"AU{self.number}"

    def __str__(self) -> str:
        return f"{self.label} ({self.name})"


_EYE_CLOSING = "relaxation of levator palpebrae superioris; orbicularis oculi, pars palpebralis"
_NO_MUSCLE = "none specified (an action descriptor)"

_FACS = (
    ActionUnit(1, "inner brow raiser", "frontalis, pars medialis"),
    ActionUnit(2, "outer brow raiser", "frontalis, pars lateralis"),
    ActionUnit(4, "brow lowerer", "corrugator supercilii, depressor supercilii, procerus"),
    ActionUnit(5, "upper lid raiser", "levator palpebrae superioris"),
    ActionUnit(6, "cheek raiser", "orbicularis oculi, pars orbitalis"),
    ActionUnit(7, "lid tightener", "orbicularis oculi, pars palpebralis"),
    ActionUnit(8, "lips toward each other", "orbicularis oris"),
    ActionUnit(9, "nose wrinkler", "levator labii superioris alaeque nasi"),
    ActionUnit(10, "upper lip raiser", "levator labii superioris"),
    ActionUnit(11, "nasolabial deepener", "zygomaticus minor"),
    ActionUnit(12, "lip corner puller", "zygomaticus major"),
    ActionUnit(13, "sharp lip puller", "levator anguli oris"),
    ActionUnit(14, "dimpler", "buccinator"),
    ActionUnit(15, "lip corner depressor", "depressor anguli oris"),
    ActionUnit(16, "lower lip depressor", "depressor labii inferioris"),
    ActionUnit(17, "chin raiser", "mentalis"),
    ActionUnit(18, "lip pucker", "incisivii labii superioris and inferioris"),
    ActionUnit(19, "tongue show", _NO_MUSCLE),
    ActionUnit(20, "lip stretcher", "risorius, with platysma"),
    ActionUnit(21, "neck tightener", "platysma"),
    ActionUnit(22, "lip funneler", "orbicularis oris"),
    ActionUnit(23, "lip tightener", "orbicularis oris"),
    ActionUnit(24, "lip pressor", "orbicularis oris"),
    ActionUnit(25, "lips part", "depressor labii inferioris, or relaxation of mentalis or orbicularis oris"),
    ActionUnit(26, "jaw drop", "relaxation of masseter, temporalis and medial pterygoid"),
    ActionUnit(27, "mouth stretch", "pterygoids, digastric"),
    ActionUnit(28, "lip suck", "orbicularis oris"),
    ActionUnit(29, "jaw thrust", _NO_MUSCLE),
    ActionUnit(30, "jaw sideways", _NO_MUSCLE),
    ActionUnit(31, "jaw clencher", "masseter"),
    ActionUnit(32, "lip bite", _NO_MUSCLE),
    ActionUnit(33, "cheek blow", _NO_MUSCLE),
    ActionUnit(34, "cheek puff", _NO_MUSCLE),
    ActionUnit(35, "cheek suck", _NO_MUSCLE),
    ActionUnit(36, "tongue bulge", _NO_MUSCLE),
    ActionUnit(37, "lip wipe", _NO_MUSCLE),
    ActionUnit(38, "nostril dilator", "nasalis, pars alaris"),
    ActionUnit(39, "nostril compressor", "nasalis, pars transversa; depressor septi nasi"),
    ActionUnit(41, "lid droop", "relaxation of levator palpebrae superioris"),
    ActionUnit(42, "slit", "orbicularis oculi, pars palpebralis"),
    ActionUnit(43, "eyes closed", _EYE_CLOSING),
    ActionUnit(44, "squint", "orbicularis oculi, pars palpebralis"),
    ActionUnit(45, "blink", _EYE_CLOSING),
    ActionUnit(46, "wink", _EYE_CLOSING),
)

ACTION_UNITS: Mapping[int, ActionUnit] = MappingProxyType({unit.number: unit for unit in _FACS})


@dataclass(frozen=True)
class Preset:
    """A named expression: the intensity in (0, 1] of each AU that makes it, and the publication that says so."""

    name: str
    intensities: Mapping[int, float]
    source: str


def _preset(name: str, source: str, *full: int, **weaker: float) -> Preset:
    """The preset in which the AUs of `full` are at 1 and those of `weaker`, as in ``au5=0.4``, below it."""
    intensities = dict.fromkeys(full, 1.0) | {int(label[2:]): value for label, value in weaker.items()}
    return Preset(name, MappingProxyType(dict(sorted(intensities.items()))), source)


_EMFACS = "EMFACS (Friesen & Ekman 1983), after Ekman & Friesen, FACS Investigator's Guide (1978)"
_DU = "Du, Tao & Martinez, Compound facial expressions of emotion, PNAS 111 (2014), table 1"

# FACS grades A to E are fifths here, as in OpenFace's 0-5: A is 0.2, B is 0.4.
_PRESETS = (
    _preset("happiness", f"{_EMFACS}: 6+12", 6, 12),
    _preset("surprise", f"{_EMFACS}: 1+2+5B+26", 1, 2, 26, au5=0.4),
    _preset("fear", f"{_EMFACS}: 1+2+4+5+7+20+26", 1, 2, 4, 5, 7, 20, 26),
    _preset("anger", f"{_EMFACS}: 4+5+7+23", 4, 5, 7, 23),
    _preset("sadness", f"{_EMFACS}: 1+4+15", 1, 4, 15),
    # EMFACS gives 9+15+16, of which OpenFace, and so most models, lack 16.
    _preset("disgust", f"{_DU}: 9+10+17", 9, 10, 17),
    # With both lip corners raised far it would be a smile: 14 leads, 12 keeps the trace of the source.
    _preset("contempt", f"{_EMFACS}: 12A+14A on one side; here on both, as these AUs have no side", 14, au12=0.2),
    _preset("blink", "Ekman, Friesen & Hager, FACS (2002): 45", 45),
    _preset("happily-surprised", _DU, 1, 2, 12, 25),
    _preset("happily-disgusted", _DU, 10, 12, 25),
    _preset("sadly-fearful", _DU, 1, 4, 20, 25),
    _preset("sadly-surprised", _DU, 1, 4, 25, 26),
    _preset("fearfully-angry", _DU, 4, 20, 25),
    _preset("fearfully-surprised", _DU, 1, 2, 5, 20, 25),
    _preset("fearfully-disgusted", _DU, 1, 4, 10, 20, 25),
    _preset("angrily-surprised", _DU, 4, 25, 26),
    _preset("angrily-disgusted", _DU, 4, 10, 17),
    _preset("disgustedly-surprised", _DU, 1, 2, 5, 10),
    _preset("awed", _DU, 1, 2, 5, 25),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _PRESETS})

RESETS: Mapping[str, str] = MappingProxyType(
    {"neutral": "every AU of the model at 0", "self": "every AU as the photo shows it"}
)

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
}
# What to write for a word that somebody may try; only ever used for hints.
_HEARD_AS: Mapping[str, str] = {
    **{unit.name: f"{unit.number}=1.0 ({unit.name})" for unit in _FACS if unit.name != "wink"},
    **_EVERYDAY_WORDS,
    **{name: name for name in (*PRESETS, *RESETS)},
}

_SCALE_HINT = "0 is absent and 1 is full; OpenFace's 0-5 scale is divided by 5"


@dataclass(frozen=True)
class SetAU:
    """The term ``12=1.0``: AU `number` at `value` in [0, 1]."""

    number: int
    value: float

    def __post_init__(self) -> None:
        _require_known(self.number)
        if not 0.0 <= self.value <= 1.0:
            raise ExpressionError(f"AU{self.number} must be between 0 and 1, not {self.value}", _SCALE_HINT)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        _require_in_model(self.number, now)
        return {self.number: self.value}

    def __str__(self) -> str:
        return f"{self.number}={abs(float(self.value))!r}"  # abs: a sign, be it that of -0.0, would mean a change


@dataclass(frozen=True)
class ChangeAU:
    """The term ``12=+0.4``: AU `number` moved by `change` in [-1, 1] from what is there, clipped to [0, 1]."""

    number: int
    change: float

    def __post_init__(self) -> None:
        _require_known(self.number)
        if not -1.0 <= self.change <= 1.0:
            message = f"AU{self.number} can change by at most 1 in either direction, not by {self.change:+}"
            raise ExpressionError(message, _SCALE_HINT)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        _require_in_model(self.number, now)
        return {self.number: min(max(now[self.number] + self.change, 0.0), 1.0)}

    def __str__(self) -> str:
        return f"{self.number}={float(self.change):+}"


@dataclass(frozen=True)
class UsePreset:
    """The term ``fear:0.6``: the AUs of a preset at their intensities times `intensity` in (0, 1]."""

    name: str
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in PRESETS:
            raise _unknown_word(self.name)
        if not 0.0 < self.intensity <= 1.0:
            message = f"the intensity of {self.name!r} must be above 0 and at most 1, not {self.intensity}"
            raise ExpressionError(message, f"write {self.name}:0.6, or 'neutral' for no expression")

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        recipe = PRESETS[self.name].intensities
        if not recipe.keys() & now.keys():
            needed = ", ".join(str(ACTION_UNITS[number]) for number in recipe)
            raise ExpressionError(f"this model has no AU of the preset {self.name!r}: {needed}", _model_hint(now))
        return {number: self.intensity * full for number, full in recipe.items() if number in now}

    def __str__(self) -> str:
        return self.name if self.intensity == 1.0 else f"{self.name}:{float(self.intensity)!r}"


@dataclass(frozen=True)
class Reset:
    """The term ``neutral`` (every AU at 0) or ``self`` (every AU at the photo's own value)."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in RESETS:
            raise _unknown_word(self.name)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        return own if self.name == "self" else dict.fromkeys(own, 0.0)

    def __str__(self) -> str:
        return self.name


Term: TypeAlias = SetAU | ChangeAU | UsePreset | Reset


@dataclass(frozen=True)
class Expression:
    """A wanted face, independent of photo and model: terms that act from left to right.

    Raises ExpressionError when there is no term.
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ExpressionError(
                "the expression is empty", "write for example 12=1.0, happiness:0.6, neutral or self (no change)"
            )

    def resolve(self, own: NDArray[np.float32], aus: Sequence[int], others: Others = "keep") -> NDArray[np.float32]:
        """The wanted intensities y_g, float32 (N,) in [0, 1], a new array in the order of `aus`.

        `own` (N,) in [0, 1] is what the photo shows, y_r. AUs that no term names keep it, or become 0 with
        `others` = ``"zero"``; ``neutral`` and ``self`` name every AU. A preset leaves out the AUs that the model lacks.

        Raises ExpressionError when `own` does not fit `aus` or [0, 1], when `aus` lacks an AU that is named by its
        number, or all AUs of a preset.
        """
        if others not in get_args(Others):
            raise ExpressionError(f"the others can be 'keep' or 'zero', not {others!r}")
        photo = _by_au(own, aus)
        now = dict(photo)
        named: set[int] = set()
        for term in self.terms:
            update = term.update(now, photo)
            now.update(update)
            named.update(update)
        if others == "zero":
            now.update(dict.fromkeys(now.keys() - named, 0.0))
        return np.array([now[number] for number in aus], dtype=np.float32)

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


def format_expression(expression: Expression) -> str:
    """The expression in the grammar; `parse_expression` gives the very same expression back."""
    return str(expression)


def combine(expressions: Iterable[Expression]) -> Expression:
    """One expression that does what `expressions` do one after the other: later terms win."""
    return Expression(tuple(term for expression in expressions for term in expression.terms))


_AU_SUBJECT = re.compile(r"(?:au[\s_-]*)?(\d{1,6})", re.ASCII | re.IGNORECASE)


def parse_expression(text: str) -> Expression:
    """The expression that `text` asks for, in the grammar at the top of this module.

    Raises ExpressionError, naming the term, for anything that the grammar does not allow: an AU or a name that
    nobody knows (with the nearest ones), a value that is no number or out of range, an empty term.
    """
    if not text.strip():
        return Expression(())
    return Expression(tuple(_parse_term(term.strip(), text) for term in text.split(",")))


def _parse_term(term: str, text: str) -> Term:
    if not term:
        hint = "remove the extra comma, or put the expression in quotes if it has spaces"
        raise ExpressionError(f"the expression {text!r} has an empty term", hint)
    parts = re.split("([=:])", term, maxsplit=1)
    subject, separator, amount = (part.strip() for part in (*parts, "", "")[:3])
    if au := _AU_SUBJECT.fullmatch(subject):
        return _parse_au(int(au[1]), separator, amount, term)
    return _parse_name(re.sub(r"[\s_-]+", "-", subject.lower()), separator, amount, term)


def _parse_au(number: int, separator: str, amount: str, term: str) -> SetAU | ChangeAU:
    _require_known(number)
    if separator != "=" or not amount:
        hint = f"write {number}=0.5 to set it or {number}=+0.4 to add to what is there; decimals take a point"
        raise ExpressionError(f"the term {term!r} gives AU{number} no value", hint)
    value = _parse_number(amount, term)
    return ChangeAU(number, value) if amount[0] in "+-" else SetAU(number, value)


def _parse_name(name: str, separator: str, amount: str, term: str) -> UsePreset | Reset:
    if name in RESETS and separator:
        raise ExpressionError(f"{name!r} takes no value, as it has in {term!r}", f"write {name}")
    if name in RESETS:
        return Reset(name)
    if name not in PRESETS:
        raise _unknown_word(name or term)
    if not separator:
        return UsePreset(name)
    if separator == "=" or not amount:
        raise ExpressionError(f"the term {term!r} gives {name!r} no intensity after a colon", f"write {name}:0.6")
    return UsePreset(name, _parse_number(amount, term))


def _parse_number(amount: str, term: str) -> float:
    try:
        return float(amount)
    except ValueError:
        hint = "write a decimal such as 0.5; + or - in front of an AU's value makes it a change"
        raise ExpressionError(f"{amount!r} in {term!r} is not a number", hint) from None


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """The question ``did you mean 'fear'?`` with up to three of `names` that look like `word`, nearest first."""
    nearest = difflib.get_close_matches(word.lower(), list(names), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(repr(name) for name in nearest)}?" if nearest else None


def _unknown_word(word: str) -> ExpressionError:
    if word == "wink":
        message = "'wink' closes one eye, and AUs have no side, so no model can be asked for it"
        return ExpressionError(message, "write 'blink' to close both eyes")
    nearest = difflib.get_close_matches(word.replace("-", " "), _HEARD_AS, n=3, cutoff=0.6)
    wanted = list(dict.fromkeys(_HEARD_AS[name] for name in nearest))
    hint = f"did you mean {' or '.join(wanted)}?" if wanted else f"presets: {', '.join((*PRESETS, *RESETS))}"
    return ExpressionError(f"{word!r} is neither an AU nor a preset", hint)


def _require_known(number: int) -> None:
    if number in ACTION_UNITS:
        return

    def nearness(unit: ActionUnit) -> tuple[float, int]:
        likeness = difflib.SequenceMatcher(None, str(number), str(unit.number)).ratio()
        return -likeness, abs(number - unit.number)  # as typed first, then as counted

    nearest = " or ".join(str(unit) for unit in sorted(_FACS, key=nearness)[:3])
    raise ExpressionError(f"FACS has no action unit {number} of the face", f"did you mean {nearest}?")


def _require_in_model(number: int, model: ByAU) -> None:
    if number not in model:
        raise ExpressionError(f"this model does not have {ACTION_UNITS[number]}", _model_hint(model))


def _model_hint(model: ByAU) -> str:
    return f"its AUs are {', '.join(str(number) for number in model)}"


def _by_au(own: NDArray[np.float32], aus: Sequence[int]) -> dict[int, float]:
    values = np.asarray(own)
    if values.shape != (len(aus),):
        raise ExpressionError(f"the photo's AUs have the shape {values.shape}, the model has {len(aus)} AUs")
    by_au = {number: float(value) for number, value in zip(aus, values, strict=True)}
    for number, value in by_au.items():
        if not 0.0 <= value <= 1.0:
            raise ExpressionError(f"the photo's own AU{number} must be between 0 and 1, not {value}", _SCALE_HINT)
    return by_au

"""Expressions: what a face is asked to show, as terms that act from left to right on what the photo shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs.hints import more_than_all, require_known, unknown_word
from ganimate.facs.opposed import giving_way
from ganimate.facs.presets import PRESETS, RESETS
from ganimate.facs.units import ACTION_UNITS
from ganimate.facs.words import (
    LEFT,
    RIGHT,
    SIDES,
    TURNS,
    Word,
    au_numbers,
    label,
    limits,
    one_sided,
    order,
    parts,
    place_of,
    range_text,
)

# What becomes of AUs that no term names: as in the photo, 0, or what suits the expression, see `cleared`.
Others: TypeAlias = Literal["auto", "keep", "zero"]
ByAU: TypeAlias = Mapping[Word, float]

SHUT_EYES = 45  # no emotion opens them: what lies behind the lids would be invented, and nobody asked for it

_SCALE_HINT = "0 is absent and 1 is full; OpenFace's 0-5 scale is divided by 5"
_MESH_HINT = "use a model of the architecture mesh, such as the default one"


@dataclass(frozen=True)
class SetAU:
    """The term ``12=1.0`` or ``12L=1.0``: AU `number`, or its `side` L or R alone, at `value` in [0, 1]."""

    number: int
    value: float
    side: str = ""

    def __post_init__(self) -> None:
        _require_au(self.number, self.side)
        if not 0.0 <= self.value <= 1.0:
            message = f"AU{self.number}{self.side} must be between 0 and 1, not {self.value}"
            raise ExpressionError(message, _SCALE_HINT)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        return dict.fromkeys(_words(self.number, self.side, now), self.value)

    def __str__(self) -> str:
        return f"{self.number}{self.side}={_unsigned(self.value)}"


@dataclass(frozen=True)
class ChangeAU:
    """The term ``12=+0.4`` or ``12L=+0.4``: an AU moved by `change` in [-1, 1] from what is there, within [0, 1]."""

    number: int
    change: float
    side: str = ""

    def __post_init__(self) -> None:
        _require_au(self.number, self.side)
        if not -1.0 <= self.change <= 1.0:
            name = f"AU{self.number}{self.side}"
            message = f"{name} can change by at most 1 in either direction, not by {self.change:+}"
            raise ExpressionError(message, _SCALE_HINT)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        words = _words(self.number, self.side, now)
        return {word: min(max(now[word] + self.change, 0.0), 1.0) for word in words}

    def __str__(self) -> str:
        return f"{self.number}{self.side}={float(self.change):+}"


@dataclass(frozen=True)
class Turn:
    """The term ``yaw=-10``: head or eyes turned by `degrees` from how the photo shows them, see `facs.words`."""

    name: str
    degrees: float

    def __post_init__(self) -> None:
        if self.name not in TURNS:
            raise unknown_word(self.name)
        least, most = limits(self.name)
        if not least <= self.degrees <= most:
            message = f"{self.name} must be {range_text(self.name)}, not {self.degrees:g}"
            raise ExpressionError(message, "turned further, a face shows what nobody can know from one photo")

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        if self.name not in now:
            raise ExpressionError(f"this model turns neither head nor eyes, as {str(self)!r} asks", _MESH_HINT)
        return {self.name: self.degrees}

    def __str__(self) -> str:
        return f"{self.name}={float(self.degrees)!r}"


@dataclass(frozen=True)
class UsePreset:
    """The term ``fear:0.6``: the AUs of a preset at their intensities times `intensity` in (0, 1].

    An emotion goes as far as people do who show most; who wants more sets AUs.
    """

    name: str
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in PRESETS:
            raise unknown_word(self.name)
        if not 0.0 < self.intensity <= 1.0:
            message = f"the intensity of {self.name!r} must be above 0 and at most 1, not {self.intensity}"
            less = f"write {self.name}:0.6 (decimals take a point), or 'neutral' for no expression"
            raise ExpressionError(message, more_than_all(self.name) if self.intensity > 1.0 else less)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        found: dict[Word, float] = {}
        for word, full in PRESETS[self.name].intensities.items():
            number, side = parts(word) or (0, "")
            if _has(word, [*now]):  # an AU that the model lacks is left out: see `Expression.left_out`
                found.update(dict.fromkeys(_words(number, side, now), self.intensity * full))
        if not found:
            needed = ", ".join(str(ACTION_UNITS[n]) for n in au_numbers(PRESETS[self.name].intensities))
            raise ExpressionError(f"this model has no AU of the preset {self.name!r}: {needed}", _model_hint(now))
        return found

    def __str__(self) -> str:
        return self.name if self.intensity == 1.0 else f"{self.name}:{float(self.intensity)!r}"


@dataclass(frozen=True)
class Reset:
    """The term ``neutral`` (every AU at 0) or ``self`` (every AU at the photo's own value); nothing turned in both."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in RESETS:
            raise unknown_word(self.name)

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        return own if self.name == "self" else dict.fromkeys(own, 0.0)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class LikePhoto:
    """The term ``@other.jpg``: every AU as the face in another photo, at `path`, shows it.

    What it shows only a model can read, so `Expression.with_readings` must replace the term before it resolves.
    """

    path: str

    def __post_init__(self) -> None:
        if not self.path.strip():
            raise ExpressionError("the term '@' names no photo", "write the photo's path behind it, as in @other.jpg")

    def update(self, now: ByAU, own: ByAU) -> ByAU:
        hint = "put in what a model reads from it, with Expression.with_readings"
        raise ExpressionError(f"the photo of the term '{self}' has not been read", hint)

    def __str__(self) -> str:
        plain = self.path == self.path.strip() and "," not in self.path and not self.path.startswith('"')
        return f"@{self.path}" if plain else '@"{}"'.format(self.path.replace('"', '""'))


Term: TypeAlias = SetAU | ChangeAU | Turn | UsePreset | Reset | LikePhoto


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

    def resolve(self, own: NDArray[np.float32], aus: Sequence[Word], others: Others = "auto") -> NDArray[np.float32]:
        """The wanted row y_g, float32 (N,), a new array in the order of `aus`, the words of a model.

        `own` (N,) is what the photo shows, y_r: AUs in [0, 1], nothing turned. What no term names keeps it, gives way
        to what is named, or becomes 0, as `opposed` and `cleared` say; ``neutral`` and ``self`` name everything. A
        preset leaves out what the model lacks.

        Raises ExpressionError when `own` does not fit `aus`, when `aus` lacks what a term names, be it an AU, its side
        or a turn, or all AUs of a preset; and for unknown `others`.
        """
        replaced = cleared(self, aus, others)
        photo = _by_au(own, aus)
        now = dict(photo)
        named: set[Word] = set()
        for term in self.terms:
            update = term.update(now, photo)
            now.update(update)
            named.update(update)
        if others == "auto":
            now.update(giving_way(photo, now, named))
        now.update(dict.fromkeys(replaced - named, 0.0))
        return np.array([now[word] for word in aus], dtype=np.float32)

    def left_out(self, aus: Sequence[Word]) -> tuple[Word, ...]:
        """The words of the terms' presets that `aus`, the words of a model, lack, each once and in order."""
        presets = [PRESETS[term.name] for term in self.terms if isinstance(term, UsePreset)]
        words = {word for preset in presets for word in preset.intensities}
        return tuple(sorted((word for word in words if not _has(word, aus)), key=order))

    def photos(self) -> tuple[str, ...]:
        """The paths of the other photos that the terms name, each once."""
        return tuple(dict.fromkeys(term.path for term in self.terms if isinstance(term, LikePhoto)))

    def with_readings(self, readings: Mapping[str, ByAU]) -> Expression:
        """The same expression with the AUs that were read from other photos, by path, in the place of their terms.

        Raises ExpressionError for a photo that has no reading, and for a reading that is no intensity.
        """
        missing = [path for path in self.photos() if not readings.get(path)]
        if missing:
            raise ExpressionError(f"the photo {missing[0]!r} has not been read")
        terms: list[Term] = []
        for term in self.terms:
            read = readings[term.path] if isinstance(term, LikePhoto) else None
            terms.extend([term] if read is None else [_setting(word, value) for word, value in read.items()])
        return Expression(tuple(terms))

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


def cleared(expression: Expression, aus: Sequence[Word], others: Others) -> set[Word]:
    """Return which of `aus`, the words of a model, an expression sets to 0 unless its terms name them.

    With `others` = ``"keep"`` none, with ``"zero"`` all. With ``"auto"`` it depends: an emotion replaces the expression
    that the photo shows, and leaves head, eyes, lids (AU 45) and what it allows as they are; AUs and actions such as
    ``wink`` come on top of it, but for what gives way, see `opposed`. Raises ExpressionError for other `others`.
    """
    if others not in get_args(Others):
        raise ExpressionError(f"the others can be 'auto', 'keep' or 'zero', not {others!r}")
    if others == "zero":
        return set(aus)
    presets = [PRESETS[term.name] for term in expression.terms if isinstance(term, UsePreset)]
    emotions = [preset for preset in presets if preset.emotion]
    if others == "keep" or not emotions:
        return set()
    stay = frozenset.intersection(*(emotion.allows for emotion in emotions)) | {SHUT_EYES}
    return {word for word in aus if (au := parts(word)) and au[0] not in stay}


def combine(expressions: Iterable[Expression]) -> Expression:
    """One expression that does what `expressions` do one after the other: later terms win."""
    return Expression(tuple(term for expression in expressions for term in expression.terms))


def _setting(word: Word, value: float) -> Term:
    """Return the term that sets a word."""
    au = parts(word)
    return Turn(str(word), value) if au is None else SetAU(au[0], value, au[1])


def _require_au(number: int, side: str) -> None:
    require_known(number)
    if side not in ("", *SIDES):
        raise ExpressionError(f"an AU has the sides {LEFT} and {RIGHT}, and not {side!r}", f"write {number}{LEFT}=1")


def _unsigned(value: float) -> str:
    return repr(abs(float(value)))  # a sign, be it that of -0.0, would mean a change


def _has(word: Word, model: Sequence[Word]) -> bool:
    """Say whether a model has the AU of a word, be it without its sides."""
    au = parts(word)
    return bool(place_of(au[0] if au else word, model))


def _words(number: int, side: str, model: ByAU) -> list[Word]:
    """Return the words of a model that an AU, or its side, stands for; raises ExpressionError where it lacks them."""
    words = list(model)
    found = [words[place] for place in place_of(one_sided(number, side) if side else number, words)]
    if found:
        return found
    if side and number in model:
        message = f"this model moves both sides of a face alike, and not AU{number}{side} alone"
        raise ExpressionError(message, f"{_MESH_HINT}, or write {number}=1 for both")
    instead = {43: "write 45=1, which stands for closed eyes too; ", 46: "write 45L=1 or 45R=1 for a wink; "}
    hint = instead.get(number, "") * bool(place_of(45, words)) + _model_hint(model)
    raise ExpressionError(f"this model does not have {ACTION_UNITS[number]}", hint)


def _model_hint(model: ByAU) -> str:
    return f"its AUs are {', '.join(map(str, au_numbers(model)))}"


def _by_au(own: NDArray[np.float32], aus: Sequence[Word]) -> dict[Word, float]:
    values = np.asarray(own)
    if values.shape != (len(aus),):
        raise ExpressionError(f"the photo's AUs have the shape {values.shape}, the model has {len(aus)} AUs")
    by_au = {word: float(value) for word, value in zip(aus, values, strict=True)}
    for word, value in by_au.items():
        least, most = limits(word)
        if not least <= value <= most:
            hint = _SCALE_HINT if parts(word) else None
            raise ExpressionError(f"the photo's own {label(word)} must be {range_text(word)}, not {value}", hint)
    return by_au

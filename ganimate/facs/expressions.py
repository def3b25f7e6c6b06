"""Expressions: what a face is asked to show, as terms that act from left to right on what the photo shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ganimate.errors import ExpressionError
from ganimate.facs.hints import require_known, unknown_word
from ganimate.facs.presets import PRESETS, RESETS
from ganimate.facs.units import ACTION_UNITS

Others: TypeAlias = Literal["keep", "zero"]
ByAU: TypeAlias = Mapping[int, float]

_SCALE_HINT = "0 is absent and 1 is full; OpenFace's 0-5 scale is divided by 5"


@dataclass(frozen=True)
class SetAU:
    """The term ``12=1.0``: AU `number` at `value` in [0, 1]."""

    number: int
    value: float

    def __post_init__(self) -> None:
        require_known(self.number)
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
        require_known(self.number)
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
            raise unknown_word(self.name)
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


Term: TypeAlias = SetAU | ChangeAU | UsePreset | Reset | LikePhoto


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
            terms.extend([term] if read is None else [SetAU(number, value) for number, value in read.items()])
        return Expression(tuple(terms))

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


def combine(expressions: Iterable[Expression]) -> Expression:
    """One expression that does what `expressions` do one after the other: later terms win."""
    return Expression(tuple(term for expression in expressions for term in expression.terms))


def _require_in_model(number: int, model: ByAU) -> None:
    if number not in model:
        instead = "write 45=1, which stands for closed eyes too; " if number == 43 and 45 in model else ""
        raise ExpressionError(f"this model does not have {ACTION_UNITS[number]}", instead + _model_hint(model))


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

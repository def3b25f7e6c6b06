"""Who does what in a photo of several faces: `--face` opens a group, and the expressions after it belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from ganimate.cli import options
from ganimate.cli.errors import usage_error

if TYPE_CHECKING:
    from ganimate.animation.session import Selection

ORDER = "ganimate.order"  # in ctx.meta: the names of the options as they stood, each as often as it was given
LARGEST = 1  # its number: faces are listed by size


class OrderedCommand(TyperCommand):
    """A command that keeps in what order its options were given, of which parsing leaves only each one's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as ever; the parser itself knows the order, so a first look of it is enough."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[ORDER] = [param.name for param in given]
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class FaceExpressions:
    """What is asked of some faces: expressions, of which later ones win, and what corrects the model's reading."""

    expressions: tuple[str, ...] = ()
    seen_as: str | None = None


@dataclass(frozen=True)
class FaceGroups:
    """The chosen faces and what is asked of all of them; `apart` has, by number, those of whom more is asked."""

    selection: Selection
    common: FaceExpressions
    apart: dict[int, FaceExpressions] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What was asked for, for the name of a result."""
        groups: dict[FaceExpressions, list[int]] = {}
        for number, asked in self.apart.items():
            groups.setdefault(asked, []).append(number)
        if not groups:
            return ",".join(self.common.expressions)
        return " ".join(f"{'+'.join(map(str, who))} {','.join(asked.expressions)}" for asked, who in groups.items())


def face_groups(
    ctx: typer.Context,
    faces: Sequence[str],
    expressions: Sequence[str] | None,
    seen_as: Sequence[str] | None,
    names: tuple[str, str] = ("expressions", "seen_as"),
) -> FaceGroups:
    """Return who does what, from the values of `--face`, `--au` and `--from` and their order; raises usage errors.

    `--face` given once chooses faces who all do the same, wherever it stands. Given more often, it opens groups: what
    stands before the first is for all of them. `names` are those of the parameters that the values come from.
    """
    values = {"face": iter(faces), names[0]: iter(expressions or ()), names[1]: iter(seen_as or ())}
    kinds = {"face": "face", names[0]: "expressions", names[1]: "seen_as"}
    given = [(kinds[name], next(values[name])) for name in ctx.meta.get(ORDER, ()) if name in values]
    selections = [value for name, value in given if name == "face"]
    if len(selections) < 2:
        return FaceGroups(options.parse_selection(selections[0] if selections else faces[0]), _asked(given))
    starts = [place for place, (name, _) in enumerate(given) if name == "face"]
    common = given[: starts[0]]
    apart: dict[int, FaceExpressions] = {}
    for start, end in zip(starts, [*starts[1:], len(given)], strict=True):
        text = given[start][1]
        asked = _asked([*common, *given[start + 1 : end]])
        if not asked.expressions:
            who = ",".join(selections)
            raise usage_error(
                f"--face {text} has no expression: add one after it, or say --face {who} for one that all share", ctx
            )
        for number in _numbers(text, ctx):
            if number in apart:
                raise usage_error(f"face {number} is chosen twice", ctx)
            apart[number] = asked
    return FaceGroups(list(apart), _asked(common), apart)


def _asked(given: Iterable[tuple[str, str]]) -> FaceExpressions:
    pairs = list(given)
    seen_as = [value for name, value in pairs if name == "seen_as"]
    return FaceExpressions(
        tuple(value for name, value in pairs if name == "expressions"), seen_as[-1] if seen_as else None
    )


def _numbers(text: str, ctx: typer.Context) -> list[int]:
    selection = options.parse_selection(text)
    if selection == "all":
        raise usage_error("--face all leaves no face for another --face: name the faces by their numbers", ctx)
    if isinstance(selection, str):
        return [LARGEST]
    return [selection] if isinstance(selection, int) else list(selection)

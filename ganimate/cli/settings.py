"""Options of a command that are made from the fields of config dataclasses, so that a setting is named once.

A command takes a whole config where its parameter says under which heading of --help the options stand::

    @with_settings
    def animate(photo: Photo, motion: Annotated[Motion, Options("Timing")], quiet: Quiet = False) -> None: ...

or, with `Changes`, only what the command line sets of one: what is not given changes nothing. A `Group` is a dataclass
of options that are written out, and go from command to command as one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from functools import cache
from typing import Any, get_args, get_type_hints

import typer

from ganimate.config import from_dict
from ganimate.config.settings import Leaf, leaves, parameter

SHOWN_MAX = 10**6  # bounds beyond are none that anybody needs to be told; the config checks them


@dataclass(frozen=True)
class Options:
    """The annotation of a parameter that is a config: its options stand under the heading `panel`.

    `panels` are the headings of others, by the dotted name of a setting or of a part.
    """

    panel: str
    panels: Mapping[str, str] = field(default_factory=dict)

    def panel_of(self, name: str) -> str:
        """Return the heading of the setting `name`: its own, or that of the part that it is in."""
        while name and name not in self.panels:
            name = name.rpartition(".")[0]
        return self.panels[name] if name else self.panel


@dataclass(frozen=True)
class Changes(Options):
    """The annotation of a parameter that holds what is given of the config `of`, as nested plain data.

    Its headings come in the order of `panels`.
    """

    of: type = object


@dataclass(frozen=True)
class Group:
    """The annotation of a parameter that is a dataclass, each of whose fields is annotated as an option."""


@dataclass(frozen=True)
class _Written:
    """The options of a `Group`, which are the fields of `kind`."""

    parameters: tuple[inspect.Parameter, ...]
    kind: type

    def take(self, given: dict[str, Any]) -> Any:
        """Return what the command receives, and take the options' values out of `given`."""
        return self.kind(**{each.name: given.pop(each.name) for each in self.parameters})


@dataclass(frozen=True)
class _Made:
    """The options that are made for one parameter of a command."""

    parameters: tuple[inspect.Parameter, ...]
    sets: Mapping[str, tuple[str, ...]]  # what each option sets, by the name of its parameter; later ones win
    built: type | None  # of the config that the command receives; None where it receives the changes

    def take(self, given: dict[str, Any]) -> Any:
        """Return what the command receives, and take the options' values out of `given`."""
        changes: dict[str, Any] = {}
        for name, settings in self.sets.items():
            value = given.pop(name)
            for dotted in settings if value is not None else ():
                _put(changes, dotted, value.value if isinstance(value, Enum) else value)
        return changes if self.built is None else from_dict(self.built, changes)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command as typer takes it: with an option for each setting of the configs among its parameters."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, _Made | _Written] = {}
    parameters: list[inspect.Parameter] = []
    for name, own in inspect.signature(command).parameters.items():
        group = _group(hints[name])
        if group is None:
            parameters.append(own.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            groups[name] = group
            parameters += group.parameters

    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group.take(given)
        command(**given)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _group(hint: Any) -> _Made | _Written | None:
    """Return the options that stand for a parameter with this annotation; None for one that stands for itself."""
    kind, *notes = get_args(hint) or (hint,)
    for note in notes:
        if isinstance(note, Group):
            return _Written(tuple(_written(kind)), kind)
        if isinstance(note, Changes):
            order = [*note.panels.values(), note.panel]
            found = sorted(leaves(note.of), key=lambda leaf: order.index(note.panel_of(leaf.name)))
            changed = (_changed(leaf, note.panel_of(leaf.name)) for leaf in found if leaf.said.help)
            return _Made(tuple(changed), _fields(found), None)
        if isinstance(note, Options):
            found = list(leaves(kind))
            built = (_built(leaf, note.panel_of(leaf.name)) for leaf in found if leaf.said.help)
            return _Made(tuple(built), _fields(found), kind)
    return None


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return the annotations of a group's fields; commands share groups, and help asks for all of them."""
    return get_type_hints(kind, include_extras=True)


def _written(kind: Any) -> Iterator[inspect.Parameter]:
    """Yield the options of a group, with the defaults of its fields."""
    hints = _hints(kind)
    for each in fields(kind):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        yield inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[each.name])


def _fields(found: list[Leaf]) -> dict[str, tuple[str, ...]]:
    """Return the settings that each option sets, by the name of its parameter; raises ValueError for a name twice."""
    names = [leaf.parameter for leaf in found if leaf.said.help]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two settings are one option: {', '.join(sorted(twice))}")
    sets: dict[str, tuple[str, ...]] = {leaf.parameter: (leaf.name,) for leaf in found if leaf.said.help}
    for leaf in found:
        if leaf.said.follows:
            sets[parameter(leaf.said.follows)] += (leaf.name,)
    return sets


def _built(leaf: Leaf, panel: str) -> inspect.Parameter:
    """Return the option of a setting that has its default, and whose range the command line checks."""
    said, default = leaf.said, leaf.default
    kind: Any = leaf.kind
    if said.choices:
        kind = _choice(leaf.parameter, said.choices)
        default = kind(default)
    words = said.option
    if default is True and "/" not in words:
        words = f"{words}/--no-{words.lstrip('-')}"
    low, high = _bound(said.low), _bound(said.high)
    option = typer.Option(
        default, words, min=low, max=high, metavar=_metavar(leaf), help=said.help, rich_help_panel=panel
    )
    return inspect.Parameter(leaf.parameter, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


def _changed(leaf: Leaf, panel: str) -> inspect.Parameter:
    """Return the option of a setting that is None where it is not given; the whole config checks its range."""
    words, shown = leaf.said.option, f"{leaf.default:g}" if leaf.kind is float else str(leaf.default)
    if leaf.kind is bool:
        shown = words.lstrip("-") if leaf.default else f"no-{words.lstrip('-')}"
        words = f"{words}/--no-{words.lstrip('-')}"
    option = typer.Option(
        None, words, metavar=_metavar(leaf), help=leaf.said.help, show_default=shown, rich_help_panel=panel
    )
    kind: Any = leaf.kind | None
    return inspect.Parameter(leaf.parameter, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


def _choice(name: str, choices: tuple[str, ...]) -> Any:
    """Return an enumeration of the choices: what typer offers as such."""
    return Enum(name, [(choice, choice) for choice in choices], type=str)


def _bound(end: float | str | None) -> float | None:
    """Return an end of a range for typer, in as few letters as can be; None where it is not one for --help."""
    if not isinstance(end, int | float) or abs(end) > SHOWN_MAX:
        return None
    return int(end) if end == int(end) else end


def _metavar(leaf: Leaf) -> str | None:
    """Return what stands for the value in --help; None leaves that to typer."""
    return leaf.said.metavar or ("N" if leaf.kind in (int, float) else None)


def _put(data: dict[str, Any], dotted: str, value: Any) -> None:
    *tables, name = dotted.split(".")
    for table in tables:
        data = data.setdefault(table, {})
    data[name] = value

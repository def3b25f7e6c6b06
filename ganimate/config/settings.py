"""A setting, named once: its default, its help, its range and the option that sets it stand at the dataclass's field.

From there the dataclass checks itself, and the command line makes its options.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, get_type_hints

from ganimate.config.record import shown
from ganimate.errors import ConfigError

ValueT = TypeVar("ValueT")
KEY = "ganimate"  # of what we say of a field, in its metadata


@dataclass(frozen=True)
class Setting:
    """What is said of a field beside its default; without `help` it is no option."""

    help: str = ""
    low: float | str | None = None  # a number, or the field that holds it
    high: float | str | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    option: str = ""
    follows: str = ""


def setting(
    default: ValueT,
    help: str = "",
    *,
    low: float | str | None = None,
    high: float | str | None = None,
    choices: tuple[str, ...] = (),
    metavar: str | None = None,
    option: str = "",
    follows: str = "",
) -> ValueT:
    """Return a dataclass's field with all that is said of it.

    `help` makes it an option, called as the field or as `option` says, such as ``--hold`` or ``--relative/--absolute``.
    `low` and `high`, both or neither, are numbers or the names of other fields. `follows` is the option of another
    field that sets this one too, unless its own does.
    """
    said = Setting(help, low, high, choices, metavar, option, follows)
    made: ValueT = field(default=default, metadata={KEY: said})
    return made


def part(default: ValueT, option: str = "--{}") -> ValueT:
    """Return the field of a config inside of a config; `option` says how the options of its fields are called."""
    made: ValueT = field(default=default, metadata={KEY: option})
    return made


def check(config: Any) -> None:
    """Raise ConfigError, which names the field and its range or choices, unless each setting has one of its values."""
    for item in dataclasses.fields(config):
        said = item.metadata.get(KEY)
        if isinstance(said, Setting):
            if said.choices:
                _require_choice(config, item.name, said.choices)
            if said.low is not None and said.high is not None:
                low, high = (getattr(config, end) if isinstance(end, str) else end for end in (said.low, said.high))
                _require(config, item.name, low, high)


def _require(config: object, name: str, low: float, high: float) -> None:
    value = getattr(config, name)
    if not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(
            f"{type(config).__name__}.{name} must lie in [{low:g}, {high:g}], not {shown(value)}",
            "choose one that does",
        )


def _require_choice(config: object, name: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, name)
    if value not in choices:
        raise ConfigError(f"{type(config).__name__}.{name} must be one of {', '.join(choices)}, not {shown(value)}")


@dataclass(frozen=True)
class Leaf:
    """A setting somewhere in a config: its name with dots, such as ``schedule.critic_steps``, its type and default."""

    name: str
    kind: type
    default: Any
    said: Setting

    @property
    def parameter(self) -> str:
        """The name of its option as a name in Python, such as ``critic_steps``."""
        return parameter(self.said.option)


def parameter(option: str) -> str:
    """Return the name that a command's parameter has for an option such as ``--relative/--absolute``."""
    return option.partition("/")[0].lstrip("-").replace("-", "_")


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return the types of a config's fields; commands share configs, and help asks for all of them."""
    return get_type_hints(kind)


def leaves(kind: type) -> Iterator[Leaf]:
    """Yield all settings of a config, those of its parts too, each with the whole name of its option."""
    return _leaves(kind(), "", "--{}")


def _leaves(config: Any, prefix: str, option: str) -> Iterator[Leaf]:
    hints = _hints(config.__class__)
    for item in dataclasses.fields(config):
        said, default = item.metadata.get(KEY), getattr(config, item.name)
        if isinstance(said, str):
            yield from _leaves(default, f"{prefix}{item.name}.", said)
        elif isinstance(said, Setting):
            own = said.option or option.format(item.name.replace("_", "-"))
            yield Leaf(prefix + item.name, hints[item.name], default, dataclasses.replace(said, option=own))

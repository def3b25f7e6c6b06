"""What every configuration can do: go to plain data and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from ganimate.errors import ConfigError

ConfigT = TypeVar("ConfigT")

LONGEST_VALUE = 60  # letters of a wrong value that a sentence repeats
_KIND_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def to_dict(config: Any) -> dict[str, Any]:
    """Return a configuration as plain data (JSON-ready; tuples become lists on the way through JSON)."""
    return dataclasses.asdict(config)


def from_dict(cls: type[ConfigT], data: Mapping[str, Any]) -> ConfigT:
    """Return `cls` built from plain data; raises ConfigError for unknown, missing, mistyped or out-of-range fields."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{cls.__name__} must be a table of fields, not {shown(data)}")
    hints = get_type_hints(cls)
    unknown = sorted(set(data) - set(hints), key=str)
    if unknown:
        near = get_close_matches(str(unknown[0]), hints, 1)
        hint = f"did you mean {near[0]!r}?" if near else "was this written by another version of ganimate?"
        raise ConfigError(f"{cls.__name__} has no field {shown(unknown[0])}", hint)
    values = {name: _revive(f"{cls.__name__}.{name}", hints[name], value) for name, value in data.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__} cannot be read: {error}") from error


def _revive(name: str, kind: Any, value: Any) -> Any:
    if isinstance(kind, UnionType) and type(None) in get_args(kind):  # what may be missing
        return None if value is None else _revive(name, get_args(kind)[0], value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_dict(kind, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise ConfigError(f"{name} must be {_KIND_NAMES[kind]}, not one of {len(str(value))} digits") from None
    if kind in _KIND_NAMES and type(value) is not kind:
        raise ConfigError(f"{name} must be {_KIND_NAMES[kind]}, not {shown(value)}")
    return tuple(value) if isinstance(value, list) else value


def shown(value: Any) -> str:
    """Return a value for a sentence, and of a long one its beginning."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

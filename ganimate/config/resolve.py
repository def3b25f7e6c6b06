"""From what is given to a whole config: a file, options, the run that goes on; later ones win."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ganimate.config.networks import CriticConfig
from ganimate.config.record import ConfigT, from_dict, to_dict
from ganimate.config.training import TrainConfig
from ganimate.errors import ConfigError, TrainingError

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
# What the weights on disk were made for; a resumed run cannot change it.
FIXED = ("generator", "critic", "network", "seed")


def read_changes(path: Path) -> dict[str, Any]:
    """Return a config, or a part of one, from a file: JSON, or YAML or TOML if its name says so; raises ConfigError."""
    kind = _KINDS.get(path.suffix.lower(), "JSON")
    try:
        data = _READERS[kind](path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        hint = "--dry-run prints a config to begin with; YAML is read from .yaml, TOML from .toml"
        raise ConfigError(f"{path} is not {kind}: {reason}", hint) from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is not a table of settings", "--dry-run prints a config to begin with")
    return data


def _read_toml(text: str) -> Any:
    """Return what a TOML text says; raises ValueError."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _read_yaml(text: str) -> Any:
    """Return what a YAML text says, without running anything of it; raises ValueError."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads numbers such as 4e-4 as numbers, as JSON and YAML 1.2 do."""

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+0123456789."))
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


_KINDS = {".yaml": "YAML", ".yml": "YAML", ".toml": "TOML"}
_READERS: Mapping[str, Callable[[str], Any]] = {"JSON": json.loads, "YAML": _read_yaml, "TOML": _read_toml}


def new_config(changes: Mapping[str, Any], size_px: int) -> TrainConfig:
    """Return the config of a new run on faces of `size_px`; raises ConfigError for a wrong field or value."""
    critic = {"size_px": size_px, "layers": CriticConfig.layers_for(size_px)}
    sized = {"generator": {"size_px": size_px}, "critic": critic}
    return from_dict(TrainConfig, merged(sized, changes))


def resumed_config(config: ConfigT, changes: Mapping[str, Any]) -> ConfigT:
    """Return the config of a run that goes on with `changes`; raises TrainingError for what cannot change."""
    own = to_dict(config)
    changed = merged(own, changes)
    for field, value in flat(changed).items():
        if field.split(".")[0] in FIXED and value != flat(own).get(field):
            raise TrainingError(
                f"a run that goes on cannot change {field} from {flat(own).get(field)} to {value}",
                "leave the option out, or train into a new folder",
            )
    return from_dict(type(config), changed)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` on top, table by table."""
    result = dict(base)
    for name, value in changes.items():
        below = result.get(name)
        tables = isinstance(value, Mapping) and isinstance(below, Mapping)
        result[name] = merged(below, value) if tables else value  # type: ignore[arg-type]
    return result


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested plain data by dotted names."""
    result: dict[str, Any] = {}
    for name, value in config.items():
        result |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return result

"""The settings of `ganimate train`: which option is which field of which dataclass, and the config that comes of it.

Defaults are read from the dataclasses; an option that is not given is None and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ganimate.config import CriticConfig, TrainConfig, from_dict, to_dict
from ganimate.errors import ConfigError, TrainingError

NETWORKS = "Networks"
COURSE = "Course of the training"
WEIGHTS = "Weights of the objective"

# The fields of TrainConfig that each option of `train` sets, by the name of its parameter; later options win.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "generator": ("generator.architecture",),
    "channels": ("generator.channels",),
    "blocks": ("generator.blocks",),
    "correction_limit": ("generator.correction_limit",),
    "critic_channels": ("critic.channels",),
    "size": ("generator.size_px", "critic.size_px"),
    "batch": ("batch_images",),
    "critic_steps": ("schedule.critic_steps",),
    "geometry_steps": ("schedule.geometry_steps",),
    "steps": ("schedule.adversarial_steps",),
    "critic_per_generator": ("schedule.critic_per_generator",),
    "penalty_interval": ("schedule.penalty_interval",),
    "critic_rests": ("schedule.critic_rests",),
    "learning_rate": ("learning_rate", "critic_learning_rate"),
    "critic_learning_rate": ("critic_learning_rate",),
    "ema_decay": ("ema_decay",),
    "pair_share": ("pair_share",),
    "mapped_share": ("mapped_share",),
    "transplant_share": ("transplant_share",),
    "seed": ("seed",),
    "save_every": ("save_steps",),
    "sample_every": ("sample_steps",),
    "adversarial_weight": ("weights.adversarial",),
    "penalty_weight": ("weights.penalty",),
    "critic_au_weight": ("weights.critic_au",),
    "generator_au_weight": ("weights.generator_au",),
    "cycle_weight": ("weights.cycle",),
    "attention_size_weight": ("weights.attention_size",),
    "attention_smoothness_weight": ("weights.attention_smoothness",),
    "geometry_weight": ("weights.geometry",),
    "flow_smoothness_weight": ("weights.flow_smoothness",),
    "pair_weight": ("weights.pair",),
    "color_weight": ("weights.color",),
    "responsibility_weight": ("weights.responsibility",),
    "features_weight": ("weights.features",),
    "regions_weight": ("weights.regions",),
    "precision": ("precision",),
    "workers": ("workers",),
}
# What the weights on disk were made for; a resumed run cannot change it.
FIXED = ("generator", "critic", "seed")


def setting(parameter: str, help_text: str, panel: str, metavar: str = "N") -> Any:
    """Return the typer option of `parameter`, with the default that its dataclass gives."""
    default = default_of(FIELDS[parameter][0])
    words = parameter.replace("_", "-")
    if isinstance(default, bool):
        shown = words if default else f"no-{words}"
        return typer.Option(f"--{words}/--no-{words}", help=help_text, show_default=shown, rich_help_panel=panel)
    shown = f"{default:g}" if isinstance(default, float) else str(default)
    return typer.Option(f"--{words}", help=help_text, metavar=metavar, show_default=shown, rich_help_panel=panel)


def default_of(field: str) -> Any:
    """Return the default of a field such as ``schedule.critic_steps``."""
    value: Any = TrainConfig()
    for name in field.split("."):
        value = getattr(value, name)
    return value


def given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the command line sets, as a part of a config in plain data."""
    changes: dict[str, Any] = {}
    for parameter, fields in FIELDS.items():
        if parameters.get(parameter) is not None:
            for field in fields:
                _put(changes, field, parameters[parameter])
    return changes


def read_changes(path: Path) -> dict[str, Any]:
    """Return a config, or a part of one, from a JSON file; raises ConfigError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}", "--dry-run prints a config to begin with") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is not a table of settings", "--dry-run prints a config to begin with")
    return data


def new_config(changes: Mapping[str, Any], size_px: int) -> TrainConfig:
    """Return the config of a new run on faces of `size_px`; raises ConfigError for a wrong field or value."""
    critic = {"size_px": size_px, "layers": CriticConfig.layers_for(size_px)}
    sized = {"generator": {"size_px": size_px}, "critic": critic}
    return from_dict(TrainConfig, merged(sized, changes))


def resumed_config(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """Return the config of a run that goes on with `changes`; raises TrainingError for what cannot change."""
    own = to_dict(config)
    changed = merged(own, changes)
    for field, value in flat(changed).items():
        if field.split(".")[0] in FIXED and value != flat(own).get(field):
            raise TrainingError(
                f"a run that goes on cannot change {field} from {flat(own).get(field)} to {value}",
                "leave the option out, or train into a new folder",
            )
    return from_dict(TrainConfig, changed)


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


def _put(data: dict[str, Any], field: str, value: Any) -> None:
    *tables, name = field.split(".")
    for table in tables:
        data = data.setdefault(table, {})
    data[name] = value

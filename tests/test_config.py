"""Laws of configurations: they survive JSON, cannot be changed, and refuse what is out of range by name."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from ganimate import config as config_module
from ganimate.config import (
    Augmentation,
    CriticConfig,
    CropSpec,
    GeneratorConfig,
    LossWeights,
    Motion,
    TrainConfig,
    from_dict,
    to_dict,
)
from ganimate.config.resolve import read_changes
from ganimate.config.settings import check, leaves, part, setting
from ganimate.errors import ConfigError
from ganimate.trajectory import EASINGS, LOOPS

CONFIGS = sorted(
    (kind for kind in vars(config_module).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)),
    key=lambda kind: kind.__name__,
)
TRAIN = TrainConfig(
    generator=GeneratorConfig(matcher="spline", size_px=64, channels=8),
    critic=CriticConfig(size_px=64, channels=8, layers=5),
    weights=LossWeights(cycle=0.0, penalty=2.5),
    augmentation=Augmentation(flip=False, shift=1 / 30),
    critic_per_generator=1,
    learning_rate=1e-4 / 3,
    seed=7,
)
RANGED = [(kind, item.name) for kind in CONFIGS for item in dataclasses.fields(kind) if type(item.default) is float]


def through_json(config: Any) -> Any:
    return from_dict(type(config), json.loads(json.dumps(to_dict(config))))


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_every_default_survives_json(kind: type) -> None:
    assert through_json(kind()) == kind()


def test_changed_values_survive_json_to_the_last_bit() -> None:
    assert through_json(TRAIN) == TRAIN != TrainConfig()


def test_json_may_hold_whole_numbers_for_floats_and_gives_floats() -> None:
    weight = from_dict(LossWeights, {"cycle": 3}).cycle
    assert weight == 3.0 and type(weight) is float


def test_fields_that_are_left_out_have_their_defaults() -> None:
    assert from_dict(TrainConfig, {"seed": 3, "weights": {}}) == TrainConfig(seed=3)


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_a_config_cannot_be_changed(kind: type) -> None:
    name = dataclasses.fields(kind)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(kind(), name, 1)


@pytest.mark.parametrize(("kind", "name"), RANGED, ids=lambda x: x if isinstance(x, str) else x.__name__)
@pytest.mark.parametrize("value", [math.nan, math.inf, -1e9])
def test_what_is_out_of_range_is_refused_with_field_and_range(kind: type, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{kind.__name__}\.{name} must .*\[.*, .*\], not {value!r}"):
        kind(**{name: value})


def test_a_range_is_told_also_for_a_field_deep_inside() -> None:
    with pytest.raises(ConfigError, match=r"GeneratorConfig\.size_px must lie in \[32, 512\], not 7"):
        from_dict(TrainConfig, {"generator": {"size_px": 7}})


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (TrainConfig, {"batch": 4}, "TrainConfig has no field 'batch'"),
        (TrainConfig, {"weights": {"gan": 1.0}}, "LossWeights has no field 'gan'"),
        (TrainConfig, {"weights": 3}, "LossWeights must be a table"),
        (TrainConfig, {"precision": "fp8"}, "TrainConfig.precision must be one of auto, fp32, bf16, not 'fp8'"),
        (GeneratorConfig, {"architecture": "unet"}, "must be one of attention, mesh, not 'unet'"),
        (GeneratorConfig, {"channels": "many"}, "GeneratorConfig.channels must be a whole number, not 'many'"),
        (GeneratorConfig, {"channels": 32.5}, "GeneratorConfig.channels must be a whole number, not 32.5"),
        (GeneratorConfig, {"channels": True}, "GeneratorConfig.channels must be a whole number, not True"),
        (Augmentation, {"flip": "no"}, "Augmentation.flip must be true or false, not 'no'"),
        (CropSpec, {"interocular": None}, "CropSpec.interocular must be a number, not None"),
        (CropSpec, [1, 2], "CropSpec must be a table"),
    ],
)
def test_unknown_and_mistyped_fields_are_named(kind: type, data: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_dict(kind, data)
    assert message in caught.value.message


def test_a_misspelt_field_is_answered_with_the_near_one() -> None:
    for data, near in (({"batch_imagez": 3}, "batch_images"), ({"weights": {"cycles": 1.0}}, "cycle")):
        with pytest.raises(ConfigError) as caught:
            from_dict(TrainConfig, data)
        assert caught.value.hint == f"did you mean {near!r}?"
    with pytest.raises(ConfigError) as caught:
        from_dict(TrainConfig, {"zzz": 3, 7: 8})
    assert caught.value.hint == "was this written by another version of ganimate?"


YAML = """
learning_rate: 4e-4   # as in JSON
weights: {cycle: 3}
augmentation:
  shift: 0.01
  flip: true
"""


@pytest.mark.parametrize("name", ["c.yaml", "c.YML"])
def test_a_config_may_be_yaml(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(YAML)
    (tmp_path / "c.json").write_text(
        '{"learning_rate": 4e-4, "weights": {"cycle": 3}, "augmentation": {"shift": 0.01, "flip": true}}'
    )
    assert read_changes(tmp_path / name) == read_changes(tmp_path / "c.json")


TOML = """
learning_rate = 4e-4  # as in JSON
weights = { cycle = 3 }

[augmentation]
shift = 0.01
flip = true
"""


@pytest.mark.parametrize(("name", "mark"), [("c.toml", ""), ("c.TOML", "\ufeff")])
def test_a_config_may_be_toml(tmp_path: Path, name: str, mark: str) -> None:
    (tmp_path / name).write_text(mark + TOML, "utf-8")
    (tmp_path / "c.yaml").write_text(YAML)
    assert read_changes(tmp_path / name) == read_changes(tmp_path / "c.yaml")
    (tmp_path / "c.toml").write_text("batch_imagez = 4")
    with pytest.raises(ConfigError) as caught:
        from_dict(TrainConfig, read_changes(tmp_path / "c.toml"))
    assert caught.value.hint == "did you mean 'batch_images'?"


@pytest.mark.parametrize("text", ["a = ", "[a", "a = 1\na = 2", "a: 1"])
def test_bad_toml_gets_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match="is not TOML") as caught:
        read_changes(tmp_path / "c.toml")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "is not a table"),
        ("!!python/object/apply:os.system [ls]", "is not YAML"),
        ("{a: 1, a: !!float x}", "is not YAML"),
    ],
)
def test_bad_yaml_gets_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_changes(tmp_path / "c.yaml")
    assert "\n" not in caught.value.message


@dataclasses.dataclass(frozen=True)
class Lamp:
    """A config as others are: with numbers, a range that ends at another field, and choices."""

    most: int = setting(5, "The most.", low=1, high=10)
    level: int = setting(3, "The light.", low=0, high="most", option="--light")
    colour: str = setting("red", choices=("red", "green"))

    def __post_init__(self) -> None:
        check(self)


@dataclasses.dataclass(frozen=True)
class House:
    lamp: Lamp = part(Lamp(level=4), "--{}-of-the-lamp")
    rooms: int = setting(2, "Rooms.")
    doors: int = setting(2, follows="--rooms")


def test_a_setting_checks_itself_by_what_is_said_of_it() -> None:
    with pytest.raises(ConfigError, match=r"Lamp\.level must lie in \[0, 5\], not 6"):
        Lamp(level=6)
    assert Lamp(most=6, level=6).level == 6
    with pytest.raises(ConfigError, match=r"Lamp\.colour must be one of red, green, not 'blue'"):
        Lamp(colour="blue")


def test_settings_of_parts_are_found_with_their_names_options_and_defaults() -> None:
    told = [(leaf.name, leaf.said.option, leaf.parameter, leaf.default) for leaf in leaves(House)]
    assert told == [
        ("lamp.most", "--most-of-the-lamp", "most_of_the_lamp", 5),
        ("lamp.level", "--light", "light", 4),
        ("lamp.colour", "--colour-of-the-lamp", "colour_of_the_lamp", "red"),
        ("rooms", "--rooms", "rooms", 2),
        ("doors", "--doors", "doors", 2),
    ]


def test_easings_and_loops_are_those_of_trajectories() -> None:
    choices = {leaf.name: leaf.said.choices for leaf in leaves(Motion)}
    assert (choices["easing"], choices["loop"]) == (tuple(EASINGS), tuple(LOOPS))


@dataclasses.dataclass(frozen=True)
class Needy:
    must: int


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ConfigError, match="'must'"):
        from_dict(Needy, {})


def test_sizes_that_the_networks_cannot_halve_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 16, not 40"):
        GeneratorConfig(size_px=40)
    with pytest.raises(ConfigError, match=r"multiple of 2\^layers = 64, not 96"):
        CriticConfig(size_px=96, layers=6)


def test_generator_and_critic_share_a_size() -> None:
    with pytest.raises(ConfigError, match="64 and 128"):
        TrainConfig(generator=GeneratorConfig(size_px=64))


def test_the_generator_that_ships_is_trained_by_another_command() -> None:
    with pytest.raises(ConfigError, match="does not train generators of the architecture 'mesh'") as caught:
        TrainConfig(generator=GeneratorConfig(architecture="mesh"))
    assert "ganimate train-paint" in str(caught.value.hint)


def test_a_number_beyond_all_others_and_a_long_text_are_told_shortly() -> None:
    with pytest.raises(ConfigError, match=r"LossWeights\.cycle must be a number, not one of 401 digits"):
        from_dict(LossWeights, {"cycle": 10**400})
    with pytest.raises(ConfigError) as caught:
        from_dict(LossWeights, {"cycle": "x" * 5000})
    assert len(caught.value.message) < 150

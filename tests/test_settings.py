"""Options made from configs: a setting is named once, at its field, and its option does what was said there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner, Result

from ganimate.cli.settings import Changes, Group, Options, with_settings
from ganimate.config import Driving, Motion, Scrutiny, TrainConfig
from ganimate.config.settings import part, setting


@dataclasses.dataclass(frozen=True)
class Wheel:
    size_px: int = setting(8, "Size of all.", low=1, high=99, metavar="PX", option="--size")
    spokes: int = setting(12, "Spokes.", low=3, high=2**40)
    hidden: int = 4


@dataclasses.dataclass(frozen=True)
class Cart:
    """Both wheels have one size, by one option, and names of their own for the rest."""

    front: Wheel = part(Wheel())
    back: Wheel = part(Wheel(), "--back-{}")
    axle_px: int = setting(8, follows="--size")
    load: float = setting(0.5, "What it carries.", low=0.0, high=1.0)
    heavy_load: float = setting(0.5, "What it carries at most.", follows="--load")
    covered: bool = setting(False, "With a roof.")
    braked: bool = setting(True, "With a brake.")
    wood: str = setting("oak", "Its wood.", choices=("oak", "ash"))


@dataclasses.dataclass(frozen=True)
class Driver:
    name: str = setting("Ann", "Who drives.", metavar="NAME")
    awake: bool = setting(True, "Eyes open.", option="--awake/--asleep")


def call(command: Any, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(with_settings(command))
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "100"})


taken: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_taken() -> None:
    taken.clear()


def ride(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(help="Where to.")],
    *,
    driver: Annotated[Driver, Options("Who")],
    motion: Annotated[Motion, Options("Timing", {"loop": "End"})],
    fast: Annotated[bool, typer.Option("--fast", help="Soon.")] = False,
) -> None:
    """Ride there."""
    taken.append((ctx.get_parameter_source("hold").name, place, driver, motion, fast))  # type: ignore[union-attr]


def test_a_command_gets_whole_configs_beside_its_own_options() -> None:
    assert call(ride, "home").exit_code == 0
    assert call(ride, "home", "--fast", "--hold", "2", "--easing", "in", "--asleep", "--name", "Bo").exit_code == 0
    assert taken == [
        ("DEFAULT", "home", Driver(), Motion(), False),
        ("COMMANDLINE", "home", Driver("Bo", False), Motion(hold_s=2.0, easing="in"), True),
    ]


def test_help_has_what_is_said_at_the_field() -> None:
    shown = re.sub(r"[│╭╮╰╯─\s]+", " ", call(ride, "--help").stdout)
    assert "Ride there." in shown
    assert " Timing --frames N [2<=x<=10000] Frames of the move, one way. [default: 16]" in shown
    assert "--hold SECONDS [0<=x<=60] How long the end expression stays. [default: 0.5]" in shown
    assert " End --loop <once|ping-pong|cycle> Stop at the end" in shown
    assert " Who --name NAME Who drives. [default: Ann] --awake --asleep" in shown


@pytest.mark.parametrize(("option", "value"), [("--frames", "1"), ("--loop", "twice"), ("--hold", "61")])
def test_what_is_out_of_range_is_a_wrong_command_line(option: str, value: str) -> None:
    wrong = call(ride, "home", option, value)
    assert wrong.exit_code == 2
    assert option in wrong.output
    assert not taken


def look(*, scrutiny: Annotated[Scrutiny, Options("See")], driving: Annotated[Driving, Options("See")]) -> None:
    """Look."""
    taken.append((scrutiny, driving))


def test_settings_without_help_are_no_options() -> None:
    assert call(look, "--compare", "--relative", "--strip-frames", "3").exit_code == 0
    assert taken == [(Scrutiny(compare=True, strip_frames=3), Driving(relative=True))]
    assert call(look, "--most-fps", "3").exit_code == 2
    assert call(look, "--no-compare").exit_code == 2  # a flag that is off at first needs no other one


def build(*, changes: Annotated[Mapping[str, Any], Changes("Rest", {"back": "Back"}, Cart)]) -> None:
    """Build."""
    taken.append(changes)


def rebuild(*, cart: Annotated[Cart, Options("Cart")]) -> None:
    """Build anew."""
    taken.append(cart)


def test_two_options_of_one_name_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="size"):
        with_settings(build)
    with pytest.raises(ValueError, match="size"):
        with_settings(rebuild)


def train(*, changes: Annotated[Mapping[str, Any], Changes("Rest", {"weights": "Weights"}, TrainConfig)]) -> None:
    """Train."""
    taken.append(changes)


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ((), {}),
        (("--steps", "3"), {"steps": 3}),
        (("--size", "64"), {"generator": {"size_px": 64}, "critic": {"size_px": 64}}),
        (("--matcher", "spline"), {"generator": {"matcher": "spline"}}),
        (("--learning-rate", "0.1"), {"learning_rate": 0.1, "critic_learning_rate": 0.1}),
        (
            ("--critic-learning-rate", "0.2", "--learning-rate", "0.1"),
            {"learning_rate": 0.1, "critic_learning_rate": 0.2},
        ),
        (("--cycle-weight", "1", "--critic-channels", "7"), {"weights": {"cycle": 1.0}, "critic": {"channels": 7}}),
        (("--precision", "magic"), {"precision": "magic"}),  # the whole config says what is wrong with it
    ],
)
def test_changes_are_what_is_given_and_nothing_else(arguments: tuple[str, ...], changes: dict[str, Any]) -> None:
    result = call(train, *arguments)
    assert result.exit_code == 0, result.output
    assert taken == [changes]


def test_changes_show_the_defaults_that_they_do_not_set() -> None:
    shown = re.sub(r"[│╭╮╰╯─\s]+", " ", call(train, "--help").stdout)
    assert "--steps N Steps in all. [default: (24000)]" in shown
    assert shown.index(" Weights --adversarial-weight N Realism.") < shown.index(" Rest --generator KIND")


@dataclasses.dataclass(frozen=True)
class Luggage:
    """Options that are written out, and travel as one."""

    bag: Annotated[list[str] | None, typer.Option("--bag", "-b", help="A bag.")] = None
    fragile: Annotated[bool, typer.Option("--fragile", help="With care.")] = False


def pack(
    ctx: typer.Context, *, luggage: Annotated[Luggage, Group()], motion: Annotated[Motion, Options("Timing")]
) -> None:
    """Pack."""
    taken.append((ctx.params["fragile"], luggage, motion.frames))


def test_a_group_of_options_travels_whole() -> None:
    assert call(pack).exit_code == 0
    assert call(pack, "-b", "red", "--fragile", "--frames", "3", "--bag", "blue").exit_code == 0
    assert taken == [(False, Luggage(), 16), (True, Luggage(["red", "blue"], True), 3)]

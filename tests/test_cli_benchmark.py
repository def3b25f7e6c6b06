"""`ganimate benchmark`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ganimate.animation.benchmark import STAGES, Stopwatch

Run = Callable[..., Result]


@pytest.mark.parametrize("kind", ["mp4", "folder"])
def test_every_stage_is_timed(cli: Run, photo: Path, tiny_model: Path, kind: str) -> None:
    done = cli("benchmark", photo, "--model", tiny_model, "--frames", 3, "--size", "320x180", "--to", kind, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["width_px"], told["height_px"], told["frames"]) == (320, 180, 3)
    assert tuple(told["stages_s"]) == STAGES
    assert all(seconds >= 0 for seconds in told["stages_s"].values())
    assert told["stages_s"]["generate"] > 0 and told["network_s"] > 0
    assert told["total_s"] == pytest.approx(sum(told["stages_s"].values()), abs=0.01)
    assert [path.name for path in photo.parent.iterdir()] == ["me.jpg"]


def test_the_table_ends_with_the_total(cli: Run, photo: Path, tiny_model: Path) -> None:
    done = cli("benchmark", photo, "--model", tiny_model, "--frames", 2, "--to", "gif")
    assert done.exit_code == 0, done.stderr
    assert "2 frames of 512×512 px to gif" in done.stdout
    assert "total" in done.stdout


def test_a_size_that_is_none(cli: Run, photo: Path) -> None:
    done = cli("benchmark", photo, "--size", "full-hd")
    assert done.exit_code == 2
    assert "1920x1080" in done.stderr


def test_inner_stages_are_not_counted_twice() -> None:
    watch = Stopwatch()
    with watch.stage("outer"):
        time.sleep(0.02)
        with watch.stage("inner"):
            time.sleep(0.1)
    assert watch.stages_s["inner"] >= 0.1
    assert 0.02 <= watch.stages_s["outer"] < 0.09

"""`ganimate models`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ganimate.zoo import catalogue as zoo

Run = Callable[..., Result]


@pytest.fixture
def shelf(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for models/, with one model and its card in it."""
    (tmp_path / "small").mkdir()
    shutil.copy(tiny_model, tmp_path / "small" / zoo.WEIGHTS_NAME)
    (tmp_path / "small" / zoo.CARD_NAME).write_text("# Small\n\nOf no use.\n")
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [tmp_path])
    return tmp_path


@pytest.mark.parametrize("words", [("models",), ("models", "list")])
def test_models_are_listed(cli: Run, shelf: Path, words: tuple[str, ...]) -> None:
    done = cli(*words)
    assert done.exit_code == 0
    _, row = done.stdout.splitlines()
    assert row.split()[:5] == ["small", "attention", "32", "px", "17"]
    (told,) = json.loads(cli(*words, "--json").stdout)
    assert told["name"] == "small"
    assert told["size_bytes"] == (shelf / "small" / zoo.WEIGHTS_NAME).stat().st_size


def test_an_empty_shelf_is_told(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [])
    done = cli("models")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "--model" in done.stderr
    assert json.loads(cli("models", "--json").stdout) == []


def test_a_damaged_model_does_not_hide_the_others(cli: Run, shelf: Path) -> None:
    (shelf / "broken").mkdir()
    (shelf / "broken" / zoo.WEIGHTS_NAME).write_bytes(b"cut")
    done = cli("models")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["name", "small"]
    assert done.stderr.startswith("left out: ") and "broken" in done.stderr


def test_a_model_is_described(cli: Run, shelf: Path) -> None:
    done = cli("models", "show", "small")
    assert done.exit_code == 0
    for fact in ("licence", "lip corner puller", "architecture attention", "steps 0", "Of no use."):
        assert fact in done.stdout
    told = json.loads(cli("models", "show", "small", "--json").stdout)
    assert told["digest"] in done.stdout
    assert told["card"]["generator"]["size_px"] == 32


def test_a_model_that_is_not_there(cli: Run, shelf: Path) -> None:
    done = cli("models", "show", "large")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "error: there is no model called 'large'"
    assert "small" in done.stderr

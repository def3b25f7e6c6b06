"""Laws of the models that come along: found by name or path, listed in order, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganimate.config import CriticConfig, CropSpec, GeneratorConfig
from ganimate.errors import ModelError
from ganimate.networks import Critic, build_generator
from ganimate.zoo import catalogue as zoo
from ganimate.zoo.card import ModelCard
from ganimate.zoo.catalogue import WEIGHTS_NAME, find_model, list_models, zoo_folders
from ganimate.zoo.checkpoint import load_model, save_model

CARD = ModelCard(
    "tiny",
    GeneratorConfig("attention", 32, channels=4, blocks=1),
    CriticConfig(32, channels=4, layers=4),
    CropSpec(32),
    (1, 12),
)


def put(folder: Path) -> Path:
    """Write a tiny model into a folder."""
    folder.mkdir(parents=True)
    save_model(folder / WEIGHTS_NAME, CARD, build_generator(CARD.generator, 2), Critic(CARD.critic, 2))
    return folder / WEIGHTS_NAME


@pytest.fixture
def shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders of models, `b` and `a` in the first, `a` and `c` in the second."""
    folders = [tmp_path / "installed", tmp_path / "checkout"]
    for shelf, name in ((0, "b"), (0, "a"), (1, "a"), (1, "c")):
        put(folders[shelf] / name)
    monkeypatch.setattr(zoo, "zoo_folders", lambda: folders)
    monkeypatch.chdir(tmp_path)
    return folders


def test_models_are_listed_by_name_each_once_the_first_folders_first(shelves: list[Path]) -> None:
    assert [(entry.name, entry.path.parent.parent) for entry in list_models()] == [
        ("a", shelves[0]),
        ("b", shelves[0]),
        ("c", shelves[1]),
    ]


def test_a_listed_model_describes_itself_and_loads(shelves: list[Path]) -> None:
    entry = list_models()[0]
    assert entry.card == CARD and entry.size_bytes == entry.path.stat().st_size > 0
    assert entry.prose is None
    (entry.path.parent / zoo.CARD_NAME).write_text("# Für alle", "utf-8")
    assert entry.prose == "# Für alle"
    assert load_model(entry.path).card == CARD


def test_a_model_is_found_by_its_name(shelves: list[Path]) -> None:
    found = find_model("c")
    assert found.name == "c" and found.path == shelves[1] / "c" / WEIGHTS_NAME
    assert find_model("a").path.parent.parent == shelves[0]


def test_a_model_is_found_by_its_folder_or_file(shelves: list[Path], tmp_path: Path) -> None:
    path = put(tmp_path / "runs" / "monday")
    elsewhere = path.rename(tmp_path / "best.safetensors")
    put(tmp_path / "runs" / "tuesday")
    assert find_model(str(elsewhere)).name == "best"
    assert find_model(str(tmp_path / "runs" / "tuesday")).name == "tuesday"
    assert find_model("runs/tuesday/" + WEIGHTS_NAME).name == "tuesday"


def test_a_folder_that_happens_to_have_a_models_name_does_not_hide_it(shelves: list[Path], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert find_model("a").path.parent.parent == shelves[0]


@pytest.mark.parametrize("name", ["d", "", "runs/none.safetensors", "x" * 5000, "a\0b", "../installed"])
def test_a_missing_model_is_refused_with_the_names_there_are(shelves: list[Path], name: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_model(name)
    assert "there is no model" in caught.value.message and caught.value.hint is not None
    assert "a, b, c" in caught.value.hint


def test_without_any_model_the_hint_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [tmp_path])
    assert list_models() == []
    with pytest.raises(ModelError) as caught:
        find_model("a")
    assert caught.value.hint is not None and "none" in caught.value.hint


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ModelError, match=r"notes\.txt"):
        find_model(str(tmp_path / "notes.txt"))


def test_every_shipped_model_loads_and_says_what_it_is() -> None:
    assert all(folder.is_dir() for folder in zoo_folders())
    for entry in list_models():
        model = load_model(entry.path)
        assert model.card.name and model.card.license and entry.prose
        assert all(torch.isfinite(weight).all() for weight in model.generator.parameters())

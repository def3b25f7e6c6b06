"""`ganimate faces` and `ganimate aus`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import Result

from ganimate.facs import OPENFACE_AUS

Run = Callable[..., Result]


def test_faces_are_listed(cli: Run, photo: Path) -> None:
    done = cli("faces", photo)
    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["face", "left", "top", "width", "height"],
        ["1", "175", "79", "100", "100"],
    ]


def test_faces_as_json(cli: Run, photo: Path) -> None:
    told = json.loads(cli("faces", photo, "--json").stdout)
    assert (told["width_px"], told["height_px"]) == (512, 512)
    box = {"left": 175.0, "top": 79.2, "right": 274.6, "bottom": 178.8}
    assert told["faces"] == [{"number": 1, "box_px": box}]


def test_faces_are_drawn(cli: Run, photo: Path, astronaut: np.ndarray, tmp_path: Path) -> None:
    done = cli("faces", photo, "--save", tmp_path / "boxes.png")
    assert done.exit_code == 0
    assert "boxes.png" in done.stderr
    with Image.open(tmp_path / "boxes.png") as image:
        drawn = np.array(image)
    assert (drawn != astronaut).any()
    assert (drawn[200:] == astronaut[200:]).all()
    assert cli("faces", photo, "--save", tmp_path / "boxes.png").exit_code == 1
    assert cli("faces", photo, "--save", tmp_path / "boxes.png", "--force").exit_code == 0


def test_boxes_are_never_drawn_into_the_photo_itself(cli: Run, photo: Path) -> None:
    before = photo.read_bytes()
    done = cli("faces", photo, "--save", photo.parent / "." / photo.name, "--force")
    assert done.exit_code == 1 and "is the photo itself" in done.stderr
    assert photo.read_bytes() == before


def test_aus_are_shown_with_names_and_bars(cli: Run, photo: Path, tiny_model: Path) -> None:
    done = cli("aus", photo, "--model", tiny_model)
    assert done.exit_code == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["AU", "name", "intensity", "muscle"]
    assert [int(row.split()[0]) for row in rows] == list(OPENFACE_AUS)
    assert "zygomaticus major" in done.stdout
    assert "█" in done.stdout


def test_aus_as_json_are_those_of_the_table(cli: Run, photo: Path, tiny_model: Path) -> None:
    told = json.loads(cli("aus", photo, "--model", tiny_model, "--json", "--face", "all").stdout)
    (face,) = told["faces"]
    assert list(face["aus"]) == [f"AU{number}" for number in OPENFACE_AUS]
    assert all(0 <= value <= 1 for value in face["aus"].values())
    rows = cli("aus", photo, "--model", tiny_model).stdout.splitlines()[1:]
    for row, value in zip(rows, face["aus"].values(), strict=True):
        assert f" {value:.2f} " in row

"""`ganimate sheet`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.face.crop import Box, Face
from ganimate.face.detect import FixedDetector
from ganimate.media import inspect

Run = Callable[..., Result]


@pytest.fixture
def sheet(cli: Run, tiny_model: Path, photo: Path) -> Run:
    return lambda *arguments: cli("sheet", photo, "--model", tiny_model, "--size", 64, *arguments)


def test_a_sheet_is_written_beside_the_photo_and_marked(sheet: Run, photo: Path) -> None:
    done = sheet()
    assert done.exit_code == 0, done.stderr
    path = photo.parent / "me_sheet.png"
    assert done.stdout == f"{path}\n"
    found = inspect(path)
    assert found.marked
    assert found.provenance.mark is not None
    (asked,) = found.provenance.mark.aus
    assert asked.split("; ")[:3] == ["1=0..1", "2=0..1", "4=0..1"]
    assert asked.count("=") == 17
    assert sheet().exit_code == 1
    assert sheet("--au", "12", "--force", "--no-mark").exit_code == 0
    assert not inspect(path).marked


def test_the_mark_names_each_row(sheet: Run, tmp_path: Path) -> None:
    done = sheet("--au", "12", "-e", "6=1,12=0.8", "-e", "fear", "--intensities", "1", "-o", tmp_path / "a.png")
    assert done.exit_code == 0, done.stderr
    mark = inspect(tmp_path / "a.png").provenance.mark
    assert mark is not None
    assert mark.aus == ("12=1; 6=1,12=0.8; fear",)


def test_an_au_that_does_not_exist_is_told_before_anything_is_loaded(
    sheet: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "read_photo", lambda *_: pytest.fail("work was begun"))
    done = sheet("--au", "1,99")
    assert done.exit_code == 1
    assert "FACS has no action unit 99" in done.stderr


def test_what_is_asked_is_what_is_drawn(sheet: Run, tmp_path: Path) -> None:
    asked = ("--au", "1,12", "-e", "happiness:0.8", "--intensities", "0,0.5,1", "-o", tmp_path / "a.webp", "--json")
    told = json.loads(sheet(*asked).stdout)
    assert told["rows"] == ["AU1", "AU12", "happiness:0.8"]
    assert told["intensities"] == [0, 0.5, 1]
    assert told["faces_made"] == 9
    with Image.open(tmp_path / "a.webp") as image:
        assert image.size == (told["width_px"], told["height_px"])
    masked = json.loads(sheet(*asked, "--masks", "--force").stdout)
    assert masked["rows"] == told["rows"]
    assert masked["height_px"] > told["height_px"] + 6 * 64


def test_others_change_what_is_drawn(sheet: Run, tmp_path: Path) -> None:
    drawn = {}
    for others in ("auto", "keep", "zero"):
        place = tmp_path / f"{others}.png"
        done = sheet("--au", "12", "--intensities", "0.5", "--others", others, "-o", place)
        assert done.exit_code == 0, done.stderr
        with Image.open(place) as picture:
            drawn[others] = picture.convert("RGB").tobytes()
    assert drawn["auto"] == drawn["keep"] != drawn["zero"]  # an AU comes on top of what the photo shows


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--others", "none"), 2, "none"),
        (("--au", "8"), 1, "AU8"),
        (("--au", "lips"), 1, "neither an AU nor a preset"),
        (("--intensities", "0,2"), 2, "from 0 to 1"),
        (("--intensities", "nan"), 2, "from 0 to 1"),
        (("--intensities", "a"), 2, "such as 0,0.5,1"),
        (("--size", "1024", "--masks", "--intensities", ",".join(["1"] * 9)), 1, "megapixels"),
        (("--size", "400", "--masks", "-o", "a.webp"), 1, "16383 px a side"),
        (("-o", "a.gif"), 1, "still"),
        (("-o", "nowhere/a.png"), 1, "does not exist"),
        (("--face", "2"), 1, "only 1 face"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_leaves_nothing(
    sheet: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, sentence: str
) -> None:
    monkeypatch.chdir(photo.parent)
    done = sheet(*words)
    assert done.exit_code == code
    assert sentence in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2
    assert list(photo.parent.iterdir()) == [photo]


def test_a_sheet_is_of_one_face(
    sheet: Run, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Face(Box(0.0, 0.0, 20.0, 20.0), astronaut_face.landmarks)
    monkeypatch.setattr(session, "make_detector", lambda name: FixedDetector((astronaut_face, other)))
    done = sheet("--face", "all", "-o", tmp_path / "a.png")
    assert done.exit_code == 1
    assert "a sheet is of one face, and 2 were chosen" in done.stderr
    assert sheet("--face", "2", "--au", "12", "-o", tmp_path / "a.png").exit_code == 0

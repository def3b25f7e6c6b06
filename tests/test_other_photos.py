"""Other photos as targets: `@other.jpg` from the library and from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import Result

from ganimate.animation.animator import Animator
from ganimate.animation.other_photos import TargetReader, open_target
from ganimate.errors import FaceError, PhotoError
from ganimate.face.detect import FixedDetector
from ganimate.facs import parse_expression
from ganimate.zoo.checkpoint import load_model

Run = Callable[..., Result]


@pytest.fixture
def other(tmp_path: Path, astronaut_path: Path) -> Path:
    """Another photo, with other AUs in the eyes of a random model: the astronaut in negative."""
    path = tmp_path / "other, one.png"
    with Image.open(astronaut_path) as image:
        ImageOps.invert(image.convert("RGB")).save(path)
    return path


@pytest.fixture
def reader(tiny_model: Path, astronaut_detector: FixedDetector) -> TargetReader:
    return TargetReader(Animator(load_model(tiny_model)), astronaut_detector)


def test_a_target_is_what_the_model_reads_from_the_other_photo(reader: TargetReader, other: Path) -> None:
    photo = open_target(str(other))
    (person,) = reader.animator.prepare(photo, reader.detector.detect(photo))
    aus = reader.animator.model.card.aus
    goal = reader.fill(parse_expression(f'@"{other}",12=0')).resolve(np.zeros(len(aus), np.float32), aus)
    expected = np.where(np.array(aus) == 12, 0, person.source_aus)
    np.testing.assert_array_equal(goal, expected)
    assert expected.max() > 0


def test_errors_name_the_other_photo(reader: TargetReader, other: Path) -> None:
    with pytest.raises(PhotoError, match=r"nobody\.jpg"):
        reader.fill(parse_expression("@nobody.jpg"))
    with pytest.raises(FaceError, match=r"no face was found in the photo .*other, one"):
        TargetReader(reader.animator, FixedDetector(())).fill(parse_expression(f'@"{other}"'))


def test_a_tilde_is_the_users_folder(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(other.parent))
    monkeypatch.setenv("USERPROFILE", str(other.parent))
    assert (open_target("~/other, one.png") == open_target(str(other))).all()


def goals(cli: Run, *arguments: object) -> dict[str, dict[str, float]]:
    done = cli(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    (face,) = json.loads(done.stdout)["faces"]
    return {"y_r": face["y_r"], "y_g": face["y_g"]}


def test_a_photo_takes_the_expression_of_another(cli: Run, tiny_model: Path, photo: Path, other: Path) -> None:
    told = goals(cli, "animate", photo, "--model", tiny_model, "-e", f'@"{other}",45=0', "--still")
    shown = goals(cli, "animate", other, "--model", tiny_model, "-e", "self,45=0", "--still")
    assert told["y_g"] == shown["y_g"] != told["y_r"] | {"AU45": 0.0}


def test_interpolate_and_from_read_other_photos_too(
    cli: Run, tiny_model: Path, photo: Path, other: Path, tmp_path: Path
) -> None:
    here = ("--model", tiny_model, "--frames", 2, "--hold", 0, "--loop", "once")
    told = goals(cli, "interpolate", photo, *here, "--from", f'@"{other}"', "--to", "@" + str(photo),
                 "-o", tmp_path / "a.gif")  # fmt: skip
    assert told["y_g"] == told["y_r"]
    seen = goals(cli, "animate", photo, *here, "--from", f'@"{other}"', "-e", "12=1", "-o", tmp_path / "b.gif")
    assert seen["y_r"] == goals(cli, "animate", other, "--model", tiny_model, "-e", "self", "--still")["y_r"]


def test_a_missing_photo_is_told_before_the_slow_work(
    cli: Run, tiny_model: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganimate.cli import session

    monkeypatch.setattr(session, "sit", None)  # calling it would be a TypeError
    done = cli("animate", photo, "--model", tiny_model, "-e", "@nobody.jpg")
    assert done.exit_code == 1
    assert "photo 'nobody.jpg' does not exist" in done.stderr


def test_a_photo_without_a_face_is_named(
    cli: Run, tiny_model: Path, photo: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganimate.cli import session

    detectors = iter([session.make_detector("hog"), FixedDetector(())])
    monkeypatch.setattr(session, "make_detector", lambda name: next(detectors))
    done = cli("animate", photo, "--model", tiny_model, "-e", f'@"{other}"')
    assert done.exit_code == 1
    assert f"no face was found in the photo {str(other)!r}" in done.stderr


def test_the_other_photo_is_not_written_over(cli: Run, tiny_model: Path, photo: Path, other: Path) -> None:
    before = other.read_bytes()
    done = cli("animate", photo, "--model", tiny_model, "-e", f'@"{other}"', "--still", "-o", other, "--force")
    assert done.exit_code == 1
    assert "is the photo itself" in done.stderr
    assert other.read_bytes() == before

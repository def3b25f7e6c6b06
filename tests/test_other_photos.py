"""Other photos as targets: `@other.jpg` from the library and from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from typer.testing import Result

from ganimate.animation.animator import Animator
from ganimate.animation.other_photos import largest_face, open_photos
from ganimate.errors import FaceError, PhotoError
from ganimate.face.detect import FixedDetector
from ganimate.system.progress import Silent
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
def animator(tiny_model: Path) -> Animator:
    return Animator(load_model(tiny_model))


def test_the_largest_face_is_read_by_the_model(
    animator: Animator, astronaut_detector: FixedDetector, other: Path
) -> None:
    (photo,) = open_photos([str(other)], Silent()).values()
    (person,) = animator.prepare(photo, astronaut_detector.detect(photo))
    read = largest_face(str(other), photo, animator, astronaut_detector)
    assert read == dict(zip(animator.model.card.aus, person.source_aus.tolist(), strict=True))
    assert max(read.values()) > 0


def test_errors_name_the_other_photo(animator: Animator, other: Path) -> None:
    with pytest.raises(PhotoError, match=r"nobody\.jpg"):
        open_photos(["nobody.jpg"], Silent())
    (photo,) = open_photos([str(other)], Silent()).values()
    with pytest.raises(FaceError, match=r"no face was found in the photo .*other, one"):
        largest_face(str(other), photo, animator, FixedDetector(()))


def test_a_tilde_is_the_users_folder(other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(other.parent))
    monkeypatch.setenv("USERPROFILE", str(other.parent))
    photos = open_photos(["~/other, one.png", str(other)], Silent())
    assert (photos["~/other, one.png"] == photos[str(other)]).all()


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
    from ganimate.animation import session

    monkeypatch.setattr(session, "find_faces", None)  # calling it would be a TypeError
    done = cli("animate", photo, "--model", tiny_model, "-e", "@nobody.jpg")
    assert done.exit_code == 1
    assert "photo 'nobody.jpg' does not exist" in done.stderr


def test_a_photo_without_a_face_is_named(
    cli: Run, tiny_model: Path, photo: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganimate.animation import session

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

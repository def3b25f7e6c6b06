"""Jobs of the library: they print nothing, return what came of them, and speak to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from numpy.typing import NDArray

from ganimate.animation import session
from ganimate.animation.clip import ClipJob
from ganimate.animation.job import Job, Result
from ganimate.animation.outputs import Outputs
from ganimate.animation.request import FaceRequest, Request, expression, move
from ganimate.animation.session import Session
from ganimate.animation.sheet_job import SheetJob
from ganimate.config import Motion, Setup
from ganimate.errors import FaceError, OutputError
from ganimate.face.crop import Face
from ganimate.face.detect import FixedDetector, FixedFollower
from ganimate.system.progress import Progress, Silent, Table

SHORT = Motion(frames=2, hold_s=0.0, loop="once")


class Listener(Silent):
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.tables: list[Table] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def table(self, table: Table) -> None:
        self.tables.append(table)


@pytest.fixture(autouse=True)
def fixed_faces(monkeypatch: pytest.MonkeyPatch, astronaut_detector: FixedDetector, astronaut_face: Face) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: astronaut_detector)
    monkeypatch.setattr(session, "make_follower", lambda: FixedFollower((astronaut_face,)))


@pytest.fixture
def setup(tiny_model: Path) -> Setup:
    return Setup(str(tiny_model))


def job(photo: Path, setup: Setup, **more: object) -> Job:
    asked = FaceRequest(move(["self"], ["12=1"], "keep", SHORT))
    return Job(Request(photo, asked, setup), Outputs(str(photo.with_suffix(".gif"))), **more)  # type: ignore[arg-type]


def clip_job(photo: Path, setup: Setup) -> ClipJob:
    frames = [np.full((512, 512, 3), value, np.uint8) for value in (100, 110)]
    make_clip(photo.with_name("clip.mp4"), frames)
    outputs = Outputs(str(photo.with_name("edited.mp4")))
    return ClipJob(photo.with_name("clip.mp4"), expression(["12=+0.5"]), outputs, setup=setup)


def sheet_job(photo: Path, setup: Setup) -> SheetJob:
    return SheetJob(photo, Outputs(str(photo.with_name("sheet.png"))), ("12",), (0.0, 1.0), False, 64, setup)


@pytest.mark.parametrize("make", [job, clip_job, sheet_job])
def test_a_job_prints_nothing_and_returns_where_its_result_is(
    make: Callable[[Path, Setup], Job | ClipJob | SheetJob],
    photo: Path,
    setup: Setup,
    capfd: pytest.CaptureFixture[str],
) -> None:
    made: Result = make(photo, setup).make(Silent())
    assert capfd.readouterr() == ("", "")
    assert Path(made.path).stat().st_size > 0
    assert made.facts["path"] == made.path
    assert made.facts["model"]["name"] == "tiny"


def test_a_listener_hears_where_faces_go_and_what_was_read(photo: Path, setup: Setup) -> None:
    listener = Listener()
    made = job(photo, setup).make(listener)
    assert listener.notes[0] == "face 1 of 1"
    assert listener.tables[0].headings == ("", "", "photo", "to")
    assert listener.tables[0].rows[0][:2] == ("  AU12", "lip corner puller")
    assert listener.tables[-1].headings == ("", "", "asked", "read")
    assert made.facts["frames"] == 2


def test_a_session_serves_several_jobs(photo: Path, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Session.of(setup, Silent())
    scene = job(photo, setup).prepare(Silent(), ready)
    monkeypatch.setattr("ganimate.zoo.backends.load_running_model", None)  # calling it would be a TypeError
    again = job(photo, setup).prepare(Silent(), ready)
    assert again.prepared.animator is scene.prepared.animator
    assert (again.trajectories[0].values == scene.trajectories[0].values).all()
    assert again.tables()[0].startswith("2 frames at 25 fps")


def test_what_cannot_be_written_is_told_before_the_photo_is_opened(photo: Path, setup: Setup) -> None:
    def fail(*_: object) -> None:
        pytest.fail("work was begun")

    listener: Progress = Silent()
    photo.with_suffix(".gif").write_bytes(b"taken")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OutputError, match="exists"):
        patch.setattr(session, "open_photo", fail)
        job(photo, setup).make(listener)
    with pytest.raises(OutputError, match="is the photo itself"):
        asked = FaceRequest(move(["self"], ["12=1"], "keep", SHORT))
        Job(Request(photo, asked, setup, still=True), Outputs(str(photo), overwrite=True)).make(listener)


def test_a_trajectory_is_that_of_one_face(
    photo: Path, setup: Setup, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: FixedDetector((astronaut_face, astronaut_face)))
    asked = FaceRequest(move(["self"], ["12=1"], "keep", SHORT))
    both = Job(
        Request(photo, asked, setup, "all"),
        Outputs(str(photo.with_suffix(".gif"))),
        save_trajectory=str(photo.with_suffix(".csv")),
    )
    with pytest.raises(FaceError, match="a trajectory is that of one face"):
        both.make(Silent())


def test_an_array_is_a_photo_too(astronaut: NDArray[np.uint8], setup: Setup, tmp_path: Path) -> None:
    asked = FaceRequest(move(["self"], ["12=1"], "keep", SHORT))
    scene = Request(astronaut, asked, setup).prepare(Silent())
    assert scene.prepared.photo is astronaut
    assert len(list(scene.frames())) == 2

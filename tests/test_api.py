"""The library in one call: what it writes, what it returns, what it says of itself, and what it costs to import."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import ganimate
from ganimate import errors
from ganimate.animation import session
from ganimate.config import Motion
from ganimate.face.detect import FixedDetector
from ganimate.media import inspect as look

SHORT = {"frames": 3, "hold": 0.0}


@pytest.fixture(autouse=True)
def fixed_detector(monkeypatch: pytest.MonkeyPatch, astronaut_detector: FixedDetector) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: astronaut_detector)


def test_all_names_are_there_and_no_others() -> None:
    for name in ganimate.__all__:
        assert getattr(ganimate, name) is not None, name
    told = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert told <= set(ganimate.__all__)
    assert set(ganimate._HOMES) <= set(ganimate.__all__) <= set(dir(ganimate))
    with pytest.raises(AttributeError, match="no attribute 'animat'"):
        ganimate.animat  # noqa: B018


def test_an_animation_of_a_file_lies_beside_it_and_says_that_it_is_synthetic(photo: Path, tiny_model: Path) -> None:
    made = ganimate.animate(str(photo), "12=1", model=tiny_model, **SHORT)
    assert Path(made.path) == photo.with_name("me_12=1.gif")
    assert look(Path(made.path)).marked
    assert made.facts["frames"] == Image.open(made.path).n_frames == 4
    with pytest.raises(ganimate.OutputError, match="exists"):
        ganimate.animate(photo, "12=1", model=tiny_model, **SHORT)
    again = ganimate.animate(photo, "12=1", model=tiny_model, mark=False, overwrite=True, loop="once", **SHORT)
    assert not look(Path(again.path)).marked
    assert again.facts["frames"] == 3


def test_a_still_of_an_array(astronaut: NDArray[np.uint8], tiny_model: Path, tmp_path: Path) -> None:
    made = ganimate.animate(
        astronaut, "12=1", tmp_path / "a.png", still=True, compare=True, reports=[tmp_path / "a.json"], model=tiny_model
    )
    assert Image.open(made.path).size[0] > 2 * astronaut.shape[1]
    assert '"photo": null' in (tmp_path / "a.json").read_text()
    assert made.facts["reports"] == [str(tmp_path / "a.json")]
    with pytest.raises(ganimate.OutputError, match="no place beside it"):
        ganimate.animate(astronaut, "12=1", model=tiny_model)


@pytest.mark.parametrize(
    "photo", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32), np.zeros((8, 64, 3), np.uint8)]
)
def test_an_array_that_is_no_photo(photo: NDArray[np.uint8], tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ganimate.PhotoError):
        ganimate.animate(photo, "12=1", tmp_path / "a.gif", model=tiny_model)


def test_a_timeline_or_an_expression(photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    written = tmp_path / "nod.yaml"
    written.write_text("loop: cycle\nkeyframes: [{time: 0.2, expression: happiness}]\n")
    made = ganimate.animate(photo, timeline=written, fps=10, blink="auto", out=tmp_path / "a", model=tiny_model)
    assert made.facts["fps"] == 10
    assert len(list((tmp_path / "a").iterdir())) == made.facts["frames"]
    for both in ({}, {"expression": "happiness", "timeline": written}):
        with pytest.raises(ganimate.ExpressionError, match="an expression or a timeline"):
            ganimate.animate(photo, out=tmp_path / "b.gif", model=tiny_model, **both)
    with pytest.raises(ganimate.ExpressionError, match="says itself what becomes of other AUs"):
        ganimate.animate(photo, timeline=written, others="zero", out=tmp_path / "b.gif", model=tiny_model)
    with pytest.raises(ganimate.ExpressionError, match="begins as it says itself"):
        ganimate.animate(photo, timeline=written, start="fear", model=tiny_model)


def test_from_one_expression_to_another(photo: Path, tiny_model: Path) -> None:
    made = ganimate.interpolate(photo, "1=0.5", "1=0,12=1", model=tiny_model, others="zero", **SHORT)
    assert Path(made.path).name == "me_1=0.5-to-1=0_12=1.gif"
    assert made.facts["faces"][0]["y_g"]["AU12"] == 1


def test_an_emotion_replaces_the_photos_expression(photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    def rows(made: ganimate.Result) -> tuple[dict[str, float], dict[str, float]]:
        return made.facts["faces"][0]["y_r"], made.facts["faces"][0]["y_g"]

    made = ganimate.animate(photo, "sadness", tmp_path / "a.gif", model=tiny_model, **SHORT)
    own, asked = rows(made)
    assert {name for name, value in asked.items() if value} == {"AU1", "AU4", "AU6", "AU15", "AU17", "AU45"}
    assert asked["AU45"] == own["AU45"]
    _, asked = rows(ganimate.animate(photo, {1: "sadness"}, tmp_path / "b.gif", model=tiny_model, **SHORT))
    assert asked["AU12"] == 0
    _, asked = rows(ganimate.interpolate(photo, "self", "sadness", tmp_path / "c.gif", model=tiny_model, **SHORT))
    assert asked["AU12"] == 0
    kept = ganimate.animate(photo, "sadness", tmp_path / "d.gif", others="keep", model=tiny_model, **SHORT)
    assert rows(kept)[1]["AU12"] == own["AU12"] > 0
    (goal,) = ganimate.frames(photo, "sadness", model=tiny_model, **SHORT).scene.targets
    assert np.count_nonzero(goal) == 6


def test_a_face_by_its_number_begins_where_all_do(photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    one = ganimate.interpolate(photo, "4=1", "12=1", tmp_path / "one", model=tiny_model, **SHORT)
    same = ganimate.animate(photo, {1: "12=1"}, tmp_path / "same", start="4=1", model=tiny_model, **SHORT)
    frames = [[np.array(Image.open(path)) for path in sorted(Path(made.path).glob("*.png"))] for made in (one, same)]
    np.testing.assert_array_equal(*frames)
    assert len(frames[0]) == 4


def test_frames_as_arrays(astronaut: NDArray[np.uint8], tiny_model: Path, tmp_path: Path) -> None:
    animation = ganimate.frames(astronaut, "12=1", start="12=0", model=tiny_model, **SHORT)
    assert (len(animation), animation.fps) == (4, Motion.fps)
    with animation.open_writer(tmp_path / "flipped.gif") as writer:
        for frame in animation:
            assert frame.shape == astronaut.shape
            writer.append(frame[:, ::-1])
    assert look(tmp_path / "flipped.gif").marked
    with animation.open_writer(tmp_path / "plain.gif", mark=False) as writer:
        writer.append(next(iter(animation)))
    assert not look(tmp_path / "plain.gif").marked


def test_the_model_of_the_last_call_stays_loaded(
    astronaut: NDArray[np.uint8], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ganimate.frames(astronaut, "12=1", model=tiny_model)
    monkeypatch.setattr("ganimate.zoo.backends.load_running_model", None)  # calling it would be a TypeError
    assert ganimate.frames(astronaut, "4=1", model=tiny_model).scene.prepared.animator is first.scene.prepared.animator


def test_a_wrong_setting_is_named(photo: Path) -> None:
    for wrong, named in (({"frames": 1}, "frames"), ({"easing": "up"}, "easing"), ({"detector": "eye"}, "detector")):
        with pytest.raises(ganimate.ConfigError, match=named):
            ganimate.animate(photo, "12=1", **wrong)


def test_an_animator_of_a_model(
    astronaut: NDArray[np.uint8], tiny_model: Path, astronaut_detector: FixedDetector
) -> None:
    animator = ganimate.Animator(ganimate.load_model(tiny_model, "cpu"))
    (person,) = animator.prepare(astronaut, astronaut_detector.detect(astronaut))
    assert person.source_aus.shape == (17,)


def test_importing_is_cheap() -> None:
    from test_layers import run_python

    code = "import time; start = time.process_time(); import ganimate; print(time.process_time() - start)"
    assert min(float(run_python("-c", code)) for _ in range(3)) < 0.15

"""`ganimate animate` and `ganimate interpolate`, with a tiny model of random weights and a fixed detector."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.config import CropSpec, Motion
from ganimate.config.settings import leaves
from ganimate.face.crop import Box, Face, align
from ganimate.face.detect import FixedDetector
from ganimate.render.paste import Paster
from ganimate.trajectory import EASINGS, LOOPS, load_trajectory

Run = Callable[..., Result]
SHORT = ("--frames", 2, "--hold", 0, "--loop", "once")
SAD = {"AU1": 0.4, "AU4": 0.6, "AU6": 0.35, "AU15": 0.55, "AU17": 0.55}


@pytest.fixture
def animate(cli: Run, tiny_model: Path, photo: Path) -> Run:
    """Run `animate` on the photo, two frames if nothing else is said; fails unless it succeeds."""

    def run(*arguments: object, command: str = "animate", timing: tuple[object, ...] = SHORT) -> Result:
        done = cli(command, photo, "--model", tiny_model, *timing, *arguments)
        assert done.exit_code == 0, done.stderr
        return done

    return run


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image)


def facts(done: Result) -> dict[str, Any]:
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def aus_of(done: Result, which: str) -> dict[str, float]:
    values = facts(done)["faces"][0][which]
    assert isinstance(values, dict)
    return values


def test_the_path_is_on_stdout_and_what_was_read_is_on_stderr(animate: Run, tmp_path: Path) -> None:
    done = animate("--au", "12=1.0", "-o", tmp_path / "smile.gif")
    assert done.stdout == f"{tmp_path / 'smile.gif'}\n"
    assert "face 1 of 1" in done.stderr
    assert "lip corner puller" in done.stderr
    assert "1.00" in done.stderr
    with Image.open(tmp_path / "smile.gif") as image:
        assert image.size == (512, 512)


def test_the_default_place_is_beside_the_photo_and_never_taken_twice(animate: Run, cli: Run, photo: Path) -> None:
    assert animate("--expression", "fear:0.6").stdout == f"{photo.parent / 'me_fear-0.6.gif'}\n"
    before = (photo.parent / "me_fear-0.6.gif").read_bytes()
    again = cli("animate", photo, "--expression", "fear:0.6")
    assert again.exit_code == 1
    assert "already exists" in again.stderr
    assert "--force" in again.stderr
    assert (photo.parent / "me_fear-0.6.gif").read_bytes() == before
    animate("--expression", "fear:0.6", "--force")
    assert sorted(path.name for path in photo.parent.iterdir()) == ["me.jpg", "me_fear-0.6.gif"]


def test_pixels_outside_of_the_crop_are_the_photos_own(
    animate: Run, astronaut: NDArray[np.uint8], astronaut_face: Face, tmp_path: Path
) -> None:
    animate("--au", "12=1", "-o", f"{tmp_path}/frames/", timing=("--frames", 3, "--hold", 0.04))
    assert [path.name for path in sorted((tmp_path / "frames").iterdir())] == [f"0000{n}.png" for n in range(5)]
    window = Paster(astronaut.shape, align(astronaut_face.landmarks, CropSpec(size_px=32)), 32).window
    for path in (tmp_path / "frames").iterdir():
        frame = pixels(path)
        assert not (frame[window] == astronaut[window]).all()
        frame[window] = astronaut[window]
        assert (frame == astronaut).all()


def test_json_tells_everything(animate: Run, tmp_path: Path, tiny_model: Path) -> None:
    done = animate("--au", "12=1,6=0.5", "-o", tmp_path / "a.gif", "--json", timing=("--frames", 3, "--hold", 0.08))
    told = facts(done)
    assert told["path"] == str(tmp_path / "a.gif")
    assert (told["frames"], told["fps"], told["duration_s"]) == (3 + 2 + 1, 25.0, 0.24)
    assert (told["width_px"], told["height_px"]) == (512, 512)
    assert told["model"] == {"name": "tiny", "path": str(tiny_model)}
    (face,) = told["faces"]
    assert face["number"] == 1
    assert face["box_px"] == {"left": 175.0, "top": 79.2, "right": 274.6, "bottom": 178.8}
    down = dict.fromkeys(("AU15", "AU17", "AU20"), 0.0)  # what gives way to 12
    assert face["y_g"] == face["y_r"] | down | {"AU12": 1.0, "AU6": 0.5}


@pytest.mark.parametrize(
    ("asked", "au12"),
    [
        (("--au", "12=0.25", "--expression", "happiness"), 0.8),
        (("--expression", "happiness", "--au", "12=0.25"), 0.25),
        (("-e", "happiness:0.5", "--au", "12=+0.25"), 0.65),
        (("-e", "happiness,12=-0.5"), 0.3),
    ],
)
def test_later_expressions_win(animate: Run, tmp_path: Path, asked: tuple[str, ...], au12: float) -> None:
    assert aus_of(animate(*asked, "-o", tmp_path / "a.gif", "--json"), "y_g")["AU12"] == au12


def test_others_may_be_zero(animate: Run, tmp_path: Path) -> None:
    asked = aus_of(animate("--au", "12=1", "--others", "zero", "-o", tmp_path / "a.gif", "--json"), "y_g")
    assert [name for name, value in asked.items() if value] == ["AU12"]


def test_an_emotion_takes_the_photos_own_expression_away_unless_told_otherwise(animate: Run, tmp_path: Path) -> None:
    def asked(*arguments: object) -> dict[str, float]:
        return aus_of(animate(*arguments, "-o", tmp_path / "a.gif", "--force", "--json"), "y_g")

    read = aus_of(animate("-e", "self", "-o", tmp_path / "a.gif", "--json"), "y_r")
    assert all(read.values())
    calm = dict.fromkeys(read, 0.0)
    assert asked("-e", "sadness") == calm | SAD | {"AU45": read["AU45"]}
    assert asked("-e", "sadness", "--au", "12=0.25") == calm | SAD | {"AU45": read["AU45"], "AU12": 0.25}
    assert asked("-e", "sadness", "--others", "keep") == read | SAD
    assert asked("-e", "sadness", "--others", "zero") == calm | SAD
    by_aus = asked("--au", "1=0.4,4=0.6,6=0.35,15=0.55,17=0.55")
    assert asked("--au", "1=0.4,4=0.6,6=0.35,15=0.55,17=0.55", "--others", "keep") == read | SAD
    given_way = {name for name, value in by_aus.items() if value < (read | SAD)[name]}
    assert {"AU12"} <= given_way <= {"AU12", "AU25", "AU26"}
    assert by_aus | {name: read[name] for name in given_way} == read | SAD
    assert asked("-e", "blink") == read | {"AU45": 1.0}


def test_the_way_to_an_emotion_is_even_for_all_aus(animate: Run, tmp_path: Path) -> None:
    path, timing = tmp_path / "sad.csv", ("--frames", 3, "--hold", 0, "--loop", "once", "--easing", "linear")
    animate("-e", "sadness", "-o", tmp_path / "a.gif", "--save-trajectory", path, timing=timing)
    values = load_trajectory(path).values
    assert np.allclose(values[1], (values[0] + values[2]) / 2, atol=1e-3)
    assert (values[2] == 0).any()


def test_each_end_of_a_move_decides_for_itself(animate: Run, tmp_path: Path) -> None:
    def ends(start: str, to: str) -> tuple[dict[str, float], dict[str, float]]:
        path = tmp_path / "way.csv"
        told = ("--from", start, "--to", to, "-o", tmp_path / "a.gif", "--save-trajectory", path, "--force", "--json")
        read = aus_of(animate(*told, command="interpolate"), "y_r")
        first, *_, last = load_trajectory(path).values
        return dict(zip(read, first - [*read.values()], strict=True)), dict(zip(read, last, strict=True))

    first, last = ends("4=0.5", "sadness")
    assert {name for name, value in first.items() if abs(value) > 1e-3} == {"AU4"}
    assert {name for name, value in last.items() if value} == {*SAD, "AU45"}
    first, last = ends("sadness", "4=0.5")
    assert abs(first["AU25"]) > 0.05 and abs(first["AU45"]) < 1e-3
    assert all(last.values())


def test_what_the_model_lacks_of_an_emotion_is_told(cli: Run, photo: Path, poor_model: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = cli("animate", photo, "--model", poor_model, "-e", "fear", "-o", tmp_path / "a.gif", *SHORT, "--json",
               "--report", report)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("the model lacks AU5, AU20, AU26 of the expression: left out") == 1
    for told in (facts(done), json.loads(report.read_text())):
        assert told["faces"][0]["left_out"] == ["AU5", "AU20", "AU26"]
    done = cli("interpolate", photo, "--model", poor_model, "--from", "surprise", "--to", "fear", "--blink", "auto",
               "-o", tmp_path / "b.gif", *SHORT)  # fmt: skip
    assert "the model lacks AU5, AU20, AU26 of the expression" in done.stderr
    done = cli("sheet", photo, "--model", poor_model, "-e", "fear", "-o", tmp_path / "c.png", "--json")
    assert "the model lacks AU5, AU20, AU26 of the expression" in done.stderr
    assert json.loads(done.stdout)["left_out"] == ["AU5", "AU20", "AU26"]
    done = cli("batch", photo, "--model", poor_model, "-e", "fear", "-o", tmp_path / "all", *SHORT)
    assert done.stderr.count("the model lacks AU5, AU20, AU26 of the expression") == 1
    assert "lacks" not in cli("batch", photo, "--model", poor_model, "-e", "fear", "-q", "-o", tmp_path / "q").stderr


def test_from_corrects_what_was_read(animate: Run, tmp_path: Path) -> None:
    """Also where an emotion says what it was: what it does not name is as it was read."""
    read = aus_of(animate("--au", "12=1", "-o", tmp_path / "c.gif", "--json"), "y_r")
    corrected = aus_of(animate("--au", "12=1", "--from", "sadness", "-o", tmp_path / "d.gif", "--json"), "y_r")
    assert corrected == read | SAD


def test_from_corrects_aus_that_were_read(animate: Run, tmp_path: Path) -> None:
    read = aus_of(animate("--au", "12=1", "-o", tmp_path / "a.gif", "--json"), "y_r")
    corrected = aus_of(animate("--au", "12=1", "--from", "26=0,1=0.5", "-o", tmp_path / "b.gif", "--json"), "y_r")
    assert corrected == read | {"AU26": 0.0, "AU1": 0.5}


class TestTransparentPhotos:
    """What is transparent in a PNG is so in PNG frames and stills; what other results do is told."""

    @pytest.fixture
    def cut_out(self, photo: Path) -> NDArray[np.uint8]:
        rgba = np.dstack([pixels(photo), np.full((512, 512), 255, np.uint8)])
        rgba[:60, :, 3], rgba[60:80, :, 3] = 0, 128
        Image.fromarray(rgba).save(photo, "PNG")  # whatever its name
        return rgba

    @pytest.mark.parametrize("name", ["a.png", "frames/"])
    def test_png_keeps_it(self, animate: Run, tmp_path: Path, cut_out: NDArray[np.uint8], name: str) -> None:
        still = name == "a.png"
        timing = ("--still",) if still else SHORT
        animate("--au", "12=1", "-o", f"{tmp_path}/{name}", timing=timing)
        made = pixels(tmp_path / name if still else tmp_path / name / "00001.png")
        assert np.array_equal(made[..., 3], cut_out[..., 3])
        assert np.array_equal(made[480:, 480:], cut_out[480:, 480:])  # far from the face, nothing transparent
        half = (slice(60, 80), slice(400, None))
        assert np.abs(made[half].astype(int) - cut_out[half])[..., :3].max() <= 1

    @pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
    def test_gif_and_mp4_are_white_there_and_say_so(
        self, animate: Run, tmp_path: Path, cut_out: NDArray[np.uint8], name: str
    ) -> None:
        assert "what is transparent becomes white" in animate("--au", "12=1", "-o", tmp_path / name).stderr

    def test_opaque_photos_have_no_alpha(self, animate: Run, tmp_path: Path) -> None:
        assert "transparent" not in animate("--au", "12=1", "-o", f"{tmp_path}/a/").stderr
        assert pixels(tmp_path / "a" / "00000.png").shape == (512, 512, 3)


def test_a_still_is_one_picture_of_the_photos_size(animate: Run, photo: Path, tmp_path: Path) -> None:
    done = animate(
        "--au", "12=1", "--still", "--save-attention", tmp_path / "a.png", "--save-color", tmp_path / "c.png"
    )
    assert done.stdout == f"{photo.parent / 'me_12=1.png'}\n"
    assert pixels(photo.parent / "me_12=1.png").shape == (512, 512, 3)
    assert pixels(tmp_path / "a.png").shape == (32, 32)
    assert pixels(tmp_path / "c.png").shape == (32, 32, 3)


def test_a_still_is_the_end_of_the_animation(animate: Run, tmp_path: Path) -> None:
    animate("--au", "12=1", "--still", "-o", tmp_path / "still.png")
    animate("--au", "12=1", "-o", f"{tmp_path}/frames/")
    assert (pixels(tmp_path / "still.png") == pixels(tmp_path / "frames" / "00001.png")).all()


def test_a_saved_trajectory_plays_the_same_frames(animate: Run, tmp_path: Path) -> None:
    path = tmp_path / "smile.csv"
    animate("-e", "happiness", "-o", f"{tmp_path}/a/", "--save-trajectory", path, timing=("--frames", 3, "--hold", 0))
    assert len(load_trajectory(path)) == 4
    animate("--trajectory", path, "-o", f"{tmp_path}/b/", timing=())
    for number in range(4):
        name = f"{number:05d}.png"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_trajectory_is_printed(animate: Run, tmp_path: Path) -> None:
    done = animate("--au", "12=1", "-o", tmp_path / "a.gif", "--print-trajectory", "--quiet")
    assert "time_s  AU12" in done.stderr
    assert done.stdout == f"{tmp_path / 'a.gif'}\n"


def test_quiet_is_quiet(animate: Run, tmp_path: Path) -> None:
    assert animate("--au", "12=1", "-o", tmp_path / "a.gif", "-q").stderr == ""


def test_an_expression_that_changes_nothing_is_told(animate: Run, tmp_path: Path) -> None:
    assert "nothing will move" in animate("-e", "self", "-o", tmp_path / "a.gif").stderr


def test_interpolate_goes_from_one_to_the_other(animate: Run, photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "path.csv"
    asked = ("--from", "neutral", "--to", "surprise:0.5", "--save-trajectory", path)
    done = animate(*asked, command="interpolate")
    assert done.stdout == f"{photo.parent / 'me_neutral-to-surprise-0.5.gif'}\n"
    values = load_trajectory(path).values
    assert (values[0] == 0).all()
    assert values[-1, :2].tolist() == [np.float32(0.35)] * 2


def test_interpolate_blinks(animate: Run, tmp_path: Path) -> None:
    path = tmp_path / "path.csv"
    asked = ("--from", "45=0", "--to", "45=0,12=1", "--fps", 10, "--hold", 6, "--save-trajectory", path, "-f")
    lids = []
    for more in ((), ("--blink", "auto"), ("--blink", "auto", "--seed", 1)):
        assert animate(*asked, *more, "-o", tmp_path / "a.gif", command="interpolate").exit_code == 0
        trajectory = load_trajectory(path)
        lids.append(trajectory.values[:, trajectory.aus.index(45)])
    assert lids[0].max() == 0 < lids[1].max()
    assert not np.array_equal(lids[1], lids[2])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "fear"), "a move has two ends: add for example --to neutral"),
        (("--to", "fear"), "a move has two ends: add for example --from neutral"),
        (("--face", 1, "--to", "fear", "--face", 2, "--from", "fear", "--to", "anger"), "add for example --from"),
        (("--face", 1, "--from", "fear", "--face", 2, "--to", "anger"), "--face 1 has no expression"),
        (("--from", "fear", "--to", "anger", "--seed", 1), "--seed is for --blink auto"),
    ],
)
def test_a_move_without_its_ends_is_refused(
    cli: Run, photo: Path, arguments: tuple[object, ...], sentence: str
) -> None:
    done = cli("interpolate", photo, *arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


class TestSeveralFaces:
    @pytest.fixture(autouse=True)
    def two_faces(self, monkeypatch: pytest.MonkeyPatch, animate: Run, astronaut_face: Face) -> None:
        """The astronaut, and a smaller face to the right of her."""
        marks = (astronaut_face.landmarks * 0.5 + [250, 200]).astype(np.float32)
        detector = FixedDetector((Face(Box(337, 240, 387, 290), marks), astronaut_face))
        monkeypatch.setattr(session, "make_detector", lambda name: detector)

    def test_the_largest_is_the_default(self, animate: Run, tmp_path: Path) -> None:
        told = facts(animate("--au", "12=1", "-o", tmp_path / "a.gif", "--json"))
        assert [face["box_px"]["left"] for face in told["faces"]] == [175.0]

    def test_one_is_chosen_by_number(self, animate: Run, tmp_path: Path) -> None:
        done = animate("--au", "12=1", "--face", "2", "-o", tmp_path / "a.gif", "--json")
        assert [(face["number"], face["box_px"]["left"]) for face in facts(done)["faces"]] == [(2, 337.0)]
        assert "face 2 of 2" in done.stderr

    def test_all_move_together(self, animate: Run, tmp_path: Path) -> None:
        done = animate(
            "--au", "12=1", "--face", "all", "-o", tmp_path / "a.gif", "--json", "--save-color", tmp_path / "c.png"
        )
        assert [face["number"] for face in facts(done)["faces"]] == [1, 2]
        assert pixels(tmp_path / "c.png").shape == (32, 64, 3)

    def test_a_trajectory_file_is_that_of_one(self, cli: Run, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
        done = cli(
            "animate",
            photo,
            "--model",
            tiny_model,
            "-e",
            "fear",
            "--face",
            "1,2",
            "--save-trajectory",
            tmp_path / "t.csv",
        )
        assert done.exit_code == 1
        assert "--face" in done.stderr
        assert not (tmp_path / "t.csv").exists()

    def test_each_has_its_own_expression(self, animate: Run, tmp_path: Path) -> None:
        done = animate(
            "-e", "45=0.5", "--face", "2", "--au", "12=1", "--from", "1=0.3", "--face", "1", "--au", "4=1,45=0",
            "-o", tmp_path / "a.gif", "--json",
        )  # fmt: skip
        first, second = facts(done)["faces"]
        assert (first["number"], second["number"]) == (2, 1)
        assert (first["y_g"]["AU12"], first["y_g"]["AU45"], first["y_r"]["AU1"]) == (1.0, 0.5, 0.3)
        assert (second["y_g"]["AU4"], second["y_g"]["AU45"]) == (1.0, 0.0)
        assert second["y_g"]["AU12"] == second["y_r"]["AU12"] != 1.0
        assert second["y_r"]["AU1"] != 0.3

    def test_each_goes_its_own_way(self, animate: Run, tmp_path: Path) -> None:
        done = animate(
            "--from", "12=0.25", "--face", "2", "--to", "12=1", "--face", "1", "--from", "4=0.5", "--to", "4=1,45=0",
            "-o", tmp_path / "a.gif", "--json", command="interpolate",
        )  # fmt: skip
        first, second = facts(done)["faces"]
        assert (first["number"], first["y_g"]["AU12"]) == (2, 1.0)
        assert (second["number"], second["y_g"]["AU4"], second["y_g"]["AU45"]) == (1, 1.0, 0.0)

    def test_a_group_alone_is_what_it_would_be_alone(self, animate: Run, tmp_path: Path, photo: Path) -> None:
        """The faces' crops are apart here, so each is as if the other were not there."""
        asked = ("--face", 1, "-e", "12=1", "--face", 2, "-e", "4=1", "--still")
        both = pixels(Path(animate(*asked, "-o", tmp_path / "both.png").stdout.strip()))
        one = pixels(Path(animate("--face", 1, "-e", "12=1", "--still", "-o", tmp_path / "1.png").stdout.strip()))
        two = pixels(Path(animate("--face", 2, "-e", "4=1", "--still", "-o", tmp_path / "2.png").stdout.strip()))
        before = pixels(photo)
        assert (one != before).any() and (two != before).any()
        assert not ((one != before).any(-1) & (two != before).any(-1)).any()
        assert np.array_equal(both, np.where(one != before, one, two))

    def test_the_name_tells_who_does_what(self, animate: Run, photo: Path) -> None:
        done = animate("--face", "1", "-e", "fear", "--face", "2", "-e", "12=1")
        assert done.stdout == f"{photo.parent / 'me_1-fear-2-12=1.gif'}\n"

    def test_a_mask_shows_the_moment_when_all_are_furthest(self, animate: Run, tmp_path: Path) -> None:
        asked = ("--face", 1, "-e", "self", "--face", 2, "-e", "12=1", "--save-color", tmp_path / "c.png")
        animate(*asked, "-o", tmp_path / "a.gif")
        animate("--face", 2, "-e", "12=1", "--still", "--save-color", tmp_path / "d.png", "-o", tmp_path / "a.png")
        assert np.array_equal(pixels(tmp_path / "c.png")[:, 32:], pixels(tmp_path / "d.png"))

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--face", 1, "--face", 2, "-e", "fear"), "--face 1 has no expression"),
            (("--face", 1, "-e", "fear", "--face", 2), "--face 2 has no expression"),
            (("--face", 1, "-e", "fear", "--face", "2,1", "-e", "anger"), "face 1 is chosen twice"),
            (("--face", "largest", "-e", "fear", "--face", 1, "-e", "anger"), "face 1 is chosen twice"),
            (("--face", 1, "-e", "fear", "--face", "all", "-e", "anger"), "--face all leaves no face for another"),
            (("--face", 1, "-e", "fear", "--face", "two", "-e", "anger"), "'two' is not largest, all, or numbers"),
            (("--face", 1, "--face", 2, "--trajectory", "t.csv"), "one --trajectory is for all: say --face 1,2"),
        ],
    )
    def test_groups_that_make_no_sense(
        self, cli: Run, photo: Path, arguments: tuple[object, ...], sentence: str
    ) -> None:
        done = cli("animate", photo, *arguments)
        assert done.exit_code == 2
        assert sentence in done.stderr

    def test_a_group_that_is_not_there(self, cli: Run, photo: Path, tiny_model: Path) -> None:
        done = cli("animate", photo, "--model", tiny_model, "--face", 1, "-e", "fear", "--face", 3, "-e", "anger")
        assert done.exit_code == 1
        assert "face 3 was asked for, but there are only 2 faces" in done.stderr

    def test_an_au_that_the_model_lacks_is_told_of_any_group(self, cli: Run, photo: Path, tiny_model: Path) -> None:
        done = cli("animate", photo, "--model", tiny_model, "--face", 1, "-e", "fear", "--face", 2, "-e", "24=1")
        assert done.exit_code == 1
        assert "24" in done.stderr

    def test_expressions_after_one_face_and_before_it_are_the_same(self, animate: Run, tmp_path: Path) -> None:
        for name, asked in {"a": ("--face", 2, "-e", "12=1"), "b": ("-e", "12=1", "--face", 2)}.items():
            animate(*asked, "-o", tmp_path / f"{name}.gif")
        assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_the_names_in_the_help_are_the_librarys() -> None:
    choices = {leaf.name: leaf.said.choices for leaf in leaves(Motion)}
    assert choices["loop"] == tuple(LOOPS)
    assert choices["easing"] == tuple(EASINGS)

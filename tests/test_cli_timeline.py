"""`ganimate timeline`, and timelines and blinks in `ganimate animate`, with a tiny model of random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.face.crop import Box, Face
from ganimate.face.detect import FixedDetector
from ganimate.timeline import load_timeline
from ganimate.trajectory import load_trajectory

Run = Callable[..., Result]
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "greeting.yaml"
SHORT = "fps: 10\nloop: cycle\nkeyframes: [{time: 0.2, expression: 12=1}, {time: 0.4, expression: self}]\n"
CLOSED = np.float32(0.8)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A timeline of four frames."""
    path = tmp_path / "short.yaml"
    path.write_text(SHORT, "utf-8")
    return path


@pytest.fixture
def animate(cli: Run, tiny_model: Path, photo: Path, tmp_path: Path) -> Run:
    """Run `animate` on the photo and return the result; the trajectory is saved as t.csv."""

    def run(*arguments: object) -> Result:
        saved = ("-o", f"{tmp_path}/frames/", "--save-trajectory", tmp_path / "t.csv", "--force")
        return cli("animate", photo, "--model", tiny_model, *saved, *arguments)

    return run


def lids(tmp_path: Path) -> np.ndarray:
    return load_trajectory(tmp_path / "t.csv").values[:, -1]


def test_check_tells_what_is_there(cli: Run) -> None:
    done = cli("timeline", "check", EXAMPLE)
    assert done.exit_code == 0
    assert done.stderr == ""
    timeline = load_timeline(EXAMPLE)
    assert "4 s, 100 frames at 25 fps" in done.stdout
    for key in timeline.keyframes:
        assert str(key.expression) in done.stdout
    assert "AU1 (inner brow raiser): 0.5 s to 1.6 s, up to 0.4" in done.stdout
    assert "2, at 0.36, 3 s" in done.stdout


def test_check_as_json(cli: Run) -> None:
    told = json.loads(cli("timeline", "check", EXAMPLE, "--json").stdout)
    assert (told["frames"], told["duration_s"], told["fps"], told["loop"]) == (100, 4.0, 25.0, "once")
    assert [key["time_s"] for key in told["keyframes"]] == [0, 1.3, 3.6]
    assert {event["au"] for event in told["tracks"]} == {1, 2, 25}
    assert told["blinks_s"] == [0.36, 3.0]


def test_check_notes_what_may_be_meant_otherwise(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("loop: cycle\ntracks: [{au: 8, onset: 0, apex: 1, intensity: 0.5}]", "utf-8")
    done = cli("timeline", "check", tmp_path / "a.yaml")
    assert done.exit_code == 0
    assert "does not have AU8" in done.stderr
    assert "jumps where it begins again: AU8 (lips toward each other) by 0.50" in done.stderr
    assert cli("timeline", "check", tmp_path / "a.yaml", "--quiet").stderr == ""


def test_check_takes_what_a_model_reads_from_other_photos(cli: Run, tmp_path: Path) -> None:
    text = "loop: cycle\nkeyframes: [{time: 1, expression: '@other.jpg,12=1'}, {time: 2, expression: '@other.jpg,8=1'}]"
    (tmp_path / "a.yaml").write_text(text.replace("8=1", "12=0"), "utf-8")
    done = cli("timeline", "check", tmp_path / "a.yaml")
    assert done.exit_code == 0
    assert "other.jpg is not looked at here" in done.stderr
    assert "cannot play it" not in done.stderr
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    assert "does not have AU8" in cli("timeline", "check", tmp_path / "a.yaml").stderr


@pytest.mark.parametrize("command", ["check", "plot"])
def test_errors_name_the_file_and_the_line(cli: Run, tmp_path: Path, command: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("fps: 25\nkeyframes:\n- {time: 1, expression: hapiness}", "utf-8")
    done = cli("timeline", command, path)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == f"error: {path}, line 3: expression: 'hapiness' is neither an AU nor a preset"
    assert done.stderr.splitlines()[1].startswith("hint: did you mean happiness")
    assert list(tmp_path.iterdir()) == [path]


def test_plot_draws_a_band_for_each_au_that_moves(cli: Run, tmp_path: Path, short: Path) -> None:
    done = cli("timeline", "plot", short)
    assert done.stdout == f"{tmp_path / 'short.png'}\n"
    assert "neutral face" in done.stderr
    cli("timeline", "plot", EXAMPLE, "-o", tmp_path / "greeting.png")
    with Image.open(tmp_path / "short.png") as one, Image.open(tmp_path / "greeting.png") as seven:
        assert one.width == seven.width
        assert seven.height - one.height == round(6 * 0.7 * 110)  # AUs 1 2 6 10 12 25 45
    again = cli("timeline", "plot", short)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    assert cli("timeline", "plot", short, "--force").exit_code == 0


def test_plot_of_nothing_is_refused(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("keyframes: [{time: 1, expression: self}]", "utf-8")
    done = cli("timeline", "plot", tmp_path / "a.yaml")
    assert done.exit_code == 1
    assert "nothing moves" in done.stderr
    assert "hint:" in done.stderr


def test_animate_plays_a_timeline(animate: Run, short: Path, tmp_path: Path) -> None:
    done = animate("--timeline", short, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["frames"], told["fps"]) == (4, 10.0)
    path = load_trajectory(tmp_path / "t.csv")
    smile = path.values[:, path.aus.index(12)]
    assert smile[2] == 1.0 > smile[1] == smile[3] > smile[0]


def test_the_result_is_named_after_the_timeline_and_loops_as_it_says(
    cli: Run, photo: Path, tiny_model: Path, short: Path
) -> None:
    done = cli("animate", photo, "--timeline", short, "--model", tiny_model)
    assert done.stdout == f"{photo.parent / 'me_short.gif'}\n"
    with Image.open(photo.parent / "me_short.gif") as gif:
        assert gif.info["loop"] == 0
    short.write_text(SHORT.replace("cycle", "once"), "utf-8")
    cli("animate", photo, "--timeline", short, "--model", tiny_model, "--force")
    with Image.open(photo.parent / "me_short.gif") as gif:
        assert "loop" not in gif.info


def test_another_frame_rate(animate: Run, short: Path) -> None:
    told = json.loads(animate("--timeline", short, "--fps", 20, "--json").stdout)
    assert (told["frames"], told["fps"]) == (8, 20.0)


def test_blinks_over_a_move(animate: Run, tmp_path: Path) -> None:
    timing = ("--fps", 10, "--frames", 8, "--hold", 0.2)
    done = animate("--au", "12=1", *timing, "--blink", "auto")
    assert done.exit_code == 0, done.stderr
    first = lids(tmp_path)
    assert (first == CLOSED).sum() == 1
    assert "blink" in done.stderr and "least  most" in done.stderr
    animate("--au", "12=1", *timing, "--blink", "auto", "--seed", 0)
    assert (lids(tmp_path) == first).all()
    animate("--au", "12=1", *timing, "--blink", "auto", "--seed", 2)
    assert (lids(tmp_path) != first).any()
    animate("--au", "12=1", *timing, "--blink", "off")
    assert np.ptp(lids(tmp_path)) == 0


def test_blinks_over_a_timeline_replace_its_own(animate: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("{fps: 10, duration: 1, blink: [0.3], keyframes: [{time: 0.1, expression: self}]}", "utf-8")
    for options, frames in {(): [4], ("--blink", "off"): []}.items():
        assert animate("--timeline", path, *options).exit_code == 0
        assert np.nonzero(lids(tmp_path) == CLOSED)[0].tolist() == frames
    animate("--timeline", path, "--blink", "auto", "--seed", 5)
    (frames,) = np.nonzero(lids(tmp_path) == CLOSED)
    assert len(frames) == 1 and frames[0] > 4


def test_faces_do_not_blink_in_step(
    cli: Run, photo: Path, tiny_model: Path, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    smaller = Face(Box(337, 240, 387, 290), (astronaut_face.landmarks * 0.5 + [250, 200]).astype(np.float32))
    monkeypatch.setattr(session, "make_detector", lambda name: FixedDetector((smaller, astronaut_face)))
    words = ("-e", "self", "--blink", "auto", "--fps", 10, "--frames", 12, "--face", "all", "--print-trajectory")
    done = cli("animate", photo, "--model", tiny_model, "-o", f"{tmp_path}/f/", *words)
    assert done.exit_code == 0, done.stderr
    first, second = done.stderr.split("face 2 of 2")
    closed = [[line.split()[0] for line in told.splitlines() if line.endswith("0.80")] for told in (first, second)]
    assert closed[0] and closed[1] and closed[0] != closed[1]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--timeline", "short.yaml", "--au", "12=1"), 2, "--au and --timeline exclude each other"),
        (("--timeline", "short.yaml", "--trajectory", "a.csv"), 2, "--trajectory and --timeline exclude"),
        (("--timeline", "short.yaml", "--frames", "3"), 2, "--frames and --timeline"),
        (("--timeline", "short.yaml", "--loop", "once"), 2, "--loop and --timeline"),
        (("--timeline", "short.yaml", "--still"), 2, "--still and --timeline"),
        (("-e", "fear", "--still", "--blink", "auto"), 2, "nobody can blink"),
        (("-e", "fear", "--seed", "3"), 2, "--seed is for --blink auto"),
        (("-e", "fear", "--blink", "often"), 2, "--blink"),
        (("-e", "fear", "--blink", "auto", "--seed", "-1"), 2, "--seed"),
        (("--timeline", "none.yaml"), 1, "none.yaml"),
        (("--timeline", "me.jpg"), 1, "not a text in UTF-8"),
        (("--timeline", "short.yaml", "--fps", "0.1"), 1, "less than two frames"),
    ],
)
def test_what_does_not_go_together_is_refused(
    cli: Run,
    photo: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(photo.parent)
    Path("short.yaml").write_text(SHORT, "utf-8")
    done = cli("animate", photo, "--model", tiny_model, *words)
    assert done.exit_code == code, done.stderr
    assert sentence in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1].startswith("hint: ")
    assert sorted(path.name for path in photo.parent.iterdir()) == ["me.jpg", "short.yaml"]


def test_without_a_command_there_is_help(cli: Run) -> None:
    done = cli("timeline")
    assert done.exit_code == 0 and done.stderr == ""
    assert done.stdout == cli("timeline", "--help").stdout

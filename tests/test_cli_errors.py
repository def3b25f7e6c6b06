"""Whatever goes wrong: one sentence and a hint on stderr, the right exit code, no traceback and no file left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from ganimate.cli import session
from ganimate.detect import FixedDetector
from ganimate.errors import GanimateError
from ganimate.faces import Face
from ganimate.faces import Image as Pixels

Run = Callable[..., Result]
BODY = ("-e", "happiness")


@pytest.fixture
def scene(tmp_path: Path, astronaut_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo, a model, and files that are neither; it is the working directory."""
    whole, weights = astronaut_path.read_bytes(), tiny_model.read_bytes()
    (tmp_path / "me.jpg").write_bytes(whole)
    (tmp_path / "cut.jpg").write_bytes(whole[:50_000])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.gif").touch()
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "cut.safetensors").write_bytes(weights[: len(weights) // 2])
    (tmp_path / "altered.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    (tmp_path / "path.csv").write_text("time_s,AU12\n0,0\n0.04,1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(done: Result, code: int, scene: Path, before: set[Path]) -> str:
    """Check that `done` was refused in good form, and return the sentence."""
    lines = done.stderr.splitlines()
    assert done.exit_code == code, done.stderr
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert done.stdout == ""
    assert set(scene.rglob("*")) == before
    return lines[0]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("missing.jpg", *BODY), 1, "does not exist"),
        (("folder", *BODY), 1, "is a folder"),
        (("text.jpg", *BODY), 1, "not a picture"),
        (("empty.jpg", *BODY), 1, "empty"),
        (("cut.jpg", *BODY), 1, "damaged or cut off"),
        (("dot.png", *BODY), 1, "1×1 px"),
        (("me.jpg", "--au", "99=1"), 1, "no action unit 99"),
        (("me.jpg", "--au", "8=1"), 1, "AU8"),  # FACS knows it, the model does not
        (("me.jpg", "--au", "12=1.5"), 1, "between 0 and 1, not 1.5"),
        (("me.jpg", "--au", "12=nan"), 1, "between 0 and 1, not nan"),
        (("me.jpg", "--au", "12"), 1, "no value"),
        (("me.jpg", "-e", "hapiness"), 1, "neither an AU nor a preset"),
        (("me.jpg", *BODY, "--from", "12=2"), 1, "between 0 and 1"),
        (("me.jpg", *BODY, "--model", "none"), 1, "no model called 'none'"),
        (("me.jpg", *BODY, "--model", "cut.safetensors"), 1, "cut short"),
        (("me.jpg", *BODY, "--model", "altered.safetensors"), 1, "altered"),
        (("me.jpg", *BODY, "--model", "me.jpg"), 1, "not a ganimate model"),
        (("me.jpg", *BODY, "--device", "abacus"), 1, "device 'abacus'"),
        (("me.jpg", *BODY, "--face", "2"), 1, "only 1 face"),
        (("me.jpg", *BODY, "-o", "taken.gif"), 1, "already exists"),
        (("me.jpg", *BODY, "-o", "nowhere/a.gif"), 1, "does not exist"),
        (("me.jpg", *BODY, "-o", "a.avi"), 1, "'.avi' is not supported"),
        (("me.jpg", *BODY, "--still", "-o", "a.gif"), 1, "still"),
        (("me.jpg", *BODY, "--still", "-o", "me.jpg", "--force"), 1, "the photo itself"),
        (("me.jpg", *BODY, "-o", "a.gif", "--save-color", "a.gif"), 1, "two results"),
        (("me.jpg", *BODY, "--save-trajectory", "nowhere/a.csv"), 1, "does not exist"),
        (("me.jpg", *BODY, "--fps", "60"), 1, "60 frames a second"),
        (("me.jpg", "--trajectory", "missing.csv"), 1, "missing.csv"),
        (("me.jpg", "--trajectory", "text.jpg"), 1, "header"),
        (("me.jpg", "--trajectory", "path.csv", "--frames", "9"), 2, "exclude each other"),
        (("me.jpg", "--trajectory", "path.csv", *BODY), 2, "exclude each other"),
        (("me.jpg", *BODY, "--still", "--save-trajectory", "a.csv"), 2, "--still"),
        (("me.jpg",), 2, "nothing to show"),
        ((), 2, "missing argument 'PHOTO'"),
        (("me.jpg", "happiness"), 2, "unexpected extra argument"),
        (("me.jpg", *BODY, "--bogus"), 2, "no such option: --bogus"),
        (("me.jpg", *BODY, "--frames", "1"), 2, "--frames"),
        (("me.jpg", *BODY, "--frames", "many"), 2, "--frames"),
        (("me.jpg", *BODY, "--fps", "nan"), 2, "--fps"),
        (("me.jpg", *BODY, "--loop", "forever"), 2, "--loop"),
        (("me.jpg", *BODY, "--face", "first"), 2, "--face"),
    ],
)
def test_bad_input_is_told_in_one_sentence(
    cli: Run, scene: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    before = set(scene.rglob("*"))
    model = () if "--model" in words else ("--model", "model.safetensors")
    assert sentence in refused(cli("animate", *words, *model), code, scene, before)


@pytest.mark.parametrize("command", ["faces", "aus", "benchmark"])
@pytest.mark.parametrize(("photo", "sentence"), [("missing.jpg", "does not exist"), ("cut.jpg", "damaged")])
def test_other_commands_tell_it_likewise(cli: Run, scene: Path, command: str, photo: str, sentence: str) -> None:
    assert sentence in refused(cli(command, photo), 1, scene, set(scene.rglob("*")))


@pytest.mark.parametrize(("detector", "way_out"), [("hog", True), ("cnn", False)])
def test_no_face(cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch, detector: str, way_out: bool) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: FixedDetector(()))
    done = cli("animate", "me.jpg", *BODY, "--model", "model.safetensors", "--detector", detector)
    assert "no face" in refused(done, 1, scene, set(scene.rglob("*")))
    assert ("--detector cnn" in done.stderr) == way_out


def test_a_folder_that_may_not_be_written_to(cli: Run, scene: Path) -> None:
    folder = scene / "folder"
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere but to what the kernel keeps
        folder = Path("/sys")
    if not folder.exists():
        pytest.skip("there is no such folder here")
    done = cli("animate", "me.jpg", *BODY, "-o", folder / "a.gif", "--model", "model.safetensors")
    assert "no permission" in refused(done, 1, scene, set(scene.rglob("*")))


class FailingDetector:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def detect(self, photo: Pixels) -> list[Face]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "error: stopped before the end; nothing half done is left behind\n"),
        (ImportError("no libGL"), 1, "error: a library that ganimate needs cannot be loaded: no libGL\n"),
        (MemoryError(), 1, "error: there is not enough memory for this\n"),
        (GanimateError("two\nlines"), 1, "error: two lines\n"),
        (OSError(28, "No space left on device", "x"), 1, "error: x: No space left on device\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_ends_a_command_early(
    cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: FailingDetector(error))
    before = set(scene.rglob("*"))
    done = cli("animate", "me.jpg", *BODY, "--model", "model.safetensors")
    assert done.exit_code == code
    assert done.stderr.startswith(sentence)
    assert set(scene.rglob("*")) == before


def test_a_bug_keeps_its_traceback(cli: Run, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: FailingDetector(ZeroDivisionError()))
    assert isinstance(cli("faces", "me.jpg").exception, ZeroDivisionError)


def ganimate(*words: str, **streams: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ganimate", *words], text=True, check=False, stderr=subprocess.PIPE, **streams
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_behind_stdout() -> None:
    with Path("/dev/full").open("w") as full:
        done = ganimate("--version", stdout=full.fileno())
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")


def test_a_reader_that_has_seen_enough() -> None:
    end, start = os.pipe()
    os.close(end)
    done = ganimate("animate", "--help", stdout=start)
    os.close(start)
    assert done.stderr == ""


def test_alone_it_helps(cli: Run) -> None:
    done = cli()
    assert done.exit_code == 0
    assert "Usage: ganimate" in done.stdout


def test_a_wrong_command_is_guessed(cli: Run) -> None:
    done = cli("anmate")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == "error: no such command 'anmate'. Did you mean 'animate'?"
    assert done.stderr.splitlines()[1] == "hint: see ganimate --help"

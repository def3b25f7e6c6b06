"""Whatever goes wrong: one sentence and a hint on stderr, the right exit code, no traceback and no file left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.errors import GanimateError
from ganimate.face.crop import Face
from ganimate.face.crop import Image as Pixels
from ganimate.face.detect import FixedDetector

Run = Callable[..., Result]
FILES = {
    "openface.csv": "frame, timestamp, success, AU12_r\n1, 0.0, 1, 2.5\n2, 0.04, 1, 5.0\n",
    "unknown.csv": "name,age\nann,30\n",
    "header.csv": "frame, timestamp, success, AU12_r\n",
    "blind.csv": "frame, timestamp, success, AU12_r\n1, 0.0, 0, 0\n2, 0.04, 0, 0\n",
    "loud.csv": "frame, timestamp, success, AU12_r\n1, 0.0, 1, 9\n2, 0.04, 1, 9\n",
    "uneven.csv": "time_s,AU12\n0,0\n0.04,1\n0.2,1\n",
    "loud_path.csv": "time_s,AU12\n0,0\n0.04,7\n",
    "short_path.csv": "time_s,AU12\n0,0\n",
    "word_path.csv": "time_s,AU12\n0,0\n0.04,much\n",
    "names.csv": "file,AU12_r\nnobody.jpg,1\n",
    "nameless.csv": "AU12_r\n1\n",
    "who.csv": "photo,person\na.jpg,ann\n",
    "good.yaml": "keyframes: [{time: 1, expression: happiness}]\n",
    "broken.yaml": "keyframes: [{time: 1,\n",
    "key.yaml": "keyframes: [{time: 1, expresion: happiness}]\n",
    "late.yaml": "tracks:\n- {au: 12, onset: 2, apex: 1}\n",
    "au.yaml": "tracks:\n- {au: 99, onset: 0, apex: 1}\n",
    "list.yaml": "- 1\n- 2\n",
    "nothing.yaml": "",
    "idle.yaml": "fps: 25\n",
    "alias.yaml": "a: &a [1]\nkeyframes: *a\n",
}
BODY = ("-e", "happiness")


@pytest.fixture
def scene(tmp_path: Path, scenery: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the `scenery` of its own; it is the working directory."""
    shutil.copytree(scenery, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def scenery(tmp_path_factory: pytest.TempPathFactory, astronaut_path: Path, tiny_model: Path) -> Path:
    """A folder with a photo, a model, and files that are neither."""
    tmp_path = tmp_path_factory.mktemp("scenery")
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
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    Image.new("L", (9000, 9000), 90).save(tmp_path / "bomb.png")
    frames = [Image.new("RGB", (40, 40), shade) for shade in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=40)
    Image.new("F", (40, 40), 0.5).save(tmp_path / "deep.tif")
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(300))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\0\0AU01")
    odd_name = tmp_path / "clear\x1b[2J.jpg"
    odd_name.write_text("hello")
    (tmp_path / "odd.pack").mkdir()
    (tmp_path / "odd.pack" / "pack.json").write_text("{}")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("[1]")
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


MODEL = ("--model", "model.safetensors")
ME = ("me.jpg", *BODY, *MODEL)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        # photos
        (("animate", "bomb.png", *BODY), 1, "9000×9000 px in a file of only"),
        (("aus", "moving.gif"), 1, "an animation with 2 frames"),
        (("aus", "photo.heic"), 1, "HEIC"),
        (("aus", "cut.mp4"), 1, "is a video"),
        (("aus", "deep.tif"), 1, "32 bits"),
        (("aus", "clear\x1b[2J.jpg"), 1, "'clear\\x1b[2J.jpg' is not a picture"),
        (("aus", "x\0y.jpg"), 2, "null byte"),
        (("aus", "a" * 300 + ".jpg"), 1, "File name too long"),
        (("aus", "/dev/null"), 1, "not a regular file"),
        (("faces", "openface.csv"), 1, "not a picture"),
        (("batch", "me.jpg", *BODY, *MODEL, "-o", "path.csv"), 1, "is a file"),
        (("batch", "me.jpg", *MODEL, "-o", "new"), 2, "nothing to show"),
        # expressions
        (("animate", "me.jpg", *MODEL, "-e", ""), 1, "the expression is empty"),
        (("animate", "me.jpg", *MODEL, "-e", "12=1,,4=1"), 1, "empty term"),
        (("animate", "me.jpg", *MODEL, "-e", "12=0,5"), 1, "the term '5' gives AU5 no value"),
        (("animate", "me.jpg", *MODEL, "-e", "12=a lot"), 1, "'a lot' in '12=a lot' is not a number"),
        (("animate", "me.jpg", *MODEL, "-e", "happiness=0.5"), 1, "no intensity after a colon"),
        (("animate", "me.jpg", *MODEL, "-e", "fear:0"), 1, "above 0 and at most 1"),
        (("animate", "me.jpg", *MODEL, "-e", "neutral:0.5"), 1, "takes no value"),
        (("animate", "me.jpg", *MODEL, "-e", "12=+2"), 1, "at most 1 in either direction"),
        (("animate", "me.jpg", *MODEL, "-e", "@"), 1, "names no photo"),
        (("animate", "me.jpg", *MODEL, "-e", "@missing.jpg"), 1, "'missing.jpg' does not exist"),
        (("animate", "me.jpg", *MODEL, "-e", '@"a.jpg'), 1, "does not end"),
        (("animate", "me.jpg", *MODEL, "-e", "other.jpg"), 1, "neither an AU nor a preset"),
        (("interpolate", "me.jpg", *MODEL, "--from", "sad", "--to", "fear"), 1, "neither an AU nor a preset"),
        (("interpolate", "me.jpg", *MODEL, "--from", "fear"), 2, "add for example --to neutral"),
        # tables and trajectories
        (("drive", "me.jpg", *MODEL), 2, "nothing to repeat"),
        (("drive", "me.jpg", *MODEL, "--aus", "missing.csv"), 1, "missing.csv"),
        (("drive", "me.jpg", *MODEL, "--aus", "folder"), 1, "Is a directory"),
        (("drive", "me.jpg", *MODEL, "--aus", "empty.jpg"), 1, "is empty"),
        (("drive", "me.jpg", *MODEL, "--aus", "me.jpg"), 1, "not a table"),
        (("drive", "me.jpg", *MODEL, "--aus", "bytes.csv"), 1, "not a table"),
        (("drive", "me.jpg", *MODEL, "--aus", "unknown.csv"), 1, "its columns are name, age"),
        (("drive", "me.jpg", *MODEL, "--aus", "header.csv"), 1, "no rows"),
        (("drive", "me.jpg", *MODEL, "--aus", "blind.csv"), 1, "2 without a face"),
        (("drive", "me.jpg", *MODEL, "--aus", "loud.csv"), 1, "out of range"),
        (("drive", "me.jpg", *MODEL, "--aus", "openface.csv", "--format", "libreface"), 1, "no columns of LibreFace"),
        (("drive", "me.jpg", *MODEL, "--aus", "openface.csv", "--format", "excel"), 2, "--format"),
        (("drive", "me.jpg", *MODEL, "--aus", "openface.csv", "--table-face", "ann"), 1, "shows one face alone"),
        (("drive", "me.jpg", *MODEL, "--aus", "openface.csv", "--start", "9", "-q"), 1, "nothing from 9 s on"),
        (("drive", "me.jpg", *MODEL, "--aus", "openface.csv", "--video", "cut.mp4"), 2, "exclude each other"),
        (("drive", "me.jpg", *MODEL, "--video", "cut.mp4"), 1, "damaged or cut off"),
        (("drive", "me.jpg", *MODEL, "--video", "missing.mp4"), 1, "does not exist"),
        (("drive", "me.jpg", *MODEL, "--video", "openface.csv"), 1, "not a video"),
        (("animate", "me.jpg", *MODEL, "--trajectory", "uneven.csv"), 1, "line 3: time_s is 0.04 s after"),
        (("animate", "me.jpg", *MODEL, "--trajectory", "loud_path.csv"), 1, "AU12 must be between 0 and 1, not 7"),
        (("animate", "me.jpg", *MODEL, "--trajectory", "short_path.csv"), 1, "at least 2 frames"),
        (("animate", "me.jpg", *MODEL, "--trajectory", "word_path.csv"), 1, "'much', which is not a number"),
        # timelines
        (("animate", "me.jpg", *MODEL, "--timeline", "missing.yaml"), 1, "missing.yaml"),
        (("animate", "me.jpg", *MODEL, "--timeline", "me.jpg"), 1, "not a text"),
        (("animate", "me.jpg", *MODEL, "--timeline", "good.yaml", *BODY), 2, "exclude each other"),
        (("timeline", "check", "broken.yaml"), 1, "not YAML"),
        (("timeline", "check", "key.yaml"), 1, "expresion"),
        (("timeline", "check", "late.yaml"), 1, "apex (1 s) comes before onset (2 s)"),
        (("timeline", "check", "au.yaml"), 1, "99"),
        (("timeline", "check", "list.yaml"), 1, "this is a list"),
        (("timeline", "check", "nothing.yaml"), 1, "is empty"),
        (("timeline", "check", "idle.yaml"), 1, "neither keyframes nor tracks"),
        (("timeline", "check", "alias.yaml"), 1, "anchors and aliases"),
        (("timeline", "check", "folder"), 1, "is a folder"),
        (("timeline", "plot", "good.yaml", "-o", "a.gif"), 1, "still"),
        (("timeline", "plot", "good.yaml", "-o", "nowhere/a.png"), 1, "does not exist"),
        # models, packs and runs
        (("models", "show", "nobody"), 1, "no model called 'nobody'"),
        (("export", "folder", "--out", "new"), 1, "folder holds no trained model"),
        (("export", "nowhere", "--out", "new"), 1, "nowhere holds no trained model"),
        (("train", "folder", "--out", "new"), 1, "not a pack"),
        (("train", "odd.pack", "--out", "new"), 1, "unknown format"),
        (("evaluate", "default", "folder"), 1, "not a pack"),
        (("evaluate", "nobody", "odd.pack"), 1, "no model called 'nobody'"),
        (("prepare", "nowhere", "-a", "names.csv", "-o", "new.pack"), 1, "not a folder of photos"),
        (("prepare", "folder", "-a", "missing.csv", "-o", "new.pack"), 1, "missing.csv"),
        (("prepare", "folder", "-a", "nameless.csv", "-o", "new.pack"), 1, "does not name the photos"),
        (("prepare", "folder", "-a", "unknown.csv", "-o", "new.pack"), 1, "no columns of AUs or blendshapes"),
        (("prepare", "folder", "-a", "names.csv", "--identities", "who.csv", "-o", "new.pack"), 1, "lacks the columns"),
        (
            ("prepare", "folder", "-a", "names.csv", "-o", "new.pack", "--size", "100000"),
            2,
            "less than or equal to 1024",
        ),
        # outputs and options
        (("inspect", "openface.csv"), 1, "kind that cannot be looked into"),
        (("inspect", "missing.png"), 1, "missing.png"),
        (("inspect", "folder"), 1, "holds no frames"),
        (("inspect",), 2, "missing argument"),
        (("animate", *ME, "-o", "path.csv/a.gif"), 1, "is not a folder"),
        (("animate", *ME, "-o", "a" * 300 + ".gif"), 1, "File name too long"),
        (("animate", *ME, "-o", ""), 1, "has no name"),
        (("animate", *ME, "--report", "a.docx"), 1, "cannot write a report"),
        (("animate", *ME, "--strip", "a.gif"), 1, "cannot write a still"),
        (("animate", *ME, "--hold", "-1"), 2, "--hold"),
        (("animate", *ME, "--frames", "999999"), 2, "--frames"),
        (("animate", *ME, "--face", "0"), 1, "face 0 was asked for"),
        (("animate", *ME, "--detector", "magic"), 2, "--detector"),
        (("animate", *ME, "--easing", "bouncy"), 2, "--easing"),
        (("sheet", "me.jpg", *MODEL, "-o", "a.gif"), 1, "still"),
        (("sheet", "me.jpg", *MODEL, "--au", "99"), 1, "99"),
        (("benchmark", "me.jpg", "--runs", "0"), 2, "no such option"),
        (("anmate",), 2, "Did you mean 'animate'"),
    ],
)
def test_every_command_tells_it_in_one_sentence(
    cli: Run, scene: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    before = set(scene.rglob("*"))
    assert sentence in refused(cli(*words), code, scene, before)


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

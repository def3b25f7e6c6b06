"""`ganimate batch`, with a tiny model of random weights."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import make_clip, moved_face
from numpy.typing import NDArray
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.animation.batch import batch_job
from ganimate.animation.batch.result_folder import LEDGER_NAME
from ganimate.errors import FaceError
from ganimate.face.crop import Face
from ganimate.face.detect import DlibDetector, FixedFollower

Run = Callable[..., Result]
Picture = NDArray[np.uint8]
ROOT = Path(__file__).resolve().parent.parent
SHORT = ("--frames", 2, "--hold", 0, "--loop", "once")


@pytest.fixture
def desk(tmp_path: Path, astronaut_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a folder of two photos, of which one is in a folder below, and a broken one."""
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    shutil.copy(astronaut_path, "in/me.jpg")
    shutil.copy(astronaut_path, "in/sub/you.jpg")
    Path("in/cut.jpg").write_bytes(astronaut_path.read_bytes()[:5000])
    return tmp_path


@pytest.fixture
def batch(cli: Run, tiny_model: Path, desk: Path) -> Run:
    """Run `batch` to the folder out/, two frames of a smile if nothing else is said."""

    def run(*arguments: object, ask: tuple[object, ...] = ("-e", "12=1"), ends: int = 0) -> Result:
        done = cli("batch", *arguments, *ask, "-o", "out", "--model", tiny_model, *SHORT)
        assert done.exit_code == ends, done.stderr
        return done

    return run


def results(folder: str = "out") -> dict[str, bytes]:
    """All files of a folder but the ledger."""
    files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != LEDGER_NAME]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def outcomes(done: Result) -> dict[str, str]:
    told: dict[str, Any] = json.loads(done.stdout)
    return {photo["photo"]: photo["outcome"] for photo in told["photos"]}


def test_a_bad_photo_stops_nobody_and_is_told(batch: Run) -> None:
    done = batch("in", "-r", ends=1)
    assert done.stdout.splitlines() == ["out/me.gif", "out/sub/you.gif"]
    assert sorted(results()) == ["me.gif", "sub/you.gif"]
    assert "in/cut.jpg: failed: damaged or cut off" in done.stderr
    assert "in/cut.jpg  failed  damaged or cut off" in done.stderr
    assert "2 done, 0 skipped, 1 failed" in done.stderr
    assert "error: 1 of 3 photos failed\n" in done.stderr, "why was told twice by now"
    assert "hint: copy or download the photo again" in done.stderr


def test_a_result_is_what_animate_makes(batch: Run, cli: Run, tiny_model: Path) -> None:
    batch("in/me.jpg")
    alone = cli("animate", "in/me.jpg", "-e", "12=1", "--model", tiny_model, *SHORT, "-o", "alone.gif")
    assert alone.exit_code == 0
    assert results()["me.gif"] == Path("alone.gif").read_bytes()


def test_without_ray_no_cluster_is_asked_for(batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganimate.system.cluster.find_spec", lambda name: None)
    done = batch("in/me.jpg", "--cluster", "auto", ends=1)
    assert done.stderr.startswith("error: Ray is not installed\nhint: pip install 'ganimate[cluster]'")
    assert not Path("out").exists()


def test_the_model_is_loaded_once(batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganimate.zoo import checkpoint

    loads: list[Path] = []
    load = checkpoint.load_model
    monkeypatch.setattr(checkpoint, "load_model", lambda path, *more: loads.append(path) or load(path, *more))
    batch("in/me.jpg", "in/sub/you.jpg")
    assert len(loads) == 1


def test_all_is_told_as_json_and_in_a_file(batch: Run) -> None:
    done = batch("in", "nowhere.jpg", "x*.png", "--json", "--report", "report.json", ends=1)
    told = json.loads(done.stdout)
    assert told == json.loads(Path("report.json").read_text("utf-8"))
    assert (told["done"], told["skipped"], told["failed"]) == (1, 0, 3)
    good, bad = (next(p for p in told["photos"] if p["photo"] == f"in/{name}.jpg") for name in ("me", "cut"))
    assert good["path"] == "out/me.gif" and good["frames"] == 2 and good["faces"][0]["y_g"]["AU12"] == 1.0
    assert bad["reason"] == "'in/cut.jpg' is damaged or cut off" and bad["hint"] and "path" not in bad


def test_the_report_may_lie_among_the_results(batch: Run) -> None:
    batch("in/me.jpg", "--report", "out/report.json")
    assert sorted(results()) == ["me.gif", "report.json"]
    assert "already exists" in batch("in/sub/you.jpg", "--report", "out/report.json", ends=1).stderr
    batch("in/me.jpg", "--resume", "--report", "out/report.json")
    assert json.loads(results()["report.json"])["skipped"] == 1


@pytest.mark.parametrize("content", ['{"photos": []}', "[]", "mine", ""])
def test_a_report_replaces_none_but_reports(batch: Run, content: str) -> None:
    Path("mine.json").write_text(content)
    done = batch("in/me.jpg", "--resume", "--report", "mine.json", ends=1)
    assert "'mine.json' already exists" in done.stderr
    assert Path("mine.json").read_text() == content and not Path("out").exists()
    batch("in/me.jpg", "--force", "--report", "mine.json")
    assert json.loads(Path("mine.json").read_text("utf-8"))["done"] == 1


@pytest.mark.parametrize("freely", ["--force", "--resume"])
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("in/me.jpg", "cannot write a batch's report to 'in/me.jpg'"),
        ("report", "cannot write a batch's report to 'report'"),
        ("in/odd.json", "'in/odd.json' is one of the photos"),
        ("in/other.json", "'in/other.json' is one of the photos"),
        ("out/sub.json", "'out/sub.json' is where results go"),
        ("out/me.gif/r.json", "'out/me.gif/r.json' lies in a place that a result takes"),
    ],
)
def test_a_report_takes_no_place_of_photos_and_results(
    batch: Run, astronaut_path: Path, path: str, sentence: str, freely: str
) -> None:
    Path("in/sub.json").mkdir()
    for name in ("in/odd.json", "in/other.json", "in/sub.json/me.jpg"):
        shutil.copy(astronaut_path, name)
    ask = ("-e", "@in/other.json")
    done = batch("in", "in/odd.json", "-r", freely, "--report", path, ask=ask, ends=1)
    assert done.stderr.startswith(f"error: {sentence}") and "hint: " in done.stderr
    assert Path("in/odd.json").read_bytes() == Path("in/me.jpg").read_bytes() == astronaut_path.read_bytes()
    assert not Path("out").exists()


@pytest.mark.parametrize("named", ["nothing", "in/clip.mp4", "in/cut.jpg", "deep"])
def test_where_nothing_was_made_no_folder_is_left(batch: Run, named: str) -> None:
    Path("in/clip.mp4").touch()
    Path("deep/er").mkdir(parents=True)
    shutil.copy("in/cut.jpg", "deep/er/cut.jpg")
    batch(named, "-r", ends=1)
    assert not Path("out").exists()
    Path("out").mkdir()
    batch(named, "-r", ends=1)
    assert Path("out").exists(), "this was there before"


def test_quiet_says_only_what_went_wrong(batch: Run) -> None:
    assert batch("in/me.jpg", "-q").stderr == ""
    (error, _) = batch("in/cut.jpg", "-q", ends=1).stderr.splitlines()
    assert error == "error: 1 of 1 photos failed: 'in/cut.jpg' is damaged or cut off"


def test_progress_counts_what_is_animated(batch: Run) -> None:
    batch("in/me.jpg")
    Path("in/clip.mp4").touch()
    said = batch("in", "nothing", "-r", "--resume", ends=1).stderr
    assert [line.split()[0] for line in said.splitlines() if line[0].isdigit()][:-1] == ["1/3", "2/3", "3/3"]
    assert re.search("nothing +failed +file or folder .nothing. does not exist", said)
    assert "3 of 5 photos failed\nhint: for 'in/clip.mp4': copy" in said, "their hints differ"


@pytest.fixture
def clip(desk: Path, astronaut: Picture, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of the astronaut, whose face is found."""
    face = moved_face(astronaut_face, np.array([[0.5, 0, 0], [0, 0.5, 0]]))
    monkeypatch.setattr(session, "make_follower", lambda: FixedFollower((face,)))
    return make_clip(Path("in/clip.mov"), [astronaut[::2, ::2]] * 3)


def test_a_video_is_edited_as_animate_does_it(batch: Run, cli: Run, tiny_model: Path, clip: Path) -> None:
    done = batch("in/me.jpg", clip, "--report", "report.json")
    assert done.stdout.splitlines() == ["out/me.gif", "out/clip.mp4"]
    assert cli("animate", clip, "-e", "12=1", "--model", tiny_model, "-o", "alone.mp4").exit_code == 0
    assert results()["clip.mp4"] == Path("alone.mp4").read_bytes()
    told = json.loads(Path("report.json").read_text())["photos"][1]
    assert (told["frames"], told["width_px"]) == (3, 256)
    assert outcomes(batch("in/me.jpg", clip, "--resume", "--json")) == {"in/me.jpg": "skipped", str(clip): "skipped"}
    assert outcomes(batch(clip, "--resume", "--json", "--ramp", 0.1)) == {str(clip): "done"}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--format", "png"), "--format png makes stills of photos"),
        (("--from", "12=0"), "--from is for photos"),
        (("--blink", "auto"), "--blink is for photos"),
    ],
)
def test_what_is_for_photos_passes_videos_over(batch: Run, clip: Path, more: tuple[str, ...], why: str) -> None:
    done = batch("in/me.jpg", clip, "--json", *more)
    assert outcomes(done) == {"in/me.jpg": "done", str(clip): "skipped"}
    assert f"a video, and {why}" in done.stderr


def test_a_broken_video_stops_nobody(batch: Run, clip: Path) -> None:
    clip.write_bytes(b"\0\0\0\x18ftypmp42")
    done = batch("in/me.jpg", clip, "--json", ends=1)
    assert outcomes(done) == {"in/me.jpg": "done", str(clip): "failed"}


TIMELINE = "duration: 0.2\nfps: 20\nkeyframes:\n- {time: 0.1, expression: '12=1'}\n"


def test_a_timeline_is_played_on_every_photo(cli: Run, desk: Path, tiny_model: Path) -> None:
    Path("play.yaml").write_text(TIMELINE)
    more = ("--timeline", "play.yaml", "--model", tiny_model)
    done = cli("batch", "in/me.jpg", "in/sub/you.jpg", *more, "-o", "out", "--json")
    assert done.exit_code == 0, done.stderr
    assert cli("animate", "in/me.jpg", *more, "-o", "alone.gif").exit_code == 0
    made = results()
    assert made["me.gif"] == made["you.gif"] == Path("alone.gif").read_bytes()
    assert outcomes(cli("batch", "in/me.jpg", *more, "-o", "out", "--json", "--resume")) == {"in/me.jpg": "skipped"}
    Path("play.yaml").write_text(TIMELINE.replace("'12=1'", "'4=1'"))
    assert outcomes(cli("batch", "in/me.jpg", *more, "-o", "out", "--json", "--resume")) == {"in/me.jpg": "done"}


def test_blinks_are_laid_over_every_photo(cli: Run, desk: Path, tiny_model: Path) -> None:
    made = set()
    for more in ((), ("--blink", "auto"), ("--blink", "auto", "--seed", 1)):
        ask = ("-e", "12=1", "--fps", 10, "--frames", 2, "--hold", 6, "--loop", "once", *more)
        assert cli("batch", "in/me.jpg", *ask, "-o", "out", "--model", tiny_model, "--force").exit_code == 0
        made.add(results()["me.gif"])
    assert len(made) == 3


def test_an_emotion_replaces_the_expression_of_every_photo(cli: Run, desk: Path, tiny_model: Path) -> None:
    ask = ("-e", "sadness", "--frames", 2, "--hold", 0, "--loop", "once", "--model", tiny_model)
    told = json.loads(cli("batch", "in/me.jpg", *ask, "-o", "out", "--json").stdout)["photos"][0]["faces"][0]
    assert told["y_r"]["AU12"] > 0 and told["y_g"]["AU12"] == 0 and told["y_g"]["AU45"] == told["y_r"]["AU45"]
    assert cli("animate", "in/me.jpg", *ask, "-o", "alone.gif").exit_code == 0
    assert results()["me.gif"] == Path("alone.gif").read_bytes()
    kept = cli("batch", "in/me.jpg", *ask, "--others", "keep", "-o", "out", "--resume", "--json")
    assert outcomes(kept) == {"in/me.jpg": "done"} and results()["me.gif"] != Path("alone.gif").read_bytes()


@pytest.mark.parametrize(("kind", "magic"), [("gif", b"GIF89a"), ("png", b"\x89PNG"), ("mp4", b"\0\0\0")])
def test_kinds_of_results(batch: Run, kind: str, magic: bytes) -> None:
    batch("in/me.jpg", "--format", kind)
    assert results()[f"me.{kind}"].startswith(magic)


def test_photos_of_one_name_do_not_take_each_others_place(batch: Run) -> None:
    Path("a").mkdir(), Path("b").mkdir()
    with Image.open("in/me.jpg") as image:
        image.save("a/me.png")
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("b/me.png")
    batch("in/me.jpg", "a/me.png", "b/me.png")
    made = results()
    assert sorted(made) == ["a/me.gif", "b/me.gif", "in/me.gif"]
    assert made["a/me.gif"] != made["b/me.gif"]


class TestResume:
    def test_what_is_done_is_skipped(self, batch: Run) -> None:
        batch("in", ends=1)
        stamp = os.stat("out/me.gif").st_mtime_ns
        done = batch("in", "-r", "--resume", "--json", ends=1)
        assert outcomes(done) == {"in/me.jpg": "skipped", "in/sub/you.jpg": "done", "in/cut.jpg": "failed"}
        assert os.stat("out/me.gif").st_mtime_ns == stamp

    @pytest.mark.parametrize("change", [("-e", "12=0.5"), ("--fps", 10), ("--others", "zero"), "photo"])
    def test_what_has_changed_is_made_anew(self, batch: Run, change: tuple[object, ...] | str) -> None:
        batch("in/me.jpg")
        before = results()["me.gif"]
        more: tuple[object, ...] = ()
        if isinstance(change, tuple):
            more = change
        else:
            with Image.open("in/me.jpg") as image:
                inverted = Image.fromarray(255 - np.array(image))
            inverted.save("in/me.jpg")
        done = batch("in/me.jpg", "--resume", "--json", ask=("-e", "12=1", *more))
        assert outcomes(done) == {"in/me.jpg": "done"}
        assert results()["me.gif"] != before
        assert outcomes(batch("in/me.jpg", "--resume", "--json", ask=("-e", "12=1", *more))) == {"in/me.jpg": "skipped"}

    def test_what_no_batch_has_made_is_left_alone(self, batch: Run) -> None:
        Path("out").mkdir()
        Path("out/me.gif").write_text("mine")
        done = batch("in", "-r", "--resume", "--json", ends=1)
        assert outcomes(done)["in/me.jpg"] == "failed" and outcomes(done)["in/sub/you.jpg"] == "done"
        assert results()["me.gif"] == b"mine"
        batch("in/me.jpg", "--resume", "--force")
        assert results()["me.gif"] != b"mine"

    def test_what_was_made_from_another_photo_is_left_alone(self, batch: Run) -> None:
        batch("in/me.jpg")
        before = results()
        Path("zz").mkdir()
        shutil.copy2("in/me.jpg", "zz/me.jpg")
        done = batch("zz", "--resume", "--json", ends=1)
        (told,) = json.loads(done.stdout)["photos"]
        assert told["reason"] == f"'out/me.gif' was made from another photo, '{Path('in/me.jpg').resolve()}'"
        assert "--force" in told["hint"] and "another folder" in told["hint"]
        assert results() == before
        assert outcomes(batch("zz", "--resume", "--force", "--json")) == {"zz/me.jpg": "done"}
        assert outcomes(batch("zz", "--resume", "--json")) == {"zz/me.jpg": "skipped"}

    def test_without_it_nothing_is_replaced_nor_begun(self, batch: Run) -> None:
        batch("in/me.jpg")
        before = results()
        done = batch("in", "-r", ends=1)
        assert "1 of 3 results are there already, such as 'out/me.gif'" in done.stderr and "--resume" in done.stderr
        assert results() == before
        batch("in/me.jpg", "--force", ask=("-e", "4=1"))
        assert results() != before


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "nothing to show"),
        (("-e", "13=1"), 1, "13"),
        (("-e", "24=1"), 1, "24"),
        (("-e", "12=1", "--from", "nonsense"), 1, "nonsense"),
        (("-e", "12=1", "--model", "nowhere"), 1, "there is no model called 'nowhere'"),
        (("-e", "12=1", "--device", "abacus"), 1, "abacus"),
        (("-e", "12=1", "--fps", 100), 1, "100"),
        (("-e", "12=1", "-o", "in/me.jpg"), 1, "'in/me.jpg' is a file"),
        (("-e", "12=1", "--report", "nowhere/r.json"), 1, "folder"),
        (("-e", "12=1", "--jobs", 0), 2, "jobs"),
        (("-e", "12=1", "--trajectory", "t.csv"), 2, "exclude each other"),
        (("-e", "12=1", "--timeline", "t.yaml"), 2, "exclude each other"),
        (("--trajectory", "t.csv", "--timeline", "t.yaml"), 2, "exclude each other"),
        (("--timeline", "t.yaml", "--format", "png"), 2, "--timeline many"),
        (("--timeline", "none.yaml"), 1, "none.yaml"),
        (("-e", "12=1", "--format", "png", "--blink", "auto"), 2, "nobody can blink"),
        (("-e", "12=1", "--seed", 3), 2, "--seed is for --blink auto"),
        (("-e", "12=1", "-o", "in", "--format", "png"), 1, "'in/you.png' would replace a photo"),
    ],
)
def test_what_can_be_refused_is_refused_before_any_work(
    cli: Run, desk: Path, tiny_model: Path, arguments: tuple[object, ...], code: int, sentence: str
) -> None:
    shutil.copy("in/me.jpg", "in/you.png")
    done = cli("batch", "in/you.png", "-o", "out", "--model", tiny_model, *arguments)
    assert done.exit_code == code
    assert sentence in done.stderr
    assert not Path("out").exists()


def test_a_bug_costs_one_photo_only(batch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    find = session.find_faces
    calls: list[int] = []

    def stumbling(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("division by zero")
        if len(calls) == 2:
            raise FaceError("no face")
        return find(*arguments)

    monkeypatch.setattr(session, "find_faces", stumbling)
    shutil.copy("in/me.jpg", "in/a.jpg")
    shutil.copy("in/me.jpg", "in/b.jpg")
    done = batch("in/a.jpg", "in/b.jpg", "in/me.jpg", ends=1)
    assert "ZeroDivisionError: division by zero" in done.stderr and "no face" in done.stderr
    assert sorted(results()) == ["me.gif"]


def test_two_processes_make_the_same_bytes(batch: Run, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(session, "make_detector", lambda name: DlibDetector())  # the other processes have no fake
    batch("in", "-r", "--jobs", 1, ends=1)
    alone = results()
    done = batch("in", "-r", "--jobs", 2, "--force", ends=1)
    assert done.stdout.splitlines() == ["out/me.gif", "out/sub/you.gif"], "in the order of the photos"
    assert len(alone) == 2 and results() == alone


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_leaves_no_temporary_file_and_no_process(desk: Path, tiny_model: Path, jobs: int) -> None:
    command = [sys.executable, "-m", "ganimate", "batch", "in", "-r", "-e", "12=1", "-o", "out", "--format", "mp4"]
    running = subprocess.Popen(
        [*command, "--frames", "5000", "--model", str(tiny_model), "--jobs", str(jobs)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(parts := list(Path("out").rglob(".ganimate-*.part"))) < jobs and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(parts) == jobs
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130, said
    assert "stopped: 0 of 3 photos were animated" in said and "Traceback" not in said
    assert results() == {}
    for part in parts:
        with pytest.raises(ProcessLookupError):
            os.kill(int(part.name.split("-")[1]), 0)


def test_what_a_lost_process_left_is_swept(desk: Path) -> None:
    Path("out").mkdir()
    for pid in (4711, 47110):
        Path(f"out/.ganimate-{pid}-ab.part").touch()
    batch_job.places.sweep("out", 4711)
    assert [path.name for path in Path("out").iterdir()] == [".ganimate-47110-ab.part"]

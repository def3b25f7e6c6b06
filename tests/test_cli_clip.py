"""`ganimate animate` on a video, with a tiny model of random weights and a follower that always finds the face."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import ffmpeg, make_clip, moved_face
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from typer.testing import Result

from ganimate.animation import session
from ganimate.face.crop import Face
from ganimate.face.detect import FixedFollower, GridEmbedder
from ganimate.media import inspect, read_video, videos

Run = Callable[..., Result]
Picture = NDArray[np.uint8]


HALF = np.array([[0.5, 0, 0], [0, 0.5, 0]])


@pytest.fixture(autouse=True)
def follower(monkeypatch: pytest.MonkeyPatch, astronaut_face: Face) -> None:
    face = moved_face(astronaut_face, HALF)
    monkeypatch.setattr(session, "make_follower", lambda: FixedFollower((face,)))


@pytest.fixture
def clip(tmp_path: Path, astronaut: Picture) -> Path:
    """A clip of 256 px with a tone: 7 frames of the astronaut, 3 black ones, 2 of the astronaut."""
    astronaut = astronaut[::2, ::2]
    (tmp_path / "clips").mkdir()
    dark = np.zeros_like(astronaut)
    frames = [astronaut] * 7 + [dark] * 3 + [astronaut] * 2
    return make_clip(tmp_path / "clips" / "me.mp4", frames, "30000/1001", more=["-g", "7"])


@pytest.fixture
def animate(cli: Run, tiny_model: Path) -> Run:
    def run(*arguments: object) -> Result:
        return cli("animate", *arguments, "--model", tiny_model)

    return run


def test_sound_rate_and_size_are_kept_and_the_face_is_changed(animate: Run, clip: Path) -> None:
    done = animate(clip, "--au", "12=+0.5", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["path"] == str(clip.with_name("me_12=+0.5.mp4"))
    assert (told["frames"], told["frames_with_face"], told["audio"]) == (12, 9, "aac")
    before, after = read_video(clip), read_video(told["path"])
    assert after.facts == before.facts
    differences = [
        np.abs(a.astype(int) - b).mean((0, 1)).max() for a, b in zip(before.frames(), after.frames(), strict=True)
    ]
    assert max(differences[7:10]) < 1
    assert min(differences[:7]) > max(differences[7:10])
    assert told["y_g"]["AU12"] == pytest.approx(min(1, told["y_r"]["AU12"] + 0.5), abs=1e-3)
    assert "a face in 9 of 12 frames, the others are unchanged" in done.stderr
    assert "with sound" in done.stderr


def test_a_video_with_sound_is_marked_or_not(animate: Run, clip: Path, tmp_path: Path) -> None:
    for option, marked in (("--mark", True), ("--no-mark", False)):
        path = tmp_path / f"{option}.mp4"
        told = json.loads(animate(clip, "--au", "12=+0.5", option, "-o", path, "--json").stdout)
        assert told["marked"] is inspect(path).marked is marked
        assert read_video(path).facts.audio == "aac"
    mark = inspect(tmp_path / "--mark.mp4").provenance.mark
    assert mark is not None and mark.aus == ("12=+0.5",)


def test_the_path_is_on_stdout_and_quiet_is_quiet(animate: Run, clip: Path, tmp_path: Path) -> None:
    done = animate(clip, "-e", "fear:0.6", "-o", tmp_path / "out.mp4", "-q")
    assert done.stdout == f"{tmp_path / 'out.mp4'}\n"
    assert done.stderr == ""


def test_who_speaks_in_a_clip_goes_on_speaking(animate: Run, clip: Path, tmp_path: Path) -> None:
    """An emotion replaces the expression of a photo; in a clip it comes on top, unless zero is asked for."""
    for others, keeps in (("auto", True), ("keep", True), ("zero", False)):
        done = animate(clip, "-e", "sadness", "--others", others, "-o", tmp_path / f"{others}.mp4", "--json")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        sad = {"AU1": 0.4, "AU4": 0.6, "AU6": 0.35, "AU15": 0.55, "AU17": 0.55}
        assert told["y_g"] == (told["y_r"] if keeps else dict.fromkeys(told["y_r"], 0.0)) | sad
        assert told["left_out"] == []


def test_what_the_model_lacks_is_told(cli: Run, poor_model: Path, clip: Path, tmp_path: Path) -> None:
    done = cli("animate", clip, "-e", "fear", "--model", poor_model, "-o", tmp_path / "a.mp4", "--json")
    assert "the model lacks AU5, AU20, AU26 of the expression: left out" in done.stderr
    assert json.loads(done.stdout)["left_out"] == ["AU5", "AU20", "AU26"]


@pytest.mark.parametrize("name", ["out.gif", "frames/"])
def test_results_without_sound_say_so(animate: Run, clip: Path, tmp_path: Path, name: str) -> None:
    done = animate(clip, "--au", "12=1", "-o", f"{tmp_path}/{name}", "--json")
    assert done.exit_code == 0, done.stderr
    assert "only an .mp4 can hold sound: it is left out" in done.stderr
    assert json.loads(done.stdout)["audio"] is None


def test_a_clip_too_fast_for_a_gif_is_thinned_out(animate: Run, tmp_path: Path, astronaut: Picture) -> None:
    source = make_clip(tmp_path / "fast.mp4", [astronaut[::2, ::2]] * 12, "60", audio=None)
    done = animate(source, "--au", "12=1", "-o", tmp_path / "a.gif", "--json")
    assert done.exit_code == 0, done.stderr
    assert "of its 60 frames a second every second is taken: 30" in done.stderr
    told = json.loads(done.stdout)
    assert (told["fps"], told["frames"]) == (30, 6)


def test_a_gif_is_a_clip(animate: Run, clip: Path) -> None:
    source = clip.with_name("me.gif")
    ffmpeg("-i", clip, "-vf", "fps=25", source)
    done = animate(source, "--au", "12=1")
    assert done.exit_code == 0, done.stderr
    assert "without sound" in done.stderr
    assert read_video(done.stdout.strip()).facts.audio is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frames", "3"], "--frames is for photos"),
        (["--fps", "3"], "--fps is for photos"),
        (["--easing", "in"], "--easing is for photos"),
        (["--hold", "1"], "--hold is for photos"),
        (["--loop", "once"], "--loop is for photos"),
        (["--still"], "--still is for photos"),
        (["--trajectory", "a.csv"], "--trajectory is for photos"),
        (["--from", "12=0"], "--from is for photos"),
        (["--save-attention", "a.png"], "--save-attention is for photos"),
        (["--timeline", "a.yaml"], "--timeline is for photos"),
        (["--blink", "auto"], "--blink is for photos"),
        (["--compare"], "--compare is for photos"),
        (["--strip", "a.png"], "--strip is for photos"),
        (["--report", "a.json"], "--report is for photos"),
        (["--strict"], "--strict is for photos"),
        (["--face", "1", "--face", "2"], "say --face 1,2"),
        (["--face", "somebody"], "is not largest, all, or numbers"),
        (["--detector", "cnn"], "too slow"),
    ],
)
def test_options_that_make_no_sense_are_refused(animate: Run, clip: Path, arguments: list[str], words: str) -> None:
    done = animate(clip, "--au", "12=1", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert [path.name for path in clip.parent.iterdir()] == ["me.mp4"]


def test_what_cannot_be_is_refused_before_the_slow_work(
    animate: Run, clip: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos.Video, "frames", None)
    junk = clip.with_name("junk.mp4")
    junk.write_text("a film about a dog\n" * 9)
    clip.with_name("there.mp4").write_bytes(b"precious")
    cases = [
        ([clip], 2, "nothing to show"),
        ([clip, "--au", "12=7"], 1, "between 0 and 1"),
        ([clip, "--au", "99=1"], 1, "99"),
        ([clip, "--au", "12=1", "-o", clip.with_name("there.mp4")], 1, "already exists"),
        ([clip, "--au", "12=1", "-o", clip, "--force"], 1, "itself"),
        ([clip, "--au", "12=1", "-o", "out.avi"], 1, "not supported"),
        ([junk, "--au", "12=1"], 1, "is not a video that can be read"),
        (["none.mp4", "--au", "12=1"], 1, "video 'none.mp4' does not exist"),
        ([photo, "--au", "12=1", "--ramp", "1"], 2, "--ramp is for videos"),
    ]
    for arguments, code, words in cases:
        done = animate(*arguments)
        assert (done.exit_code, words in done.stderr) == (code, True), done.stderr
        assert "hint:" in done.stderr
    assert clip.with_name("there.mp4").read_bytes() == b"precious"


def test_a_clip_without_a_face_is_told_and_leaves_nothing(animate: Run, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "dark.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    done = animate(source, "--au", "12=1")
    assert done.exit_code == 1
    assert "no face was found in" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["dark.mp4"]


def test_ctrl_c_leaves_nothing(animate: Run, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: FixedFollower, frame: Picture, face: Face) -> Face:
        raise KeyboardInterrupt

    monkeypatch.setattr(FixedFollower, "follow", interrupted)
    done = animate(clip, "--au", "12=1")
    assert done.exit_code == 130
    assert [path.name for path in clip.parent.iterdir()] == ["me.mp4"]


def test_a_ramp_begins_with_the_clip_as_it_was(animate: Run, clip: Path, tmp_path: Path) -> None:
    for name, ramp in (("at-once", 0), ("slowly", 0.2)):
        assert animate(clip, "--au", "12=1", "--ramp", ramp, "-o", f"{tmp_path}/{name}/").exit_code == 0
    first, last = ([_read(tmp_path / name / f"{k:05d}.png") for name in ("at-once", "slowly")] for k in (0, 6))
    assert np.abs(first[0] - first[1]).mean() > np.abs(last[0] - last[1]).mean() == 0


def test_another_photo_is_a_target(animate: Run, clip: Path, photo: Path, tmp_path: Path) -> None:
    done = animate(clip, "-e", f"@{photo}", "-o", tmp_path / "out.mp4", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["y_g"] != told["y_r"]
    assert animate(clip, "-e", "@none.jpg", "-o", tmp_path / "b.mp4").exit_code == 1


class TestTwoFaces:
    @pytest.fixture
    def two(self, monkeypatch: pytest.MonkeyPatch, astronaut_face: Face, tmp_path: Path, astronaut: Picture) -> Path:
        """A clip of 256 px of two faces side by side, of which the right one is the larger."""
        face = moved_face(astronaut_face, HALF)
        shrunk = np.array([[0.4, 0, 0], [0, 0.4, 0]])
        small = moved_face(astronaut_face, shrunk)
        shifted = moved_face(face, np.array([[1, 0, 128.0], [0, 1, 0]]))
        monkeypatch.setattr(session, "make_follower", lambda: FixedFollower((small, shifted)))
        monkeypatch.setattr(session, "make_embedder", GridEmbedder)
        picture = np.ascontiguousarray(astronaut[::2, ::2])
        picture[:, 128:] = picture[:, :128]
        return make_clip(tmp_path / "two.mp4", [picture] * 5)

    @pytest.mark.parametrize(
        ("which", "left", "right"), [("largest", 0, 1), ("all", 1, 1), ("2", 1, 0), ("1,2", 1, 1), ("1", 0, 1)]
    )
    def test_the_chosen_are_changed(self, animate: Run, two: Path, which: str, left: int, right: int) -> None:
        done = animate(two, "--au", "12=+0.5", "--face", which, "--json", "-o", f"{two.parent}/frames/")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["frames_with_face"], told["most_faces"]) == (5, left + right)
        assert ("up to 2 at once" in done.stderr) == (left + right == 2)
        before = next(iter(read_video(two).frames())).astype(int)
        changes = np.abs(_read(two.parent / "frames" / "00000.png") - before)
        assert (changes[:, :110].max() > 3) == bool(left)
        assert (changes[:, 150:].max() > 3) == bool(right)

    def test_a_number_that_is_not_there_is_told_and_leaves_nothing(self, animate: Run, two: Path) -> None:
        done = animate(two, "--au", "12=+0.5", "--face", "3")
        assert done.exit_code == 1
        assert "face 3 was asked for, but there are only 2 faces in the first frame that shows any" in done.stderr
        assert [path.name for path in two.parent.iterdir() if path.is_file()] == ["two.mp4"]

    def test_they_are_listed(self, cli: Run, two: Path, tmp_path: Path) -> None:
        done = cli("faces", two, "--json", "--save", tmp_path / "boxes.png")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert [face["number"] for face in told["faces"]] == [1, 2]
        assert told["faces"][0]["box_px"]["left"] > told["faces"][1]["box_px"]["left"]
        assert "faces in frame 1, at 0.00 s" in done.stderr
        assert _read(tmp_path / "boxes.png").shape == (256, 256, 3)
        assert cli("faces", two, "--detector", "cnn").exit_code == 2

    def test_a_clip_without_faces_has_none_to_list(self, cli: Run, tmp_path: Path) -> None:
        source = make_clip(tmp_path / "dark.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
        done = cli("faces", source)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "no face was found in" in done.stderr

    def test_one_of_them_drives_a_photo(
        self, cli: Run, two: Path, tiny_model: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ganimate.face.tracking import Tracker

        chosen: list[object] = []
        build = Tracker.__init__

        def noted(
            self: Tracker, follower: object, fps: float, who: object = "largest", embedder: object = None
        ) -> None:
            chosen.append(who)
            build(self, follower, fps, who, embedder)  # type: ignore[arg-type]

        monkeypatch.setattr(Tracker, "__init__", noted)
        for option in ((), ("--video-face", "2")):
            assert cli("drive", photo, "--video", two, "--model", tiny_model, "-f", *option).exit_code == 0
        assert chosen == ["largest", 2]
        assert cli("drive", photo, "--video", two, "--model", tiny_model, "-f", "--video-face", "3").exit_code == 1
        done = cli("drive", photo, "--aus", "clip.csv", "--video-face", "2")
        assert done.exit_code == 2 and "--video-face is for videos" in done.stderr


class TestDrive:
    @pytest.fixture
    def drive(self, cli: Run, tiny_model: Path, photo: Path) -> Run:
        return lambda *arguments: cli("drive", photo, "--model", tiny_model, *arguments)

    def test_the_photo_repeats_the_clip_with_its_sound(self, drive: Run, clip: Path, photo: Path) -> None:
        done = drive("--video", clip, "--json")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["path"] == str(photo.with_name("me_me.mp4"))
        assert "a face in 9 of 12 frames" in done.stderr
        facts = read_video(told["path"]).facts
        assert (facts.width, facts.frames, facts.fps, facts.audio) == (512, 12, 30, "aac")

    def test_a_clip_too_fast_for_a_gif_is_thinned_out(self, drive: Run, tmp_path: Path, astronaut: Picture) -> None:
        source = make_clip(tmp_path / "fast.mp4", [astronaut[::2, ::2]] * 12, "60", audio=None)
        done = drive("--video", source, "-o", tmp_path / "a.gif", "--json")
        assert done.exit_code == 0, done.stderr
        assert "every second is taken: 30" in done.stderr
        assert sum(_delays_ms(tmp_path / "a.gif")) == 200

    def test_a_part_of_the_clip(self, drive: Run, clip: Path, tmp_path: Path) -> None:
        done = drive("--video", clip, "--start", 0.1, "--end", 0.2, "-o", tmp_path / "a.mp4", "--json")
        assert done.exit_code == 0, done.stderr
        assert "a face in 3 of 3 frames" in done.stderr
        facts = read_video(tmp_path / "a.mp4").facts
        assert (facts.frames, facts.audio) == (3, "aac")

    def test_a_face_that_comes_late_and_leaves_early_keeps_length_and_sound(
        self, drive: Run, tmp_path: Path, astronaut: Picture
    ) -> None:
        face = astronaut[::2, ::2]
        dark = np.zeros_like(face)
        source = make_clip(tmp_path / "late.mp4", [dark] * 10 + [face] * 5 + [dark] * 10)
        done = drive("--video", source, "-o", tmp_path / "a.mp4")
        assert done.exit_code == 0, done.stderr
        assert "comes at 0.4 s and is there until 0.56 s of 0 s to 0.96 s: its pose is held there" in done.stderr
        facts = read_video(tmp_path / "a.mp4").facts
        assert (facts.frames, facts.fps, facts.audio) == (25, 25, "aac")
        assert drive("--video", source, "-o", tmp_path / "b.mp4", "--trim").exit_code == 0
        assert read_video(tmp_path / "b.mp4").facts.frames == 5

    def test_what_is_wrong_with_the_photo_is_told_once(self, drive: Run, clip: Path, photo: Path) -> None:
        with Image.open(photo) as image:
            image.save(photo)
        photo.write_bytes(photo.read_bytes()[:-2])  # without its end
        done = drive("--video", clip, "--end", 0.1)
        assert done.exit_code == 0, done.stderr
        assert done.stderr.count("me.jpg: ") == 1

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["--aus", "a.csv"], 2, "--aus and --video exclude each other"),
            (["--format", "openface"], 2, "--format is for tables"),
            (["--start", "9"], 1, "has nothing from 9 s"),
            (["--face", "7"], 1, "face 7 was asked for"),
            (["-o", "out.avi"], 1, "not supported"),
        ],
    )
    def test_what_cannot_be_is_refused_before_the_slow_work(
        self,
        drive: Run,
        clip: Path,
        arguments: list[str],
        code: int,
        words: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(videos.Video, "frames", None)
        done = drive("--video", clip, *arguments)
        assert (done.exit_code, words in done.stderr) == (code, True), done.stderr

    def test_the_clip_is_not_written_over(self, drive: Run, clip: Path) -> None:
        before = clip.read_bytes()
        done = drive("--video", clip, "-o", clip, "--force")
        assert "is the clip itself" in done.stderr
        assert clip.read_bytes() == before


def _delays_ms(path: Path) -> list[float]:
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def _read(path: Path) -> NDArray[np.int64]:
    with Image.open(path) as image:
        return np.array(image).astype(int)

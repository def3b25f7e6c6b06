"""Laws of videos in: what a player would show arrives, in order and at its rate; all else gets a sentence."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import ffmpeg, make_clip, make_hdr_clip, record_as_browsers_do, sway
from numpy.typing import NDArray
from PIL import Image

from ganimate.errors import DependencyError, VideoError
from ganimate.media import Sound, is_video, open_writer, read_video, sound, videos

Picture = NDArray[np.uint8]
FRAMES = 12


@pytest.fixture(scope="module")
def frames(astronaut: Picture) -> list[Picture]:
    return sway(astronaut, FRAMES)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, frames: list[Picture]) -> Path:
    """A clip of 12 frames with a tone; nobody may change it."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames, "30000/1001")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started during a test."""
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


def complaint(path: Path) -> VideoError:
    with pytest.raises(VideoError) as caught:
        list(read_video(path).frames())
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def difference(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def test_facts_are_exact(clip: Path) -> None:
    facts = read_video(clip).facts
    assert (facts.width, facts.height, facts.fps) == (320, 320, Fraction(30000, 1001))
    assert (facts.frames, facts.audio, facts.rotation_deg, facts.hdr) == (FRAMES, "aac", 0.0, False)


def test_frames_come_as_they_went_in(clip: Path, frames: list[Picture]) -> None:
    shown = list(read_video(clip).frames())
    assert len(shown) == FRAMES
    for frame, read in zip(frames, shown, strict=True):
        assert difference(frame, read) < 3
        assert np.abs(frame.astype(float).mean((0, 1)) - read.mean((0, 1))).max() < 1.5  # no shift of colours


def test_our_own_mp4_is_read_without_a_shift_of_colours(tmp_path: Path, frames: list[Picture]) -> None:
    with open_writer(tmp_path / "out.mp4", 25) as writer:
        for frame in frames:
            writer.append(frame)
    for frame, read in zip(frames, read_video(tmp_path / "out.mp4").frames(), strict=True):
        assert np.abs(frame.astype(float).mean((0, 1)) - read.mean((0, 1))).max() < 1.5


@pytest.mark.parametrize(("size", "matrix"), [((320, 240), "bt601"), ((1280, 720), "bt709")])
def test_untagged_colours_are_taken_as_players_do(tmp_path: Path, size: tuple[int, int], matrix: str) -> None:
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    frame[:] = (200, 60, 40)
    untagged = ["-vf", f"scale=out_color_matrix={matrix}", "-c:v", "mpeg4", "-q:v", "2", "-pix_fmt", "yuv420p"]
    make_clip(tmp_path / "clip.avi", [frame] * 2, audio=None, more=untagged)
    (read, _) = read_video(tmp_path / "clip.avi").frames()
    assert np.abs(read.astype(int) - frame).max() < 6


class TestHdr:
    """Clips of wide dynamic range, as phones film them: what was a usual picture before comes back as it was."""

    PATCHES = (
        (255, 255, 255), (213, 156, 133), (115, 82, 68), (194, 150, 130), (240, 200, 180), (60, 40, 33),
        (128, 128, 128), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170), (214, 126, 44), (80, 91, 166),
        (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46), (175, 54, 60), (20, 20, 20),
    )  # fmt: skip

    @pytest.mark.parametrize("tagged", [True, False])
    @pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
    def test_colours_of_a_chart_come_back(self, tmp_path: Path, transfer: str, tagged: bool) -> None:
        wanted = np.array(self.PATCHES, np.uint8)
        chart = np.repeat(np.repeat(wanted[None], 48, 0), 48, 1)
        video = read_video(make_hdr_clip(tmp_path / "chart.mp4", chart, transfer, tagged))
        assert video.facts.hdr
        found = next(video.frames())[16:32].reshape(16, -1, 48, 3)[:, :, 16:32].mean((0, 2))  # middles of the patches
        assert np.abs(found - wanted).max() < 7
        assert found[0].min() > 248  # white
        asked, shown = (self.lab(colours) for colours in (wanted, found))
        colourful = np.hypot(asked[:, 1], asked[:, 2]) > 10
        turned = np.angle((shown[:, 1] + 1j * shown[:, 2]) / (asked[:, 1] + 1j * asked[:, 2] + 1e-9), deg=True)
        assert np.abs(turned[colourful]).max() < 3

    def lab(self, colours: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(cv2.cvtColor(np.asarray(colours, np.float32)[None] / 255, cv2.COLOR_RGB2LAB)[0])

    @pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
    def test_a_face_looks_as_it_did(self, tmp_path: Path, astronaut: Picture, transfer: str) -> None:
        read = next(read_video(make_hdr_clip(tmp_path / "me.mp4", astronaut, transfer)).frames())
        assert difference(astronaut, read) < 4
        skin = (slice(110, 150), slice(190, 260))
        assert np.abs(astronaut[skin].astype(float).mean((0, 1)) - read[skin].mean((0, 1))).max() < 3


def test_rotation_is_applied(tmp_path: Path, clip: Path, frames: list[Picture]) -> None:
    ffmpeg("-display_rotation", 90, "-i", clip, "-c", "copy", tmp_path / "turned.mp4")
    video = read_video(tmp_path / "turned.mp4")
    assert video.facts.rotation_deg == 90
    assert difference(next(video.frames()), np.rot90(frames[0])) < 3


def test_pixels_become_square(tmp_path: Path, clip: Path) -> None:
    ffmpeg("-i", clip, "-vf", "setsar=4/3", tmp_path / "wide.mp4")
    video = read_video(tmp_path / "wide.mp4")
    assert (video.facts.width, video.facts.height) == (426, 320)
    assert next(video.frames()).shape == (320, 426, 3)


def test_a_variable_rate_becomes_constant(tmp_path: Path, clip: Path, frames: list[Picture]) -> None:
    ffmpeg("-i", clip, "-vf", "select='not(eq(n,5)+eq(n,6))'", "-fps_mode", "vfr", tmp_path / "vfr.mp4")
    video = read_video(tmp_path / "vfr.mp4")
    shown = list(video.frames())
    assert video.facts.fps == Fraction(30000, 1001)
    assert len(shown) == FRAMES
    assert np.array_equal(shown[5], shown[4])
    assert difference(shown[7], frames[7]) < 4


def make_gif(path: Path, frames: list[Picture], lasts_ms: list[int]) -> Path:
    pictures = [Image.fromarray(frame[::4, ::4]) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=lasts_ms)
    return path


def test_frames_at_odd_times_are_all_shown(tmp_path: Path, frames: list[Picture]) -> None:
    path = make_gif(tmp_path / "a.gif", frames, [40, 70, 30, 90, 40, 80, 60, 50, 70, 30, 90, 40])
    video = read_video(path)
    assert is_video(path)
    assert video.facts.fps <= 40
    assert video.facts.audio is None
    assert len({frame.tobytes() for frame in video.frames()}) == FRAMES
    assert "come at varying times" in video.notes[0]


def test_a_gif_that_ends_on_a_pause_keeps_all_its_frames(tmp_path: Path, astronaut: Picture) -> None:
    moving = sway(astronaut, 20)
    video = read_video(make_gif(tmp_path / "a.gif", moving, [50] * 19 + [3000]))
    shown = [frame.tobytes() for frame in video.frames()]
    assert (video.facts.fps, video.facts.frames, video.facts.duration_s) == (20, 79, 3.95)
    assert len(set(shown)) == 20
    assert abs(len(shown) - 79) <= 1
    assert len(set(shown[20:])) == 1


@pytest.mark.parametrize("late_ms", ["mod(N*7,13)", "mod(N*N*7,19)", "12*sin(N*1.7)"])
def test_a_recording_of_a_browser_has_its_true_rate(tmp_path: Path, late_ms: str) -> None:
    path = record_as_browsers_do(tmp_path / "a.webm", 2, late_ms)
    assert "Duration: N/A" in ffmpeg_says(path) and " 1k tbr" in ffmpeg_says(path)
    video = read_video(path)
    assert (video.facts.fps, video.facts.frames) == (30, 60)
    assert abs(len({frame.tobytes() for frame in video.frames()}) - 60) <= 1


def test_a_fast_clip_is_thinned_out_evenly(tmp_path: Path, frames: list[Picture]) -> None:
    path = make_clip(tmp_path / "fast.mp4", frames, "60")
    assert read_video(path).facts.fps == 60 and not read_video(path).notes
    video = read_video(path, most_fps=50)
    assert (video.facts.fps, video.facts.frames, len(list(video.frames()))) == (30, FRAMES // 2, FRAMES // 2)
    assert "every second is taken" in video.notes[0]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.avi", "clip.mov", "clip.ts", "clip.webm"])
def test_other_containers(tmp_path: Path, clip: Path, name: str) -> None:
    ffmpeg("-i", clip, "-c:v", "libvpx" if name.endswith("webm") else "mpeg4", "-q:v", 3, tmp_path / name)
    path = (tmp_path / name).rename(tmp_path / "nameless")
    assert is_video(path)
    assert read_video(path).facts.fps == pytest.approx(Fraction(30000, 1001), abs=1e-3)
    assert abs(len(list(read_video(path).frames())) - FRAMES) <= 1


def test_what_is_a_video_is_told_by_content(tmp_path: Path, clip: Path, astronaut_path: Path) -> None:
    (tmp_path / "clip.jpg").write_bytes(clip.read_bytes())
    (tmp_path / "photo.mp4").write_bytes(astronaut_path.read_bytes())
    (tmp_path / "photo.avif").write_bytes(b"\0\0\0\x20ftypavif" + bytes(60))
    assert is_video(tmp_path / "clip.jpg")
    assert not is_video(tmp_path / "photo.mp4")
    assert not is_video(tmp_path / "photo.avif")
    assert not is_video(astronaut_path)
    assert not is_video(tmp_path / "none.jpg")
    assert is_video(tmp_path / "none.mp4")  # so that its absence is told as a video's


Make = Callable[[Path, Path], object]
BAD: dict[str, tuple[Make, str]] = {
    "missing": (lambda path, clip: None, "does not exist"),
    "folder": (lambda path, clip: path.mkdir(), "is a folder"),
    "empty": (lambda path, clip: path.write_bytes(b""), "is empty"),
    "text": (lambda path, clip: path.write_bytes(b"a film about a dog\n" * 99), "not a video"),
    "playlist": (lambda path, clip: path.write_text(f"ffconcat version 1.0\nfile '{clip}'\n"), "not a video"),
    "photo": (lambda path, clip: Image.new("RGB", (64, 64)).save(path, "JPEG"), "not a video"),
    "sound only": (lambda path, clip: ffmpeg("-i", clip, "-vn", path), "no picture"),
    "head only": (lambda path, clip: path.write_bytes(clip.read_bytes()[:40]), "damaged or cut off"),
    "no index": (lambda path, clip: path.write_bytes(clip.read_bytes()[:-4000]), "damaged or cut off"),
    "second half missing": (
        lambda path, clip: (
            ffmpeg("-i", clip, "-c", "copy", "-movflags", "+faststart", path),
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        ),
        "damaged or cut off",
    ),
    "tiny": (lambda path, clip: ffmpeg("-i", clip, "-vf", "scale=20:20", path), "only 20×20 px"),
    "huge": (
        lambda path, clip: ffmpeg(
            "-f", "lavfi", "-i", "color=s=9000x5000:r=5:d=0.2", "-c:v", "mjpeg", "-f", "avi", path
        ),
        "8K",
    ),
    "slow": (lambda path, clip: ffmpeg("-r", "1/20", "-i", clip, "-an", path), "frames a second"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_videos_get_a_sentence(tmp_path: Path, clip: Path, kind: str) -> None:
    make, words = BAD[kind]
    path = tmp_path / "bad.mp4"
    make(path, clip)
    error = complaint(path)
    assert words in error.message
    assert "bad.mp4" in error.message


def test_a_decoder_that_dies_is_told(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = read_video(clip)
    monkeypatch.setattr(videos, "picture_source", lambda path: ["-i", f"file:{path}", "-map", "0:v:7"])
    with pytest.raises(VideoError, match="damaged"):
        list(video.frames())


class TestWithoutTemporaryFolder:
    @pytest.fixture(autouse=True)
    def no_folder(self, monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)

    def test_reading_names_the_remedy(self, clip: Path) -> None:
        with pytest.raises(DependencyError) as caught:
            next(read_video(clip).frames())
        assert "TMPDIR" in (caught.value.hint or "")

    @pytest.mark.parametrize("name", ["a.gif", "a.mp4", "frames/"])
    def test_writing_needs_none(self, tmp_path: Path, frames: list[Picture], name: str) -> None:
        with open_writer(f"{tmp_path}/{name}", 25) as writer:
            for frame in frames[:3]:
                writer.append(frame)
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("leave", ["close", "interrupt"])
def test_ffmpeg_ends_with_the_iterator(
    tmp_path: Path, frames: list[Picture], children: list[subprocess.Popen[bytes]], leave: str
) -> None:
    long = make_clip(tmp_path / "long.mp4", frames * 8)
    children.clear()
    shown = read_video(long).frames()
    next(shown)
    child = children[-1]
    assert child.poll() is None
    if leave == "close":
        shown.close()  # type: ignore[attr-defined]
    else:
        with pytest.raises(KeyboardInterrupt):
            shown.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert child.poll() is not None


def ffmpeg_says(path: Path) -> str:
    command = [videos.find_ffmpeg(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def with_sound(path: Path, frames: list[Picture], source: Path, codec: str) -> Any:
    with open_writer(path, 30000 / 1001, sound=Sound(source, codec)) as writer:
        for frame in frames:
            writer.append(frame)
    return writer


class TestSound:
    def packets(self, path: Path) -> bytes:
        command = [videos.find_ffmpeg(), "-v", "error", "-i", str(path), "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout

    @pytest.mark.parametrize("name", ["clip.mp4", "frames/", "clip.gif"])
    def test_only_mp4_has_sound(self, tmp_path: Path, clip: Path, frames: list[Picture], name: str) -> None:
        with_sound(tmp_path / name if name != "frames/" else Path(f"{tmp_path}/frames/"), frames[:3], clip, "aac")
        (made,) = tmp_path.iterdir()
        assert ("Audio: aac" in ffmpeg_says(made)) == (name == "clip.mp4")

    @pytest.mark.parametrize("codec", ["aac", "mp3"])
    def test_sound_that_mp4_can_hold_is_copied(self, tmp_path: Path, frames: list[Picture], codec: str) -> None:
        source = make_clip(tmp_path / "in.mkv", frames, audio="libmp3lame" if codec == "mp3" else codec)
        with_sound(tmp_path / "out.mp4", frames * 2, source, codec)
        assert f"Audio: {codec}" in ffmpeg_says(tmp_path / "out.mp4")
        assert self.packets(tmp_path / "out.mp4") == self.packets(source)
        assert len(list(read_video(tmp_path / "out.mp4").frames())) == 2 * FRAMES  # short sound cuts no pictures

    def test_other_sound_becomes_aac(self, tmp_path: Path, frames: list[Picture]) -> None:
        source = make_clip(tmp_path / "in.mkv", frames, audio="libopus")
        with_sound(tmp_path / "out.mp4", frames, source, "opus")
        assert "Audio: aac" in ffmpeg_says(tmp_path / "out.mp4")

    def test_sound_ends_with_the_pictures(self, tmp_path: Path, frames: list[Picture]) -> None:
        source = make_clip(tmp_path / "in.mp4", frames * 4)
        with_sound(tmp_path / "out.mp4", frames, source, "aac")
        seconds = float(ffmpeg_says(tmp_path / "out.mp4").partition("Duration: 00:00:")[2][:5])
        assert seconds == pytest.approx(FRAMES * 1001 / 30000, abs=0.03)
        facts = read_video(tmp_path / "out.mp4").facts
        assert (facts.frames, facts.fps, facts.audio) == (FRAMES, Fraction(30000, 1001), "aac")

    def test_sound_that_cannot_be_read_leaves_the_pictures(self, tmp_path: Path, frames: list[Picture]) -> None:
        (tmp_path / "in.mp4").write_bytes(b"no sound")
        writer = with_sound(tmp_path / "out.mp4", frames, tmp_path / "in.mp4", "aac")
        assert writer.sound_failure
        assert len(list(read_video(tmp_path / "out.mp4").frames())) == FRAMES
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]

    def test_ctrl_c_while_the_sound_is_added_leaves_nothing(
        self, tmp_path: Path, clip: Path, frames: list[Picture], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(sound.subprocess, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            with_sound(tmp_path / "out.mp4", frames, clip, "aac")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "coding"),
    [
        ("a.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"]),
        ("full.mp4", ["-vf", "scale=out_range=pc", "-c:v", "libx264", "-pix_fmt", "yuvj420p"]),
        ("fine.mkv", ["-c:v", "libx264", "-pix_fmt", "yuv444p10le"]),
        ("half.mkv", ["-c:v", "ffv1", "-pix_fmt", "yuv422p"]),
        ("grey.mkv", ["-c:v", "ffv1", "-pix_fmt", "gray"]),
        ("rgb.mkv", ["-c:v", "ffv1", "-pix_fmt", "bgra"]),
        ("a.gif", []),
    ],
)
def test_the_quick_way_to_rgb_changes_no_bit(tmp_path: Path, name: str, coding: list[str]) -> None:
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=0.4,noise=alls=20", *coding, path)
    video = read_video(path)
    plain = video.filters.replace(",format=gbrp,scale,", ",")
    assert plain != video.filters
    for quick, straight in zip(video.frames(), replace(video, filters=plain).frames(), strict=True):
        np.testing.assert_array_equal(quick, straight)

"""Laws of clips in stretches: together they are the clip, frame by frame, and no seam is seen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from clips import ffmpeg, make_clip, moved_face
from numpy.typing import NDArray

from ganimate.animation import session
from ganimate.animation.batch import clip_stretches
from ganimate.animation.batch.clip_stretches import LEAST_S, MOST_S, plan
from ganimate.animation.clip import ClipJob, Stretch
from ganimate.animation.outputs import Outputs
from ganimate.config import Setup
from ganimate.errors import VideoError
from ganimate.face.crop import Face
from ganimate.face.detect import FixedFollower
from ganimate.facs import parse_expression
from ganimate.media import Sound, inspect, read_photo, read_video
from ganimate.media.provenance import Mark
from ganimate.media.stretches import cut_out, put_together, scene_changes, small_frames
from ganimate.system.progress import Silent

FPS = 25.0
Picture = NDArray[np.uint8]


def changes(frames: int, *cuts: int) -> NDArray[np.float32]:
    found = np.ones(frames - 1, np.float32)
    found[[cut - 1 for cut in cuts]] = 90
    return found


def test_stretches_follow_one_another_and_are_neither_long_nor_short() -> None:
    cuts = (300, 310, 1000, 1010, 4000)
    stretches = plan(changes(5005, *cuts), FPS)
    assert [s.first for s in stretches] == [0, *(s.end for s in stretches[:-1])]
    assert stretches[-1].end == stretches[-1].reads_to == 5005 and stretches[0].reads_from == 0
    lengths = [s.end - s.first for s in stretches]
    assert max(lengths) <= (MOST_S + 2 * LEAST_S) * FPS and min(lengths[:-1]) >= LEAST_S * FPS


def test_nothing_is_read_across_a_scenes_end_and_enough_within_a_scene() -> None:
    stretches = plan(changes(1600, 300), FPS)
    assert [s.first for s in stretches][:2] == [0, 300]
    assert (stretches[0].reads_to, stretches[1].reads_from) == (300, 300)
    for one, two in pairwise(stretches[1:]):
        assert one.end == two.first
        assert one.reads_to - one.end >= 0.4 * FPS
        assert two.first - two.reads_from >= 2.2 * FPS


def test_edited_apart_the_frames_are_those_edited_in_one_go(
    tmp_path: Path, tiny_model: Path, astronaut: Picture, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = moved_face(astronaut_face, np.array([[0.5, 0, 0], [0, 0.5, 0]]))
    monkeypatch.setattr(session, "make_follower", lambda: FixedFollower((face,)))
    monkeypatch.setattr(clip_stretches, "MOST_S", 1.0)
    monkeypatch.setattr(clip_stretches, "LEAST_S", 0.4)
    own = astronaut[::2, ::2]
    frames = [np.roll(own, k % 5, 1) for k in range(40)] + [255 - np.roll(own, k % 3, 1) for k in range(30)]
    clip = make_clip(tmp_path / "clip.mp4", frames)
    video = read_video(clip)
    fields = small_frames(video)
    stretches = plan(scene_changes(fields), FPS)
    assert len(stretches) == 4 and stretches[1].reads_from < stretches[1].first < stretches[1].end == 40

    def edited(path: Path, stretch: Stretch | None) -> list[Picture]:
        folder, setup = tmp_path / f"frames{0 if stretch is None else stretch.first + 1}", Setup(model=str(tiny_model))
        job = ClipJob(path, parse_expression("12=1"), Outputs(f"{folder}/"), ramp_s=2.0, setup=setup, stretch=stretch)
        assert job.make(Silent()).facts["frames"] == len(list(folder.iterdir()))
        return [read_photo(each) for each in sorted(folder.iterdir())]

    apart: list[Picture] = []
    for stretch in stretches:
        part, data = cut_out(video, stretch.reads_from, stretch.reads_to, fields)
        (tmp_path / "part").write_bytes(data)
        apart += edited(tmp_path / "part", replace(stretch, video=part))
    for one, other in zip(edited(clip, None), apart, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_a_short_clip_is_one_stretch() -> None:
    (only,) = plan(changes(200, 100)[:60], FPS)
    assert (only.first, only.end, only.reads_from, only.reads_to) == (0, 61, 0, 61)


@pytest.fixture(scope="module", params=["mp4", "webm", "ts"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds with rare keyframes, frames that refer forward, and a tone."""
    coding = {
        "mp4": ["-c:v", "libx264", "-g", "40", "-bf", "3", "-pix_fmt", "yuv420p"],
        "webm": ["-c:v", "libvpx", "-deadline", "realtime", "-g", "30"],
        "ts": ["-c:v", "libx264", "-g", "40", "-bf", "2", "-pix_fmt", "yuv420p"],
    }[request.param]
    path = tmp_path_factory.mktemp("stretches") / f"clip.{request.param}"
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=5"]
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=30000/1001:d=5", *tone, *coding, "-shortest", path)
    return path


@pytest.mark.parametrize("span", [(0, 40), (37, 100), (99, 140)])
def test_a_part_has_the_frames_of_the_whole(clip: Path, tmp_path: Path, span: tuple[int, int]) -> None:
    video = read_video(clip)
    part, data = cut_out(video, *span, small_frames(video))
    path = tmp_path / "part"
    path.write_bytes(data)
    wanted = list(video.frames())[slice(*span)]
    for one, other in zip(replace(part, path=path).frames(), wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_put_together_has_all_frames_the_sound_and_the_mark(clip: Path, tmp_path: Path) -> None:
    video, parts = read_video(clip), []
    for first, end in ((0, 50), (50, 90)):
        part, data = cut_out(video, first, end, small_frames(video))
        (tmp_path / "part").write_bytes(data)
        frames = list(replace(part, path=tmp_path / "part").frames())
        parts.append(make_clip(tmp_path / f"it's {first}.mp4", frames, "30000/1001", audio=None))
    result, mark = tmp_path / "result.mp4", Mark("tiny", "0" * 64, ("12=1",))
    sound = Sound(clip, video.facts.audio or "")
    assert put_together(parts, result, sound, Fraction(90) / video.facts.fps, mark) is None
    joined = read_video(result)
    assert joined.facts.audio == "aac" and joined.facts.fps == video.facts.fps
    apart = [frame for part in parts for frame in read_video(part).frames()]
    for one, other in zip(joined.frames(), apart, strict=True):
        np.testing.assert_array_equal(one, other)
    assert inspect(result).marked


def test_a_scenes_end_is_seen(tmp_path: Path) -> None:
    dark, light = (np.full((64, 64, 3), level, np.uint8) for level in (20, 200))
    found = scene_changes(small_frames(read_video(make_clip(tmp_path / "clip.mp4", [dark] * 7 + [light] * 5))))
    assert len(found) == 11 and (found > 24).nonzero()[0].tolist() == [6]


def test_what_would_lose_a_frame_is_not_taken_apart(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=1", tmp_path / "a.gif")
    video = read_video(tmp_path / "a.gif")
    fields = small_frames(video)
    with pytest.raises(VideoError, match="cannot be taken apart"):  # how long its last frame is shown would be lost
        cut_out(video, len(fields) - 1, len(fields), fields)

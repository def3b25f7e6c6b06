"""`ganimate drive`, with a tiny model of random weights and a fixed detector."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import Result

from ganimate.cli.drive import TableFormat
from ganimate.config import MESH, CriticConfig, CropSpec, Driving, GeneratorConfig
from ganimate.motion.muscles import Muscles
from ganimate.networks import Critic, MeshGenerator, build_generator
from ganimate.trackers import FORMATS
from ganimate.trajectory import load_trajectory
from ganimate.zoo.card import ModelCard
from ganimate.zoo.checkpoint import save_model

Run = Callable[..., Result]
TABLE = """frame, timestamp, confidence, success, AU04_r, AU12_r, AU28_r
1, 0.00, 0.9, 1, 0, 0, 1
2, 0.04, 0.9, 1, 0, 5, 1
3, 0.08, 0.0, 0, 0, 0, 0
4, 0.12, 0.9, 1, 1, 2.5, 1
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "clip.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def drive(cli: Run, tiny_model: Path, photo: Path, table: Path) -> Run:
    """Run `drive` on the photo and the table."""
    return lambda *arguments: cli("drive", photo, "--model", tiny_model, "--aus", table, *arguments)


def test_the_names_of_formats_are_those_of_the_library() -> None:
    assert [each.value for each in TableFormat] == list(FORMATS)


def test_the_photo_repeats_the_table(drive: Run, tmp_path: Path) -> None:
    done = drive("-o", tmp_path / "me.gif", "--save-trajectory", tmp_path / "path.csv", "--json")
    assert done.exit_code == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["frames"], facts["fps"], facts["path"]) == (4, 25, str(tmp_path / "me.gif"))
    path = load_trajectory(tmp_path / "path.csv")
    np.testing.assert_allclose(path.values[:, path.aus.index(12)], [0, 1, 0.75, 0.5], atol=1e-6)
    np.testing.assert_allclose(path.values[:, path.aus.index(4)], [0, 0, 0.1, 0.2], atol=1e-6)
    own = facts["faces"][0]["y_r"]
    np.testing.assert_allclose(path.values[:, path.aus.index(1)], own["AU1"], atol=1e-3)
    assert "read as OpenFace: 3 of 4 rows; skipped: 1 without a face (line 4)" in done.stderr
    assert "the model lacks AU28 of the clip: left out" in done.stderr
    assert "4 frames at 25 a second" in done.stderr


def test_how_far_a_clip_goes_is_told_in_both_directions(drive: Run, table: Path, tmp_path: Path) -> None:
    table.write_text("frame, timestamp, AU12_r\n1, 0, 0\n2, 0.04, 5\n")
    done = drive("-o", tmp_path / "me.gif")
    head = next(line for line in done.stderr.splitlines() if "photo" in line)
    assert head.split() == ["photo", "least", "most"]


def test_the_result_is_beside_the_photo(drive: Run, photo: Path) -> None:
    done = drive("--quiet", "--end", 0.04)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{photo.with_name('me_clip.mp4')}\n"
    assert done.stderr == ""
    assert photo.with_name("me_clip.mp4").stat().st_size > 0


def test_a_part_at_another_rate_relative_to_its_first_frame(drive: Run, tmp_path: Path) -> None:
    done = drive("-o", tmp_path / "me.gif", "--fps", 50, "--start", 0.04, "--relative", "--json",
                 "--save-trajectory", tmp_path / "path.csv")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    path = load_trajectory(tmp_path / "path.csv")
    own = json.loads(done.stdout)["faces"][0]["y_r"]["AU12"]
    assert path.fps == 50
    expected = np.clip(own + np.array([0, -0.125, -0.25, -0.375, -0.5]), 0, 1)
    np.testing.assert_allclose(path.values[:, path.aus.index(12)], expected, atol=1e-3)


def test_smoothing_reaches_the_frames(drive: Run, tmp_path: Path) -> None:
    done = drive("-o", tmp_path / "me.gif", "--smooth", 0.5, "--save-trajectory", tmp_path / "path.csv")
    assert done.exit_code == 0, done.stderr
    path = load_trajectory(tmp_path / "path.csv")
    assert np.ptp(path.values[:, path.aus.index(12)]) < 0.1


def test_a_table_of_one_row_gives_one_picture(drive: Run, table: Path, photo: Path) -> None:
    table.write_text("face, AU12_r\n0, 5\n")
    done = drive()
    assert done.exit_code == 0, done.stderr
    with Image.open(photo.with_name("me_clip.png")) as image:
        assert image.size == (512, 512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "me.mp4"), "gives one frame, which is a picture and no animation"),
        (("--relative",), "gives one frame, since which nothing changes"),
        (("--save-trajectory", "path.csv"), "gives one frame, which is no trajectory to save or print"),
    ],
)
def test_what_one_row_cannot_give_is_refused(drive: Run, table: Path, arguments: tuple[str, ...], message: str) -> None:
    table.write_text("face, AU12_r\n0, 5\n")
    done = drive(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "one picture" not in done.stderr


def test_a_face_that_leaves_early_is_held_or_trimmed(drive: Run, table: Path, tmp_path: Path) -> None:
    table.write_text("frame, timestamp, success, AU12_r\n1, 0, 1, 0\n2, 0.04, 1, 5\n3, 0.08, 0, 0\n4, 0.12, 0, 0\n")
    done = drive("-o", tmp_path / "me.gif", "--json")
    assert json.loads(done.stdout)["frames"] == 4
    assert "is there until 0.04 s of 0 s to 0.12 s: its pose is held there (--trim)" in done.stderr
    assert json.loads(drive("-o", tmp_path / "short.gif", "--json", "--trim").stdout)["frames"] == 2


@pytest.mark.parametrize("option", [("--table-face", "1"), ("--table-fps", "30")])
def test_options_of_tables_are_not_for_videos(cli: Run, photo: Path, option: tuple[str, ...]) -> None:
    done = cli("drive", photo, "--video", "clip.mp4", *option)
    assert done.exit_code == 2
    assert f"{option[0]} is for tables" in done.stderr


def test_a_video_is_no_table(cli: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "me.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
    done = cli("drive", photo, "--aus", tmp_path / "me.mp4")
    assert done.exit_code == 1
    assert "me.mp4' is a video, not a table" in done.stderr
    assert "hint: write --video " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--start", "9"), 1, "the clip has nothing from 9 s on; it goes from 0 s to 0.12 s"),
        (("--format", "blendshapes"), 1, "has no columns of blendshapes"),
        (("--format", "openface3"), 2, "openface3"),
        (("--table-face", "me"), 1, "shows one face alone"),
        (("--smooth", "-1"), 2, "--smooth"),
        (("--start", "-1"), 2, "--start"),
        (("--strip-frames", "3"), 2, "--strip-frames is for --strip"),
        (("--identity-frames", "3"), 2, "--identity-frames is for --report or --strict"),
        (("--fps", "nan"), 2, "--fps"),
        (("--aus", "none.csv"), 1, "none.csv' does not exist"),
        (("-o", "me.avi"), 1, "'.avi' is not supported"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_slow_work(
    drive: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, message: str
) -> None:
    from ganimate.animation import session

    monkeypatch.setattr(session, "find_faces", None)  # calling it would be a TypeError
    done = drive(*arguments)
    assert done.exit_code == code, done.stderr
    assert message in done.stderr


def test_the_table_is_not_written_over(drive: Run, table: Path) -> None:
    done = drive("--save-trajectory", table, "--force")
    assert "is the clip itself" in done.stderr
    assert table.read_text() == TABLE


def test_nothing_to_repeat_is_a_usage_error(cli: Run, photo: Path) -> None:
    done = cli("drive", photo)
    assert done.exit_code == 2
    assert "nothing to repeat" in done.stderr


@pytest.mark.parametrize(
    ("clip_fps", "fps"), [(None, 25), (29.97, 30), (23.976, 24), (1000, 60), (60, 60), (10, 10), (1, 25)]
)
def test_an_animation_has_the_clips_rate_if_that_makes_sense(clip_fps: float | None, fps: float) -> None:
    assert Driving().fps_for(clip_fps) == fps


def test_a_model_without_a_mesh_turns_nothing_and_shows_the_mean_of_both_sides(
    drive: Run, table: Path, tmp_path: Path
) -> None:
    table.write_text("timestamp_ms,jawOpen,mouthSmileLeft,mouthSmileRight,HeadYaw\n0,0,0,0,0\n40,0,1,0.5,0.1\n")
    done = drive("-o", tmp_path / "me.gif", "--save-trajectory", tmp_path / "path.csv")
    assert done.exit_code == 0, done.stderr
    path = load_trajectory(tmp_path / "path.csv")
    np.testing.assert_allclose(path.values[:, path.aus.index(12)], [0, 0.75], atol=1e-6)
    assert "it shows the mean of the clip's left and right" in done.stderr
    done = drive("--head", "-o", tmp_path / "turned.gif")
    assert done.exit_code == 1 and not (tmp_path / "turned.gif").exists()
    assert "error: this model turns neither head nor eyes, and the clip tells yaw" in done.stderr
    assert "leave out --head and --gaze" in done.stderr


@pytest.fixture(scope="module")
def mesh_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights that moves a mesh, and moves nothing but corners of mouths."""
    aus, size = (12, 45), 32
    config = GeneratorConfig(architecture=MESH, size_px=size, channels=8, blocks=1)
    critic = CriticConfig(size_px=size, channels=4, layers=3)
    ways = np.zeros((2, 478, 3))
    ways[0, [61, 291]] = [[-0.05, -0.1, 0], [0.05, -0.1, 0]]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = build_generator(config, len(aus))
        assert isinstance(generator, MeshGenerator)
        generator.hold(Muscles(aus, ways, np.ones(2), np.zeros((478, 3)), np.full(478, 0.3)))
        path = tmp_path_factory.mktemp("models") / "mesh.safetensors"
        save_model(path, ModelCard("mesh", config, critic, CropSpec(size_px=size), aus), generator, Critic(critic, 2))
    return path


def test_head_and_eyes_of_a_table_are_taken_along_where_that_is_asked_for(
    cli: Run, mesh_model: Path, photo: Path, table: Path, tmp_path: Path
) -> None:
    table.write_text(
        "timestamp,success,AU12_r,pose_Rx,pose_Ry,pose_Rz,gaze_angle_x,gaze_angle_y\n"
        "0,1,0,0,0,0,0,0\n0.04,1,5,0,0,0,0,0\n0.08,1,5,0,-0.1,0,0.2,0\n"
    )
    shown = {}
    for options in ((), ("--head",), ("--head", "--gaze")):
        out = tmp_path / f"{len(options)}.csv"
        done = cli("drive", photo, "--aus", table, "--model", mesh_model, *options, "-f", "--save-trajectory", out)
        assert done.exit_code == 0, done.stderr
        path = load_trajectory(out)
        shown[options] = dict(zip(path.aus, path.values[2].tolist(), strict=True))
    assert not {"yaw", "gaze_x"} & shown[()].keys()
    assert shown["--head",]["yaw"] == pytest.approx(np.degrees(0.1), abs=1e-3)
    assert shown["--head", "--gaze"]["gaze_x"] == pytest.approx(np.degrees(0.1), abs=1e-3)

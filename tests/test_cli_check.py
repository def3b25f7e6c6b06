"""`--compare`, `--strip`, `--report` and `--strict` of `animate` and `interpolate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from patches import AUS, Idler, Painter, make_judge, make_model
from PIL import Image
from typer.testing import Result

from ganimate.animation import check, session
from ganimate.animation.comparison import STRIP_HEIGHT_PX, compared_width_px
from ganimate.errors import ModelError
from ganimate.face.crop import Box, Face
from ganimate.face.detect import FixedDetector, GridEmbedder
from ganimate.media import read_photo

Run = Callable[..., Result]
SHORT = ("--frames", 4, "--hold", 0.08, "--loop", "once")
SIDE_PX = 288  # of the photo: the face and little else, so that files are soon written
ASK = ("--au", "12=1", *SHORT)


@pytest.fixture
def animate(cli: Run, tiny_model: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the photo with a generator in closed form, and the judge that goes with it."""
    monkeypatch.setattr(session, "make_embedder", GridEmbedder)
    crop(photo, SIDE_PX)

    def run(*arguments: object, generator: type = Painter, command: str = "animate") -> Result:
        monkeypatch.setattr("ganimate.zoo.checkpoint.load_model", lambda path, device: make_model(generator()))
        monkeypatch.setattr("ganimate.zoo.checkpoint.load_judge", lambda path, device: make_judge(np.eye(3)))
        return cli(command, photo, "--model", tiny_model_of_patches, *arguments)

    tiny_model_of_patches = _save_patches(photo.parent.parent)
    return run


def _save_patches(folder: Path) -> Path:
    """Write a model file whose card is that of `patches`: the networks are put in its place by the fixture."""
    from ganimate.networks import Critic, build_generator
    from ganimate.zoo.checkpoint import save_model

    card = make_model(Idler()).card
    networks = build_generator(card.generator, len(AUS)), Critic(card.critic, len(AUS))
    save_model(folder / "patches.safetensors", card, *networks)
    return folder / "patches.safetensors"


def crop(photo: Path, side_px: int) -> None:
    with Image.open(photo) as image:
        image.crop((0, 0, side_px, side_px)).save(photo)


def pixels(path: Path) -> NDArray[np.uint8]:
    return read_photo(path)


def test_plain_runs_tell_what_was_read_at_the_end_expression(animate: Run, tmp_path: Path) -> None:
    done = animate(*ASK, "-o", tmp_path / "a.gif")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'a.gif'}\n"
    assert "read again by the judge, which had no part in training the model" in done.stderr
    row = next(line for line in reversed(done.stderr.splitlines()) if "AU12" in line)
    assert "0.40 → 1.00" in row  # asked
    assert row.rstrip().endswith(("→ 1.00", "→ 0.99", "→ 0.98"))
    assert "identity" not in done.stderr
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["a.gif", "patches.safetensors"]


def asked_of(au: str, stderr: str) -> str:
    """Return what the closing table says was asked of an AU."""
    row = next(line for line in reversed(stderr.splitlines()) if line.split()[:1] == [au])
    return " ".join(row.split()).removesuffix("→ not known")


def test_the_end_expression_is_measured_and_not_the_start_or_a_blink(animate: Run, tmp_path: Path) -> None:
    move = ("--from", "12=0,1=1,26=1", "--to", "12=0.9,1=0.4,26=0.4")
    done = animate(*move, *SHORT, "-o", tmp_path / "a.gif", command="interpolate")
    assert "0.40 → 0.90" in asked_of("AU12", done.stderr)
    assert "result at 0.12 s, read again" in done.stderr


def test_a_still_has_no_time(animate: Run, tmp_path: Path) -> None:
    assert "result, read again" in animate("--au", "12=1", "--still", "-o", tmp_path / "a.png").stderr


def test_quiet_is_quiet_but_for_warnings(animate: Run, tmp_path: Path) -> None:
    assert animate(*ASK, "-q", "-o", tmp_path / "a.gif").stderr == ""
    done = animate(*ASK, "-q", "-o", tmp_path / "b.gif", generator=Idler)
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: the face hardly changed, though AU12 should")
    assert "\nhint: " in done.stderr


def test_strict_exits_with_3_and_leaves_the_result(animate: Run, tmp_path: Path) -> None:
    done = animate(*ASK, "--strict", "-o", tmp_path / "a.gif", "--report", tmp_path / "r.json", generator=Idler)
    assert done.exit_code == 3
    assert done.stdout == f"{tmp_path / 'a.gif'}\n"
    assert (tmp_path / "a.gif").stat().st_size > 0
    assert len(json.loads((tmp_path / "r.json").read_text())["warnings"]) == 1
    assert animate(*ASK, "--strict", "-o", tmp_path / "b.gif").exit_code == 0
    nothing = animate("-e", "self", *SHORT, "--strict", "-o", tmp_path / "c.gif", generator=Idler)
    assert nothing.exit_code == 0, "nothing was asked"


def test_strict_refuses_another_person(animate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stranger(GridEmbedder):
        def embed(self, photo: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
            return np.full(128, float(photo.astype(np.int64).sum() % 977))

    monkeypatch.setattr(session, "make_embedder", Stranger)
    done = animate(*ASK, "--strict", "-o", tmp_path / "a.gif")
    assert done.exit_code == 3
    assert "warning: the result may not look like the same person: identity distance" in done.stderr
    again = animate(*ASK, "--strict", "--identity-frames", 0, "-o", tmp_path / "b.gif")
    assert again.exit_code == 0, "where identity is not measured, nothing is known against it"


def test_compare_shows_the_photo_beside_every_frame(animate: Run, tmp_path: Path, photo: Path) -> None:
    animate(*ASK, "-o", f"{tmp_path}/plain/")
    done = animate(*ASK, "--compare", "-o", f"{tmp_path}/both/", "--json")
    assert json.loads(done.stdout)["width_px"] == compared_width_px(SIDE_PX)
    frames = sorted((tmp_path / "both").iterdir())
    assert len(frames) == len(list((tmp_path / "plain").iterdir()))
    for path in frames:
        shown = pixels(path)
        assert shown.shape == (SIDE_PX, compared_width_px(SIDE_PX), 3)
        assert (shown[:, :SIDE_PX] == pixels(photo)).all()
        assert (shown[:, -SIDE_PX:] == pixels(tmp_path / "plain" / path.name)).all()


def test_compare_a_still_and_an_mp4_of_an_odd_width(animate: Run, tmp_path: Path, photo: Path) -> None:
    crop(photo, 287)
    done = animate("--au", "12=1", "--still", "--compare", "-o", tmp_path / "a.png")
    assert done.exit_code == 0, done.stderr
    assert pixels(tmp_path / "a.png").shape == (287, compared_width_px(287), 3)
    done = animate(*ASK, "--compare", "-o", tmp_path / "a.mp4")
    assert done.exit_code == 0, done.stderr


def test_a_strip_goes_from_the_photo_to_the_end_expression(animate: Run, tmp_path: Path) -> None:
    done = animate(*ASK, "--strip", tmp_path / "s.png", "--strip-frames", 2, "-o", f"{tmp_path}/f/", "--json")
    assert json.loads(done.stdout)["strip"] == str(tmp_path / "s.png")
    strip = pixels(tmp_path / "s.png")
    assert strip.shape[0] == STRIP_HEIGHT_PX
    half = (strip.shape[1] - 4) // 2
    first, last = strip[:, :half].astype(int), strip[:, -half:].astype(int)
    assert np.abs(first - last).max() > 50
    animate(*ASK, "--strip", tmp_path / "all.png", "-o", f"{tmp_path}/g/")  # there are 4 frames, not 8
    assert pixels(tmp_path / "all.png").shape[1] == 4 * half + 3 * 4


def test_reports_in_every_format(animate: Run, tmp_path: Path) -> None:
    reports = [tmp_path / f"r.{suffix}" for suffix in ("json", "csv", "png")]
    ask = [word for path in reports for word in ("--report", path)]
    done = animate(*ASK, *ask, "--json", "-o", tmp_path / "a.gif")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["reports"] == [str(path) for path in reports]
    told = json.loads(reports[0].read_text())
    assert told["result"] == str(tmp_path / "a.gif")
    assert len(told["faces"][0]["frames"]) == told["frames"] == json.loads(done.stdout)["frames"]
    assert len(reports[1].read_text().splitlines()) == 1 + told["frames"]
    assert pixels(reports[2]).ndim == 3
    assert "identity distance" in done.stderr


def test_json_holds_the_peak(animate: Run, tmp_path: Path) -> None:
    (face,) = json.loads(animate(*ASK, "--json", "-o", tmp_path / "a.gif").stdout)["faces"]
    assert face["peak"]["frame"] == 3
    assert face["peak"]["asked"]["AU12"] == 1.0
    assert face["peak"]["read"]["AU12"] == pytest.approx(1.0, abs=0.06)
    assert face["peak"]["identity_distance"] is None


def test_a_report_of_a_still(animate: Run, tmp_path: Path) -> None:
    told = tmp_path / "r.json"
    done = animate(
        "--au", "12=1", "--still", "--report", told, "--report", tmp_path / "r.png", "-o", tmp_path / "a.png"
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(told.read_text())
    assert (report["frames"], report["fps"]) == (1, None)
    assert report["faces"][0]["frames"][0]["asked"]["AU12"] == 1.0


def test_interpolate_is_looked_at_as_well(animate: Run, tmp_path: Path) -> None:
    done = animate(
        "--from", "neutral", "--to", "12=1", *SHORT, "--strip", tmp_path / "s.png", "--report", tmp_path / "r.csv",
        "--compare", "-o", tmp_path / "a.gif", command="interpolate",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.*")} >= {"s.png", "r.csv", "a.gif"}


def test_every_face_is_told_by_its_number(
    animate: Run, tmp_path: Path, astronaut_face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = Face(Box(200, 200, 250, 250), (astronaut_face.landmarks - 175) / 2 + 200)
    monkeypatch.setattr(session, "make_detector", lambda name: FixedDetector((astronaut_face, smaller)))
    done = animate(*ASK, "--face", "all", "--report", tmp_path / "r.csv", "-o", tmp_path / "a.gif", generator=Idler)
    assert "result of face 1 at 0.12 s, read again" in done.stderr
    assert "warning: face 2: the face hardly changed" in done.stderr
    faces = [line.split(",")[2] for line in (tmp_path / "r.csv").read_text().splitlines()[1:]]
    assert faces[:4] == ["1", "2", "1", "2"]


def test_without_the_judge_the_model_reads_itself(
    animate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise ModelError("the judge is missing from this installation")

    monkeypatch.setattr(check, "find_judge", missing)
    done = animate(*ASK, "--json", "-o", tmp_path / "a.gif")
    assert json.loads(done.stdout)["reader"] == {"name": "the model's own AU head", "independent": False}
    assert "read again by the model's own AU head\n" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--report", "r.txt"), 1, "cannot write a report to 'r.txt'"),
        (("--report", "r"), 1, "use one of .json, .csv, .png"),
        (("--report", "nowhere/r.csv"), 1, "does not exist"),
        (("--strip", "s.gif"), 1, "cannot write a still picture to 's.gif'"),
        (("--strip", "nowhere/s.png"), 1, "does not exist"),
        (("--strip", "a.png", "--report", "a.png"), 1, "two results cannot both be written to 'a.png'"),
        (("--report", "a.csv", "--report", "a.csv"), 1, "two results"),
        (("--strip", "me.jpg"), 1, "is the photo itself"),
        (("--still", "--strip", "s.png"), 2, "--still has no frames for a film strip"),
        (("--strip-frames", "0"), 2, "--strip-frames"),
        (("--strip-frames", "3"), 2, "--strip-frames is for --strip"),
        (("--strip-frames", "8", "--report", "r.csv"), 2, "--strip-frames is for --strip"),
        (("--identity-frames", "3", "--strip", "s.png"), 2, "--identity-frames is for --report or --strict"),
    ],
)
def test_bad_places_are_told_before_any_work(
    cli: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    monkeypatch.chdir(photo.parent)
    monkeypatch.setattr(session, "find_faces", lambda *_: pytest.fail("work was begun"))
    done = cli("animate", "me.jpg", "--au", "12=1", *arguments)
    assert done.exit_code == code
    assert sentence in " ".join(done.stderr.replace("│", " ").split())
    assert [path.name for path in photo.parent.iterdir()] == ["me.jpg"]


def test_interpolate_refuses_what_it_would_ignore(cli: Run, photo: Path) -> None:
    done = cli("interpolate", photo, "--from", "fear", "--to", "anger", "--strip-frames", "3")
    assert done.exit_code == 2
    assert "--strip-frames is for --strip" in done.stderr


@pytest.mark.parametrize("command", ["interpolate", "drive"])
def test_only_animate_speaks_of_stills(cli: Run, command: str) -> None:
    assert "--still" not in cli(command, "--help").stdout


def test_existing_reports_and_strips_stay(animate: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("mine")
    done = animate(*ASK, "--report", tmp_path / "r.csv", "-o", tmp_path / "a.gif")
    assert done.exit_code == 1
    assert "already exists" in done.stderr
    assert (tmp_path / "r.csv").read_text() == "mine"
    assert not (tmp_path / "a.gif").exists()
    assert animate(*ASK, "--report", tmp_path / "r.csv", "-o", tmp_path / "a.gif", "--force").exit_code == 0

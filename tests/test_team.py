"""Several processes that do one training, as torchrun starts them: together they learn what one alone would."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from synthetic import tiny_config
from torchrun import assert_alike, finished, log_of, torchrun
from typer.testing import Result

from ganimate.data.dataset import FaceDataset
from ganimate.data.pack import open_pack
from ganimate.errors import ConfigError
from ganimate.system.share import Share
from ganimate.zoo.card import STATE_FORMAT, read_metadata

Cli = Callable[..., Result]
PATIENCE_S = 180.0
TRAIN = (
    *("--channels", 4, "--blocks", 2, "--critic-channels", 4, "--batch", 4, "--critic-per-generator", 2),
    *("--precision", "fp32", "--workers", 0, "--threads", 1, "--device", "cpu"),
)

pytestmark = pytest.mark.usefixtures("one_thread")


# Shares


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")


def test_shares_make_up_the_batch() -> None:
    for size in (1, 2, 3):
        shares = [Share(rank, size) for rank in range(size)]
        assert sorted(place for share in shares for place in share.places(12)) == list(range(12))
        assert all(list(range(12))[share.rows] == list(share.places(12)) for share in shares)
    assert Share.own() == Share(0, 1) and Share.own().first


@pytest.mark.parametrize(("rank", "size"), [("one", "2"), ("2", "2"), ("-1", "2")])
def test_an_environment_that_makes_no_sense_is_told(monkeypatch: pytest.MonkeyPatch, rank: str, size: str) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(ConfigError, match="RANK"):
        Share.own()


def test_a_process_makes_its_rows_of_the_whole_batch(faces_pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = open_pack(faces_pack)
    whole = FaceDataset(pack, tiny_config())[3]
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        part = FaceDataset(pack, tiny_config())[3]
        for field in dataclasses.fields(part):
            assert torch.equal(getattr(part, field.name), getattr(whole, field.name)[rank::2])


@pytest.mark.usefixtures("second_of_two")
def test_what_cannot_be_shared_is_told_before_anything_is_written(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    uneven = cli("train", faces_pack, "--out", tmp_path / "run", *TRAIN, "--batch", 5)
    assert uneven.exit_code == 1
    assert "a batch of 5 cannot be shared evenly by 2 processes" in uneven.stderr and "--batch 4" in uneven.stderr
    judge = cli("train-judge", faces_pack, "--out", tmp_path / "judge.safetensors")
    assert judge.exit_code == 1 and "without torchrun" in judge.stderr
    assert not list(tmp_path.iterdir())


# Trainings


def test_two_processes_learn_what_one_does(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    how = ("train", faces_pack, *TRAIN, "--steps", 20, "--check-every", 10)
    out, err = finished(torchrun(tmp_path, *how, "--out", "two"))
    assert out == "two/model.safetensors\n"
    assert err.count("pack: ") == 1 and "2 processes share every batch" in err  # one of them speaks
    assert cli(*how, "--out", tmp_path / "one").exit_code == 0
    assert_alike(log_of(tmp_path / "two"), log_of(tmp_path / "one"))
    assert len(log_of(tmp_path / "two")) == 20


def wait_for_steps(run: Path, steps: int) -> None:
    """Wait until the log of a run has so many lines."""
    began = time.monotonic()
    while not (run / "log.jsonl").exists() or len((run / "log.jsonl").read_text().splitlines()) < steps:
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.1)


def test_ctrl_c_ends_all_after_the_same_step_and_one_process_goes_on(
    cli: Cli, faces_pack: Path, tmp_path: Path
) -> None:
    how = ("train", faces_pack, *TRAIN, "--steps", 100_000, "--out", "run")
    process = torchrun(tmp_path, *how)
    wait_for_steps(tmp_path / "run", 3)
    process.send_signal(signal.SIGINT)
    out, err = finished(process, code=1)  # torchrun's own
    assert out == "run/model.safetensors\n" and "stopped and saved after step" in err
    step = read_metadata(tmp_path / "run" / "state.safetensors", STATE_FORMAT)["step"]
    assert [row["step"] for row in log_of(tmp_path / "run")] == list(range(1, step + 1))
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
    more = cli("train", faces_pack, "--out", tmp_path / "run", "--resume", "--images", 8, "--threads", 1)
    assert more.exit_code == 0, more.stderr
    assert cli("train", faces_pack, *TRAIN, "--out", tmp_path / "one", "--steps", 100_000, "--images", 4 * (step + 2))
    assert_alike(log_of(tmp_path / "run"), log_of(tmp_path / "one"))

"""Where results of a batch go: the same laws for folders, for fsspec's memory and for S3."""

from __future__ import annotations

import pickle
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from s3_server import served
from typer.testing import Result

from ganimate.animation.batch.ledger import Beginning, Ledger
from ganimate.animation.batch.result_folder import LocalFolder, SharedFolder, result_folder
from ganimate.errors import DependencyError, OutputError

NAME, PHOTO = Path("sub/me.gif"), Path("in/me.jpg")


@pytest.fixture(params=["folder", "file://", "memory://", "s3://"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place of its own on each kind of storage."""
    if request.param in ("folder", "file://"):
        (tmp_path / "out" / "sub").mkdir(parents=True)
        yield f"{'' if request.param == 'folder' else 'file://'}{tmp_path}/out"
    elif request.param == "memory://":
        yield f"memory://{secrets.token_hex(4)}/out"
    else:
        with served("bucket"):
            yield f"s3://bucket/{secrets.token_hex(4)}/out"


def test_what_is_put_there_and_noted_is_found_again(address: str) -> None:
    folder = result_folder(address)
    assert folder.lines() == [] and folder.stamp(NAME) is None
    folder.note(["first", "second"])
    folder.put(NAME, b"pixels", overwrite=False)
    folder.note(["third"])
    again = result_folder(address)
    assert again.lines() == ["first", "second", "third"]
    stamp = again.stamp(NAME)
    assert stamp is not None and stamp[0] == 6 and stamp == result_folder(address).stamp(NAME)
    again.put(NAME, b"others", overwrite=True)
    assert result_folder(address).stamp(NAME) != stamp


def test_a_ledger_tells_what_is_done(address: str) -> None:
    def state(asked: str = "smile", photo: Path = PHOTO) -> str:
        return Ledger(result_folder(address)).state(NAME, asked, photo)

    assert state() == "free"
    folder = result_folder(address)
    Ledger(folder).begin(Beginning(NAME, "smile", PHOTO))
    assert state() == "free"
    folder.put(NAME, b"pixels", overwrite=False)
    assert state() == "done" and state("frown") == "stale" and state(photo=Path("other.jpg")) == "other"
    Ledger(result_folder(address)).begin(Beginning(NAME, "frown", PHOTO))  # and stopped
    assert state() == state("frown") == "stale"
    result_folder(address).put(Path("sub/you.gif"), b"pixels", overwrite=False)
    assert Ledger(result_folder(address)).state(Path("sub/you.gif"), "smile", PHOTO) == "foreign"


def test_a_worker_gets_the_address_alone(address: str) -> None:
    folder = result_folder(address)
    folder.stamp(NAME)
    pickle.loads(pickle.dumps(folder)).put(NAME, b"pixels", overwrite=False)
    assert result_folder(address).stamp(NAME) is not None


def test_addresses_that_cannot_be_used_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(result_folder("smiles"), LocalFolder) and isinstance(result_folder("memory://x"), SharedFolder)
    with pytest.raises(OutputError, match="no address of storage"):
        result_folder("nowhere://x")
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(DependencyError, match="gs:// is not installed"):
        result_folder("gs://bucket/x")
    with served(), pytest.raises(OutputError, match="bucket does not exist"):
        result_folder("s3://none/x").note(["line"])


def test_a_batch_goes_to_an_address_and_goes_on(
    cli: Callable[..., Result], photo: Path, tiny_model: Path, tmp_path: Path
) -> None:
    out = f"memory://{secrets.token_hex(4)}"
    command = ("batch", photo, "-e", "12=1", "--model", tiny_model, "--frames", 2, "-o", out)
    done = cli(*command)
    assert done.exit_code == 0 and done.stdout == f"{out}/me.gif\n", done.stderr
    alone = tmp_path / "alone.gif"
    assert cli("animate", photo, *command[2:-2], "-o", alone).exit_code == 0
    folder = result_folder(out)
    assert isinstance(folder, SharedFolder) and folder._files[0].cat(f"{folder._files[1]}/me.gif") == alone.read_bytes()
    again = cli(*command)
    assert again.exit_code == 1 and "results are there already" in again.stderr
    assert "1 skipped" in cli(*command, "--resume").stderr
    assert "1 done" in cli(*command[:3], "12=0.5", *command[4:], "--resume").stderr

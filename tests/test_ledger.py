"""The ledger of a batch: what stands there, and whether it is what is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganimate.animation.batch.ledger import Beginning, Ledger
from ganimate.animation.batch.result_folder import LEDGER_NAME, LocalFolder
from ganimate.errors import OutputError

RESULT = Path("sub/me.gif")
PHOTO = Path("in/me.jpg")


def make(folder: Path, content: str = "pixels") -> None:
    """Put a result into its place as writers do: a new file under the name."""
    (folder / "sub").mkdir(exist_ok=True)
    new = folder / "new"
    new.write_text(content)
    new.replace(folder / RESULT)


def test_what_was_begun_and_is_there_is_done(tmp_path: Path) -> None:
    ledger = Ledger(LocalFolder(tmp_path))
    assert ledger.state(RESULT, "smile", PHOTO) == "free"
    ledger.begin(Beginning(RESULT, "smile", PHOTO))
    assert ledger.state(RESULT, "smile", PHOTO) == Ledger(LocalFolder(tmp_path)).state(RESULT, "smile", PHOTO) == "free"
    make(tmp_path)
    assert ledger.state(RESULT, "smile", PHOTO) == Ledger(LocalFolder(tmp_path)).state(RESULT, "smile", PHOTO) == "done"
    assert Ledger(LocalFolder(tmp_path)).state(RESULT, "frown", PHOTO) == "stale"


def test_what_no_batch_has_made_is_foreign(tmp_path: Path) -> None:
    make(tmp_path)
    assert Ledger(LocalFolder(tmp_path)).state(RESULT, "smile", PHOTO) == "foreign"


def test_a_second_beginning_that_was_stopped_leaves_the_first_result_stale(tmp_path: Path) -> None:
    Ledger(LocalFolder(tmp_path)).begin(Beginning(RESULT, "smile", PHOTO))
    make(tmp_path)
    Ledger(LocalFolder(tmp_path)).begin(Beginning(RESULT, "frown", PHOTO))
    assert Ledger(LocalFolder(tmp_path)).state(RESULT, "frown", PHOTO) == "stale"
    make(tmp_path, "others")
    assert Ledger(LocalFolder(tmp_path)).state(RESULT, "frown", PHOTO) == "done"


def test_a_line_that_was_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    Ledger(LocalFolder(tmp_path)).begin(Beginning(RESULT, "smile", PHOTO))
    make(tmp_path)
    with open(tmp_path / LEDGER_NAME, "a") as file:
        file.write('{"result": "sub/me.gif", "ask\n[]\n3\n')
    assert Ledger(LocalFolder(tmp_path)).state(RESULT, "smile", PHOTO) == "done"


def test_a_ledger_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(LocalFolder(tmp_path / "nowhere")).begin(Beginning(RESULT, "smile", PHOTO))


def test_what_was_made_from_another_photo_is_told_even_if_the_same_is_asked(tmp_path: Path) -> None:
    Ledger(LocalFolder(tmp_path)).begin(Beginning(RESULT, "smile", PHOTO))
    make(tmp_path)
    ledger = Ledger(LocalFolder(tmp_path))
    assert ledger.state(RESULT, "smile", Path("elsewhere/me.jpg")) == "other"
    assert ledger.photo_of(RESULT) == PHOTO.resolve()
    (tmp_path / RESULT).unlink()
    assert ledger.state(RESULT, "smile", Path("elsewhere/me.jpg")) == "free"


def test_photos_and_results_that_are_moved_together_still_belong_together(tmp_path: Path) -> None:
    out = tmp_path / "here" / "out"
    out.mkdir(parents=True)
    Ledger(LocalFolder(out)).begin(Beginning(RESULT, "smile", tmp_path / "here" / "me.jpg"))
    make(out)
    (tmp_path / "here").rename(tmp_path / "there")
    assert (
        Ledger(LocalFolder(tmp_path / "there" / "out")).state(RESULT, "smile", tmp_path / "there" / "me.jpg") == "done"
    )

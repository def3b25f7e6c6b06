"""Laws of files written as a whole: the new content or the old one, and nothing beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganimate.errors import OutputError
from ganimate.system.files import sweep, write_file


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"long content", b"short"):
        write_file(path, data)
        assert path.read_bytes() == data and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_breaks_off_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OutputError, match="cannot be written: No space left on device"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_what_a_kill_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".file.0a1b.tmp", "file", ".other.0a1b.tmp", "file.tmp"):
        (tmp_path / name).write_text("")
    sweep(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [".other.0a1b.tmp", "file", "file.tmp"]

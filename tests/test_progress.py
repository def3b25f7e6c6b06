"""What long work says: whoever implements `Progress` passes every item on, and says only what he should."""

from __future__ import annotations

import pytest

from ganimate.cli.console import Display, print_table
from ganimate.system.progress import Progress, Silent, Table

AUS = Table(("AU", "asked"), (("12", "0.5"), ("4", "10.25")), numeric=(1,), title="asked")


def speak(progress: Progress) -> list[int]:
    """Say everything that can be said; return what came through the counter."""
    progress.note("a note\x1b")
    progress.warn("it did not\nchange", "ask for more")
    progress.table(AUS)
    with progress.stage("loading"), progress.count("making frames", 3, "writing") as counted:
        return list(counted(range(3)))


def test_silent_passes_on_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert speak(Silent()) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_display_speaks_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert speak(Display()) == [0, 1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "a note\\x1b", "warning: it did not change", "hint: ask for more",
        "asked", "AU  asked", "12    0.5", "4   10.25",
    ]  # fmt: skip


def test_quiet_keeps_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert speak(Display(quiet=True)) == [0, 1, 2]
    assert capsys.readouterr().err.splitlines() == ["warning: it did not change", "hint: ask for more"]


def test_a_table_without_headings_begins_with_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table(("", ""), (("name", "default"), ("size",))))
    assert capsys.readouterr().out.splitlines() == ["name  default", "size"]

"""What long work says: whoever implements `Progress` passes every item on, and says only what he should."""

from __future__ import annotations

import io
import sys
import time

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
        counted.describe("fast", "frame 0/3, fast")
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


def lines_of_slow_work(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quiet: bool) -> list[str]:
    """Return what is said off a terminal of work of ten steps, a line of each of which could be told."""
    clock_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock_s[0])
    with Display(quiet).count("training", 20, done=10) as counted:
        for step in counted(range(11, 21)):
            clock_s[0] += 8
            counted.describe("beside the bar", f"step {step}/20")
    return capsys.readouterr().err.splitlines()


def test_off_a_terminal_slow_work_speaks_twice_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_of_slow_work(capsys, monkeypatch, quiet=False) == ["step 14/20", "step 18/20"]
    assert lines_of_slow_work(capsys, monkeypatch, quiet=True) == []


def test_on_a_terminal_the_pace_stands_beside_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with Display().count("training", 20, done=10) as counted:
        for _ in counted(range(2)):
            counted.describe("3 min left", "a line")
    assert "3 min left" in screen.getvalue()
    assert "12/20" in screen.getvalue()
    assert "a line" not in screen.getvalue()

"""Standard streams that are closed or know few letters: what was asked for is made, and printed as far as it goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell, in which $GANIMATE is the command line."""
    told = os.environ | {"GANIMATE": f"{sys.executable} -m ganimate", "PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(["sh", "-c", command], capture_output=True, env=told, check=False, timeout=300)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_letters_that_stdout_lacks_are_replaced(encoding: str) -> None:
    done = shell("$GANIMATE models show", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert len(done.stdout.decode(encoding).splitlines()) > 1


def test_names_in_other_scripts_are_printed_as_far_as_letters_go(tmp_path: Path) -> None:
    timeline = tmp_path / "你好.yaml"
    timeline.write_text("keyframes: [{time: 1, expression: happiness}]", "utf-8")
    done = shell(f"$GANIMATE timeline plot {timeline}", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / '??.png'}\n".encode()
    told = shell(f"$GANIMATE timeline check {timeline} --json", PYTHONIOENCODING="latin-1").stdout
    assert json.loads(told)["path"] == str(timeline)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_printed_as_its_bytes(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.yaml"
    Path(os.fsdecode(name)).write_text("keyframes: [{time: 1, expression: happiness}]", "utf-8")
    done = shell(f"$GANIMATE timeline plot {tmp_path}/*.yaml", PYTHONIOENCODING="utf-8")
    assert done.stdout == name.removesuffix(b"yaml") + b"png\n"
    told = shell(f"$GANIMATE timeline check {tmp_path}/*.yaml --json", PYTHONIOENCODING="utf-8").stdout
    assert json.loads(told)["path"] == os.fsdecode(name)


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-"])
def test_the_result_is_made_though_streams_are_closed(tmp_path: Path, closed: str) -> None:
    timeline = tmp_path / "a.yaml"
    timeline.write_text("keyframes: [{time: 1, expression: happiness}]", "utf-8")
    done = shell(f"$GANIMATE timeline plot {timeline} {closed}")
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0), done.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_an_animation_is_made_though_streams_are_closed(tmp_path: Path, photo: Path, tiny_model: Path) -> None:
    result = tmp_path / "me.mp4"
    done = shell(f"$GANIMATE animate {photo} --model {tiny_model} --au 12=1 --frames 2 -o {result} <&- >&- 2>&-")
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0), done.stderr
    assert b"ftyp" in result.read_bytes()[:12]


def test_an_error_that_nobody_can_read_is_still_an_error() -> None:
    assert shell("$GANIMATE animate none.jpg --au 12=1 2>&-").returncode == 1

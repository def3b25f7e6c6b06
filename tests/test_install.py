"""What a stranger meets first: the README's two commands, the wheel with the models in it, the version."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ganimate
from ganimate.face.detect import REMEDIES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
CI = ROOT / ".ci" / "run"


def quick_start(name: str) -> list[str]:
    """Return the lines of the code block under a marker of the README."""
    block = re.search(rf"^<!-- quick-start: {name} -->\n```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert block, f"README.md has lost its quick start {name!r}"
    return block[1].splitlines()


@pytest.mark.parametrize(("name", "ending"), [("smile", "-o smile.gif"), ("tests", "&& pytest")])
def test_quick_start_is_one_line_each(name: str, ending: str) -> None:
    (line,) = quick_start(name)
    assert line.endswith(ending)
    assert REMEDIES["face_recognition.api"] in line
    assert "-c constraints.txt" in line


def test_ci_runs_the_line_of_the_readme() -> None:
    sed = re.search(r"^command=\$\((.*) \|\| true\)$", CI.read_text("utf-8"), re.MULTILINE)
    assert sed
    done = subprocess.run(["bash", "-c", sed[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == quick_start("tests")


def test_wheel_holds_the_models_and_the_version(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"ganimate-{ganimate.__version__}-")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    models = {path.relative_to(ROOT / "models").as_posix() for path in (ROOT / "models").rglob("*") if path.is_file()}
    assert {f"ganimate/_models/{name}" for name in models} <= names
    assert {"ganimate/py.typed", "ganimate/web/example.jpg", "ganimate/web/assets/panel.js"} <= names
    assert not [name for name in names if name.startswith(("tests/", "examples/"))]


def test_licence_is_shipped() -> None:
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License\n\nCopyright (c) 2026 ganimate contributors")

"""The README's commands and its Python are run as they stand, with the shipped model."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from PIL import Image
from typer.testing import Result

from ganimate.animation import session
from ganimate.face.crop import Box, Face
from ganimate.face.detect import FixedDetector
from ganimate.media import inspect

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for kind, block in BLOCKS
    if kind == "sh"
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("ganimate ")
]
TRAINING = ("prepare", "train", "train-judge", "train-mesh", "train-paint", "export", "evaluate")
SERVING = ("web",)  # does not end by itself, and has tests of its own


@pytest.fixture
def desk(tmp_path: Path, astronaut_path: Path, faces_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the README's commands name."""
    for name in ("me.jpg", "group.jpg", "other.jpg"):
        shutil.copy(astronaut_path, tmp_path / name)
    (tmp_path / "holidays" / "beach").mkdir(parents=True)
    shutil.copy(astronaut_path, tmp_path / "holidays" / "beach")
    shutil.copy(astronaut_path, tmp_path / "holidays")
    with Image.open(astronaut_path) as image:
        make_clip(tmp_path / "clip.mp4", [np.array(image.crop((75, 0, 395, 320)))] * 3)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "clip.csv").write_text("timestamp, success, AU12_r\n0.00, 1, 0.5\n0.04, 1, 4\n0.08, 1, 2\n")
    shutil.copytree(faces_pack, tmp_path / "faces.pack")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        c
        for c in COMMANDS
        if c[0] not in (*TRAINING, *SERVING)
        and "--cluster" not in c  # test_cluster.py has one
        and "models/mine" not in c
        and "runs/paint" not in " ".join(c)
    ],
    ids=" ".join,
)
def test_a_command_of_the_readme_works(
    desk: Path,
    cli: Callable[..., Result],
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    astronaut_face: Face,
) -> None:
    if "group.jpg" in command:  # a second, smaller face
        marks = (astronaut_face.landmarks * 0.5 + [250, 200]).astype(np.float32)
        group = FixedDetector((astronaut_face, Face(Box(337, 240, 387, 290), marks)))
        monkeypatch.setattr(session, "make_detector", lambda name: group)
    before = set(desk.rglob("*"))
    done = cli(*command)
    assert done.exit_code == 0, done.output
    if command[0] in ("animate", "batch", "drive", "interpolate"):
        assert set(desk.rglob("*")) - before, "nothing was written"


def test_the_training_commands_of_the_readme_are_understood(desk: Path, cli: Callable[..., Result]) -> None:
    """Their options exist; the training itself has tests of its own."""
    for command in (c for c in COMMANDS if c[0] in TRAINING):
        options = {word for word in command if word.startswith("--")}
        told = cli(command[0], "--help").output
        assert all(option in told for option in options), command


def test_the_python_of_the_readme_works(desk: Path) -> None:
    first, second = [block for kind, block in BLOCKS if kind == "python"]
    for code, result in ((first, "brows.gif"), (second, "mirrored.mp4")):
        (desk / "snippet.py").write_text(code, "utf-8")
        runpy.run_path(str(desk / "snippet.py"), run_name="__main__")
        assert (desk / result).stat().st_size > 10_000
        assert inspect(desk / result).marked
    assert len(first.splitlines()) <= 6

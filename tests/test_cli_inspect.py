"""`ganimate inspect`, and the marks that commands leave in all of their results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from ganimate.media.provenance import SOURCE_TYPES
from ganimate.zoo.catalogue import find_model

Run = Callable[..., Result]
SHORT = ("--frames", 2, "--hold", 0, "--loop", "once")


@pytest.fixture
def animate(cli: Run, tiny_model: Path, photo: Path) -> Run:
    def run(*arguments: object, command: str = "animate") -> Result:
        done = cli(command, photo, "--model", tiny_model, *arguments)
        assert done.exit_code == 0, done.stderr
        return done

    return run


def test_every_result_of_a_command_is_marked(animate: Run, cli: Run, tmp_path: Path, tiny_model: Path) -> None:
    masks = ("--save-attention", tmp_path / "a.mp4", "--save-color", tmp_path / "c.webp")
    animate("--au", "12=1,4=0", "-o", tmp_path / "a.gif", *masks, *SHORT)
    animate("--from", "12=0", "--to", "12=1", "-o", f"{tmp_path}/frames/", *SHORT, command="interpolate")
    animate("--au", "12=1", "--still", "-o", tmp_path / "a.jpg", "--save-attention", tmp_path / "a.png")
    names = ("a.gif", "a.mp4", "c.webp", "frames", "a.jpg", "a.png")
    done = cli("inspect", *(tmp_path / name for name in names), "--json", "--strict")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert [one["path"] for one in told] == [str(tmp_path / name) for name in names]
    assert all(one["marked"] for one in told)
    assert {one["model"]["digest"] for one in told} == {find_model(str(tiny_model)).digest}
    assert {one["model"]["installed_as"] for one in told} == {None}
    assert [one["aus"] for one in told[:3]] == [["4=0,12=1,15=0,17=0,20=0"]] * 3
    assert told[3]["frames"] == told[3]["frames_alike"] == 2


def test_no_mark_leaves_none(animate: Run, cli: Run, tmp_path: Path) -> None:
    told = json.loads(animate("--au", "12=1", "--still", "--no-mark", "-o", tmp_path / "a.png", "--json").stdout)
    assert told["marked"] is False
    done = cli("inspect", tmp_path / "a.png")
    assert done.exit_code == 0
    assert "no; it does not say" in done.stdout
    assert cli("inspect", tmp_path / "a.png", "--strict").exit_code == 3


def test_the_shipped_model_is_known_by_its_weights(cli: Run, photo: Path, tmp_path: Path) -> None:
    assert cli("animate", photo, "-e", "surprise", "--still", "-o", tmp_path / "a.png").exit_code == 0
    told = cli("inspect", tmp_path / "a.png").stdout
    assert "'default', which is installed here" in told
    assert find_model("default").digest in told
    assert "a photo edited by a trained model" in told
    assert "26=0.7" in told


def test_marks_of_other_tools_are_told(cli: Run, tmp_path: Path) -> None:
    said = (
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description '
        'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:x="http://ns.adobe.com/xap/1.0/" '
        f'x:CreatorTool="Painter 3" e:DigitalSourceType="{SOURCE_TYPES}%s"/></r:RDF>'
    )
    for code in ("trainedAlgorithmicMedia", "digitalCapture"):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{code}.webp", xmp=(said % code).encode())
    painted = cli("inspect", tmp_path / "trainedAlgorithmicMedia.webp", "--strict")
    assert painted.exit_code == 0
    assert "Painter 3" in painted.stdout
    assert "yes: made by a trained model" in painted.stdout
    taken = cli("inspect", tmp_path / "digitalCapture.webp", "--strict")
    assert taken.exit_code == 3
    assert "no; it says otherwise" in taken.stdout


def test_a_bad_file_keeps_no_other_from_being_told(cli: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("hello")
    done = cli("inspect", tmp_path / "x.txt", photo, tmp_path / "none.png")
    assert done.exit_code == 1
    assert str(photo) in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"] * 2
    told = json.loads(cli("inspect", tmp_path / "x.txt", photo, "--json").stdout)
    assert [sorted(one) for one in told] == [["marked", "path", "source_type", "tool"], ["error", "path"]]


def test_frames_that_differ_are_counted(animate: Run, cli: Run, tmp_path: Path) -> None:
    animate("--au", "12=1", "-o", f"{tmp_path}/frames/", *SHORT)
    Image.new("RGB", (40, 40)).save(tmp_path / "frames" / "00002.png")
    done = cli("inspect", tmp_path / "frames", "--strict")
    assert done.exit_code == 3
    assert "in part" in done.stdout
    assert "3, 1 unlike the rest" in done.stdout

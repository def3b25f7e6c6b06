"""`ganimate evaluate`, from the command line to the tables and files; and its plot."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from patches import AUS
from synthetic import make_pack, shoot
from typer.testing import Result

from ganimate.config import CropSpec, JudgeConfig
from ganimate.data.pack import open_pack
from ganimate.errors import DependencyError
from ganimate.evaluation import evaluation_run
from ganimate.face.detect import GridEmbedder
from ganimate.facs import OPENFACE_AUS
from ganimate.figures.drawing import LINE_PX
from ganimate.figures.plots import Response, response_plot
from ganimate.media import inspect, read_photo
from ganimate.networks.judge import Judge
from ganimate.zoo import catalogue as zoo
from ganimate.zoo.cards import JudgeCard
from ganimate.zoo.checkpoint import load_model, save_model
from ganimate.zoo.judge_weights import save_judge

Cli = Callable[..., Result]
FEW = ("--people", 3, "--pairs", 2, "--crowd", 3, "--device", "cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def grid_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_run, "make_embedder", GridEmbedder)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge of random weights, which can read nothing."""
    path = tmp_path_factory.mktemp("judges") / "judge.safetensors"
    config = JudgeConfig(size_px=32, channels=4, features=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_judge(path, JudgeCard(config, CropSpec(size_px=32), OPENFACE_AUS), Judge(config, 17))
    return path


@pytest.fixture
def facs(tmp_path: Path, faces_pack: Path) -> Path:
    """A table of human codes that are the labels again, without AU14; 43 stands for 45."""
    pack = open_pack(faces_pack)
    known = [number for number in OPENFACE_AUS if number != 14]
    lines = ["file,emotion," + ",".join(f"AU{43 if number == 45 else number:02d}" for number in known)]
    for name, row in zip(pack.names, pack.aus, strict=True):
        lines.append(f"{name},calm," + ",".join(f"{row[OPENFACE_AUS.index(n)] * 5:.2f}" for n in known))
    path = tmp_path / "codes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def other_model(path: Path, tiny_model: Path, **changes: Any) -> Path:
    """Write the tiny model with another card."""
    model = load_model(tiny_model)
    save_model(path, dataclasses.replace(model.card, **changes), model.generator, model.reader)
    return path


def refused(result: Result, *words: str) -> None:
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert "Traceback" not in result.output
    error, hint = (line for line in result.stderr.splitlines() if line.startswith(("error: ", "hint: ")))
    for word in words:
        assert word in error + hint


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_tables_tell_what_was_measured(cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path) -> None:
    done = cli("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW)
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert "one AU from 0 to 1, 3 people" in told
    assert "judge·labels" in told and "judge·codes" not in told  # no table of codes was handed in
    for row in ("identity: distance to the source", "lip corner puller", "not FID", "≤ 0.75", "≤ 1.5"):
        assert row in told
    assert "too few" in told and "MISS" not in told and "pass" not in told
    assert re.search(r"identity: distance to the source 3 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] ≤ 0.3 too few", told)
    assert re.search(r"12 lip corner puller (-?\d\.\d\d ±\d\.\d\d ){2,3}", told)
    assert "3 people" in done.stderr and "2 pairs" in done.stderr
    assert re.search(r"of \d+ photos held out 3 are measured; not: \d+ of people who", done.stderr)


def test_aus_that_the_judge_cannot_read_are_named(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, facs: Path
) -> None:
    done = cli("evaluate", tiny_model, faces_pack, "--judge", judge, "--facs", facs, *FEW)
    assert done.exit_code == 0, done.output
    assert "the judge cannot read AU" in done.stdout
    assert "no average counts them" in done.stdout
    assert "labels·codes" in done.stdout and " 1.00 " in done.stdout  # the labels go with the codes: they are the same
    blind = done.stdout.splitlines()[-1]
    for line in done.stdout.split("one AU from 0 to 1")[0].splitlines():
        if "cannot read it" in line:
            assert f" {line.split()[0]}," in blind.replace(":", ",")


def test_json_lines_and_files_tell_the_same(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, facs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "measured"
    done = cli(
        "evaluate", tiny_model, faces_pack, "--judge", judge, "--facs", facs, *FEW, "--json", "--out", out, "--quiet"
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert sorted(path.name for path in out.iterdir()) == ["metrics.jsonl", "response.png", "sheet.png"]
    assert (out / "metrics.jsonl").read_text("utf-8") == done.stdout
    found = rows(done.stdout)
    assert all({"model", "name", "value", "n"} <= row.keys() for row in found)
    assert all(row["name"].endswith(f"_n{row['n']}") for row in found)
    assert {row["model"] for row in found} == {"judge", "tiny"}
    assert sum(row["name"] == "read_change_n3" for row in found) == 17 * 17
    (identity,) = [row for row in found if row["name"] == "identity_distance_mean_n3"]
    assert identity["bar"] == "≤ 0.3" and identity["passes"] is None
    assert identity["interval"][0] <= identity["value"] <= identity["interval"][1]
    coded = {row["au"] for row in found if row["name"].startswith("judge_correlation_with_codes")}
    assert 14 not in coded
    assert inspect(out / "sheet.png").marked
    sheet = read_photo(out / "sheet.png")
    assert sheet.shape == (LINE_PX + 3 * (LINE_PX + 32), 18 * 32, 3)


def test_two_models_stand_side_by_side(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, tmp_path: Path
) -> None:
    other = other_model(tmp_path / "other.safetensors", tiny_model, name="other")
    out = tmp_path / "measured"
    command = ("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW, "--against", other, "--out", out)
    done = cli(*command)
    assert done.exit_code == 0, done.output
    (head,) = [line.split() for line in done.stdout.splitlines() if line.startswith("measured")]
    assert head == ["measured", "n", "tiny", "other", "bar"]
    found = rows((out / "metrics.jsonl").read_text("utf-8"))
    ours, theirs = ([(r["name"], r["value"]) for r in found if r["model"] == name] for name in ("tiny", "other"))
    assert ours == theirs  # the same weights
    assert read_photo(out / "sheet.png").shape[0] == LINE_PX + 2 * 3 * (LINE_PX + 32)
    plot = read_photo(out / "response.png")
    assert plot.shape[1] > 1.7 * plot.shape[0]
    refused(cli(*command), "already exists", "--force")
    assert cli(*command, "--force", "--quiet").exit_code == 0


def seen_rows(stdout: str) -> dict[str, list[str]]:
    """Return the numbers of the table's rows by whom they are of."""
    lines = [re.split(" {2,}", line) for line in stdout.splitlines() if line.startswith("people seen")]
    return {who: numbers for who, *numbers in lines}


def test_people_seen_once_and_often_have_rows_of_their_own(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, tmp_path: Path
) -> None:
    command = ("--judge", judge, "--people", 4, "--pairs", 0, "--crowd", 0, "--device", "cpu")
    other = other_model(tmp_path / "other.safetensors", tiny_model, name="other")
    done = cli("evaluate", tiny_model, faces_pack, *command, "--against", other, "--out", tmp_path / "measured")
    assert done.exit_code == 0, done.output
    told = {row["name"]: row["value"] for row in rows((tmp_path / "measured" / "metrics.jsonl").read_text("utf-8"))}
    numbers = {name.rsplit("_n", 1)[1] for name in told if "identity_distance_seen" in name}
    assert len(numbers) == 2 and sum(map(int, numbers)) == 4  # of one kind three people, of the other one
    found = seen_rows(done.stdout)
    assert list(found) == ["people seen once", "people seen more than once"]
    for who, seen in zip(found, ("seen_once", "seen_often"), strict=True):
        n, *values = found[who]
        identity = f"{told[f'identity_distance_{seen}_mean_n{n}']:.3f}"
        assert sum(value.startswith(identity) for value in values) == 2  # both models have the same weights
        assert sum(name == f"response_{seen}_n{n}" for name in told) == 1
    make_pack(tmp_path, shoot(people=0, strangers=6), share=0.5)
    strangers = cli("evaluate", tiny_model, tmp_path / "faces.pack", *command)
    assert re.search(r"^one AU from 0 to 1 +n +asked +rises +identity$", strangers.stdout, re.MULTILINE)
    assert list(seen_rows(strangers.stdout)) == ["people seen once"]


def test_models_of_other_aus_are_compared_by_those_that_both_know(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, tmp_path: Path
) -> None:
    aus = (43, *OPENFACE_AUS[:0:-1])  # turned around, and one that neither pack nor judge know instead of the first
    other = other_model(tmp_path / "other.safetensors", tiny_model, name="inner name", aus=aus)
    done = cli("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW, "--against", other, "--json")
    assert done.exit_code == 0, done.output
    lacking = "the pack has no labels of it and the judge does not read it"
    told = (
        f"measured are {len(aus) - 1} AUs, not AU1: other does not know it; AU43: tiny does not know it and {lacking}"
    )
    assert told in done.stderr
    asked = {model: [] for model in ("tiny", "other")}
    for row in rows(done.stdout):
        if row["name"] == "response_n3" and row["model"] in asked:
            asked[row["model"]].append(row["au"])
    assert asked["tiny"] == asked["other"] == list(OPENFACE_AUS[1:])


def test_models_of_one_name_are_told_apart(cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path) -> None:
    done = cli("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW, "--against", tiny_model, "--json")
    assert {row["model"] for row in rows(done.stdout)} == {"judge", str(tiny_model)}


def test_identity_can_be_left_out(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> GridEmbedder:
        raise DependencyError("no dlib", "add --no-identity")

    monkeypatch.setattr(evaluation_run, "make_embedder", missing)
    command = ("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW)
    refused(cli(*command), "no dlib", "--no-identity")
    done = cli(*command, "--no-identity", "--json")
    assert done.exit_code == 0, done.output
    assert not any("identity" in row["name"] for row in rows(done.stdout))
    assert any(row["name"] == "pair_l1_ratio_n2" for row in rows(done.stdout))


def test_what_cannot_be_measured_is_told(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(model: Path, pack: Path, *options: object) -> Result:
        return cli("evaluate", model, pack, "--judge", judge, *FEW, "--quiet", *options)

    refused(evaluate(tmp_path / "none.safetensors", faces_pack), "there is no model")
    refused(evaluate(tiny_model, tmp_path / "none.pack"), "not a pack")
    refused(evaluate(tiny_model, faces_pack, "--judge", tmp_path / "none"), "there is no judge")
    refused(evaluate(tiny_model, faces_pack, "--judge", tiny_model), "format")
    (tmp_path / "codes.csv").write_text("file,emotion\na.jpg,calm\n")
    refused(evaluate(tiny_model, faces_pack, "--facs", tmp_path / "codes.csv"), "not a table of FACS codes")
    small = tmp_path / "small"
    small.mkdir()
    make_pack(small, shoot(people=2, photos=1, strangers=0), share=0.0)
    refused(evaluate(tiny_model, small / "faces.pack"), "holds nobody out")
    (tmp_path / "taken").write_text("")
    refused(evaluate(tiny_model, faces_pack, "--out", tmp_path / "taken"), "not a folder")
    refused(evaluate(tiny_model, faces_pack, "--out", tmp_path / "no" / "such"), "does not exist")
    monkeypatch.setattr(zoo, "zoo_folders", lambda: [])
    refused(cli("evaluate", tiny_model, faces_pack, *FEW), "judge is missing")
    assert not list(tmp_path.glob("**/*.part")) and not (tmp_path / "no").exists()


def test_codes_of_other_photos_are_warned_of(
    cli: Cli, tiny_model: Path, faces_pack: Path, judge: Path, tmp_path: Path
) -> None:
    (tmp_path / "codes.csv").write_text("file,AU01\nelse.jpg,3\n")
    done = cli("evaluate", tiny_model, faces_pack, "--judge", judge, *FEW, "--facs", tmp_path / "codes.csv")
    assert done.exit_code == 0
    assert "names no photo that is held out" in done.stderr


def test_wrong_numbers_are_usage_errors(cli: Cli, tiny_model: Path, faces_pack: Path) -> None:
    assert cli("evaluate", tiny_model, faces_pack, "--people", 0).exit_code == 2


def test_the_plot_colours_what_changed() -> None:
    matrix = np.diag([0.6, -0.6, 0.6])
    plot = response_plot([Response("a", matrix)], AUS, ())
    assert plot.dtype == np.uint8 and plot.shape[2] == 3
    red = (plot[..., 0].astype(int) - plot[..., 2] > 60).sum()
    blue = (plot[..., 2].astype(int) - plot[..., 0] > 60).sum()
    assert red > 1.5 * blue > 0  # two cells and one; the scale beside them has as much of both
    blind = response_plot([Response("a", matrix)], AUS, (1, 26))
    assert (blind[..., 0].astype(int) - blind[..., 2] > 60).sum() < red / 2
    assert response_plot([Response("a", matrix)] * 2, AUS, ()).shape[1] > 1.7 * plot.shape[1]

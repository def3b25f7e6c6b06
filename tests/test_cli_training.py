"""`ganimate prepare`, `train` and `export`, from the command line to the files."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from kill9 import environment, torment
from synthetic import make_pack, shoot, write_sources
from typer.testing import Result

import ganimate.training.losses
from ganimate.cli import training
from ganimate.config import CriticConfig, LossWeights, TrainConfig, to_dict
from ganimate.config.resolve import new_config
from ganimate.data.pack import open_pack
from ganimate.training.train_run import config_lines
from ganimate.zoo.card import STATE_FORMAT, read_card, read_metadata
from ganimate.zoo.checkpoint import load_model

Cli = Callable[..., Result]
SHOTS = shoot(people=3, photos=2, strangers=3)
TINY = (
    *("--channels", 4, "--blocks", 2, "--critic-channels", 4, "--batch", 4, "--threads", 1, "--device", "cpu"),
    *("--steps", 7, "--critic-per-generator", 2, "--precision", "fp32", "--workers", 0),
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def finished(faces_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; nobody may change it."""
    from typer.testing import CliRunner

    from ganimate.cli import app

    folder = tmp_path_factory.mktemp("finished") / "run"
    arguments = ["train", faces_pack, "--out", folder, *TINY, "--sample-every", 4]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return folder


def refused(result: Result, *words: str, code: int = 1) -> None:
    """Check that a command ended in a sentence, with `words` in it, and in nothing else."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert result.stderr.startswith("error: ")
    for word in words:
        assert word in result.stderr


def test_prepare_packs_and_reports(cli: Cli, tmp_path: Path) -> None:
    photos, table, identities = write_sources(tmp_path, SHOTS)
    (photos / SHOTS[0].name).write_text("no picture")
    (photos / SHOTS[1].name).unlink()
    out = tmp_path / "faces.pack"
    result = cli("prepare", photos, "--annotations", table, "--identities", identities, "--out", out, "--size", 32)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}\n"
    assert re.search(r"unreadable photo +2 +person_0/00_0.png: .* is not a picture", result.stderr)
    assert "7 of 9 rows packed" in result.stderr
    assert "3 people known by name" not in result.stderr  # nothing is left of the first
    assert f"all skipped rows and why: {out / 'skipped.csv'}" in result.stderr
    assert len((out / "skipped.csv").read_text().splitlines()) == 3
    assert open_pack(out).spec.size_px == 32


def test_prepare_tells_the_same_as_json(cli: Cli, tmp_path: Path) -> None:
    photos, table, identities = write_sources(tmp_path, SHOTS)
    out = tmp_path / "faces.pack"
    options = ("--annotations", table, "--out", out, "--size", 32, "--json", "--quiet")
    result = cli("prepare", photos, *options, "--identities", identities, "--validation-share", 0.5)
    assert result.exit_code == 0
    assert result.stderr == ""
    facts = json.loads(result.stdout)
    assert facts["packed"] == facts["training"] + facts["validation"] == len(SHOTS)
    assert facts["people"] == 3
    assert facts["skipped"] == {}
    assert facts["pack"] == str(out)


def test_prepare_says_whom_it_holds_out_and_what_cannot_be_measured(cli: Cli, tmp_path: Path) -> None:
    shots = shoot(people=4, photos=2, strangers=4)
    photos, table, identities = write_sources(tmp_path, shots)
    command = ("prepare", photos, "-a", table, "--size", 32, "--force", "-o", tmp_path / "faces.pack")
    for seed in range(5):
        known = cli(*command, "--identities", identities, "--validation-share", 0.01, "--split-seed", seed)
        assert "held out: 1 of 4 people seen more than once, 1 of 4 seen once" in known.stderr
        assert "warning" not in known.stderr
    unknown = cli(*command, "--validation-share", 0.01)
    assert "held out: 0 of 0 people seen more than once, 3 of 12 seen once" in unknown.stderr
    assert "warning: nobody seen more than once is held out" in unknown.stderr and "--identities" in unknown.stderr
    assert "warning: nobody is held out" in cli(*command, "--validation-share", 0).stderr


def test_prepare_holds_out_one_fold_after_the_other(cli: Cli, tmp_path: Path) -> None:
    photos, table, identities = write_sources(tmp_path, SHOTS)
    command = ("prepare", photos, "-a", table, "--size", 32, "--identities", identities, "--folds", 3, "-q")
    held = []
    for fold in (1, 2, 3):
        out = tmp_path / f"{fold}.pack"
        assert cli(*command, "--fold", fold, "-o", out).exit_code == 0
        pack = open_pack(out)
        held += pack.names[pack.validation].tolist()
    assert sorted(held) == sorted(shot.name for shot in SHOTS)
    refused(cli(*command, "--fold", 4, "-o", tmp_path / "4.pack"), "PrepareOptions.fold must lie in [1, 3]")


class TestSplitFile:
    @pytest.fixture
    def split(self, tmp_path: Path) -> Path:
        """A split that holds out the first person, and does not name the last stranger."""
        sides = [(shot.name, "Test" if shot.person == "person_0" else "train") for shot in SHOTS[:-1]]
        path = tmp_path / "sides.csv"
        path.write_text("\n".join(["file,split", *(f"{name},{side}" for name, side in sides)]))
        return path

    @pytest.fixture
    def prepare(self, cli: Cli, tmp_path: Path, split: Path) -> Cli:
        photos, table, identities = write_sources(tmp_path, SHOTS)
        command = ("prepare", photos, "-a", table, "--size", 32, "--identities", identities, "--split", split)
        return lambda *more: cli(*command, "-o", tmp_path / "faces.pack", *more)

    def test_those_are_held_out_whom_it_names(self, prepare: Cli, tmp_path: Path) -> None:
        done = prepare()
        assert done.exit_code == 0, done.output
        pack = open_pack(tmp_path / "faces.pack")
        wanted = [shot.person == "person_0" for shot in SHOTS]
        assert pack.validation.tolist() == wanted and any(wanted)
        assert "does not name 1 of the photos: they are trained on" in done.stderr

    def test_nobody_stands_on_both_sides(self, prepare: Cli, split: Path) -> None:
        split.write_text(split.read_text().replace("Test", "train", 1))
        refused(prepare(), "1 of 3 people stand on both sides of sides.csv, such as person_0")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("file,side\na.png,train\n", "lacks the columns 'file' and 'split'"),
            ("file,split\na.png,left\n", "gives a.png the side 'left'"),
            ("file,split\na.png,train\na.png,val\n", "gives two sides to 1 of 1 photos"),
        ],
    )
    def test_what_is_no_split_is_told(self, prepare: Cli, split: Path, text: str, words: str) -> None:
        split.write_text(text)
        refused(prepare(), words)

    @pytest.mark.parametrize("option", [("--folds", 2), ("--validation-share", 0.2), ("--split-seed", 1)])
    def test_it_stands_alone(self, prepare: Cli, option: tuple[object, ...]) -> None:
        done = prepare(*option)
        assert done.exit_code == 2 and "leave out shares, seeds and folds" in done.stderr


def test_two_people_on_one_photo_are_told(cli: Cli, tmp_path: Path) -> None:
    photos, table, identities = write_sources(tmp_path, SHOTS)
    name = SHOTS[0].name
    with identities.open("a") as file:
        file.write(f"{name},somebody else\n")
    line = len(SHOTS) + 2
    result = cli("prepare", photos, "-a", table, "--identities", identities, "-o", tmp_path / "faces.pack")
    refused(result, f"gives two people to 1 of {len(SHOTS) - 3} photos, such as {name}: person_0 (line 2)")
    assert f"somebody else (line {line})" in result.stderr


def test_prepare_replaces_a_pack_by_force_only(cli: Cli, tmp_path: Path) -> None:
    photos, table, _ = write_sources(tmp_path, SHOTS)
    command = ("prepare", photos, "-a", table, "-o", tmp_path / "faces.pack", "--size", 32)
    assert cli(*command).exit_code == 0
    refused(cli(*command), "exists already", "--force")
    assert cli(*command, "--force").exit_code == 0


def test_prepare_without_landmarks_looks_for_faces(cli: Cli, tmp_path: Path) -> None:
    photos, table, _ = write_sources(tmp_path, SHOTS, landmarks=False)
    result = cli("prepare", photos, "-a", table, "-o", tmp_path / "faces.pack", "--size", 32)
    assert "has no landmarks" in result.stderr
    assert "no face was prepared" in result.stderr  # the fixture's face lies outside of these small photos
    assert result.exit_code == 1
    assert not list(tmp_path.glob("*.pack"))


def test_prepare_warns_of_identities_of_other_photos(cli: Cli, tmp_path: Path) -> None:
    photos, table, _ = write_sources(tmp_path, SHOTS)
    (tmp_path / "who.csv").write_text("file,identity\nother.jpg,me\n")
    command = ("prepare", photos, "-a", table, "-o", tmp_path / "faces.pack", "--size", 32)
    result = cli(*command, "--identities", tmp_path / "who.csv")
    assert "warning: " in result.stderr
    assert "nobody is known by name" in result.stderr


def test_prepare_refuses_bad_input_with_a_sentence(cli: Cli, tmp_path: Path) -> None:
    photos, table, _ = write_sources(tmp_path, SHOTS)
    out = ("-o", tmp_path / "faces.pack")
    refused(cli("prepare", tmp_path / "none", "-a", table, *out), "is not a folder of photos")
    refused(cli("prepare", photos, "-a", tmp_path / "none.csv", *out), "none.csv' does not exist")
    refused(cli("prepare", photos, "-a", photos / SHOTS[0].name, *out), "is not a table")
    refused(cli("prepare", photos, "-a", table, "--identities", table, *out), "lacks the columns")
    refused(cli("prepare", photos, "-a", table, *out, "--size", 100), "multiple of 16")
    refused(cli("prepare", photos, "-a", table, *out, "--validation-share", 2), "--validation-share", code=2)
    refused(cli("prepare", photos, "-a", table, "-o", tmp_path / "none" / "faces.pack"), "cannot be written")
    refused(cli("prepare", photos, *out), "--annotations", code=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["identities.csv", "openface.csv", "photos"]


def test_prepare_of_nothing_usable_tells_why_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    _, table, _ = write_sources(tmp_path, SHOTS)
    (tmp_path / "empty").mkdir()
    result = cli("prepare", tmp_path / "empty", "-a", table, "-o", tmp_path / "faces.pack", "--size", 32)
    assert result.exit_code == 1
    assert re.search(rf"unreadable photo +{len(SHOTS)} ", result.stderr)
    assert "error: no face was prepared" in result.stderr
    assert not list(tmp_path.glob("*.pack")) + list(tmp_path.glob(".*"))


def test_every_weight_of_the_objective_is_an_option() -> None:
    parameters = inspect.signature(training.train).parameters
    assert {f"{name}_weight" for name in to_dict(LossWeights())} <= set(parameters)


def test_dry_run_prints_the_config_and_writes_nothing(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = cli("train", faces_pack, "--out", out, *TINY, "--generator", "attention", "--dry-run")
    assert result.exit_code == 0, result.output
    config = json.loads(result.stdout)
    assert config["generator"] == {
        **to_dict(TrainConfig().generator), "architecture": "attention", "size_px": 32, "channels": 4, "blocks": 2
    }  # fmt: skip
    assert config["critic"]["size_px"] == 32
    assert config["critic"]["layers"] == 4
    assert config["batch_images"] == 4
    assert not out.exists()


def test_what_dry_run_prints_can_be_handed_in(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    command = ("train", faces_pack, "--out", tmp_path / "run", "--dry-run")
    printed = cli(*command, *TINY, "--cycle-weight", 3).stdout
    (tmp_path / "config.json").write_text(printed)
    assert cli(*command, "--config", tmp_path / "config.json").stdout == printed
    changed = json.loads(cli(*command, "--config", tmp_path / "config.json", "--cycle-weight", 4).stdout)
    assert changed["weights"]["cycle"] == 4  # options win
    (tmp_path / "part.json").write_text('{"weights": {"cycle": 7}, "augmentation": {"flip": false}}')
    part = json.loads(cli(*command, "--config", tmp_path / "part.json").stdout)
    assert part["weights"] == {**to_dict(TrainConfig().weights), "cycle": 7}
    assert part["augmentation"]["flip"] is False


def test_one_learning_rate_is_for_both_networks(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    command = ("train", faces_pack, "--out", tmp_path / "run", "--dry-run", "--learning-rate", 0.001)
    both = json.loads(cli(*command).stdout)
    assert (both["learning_rate"], both["critic_learning_rate"]) == (0.001, 0.001)
    apart = json.loads(cli(*command, "--critic-learning-rate", 0.002).stdout)
    assert (apart["learning_rate"], apart["critic_learning_rate"]) == (0.001, 0.002)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a table"),
        ('{"speed": 3}', "has no field 'speed'"),
        ('{"batch_images": 2.5}', "must be a whole number, not 2.5"),
        ('{"batch_images": "many"}', "must be a whole number, not 'many'"),
        ('{"weights": 3}', "must be a table of fields"),
        ('{"weights": {"cycle": NaN}}', "must lie in"),
        ('{"generator": {"architecture": "magic"}}', "must be one of attention, mesh, not 'magic'"),
    ],
)
def test_a_bad_config_file_gets_a_sentence(cli: Cli, faces_pack: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.json").write_text(text)
    result = cli("train", faces_pack, "--out", tmp_path / "run", "--config", tmp_path / "config.json")
    refused(result, words)
    assert not (tmp_path / "run").exists()


def test_train_refuses_bad_input_with_a_sentence(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    refused(cli("train", tmp_path / "none", *out), "is not a pack of faces", "ganimate prepare")
    refused(cli("train", tmp_path / "none", *out, "--config", tmp_path / "none.json"), "is not a pack of faces")
    refused(cli("train", faces_pack, *out, "--config", tmp_path / "none.json"), "none.json cannot be read")
    refused(cli("train", faces_pack, *out, "--size", 64), "are 32 px wide, the networks 64", "--size 32")
    refused(cli("train", faces_pack, *out, "--batch", 1), "TrainConfig.batch_images must lie in [2, 1024], not 1")
    refused(cli("train", faces_pack, *out, "--generator", "magic"), "GeneratorConfig.architecture")
    refused(cli("train", faces_pack, *out, "--generator", "mesh"), "does not train", "ganimate train-paint")
    refused(cli("train", faces_pack, *out, *TINY, "--device", "abacus"), "device 'abacus' cannot be used")
    refused(cli("train", faces_pack, *out, "--resume"), "is not a training run", "without --resume")
    refused(cli("train", faces_pack, *out, "--batch", "x"), "--batch", code=2)
    refused(cli("train", faces_pack), "--out", code=2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("size_px", "layers"), [(32, 4), (48, 4), (64, 5), (96, 5), (128, 6), (256, 7), (512, 8)])
def test_the_critic_is_as_deep_as_faces_are_wide(size_px: int, layers: int) -> None:
    config = new_config({}, size_px)
    assert config.critic == CriticConfig(size_px=size_px, layers=layers)
    assert config.generator.size_px == size_px


def test_the_printed_config_marks_what_differs() -> None:
    text = "\n".join(config_lines(new_config({"seed": 3}, 128)))
    assert " seed 3*" in text
    assert text.count("*") == 2  # and the explanation
    for name in to_dict(TrainConfig()):
        assert name in text


def test_a_run_leaves_its_files(finished: Path, faces_pack: Path) -> None:
    names = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert names == {"config.json", "state.safetensors", "model.safetensors", "log.jsonl", "samples/000004.png"}
    assert load_model(finished / "model.safetensors").card.training["steps"] == 7


def test_a_model_that_hardly_animates_is_warned_of(cli: Cli, finished: Path, faces_pack: Path, tmp_path: Path) -> None:
    held_out = load_model(finished / "model.safetensors").card.training["held_out"]
    assert abs(held_out["held_out_response"]) < 0.1  # of seven steps
    result = cli("export", finished, "--out", tmp_path / "mine")
    assert result.exit_code == 0, result.output
    assert "warning: the model hardly animates: asked from 0 to 1, AU12, AU4, AU26" in result.stderr
    assert "hint: train it longer" in result.stderr
    assert "| response on held-out people, by its own critic |" in (tmp_path / "mine" / "README.md").read_text()


def test_tensorboard_is_told_where_it_is_missing(
    cli: Cli, faces_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganimate.training import tensorboard

    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    result = cli("train", faces_pack, "--out", tmp_path / "run", *TINY, "--tensorboard")
    refused(result, "TensorBoard is not installed", "ganimate[tensorboard]")
    assert not (tmp_path / "run").exists()


def test_the_log_goes_to_tensorboard_too(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    result = cli("train", faces_pack, "--out", out, *TINY, "--tensorboard")
    assert result.exit_code == 0, result.output
    events = EventAccumulator(str(out / "tensorboard")).Reload()
    names = set(events.Tags()["scalars"])
    assert {"critic/au", "generator/cycle", "masks/attention_mean", "held_out/response", "seconds/data"} <= names
    logged = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [event.step for event in events.Scalars("critic/au")] == [row["step"] for row in logged]


def test_a_run_tells_its_config_on_stderr_and_its_model_on_stdout(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = cli("train", faces_pack, "--out", out, *TINY)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out / 'model.safetensors'}\n"
    assert "batch_images 4*" in result.stderr
    assert "device: cpu, fp32, 1 threads" in result.stderr
    assert "photos to train on" in result.stderr
    assert f"finished after 7 steps; next: ganimate export {out} --out models/NAME" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_quiet_run_says_only_what_speaks_against_its_model(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    result = cli("train", faces_pack, "--out", tmp_path / "run", *TINY, "--quiet")
    assert result.exit_code == 0
    told = result.stderr.splitlines()
    assert [line.split(":")[0] for line in told] == ["warning", "hint"]
    assert "hardly animates" in told[0]


def test_a_run_is_not_overwritten(cli: Cli, faces_pack: Path, finished: Path) -> None:
    before = (finished / "state.safetensors").read_bytes()
    for extra in ((), ("--dry-run",)):
        refused(cli("train", faces_pack, "--out", finished, *TINY, *extra), "holds a training run already", "--resume")
    assert (finished / "state.safetensors").read_bytes() == before


def test_a_folder_with_other_things_is_no_place_for_a_run(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    result = cli("train", faces_pack, "--out", tmp_path, *TINY)
    assert result.exit_code == 1
    assert "is not an empty folder" in result.stderr


def state_of(run: Path) -> bytes:
    """Return the tensors of a state as they lie in the file: without the metadata, which tell the time."""
    data = (run / "state.safetensors").read_bytes()
    return data[8 + int.from_bytes(data[:8], "little") :]


def test_resume_goes_on_exactly(cli: Cli, faces_pack: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = cli("train", faces_pack, "--out", out, *TINY, "--images", 12)
    assert first.exit_code == 0
    again = f"ganimate train {faces_pack} --out {out} --resume"
    assert f"budget used up and saved after step 3 of 7; go on with: {again}" in first.stderr
    second = cli(*again.split()[1:], "--threads", 1, "--device", "cpu")
    assert second.exit_code == 0, second.output
    assert "going on from step 3 of 7" in second.stderr
    assert state_of(out) == state_of(finished)
    third = cli(*again.split()[1:], "--threads", 1)  # there is nothing left to do
    assert third.exit_code == 0
    assert "finished after 7 steps" in third.stderr


def test_a_time_budget_is_kept(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    result = cli("train", faces_pack, "--out", tmp_path / "run", *TINY, "--steps", 100_000, "--minutes", 0.01)
    assert result.exit_code == 0
    assert "budget used up" in result.stderr


def test_resume_without_a_checkpoint_begins_again(cli: Cli, faces_pack: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"  # as a kill before the first checkpoint leaves it
    out.mkdir()
    (out / "config.json").write_bytes((finished / "config.json").read_bytes())
    (out / "log.jsonl").write_text('{"step": 1, "critic_au": 0.1}\n{"st')
    result = cli("train", faces_pack, "--out", out, "--resume", "--threads", 1, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "going on from step 0 of 7" in result.stderr
    assert state_of(out) == state_of(finished)
    steps = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 8))


def test_resume_may_change_the_course_but_not_the_networks(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", faces_pack, "--out", out, *TINY).exit_code == 0
    again = ("train", faces_pack, "--out", out, "--resume", "--threads", 1)
    refused(cli(*again, "--channels", 8), "cannot change generator.channels from 4 to 8")
    refused(cli(*again, "--seed", 8), "cannot change seed from 0 to 8")
    longer = cli(*again, "--steps", 9, "--channels", 4)
    assert longer.exit_code == 0, longer.output
    assert "changed from here on: steps = 9" in longer.stderr
    assert read_metadata(out / "state.safetensors", STATE_FORMAT)["step"] == 9
    assert json.loads((out / "config.json").read_text())["steps"] == 9


def test_a_run_of_before_is_refused_with_a_sentence(cli: Cli, faces_pack: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    config = json.loads((finished / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | {"pair_share": 0.75}))
    refused(cli("train", faces_pack, "--out", out, "--resume"), "TrainConfig has no field 'pair_share'")


def test_resume_refuses_another_pack_and_a_bad_state(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", faces_pack, "--out", out, *TINY, "--images", 4).exit_code == 0
    make_pack(tmp_path, shoot(seed=1))
    other = cli("train", tmp_path / "faces.pack", "--out", out, "--resume")
    refused(other, "was trained on another pack")
    path = out / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    refused(cli("train", faces_pack, "--out", out, "--resume"), "state.safetensors is not", "cut short")


def test_a_loss_that_is_not_finite_ends_with_a_sentence(
    cli: Cli, faces_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert cli("train", faces_pack, "--out", out, *TINY, "--images", 4).exit_code == 0
    good = state_of(out)
    monkeypatch.setattr(ganimate.training.losses, "action_units", lambda read, wanted: torch.tensor(torch.nan))
    result = cli("train", faces_pack, "--out", out, "--resume", "--threads", 1)
    assert result.exit_code == 1
    assert "error: the term critic_au became nan at step 2" in result.stderr
    assert "hint: go on from the last checkpoint with --resume and a lower --learning-rate" in result.stderr
    assert state_of(out) == good


class Watched:
    """A training in a process of its own, whose lines can be waited for."""

    def __init__(self, pack: Path, run: Path, *options: str) -> None:
        command = [sys.executable, "-m", "ganimate", "train", str(pack), "--out", str(run)]
        self.process = subprocess.Popen(
            [*command, *options, "--threads", "1"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.log = run / "log.jsonl"

    def wait_for_steps(self) -> None:
        end = time.monotonic() + 240
        while not (self.log.exists() and self.log.stat().st_size) and time.monotonic() < end:
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def leave(self) -> tuple[int, str]:
        _, told = self.process.communicate(timeout=120)
        return self.process.returncode, told


@pytest.mark.skipif(os.name != "posix", reason="signals are sent to a group of processes")
def test_an_interrupt_saves_and_leaves_with_a_sentence(faces_pack: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = [str(option) for option in TINY] + ["--steps", "100000", "--workers", "2"]
    watched = Watched(faces_pack, run, *options)
    watched.wait_for_steps()
    os.killpg(watched.process.pid, signal.SIGINT)  # as a terminal does: the workers hear it too
    left, told = watched.leave()
    assert left == 130, told
    assert "Traceback" not in told
    found = re.search(r"stopped and saved after step (\d+) of 100000; go on with: ganimate train .* --resume", told)
    assert found, told
    assert read_metadata(run / "state.safetensors", STATE_FORMAT)["step"] == int(found[1])
    assert not list(run.glob(".*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_a_kill_at_any_moment_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    tally = torment(tmp_path, kills=2, seed=1)
    assert len(tally.steps) == 2


def test_export_makes_a_model_for_users(cli: Cli, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "smile"
    result = cli("export", finished, "--out", out, "--license", "for tests")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out / 'model.safetensors'}\n"
    model = load_model(out / "model.safetensors")
    run = load_model(finished / "model.safetensors")
    assert model.card.name == "smile"
    assert model.card.license == "for tests"
    assert model.card.training == run.card.training
    for name, weight in run.generator.state_dict().items():
        assert torch.equal(model.generator.state_dict()[name], weight)
    card = (out / "README.md").read_text()
    assert card.startswith("# smile\n")
    for fact in (
        "attention",
        "7 steps of 4 photos",
        "for tests",
        "lip corner puller",
    ):
        assert fact in card
    shown = cli("models", "show", out)
    assert shown.exit_code == 0
    assert "smile" in shown.stdout


def test_the_cards_command_finds_the_model_and_nothing_is_claimed(cli: Cli, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "with space" / "smile"
    result = cli("export", finished, "--out", out)
    assert "add --license" in result.stderr
    assert read_card(out / "model.safetensors").license == ""
    card = (out / "README.md").read_text()
    (command,) = re.findall(r"^ganimate animate .*$", card, re.MULTILINE)
    assert shlex.split(command)[3:5] == ["--model", str(out)]
    assert "| licence | not told |" in card
    assert re.search(r"licence +not told", cli("models", "show", out).stdout)


def test_a_card_tells_the_stretches_of_a_run(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "model"
    command = ("train", faces_pack, "--out", run)
    assert cli(*command, *TINY, "--images", 12).exit_code == 0
    assert (
        cli(*command, "--resume", "--threads", 1, "--save-every", 9, "--images", 4).exit_code == 0
    )  # the same goes on
    assert cli(*command, "--resume", "--threads", 1, "--batch", 2).exit_code == 0
    assert cli("export", run, "--out", out).exit_code == 0
    told = "7 steps: 4 steps of 4 photos, then 3 steps of 2 photos"
    assert told in (out / "README.md").read_text()


def test_export_keeps_what_is_there_unless_forced(cli: Cli, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "smile"
    out.mkdir()
    (out / "README.md").write_text("written by hand")
    result = cli("export", finished, "--out", out)
    assert result.exit_code == 0
    assert "README.md was there and is kept" in result.stderr
    assert (out / "README.md").read_text() == "written by hand"
    refused(cli("export", finished, "--out", out), "exists already", "--force")
    forced = cli("export", finished, "--out", out, "--force", "--name", "grin")
    assert forced.exit_code == 0
    assert (out / "README.md").read_text().startswith("# grin\n")
    assert read_card(out / "model.safetensors").name == "grin"


def test_export_refuses_bad_input_with_a_sentence(cli: Cli, finished: Path, tmp_path: Path) -> None:
    refused(cli("export", tmp_path, "--out", tmp_path / "model"), "holds no trained model")
    (tmp_path / "file").write_text("")
    refused(cli("export", finished, "--out", tmp_path / "file"), "cannot be written")
    assert not (tmp_path / "model").exists()


def test_hours_come_from_the_log_where_the_model_does_not_tell(cli: Cli, finished: Path, tmp_path: Path) -> None:
    from ganimate.zoo.card import MODEL_FORMAT
    from ganimate.zoo.checkpoint import read_tensors, write_tensors

    tensors, facts = read_tensors(finished / "model.safetensors", MODEL_FORMAT)
    del facts["card"]["training"]["hours"]
    (tmp_path / "run").mkdir()
    write_tensors(tmp_path / "run" / "model.safetensors", tensors, facts)
    log = "".join(json.dumps({"step": step, "images_per_s": 4 / 360}) + "\n" for step in range(1, 8))
    (tmp_path / "run" / "log.jsonl").write_text(log)
    assert cli("export", tmp_path / "run", "--out", tmp_path / "model").exit_code == 0
    assert read_card(tmp_path / "model" / "model.safetensors").training["hours"] == pytest.approx(0.7)


def test_several_packs_train_as_one_and_go_on_as_one(cli: Cli, faces_pack: Path, tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=3, photos=2, strangers=3, seed=5))
    other, run = tmp_path / "faces.pack", tmp_path / "run"
    begun = cli("train", faces_pack, other, "--out", run, *TINY, "--images", 8, "--workers", 1)
    assert begun.exit_code == 0, begun.output
    both = len(open_pack(faces_pack)) + len(open_pack(other))
    assert read_card(run / "model.safetensors").training["photos"] == both
    assert f"pack: {faces_pack} and {other}, " in begun.stderr.replace("\n", " ")
    assert f"ganimate train {faces_pack} {other} --out {run} --resume" in begun.stderr.replace("\n", " ")
    refused(cli("train", faces_pack, "--out", run, "--resume", "-q"), "was trained on another pack")
    went_on = cli("train", faces_pack, other, "--out", run, "--resume", "-q")
    assert went_on.exit_code == 0, went_on.output
    judge = cli("train-judge", faces_pack, other, "-o", tmp_path / "judge.safetensors", "--steps", 2, "--batch", 4)
    assert judge.exit_code == 0 and f"pack: {faces_pack} and {other}, " in judge.stderr.replace("\n", " ")


def test_a_model_of_few_aus_and_24_trains_and_is_used(cli: Cli, photo: Path, tmp_path: Path) -> None:
    """AUs are what the table has: also AU24, which no model that ships knows, and one alone."""
    photos, table, _ = write_sources(tmp_path, SHOTS)
    for name, columns in (
        ("few", {"AU01_r": "AU01_r", "AU12_r": "AU12_r", "AU23_r": "AU24_r"}),
        ("one", {"AU12_r": "AU12_r"}),
    ):
        rows = [line.split(",") for line in table.read_text().splitlines()]
        names = [cell.strip() for cell in rows[0]]
        kept = [n for n, column in enumerate(names) if column in columns or not column.startswith("AU")]
        rows[0] = [columns.get(column, column) for column in names]
        few = tmp_path / f"{name}.csv"
        few.write_text("".join(",".join(row[n] for n in kept) + "\n" for row in rows))
        pack, run = tmp_path / f"{name}.pack", tmp_path / name
        assert cli("prepare", photos, "-a", few, "--size", 32, "-o", pack).exit_code == 0
        assert cli("train", pack, "--out", run, *TINY).exit_code == 0
        assert read_card(run / "model.safetensors").aus == tuple(int(au[2:4]) for au in columns.values())
        wish = "24=1,12=0.5" if name == "few" else "12=1"
        made = cli(
            "animate", photo, "-e", wish, "--still", "-o", tmp_path / f"{name}.png",
            "--model", run / "model.safetensors",
        )  # fmt: skip
        assert made.exit_code == 0, made.output

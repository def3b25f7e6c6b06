from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from synthetic import make_pack, shoot, tiny_config
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ganimate.config import LossWeights, TrainConfig
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import ModelError, OutputError, PackError, TrainingError
from ganimate.training.run_folder import create_run, cut_log, is_run, logged_seconds, read_config, remove_leftovers
from ganimate.training.trainer import Trainer
from ganimate.zoo.card import MODEL_FORMAT, STATE_FORMAT, read_metadata
from ganimate.zoo.checkpoint import load_model, read_tensors

CPU = torch.device("cpu")
TOTAL = tiny_config().steps


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


def run_all(trainer: Trainer, folder: Path, steps: int | None = None, **options: object) -> list[int]:
    """Train to the end, or for so many steps; returns their numbers."""
    folder.mkdir(exist_ok=True)
    images = None if steps is None else steps * trainer.config.batch_images
    return [record.step for record in trainer.run(folder, images=images, **options)]  # type: ignore[arg-type]


def everything(trainer: Trainer) -> dict[str, Tensor]:
    """Return all that training changes."""
    found: dict[str, Tensor] = {}
    for name in ("generator", "critic", "average"):
        found |= {f"{name}.{key}": value for key, value in getattr(trainer, name).state_dict().items()}
    for name in ("generator_optimizer", "critic_optimizer"):
        state = getattr(trainer, name).state_dict()["state"]
        found |= {f"{name}.{i}.{key}": value for i, moments in state.items() for key, value in moments.items()}
    return found


def learnt(row: dict[str, object]) -> dict[str, object]:
    """Return what a line of the log says of the training: not how long it took, nor what was looked at beside it."""
    beside = ("images_per_s", "seconds")
    return {name: value for name, value in row.items() if name not in beside and not name.startswith("held_out")}


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    return sorted(a.keys() ^ b.keys()) + [name for name in a.keys() & b.keys() if not torch.equal(a[name], b[name])]


@pytest.mark.parametrize("matcher", ["none", "spline"])
def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(pack: Pack, tmp_path: Path, matcher: str) -> None:
    config = tiny_config(matcher)
    whole = Trainer(pack, config, CPU)
    run_all(whole, tmp_path / "whole")
    begun = Trainer(pack, config, CPU)
    run_all(begun, tmp_path / "parts", 4)
    assert begun.step_index == 4
    resumed = Trainer(pack, config, CPU)
    resumed.restore(tmp_path / "parts")
    assert not differing(everything(begun), everything(resumed))
    run_all(resumed, tmp_path / "parts")
    assert resumed.step_index == TOTAL
    assert not differing(everything(whole), everything(resumed))
    saved = [read_tensors(tmp_path / name / "model.safetensors", MODEL_FORMAT)[0] for name in ("whole", "parts")]
    assert not differing(*saved)


def test_a_run_resumed_after_every_step_is_bit_equal_too(pack: Pack, tmp_path: Path) -> None:
    config = tiny_config()
    whole = Trainer(pack, config, CPU)
    run_all(whole, tmp_path / "whole")
    for step in range(TOTAL):
        trainer = Trainer(pack, config, CPU)
        if step:
            trainer.restore(tmp_path / "parts")
        run_all(trainer, tmp_path / "parts", 1)
    assert not differing(everything(whole), everything(trainer))
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "parts")]
    rows = [[learnt(json.loads(line)) for line in log] for log in logs]
    assert rows[0] == rows[1]


def test_restored_moments_lie_in_memory_as_their_weights(pack: Pack, tmp_path: Path) -> None:
    # fused Adam pairs them by address: with another layout it is silently wrong
    begun = Trainer(pack, tiny_config(), CPU)
    run_all(begun, tmp_path, 4)
    resumed = Trainer(pack, tiny_config(), CPU)
    resumed.restore(tmp_path)
    for optimizer in (resumed.generator_optimizer, resumed.critic_optimizer):
        for weight, state in optimizer.state.items():
            for key in ("exp_avg", "exp_avg_sq"):
                assert state[key].stride() == weight.stride()


def test_workers_do_not_change_the_result(pack: Pack, tmp_path: Path) -> None:
    alone, helped = (Trainer(pack, tiny_config(workers=workers), CPU) for workers in (0, 2))
    run_all(alone, tmp_path / "a", 3)
    run_all(helped, tmp_path / "b", 3)
    assert not differing(everything(alone), everything(helped))


def test_the_generator_answers_every_nth_step(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(critic_per_generator=3), CPU)
    run_all(trainer, tmp_path, 1)
    before = {name: value.clone() for name, value in everything(trainer).items()}
    run_all(trainer, tmp_path, 2)
    changed = {name.partition(".")[0] for name in differing(before, everything(trainer))}
    assert changed == {"critic", "critic_optimizer"}
    run_all(trainer, tmp_path, 1)
    assert {"generator", "average", "generator_optimizer"} <= {
        name.partition(".")[0] for name in differing(before, everything(trainer))
    }
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert ["generator_au" in row for row in rows] == [True, False, False, True]


def test_on_one_batch_the_critic_learns_to_read_and_the_generator_to_come_back(pack: Pack) -> None:
    # of more steps than are done: over the last third rates go to 0
    config = tiny_config(steps=90, critic_per_generator=1, learning_rate=5e-3, critic_learning_rate=5e-3, seed=1)
    trainer = Trainer(pack, config, CPU)
    batch = trainer.dataset[0]
    records = [trainer.step(batch) for _ in range(30)]
    for term in ("critic_au", "generator_cycle"):
        assert records[-1].terms[term] < 0.6 * records[0].terms[term], term


def test_what_is_written_can_be_used(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    run_all(trainer, tmp_path)
    model = load_model(tmp_path / "model.safetensors")
    assert model.card.aus == pack.au_numbers
    assert model.card.crop == pack.spec
    assert model.card.name == tmp_path.name
    assert model.card.training["steps"] == TOTAL
    assert model.card.training["hours"] >= 0
    assert model.card.training["config"] == dataclasses.asdict(trainer.config)
    facts = read_metadata(tmp_path / "state.safetensors", STATE_FORMAT)
    assert facts["step"] == TOTAL
    assert facts["seconds"] == pytest.approx(trainer.seconds)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, TOTAL + 1))
    assert {"critic_penalty", "generator_cycle", "attention_mean"} <= set().union(*rows)


def test_time_adds_up_over_resumptions(pack: Pack, tmp_path: Path) -> None:
    begun = Trainer(pack, tiny_config(), CPU)
    run_all(begun, tmp_path, 2)
    resumed = Trainer(pack, tiny_config(), CPU)
    resumed.restore(tmp_path)
    assert resumed.seconds == begun.seconds > 0
    run_all(resumed, tmp_path, 2)
    assert resumed.seconds > begun.seconds


def test_the_state_is_written_before_the_model(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    moved: list[str] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        moved.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    trainer.save(tmp_path)
    trainer.save(tmp_path)
    assert moved == ["state.safetensors", "model.safetensors"] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "state.safetensors"]


def test_checkpoints_come_at_their_interval(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(Trainer, "save", lambda self, folder: saved.append(self.step_index))
    run_all(Trainer(pack, tiny_config(save_steps=3), CPU), tmp_path)
    assert saved == [3, 6, 7]
    saved.clear()
    run_all(Trainer(pack, tiny_config(save_steps=4), CPU), tmp_path, 6)
    assert saved == [4, 6]  # and at the end


def test_samples_come_at_their_interval(pack: Pack, tmp_path: Path) -> None:
    seen: list[int] = []
    run_all(Trainer(pack, tiny_config(sample_steps=4), CPU), tmp_path, on_sample=lambda t: seen.append(t.step_index))
    assert seen == [4]


def test_held_out_people_are_looked_at_at_their_interval_and_at_last(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(check_steps=4, steps=6), CPU)
    run_all(trainer, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "held_out_response" in row] == [4, 6]
    told = load_model(tmp_path / "model.safetensors").card.training["held_out"]
    assert told["held_out_response"] == pytest.approx(rows[-1]["held_out_response"], abs=1e-4)


def test_the_log_tells_where_the_time_went(pack: Pack, tmp_path: Path) -> None:
    run_all(Trainer(pack, tiny_config(), CPU), tmp_path, 2)
    for line in (tmp_path / "log.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert set(row["seconds"]) == {"data", "faces", "critic", "generator"}
        step_s = sum(seconds for name, seconds in row["seconds"].items() if name != "data")
        assert step_s == pytest.approx(tiny_config().batch_images / row["images_per_s"], rel=0.05, abs=0.001)


def test_budgets_and_wishes_stop_between_steps_and_save(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    assert len(run_all(trainer, tmp_path, minutes=0)) == 1
    assert len(run_all(trainer, tmp_path, stop=lambda: trainer.step_index == 3)) == 2
    assert len(list(trainer.run(tmp_path, images=5))) == 2  # batches of 4
    assert read_metadata(tmp_path / "state.safetensors", STATE_FORMAT)["step"] == 5


def test_a_caller_that_turns_away_leaves_a_checkpoint(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    records = trainer.run(tmp_path)
    next(records)
    next(records)
    records.close()  # type: ignore[attr-defined]
    assert read_metadata(tmp_path / "state.safetensors", STATE_FORMAT)["step"] == 2


def test_an_interrupt_inside_of_a_step_saves_no_half_step(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    run_all(trainer, tmp_path, 6)

    def interrupted(self: AveragedModel, model: nn.Module) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AveragedModel, "update_parameters", interrupted)  # the weights have moved by then
    with pytest.raises(KeyboardInterrupt):
        run_all(trainer, tmp_path)
    monkeypatch.undo()
    resumed = Trainer(pack, tiny_config(), CPU)
    resumed.restore(tmp_path)
    assert resumed.step_index == 6
    run_all(resumed, tmp_path)
    whole = Trainer(pack, tiny_config(), CPU)
    run_all(whole, tmp_path / "whole")
    assert not differing(everything(whole), everything(resumed))


@pytest.mark.parametrize(
    ("steps", "name", "spoil"),
    [
        (1, "critic_au", lambda t: t.critic.au_head.bias),
        (4, "critic_adversarial", lambda t: t.generator.to_color.weight),
    ],
)
def test_a_term_that_is_not_finite_stops_with_its_name(
    pack: Pack, tmp_path: Path, steps: int, name: str, spoil: Callable[[Trainer], Tensor]
) -> None:
    trainer = Trainer(pack, tiny_config(), CPU)
    run_all(trainer, tmp_path, steps)
    good = (tmp_path / "state.safetensors").read_bytes()
    with torch.no_grad():
        spoil(trainer).fill_(float("nan"))
    with pytest.raises(TrainingError, match=f"term {name} became nan at step {steps + 1}") as caught:
        run_all(trainer, tmp_path)
    assert caught.value.hint is not None
    assert "--resume" in caught.value.hint
    assert (tmp_path / "state.safetensors").read_bytes() == good


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the loss may be finite, and its gradient not: such weights would be saved before the next loss tells
    trainer = Trainer(pack, tiny_config(save_steps=1), CPU)
    run_all(trainer, tmp_path, 1)
    trainer.critic.au_head.weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError, match="gradient of the critic became"):
        run_all(trainer, tmp_path)
    found, facts = read_tensors(tmp_path / "state.safetensors", STATE_FORMAT)
    assert facts["step"] == 1
    assert all(bool(torch.isfinite(value).all()) for value in found.values())


def test_strangers_alone_can_be_trained_on(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=0, strangers=12))
    trainer = Trainer(open_pack(tmp_path / "faces.pack"), tiny_config(), CPU)
    run_all(trainer, tmp_path / "run")
    assert trainer.step_index == TOTAL


def test_bf16_trains(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(precision="bf16"), CPU)
    assert trainer.bf16
    run_all(trainer, tmp_path)
    assert all(weight.dtype == torch.float32 for weight in trainer.generator.parameters())


def test_the_learning_rate_falls_over_the_last_third(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(steps=9, critic_per_generator=1, learning_rate=1e-3), CPU)
    rates = [trainer.generator_optimizer.param_groups[0]["lr"]]
    for _ in trainer.run(tmp_path):
        rates.append(trainer.generator_optimizer.param_groups[0]["lr"])
    assert rates.pop() == 0
    assert rates == pytest.approx([1e-3] * 7 + [2e-3 / 3, 1e-3 / 3])


def test_saturated_masks_are_told_with_the_remedy(pack: Pack, tmp_path: Path) -> None:
    trainer = Trainer(pack, tiny_config(steps=2, critic_per_generator=1), CPU)

    level = 9.0
    trainer.generator.to_attention.register_forward_hook(lambda module, inputs, output: output * 0 + level)
    warnings = [record.warning for record in trainer.run(tmp_path, images=4)]
    level = -9.0
    warnings += [record.warning for record in trainer.run(tmp_path, images=4)]
    assert warnings[0] is not None
    assert warnings[1] is not None
    assert "saturated at 1" in warnings[0]
    assert "--generator-au-weight" in warnings[0]
    assert "saturated at 0" in warnings[1]
    assert "--attention-size-weight" in warnings[1]
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])["warning"] == warnings[0]


def test_the_pack_must_fit(pack: Pack, tmp_path: Path) -> None:
    config = tiny_config(
        generator=dataclasses.replace(tiny_config().generator, size_px=64),
        critic=dataclasses.replace(tiny_config().critic, size_px=64),
    )
    with pytest.raises(PackError, match="are 32 px wide, the networks 64"):
        Trainer(pack, config, CPU)


def test_another_pack_is_refused_on_resumption(pack: Pack, tmp_path: Path) -> None:
    run_all(Trainer(pack, tiny_config(), CPU), tmp_path / "run", 1)
    make_pack(tmp_path, shoot(seed=1))
    other = Trainer(open_pack(tmp_path / "faces.pack"), tiny_config(), CPU)
    with pytest.raises(TrainingError, match="was trained on another pack"):
        other.restore(tmp_path / "run")


@pytest.mark.parametrize("how", ["none", "empty", "short", "altered", "foreign"])
def test_a_bad_state_is_refused_with_a_sentence(pack: Pack, tmp_path: Path, how: str) -> None:
    path = tmp_path / "state.safetensors"
    trainer = Trainer(pack, tiny_config(), CPU)
    run_all(trainer, tmp_path, 1)
    data = bytearray(path.read_bytes())
    if how == "none":
        path.unlink()
    elif how == "altered":
        data[-500] ^= 255
        path.write_bytes(data)
    else:
        path.write_bytes({"empty": b"", "short": data[:-7], "foreign": b"PK\x03\x04" + data}[how])
    with pytest.raises(ModelError):
        Trainer(pack, tiny_config(), CPU).restore(tmp_path)


def test_a_state_of_other_networks_is_refused(pack: Pack, tmp_path: Path) -> None:
    run_all(Trainer(pack, tiny_config(), CPU), tmp_path, 1)
    with pytest.raises(ModelError, match="does not fit its config"):
        Trainer(pack, tiny_config("spline"), CPU).restore(tmp_path)


def test_weights_of_the_objective_may_change_on_resumption(pack: Pack, tmp_path: Path) -> None:
    run_all(Trainer(pack, tiny_config(), CPU), tmp_path, 1)
    trainer = Trainer(pack, tiny_config(weights=LossWeights(cycle=1)), CPU)
    trainer.restore(tmp_path)
    run_all(trainer, tmp_path)
    assert trainer.step_index == TOTAL


def test_leftovers_of_a_kill_are_swept(pack: Pack, tmp_path: Path) -> None:
    for name in (".state.safetensors.0a1b.tmp", ".model.safetensors.77.tmp", ".config.json.1.tmp", "notes.tmp"):
        (tmp_path / name).write_text("half")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.tmp"]


def test_a_log_is_cut_to_what_the_state_knows(tmp_path: Path) -> None:
    lines = [json.dumps({"step": step, "images_per_s": 8.0}) for step in (1, 2, 3, 4)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"step": 5, "ph')
    assert logged_seconds(tmp_path, 16, 4) == pytest.approx(8)
    assert logged_seconds(tmp_path, 16, 2) == pytest.approx(4)
    cut_log(tmp_path, 3)
    assert (tmp_path / "log.jsonl").read_text() == "".join(f"{line}\n" for line in lines[:3])
    cut_log(tmp_path / "none", 3)  # nothing to cut


def test_a_run_folder_keeps_its_config(tmp_path: Path) -> None:
    config = tiny_config()
    folder = tmp_path / "new" / "run"
    create_run(folder, config)
    assert read_config(folder, TrainConfig) == config
    assert is_run(folder)
    with pytest.raises(OutputError, match="holds a training run already"):
        create_run(folder, config)
    with pytest.raises(TrainingError, match="is not a training run"):
        read_config(tmp_path, TrainConfig)


def test_a_run_goes_into_no_folder_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    for place in (tmp_path, tmp_path / "letter.txt", tmp_path / "letter.txt" / "run"):
        with pytest.raises(OutputError):
            create_run(place, TrainConfig())
    (tmp_path / "empty").mkdir()
    create_run(tmp_path / "empty", TrainConfig())

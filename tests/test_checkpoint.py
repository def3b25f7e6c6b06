from __future__ import annotations

import json
import os
import stat
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, JudgeConfig
from ganimate.errors import ConfigError, ModelError, OutputError
from ganimate.networks import Critic, Judge, build_generator
from ganimate.zoo import checkpoint
from ganimate.zoo.card import MODEL_FORMAT, STATE_FORMAT, ModelCard, read_card, read_metadata
from ganimate.zoo.checkpoint import load_model, read_tensors, save_model, write_tensors

AUS = (1, 2, 12)
CARD = ModelCard(
    "tiny",
    GeneratorConfig("attention", 32, 4, 1),
    CriticConfig(32, 4, 8, 4),
    CropSpec(32),
    AUS,
    training={"steps": 3, "learning_rate": 1e-4},
)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    save_model(path, CARD, build_generator(CARD.generator, 3), Critic(CARD.critic, 3))
    return path


def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "weights": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
        "half": torch.randn(5).half(),
        "step": torch.tensor(7.0),
        "none": torch.zeros(0, 3),
    }


def test_tensors_come_back_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    write_tensors(path, tensors(), {"format": STATE_FORMAT, "step": 7, "names": ("ä", "b")})
    back, facts = read_tensors(path, STATE_FORMAT)
    assert back.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor)
    assert facts["step"] == 7
    assert facts["names"] == ["ä", "b"]


def test_a_model_comes_back_with_its_card(model_path: Path) -> None:
    model = load_model(model_path)
    assert model.card == CARD == read_card(model_path)
    torch.manual_seed(0)
    generator = build_generator(CARD.generator, 3)
    for name, weight in generator.state_dict().items():
        assert torch.equal(model.generator.state_dict()[name], weight.half().float())
    assert not any(weight.requires_grad for weight in model.generator.parameters())
    assert not model.reader.training


def test_half_precision_is_a_choice(tmp_path: Path) -> None:
    generator = build_generator(CARD.generator, 3)
    save_model(tmp_path / "full", CARD, generator, Critic(CARD.critic, 3), half=False)
    loaded = load_model(tmp_path / "full")
    for name, weight in generator.state_dict().items():
        assert torch.equal(loaded.generator.state_dict()[name], weight)


def test_files_are_as_readable_as_others(model_path: Path) -> None:
    other = model_path.with_name("other")
    other.write_text("")
    assert stat.S_IMODE(model_path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.safetensors"
    write_tensors(path, tensors(), {"format": STATE_FORMAT, "step": 1})

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_tensors(path, tensors(), {"format": STATE_FORMAT, "step": 2})
    assert read_metadata(path, STATE_FORMAT)["step"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["state.safetensors"]


def test_a_folder_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_tensors(tmp_path / "none" / "file", tensors(), {"format": STATE_FORMAT})


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(model_path: Path, share: float) -> None:
    data = model_path.read_bytes()
    model_path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match="cut short") as caught:
        load_model(model_path)
    assert caught.value.hint is not None


def test_an_altered_weight_is_refused(model_path: Path) -> None:
    data = bytearray(model_path.read_bytes())
    data[-100] ^= 1
    model_path.write_bytes(data)
    with pytest.raises(ModelError, match="was altered"):
        load_model(model_path)
    assert read_card(model_path) == CARD  # which does not look at the weights


@pytest.mark.parametrize(("old", "new"), [(b"[1, 2, 12]", b"[2, 1, 12]"), (b"0.278", b"0.279"), (b"tiny", b"tony")])
def test_altered_metadata_are_refused(model_path: Path, old: bytes, new: bytes) -> None:
    data = model_path.read_bytes()
    assert old in data
    model_path.write_bytes(data.replace(old, new, 1))
    for read in (load_model, read_card):
        with pytest.raises(ModelError, match="was altered"):
            read(model_path)


def rewritten(path: Path, changes: dict[str, object]) -> None:
    """Write the file again with other facts, as a program of the time before the seal would have."""
    found, facts = read_tensors(path, MODEL_FORMAT)
    save_file(found, path, {"ganimate": json.dumps(facts | changes)})


def test_files_from_before_the_seal_are_read(model_path: Path) -> None:
    rewritten(model_path, {})
    assert load_model(model_path).card == CARD


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "ganimate-model-9"}, "has the format 'ganimate-model-9'"),
        ({"card": {"name": "x"}}, "cannot be used"),
        ({"card": "x"}, "cannot be used"),
        ({"card": None}, "cannot be used"),
    ],
)
def test_facts_that_make_no_sense_are_refused(model_path: Path, changes: dict[str, object], message: str) -> None:
    rewritten(model_path, changes)
    with pytest.raises(ModelError, match=message):
        load_model(model_path)


def with_card(path: Path, **changes: object) -> None:
    _, facts = read_tensors(path, MODEL_FORMAT)
    rewritten(path, {"card": facts["card"] | changes})


def test_the_order_of_aus_is_checked_before_shapes(model_path: Path) -> None:
    with_card(model_path, aus=[1, 2])
    with pytest.raises(ModelError, match="names 2 AUs but reads 3"):
        load_model(model_path)


def test_weights_that_do_not_fit_their_config_are_refused(model_path: Path) -> None:
    with_card(model_path, generator={"architecture": "attention", "size_px": 32, "channels": 4, "blocks": 9})
    with pytest.raises(ModelError, match=r"the generator in .* does not fit"):
        load_model(model_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"aus": 3}, {"aus": "abc"}, {"aus": []}, {"aus": [1, 1, 2]}, {"aus": [1, 2, 8000]}, {"aus": [1, 2, None]},
        {"aus": [1.0, 2, 4]}, {"aus": [[1], 2, 4]}, {"training": [1]}, {"training": "x"},
        {"crop": {"size_px": 64}}, {"license": 10**400},
    ],
)  # fmt: skip
def test_cards_that_make_no_sense_are_refused(model_path: Path, changes: dict[str, object]) -> None:
    with_card(model_path, **changes)
    with pytest.raises(ModelError, match="cannot be used") as caught:
        load_model(model_path)
    assert len(caught.value.message) < len(str(model_path)) + 200


def test_a_small_file_that_claims_to_be_a_huge_network_costs_no_memory(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = CARD.generator.size_px
    with_card(model_path, generator={"architecture": "attention", "size_px": size, "channels": 256, "blocks": 32})
    devices = []
    build = checkpoint.build_generator

    def watched(config: GeneratorConfig, aus: int) -> nn.Module:
        network = build(config, aus)
        devices.append({weight.device.type for weight in network.parameters()})
        return network

    monkeypatch.setattr(checkpoint, "build_generator", watched)
    with pytest.raises(ModelError, match=r"the generator in .* does not fit"):
        load_model(model_path)
    assert devices == [{"meta"}]


def test_a_field_of_a_newer_ganimate_is_told(model_path: Path) -> None:
    with_card(model_path, voice="alto")
    with pytest.raises(ModelError, match="has no field 'voice'") as caught:
        load_model(model_path)
    assert "another version" in str(caught.value.hint)


def test_a_model_of_the_architecture_that_went_is_refused_with_one_sentence(model_path: Path) -> None:
    generator = {"architecture": "warping", "size_px": 32, "channels": 4, "blocks": 2, "correction_limit": 0.012}
    with_card(model_path, generator=generator)
    for read in (load_model, read_card):
        with pytest.raises(ModelError, match="was made with the architecture 'warping'") as caught:
            read(model_path)
        assert "default model" in str(caught.value.hint)


def test_a_card_of_before_is_read_without_the_field_that_went(model_path: Path) -> None:
    with_card(model_path, generator=asdict(CARD.generator) | {"correction_limit": 0.012})
    assert load_model(model_path).card.generator == CARD.generator


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for content in (b"", b"hello", bytes(100), os.urandom(1000), struct.pack("<Q", 2**60) + b"{}"):
        path.write_bytes(content)
        with pytest.raises(ModelError):
            load_model(path)
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="has the format None"):
        load_model(path)
    with pytest.raises(ModelError, match="is not a file"):
        load_model(tmp_path)


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "caught"),)

    path = tmp_path / "model.safetensors"
    torch.save({"a": Trap()}, path)
    with pytest.raises(ModelError):
        load_model(path)
    assert not (tmp_path / "caught").exists()


def test_a_model_is_no_state(model_path: Path) -> None:
    with pytest.raises(ModelError, match="has the format 'ganimate-model-1', not 'ganimate-state-2'"):
        read_tensors(model_path, STATE_FORMAT)


@pytest.mark.parametrize("how", [{"matcher": "spline"}, {"architecture": "mesh"}])
def test_a_model_loads_without_torchs_compiler(tmp_path: Path, how: dict[str, str]) -> None:
    # torch._dynamo takes a second to import and leaves a folder among the temporary files
    card = replace(CARD, generator=GeneratorConfig(size_px=32, channels=8, blocks=1, **how))
    path = tmp_path / "model.safetensors"
    save_model(path, card, build_generator(card.generator, 3), Critic(card.critic, 3))
    code = f"""
import sys
from pathlib import Path
from ganimate.zoo.checkpoint import load_model
load_model(Path({str(path)!r}))
print(*(name for name in ("torch._dynamo", "torch._inductor") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "\n"


# Readers


def test_a_model_may_bring_a_reader_of_aus_instead_of_a_critic(tmp_path: Path) -> None:
    config = JudgeConfig(size_px=32, channels=4, features=4)
    card = replace(CARD, critic=None, reader=config)
    torch.manual_seed(0)
    reader = Judge(config, 3).eval()
    path = tmp_path / "model.safetensors"
    save_model(path, card, build_generator(card.generator, 3), reader, half=False)
    model = load_model(path)
    assert model.card == card and isinstance(model.reader, Judge)
    crop = torch.zeros(1, 3, 32, 32)
    assert torch.equal(model.reader(crop).aus, reader(crop).aus)


def test_what_reads_aus_is_told_once() -> None:
    with pytest.raises(ConfigError, match="which network reads AUs"):
        replace(CARD, critic=None)
    with pytest.raises(ConfigError, match="which network reads AUs"):
        replace(CARD, reader=JudgeConfig(size_px=32))

"""Models, judges and states of runs for `fuzz.py`: good ones, how they are damaged, and what reads them."""

from __future__ import annotations

import functools
import json
import random
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzz_mutations import damage, odd_json, odd_text


@functools.cache
def networks() -> dict[str, bytes]:
    """Return the bytes of a tiny model, without and with a matcher, of a judge and of a run's state."""
    import torch

    from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, JudgeConfig
    from ganimate.networks import Critic, Judge, build_generator
    from ganimate.zoo.card import STATE_FORMAT, ModelCard
    from ganimate.zoo.checkpoint import save_model, write_tensors
    from ganimate.zoo.judge_weights import JudgeCard, save_judge

    torch.manual_seed(0)
    made: dict[str, bytes] = {}
    aus, crop = (1, 12, 45), CropSpec(size_px=32)
    critic = CriticConfig(size_px=32, channels=4, max_channels=8, layers=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        for kind in ("none", "spline"):
            config = GeneratorConfig(size_px=32, channels=4, blocks=1, matcher=kind)
            card = ModelCard("tiny", config, critic, crop, aus, training={"steps": 3, "config": {"seed": 1}})
            save_model(path, card, build_generator(config, 3), Critic(critic, 3))
            made[kind] = path.read_bytes()
        judge = JudgeConfig(size_px=32, channels=4, features=4)
        save_judge(path, JudgeCard(judge, crop, aus, training={"steps": 2}), Judge(judge, 3))
        made["judge"] = path.read_bytes()
        write_tensors(path, {"a": torch.arange(6.0), "b": torch.ones(())}, {"format": STATE_FORMAT, "step": 3})
        made["state"] = path.read_bytes()
    return made


def damage_weights(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a damaged safetensors file: by chance, or by a hand that knows the format and seals it again."""
    chance = rng.random()
    if chance < 0.3:
        return damage(rng, data, others)
    (size,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    if chance < 0.5:
        odd = odd_text(odd_json(rng, header))
        return struct.pack("<Q", len(odd)) + odd + body
    facts = json.loads(header["__metadata__"]["ganimate"])
    if chance < 0.9:
        facts = odd_json(rng, facts)
    else:
        body = damage(rng, body, others)[: len(body)].ljust(len(body), b"\0")
    return _sealed(header, facts, body)


def _sealed(header: dict[str, Any], facts: Any, body: bytes) -> bytes:
    """Return a safetensors file whose digest and seal are right, as if we had written it."""
    from safetensors.torch import load

    from ganimate.zoo.checkpoint import _seal, digest

    names = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if isinstance(facts, dict):
        text = json.dumps(names).encode()
        facts = {name: value for name, value in facts.items() if name != "seal"}
        if facts.get("digest") is not None:
            facts["digest"] = digest(load(struct.pack("<Q", len(text)) + text + body))
        facts["seal"] = _seal(facts)
    text = json.dumps({"__metadata__": {"ganimate": json.dumps(facts)}, **names}).encode()
    return struct.pack("<Q", len(text)) + text + body


def read_model(path: Path) -> object:
    """Load a model and animate a face with it."""
    import numpy as np

    from ganimate.animation.animator import Animator
    from ganimate.face.crop import Box, Face
    from ganimate.facs import parse_expression
    from ganimate.trajectory import Trajectory
    from ganimate.zoo.checkpoint import load_model

    model = load_model(path)
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    points = _face_points()
    people = Animator(model).prepare(photo, [Face(Box(8, 8, 56, 56), points)])
    goal = parse_expression("self").resolve(people[0].source_aus, model.card.aus)
    frames = Animator(model).frames(photo, people, [Trajectory(goal[None], 1.0, model.card.aus)])
    return [frame.image.shape for frame in frames]


@functools.cache
def _face_points() -> Any:
    import numpy as np
    from synthetic import face_landmarks

    return (face_landmarks(np.zeros(17, np.float32)) * 60 + 2).astype(np.float32)


def read_judge(path: Path) -> object:
    """Load a judge and let it read a picture."""
    import torch

    from ganimate.zoo.judge_weights import load_judge

    judge = load_judge(path)
    size = judge.card.judge.size_px
    return judge.network(torch.zeros(1, 3, size, size)).aus.shape


def read_state(path: Path) -> object:
    """Read the state of a training run."""
    from ganimate.zoo.card import STATE_FORMAT
    from ganimate.zoo.checkpoint import read_tensors

    return len(read_tensors(path, STATE_FORMAT)[0])

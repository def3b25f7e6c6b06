"""The readers that `fuzz.py` feeds: good files to begin with, how they are damaged, and what reads them."""

from __future__ import annotations

import ctypes
import functools
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fuzz_pictures as pictures
import fuzz_texts as texts
import fuzz_weights as weights
from fuzz_mutations import Mutation, damage

from ganimate.errors import InputError


@dataclass(frozen=True)
class Subject:
    """One reader: `read` is handed the path of an input; `share` is its part of a whole run, in inputs."""

    name: str
    share: int
    suffix: str
    make_seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    mutate: Mutation = damage

    def seeds(self) -> list[bytes]:
        """Return good inputs, the same each time."""
        return _seeds(self.name)

    @property
    def file_name(self) -> str:
        """The name of the file that holds an input."""
        return f"input{self.suffix}"


@functools.cache
def _seeds(name: str) -> list[bytes]:
    return SUBJECTS[name].make_seeds()


def make_input(subject: Subject, seeds: Sequence[bytes], seed: int, index: int) -> bytes:
    """Return input `index` of a subject, which follows from the seed alone."""
    rng = random.Random(f"{seed} {subject.name} {index}")
    return subject.mutate(rng, rng.choice(seeds), seeds)


def _encoded(written: Sequence[str]) -> Callable[[], list[bytes]]:
    return lambda: [text.encode() for text in written]


def _networks(*names: str) -> Callable[[], list[bytes]]:
    return lambda: [weights.networks()[name] for name in names]


def _letter(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return rng.choice("aaarechmn").encode()


def _misbehave(path: Path) -> object:
    """Break the law in each of the ways that there are, by the first letter of the input."""
    letter = path.read_bytes()[:1]
    if letter == b"e":
        raise ZeroDivisionError("an error")
    if letter == b"c":
        ctypes.string_at(0)
    if letter == b"h":
        while True:
            pass
    if letter == b"m":
        bytearray(200_000_000)
    if letter == b"n":
        os.write(2, b"a noise")
    if letter == b"r":
        raise InputError("a refusal")
    return letter


SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("images", 50_000, ".img", pictures.still_seeds, pictures.read_image, pictures.damage_picture),
        Subject("marks", 20_000, ".img", pictures.marked_seeds, pictures.read_mark, pictures.damage_marked),
        Subject("clips", 25_000, ".csv", texts.table_seeds, texts.read_clip, texts.damage_table),
        Subject("trajectories", 10_000, ".csv", _encoded(texts.TABLES[-1:]), texts.read_trajectory, texts.damage_table),
        Subject("labels", 10_000, ".csv", texts.label_seeds, texts.read_labels, texts.damage_table),
        Subject(
            "expressions", 20_000, ".txt", _encoded(texts.EXPRESSIONS), texts.read_expression, texts.damage_expression
        ),
        Subject("timelines", 15_000, ".yaml", _encoded(texts.TIMELINES), texts.read_timeline, texts.damage_timeline),
        Subject("configs", 5_000, ".json", texts.config_seeds, texts.read_config, texts.damage_json),
        Subject(
            "models", 6_000, ".safetensors", _networks("none", "spline"), weights.read_model,
            weights.damage_weights,
        ),
        Subject("judges", 3_000, ".safetensors", _networks("judge"), weights.read_judge, weights.damage_weights),
        Subject("states", 3_000, ".safetensors", _networks("state"), weights.read_state, weights.damage_weights),
        Subject("videos", 300, ".mp4", pictures.video_seeds, pictures.read_clip),
        Subject("rogue", 0, ".txt", lambda: [b"a"], _misbehave, _letter),  # for the test of the fuzzer itself
    )
}  # fmt: skip

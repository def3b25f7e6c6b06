"""How all models are measured alike: the faces, the people among them, the judge; and how well the judge reads."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganimate.data.pack import MARGIN, Pack
from ganimate.errors import ModelError, PackError
from ganimate.evaluation.bars import Floats
from ganimate.evaluation.held_out_people import HeldOutPeople
from ganimate.evaluation.judge_worth import JudgeWorth, judge_worth
from ganimate.face.crop import Image
from ganimate.face.detect import Embedder
from ganimate.zoo.card import ModelCard
from ganimate.zoo.judge_weights import LoadedJudge

BATCH_IMAGES = 32  # of the judge
SHEET_PEOPLE = 8  # of those measured, kept to be looked at


@dataclass(frozen=True)
class EvaluationProtocol:
    """What models are measured on and by whom: the same for all of them, so that results compare.

    `aus` are those that all know, see `common_aus`; `embedder` None leaves identity out. Raises ModelError where judge
    and pack do not go together.
    """

    pack: Pack
    held_out: HeldOutPeople
    judge: LoadedJudge
    aus: tuple[int, ...]
    device: torch.device
    embedder: Embedder | None = None

    def __post_init__(self) -> None:
        if self.judge.card.crop != self.pack.spec:
            raise ModelError(
                f"the judge takes faces that are cut another way than those of {self.pack.place}",
                "hand in another with --judge, or another pack",
            )

    def check(self, card: ModelCard, name: str) -> None:
        """Raise PackError unless the model `name` can sit this protocol."""
        if card.crop != self.pack.spec:
            sizes = f"theirs are {self.pack.spec.size_px} px wide, the model's {card.crop.size_px} px"
            raise PackError(
                f"the faces of {self.pack.place} are cut another way than those of {name}: {sizes}",
                "prepare the pack again with the model's --size",
            )

    @property
    def labels(self) -> NDArray[np.float32]:
        """The pack's labels (len(pack), N) of the measured AUs."""
        return self.pack.aus[:, [self.pack.au_numbers.index(number) for number in self.aus]]

    @property
    def study_batches(self) -> int:
        """How often `study_judge` yields."""
        return len(_batches(self.held_out.held))

    @property
    def photos(self) -> int:
        """How many photos a model is asked to change."""
        return 2 * len(self.held_out.people) + len(self.held_out.pairs) + len(self.held_out.crowd)

    def face(self, index: int) -> Image:
        """Return the crop (S, S, 3) of a face of the pack, exactly as the animator would cut it."""
        size = self.pack.spec.size_px
        start = round(size * MARGIN)
        return self.pack.image(index)[start : start + size, start : start + size]

    def read(self, faces: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """Return what the judge reads from crops (B, S, S, 3): the measured AUs (B, N), and features (B, F)."""
        order = [self.judge.card.aus.index(number) for number in self.aus]
        read = [self.judge.read(batch, self.device) for batch in _batches(faces)]
        aus = np.concatenate([aus[:, order].astype(np.float64) for aus, _ in read])
        features = np.concatenate([features.astype(np.float64) for _, features in read])
        if not (np.isfinite(aus).all() and np.isfinite(features).all()):
            raise ModelError("the judge reads AUs that are not numbers", "hand in another with --judge")
        return aus, features


def common_aus(
    models: Mapping[str, Sequence[int]], pack: Pack, judge: LoadedJudge
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the AUs that can be measured of all `models`, which are given by name, and who lacks the others.

    They are in the order of the first model. Raises ModelError where there are none.
    """
    knowing = {
        **{f"{name} does not know it": aus for name, aus in models.items()},
        "the pack has no labels of it": pack.au_numbers,
        "the judge does not read it": judge.card.aus,
    }
    asked = list(dict.fromkeys(number for aus in models.values() for number in aus))
    lacking = {number: [why for why, aus in knowing.items() if number not in aus] for number in asked}
    common = tuple(number for number in asked if not lacking[number])
    if not common:
        hint = "measure one model alone, or hand in another pack or --judge"
        raise ModelError(f"no AU of {' and '.join(models)} can be measured", hint)
    alike: dict[str, list[int]] = {}
    for number, why in lacking.items():
        if why:
            alike.setdefault(" and ".join(why), []).append(number)
    return common, tuple(f"{' '.join(f'AU{n}' for n in numbers)}: {why}" for why, numbers in alike.items())


def study_judge(
    protocol: EvaluationProtocol, codes: Mapping[str, NDArray[np.float32]]
) -> Generator[None, None, JudgeWorth]:
    """Return how well the judge reads all photos that are held out; yields after each batch.

    `codes` are human FACS codes (N,) by photo name, in the order of `protocol.aus`.
    """
    held, read = protocol.held_out.held, []
    for batch in _batches(held):
        read.append(protocol.read(np.stack([protocol.face(int(index)) for index in batch]))[0])
        yield
    unknown = np.full(len(protocol.aus), np.nan)
    coded = np.array([codes.get(str(protocol.pack.names[index]), unknown) for index in held], np.float64)
    labels = protocol.labels[held].astype(np.float64)
    return judge_worth(protocol.aus, np.concatenate(read), labels, coded, protocol.pack.person[held])


def _batches(items: NDArray[Any]) -> list[NDArray[Any]]:
    return [items[start : start + BATCH_IMAGES] for start in range(0, len(items), BATCH_IMAGES)]

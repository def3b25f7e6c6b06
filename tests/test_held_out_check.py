"""Laws of what is measured of a generator in training: one that does nothing has no response, and is warned of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from synthetic import make_pack, shoot
from torch import Tensor, nn

from ganimate.data.pack import Pack, open_pack
from ganimate.networks import Edit, Verdict
from ganimate.training.held_out_check import PAIRS, RESPONSE, HeldOutCheck, warning

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


class Stamp(nn.Module):
    """Writes the wanted AUs, times `gain`, into the first row of the picture, and leaves the rest."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, image: Tensor, y_from: Tensor, y_to: Tensor) -> Edit:
        made = image.clone()
        made[:, 0, 0, : y_to.shape[1]] = self.gain * y_to
        return Edit(made, torch.ones_like(image[:, :1]), image, image)


class Reader(nn.Module):
    """Reads the AUs from there."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, image: Tensor) -> Verdict:
        return Verdict(image.mean((1, 2, 3))[:, None], image[:, 0, 0, : self.count], ())


@pytest.mark.parametrize("gain", [0.0, 0.05, 0.5])
def test_the_response_is_how_far_asked_aus_are_read_to_rise(pack: Pack, gain: float) -> None:
    told = HeldOutCheck(pack).terms(Stamp(gain), Reader(len(pack.au_numbers)), CPU)  # type: ignore[arg-type]
    assert {name for name in told if RESPONSE in name} == {RESPONSE, *(f"{RESPONSE}_AU{au}" for au in (12, 4, 26))}
    assert all(told[name] == pytest.approx(gain, abs=1e-6) for name in told if RESPONSE in name)
    assert told[PAIRS] == pytest.approx(1, abs=0.05)  # one row of 32 is all that changes
    doubt = warning(told)
    assert (doubt is None) == (gain == 0.5)
    if doubt is not None:
        assert f"asked from 0 to 1, AU12, AU4, AU26 of held-out people change by {gain:.2f}" in doubt[0]


def test_of_nobody_held_out_nothing_is_told(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=2, photos=1, strangers=0), share=0.0)
    pack = open_pack(tmp_path / "faces.pack")
    assert HeldOutCheck(pack).terms(Stamp(1), Reader(17), CPU) == {}  # type: ignore[arg-type]
    assert warning({}) is None


def test_those_who_are_watched_are_held_out(pack: Pack) -> None:
    check = HeldOutCheck(pack)
    assert pack.validation[check.photos].all() and pack.validation[check.pairs].all()
    assert (pack.person[check.pairs[:, 0]] == pack.person[check.pairs[:, 1]]).all() and len(check.pairs)

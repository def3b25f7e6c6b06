"""Laws of the soft step: one for numbers, arrays and tensors."""

from __future__ import annotations

import numpy as np
import torch

from ganimate.face.ramps import smoothstep


def test_it_keeps_its_ends_and_its_middle_and_starts_and_stops_softly() -> None:
    assert (smoothstep(0.0), smoothstep(0.5), smoothstep(1.0)) == (0.0, 0.5, 1.0)
    slopes = np.diff(smoothstep(np.linspace(0, 1, 101)))
    assert (slopes > 0).all() and slopes[[0, -1]].max() < 0.05 * slopes.max()


def test_numbers_arrays_and_tensors_go_the_same_way() -> None:
    shares = np.linspace(0, 1, 11)
    assert smoothstep(shares).tolist() == [smoothstep(float(share)) for share in shares]
    assert torch.equal(smoothstep(torch.from_numpy(shares)), torch.from_numpy(smoothstep(shares)))

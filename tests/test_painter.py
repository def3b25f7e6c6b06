"""The painter: its laws, whatever it has learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganimate.config import PainterConfig
from ganimate.errors import ConfigError
from ganimate.motion.hints import HINTS
from ganimate.networks.painter import Painter

AUS = 5


def painter() -> Painter:
    torch.manual_seed(0)
    return Painter(PainterConfig(channels=8, blocks=2), AUS).eval()


def inputs(batch: int = 2, size: int = 32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    moved, hints = torch.rand(batch, 3, size, size) * 2 - 1, torch.zeros(batch, HINTS, size, size)
    hints[:, 1, 8:16, 8:24] = 1
    return moved, hints, torch.rand(batch, AUS), torch.rand(batch, AUS)


def test_the_equation_holds() -> None:
    moved, *rest = inputs()
    painted = painter()(moved, *rest)
    composed = (1 - painted.attention) * painted.color + painted.attention * moved
    assert torch.allclose(painted.image, composed)
    assert painted.image.shape == (2, 3, 32, 32) and painted.attention.shape == (2, 1, 32, 32)
    assert painted.color.abs().max() <= 1 and 0 <= painted.attention.min() <= painted.attention.max() <= 1


def test_one_by_one_equals_a_batch() -> None:
    together = painter()(*inputs())
    for k in range(2):
        alone = painter()(*(each[k : k + 1] for each in inputs()))
        assert torch.allclose(alone.image[0], together.image[k], atol=1e-5)


def test_any_multiple_of_eight_is_painted() -> None:
    moved, hints, y_from, y_to = inputs()
    painted = painter()(moved[..., :24, :], hints[..., :24, :], y_from, y_to)
    assert painted.image.shape == (2, 3, 24, 32)


def test_aus_and_hints_matter_and_all_weights_learn() -> None:
    network = painter().train()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0, 0.1)
    moved, hints, y_from, y_to = inputs()
    first = network(moved, hints, y_from, y_to).image
    assert not torch.allclose(first, network(moved, hints, y_from, y_to + 0.5).image)
    assert not torch.allclose(first, network(moved, torch.zeros_like(hints), y_from, y_to).image)
    first.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in network.parameters())


def test_channels_that_do_not_fit_the_norm_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 8"):
        PainterConfig(channels=12)

"""Each term of the objective against its closed form, and as a mean that no size changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganimate.training import losses

RAMP = torch.arange(6.0).expand(2, 3, 5, 6)  # rises by 1 to the right


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_critic_gains_by_scoring_photos_above_fakes() -> None:
    real, fake = torch.full((4, 5), 2.0), torch.full((4, 5), -1.0)
    assert losses.critic_adversarial(real, fake) == -3.0
    assert losses.critic_adversarial(fake, real) == 3.0


def test_the_generator_gains_by_a_high_score() -> None:
    assert losses.generator_adversarial(torch.full((4, 5), 2.0)) == -2.0


def test_the_game_is_a_zero_sum_over_fakes() -> None:
    real, fake = noise(4, 5), noise(4, 5, seed=1)
    critic = losses.critic_adversarial(real, fake)
    assert torch.isclose(critic + losses.generator_adversarial(fake), -real.mean())


def test_interpolation_meets_both_ends_and_the_middle() -> None:
    real, fake = noise(3, 3, 4, 4), noise(3, 3, 4, 4, seed=1)
    mix = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None]
    mixed = losses.interpolate(real, fake, mix)
    assert torch.equal(mixed[0], fake[0]) and torch.equal(mixed[2], real[2])
    assert torch.allclose(mixed[1], (real[1] + fake[1]) / 2)


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic(length: float) -> None:
    patches = noise(7, 3 * 4 * 4)  # seven patches, whose mean D is linear too
    patches = patches * (length / patches.mean(0).norm())
    penalty = losses.gradient_penalty(lambda x: x.flatten(1) @ patches.T, noise(5, 3, 4, 4))
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-5)


def test_the_penalty_is_a_mean_of_each_images_own_norm() -> None:
    # D(x) = ‖x‖² / 2 has the gradient x
    images = torch.zeros(2, 3, 1, 1)
    images[0, 0], images[1, 1] = 3.0, 2.0
    penalty = losses.gradient_penalty(lambda x: x.flatten(1).square().sum(1, keepdim=True) / 2, images)
    assert penalty.item() == pytest.approx((2.0**2 + 1.0**2) / 2)


def test_the_penalty_teaches_the_critic_in_closed_form() -> None:
    weight = noise(12).requires_grad_(True)
    losses.gradient_penalty(lambda x: x.flatten(1) @ weight[:, None], noise(5, 3, 2, 2)).backward()
    norm = weight.detach().norm()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * (norm - 1) * weight.detach() / norm, atol=1e-6)


def test_the_penalty_leaves_the_images_alone() -> None:
    images = noise(2, 3, 2, 2).requires_grad_(True)
    losses.gradient_penalty(lambda x: x.flatten(1).square(), images).backward()
    assert images.grad is None


def test_the_total_variation_of_a_ramp_and_of_a_checkerboard() -> None:
    checkers = ((torch.arange(5)[:, None] + torch.arange(6)) % 2).float()[None, None]
    assert losses.total_variation(RAMP) == 1.0
    assert losses.total_variation(3 * RAMP.transpose(2, 3)) == 3.0
    assert losses.total_variation(checkers) == 2.0
    assert losses.total_variation(torch.ones(1, 1, 4, 4)) == 0.0


def test_the_size_of_an_attention_that_keeps_all_is_zero() -> None:
    assert losses.attention_size(torch.ones(2, 1, 4, 4)) == 0.0
    assert losses.attention_size(torch.full((2, 1, 4, 4), 0.25)) == 0.75


def test_the_error_of_action_units_is_squared_that_of_images_absolute() -> None:
    assert losses.action_units(torch.full((2, 5), 0.75), torch.full((2, 5), 0.25)) == 0.25
    assert losses.reconstruction(torch.full((1, 3, 2, 2), 0.75), torch.full((1, 3, 2, 2), 0.25)) == 0.5


def constant(value: float, batch: int, size: int) -> Tensor:
    return torch.full((batch, 3, size, size), value)


TERMS: list[Callable[[Tensor, Tensor], Tensor]] = [
    losses.reconstruction,
    lambda a, _: losses.attention_size(a),
    lambda a, _: losses.total_variation(a),
    lambda a, b: losses.critic_adversarial(a.flatten(1), b.flatten(1)),
    lambda a, _: losses.generator_adversarial(a.flatten(1)),
    lambda a, b: losses.action_units(a.flatten(1), b.flatten(1)),
]


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_constant_images_is_the_same_at_every_batch_size_and_resolution(
    term: Callable[[Tensor, Tensor], Tensor],
) -> None:
    values = {
        round(term(constant(0.75, batch, size), constant(0.25, batch, size)).item(), 6)
        for batch, size in ((1, 8), (5, 8), (1, 32), (3, 64))
    }
    assert len(values) == 1


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_a_batch_that_comes_twice_is_the_same(term: Callable[[Tensor, Tensor], Tensor]) -> None:
    a, b = noise(3, 3, 8, 8), noise(3, 3, 8, 8, seed=1)
    assert term(a.repeat(2, 1, 1, 1), b.repeat(2, 1, 1, 1)).item() == pytest.approx(term(a, b).item(), rel=1e-5)

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


def test_an_au_that_was_asked_for_counts_more() -> None:
    own, wanted = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    missed, leaked = torch.tensor([[0.5, 0.0]]), torch.tensor([[1.0, 0.5]])
    ratio = losses.action_units(missed, wanted, own) / losses.action_units(leaked, wanted, own)
    assert ratio == 1 + losses.ASKED_WORTH
    assert losses.action_units(torch.full((2, 5), 0.75), torch.full((2, 5), 0.25), torch.zeros(2, 5)) == 0.25


def test_two_scales_see_an_offset_twice_and_a_fine_pattern_once() -> None:
    flat = torch.zeros(1, 3, 8, 8)
    checkers = ((torch.arange(8)[:, None] + torch.arange(8)) % 2).float() * 2 - 1
    assert losses.two_scale_reconstruction(flat + 0.5, flat, even(flat)) == 0.5
    assert losses.two_scale_reconstruction(flat + checkers, flat, even(flat)) == 0.5


def test_features_are_compared_relative_to_their_size() -> None:
    wanted = [noise(2, 4, 8, 8), 100 * noise(2, 8, 4, 4, seed=1)]
    read = [1.1 * wanted[0], 1.3 * wanted[1]]
    assert losses.feature_matching(read, wanted).item() == pytest.approx((0.1 + 0.3) / 2, abs=1e-5)
    assert losses.feature_matching(wanted, wanted) == 0.0
    with pytest.raises(ValueError, match="zip"):
        losses.feature_matching(read[:1], wanted)


@pytest.mark.parametrize("error", [0.0, 0.01, 0.02, 0.3, -0.3])
def test_the_flows_huber_error(error: float) -> None:
    flow, scale = noise(2, 2, 4, 4), 0.02
    closed = error**2 / (2 * scale) if abs(error) <= scale else abs(error) - scale / 2
    assert losses.flow_error(flow + error, flow, scale).item() == pytest.approx(closed, abs=1e-6)


def test_affine_motion_does_not_bend_and_a_parabola_bends_by_its_second_difference() -> None:
    assert losses.flow_bending(RAMP) == 0.0
    assert losses.flow_bending(RAMP.square()) == 2.0
    assert losses.flow_bending(RAMP.transpose(2, 3).square()) == 2.0


def test_paint_is_held_to_the_real_photo_and_without_one_loosely_to_the_moved_photo() -> None:
    color, target, moved = constant(0.5, 3, 8), constant(0.1, 1, 8), constant(0.3, 3, 8)
    hold = torch.full((3, 1, 8, 8), 0.1)
    none = even(target[:0])
    assert losses.plausible_color(color, target, moved, even(target), hold[:2]).item() == pytest.approx(0.4 + 0.1 * 0.2)
    assert losses.plausible_color(color, target[:0], moved, none, hold).item() == pytest.approx(0.1 * 0.2)
    assert losses.plausible_color(color[:1], target, moved[:1], even(target), hold[:0]).item() == pytest.approx(0.4)


def test_attention_is_to_open_where_paint_beats_motion() -> None:
    target, near, far = constant(0.0, 1, 8), constant(0.05, 1, 8), constant(0.8, 1, 8)
    shut, opened = constant(0.999, 1, 8, channels=1), constant(0.001, 1, 8, channels=1)
    weight = even(target)
    for right, wrong, paint, moved in ((opened, shut, near, far), (shut, opened, far, near)):
        assert losses.responsibility(right, paint, moved, target, weight) < 0.01
        assert losses.responsibility(wrong, paint, moved, target, weight) > 0.01


def test_each_sample_may_have_a_lead_of_its_own() -> None:
    target, near, far = constant(0.0, 2, 8), constant(0.01, 2, 8), constant(0.03, 2, 8)
    opened = constant(0.001, 2, 8, channels=1)
    leads = torch.tensor([0.01, 0.04])[:, None, None, None]
    first, second = (
        losses.responsibility(opened[i : i + 1], near[:1], far[:1], target[:1], even(target[:1]), leads[i : i + 1])
        for i in (0, 1)
    )
    assert first < 1 < second
    both = losses.responsibility(opened, near, far, target, even(target), leads)
    torch.testing.assert_close(both, (first + second) / 2)


def test_an_attention_that_closed_can_open_again() -> None:
    logit = torch.full((1, 1, 8, 8), 6.0, requires_grad=True)
    target = constant(0.0, 1, 8)
    losses.responsibility(torch.sigmoid(logit), target, constant(0.8, 1, 8), target, even(target)).backward()
    assert logit.grad is not None and logit.grad.sum() > 0.9


def test_what_counts_more_errs_more() -> None:
    goal, image, weight = constant(0.0, 1, 8), constant(0.0, 1, 8), constant(0.0, 1, 8, channels=1)
    image[..., :4] = 0.5
    weight[..., :4] = 2.0
    assert losses.reconstruction(image, goal) == 0.25
    assert losses.reconstruction(image, goal, weight) == 0.5
    assert losses.two_scale_reconstruction(image, goal, weight) == 0.5


def even(image: Tensor) -> Tensor:
    """Every pixel counts the same."""
    return torch.ones_like(image[:, :1])


def constant(value: float, batch: int, size: int, channels: int = 3) -> Tensor:
    return torch.full((batch, channels, size, size), value)


TERMS: list[Callable[[Tensor, Tensor], Tensor]] = [
    losses.reconstruction,
    lambda a, b: losses.two_scale_reconstruction(a, b, even(a)),
    losses.flow_error,
    lambda a, _: losses.attention_size(a),
    lambda a, _: losses.total_variation(a),
    lambda a, _: losses.flow_bending(a),
    lambda a, b: losses.feature_matching([a], [b]),
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

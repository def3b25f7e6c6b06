"""Laws of the networks: identity, independence of the batch, the paper's equation, and a life of forward to load."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ganimate.config import CriticConfig, GeneratorConfig
from ganimate.face.glasses import REACH
from ganimate.motion.hold_map import leashed
from ganimate.networks import AttentionGenerator, Critic, Edit
from ganimate.networks.blocks import SoftGatedWarp, resize, warp

N_AUS = 5
MATCHERS = ["none", "spline"]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def photos(count: int = 2, size: int = 32) -> Tensor:
    return draw(count, 3, size, size) * 2 - 1


def small_generator(matcher: str, size: int = 32) -> AttentionGenerator:
    torch.manual_seed(0)
    return AttentionGenerator(GeneratorConfig(size_px=size, channels=4, blocks=2, matcher=matcher), N_AUS)


def lively_generator(matcher: str, size: int = 32) -> AttentionGenerator:
    """A generator whose weights are all far from 0, as after training."""
    generator = small_generator(matcher, size)
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if not weight.any():
                weight.normal_(0, 0.02)
            weight.mul_(10 if "to_" in name or "head" in name else 1)
    return generator


def small_critic(size: int = 32, layers: int = 4) -> Critic:
    torch.manual_seed(0)
    return Critic(CriticConfig(size, channels=4, layers=layers), N_AUS)


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize("matcher", MATCHERS)
def test_an_edit_has_the_shapes_and_ranges_that_it_promises(matcher: str, size: int) -> None:
    edit: Edit = lively_generator(matcher, size)(photos(size=size), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    assert edit.image.shape == edit.color.shape == (2, 3, size, size)
    assert edit.attention.shape == (2, 1, size, size)
    assert edit.image.abs().max() <= 1 and edit.color.abs().max() <= 1
    assert edit.attention.min() >= 0 and edit.attention.max() <= 1
    assert (edit.flow is None) == (matcher == "none")
    if edit.flow is not None:
        assert edit.flow.shape == (2, 2, size, size) and edit.flow.abs().max() > 0.01


@pytest.mark.parametrize("matcher", MATCHERS)
def test_an_edit_is_the_papers_equation(matcher: str) -> None:
    image = photos()
    edit: Edit = lively_generator(matcher)(image, draw(2, N_AUS), draw(2, N_AUS, seed=1))
    moved = image if edit.flow is None else warp(image, edit.flow)
    assert torch.equal(edit.image, (1 - edit.attention) * edit.color + edit.attention * moved)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_an_edit_depends_on_what_is_asked(matcher: str) -> None:
    generator, image, y_from = lively_generator(matcher), photos(), draw(2, N_AUS)
    first: Edit = generator(image, y_from, draw(2, N_AUS, seed=1))
    second: Edit = generator(image, y_from, draw(2, N_AUS, seed=2))
    assert (first.image - second.image).abs().max() > 1e-3


class Always(nn.Module):
    """A head that gives one value everywhere."""

    def __init__(self, value: float, channels: int) -> None:
        super().__init__()
        self.value, self.channels = value, channels

    def forward(self, features: Tensor) -> Tensor:
        return torch.full((len(features), self.channels, *features.shape[-2:]), self.value)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_full_attention_without_flow_is_the_identity_to_the_last_bit(matcher: str) -> None:
    generator, image = lively_generator(matcher), photos()
    generator.to_attention = Always(200.0, 1)  # type: ignore[assignment]
    if generator.matcher is not None:
        for regression in (generator.matcher.affine, generator.matcher.spline):
            nn.init.zeros_(regression.head.weight)
    edit: Edit = generator(image, draw(2, N_AUS), draw(2, N_AUS, seed=1))
    assert torch.equal(edit.attention, torch.ones(2, 1, 32, 32))
    assert torch.equal(edit.image, image)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_batch_1_equals_batch_8(matcher: str) -> None:
    generator, image = lively_generator(matcher).eval(), photos(8)
    y_from, y_to = draw(8, N_AUS), draw(8, N_AUS, seed=1)
    with torch.inference_mode():
        inputs = (image, y_from, y_to)
        together: Edit = generator(*inputs)
        alone: list[Edit] = [generator(*(values[i : i + 1] for values in inputs)) for i in range(8)]
    assert torch.allclose(torch.cat([edit.image for edit in alone]), together.image, atol=1e-4)
    assert torch.allclose(torch.cat([edit.attention for edit in alone]), together.attention, atol=1e-4)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_training_and_inference_give_the_same(matcher: str) -> None:
    generator, inputs = lively_generator(matcher), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    assert torch.equal(generator.train()(*inputs).image, generator.eval()(*inputs).image)
    assert not any("running" in name for name in generator.state_dict())


@pytest.mark.parametrize("matcher", MATCHERS)
def test_every_weight_of_a_generator_learns(matcher: str) -> None:
    generator = lively_generator(matcher)
    edit: Edit = generator(photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    (edit.image.square().mean() + edit.attention.mean()).backward()
    for name, weight in generator.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_saved_generator_is_loaded_with_the_same_result(matcher: str) -> None:
    generator, inputs = lively_generator(matcher), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    other = small_generator(matcher)
    other.load_state_dict(load(save(generator.state_dict())))
    assert torch.equal(other(*inputs).image, generator(*inputs).image)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_generator_works_in_bf16_and_returns_floats(matcher: str) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        edit: Edit = lively_generator(matcher)(photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    for part in (edit.image, edit.attention, edit.color):
        assert part.dtype == torch.float32 and torch.isfinite(part).all()


@pytest.mark.parametrize("matcher", MATCHERS)
def test_convolutions_begin_as_the_paper_draws_them(matcher: str) -> None:
    generator = AttentionGenerator(GeneratorConfig(size_px=32, channels=16, blocks=2, matcher=matcher), N_AUS)
    convolutions = [module for module in generator.modules() if isinstance(module, nn.Conv2d)]
    weights = torch.cat([module.weight.flatten() for module in convolutions])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01) and weights.mean().abs() < 1e-3
    assert all(module.bias is None or not module.bias.any() for module in convolutions)


def test_a_warp_by_nothing_is_the_identity_to_the_last_bit() -> None:
    assert torch.equal(warp(photos(), torch.zeros(2, 2, 32, 32)), photos())


def test_a_warp_shows_the_image_at_p_plus_flow() -> None:
    flow = torch.zeros(2, 2, 32, 32)
    flow[:, 0] = 3 * 2 / 32  # x comes first
    moved = warp(photos(), flow)
    assert torch.allclose(moved[..., :-3], photos()[..., 3:], atol=1e-5)
    assert torch.allclose(moved[..., -3:], photos()[..., -1:].expand(-1, -1, -1, 3), atol=1e-5)


def test_a_resized_flow_keeps_its_values_as_its_units_have_no_pixels() -> None:
    assert torch.allclose(resize(torch.full((1, 2, 8, 8), 0.3), 32), torch.tensor(0.3))


def test_a_soft_gate_lets_through_between_nothing_and_all_of_the_warped_features() -> None:
    block, features, flow = SoftGatedWarp(4), draw(2, 4, 8, 8), 0.2 * draw(2, 2, 8, 8)
    warped = warp(block.refine(features), flow)
    for gate, share in ((-200.0, 0.0), (0.0, 0.5), (200.0, 1.0)):
        block.gate = Always(gate, 1)  # type: ignore[assignment]
        assert torch.allclose(block(features, flow), features + share * warped, atol=1e-6)


def test_a_verdict_has_one_score_a_patch_and_one_value_an_au() -> None:
    verdict = small_critic()(photos(3))
    assert verdict.aus.shape == (3, N_AUS)
    assert verdict.realism.shape == (3, 8 * 8 + 2 * 2)  # patches two layers before the end, and the whole face
    sizes = [feature.shape[-1] for feature in verdict.features]
    assert sizes == [16, 8, 4, 2]


@pytest.mark.parametrize(("size", "layers"), [(32, 5), (64, 4), (48, 4)])
def test_the_critics_heads_follow_the_size_of_the_image(size: int, layers: int) -> None:
    critic = small_critic(size, layers)
    assert critic(photos(size=size)).aus.shape == (2, N_AUS)
    assert critic.au_head.weight.shape[-1] == size // 2**layers


def test_the_critic_judges_each_image_alone() -> None:
    critic, images = small_critic(), photos(8)
    together = critic(images)
    alone = [critic(image[None]) for image in images]
    assert torch.allclose(torch.cat([one.aus for one in alone]), together.aus, atol=1e-6)
    assert torch.allclose(torch.cat([one.realism for one in alone]), together.realism, atol=1e-6)


def test_every_weight_of_the_critic_learns_and_is_saved() -> None:
    critic = small_critic()
    verdict = critic(photos())
    (verdict.realism.square().mean() + verdict.aus.square().mean()).backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in critic.parameters())
    other = small_critic()
    with torch.no_grad():
        other.au_head.weight.add_(1)
    other.load_state_dict(load(save(critic.state_dict())))
    assert torch.equal(other(photos()).aus, verdict.aus)


def still_band(size: int = 32) -> Tensor:
    """What keeps its place: a bar across the middle, of rows 14 to 18."""
    away = (torch.arange(size) - 16).abs().sub(2).clamp_min(0) / size
    return (1 - away / REACH).clamp_min(0)[None, None, :, None].expand(2, 1, size, size).contiguous()


@pytest.mark.parametrize("matcher", MATCHERS)
def test_where_nothing_is_held_the_edit_is_the_same_to_the_last_bit(matcher: str) -> None:
    generator, inputs = lively_generator(matcher), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    one, other = generator(*inputs), generator(*inputs, torch.zeros(2, 1, 32, 32))
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.attention, other.attention)


@pytest.mark.parametrize("matcher", MATCHERS)
def test_what_is_held_keeps_its_pixels(matcher: str) -> None:
    generator, inputs = lively_generator(matcher), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    free, kept = generator(*inputs), generator(*inputs, still_band())
    band = slice(15, 18)
    assert (free.image - photos())[:, :, band].abs().max() > 0.1
    assert (kept.image - photos())[:, :, band].abs().max() < 0.02
    assert (kept.attention[:, :, band] == 1).all()
    assert not torch.equal(kept.image, photos())  # elsewhere faces still move


def test_what_is_held_is_not_seen_again_beside_itself() -> None:
    """A flow on a leash never leads into what is held, nor past it, and does not fold."""
    still = still_band(128)[:1]
    rows = torch.arange(128)
    for pixels in (-12.0, -3.0, 3.0, 12.0):
        flow = torch.zeros(1, 2, 128, 128)
        flow[:, 1] = pixels / 64
        source = rows + 64 * leashed(flow, still)[0, 1, :, 0]
        for side in (rows < 14, rows > 18):
            assert (((source - 16).abs() > 2) & ((source > 16) == (rows > 16)))[side].all()
        assert (source.diff() > 0).all()
        assert source[14:19] == pytest.approx(rows[14:19].float(), abs=1e-3)
        assert source[80] == pytest.approx(80 + pixels, abs=0.01)

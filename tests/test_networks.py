"""Laws of the networks: identity, independence of the batch, the paper's equation, and a life of forward to load."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from synthetic import mean_face
from torch import Tensor, nn

from ganimate.config import CriticConfig, GeneratorConfig
from ganimate.face.glasses import REACH
from ganimate.face.landmarks import LOWER_LIPS, UPPER_LIPS
from ganimate.motion.landmark_response import LandmarkResponse
from ganimate.motion.spline import spline_flow
from ganimate.networks import GENERATORS, Critic, Edit, GeneratorNetwork, build_generator
from ganimate.networks.blocks import SoftGatedWarp, resize, warp
from ganimate.networks.hold_map import leashed
from ganimate.networks.pictures import to_pictures
from ganimate.networks.warping import MOST_GAIN, GeometricMatcher, WarpingGenerator, change_strength, rim, stretch
from ganimate.render.paste import Paster

N_AUS = 5
ARCHITECTURES = sorted(GENERATORS)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def photos(count: int = 2, size: int = 32) -> Tensor:
    return draw(count, 3, size, size) * 2 - 1


def landmarks(count: int = 2) -> Tensor:
    return 0.3 + 0.4 * draw(count, 68, 2, seed=9)


def lively_generator(architecture: str, size: int = 32) -> GeneratorNetwork:
    """A generator whose weights are all far from 0, as after training."""
    torch.manual_seed(0)
    generator = build_generator(GeneratorConfig(architecture, size, channels=4, blocks=2), N_AUS)
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if not weight.any():
                weight.normal_(0, 0.02)
            weight.mul_(10 if "to_" in name else 1)
    return generator


def small_critic(size: int = 32, layers: int = 4) -> Critic:
    torch.manual_seed(0)
    return Critic(CriticConfig(size, channels=4, layers=layers), N_AUS)


def test_every_architecture_can_be_configured_and_is_its_registered_class() -> None:
    for name, kind in GENERATORS.items():
        assert type(build_generator(GeneratorConfig(name, 32, channels=4, blocks=1), N_AUS)) is kind


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_edit_has_the_shapes_and_ranges_that_it_promises(architecture: str, size: int) -> None:
    edit: Edit = lively_generator(architecture, size)(
        photos(size=size), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks()
    )
    assert edit.image.shape == edit.color.shape == (2, 3, size, size)
    assert edit.attention.shape == (2, 1, size, size)
    assert edit.image.abs().max() <= 1 and edit.color.abs().max() <= 1
    assert edit.attention.min() >= 0 and edit.attention.max() <= 1
    assert (edit.flow is None) == (edit.coarse_flow is None) == (architecture == "attention")
    if edit.flow is not None and edit.coarse_flow is not None:
        assert edit.flow.shape == (2, 2, size, size) and edit.coarse_flow.shape == (2, 2, size // 2, size // 2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_edit_is_the_papers_equation(architecture: str) -> None:
    image = photos()
    edit: Edit = lively_generator(architecture)(image, draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    moved = image if edit.flow is None else warp(image, edit.flow)
    assert torch.equal(edit.image, (1 - edit.attention) * edit.color + edit.attention * moved)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_edit_depends_on_what_is_asked(architecture: str) -> None:
    generator, image, y_from = lively_generator(architecture), photos(), draw(2, N_AUS)
    first: Edit = generator(image, y_from, draw(2, N_AUS, seed=1), landmarks())
    second: Edit = generator(image, y_from, draw(2, N_AUS, seed=2), landmarks())
    assert (first.image - second.image).abs().max() > 1e-3


class Always(nn.Module):
    """A head that gives one value everywhere."""

    def __init__(self, value: float, channels: int) -> None:
        super().__init__()
        self.value, self.channels = value, channels

    def forward(self, features: Tensor) -> Tensor:
        return torch.full((len(features), self.channels, *features.shape[-2:]), self.value)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_full_attention_without_flow_is_the_identity_to_the_last_bit(architecture: str) -> None:
    generator, image = lively_generator(architecture), photos()
    closed = 200.0 if architecture == "attention" else -200.0  # the warping head says how much to repaint
    generator.to_attention = Always(closed, 1)
    if isinstance(generator, WarpingGenerator):
        generator.matcher.to_flow = Always(0.0, 2)  # type: ignore[assignment]
        nn.init.zeros_(generator.matcher.slopes)
    edit: Edit = generator(image, draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    assert torch.equal(edit.attention, torch.ones(2, 1, 32, 32))
    assert torch.equal(edit.image, image)


@pytest.mark.parametrize("size", [32, 48])
def test_asking_the_warping_generator_for_what_is_there_changes_nothing(size: int) -> None:
    image, y = photos(size=size), draw(2, N_AUS)
    edit: Edit = lively_generator("warping", size)(image, y, y.clone(), landmarks())
    assert edit.flow is not None and edit.flow.abs().max() < 1e-6
    assert torch.equal(edit.attention, torch.ones_like(edit.attention))
    assert torch.allclose(edit.image, image, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batch_1_equals_batch_8(architecture: str) -> None:
    generator, image = lively_generator(architecture).eval(), photos(8)
    y_from, y_to = draw(8, N_AUS), draw(8, N_AUS, seed=1)
    with torch.inference_mode():
        inputs = (image, y_from, y_to, landmarks(8))
        together: Edit = generator(*inputs)
        alone: list[Edit] = [generator(*(values[i : i + 1] for values in inputs)) for i in range(8)]
    assert torch.allclose(torch.cat([edit.image for edit in alone]), together.image, atol=1e-4)
    assert torch.allclose(torch.cat([edit.attention for edit in alone]), together.attention, atol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_and_inference_give_the_same(architecture: str) -> None:
    generator, inputs = lively_generator(architecture), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    assert torch.equal(generator.train()(*inputs).image, generator.eval()(*inputs).image)
    assert not any("running" in name for name in generator.state_dict())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_weight_of_a_generator_learns(architecture: str) -> None:
    generator = lively_generator(architecture)
    generator.prime(LandmarkResponse(np.full((N_AUS, 68, 2), 0.02, "f4"), np.zeros(N_AUS, "f4"), np.ones(68, "f4")))
    edit: Edit = generator(photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    (edit.image.square().mean() + edit.attention.mean() + edit.steered.square().mean()).backward()
    for name, weight in generator.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_saved_generator_is_loaded_with_the_same_result(architecture: str) -> None:
    generator, inputs = lively_generator(architecture), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    other = build_generator(GeneratorConfig(architecture, 32, channels=4, blocks=2), N_AUS)
    other.load_state_dict(load(save(generator.state_dict())))
    assert torch.equal(other(*inputs).image, generator(*inputs).image)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_generator_works_in_bf16_and_returns_floats(architecture: str) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        edit: Edit = lively_generator(architecture)(photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    for part in (edit.image, edit.attention, edit.color):
        assert part.dtype == torch.float32 and torch.isfinite(part).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_convolutions_begin_as_the_paper_draws_them(architecture: str) -> None:
    generator = build_generator(GeneratorConfig(architecture, 32, channels=16, blocks=2), N_AUS)
    convolutions = [module for module in generator.modules() if isinstance(module, nn.Conv2d)]
    weights = torch.cat([module.weight.flatten() for module in convolutions])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01) and weights.mean().abs() < 1e-3
    assert all(module.bias is None or not module.bias.any() for module in convolutions)


def test_a_primed_generator_moves_a_face_by_its_landmarks_from_the_first_step() -> None:
    points, slopes = landmarks(1), torch.zeros(N_AUS, 68, 2)
    slopes[3, 48:] = 0.05 * torch.sin(4 * points[0, 48:].flip(1))
    known = LandmarkResponse(slopes.numpy(), np.zeros(N_AUS, np.float32), np.full(68, 1e3, np.float32))
    generator = build_generator(GeneratorConfig("warping", 32, channels=4, blocks=2), N_AUS)
    generator.prime(known)
    faces = points.expand(N_AUS, -1, -1)
    flow = generator(photos(N_AUS), torch.zeros(N_AUS, N_AUS), torch.eye(N_AUS), faces).coarse_flow
    goal = torch.from_numpy(
        known.move(points.numpy(), np.zeros((1, N_AUS), np.float32), np.eye(N_AUS, dtype="f4")[3:4])
    )
    wanted, inside = spline_flow(points, goal, 16)[0], slice(2, -2)
    assert torch.allclose(flow[3, :, inside, inside], wanted[:, inside, inside], atol=0.01 * float(wanted.abs().max()))
    assert flow[[0, 1, 2, 4]].abs().max() < 1e-6 < 0.01 < flow[3].abs().max()


def test_a_blink_covers_the_eyes_and_bared_teeth_are_not_painted() -> None:
    generator = lively_generator("warping")
    closing = np.zeros(N_AUS, "f4")
    closing[0] = 1
    generator.prime(LandmarkResponse(np.zeros((N_AUS, 68, 2), "f4"), closing, np.ones(68, "f4")))
    generator.to_attention = Always(9.0, 1)  # paint everywhere
    points = mean_face()
    points[:, [61, 62, 63], 1] -= 0.03
    points[:, [65, 66, 67], 1] += 0.03
    y = torch.zeros(1, N_AUS)
    with torch.no_grad():
        edit = generator(torch.full((1, 3, 32, 32), 0.2), y, y + torch.eye(N_AUS)[:1], points)
    assert edit.shut is not None and edit.shut.min() > 0.99
    column, row = (points[0, 60:68].mean(0) * 32).int().tolist()
    assert edit.attention[0, 0, row, column] > 0.9 > 0.1 > edit.attention[0, 0, 4, 4]


def test_open_eyes_are_not_painted() -> None:
    generator, image, points, y = opening_mouth()
    generator.to_attention = Always(9.0, 1)
    with torch.no_grad():
        attention = generator(image, y, y + torch.eye(N_AUS)[:1], points).attention[0, 0]
    for eye in ([*range(36, 42)], [*range(42, 48)]):
        column, row = (points[0, eye].mean(0) * 64).int().tolist()
        assert attention[row, column] > 0.7 > 0.1 > attention[4, 4]


def opening_mouth() -> tuple[WarpingGenerator, Tensor, Tensor, Tensor]:
    """A generator whose first AU opens the mouth, a photo, its landmarks and no AU."""
    generator = lively_generator("warping", 64)
    assert isinstance(generator, WarpingGenerator)
    slopes = np.zeros((N_AUS, 68, 2), "f4")
    slopes[0, [*LOWER_LIPS, 58, 57, 56], 1] = 0.12
    generator.prime(LandmarkResponse(slopes, np.zeros(N_AUS, "f4"), np.ones(68, "f4")))
    points = mean_face()
    points[:, LOWER_LIPS] = points[:, UPPER_LIPS] + torch.tensor([0.0, 0.004])
    return generator, 0.4 * draw(1, 3, 64, 64, seed=3), points, torch.zeros(1, N_AUS)


def test_what_is_drawn_in_a_mouth_is_in_the_image_as_in_a_photo() -> None:
    generator, image, points, y = opening_mouth()
    with torch.no_grad():
        edit = generator(image, y, y + torch.eye(N_AUS)[:1], points)
        still = generator(image, y, y, points)
    assert still.gap is not None and not still.gap.any() and torch.equal(still.image, image)
    assert edit.mouth is not None and edit.gap is not None and edit.gap.max() > 0.99
    photo = to_pictures(edit.image)[0]
    drawn = photo.copy()
    edit.mouth.one(0).draw(drawn, Paster(photo.shape, np.eye(2, 3), 64))
    sure = edit.gap[0, 0].numpy() > 0.999
    assert sure.sum() > 10
    assert np.abs(drawn[sure].astype(int) - photo[sure]).max() <= 1


def test_paint_does_not_depend_on_the_motion() -> None:
    generator, image, points, y = opening_mouth()
    generator.to_color = Always(0.1, 3)
    generator.to_attention = Always(2.0, 1)
    generator.train()
    edit = generator(image, y, y + torch.eye(N_AUS)[:1], points)
    torch.testing.assert_close(edit.painted, edit.image)
    (by_motion,) = torch.autograd.grad(edit.painted.square().sum(), edit.moved, retain_graph=True)
    (by_image,) = torch.autograd.grad(edit.image.square().sum(), edit.moved)
    assert by_motion.abs().max() < 1e-5 < 0.1 < by_image.abs().max()


def test_no_gain_makes_a_grimace() -> None:
    matcher = build_generator(GeneratorConfig("warping", 32, channels=4, blocks=2), N_AUS).get_submodule("matcher")
    assert isinstance(matcher, GeometricMatcher)
    assert torch.equal(matcher.gain(), torch.ones(N_AUS))
    nn.init.constant_(matcher.log_gain, 9.0)
    assert torch.allclose(matcher.gain(), torch.tensor(MOST_GAIN))


def test_a_flow_that_enlarges_is_stretched_by_that_much() -> None:
    line = (torch.arange(32) * 2 + 1) / 32 - 1
    for zoom in (0.5, 1.0, 2.0):  # backward: the result shows a part of the photo, 1 / zoom as wide
        flow = (1 / zoom - 1) * torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1])[None]
        middle = stretch(flow)[..., :-1, :-1]
        assert torch.allclose(middle, torch.tensor(2 * float(torch.tensor(zoom).log2())), atol=1e-4)


@pytest.mark.parametrize("size", [32, 48, 80, 128])
def test_the_rim_is_zero_at_every_border_one_inside_and_symmetric(size: int) -> None:
    fade = rim(size, torch.device("cpu"))[0, 0]
    for border in (fade[0], fade[-1], fade[:, 0], fade[:, -1]):
        assert not border.any()
    assert (fade[size // 8 : -size // 8, size // 8 : -size // 8] == 1).all()
    assert torch.equal(fade, fade.flip(0)) and torch.equal(fade, fade.T)


@pytest.mark.parametrize("size", [32, 48, 80])
def test_the_flow_is_zero_at_the_crops_border(size: int) -> None:
    edit: Edit = lively_generator("warping", size)(
        photos(size=size), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks()
    )
    assert edit.flow is not None and edit.flow.abs().max() > 0.01
    for border in (edit.flow[..., 0, :], edit.flow[..., -1, :], edit.flow[..., 0], edit.flow[..., -1]):
        assert not border.any()


def test_a_change_opens_the_edit_by_its_size() -> None:
    y = draw(4, N_AUS)
    step = torch.tensor([0.0, 0.01, 0.1, 1.0])[:, None] * torch.eye(N_AUS)[0]
    strength = change_strength(y, y + step).flatten()
    assert strength[0] < 1e-6 and (strength.diff() > 0).all() and strength[3] <= 1
    assert strength[1].item() == pytest.approx(0.1, abs=0.01)


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


def test_the_au_head_steers_the_gains_of_the_motion_and_nothing_else() -> None:
    generator = build_generator(GeneratorConfig("warping", 32, channels=4, blocks=2), 5)
    with torch.no_grad():
        torch.nn.init.normal_(generator.get_submodule("matcher.to_flow").weight, 0, 0.1)
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    points = landmarks()
    generator.prime(LandmarkResponse(np.full((5, 68, 2), 0.01, "f4"), np.zeros(5, "f4"), np.ones(68, "f4")))
    edit = generator(image, torch.zeros(2, 5), torch.ones(2, 5), points)
    assert torch.allclose(edit.steered, edit.image)
    (edit.steered * torch.linspace(0, 1, 32)).sum().backward()
    assert {name for name, weight in generator.named_parameters() if weight.grad is not None and weight.grad.any()} == {
        "matcher.log_gain"
    }
    assert generator.eval()(image, torch.zeros(2, 5), torch.ones(2, 5), points).steerable is None


def test_what_cannot_move_is_steered_by_its_paint() -> None:
    generator = build_generator(GeneratorConfig("attention", 32, channels=4, blocks=1), 5)
    edit = generator(torch.zeros(1, 3, 32, 32), torch.zeros(1, 5), torch.ones(1, 5), landmarks(1))
    assert edit.steered is edit.image


def still_band(size: int = 32) -> Tensor:
    """What keeps its place: a bar across the middle, of rows 14 to 18."""
    away = (torch.arange(size) - 16).abs().sub(2).clamp_min(0) / size
    return (1 - away / REACH).clamp_min(0)[None, None, :, None].expand(2, 1, size, size).contiguous()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_where_nothing_is_held_the_edit_is_the_same_to_the_last_bit(architecture: str) -> None:
    generator, inputs = lively_generator(architecture), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
    one, other = generator(*inputs), generator(*inputs, torch.zeros(2, 1, 32, 32))
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.attention, other.attention)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_held_keeps_its_pixels(architecture: str) -> None:
    generator, inputs = lively_generator(architecture), (photos(), draw(2, N_AUS), draw(2, N_AUS, seed=1), landmarks())
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

"""Laws of the matcher: at rest where nothing is asked for and at the border, and it learns where the skin goes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganimate.networks.blocks import identity_grid, warp
from ganimate.networks.matcher import FARTHEST, KNOTS, SplineMatcher, affine_flow, spline_basis

SIZE, CHANNELS, N_AUS = 32, 8, 3


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def make_matcher(*, lively: bool = False) -> SplineMatcher:
    torch.manual_seed(0)
    matcher = SplineMatcher(CHANNELS, 8, SIZE, N_AUS)
    if lively:
        for regression in (matcher.affine, matcher.spline):
            nn.init.normal_(regression.head.weight, 0, 0.3)
    return matcher


def test_a_fresh_matcher_moves_nothing() -> None:
    flow = make_matcher()(draw(2, CHANNELS, 8, 8), draw(2, N_AUS), draw(2, N_AUS, seed=1))
    assert flow.shape == (2, 2, SIZE, SIZE) and not flow.any()


def test_who_asks_for_what_is_there_moves_nothing_to_the_last_bit() -> None:
    matcher, features, y = make_matcher(lively=True), draw(2, CHANNELS, 8, 8), draw(2, N_AUS)
    assert not matcher(features, y, y.clone()).any()
    assert matcher(features, y, 1 - y).abs().max() > 0.05


def test_the_crops_border_rests_and_nothing_flies_away() -> None:
    flow = make_matcher(lively=True)(draw(2, CHANNELS, 8, 8), torch.zeros(2, N_AUS), torch.ones(2, N_AUS))
    for border in (flow[..., 0, :], flow[..., -1, :], flow[..., 0], flow[..., -1]):
        assert not border.any()
    assert 0.01 < flow.abs().max() < 6 * FARTHEST  # a matrix of two rows, a shift, a spline that may overshoot


def test_a_spline_goes_through_its_knots_and_leaves_affine_maps_as_they_are() -> None:
    size = 8 * (KNOTS - 1)  # so fine that pixels lie beside every knot
    basis = torch.from_numpy(spline_basis(size, KNOTS)).double()
    line = torch.linspace(-1, 1, KNOTS, dtype=torch.float64)
    knots = torch.stack(torch.meshgrid(line, line, indexing="ij")[::-1], -1).reshape(-1, 2)
    places = identity_grid(torch.zeros(1, 1, size, size)).reshape(-1, 2).double()
    ways = knots @ torch.tensor([[0.2, -0.1], [0.05, 0.3]], dtype=torch.float64) + 0.1
    wanted = places @ torch.tensor([[0.2, -0.1], [0.05, 0.3]], dtype=torch.float64) + 0.1
    torch.testing.assert_close(basis @ ways, wanted, atol=1e-5, rtol=0)
    one = torch.zeros(KNOTS**2, dtype=torch.float64)
    one[KNOTS**2 // 2] = 1
    bent = (basis @ one).view(size, size)
    middle = slice(size // 2 - 1, size // 2 + 1)
    assert bent[middle, middle].min() > 0.9  # at the knot
    step = size // (KNOTS - 1)
    assert bent[middle, size // 2 + step - 1 : size // 2 + step + 1].abs().max() < 0.1  # at the next one


def test_an_affine_map_turns_and_shifts_about_the_middle() -> None:
    grid = identity_grid(torch.zeros(1, 1, SIZE, SIZE))
    numbers = torch.tensor([[0.0, -0.1, 0.1, 0.0, 0.2, 0.0]])
    flow = affine_flow(numbers, grid)
    x, y = grid[0].permute(2, 0, 1)
    torch.testing.assert_close(flow[0], torch.stack([0.2 - 0.1 * y, 0.1 * x]))


def test_it_learns_where_an_au_takes_a_blob() -> None:
    """One AU lifts what is bright, another moves it aside: to be told from the photo and the AUs alone."""
    torch.manual_seed(0)
    matcher = SplineMatcher(1, 8, 16, 2)
    grid = identity_grid(torch.zeros(1, 1, 16, 16))

    def blob(x: Tensor, y: Tensor) -> Tensor:
        far = (grid - torch.stack([x, y], -1)[:, None, None]).square().sum(-1)
        return torch.exp(-far / 0.05)[:, None]  # (B, 1, S, S)

    def errors(count: int) -> tuple[Tensor, Tensor]:
        x, y, aus = 0.3 * torch.randn(count), 0.3 * torch.randn(count), torch.rand(count, 2)
        image, goal = blob(x, y), blob(x + 0.2 * aus[:, 1], y - 0.3 * aus[:, 0])
        moved = warp(image, matcher(image, torch.zeros(count, 2), aus))
        return (moved - goal).square().mean(), (image - goal).square().mean()

    optimizer = torch.optim.Adam(matcher.parameters(), 3e-3)
    for _ in range(120):
        error, _ = errors(16)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    with torch.no_grad():
        found, still = errors(64)
    assert found < 0.2 * still

"""Laws of the objective: one visible weighted sum, and each term taken from the right samples."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from ganimate.config import LossWeights
from ganimate.data.samples import TrainingBatch
from ganimate.motion.spline import spline_flow
from ganimate.networks import Edit
from ganimate.training import losses
from ganimate.training.objective import (
    CriticReading,
    CriticTerms,
    GeneratorTerms,
    RegionTerms,
    adversarial_terms,
    geometry_terms,
)

# Powers of two: a sum tells which terms are in it.
WEIGHTS = LossWeights(*(2.0**i for i in range(len(dataclasses.fields(LossWeights)))))
WEIGHT_OF = {item.name: item.name for item in dataclasses.fields(GeneratorTerms)} | {"au": "generator_au"}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def batch(pairs: int = 2, count: int = 4) -> TrainingBatch:
    landmarks = 0.2 + 0.6 * draw(count, 68, 2)
    return TrainingBatch(
        source=draw(count, 3, 32, 32),
        y_from=draw(count, 5),
        y_to=draw(count, 5, seed=1),
        landmarks_from=landmarks,
        landmarks_to=landmarks + 0.02 * torch.sin(7 * landmarks.flip(2)),
        target=draw(pairs, 3, 32, 32, seed=2),
        known=torch.ones(pairs, 1, 32, 32),
        pairs=pairs,
    )


def edit(samples: TrainingBatch, flow: Tensor | None = None) -> Edit:
    count = len(samples.source)
    parts = (draw(count, 3, 32, 32, seed=3), draw(count, 1, 32, 32, seed=4), draw(count, 3, 32, 32, seed=5))
    return Edit(*parts, samples.source, flow, flow)


UNREAD = CriticReading(None)
SCORES = draw(4, 6, seed=8)


def reading(pairs: int = 2, seed: int = 0) -> CriticReading:
    matched, real = ([draw(pairs, 4, 2**i, 2**i, seed=start + i) for i in (3, 2)] for start in (seed, seed + 5))
    return CriticReading(draw(4, 5, seed=seed + 9), matched, real, SCORES)


@pytest.mark.parametrize("name", WEIGHT_OF)
def test_each_term_of_the_generator_has_its_weight(name: str) -> None:
    terms = GeneratorTerms(**{name: torch.tensor(3.0)})
    assert terms.total(WEIGHTS) == 3 * getattr(WEIGHTS, WEIGHT_OF[name])


def test_the_generators_terms_add_up() -> None:
    terms = GeneratorTerms(*(torch.tensor(float(i)) for i in range(len(WEIGHT_OF))))
    expected = sum(getattr(WEIGHTS, WEIGHT_OF[name]) * float(value) for name, value in vars(terms).items())
    assert terms.total(WEIGHTS) == expected


def test_the_critics_terms_add_up() -> None:
    au, adversarial, penalty = torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0)
    assert CriticTerms(au).total(WEIGHTS) == 2 * WEIGHTS.critic_au
    total = 2 * WEIGHTS.critic_au + 3 * WEIGHTS.adversarial + 5 * WEIGHTS.penalty
    assert CriticTerms(au, adversarial, penalty).total(WEIGHTS) == total


def test_the_critics_of_regions_have_one_term() -> None:
    assert RegionTerms(torch.tensor(2.0)).total(WEIGHTS) == 2


def test_paint_that_the_critics_of_regions_take_for_a_photo_costs_less() -> None:
    samples = batch()
    liked, disliked = (
        geometry_terms(edit(samples), samples, CriticReading(None, regions=torch.full((4, 3), score))).regions
        for score in (1.0, -1.0)
    )
    assert liked is not None and disliked is not None and liked < disliked


def test_a_flow_that_follows_the_landmarks_has_no_geometric_error() -> None:
    samples = batch()
    goal = spline_flow(samples.landmarks_from, samples.landmarks_to, 8)
    right, still = (geometry_terms(edit(samples, flow), samples, UNREAD) for flow in (goal, 0 * goal))
    assert right.geometry == 0 and still.flow_smoothness == 0
    assert still.geometry is not None and still.geometry > 0.001


def test_a_generator_without_flow_has_no_geometric_terms() -> None:
    terms = geometry_terms(edit(batch()), batch(), UNREAD)
    assert terms.geometry is None and terms.flow_smoothness is None and terms.pair is not None


def test_pairs_are_compared_with_their_true_photo() -> None:
    samples = batch()
    made = edit(samples)
    made.image[:2] = samples.target
    assert geometry_terms(made, samples, UNREAD).pair == 0


def test_without_pairs_there_is_no_pair_term() -> None:
    samples = batch(pairs=0)
    terms = adversarial_terms(edit(samples), samples, UNREAD, SCORES, None)
    assert terms.pair is None and terms.responsibility is None and terms.features is None


def test_what_nobody_read_has_no_term() -> None:
    terms = geometry_terms(edit(batch()), batch(), UNREAD)
    assert terms.au is None and terms.features is None


def test_the_aus_read_are_compared_with_those_asked() -> None:
    samples, read = batch(), reading()
    assert read.aus is not None
    expected = losses.action_units(read.aus, samples.y_to, samples.y_from)
    assert geometry_terms(edit(samples), samples, read).au == expected


def test_the_full_game_has_all_terms_of_the_paper() -> None:
    samples = batch()
    made = edit(samples, torch.zeros(4, 2, 8, 8))
    terms = adversarial_terms(made, samples, reading(), SCORES, samples.source[2:3] + 0.25)
    assert all(value is not None for value in vars(terms).values())
    assert terms.adversarial == -SCORES.mean()
    assert terms.cycle is not None and terms.cycle.item() == pytest.approx(0.25, abs=1e-6)
    assert terms.attention_size == (1 - made.attention).mean()


def test_features_are_those_of_the_pairs() -> None:
    read = reading()
    same = dataclasses.replace(read, real=read.matched)
    terms, other = (geometry_terms(edit(batch()), batch(), one).features for one in (same, read))
    assert terms == 0 and other is not None and other > 0


def test_a_batch_of_pairs_only_has_no_cycle() -> None:
    samples = batch(pairs=4)
    assert adversarial_terms(edit(samples), samples, reading(4), SCORES, samples.source[:0]).cycle is None

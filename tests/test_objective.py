"""Laws of the objective: one visible weighted sum, and each term taken from the right side of the game."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from ganimate.config import LossWeights
from ganimate.networks import Edit, Verdict
from ganimate.training import losses
from ganimate.training.objective import CriticTerms, GeneratorTerms, critic_terms, generator_terms

# Powers of two: a sum tells which terms are in it.
WEIGHTS = LossWeights(*(2.0**i for i in range(len(dataclasses.fields(LossWeights)))))
WEIGHT_OF = {item.name: item.name for item in dataclasses.fields(GeneratorTerms)} | {"au": "generator_au"}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def verdict(seed: int) -> Verdict:
    return Verdict(draw(4, 6, seed=seed), draw(4, 5, seed=seed + 1), ())


def edit(seed: int) -> Edit:
    image = draw(4, 3, 8, 8, seed=seed)
    return Edit(image, draw(4, 1, 8, 8, seed=seed + 1), image, image)


@pytest.mark.parametrize("name", WEIGHT_OF)
def test_each_term_of_the_generator_has_its_weight(name: str) -> None:
    terms = GeneratorTerms(**{one: torch.tensor(3.0 if one == name else 0.0) for one in WEIGHT_OF})
    assert terms.total(WEIGHTS) == 3 * getattr(WEIGHTS, WEIGHT_OF[name])


def test_the_critics_terms_add_up() -> None:
    adversarial, penalty, au = torch.tensor(2.0), torch.tensor(3.0), torch.tensor(5.0)
    total = 2 * WEIGHTS.adversarial + 3 * WEIGHTS.penalty + 5 * WEIGHTS.critic_au
    assert CriticTerms(adversarial, penalty, au).total(WEIGHTS) == total


def test_the_critic_reads_aus_from_photos_alone() -> None:
    photos, fakes, y, penalty = verdict(0), verdict(2), draw(4, 5, seed=9), torch.tensor(0.5)
    terms = critic_terms(photos, fakes, penalty, y)
    assert terms.au == losses.action_units(photos.aus, y)
    assert terms.adversarial == fakes.realism.mean() - photos.realism.mean()
    assert terms.penalty == 0.5


def test_the_generator_answers_for_what_was_asked_and_for_the_way_back() -> None:
    there, back, said, y_to, source = edit(0), edit(3), verdict(6), draw(4, 5, seed=9), draw(4, 3, 8, 8, seed=10)
    terms = generator_terms(there, said, y_to, back, source)
    assert terms.adversarial == -said.realism.mean()
    assert terms.au == losses.action_units(said.aus, y_to)
    assert terms.cycle == (back.image - source).abs().mean()
    sizes = [(1 - one.attention).mean() for one in (there, back)]
    torch.testing.assert_close(terms.attention_size, sum(sizes))
    smooth = [losses.total_variation(one.attention) for one in (there, back)]
    torch.testing.assert_close(terms.attention_smoothness, sum(smooth))
    home = dataclasses.replace(back, image=source)
    assert generator_terms(there, said, y_to, home, source).cycle == 0

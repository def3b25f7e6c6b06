"""The objective: which terms each network is trained on, and their weighted sum (paper, equation 5)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganimate.config import LossWeights
from ganimate.networks import Edit, Verdict
from ganimate.training import losses


@dataclass(frozen=True)
class CriticTerms:
    """Unweighted terms of the critic's loss."""

    adversarial: Tensor
    penalty: Tensor
    au: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        """Return the weighted sum."""
        return weights.adversarial * self.adversarial + weights.penalty * self.penalty + weights.critic_au * self.au


@dataclass(frozen=True)
class GeneratorTerms:
    """Unweighted terms of the generator's loss."""

    adversarial: Tensor
    au: Tensor
    cycle: Tensor
    attention_size: Tensor
    attention_smoothness: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        """Return the weighted sum."""
        return (
            weights.adversarial * self.adversarial
            + weights.generator_au * self.au
            + weights.cycle * self.cycle
            + weights.attention_size * self.attention_size
            + weights.attention_smoothness * self.attention_smoothness
        )


def critic_terms(photos: Verdict, fakes: Verdict, penalty: Tensor, y: Tensor) -> CriticTerms:
    """Return the critic's terms from what it says of photos that show AUs `y` (B, N), and of fakes."""
    return CriticTerms(
        losses.critic_adversarial(photos.realism, fakes.realism), penalty, losses.action_units(photos.aus, y)
    )


def generator_terms(edit: Edit, verdict: Verdict, y_to: Tensor, returned: Edit, source: Tensor) -> GeneratorTerms:
    """Return the generator's terms: the critic's `verdict` on an edit that was to show `y_to` (B, N), and the way back.

    `returned` is the edit of the result towards the `source`'s own AUs. Both directions have an attention.
    """
    both = (edit.attention, returned.attention)
    return GeneratorTerms(
        adversarial=losses.generator_adversarial(verdict.realism),
        au=losses.action_units(verdict.aus, y_to),
        cycle=losses.reconstruction(returned.image, source),
        attention_size=sum(map(losses.attention_size, both), source.new_zeros(())),
        attention_smoothness=sum(map(losses.total_variation, both), source.new_zeros(())),
    )

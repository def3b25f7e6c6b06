"""The objective: which terms each network is trained on, and their weighted sum (paper, equation 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganimate import losses
from ganimate.config import LossWeights
from ganimate.dataset import Batch
from ganimate.geometry import spline_flow
from ganimate.networks import Edit, Verdict


@dataclass(frozen=True)
class CriticTerms:
    """Unweighted terms of the critic's loss; a term that a phase does not use is None."""

    au: Tensor
    adversarial: Tensor | None = None
    penalty: Tensor | None = None

    def total(self, weights: LossWeights) -> Tensor:
        """Return the weighted sum."""
        total = weights.critic_au * self.au
        if self.adversarial is not None:
            total = total + weights.adversarial * self.adversarial
        if self.penalty is not None:
            total = total + weights.penalty * self.penalty
        return total


@dataclass(frozen=True)
class GeneratorTerms:
    """Unweighted terms of the generator's loss; a term that a phase or an architecture does not use is None."""

    geometry: Tensor | None = None
    flow_smoothness: Tensor | None = None
    pair: Tensor | None = None
    color: Tensor | None = None
    responsibility: Tensor | None = None
    features: Tensor | None = None
    adversarial: Tensor | None = None
    au: Tensor | None = None
    cycle: Tensor | None = None
    attention_size: Tensor | None = None
    attention_smoothness: Tensor | None = None

    def total(self, weights: LossWeights) -> Tensor:
        """Return the weighted sum."""
        weighted = (
            (weights.geometry, self.geometry),
            (weights.flow_smoothness, self.flow_smoothness),
            (weights.pair, self.pair),
            (weights.color, self.color),
            (weights.responsibility, self.responsibility),
            (weights.features, self.features),
            (weights.adversarial, self.adversarial),
            (weights.generator_au, self.au),
            (weights.cycle, self.cycle),
            (weights.attention_size, self.attention_size),
            (weights.attention_smoothness, self.attention_smoothness),
        )
        return torch.stack([weight * term for weight, term in weighted if term is not None]).sum()


def geometry_terms(edit: Edit, batch: Batch) -> GeneratorTerms:
    """Return the terms of the geometric phase: where the skin moves, and how the same person really looks there."""
    pair = losses.two_scale_reconstruction(edit.image[: batch.pairs], batch.target) if batch.pairs else None
    color = losses.plausible_color(edit.color, batch.target, edit.moved)
    paint = None
    if batch.pairs:
        pairs = slice(batch.pairs)
        paint = losses.responsibility(edit.attention[pairs], edit.color[pairs], edit.moved[pairs], batch.target)
    smoothness = losses.total_variation(edit.attention)
    if edit.coarse_flow is None:
        return GeneratorTerms(pair=pair, color=color, responsibility=paint, attention_smoothness=smoothness)
    goal = spline_flow(batch.landmarks_from, batch.landmarks_to, edit.coarse_flow.shape[-1])
    return GeneratorTerms(
        geometry=losses.flow_error(edit.coarse_flow, goal),
        flow_smoothness=losses.flow_bending(edit.coarse_flow),
        pair=pair,
        color=color,
        responsibility=paint,
        attention_smoothness=smoothness,
    )


def adversarial_terms(
    edit: Edit, batch: Batch, verdict: Verdict, real: Verdict | None, returned: Tensor | None
) -> GeneratorTerms:
    """Return all terms of the full game.

    `verdict` is the critic's on the result; `real` its verdict on the pairs' true photos; `returned` the first
    single photos after there and back, or None.
    """
    base = geometry_terms(edit, batch)
    cycle = None
    if returned is not None and len(returned):
        start = batch.pairs
        cycle = losses.reconstruction(returned, batch.source[start : start + len(returned)])
    features = None
    if real is not None:
        features = losses.feature_matching([f[: batch.pairs] for f in verdict.features[1:5]], real.features[1:5])
    return GeneratorTerms(
        geometry=base.geometry,
        flow_smoothness=base.flow_smoothness,
        pair=base.pair,
        color=base.color,
        responsibility=base.responsibility,
        features=features,
        adversarial=losses.generator_adversarial(verdict.realism),
        au=losses.action_units(verdict.aus, batch.y_to),
        cycle=cycle,
        attention_size=losses.attention_size(edit.attention),
        attention_smoothness=losses.total_variation(edit.attention),
    )

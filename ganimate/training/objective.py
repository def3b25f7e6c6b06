"""The objective: which terms each network is trained on, and their weighted sum (paper, equation 5)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganimate.config import LossWeights
from ganimate.data.samples import TrainingBatch
from ganimate.motion.landmark_response import expressive_weight
from ganimate.motion.spline import spline_flow
from ganimate.networks import Edit
from ganimate.training import losses

# Of the skin, where nobody knows what is to be painted; a quarter of it in the mouth, where something must be.
UNSEEN_HOLD = 0.06


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
class RegionTerms:
    """Unweighted terms of the loss of the regions' critics."""

    hinge: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        """Return the sum; a weight would only scale what Adam scales back."""
        return self.hinge


@dataclass(frozen=True)
class GeneratorTerms:
    """Unweighted terms of the generator's loss; a term that a phase or an architecture does not use is None."""

    geometry: Tensor | None = None
    flow_smoothness: Tensor | None = None
    pair: Tensor | None = None
    color: Tensor | None = None
    responsibility: Tensor | None = None
    features: Tensor | None = None
    regions: Tensor | None = None
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
            (weights.regions, self.regions),
            (weights.adversarial, self.adversarial),
            (weights.generator_au, self.au),
            (weights.cycle, self.cycle),
            (weights.attention_size, self.attention_size),
            (weights.attention_smoothness, self.attention_smoothness),
        )
        return torch.stack([weight * term for weight, term in weighted if term is not None]).sum()


@dataclass(frozen=True)
class CriticReading:
    """What the critic sees in a generator's edits.

    AUs (b, N) of the last b of the batch, or None; features of the pairs and of their real photos; the scores (B, P)
    that the critics of regions give the paint, or None.
    """

    aus: Tensor | None
    matched: Sequence[Tensor] = ()
    real: Sequence[Tensor] = ()
    regions: Tensor | None = None


def geometry_terms(edit: Edit, batch: TrainingBatch, reading: CriticReading) -> GeneratorTerms:
    """Return the terms of the geometric phase: where the skin moves, and how the same person really looks there."""
    pairs, pair, paint = slice(batch.pairs), None, None
    expressive = expressive_weight(batch.landmarks_to, edit.image.shape[-1])
    weight, rest = expressive[pairs] * batch.known, expressive[batch.pairs :]
    hold = UNSEEN_HOLD * (rest.amin((2, 3), keepdim=True) / rest).sqrt() if len(rest) else rest
    if batch.pairs:
        pair = losses.two_scale_reconstruction(edit.image[pairs], batch.target, weight)
        lead = torch.where(batch.taken, losses.PAINT_LEAD, losses.FOLD_LEAD)[:, None, None, None]
        parts = (edit.attention[pairs], edit.color[pairs], edit.moved[pairs])
        paint = losses.responsibility(*parts, batch.target, weight, lead)
    geometry = smoothness = None
    if edit.coarse_flow is not None:
        goal = spline_flow(batch.landmarks_from, batch.landmarks_to, edit.coarse_flow.shape[-1])
        geometry = losses.flow_error(edit.coarse_flow, goal)
        smoothness = losses.flow_bending(edit.coarse_flow)
    au = None
    if reading.aus is not None:
        last = slice(-len(reading.aus), None)
        au = losses.action_units(reading.aus, batch.y_to[last], batch.y_from[last])
    return GeneratorTerms(
        geometry=geometry,
        flow_smoothness=smoothness,
        pair=pair,
        color=losses.plausible_color(edit.color, batch.target, edit.moved, weight, hold),
        responsibility=paint,
        features=losses.feature_matching(reading.matched, reading.real) if reading.matched else None,
        regions=None if reading.regions is None else losses.generator_adversarial(reading.regions),
        au=au,
        attention_smoothness=losses.total_variation(edit.attention),
    )


def adversarial_terms(
    edit: Edit, batch: TrainingBatch, reading: CriticReading, realism: Tensor, returned: Tensor | None
) -> GeneratorTerms:
    """Return all terms of the full game.

    `realism` (B, P) is the critic's score of the result; `returned` the first single photos after there and back, or
    None.
    """
    cycle = None
    if returned is not None and len(returned):
        start = batch.pairs
        cycle = losses.reconstruction(returned, batch.source[start : start + len(returned)])
    return dataclasses.replace(
        geometry_terms(edit, batch, reading),
        adversarial=losses.generator_adversarial(realism),
        cycle=cycle,
        attention_size=losses.attention_size(edit.attention),
    )

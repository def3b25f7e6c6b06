"""What one step of a training tells: its terms, how its masks are, and what speaks against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganimate.networks import Edit


@dataclass(frozen=True)
class StepRecord:
    """What one step did: the unweighted terms, mask statistics, and a warning with its remedy.

    `seconds` is where its time went: to wait for the batch ("data"), to make faces, to teach the critic, to answer.
    """

    step: int
    terms: Mapping[str, float]
    images_per_s: float
    warning: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return one line for the log."""
        row: dict[str, Any] = {"step": self.step} | {name: round(value, 6) for name, value in self.terms.items()}
        row["images_per_s"] = round(self.images_per_s, 2)
        if self.seconds:
            row["seconds"] = {name: round(value, 4) for name, value in self.seconds.items()}
        if self.warning:
            row["warning"] = self.warning
        return json.dumps(row)


def mask_statistics(edit: Edit) -> dict[str, float]:
    """Return mean A and the share of pixels that are repainted."""
    attention = edit.attention.detach()
    return {"attention_mean": float(attention.mean()), "repainted_share": float((attention < 0.9).float().mean())}


def saturation(terms: Mapping[str, float]) -> str | None:
    """Return a warning with its remedy when the attention mask has closed or swallowed the face."""
    if "repainted_share" not in terms:
        return None
    if terms["repainted_share"] < 0.002:
        return "attention is saturated at 1: nothing is repainted; raise --generator-au-weight or check the labels"
    if terms["attention_mean"] < 0.05:
        return "attention is saturated at 0: everything is repainted; raise --attention-size-weight"
    return None

"""From a run to a model for users: the weights with all that is known of them, and a card for people."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ganimate.config import TrainConfig, from_dict
from ganimate.errors import ConfigError, ModelError, OutputError
from ganimate.system.files import write_file
from ganimate.training.held_out_check import RESPONSE
from ganimate.training.held_out_check import warning as weakness
from ganimate.training.history import Stretch
from ganimate.training.run_folder import MODEL_NAME, logged_seconds
from ganimate.zoo.card import ModelCard
from ganimate.zoo.catalogue import CARD_NAME, WEIGHTS_NAME
from ganimate.zoo.checkpoint import Model, load_model, save_model


@dataclass(frozen=True)
class Exported:
    """The files of an exported model; `card_kept` says that a card was there and was left as it is.

    `weakness` is a sentence, and a remedy, of a model that hardly animates.
    """

    weights: Path
    card: Path
    card_kept: bool
    weakness: tuple[str, str] | None = None


def export_run(
    run: Path, out: Path, *, name: str | None = None, license_text: str | None = None, overwrite: bool = False
) -> Exported:
    """Write the last model of the run in folder `run` to the folder `out`; raises ModelError and OutputError.

    `name` is by default that of the folder; without `license_text` nothing is claimed. Weights in half precision.
    """
    weights, card = out / WEIGHTS_NAME, out / CARD_NAME
    if weights.exists() and not overwrite:
        raise OutputError(f"{weights} exists already", "add --force, or choose another --out")
    if not (run / MODEL_NAME).is_file():
        raise ModelError(f"{run} holds no trained model", "hand in the folder of a run, made by 'ganimate train'")
    model = load_model(run / MODEL_NAME)
    told = dataclasses.replace(
        model.card,
        name=name or out.resolve().name,
        license=license_text or "",
        training=_with_hours(model.card.training, run),
    )
    card_kept = card.exists() and not overwrite
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_model(weights, told, model.generator, model.reader)
        if not card_kept:
            write_file(card, describe(dataclasses.replace(model, card=told), out).encode())
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from error
    return Exported(weights, card, card_kept, weakness(_held_out(told)))


def _held_out(card: ModelCard) -> dict[str, float]:
    """Return what was last measured on held-out people; nothing of runs of before, and of those without any."""
    facts = card.training.get("held_out")
    named = facts.items() if isinstance(facts, Mapping) else ()
    return {str(name): float(value) for name, value in named if isinstance(value, int | float)}


def _with_hours(training: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """Return the training facts with the hours; the first runs tell them in their logs only."""
    if "hours" in training:
        return dict(training)
    batch = training.get("config", {}).get("batch_images", 0)
    hours = logged_seconds(run, batch, training.get("steps", 0)) / 3600
    return {**training, "hours": round(hours, 3)} if hours else dict(training)


def describe(model: Model, folder: Path) -> str:
    """Return the card for people (Markdown), of facts alone; the model lies in `folder`."""
    card, reading = model.card, "critic" if model.card.reader is None else "reader"
    aus = "\n".join(f"| {unit.number} | {unit.name} |" for unit in card.units)
    return f"""# {card.name}

{_what(card)}

```sh
ganimate animate photo.jpg --model {shlex.quote(str(folder))} --au 12=1.0
```

## Facts

| | |
|---|---|
| generator | {card.generator.architecture}, {_millions(model.generator)} million weights |
| {reading} (reads the photo's own AUs) | {_millions(model.reader)} million weights |
| face | {card.crop.size_px} × {card.crop.size_px} px |
{_training_rows(card)}
| licence | {card.license or "not told"} |

## Action units

| AU | |
|---|---|
{aus}
"""


def _what(card: ModelCard) -> str:
    how = "repaints" if card.generator.matcher == "none" else "moves and repaints"
    return f"Animates a face in a photo by {len(card.aus)} FACS action units; it {how} the face."


def _millions(network: nn.Module) -> str:
    return f"{sum(weight.numel() for weight in network.parameters()) / 1e6:.1f}"


def _training_rows(card: ModelCard) -> str:
    """Return the rows of the table that the training facts allow."""
    facts = card.training
    rows = []
    if "steps" in facts:
        rows.append(f"| training | {_steps(facts)} |")
    if "training_photos" in facts:
        rows.append(f"| photos | {facts['training_photos']} to train on, {facts['photos']} in all |")
    elif "photos" in facts:
        rows.append(f"| photos | {facts['photos']} in all |")
    if RESPONSE in (held_out := _held_out(card)):
        rows.append(f"| response on held-out people, by its own critic | {held_out[RESPONSE]:.2f} of 1 |")
    if "hours" in facts:
        rows.append(f"| time | {facts['hours']:.1f} hours |")
    return "\n".join(rows) or "| training | not told |"


def _steps(facts: Mapping[str, Any]) -> str:
    """Return the steps, by stretch where the run went on otherwise than before: with another batch, say."""
    total = int(facts["steps"])
    try:
        plain = facts.get("history") or [{"from_step": 0, "config": facts["config"]}]
        stretches = [from_dict(Stretch, each) for each in plain]
        ends = [*(stretch.from_step for stretch in stretches[1:]), total]
        told = [
            f"{end - stretch.from_step} steps of {from_dict(TrainConfig, stretch.config).batch_images} photos"
            for stretch, end in zip(stretches, ends, strict=True)
        ]
    except (KeyError, ConfigError):  # written by another version
        return f"{total} steps"
    return told[0] if len(told) == 1 else f"{total} steps: {', then '.join(told)}"

"""The folder of a training run: its files, its config, its log. Torch-free.

Of several processes that do one training, only the first one writes.

RUN/config.json          the resolved config, written once, before the first step
RUN/state.safetensors    everything that a resumed run needs
RUN/model.safetensors    the weights for users (EMA)
RUN/log.jsonl            one line a step
RUN/samples/000500.png   sample sheets
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ganimate.config import from_dict, to_dict
from ganimate.config.record import ConfigT
from ganimate.errors import OutputError, TrainingError
from ganimate.system.files import sweep, write_file
from ganimate.system.share import Share

STATE_NAME, MODEL_NAME, LOG_NAME, CONFIG_NAME = "state.safetensors", "model.safetensors", "log.jsonl", "config.json"
SAMPLES_NAME = "samples"


def is_run(folder: Path) -> bool:
    """Say whether a training run was begun in `folder`."""
    return (folder / CONFIG_NAME).is_file() or (folder / STATE_NAME).is_file()


def create_run(folder: Path, config: Any) -> None:
    """Make the run folder (empty or not yet there) and write its config; raises OutputError where it is taken."""
    if not Share.own().first:
        return
    if is_run(folder):
        raise OutputError(f"{folder} holds a training run already", "add --resume to go on, or choose a new --out")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} exists already and is not an empty folder", "choose a new --out")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the run cannot be written to {folder}: {error.strerror or error}") from error
    write_config(folder, config)


def write_config(folder: Path, config: Any) -> None:
    """Write the config of the run in `folder`, atomically."""
    if Share.own().first:
        write_file(folder / CONFIG_NAME, (json.dumps(to_dict(config), indent=1) + "\n").encode())


def read_config(folder: Path, kind: type[ConfigT]) -> ConfigT:
    """Return the config of the run in `folder`, of that kind; raises TrainingError where there is none."""
    try:
        return from_dict(kind, json.loads((folder / CONFIG_NAME).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} is not a training run", "begin one without --resume") from error


def open_log(folder: Path, step: int) -> TextIO:
    """Return the log of the run in `folder`, to be gone on with after `step`; what a kill has left half written goes.

    A process that does not write gets a log that leads nowhere.
    """
    if not Share.own().first:
        return open(os.devnull, "w", encoding="utf-8")
    remove_leftovers(folder)
    cut_log(folder, step)
    return open(folder / LOG_NAME, "a", encoding="utf-8")


def remove_leftovers(folder: Path) -> None:
    """Remove the half-written files of a trainer that was killed while it saved."""
    for name in (STATE_NAME, MODEL_NAME, CONFIG_NAME, LOG_NAME):
        sweep(folder / name)


def cut_log(folder: Path, step: int) -> None:
    """Drop the log's lines after `step`: they belong to work that the resumed run does again."""
    path = folder / LOG_NAME
    if path.exists():
        kept = [line for line, row in _log_lines(path) if row["step"] <= step]
        write_file(path, "".join(line + "\n" for line in kept).encode())


def logged_seconds(folder: Path, batch_images: int, steps: float) -> float:
    """Return the seconds that the first `steps` steps took by the log, for runs whose files do not tell."""
    rates = [row.get("images_per_s", 0) for _, row in _log_lines(folder / LOG_NAME) if row["step"] <= steps]
    return float(sum(batch_images / rate for rate in rates if rate > 0))


def _log_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the whole lines of a log; the line that a kill cut in two is left out."""
    if not path.is_file():
        return
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            int(row["step"])
        except (ValueError, KeyError, TypeError):
            continue
        yield line, row

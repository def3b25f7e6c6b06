"""Sample sheets of a run: people that it never trained on, each with single expressions at full strength.

Rows: a person's photo, the attention mask below it (white keeps the photo), the painted colour below that.
Columns: the photo itself, then one expression each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.data.dataset import plain_views
from ganimate.data.pack import Pack
from ganimate.errors import OutputError
from ganimate.media import write_image
from ganimate.media.provenance import Mark
from ganimate.networks import Critic, Edit, GeneratorNetwork
from ganimate.networks.pictures import to_pictures
from ganimate.training.run_folder import SAMPLES_NAME
from ganimate.training.trainer import Trainer

Pixels = NDArray[np.uint8]  # (H, W, 3)

PEOPLE = 6
EXPRESSIONS: tuple[tuple[int, ...], ...] = ((12,), (25, 26), (1, 2), (4,), (45,))
SMALLEST_CELL_PX = 64  # smaller faces are enlarged, or their labels could not be read
HEADER_PX = 20
FULL_CROP = 0.02  # a photo that lacks more of its crop than this is not shown if others are there


def choose_people(pack: Pack, count: int = PEOPLE) -> NDArray[np.int64]:
    """Return the indices of up to `count` photos, one a person, held out if any are: the calmest face of each."""
    held = pack.indices(validation=True)
    found = held if len(held) else pack.indices(validation=False)
    whole = found[pack.outside[found] <= FULL_CROP]
    found = whole if len(whole) else found
    calm_first = found[np.argsort(pack.aus[found].sum(1), kind="stable")]
    keys = np.where(pack.person[calm_first] >= 0, pack.person[calm_first], -1 - calm_first)
    _, first = np.unique(keys, return_index=True)
    people: NDArray[np.int64] = np.sort(calm_first[first])
    chosen: NDArray[np.int64] = people[np.unique(np.linspace(0, len(people) - 1, count).astype(int))]
    return chosen


def expressions(numbers: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the expressions that a model of these AUs can be asked for: `EXPRESSIONS`, or single AUs instead."""
    known = [wish for wish in EXPRESSIONS if set(wish) <= set(numbers)]
    return known or [(number,) for number in numbers[: len(EXPRESSIONS)]]


@torch.inference_mode()
def sample_sheet(generator: GeneratorNetwork, critic: Critic, photos: Tensor, numbers: Sequence[int]) -> Pixels:
    """Return the sheet for photos (n, 3, S, S) in [-1, 1] and a model of the AUs `numbers`.

    Each photo's own AUs are what the critic reads, as they will be for users; the AUs that an expression does not
    name stay.
    """
    own = critic(photos).aus.clamp(0, 1)  # (n, N)
    columns = [_source_column(to_pictures(photos), own, numbers)]
    for wish in expressions(numbers):
        goal = own.clone()
        goal[:, [list(numbers).index(number) for number in wish]] = 1.0
        edit: Edit = generator(photos, own, goal)
        columns.append(_label("AU " + " + ".join(map(str, wish)), _edit_column(edit)))
    return np.concatenate(columns, axis=1)


def write_sample(trainer: Trainer, folder: Path) -> Path:
    """Write the sheet of the trainer's EMA generator into the run in `folder`; returns its path."""
    photos = plain_views(trainer.pack, choose_people(trainer.pack)).to(trainer.device)
    sheet = sample_sheet(trainer.average, trainer.critic, photos, trainer.pack.au_numbers)
    path = folder / SAMPLES_NAME / f"{trainer.step_index:06d}.png"
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made: {error.strerror or error}") from error
    write_image(path, sheet, overwrite=True, mark=Mark("in training"))
    return path


def _edit_column(edit: Edit) -> Pixels:
    attention = edit.attention.mul(2).sub(1).expand_as(edit.image)
    parts = [to_pictures(part) for part in (edit.image, attention, edit.color)]  # three times (n, S, S, 3)
    return _stack([part[i] for i in range(len(parts[0])) for part in parts])


def _source_column(photos: NDArray[np.uint8], own: Tensor, numbers: Sequence[int]) -> Pixels:
    """Return the column of the photos, each with its strongest AUs below."""
    empty = np.full_like(photos[0], 255)
    column = _stack([cell for photo in photos for cell in (photo, empty, empty)])
    cell = column.shape[0] // (3 * len(photos))
    for row, aus in enumerate(own.cpu().numpy()):
        for line, index in enumerate(np.argsort(-aus)[:3]):
            top = (3 * row + 1) * cell + (line + 1) * HEADER_PX
            _write(column, f"AU{numbers[index]} {aus[index]:.2f}", top)
    return _label("photo", column)


def _stack(cells: Sequence[Pixels]) -> Pixels:
    factor = math.ceil(SMALLEST_CELL_PX / cells[0].shape[0])
    return np.concatenate([cell.repeat(factor, 0).repeat(factor, 1) for cell in cells])


def _label(text: str, column: Pixels) -> Pixels:
    header = np.full((HEADER_PX, *column.shape[1:]), 255, np.uint8)
    _write(header, text, HEADER_PX)
    return np.concatenate([header, column])


def _write(image: Pixels, text: str, bottom: int) -> None:
    """Write black text into a line of HEADER_PX that ends at `bottom`, in place, no wider than the image."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, _), _ = cv2.getTextSize(text, font, 0.45, 1)
    scale = 0.45 * min(1.0, (image.shape[1] - 8) / width)
    cv2.putText(image, text, (4, bottom - 6), font, scale, (0, 0, 0), 1, cv2.LINE_AA)

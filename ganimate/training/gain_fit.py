"""How far an AU goes at 1: until the AU reader reads of painted faces what it reads of people who show all of it.

Coders gave nearly nobody the highest intensity, and meshes scatter by as much as most AUs move (0.5 to 2.4 times their
way), so that meshes alone cannot tell how far they go at the most. A reader can: it knows how faces look that show
them. Gains that meshes tell are the least, and all that counts for mouths that widen, open or frown.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_wholes import whole_batch, wished_face
from ganimate.motion.muscles import BLINK, Muscles
from ganimate.system.devices import step_seed
from ganimate.training.frozen_reader import FrozenReader
from ganimate.training.paint_terms import whole_image

TRIED = (1.0, 1.3, 1.6)  # gains; not farther, by eye: at 2 frowns and corners of mouths are a caricature's
ENOUGH = 0.8  # of what is read of people: paint tells the rest, and a reader that wants more wants a caricature
PEOPLE = 8
# Lips that widen and part move far, and meshes see them well; of these a reader wants teeth, not wider mouths: jokers.
# Nor of 15 and 17: at 1.6 of their ways a strict panel believed 7 of 60 faces, at 1 (other paint, other people) 36.
# Lids close by the share of their own gap.
TOLD_BY_MESHES = (12, 15, 17, 25, 26, BLINK)
CALM, STRAIGHT_DEG = 1.5, 20.0  # sum of AUs, yaw and pitch: faces from which it is seen how far AUs go


def with_read_gains(
    muscles: Muscles,
    painter: nn.Module,
    faces: PaintFaces,
    reader: FrozenReader,
    worth: NDArray[np.floating],
    device: torch.device,
    seed: int,
) -> Muscles:
    """Return muscles whose gains are those that `reader` tells, and at least their own.

    `worth` (N, N) is what it reads more of each AU (columns) per unit of an AU (rows) of real people. Faces are drawn
    of those who are not held out.
    """
    rng = np.random.default_rng(step_seed(seed, "faces for gains"))
    known = ~faces.held_out
    calm = known & (faces.aus.sum(1) < CALM) & (np.abs(faces.turns) < STRAIGHT_DEG).all(1)
    pool = np.flatnonzero(calm if calm.any() else known)
    drawn = rng.permutation(pool)[:PEOPLE].tolist()
    gains = np.asarray(muscles.gains, np.float64).copy()
    for row, number in enumerate(muscles.aus):
        if number not in TOLD_BY_MESHES and worth[row, row] > 0:
            read = np.mean([_read(muscles, row, painter, faces, face, reader, device) for face in drawn], axis=0)
            gains[row] = max(gains[row], enough_gain(read / worth[row, row]))
    return dataclasses.replace(muscles, gains=gains)


def enough_gain(responses: NDArray[np.floating]) -> float:
    """Return the least gain at which a response, told at those of TRIED, is ENOUGH; else that of the largest."""
    reached = np.flatnonzero(responses >= ENOUGH)
    if not len(reached):
        return TRIED[int(np.argmax(responses))]
    first = int(reached[0])
    if first == 0:
        return TRIED[0]
    return float(np.interp(ENOUGH, responses[first - 1 : first + 1], TRIED[first - 1 : first + 1]))


@torch.inference_mode()
def _read(
    muscles: Muscles,
    row: int,
    painter: nn.Module,
    faces: PaintFaces,
    face: int,
    reader: FrozenReader,
    device: torch.device,
) -> NDArray[np.float32]:
    """Return how much more is read of an AU of a face (G,) when it is asked at 1, at each of the gains tried."""
    wish = faces.aus[face].copy()
    wish[row] = 1
    asked = []
    for gain in TRIED:
        gains = np.where(np.arange(len(muscles.aus)) == row, gain, muscles.gains)
        bolder = dataclasses.replace(muscles, gains=gains)
        asked.append(wished_face(faces, face, wish, bolder, reader.crop, np.random.default_rng(face)))
    batch = whole_batch(asked)
    batch = dataclasses.replace(batch, **{name: part.to(device) for name, part in vars(batch).items()})
    image = whole_image(painter(batch.moved, batch.hints, batch.y_from, batch.y_to), batch)
    read = reader.read(image)[:, row] - reader.read(batch.photo[:1])[:, row]
    return np.asarray(read.cpu().numpy(), np.float32) / max(1 - float(faces.aus[face][row]), 0.5)

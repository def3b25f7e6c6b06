"""How action units move a face's landmarks, as photos of one person in several expressions tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganimate.face.landmarks import (
    BROWS,
    CLOSED,
    EYES,
    EYES_AND_BROWS,
    JAW,
    LEFT_EYE,
    LOWER_LIDS,
    LOWER_LIPS,
    MIRROR,
    MOUTH,
    MOUTH_MIDDLE,
    NOSE,
    NOSE_ROOT,
    NOSE_TIP,
    OUTER_CORNERS,
    RIGHT_EYE,
    UPPER_LIDS,
    UPPER_LIPS,
)
from ganimate.motion.contours import pixel_line
from ganimate.motion.room import make_room

# Where each action unit's muscle can move the skin; elsewhere its slope is chance correlation and is set to 0.
REACH = {
    1: BROWS, 2: BROWS, 4: BROWS + EYES, 5: EYES, 6: EYES, 7: EYES,
    9: BROWS + EYES + NOSE + MOUTH, 26: JAW + MOUTH,
    **dict.fromkeys((10, 14, 15, 20, 23), NOSE + MOUTH),  # no muscle of the lips moves the jaw
}  # fmt: skip
_LOWER_FACE = JAW + NOSE + MOUTH
# A regression on noisy labels is too flat, and shares out between AUs that go together at random. The human codes of
# the same photos, as a second, independent reading (instrumental variables; Fuller, Measurement Error Models, 1987,
# section 1.4), say by how much. Only where both agree on the direction of the motion (cosine above 0.75); of 23, which
# no machine reads, little is left.
LABEL_GAIN = {1: 1.5, 2: 0.6, 4: 1.35, 5: 1.35, 17: 1.1, 23: 0.3, 25: 1.2}
BLINK = 45  # closes the gap between the lids, however wide this face's is: no slope can do that
UPPER_LID_SHARE = 0.85  # of a blink's way; the lower lid hardly moves
MOUTH_WORTH, EYE_WORTH = 15.0, 4.0  # times the skin's, in comparisons
LEAST_SPREAD = 0.04  # crop widths
LEAST_LIMIT = 0.03  # crop widths: few photos of a person show few motions
FAR_QUANTILE = 0.999
JAW_LIMIT = 0.1  # crop widths: in photos chins also go down with the head, and as far as that makes faces long
OPEN_RATIO, CLOSED_RATIO = 0.27, 0.12  # height / width of the eye: one face in four is below the first, at rest
REST_CLOSURE = 0.4  # 95 % of the photos are below, most of the others have shut eyes
# How much less far the averted side of a turned head moves sideways, and the near side further: for a nose tip that
# lies one eye span off the middle, per crop width from the midline. Measured at lip corners of 113,487 pairs of photos
# of one person with the same turn, which show 13 to 16; 98 % of photos are turned by less than 0.2.
TURN = 12.0
LEAST_TURNED, MOST_TURNED = 0.4, 1.5
_MIDDLES = ((MOUTH, MOUTH_MIDDLE), (JAW, [8]), (BROWS + EYES + NOSE, [NOSE_ROOT]))


@dataclass(frozen=True)
class LandmarkResponse:
    """How a change of AUs displaces the landmarks, in crop widths.

    `slopes` (N, 68, 2) is fitted within persons, so that faces of different shape do not enter, and it disentangles:
    the slope of AU 12 is what 12 does while the other AUs stay. `closing` (N,) is the share of the gap between the
    lids that an AU closes: 1 for the blink, 0 for the others. `limits` (68,) is how far each landmark went at most from
    where it is in the same person's calmest photo: full intensities of several AUs add up to more than faces can do.
    """

    slopes: NDArray[np.float32]
    closing: NDArray[np.float32]
    limits: NDArray[np.float32]

    def move(
        self, points: NDArray[np.float32], y_from: NDArray[np.float32], y_to: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return where landmarks (B, 68, 2) of faces with AUs `y_from` (B, N) go for `y_to` (B, N)."""
        arguments = (
            torch.from_numpy(values) for values in (points, y_from, y_to, self.slopes, self.closing, self.limits)
        )
        moved: NDArray[np.float32] = move_landmarks(*arguments).numpy()
        return moved


def eyelid_closure(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return how far the eyelids are closed, in [0, 1], of landmarks (..., 68, 2) in any unit.

    From the eyes' mean height / width (eye aspect ratio; Soukupová and Čech, CVWW 2016). It stands for AU 45 in the
    labels: what OpenFace calls 45 on still photos hardly knows open eyes from closed ones.
    """

    def span(a: int, b: int) -> NDArray[np.floating]:
        return np.asarray(np.linalg.norm(landmarks[..., a, :] - landmarks[..., b, :], axis=-1))

    left = (span(37, 41) + span(38, 40)) / np.maximum(span(36, 39), 1e-6)
    right = (span(43, 47) + span(44, 46)) / np.maximum(span(42, 45), 1e-6)
    closure = (OPEN_RATIO - (left + right) / 4) / (OPEN_RATIO - CLOSED_RATIO)
    return np.asarray(np.clip(closure, 0, 1), np.float32)


def eyes_shut(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return how far eyes are shut, in [0, 1], beyond what narrow eyes at rest may be: of landmarks (..., 68, 2)."""
    return np.asarray(np.clip((eyelid_closure(landmarks) - REST_CLOSURE) / (1 - REST_CLOSURE), 0, 1), np.float32)


def move_landmarks(
    points: Tensor, y_from: Tensor, y_to: Tensor, slopes: Tensor, closing: Tensor, limits: Tensor
) -> Tensor:
    """Return where landmarks (B, 68, 2), in crop widths, go for a change of AUs from (B, N) to (B, N).

    `slopes` (N, 68, 2), foreshortened where the head is turned, add up and level off towards `limits` (68,), and go as
    far as there is room for brows, lids and mouth (see `room`); then the lids close by the share of their gap that
    `closing` (N,) says; at last lids and lips that would cross stay closed.
    """
    step = torch.tensordot(y_to - y_from, slopes, 1)
    step = step * torch.stack([foreshortening(points), torch.ones_like(step[..., 0])], -1)
    length = step.square().sum(-1, keepdim=True).add(1e-12).sqrt() / limits[:, None]
    step = step * torch.tanh(length) / length
    moved = points + make_room(points, step)
    closed, wanted = (y_from @ closing).clamp(0, 0.7), (y_to @ closing).clamp(0, 1)
    share = ((wanted - closed) / (1 - closed)).clamp(-1, 1)[:, None, None]
    way = share * (moved[:, LOWER_LIDS] - moved[:, UPPER_LIDS])
    moved = _shifted(moved, UPPER_LIDS, LOWER_LIDS, UPPER_LID_SHARE * way, (UPPER_LID_SHARE - 1) * way)
    for upper, lower in ((UPPER_LIDS, LOWER_LIDS), (UPPER_LIPS, LOWER_LIPS)):
        least = (points[:, lower, 1] - points[:, upper, 1]).clamp_max(CLOSED)
        short = (least - moved[:, lower, 1] + moved[:, upper, 1]).clamp_min(0) / 2
        apart = torch.stack([torch.zeros_like(short), short], -1)
        moved = _shifted(moved, upper, lower, -apart, apart)
    return moved


def foreshortening(points: Tensor) -> Tensor:
    """Return how far each of the landmarks (B, 68, 2) moves sideways beside its way in a frontal face, (B, 68).

    1 all over where the face looks into the camera; of a turned head less on the averted side, and more on the other.
    """
    x = points[..., 0]
    left, right = x[:, OUTER_CORNERS].unbind(1)
    turn = (x[:, NOSE_TIP] - (left + right) / 2) / (right - left).clamp_min(CLOSED)
    middle = torch.empty_like(x)
    for part, on_it in _MIDDLES:
        middle[:, part] = x[:, on_it].mean(1, keepdim=True)
    return (1 - TURN * turn[:, None] * (x - middle)).clamp(LEAST_TURNED, MOST_TURNED)


def _shifted(points: Tensor, upper: list[int], lower: list[int], by_upper: Tensor, by_lower: Tensor) -> Tensor:
    rows = torch.tensor(upper + lower, device=points.device)
    return points.index_add(1, rows, torch.cat([by_upper, by_lower], 1))


def fit_response(
    landmarks: NDArray[np.floating],
    aus: NDArray[np.floating],
    persons: NDArray[np.integer],
    numbers: Sequence[int],
    ridge: float = 1.0,
) -> LandmarkResponse:
    """Return the response fitted on photos (n) of several persons: landmarks (n, 68, 2) in crop widths, aus (n, N).

    `numbers` are the AUs of the N columns: an AU moves only what its muscle reaches. Ridge regression on deviations
    from each person's mean; photos of nobody known (person < 0) are left out, and where all are, nothing moves. Left
    and right are made symmetric, as AUs of this table have no side.
    """
    points = landmarks.reshape(len(landmarks), -1).astype(np.float64)
    rows = [np.zeros((0, aus.shape[1]))]
    moves = [np.zeros((0, points.shape[1]))]
    ways = [np.zeros((1, 68))]
    for person in np.unique(persons[persons >= 0]):
        own = persons == person
        rows.append((aus[own] - aus[own].mean(0)).astype(np.float64))
        moves.append(points[own] - points[own].mean(0))
        calm = points[own][np.argmin(aus[own].sum(1))]
        ways.append(np.linalg.norm((points[own] - calm).reshape(-1, 68, 2), axis=-1))
    x, d = np.concatenate(rows), np.concatenate(moves)
    slopes = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ d).reshape(-1, 68, 2)
    slopes = _about_the_eyes((slopes + slopes[:, MIRROR] * np.array([-1.0, 1.0])) / 2)
    reach = np.zeros((len(numbers), 68, 1))
    for row, number in enumerate(numbers):
        if number != BLINK:
            reach[row, REACH.get(number, _LOWER_FACE)] = LABEL_GAIN.get(number, 1.0)
    closing = np.array([number == BLINK for number in numbers], np.float32)
    farthest = np.quantile(np.concatenate(ways), FAR_QUANTILE, axis=0)
    limits = np.maximum((farthest + farthest[MIRROR]) / 2, LEAST_LIMIT).astype(np.float32)
    limits[JAW] = limits[JAW].clip(max=JAW_LIMIT)
    return LandmarkResponse((reach * slopes).astype(np.float32), closing, limits)


def _about_the_eyes(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return slopes (N, 68, 2) in which the eyes' corners rest, and lids and brows move beside them.

    No muscle moves the corners. Crops are aligned by the nose, too: where that is wrinkled, or a frowning head nods,
    eyes had seemed to drift apart, by 8 % of their distance for AU 9, and people looked like somebody else.
    """
    rested = slopes.copy()
    for corners, beside in EYES_AND_BROWS:
        rested[:, beside] -= slopes[:, corners].mean(1, keepdims=True)
        rested[:, corners] = 0
    return rested


def expressive_weight(landmarks: Tensor, size: int) -> Tensor:
    """Return how much each pixel counts in a comparison of faces, (B, 1, size, size), mean 1 an image.

    The mouth is a small part of the crop and nearly all that must be painted; without this it is learnt last.
    `landmarks` (B, 68, 2) in crop widths, of the face that is wanted.
    """
    line = pixel_line(size, landmarks.device)
    weight = torch.ones(len(landmarks), size, size, device=landmarks.device)
    for points, worth in ((MOUTH, MOUTH_WORTH), (LEFT_EYE, EYE_WORTH), (RIGHT_EYE, EYE_WORTH)):
        part = landmarks[:, points]  # (B, P, 2)
        centre = part.mean(1)
        spread = ((part.amax(1) - part.amin(1)) / 2).clamp_min(LEAST_SPREAD)
        x, y = ((line - centre[:, axis, None]) / spread[:, axis, None] for axis in (0, 1))  # (B, size)
        weight = weight + worth * torch.exp(-(y[:, :, None].square() + x[:, None].square()))
    return (weight / weight.mean((1, 2), keepdim=True))[:, None]

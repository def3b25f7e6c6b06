"""Muscles measured on people: from meshes of photos and FACS codes to which way, and how far, each AU moves a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganimate.data.within_persons import slopes_within_persons
from ganimate.errors import TrainingError
from ganimate.face.mesh.pose import pose_of
from ganimate.face.mesh.topology import LEFT_LOWER_LID, LEFT_UPPER_LID, MIRROR, RIGHT_LOWER_LID, RIGHT_UPPER_LID
from ganimate.motion.muscles import BLINK, Muscles

Floats = NDArray[np.float64]
RIDGE = 2.0  # photos' worth of doubt: an AU that few photos show has a short way
STRONG, CLEAR = 0.75, 0.55  # intensities of D and E, and of C and more (A to E are 0.2 to 1)
LEAST_STRONG = 15  # photos that show D or E; with fewer all of C and more tell how far people go
FAR_DEVIATIONS, FARTHEST_SHARE = 1.2816, 0.999  # beyond the first goes a tenth of a normal distribution
ABSENT = 0.05  # a step in intensity that is none
JAW_DROP, LIPS_PART = 26, 25  # a jaw that drops opens lips by itself: those photos do not tell how far lips part
SHUT, OPEN = 0.3, 0.8  # of the height of a person's open eyes
LEAST_LIMIT = 0.005  # face widths: where nobody was seen to move
LEAST_PHOTOS = 5  # of a person, for lids and limits
# By which two photos of a person are alike but for the lids: nose, mouth, chin, cheeks, brows.
BESIDE_LIDS = [1, 4, 61, 291, 0, 17, 13, 14, 152, 199, 50, 280, 107, 336, 105, 334]


@dataclass(frozen=True)
class CodedPhotos:
    """Photos whose AUs are known: rows of the meshes (n,), intensities (n, N) in [0, 1], and who shows a calm face."""

    rows: NDArray[np.int64]
    aus: tuple[int, ...]
    intensities: Floats
    calm: NDArray[np.bool_]


def to_canonical(meshes: NDArray[np.floating]) -> Floats:
    """Return meshes (n, 478, 3) of photos without their pose: in the canonical frame."""
    return np.stack([pose_of(mesh).to_canonical(mesh) for mesh in meshes])


def fit_muscles(faces: Floats, persons: NDArray[np.integer], activity: Floats, coded: CodedPhotos) -> Muscles:
    """Return the muscles that faces (n, 478, 3) in the canonical frame tell.

    `persons` (n,) says whose they are, -1 where nobody knows; `activity` (n,) how much each shows, such as the sum of
    its AUs: a person's calmest photo is the one that shows least. Raises TrainingError where nobody is coded in several
    photos, or nobody is seen with open and with shut eyes.
    """
    ways = fit_ways(faces, persons, coded)
    gains = [
        1.0 if number == BLINK else fit_gain(faces, persons, coded, ways, row) for row, number in enumerate(coded.aus)
    ]
    if BLINK in coded.aus:  # lids close by the share of their own gap
        ways[coded.aus.index(BLINK)] = 0
    return Muscles(coded.aus, ways, np.array(gains), fit_lids(faces, persons), fit_limits(faces, persons, activity))


def fit_ways(faces: Floats, persons: NDArray[np.integer], coded: CodedPhotos) -> Floats:
    """Return (N, 478, 3): ridge regression of faces on codes, both as deviations from the person's mean; symmetric."""
    flat, owners = faces[coded.rows].reshape(len(coded.rows), -1), persons[coded.rows]
    if not any(np.ptp(coded.intensities[owners == person], axis=0).any() for person in np.unique(owners)):
        raise TrainingError("nobody is coded in two photos that differ", "add more codes, or photos of one person")
    solved = slopes_within_persons(coded.intensities, flat, owners, RIDGE).reshape(-1, *faces.shape[1:])
    return _symmetric(solved)


def fit_gain(faces: Floats, persons: NDArray[np.integer], coded: CodedPhotos, ways: Floats, row: int) -> float:
    """Return how many times its way the AU in `row` took the farthest tenth of those who show it strongly, 1 at least.

    Measured from each person's calm photo, along the way, when the ways of all other AUs are taken off. Faces that do
    not show the AU lie along its way here and there, too: by so much lengths scatter that are none of the AU's.
    """
    way, others = ways[row], np.delete(ways, row, 0)
    owners, lengths, levels, idle = persons[coded.rows], [], [], []
    for person in np.unique(owners[coded.calm]):
        own = np.flatnonzero(owners == person)
        calm = own[coded.calm[own]][0]
        for photo in own:
            step = coded.intensities[photo] - coded.intensities[calm]
            if photo == calm or ABSENT < step[row] < CLEAR or _opened_by_the_jaw(coded, row, photo):
                continue
            moved = faces[coded.rows[photo]] - faces[coded.rows[calm]]
            moved = moved - np.tensordot(np.delete(step, row), others, 1)
            length = float((moved * way).sum() / max((way**2).sum(), 1e-12))
            if step[row] >= CLEAR:
                lengths.append(length)
                levels.append(step[row])
            elif step[row] >= -ABSENT:
                idle.append(length)
    if not lengths:
        return 1.0
    strong = np.array(lengths)[np.array(levels) >= STRONG]
    shown = strong if len(strong) >= LEAST_STRONG else np.array(lengths)
    scatter = np.sqrt(max(shown.var() - (np.var(idle) if idle else 0.0), 0.0))
    return max(1.0, float(shown.mean() + FAR_DEVIATIONS * scatter))


def _opened_by_the_jaw(coded: CodedPhotos, row: int, photo: np.integer) -> bool:
    if coded.aus[row] != LIPS_PART or JAW_DROP not in coded.aus:
        return False
    return bool(coded.intensities[photo, coded.aus.index(JAW_DROP)] >= 0.5)


def fit_lids(faces: Floats, persons: NDArray[np.integer]) -> Floats:
    """Return how all points (478, 3) go along with closing lids, for each unit of the gap; symmetric.

    The median over photos with shut eyes, each against the photo of that person with open eyes that is most alike.
    """
    heights = lid_heights(faces).mean(1)
    found = []
    for person in np.unique(persons[persons >= 0]):
        own = np.flatnonzero(persons == person)
        if len(own) < LEAST_PHOTOS:
            continue
        height = np.quantile(heights[own], 0.75)
        opened, shut = own[heights[own] > OPEN * height], own[heights[own] < SHUT * height]
        for photo in shut:
            unlike = ((faces[opened][:, BESIDE_LIDS] - faces[photo, BESIDE_LIDS]) ** 2).sum((1, 2))
            other = opened[unlike.argmin()]
            found.append((faces[photo] - faces[other]) / (heights[other] - heights[photo]))
    if not found:
        raise TrainingError("nobody is seen with open and with shut eyes", "add photos of people who blink")
    return np.asarray(_symmetric(np.median(found, axis=0)[None])[0], np.float64)


def lid_heights(faces: Floats) -> Floats:
    """Return the mean height (n, 2) of the gap between the lids, of the left and the right eye."""
    pairs = ((LEFT_UPPER_LID, LEFT_LOWER_LID), (RIGHT_UPPER_LID, RIGHT_LOWER_LID))
    return np.stack([np.linalg.norm(faces[:, up[1:-1]] - faces[:, low[1:-1]], axis=2).mean(1) for up, low in pairs], 1)


def fit_limits(faces: Floats, persons: NDArray[np.integer], activity: Floats) -> Floats:
    """Return how far each point (478,) goes from its place in the person's calmest photo, but for one in 1,000."""
    ways = [np.zeros((1, faces.shape[1]))]
    for person in np.unique(persons[persons >= 0]):
        own = np.flatnonzero(persons == person)
        if len(own) >= LEAST_PHOTOS:
            ways.append(np.linalg.norm(faces[own] - faces[own[activity[own].argmin()]], axis=2))
    far = np.quantile(np.concatenate(ways), FARTHEST_SHARE, axis=0)
    return np.asarray(np.maximum(np.maximum(far, far[MIRROR]), LEAST_LIMIT))


def explained(faces: Floats, persons: NDArray[np.integer], coded: CodedPhotos, muscles: Muscles) -> float:
    """Return the share of variance of all points that muscles explain: from each person's calm photo to the others."""
    left = whole = 0.0
    owners = persons[coded.rows]
    for person in np.unique(owners[coded.calm]):
        own = np.flatnonzero(owners == person)
        calm = own[coded.calm[own]][0]
        for photo in own[own != calm]:
            moved = faces[coded.rows[photo]] - faces[coded.rows[calm]]
            told = muscles.way(coded.intensities[photo]) - muscles.way(coded.intensities[calm])
            left += float(((moved - told) ** 2).sum())
            whole += float((moved**2).sum())
    return 1 - left / whole


def _symmetric(ways: Floats) -> Floats:
    mirrored = ways[:, MIRROR] * [-1, 1, 1]
    return np.asarray((ways + mirrored) / 2)

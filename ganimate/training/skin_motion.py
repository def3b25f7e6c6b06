"""How skin moves beyond what meshes tell: optical flow between photos of a person that their meshes have aligned.

A mesh reader draws smooth faces: of brows that knit, of skin beside the nose and of chins that bunch it tells a part of
the way. What is left between photo A, warped by the meshes of A and B, and photo B is measured by flow (DIS; Kroeger
et al., ECCV 2016), and the part of it that goes with the AUs is added to the muscles' ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.data.paint_faces import PaintFaces
from ganimate.data.paint_motion import beyond_mesh, moved_field
from ganimate.data.paint_samples import ALIKE_DEG
from ganimate.data.paint_windows import face_mask, whole_window
from ganimate.face.crop import Image
from ganimate.face.mesh.pose import pose_of
from ganimate.face.mesh.topology import MIRROR, OVAL, mean_face, triangles
from ganimate.motion.field import SKIN

Floats = NDArray[np.float64]
LOOKS = 3  # each measures what the ones before, which are drawn to 0 where skin is plain, have left
SIZE_PX = 256
FARTHEST_PX, ASTRAY_PX = 8.0, 1.0  # flow that is longer, or does not lead back, is none of the skin's
SMOOTH_PX = 2.0
LEAST_SEEN = 0.2  # of the pixels around a point
RIDGE = 4.0  # photos' worth of doubt
# Beside the outline of the face flow follows the background: there the ways fade, in face widths. Farther in at the
# jaw, where they folded the outline's narrow triangles: at 0.06 specks showed, at 0.18 none.
OUTLINE, JAW = 0.06, 0.18
FOREHEAD = [151, 108, 337, 69, 299, 104, 333, 68, 298, 71, 301]  # between brows and hairline
LIGHT_PX, CONTRAST_PX = 8.0, 12.0  # over which light and contrast are evened out before photos are compared
PLAIN_NOISE, CONTRAST = 16.0, 40.0  # variance that is no texture, and what the deviation of texture becomes


@dataclass(frozen=True)
class Slides:
    """Pairs of photos `before`, `after` (n,), how far their points slid (n, 478, 2) and how surely (n, 478)."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    ways: Floats
    sure: Floats


def skin_ways(faces: PaintFaces, rows: NDArray[np.integer]) -> Floats:
    """Return the ways (N, 478, 3) that skin goes beyond the meshes, in the canonical frame.

    `rows` are the photos that tell; where nobody is seen in two of them the ways are 0.
    """
    ways = np.zeros((len(faces.au_numbers), 478, 3))
    for _ in range(LOOKS):
        slides = _slides(faces, rows, ways)
        if slides is not None:
            ways = ways + _told_by_aus(faces, slides)
    return ways


def spread_over_the_forehead(ways: Floats) -> Floats:
    """Return ways (N, 478, 3) whose forehead follows the brows evenly up to the hairline.

    Between them skin is plain: neither a mesh nor flow tells how it moves, and brows that rise would overtake it. The
    smoothest motion that fits what is around it, each point's way the mean of its neighbours', weighed by nearness.
    """
    places = mean_face()[:, :2]
    weights = np.zeros((478, 478))
    for corner in range(3):
        one, other = triangles()[:, corner], triangles()[:, (corner + 1) % 3]
        near = 1 / np.linalg.norm(places[one] - places[other], axis=1)
        weights[one, other] = weights[other, one] = near
    inner = np.array(FOREHEAD)
    rest = np.setdiff1d(np.arange(478), inner)
    stiff = np.diag(weights[inner].sum(1)) - weights[np.ix_(inner, inner)]
    around = np.linalg.solve(stiff, weights[np.ix_(inner, rest)])  # (forehead, rest): how each follows the others
    spread = ways.copy()
    spread[:, inner] = np.tensordot(ways[:, rest], around, (1, 1)).transpose(0, 2, 1)
    return spread


def _slides(faces: PaintFaces, rows: NDArray[np.integer], ways: Floats) -> Slides | None:
    found = []
    for person in np.unique(faces.persons[rows]):
        own = rows[faces.persons[rows] == person]
        calm = int(own[faces.aus[own].sum(1).argmin()])
        for other in own:
            if other != calm and (np.abs(faces.turns[calm] - faces.turns[other]) < ALIKE_DEG).all():
                found.append((calm, int(other), *_slid(faces, calm, int(other), ways)))
    if not found:
        return None
    before, after, way, sure = zip(*found, strict=True)
    return Slides(np.array(before), np.array(after), np.stack(way), np.stack(sure))


def _slid(faces: PaintFaces, before: int, after: int, ways: Floats) -> tuple[Floats, Floats]:
    """Return how far points slid from where the meshes and `ways` have them (478, 2), and how surely (478,)."""
    window = whole_window(faces.mesh(after), SIZE_PX)
    own = window.like(faces.mesh(after), faces.mesh(before))
    goal = beyond_mesh(window.mesh(faces.mesh(after)), ways, faces.aus[before], faces.aus[after])
    field = moved_field(own.mesh(faces.mesh(before)), goal, SIZE_PX)
    moved, real = own.carried(faces.image(before), field), window.view(faces.image(after))
    flow, known = _flow(_plain(real), _plain(moved))
    known &= (field.part == SKIN) & (field.unseen == 0) & (face_mask(goal, SIZE_PX) > 0)
    share = cv2.GaussianBlur(known.astype(np.float32), (0, 0), SMOOTH_PX)
    smooth = cv2.GaussianBlur(flow * known[..., None], (0, 0), SMOOTH_PX) / np.maximum(share, 1e-3)[..., None]
    x, y = np.clip(np.round(goal[:, :2]).astype(int), 0, SIZE_PX - 1).T
    to_photo = pose_of(goal.astype(np.float32)).way_to_photo(np.eye(3))[:2, :2]
    sure = np.where(share[y, x] > LEAST_SEEN, share[y, x], 0)
    # real(p) = moved(p + flow(p)): what the mesh has at p + flow has slid to p.
    return -smooth[y, x] @ np.linalg.inv(to_photo), sure.astype(np.float64)


def _told_by_aus(faces: PaintFaces, slides: Slides) -> Floats:
    """Return the part of slides that goes with the AUs, as ways (N, 478, 3) of a symmetric face."""
    change = (faces.aus[slides.after] - faces.aus[slides.before]).astype(np.float64)
    doubt = RIDGE * np.eye(change.shape[1])
    ways = np.zeros((change.shape[1], 478, 3))
    for point in range(478):
        weighed = change * slides.sure[:, point, None]
        ways[:, point, :2] = np.linalg.solve(weighed.T @ change + doubt, weighed.T @ slides.ways[:, point])
    places = mean_face()[:, :2]
    jaw = [point for point in OVAL if places[point, 1] > 0]
    for edge, width in ((OVAL, OUTLINE), (jaw, JAW)):
        far = np.linalg.norm(places[:, None] - places[None, edge], axis=2).min(1)
        ways *= np.clip(far / width, 0, 1)[:, None]
    return np.asarray((ways + ways[:, MIRROR] * [-1, 1, 1]) / 2)


def _flow(real: NDArray[np.uint8], moved: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the flow (S, S, 2) with real(p) = moved(p + flow), and where it leads back from the other side."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(1)
    search.setPatchSize(12)
    search.setVariationalRefinementAlpha(30.0)
    there, back = (
        np.asarray(search.calc(a, b, np.zeros((*a.shape, 2), np.float32)), np.float32)
        for a, b in ((real, moved), (moved, real))
    )
    line = np.arange(len(real), dtype=np.float32)
    x, y = np.meshgrid(line, line)
    returned = cv2.remap(back, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR)
    astray = np.linalg.norm(there + returned, axis=2)
    return there, (astray < ASTRAY_PX) & (np.linalg.norm(there, axis=2) < FARTHEST_PX)


def _plain(photo: Image) -> NDArray[np.uint8]:
    """Return a photo in grey, its light and contrast evened out: what is compared is texture."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    left = grey - cv2.GaussianBlur(grey, (0, 0), LIGHT_PX)
    deviation = np.sqrt(cv2.GaussianBlur(left**2, (0, 0), CONTRAST_PX) + PLAIN_NOISE)
    return np.asarray(np.clip(128 + left / deviation * CONTRAST, 0, 255), np.uint8)

"""The mesh: its topology and its pose."""

from __future__ import annotations

import numpy as np
import pytest

from ganimate.face.mesh.pose import pose_of
from ganimate.face.mesh.topology import HOLES, MIRROR, OVAL, PARTS, POINTS, mean_face, triangles
from ganimate.motion.head import turn


def test_mirroring_twice_is_the_identity() -> None:
    assert np.array_equal(MIRROR[MIRROR], np.arange(POINTS))


def test_the_mean_face_is_its_own_mirror_image_and_one_wide() -> None:
    face = mean_face()
    assert np.abs(face * [-1, 1, 1] - face[MIRROR]).max() < 1e-4
    assert np.ptp(face[:468, 0]) == pytest.approx(1, abs=0.02)


def test_triangles_cover_the_face_once_and_leave_the_holes() -> None:
    face, corners = mean_face()[:, :2], triangles()
    a, b, c = (face[corners[:, k]] for k in range(3))
    areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2

    def area(ring: list[int]) -> float:
        x, y = face[ring].T
        return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2

    assert areas.sum() == pytest.approx(area(OVAL) - sum(area(ring) for ring in HOLES), rel=0.01)
    assert not any(np.isin(corners, ring).all(1).any() for ring in HOLES)


def test_parts_name_points_of_the_mesh_and_are_symmetric() -> None:
    for name, points in PARTS.items():
        assert len(set(points)) == len(points) and 0 <= min(points) <= max(points) < POINTS, name
        if name not in ("cheeks", "jaw", "nose", "lips", "mouth", "forehead"):
            assert {int(MIRROR[point]) for point in points} == set(points), name


@pytest.mark.parametrize("head", [(0, 0, 0), (20, 0, 0), (0, -15, 0), (0, 0, 30), (12, 8, -5)])
def test_a_pose_is_found_again(head: tuple[float, float, float]) -> None:
    mesh = 180 * mean_face() @ turn(*head).T + [320, 240, 5]
    pose = pose_of(mesh)
    assert pose.degrees == pytest.approx(head, abs=1e-3)
    assert 1 / pose.scale == pytest.approx(180)
    assert np.allclose(pose.to_photo(pose.to_canonical(mesh)), mesh)
    assert np.allclose(pose.to_canonical(mesh), mean_face(), atol=1e-6)

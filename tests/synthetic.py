"""Drawn people whose expressions are known: photos, tables and packs for tests, without a single real face."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import CriticConfig, CropSpec, GeneratorConfig, PrepareOptions, TrainConfig
from ganimate.data.pack import PackWriter
from ganimate.data.prepare import PreparedRow, prepare
from ganimate.face.crop import align, transform
from ganimate.face.mesh import topology
from ganimate.facs import OPENFACE_AUS
from ganimate.media import write_image
from ganimate.trackers import read_labels, read_persons

DATA = Path(__file__).parent / "data"
PHOTO_PX = 96
SIZE_PX = 32


@dataclass(frozen=True)
class Shot:
    """One photo: its name, whose it is ("" for a stranger), its AUs (17,) from 0 to 1 and its landmarks (68, 2)."""

    name: str
    person: str
    aus: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    image: NDArray[np.uint8]


def face_landmarks(aus: NDArray[np.float32], width: float = 1.0) -> NDArray[np.float64]:
    """Return the 68 landmarks of a face (iBUG order) in a square of side 1."""
    strength = dict(zip(OPENFACE_AUS, aus.tolist(), strict=True))
    jaw_angle, ring, inner = (
        np.linspace(np.pi, 0, 17),
        np.linspace(0, 2 * np.pi, 12, False),
        np.linspace(0, 2 * np.pi, 8, False),
    )
    drop = 0.06 * strength[26]
    jaw = np.stack([0.5 + 0.34 * np.cos(jaw_angle), 0.42 + (0.45 + drop) * np.sin(jaw_angle)], 1)
    brow_y = 0.3 - 0.05 * strength[1] - 0.03 * strength[2] + 0.04 * strength[4]
    left_brow = np.stack([np.linspace(0.22, 0.43, 5), brow_y - 0.02 * np.sin(np.linspace(0, np.pi, 5))], 1)
    right_brow = np.stack([1 - left_brow[::-1, 0], left_brow[::-1, 1]], 1)
    bridge = np.stack([np.full(4, 0.5), np.linspace(0.38, 0.58, 4)], 1)
    nostrils = np.stack([np.linspace(0.43, 0.57, 5), 0.62 - 0.01 * np.cos(np.linspace(-1, 1, 5))], 1)
    lid = 0.025 * (1 - strength[45])
    eye = np.array([[-0.06, 0], [-0.02, -lid], [0.02, -lid], [0.06, 0], [0.02, lid], [-0.02, lid]])
    eyes = np.concatenate([eye + np.array([0.35, 0.4]), eye + np.array([0.65, 0.4])])
    wide = 0.12 + 0.04 * strength[12]
    lips = np.stack([-wide * np.cos(ring), -(0.03 + drop / 2) * np.sin(ring)], 1)
    teeth = np.stack([-0.7 * wide * np.cos(inner), -(0.01 + 0.02 * strength[25] + drop / 2) * np.sin(inner)], 1)
    mouth = np.concatenate([lips, teeth]) + np.array([0.5, 0.74 + drop / 2])
    mouth[:, 1] -= 1.5 * strength[12] * (mouth[:, 0] - 0.5) ** 2
    points = np.concatenate([jaw, left_brow, right_brow, bridge, nostrils, eyes, mouth])
    return (points - 0.5) * [width, 1] + 0.5


def mean_face() -> NDArray[np.float32]:
    """A plain frontal face (68, 2) in crop widths: the example photo's, upright in its crop."""
    points = np.loadtxt(DATA / "astronaut_landmarks.csv", np.float32, delimiter=",")
    aligned = (transform(points, align(points, CropSpec())) + 0.5) / CropSpec().size_px
    return aligned.astype(np.float32)


def draw(landmarks: NDArray[np.float32], skin: Sequence[int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture (PHOTO_PX, PHOTO_PX, 3) of the face with these landmarks in pixels."""
    image = rng.integers(60, 120, (PHOTO_PX, PHOTO_PX, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 4)
    points = np.round(landmarks).astype(np.int32)
    cv2.fillPoly(image, [cv2.convexHull(points[:27])], tuple(skin))
    for brow in (points[17:22], points[22:27]):
        cv2.polylines(image, [brow], False, (50, 30, 20), 2)
    for eye in (points[36:42], points[42:48]):
        cv2.fillPoly(image, [eye], (240, 240, 240))
        cv2.circle(image, tuple(int(v) for v in eye.mean(0)), 2, (20, 20, 60), -1)
    cv2.fillPoly(image, [points[48:60]], (170, 60, 60))
    cv2.fillPoly(image, [points[60:68]], (250, 250, 245))
    cv2.polylines(image, [points[27:31]], False, tuple(int(c * 0.8) for c in skin), 1)
    return np.asarray(image, np.uint8)


def show(skin: int, seed: int, **aus: float) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a photo of a frontal face of a skin, on a ground of its own, and its landmarks in crop widths."""
    strength = np.array([aus.get(f"au{number}", 0.0) for number in OPENFACE_AUS], np.float32)
    points = (face_landmarks(strength) * 0.7 + 0.15).astype(np.float32)
    return draw(points * PHOTO_PX, (skin, skin, skin), np.random.default_rng(seed)), points


def shoot(people: int = 6, photos: int = 4, strangers: int = 6, seed: int = 0) -> list[Shot]:
    """Return photos of `people`, so many of each, and one of each of the strangers."""
    rng = np.random.default_rng(seed)
    shots = []
    for number in range(people + strangers):
        person = f"person_{number}" if number < people else ""
        skin = rng.integers(120, 230, 3).tolist()
        width = rng.uniform(0.85, 1.05)
        for photo in range(photos if person else 1):
            aus = np.where(rng.random(17) < 0.3, rng.uniform(0, 1, 17), 0).round(2).astype(np.float32)
            angle, scale = rng.uniform(-0.2, 0.2), PHOTO_PX * rng.uniform(0.55, 0.7)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
            points = (face_landmarks(aus, width) - 0.5) @ turn.T + PHOTO_PX / 2 + rng.uniform(-4, 4, 2)
            points = points.round(2).astype(np.float32)
            name = f"{person or 'strangers'}/{number:02d}_{photo}.png"
            shots.append(Shot(name, person, aus, points, draw(points, skin, rng)))
    return shots


def write_photos(folder: Path, shots: Iterable[Shot]) -> None:
    """Write the photos under their names."""
    for shot in shots:
        path = folder / shot.name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, shot.image)


def write_table(path: Path, shots: Iterable[Shot], *, landmarks: bool = True) -> None:
    """Write the photos' AUs as OpenFace does: all names after the first begin with a space, intensities go to 5."""
    names = ["file", " face", " confidence", *(f" AU{n:02d}_r" for n in OPENFACE_AUS)]
    if landmarks:
        names += [f" {axis}_{i}" for axis in "xy" for i in range(68)]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for shot in shots:
            row = [shot.name, " 0", " 0.98", *(f" {value * 5:.2f}" for value in shot.aus)]
            writer.writerow(row + [f" {value:.2f}" for value in shot.landmarks.T.ravel()] if landmarks else row)


def write_identities(path: Path, shots: Iterable[Shot]) -> None:
    """Write who is who; strangers have an empty identity."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "identity"), *((shot.name, shot.person) for shot in shots)])


def write_sources(folder: Path, shots: Sequence[Shot], *, landmarks: bool = True) -> tuple[Path, Path, Path]:
    """Write photos, table and identities into `folder`; returns their paths."""
    paths = folder / "photos", folder / "openface.csv", folder / "identities.csv"
    write_photos(paths[0], shots)
    write_table(paths[1], shots, landmarks=landmarks)
    write_identities(paths[2], shots)
    return paths


def make_pack(folder: Path, shots: Sequence[Shot], share: float = 0.3, size_px: int = SIZE_PX) -> list[PreparedRow]:
    """Make the pack ``faces.pack`` in `folder` by the whole way from photos and tables."""
    photos, table, identities = write_sources(folder, shots)
    options = PrepareOptions(CropSpec(size_px=size_px), share)
    annotations = read_labels(table)
    with PackWriter(folder / "faces.pack", options.spec, annotations.au_numbers) as writer:
        return list(prepare(photos, annotations, read_persons(identities), writer, options))


def tiny_config(matcher: str = "none", **changes: object) -> TrainConfig:
    """Return a config that trains in milliseconds a step; `changes` are fields of TrainConfig."""
    fields: dict[str, object] = {
        "generator": GeneratorConfig(size_px=SIZE_PX, channels=4, blocks=1, matcher=matcher),
        "critic": CriticConfig(SIZE_PX, channels=4, max_channels=16, layers=4),
        "batch_images": 4,
        "steps": 7,
        "critic_per_generator": 2,
        "precision": "fp32",
        "workers": 0,
        "save_steps": 100,
        "sample_steps": 100,
        "check_steps": 100,
    }
    return TrainConfig(**(fields | changes))  # type: ignore[arg-type]


@dataclass(frozen=True)
class MeshShot:
    """One drawn photo, its name, whose it is ("" for a stranger), and the mesh (478, 3) of its face."""

    name: str
    person: str
    mesh: NDArray[np.float32]
    image: NDArray[np.uint8]


def draw_mesh(mesh: NDArray[np.float32], size_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture (size_px, size_px, 3) of a face with that mesh."""
    image = cv2.GaussianBlur(rng.integers(60, 120, (size_px, size_px, 3)).astype(np.uint8), (0, 0), 4)
    skin = rng.integers(120, 230, 3).tolist()
    points = np.round(mesh[:, :2]).astype(np.int32)
    cv2.fillPoly(image, [points[topology.OVAL]], skin)
    for part, colour in (
        (topology.RIGHT_EYE, (240, 240, 240)), (topology.LEFT_EYE, (240, 240, 240)),
        (topology.LIPS_OUTER, (170, 60, 60)), (topology.LIPS_INNER, (60, 20, 20)),
    ):  # fmt: skip
        cv2.fillPoly(image, [points[part]], colour)
    for iris in (topology.RIGHT_IRIS, topology.LEFT_IRIS):
        cv2.circle(image, [int(value) for value in points[iris[0]]], 2, (20, 20, 60), -1)
    cv2.circle(image, [int(value) for value in points[topology.NOSE_TIP]], 2, [int(c * 0.7) for c in skin], -1)
    return np.asarray(image, np.uint8)


def shoot_meshes(people: int = 12, photos: int = 2, strangers: int = 12, seed: int = 0) -> list[MeshShot]:
    """Return photos of `people`, so many of each, and one of each of the strangers, in two folders."""
    rng = np.random.default_rng(seed)
    shots = []
    for number in range(people + strangers):
        person = f"person_{number}" if number < people else ""
        for photo in range(photos if person else 1):
            angle, width = rng.uniform(-0.2, 0.2), rng.uniform(40, 60)
            turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
            mesh = topology.mean_face() * rng.uniform(0.9, 1.1, 3) * width @ turned.T
            mesh[:, :2] += PHOTO_PX / 2 + rng.uniform(-4, 4, 2)
            stored = mesh.astype(np.float32)
            name = f"{'people' if person else 'strangers'}/{number:02d}_{photo}.png"
            shots.append(MeshShot(name, person, stored, draw_mesh(stored, PHOTO_PX, rng)))
    return shots


def write_mesh_sources(folder: Path, shots: Sequence[MeshShot]) -> tuple[Path, Path, Path]:
    """Write photos, the table of meshes and who is who into `folder`; returns their paths."""
    photos, meshes, identities = folder / "photos", folder / "meshes.npz", folder / "identities.csv"
    for shot in shots:
        (photos / shot.name).parent.mkdir(parents=True, exist_ok=True)
        write_image(photos / shot.name, shot.image)
    np.savez(meshes, names=np.array([shot.name for shot in shots]), meshes=np.stack([shot.mesh for shot in shots]))
    with open(identities, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "identity"), *((shot.name, shot.person) for shot in shots)])
    return photos, meshes, identities

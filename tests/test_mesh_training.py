"""Laws of the mesh reader's training: what it learns from, that it learns, and that a break changes nothing."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from synthetic import PHOTO_PX, shoot_meshes, write_mesh_sources
from torchrun import finished, log_of, torchrun
from typer.testing import Result

from ganimate.config import MeshReaderConfig, MeshTraining
from ganimate.data.mesh_augmentation import cut_anyhow, disturb, occluded, photographed
from ganimate.data.mesh_errors import MeshError, check_reader, eye_span, summed_up
from ganimate.data.mesh_photos import MeshPhotos, MeshSources, open_mesh_photos
from ganimate.data.mesh_samples import DEPTH_ANCHORS, MeshBatch, MeshSamples, point_weights
from ganimate.errors import GanimateError, InputError, ModelError, PackError, TrainingError
from ganimate.face.mesh.reading import five_of_mesh, mesh_crop, mesh_in_crop
from ganimate.face.mesh.topology import LIPS_INNER, MIRROR, POINTS
from ganimate.networks.mesh_reader import ReadMesh
from ganimate.system.progress import Silent
from ganimate.training.mesh_trainer import MeshTrainer, mesh_terms
from ganimate.training.run_folder import LOG_NAME
from ganimate.zoo.mesh_weights import load_mesh_reader

Cli = Callable[..., Result]
Paths = tuple[Path, Path, Path]
CPU = torch.device("cpu")
SHORT = MeshTraining(
    MeshReaderConfig(64, 4), batch_images=4, steps=6, warmup_steps=2, check_steps=3, check_images=4, workers=0
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return write_mesh_sources(tmp_path_factory.mktemp("mesh_sources"), shoot_meshes())


@pytest.fixture(scope="module")
def photos(sources: Paths, tmp_path_factory: pytest.TempPathFactory) -> MeshPhotos:
    return MeshSources(*sources).make(tmp_path_factory.mktemp("mesh_photos") / "photos", SHORT, Silent())


def trained(photos: MeshPhotos, folder: Path, training: MeshTraining = SHORT) -> MeshTrainer:
    folder.mkdir(exist_ok=True)
    trainer = MeshTrainer(photos, training, CPU)
    list(trainer.run(folder))
    return trainer


# Photos


def test_photos_and_meshes_come_back(photos: MeshPhotos) -> None:
    shots = shoot_meshes()
    assert photos.names.tolist() == [shot.name for shot in shots]
    assert set(photos.folders) == {"people", "strangers"}
    for i in (0, 7, len(shots) - 1):
        assert np.array_equal(photos.image(i), shots[i].image)
        assert np.array_equal(photos.meshes[i], shots[i].mesh)


def test_nobody_is_on_both_sides_of_the_split(photos: MeshPhotos) -> None:
    people = np.array([shot.person or shot.name for shot in shoot_meshes()])
    held, kept = set(people[photos.validation]), set(people[~photos.validation])
    assert held and kept and not held & kept


def test_large_faces_are_stored_reduced_with_their_meshes(tmp_path: Path) -> None:
    shots, half = shoot_meshes(people=2, photos=1, strangers=2), np.array([0.5, 0.5, 0])
    large = [
        dataclasses.replace(
            shot,
            image=cv2.resize(shot.image, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST),
            mesh=((shot.mesh + half) * 8 - half).astype(np.float32),
        )
        for shot in shots
    ]
    photos = MeshSources(*write_mesh_sources(tmp_path, large)).make(tmp_path / "stored", SHORT, Silent())
    for i, shot in enumerate(shots):
        factor = len(photos.image(i)) / PHOTO_PX
        assert factor < 4
        expected = (shot.mesh[:, :2] + 0.5) * factor - 0.5
        np.testing.assert_allclose(photos.meshes[i][:, :2], expected, atol=0.01)


def test_photos_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    folder, meshes, identities = write_mesh_sources(tmp_path, shoot_meshes(people=0, strangers=3))
    (folder / "strangers" / "01_0.png").write_bytes(b"no photo")
    photos = MeshSources(folder, meshes, identities).make(tmp_path / "stored", SHORT, Silent())
    assert photos.names.tolist() == ["strangers/00_0.png", "strangers/02_0.png"]
    for path in (folder / "strangers").iterdir():
        path.unlink()
    with pytest.raises(GanimateError, match="no photo could be used"):
        MeshSources(folder, meshes, identities).make(tmp_path / "none", SHORT, Silent())
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_foreign_tables_and_folders_are_told(sources: Paths, tmp_path: Path) -> None:
    folder, meshes, _ = sources
    (tmp_path / "foreign.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "narrow.npz", names=np.array(["a"]), meshes=np.zeros((1, 68, 3), np.float32))
    with pytest.raises(InputError, match="no table of meshes"):
        MeshSources(folder, tmp_path / "foreign.npz", None).read_meshes()
    with pytest.raises(InputError, match="478 points"):
        MeshSources(folder, tmp_path / "narrow.npz", None).read_meshes()
    with pytest.raises(InputError, match="not a folder"):
        MeshSources(tmp_path / "nowhere", meshes, None).make(tmp_path / "out", SHORT, Silent())
    with pytest.raises(PackError, match="holds no photos"):
        open_mesh_photos(tmp_path)


def test_photos_are_opened_anew_where_processes_are_not_forked(photos: MeshPhotos) -> None:
    again = pickle.loads(pickle.dumps(photos))
    assert np.array_equal(again.image(3), photos.image(3)) and again.made_from == photos.made_from


# Samples


def test_a_batch_is_a_function_of_the_step(photos: MeshPhotos) -> None:
    one, other = MeshSamples(photos, SHORT), MeshSamples(photos, SHORT)
    one[3]
    for a, b in zip(vars(one[7]).values(), vars(other[7]).values(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one[7].image, one[8].image)


def test_batches_have_the_shapes_and_ranges_that_are_promised(photos: MeshPhotos) -> None:
    batch = MeshSamples(photos, dataclasses.replace(SHORT, batch_images=64, negative_share=0.5))[0]
    assert batch.image.shape == (64, 64, 64, 3) and batch.image.dtype == torch.uint8
    assert batch.points.shape == (64, POINTS, 3) and batch.points.dtype == torch.float32
    assert 0 < float(batch.face.sum()) < 64
    faces = batch.points[batch.face > 0]
    assert faces[..., :2].abs().median() < 1
    torch.testing.assert_close(faces[:, DEPTH_ANCHORS, 2].mean(1), torch.zeros(len(faces)), atol=1e-5, rtol=0)
    assert not batch.points[batch.face == 0].any()


def test_held_out_photos_are_never_opened_for_learning(photos: MeshPhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    image = MeshPhotos.image
    monkeypatch.setattr(MeshPhotos, "image", lambda self, i: opened.append(i) or image(self, i))
    samples = MeshSamples(photos, dataclasses.replace(SHORT, occluded_share=0.9, negative_share=0.4))
    for step in range(20):
        samples[step]
    assert len(opened) > 50 and not photos.validation[opened].any()


def test_points_follow_the_pixels(photos: MeshPhotos) -> None:
    rng = np.random.default_rng(0)
    mesh = photos.meshes[0]
    for turn in (0, 40):
        matrix = disturb(rng, mesh_crop(five_of_mesh(mesh), 64), 64, turn, 0.02, 0.1)
        marked = np.zeros_like(photos.image(0))
        x, y = np.round(mesh[1, :2]).astype(int)
        marked[y, x] = 255
        crop = cut_anyhow(rng, marked, matrix, 64).astype(float).sum(2)
        place = np.array([(crop.sum(axis) * np.arange(64)).sum() / crop.sum() for axis in (0, 1)])
        points = mesh_in_crop(mesh, matrix, 64)
        np.testing.assert_allclose((points[1, :2] + 1) * 32 - 0.5, place, atol=1.5)


def test_large_photos_are_averaged_to_the_same_place() -> None:
    photo = np.zeros((800, 800, 3), np.uint8)
    photo[392:408, 392:408] = 255
    matrix = np.array([[0.1, 0, -8.0], [0, 0.1, -8.0]])  # the square's middle, 399.5, goes to 31.95
    crop = cut_anyhow(np.random.default_rng(0), photo, matrix, 64).astype(float).sum(2)
    assert (crop.sum(0) * np.arange(64)).sum() / crop.sum() == pytest.approx(31.95, abs=0.1)


def test_augmentations_keep_size_and_kind(photos: MeshPhotos) -> None:
    image: NDArray[np.uint8] = np.ascontiguousarray(photos.image(0)[:64, :64])
    for seed in range(30):
        rng = np.random.default_rng(seed)
        for made in (photographed(rng, image), occluded(rng, image, photos.image(1))):
            assert made.shape == image.shape and made.dtype == np.uint8


def test_unusual_faces_and_small_folders_are_drawn_more_often(photos: MeshPhotos) -> None:
    plain = MeshSamples(photos, dataclasses.replace(SHORT, rare_power=0.0, balance=0.0))
    assert np.ptp(plain._shares) == pytest.approx(0)
    alike = MeshSamples(photos, dataclasses.replace(SHORT, rare_power=0.0, balance=1.0))
    folders = photos.folders[alike.photos]
    assert alike._shares[folders == "people"].sum() == pytest.approx(0.5)
    meshes = photos.meshes.copy()
    odd = int(plain.photos[4])
    meshes[odd, LIPS_INNER, 1] += 8
    boosted = MeshSamples(dataclasses.replace(photos, meshes=meshes), dataclasses.replace(SHORT, balance=0.0))
    assert int(plain.photos[np.argmax(boosted._shares)]) == odd


def test_weights_of_points_are_one_on_the_mean_and_symmetric() -> None:
    weights = point_weights()
    assert weights.mean() == pytest.approx(1)
    assert np.array_equal(weights[MIRROR], weights)
    assert weights[LIPS_INNER].min() > 2 * np.median(weights)


# Losses, training


def batch_of(points: torch.Tensor, face: list[float]) -> MeshBatch:
    return MeshBatch(torch.zeros(len(face), 64, 64, 3, dtype=torch.uint8), points, torch.tensor(face))


def test_only_faces_have_points_to_be_learned() -> None:
    wanted = torch.zeros(2, POINTS, 3)
    read = ReadMesh(torch.stack([wanted[0] + 0.5, wanted[1] + 9]), wanted, torch.tensor([20.0, -20.0]))
    terms = mesh_terms(read, batch_of(wanted, [1.0, 0.0]), torch.ones(POINTS, 3), 0.01)
    assert float(terms.coarse) == 0
    assert float(terms.fine) == pytest.approx(3 * (0.5 - 0.005), rel=1e-4)
    assert float(terms.face) == pytest.approx(0, abs=1e-6)


def test_a_batch_without_faces_has_finite_terms() -> None:
    wanted = torch.zeros(2, POINTS, 3)
    terms = mesh_terms(
        ReadMesh(wanted + 1, wanted, torch.zeros(2)), batch_of(wanted, [0.0, 0.0]), torch.ones(POINTS, 3), 0.01
    )
    assert float(terms.fine) == 0 and np.isfinite(float(terms.total(SHORT)))


def test_it_learns(photos: MeshPhotos) -> None:
    training = dataclasses.replace(SHORT, steps=100, check_steps=1000, learning_rate=4e-3, batch_images=8)
    trainer = MeshTrainer(photos, training, CPU)
    batch = trainer.samples[0]  # the same again and again
    errors = [trainer.step(batch).fine for _ in range(50)]
    assert np.mean(errors[-5:]) < 0.6 * np.mean(errors[:5])


def test_a_resumed_run_is_the_same_bit_by_bit(photos: MeshPhotos, tmp_path: Path) -> None:
    whole = trained(photos, tmp_path / "whole")
    part = MeshTrainer(photos, SHORT, CPU)
    (tmp_path / "part").mkdir()
    for record in part.run(tmp_path / "part"):
        if record.step == 2:
            break
    resumed = MeshTrainer(photos, SHORT, CPU)
    resumed.restore(tmp_path / "part")
    assert resumed.step_index == 2
    list(resumed.run(tmp_path / "part"))
    for name in ("reader", "average"):
        ours, theirs = (trainer._networks()[name].state_dict() for trainer in (whole, resumed))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    logs = [
        [json.loads(line) for line in (tmp_path / f / LOG_NAME).read_text().splitlines()] for f in ("whole", "part")
    ]
    for row in (*logs[0], *logs[1]):
        row.pop("images_per_s")
    assert logs[0] == logs[1] and [row["step"] for row in logs[0]] == [1, 2, 3, 4, 5, 6]
    assert "usable" in logs[0][2]["held_out"] and "held_out" not in logs[0][1]


def test_the_reader_of_a_run_can_be_used(photos: MeshPhotos, tmp_path: Path) -> None:
    trainer = trained(photos, tmp_path / "run")
    loaded = load_mesh_reader(tmp_path / "run" / "mesh.safetensors")
    assert loaded.card.training["steps"] == 6 and loaded.card.network == SHORT.network
    assert loaded.card.training["training_photos"] == len(trainer.samples.photos)


def test_a_state_of_other_photos_or_networks_is_refused(photos: MeshPhotos, tmp_path: Path) -> None:
    trained(photos, tmp_path / "run")
    other = MeshTrainer(dataclasses.replace(photos, made_from="others"), SHORT, CPU)
    with pytest.raises(TrainingError, match="other photos"):
        other.restore(tmp_path / "run")
    wider = MeshTrainer(photos, dataclasses.replace(SHORT, network=MeshReaderConfig(64, 8)), CPU)
    with pytest.raises(ModelError, match="does not fit"):
        wider.restore(tmp_path / "run")


def test_terms_that_are_not_finite_stop_the_training(photos: MeshPhotos) -> None:
    trainer = MeshTrainer(photos, SHORT, CPU)
    batch = trainer.samples[0]
    with pytest.raises(TrainingError, match="became nan at step 1"):
        trainer.step(dataclasses.replace(batch, points=batch.points * float("nan")))


# How well it reads


class Oracle:
    """Reads what it was told, whatever it is shown."""

    size_px = 64

    def __init__(self, photos: MeshPhotos, off: float) -> None:
        mesh = photos.meshes[0] + np.array([off * eye_span(photos.meshes[0]), 0, 0])
        self.matrix = mesh_crop(five_of_mesh(photos.meshes[0]), 64)
        self.mesh = mesh

    def read(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        points = mesh_in_crop(self.mesh, self.matrix, 64).astype(np.float32)
        return points[None], np.ones(1, np.float32)


def test_distances_are_told_in_spans_of_the_eyes(photos: MeshPhotos) -> None:
    mesh = photos.meshes[0]
    error = MeshError.of(mesh + np.array([0.03 * eye_span(mesh), 0, 7]), mesh, 0.9)
    assert (error.mean, error.lids, error.lips) == pytest.approx((0.03, 0.03, 0.03), rel=1e-3)
    far, unsure = dataclasses.replace(error, mean=0.2), dataclasses.replace(error, confidence=0.2)
    told = summed_up([error, far, unsure, error])
    assert told.usable == 0.5 and told.photos == 4 and told.p95 > told.mean > 0.03


def test_held_out_photos_are_looked_at_twice(photos: MeshPhotos) -> None:
    told = check_reader(Oracle(photos, 0.0), photos, np.array([0]))
    assert told.photos == 1 and np.isfinite(told.mean)


# The command


def run_command(cli: Cli, sources: Paths, out: Path, *more: object) -> Result:
    folder, meshes, identities = sources
    return cli(
        "train-mesh", folder, "--meshes", meshes, "--identities", identities, "--out", out, "--threads", 1,
        "--workers", 0, *more,
    )  # fmt: skip


SMALL = ("--size", 64, "--width", 4, "--batch", 4, "--check-steps", 100)


def test_the_command_trains_stops_and_goes_on(cli: Cli, sources: Paths, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run_command(cli, sources, out, *SMALL, "--steps", 3)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out / "mesh.safetensors")
    assert load_mesh_reader(out / "mesh.safetensors").card.training["steps"] == 3
    again = run_command(cli, sources, out, *SMALL, "--steps", 3)
    assert again.exit_code == 1 and "add --resume" in again.stderr
    more = run_command(cli, sources, out, "--resume", "--steps", 5)
    assert more.exit_code == 0 and "going on from step 3 of 5" in more.stderr
    assert load_mesh_reader(out / "mesh.safetensors").card.training["steps"] == 5


def test_a_run_goes_on_with_what_it_began_with(cli: Cli, sources: Paths, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run_command(cli, sources, out, *SMALL, "--steps", 2).exit_code == 0
    other = run_command(cli, sources, out, "--resume", "--width", 8)
    assert other.exit_code == 1 and "cannot change network.width" in other.stderr
    moved = write_mesh_sources(tmp_path / "others", shoot_meshes(seed=5))
    foreign = run_command(cli, moved, out, "--resume")
    assert foreign.exit_code == 1 and "other meshes" in foreign.stderr


def test_wrong_tables_leave_no_run_behind(cli: Cli, sources: Paths, tmp_path: Path) -> None:
    folder, _, identities = sources
    done = cli("train-mesh", folder, "--meshes", identities, "--out", tmp_path / "run")
    assert done.exit_code == 1 and "label_meshes.py" in done.stderr
    assert not (tmp_path / "run").exists()


def test_two_processes_train_one_reader(sources: Paths, tmp_path: Path) -> None:
    # not the very one that a single process trains: its norms see a share of each batch
    folder, meshes, identities = sources
    small = (*SMALL[:-1], 3, "--steps", 3, "--workers", 0, "--threads", 1, "--device", "cpu")
    command = ("train-mesh", folder, "--meshes", meshes, "--identities", identities, "--out", "run")
    out, _ = finished(torchrun(tmp_path, *command, *small))
    assert out == "run/mesh.safetensors\n"
    assert len(log_of(tmp_path / "run")) == 3 and "held_out" in log_of(tmp_path / "run")[-1]

"""Laws of the painter's training: aligned windows, what the critic is shown, and that a break changes nothing."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from synthetic import PHOTO_PX, MeshShot, draw_mesh, write_mesh_sources
from torch import Tensor, nn
from torchrun import assert_alike, finished, log_of, torchrun
from typer.testing import Result

from ganimate.config import CropSpec, JudgeConfig, MeshTraining, PainterConfig, PaintTraining, WindowCriticConfig
from ganimate.data.lent_eyes import with_lent_eyes
from ganimate.data.mesh_photos import MeshSources
from ganimate.data.paint_batch import mirrored_sample, strengthened_sample
from ganimate.data.paint_camera import Camera
from ganimate.data.paint_faces import PaintFaces, PaintSources, lid_gaps, on_the_scale_of_codes, shut_share
from ganimate.data.paint_motion import MeasuredMotion, beyond_mesh, lips_shut, moved_field
from ganimate.data.paint_samples import PaintSamples, pair_sample, validation_pairs
from ganimate.data.paint_wholes import WholeBatch, crop_window, draw_wish, mirrored_whole, whole_batch, wished_face
from ganimate.data.paint_windows import box_mask, draw_window, eye_span, misread, polygon_mask, whole_window
from ganimate.errors import AnnotationError, ModelError, PackError, TrainingError
from ganimate.face.mesh.topology import (
    CHIN,
    LEFT_BROW,
    LEFT_LID_SKIN,
    LEFT_LOWER_LID,
    LEFT_UPPER_LID,
    LOWER_LIP_EDGE,
    MOUTH_CORNERS,
    RIGHT_BROW,
    RIGHT_LID_SKIN,
    RIGHT_LOWER_LID,
    RIGHT_UPPER_LID,
    UPPER_LIP_EDGE,
    mean_face,
)
from ganimate.motion.hints import UNSEEN
from ganimate.motion.muscles import Muscles
from ganimate.motion.warp_field import warp_field
from ganimate.networks import Judge, MeshGenerator
from ganimate.networks.painter import Painted
from ganimate.system.progress import Silent
from ganimate.training import gain_fit
from ganimate.training import paint_terms as terms
from ganimate.training.frozen_reader import FrozenReader
from ganimate.training.gain_fit import enough_gain
from ganimate.training.paint_run import measured_motion, measured_muscles
from ganimate.training.paint_trainer import PaintTrainer
from ganimate.training.run_folder import LOG_NAME, MODEL_NAME, create_run
from ganimate.training.skin_motion import FOREHEAD, skin_ways, spread_over_the_forehead
from ganimate.zoo.cards import JudgeCard
from ganimate.zoo.checkpoint import load_model
from ganimate.zoo.judge_weights import LoadedJudge, save_judge

Cli = Callable[..., Result]
CPU, AUS = torch.device("cpu"), (12, 25, 45)
SHORT = PaintTraining(
    PainterConfig(channels=8, blocks=1),
    WindowCriticConfig(channels=8, condition=8),
    batch_images=2,
    window_px=48,
    steps=6,
    warmup_steps=1,
    critic_start=2,
    critic_lead=1,
    critic_rise=2,
    check_steps=3,
    check_pairs=2,
    workers=0,
)
SHOWN = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0.5, 0, 1))  # what each person does, photo by photo

AT_REST = np.zeros((len(AUS), 478, 3))  # skin that does what meshes say

pytestmark = pytest.mark.usefixtures("one_thread")


def face(aus: tuple[float, ...]) -> NDArray[np.float64]:
    """Return a made-up face (478, 3), 1 wide, that smiles, parts its lips or shuts its eyes."""
    mesh = mean_face().copy()
    smile, parted, shut = aus
    mesh[MOUTH_CORNERS, 1] -= 0.05 * smile
    mesh[[*LOWER_LIP_EDGE, *CHIN], 1] += 0.1 * parted
    for upper, lower in ((LEFT_UPPER_LID, LEFT_LOWER_LID), (RIGHT_UPPER_LID, RIGHT_LOWER_LID)):
        mesh[upper] += 0.95 * shut * (mesh[lower] - mesh[upper])
    return mesh


def shoot() -> list[MeshShot]:
    rng, shots = np.random.default_rng(0), []
    for person in range(5):
        size = rng.uniform(55, 65)
        for number, aus in enumerate(SHOWN):
            mesh = np.float32(face(aus) * size + [PHOTO_PX / 2, PHOTO_PX / 2, 0])
            name = f"people/{person}_{number}.png"
            shots.append(MeshShot(name, f"person_{person}", mesh, draw_mesh(mesh, PHOTO_PX, rng)))
    return shots


@dataclasses.dataclass(frozen=True)
class Tables:
    """Where the sources of a training are."""

    photos: Path
    meshes: Path
    identities: Path
    labels: Path
    codes: Path
    valid: Path
    reader: Path


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder, shots = tmp_path_factory.mktemp("paint"), shoot()
    photos, meshes, identities = write_mesh_sources(folder, shots)
    columns = [f"AU{number:02d}" for number in AUS]
    labels, codes, valid = folder / "labels.csv", folder / "codes.csv", folder / "valid.csv"
    with open(labels, "w", newline="", encoding="utf-8") as file:
        rows = [(shot.name, *(2.5 * value for value in SHOWN[i % len(SHOWN)])) for i, shot in enumerate(shots)]
        csv.writer(file).writerows([("file", *(f"{name}_r" for name in columns)), *rows])
    with open(codes, "w", newline="", encoding="utf-8") as file:
        rows = [(shot.name, *(5 * value for value in SHOWN[i % len(SHOWN)])) for i, shot in enumerate(shots[:18])]
        csv.writer(file).writerows([("file", *columns), *rows])
    with open(valid, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "x0", "y0", "x1", "y1"), (shots[0].name, 0, 0, PHOTO_PX / 2, PHOTO_PX)])
    reader = folder / "reader.safetensors"
    save_judge(reader, *judge(AUS))
    return Tables(photos, meshes, identities, labels, codes, valid, reader)


def judge(aus: tuple[int, ...]) -> tuple[JudgeCard, Judge]:
    torch.manual_seed(0)
    config = JudgeConfig(size_px=64, channels=4, features=4)
    return JudgeCard(config, CropSpec(size_px=64), aus), Judge(config, len(aus)).eval()


def reader(aus: tuple[int, ...] = AUS) -> FrozenReader:
    return FrozenReader.of_judge(LoadedJudge(*judge(aus)))


def faces_of(tables: Tables, folder: Path) -> PaintFaces:
    photos = MeshSources(tables.photos, tables.meshes, tables.identities).make(
        folder, MeshTraining(validation_share=0.3), Silent()
    )
    return PaintSources(tables.labels, tables.codes, tables.identities, tables.valid).read(photos, tables.photos)


@pytest.fixture(scope="module")
def faces(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> PaintFaces:
    return faces_of(tables, tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="module")
def motion(faces: PaintFaces) -> MeasuredMotion:
    return measured_motion(faces)[0]


@pytest.fixture(scope="module")
def samples(faces: PaintFaces, motion: MeasuredMotion) -> PaintSamples:
    return PaintSamples(faces, motion, SHORT, reader().crop)


# Faces


def test_readings_are_stretched_to_what_coders_say_of_the_same_photos() -> None:
    codes = np.full((40, 2), np.nan)
    codes[:20, 0] = np.repeat([0.0, 1.0], 10)
    read = np.tile(np.where(np.arange(40) % 20 < 10, 0.0, 0.5)[:, None], 2)
    codes = np.concatenate([codes, codes])
    told = on_the_scale_of_codes(np.concatenate([read, read]), codes)
    assert told[30, 0] == pytest.approx(1.0)  # read as 0.5, where coders say 1 of what is read as 0.5
    assert told[30, 1] == pytest.approx(1.0)  # nobody coded it: stretched as the others are
    assert told[10, 0] == 1 and told[0, 0] == 0
    assert (on_the_scale_of_codes(read, np.full(read.shape, np.nan)) == read).all()


def test_faces_know_codes_persons_and_what_is_real(faces: PaintFaces) -> None:
    assert faces.au_numbers == AUS and len(faces) == 30
    assert np.allclose(faces.aus[:18, :2], [SHOWN[i % 6][:2] for i in range(18)])
    assert faces.coded[:18].all() and not faces.coded[18:].any()
    assert faces.aus[3, 2] > 0.9 and faces.aus[0, 2] == 0  # by the lids themselves
    assert faces.real[0].tolist() == [0, 0, PHOTO_PX / 2, PHOTO_PX]
    assert faces.real[1].tolist() == [0, 0, PHOTO_PX, PHOTO_PX]
    held = {str(faces.persons[index]) for index in np.flatnonzero(faces.held_out)}
    assert held and held.isdisjoint({str(faces.persons[i]) for i in np.flatnonzero(~faces.held_out)})
    assert sum(len(group) for side in (True, False) for group in faces.groups(side)) == 30


def test_lids_tell_how_far_eyes_are_shut() -> None:
    told = shut_share(np.float32([face((0, 0, share)) for share in (0, 0.7, 1)]))
    assert told[0] == 0 < told[1] < told[2] == 1


def test_tables_that_say_nothing_are_refused(tables: Tables, faces: PaintFaces, tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="what is real"):
        PaintSources(tables.labels, valid=tables.labels).read(faces.photos, tables.photos)
    other = tmp_path / "labels.csv"
    other.write_text("file,AU12_r\nelsewhere.png,1\n")
    with pytest.raises(PackError, match="labels 0 of the photos"):
        PaintSources(other).read(faces.photos, tables.photos)


def test_muscles_move_held_out_people(faces: PaintFaces) -> None:
    muscles, told = measured_muscles(faces)
    assert muscles.aus == AUS and told is not None and told > 0.8
    way = muscles.way(np.array([1.0, 0, 0]))
    assert way[MOUTH_CORNERS, 1].max() < -0.03 and abs(way[1, 1]) < 0.005


# Windows


def test_a_window_of_another_photo_shows_its_face_as_large_and_in_the_same_place(faces: PaintFaces) -> None:
    own, other = faces.mesh(0), faces.mesh(7)
    window = draw_window(np.random.default_rng(0), own, 48)
    there, here = window.like(own, other).mesh(other), window.mesh(own)
    assert eye_span(there) == pytest.approx(eye_span(here))
    assert np.allclose(there[168, :2], here[168, :2])
    assert whole_window(own, 256).mesh(own)[:468, :2].min() > 0


def test_a_photo_at_rest_is_carried_onto_itself(faces: PaintFaces) -> None:
    window = whole_window(faces.mesh(0), 96)
    mesh = window.mesh(faces.mesh(0)).astype(np.float32)
    carried = window.carried(faces.image(0), warp_field(mesh, mesh, 96, 96))
    assert np.abs(carried.astype(int) - window.view(faces.image(0))).mean() < 2


def test_what_is_not_real_is_not_learnt(faces: PaintFaces) -> None:
    window = whole_window(faces.mesh(0), 96)
    left = box_mask(faces.real[0], window)
    assert left[:, 0].any() and not left[:, -1].any()
    sample = pair_sample(faces, 1, 0, window, AT_REST)
    assert not (sample.face & (1 - left)).any()


def test_a_reader_errs_by_less_than_a_pixel_or_two(faces: PaintFaces) -> None:
    mesh = faces.mesh(0)
    off = misread(np.random.default_rng(0), mesh, 0.6) - mesh
    assert 0 < np.abs(off[:, :2]).max() < 3 and not off[:, 2].any()


# Samples


def test_a_pair_is_moved_onto_the_other_photo(faces: PaintFaces) -> None:
    window = whole_window(faces.mesh(2), 96)
    sample = pair_sample(faces, 0, 2, window, AT_REST)
    inside = sample.face > 0
    before = pair_sample(faces, 0, 0, whole_window(faces.mesh(0), 96), AT_REST)
    still = np.abs(before.real.astype(int) - sample.real)[inside].mean()
    assert np.abs(sample.moved.astype(int) - sample.real)[inside].mean() < still
    assert sample.y_from.tolist() == pytest.approx([0, 0, 0]) and sample.y_to[1] == 1
    assert sample.hints[UNSEEN].any()  # lips that part


def test_lips_meet_where_they_are_to_be_shut(faces: PaintFaces) -> None:
    mesh = faces.mesh(2)
    shut = lips_shut(mesh, 1.0)
    assert np.allclose(shut[UPPER_LIP_EDGE], shut[LOWER_LIP_EDGE])
    assert np.allclose(lips_shut(mesh, 0.0), mesh)
    assert shut[152, 1] < mesh[152, 1]


def test_batches_depend_on_the_step_alone_and_show_nobody_who_is_held_out(
    faces: PaintFaces, samples: PaintSamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    image = PaintFaces.image

    def watched(self: PaintFaces, face: int) -> NDArray[np.uint8]:
        seen.append(face)
        return image(self, face)

    monkeypatch.setattr(PaintFaces, "image", watched)
    first, again, other = samples[0], samples[0], samples[1]
    assert torch.equal(first.moved, again.moved) and torch.equal(first.y_to, again.y_to)
    assert not torch.equal(first.moved, other.moved)
    assert first.moved.shape == first.real.shape == (2, 3, 48, 48) and first.hints.shape == (2, 6, 48, 48)
    assert float(first.moved.min()) >= -1 and float(first.moved.max()) <= 1
    for step in range(2, 8):
        samples[step]
    assert seen and not faces.held_out[seen].any()


def test_restored_windows_differ_in_the_hole_alone(faces: PaintFaces, motion: MeasuredMotion) -> None:
    restored = PaintSamples(faces, motion, dataclasses.replace(SHORT, restored_share=1.0), reader().crop)
    restored._holes.shares[:] = 0.7, 0.3, 0  # in eyes that shut again lids differ, too
    for step in range(4):
        batch = restored[step]
        differs = (batch.moved - batch.real).abs().amax(1) > 0.1  # JPEG spreads what differs over its blocks
        hole = torch.nn.functional.max_pool2d(batch.hints[:, :2].amax(1, keepdim=True), 17, 1, 8)[:, 0] > 0
        assert (differs & ~hole).float().mean() < 0.01


def test_eyes_that_were_opened_are_shut_again(faces: PaintFaces, motion: MeasuredMotion) -> None:
    restored = PaintSamples(faces, motion, dataclasses.replace(SHORT, restored_share=1.0), reader().crop)
    restored._holes.shares[:] = 0, 0, 1
    batches = [restored[step] for step in range(3)]
    changed = torch.stack([(batch.moved - batch.real).abs().mean() for batch in batches])
    assert (changed > 0.005).all()  # lids that came down again are not those of the photo
    blink = AUS.index(45)
    assert all((batch.y_to[:, blink] > 0.5).all() and not batch.y_from[:, blink].any() for batch in batches)


def test_lent_eyes_are_in_eyes_and_on_lids_alone(faces: PaintFaces) -> None:
    rng, window = np.random.default_rng(0), whole_window(faces.mesh(0), 96)
    mesh, view = window.mesh(faces.mesh(0)), window.view(faces.image(0))
    plain = Camera(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))
    asked = (with_lent_eyes(view, mesh, window, faces, lender, plain, rng) for lender in range(1, len(faces)))
    lent = next(each for each in asked if each is not None)
    around = np.zeros((96, 96), bool)
    for ring in (RIGHT_LID_SKIN, LEFT_LID_SKIN):
        around |= cv2.dilate(polygon_mask(mesh[ring], 96), np.ones((7, 7))) > 0
    assert (lent != view)[around].any() and np.array_equal(lent[~around], view[~around])


def test_lenders_whose_skin_is_another_lend_nothing(faces: PaintFaces) -> None:
    rng, window = np.random.default_rng(0), whole_window(faces.mesh(0), 96)
    mesh, dark = window.mesh(faces.mesh(0)), np.full((96, 96, 3), 8, np.uint8)
    plain = Camera(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))
    assert with_lent_eyes(dark, mesh, window, faces, 1, plain, rng) is None


def test_aus_are_told_stronger_in_the_same_proportions_and_at_most_at_1(faces: PaintFaces) -> None:
    sample = pair_sample(faces, 0, 1, whole_window(faces.mesh(1), 48), AT_REST)
    sample = dataclasses.replace(sample, y_from=0.2 * sample.y_from, y_to=0.5 * sample.y_to)
    told = [strengthened_sample(sample, np.random.default_rng(seed)) for seed in range(20)]
    factors = np.array([each.y_to.max() / sample.y_to.max() for each in told])
    assert factors.min() >= 1 and factors.max() > 1.2 and all(each.y_to.max() <= 1 for each in told)
    for each, factor in zip(told, factors, strict=True):
        assert np.allclose(each.y_to, factor * sample.y_to) and np.allclose(each.y_from, factor * sample.y_from)
        assert np.array_equal(each.moved, sample.moved)


def test_eyes_shut_from_one_photo_to_the_next(faces: PaintFaces, motion: MeasuredMotion) -> None:
    blinking = PaintSamples(
        faces, motion, dataclasses.replace(SHORT, restored_share=0.0, blink_share=1.0), reader().crop
    )
    pairs = [blinking._draw_blink(np.random.default_rng(seed)) for seed in range(20)]
    shut = np.array([lid_gaps(faces.meshes[list(pair)]).mean(1) for pair in pairs])
    assert (faces.persons[[a for a, _ in pairs]] == faces.persons[[b for _, b in pairs]]).all()
    assert 0.5 < (shut[:, 1] < shut[:, 0]).mean() < 1
    assert not faces.held_out[np.ravel(pairs)].any()


def test_a_mirrored_sample_mirrored_is_itself(faces: PaintFaces) -> None:
    sample = pair_sample(faces, 0, 1, whole_window(faces.mesh(1), 48), AT_REST)
    twice = mirrored_sample(mirrored_sample(sample))
    assert np.array_equal(twice.hints, sample.hints) and np.array_equal(twice.moved, sample.moved)


def test_pairs_to_look_at_are_of_held_out_people(faces: PaintFaces) -> None:
    pairs = validation_pairs(faces, 5, 0)
    assert len(pairs) == 5 and pairs == validation_pairs(faces, 5, 0)
    for before, after in pairs:
        assert before != after and faces.held_out[before] and faces.persons[before] == faces.persons[after]


def test_who_has_nobody_to_learn_from_says_so(faces: PaintFaces, motion: MeasuredMotion) -> None:
    nobody = dataclasses.replace(faces, persons=np.full(len(faces), "", np.str_))
    held = nobody.held_out
    kept = {name: getattr(nobody, name)[held] for name in ("rows", "aus", "coded", "persons", "real")}
    with pytest.raises(PackError, match="nobody to learn from"):
        PaintSamples(dataclasses.replace(nobody, **kept), motion, SHORT, reader().crop)


# Skin


def test_skin_that_slides_where_meshes_are_still_is_found(faces: PaintFaces) -> None:
    """Made-up skin, whose texture slides up at the cheeks with AU 12; no mesh tells of it."""
    rng, sliding, mesh = np.random.default_rng(1), 0.02, mean_face() * 140 + [PHOTO_PX, PHOTO_PX, 0]
    way = AT_REST.copy()
    way[0, :, 1] = -sliding * np.exp(-((np.abs(mean_face()[:, 0]) - 0.2) ** 2 + mean_face()[:, 1] ** 2) / 0.02)
    texture = cv2.GaussianBlur(rng.integers(0, 255, (2 * PHOTO_PX, 2 * PHOTO_PX, 3)).astype(np.float32), (0, 0), 1.5)
    texture = np.clip(128 + (texture - texture.mean()) * 3, 0, 255).astype(np.uint8)
    calm, smile = np.zeros(3, np.float32), np.array([1, 0, 0], np.float32)
    field = moved_field(mesh, beyond_mesh(mesh, way, calm, smile), 2 * PHOTO_PX)
    images, rows = [texture, field.apply(texture)] * 3, np.arange(6)
    people = dataclasses.replace(
        faces,
        photos=_Photos(images, np.stack([mesh] * 6).astype(np.float32)),  # type: ignore[arg-type]
        rows=rows,
        aus=np.stack([calm, smile] * 3),
        coded=np.ones((6, 3), bool),
        persons=np.array(["a", "a", "b", "b", "c", "c"]),
        real=np.zeros((6, 4), np.float32),
    )
    found = skin_ways(people, rows)
    cheeks = np.flatnonzero(way[0, :, 1] < -0.7 * sliding)
    # Three pairs against four photos' worth of doubt: at the second look well over half of the way.
    assert 0.4 < (found[0, cheeks, 1] / way[0, cheeks, 1]).mean() < 1.05
    assert np.abs(found[0, cheeks, 0]).max() < 0.2 * sliding and np.abs(found[1:]).max() < 0.2 * sliding


@dataclasses.dataclass(frozen=True)
class _Photos:
    images: list[NDArray[np.uint8]]
    meshes: NDArray[np.float32]

    @property
    def validation(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.images), bool)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.images[index]


def test_a_forehead_follows_the_brows_evenly_up_to_the_hairline() -> None:
    ways = np.zeros((1, 478, 3))
    ways[0, RIGHT_BROW + LEFT_BROW, 1] = -0.1
    spread = spread_over_the_forehead(ways)
    still = np.setdiff1d(np.arange(478), FOREHEAD)
    assert np.array_equal(spread[:, still], ways[:, still])
    assert (spread[0, FOREHEAD, 1] < -0.01).all() and (spread[0, FOREHEAD, 1] > -0.1).all()
    raised = mean_face() + spread[0]
    assert raised[69, 1] < raised[66, 1] and raised[108, 1] < raised[107, 1]  # brows do not overtake it


def test_motion_is_measured_once_a_run(faces: PaintFaces, motion: MeasuredMotion) -> None:
    alone = measured_muscles(faces)[0]
    assert np.allclose(motion.muscles.ways, alone.ways + motion.beyond)
    far = (alone.gains[:2, None, None] * alone.ways[:2] + motion.beyond[:2]) * alone.ways[:2]
    whole = motion.muscles.gains[:2, None, None] * motion.muscles.ways[:2] * alone.ways[:2]
    assert np.allclose(far.sum((1, 2)), whole.sum((1, 2)))
    assert np.abs(motion.beyond).max() > 0


# Whole faces


def whole(faces: PaintFaces, motion: MeasuredMotion, y_to: list[float]) -> WholeBatch:
    wish = np.array(y_to, np.float32)
    return whole_batch([wished_face(faces, 0, wish, motion.muscles, reader().crop, np.random.default_rng(0))])


def test_a_whole_face_is_painted_within_its_outline_and_wishes_rise(faces: PaintFaces, motion: MeasuredMotion) -> None:
    batch = whole(faces, motion, [1, 0, 0])
    assert batch.moved.shape == (1, 3, 128, 128) and batch.rise.tolist() == [[1, 0, 0]]
    assert float(batch.share[..., 0].max()) == 0 and float(batch.share.max()) > 0.95
    window = crop_window(faces.mesh(0), reader().crop)
    mesh = window.mesh(faces.mesh(0))
    assert np.allclose(mesh[[33, 133, 362, 263], 1].mean(), 0.345 * 128, atol=1)


def test_wishes_change_some_aus_or_are_another_face(faces: PaintFaces) -> None:
    rng = np.random.default_rng(0)
    wishes = [draw_wish(rng, faces, 0, np.ones(3)) for _ in range(50)]
    assert all(wish.min() >= 0 and wish.max() <= 1 for wish in wishes)
    assert len({tuple(wish) for wish in wishes}) > 20
    alone = dataclasses.replace(faces, aus=faces.aus[:, :1])  # a model of one AU
    assert all(draw_wish(rng, alone, 0, np.ones(1)).shape == (1,) for _ in range(50))


def test_a_whole_face_in_a_mirror_twice_is_itself(faces: PaintFaces, motion: MeasuredMotion) -> None:
    face = wished_face(faces, 0, np.ones(3, np.float32), motion.muscles, reader().crop, np.random.default_rng(0))
    twice = mirrored_whole(mirrored_whole(face))
    assert all(np.array_equal(getattr(face, name), getattr(twice, name)) for name in vars(face))


def test_what_is_read_as_it_should_be_costs_nothing_and_else_teaches_the_paint(
    faces: PaintFaces, motion: MeasuredMotion
) -> None:
    batch, worth = whole(faces, motion, [0, 0, 0]), torch.eye(3)
    color = batch.photo.clone().requires_grad_()
    still = dataclasses.replace(batch, moved=batch.photo, rise=torch.zeros(1, 3))
    painted = Painted(color, torch.zeros_like(batch.share), color)
    assert float(terms.expression(painted, still, reader(), worth).detach()) == pytest.approx(0, abs=1e-9)
    asked = terms.expression(painted, dataclasses.replace(still, rise=torch.ones(1, 3)), reader(), worth)
    assert float(asked.detach()) == pytest.approx(1, abs=1e-4)
    assert torch.autograd.grad(asked, color)[0].abs().sum() > 0


def test_what_a_reader_reads_of_people_is_what_their_aus_are_worth(faces: PaintFaces) -> None:
    worth = reader().worth(faces, CPU)
    assert worth.shape == (3, 3) and np.isfinite(worth).all() and np.abs(worth).max() > 0


# Cameras


def photo_of_noise() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def test_a_plain_camera_changes_nothing_and_one_camera_takes_photos_alike() -> None:
    plain = Camera(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))
    assert np.array_equal(plain.take(photo_of_noise(), np.random.default_rng(0)), photo_of_noise())
    for seed in range(20):
        camera = dataclasses.replace(Camera.draw(np.random.default_rng(seed)), noise=0.0)
        one, other = (camera.take(photo_of_noise(), np.random.default_rng(number)) for number in (1, 2))
        assert np.array_equal(one, other) and one.shape == (64, 64, 3)


def test_cameras_differ_in_what_they_do() -> None:
    cameras = [Camera.draw(np.random.default_rng(seed)) for seed in range(200)]
    for part in ("grey", "blur_px", "quality", "noise"):
        assert 10 < sum(bool(getattr(camera, part)) for camera in cameras) < 120
    grey = next(camera for camera in cameras if camera.grey and camera.quality is None and not camera.noise)
    shown = grey.take(photo_of_noise(), np.random.default_rng(0))
    assert np.array_equal(shown[..., 0], shown[..., 1])
    sharp, soft = (dataclasses.replace(cameras[0], blur_px=blur, noise=0.0, quality=None) for blur in (0.0, 1.5))
    detail = [
        np.diff(each.take(photo_of_noise(), np.random.default_rng(0)).astype(float)).std() for each in (sharp, soft)
    ]
    assert detail[1] < 0.5 * detail[0]


# Gains


@pytest.mark.parametrize(
    ("responses", "gain"),
    [
        ((0.9, 1.0, 1.1), 1.0),
        ((0.4, 0.8, 1.0), 1.3),
        ((0.6, 0.7, 0.9), 1.45),
        ((0.1, 0.2, 0.3), 1.6),
        ((0.3, 0.5, 0.4), 1.3),  # more motion is not seen as more
    ],
)
def test_a_gain_is_the_least_that_is_enough(responses: tuple[float, ...], gain: float) -> None:
    assert enough_gain(np.array(responses)) == pytest.approx(gain)


class NoPaint(nn.Module):
    """Paints nothing over a moved photo."""

    def forward(self, moved: Tensor, hints: Tensor, y_from: Tensor, y_to: Tensor) -> Painted:
        return Painted(moved, torch.ones_like(moved[:, :1]), moved)


@dataclasses.dataclass(frozen=True)
class Comparing(FrozenReader):
    """Reads of every AU how far a face is from the first that it was ever shown."""

    def read(self, image: Tensor) -> Tensor:
        seen.append(image)
        return (image - seen[0][:1]).abs().mean((1, 2, 3))[:, None].repeat(1, len(self.aus))


seen: list[Tensor] = []


def test_gains_rise_until_enough_is_read_and_never_fall(
    faces: PaintFaces, motion: MeasuredMotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def read(_: Muscles, row: int, *rest: object) -> NDArray[np.float32]:
        asked.append(row)
        return np.float32([[0.2, 0.4, 0.9], [0.3, 0.6, 0.7], [0, 0, 0]][row])

    own = dataclasses.replace(motion.muscles, aus=(4, 20, 45), gains=np.array([1.2, 2.5, 1.0]))
    with monkeypatch.context() as patched:
        patched.setattr(gain_fit, "_read", read)
        found = gain_fit.with_read_gains(own, NoPaint(), faces, reader(), np.eye(3), torch.device("cpu"), 0)
    assert found.gains == pytest.approx([1.54, 2.5, 1.0])
    assert set(asked) == {0, 1}  # not of lids, which close by the share of their own gap
    assert np.array_equal(found.ways, own.ways)
    mouths = gain_fit.with_read_gains(
        motion.muscles, NoPaint(), faces, reader(), np.eye(3), torch.device("cpu"), 0
    )  # 12, 25 and 45: meshes tell of those
    assert np.array_equal(mouths.gains, motion.muscles.gains)


def test_of_a_bolder_face_more_is_read(faces: PaintFaces, motion: MeasuredMotion) -> None:
    seen.clear()
    comparing = Comparing(**{field.name: getattr(reader(), field.name) for field in dataclasses.fields(FrozenReader)})
    calm = int(np.flatnonzero((faces.aus.sum(1) == 0) & ~faces.held_out)[0])
    read = gain_fit._read(motion.muscles, 0, NoPaint(), faces, calm, comparing, torch.device("cpu"))
    assert read.shape == (len(gain_fit.TRIED),) and (np.diff(read) > 0).all()


# Terms


def test_what_is_off_the_face_counts_nothing(samples: PaintSamples) -> None:
    batch = samples[0]
    color = batch.real.clone() + 0.5 * (1 - batch.face)
    found = terms.paint_terms(Painted(color, torch.zeros_like(batch.face), color), batch, reader())
    assert float(found.color) == pytest.approx(0, abs=1e-6)
    shown = terms.on_the_photo(color, batch)
    assert torch.allclose(shown, batch.real, atol=1e-6)


def test_skin_that_is_drawn_out_counts_more(samples: PaintSamples) -> None:
    batch = samples[0]
    hints = torch.zeros_like(batch.hints)
    plain = terms.worth(dataclasses.replace(batch, hints=hints))
    hints[:, 3] = 0.5  # half of log2: twice the area
    assert torch.allclose(terms.worth(dataclasses.replace(batch, hints=hints)), plain * (1 + terms.STRETCH_WORTH))


def test_attention_does_not_teach_the_paint(samples: PaintSamples) -> None:
    batch = samples[0]
    color, attention = (torch.full_like(part, 0.5).requires_grad_() for part in (batch.real, batch.face))
    found = terms.paint_terms(Painted(color, attention, color), batch, reader())
    by_color, by_attention = torch.autograd.grad(found.attention, (color, attention), allow_unused=True)
    assert by_color is None and by_attention.abs().sum() > 0


def test_a_critic_looks_where_paint_and_photo_differ(samples: PaintSamples) -> None:
    batch = samples[0]
    image = batch.real.clone()
    image[..., 24:, :] += 0.5 * batch.face[..., 24:, :]
    scores = torch.zeros(2, 1, 6, 6)
    weight = terms.difference(image, batch, scores)
    assert weight[..., 4:, :].sum() > 5 * weight[..., :2, :].sum()
    assert float(terms.least_squares(scores, 1.0, weight)) == pytest.approx(1)


# The trainer


@pytest.fixture(scope="module")
def trained(
    faces: PaintFaces, motion: MeasuredMotion, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PaintTrainer, Path]:
    folder = tmp_path_factory.mktemp("run")
    trainer = PaintTrainer(faces, motion, reader(), SHORT, CPU)
    list(trainer.run(folder))
    return trainer, folder


def weights_of(trainer: PaintTrainer) -> list[torch.Tensor]:
    return [*trainer.painter.parameters(), *trainer.critic.parameters(), *trainer.average.parameters()]


def test_a_run_that_was_broken_ends_as_one_that_was_not(
    faces: PaintFaces, motion: MeasuredMotion, trained: tuple[PaintTrainer, Path], tmp_path: Path
) -> None:
    reads = reader()
    first = PaintTrainer(faces, motion, reads, SHORT, CPU)
    for record in first.run(tmp_path):
        if record.step == 3:
            break
    second = PaintTrainer(faces, motion, reads, SHORT, CPU)
    second.restore(tmp_path)
    assert second.step_index == 3
    list(second.run(tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(weights_of(trained[0]), weights_of(second), strict=True))
    log = [json.loads(line) for line in (tmp_path / LOG_NAME).read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    assert "critic" not in log[1] and log[3]["critic"] > 0 and "held_out" in log[2]


def test_the_model_holds_the_average_painter_the_muscles_and_the_reader(
    faces: PaintFaces, trained: tuple[PaintTrainer, Path]
) -> None:
    trainer, folder = trained
    model = load_model(folder / MODEL_NAME)
    assert isinstance(model.generator, MeshGenerator) and isinstance(model.reader, Judge)
    assert model.card.aus == AUS and model.card.training["steps"] == 6
    own = trainer.average.state_dict()
    assert all(
        torch.allclose(own[name], value, atol=1e-3) for name, value in model.generator.painter.state_dict().items()
    )
    assert np.allclose(model.generator.muscles(AUS).ways, trainer.motion.muscles.ways, atol=1e-3)


def test_a_painter_learns_on_from_a_model(
    faces: PaintFaces, motion: MeasuredMotion, trained: tuple[PaintTrainer, Path]
) -> None:
    reads = reader()
    model = load_model(trained[1] / MODEL_NAME)
    trainer = PaintTrainer(faces, motion, reads, SHORT, CPU)
    trainer.begin_with(model)
    assert isinstance(model.generator, MeshGenerator)
    own = model.generator.painter.state_dict()
    for painter in (trainer.painter, trainer.average):
        assert all(torch.equal(own[name], value) for name, value in painter.state_dict().items())
    wider = dataclasses.replace(SHORT, network=PainterConfig(channels=16, blocks=1))
    with pytest.raises(TrainingError, match="another size"):
        PaintTrainer(faces, motion, reads, wider, CPU).begin_with(model)
    other = dataclasses.replace(model, card=dataclasses.replace(model.card, aus=(1, 2, 4)))
    with pytest.raises(TrainingError, match="no painter of these AUs"):
        trainer.begin_with(other)


def test_it_learns(faces: PaintFaces, motion: MeasuredMotion) -> None:
    how = dataclasses.replace(SHORT, critic_start=10_000, learning_rate=5e-3, steps=40, check_steps=1000)
    trainer = PaintTrainer(faces, motion, reader(), how, CPU)
    batch = trainer.samples[0]
    before = trainer.step(batch).terms["color"]
    for _ in range(25):
        after = trainer.step(batch).terms["color"]
    assert after < 0.8 * before


def test_a_reader_of_other_aus_and_states_of_other_photos_are_refused(
    faces: PaintFaces, motion: MeasuredMotion, trained: tuple[PaintTrainer, Path]
) -> None:
    with pytest.raises(TrainingError, match="reads the AUs 1, 2"):
        PaintTrainer(faces, motion, reader((1, 2)), SHORT, CPU)
    photos = dataclasses.replace(faces.photos, made_from="elsewhere")
    other = PaintTrainer(dataclasses.replace(faces, photos=photos), motion, reader(), SHORT, CPU)
    with pytest.raises(TrainingError, match="other photos"):
        other.restore(trained[1])
    wider = dataclasses.replace(SHORT, network=PainterConfig(channels=16, blocks=1))
    with pytest.raises(ModelError, match="does not fit"):
        PaintTrainer(faces, motion, reader(), wider, CPU).restore(trained[1])


def test_terms_that_are_no_numbers_end_the_run(
    faces: PaintFaces, motion: MeasuredMotion, samples: PaintSamples
) -> None:
    trainer = PaintTrainer(faces, motion, reader(), SHORT, CPU)
    batch = samples[0]
    with pytest.raises(TrainingError, match="became nan"):
        trainer.step(dataclasses.replace(batch, moved=batch.moved * float("nan")))


# The command


def command(tables: Tables, out: Path, *more: object) -> tuple[object, ...]:
    return (
        "train-paint", tables.photos, "--meshes", tables.meshes, "-a", tables.labels, "--codes", tables.codes,
        "--identities", tables.identities, "--reader", tables.reader, "--out", out, "--threads", 1, "--workers", 0,
        *more,
    )  # fmt: skip


def run_command(cli: Cli, tables: Tables, out: Path, *more: object) -> Result:
    return cli(*command(tables, out, *more))


def test_the_command_trains_stops_and_goes_on(cli: Cli, tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "run"
    small = ("--batch", 2, "--window", 48, "--channels", 8, "--blocks", 1, "--validation-share", 0.3)
    done = run_command(cli, tables, out, *small, "--steps", 2)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out / "model.safetensors") and "muscles explain" in done.stderr
    again = run_command(cli, tables, out, *small, "--steps", 2)
    assert again.exit_code == 1 and "add --resume" in again.stderr
    more = run_command(cli, tables, out, "--resume", "--steps", 3)
    assert more.exit_code == 0 and "going on from step 2 of 3" in more.stderr, more.stderr
    assert load_model(out / "model.safetensors").card.training["steps"] == 3


def test_two_processes_learn_what_one_does(cli: Cli, tables: Tables, tmp_path: Path) -> None:
    how = dataclasses.replace(SHORT, batch_images=4, steps=20, learning_rate=1e-4, check_steps=10, validation_share=0.3)
    for name in ("one", "two"):
        create_run(tmp_path / name, how)
    finished(torchrun(tmp_path, *command(tables, tmp_path / "two", "--resume", "--device", "cpu")))
    alone = run_command(cli, tables, tmp_path / "one", "--resume", "--device", "cpu")
    assert alone.exit_code == 0, alone.stderr
    assert_alike(log_of(tmp_path / "two"), log_of(tmp_path / "one"))
    assert log_of(tmp_path / "two")[-1]["critic"] > 0 and "held_out" in log_of(tmp_path / "two")[-1]

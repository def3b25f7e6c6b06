from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import SIZE_PX, make_pack, shoot, tiny_config

from ganimate.config import Augmentation
from ganimate.data.dataset import FaceDataset, batches, plain_views
from ganimate.data.pack import MARGIN, Pack, open_pack
from ganimate.data.samples import TrainingBatch
from ganimate.errors import PackError
from ganimate.face.landmarks import MIRROR
from ganimate.networks.pictures import to_pictures

STILL = Augmentation(False, *(0.0,) * 10)


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


def same(a: TrainingBatch, b: TrainingBatch) -> bool:
    pairs = zip(vars(a).values(), vars(b).values(), strict=True)
    return all(torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y for x, y in pairs)


def test_a_batch_is_a_pure_function_of_its_step(pack: Pack) -> None:
    first, second = FaceDataset(pack, tiny_config()), FaceDataset(open_pack(pack.path), tiny_config())
    forwards = [first[step] for step in range(6)]
    backwards = [second[step] for step in reversed(range(6))]
    assert all(same(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))
    assert not same(forwards[0], forwards[1])
    other_seed = FaceDataset(pack, tiny_config(seed=1))
    assert not same(forwards[0], other_seed[0])


def test_the_schedules_length_does_not_enter_a_batch(pack: Pack) -> None:
    config = tiny_config()
    longer = dataclasses.replace(config, schedule=dataclasses.replace(config.schedule, adversarial_steps=100))
    assert same(FaceDataset(pack, config)[3], FaceDataset(pack, longer)[3])


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_give_the_same_batches_from_any_start(pack: Pack, workers: int) -> None:
    dataset = FaceDataset(pack, tiny_config())
    loaded = list(batches(dataset, range(3, len(dataset)), workers))
    assert len(loaded) == len(dataset) - 3
    assert all(same(dataset[3 + place], batch) for place, batch in enumerate(loaded))


def test_workers_that_are_not_forked_give_the_same_batches(pack: Pack) -> None:
    # macOS and Python 3.14 do not fork; then the dataset is pickled
    dataset = FaceDataset(pack, tiny_config(), steps=2)
    loader = batches(dataset, range(len(dataset)), 1)
    loader.multiprocessing_context = multiprocessing.get_context("spawn")
    assert all(same(dataset[step], batch) for step, batch in enumerate(loader))


def test_shapes_and_ranges(pack: Pack) -> None:
    for share, pairs in ((0.5, 2), (0.0, 0), (1.0, 4)):
        batch = FaceDataset(pack, tiny_config(pair_share=share))[0]
        assert batch.pairs == pairs
        assert batch.source.shape == (4, 3, SIZE_PX, SIZE_PX)
        assert batch.target.shape == (pairs, 3, SIZE_PX, SIZE_PX)
        assert batch.landmarks_from.shape == batch.landmarks_to.shape == (4, 68, 2)
        for images in (batch.source, batch.target):
            assert images.dtype == torch.float32
            assert bool(((images >= -1) & (images <= 1)).all())
        for aus in (batch.y_from, batch.y_to):
            assert aus.shape == (4, 17)
            assert aus.dtype == torch.float32
            assert bool(((aus >= 0) & (aus <= 1)).all())


def row_of(pack: Pack, aus: torch.Tensor) -> int:
    (rows,) = np.nonzero((pack.aus == aus.numpy()).all(1))
    return int(rows[0])


def test_held_out_people_are_never_seen(pack: Pack) -> None:
    dataset = FaceDataset(pack, tiny_config(batch_images=16), steps=30)
    seen = {row_of(pack, aus) for step in range(30) for aus in dataset[step].y_from}
    seen |= {row_of(pack, aus) for step in range(30) for aus in dataset[step].y_to[: dataset[step].pairs]}
    assert not seen & set(pack.indices(validation=True).tolist())
    assert seen == set(pack.indices(validation=False).tolist())  # and everybody else is


def test_a_pair_is_one_person_twice(pack: Pack) -> None:
    dataset = FaceDataset(pack, tiny_config(pair_share=1.0, transplant_share=0.0, augmentation=STILL))
    for step in range(5):
        batch = dataset[step]
        for place in range(batch.pairs):
            source, target = row_of(pack, batch.y_from[place]), row_of(pack, batch.y_to[place])
            assert pack.person[source] == pack.person[target] >= 0
            assert source != target
            torch.testing.assert_close(batch.source[place], plain_views(pack, np.array([source]))[0])
            torch.testing.assert_close(batch.target[place], plain_views(pack, np.array([target]))[0])


def test_pairs_are_moved_into_photos_of_people_seen_once(pack: Pack) -> None:
    here, moved = (
        FaceDataset(pack, tiny_config(pair_share=1.0, transplant_share=share, augmentation=STILL))[0]
        for share in (0.0, 1.0)
    )
    once = [i for i in pack.indices(validation=False) if pack.person[i] < 0]
    hosts = plain_views(pack, np.array(once))
    corners = [(0, 0), (0, -1), (-1, 0), (-1, -1)]
    for pair in (moved.source, moved.target):
        assert all(
            any(all(torch.equal(image[:, r, c], host[:, r, c]) for r, c in corners) for host in hosts) for image in pair
        )
    first = FaceDataset(pack, tiny_config(pair_share=1.0, transplant_share=1.0, augmentation=STILL, batch_images=2))[0]
    assert torch.equal(first.source[:, :, 0, 0], first.target[:, :, 0, 0])
    assert not torch.equal(here.source, moved.source)


def test_pairs_are_made_of_people_seen_once(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=6, photos=9, strangers=8), share=0.0)
    pack = open_pack(tmp_path / "faces.pack")
    one_way = {"pair_share": 1.0, "transplant_share": 0.0, "augmentation": STILL, "batch_images": 32}
    none, all_made = (FaceDataset(pack, tiny_config(mapped_share=share, **one_way))[0] for share in (0.0, 1.0))
    assert none.taken.all()
    made = (~all_made.taken).nonzero().flatten().tolist()
    assert made
    for place in made:
        source = row_of(pack, all_made.y_from[place])
        assert pack.person[source] < 0
        torch.testing.assert_close(all_made.source[place], plain_views(pack, np.array([source]))[0])
        assert not torch.equal(all_made.target[place], all_made.source[place])
        assert 0.5 < float(all_made.known[place].mean()) < 1


def test_made_targets_move_with_the_generator(pack: Pack) -> None:
    batch = FaceDataset(pack, tiny_config(pair_share=1.0, augmentation=STILL))[0]
    known = torch.ones_like(batch.known)
    known[1, :, 8:12, 8:12] = 0
    batch = dataclasses.replace(batch, known=known)
    assert batch.taken.tolist() == [True, False, True, True]
    flow = torch.zeros(4, 2, SIZE_PX, SIZE_PX)
    flow[:, 0] = 2 * 3 / SIZE_PX  # everywhere what lies 3 pixels further right
    moved = batch.moved_along(flow)
    assert torch.equal(moved.target[[0, 2, 3]], batch.target[[0, 2, 3]])
    torch.testing.assert_close(moved.target[1, :, :, :-3], batch.target[1, :, :, 3:])
    torch.testing.assert_close(moved.known[1, 0, 8:12, 5:9], torch.zeros(4, 4))
    assert moved.taken.tolist() == batch.taken.tolist()
    still = batch.moved_along(None)
    assert still.known[1].max() == 0 and still.known[0].min() == 1


def test_black_and_white_photos_are_so_on_both_sides(pack: Pack) -> None:
    grey = dataclasses.replace(STILL, grey_probability=1.0)
    batch = FaceDataset(pack, tiny_config(pair_share=1.0, augmentation=grey))[0]
    for images in (batch.source, batch.target):
        assert (images - images.mean(1, keepdim=True)).abs().max() < 0.01
    assert batch.source.std() > 0.05


def test_a_view_without_augmentation_is_the_animators_crop(pack: Pack) -> None:
    batch = FaceDataset(pack, tiny_config(transplant_share=0.0, augmentation=STILL))[0]
    rows = np.array([row_of(pack, aus) for aus in batch.y_from])
    torch.testing.assert_close(batch.source, plain_views(pack, rows))
    points = (pack.landmarks[rows] - SIZE_PX * MARGIN + 0.5) / SIZE_PX
    np.testing.assert_allclose(batch.landmarks_from.numpy(), points, atol=1e-5)


def test_landmarks_follow_the_image_through_every_view(pack: Pack) -> None:
    # drawn brows are dark and cheeks are light, wherever a view takes them
    strong = Augmentation(True, 0.05, 15, 0.1, *(0.0,) * 7)
    dataset = FaceDataset(pack, tiny_config(batch_images=16, augmentation=strong))
    skin, brow = [], []
    for step in range(4):
        batch = dataset[step]
        pictures = to_pictures(batch.source).astype(float).mean(3)
        for picture, points in zip(pictures, batch.landmarks_from.numpy(), strict=True):
            at = np.clip((points * SIZE_PX).astype(int), 0, SIZE_PX - 1)
            cheeks = at[[1, 15]] + (at[[30, 30]] - at[[1, 15]]) // 2
            brows = at[[19, 24]]
            skin.append(picture[cheeks[:, 1], cheeks[:, 0]].mean())
            brow.append(picture[brows[:, 1], brows[:, 0]].mean())
    assert np.mean(np.array(skin) > np.array(brow) + 30) > 0.95


def test_a_flipped_face_keeps_left_and_right_apart(pack: Pack) -> None:
    dataset = FaceDataset(
        pack, tiny_config(batch_images=32, transplant_share=0.0, augmentation=dataclasses.replace(STILL, flip=True))
    )
    batch = dataset[0]
    rows = np.array([row_of(pack, aus) for aus in batch.y_from])
    plain = plain_views(pack, rows)
    flipped = [not torch.allclose(a, b) for a, b in zip(batch.source, plain, strict=True)]
    assert 5 < sum(flipped) < 27
    for place in np.flatnonzero(flipped):
        torch.testing.assert_close(batch.source[place], plain[place].flip(-1))
        points = (pack.landmarks[rows[place]] - SIZE_PX * MARGIN + 0.5) / SIZE_PX
        mirrored = points[MIRROR] * [-1, 1] + [1, 0]
        np.testing.assert_allclose(batch.landmarks_from[place].numpy(), mirrored, atol=1e-5)
    eyes = batch.landmarks_from.numpy()
    assert (eyes[:, 36, 0] < eyes[:, 45, 0]).all()


def test_strangers_alone_give_no_pairs_but_still_a_motion(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=0, strangers=40))
    dataset = FaceDataset(open_pack(tmp_path / "faces.pack"), tiny_config())
    batch = dataset[0]
    assert batch.pairs == 0
    assert len(batch.target) == 0
    slopes = dataset.response.slopes
    assert slopes[0, 17:27, 1].mean() < -0.002  # AU1 raises the brows
    moved = (batch.landmarks_to - batch.landmarks_from).abs().sum((1, 2))
    assert bool((moved > 0).all())


def test_too_few_photos_get_a_sentence(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=0, strangers=1), share=0.0)
    with pytest.raises(PackError, match="has 1 photos for training"):
        FaceDataset(open_pack(tmp_path / "faces.pack"), tiny_config())

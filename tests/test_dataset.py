from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import SIZE_PX, make_pack, shoot, tiny_config

from ganimate.config import Augmentation
from ganimate.data.dataset import FaceDataset, TrainingBatch, batches, plain_views
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import PackError

STILL = Augmentation(False, *(0.0,) * 10)


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


def same(a: TrainingBatch, b: TrainingBatch) -> bool:
    return all(map(torch.equal, vars(a).values(), vars(b).values()))


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
    longer = dataclasses.replace(config, steps=100)
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
    batch = FaceDataset(pack, tiny_config())[0]
    assert batch.source.shape == (4, 3, SIZE_PX, SIZE_PX) and batch.source.dtype == torch.float32
    assert batch.source.abs().max() <= 1
    for aus in (batch.y_from, batch.y_to):
        assert aus.shape == (4, 17) and aus.dtype == torch.float32
        assert bool(((aus >= 0) & (aus <= 1)).all())


def test_wishes_are_others_aus_or_the_photos_own_with_a_few_changed(pack: Pack) -> None:
    batch = FaceDataset(pack, tiny_config(batch_images=200, target_noise=0.0))[0]
    changed = (batch.y_to != batch.y_from).sum(1)
    borrowed = torch.tensor([bool((pack.aus == aus.numpy()).all(1).any()) for aus in batch.y_to])
    assert 0.25 < borrowed.float().mean() < 0.6
    assert (changed[~borrowed] <= 3).all() and (changed[~borrowed] > 0).all()
    noisy = FaceDataset(pack, tiny_config(batch_images=200))[0]
    assert (noisy.y_to != batch.y_to).any() and (noisy.y_to - batch.y_to).abs().max() <= 0.1 + 1e-6


def test_a_table_of_one_au_can_be_trained_on(pack: Pack) -> None:
    narrow = dataclasses.replace(pack, au_numbers=(1,), aus=pack.aus[:, :1])
    assert FaceDataset(narrow, tiny_config())[0].y_to.shape == (4, 1)


def row_of(pack: Pack, aus: torch.Tensor) -> int:
    (rows,) = np.nonzero((pack.aus == aus.numpy()).all(1))
    return int(rows[0])


def test_held_out_people_are_never_seen(pack: Pack) -> None:
    dataset = FaceDataset(pack, tiny_config(batch_images=16), steps=30)
    seen = {row_of(pack, aus) for step in range(30) for aus in dataset[step].y_from}
    assert not seen & set(pack.indices(validation=True).tolist())
    assert seen == set(pack.indices(validation=False).tolist())  # and everybody else is


def test_black_and_white_photos_have_no_colour(pack: Pack) -> None:
    grey = dataclasses.replace(STILL, grey_probability=1.0)
    source = FaceDataset(pack, tiny_config(augmentation=grey))[0].source
    assert (source - source.mean(1, keepdim=True)).abs().max() < 0.01
    assert source.std() > 0.05


def test_a_view_without_augmentation_is_the_animators_crop(pack: Pack) -> None:
    batch = FaceDataset(pack, tiny_config(augmentation=STILL))[0]
    rows = np.array([row_of(pack, aus) for aus in batch.y_from])
    torch.testing.assert_close(batch.source, plain_views(pack, rows))


def test_about_half_of_the_faces_are_mirrored(pack: Pack) -> None:
    flips = dataclasses.replace(STILL, flip=True)
    batch = FaceDataset(pack, tiny_config(batch_images=32, augmentation=flips))[0]
    plain = plain_views(pack, np.array([row_of(pack, aus) for aus in batch.y_from]))
    flipped = [not torch.allclose(a, b) for a, b in zip(batch.source, plain, strict=True)]
    assert 5 < sum(flipped) < 27
    for place in np.flatnonzero(flipped):
        torch.testing.assert_close(batch.source[place], plain[place].flip(-1))


def test_too_few_photos_get_a_sentence(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=0, strangers=1), share=0.0)
    with pytest.raises(PackError, match="has 1 photos for training"):
        FaceDataset(open_pack(tmp_path / "faces.pack"), tiny_config())

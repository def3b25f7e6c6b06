from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import SIZE_PX, make_pack, shoot, tiny_config

from ganimate.data.dataset import plain_views
from ganimate.data.pack import Pack, open_pack
from ganimate.media import inspect, read_photo
from ganimate.networks.pictures import to_pictures
from ganimate.training.sample_sheets import (
    EXPRESSIONS,
    HEADER_PX,
    choose_people,
    expressions,
    sample_sheet,
    write_sample,
)
from ganimate.training.trainer import Trainer

CELL_PX = 64


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


@pytest.fixture(scope="module")
def trainer(pack: Pack) -> Trainer:
    return Trainer(pack, tiny_config(), torch.device("cpu"))


def test_sheets_show_held_out_people_once_each(pack: Pack) -> None:
    people = choose_people(pack, 100)
    assert pack.validation[people].all()
    known = pack.person[people][pack.person[people] >= 0]
    assert len(set(known.tolist())) == len(known)
    assert set(known.tolist()) == set(pack.person[pack.validation].tolist()) - {-1}
    for index in people:
        if pack.person[index] >= 0:
            own = pack.aus[pack.person == pack.person[index]].sum(1)
            assert pack.aus[index].sum() == own.min()  # the calmest
    assert len(choose_people(pack, 3)) == 3
    assert choose_people(pack, 3).tolist() == choose_people(pack, 3).tolist()


def test_without_anybody_held_out_sheets_show_others(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=2, strangers=0), share=0.0)
    assert len(choose_people(open_pack(tmp_path / "faces.pack"))) == 2


def test_expressions_are_those_that_the_model_knows() -> None:
    assert expressions((1, 2, 4, 12, 25, 26, 45)) == list(EXPRESSIONS)
    assert expressions((12, 25)) == [(12,)]
    assert expressions((14, 15)) == [(14,), (15,)]


def test_a_sheet_has_a_column_an_expression_and_three_rows_a_person(pack: Pack, trainer: Trainer) -> None:
    people = choose_people(pack, 3)
    photos = plain_views(pack, people)
    sheet = sample_sheet(trainer.average, trainer.critic, photos, pack.au_numbers)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (HEADER_PX + 9 * CELL_PX, 6 * CELL_PX, 3)
    for row, picture in enumerate(to_pictures(photos)):
        top = HEADER_PX + 3 * row * CELL_PX
        shown = sheet[top : top + CELL_PX : 2, :CELL_PX:2]
        np.testing.assert_array_equal(shown, picture)


def test_the_mask_is_white_where_the_photo_stays(pack: Pack) -> None:
    trainer = Trainer(pack, tiny_config(), torch.device("cpu"))
    trainer.average.to_attention.register_forward_hook(lambda module, inputs, output: output * 0 + 30)
    people = choose_people(pack, 1)
    photos = plain_views(pack, people)
    sheet = sample_sheet(trainer.average, trainer.critic, photos, pack.au_numbers)
    cells = sheet[HEADER_PX:, CELL_PX:].reshape(3, CELL_PX, 5, CELL_PX, 3)
    assert (cells[1] == 255).all()
    np.testing.assert_array_equal(cells[0, ::2, 0, ::2], to_pictures(photos)[0])


def test_labels_are_written(pack: Pack, trainer: Trainer) -> None:
    people = choose_people(pack, 1)
    photos = plain_views(pack, people)
    header = sample_sheet(trainer.average, trainer.critic, photos, pack.au_numbers)[:HEADER_PX]
    cells = header.reshape(HEADER_PX, 6, CELL_PX, 3)
    assert all((cells[:, column] < 128).any() for column in range(6))
    assert len({cells[:, column].tobytes() for column in range(6)}) == 6


def test_a_sample_goes_into_the_run_and_changes_nothing(pack: Pack, trainer: Trainer, tmp_path: Path) -> None:
    before = [weight.clone() for weight in trainer.average.parameters()]
    path = write_sample(trainer, tmp_path)
    assert path == tmp_path / "samples" / "000000.png"
    assert read_photo(path).shape[1] == 6 * CELL_PX
    assert inspect(path).marked
    assert write_sample(trainer, tmp_path) == path  # a resumed run draws it again
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.average.parameters(), strict=True))
    assert SIZE_PX * 2 == CELL_PX

"""Laws of who is measured: held out, one photo a person, the same at every call, spread over sources."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic import make_pack, shoot

from ganimate.config import EvaluationConfig
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import PackError
from ganimate.evaluation.held_out_people import OTHER_EXPRESSION, PADDED, choose_held_out_people, source

ALL = EvaluationConfig()


@pytest.fixture(scope="module")
def pack(faces_pack: Path) -> Pack:
    return open_pack(faces_pack)


def test_everybody_is_held_out_and_comes_once(pack: Pack) -> None:
    held_out = choose_held_out_people(pack, ALL)
    for indices in (held_out.people, held_out.pairs.ravel(), held_out.crowd, held_out.held):
        assert len(indices) and pack.validation[indices].all()
    known = pack.person[held_out.people][pack.person[held_out.people] >= 0]
    assert len(set(known.tolist())) == len(known)
    assert set(known.tolist()) == set(pack.person[pack.validation].tolist()) - {-1}


def test_pairs_are_of_one_person_with_two_expressions(pack: Pack) -> None:
    for index, other in choose_held_out_people(pack, ALL).pairs:
        assert pack.person[index] == pack.person[other] >= 0
        assert np.abs(pack.aus[index] - pack.aus[other]).mean() >= OTHER_EXPRESSION


def test_the_same_people_every_time_and_others_by_another_seed(pack: Pack) -> None:
    first, again = choose_held_out_people(pack, ALL), choose_held_out_people(open_pack(pack.path), ALL)
    assert first.people.tolist() == again.people.tolist()
    assert first.pairs.tolist() == again.pairs.tolist()
    others = [choose_held_out_people(pack, EvaluationConfig(seed=seed)).people.tolist() for seed in range(1, 5)]
    assert any(other != first.people.tolist() for other in others)


def test_fewer_are_the_first_of_more(pack: Pack) -> None:
    more, fewer = (
        choose_held_out_people(pack, ALL),
        choose_held_out_people(pack, EvaluationConfig(people=2, pairs=3, crowd=4)),
    )
    assert fewer.people.tolist() == more.people[:2].tolist()
    assert fewer.pairs.tolist() == more.pairs[:3].tolist()
    assert fewer.crowd.tolist() == more.crowd[:4].tolist()


def test_sources_take_turns(pack: Pack) -> None:
    names = np.array([f"{'ab'[i % 2]}/{i}" for i in range(len(pack))])
    strangers = replace(pack, names=names, person=np.full(len(pack), -1, np.int32), validation=np.ones(len(pack), bool))
    chosen = choose_held_out_people(strangers, EvaluationConfig(people=10)).people
    assert Counter(source(str(name)) for name in names[chosen]) == {"a": 5, "b": 5}


def test_padded_crops_are_left_out_where_a_source_has_others(pack: Pack) -> None:
    outside = np.where(np.arange(len(pack)) % 2, 0.3, 0.0).astype(np.float32)
    held = np.ones(len(pack), bool)
    mixed = replace(pack, outside=outside, validation=held, names=np.array([f"a/{i}" for i in range(len(pack))]))
    chosen = choose_held_out_people(mixed, ALL)
    assert (outside[chosen.crowd] <= PADDED).all()
    assert chosen.padded == len(pack) // 2
    padded = replace(mixed, outside=np.linspace(0.1, 0.6, len(pack)).astype(np.float32))
    assert len(choose_held_out_people(padded, ALL).crowd) == len(pack) // 2  # the better half


@pytest.mark.parametrize(("name", "expected"), [("cfee/1.jpg", "cfee"), ("a/b/c.jpg", "a"), ("me.jpg", "")])
def test_the_source_is_the_first_folder(name: str, expected: str) -> None:
    assert source(name) == expected


def test_a_pack_that_holds_nobody_out_is_refused(tmp_path: Path) -> None:
    make_pack(tmp_path, shoot(people=2, photos=1, strangers=0), share=0.0)
    with pytest.raises(PackError, match="holds nobody out") as refused:
        choose_held_out_people(open_pack(tmp_path / "faces.pack"), ALL)
    assert "--validation-share" in str(refused.value.hint)

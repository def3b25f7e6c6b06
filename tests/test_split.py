"""Laws of the split: a name stays on its side, and of each kind of people some are held out."""

from __future__ import annotations

import pytest

from ganimate.data.split import LEAST_HELD_OUT, choose_fold, choose_held_out

MANY = [f"person {i}" for i in range(2000)]


def test_sides_depend_on_the_name_alone() -> None:
    small, large = (choose_held_out(MANY, share, 0) for share in (0.1, 0.3))
    assert small < large  # a larger share only adds
    assert 150 < len(small) < 250
    assert choose_held_out(MANY[:1000], 0.1, 0) == small & set(MANY[:1000])
    assert not choose_held_out(MANY, 0.0, 0)


def test_another_seed_holds_out_others() -> None:
    one, other = (choose_held_out(MANY, 0.1, seed) for seed in (0, 1))
    assert len(one & other) < 60
    assert 150 < len(other) < 250


@pytest.mark.parametrize("seed", range(20))
def test_some_of_each_kind_are_held_out(seed: int) -> None:
    often, once = [f"often {i}" for i in range(20)], [f"once {i}" for i in range(16)]
    held = choose_held_out([*often, *often, *once], 0.05, seed)
    assert len(held & set(often)) >= LEAST_HELD_OUT
    assert len(held & set(once)) >= LEAST_HELD_OUT


@pytest.mark.parametrize(("people", "least"), [(1, 0), (2, 1), (3, 1), (8, 2), (100, 4)])
def test_of_few_people_most_are_left_to_learn_from(people: int, least: int) -> None:
    assert len(choose_held_out([f"p{i}" for i in range(people)] * 2, 1e-9, 0)) == least


@pytest.mark.parametrize("folds", [2, 5])
def test_everybody_is_held_out_in_one_fold_and_the_kinds_are_spread(folds: int) -> None:
    often, once = [f"often {i}" for i in range(11)], [f"once {i}" for i in range(23)]
    parts = [choose_fold([*often, *often, *once], folds, fold, seed=3) for fold in range(1, folds + 1)]
    assert sorted(name for part in parts for name in part) == sorted([*often, *once])
    for kind in (often, once):
        sizes = [len(part & set(kind)) for part in parts]
        assert max(sizes) - min(sizes) <= 1
    assert parts[0] != choose_fold([*often, *often, *once], folds, 1, seed=4)

"""Work done ahead: the same items in the same order, one ahead and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from ganimate.system.ahead import ahead


@pytest.mark.parametrize("items", [[], [1], [None, 0, "", [], None], list(range(50))])
def test_all_come_in_order(items: list[object]) -> None:
    assert list(ahead(items)) == items


def test_the_next_is_made_while_the_last_is_used() -> None:
    second = threading.Event()

    def made() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    items = ahead(made())
    assert next(items) == 1
    assert second.wait(10)  # nobody has asked for it yet
    assert list(items) == [2]


def test_no_more_than_one_is_made_ahead() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for n in range(9):
            made.append(n)
            yield n

    with closing(ahead(source())) as items:
        assert [next(items) for _ in range(3)] == [0, 1, 2]
    assert made == [0, 1, 2, 3]


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    items = ahead(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]

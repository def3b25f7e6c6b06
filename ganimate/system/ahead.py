"""Work that is done ahead, in a thread, while what it made before is used."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")


def ahead(items: Iterable[ItemT]) -> Generator[ItemT, None, None]:
    """Yield what `items` yields, in order; the next one is made in a thread while the last is used.

    Networks, OpenCV and encoders let other threads run meanwhile. What `items` raises is raised here, in its place. Who
    stops early waits for the one that is being made, and nothing is made after it.
    """
    source = map(_boxed, items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, source, None)
        while (held := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield held.pop()  # nobody else holds it while it is used


def _boxed(item: ItemT) -> list[ItemT]:
    return [item]

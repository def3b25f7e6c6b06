"""The soft step by which masks begin and end and edits come and go."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class Arithmetic(Protocol):
    """A number, an array or a tensor."""

    def __mul__(self, other: Any, /) -> Any: ...

    def __rmul__(self, other: Any, /) -> Any: ...


Share = TypeVar("Share", bound=Arithmetic)


def smoothstep(share: Share) -> Share:
    """Return a share of the way, in [0, 1], that starts and stops softly: 0 and 1 stay, 3s² − 2s³ in between."""
    soft: Share = share * share * (3 - 2 * share)
    return soft

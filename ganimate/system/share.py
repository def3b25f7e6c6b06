"""Which part of a training's work is this process's own, where torchrun has started several of them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ganimate.errors import ConfigError


@dataclass(frozen=True)
class Share:
    """One process's part of what `size` processes do: that of number `rank`, from 0 on.

    It takes every `size`-th place of a batch. Not a stretch of it: the first half of a batch is then the first halves
    of all parts.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def own(cls) -> Share:
        """Return the part of this process, which torchrun tells by RANK and WORLD_SIZE; all of it where they lack."""
        try:
            share = cls(int(os.environ.get("RANK") or 0), int(os.environ.get("WORLD_SIZE") or 1))
        except ValueError as error:
            raise ConfigError("RANK and WORLD_SIZE must be whole numbers", "let torchrun set them") from error
        if not 0 <= share.rank < share.size:
            raise ConfigError(f"RANK must be below WORLD_SIZE, not {share.rank} of {share.size}", "use torchrun")
        return share

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def places(self, batch: int) -> range:
        """Return this process's places in a batch of that size."""
        return range(self.rank, batch, self.size)

    @property
    def rows(self) -> slice:
        """The same of whatever has a row for each place."""
        return slice(self.rank, None, self.size)

    def require_even(self, batch: int) -> None:
        """Raise ConfigError unless all processes get equally much of a batch: then a mean of means is the mean."""
        if batch % self.size:
            near = max(1, round(batch / self.size)) * self.size
            raise ConfigError(
                f"a batch of {batch} cannot be shared evenly by {self.size} processes",
                f"choose --batch {near}, or another number of processes",
            )

    def require_alone(self, work: str) -> None:
        """Raise ConfigError where several processes were started for `work` that one process does."""
        if self.size > 1:
            raise ConfigError(f"'{work}' runs in one process, not in {self.size}", "start it without torchrun")

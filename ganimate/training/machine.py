"""Where a training runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Machine:
    """A device by its name, and how many threads of the CPU; None leaves these to torch."""

    device: str = "auto"
    threads: int | None = None

    def take(self) -> torch.device:
        """Return the device, and set the threads of this process; raises ConfigError for a device that is not there.

        Of the processes that torchrun has started, each joins the others, and takes a GPU of its own.
        """
        import torch

        from ganimate.system.devices import choose_device
        from ganimate.training.team import join

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return join(choose_device(self.device))

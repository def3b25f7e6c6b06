"""One training in several processes, as torchrun starts them: each learns from its share of every batch.

Gradients are averaged by torch's DistributedDataParallel, over NCCL between GPUs and over gloo between CPUs. All
processes do the same steps and end after the same one. Alone, everything here is what it is handed.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ganimate.errors import ConfigError
from ganimate.system.share import Share

NetworkT = TypeVar("NetworkT", bound=nn.Module)

# torchrun ends all processes as soon as one has ended; a clock would only end those that wait for photos to be made.
PATIENCE = timedelta(days=1)


def join(device: torch.device) -> torch.device:
    """Join the other processes, if there are any; return the device that is this one's.

    Raises ConfigError where several processes cannot train on such a device, or there are fewer of them.
    """
    if Share.own().size == 1:
        return device
    if device.type == "cuda":
        device = _own_gpu()
    elif device.type != "cpu":
        raise ConfigError(f"several processes cannot train on {device.type}", "add --device cpu, or use one process")
    if not distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        try:
            distributed.init_process_group(backend, timeout=PATIENCE)
        except (ValueError, RuntimeError) as error:
            raise ConfigError(f"the processes cannot join: {error}", "start them with torchrun") from error
        atexit.register(_leave_alone)
    return device


def leave() -> None:
    """Leave the other processes once all have ended their training: one that goes while others work may be aborted."""
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def _leave_alone() -> None:
    """Leave without waiting: this process was ended by an error."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _own_gpu() -> torch.device:
    number, count = int(os.environ.get("LOCAL_RANK") or 0), torch.cuda.device_count()
    if number >= count:
        raise ConfigError(f"{number + 1} processes cannot share {count} GPUs", f"torchrun --nproc-per-node {count}")
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def parallel(network: NetworkT) -> NetworkT:
    """Return the network as it is to be called where its weights learn: their gradients become the mean over all.

    It shares its weights with `network`, which stays as it is, and is called where nothing is learnt.
    """
    if not distributed.is_initialized():
        return network
    return cast(NetworkT, DistributedDataParallel(network))


def mean(value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes; no gradient goes through it."""
    if not distributed.is_initialized():
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()


def means(values: Mapping[str, float]) -> dict[str, float]:
    """Return the means of numbers over all processes."""
    if not distributed.is_initialized():
        return dict(values)
    total = mean(torch.tensor(list(values.values()), dtype=torch.float64))
    return dict(zip(values, total.tolist(), strict=True))


def anyone(wish: bool) -> bool:
    """Say whether any process wishes something, such as to stop, to all of them alike."""
    return means({"wish": float(wish)})["wish"] > 0


@contextmanager
def first_alone() -> Iterator[None]:
    """Let the first process do the block before the others, which then find what it has made."""
    if not distributed.is_initialized():
        yield
        return
    if not Share.own().first:
        distributed.barrier()
    yield
    if Share.own().first:
        distributed.barrier()

"""Devices, what they are fast at, and seeds that are the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import torch
from torch import nn

from ganimate.errors import ConfigError

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` takes CUDA, then Apple's MPS, then the CPU."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        hint = "try --device auto or --device cpu"
        raise ConfigError(f"device {name!r} cannot be used on this machine", hint) from error
    return device


def bf16_is_fast(device: torch.device) -> bool:
    """Say whether bf16 autocast beats float32: GPUs of Ampere and later, CPUs with bf16 dot products."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # older ones emulate it
    if device.type == "cpu":
        capability = torch.backends.cpu.get_cpu_capability()
        return "AVX512" in capability and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
    return False


def step_seed(seed: int, *parts: object) -> int:
    """Return a 63-bit seed that depends on `seed` and on what and when it is for, the same on every machine."""
    text = repr((seed, *parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def channels_last(network: NetworkT) -> NetworkT:
    """Return the network with its weights channels-last in memory, which CPUs and GPUs convolve faster."""
    placed: NetworkT = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed

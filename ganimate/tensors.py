"""The one conversion between pictures (uint8 HWC) and tensors (float32 NCHW in [-1, 1]); memory, devices and seeds."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ganimate.errors import ConfigError

NetworkT = TypeVar("NetworkT", bound=nn.Module)
JITTER_PX = 4  # a critic sees every image shifted by up to this: patterns that fool one alignment do not pay


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return uint8 images (B, H, W, 3) as a float32 tensor (B, 3, H, W) in [-1, 1], channels-last in memory."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def to_pictures(images: Tensor) -> NDArray[np.uint8]:
    """Return a tensor (B, 3, H, W) in [-1, 1] as uint8 images (B, H, W, 3), rounded and clipped."""
    return to_floats(images).round().clip(0, 255).astype(np.uint8)


def to_floats(images: Tensor) -> NDArray[np.float32]:
    """Return a tensor (B, 3, H, W) in [-1, 1] as float32 (B, H, W, 3) in [0, 255], for work at photo resolution."""
    scaled = (images.detach().float() + 1.0) * 127.5
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy(), np.float32)


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


def jitter(images: Tensor) -> Tensor:
    """Return images each shifted by its own whole number of pixels, the edge repeated."""
    reach = JITTER_PX * images.shape[-1] // 128
    if reach == 0:
        return images
    size = images.shape[-1]
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    offsets = torch.randint(0, 2 * reach + 1, (len(images), 2)).tolist()
    return torch.stack([padded[i, :, y : y + size, x : x + size] for i, (y, x) in enumerate(offsets)])

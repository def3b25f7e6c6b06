"""Laws of the border between pictures and tensors: nothing is lost, and seeds are the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganimate.errors import ConfigError
from ganimate.networks.pictures import JITTER_PX, draw_shifts, shifted, to_floats, to_pictures, to_tensor
from ganimate.system.devices import bf16_is_fast, choose_device, step_seed

ALL_VALUES = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)


def test_every_pixel_value_comes_back() -> None:
    assert np.array_equal(to_pictures(to_tensor(ALL_VALUES)), ALL_VALUES)
    assert np.allclose(to_floats(to_tensor(ALL_VALUES)), ALL_VALUES, atol=1e-4)


def test_a_tensor_is_planes_in_minus_one_to_one() -> None:
    picture = np.zeros((2, 4, 5, 3), np.uint8)
    picture[1, 2, 3] = 0, 51, 255
    tensor = to_tensor(picture)
    assert tensor.shape == (2, 3, 4, 5) and tensor.dtype == torch.float32
    assert tensor[1, :, 2, 3].tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_a_tensor_lies_channels_last_in_memory() -> None:
    assert to_tensor(ALL_VALUES).is_contiguous(memory_format=torch.channels_last)


def test_a_tensor_does_not_share_memory_with_its_picture() -> None:
    picture = ALL_VALUES.copy()
    tensor = to_tensor(picture)
    picture[:] = 0
    assert tensor.max() == 1.0


def test_a_flipped_view_is_read_as_it_looks() -> None:
    flipped = ALL_VALUES[:, :, ::-1]
    assert torch.equal(to_tensor(flipped), to_tensor(ALL_VALUES).flip(3))


def test_pictures_are_rounded_and_clipped() -> None:
    values = torch.tensor([-3.0, -1.0, 0.4 / 127.5 - 1, 0.6 / 127.5 - 1, 1.0, 3.0]).reshape(1, 1, 1, 6)
    assert to_pictures(values.expand(-1, 3, -1, -1))[0, 0, :, 0].tolist() == [0, 0, 0, 1, 255, 255]


def test_bf16_tensors_become_floats() -> None:
    assert to_floats(torch.zeros(1, 3, 2, 2, dtype=torch.bfloat16)).dtype == np.float32


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device() in (torch.device("cuda"), torch.device("mps"), torch.device("cpu"))
    with pytest.raises(ConfigError, match="'toaster'"):
        choose_device("toaster")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="'cuda'"):
            choose_device("cuda")


def test_the_speed_of_bf16_is_known_for_the_cpu() -> None:
    assert bf16_is_fast(torch.device("cpu")) in (True, False)


def test_seeds_are_the_same_on_every_machine_and_in_every_version() -> None:
    assert step_seed(0, "batch", 1) == 7136716318475341984
    assert step_seed(7) == 843011692241435484


def test_seeds_differ_by_seed_purpose_and_step() -> None:
    seeds = {step_seed(seed, what, step) for seed in (0, 1) for what in ("batch", "noise") for step in range(50)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_each_image_is_shifted_by_whole_pixels_of_its_own() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 128, 128)
    moved = shifted(image.expand(6, -1, -1, -1), draw_shifts(6, 128))
    shifts = set()
    for one in moved:
        inside = [
            (y, x)
            for y in range(-JITTER_PX, JITTER_PX + 1)
            for x in range(-JITTER_PX, JITTER_PX + 1)
            if torch.equal(one[:, 8:120, 8:120], image[0, :, 8 + y : 120 + y, 8 + x : 120 + x])
        ]
        assert len(inside) == 1
        shifts.update(inside)
    assert len(shifts) > 1
    assert torch.equal(
        shifted(image[..., :16, :16], draw_shifts(1, 16)), image[..., :16, :16]
    )  # less than a pixel: none

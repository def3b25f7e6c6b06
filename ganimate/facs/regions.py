"""The parts of the face in which people look for what they want to change, and the action units that move them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# AU 6 stands where it is seen most, in the cheeks; AU 9 and 10 belong to nose and upper lip.
FACE_REGIONS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "brows": (1, 2, 4),
        "eyes": (5, 7, 41, 42, 43, 44, 45, 46),
        "nose and cheeks": (6, 9, 11, 33, 34, 35, 38, 39),
        "mouth": (8, 10, 12, 13, 14, 15, 16, 18, 19, 20, 22, 23, 24, 25, 28, 32, 36, 37),
        "jaw": (17, 21, 26, 27, 29, 30, 31),
    }
)

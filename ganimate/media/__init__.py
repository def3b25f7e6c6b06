"""Pictures in and out: read one photo, write stills, stream frames to GIF, MP4 or a folder of PNG frames."""

from __future__ import annotations

from ganimate.media.inspection import Inspection, inspect
from ganimate.media.photos import PIXEL_LIMIT, SMALLEST_SIDE_PX, read_photo
from ganimate.media.places import ANIMATION_SUFFIXES, STILL_SUFFIXES, check_output
from ganimate.media.stills import check_still, write_image
from ganimate.media.streams import FrameWriter
from ganimate.media.writers import open_writer

__all__ = [
    "ANIMATION_SUFFIXES",
    "PIXEL_LIMIT",
    "SMALLEST_SIDE_PX",
    "STILL_SUFFIXES",
    "FrameWriter",
    "Inspection",
    "check_output",
    "check_still",
    "inspect",
    "open_writer",
    "read_photo",
    "write_image",
]

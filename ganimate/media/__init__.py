"""Pictures in and out: read one photo or a video, write stills, stream frames to GIF, MP4 or a folder of PNG frames."""

from __future__ import annotations

from ganimate.media.inspection import Inspection, inspect
from ganimate.media.photos import PIXEL_LIMIT, SMALLEST_SIDE_PX, Photo, open_photo, read_photo
from ganimate.media.places import check_output
from ganimate.media.sound import Sound
from ganimate.media.stills import check_still, keeps_alpha, write_image
from ganimate.media.streams import FrameWriter
from ganimate.media.suffixes import ANIMATION_SUFFIXES, PHOTO_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES
from ganimate.media.videos import Video, VideoFacts, is_video, read_video
from ganimate.media.writers import fastest_fps, open_writer

__all__ = [
    "ANIMATION_SUFFIXES",
    "PHOTO_SUFFIXES",
    "PIXEL_LIMIT",
    "SMALLEST_SIDE_PX",
    "STILL_SUFFIXES",
    "VIDEO_SUFFIXES",
    "FrameWriter",
    "Inspection",
    "Photo",
    "Sound",
    "Video",
    "VideoFacts",
    "check_output",
    "check_still",
    "fastest_fps",
    "inspect",
    "is_video",
    "keeps_alpha",
    "open_photo",
    "open_writer",
    "read_photo",
    "read_video",
    "write_image",
]

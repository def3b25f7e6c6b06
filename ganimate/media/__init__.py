"""Pictures in and out: read one photo or a video, write stills, stream frames to GIF, MP4 or a folder of PNG frames.

imageio is our media library where nothing is lost by it: stills and PNG frames are encoded by its pillow plugin, and
imageio-ffmpeg brings the ffmpeg that reads and writes videos. Three parts are our own, measured against imageio 2.38 on
the same frames (`tests/measure_imageio.py`; 45 frames of a smile, 512×512 px, 30 fps):

==============  =======  ===================  ======================  =============  ===============
writer          size     peak memory          error, to the eye       still pixels   clock
==============  =======  ===================  ======================  =============  ===============
our GIF         0.28 MB  117 MB               1.00 of 255             all            exact
imageio's GIF   4.92 MB  141 MB               1.39                    73 %           100 ms too fast
our MP4         0.06 MB  141 + 70 MB, ffmpeg  0.66; 0.72 at 1280 px   as encoded     exact
imageio's MP4   0.08 MB  161 + 84 MB          0.54; 2.65 at 1280 px   as encoded     exact
==============  =======  ===================  ======================  =============  ===============

The error is that of blurred frames, as the eye blurs them; pixel by pixel our dither is 3.24 off and imageio's 2.66.
imageio's GIF gives each frame a palette of its own, rounds 1/30 s down to 3/100 and keeps all frames in memory: of 8
frames of 12 megapixels 813 MB, ours 215 MB. Its MP4 does not say whose colours it has, so that players take those of
larger pictures for BT.709's, which they are not; of large frames ffmpeg queues 716 MB, ours, which waits for it,
334 MB; and what ffmpeg complains of, such as a full disk, is lost. Its reader of photos opens any format of Pillow's,
those that start programs too, and knows neither colour profiles nor bombs; `photos` does.
"""

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

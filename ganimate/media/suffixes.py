"""How files of pictures are called: what is read, and what is written. What a file is, its content says."""

from __future__ import annotations

# What folders are searched for. JPEG XL is not read, and is told so by name rather than passed over.
PHOTO_SUFFIXES = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".avif", ".gif", ".bmp", ".ppm", ".jp2",
        ".j2k", ".mpo", ".heic", ".heif", ".hif", ".jxl",
    )
)  # fmt: skip
VIDEO_SUFFIXES = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".flv", ".3gp",
        ".3g2", ".ogv",
    )
)  # fmt: skip
ANIMATION_SUFFIXES = (".gif", ".mp4")
STILL_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

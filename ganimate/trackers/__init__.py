"""Tables of AUs that people have, read by column name: labels of photos, and what a face did over time."""

from __future__ import annotations

from ganimate.trackers.clips import TABLE_FPS, read_performance
from ganimate.trackers.formats import FORMATS
from ganimate.trackers.lists import read_persons, read_sides
from ganimate.trackers.photos import AnnotationTable, Complaint, read_facs, read_labels

__all__ = [
    "FORMATS",
    "TABLE_FPS",
    "AnnotationTable",
    "Complaint",
    "read_facs",
    "read_labels",
    "read_performance",
    "read_persons",
    "read_sides",
]

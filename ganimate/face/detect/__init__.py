"""Faces found in a photo, with 68 landmarks each, and told apart: the only user of face_recognition and dlib."""

from __future__ import annotations

from ganimate.face.detect.choice import Selection, choose_faces
from ganimate.face.detect.detector import Detector, DetectorModel, DlibDetector, FixedDetector, ScoredFace
from ganimate.face.detect.embedder import DlibEmbedder, Embedder, GridEmbedder
from ganimate.face.detect.follower import DlibFollower, FixedFollower, Follower
from ganimate.face.detect.library import REMEDIES

__all__ = [
    "REMEDIES",
    "Detector",
    "DetectorModel",
    "DlibDetector",
    "DlibEmbedder",
    "DlibFollower",
    "Embedder",
    "FixedDetector",
    "FixedFollower",
    "Follower",
    "GridEmbedder",
    "ScoredFace",
    "Selection",
    "choose_faces",
]

"""Faces told apart: embeddings whose distance says whether two photos show one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ganimate.config import CropSpec
from ganimate.face.crop import Image, align, cut
from ganimate.face.detect.library import api, to_rectangle
from ganimate.face.detect.upright import UPRIGHT, UPRIGHT_BOX

SAME_PERSON = 0.6  # face_recognition's own threshold of the distance
EMBEDDED = CropSpec(size_px=256)  # the embedding network itself takes a face of about 100 px


class Embedder(Protocol):
    """Whatever tells people apart."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the embedding (128,) of the face with these landmarks (68, 2), in pixels of the photo."""
        ...


@dataclass(frozen=True)
class GridEmbedder:
    """An embedder that looks at the colours of a coarse grid: for tests. Equal pictures are at distance 0."""

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the grey levels of 8×16 fields of the whole photo, in [0, 1]."""
        grid = cv2.resize(photo, (16, 8), interpolation=cv2.INTER_AREA)
        levels: NDArray[np.float64] = grid.mean(2).ravel() / 255
        return levels


class DlibEmbedder:
    """Embeddings by dlib's network, through face_recognition: under 0.6 apart is one person. 0.1 s on a CPU."""

    def load(self) -> None:
        """Load the libraries now; raises DependencyError when face_recognition or what it needs is missing."""
        api()

    def embed(self, photo: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the embedding (128,) of the face with these landmarks (68, 2), in pixels of the photo.

        As face_recognition does with a known location: five points are looked for in the box, the face is turned by
        them and encoded once. The box is HOG's usual one on the upright face, so no detection is needed, and a small
        crop is enlarged on the way. Raises FaceError when the landmarks lie far outside the photo.
        """
        upright = cut(photo, align(landmarks, EMBEDDED), EMBEDDED.size_px).image
        box = to_rectangle(UPRIGHT_BOX * (EMBEDDED.size_px / UPRIGHT.size_px))
        points = api().pose_predictor_5_point(upright, box)
        return np.array(api().face_encoder.compute_face_descriptor(upright, points, 1), np.float64)

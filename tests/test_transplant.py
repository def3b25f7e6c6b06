from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic import PHOTO_PX, show

from ganimate.data.transplant import transplant
from ganimate.face.crop import Image
from ganimate.face.likeness import face_region

Shown = tuple[Image, NDArray[np.float32]]  # a photo and its landmarks in crop widths


@pytest.fixture(scope="module")
def host() -> Shown:
    return show(90, seed=5)


def test_around_the_face_it_is_the_hosts_photo(host: Shown) -> None:
    calm, happy = show(210, 1), show(210, 2, au12=1.0, au26=1.0)
    far = ~face_region(host[1], PHOTO_PX, 0.12)
    for result in (transplant(*each, *host) for each in (calm, happy)):
        assert np.array_equal(result[far], host[0][far])
        assert (result != host[0]).any()


def test_the_face_takes_the_hosts_light(host: Shown) -> None:
    bright = show(210, 1)
    result = transplant(*bright, *host)
    face = face_region(bright[1], PHOTO_PX)
    before, after, wanted = (float(photo[face].mean()) for photo in (bright[0], result, host[0]))
    assert abs(after - wanted) < 0.1 * abs(before - wanted)


def test_at_home_a_face_stays_as_it_is() -> None:
    at_home = show(150, 3, au4=1.0)
    result = transplant(*at_home, *at_home)
    assert np.abs(result.astype(int) - at_home[0]).max() <= 1


def test_fine_detail_is_kept(host: Shown) -> None:
    photo, points = show(210, 1)
    result = transplant(photo, points, *host)
    inner = cv2.erode(face_region(points, PHOTO_PX).astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool)
    edges = [np.abs(np.diff(image.astype(float).mean(2), axis=1, append=0))[inner].mean() for image in (photo, result)]
    assert edges[1] > 0.3 * edges[0]  # of a face half as bright

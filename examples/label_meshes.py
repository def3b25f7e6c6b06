"""Labels for `ganimate train-mesh`: the meshes that MediaPipe Face Mesh, the teacher, places on faces in photos.

MediaPipe is used here and nowhere else; it wants an older numpy than ganimate, so it lives in an environment of its
own:

    python3 -m venv /tmp/teacher
    /tmp/teacher/bin/pip install mediapipe==0.10.21
    /tmp/teacher/bin/python examples/label_meshes.py PHOTOS --out meshes.npz

PHOTOS is a folder, looked through with all folders in it. meshes.npz holds `names` (n,), below PHOTOS with /, and
`meshes` (n, 478, 3) float32: pixels of the photo, z in the same unit and smaller where it is nearer. Photos in which
the teacher finds no face are left out and told; of several faces it takes the clearest. A face should fill a third of
its photo's width or more: on small ones the teacher errs. 18,000 photos took 3 minutes on two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

os.environ.setdefault("GLOG_minloglevel", "2")

import cv2
import mediapipe
import numpy as np

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
MARGIN = 0.25  # of the longer side, mirrored around the photo: the teacher looks for whole heads
LEAST_CONFIDENCE = 0.3  # of its detector; what it then places is right more often than not

_teacher = None


def _begin() -> None:
    """Make this process's teacher."""
    global _teacher
    cv2.setNumThreads(1)
    _teacher = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=LEAST_CONFIDENCE
    )


def label(path: Path) -> np.ndarray | None:
    """Return the mesh (478, 3) of the face in a photo, or None where there is no photo or no face."""
    photo = cv2.imread(str(path))
    if photo is None:
        return None
    border = int(max(photo.shape[:2]) * MARGIN)
    wide = cv2.copyMakeBorder(photo, border, border, border, border, cv2.BORDER_REFLECT_101)
    found = _teacher.process(wide[..., ::-1]).multi_face_landmarks
    if not found:
        return None
    height, width = wide.shape[:2]
    mesh = np.array([(point.x * width, point.y * height, point.z * width) for point in found[0].landmark], np.float32)
    mesh[:, :2] -= border
    return mesh


def main() -> None:
    """Label a folder of photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, metavar="PHOTOS")
    parser.add_argument("--out", type=Path, required=True, metavar="MESHES.npz")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N")
    options = parser.parse_args()
    paths = sorted(path for path in options.photos.rglob("*") if path.suffix.lower() in SUFFIXES)
    names, meshes = [], []
    with multiprocessing.Pool(options.workers, _begin) as pool:
        for path, mesh in zip(paths, pool.imap(label, paths, chunksize=16), strict=True):
            name = path.relative_to(options.photos).as_posix()
            if mesh is None:
                print(f"{name}: no face found", file=sys.stderr)
                continue
            names.append(name)
            meshes.append(mesh)
    if not names:
        sys.exit(f"no face was found in {len(paths)} photos below {options.photos}")
    np.savez(options.out, names=np.array(names), meshes=np.stack(meshes))
    print(f"{len(names)} of {len(paths)} photos labelled: {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()

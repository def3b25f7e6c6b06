"""How far people go in each named emotion: the intensities of `ganimate.facs.PRESETS`, measured on FACS codes.

FACS.csv has a row a photo: `emotion` as CFEE names it (Du, Tao & Martinez 2014) and columns AU01 … of codes 0–5. Told
are, for each emotion, which AUs make it (those that at least half of its photos show, and those that the publications
name and a quarter show), at the mean of the tenth of its photos that show most; what the preset has where it is
something else; the preset's norm, and the 99.9th percentile of how far all photos go along its direction.

    python tests/measure_presets.py FACS.csv
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganimate.facs import OPENFACE_AUS, PRESETS, Preset

BASIC = {
    "happiness": "Happy",
    "surprise": "Surprised",
    "fear": "Fearful",
    "anger": "Angry",
    "sadness": "Sad",
    "disgust": "Disgusted",
}
MOST, USUAL, NAMED = (
    0.9,
    0.5,
    0.25,
)  # quantile of who shows most; share of photos that show an AU, and one that is cited
Codes = Mapping[int, NDArray[np.int64]]  # of each AU (N,), 0 to 5


def read_codes(path: Path) -> dict[str, Codes]:
    """Return the codes of the photos of each emotion."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("AU")]
    return {
        emotion: {
            int(name[2:]): np.array([int(row[name]) for row in rows if row["emotion"] == emotion]) for name in columns
        }
        for emotion in {row["emotion"] for row in rows}
    }


def emotion_of(name: str) -> str:
    """Return what CFEE calls the emotion of a preset."""
    return BASIC.get(name, name.replace("-", " ").capitalize())


def measured(codes: Codes, preset: Preset) -> dict[int, float]:
    """Return the intensities, to 0.05, that the photos of an emotion show, but for what its preset allows anyway."""
    shown = sum(codes.values(), np.zeros(1))
    most = shown >= np.quantile(shown, MOST)
    found = {}
    for number in sorted(set(codes) & set(OPENFACE_AUS) - preset.allows):
        share = (codes[number] > 0).mean()
        if share >= USUAL or (number in preset.cited and share >= NAMED):
            found[number] = round(4 * float(codes[number][most].mean())) / 20
    return found


def people_go(codes: Mapping[str, Codes], intensities: Mapping[int, float]) -> float:
    """Return the 99.9th percentile of how far photos of all emotions go along a direction."""
    aus = np.array([np.concatenate([each[number] for each in codes.values()]) for number in intensities]) / 5
    direction = np.array([*intensities.values()])
    return float(np.quantile(direction @ aus / np.linalg.norm(direction), 0.999))


def main(path: Path) -> None:
    """Print the table."""
    codes = read_codes(path)
    for name, preset in PRESETS.items():
        if emotion_of(name) not in codes:
            continue
        found = measured(codes[emotion_of(name)], preset)
        norm, most = np.linalg.norm([*found.values()]), people_go(codes, found)
        values = " ".join(f"{number}={value:.2f}" for number, value in found.items())
        print(f"{name:<22} norm {norm:.2f}, people {most:.2f}  {values}")
        if found != preset.intensities:
            print(f"{'':<22} but the preset has {dict(preset.intensities)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

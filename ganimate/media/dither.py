"""256 colours for a whole animation: one palette, and a dither that depends on a pixel's colour and place only.

Error diffusion, the usual choice, lets one changed pixel rearrange the dots of all that come after it: still areas
shimmer and the file grows. Here each colour is mixed from two near palette colours, and a fixed blue-noise mask says
which of the two a place gets, so that an unchanged pixel keeps its index. Blurred as the eye does it, the error is
that of error diffusion.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_COLOURS = 255  # index 255 is left for "unchanged"

_LEVELS = 128  # colours are counted and looked up by their upper 7 bits a channel: steps of 2 are not visible
_MASK_SIDE = 64
_SAMPLES = 65_536
_REFINEMENTS = 10  # steps of k-means after the median cut; further ones change nothing that one can see
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_NEIGHBOURS = 7
# Weight of the contrast of a pair against its error: 0 gives grain, 1 gives banding; looked at on faces and skies.
_CONTRAST_COST = 0.15
_CHUNK = 16_384


class ColourCounts:
    """How often each colour occurs, the changes after the first frame weighing together as much as one frame."""

    def __init__(self) -> None:
        self._first = np.zeros(_LEVELS**3, np.uint32)
        self._changed = np.zeros(_LEVELS**3, np.uint32)
        self._changes = 0

    def add_first(self, strips: Iterable[NDArray[np.uint8]]) -> None:
        """Count the first frame, given as strips (h, w, 3)."""
        for pixels in strips:
            self._first += _count(pixels)

    def add_change(self, strips: Iterable[NDArray[np.uint8]]) -> None:
        """Count what a later frame changed, given as strips (h, w, 3)."""
        for pixels in strips:
            self._changed += _count(pixels)
        self._changes += 1

    def cells(self) -> NDArray[np.intp]:
        """Return the cells that occur."""
        return np.flatnonzero(self._first | self._changed)

    def palette(self) -> NDArray[np.uint8]:
        """Return up to 255 colours (n, 3), dark to bright."""
        cells = self.cells()
        colours, count = _cell_colours(cells), self._first[cells] + self._changed[cells] / max(1, self._changes)
        if len(cells) > MOST_COLOURS:
            colours, count = _merged(colours, count)
        # The square root: lips, eyes and teeth are few pixels but what one looks at.
        centres = _median_cut(colours, np.sqrt(count))
        for _ in range(_REFINEMENTS if len(colours) > MOST_COLOURS else 0):
            centres = _refined(centres, colours, np.sqrt(count))
        palette = np.rint(centres).astype(np.uint8)
        return palette[np.argsort(palette @ _LUMA, kind="stable")]


class Dither:
    """Palette indices for pixels. `cells` are the only colours that will be asked for."""

    def __init__(self, palette: NDArray[np.uint8], cells: NDArray[np.intp]) -> None:
        self._dark = np.zeros(_LEVELS**3, np.uint8)
        self._bright = np.zeros(_LEVELS**3, np.uint8)
        self._share = np.zeros(_LEVELS**3, np.uint8)  # of the brighter one, in 255ths
        colours_of_cells = _cell_colours(cells)
        boxes, box_of_cells = np.unique(_coarse(colours_of_cells), return_inverse=True)
        near = _near_colours(boxes, palette.astype(np.float32))
        for start in range(0, len(cells), _CHUNK):
            part = slice(start, start + _CHUNK)
            chunk, colours, candidates = cells[part], colours_of_cells[part], near[box_of_cells[part]]
            self._dark[chunk], self._bright[chunk], self._share[chunk] = _pairs(colours, palette, candidates)
        self._mask = blue_noise_mask()

    def indices(self, pixels: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
        """Return (h, w) indices for `pixels` (h, w, 3) that lie at row `top`, column `left` of the picture."""
        height, width = pixels.shape[:2]
        rows, columns = np.arange(top, top + height), np.arange(left, left + width)
        threshold = self._mask[np.ix_(rows % _MASK_SIDE, columns % _MASK_SIDE)]
        cells = _cells(pixels)
        return np.where(threshold < self._share[cells], self._bright[cells], self._dark[cells])


def _cells(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    levels = (pixels >> 1).astype(np.int32)
    return (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]


def _count(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return np.bincount(_cells(pixels).ravel(), minlength=_LEVELS**3).astype(np.uint32)


def _cell_colours(cells: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the colours (n, 3) of `cells`, 0 to 255, where black and white are exact."""
    levels = np.stack([cells // _LEVELS**2, cells // _LEVELS % _LEVELS, cells % _LEVELS], axis=1)
    return (levels * (255 / (_LEVELS - 1))).astype(np.float32)


def _coarse(colours: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return which of 32 × 32 × 32 boxes each of `colours` (n, 3) lies in."""
    red, green, blue = (colours.astype(np.intp) >> 3).T
    boxes: NDArray[np.intp] = (red * 32 + green) * 32 + blue
    return boxes


def _near_colours(boxes: NDArray[np.intp], palette: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return, for each of the coarse `boxes` (b), the palette indices (b, k) nearest to its middle, in rising order."""
    middles = np.stack([boxes // 1024, boxes // 32 % 32, boxes % 32], axis=1) * 8 + np.float32(3.5)
    near = min(_NEIGHBOURS, len(palette))
    nearest = np.argpartition(_distances(middles.astype(np.float32), palette), near - 1, axis=1)[:, :near]
    return np.sort(nearest, axis=1)


def _merged(
    colours: NDArray[np.float32], count: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the mean colours and counts after merging by the upper 5 bits: at most 32,768 rows."""
    _, group = np.unique(_coarse(colours), return_inverse=True)
    total = np.bincount(group, count).astype(np.float64)
    sums = [np.bincount(group, count * colours[:, channel]) for channel in range(3)]
    return (np.stack(sums, axis=1) / total[:, None]).astype(np.float32), total


def _median_cut(colours: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float32]:
    repeats = np.ceil(weight * (_SAMPLES / weight.sum())).astype(np.intp)
    samples = np.repeat(np.rint(colours).astype(np.uint8), repeats, axis=0)
    reduced = Image.fromarray(samples[None]).quantize(MOST_COLOURS, Image.Quantize.MEDIANCUT)
    flat = np.array(reduced.getpalette(), np.float32)
    return flat.reshape(-1, 3)[:MOST_COLOURS]


def _refined(
    centres: NDArray[np.float32], colours: NDArray[np.float32], weight: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return `centres` after one step of weighted k-means; a centre without colours stays."""
    nearest = _distances(colours, centres).argmin(axis=1)
    total = np.bincount(nearest, weight, len(centres))
    sums = [np.bincount(nearest, weight * colours[:, channel], len(centres)) for channel in range(3)]
    means = np.stack(sums, axis=1) / np.maximum(total, 1e-9)[:, None]
    return np.where(total[:, None] > 0, means, centres).astype(np.float32)


def _distances(colours: NDArray[np.float32], palette: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared distances (n, p), weighted by luma, up to a constant of each row."""
    wanted, given = colours * np.sqrt(_LUMA), palette * np.sqrt(_LUMA)
    distances: NDArray[np.float32] = (given**2).sum(1) - 2 * wanted @ given.T
    return distances


def _pairs(
    colours: NDArray[np.float32], palette: NDArray[np.uint8], candidates: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return, for each of `colours` (n, 3), the best two palette indices, darker first, and the share of the second.

    Best is the least squared error of the mixture plus a cost for the variance of its dots, among all pairs of
    its `candidates` (n, k), palette indices in rising order.
    """
    wanted, given = colours * np.sqrt(_LUMA), palette * np.sqrt(_LUMA)
    best_cost = np.full(len(colours), np.inf, np.float32)
    dark, bright = np.zeros((2, len(colours)), np.uint8)
    share = np.zeros(len(colours), np.float32)
    for i, j in itertools.combinations_with_replacement(range(candidates.shape[1]), 2):
        first, step = given[candidates[:, i]], given[candidates[:, j]] - given[candidates[:, i]]
        length = (step**2).sum(1)
        part = np.clip(((wanted - first) * step).sum(1) / np.maximum(length, 1e-6), 0, 1)
        error = ((wanted - first - part[:, None] * step) ** 2).sum(1)
        cost = error + _CONTRAST_COST * length * part * (1 - part)
        better = cost < best_cost
        best_cost[better], share[better] = cost[better], part[better]
        dark[better], bright[better] = candidates[better, i], candidates[better, j]
    return dark, bright, np.rint(share * 255).astype(np.uint8)


@functools.cache
def blue_noise_mask() -> NDArray[np.uint8]:
    """Return a tileable (64, 64) threshold mask, 0 to 254, of blue noise (void and cluster, Ulichney 1993)."""
    side = _MASK_SIDE
    offset = np.minimum(np.arange(side), side - np.arange(side))
    kernel = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    torus = np.tile(kernel, (2, 2))

    def around(place: int) -> NDArray[np.float64]:
        y, x = divmod(place, side)
        return torus[side - y : 2 * side - y, side - x : 2 * side - x].ravel()

    dots = np.zeros(side * side, bool)
    dots[np.random.default_rng(0).choice(dots.size, dots.size // 10, replace=False)] = True
    crowd = sum((around(place) for place in np.flatnonzero(dots).tolist()), np.zeros(dots.size))
    while True:  # move the most crowded dot into the emptiest place until it stays where it is
        cluster = int(np.argmax(np.where(dots, crowd, -np.inf)))
        dots[cluster], crowd = False, crowd - around(cluster)
        void = int(np.argmin(np.where(dots, np.inf, crowd)))
        dots[void], crowd = True, crowd + around(void)
        if void == cluster:
            break
    rank = np.empty(dots.size, np.intp)
    fewer, less_crowd = dots.copy(), crowd.copy()
    for position in range(int(dots.sum()) - 1, -1, -1):
        cluster = int(np.argmax(np.where(fewer, less_crowd, -np.inf)))
        fewer[cluster], less_crowd, rank[cluster] = False, less_crowd - around(cluster), position
    for position in range(int(dots.sum()), dots.size):
        void = int(np.argmin(np.where(dots, np.inf, crowd)))
        dots[void], crowd, rank[void] = True, crowd + around(void), position
    return (rank.reshape(side, side) * 255 // dots.size).astype(np.uint8)

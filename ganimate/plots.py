"""Plots: the only user of matplotlib, which is loaded by the first plot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganimate.aus import ACTION_UNITS
from ganimate.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

PANEL_IN = 7.5  # side of one matrix
BANDS_IN, BAND_IN = 9.0, 0.7  # width of all bands, height of each
DPI = 110
LONGEST_MARK = 28  # letters
STRONG = 0.6  # changes of this and more have the full colour
DARK = 0.35  # on colours of this and more, writing is white


@dataclass(frozen=True)
class Response:
    """What one model answers: the reading's mean change (N asked, N read), and the name that stands above it."""

    name: str
    matrix: NDArray[np.float64]


def response_plot(responses: Sequence[Response], aus: Sequence[int], unreadable: Collection[int]) -> NDArray[np.uint8]:
    """Return the matrices side by side as a picture (H, W, 3): a row for each asked AU, a column for each read one.

    Columns of AUs that the judge cannot read are grey.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL_IN * len(responses) + 1.0, PANEL_IN), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(responses), squeeze=False)[0]
    for axes, response in zip(panels, responses, strict=True):
        shown = _draw(axes, response, aus, unreadable)
    figure.colorbar(shown, ax=list(panels), label="mean change of the reading, asked AU from 0 to 1", shrink=0.7)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), np.uint8)[..., :3]  # type: ignore[no-untyped-call]


def trajectory_plot(path: Trajectory, marks: Sequence[tuple[float, str]], title: str) -> NDArray[np.uint8]:
    """Return the intensity of each AU over time as a picture (H, W, 3): a band for each AU of `path`.

    `marks` are times in seconds, each with the words that stand above its line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(BANDS_IN, BAND_IN * len(path.aus) + 1.6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    bands = figure.subplots(len(path.aus), 1, sharex=True, squeeze=False)[:, 0]
    for axes, au, values in zip(bands, path.aus, path.values.T, strict=True):
        axes.fill_between(path.times_s, values, color="tab:blue", alpha=0.3, linewidth=0)
        axes.plot(path.times_s, values, color="tab:blue", linewidth=1.2)
        axes.set_ylim(0.0, 1.05)
        axes.set_yticks([0, 0.5, 1])
        axes.set_ylabel(ACTION_UNITS[au].label, rotation=0, ha="right", va="center")
        axes.text(0.003, 0.86, ACTION_UNITS[au].name, transform=axes.transAxes, fontsize=7, color="0.35", va="top")
        axes.grid(axis="x", color="0.9")
        for time_s, _ in marks:
            axes.axvline(time_s, color="0.55", linewidth=0.8, linestyle=":")
    for time_s, words in marks:
        place = (time_s, 1.0)
        shown = words if len(words) <= LONGEST_MARK else f"{words[: LONGEST_MARK - 1]}…"
        bands[0].annotate(
            shown, place, (0, 4), bands[0].get_xaxis_transform(), "offset points", fontsize=7, rotation=30, color="0.25"
        )
    bands[-1].set_xlim(0.0, path.duration_s)
    bands[-1].set_xlabel("seconds")
    figure.suptitle(title)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), np.uint8)[..., :3]  # type: ignore[no-untyped-call]


def _draw(axes: Axes, response: Response, aus: Sequence[int], unreadable: Collection[int]) -> AxesImage:
    names = [f"{au}" for au in aus]
    known = np.array([au not in unreadable for au in aus])
    shown = axes.imshow(np.where(known[None], response.matrix, np.nan), cmap="RdBu_r", vmin=-STRONG, vmax=STRONG)
    axes.set_facecolor("0.85")
    axes.set_xticks(range(len(aus)), names)
    axes.set_yticks(range(len(aus)), names)
    axes.set_xlabel("AU read by the judge" + (" (grey: it cannot)" if not known.all() else ""))
    axes.set_ylabel("AU asked")
    axes.set_title(response.name)
    for row, column in zip(*np.nonzero(np.abs(response.matrix) >= 0.005), strict=True):
        value = response.matrix[row, column]
        colour = "white" if known[column] and abs(value) >= DARK else "0.2"
        axes.text(column, row, f"{value:.2f}".replace("0.", "."), ha="center", va="center", fontsize=7, color=colour)
    return shown

"""Plots: the only user of matplotlib, which is loaded by the first plot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

PANEL_IN = 7.5  # side of one matrix
DPI = 110
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

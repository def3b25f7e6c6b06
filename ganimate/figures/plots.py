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
BANDS_IN, BAND_IN = 9.0, 0.7  # width of all bands, height of each
DPI = 110
LONGEST_MARK = 28  # letters
STRONG = 0.6  # changes of this and more have the full colour
READ_COLOUR, IDENTITY_COLOUR = "#0072b2", "#d55e00"  # Okabe & Ito's blue and vermilion, which all can tell apart
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


@dataclass(frozen=True)
class Band:
    """One AU over time: what stands beside it and within it, and its intensities (F,) in [0, 1]."""

    label: str
    name: str
    values: NDArray[np.floating]
    limits: tuple[float, float] = (0.0, 1.0)


def bands_plot(
    times_s: NDArray[np.floating],
    bands: Sequence[Band],
    marks: Sequence[tuple[float, str]],
    duration_s: float,
    title: str,
) -> NDArray[np.uint8]:
    """Return intensities over the times (F,) as a picture (H, W, 3), band below band.

    `marks` are times in seconds, each with the words that stand above its line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(BANDS_IN, BAND_IN * len(bands) + 1.6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    rows = figure.subplots(len(bands), 1, sharex=True, squeeze=False)[:, 0]
    for axes, band in zip(rows, bands, strict=True):
        axes.fill_between(times_s, band.values, color="tab:blue", alpha=0.3, linewidth=0)
        axes.plot(times_s, band.values, color="tab:blue", linewidth=1.2)
        least, most = band.limits
        axes.set_ylim(1.05 * least, 1.05 * most)
        axes.set_yticks([least, (least + most) / 2, most])
        axes.set_ylabel(band.label, rotation=0, ha="right", va="center")
        axes.text(0.003, 0.86, band.name, transform=axes.transAxes, fontsize=7, color="0.35", va="top")
        axes.grid(axis="x", color="0.9")
        for time_s, _ in marks:
            axes.axvline(time_s, color="0.55", linewidth=0.8, linestyle=":")
    for time_s, words in marks:
        place = (time_s, 1.0)
        shown = words if len(words) <= LONGEST_MARK else f"{words[: LONGEST_MARK - 1]}…"
        rows[0].annotate(
            shown, place, (0, 4), rows[0].get_xaxis_transform(), "offset points", fontsize=7, rotation=30, color="0.25"
        )
    rows[-1].set_xlim(0.0, duration_s)
    rows[-1].set_xlabel("seconds")
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


@dataclass(frozen=True)
class Curve:
    """One panel over `times_s` (F,): what was read (F,) and, of an AU, what was asked (F,); NaN where not measured.

    `limits` are how far what is asked can go.
    """

    name: str
    times_s: NDArray[np.floating]
    asked: NDArray[np.floating] | None
    read: NDArray[np.floating]
    limits: tuple[float, float] = (0.0, 1.0)


def readback_plot(curves: Sequence[Curve], threshold: float, reader: str, *, still: bool) -> NDArray[np.uint8]:
    """Return the curves as panels in rows of three, a picture (H, W, 3).

    `reader` is who read. Curves without `asked` are identity distances, with a line at `threshold`. Of a still, the
    times 0 and 1 are the photo and the result.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(curves), 3) or 1
    rows = max(1, -(-len(curves) // columns))
    figure = Figure(figsize=(max(2, columns) * 3.4, rows * 2.3 + 0.5), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, curve in zip(panels, curves, strict=False):
        _draw_curve(axes, curve, threshold, reader)
        axes.set_title(curve.name, fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        if still:
            axes.set_xticks([0, 1], ["photo", "result"])
            axes.set_xlim(-0.15, 1.15)
        else:
            axes.set_xlabel("seconds", fontsize=8)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    if not curves:
        panels[0].text(0.5, 0.5, "nothing was asked to move", ha="center", va="center")
    handles = [line for line in panels[0].get_lines() if not str(line.get_label()).startswith("_")]
    if len(handles) > 1:
        figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=8)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.array(canvas.buffer_rgba(), np.uint8)[..., :3]  # type: ignore[no-untyped-call]


def _draw_curve(axes: Axes, curve: Curve, threshold: float, reader: str) -> None:
    known = np.isfinite(curve.read)
    times, read = curve.times_s[known], curve.read[known]
    if curve.asked is not None:
        axes.plot(curve.times_s, curve.asked, color="0.55", dashes=(4, 2), label="asked")
        axes.plot(times, read, color=READ_COLOUR, label=f"read by {reader}")
        least, most = curve.limits
        axes.set_ylim(least - 0.03 * (most - least), most + 0.03 * (most - least))
        if not known.any():
            axes.text(0.5, 0.5, "the reader does not know it", ha="center", transform=axes.transAxes, fontsize=8)
        return
    axes.axhline(threshold, color="0.55", linewidth=1)
    axes.annotate(
        f"{threshold:g}: another person above", (0, threshold), (2, 3), fontsize=7, color="0.35",
        xycoords=axes.get_yaxis_transform(), textcoords="offset points",
    )  # fmt: skip
    axes.plot(times, read, color=IDENTITY_COLOUR, marker="o", markersize=3.5)
    axes.set_ylim(0, max(threshold * 1.35, 1.1 * float(read.max(initial=0))))

"""What an evaluation found, as tables, JSON lines and pictures; one model, or two side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ganimate.evaluation.bars import SUMMARY, Metric, MetricKind
from ganimate.evaluation.judge_worth import JudgeWorth
from ganimate.evaluation.measurement import ModelMeasurement
from ganimate.evaluation.metrics import BAR_AUS, SEEN
from ganimate.face.crop import Image
from ganimate.facs import ACTION_UNITS
from ganimate.figures.drawing import contact_sheet
from ganimate.figures.plots import Response, response_plot
from ganimate.system.progress import Table

JUDGE = "judge"  # stands for the model in the lines about the judge itself


@dataclass(frozen=True)
class EvaluationResults:
    """The judge's worth, and what was measured of each model; all of the same AUs and people."""

    worth: JudgeWorth
    models: Sequence[ModelMeasurement]

    def lines(self) -> Iterator[str]:
        """Yield a line of JSON for each metric."""
        for metric in self.worth.metrics():
            yield self._line(JUDGE, metric)
        for model in self.models:
            for metric in model.metrics:
                yield self._line(model.name, metric)

    def _line(self, model: str, metric: Metric) -> str:
        facts: dict[str, Any] = {"model": model, "name": metric.name, "value": round(metric.value, 5), "n": metric.n}
        for name, value in (("au", metric.au), ("read_au", metric.read_au), ("people", metric.people)):
            if value is not None:
                facts[name] = value
        if metric.of_aus:
            facts["of_aus"] = list(metric.of_aus)
        if metric.low is not None and metric.high is not None:
            facts["interval"] = [round(metric.low, 5), round(metric.high, 5)]
        read = metric.au if metric.read_au is None else metric.read_au
        if read is not None:
            facts["judge_can_read"] = read not in self.worth.unreadable
        kind = SUMMARY.get(metric.key)
        if kind is not None and kind.bar:
            facts |= {"bar": kind.bar, "passes": kind.passes(metric)}
        return json.dumps(facts, ensure_ascii=False, allow_nan=False)

    def tables(self) -> Iterator[Table]:
        """Yield the judge's table, that of the single AUs, the summary with the bars, and people seen once or more."""
        yield self._judge_table()
        yield self._au_table()
        yield self._summary_table()
        seen = self._seen_table()
        if seen.rows:
            yield seen

    def _judge_table(self) -> Table:
        worth, told = self.worth, [("judge·labels", self.worth.by_labels), ("slope", self.worth.slope)]
        title = f"the judge on {worth.n_labels} held-out photos"
        if worth.n_codes:
            told = [("judge·codes", worth.by_codes), ("labels·codes", worth.labels_by_codes), *told]
            told.append(("real", worth.reality))
            title += f", {worth.n_codes} with human codes"
        rows = []
        for place, au in enumerate(worth.aus):
            values = (_number(float(column[place]), 2) for _, column in told)
            rows.append((str(au), ACTION_UNITS[au].name, *values, "" if worth.readable[place] else "cannot read it"))
        return Table(("AU", "", *(name for name, _ in told), ""), tuple(rows), _numbers(2, len(told)), title)

    def _au_table(self) -> Table:
        parts, headers = self._columns((*_AU_COLUMNS, *_CODED_COLUMNS) if self.worth.n_codes else _AU_COLUMNS)
        title = f"one AU from 0 to 1, {self.models[0].metrics[0].n} people"
        rows = []
        for au in self.worth.aus:
            told = (_value_of_au(model.find(key, au)) for model, key, _ in parts)
            note = "not counted" if au in self.worth.unreadable else "has a bar" if au in BAR_AUS else ""
            rows.append((str(au), ACTION_UNITS[au].name, *told, note))
        return Table(("AU", "", *headers, ""), tuple(rows), _numbers(2, len(parts)), title)

    def _columns(self, columns: Sequence[tuple[str, str]]) -> tuple[list[tuple[ModelMeasurement, str, str]], list[str]]:
        """Return each model's columns, as measurement, key and title, and what stands above them."""
        parts = [(model, key, title) for model in self.models for key, title in columns]
        several = len(self.models) > 1
        return parts, [f"{model.name}: {title}" if several else title for model, _, title in parts]

    def _seen_table(self) -> Table:
        """Return the averages by how often the pack shows a person; without rows where there are none."""
        parts, headers = self._columns(_SEEN_COLUMNS)
        rows = []
        for seen, who in SEEN.items():
            found = [model.find(key.format(seen)) for model, key, _ in parts]
            if any(found):
                n = next(metric.n for metric in found if metric)
                rows.append((who, str(n), *(_value(metric, 3) for metric in found)))
        return Table(("one AU from 0 to 1", "n", *headers), tuple(rows), _numbers(1, 1 + len(parts)))

    def _summary_table(self) -> Table:
        names, rows = [model.name for model in self.models], []
        for key, kind in SUMMARY.items():
            found = [model.find(key) for model in self.models]
            if any(found):
                first = next(metric for metric in found if metric)
                passed = " / ".join(_passed(kind, metric) if metric else "" for metric in found)
                values = (_value(metric, 3) for metric in found)
                rows.append((kind.told(first), str(first.n), *values, kind.bar, passed.strip(" /")))
        return Table(("measured", "n", *names, "bar", ""), tuple(rows), _numbers(1, 1 + len(names)))

    def verdict(self) -> str:
        """Return which AUs no average counts, in a sentence."""
        if not self.worth.unreadable:
            return "the judge can read all of the model's AUs"
        return f"the judge cannot read AU {', '.join(map(str, self.worth.unreadable))}: no average counts them"

    def response(self) -> Image:
        """Return the matrix plot (H, W, 3), a panel for each model."""
        panels = [Response(model.name, model.matrix) for model in self.models]
        return response_plot(panels, self.worth.aus, self.worth.unreadable)

    def sheet(self) -> Image:
        """Return the sheet (H, W, 3): a row a person and model; the photo, then each AU at 1."""
        rows, titles = [], []
        for place, name in enumerate(self.models[0].names):
            for model in self.models:
                rows.append((model.faces[place], *model.results[place]))
                titles.append(f"{name} | {model.name}")
        return contact_sheet(rows, titles, ("photo", *(f"AU{au}" for au in self.worth.aus)))


_AU_COLUMNS = (("response", "asked"), ("crosstalk", "others"), ("monotone_share", "rises"))
_CODED_COLUMNS = (("response_relative", "of real"),)
_SEEN_COLUMNS = (
    ("response_{}_mean", "asked"),
    ("monotone_share_{}_mean", "rises"),
    ("identity_distance_{}_mean", "identity"),
)


def _numbers(first: int, count: int) -> tuple[int, ...]:
    """Return the places of `count` columns of numbers from the place `first` on."""
    return tuple(range(first, first + count))


def _value(metric: Metric | None, digits: int) -> str:
    """Return a number with its interval, if it has one, such as ``0.412 [0.350, 0.470]``."""
    if metric is None:
        return ""
    number = _number(metric.value, digits)
    if metric.low is None or metric.high is None:
        return number
    return f"{number} [{metric.low:.{digits}f}, {metric.high:.{digits}f}]"


def _value_of_au(metric: Metric | None) -> str:
    """Return a number with half the width of its interval, such as ``0.41 ±0.06``."""
    if metric is None or metric.low is None or metric.high is None:
        return _value(metric, 2)
    return f"{_number(metric.value, 2)} ±{(metric.high - metric.low) / 2:.2f}"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if value == value else ""  # NaN: there was nothing to compare with


def _passed(kind: MetricKind, metric: Metric) -> str:
    if kind.lacks_people(metric):
        return "too few"
    return {True: "pass", False: "MISS", None: ""}[kind.passes(metric)]

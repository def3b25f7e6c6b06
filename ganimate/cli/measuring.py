"""`ganimate evaluate`, from the checked command line to the tables and files.

Loaded by the command when it runs, not for its help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from ganimate.cli.console import Display, print_table
from ganimate.cli.findings import Findings
from ganimate.config import EvaluationConfig
from ganimate.data.pack import open_pack
from ganimate.errors import DependencyError, OutputError
from ganimate.evaluation.held_out_people import Panel, choose_panel, source
from ganimate.evaluation.measurement import examine
from ganimate.evaluation.protocol import Exam, study_judge
from ganimate.face.detect import DlibEmbedder, Embedder
from ganimate.media.places import FilePlace
from ganimate.media.provenance import Mark
from ganimate.system.devices import choose_device
from ganimate.trackers import read_facs
from ganimate.zoo.catalogue import ZooEntry, find_judge, find_model
from ganimate.zoo.checkpoint import load_judge, load_model

METRICS_NAME, RESPONSE_NAME, SHEET_NAME = "metrics.jsonl", "response.png", "sheet.png"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Order:
    """What is to be measured, as the command line says it."""

    model: str
    against: str | None
    pack: Path
    judge: str | None
    facs: Path | None
    config: EvaluationConfig
    identity: bool
    device: str


def measure(order: Order, out: Path | None, *, force: bool, as_json: bool, display: Display) -> None:
    """Measure, print the tables or JSON lines on stdout, and write the files, if there is a folder for them."""
    if out is not None:
        _check_folder(out, force)
    findings = _findings(order, display)
    if as_json:
        for line in findings.lines():
            typer.echo(line)
    else:
        for table in findings.tables():
            print_table(table)
            typer.echo()
        typer.echo(findings.verdict())
    if out is not None:
        _write(out, findings, force)
        display.note(f"{out / METRICS_NAME}, {RESPONSE_NAME} and {SHEET_NAME} (faces of the pack: not to be shown)")


def make_embedder() -> Embedder:
    """Return what tells people apart; tests put another one in its place."""
    embedder = DlibEmbedder()
    try:
        embedder.load()  # before the slow work
    except DependencyError as error:
        raise DependencyError(error.message, f"{error.hint}, or leave identity out with --no-identity") from error
    return embedder


def _findings(order: Order, display: Display) -> Findings:
    device = choose_device(order.device)
    entries = [find_model(name) for name in (order.model, order.against) if name is not None]
    judge_path = find_judge(order.judge)
    with display.stage("opening the faces"):
        pack = open_pack(order.pack)
        panel = choose_panel(pack, order.config)
    aus = entries[0].card.aus
    codes = {} if order.facs is None else read_facs(order.facs, aus)
    with display.stage("loading the networks"):
        judge = load_judge(judge_path, device)
        embedder = make_embedder() if order.identity else None
        models = [load_model(entry.path, device) for entry in entries]
    exam = Exam(pack, panel, judge, aus, device, embedder)
    for model in models:
        exam.check(model.card)
    display.note(_told(exam.panel, [str(name) for name in pack.names[panel.people]]))
    worth = _followed("reading held-out photos", exam.study_batches, study_judge(exam, codes), display)
    if codes and not worth.n_codes:
        display.note(f"warning: {order.facs} names no photo that is held out in {order.pack}")
    reports = [
        _followed(f"measuring {name}", exam.photos, examine(exam, model, name, worth), display)
        for name, model in zip(_names(entries), models, strict=True)
    ]
    return Findings(worth, reports)


def _followed(text: str, total: int, work: Generator[None, None, Result], display: Display) -> Result:
    """Return what `work` returns, with a bar for what it yields."""
    result: list[Result] = []

    def steps() -> Iterator[None]:
        result.append((yield from work))

    with display.count(text, total, text) as counted:
        for _ in counted(steps()):
            pass
    return result[0]


def _names(entries: Sequence[ZooEntry]) -> list[str]:
    """Return the models' names, or their files where both have one name."""
    names = [entry.name for entry in entries]
    return names if len(set(names)) == len(names) else [str(entry.path) for entry in entries]


def _told(panel: Panel, names: Sequence[str]) -> str:
    counts = Counter(source(name) for name in names)
    spread = ", ".join(f"{name} {count}" for name, count in counts.items() if name)
    told = f"{len(panel.people)} people{f' ({spread})' if spread else ''}, {len(panel.pairs)} pairs of one person"
    return f"{told}, {len(panel.crowd)} photos for the Fréchet distance; all held out"


def _check_folder(folder: Path, force: bool) -> None:
    """Raise OutputError, before any slow work, where the files could not be written."""
    if not folder.exists():
        FilePlace(folder, False).check()
    elif not folder.is_dir():
        raise OutputError(f"{folder} exists and is not a folder", "choose another --out")
    else:
        for name in (METRICS_NAME, RESPONSE_NAME, SHEET_NAME):
            FilePlace(folder / name, force).check()


def _write(folder: Path, findings: Findings, force: bool) -> None:
    from ganimate.media import write_image

    response, sheet = findings.response(), findings.sheet()  # all that may fail is done before the first is written
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error
    write_image(folder / RESPONSE_NAME, response, force)
    write_image(folder / SHEET_NAME, sheet, force, mark=Mark("under evaluation"))
    place = FilePlace(folder / METRICS_NAME, force)
    try:
        with place.explained():
            place.temporary.write_text("".join(f"{line}\n" for line in findings.lines()), "utf-8")
            place.publish()
    finally:
        place.discard()

"""An evaluation from what is asked for to its results and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ganimate.config import EvaluationConfig
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import DependencyError, OutputError
from ganimate.evaluation.evaluation_tables import EvaluationResults
from ganimate.evaluation.held_out_people import HeldOutPeople, choose_held_out_people, source
from ganimate.evaluation.measurement import measure_model
from ganimate.evaluation.protocol import EvaluationProtocol, common_aus, study_judge
from ganimate.face.detect import DlibEmbedder, Embedder
from ganimate.media import write_image
from ganimate.media.places import FilePlace
from ganimate.media.provenance import Mark
from ganimate.system.devices import choose_device
from ganimate.system.progress import Progress
from ganimate.zoo.catalogue import ZooEntry, find_judge, find_model
from ganimate.zoo.checkpoint import Model, load_model
from ganimate.zoo.judge_weights import load_judge

METRICS_NAME, RESPONSE_NAME, SHEET_NAME = "metrics.jsonl", "response.png", "sheet.png"
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class HumanCodes:
    """A table of human FACS codes, and who reads from it the codes (N,) by photo name of the AUs that are asked for."""

    table: Path
    read: Callable[[Path, Sequence[int]], Mapping[str, NDArray[np.float32]]]


@dataclass(frozen=True)
class EvaluationRun:
    """What is to be measured, and by whom: models and judge by their names or files, None for the judge that ships."""

    model: str
    against: str | None
    pack: Path
    judge: str | None
    codes: HumanCodes | None
    config: EvaluationConfig
    identity: bool
    device: str

    def measure(self, progress: Progress) -> EvaluationResults:
        """Return what is measured of all models; raises PackError or ModelError for what does not go together."""
        entries = [find_model(name) for name in (self.model, self.against) if name is not None]
        protocol, models = self._prepare(entries, progress)
        for line in _told(protocol.held_out, protocol.pack):
            progress.note(line)
        codes = {} if self.codes is None else self.codes.read(self.codes.table, protocol.aus)
        study = study_judge(protocol, codes)
        worth = _followed("reading held-out photos", protocol.study_batches, study, progress)
        if self.codes is not None and codes and not worth.n_codes:
            progress.note(f"warning: {self.codes.table} names no photo that is held out in {self.pack}")
        measured = [
            _followed(f"measuring {name}", protocol.photos, measure_model(protocol, model, name, worth), progress)
            for name, model in zip(_names(entries), models, strict=True)
        ]
        crowd = len(protocol.held_out.crowd)
        if crowd and not all(model.find("frechet_judge_features") for model in measured):
            progress.note(f"no Fréchet distance: it is of the spread of more features than {crowd} photos can show")
        return EvaluationResults(worth, measured)

    def _prepare(self, entries: Sequence[ZooEntry], progress: Progress) -> tuple[EvaluationProtocol, list[Model]]:
        """Return how all are measured, and the models, loaded."""
        device, judge_path = choose_device(self.device), find_judge(self.judge)
        with progress.stage("opening the faces"):
            pack = open_pack(self.pack)
            held_out = choose_held_out_people(pack, self.config)
        with progress.stage("loading the networks"):
            judge = load_judge(judge_path, device)
            embedder = make_embedder() if self.identity else None
            models = [load_model(entry.path, device) for entry in entries]
        names = _names(entries)
        known = {name: model.card.aus for name, model in zip(names, models, strict=True)}
        aus, left_out = common_aus(known, pack, judge)
        protocol = EvaluationProtocol(pack, held_out, judge, aus, embedder)
        for name, model in zip(names, models, strict=True):
            protocol.check(model.card, name)
        if left_out:
            progress.note(f"measured are {len(aus)} AUs, not {'; '.join(left_out)}")
        return protocol, models


def make_embedder() -> Embedder:
    """Return what tells people apart; tests put another one in its place."""
    embedder = DlibEmbedder()
    try:
        embedder.load()  # before the slow work
    except DependencyError as error:
        raise DependencyError(error.message, f"{error.hint}, or leave identity out with --no-identity") from error
    return embedder


def _followed(text: str, total: int, work: Generator[None, None, ResultT], progress: Progress) -> ResultT:
    """Return what `work` returns, counting what it yields."""
    result: list[ResultT] = []

    def steps() -> Iterator[None]:
        result.append((yield from work))

    with progress.count(text, total) as counted:
        for _ in counted(steps()):
            pass
    return result[0]


def _names(entries: Sequence[ZooEntry]) -> list[str]:
    """Return the models' names, or their files where both have one name."""
    names = [entry.name for entry in entries]
    return names if len(set(names)) == len(names) else [str(entry.path) for entry in entries]


def _told(held_out: HeldOutPeople, pack: Pack) -> Iterator[str]:
    """Yield who is measured, and why that is not all who are held out."""
    people, photos = len(held_out.people), len(held_out.held)
    counts = Counter(source(str(name)) for name in pack.names[held_out.people])
    spread = ", ".join(f"{name} {count}" for name, count in counts.items() if name)
    told = f"{people} people{f' ({spread})' if spread else ''}, {len(held_out.pairs)} pairs of one person"
    yield f"{told}, {len(held_out.crowd)} photos for the Fréchet distance; all held out"
    if people < photos:
        others = photos - people - held_out.padded
        padded = f"{held_out.padded} of faces that reach beyond their photos" if held_out.padded else ""
        again = f"{others} of people who are measured already, or beyond --people" if others else ""
        yield f"of {photos} photos held out {people} are measured; not: {', '.join(filter(None, (padded, again)))}"


def check_folder(folder: Path, force: bool) -> None:
    """Raise OutputError, before any slow work, where the files of an evaluation could not be written."""
    if not folder.exists():
        FilePlace(folder, False).check()
    elif not folder.is_dir():
        raise OutputError(f"{folder} exists and is not a folder", "choose another --out")
    else:
        for name in (METRICS_NAME, RESPONSE_NAME, SHEET_NAME):
            FilePlace(folder / name, force).check()


def write_results(folder: Path, results: EvaluationResults, force: bool) -> None:
    """Write metrics, plot and sheet into `folder`; raises OutputError."""
    response, sheet = results.response(), results.sheet()  # all that may fail is done before the first is written
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}") from error
    write_image(folder / RESPONSE_NAME, response, force)
    write_image(folder / SHEET_NAME, sheet, force, mark=Mark("under evaluation"))
    place = FilePlace(folder / METRICS_NAME, force)
    try:
        with place.explained():
            place.temporary.write_text("".join(f"{line}\n" for line in results.lines()), "utf-8")
            place.publish()
    finally:
        place.discard()

"""`ganimate benchmark`: where the time of the whole job goes."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganimate.cli import options
from ganimate.config import DEFAULT_MODEL, Motion

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator, PreparedFace
    from ganimate.face.crop import Image
    from ganimate.trajectory import Trajectory

STAGES = ("start", "import torch", "read photo", "load model", "find faces", "read AUs", "generate", "paste", "write")
EXPRESSION = "happiness"

Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH", help="Fit the photo into a frame of this size, so that results compare.", show_default=False
    ),
]
FrameCount = Annotated[int, typer.Option("--frames", min=2, max=10_000, metavar="N", help="Frames to make.")]
ResultKind = Annotated[options.ResultName, typer.Option("--to", help="What to write; it is thrown away.")]


@dataclass
class Stopwatch:
    """Seconds spent in each stage; while one stage goes on inside another, only the inner one counts."""

    stages_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    _inside: list[str] = field(default_factory=list)
    _since_s: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to the stage `name`."""
        self._charge()
        self._inside.append(name)
        try:
            yield
        finally:
            self._charge()
            self._inside.pop()

    def _charge(self) -> None:
        now_s = time.perf_counter()
        if self._inside:
            stage = self._inside[-1]
            self.stages_s[stage] = self.stages_s.get(stage, 0.0) + now_s - self._since_s
        self._since_s = now_s


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(benchmark)


def benchmark(
    photo: options.Photo,
    size: Size = None,
    frames: FrameCount = 24,
    to: ResultKind = options.ResultName.mp4,
    json: options.Json = False,
    model: options.Model = DEFAULT_MODEL,
    detector: options.DetectorChoice = options.DetectorName.hog,
    device: options.Device = "auto",
) -> None:
    """Time the whole job, stage by stage, in this one cold process: the largest face of PHOTO smiles.

    For example: ganimate benchmark examples/astronaut.jpg --size 1920x1080
    """
    from ganimate.cli.console import print_json

    watch = Stopwatch()
    watch.stages_s["start"] = _age_s()
    frame_px = None if size is None else _parse_size(size)
    with watch.stage("read photo"):
        image = _read(photo, frame_px)
    animator = _load(watch, model, device)
    person = _sit(watch, animator, image, detector.value)
    _make(watch, animator, image, person, frames, to.value)
    facts = {
        "photo": str(photo),
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "frames": frames,
        "to": to.value,
        "device": str(animator.device),
        "stages_s": {name: round(seconds, 3) for name, seconds in watch.stages_s.items()},
        "total_s": round(sum(watch.stages_s.values()), 3),
        "peak_memory_mb": _peak_memory_mb(),
    }
    if json:
        print_json(facts)
    else:
        _print(facts)


def _age_s() -> float:
    """Return how long this process has been running, or, where the system does not tell, how long it has computed."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", text.strip(), re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a width and a height such as 1920x1080", param_hint="--size")
    return int(match[1]), int(match[2])


def _read(path: Path, frame_px: tuple[int, int] | None) -> Image:
    from ganimate.media import read_photo

    photo = read_photo(path)
    if frame_px is None:
        return photo
    from ganimate.figures.drawing import fit_into

    return fit_into(photo, *frame_px)


def _load(watch: Stopwatch, name: str, device: str) -> Animator:
    """Return the animator of the model, whose generator the watch is kept on."""
    with watch.stage("import torch"):
        import torch

        from ganimate.animation.animator import Animator
        from ganimate.system.devices import choose_device
        from ganimate.zoo.catalogue import find_model
        from ganimate.zoo.checkpoint import load_model
    with watch.stage("load model"):
        place = choose_device(device)
        model = load_model(find_model(name).path, place)

    def finish() -> None:
        if place.type == "cuda":
            torch.cuda.synchronize(place)

    return Animator(replace(model, generator=_watched(watch, model.generator, finish)), place)


def _watched(watch: Stopwatch, generator: Any, finish: Callable[[], None]) -> Any:
    def generate(*inputs: Any) -> Any:
        with watch.stage("generate"):
            edit = generator(*inputs)
            finish()
            return edit

    return generate


def _sit(watch: Stopwatch, animator: Animator, photo: Image, detector: str) -> PreparedFace:
    with watch.stage("find faces"):
        from ganimate.animation.session import make_detector
        from ganimate.face.detect import choose_faces

        chosen = choose_faces(make_detector(detector).detect(photo))
    with watch.stage("read AUs"):
        return animator.prepare(photo, chosen)[0]


def _make(watch: Stopwatch, animator: Animator, photo: Image, person: PreparedFace, frames: int, kind: str) -> None:
    """Make and write the frames, into a folder that is then thrown away."""
    from ganimate.media import open_writer

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="ganimate-"))
        path = _smile(animator, person, frames)
        stream = animator.frames(photo, [person], [path])
        writing = stack.enter_context(ExitStack())
        with watch.stage("write"):
            name = "frames/" if kind == "folder" else f"result.{kind}"
            writer = writing.enter_context(open_writer(f"{folder}/{name}", path.fps))
        for _ in range(frames):
            with watch.stage("paste"):
                frame = next(stream)
            with watch.stage("write"):
                writer.append(frame.image)
        with watch.stage("write"):
            writing.close()


def _smile(animator: Animator, person: PreparedFace, frames: int) -> Trajectory:
    from ganimate.facs import parse_expression
    from ganimate.trajectory.plan import Move

    motion = Motion(frames, hold_s=0, loop="once")
    return Move(parse_expression(EXPRESSION), motion=motion).trajectory(person.source_aus, animator.model.card.aus)


def _peak_memory_mb() -> int | None:
    """Return the most memory that this process has had, in MB, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)


def _print(facts: dict[str, Any]) -> None:
    from ganimate.cli.console import bar, plain_table, print_table

    total_s = facts["total_s"]
    table = plain_table("stage", "seconds", "share", "", numeric=(1, 2))
    for name, seconds in facts["stages_s"].items():
        share = seconds / total_s
        table.add_row(name, f"{seconds:.2f}", f"{share:.0%}", bar(share))
    table.add_row("total", f"{total_s:.2f}")
    what = f"{facts['frames']} frames of {facts['width_px']}×{facts['height_px']} px to {facts['to']}"
    typer.echo(f"{what}, on {facts['device']}")
    print_table(table)
    if facts["peak_memory_mb"] is not None:
        typer.echo(f"peak memory {facts['peak_memory_mb']} MB (the encoder of an MP4 is a process of its own)")

"""Where the time of the whole job goes: one cold process animates the largest face of a photo, and is timed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from ganimate.animation.session import make_detector
from ganimate.config import Motion, Setup

if TYPE_CHECKING:
    from ganimate.animation.animator import Animator, PreparedFace
    from ganimate.face.crop import Image
    from ganimate.render.compose import FaceEdit
    from ganimate.trajectory import Trajectory
    from ganimate.zoo.running import RunningModel

STAGES = ("start", "import", "read photo", "load model", "find faces", "read AUs", "generate", "paste", "write")
EXPRESSION = "happiness"


@dataclass
class Stopwatch:
    """Seconds spent in each stage; while one stage goes on inside another, only the inner one counts."""

    stages_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    beside_s: float = 0.0
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

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Add the time of the block, which may run in another thread, to `beside_s`."""
        began_s = time.perf_counter()
        yield
        self.beside_s += time.perf_counter() - began_s

    def _charge(self) -> None:
        now_s = time.perf_counter()
        if self._inside:
            stage = self._inside[-1]
            self.stages_s[stage] = self.stages_s.get(stage, 0.0) + now_s - self._since_s
        self._since_s = now_s


def benchmark(photo: Path, frame_px: tuple[int, int] | None, frames: int, kind: str, setup: Setup) -> dict[str, Any]:
    """Return as plain data how long each stage took until `frames` frames were written as `kind`, and thrown away.

    With `frame_px` the photo is fitted into a frame of that width and height, so that results compare. The network
    runs in a thread of its own: `generate` is how long it was waited for, `network_s` how long it ran.
    """
    watch = Stopwatch()
    watch.stages_s["start"] = _age_s()
    with watch.stage("read photo"):
        image = _read(photo, frame_px)
    animator = _load(watch, setup)
    person = _prepare(watch, animator, image, setup.detector)
    _make(watch, animator, image, person, frames, kind)
    return {
        "photo": str(photo),
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "frames": frames,
        "to": kind,
        "runs_on": animator.model.runs_on,
        "stages_s": {name: round(seconds, 3) for name, seconds in watch.stages_s.items()},
        "network_s": round(watch.beside_s, 3),
        "total_s": round(sum(watch.stages_s.values()), 3),
        "peak_memory_mb": _peak_memory_mb(),
    }


def _age_s() -> float:
    """Return how long this process has been running, or, where the system does not tell, how long it has computed."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()


def _read(path: Path, frame_px: tuple[int, int] | None) -> Image:
    from ganimate.media import read_photo

    photo = read_photo(path)
    if frame_px is None:
        return photo
    from ganimate.figures.drawing import fit_into

    return fit_into(photo, *frame_px)


def _load(watch: Stopwatch, setup: Setup) -> Animator:
    """Return the animator of the model, whose generator the watch is kept on."""
    with watch.stage("import"):
        from ganimate.animation.animator import Animator
        from ganimate.zoo import backends, graphs
        from ganimate.zoo.catalogue import find_model

        weights = find_model(setup.model).path
        backend = backends.choose_backend(setup.backend, setup.device, weights)
        if backend == "onnx":
            graphs.silent_runtime()
        else:
            import_module(backend)
    with watch.stage("load model"):
        model = backends.load_running_model(weights, setup.backend, setup.device)
        return _timed(Animator(cast("RunningModel", _Watched(model, watch))), watch)


def _timed(animator: Animator, watch: Stopwatch) -> Animator:
    """Return the animator, with the watch kept on how long pasting waits for edits."""
    edits = animator.edits

    def waiting(person: PreparedFace, path: Trajectory) -> Iterator[FaceEdit]:
        coming = edits(person, path)
        while True:
            with watch.stage("generate"):
                edit = next(coming, None)
            if edit is None:
                return
            yield edit

    animator.edits = waiting  # type: ignore[method-assign]
    return animator


class _Watched:
    """A model whose generator is timed, wherever it runs: mostly in a thread, beside all else."""

    def __init__(self, model: RunningModel, watch: Stopwatch) -> None:
        self._model, self._watch = model, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def paint(self, *inputs: Any) -> Any:
        with self._watch.beside():
            return self._model.paint(*inputs)

    def edit(self, *inputs: Any) -> Any:
        with self._watch.beside():
            return self._model.edit(*inputs)


def _prepare(watch: Stopwatch, animator: Animator, photo: Image, detector: str) -> PreparedFace:
    with watch.stage("find faces"):
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
        stream = animator.frames(photo, [person], [path], lasting=False)
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
    return Move(parse_expression(EXPRESSION), motion=motion).trajectory(person.source_aus, animator.model.card.words)


def _peak_memory_mb() -> int | None:
    """Return the most memory that this process has had, in MB, where the system tells."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)

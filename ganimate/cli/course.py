"""`ganimate train`, from the checked command line to the last checkpoint.

Loaded by the command when it runs, not for its help; torch is loaded after the config has been checked.
"""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from ganimate.cli.console import PIPED_WIDTH, print_json
from ganimate.config import TrainConfig, to_dict
from ganimate.config.resolve import flat, merged, new_config, read_changes, resumed_config
from ganimate.data.pack import Pack, open_pack
from ganimate.errors import OutputError
from ganimate.training.run_folder import MODEL_NAME, STATE_NAME, create_run, is_run, read_config, write_config

if TYPE_CHECKING:
    from ganimate.training.trainer import Record, Trainer

PLAIN_STEPS = 50  # from one line to the next where nobody is watching
WARN_AGAIN_STEPS = 1000
PACE_STEPS = 40  # over which speed is measured
INTERRUPTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True)
class Machine:
    """Where the training runs."""

    device: str = "auto"
    threads: int | None = None


class StopWish:
    """Ctrl-C, SIGTERM and SIGHUP as a wish that the trainer hears after a step; a second one ends it at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Say whether the trainer shall stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, as shells count."""
        return 0 if self.signal is None else 128 + self.signal

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over while the block lasts; those that are ignored (nohup) stay ignored."""
        before = {number: signal.getsignal(number) for number in INTERRUPTS}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass(frozen=True)
class Course:
    """A planned training run."""

    pack: Pack
    folder: Path
    config: TrainConfig
    resume: bool
    changes: Mapping[str, Any]  # on resumption: what differs from the run's own config, by dotted name
    console: Console

    @classmethod
    def plan(
        cls, pack: Path, folder: Path, given: Mapping[str, Any], file: Path | None, resume: bool, quiet: bool
    ) -> Course:
        """Return the run that the command line asks for; raises before anything is written."""
        opened = open_pack(pack)
        settings = merged(read_changes(file) if file else {}, given)
        changes: dict[str, Any] = {}
        if resume:
            own = read_config(folder)
            config = resumed_config(own, settings)
            before = flat(to_dict(own))
            changes = {name: value for name, value in flat(to_dict(config)).items() if value != before[name]}
        else:
            config = new_config(settings, opened.spec.size_px)
            if is_run(folder):
                raise OutputError(
                    f"{folder} holds a training run already", "add --resume to go on with it, or choose a new --out"
                )
        opened.require_size(config.generator.size_px)
        width = None if sys.stderr.isatty() else PIPED_WIDTH
        console = Console(stderr=True, width=width, markup=False, highlight=False, emoji=False, quiet=quiet)
        return cls(opened, folder, config, resume, changes, console)

    def print_config(self) -> None:
        """Print the whole config as JSON on stdout."""
        print_json(to_dict(self.config))

    def run(self, machine: Machine, minutes: float | None, images: int | None) -> int:
        """Train until it is done, or a budget or the user says so; returns the exit code."""
        wish = StopWish()
        with wish.listening():
            trainer = self._trainer(machine)
            if not self.resume:
                create_run(self.folder, self.config)
            elif self.changes:
                write_config(self.folder, self.config)
            self._tell_begin(trainer)
            try:
                self._train(trainer, wish, minutes, images)
            except KeyboardInterrupt:
                self._say("stopped at once; the last checkpoint stays")
                return wish.exit_code or 130
        self._tell_end(trainer, wish)
        typer.echo(self.folder / MODEL_NAME)
        return wish.exit_code

    def _trainer(self, machine: Machine) -> Trainer:
        with self.console.status("loading") if self.console.is_terminal else _nothing():
            import torch

            from ganimate.system.devices import choose_device
            from ganimate.training.trainer import Trainer

            if machine.threads is not None:
                torch.set_num_threads(machine.threads)
            trainer = Trainer(self.pack, self.config, choose_device(machine.device))
            if self.resume and (self.folder / STATE_NAME).exists():
                trainer.restore(self.folder)
        return trainer

    def _train(self, trainer: Trainer, wish: StopWish, minutes: float | None, images: int | None) -> None:
        from ganimate.training.sample_sheets import write_sample

        reporter = Reporter(self.console, trainer, minutes, images)
        records = trainer.run(
            self.folder,
            minutes=minutes,
            images=images,
            stop=wish,
            on_sample=lambda at_work: reporter.say(f"sample sheet: {write_sample(at_work, self.folder)}"),
        )
        with reporter:
            for record in records:
                reporter.report(record)

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _tell_begin(self, trainer: Trainer) -> None:
        import torch

        self.console.print(config_text(self.config), soft_wrap=not self.console.is_terminal)
        held = self.pack.validation
        self._say(f"pack: {self.pack.path}, {int((~held).sum())} photos to train on, {int(held.sum())} held out")
        precision = "bf16" if trainer.bf16 else "fp32"
        threads = f", {torch.get_num_threads()} threads" if trainer.device.type == "cpu" else ""
        self._say(f"device: {trainer.device}, {precision}{threads}, workers: {self.config.workers}")
        for name, value in self.changes.items():
            self._say(f"changed from here on: {name} = {value}")
        if self.resume:
            self._say(f"going on from step {trainer.step_index} of {self.config.schedule.total_steps}")

    def _tell_end(self, trainer: Trainer, wish: StopWish) -> None:
        done, total = trainer.step_index, self.config.schedule.total_steps
        if done >= total:
            self._say(
                f"finished after {done} steps; next: ganimate export {shlex.quote(str(self.folder))} --out models/NAME"
            )
            return
        again = f"ganimate train {shlex.quote(str(self.pack.path))} --out {shlex.quote(str(self.folder))} --resume"
        why = "stopped" if wish() else "budget used up"
        self._say(f"{why} and saved after step {done} of {total}; go on with: {again}")


class Reporter:
    """Progress of a training run: a bar where somebody is watching, else a line now and then."""

    def __init__(self, console: Console, trainer: Trainer, minutes: float | None, images: int | None) -> None:
        self._console, self._batch = console, trainer.config.batch_images
        self._total = trainer.config.schedule.total_steps
        self._begin = trainer.step_index
        self._last = self._total if images is None else min(self._total, self._begin + -(-images // self._batch))
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._moments: deque[tuple[int, float]] = deque(maxlen=PACE_STEPS)
        self._moments.append((trainer.step_index, time.monotonic()))
        self._warned: dict[str, int] = {}
        fields = TextColumn("{task.fields[pace]}", justify="right")
        self._bars = Progress(
            TextColumn("{task.description:11}"), BarColumn(), MofNCompleteColumn(), fields,
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task: TaskID = self._bars.add_task(trainer.phase, total=self._total, completed=self._begin, pace="")

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self._console.print(text, soft_wrap=True)

    def report(self, record: Record) -> None:
        """Tell of one step."""
        self._moments.append((record.step, time.monotonic()))
        self._bars.update(self._task, description=record.phase, completed=record.step, pace=self._pace())
        if not self._console.is_terminal and record.step % PLAIN_STEPS == 0:
            terms = " ".join(f"{name} {value:.4g}" for name, value in record.terms.items())
            self.say(f"step {record.step}/{self._total}, {record.phase}, {self._pace()}: {terms}")
        if record.warning is not None:
            self._warn(record.step, record.warning)

    def _warn(self, step: int, warning: str) -> None:
        if step - self._warned.get(warning, -WARN_AGAIN_STEPS) >= WARN_AGAIN_STEPS:
            self._warned[warning] = step
            self.say(f"warning: {warning} (step {step})")

    def _pace(self) -> str:
        """Return the speed of the last steps, data included, and the time left at that speed."""
        (first, began), (last, now) = self._moments[0], self._moments[-1]
        if last == first:
            return ""
        seconds_a_step = (now - began) / (last - first)
        left = (self._last - last) * seconds_a_step
        if self._end is not None:
            left = min(left, max(0.0, self._end - now))
        return f"{self._batch / max(seconds_a_step, 1e-9):.1f} images/s, {duration(left)} left"


def duration(seconds: float) -> str:
    """Return seconds as people say them: 42 s, 17 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def config_text(config: TrainConfig) -> Text:
    """Return the whole config, a line a table; what differs from the defaults is bold and has a star."""
    defaults = flat(to_dict(TrainConfig()))
    lines: dict[str, list[tuple[str, Any]]] = {}
    for name, value in flat(to_dict(config)).items():
        table, _, field = name.rpartition(".")
        lines.setdefault(table or "train", []).append((field, (value, value != defaults[name])))
    text = Text()
    for table, fields in lines.items():
        text.append(f"{table:13}", style="dim")
        for field, (value, changed) in fields:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            text.append(f" {field} {shown}{'*' if changed else ''}", style="bold" if changed else "")
            text.append(",")
        text.right_crop(1)
        text.append("\n")
    text.append("* differs from the default", style="dim")
    return text


@contextmanager
def _nothing() -> Iterator[None]:
    yield

"""Ctrl-C, SIGTERM and SIGHUP: at whatever moment they come, what is half written goes, and one sentence tells of it.

A signal becomes a KeyboardInterrupt, which every `with` and `finally` on the way out takes for what it is. Three
things it can meet would make less of it, and are seen to here: a second signal during the tidying up, C code that turns
it into another error (numpy while it is imported), and finalizers, whose errors Python drops.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import NoReturn

from ganimate.system import files

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
IMPATIENCE_S = 2.0  # for so long after one signal others are not heard: they would only disturb the tidying up
SENTENCE = "stopped before the end; nothing half done is left behind"

_heard: int | None = None  # the signal that came
_told = False
_heard_at_s = -IMPATIENCE_S


def listen() -> None:
    """Take the signals over, but those that are ignored (nohup); only the main thread may."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _hear)
    sys.unraisablehook = _dropped
    sys.excepthook = _uncaught


def stopped() -> bool:
    """Say whether a signal came, whatever it has become since."""
    return _heard is not None


def told() -> None:
    """Note that somebody has been told why the command ended."""
    global _told
    _told = True


def untold() -> bool:
    """Say whether a signal came and nobody has been told: typer ends silently where it is interrupted itself."""
    return stopped() and not _told


def exit_code() -> int:
    """Return the code by which shells tell what ended a process: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (_heard or signal.SIGINT)


def tidy_up() -> None:
    """Remove what is half written where no `finally` could; signals are not heard any more."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    files.tidy()
    # An interrupt within exec(text), as dataclasses and torch use it while they load, makes Python kill itself at its
    # end whatever became of it; the next exec(text) lets it forget that.
    exec("pass")


def _hear(number: int, frame: FrameType | None) -> None:
    global _heard, _heard_at_s
    now = time.monotonic()
    if now - _heard_at_s < IMPATIENCE_S:
        return
    _heard, _heard_at_s = number, now
    raise KeyboardInterrupt


class StopWish:
    """Signals as a wish that work hears where it can stop well; a second one ends it at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Say whether the work shall stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM, as shells count; 0 where none came."""
        return 0 if self.signal is None else 128 + self.signal

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over while the block lasts; those that are ignored (nohup) stay ignored."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, self._hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _dropped(dropped: sys.UnraisableHookArgs) -> None:
    """Raise an interrupt again that a finalizer met; tell of other errors as usual."""
    global _heard_at_s
    if isinstance(dropped.exc_value, OSError) and "race condition" in str(dropped.exc_value):
        return  # a signal that came while its handler was taken away
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    _heard_at_s = -IMPATIENCE_S
    again = threading.Timer(0.02, _signal_main_thread)
    again.daemon = True
    again.start()


def _signal_main_thread() -> None:
    thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and thread is not None:
        signal.pthread_kill(thread, _heard or signal.SIGINT)  # also wakes it where it waits
    else:
        _thread.interrupt_main()


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    leave()


def leave() -> NoReturn:
    """End the process at once, after an interrupt that came when the command itself had ended."""
    tidy_up()
    os.write(2, f"error: {SENTENCE}\n".encode())
    os._exit(exit_code())


def end_now() -> NoReturn:
    """End the process as one that did what it was asked for, without waiting for threads that still compute.

    They cannot be told to stop, and where Python takes itself down around one that is within torch, the process aborts.
    """
    tidy_up()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)

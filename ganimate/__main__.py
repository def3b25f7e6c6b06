"""The console script and `python -m ganimate`: can be stopped also while libraries load, without a traceback."""

from __future__ import annotations

import os
import signal
from types import FrameType

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def main() -> None:
    """Run the command line of this process; never returns."""
    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    from ganimate.cli import main as run

    run()


def _leave(number: int, frame: FrameType | None) -> None:
    """End at once: as long as the command line itself is being loaded, nothing has been begun."""
    os.write(2, b"error: stopped before anything was done\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()

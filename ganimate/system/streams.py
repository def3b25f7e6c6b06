"""Standard streams that take whatever is printed: also where one is closed, or its encoding lacks letters."""

from __future__ import annotations

import io
import os
import sys


def settle_standard_streams() -> None:
    """Open what the shell closed (``>&-``) to nowhere, and have letters that an encoding lacks replaced.

    A closed one would otherwise be taken by the next file that is opened, into which the libraries' warnings then go.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            # a path whose bytes are no text is printed as these very bytes
            stream.reconfigure(errors="surrogateescape" if stream.encoding.lower() == "utf-8" else "replace")


def _nowhere(number: int) -> io.TextIOBase:
    """Return a stream that gives and keeps nothing, at the file descriptor `number` where nobody else has it."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number and _is_free(number):
        os.dup2(nowhere, number)
        os.close(nowhere)
        nowhere = number
    os.set_inheritable(nowhere, True)  # ffmpeg is to find it open, too
    return open(nowhere, "w" if number else "r", encoding="utf-8", closefd=False)


def _is_free(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False

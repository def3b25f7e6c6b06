"""`python -m ganimate`: the same as the console script."""

from __future__ import annotations

from ganimate.cli import main

if __name__ == "__main__":
    main()

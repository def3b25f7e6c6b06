"""ganimate: facial animation from a single photo, steered by anatomy (FACS action units)."""

from __future__ import annotations

__version__ = "0.1.0"

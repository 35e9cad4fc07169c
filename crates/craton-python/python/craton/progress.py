"""What is seen of work that goes on: a line in a terminal, a bar in a notebook, nothing elsewhere.

The engine calls `Progress.show` a few times a second once work has taken a second, and `Progress.close` at its end.
"""

from __future__ import annotations

import sys
from typing import Any

from craton.html import size_of

__all__ = ["Progress"]


class Progress:
    """The progress of one piece of work."""

    def __init__(self) -> None:
        self._display: Any = _notebook_display()
        self._is_terminal = self._display is None and sys.stderr is not None and sys.stderr.isatty()
        self._handle: Any = None

    def show(self, done: int, total: int, read: int, written: int, peak: int, seconds: float) -> None:
        """Draw how far the work is: tasks done and known of, bytes, memory, and seconds since it began."""
        line = describe(done, total, read, written, peak, seconds)
        if self._display is not None:
            self._draw(f'<progress value="{done}" max="{max(total, 1)}"></progress> {line}')
        elif self._is_terminal:
            # Erases the line, so that a shorter text leaves nothing of a longer one.
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.flush()

    def close(self) -> None:
        """Remove what was drawn."""
        if self._display is not None:
            self._draw("")
        elif self._is_terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def _draw(self, html: str) -> None:
        bundle = {"text/html": html, "text/plain": ""}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def _notebook_display() -> Any:
    """Give IPython's `display` inside a notebook's kernel; IPython is never imported on its own account."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def describe(done: int, total: int, read: int, written: int, peak: int, seconds: float) -> str:
    """Give such as ``40 %, 1.2 GB read, 96.1 MB in memory at most, 00:41 left``."""
    parts = [f"{100 * done // max(total, 1)} %", f"{size_of(read)} read"]
    if written:
        parts.append(f"{size_of(written)} written")
    parts.append(f"{size_of(peak)} in memory at most")
    if 0 < done <= total:
        minutes, rest = divmod(round(seconds * (total - done) / done), 60)
        parts.append(f"{minutes:02}:{rest:02} left")
    return ", ".join(parts)

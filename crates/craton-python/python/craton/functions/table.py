"""The table that `numpy.…(array)` is looked up in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from craton.axes import unsupported

__all__ = ["FUNCTIONS", "MOST_PIECES", "check_pieces", "numpys"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}

# A split or merged axis, a window and a listed value are each as many pieces of the plan.
MOST_PIECES = 2000


def numpys(*names: str) -> Callable[[Callable], Callable]:
    """Enter a function under NumPy's names."""

    def enter(function: Callable) -> Callable:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return enter


def check_pieces(count: int, what: str) -> None:
    """Check that a plan does not grow beyond reason."""
    if count > MOST_PIECES:
        raise unsupported(f"{what} into {count} pieces (at most {MOST_PIECES})")

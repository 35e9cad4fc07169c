"""A lazy array as a notebook shows it: what it is, and what computing it would read and hold."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from craton import _native

if TYPE_CHECKING:
    from craton.array import Array

__all__ = ["show"]


def show(array: Array) -> str:
    """Give the HTML of a small table; only metadata are read."""
    rows = [
        ("Shape", " × ".join(map(str, array.shape)) or "scalar"),
        ("Type", str(array.dtype)),
        ("Size", size_of(array.nbytes)),
        *_costs(array),
    ]
    if array._label is not None:
        rows.insert(1, ("Chunk label", " × ".join(map(str, array._label))))
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="craton-array"><caption>craton.Array, not computed</caption><tbody>{lines}</tbody></table>'


def _costs(array: Array) -> list[tuple[str, str]]:
    try:
        operations, chunks, decoded, held = _native.cost(array._node)
    except Exception as error:  # A repr says what is wrong instead of failing; computing raises it.
        return [("Plan", f"cannot be carried out: {error}")]
    return [
        ("Plan", f"{operations} operation{'s' * (operations != 1)}"),
        ("Reads", f"{chunks} chunk{'s' * (chunks != 1)}, at most {size_of(decoded)} decoded"),
        ("Memory", f"about {size_of(held)} while it is computed"),
    ]


def size_of(count: int) -> str:
    """Give bytes in words, such as ``1.9 GB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size /= 1000
    else:
        unit = "PB"
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"

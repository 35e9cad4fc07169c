"""Values in order along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from craton.array import Array
from craton.axes import unsupported
from craton.functions.table import FUNCTIONS


def _ordered(name: str) -> Callable[..., Array]:
    def order(a: Any, axis: int | None = -1, kind: None = None, order: None = None, *, stable: Any = None) -> Array:
        # Equal values always stay in their order, whatever kind of sorting is asked for.
        array = Array.of(a)
        if order is not None or array.dtype.kind not in "biufmM":
            raise unsupported(f"`numpy.{name}` of {array.dtype}")
        if axis is None:
            array, axis = array.reshape(-1), 0
        return Array(array._node.order(name, axis % max(array.ndim, 1)))

    return order


for _name in ("sort", "argsort"):
    FUNCTIONS[_name] = _ordered(_name)

"""Whether it is the user who asks for values."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from craton.array import Array

__all__ = ["check_asked"]

# xarray's functions by which a user asks for values, and those through which they reach the array.
_ASKS_FOR_VALUES = {"compute", "load", "persist", "values", "to_numpy", "as_numpy", "item", "to_dict", "to_index"}
_ASKS_FOR_VALUES |= {"to_pandas", "to_series", "to_dataframe", "load_async", "compute_async"}
_ASKS_FOR_VALUES |= {"__bool__", "__int__", "__float__", "__complex__", "__index__"}
_ASKS_FOR_VALUES |= {"_as_array_or_item", "_to_dataframe", "_persist_inplace", "to_duck_array", "async_to_duck_array"}


def check_asked(arrays: list[Array]) -> None:
    """Check that it is the user who asks for values, not a function on the way.

    Raises
    ------
    TypeError
        Naming the function that would load arrays without being asked to.
    """
    frame, between, names, outer = sys._getframe(2), [], [], "the program"
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("xarray."):
            outer = module
            break
        # Comprehensions are functions of their own in old Pythons.
        if not frame.f_code.co_name.startswith("<"):
            between.append(frame.f_code.co_name)
            names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    others = [
        full for name, full in zip(between, names, strict=True) if name not in _ASKS_FOR_VALUES and name != "__array__"
    ]
    if between and not others and "__array__" not in between:
        return
    name = f"xarray's `{others[-1]}`" if others else f"`numpy.asarray` in {outer}"
    size = sum(array.nbytes for array in arrays)
    if "unique_variable" in between:
        message = f"{name} would load a coordinate of {size:,} bytes to compare it with another of the same name"
        raise TypeError(f"{message}; `.load()` it before, or leave it out with `.drop_vars(…)`")
    message = f"{name} would load a craton.Array of {size:,} bytes without being asked to"
    raise TypeError(f"{message}; `.compute()` computes it first")

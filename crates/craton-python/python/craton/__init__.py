"""Labelled geoscience arrays, read where they lie and computed in bounded memory.

Importing this package is cheap: numpy, xarray and dask are imported by the functions that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from craton._native import __version__

if TYPE_CHECKING:
    from craton.api import eval as eval
    from craton.api import explain as explain

# Public name -> the module that defines it. One line per name; the module is imported on first use.
_LAZY: dict[str, str] = {
    "eval": "craton.api",
    "explain": "craton.api",
}

__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})

"""Labelled geoscience arrays, read where they lie and computed in bounded memory.

Importing this package is cheap: numpy, xarray and dask are imported by the functions that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from craton._native import __version__

if TYPE_CHECKING:
    from craton.activation import activate as activate
    from craton.activation import active as active
    from craton.activation import deactivate as deactivate
    from craton.api import eval as eval
    from craton.api import explain as explain
    from craton.array import Array as Array
    from craton.codecs import register_codec as register_codec
    from craton.opening import open as open
    from craton.opening import open_dataset as open_dataset
    from craton.opening import open_datatree as open_datatree
    from craton.sessions import Session as Session
    from craton.sessions import session as session
    from craton.versions import branch as branch
    from craton.versions import diff as diff
    from craton.versions import gc as gc
    from craton.versions import log as log
    from craton.versions import move as move
    from craton.versions import replay as replay
    from craton.versions import reset as reset
    from craton.versions import tag as tag
    from craton.versions import to_icechunk as to_icechunk
    from craton.versions import verify as verify

# Public name -> the module that defines it. One line per name; the module is imported on first use.
_LAZY: dict[str, str] = {
    "Array": "craton.array",
    "Session": "craton.sessions",
    "activate": "craton.activation",
    "active": "craton.activation",
    "branch": "craton.versions",
    "deactivate": "craton.activation",
    "diff": "craton.versions",
    "eval": "craton.api",
    "explain": "craton.api",
    "gc": "craton.versions",
    "log": "craton.versions",
    "move": "craton.versions",
    "open": "craton.opening",
    "open_dataset": "craton.opening",
    "open_datatree": "craton.opening",
    "register_codec": "craton.codecs",
    "replay": "craton.versions",
    "reset": "craton.versions",
    "session": "craton.sessions",
    "tag": "craton.versions",
    "to_icechunk": "craton.versions",
    "verify": "craton.versions",
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

"""For users of zarr-python: its chunks read and written by the engine.

One line makes every array that zarr, xarray and dask read and write faster, and one takes it back::

    zarr.config.set({"codec_pipeline.path": "craton.zarr.CodecPipeline"})
    zarr.config.reset()

Bytes in the store are what zarr-python reads and writes with and without it. `Store` gives zarr the engine's own stores.
"""

from __future__ import annotations

from craton.zarr.pipeline import CodecPipeline
from craton.zarr.store import Store

__all__ = ["CodecPipeline", "Store"]

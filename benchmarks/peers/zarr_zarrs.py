"""zarr-python with the pipeline of the package zarrs."""

import importlib.metadata

import zarr
import zarrs  # noqa: F401

from peers.zarr_python import prepare_write, read, write  # noqa: F401

FORMATS = {"zarr-v3-zstd", "zarr-v3-small-inner", "zarr-v2-blosc", "zarr-v3-plain"}
WORKLOADS = {"read", "write"}
VERSION = importlib.metadata.version("zarrs")

zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})

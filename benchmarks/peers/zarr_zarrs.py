"""zarr-python with the pipeline of the package zarrs."""

import importlib.metadata

import zarr
import zarrs  # noqa: F401

from peers.zarr_python import prepare_write, read, write  # noqa: F401

from workloads import STORED

FORMATS = set(STORED)
WORKLOADS = {"read", "write"}
VERSION = importlib.metadata.version("zarrs")

zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})

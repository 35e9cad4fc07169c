"""zarr-python with Craton's pipeline. Absent unless the package is installed for the peers' Python."""

import craton
import zarr

from peers.zarr_python import prepare_write, read, write  # noqa: F401
from workloads import STORED

FORMATS = set(STORED)
WORKLOADS = {"read", "write"}
VERSION = craton.__version__

zarr.config.set({"codec_pipeline.path": "craton.zarr.CodecPipeline"})

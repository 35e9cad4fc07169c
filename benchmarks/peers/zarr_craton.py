"""zarr-python with Craton's pipeline. Absent unless the package is installed for the peers' Python."""

import craton
import zarr

from peers.zarr_python import prepare_write, read, write  # noqa: F401

FORMATS = {"zarr-v3-zstd", "zarr-v3-small-inner", "zarr-v2-blosc", "zarr-v3-plain"}
WORKLOADS = {"read", "write"}
VERSION = craton.__version__

zarr.config.set({"codec_pipeline.path": "craton.zarr.CodecPipeline"})

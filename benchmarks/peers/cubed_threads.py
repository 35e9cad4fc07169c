"""cubed, which promises a memory for each task and puts values aside in Zarr between two steps."""

import tempfile

import cubed
import zarr

FORMATS = {"zarr-v3-zstd", "zarr-v3-sharded", "zarr-v2-blosc"}
WORKLOADS = {"rechunk"}
VERSION = cubed.__version__


def rechunk(store, out):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        # Two tasks at a time within 512 MiB.
        spec = cubed.Spec(folder, allowed_mem=2**28, reserved_mem=2**26, executor_name="threads")
        t2m = cubed.from_zarr(f"{store}/t2m", spec=spec)
        series = t2m.rechunk((t2m.shape[0], 19, 40))
        zarr.create_group(out)
        cubed.to_zarr(series, zarr.storage.LocalStore(f"{out}/t2m"))

"""xarray over dask's distributed scheduler as `Client()` starts it, which rechunks from worker to worker: on two cores two processes."""

import dask
import distributed

from peers import xarray_dask

FORMATS = xarray_dask.FORMATS
WORKLOADS = {"rechunk"}
VERSION = f"{distributed.__version__}"


def rechunk(store, out, **cluster):
    cluster = distributed.LocalCluster(dashboard_address=None, **cluster)
    with cluster, distributed.Client(cluster), dask.config.set({"array.rechunk.method": "p2p"}):
        xarray_dask.rechunk(store, out)

"""xarray over dask's distributed scheduler, which rechunks from worker to worker: here two threads of one process."""

import dask
import distributed

from peers import xarray_dask

FORMATS = xarray_dask.FORMATS
WORKLOADS = {"rechunk"}
VERSION = f"{distributed.__version__}"


def rechunk(store, out):
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster), dask.config.set({"array.rechunk.method": "p2p"}):
        xarray_dask.rechunk(store, out)

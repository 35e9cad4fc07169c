"""xarray over dask threads on the chunks that `xarray.open_zarr(store)` gives: of a shard, its inner chunks."""

from peers import xarray_dask

xarray_dask.ZARR_CHUNKS = {}

# Elsewhere the stored chunks are those of `xarray_dask`.
FORMATS = {"zarr-v3-sharded"}
WORKLOADS = xarray_dask.WORKLOADS - {"info", "open", "point"}
VERSION = xarray_dask.VERSION

mean = xarray_dask.mean
area = xarray_dask.area
anomaly_std = xarray_dask.anomaly_std
anomaly_write = xarray_dask.anomaly_write

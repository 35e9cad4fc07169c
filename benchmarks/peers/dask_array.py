"""xarray over dask-array, the package of that name on PyPI, in place of dask's own arrays."""

import importlib.metadata

from dask_array.xarray import register

register()

from peers import xarray_dask  # noqa: E402 - registered before any chunked array is made

FORMATS = xarray_dask.FORMATS
WORKLOADS = xarray_dask.WORKLOADS & {"mean", "area", "anomaly-std", "anomaly-write", "point", "open", "start"}
VERSION = f"{importlib.metadata.version('dask-array')}, xarray {xarray_dask.xr.__version__}"

mean = xarray_dask.mean
area = xarray_dask.area
anomaly_std = xarray_dask.anomaly_std
anomaly_write = xarray_dask.anomaly_write
point = xarray_dask.point
open = xarray_dask.open  # noqa: A001 - the workload's name

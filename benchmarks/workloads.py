"""What is measured: the list to extend.

A workload names an operation, the formats it is run on, and the float64 answer it is compared with.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Workload:
    """One operation on one or more formats."""

    name: str
    title: str
    formats: tuple[str, ...]
    truth: str | None = None
    is_whole_process: bool = False
    """Whether CPU time of the process, imports included, is what counts."""


STORED = (
    "zarr-v3-zstd",
    "zarr-v3-blosc",
    "zarr-v3-plain",
    "zarr-v3-small-inner",
    "zarr-v2-zstd",
    "zarr-v2-blosc",
    "zarr-v2-plain",
)

# Groups are without consolidated metadata where nothing is said.
LISTED = ("many-variables", "many-variables-unconsolidated", "groups-200-consolidated", "groups-200")

WORKLOADS = [
    Workload("mean", "mean over time", ("zarr-v3-zstd", "zarr-v3-sharded", "zarr-v2-blosc", "netcdf", "icechunk"), "mean"),
    Workload("area", "area-weighted mean series", ("zarr-v3-zstd", "netcdf"), "area_mean"),
    Workload("anomaly-std", "standard deviation of the anomaly", ("zarr-v3-zstd", "netcdf"), "anomaly_std"),
    Workload(
        "anomaly-write", "climatology and anomaly, written", ("zarr-v3-zstd", "netcdf"), "climatology+anomaly_sample"
    ),
    Workload("rolling", "rolling mean of 30 steps, written", ("zarr-v3-zstd", "netcdf"), "rolling_sample"),
    Workload("quantile", "exact quantile over time", ("zarr-v3-zstd", "netcdf"), "quantile"),
    Workload("bilinear", "bilinear interpolation to 181 x 360, written", ("zarr-v3-zstd", "netcdf"), "bilinear_sample"),
    Workload("rechunk", "rechunk from maps to series", ("zarr-v3-zstd", "netcdf"), "point_sample"),
    Workload("read", "full read into memory", (*STORED, "icechunk"), "point_sample"),
    Workload("write", "full write from memory", STORED, "point_sample"),
    Workload("point", "series of one point", ("zarr-v3-sharded", "netcdf"), "point"),
    Workload("open", "open 1000 netCDF4 files as one", ("netcdf-1000",)),
    Workload("remote-first", "first value of a store in S3 at 50 ms", ("zarr-v3-zstd-s3",), "first"),
    Workload("remote-info", "list 1000 variables, or 200 groups, in S3 at 20 ms", tuple(f"{form}-s3" for form in LISTED)),
    Workload("plot", "map of 10 million cells", ("large-map",), is_whole_process=True),
    Workload("start", "start-up: version, or import", ("none",), is_whole_process=True),
    Workload("info", "list 1000 variables, or 200 groups", LISTED, is_whole_process=True),
    Workload("commit", "commit of many chunks to an Icechunk repository", ("million-chunks", "native-chunks")),
]

# Seconds by which a served store answers late.
LATENCY = {"remote-first": 0.05, "remote-info": 0.02}

# Which peers are asked, in the order of the tables. Python peers run in the harness, the others are commands.
PYTHON_PEERS = [
    "xarray_dask",
    "xarray_as_opened",
    "dask_array",
    "dask_p2p",
    "dask_p2p_threads",
    "cubed_threads",
    "zarr_python",
    "zarr_zarrs",
    "zarr_craton",
    "zarr_icechunk",
    "xarray_craton",
    "tensorstore_numpy",
]
COMMAND_PEERS = ["zarrs_crate", "icechunk_crate", "cdo", "nco"]

# Rows of Craton under a budget: the peers have no such option.
MEMORY_ROWS = {
    "mean": ("128MiB", "256MiB"),
    "anomaly-std": ("128MiB", "256MiB"),
    "anomaly-write": ("128MiB", "256MiB"),
    "rolling": ("512MiB",),
    "quantile": ("1GiB",),
    "rechunk": ("512MiB",),
}

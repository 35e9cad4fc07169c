"""xarray over dask threads with flox: the expressions that people write, on chunks that suit the files."""

import glob
import os
import pathlib

import dask
import dask.array
import flox
import numpy as np
import xarray as xr
import zarr

FORMATS = {
    "zarr-v3-zstd",
    "zarr-v3-sharded",
    "zarr-v2-blosc",
    "netcdf",
    "netcdf-1000",
    "many-variables",
    "groups-200",
}
WORKLOADS = {
    "mean",
    "area",
    "anomaly-std",
    "anomaly-write",
    "rolling",
    "quantile",
    "bilinear",
    "rechunk",
    "point",
    "open",
    "info",
    "remote-first",
    "remote-info",
}
VERSION = f"{xr.__version__}, dask {dask.__version__}, flox {flox.__version__}"

CHUNK_MANAGER = "dask"
# Whole maps also where the stored chunks are smaller, because each chunk is a task.
ZARR_CHUNKS = {"time": 24, "lat": 361, "lon": 720}
MONTH = "time.month"


def _open(store, for_point=False):
    keywords = {"chunked_array_type": CHUNK_MANAGER}
    if pathlib.Path(store, "chunks.json").exists():
        # Whole files: the stored chunks of one step would make a task each. Files known to agree are not compared.
        return xr.open_mfdataset(
            f"{store}/*.nc",
            engine="h5netcdf",
            chunks={"time": 31},
            combine="nested",
            concat_dim="time",
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="override",
            **keywords,
        )
    if for_point:
        # Without chunks: the selection is one zarr read, where dask would make a task of every inner chunk.
        return xr.open_zarr(store, chunks=None)
    return xr.open_zarr(store, chunks=ZARR_CHUNKS, **keywords)


def mean(store, out):
    return _open(store).t2m.mean("time").values


def area(store, out):
    ds = _open(store)
    return ds.t2m.weighted(np.cos(np.deg2rad(ds.lat))).mean(("lat", "lon")).values


def anomaly_std(store, out):
    t2m = _open(store).t2m
    # In memory, as memory-minded users do: else dask keeps every chunk until the climatology is known.
    climatology = t2m.groupby(MONTH).mean().compute()
    return (t2m.groupby(MONTH) - climatology).std("time").values


def anomaly_write(store, out):
    t2m = _open(store).t2m
    climatology = t2m.groupby(MONTH).mean().compute()
    anomaly = (t2m.groupby(MONTH) - climatology).drop_vars("month").chunk({"time": 24})
    climatology.attrs, anomaly.attrs, anomaly.encoding, climatology.encoding = {}, {}, {}, {}
    codec = {"compressors": [zarr.codecs.ZstdCodec(level=3)]}
    xr.Dataset({"climatology": climatology, "anomaly": anomaly}).to_zarr(
        out,
        mode="w",
        zarr_format=3,
        consolidated=False,
        encoding={"climatology": {**codec, "chunks": (1, 361, 720)}, "anomaly": {**codec, "chunks": (24, 361, 720)}},
    )


def _write(array, out, chunks):
    array.attrs, array.encoding = {}, {}
    encoding = {array.name: {"compressors": [zarr.codecs.ZstdCodec(level=3)], "chunks": chunks}}
    array.to_dataset().to_zarr(out, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


def rolling(store, out):
    # Even chunks by hand: those that `rolling` leaves behind cannot be written.
    _write(_open(store).t2m.rolling(time=30).mean().chunk(ZARR_CHUNKS), out, (24, 361, 720))


def quantile(store, out):
    # A quantile wants whole series, and bands of latitude keep what is sorted at once small.
    return _open(store).t2m.chunk({"time": -1, "lat": 19}).quantile(0.9, "time").values


def bilinear(store, out):
    target = {"lat": np.linspace(89.75, -89.75, 181), "lon": np.arange(360.0)}
    _write(_open(store).t2m.interp(target).astype("f4").chunk({"time": 24}), out, (24, 181, 360))


def rechunk(store, out):
    chunks = {"time": -1, "lat": 19, "lon": 40}
    t2m = _open(store).t2m.chunk(chunks)
    _write(t2m, out, (t2m.sizes["time"], 19, 40))


def point(store, out):
    return _open(store, for_point=True).t2m.isel(lat=100, lon=200).values


def open(store, out):  # noqa: A001 - the workload's name
    ds = xr.open_mfdataset(
        sorted(glob.glob(f"{store}/*.nc")),
        engine="h5netcdf",
        chunks={},
        combine="nested",
        concat_dim="time",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        chunked_array_type=CHUNK_MANAGER,
    )
    print(ds)


def info(store, out, **options):
    if "groups-200" in store:
        consolidated = None if store.endswith("-consolidated") else False
        print(xr.open_datatree(store, engine="zarr", chunks=None, consolidated=consolidated, **options))
    else:
        consolidated = False if store.endswith("-unconsolidated") else None
        print(xr.open_zarr(store, chunks=None, consolidated=consolidated, **options))


def _remote() -> dict:
    return {"anon": True, "endpoint_url": os.environ["CRATON_BENCH_ENDPOINT"]}


def remote_first(store, out):
    return xr.open_zarr(store, chunks=None, storage_options=_remote()).t2m.isel(time=0, lat=100, lon=200).values


def remote_info(store, out):
    info(store, out, storage_options=_remote())

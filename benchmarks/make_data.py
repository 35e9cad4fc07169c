"""Write the benchmark's input: the same daily fields in each format, under `$CRATON_BENCH_DATA`.

Takes a number of steps; gives one folder `<steps>-steps` with a store per format and the float64 answers.
Never holds more than one shard of one variable per process. What is present and complete is left alone.

    python make_data.py                  5 years, 1826 steps, 3.8 GB decoded, about 6 GB on disk in all formats
    python make_data.py --steps 366      one year
    python make_data.py --formats zarr-v3-zstd,zarr-v3-sharded
"""

import argparse
import calendar
import concurrent.futures
import datetime
import json
import os
import pathlib
import shutil

import era5_like
import numpy as np

ORIGIN = datetime.date(2001, 1, 1)
TIME = {"units": "days since 2001-01-01", "calendar": "proleptic_gregorian", "standard_name": "time", "axis": "T"}
LAT = {"units": "degrees_north", "standard_name": "latitude", "axis": "Y"}
LON = {"units": "degrees_east", "standard_name": "longitude", "axis": "X"}
ZARR_FORMATS = {
    "zarr-v3-zstd": {"zarr_format": 3, "chunks": (24, 361, 720)},
    # 364 rather than 361: a shard is a whole number of inner chunks, so the last ones hang over the edge.
    "zarr-v3-sharded": {"zarr_format": 3, "chunks": (24, 91, 180), "shards": (96, 364, 720)},
    "zarr-v2-blosc": {"zarr_format": 2, "chunks": (24, 361, 720)},
    # Inner chunks of 32 KiB in shards of 64 MiB.
    "zarr-v3-small-inner": {"zarr_format": 3, "chunks": (1, 91, 90), "shards": (64, 364, 720)},
    "zarr-v3-plain": {"zarr_format": 3, "chunks": (24, 361, 720), "compressors": None},
    "zarr-v3-blosc": {"zarr_format": 3, "chunks": (24, 361, 720), "compressors": "blosc"},
    "zarr-v2-zstd": {"zarr_format": 2, "chunks": (24, 361, 720), "compressors": "zstd"},
    "zarr-v2-plain": {"zarr_format": 2, "chunks": (24, 361, 720), "compressors": None},
}


def data_root() -> pathlib.Path:
    """The folder that holds all sizes."""
    return pathlib.Path(os.environ.get("CRATON_BENCH_DATA", pathlib.Path(__file__).parent / "data"))


def months(steps: int) -> list[tuple[str, int, int]]:
    """Each month's name and range of steps."""
    found, start = [], 0
    while start < steps:
        day = ORIGIN + datetime.timedelta(days=start)
        length = calendar.monthrange(day.year, day.month)[1]
        found.append((f"{day:%Y%m}", start, min(start + length, steps)))
        start += length
    return found


def compressors(zarr_format: int, name: str | None):
    """Zstandard level 3, or Blosc with LZ4 level 5 and byte shuffle."""
    import numcodecs
    import zarr

    if name is None:
        return None
    if zarr_format == 3:
        return [zarr.codecs.ZstdCodec(level=3) if name == "zstd" else zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")]
    return [numcodecs.Zstd(3) if name == "zstd" else numcodecs.Blosc("lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)]


def add_array(group, name: str, shape, dims, dtype, attributes, **keywords):
    """One array whose dimension names stand where its Zarr version keeps them."""
    if group.metadata.zarr_format == 2:
        attributes = {"_ARRAY_DIMENSIONS": list(dims), **attributes}
    else:
        keywords["dimension_names"] = dims
    array = group.create_array(name, shape=shape, dtype=dtype, **keywords)
    array.attrs.update(attributes)
    return array


def add_coordinates(group, steps: int) -> None:
    for name, values, attributes in (
        ("time", np.arange(steps, dtype="i8"), TIME),
        ("lat", era5_like.LAT, LAT),
        ("lon", era5_like.LON, LON),
    ):
        # A fill value that no coordinate has: readers of version 2 take it for missing.
        fill_value = -(2**62) if name == "time" else float("nan")
        array = add_array(
            group, name, values.shape, (name,), values.dtype, attributes, chunks=values.shape, fill_value=fill_value
        )
        array[:] = values


def write_zarr_slab(path: str, variable: str, start: int, stop: int) -> None:
    import zarr

    zarr.open_array(f"{path}/{variable}", mode="r+")[start:stop] = era5_like.fields(variable, start, stop)


def make_zarr(path: pathlib.Path, kind: str, steps: int, variables: list[str], pool) -> None:
    import zarr

    form = dict(ZARR_FORMATS[kind])
    zarr_format = form.pop("zarr_format")
    codecs = compressors(zarr_format, form.pop("compressors", "zstd" if zarr_format == 3 else "blosc"))
    group = zarr.create_group(path, zarr_format=zarr_format, attributes={"Conventions": "CF-1.11"})
    add_coordinates(group, steps)
    for variable in variables:
        add_array(
            group,
            variable,
            (steps, 361, 720),
            ("time", "lat", "lon"),
            "f4",
            era5_like.VARIABLES[variable],
            fill_value=float("nan"),
            compressors=codecs,
            **form,
        )
    slab = form.get("shards", form["chunks"])[0]
    tasks = [
        pool.submit(write_zarr_slab, str(path), variable, start, min(start + slab, steps))
        for variable in variables
        for start in range(0, steps, slab)
    ]
    for task in tasks:
        task.result()
    zarr.consolidate_metadata(path, zarr_format=zarr_format)


def write_netcdf_month(path: str, start: int, stop: int, variables: list[str], complevel: int) -> dict:
    """One file, then where its chunks lie: `{variable: [[offset, size], ...]}` in time order."""
    import h5py
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        file.Conventions = "CF-1.11"
        for name, size in (("time", None), ("lat", 361), ("lon", 720)):
            file.createDimension(name, size)
        for name, values, attributes in (
            ("time", np.arange(start, stop, dtype="f8"), TIME),
            ("lat", era5_like.LAT, LAT),
            ("lon", era5_like.LON, LON),
        ):
            coordinate = file.createVariable(name, "f8", (name,))
            coordinate.setncatts(attributes)
            coordinate[:] = values
        for name in variables:
            variable = file.createVariable(
                name,
                "f4",
                ("time", "lat", "lon"),
                compression="zlib",
                complevel=complevel,
                shuffle=True,
                chunksizes=(1, 361, 720),
                fill_value=np.float32("nan"),
            )
            variable.setncatts(era5_like.VARIABLES[name])
            for step in range(start, stop):
                variable[step - start] = era5_like.field(name, step)
    chunks = {}
    with h5py.File(path, "r") as file:
        for name in variables:
            rows = []
            file[name].id.chunk_iter(lambda chunk: rows.append((chunk.chunk_offset[0], chunk.byte_offset, chunk.size)))
            chunks[name] = [[offset, size] for _, offset, size in sorted(rows)]
    return chunks


def make_netcdf(path: pathlib.Path, steps: int, variables: list[str], pool, complevel: int) -> None:
    path.mkdir()
    tasks = {}
    for month, start, stop in months(steps):
        name = f"era5_{month}.nc"
        tasks[name] = pool.submit(write_netcdf_month, str(path / name), start, stop, variables, complevel)
    files = [{"path": name, "chunks": task.result()} for name, task in tasks.items()]
    index = {"chunk_shape": [1, 361, 720], "dtype": "<f4", "codecs": ["shuffle", "zlib"], "files": files}
    (path / "chunks.json").write_text(json.dumps(index))


def write_small_netcdf(path: str, first: int, stop: int) -> None:
    """Files `first..stop` of the thousand: one day each on every tenth point, so that opening is all there is."""
    import netCDF4

    for number in range(first, stop):
        with netCDF4.Dataset(f"{path}/day_{number:04}.nc", "w") as file:
            file.Conventions = "CF-1.11"
            for name, size in (("time", None), ("lat", 37), ("lon", 72)):
                file.createDimension(name, size)
            for name, values, attributes in (
                ("time", np.array([number], "f8"), TIME),
                ("lat", era5_like.LAT[::10], LAT),
                ("lon", era5_like.LON[::10], LON),
            ):
                coordinate = file.createVariable(name, "f8", (name,))
                coordinate.setncatts(attributes)
                coordinate[:] = values
            for name in ("t2m", "tp"):
                variable = file.createVariable(name, "f4", ("time", "lat", "lon"), compression="zlib", complevel=1)
                variable.setncatts(era5_like.VARIABLES[name])
                variable[0] = era5_like.field(name, number)[::10, ::10]


def make_small_netcdf(path: pathlib.Path, pool) -> None:
    path.mkdir()
    tasks = [pool.submit(write_small_netcdf, str(path), first, first + 100) for first in range(0, 1000, 100)]
    for task in tasks:
        task.result()


def make_many_variables(path: pathlib.Path, is_consolidated: bool) -> None:
    """A thousand variables on a small grid, for the time that metadata alone takes."""
    import zarr

    group = zarr.create_group(path, zarr_format=3, attributes={"Conventions": "CF-1.11"})
    add_coordinates(group, 10)
    for number in range(1000):
        attributes = {"units": "K", "long_name": f"variable number {number}"}
        add_array(
            group,
            f"v{number:04}",
            (10, 361, 720),
            ("time", "lat", "lon"),
            "f4",
            attributes,
            chunks=(1, 361, 720),
            fill_value=float("nan"),
        )
    if is_consolidated:
        zarr.consolidate_metadata(path, zarr_format=3)


def make_groups(path: pathlib.Path, is_consolidated: bool) -> None:
    """Two hundred groups of one small variable each."""
    import zarr

    root = zarr.create_group(path, zarr_format=3, attributes={"Conventions": "CF-1.11"})
    for number in range(200):
        group = root.create_group(f"g{number:03}")
        add_array(group, "v", (10, 20), ("lat", "lon"), "f4", {"units": "K"}, chunks=(10, 20), fill_value=float("nan"))
    if is_consolidated:
        zarr.consolidate_metadata(path, zarr_format=3)


def make_chunks(path: pathlib.Path, shape: tuple[int, int], chunk: int) -> None:
    """Distinct values in one plain chunk, to be written in chunks of so many: the attribute says how many."""
    import zarr

    group = zarr.create_group(path, zarr_format=3)
    about = {"chunks": shape, "compressors": None, "fill_value": float("nan")}
    add_array(group, "v", shape, ("y", "x"), "f4", {"chunk": chunk}, **about)
    group["v"][...] = np.arange(shape[0] * shape[1], dtype="f4").reshape(shape)


def make_icechunk(path: pathlib.Path, source: pathlib.Path) -> None:
    """The store under Zstandard once more, chunk by chunk as it is, in a repository."""
    import icechunk
    import zarr

    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(path)))
    session = repository.writable_session("main")
    target = zarr.create_group(session.store, attributes={"Conventions": "CF-1.11"})
    for name in ("time", "lat", "lon", "t2m"):
        like = zarr.open_array(source / name, mode="r")
        array = target.create_array(
            name,
            shape=like.shape,
            dtype=like.dtype,
            chunks=like.chunks,
            compressors=like.compressors or None,
            fill_value=like.fill_value,
            dimension_names=like.metadata.dimension_names,
            attributes=dict(like.attrs),
        )
        for start in range(0, like.shape[0], like.chunks[0]):
            array[start : start + like.chunks[0]] = like[start : start + like.chunks[0]]
    session.commit("all of it")


def make_large_map(path: pathlib.Path) -> None:
    """One field of 2236 x 4472, ten million cells: the first field, repeated."""
    import netCDF4

    path.mkdir()
    with netCDF4.Dataset(path / "map.nc", "w") as file:
        file.Conventions = "CF-1.11"
        for name, values, attributes in (
            ("lat", np.linspace(90, -90, 2236), LAT),
            ("lon", np.arange(4472) * 360 / 4472, LON),
        ):
            file.createDimension(name, len(values))
            coordinate = file.createVariable(name, "f8", (name,))
            coordinate.setncatts(attributes)
            coordinate[:] = values
        variable = file.createVariable("t2m", "f4", ("lat", "lon"), compression="zlib", complevel=4)
        variable.setncatts(era5_like.VARIABLES["t2m"])
        rows = np.linspace(0, 360, 2236).astype(int)
        variable[:] = era5_like.field("t2m", 0)[rows][:, np.arange(4472) * 720 // 4472]


def truth_of_rows(folder: str, steps: int, lat_start: int, lat_stop: int) -> dict:
    """Float64 answers of a band of latitudes, from the fields themselves: no reader and no codec is trusted."""
    # Reads the cube written beside it, because making the fields once per band would cost more.
    cube = np.load(f"{folder}/t2m.npy", mmap_mode="r")[:, lat_start:lat_stop]
    values = np.asarray(cube, np.float64)
    quantile = np.quantile(values, 0.9, axis=0)
    sampled = list(range(0, steps, max(1, steps // 8)))
    before = np.full(values.shape[1:], np.nan)
    rolling = np.stack([values[step - 29 : step + 1].mean(axis=0) if step >= 29 else before for step in sampled])
    month = np.array([(ORIGIN + datetime.timedelta(days=step)).month for step in range(steps)])
    mean = values.mean(axis=0)
    area_rows = values.sum(axis=2)
    present = np.unique(month)
    climatology = np.stack([values[month == number].mean(axis=0) for number in present])
    for position, number in enumerate(present):
        values[month == number] -= climatology[position]
    return {
        "mean": mean,
        "area_rows": area_rows,
        "quantile": quantile,
        "rolling_sample": rolling,
        "climatology": climatology,
        "anomaly_std": values.std(axis=0),
        # Sampled: the whole anomaly in float64 would be as large as the input twice over.
        "anomaly_sample": values[:: max(1, steps // 8)],
    }


def bilinear(fields: np.ndarray) -> np.ndarray:
    """Fields on the 181 x 360 grid of the interpolation; every target lies between two rows and on a column."""
    lat, lon = np.linspace(89.75, -89.75, 181), np.arange(360.0)
    row, column = (90.0 - lat) * 2, lon * 2
    above = np.minimum(row.astype(int), 359)
    left = np.minimum(column.astype(int), 718)
    down, right = (row - above)[:, None], (column - left)[None, :]
    upper, lower = fields[:, above], fields[:, above + 1]
    rows = [band[:, :, left] * (1 - right) + band[:, :, left + 1] * right for band in (upper, lower)]
    return rows[0] * (1 - down) + rows[1] * down


def write_cube_slab(path: str, start: int, stop: int) -> None:
    np.load(path, mmap_mode="r+")[start:stop] = era5_like.fields("t2m", start, stop)


def make_truth(path: pathlib.Path, steps: int, pool) -> None:
    path.mkdir()
    cube = path / "t2m.npy"
    np.lib.format.open_memmap(cube, "w+", np.float32, (steps, 361, 720)).flush()
    slabs = [pool.submit(write_cube_slab, str(cube), start, min(start + 96, steps)) for start in range(0, steps, 96)]
    for slab in slabs:
        slab.result()
    tasks = [pool.submit(truth_of_rows, str(path), steps, row, min(row + 16, 361)) for row in range(0, 361, 16)]
    parts = [task.result() for task in tasks]
    joined = {name: np.concatenate([part[name] for part in parts], axis=-2) for name in parts[0] if name != "area_rows"}
    rows = np.concatenate([part["area_rows"] for part in parts], axis=1)
    weights = np.cos(np.deg2rad(era5_like.LAT))
    joined["area_mean"] = rows @ weights / (720 * weights.sum())
    joined["bilinear_sample"] = bilinear(np.load(cube, mmap_mode="r")[:: max(1, steps // 8)].astype(np.float64))
    joined["point"] = np.load(cube, mmap_mode="r")[:, 100, 200].astype(np.float64)
    cube.unlink()
    joined["first"] = joined["point"][:1]
    joined["point_sample"] = joined["point"]
    for name, values in joined.items():
        np.save(path / f"{name}.npy", values)


def make(name: str, folder: pathlib.Path, arguments, pool) -> None:
    """One entry of the folder, made under another name and renamed when whole."""
    path = folder / name
    if path.exists():
        print(f"{name}: present")
        return
    partial = folder / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    variables = arguments.variables.split(",")
    if name in ZARR_FORMATS:
        make_zarr(partial, name, arguments.steps, variables, pool)
    elif name == "netcdf":
        make_netcdf(partial, arguments.steps, variables, pool, arguments.deflate)
    elif name == "netcdf-1000":
        make_small_netcdf(partial, pool)
    elif name == "truth":
        make_truth(partial, arguments.steps, pool)
    elif name.startswith("groups-200"):
        make_groups(partial, name == "groups-200-consolidated")
    elif name == "icechunk":
        make_icechunk(partial, folder / "zarr-v3-zstd")
    elif name == "million-chunks":
        make_chunks(partial, (1000, 1000), 1)
    elif name == "native-chunks":
        # Of 1 KiB, which are too large for a manifest.
        make_chunks(partial, (100_000, 256), 256)
    elif name == "large-map":
        make_large_map(partial)
    else:
        make_many_variables(partial, name == "many-variables")
    partial.rename(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(f"{name}: {size / 1e6:.0f} MB", flush=True)


FORMATS = [
    *ZARR_FORMATS,
    "icechunk",
    "netcdf",
    "netcdf-1000",
    "many-variables",
    "many-variables-unconsolidated",
    "groups-200",
    "groups-200-consolidated",
    "million-chunks",
    "native-chunks",
    "large-map",
    "truth",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1826, help="days from 2001-01-01")
    parser.add_argument("--formats", default=",".join(FORMATS), help="which to make")
    parser.add_argument("--variables", default="t2m,tp", help="of t2m, tp and sst; sst is missing on land")
    parser.add_argument("--deflate", type=int, default=4, help="deflate level of the netCDF4 files")
    arguments = parser.parse_args()
    folder = data_root() / f"{arguments.steps}-steps"
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name in arguments.formats.split(","):
            if name not in FORMATS:
                parser.error(f"unknown format `{name}`; there are: {', '.join(FORMATS)}")
            make(name, folder, arguments, pool)


if __name__ == "__main__":
    main()

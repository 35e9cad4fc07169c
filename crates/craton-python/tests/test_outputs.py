"""Files that `craton` writes, read by other programs and compared with what xarray makes of the source."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

netCDF4 = pytest.importorskip("netCDF4")

CRATON = Path(sysconfig.get_path("scripts")) / "craton"
CRATON = Path(os.environ.get("CRATON_PROGRAM", CRATON))
FORMATS = {"netcdf4": "NETCDF4", "classic": "NETCDF3_CLASSIC", "64bit-offset": "NETCDF3_64BIT_OFFSET", "cdf5": "NETCDF3_64BIT_DATA"}


def craton(*arguments, code=0):
    done = subprocess.run([CRATON, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def program(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"there is no {name}")


def same(path, expected, engine="netcdf4", **options):
    """Values, dimensions, coordinates and attributes, but for the notes that every output gets."""
    with xr.open_dataset(path, engine=engine, **options) as found:
        found = found.load()
    for note in ("history", "craton_recipe"):
        found.attrs.pop(note, None)
        expected = expected.copy()
        expected.attrs.pop(note, None)
    xr.testing.assert_identical(found, expected)


@pytest.fixture
def packed(tmp_path):
    """Packed data in six-hourly steps over the turn of a year, with all that real files have."""
    rng = np.random.default_rng(3)
    time = xr.date_range("1999-12-30", periods=50, freq="6h", unit="ns")
    values = np.round(280 + 20 * rng.standard_normal((50, 7, 9)), 2)
    values[3:5, 2, 4] = np.nan
    dataset = xr.Dataset(
        {
            "t2m": (("time", "lat", "lon"), values, {"units": "K", "long_name": "temperature", "valid": np.float32([1, 2])}),
            "mask": (("lat", "lon"), rng.integers(0, 2, (7, 9)).astype("int8"), {"flag_values": np.int8([0, 1])}),
            "name": (("station",), np.array(["a", "bß", ""], dtype=object)),
            "code": (("station",), np.array([b"xy", b"z", b""], dtype="S2")),
        },
        {
            "time": ("time", time, {"axis": "T"}),
            "lat": ("lat", np.linspace(60, -60, 7), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(9, dtype="float32") * 40, {"units": "degrees_east"}),
            "height": ((), 2.0, {"units": "m"}),
        },
        {"title": "made for a test", "size": np.int32(4), "Conventions": "CF-1.8"},
    )
    encoding = {
        "t2m": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": np.int16(-32768), "chunksizes": (20, 4, 9), "zlib": True},
        "time": {"units": "hours since 1970-01-01", "dtype": "int32", "calendar": "standard"},
    }
    path = tmp_path / "packed.nc"
    dataset.to_netcdf(path, encoding=encoding, unlimited_dims=["time"], engine="netcdf4")
    return path


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_a_file_written_as_it_is_opened_is_the_same_for_other_readers(packed, tmp_path, engine):
    out = tmp_path / "out.nc"
    craton("eval", "ds", packed, "-o", out)
    same(out, xr.open_dataset(packed).load(), engine)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_netcdf_is_written(packed, tmp_path, name):
    out = tmp_path / "out.nc"
    craton("eval", 'ds.drop_vars("name")', packed, "-o", out, "--format", name)
    with netCDF4.Dataset(out) as file:
        assert file.data_model == FORMATS[name]
        assert file.dimensions["time"].isunlimited()
    same(out, xr.open_dataset(packed).drop_vars("name").load())


def test_a_selection_of_packed_values_is_stored_as_it_was(packed, tmp_path):
    out = tmp_path / "out.nc"
    craton("eval", 'ds[["t2m"]].sel(time="2000-01", lat=slice(40, -20))', packed, "-o", out)
    with netCDF4.Dataset(packed) as source, netCDF4.Dataset(out) as file:
        for dataset in (source, file):
            dataset.set_auto_maskandscale(False)
        there, found = source["t2m"], file["t2m"]
        assert found.dtype == "int16"
        assert {name: found.getncattr(name) for name in ("scale_factor", "add_offset", "_FillValue")} == {
            name: there.getncattr(name) for name in ("scale_factor", "add_offset", "_FillValue")
        }
        first = int(np.flatnonzero(xr.open_dataset(packed).time.values >= np.datetime64("2000-01-01"))[0])
        np.testing.assert_array_equal(found[:], there[first:, 1:5])
        assert file["time"].units == "hours since 1970-01-01"
        assert file["time"].dtype == "int32"
        assert file.dimensions["time"].isunlimited()
        filters = found.filters()
        assert filters["zlib"] and filters["shuffle"]
        assert found.chunking()[1:] == [4, 9]
    same(out, xr.open_dataset(packed)[["t2m"]].sel(time="2000-01", lat=slice(40, -20)).load())


def test_computed_values_are_floats_with_nan_for_missing_ones(packed, tmp_path):
    out = tmp_path / "out.nc"
    craton("eval", 'ds["t2m"].groupby("time.month").mean()', packed, "-o", out, "--codec", "zlib:1,fletcher32")
    expected = xr.open_dataset(packed)["t2m"].groupby("time.month").mean()
    with xr.open_dataset(out) as found:
        np.testing.assert_allclose(found["t2m"], expected, rtol=1e-12)
        assert np.isnan(found["t2m"].encoding["_FillValue"])
        assert found["t2m"].encoding["fletcher32"]


@pytest.mark.parametrize(
    "codec, expected",
    [("none", (False, False, False)), ("zlib:9,noshuffle", (True, False, False)), ("shuffle,fletcher32", (False, True, True))],
)
def test_filters_are_those_that_were_asked_for(packed, tmp_path, codec, expected):
    out = tmp_path / "out.nc"
    craton("eval", "ds.t2m + 1", packed, "-o", out, "--codec", codec)
    with netCDF4.Dataset(out) as file:
        filters = file["t2m"].filters()
        assert (filters["zlib"], filters["shuffle"], filters["fletcher32"]) == expected
    np.testing.assert_array_equal(xr.open_dataset(out).t2m, xr.open_dataset(packed).t2m + 1)


def test_the_recipe_is_in_the_file_and_history_goes_on(packed, tmp_path):
    out, again = tmp_path / "out.nc", tmp_path / "again.nc"
    craton("eval", "ds.t2m.mean('time')", packed, "-o", out)
    craton("copy", out, again)
    with netCDF4.Dataset(out) as file:
        recipe = json.loads(file.craton_recipe)
        assert recipe["expression"] == "ds.t2m.mean('time')"
        assert recipe["inputs"][0]["url"] == str(packed)
        assert "craton" in file.history and "ds.t2m.mean" in file.history
    with netCDF4.Dataset(again) as file:
        lines = file.history.splitlines()
        assert len(lines) == 2 and "copy" in lines[0] and "ds.t2m.mean" in lines[1]


def test_a_table_has_its_recipe_beside_it(packed, tmp_path):
    out = tmp_path / "out.csv"
    craton("eval", "ds.t2m.mean()", packed, "-o", out)
    recipe = json.loads((tmp_path / "out.csv.recipe.json").read_text())
    assert recipe["expression"] == "ds.t2m.mean()"
    assert recipe["inputs"][0]["size"] == packed.stat().st_size


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "julian", "proleptic_gregorian"])
def test_times_of_every_calendar_are_written(tmp_path, calendar):
    time = xr.date_range("1981-02-26", periods=9, freq="18h", calendar=calendar, use_cftime=True)
    source, out = tmp_path / "in.nc", tmp_path / "out.nc"
    xr.Dataset({"x": ("time", np.arange(9.0))}, {"time": time}).to_netcdf(source)
    for expression in ("ds", "ds.isel(time=slice(1, None, 2))"):
        craton("eval", expression, source, "-o", out, "--overwrite")
        same(out, eval(expression, {"ds": xr.open_dataset(source)}).load())


def test_groups_are_copied(tmp_path):
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset({"a": ("x", np.arange(4))}, {"x": [1.0, 2, 3, 4]}, {"title": "root"}),
            "/model": xr.Dataset({"b": (("x", "y"), np.arange(12.0).reshape(4, 3))}, {"y": ["p", "q", "r"]}),
            "/model/deep": xr.Dataset({"c": ((), "word")}, attrs={"level": 2}),
        }
    )
    source, out, store, back = (tmp_path / name for name in ("in.nc", "out.nc", "out.zarr", "back.nc"))
    tree.to_netcdf(source)
    craton("copy", source, out)
    craton("copy", source, store)
    craton("copy", store, back)
    for path, engine in ((out, "netcdf4"), (out, "h5netcdf"), (store, "zarr"), (back, "netcdf4")):
        with xr.open_datatree(path, engine=engine) as found:
            found = found.load()
        for note in ("history", "craton_recipe"):
            found.attrs.pop(note, None)
        xr.testing.assert_identical(found, tree)


def test_copies_keep_what_is_stored_through_zarr_and_back(packed, tmp_path):
    store, back = tmp_path / "copy.zarr", tmp_path / "back.nc"
    craton("copy", packed, store, "--chunks", "time=25,lat=-1", "--codec", "zstd:1")
    with xr.open_zarr(store, chunks=None) as found:
        assert found.t2m.encoding["chunks"] == (25, 7, 9)
        assert found.t2m.encoding["dtype"] == "int16"
        found.attrs.pop("craton_recipe")
        xr.testing.assert_equal(found.load(), xr.open_dataset(packed).load())
    craton("copy", store, back)
    with netCDF4.Dataset(packed) as source, netCDF4.Dataset(back) as file:
        for dataset in (source, file):
            dataset.set_auto_maskandscale(False)
        np.testing.assert_array_equal(file["t2m"][:], source["t2m"][:])
        assert file["time"].units == source["time"].units
        assert file.dimensions["time"].isunlimited()


def corpus_files():
    root = os.environ.get("CRATON_CORPUS")
    if not root:
        return []
    folders = [Path(root) / "real" / kind for kind in ("netcdf3", "netcdf4")]
    return sorted(path for folder in folders for path in folder.rglob("*.nc*") if path.suffix in {".nc", ".nc4"})


# Variables with one dimension twice, which labelled arrays do not have.
TWICE = {"test.nc"}
# Files of the corpus with types that netCDF writers other than the C library lack, or whose copy is known to differ.
OTHER = {"compounds", "opaque", "enum", "irish_rover", "interops4", "xplatform", "hdf5_compat"}


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_copies_of_real_files_hold_what_the_netcdf_library_reads(path, tmp_path):
    out = tmp_path / "out.nc"
    if any(word in path.name for word in OTHER) or path.name in TWICE:
        done = subprocess.run([CRATON, "copy", path, out], capture_output=True, text=True, check=False)
        if done.returncode:
            # Not half a file: the variable that cannot be written is named, and nothing is left.
            assert "variable `" in done.stderr and list(tmp_path.iterdir()) == []
        return
    craton("copy", path, out)
    with netCDF4.Dataset(path) as source, netCDF4.Dataset(out) as file:
        compare_groups(source, file)


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_real_files_written_as_they_are_opened_are_the_same_for_xarray(path, tmp_path):
    if any(word in path.name for word in OTHER) or path.name in TWICE:
        pytest.skip("types that are not written")
    try:
        expected = xr.open_dataset(path, engine="netcdf4").load()
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"xarray does not open it: {error}")
    out = tmp_path / "out.nc"
    craton("eval", "ds", path, "-o", out)
    same(out, expected)


def compare_groups(source, file):
    assert list(file.variables) == list(source.variables) or set(file.variables) == set(source.variables)
    assert set(file.groups) == set(source.groups)
    for name, there in source.variables.items():
        found = file[name]
        for variable in (there, found):
            variable.set_auto_maskandscale(False)
            variable.set_auto_chartostring(False)
        assert found.dimensions == there.dimensions or "phony_dim_0" in found.dimensions
        assert found.dtype == there.dtype, name
        np.testing.assert_array_equal(found[:], there[:], err_msg=name)
        wanted = {key: there.getncattr(key) for key in there.ncattrs()}
        # A fill value of another type than the values marks nothing, and netCDF4 files cannot have it.
        if np.asarray(wanted.get("_FillValue", found[:])).dtype != there.dtype:
            wanted.pop("_FillValue", None)
        for key, value in wanted.items():
            np.testing.assert_array_equal(found.getncattr(key), value, err_msg=f"{name}:{key}")
    for name, below in source.groups.items():
        compare_groups(below, file[name])


@program("ncdump")
@pytest.mark.parametrize("name", FORMATS)
def test_ncdump_reads_it(packed, tmp_path, name):
    out = tmp_path / "out.nc"
    craton("eval", 'ds.drop_vars("name")', packed, "-o", out, "--format", name)
    for variable in ("t2m", "mask", "lat", "time", "code"):
        dumps = [subprocess.run(["ncdump", "-v", variable, path], capture_output=True, text=True, check=True).stdout for path in (out, packed)]
        values = [dump[dump.index("data:") :] for dump in dumps]
        assert values[0] == values[1]
    header = subprocess.run(["ncdump", "-h", out], capture_output=True, text=True, check=True).stdout
    assert "time = UNLIMITED" in header and "t2m:scale_factor = 0.01" in header


@program("cdo")
@pytest.mark.parametrize("name", FORMATS)
def test_cdo_reads_it(packed, tmp_path, name):
    out = tmp_path / "out.nc"
    craton("eval", 'ds[["t2m"]]', packed, "-o", out, "--format", name)
    done = subprocess.run(["cdo", "-s", "outputf,%.6g,1", "-fldmean", "-timmean", out], capture_output=True, text=True, check=True)
    weights = np.cos(np.deg2rad(xr.open_dataset(packed).lat))
    expected = xr.open_dataset(packed).t2m.mean("time").weighted(weights).mean()
    assert abs(float(done.stdout) - float(expected)) < 0.05
    same_as = subprocess.run(["cdo", "-s", "diffn", packed, out], capture_output=True, text=True, check=False)
    assert same_as.stdout.strip() == "" or "0 of" in same_as.stdout


def test_other_programs_can_go_on_writing(packed, tmp_path):
    out = tmp_path / "out.nc"
    craton("eval", 'ds[["t2m"]]', packed, "-o", out)
    with netCDF4.Dataset(out, "a") as file:
        count = len(file.dimensions["time"])
        file["t2m"][count] = 300.0
        file["time"][count] = 1_000_000
        file["t2m"].note = "added"
        for number in range(12):
            file.setncattr(f"more_{number}", number)
        file.createVariable("extra", "f4", ("time", "lat"))[:] = 1
    with xr.open_dataset(out) as found:
        assert found.sizes["time"] == count + 1
        assert float(found.t2m[-1, 0, 0]) == 300.0
        np.testing.assert_array_equal(found.t2m[:-1], xr.open_dataset(packed).t2m)


def grown(tmp_path, packed):
    """The first part of the data in a store, and what is still to come."""
    store = tmp_path / "grown.zarr"
    craton("eval", 'ds[["t2m"]].isel(time=slice(0, 23))', packed, "-o", store, "--chunks", "time=10")
    return store


@pytest.mark.parametrize("expression", ['ds[["t2m"]].isel(time=slice(23, None))', 'ds["t2m"].isel(time=slice(23, None))'])
def test_results_are_appended_to_a_store(packed, tmp_path, expression):
    store = grown(tmp_path, packed)
    craton("eval", expression, packed, "-o", store, "--append-dim", "time")
    with xr.open_zarr(store, chunks=None) as found:
        xr.testing.assert_equal(found.t2m.load(), xr.open_dataset(packed).t2m.load())
        assert found.attrs["craton_recipe_last_change"]["recipe"]["expression"] == expression


def test_a_region_of_a_store_is_written(packed, tmp_path):
    store = grown(tmp_path, packed)
    part = "isel(time=slice(7, 15), lat=slice(2, 4))"
    for region in ("time=7:15,lat=2:4", "time=auto,lat=auto", "auto"):
        craton("eval", f'(ds[["t2m"]] * 2).{part}', packed, "-o", store, "--region", region)
    expected = xr.open_dataset(packed)[["t2m"]].isel(time=slice(0, 23)).load()
    expected.t2m[7:15, 2:4] *= 2
    with xr.open_zarr(store, chunks=None) as found:
        xr.testing.assert_equal(found.t2m.load(), expected.t2m)


@pytest.mark.parametrize(
    "expression, place, word",
    [
        ('ds[["t2m"]].isel(time=slice(20, 30))', ["--append-dim", "time"], "do not follow"),
        ('ds[["t2m"]].isel(time=slice(23, None), lat=slice(0, 3))', ["--append-dim", "time"], "lat"),
        ('ds[["t2m"]].isel(time=slice(23, None)).astype("float32")', ["--append-dim", "time"], "float32"),
        ('ds[["mask"]]', ["--append-dim", "time"], "time"),
        ('ds[["t2m"]].isel(time=slice(0, 5))', ["--region", "time=1:6"], "differs"),
        ('ds[["t2m"]].isel(time=slice(0, 5))', ["--region", "time=20:25"], "23"),
        ('ds[["t2m"]].isel(time=slice(30, 35))', ["--region", "auto"], "no region"),
    ],
)
def test_what_does_not_fit_a_store_is_refused_and_changes_nothing(packed, tmp_path, expression, place, word):
    store = grown(tmp_path, packed)
    files = lambda: {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}
    before = files()
    done = subprocess.run([CRATON, "eval", expression, packed, "-o", store, *place], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert word in done.stderr, done.stderr
    assert files() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_appended_values_take_the_packing_times_and_shards_of_the_store(tmp_path):
    time = xr.date_range("2001-01-01", periods=30, freq="D", unit="ns")
    values = np.round(np.random.default_rng(1).normal(5, 2, (30, 4)), 1)
    values[25, 1] = np.nan
    names = np.array([f"day {number}" for number in range(30)], dtype=object)
    dataset = xr.Dataset({"x": (("time", "y"), values, {"units": "m"}), "name": ("time", names)}, {"time": time})
    source, store = tmp_path / "in.nc", tmp_path / "out.zarr"
    dataset.to_netcdf(source)
    encoding = {
        "x": {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -999, "chunks": (3, 4), "shards": (6, 4)},
        "time": {"units": "hours since 1990-01-01", "dtype": "int32"},
    }
    dataset.isel(time=slice(0, 20)).to_zarr(store, encoding=encoding)
    craton("eval", "ds.isel(time=slice(20, None))", source, "-o", store, "--append-dim", "time")
    with xr.open_zarr(store, chunks=None) as found:
        assert found.x.encoding["dtype"] == "int16"
        assert found.x.encoding["shards"] == (6, 4)
        assert found.time.encoding["units"] == "hours since 1990-01-01"
        np.testing.assert_allclose(found.x, dataset.x, rtol=1e-12)
        np.testing.assert_array_equal(found.time, dataset.time)
        assert list(found["name"].values) == list(names)


def test_calendars_and_units_that_differ_are_not_appended(tmp_path):
    def write(path, calendar, units, start):
        time = xr.date_range(start, periods=5, freq="D", calendar=calendar, use_cftime=True)
        xr.Dataset({"x": ("time", np.arange(5.0), {"units": units})}, {"time": time}).to_netcdf(path)

    store, same_kind = tmp_path / "out.zarr", tmp_path / "a.nc"
    write(same_kind, "noleap", "m", "2001-01-01")
    craton("copy", same_kind, store)
    for calendar, units, word in (("360_day", "m", "calendar"), ("noleap", "km", "units")):
        other = tmp_path / "b.nc"
        write(other, calendar, units, "2001-01-06")
        done = subprocess.run([CRATON, "eval", "ds", other, "-o", store, "--append-dim", "time"], capture_output=True, text=True, check=False)
        assert done.returncode and word in done.stderr, done.stderr
    assert xr.open_zarr(store).sizes["time"] == 5
    write(other, "noleap", "m", "2001-01-06")
    craton("eval", "ds", other, "-o", store, "--append-dim", "time")
    assert xr.open_zarr(store).sizes["time"] == 10

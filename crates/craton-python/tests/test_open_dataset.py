"""Opening: the same datasets as xarray's, lazy, with Craton's arrays as their numbers."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import craton
import numpy as np
import pytest
from craton.manager import CratonManager
from operations import LAZY, REFUSED, lines

xr = pytest.importorskip("xarray")

from inputs import MADE, REAL, open_with_xarray, path_of  # noqa: E402

# What xarray notes of a variable that later writes go by.
ENCODING = ["dtype", "_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "units", "calendar"]
ENCODING += ["coordinates", "grid_mapping", "bounds", "original_shape"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="module")
def mixed(folder):
    """A store with everything that is easily got wrong, and the same values in memory."""
    dataset, encoding = MADE["mixed"][0]()
    dataset = dataset.assign_coords(area=(("lat", "lon"), np.arange(30.0).reshape(5, 6)))
    path = folder / "operations.zarr"
    dataset.to_zarr(path, encoding=encoding, consolidated=False)
    return path, xr.open_dataset(path, engine="zarr", consolidated=False).load()


def is_lazy(labelled):
    variables = labelled.data_vars.values() if isinstance(labelled, xr.Dataset) else [labelled]
    return all(isinstance(one.variable._data, craton.Array) for one in variables)


def assert_same(actual, expected):
    """Identical, or for floats as near as the order of sums allows, with everything else identical."""
    one, other = (
        labelled.to_dataset(name="array") if isinstance(labelled, xr.DataArray) else labelled
        for labelled in (actual, expected)
    )
    assert set(one.variables) == set(other.variables)
    assert one.attrs == other.attrs
    for name, variable in other.variables.items():
        own = one.variables[name]
        assert (own.dtype, own.dims, own.shape, own.attrs) == (
            variable.dtype,
            variable.dims,
            variable.shape,
            variable.attrs,
        ), name
        if variable.dtype.kind == "f" and variable.size:
            scale = np.max(np.abs(variable.values), initial=0, where=np.isfinite(variable.values))
            rtol = 1e-5 if variable.dtype == "float32" else 1e-12
            np.testing.assert_allclose(own.values, variable.values, rtol=rtol, atol=rtol * scale, err_msg=name)
        else:
            np.testing.assert_array_equal(own.values, variable.values, err_msg=name)
    if isinstance(expected, xr.DataArray):
        assert actual.name == expected.name


def run(operation, dataset):
    if ".interp(" in operation:
        # xarray asks for SciPy before it looks at the arrays.
        pytest.importorskip("scipy")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return eval(operation, {"ds": dataset, "xr": xr, "np": np})


@pytest.mark.parametrize("operation", lines(LAZY))
def test_operations_are_lazy_and_xarrays(mixed, operation):
    path, expected = mixed
    dataset = craton.open_dataset(path)
    gone = path.with_name("gone.zarr")
    path.rename(gone)
    try:
        # Nothing can be read while the store is away.
        lazy = run(operation, dataset)
        assert is_lazy(lazy), operation
    finally:
        gone.rename(path)
    assert_same(lazy.compute(), run(operation, expected.copy()))


@pytest.mark.parametrize("operation", lines(REFUSED))
def test_what_is_not_lazy_is_refused_with_the_way_out(mixed, operation):
    with pytest.raises((NotImplementedError, TypeError), match=r"\.compute\(\)|`out`"):
        run(operation, craton.open_dataset(mixed[0]))


def test_the_tables_hold_enough_and_nothing_twice():
    assert len(lines(LAZY)) >= 120
    assert len({*lines(LAZY), *lines(REFUSED)}) == len(lines(LAZY)) + len(lines(REFUSED))


@pytest.mark.parametrize("name", [name for name in MADE if name in REAL or MADE[name][1] == ".zarr"])
def test_a_dataset_opens_as_xarrays(name, folder):
    if MADE[name][1] == ".nc" or name == "noleap":
        pytest.importorskip("netCDF4")
        pytest.importorskip("cftime")
    path = path_of(name, folder)
    assert_opens_alike(path, open_with_xarray(path))


def assert_opens_alike(path, expected):
    dataset = craton.open_dataset(path)
    for variable in dataset.data_vars.values():
        assert variable.dtype.kind not in "biufc" or isinstance(variable.variable._data, craton.Array), variable.name
    for name, variable in expected.variables.items():
        encoding = dataset.variables[name].encoding
        for key in ENCODING:
            one, other = encoding.get(key), variable.encoding.get(key)
            if key == "dtype" and other is not None and np.dtype(other).kind not in "O":
                other = np.dtype(other).newbyteorder("=")
            assert (one is None) == (other is None), f"{name}: {key} {one!r}, not {other!r}"
            assert one is None or np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"), (
                f"{name}: {key}"
            )
    xr.testing.assert_identical(dataset.compute(), expected.load())


# Files of the corpus with dtypes or dimensions that one side does not have.
ONLY_HERE = {
    "ref_tst_compounds2.nc": "structures are opaque bytes",
    "ref_tst_compounds3.nc": "structures are opaque bytes",
    "ref_tst_compounds4.nc": "structures are opaque bytes",
    "ref_tst_compounds5.nc": "structures are opaque bytes",
    "ref_hdf5_compat3.nc": "structures are opaque bytes",
    "ref_tst_opaque_data.nc": "netCDF4-python does not read opaque data",
    "test.nc": "a dimension stands twice, such variables are left out with a warning",
    "example_1.nc.gz": "compressed as a whole",
}


def corpus():
    root = os.environ.get("CRATON_CORPUS")
    if not root:
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason="CRATON_CORPUS is not set: the real files were not opened")
            )
        ]
    files = [path for kind in ("netcdf3", "netcdf4") for path in sorted(Path(root, "real", kind).rglob("*"))]
    files = [path for path in files if path.is_file() and path.suffix in {".nc", ".nc4", ".cdf", ".gz"}]
    assert len(files) > 40, f"the corpus at {root} has only {len(files)} netCDF files"
    return [pytest.param(path, id=str(path.relative_to(root))) for path in files]


@pytest.mark.parametrize("path", corpus())
def test_a_real_file_opens_as_xarrays(path):
    pytest.importorskip("netCDF4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = xr.open_dataset(path)
        except Exception as refusal:
            pytest.skip(f"xarray does not open it: {type(refusal).__name__}")
        if path.name in ONLY_HERE:
            pytest.skip(ONLY_HERE[path.name])
        assert_opens_alike(path, expected)


OPTIONS = [
    {"mask_and_scale": False},
    {"mask_and_scale": {"packed": False}},
    {"decode_times": False},
    {"decode_times": xr.coders.CFDatetimeCoder(time_unit="s")},
    {"decode_cf": False},
    {"decode_coords": False},
    {"decode_coords": "all"},
    {"drop_variables": ["t", "flag"]},
    {"drop_variables": "t"},
    {"create_default_indexes": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_mean_what_they_mean_in_xarray(mixed, options):
    expected = xr.open_dataset(mixed[0], engine="zarr", consolidated=False, **options).load()
    xr.testing.assert_identical(craton.open_dataset(mixed[0], **options).compute(), expected)
    xr.testing.assert_identical(xr.open_dataset(mixed[0], engine="craton", **options).load(), expected)


@pytest.mark.parametrize(
    ("options", "exception", "words"),
    [
        ({"engine": "netcdf4"}, NotImplementedError, "engine"),
        ({"backend_kwargs": {}}, NotImplementedError, "backend_kwargs"),
        ({"storage_options": {"anon_key": "canary"}}, ValueError, "anon_key"),
        ({"storage_options": {"key": object()}}, TypeError, "key"),
        ({"chunked_array_type": "dask"}, NotImplementedError, "chunked_array_type"),
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"group": "nothing"}, KeyError, "nothing"),
    ],
)
def test_options_are_refused_by_name(mixed, options, exception, words):
    with pytest.raises(exception, match=words):
        craton.open_dataset(mixed[0], **options)


def test_what_is_no_path_is_refused():
    with pytest.raises(TypeError, match="path"):
        craton.open_dataset(b"bytes")
    with pytest.raises(KeyError):
        craton.open_dataset("nothing-here.nc")


def test_indexes_and_small_coordinates_are_read_and_others_are_not(mixed):
    dataset = craton.open_dataset(mixed[0])
    assert set(dataset.xindexes) == {"time", "lat", "lon"}
    assert isinstance(dataset.height.variable._data, np.ndarray)
    assert isinstance(dataset.area.variable._data, craton.Array)


def test_asking_for_values_computes_them(mixed):
    path, expected = mixed
    dataset = craton.open_dataset(path)
    np.testing.assert_array_equal(dataset.t.values, expected.t.values)
    np.testing.assert_array_equal(dataset.t.to_numpy(), expected.t.values)
    assert dataset.t.max().item() == float(dataset.t.max()) == expected.t.max().item()
    assert is_lazy(dataset)
    assert is_lazy(dataset.persist())
    xr.testing.assert_identical(dataset.persist().compute(), expected)
    assert dataset.t.to_series().equals(expected.t.to_series())
    assert dataset.equals(expected)
    xr.testing.assert_identical(dataset.load(), expected)
    assert not is_lazy(dataset)


def test_coordinates_that_must_be_compared_are_not_loaded_in_silence(mixed):
    dataset = craton.open_dataset(mixed[0])
    other = dataset.assign_coords(area=dataset.area * 1)
    assert is_lazy(dataset.t + dataset.t.isel(time=slice(2, 5)))
    with pytest.raises(TypeError, match=r"coordinate .*\.drop_vars"):
        dataset.t + other.t
    assert is_lazy(dataset.t.drop_vars("area") + other.t)


def test_a_grouped_mean_is_one_pass(mixed):
    dataset = craton.open_dataset(mixed[0])
    for labelled in (dataset.t.groupby("time.month").mean(), dataset.groupby("time.month").sum().t):
        plan = labelled.data.explain()
        assert "group_reduce" in plan
        assert plan.count("read ") == 2, plan


def test_representations_read_nothing(mixed):
    path, _ = mixed
    dataset = craton.open_dataset(path)
    gone = path.with_name("gone.zarr")
    path.rename(gone)
    try:
        assert "craton.Array" in repr(dataset)
        assert "<craton.Array float32 (40, 5, 6)>" in repr(dataset.t)
        assert "craton.Array" in dataset._repr_html_()
    finally:
        gone.rename(path)


def test_chunks_are_a_label(mixed):
    path, expected = mixed
    assert craton.open_dataset(path).t.chunks == ((40,), (5,), (6,))
    labelled = craton.open_dataset(path, chunks={"time": 16})
    assert labelled.t.chunks == ((16, 16, 8), (5,), (6,))
    assert labelled.t.chunk(time=20).chunks == ((20, 20), (5,), (6,))
    assert is_lazy(labelled.chunk(time=20))
    xr.testing.assert_identical(labelled.compute(), expected)


def test_dasks_chunks_are_one_word_away(mixed):
    pytest.importorskip("dask.array")
    path, expected = mixed
    dataset = craton.open_dataset(path).chunk(time=16, chunked_array_type="dask")
    assert type(dataset.t.data).__module__.startswith("dask")
    assert dataset.t.chunks[0] == (16, 16, 8)
    xr.testing.assert_identical(dataset.compute(scheduler="sync"), expected)


def test_writers_write_lazy_arrays(mixed, tmp_path):
    path, expected = mixed
    dataset = craton.open_dataset(path).drop_encoding()
    dataset.chunk(time=16).to_zarr(tmp_path / "out.zarr", consolidated=False)
    written = xr.open_dataset(tmp_path / "out.zarr", engine="zarr", consolidated=False)
    xr.testing.assert_identical(written.load(), expected)


@pytest.mark.parametrize(("chunk", "slabs"), [(7, [7] * 5 + [5]), (40, [40]), (100, [40])])
def test_each_stored_chunk_is_written_once(mixed, monkeypatch, chunk, slabs):
    class Target:
        def __init__(self, shape):
            self.values, self.chunks, self.rows = np.full(shape, -1.0), (chunk, *shape[1:]), []

        def __setitem__(self, at, values):
            self.rows.append(len(values))
            self.values[at] = values

    path, expected = mixed
    array = craton.open_dataset(path).t.data
    target = Target(array.shape)
    monkeypatch.setattr("craton.manager._SLAB_BYTES", 1)
    CratonManager().store([array], [target])
    assert target.rows == slabs
    np.testing.assert_array_equal(target.values, expected.t.values)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the short lane has no netCDF library")
def test_several_files_are_one_dataset(mixed, tmp_path):
    _, expected = mixed
    for part in range(4):
        # Units of time differ from file to file.
        encoding = {"time": {"units": f"days since 2001-0{part + 1}-01", "dtype": "float64"}}
        rows = expected[["t", "packed", "small"]].isel(time=slice(part * 10, part * 10 + 10)).drop_encoding()
        rows.to_netcdf(tmp_path / f"part-{part}.nc", encoding=encoding)
    paths = sorted(tmp_path.glob("part-*.nc"))
    together = {"combine": "by_coords", "data_vars": "minimal", "coords": "minimal", "compat": "override"}
    whole = xr.open_mfdataset(paths, **together).load()
    for given in (paths, str(tmp_path / "part-*.nc"), paths[::-1]):
        dataset = craton.open_dataset(given)
        assert is_lazy(dataset)
        xr.testing.assert_equal(dataset.compute(), whole)
    with pytest.raises(NotImplementedError, match="mask_and_scale"):
        craton.open_dataset(paths, mask_and_scale=False)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the short lane has no netCDF library")
def test_a_tree_of_groups_opens_as_xarrays(mixed, tmp_path):
    _, expected = mixed
    expected = expected.drop_encoding()
    tree = xr.DataTree.from_dict({"/": expected[["t"]], "/a": expected[["packed"]], "/a/b": expected[["small"]]})
    path = tmp_path / "tree.nc"
    tree.to_netcdf(path)
    lazy = craton.open_datatree(path)
    assert isinstance(lazy["/a/packed"].variable._data, craton.Array)
    xr.testing.assert_identical(lazy.load(), xr.open_datatree(path).load())
    xr.testing.assert_identical(craton.open_dataset(path, group="a").compute(), xr.open_dataset(path, group="a").load())
    assert [node.path for node in craton.open_datatree(path, group="a").subtree] == ["/", "/b"]
    assert craton.open(f"{path}!/a/packed").name == "packed"
    assert isinstance(craton.open(path), xr.Dataset)


def test_a_variable_that_cannot_be_read_is_left_out_with_a_warning(mixed, tmp_path):
    expected = mixed[1].drop_encoding()
    expected[["t", "small"]].to_zarr(tmp_path / "store.zarr", consolidated=False)
    metadata = tmp_path / "store.zarr" / "small" / "zarr.json"
    metadata.write_text(metadata.read_text().replace('"uint8"', '"nonsense"'))
    with pytest.warns(UserWarning, match="small"):
        dataset = craton.open_dataset(tmp_path / "store.zarr")
    assert list(dataset.data_vars) == ["t"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        craton.open_dataset(tmp_path / "store.zarr", drop_variables="small")


def test_active_is_craton_under_xarrays_functions(mixed):
    path, expected = mixed
    before = xr.open_zarr, xr.backends.plugins.guess_engine, xr.get_options()["chunk_manager"]
    with craton.active():
        with craton.active():
            pass
        for opened in (
            xr.open_dataset(path),
            xr.open_zarr(path),
            xr.open_dataset(path, chunks={}),
            xr.open_mfdataset([path]),
        ):
            assert is_lazy(opened)
        xr.testing.assert_identical(xr.open_dataset(path).compute(), expected)
        assert is_lazy(expected.chunk(time=7))
    assert before == (xr.open_zarr, xr.backends.plugins.guess_engine, xr.get_options()["chunk_manager"])
    craton.activate()
    craton.activate()
    craton.deactivate()
    craton.deactivate()
    assert before == (xr.open_zarr, xr.backends.plugins.guess_engine, xr.get_options()["chunk_manager"])
    assert not is_lazy(xr.open_dataset(path, engine="zarr", consolidated=False))


def test_xarray_is_untouched_until_there_is_a_lazy_array():
    program = """
import craton, sys
assert not {"xarray", "numpy", "craton.hooks"} & set(sys.modules)
import xarray
from xarray.core.groupby import GroupBy
from xarray.namedarray.parallelcompat import list_chunkmanagers
own = lambda: GroupBy._flox_reduce.__code__.co_filename.endswith("groupby.py")
# xarray makes one of each kind when it looks for what there is.
assert "craton" in xarray.backends.list_engines() and "craton" in list_chunkmanagers()
before = own()
craton.Array.of(xarray.DataArray([1, 2]).values)
print(before, own())
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "True False"


def test_the_mean_of_much_data_takes_little_memory(tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "large.zarr")
    names = ("time", "y", "x")
    array = group.create_array("t", shape=(512, 512, 512), chunks=(16, 512, 512), dtype="f4", dimension_names=names)
    for start in range(0, 512, 16):
        array[start : start + 16] = np.broadcast_to(
            np.arange(start, start + 16, dtype="f4")[:, None, None], (16, 512, 512)
        )
    program = """
import resource, sys, craton
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
dataset = craton.open_dataset(sys.argv[1])
before = peak()
mean = dataset.mean("time").compute(memory=before + (160 << 20))
print(float(mean.t[3, 5]), dataset.t.nbytes, peak() - before)
"""
    command = [sys.executable, "-c", program, tmp_path / "large.zarr"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    mean, size, growth = answer.stdout.split()
    assert float(mean) == 255.5
    assert int(size) == 512 << 20
    assert int(growth) < 176 << 20, f"{growth} bytes more for {size} bytes of data"

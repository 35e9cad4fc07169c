"""Trees of datasets: `ds.tree` gives what `xarray.open_datatree` gives, and what is done to it does the same."""

import craton
import numpy as np
import pytest
from program import craton as program
from program import craton_json

xr = pytest.importorskip("xarray")
pytest.importorskip("netCDF4", reason="the short lane has no netCDF library to write the inputs with")

from test_differential import assert_same  # noqa: E402


def tree():
    labels = {"lat": [60.0, 40.0, 20.0]}
    time = np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(5, "D")
    t = np.arange(36.0).reshape(6, 3, 2) % 11
    t[2, 1] = np.nan
    surface = xr.Dataset({"t": (("time", "lat", "lon"), t, {"units": "K"})}, {"time": time, "lon": [0, 180]})
    deep = xr.Dataset({"s": (("level", "lat"), np.arange(12.0).reshape(4, 3))}, {"level": [1, 2, 3, 5]}, {"kind": "salt"})
    runs = {
        "/": xr.Dataset({"area": ("lat", [1.0, 2.0, 3.0])}, labels, {"title": "tree"}),
        "/surface": surface,
        "/surface/daily": xr.Dataset({"rain": ("time", np.arange(6.0))}),
        "/ocean/deep": deep,
    }
    return xr.DataTree.from_dict(runs)


@pytest.fixture(scope="module", params=["zarr", "nc"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("tree") / f"tree.{request.param}"
    if request.param == "zarr":
        tree().to_zarr(path, consolidated=False)
    else:
        tree().to_netcdf(path)
    return path


EXPRESSIONS = """
tree
tree.mean()
tree.mean("lat")
tree.mean(["time", "lat"])
tree.mean(dim=["level"], keep_attrs=False)
tree.mean("nothing")
tree.sum("time")
tree.sum("time", min_count=7)
tree.sum(("lat", "lon"))
tree.min("lat")
tree.min()
tree.min("level")
tree.max("lon")
tree.max(...)
tree.max("time", skipna=False)
tree.std("time")
tree.std("lat", ddof=1)
tree.std()
tree.var("time")
tree.var()
tree.var("lat", ddof=1)
tree.count()
tree.count("time")
tree.count("lat")
tree.prod("lat")
tree.prod("level")
tree.prod()
(tree > 3).any()
(tree > 3).any("lat")
(tree > 100).any("time")
(tree > 3).all()
(tree >= 0).all("lat")
(tree > 3).all("level")
tree.median("time")
tree.median("lat")
tree.median()
tree.cumsum("lat")
tree.cumsum("time")
tree.cumsum("level", skipna=False)
tree.cumprod("lat")
tree.cumprod("level")
tree.cumprod("time")
tree.round()
tree.round(1)
(tree / 7).round(2)
tree.sel(lat=40)
tree.sel(lat=[60.0, 20.0])
tree.sel(lat=slice(60, 40), time="2001-01-11")
tree.sel(time=slice("2001-01-05", "2001-01-20"))
tree.sel(lat=41, method="nearest")
tree.sel(nothing=1)
tree.sel({"level": 2})
tree.isel(time=0)
tree.isel(lat=[0, 2], lon=1)
tree.isel(level=slice(None, None, 2))
tree.isel(lat=7)
tree.isel(time=-1).mean()
tree + 1
1 - tree
tree * 2.5
tree / tree
tree - tree.mean("lat")
tree ** 2
-tree
tree == tree.isel(time=0)
tree["surface"] + tree["surface"]
tree["surface"] + tree
tree["surface"]
tree["surface"].mean("time")
tree["surface/daily"]
tree["/surface/daily/rain"]
tree["surface/t"].mean("time")
tree["area"] * 2
tree.area
tree.surface.t.max()
tree.surface.daily.rain.sum()
tree["ocean/deep"].sel(level=3)
tree["nowhere"]
tree.ocean["deep"].to_dataset()
tree["surface"].to_dataset()
tree["surface"].dataset.t.mean()
tree.to_dataset()
tree.dataset.area.sum()
tree.ds.area.mean()
tree.surface.dataset
tree.map_over_datasets(np.sqrt)
tree.map_over_datasets(np.abs).mean("lat")
tree.map_over_datasets(np.isnan)
tree.map_over_datasets(np.maximum, 3)
xr.map_over_datasets(np.sqrt, tree)
xr.map_over_datasets(np.exp, tree.isel(time=0))
xr.map_over_datasets(np.log1p, tree["surface"])
tree.match("surface/*")
tree.match("*e*").mean()
tree.match("nothing")
tree.drop_nodes("ocean")
tree.drop_nodes(["ocean", "surface"])
tree.drop_nodes("nothing")
tree.drop_nodes("nothing", errors="ignore")
""".strip().splitlines()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_tree_does_what_the_tree_of_xarray_does(expression, path):
    opened = xr.open_datatree(path, engine="zarr" if path.suffix == ".zarr" else "netcdf4", decode_timedelta=False)
    check_as_xarray(expression, opened.load(), f"tree = ds.tree; {expression}", path)


def check_as_xarray(expression, opened, text, *inputs, **named):
    """Check that `text` gives what `expression` gives under xarray, or fails where that does."""
    try:
        expected = eval(expression, {"tree": opened, "np": np, "xr": xr})
    except Exception:
        expected = None
    if expected is None:
        with pytest.raises((KeyError, ValueError, TypeError, NotImplementedError)):
            craton.eval(text, *inputs, **named)
        return
    actual = craton.eval(text, *inputs, **named)
    if not isinstance(expected, xr.DataTree):
        assert_same(actual, expected)
        return
    assert isinstance(actual, xr.DataTree)
    # A part of a tree stands alone.
    expected = xr.DataTree.from_dict({node.relative_to(expected): node.to_dataset() for node in expected.subtree})
    assert set(actual.groups) == set(expected.groups)
    for group in expected.groups:
        assert_same(actual[group].to_dataset(inherit=False), expected[group].to_dataset(inherit=False))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_tree_at_hand_does_what_it_does_in_xarray(expression):
    check_as_xarray(expression, tree(), expression, tree=tree())


@pytest.mark.parametrize("place", ["surface", "surface/daily", "ocean", "ocean/deep"])
def test_a_part_of_a_tree_brings_the_labels_from_above(place):
    answer = craton.eval("ds", tree()[place])
    xr.testing.assert_equal(answer, xr.DataTree(tree()[place].to_dataset(), children=dict(tree()[place].children)))


def test_a_lazy_tree_stays_part_of_the_plan(path):
    lazy = craton.open_datatree(path)
    assert f"{path.name}" in craton.explain("ds['surface/t'].mean()", lazy)
    answer = craton.eval("tree.mean('lat') * 2", tree=lazy)
    xr.testing.assert_allclose(answer, tree().mean("lat") * 2)
    derived = lazy.map_over_datasets(lambda dataset: dataset + 1)
    assert craton.eval("ds.ocean.deep.s.sum()", derived).item() == float((tree()["ocean/deep/s"] + 1).sum())


def test_a_tree_with_arrays_of_dask_is_refused():
    dask = pytest.importorskip("dask.array")
    lazy = xr.DataTree.from_dict({"/a/b": xr.Dataset({"v": ("x", dask.zeros(3))})})
    with pytest.raises(TypeError, match=r"`a/b/v`: the values are a dask array"):
        craton.eval("ds.mean()", lazy)


@pytest.mark.parametrize("ending", ["zarr", "nc"])
def test_a_written_tree_is_what_xarray_reads(path, ending, tmp_path):
    out = tmp_path / f"out.{ending}"
    program("eval", "ds.tree.isel(time=slice(1, 4))", path, "-o", out)
    read = xr.open_datatree(out, engine="zarr" if ending == "zarr" else "netcdf4", decode_timedelta=False).load()
    expected = tree().isel(time=slice(1, 4))
    assert set(read.groups) == set(expected.groups)
    for group in expected.groups:
        own, theirs = read[group].to_dataset(inherit=False), expected[group].to_dataset(inherit=False)
        xr.testing.assert_equal(own, theirs)
    assert read["surface/t"].attrs == {"units": "K"}
    assert "craton_recipe" in read.attrs
    again = craton.eval("ds.tree", out)
    xr.testing.assert_equal(again["surface"].to_dataset(), expected["surface"].to_dataset())


def test_a_tree_is_printed_by_group(path):
    text = program("eval", "ds.tree.mean()", path)
    assert "<craton.DataTree>" in text
    assert "Group: /ocean/deep" in text
    groups = craton_json("eval", "ds.tree.mean()", path)["groups"]
    assert groups["/surface"]["variables"]["t"]["data"] == pytest.approx(float(tree()["surface/t"].mean()))


def test_what_has_no_groups_says_so(path, tmp_path):
    for out in ("out.csv", "out.png"):
        text = program("eval", "ds.tree.mean()", path, "-o", tmp_path / out, code=6)
        assert "a tree of datasets" in text
        assert not (tmp_path / out).exists()
    with pytest.raises(ValueError, match="only a dataset as it was opened has a tree"):
        craton.eval("(ds + 1).tree", path)


def test_labels_that_differ_below_are_named(tmp_path):
    path = tmp_path / "wrong.nc"
    xr.Dataset({"a": ("x", [1.0, 2.0])}, {"x": [1, 2]}).to_netcdf(path)
    xr.Dataset({"a": ("x", [1.0, 2.0])}, {"x": [5, 6]}).to_netcdf(path, mode="a", group="inner")
    with pytest.raises(ValueError, match="`/inner` and one above it differ in the labels of `x`"):
        craton.eval("ds.tree", path)
    assert craton.eval("ds['/inner'].a.sum()", path).item() == 3

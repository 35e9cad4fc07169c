"""Filling, ranks and order along a dimension against pandas, and splines against SciPy."""

import craton
import numpy as np
import pytest

pd = pytest.importorskip("pandas")
xr = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store whose chunks end in the middle of gaps, and its values as a table of columns."""
    random = np.random.default_rng(5)
    values = random.integers(0, 9, (60, 7)).astype("float32")
    values[random.random((60, 7)) < 0.5] = np.nan
    values[10:30, 3] = np.nan
    values[:, 5] = np.nan
    coords = {"time": np.cumsum(random.integers(1, 5, 60)).astype("float64"), "x": np.arange(7)}
    dataset = xr.Dataset({"v": (("time", "x"), values), "whole": ("x", np.arange(7))}, coords)
    path = tmp_path_factory.mktemp("along") / "v.zarr"
    dataset.to_zarr(path, encoding={"v": {"chunks": (8, 3)}}, consolidated=False)
    return path, pd.DataFrame(values)


EXPRESSIONS = {
    'ds.v.ffill("time")': lambda table: table.ffill(),
    'ds.v.bfill("time")': lambda table: table.bfill(),
    'ds.v.ffill("time", limit=2)': lambda table: table.ffill(limit=2),
    'ds.v.bfill("time", 3)': lambda table: table.bfill(limit=3),
    'ds.v.ffill("x")': lambda table: table.ffill(axis=1),
    'ds.v.bfill("x", limit=1)': lambda table: table.bfill(axis=1, limit=1),
    'ds.v.ffill("time", limit=500)': lambda table: table.ffill(),
    'ds.ffill("time").v': lambda table: table.ffill(),
    '(ds.v.bfill("time") + 1).isel(x=slice(1, 3))': lambda table: (table.bfill() + 1).iloc[:, 1:3],
    'ds.v.bfill("time").isel(time=slice(5, 40, 3))': lambda table: table.bfill().iloc[5:40:3],
    'ds.v.rank("time")': lambda table: table.rank(),
    'ds.v.rank("time", pct=True)': lambda table: table.rank(pct=True),
    'ds.v.rank("x")': lambda table: table.rank(axis=1),
    'ds.rank("time").v': lambda table: table.rank(),
    'ds.v.rank("time").isel(x=3)': lambda table: table.rank()[3],
    "ds.v.rolling(time=7, min_periods=3).median()": lambda table: table.rolling(7, min_periods=3).median(),
    "ds.v.rolling(time=7, min_periods=3).var()": lambda table: table.rolling(7, min_periods=3).var(ddof=0),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_columns_are_those_of_pandas(stored, expression):
    path, table = stored
    expected = EXPRESSIONS[expression](table)
    np.testing.assert_allclose(craton.eval(expression, ds=path).values, expected.values, rtol=1e-5, atol=1e-6)


LAZY = {
    "ffill": lambda ds: (ds.v.ffill("time", limit=2), lambda table: table.ffill(limit=2)),
    "bfill": lambda ds: (ds.v.bfill("time"), lambda table: table.bfill()),
    "sort": lambda ds: (ds.v.copy(data=np.sort(ds.v.data, axis=0)), lambda table: np.sort(table.values, axis=0)),
}


@pytest.mark.parametrize("name", LAZY)
def test_the_same_stays_lazy_under_xarray(stored, name):
    path, table = stored
    lazy, expected = LAZY[name](craton.open_dataset(path))
    assert isinstance(lazy.variable._data, craton.Array)
    np.testing.assert_array_equal(lazy.values, expected(table))


def test_gaps_are_filled_as_numpy_interpolates(stored):
    path, table = stored
    dataset = xr.open_dataset(path, engine="zarr", consolidated=False).load()
    expected = dataset.v.interpolate_na("time")
    given = craton.eval('ds.v.interpolate_na("time")', ds=path)
    np.testing.assert_allclose(given.values, expected.values, rtol=1e-6)
    # xarray needs another library for `max_gap`: gaps between values further apart stay.
    given = craton.eval('ds.v.interpolate_na("time", max_gap=6)', ds=path).values
    time = dataset.time.values
    for column in range(7):
        valid = np.flatnonzero(~np.isnan(table[column].values))
        for before, after in zip(valid, valid[1:], strict=False):
            gap = given[before + 1 : after, column]
            assert np.isnan(gap).all() if time[after] - time[before] > 6 else not np.isnan(gap).any()


def test_splines_are_scipys(stored):
    scipy = pytest.importorskip("scipy.interpolate")
    path, _ = stored
    dataset = xr.open_dataset(path, engine="zarr", consolidated=False).load()
    values = dataset.v.fillna(1.0).values
    wanted = [3.25, 20.0, 77.7]
    expected = scipy.interp1d(dataset.time.values, values, axis=0, kind="cubic")(wanted)
    given = craton.eval(f"ds.v.fillna(1.0).interp(time={wanted}, method='cubic')", ds=path)
    np.testing.assert_allclose(given.values, expected, rtol=1e-9, atol=1e-9)

"""`craton.eval` on xarray objects: the answers of xarray itself, and nothing loaded that was not asked for."""

import craton
import numpy as np
import pytest
import xarray as xr


def dataset():
    random = np.random.default_rng(3)
    values = random.normal(280, 10, (40, 5, 6)).astype("float32")
    values[3, 2, 1] = np.nan
    time = np.datetime64("2001-01-15", "ns") + np.arange(40) * np.timedelta64(30, "D")
    return xr.Dataset(
        {
            "t": (("time", "y", "x"), values, {"units": "K", "valid_range": np.array([0, 400], "int16")}),
            "land": (("y", "x"), random.random((5, 6)) > 0.5),
            "station": ("x", ["a", "b", "long name", "d", "e", "f"]),
        },
        {
            "time": time,
            "y": np.linspace(60, -60, 5),
            "x": np.arange(6) * 60,
            "step": ("time", np.arange(40).astype("timedelta64[h]").astype("timedelta64[ns]")),
            "code": ("y", np.array(["a", "bb", "c", "d", "e"], dtype=object)),
        },
        {"title": "made up", "version": 3, "scale": 0.5, "flags": [1, 2], "nested": {"a": None}},
    )


EXPRESSIONS = [
    "ds",
    "ds.t",
    "ds.t.mean('time')",
    "ds.t.groupby('time.month') - ds.t.groupby('time.month').mean()",
    "ds.t.where(ds.land)",
    "ds.sel(time='2003')",
    "ds.t.sel(x=120, y=slice(40, -40))",
    "ds.t.resample(time='YS').max()",
    "ds.station",
    "ds.isel(x=[0, 2])",
    "ds.t.isel(time=0, drop=True)",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_at_hand_give_the_answers_of_xarray(expression):
    ds = dataset()
    expected = eval(expression, {"ds": ds, "np": np, "xr": xr})
    answer = craton.eval(expression, ds)
    assert type(answer) is type(expected)
    # Older xarray takes means of 32 bits in 32 bits, and differences from them keep that error.
    xr.testing.assert_allclose(answer, expected, rtol=1e-6, atol=1e-4)
    assert answer.attrs.keys() == expected.attrs.keys()


def test_attributes_keep_their_kinds():
    answer = craton.eval("ds", dataset())
    xr.testing.assert_identical(answer, dataset())
    assert answer.t.attrs["valid_range"].dtype == "int16"
    assert answer.attrs["nested"] == {"a": None}


def test_an_array_and_names():
    ds = dataset()
    answer = craton.eval("a - mean", a=ds.t, mean=ds.t.mean("time"))
    xr.testing.assert_allclose(answer, ds.t - ds.t.mean("time"), rtol=1e-5)
    assert craton.eval("ds + 1", xr.DataArray([1, 2])).values.tolist() == [2, 3]


def test_dates_of_other_calendars():
    cftime = pytest.importorskip("cftime")
    times = xr.date_range("2000-01-30", periods=24, freq="ME", calendar="360_day", use_cftime=True)
    array = xr.DataArray(np.arange(24.0), {"time": times}, "time", "v")
    answer = craton.eval("ds.groupby('time.year').sum()", array)
    xr.testing.assert_equal(answer, array.groupby("time.year").sum())
    assert isinstance(craton.eval("ds", array).time.values[0], cftime.Datetime360Day)


def test_lazy_arrays_stay_part_of_the_plan(tmp_path):
    dataset().to_zarr(tmp_path / "a.zarr")
    ds = craton.open_dataset(tmp_path / "a.zarr")
    plan = craton.explain("ds.t.isel(time=3).mean()", ds)
    assert "a.zarr/t" in plan
    lazy = ds.t - 273.15
    answer = craton.eval("a.mean('time') / b.t.max('time')", a=lazy, b=tmp_path / "a.zarr")
    expected = (dataset().t - 273.15).mean("time") / dataset().t.max("time")
    np.testing.assert_allclose(answer, expected, rtol=1e-6)
    # Texts that xarray decodes when they are used are read.
    assert craton.eval("ds.station", ds).values.tolist() == dataset().station.values.tolist()


@pytest.mark.parametrize(
    ("value", "exception", "words"),
    [
        (3, TypeError, "`ds` is a builtins.int"),
        (np.arange(3), TypeError, "`ds` is a numpy"),
        (xr.Dataset({1: ("x", [1])}), TypeError, "names are texts"),
        (xr.DataArray([1], attrs={"made": object()}), TypeError, "attribute `made` of `the array` is a object"),
        (xr.DataArray([[1]], dims=("a", "b")).stack(c=("a", "b")), NotImplementedError, "MultiIndex"),
        (xr.DataArray(np.array([1, "a"], dtype=object)), NotImplementedError, "int, str"),
    ],
)
def test_what_is_no_input_is_named(value, exception, words):
    with pytest.raises(exception, match=words):
        craton.eval("ds", value)


def test_what_another_library_would_load_is_refused(tmp_path):
    dask = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match=r"`t`: the values are a dask array"):
        craton.eval("ds", xr.Dataset({"t": ("x", dask.zeros(3))}))
    dataset().to_zarr(tmp_path / "a.zarr")
    with pytest.raises(TypeError, match=r"the values are not loaded.*craton.open_dataset"):
        craton.eval("ds.t", xr.open_zarr(tmp_path / "a.zarr", chunks=None))


def test_a_name_given_twice_is_refused():
    with pytest.raises(TypeError, match="given twice"):
        craton.eval("ds", dataset(), ds=dataset())


def test_labels_without_one_of_their_levels_are_texts():
    array = xr.DataArray([[1.0, 2.0]], {"a": [5.0], "b": [7.0, 8.0]}, ("a", "b"), "v")
    answer = craton.eval("ds.stack(c=('a', 'b')).drop_vars('a')", array)
    assert answer.c.values.tolist() == ["(5.0, 7.0)", "(5.0, 8.0)"]
    assert answer.b.values.tolist() == [7, 8]

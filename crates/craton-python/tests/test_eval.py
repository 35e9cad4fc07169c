"""`craton.eval` and `craton.explain`: what comes back, what is raised, what is shared."""

import craton
import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("eval") / "store.zarr"
    time = np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(1, "D")
    variables = {
        "t": (("time", "x"), np.arange(24, dtype="float32").reshape(6, 4), {"units": "K"}),
        "packed": ("x", np.array([0.1, 0.2, np.nan, 0.4])),
    }
    dataset = xr.Dataset(variables, {"time": time, "x": np.arange(4) * 10}, {"title": "six days"})
    encoding = {"packed": {"dtype": "int16", "scale_factor": 0.1, "_FillValue": -1}}
    dataset.to_zarr(path, encoding=encoding, consolidated=False)
    return path


def test_an_array_keeps_name_coordinates_and_attributes(store):
    array = craton.eval("ds.t", store)
    assert (array.name, array.dims, array.dtype) == ("t", ("time", "x"), "float32")
    assert array.attrs == {"units": "K"}
    assert array.time.dtype == "datetime64[ns]"
    assert list(array.indexes) == ["time", "x"]
    np.testing.assert_array_equal(array, np.arange(24).reshape(6, 4))


def test_a_dataset_keeps_its_attributes(store):
    dataset = craton.eval("ds.mean('time')", str(store))
    assert dataset.attrs == {"title": "six days"}
    assert set(dataset.data_vars) == {"t", "packed"}


def test_a_number_is_an_array_without_dimensions(store):
    assert craton.eval("1 + 2").item() == 3
    assert craton.eval("ds.t.max()", store).item() == 23


def test_raw_shows_what_is_stored(store):
    assert craton.eval("ds.packed", store, raw=True).values.tolist() == [1, 2, -1, 4]
    assert craton.eval("ds.packed", store).isnull().values.tolist() == [False, False, True, False]


def test_inputs_have_names(store):
    assert craton.eval("a.t.max() - b.t.min()", a=store, b=[store]).item() == 23


def test_results_may_be_written_to_and_share_nothing(store):
    first, second = craton.eval("ds.t", store), craton.eval("ds.t", store)
    first[0, 0] = -1
    assert (first[0, 0], second[0, 0]) == (-1, 0)


def test_results_are_views_of_the_memory_of_the_engine(store):
    base = craton.eval("ds.t + 1", store).values
    while isinstance(base, np.ndarray):
        base = base.base
    assert type(base).__name__ in {"Memory", "memoryview"}


@pytest.mark.parametrize(
    ("expression", "exception", "words"),
    [
        ("ds.nothing", KeyError, "no variable `nothing`"),
        ("ds.t.sel(x=5)", KeyError, "no label 5"),
        ("ds.t.mean('nothing')", KeyError, "no dimension `nothing`"),
        ("ds.t +", ValueError, r"\^"),
        ("ds.t.sel(x=slice(30, 10))", ValueError, "takes nothing"),
        ("ds.t.drop_vars('x', errors='maybe')", ValueError, "raise"),
        ("np.sqrt", ValueError, r"brackets .* call it"),
        ("ds.t.interp(x=3, method='quintic')", NotImplementedError, "hint"),
    ],
)
def test_errors_become_the_exceptions_of_their_kind(store, expression, exception, words):
    with pytest.raises(exception, match=words):
        craton.eval(expression, store)


def test_a_missing_file_is_a_key_error(tmp_path):
    with pytest.raises(KeyError):
        craton.eval("ds", tmp_path / "nothing.zarr")


def test_too_little_memory_is_a_memory_error(store):
    with pytest.raises(MemoryError):
        craton.eval("ds.t.mean()", store, memory=1)
    with pytest.raises(MemoryError, match="the budget is 1MiB"):
        craton.eval("ds.t.mean()", store, memory="1MiB")
    with pytest.raises(ValueError, match="no unit of size"):
        craton.eval("ds.t.mean()", store, memory="3 parsecs")
    assert craton.eval("ds.t.mean()", store, memory="1GiB").item() == craton.eval("ds.t.mean()", store).item()


def test_explain_tells_the_plan_and_reads_no_values(store):
    text = craton.explain("ds.t.mean('time')", store)
    assert "plan of t" in text
    assert "pipeline 1" in text

"""`craton replay`: a result comes out again from its recipe, or what is not as it was is named."""

import os

import numpy as np
import pytest
from program import craton as program
from program import craton_json

xr = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")


@pytest.fixture
def store(tmp_path):
    values = np.random.default_rng(3).random((30, 4, 6)).astype("f4")
    values[3, 2] = np.nan
    dataset = xr.Dataset(
        {"t": (("time", "lat", "lon"), values, {"units": "K"}), "name": ("lat", np.array(["a", "bb", "", "ccc"], dtype=object))},
        {"time": xr.date_range("2001-01-30", periods=30), "lat": [30.0, 20.0, 10.0, 0.0]},
    )
    dataset.to_zarr(tmp_path / "source.zarr", encoding={"t": {"chunks": (7, 4, 3)}}, consolidated=False, zarr_format=3)
    return tmp_path / "source.zarr"


QUESTIONS = [
    "ds.t.mean('time')",
    "ds",
    "ds.t.groupby('time.month') - ds.t.groupby('time.month').mean()",
    "xr.Dataset({'mean': ds.t.mean(), 'is_high': ds.t > 0.5, 'last': ds.time.max(), 'name': ds.name})",
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("ending", [".zarr", ".nc"])
def test_a_result_comes_out_again(store, tmp_path, question, ending):
    out = tmp_path / f"out{ending}"
    program("eval", question, store, "-o", out)
    answer = craton_json("replay", out)
    assert answer["verdict"] == "identical"
    assert answer["expression"] == question
    assert sum(len(group["compared"]) for group in answer["groups"]) > 0
    assert "identical, in every value" in program("replay", out)


def test_a_copy_comes_out_again(store, tmp_path):
    program("copy", store, tmp_path / "copy.nc")
    assert craton_json("replay", tmp_path / "copy.nc")["verdict"] == "identical"


def test_a_tree_comes_out_again(tmp_path, store):
    xr.DataTree.from_dict({"/": xr.Dataset({"a": ("x", [1.0, 2.0])}), "/below": xr.Dataset({"b": ("y", [3.0])})}).to_zarr(
        tmp_path / "tree.zarr", consolidated=False
    )
    program("eval", "ds.tree * 2", tmp_path / "tree.zarr", "-o", tmp_path / "out.zarr")
    answer = craton_json("replay", tmp_path / "out.zarr")
    assert answer["verdict"] == "identical"
    assert {group["path"] for group in answer["groups"]} == {"/", "/below"}


def test_several_inputs_by_name(store, tmp_path):
    program("eval", "a.t - b.t.mean('time')", f"a={store}", f"b={store}", "-o", tmp_path / "out.zarr")
    assert craton_json("replay", tmp_path / "out.zarr")["verdict"] == "identical"


def test_an_input_that_changed_is_named(store, tmp_path):
    program("eval", "ds.t.mean('time')", store, "-o", tmp_path / "out.zarr")
    os.utime(store, (1, 1))
    # Touched, and the same.
    answer = craton_json("replay", tmp_path / "out.zarr")
    assert (answer["verdict"], len(answer["changed"])) == ("identical", 1)
    zarr.open_group(store)["t"][5, 1, 2] = 100
    answer = craton_json("replay", tmp_path / "out.zarr", code=1)
    assert answer["verdict"] == "input changed"
    assert answer["changed"][0]["url"] == str(store)
    text = program("replay", tmp_path / "out.zarr", code=1)
    assert "input changed" in text
    assert str(store) in text


def test_a_result_that_was_changed_is_different_and_it_is_told_where(store, tmp_path):
    program("eval", "ds.t.mean('time')", store, "-o", tmp_path / "out.zarr")
    zarr.open_group(tmp_path / "out.zarr")["t"][1, 2] = 7
    answer = craton_json("replay", tmp_path / "out.zarr", code=1)
    assert (answer["verdict"], answer["changed"]) == ("different", [])
    (difference,) = answer["groups"][0]["values"]
    assert (difference["variable"], difference["count"]) == ("t", 1)
    assert difference["first"]["index"] == {"lat": 1, "lon": 2}
    assert difference["first"]["b"] == "7.0"


def test_of_a_repository_the_snapshot_is_read_that_was_read(store, tmp_path):
    pytest.importorskip("icechunk")
    repository = tmp_path / "a repository"
    program("copy", store, f"icechunk+{repository}")
    program("eval", "ds.t.max('time')", repository, "-o", tmp_path / "out.zarr")
    program("eval", "ds.t * 0", store, "-o", f"icechunk+{repository}")
    assert craton_json("replay", tmp_path / "out.zarr")["verdict"] == "identical"
    # The other way round: the result is a commit.
    program("eval", "ds.t + 1", store, "-o", f"icechunk+{repository}")
    assert craton_json("replay", repository)["verdict"] == "identical"


def test_a_store_of_several_results_is_not_called_different(store, tmp_path):
    program("eval", "ds.isel(time=slice(0, 10))", store, "-o", tmp_path / "out.zarr")
    program("eval", "ds.isel(time=slice(10, 20))", store, "-o", tmp_path / "out.zarr", "--append-dim", "time")
    assert "appended to" in program("replay", tmp_path / "out.zarr", code=6)


def test_what_has_no_recipe_and_what_is_gone(store, tmp_path):
    assert "no recipe" in program("replay", store, code=3)
    program("eval", "ds.t", store, "-o", tmp_path / "out.nc")
    store.rename(tmp_path / "elsewhere.zarr")
    assert str(store) in program("replay", tmp_path / "out.nc", code=3)


def test_inputs_are_opened_as_they_were_then(store, tmp_path):
    packed = xr.Dataset({"p": ("x", [0.5, 1.0, np.nan])})
    encoding = {"p": {"dtype": "i2", "scale_factor": 0.5, "_FillValue": np.int16(-9)}}
    packed.to_zarr(tmp_path / "packed.zarr", encoding=encoding, zarr_format=3, consolidated=False)
    program("eval", "ds.p + 0", tmp_path / "packed.zarr", "--raw", "-o", tmp_path / "raw.zarr")
    assert craton_json("replay", tmp_path / "raw.zarr")["verdict"] == "identical"
    for name, first in (("early", 0), ("late", 2)):
        part = xr.Dataset({"q": ("time", np.arange(4.0) + 10 * first)}, {"time": np.arange(first, first + 4)})
        part.to_zarr(tmp_path / f"{name}.zarr", zarr_format=3, consolidated=False)
    both = [tmp_path / "early.zarr", tmp_path / "late.zarr"]
    program("eval", "ds.q * 1", *both, "--keep", "last", "-o", tmp_path / "kept.zarr")
    assert craton_json("replay", tmp_path / "kept.zarr")["verdict"] == "identical"
    recipe = zarr.open_group(tmp_path / "kept.zarr").attrs["craton_recipe"]
    assert recipe["open"] == {"decode_cf": True, "keep": "last", "skip_bad": False}

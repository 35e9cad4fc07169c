"""`diff`, `info --stats` and `info --check` beside xarray, CDO and compliance-checker."""

import json
import re

import numpy as np
import pytest

xr = pytest.importorskip("xarray")
pytest.importorskip("netCDF4", reason="the short lane has no netCDF library to write the inputs with")

from program import craton_json, other  # noqa: E402


def dataset():
    random = np.random.default_rng(7)
    values = random.normal(280, 10, (6, 4, 5)).astype("float32")
    values[1, 2, 3] = np.nan
    packed = np.round(random.uniform(0, 50, (6, 4, 5)), 1)
    packed[0, 0, :2] = np.nan
    return xr.Dataset(
        {
            "t": (("time", "lat", "lon"), values, {"units": "K", "standard_name": "air_temperature"}),
            "rain": (("time", "lat", "lon"), packed, {"units": "mm", "long_name": "rain"}),
            "name": ("lat", np.array(["a", "b", "c", "dd"], dtype=object)),
        },
        {
            "time": ("time", xr.date_range("2001-01-01", periods=6), {"standard_name": "time"}),
            "lat": ("lat", [30.0, 10, -10, -30], {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", np.arange(5) * 72.0, {"units": "degrees_east", "standard_name": "longitude"}),
        },
        {"Conventions": "CF-1.11", "title": "made by a test"},
    )


PACKING = {"rain": {"dtype": "int16", "scale_factor": 0.1, "add_offset": 10.0, "_FillValue": np.int16(-1)}}


def written(made, path, packing=PACKING):
    made.to_netcdf(path, encoding={name: how for name, how in packing.items() if name in made})
    return path


@pytest.mark.parametrize("other_format", ["NETCDF3_64BIT", "NETCDF4", "zarr2", "zarr3"])
def test_diff_finds_no_difference_between_formats(tmp_path, other_format):
    made = dataset().drop_vars("name")
    one = written(made, tmp_path / "one.nc")
    if other_format.startswith("zarr"):
        pytest.importorskip("zarr")
        two = tmp_path / "two.zarr"
        made.to_zarr(two, zarr_format=int(other_format[-1]), encoding=PACKING)
    else:
        two = tmp_path / "two.nc"
        made.to_netcdf(two, format=other_format, encoding=PACKING)
    found = craton_json("diff", one, two)
    assert found["equal"], found
    assert set(found["groups"][0]["compared"]) == set(made.variables)


def test_diff_tells_every_kind_of_metadata(tmp_path):
    made = dataset()
    one = written(made, tmp_path / "one.nc")
    changed = made.isel(lon=slice(4)).drop_vars("name").assign(new=("lon", np.arange(4)))
    changed["t"] = changed.t.astype("float64").assign_attrs(units="degC")
    two = written(changed, tmp_path / "two.nc")
    (group,) = craton_json("diff", one, two, code=1)["groups"]
    found = {(line["aspect"], line["variable"], line["name"]) for line in group["metadata"]}
    assert found == {
        ("dimension", None, "lon"),
        ("variable", "name", "name"),
        ("variable", "new", "new"),
        ("dtype", "t", "t"),
        ("attribute", "t", "units"),
    }


def test_diff_counts_and_measures_as_numpy_does(tmp_path):
    made = dataset()
    one = written(made, tmp_path / "one.nc")
    changed = made.copy(deep=True)
    changed["t"].values[2, 1, 0] += 0.5
    changed["t"].values[4, 3, 4] = np.nan
    changed["t"].values[5, 0, 0] *= 1.01
    changed["name"] = ("lat", np.array(["a", "x", "c", "dd"], dtype=object))
    two = written(changed, tmp_path / "two.nc")
    found = {line["variable"]: line for line in craton_json("diff", one, two, code=1)["groups"][0]["values"]}
    assert set(found) == {"t", "name"}
    a, b = made.t.values.astype("float64"), changed.t.values.astype("float64")
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    assert found["t"]["count"] == differs.sum()
    size = np.maximum(abs(a), abs(b))
    assert found["t"]["max_absolute"] == pytest.approx(np.nanmax(abs(a - b)), rel=1e-12)
    assert found["t"]["max_relative"] == pytest.approx(np.nanmax(abs(a - b) / size), rel=1e-12)
    first = dict(zip(("time", "lat", "lon"), map(int, np.argwhere(differs)[0]), strict=True))
    assert found["t"]["first"]["index"] == first
    assert found["t"]["first"]["labels"]["time"] == "2001-01-03T00:00:00"
    assert found["name"]["first"]["index"] == {"lat": 1}
    for rtol, atol in ((0, 0.6), (0.02, 0), (0.001, 0.1)):
        options = ("--rtol", str(rtol), "--atol", str(atol))
        within = craton_json("diff", f"{one}!/t", f"{two}!/t", *options, code=1)["groups"][0]["values"]
        assert within[0]["count"] == (~np.isclose(a, b, rtol, atol, equal_nan=True)).sum()


def test_diff_agrees_with_cdo(tmp_path):
    made = dataset()[["t"]]
    one = written(made, tmp_path / "one.nc", {})
    changed = made.copy(deep=True)
    changed["t"].values[2, 1, 0] += 0.5
    changed["t"].values[5, 0, 0] *= 1.01
    two = written(changed, tmp_path / "two.nc", {})
    table = other("cdo", "diffn", one, two)
    # `3 : 2001-01-03 00:00:00 0 20 0 1 : F F 0.5 0.0018866 : t`
    rows = [line.split(" : ")[2].split() for line in table.splitlines() if re.match(r"\s*\d+ :", line)]
    (line,) = craton_json("diff", one, two, code=1)["groups"][0]["values"]
    assert max(float(row[2]) for row in rows) == pytest.approx(line["max_absolute"], rel=1e-4)
    assert max(float(row[3]) for row in rows) == pytest.approx(line["max_relative"], rel=1e-3)


def test_statistics_are_those_of_xarray(tmp_path):
    made = dataset()
    made["t"].values[0, 0, 0] = np.inf
    path = written(made, tmp_path / "one.nc")
    found = craton_json("info", "--stats", path)["groups"][0]["variables"]
    with xr.open_dataset(path) as opened:
        for name in ("t", "rain", "lat", "lon"):
            values, stats = opened[name], found[name]["stats"]
            assert stats["count"] == values.size
            assert stats["missing"] == int(values.isnull().sum())
            assert stats["infinite"] == int(np.isinf(values).sum())
            for fold in ("min", "max", "mean"):
                own = float("inf") if stats[fold] == "Infinity" else stats[fold]
                assert own == pytest.approx(float(getattr(values.astype("float64"), fold)()), rel=1e-6)
        assert found["time"]["stats"]["max"] == "2001-01-06T00:00:00"
    assert "stats" not in found["name"]


def unit_that_is_none(made):
    made["t"].attrs["units"] = "furlongs per moon"


def unit_of_another_quantity(made):
    made["t"].attrs["units"] = "kg"


def standard_name_with_blanks(made):
    made["t"].attrs["standard_name"] = "Air Temperature of things"


def coordinates_that_do_not_exist(made):
    made["t"].attrs["coordinates"] = "nowhere"


def method_that_is_none(made):
    made["t"].attrs["cell_methods"] = "time: meen"


def axis_that_is_none(made):
    made["lat"].attrs["axis"] = "Q"


def flags_without_meanings(made):
    made["t"].attrs["flag_values"] = np.array([1, 2], "float32")


def fewer_meanings_than_flags(made):
    made["t"].attrs.update(flag_values=np.array([1, 2], "float32"), flag_meanings="one")


def conventions_missing(made):
    del made.attrs["Conventions"]


def bounds_that_do_not_exist(made):
    made["lat"].attrs["bounds"] = "lat_bnds"


def latitude_in_plain_degrees(made):
    made["lat"].attrs["units"] = "degrees"


def name_that_begins_with_a_digit(made):
    made["2m"] = made["t"]


def grid_mapping_that_does_not_exist(made):
    made["t"].attrs["grid_mapping"] = "nowhere"


def ancillary_variable_that_does_not_exist(made):
    made["t"].attrs["ancillary_variables"] = "nowhere"


def nothing_that_describes(made):
    del made["t"].attrs["standard_name"]


def dimensions_in_another_order(made):
    made["t"] = made["t"].transpose("lon", "lat", "time")


def range_upside_down(made):
    made["t"].attrs["valid_range"] = np.array([400, 100], "float32")


def range_of_another_type(made):
    made["t"].attrs["valid_range"] = np.array([100, 400], "int16")


def missing_value_of_another_type(made):
    made["t"].attrs["missing_value"] = np.int16(-999)


def packing_of_two_types(made):
    made["t"].attrs.update(scale_factor=np.float32(2), add_offset=np.float64(1))


def direction_that_is_none(made):
    made["lat"].attrs["positive"] = "sideways"


def _time(made, **attributes):
    made["time"] = ("time", np.arange(6.0), {"standard_name": "time", "units": "days since 2001-01-01", **attributes})


def calendar_that_is_none(made):
    _time(made, calendar="martian")


def time_since_no_date(made):
    _time(made, units="days")


def labels_in_no_order(made):
    made["lat"] = ("lat", [30.0, -10, 10, -30], made["lat"].attrs)


def bounds_of_another_shape(made):
    made["lat_bnds"] = ("lon", np.arange(5.0), {"long_name": "bounds"})
    made["lat"].attrs["bounds"] = "lat_bnds"


FAULTS = [
    (unit_that_is_none, "units"),
    (unit_of_another_quantity, "standard_name"),
    (standard_name_with_blanks, "standard_name"),
    (coordinates_that_do_not_exist, "coordinates"),
    (method_that_is_none, "cell_methods"),
    (axis_that_is_none, "axis"),
    (flags_without_meanings, "flags"),
    (fewer_meanings_than_flags, "flags"),
    (conventions_missing, "conventions"),
    (bounds_that_do_not_exist, "bounds"),
    (latitude_in_plain_degrees, "units"),
    (name_that_begins_with_a_digit, "names"),
    (grid_mapping_that_does_not_exist, "references"),
    (ancillary_variable_that_does_not_exist, "references"),
    (nothing_that_describes, "description"),
    (dimensions_in_another_order, "dimensions"),
    (range_upside_down, "valid_range"),
    (range_of_another_type, "valid_range"),
    (missing_value_of_another_type, "fill_value"),
    (packing_of_two_types, "packing"),
    (direction_that_is_none, "axis"),
    (calendar_that_is_none, "calendar"),
    (time_since_no_date, "calendar"),
    (labels_in_no_order, "monotonic"),
    (bounds_of_another_shape, "bounds"),
]


def faulty(tmp_path, fault):
    made = dataset()[["t"]].copy(deep=True)
    if fault is not None:
        fault(made)
    path = tmp_path / f"{fault.__name__ if fault else 'whole'}.nc"
    # Coordinates may have no missing values, so they need no fill value.
    made.to_netcdf(path, encoding={name: {"_FillValue": None} for name in ("lat", "lon", "time")})
    return path


def findings(path):
    found = craton_json("info", "--check", path, code=None)["check"]
    assert found["errors"] + found["warnings"] == len(found["findings"])
    return {line["rule"] for line in found["findings"]}


def test_a_file_that_keeps_the_conventions_is_clean(tmp_path):
    assert findings(faulty(tmp_path, None)) == set()


@pytest.mark.parametrize(("fault", "rule"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_every_fault_is_found(tmp_path, fault, rule):
    assert rule in findings(faulty(tmp_path, fault))


# compliance-checker 6 says nothing of these, though CF 7.1, 3.5, 2.5.1 and 4.3 ask for what is missing or wrong.
SILENT = {bounds_that_do_not_exist, flags_without_meanings, range_upside_down, direction_that_is_none}


def complaints(path):
    report = path.with_suffix(".json")
    other("compliance-checker", "-t", "cf:1.11", "-f", "json", "-o", report, path)
    (result,) = json.loads(report.read_text()).values()
    lists = [result[priority] for priority in ("high_priorities", "medium_priorities", "low_priorities")]
    return {message for checks in lists for check in checks for message in check["msgs"]}


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS], ids=[fault.__name__ for fault, _ in FAULTS])
def test_compliance_checker_complains_of_the_same_faults(tmp_path, fault):
    before = complaints(faulty(tmp_path, None))
    assert bool(complaints(faulty(tmp_path, fault)) - before) == (fault not in SILENT)

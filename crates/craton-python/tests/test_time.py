"""Times in every CF calendar, beside cftime, xarray and CDO."""

import numpy as np
import pytest

xr = pytest.importorskip("xarray")
cftime = pytest.importorskip("cftime")
netCDF4 = pytest.importorskip("netCDF4", reason="the short lane has no netCDF library to write the inputs with")

from program import craton, craton_json, other  # noqa: E402

CALENDARS = [
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "julian",
    "noleap",
    "365_day",
    "all_leap",
    "366_day",
    "360_day",
]


def write(path, counts, units, calendar, values=None):
    """Write one variable over these times."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(counts))
        counts = np.asarray(counts)
        time = file.createVariable("time", counts.dtype, ("time",))
        time.units = units
        if calendar is not None:
            time.calendar = calendar
        time[:] = counts
        x = file.createVariable("x", "f8", ("time",))
        x[:] = np.arange(len(counts), dtype=float) if values is None else values
    return path


def iso(values):
    """Give texts of `datetime64` or cftime as the program writes them."""
    texts = []
    for value in np.atleast_1d(values):
        text = str(value) if isinstance(value, np.datetime64) else value.isoformat()
        head, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        texts.append(f"{head}.{fraction}" if fraction else head)
    return texts


def times(*paths, expression="ds.time"):
    return craton_json("eval", expression, *paths)["data"]


@pytest.mark.parametrize("calendar", [*CALENDARS, None])
@pytest.mark.parametrize(
    ("units", "counts"),
    [
        ("days since 2000-01-01", [0, 58, 59, 60, 365, 366, 36524]),
        ("hours since 1850-01-01 06:00", [0, 5, 24 * 59, 8_759_999]),
        ("days since 0001-01-01", [0, 1, 59, 577_737, 730_000, 3_600_000]),
        ("seconds since 1970-01-01T00:00:00Z", [-1, 0, 86_399, 2**40]),
        ("minutes since 1582-10-04 12:00", [0, 719, 720, 14_400]),
        ("days since 1582-01-01", [0.5, 276.25, 277.75, 400.125]),
        ("days since 1990-01-01 00:00:00 +05:30", [0.0, 0.1, 1e4 + 1 / 3]),
    ],
)
def test_dates_are_those_of_xarray(tmp_path, calendar, units, counts):
    path = write(tmp_path / "one.nc", counts, units, calendar)
    with xr.open_dataset(path) as opened:
        assert times(path) == iso(opened.time.values)


@pytest.mark.parametrize("calendar", ["standard", "julian", "noleap", "all_leap", "360_day"])
def test_every_day_around_the_year_ends_is_that_of_cftime(tmp_path, calendar):
    counts = np.arange(0, 9998 * 365, 997)
    units = "days since 0001-01-01"
    path = write(tmp_path / "one.nc", counts, units, calendar)
    assert times(path) == iso(cftime.num2date(counts, units, calendar))


@pytest.mark.parametrize(
    ("units", "calendar"),
    [
        ("months since 2000-01-01", "standard"),
        ("years since 2000-01-01", "noleap"),
        ("days since 2001-02-29", "noleap"),
        ("days since 1582-10-10", "standard"),
        ("days since 2000-01-01", "lunar"),
    ],
)
def test_times_that_cannot_be_told_are_errors(tmp_path, units, calendar):
    path = write(tmp_path / "one.nc", [0, 1], units, calendar)
    report = craton("eval", "ds.time", path, code=4)
    assert "one.nc" in report and "hint:" in report, report


def test_months_have_thirty_days_where_all_do(tmp_path):
    path = write(tmp_path / "one.nc", [0, 1, 13], "months since 2000-01-01", "360_day")
    assert times(path) == ["2000-01-01T00:00:00", "2000-02-01T00:00:00", "2001-02-01T00:00:00"]


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "julian"])
def test_cdo_names_the_same_dates(tmp_path, calendar):
    path = write(tmp_path / "one.nc", np.arange(0, 800, 29.0), "days since 1999-12-25", calendar)
    if calendar == "julian":
        pytest.skip("CDO reads `julian` as `standard`")
    assert times(path) == other("cdo", "-s", "showtimestamp", path).split()


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_files_of_other_references_combine_as_in_xarray(tmp_path, calendar):
    pytest.importorskip("dask")
    one = write(tmp_path / "one.nc", [0, 1, 2], "days since 2000-01-01", calendar)
    two = write(tmp_path / "two.nc", [72, 96, 120], "hours since 2000-01-01", calendar, [3, 4, 5])
    three = write(tmp_path / "three.nc", np.array([0.0, 1440]), "minutes since 2000-02-01", calendar, [6, 7])
    with xr.open_mfdataset([one, two, three], combine="by_coords") as opened:
        assert times(three, one, two) == iso(opened.time.values)
        assert times(three, one, two, expression="ds.x") == opened.x.values.tolist()


def test_files_before_and_after_the_range_of_nanoseconds_combine(tmp_path):
    one = write(tmp_path / "one.nc", [0, 1], "days since 1500-01-01", "standard")
    two = write(tmp_path / "two.nc", [0, 1], "days since 2000-01-01", "standard")
    expected = ["1500-01-01", "1500-01-02", "2000-01-01", "2000-01-02"]
    assert times(two, one) == [f"{day}T00:00:00" for day in expected]


@pytest.mark.parametrize("source", ["standard", "noleap", "360_day", "julian"])
@pytest.mark.parametrize("target", ["standard", "proleptic_gregorian", "noleap", "all_leap", "360_day", "julian"])
@pytest.mark.parametrize("align_on", ["date", "year"])
def test_conversions_of_calendars_are_those_of_xarray(tmp_path, source, target, align_on):
    path = write(tmp_path / "one.nc", np.arange(0, 1500, 7), "days since 1999-12-25", source)
    expression = f"ds.x.convert_calendar('{target}', align_on='{align_on}')"
    with xr.open_dataset(path) as opened:
        expected = opened.x.convert_calendar(target, align_on=align_on)
    assert times(path, expression=f"{expression}.time") == iso(expected.time.values)
    assert times(path, expression=expression) == expected.values.tolist()


@pytest.mark.parametrize("source", ["proleptic_gregorian", "noleap", "360_day"])
@pytest.mark.parametrize("target", ["standard", "noleap", "all_leap", "360_day", "julian"])
@pytest.mark.parametrize("freq", ["D", "5D", "6h", "MS", "ME", "QS-DEC", "YE", "2YS-JUL"])
def test_dates_that_only_the_other_calendar_has_get_what_is_missing(tmp_path, source, target, freq):
    dates = xr.date_range("2000-01-01", periods=61, freq=freq, calendar=source, use_cftime=True)
    days = cftime.date2num(dates, "days since 2000-01-01", source)
    path = write(tmp_path / "one.nc", days, "days since 2000-01-01", source, np.arange(61.0))
    expression = f"ds.x.convert_calendar('{target}', align_on='date', missing=-1.0)"
    with xr.open_dataset(path) as opened:
        expected = opened.x.convert_calendar(target, align_on="date", missing=-1.0)
    assert times(path, expression=f"{expression}.time") == iso(expected.time.values)
    assert times(path, expression=expression) == expected.values.tolist()


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("year", [1, 1500, 1600, 2000, 2300, 9999])
def test_python_gets_what_xarray_chooses(tmp_path, calendar, year):
    package = pytest.importorskip("craton")
    path = write(tmp_path / "one.nc", [0, 30.5], f"days since {year:04}-01-01", calendar)
    with xr.open_dataset(path) as expected, package.open_dataset(path) as actual:
        assert actual.time.dtype == expected.time.dtype
        assert type(actual.time.values[0]) is type(expected.time.values[0])
        xr.testing.assert_identical(actual.time.load(), expected.time.load())
    evaluated = package.eval("ds.time", str(path))
    assert iso(evaluated.values) == iso(expected.time.values)

"""Operators of CDO as expressions: the table that `test_cdo.py` checks and `docs/from-cdo.md` shows.

`python cdo_operators.py` runs CDO (2.1.1 was used) on the input made here and records its answers in `cdo_answers.npz`, so that
they are compared with where CDO is not installed. `python cdo_operators.py --page` writes the page.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
ANSWERS = HERE / "cdo_answers.npz"
PAGE = HERE.parent.parent.parent / "docs" / "from-cdo.md"

LAT, LON, LEV = [46.0, 42.0, 38.0, 34.0], [0.0, 4.0, 8.0, 12.0], [1000.0, 850.0, 500.0, 200.0]
STEPS = 420


class Operator(NamedTuple):
    name: str
    command: str
    """After `cdo`; `a`, `b` and `levels` are files, `[` and `]` group them."""
    expression: str
    tolerance: float = 2e-5
    """Of the largest value; CDO computes in 64 bits and stores 32."""


WEIGHTS = "np.cos(np.deg2rad(a.lat))"
OPERATORS = [
    # Over time.
    Operator("timmean", "timmean a", 'a.t.mean("time")'),
    Operator("timsum", "timsum a", 'a.t.sum("time", min_count=1)'),
    Operator("timmin", "timmin a", 'a.t.min("time")'),
    Operator("timmax", "timmax a", 'a.t.max("time")'),
    Operator("timrange", "timrange a", 'a.t.max("time") - a.t.min("time")'),
    Operator("timstd", "timstd a", 'a.t.std("time")'),
    Operator("timstd1", "timstd1 a", 'a.t.std("time", ddof=1)'),
    Operator("timvar", "timvar a", 'a.t.var("time")', 1e-4),
    Operator("timselmean", "timselmean,10 a", "a.t.coarsen(time=10).mean()"),
    Operator("timselmax", "timselmax,70 a", "a.t.coarsen(time=70).max()"),
    Operator("monmean", "monmean a", 'a.t.resample(time="MS").mean()'),
    Operator("monsum", "monsum a", 'a.t.resample(time="MS").sum(min_count=1)'),
    Operator("monmin", "monmin a", 'a.t.resample(time="MS").min()'),
    Operator("monmax", "monmax a", 'a.t.resample(time="MS").max()'),
    Operator("monstd", "monstd a", 'a.t.resample(time="MS").std()', 1e-4),
    Operator("yearmean", "yearmean a", 'a.t.resample(time="YS").mean()'),
    Operator("yearmax", "yearmax a", 'a.t.resample(time="YS").max()'),
    Operator("yearsum", "yearsum a", 'a.t.resample(time="YS").sum(min_count=1)'),
    Operator("seasmean", "seasmean a", 'a.t.resample(time="QS-DEC").mean()'),
    Operator("ymonmean", "ymonmean a", 'a.t.groupby("time.month").mean()'),
    Operator("ymonmax", "ymonmax a", 'a.t.groupby("time.month").max()'),
    Operator("ymonstd", "ymonstd a", 'a.t.groupby("time.month").std()', 1e-4),
    Operator("ymonsub", "ymonsub a -ymonmean a", 'a.t.groupby("time.month") - a.t.groupby("time.month").mean()', 1e-4),
    Operator("ydaymean", "ydaymean a", 'a.t.groupby("time.dayofyear").mean()'),
    Operator("ydaysub", "ydaysub a -ydaymean a", 'a.t.groupby("time.dayofyear") - a.t.groupby("time.dayofyear").mean()', 1e-4),
    Operator(
        "yseasmean", "yseasmean a", 'a.t.groupby("time.season").mean().sel(season=["DJF", "MAM", "JJA", "SON"])'
    ),
    Operator("runmean", "runmean,5 a", "a.t.rolling(time=5, center=True, min_periods=1).mean().isel(time=slice(2, -2))"),
    Operator("runmin", "runmin,5 a", "a.t.rolling(time=5, center=True, min_periods=1).min().isel(time=slice(2, -2))"),
    Operator("runmax", "runmax,5 a", "a.t.rolling(time=5, center=True, min_periods=1).max().isel(time=slice(2, -2))"),
    Operator("runsum", "runsum,5 a", "a.t.rolling(time=5, center=True, min_periods=1).sum().isel(time=slice(2, -2))"),
    Operator("timcor", "timcor a b", 'xr.corr(a.t, b.t, dim="time")', 1e-4),
    Operator("timcovar", "timcovar a b", 'xr.cov(a.t, b.t, dim="time", ddof=0)', 1e-4),
    # Over the map. CDO's weights are the areas of cells, which on evenly spaced latitudes go as the cosine.
    Operator("fldmean", "fldmean a", f'a.t.weighted({WEIGHTS}).mean(("lat", "lon"))'),
    Operator("fldstd", "fldstd a", f'a.t.weighted({WEIGHTS}).std(("lat", "lon"))', 1e-4),
    Operator("fldmin", "fldmin a", 'a.t.min(("lat", "lon"))'),
    Operator("fldmax", "fldmax a", 'a.t.max(("lat", "lon"))'),
    Operator("fldsum", "fldsum a", 'a.t.sum(("lat", "lon"), min_count=1)'),
    Operator("fldrange", "fldrange a", 'a.t.max(("lat", "lon")) - a.t.min(("lat", "lon"))'),
    Operator("zonmean", "zonmean a", 'a.t.mean("lon")'),
    Operator("zonmax", "zonmax a", 'a.t.max("lon")'),
    Operator("zonstd", "zonstd a", 'a.t.std("lon")', 1e-4),
    Operator("mermean", "mermean a", f'a.t.weighted({WEIGHTS}).mean("lat")'),
    Operator("mermin", "mermin a", 'a.t.min("lat")'),
    # Over levels.
    Operator("vertmax", "vertmax levels", 'levels.u.max("lev")'),
    Operator("vertsum", "vertsum levels", 'levels.u.sum("lev", min_count=1)'),
    Operator("intlevel", "intlevel,900,700,300 levels", "levels.u.interp(lev=[900.0, 700.0, 300.0])"),
    Operator("sellevel", "sellevel,850,200 levels", "levels.u.sel(lev=[850.0, 200.0])"),
    # Arithmetic.
    Operator("add", "add a b", "a.t + b.t"),
    Operator("sub", "sub a b", "a.t - b.t", 1e-4),
    Operator("mul", "mul a b", "a.t * b.t"),
    Operator("div", "div a b", "a.t / b.t"),
    Operator("min", "min a b", "np.fmin(a.t, b.t)"),
    Operator("addc", "addc,5 a", "a.t + 5"),
    Operator("subc", "subc,273.15 a", "a.t - 273.15", 1e-4),
    Operator("mulc", "mulc,2 a", "a.t * 2"),
    Operator("divc", "divc,9.81 a", "a.t / 9.81"),
    Operator("sqrt", "sqrt a", "np.sqrt(a.t)"),
    Operator("sqr", "sqr a", "a.t ** 2"),
    Operator("ln", "ln a", "np.log(a.t)"),
    Operator("log10", "log10 a", "np.log10(a.t)"),
    Operator("abs", "abs -subc,280 a", "abs(a.t - 280)", 1e-4),
    Operator("gtc", "gtc,280 a", "(a.t > 280).where(a.t.notnull())"),
    Operator("lec", "lec,280 a", "(a.t <= 280).where(a.t.notnull())"),
    Operator("ifthen", "ifthen -gtc,280 a b", "b.t.where(a.t > 280)"),
    Operator("ifthenelse", "ifthenelse -gtc,280 a b a", "xr.where(a.t > 280, b.t, a.t).where(a.t.notnull())"),
    Operator("ensmean", "ensmean a b", 'xr.concat([a.t, b.t], "member").mean("member")'),
    Operator("ensmax", "ensmax a b", 'xr.concat([a.t, b.t], "member").max("member")'),
    Operator("ensstd", "ensstd a b", 'xr.concat([a.t, b.t], "member").std("member")', 1e-4),
    # Missing values.
    Operator("setmisstoc", "setmisstoc,0 a", "a.t.fillna(0)"),
    Operator("setctomiss", "setctomiss,0 -setmisstoc,0 a", "a.t.fillna(0).where(a.t.fillna(0) != 0)"),
    Operator("setrtomiss", "setrtomiss,0,280 a", "a.t.where((a.t < 0) | (a.t > 280))"),
    Operator("setrtoc", "setrtoc,0,280,-1 a", "xr.where((a.t >= 0) & (a.t <= 280), -1, a.t)"),
    # Selections.
    Operator("selmon", "selmon,1,7 a", "a.t.sel(time=a.time.dt.month.isin([1, 7]))"),
    Operator("selyear", "selyear,2002 a", 'a.t.sel(time="2002")'),
    Operator("selseas", "selseas,JJA a", "a.t.sel(time=a.time.dt.month.isin([6, 7, 8]))"),
    Operator("seldate", "seldate,2001-02-03,2001-03-04 a", 'a.t.sel(time=slice("2001-02-03", "2001-03-04"))'),
    Operator("seltimestep", "seltimestep,1/10 a", "a.t.isel(time=slice(0, 10))"),
    Operator("sellonlatbox", "sellonlatbox,3,9,35,43 a", "a.t.sel(lat=slice(43, 35), lon=slice(3, 9))"),
    Operator("selindexbox", "selindexbox,2,3,1,2 a", "a.t.isel(lon=slice(1, 3), lat=slice(0, 2))"),
    Operator("invertlat", "invertlat a", "a.t.isel(lat=slice(None, None, -1))"),
    # Other grids.
    Operator("remapbil", "remapbil,target levels", "levels.u.interp(lat=[45.0, 39.0, 35.0], lon=[1.0, 5.0, 11.0])"),
    Operator(
        "remapnn",
        "remapnn,target levels",
        'levels.u.sel(lat=[45.0, 39.0, 35.0], lon=[1.0, 5.0, 11.0], method="nearest")',
    ),
]


def make_inputs(folder: Path) -> None:
    """Two files of daily maps with missing cells, one of levels, and a grid."""
    import netCDF4

    random = np.random.default_rng(7)
    season = 12 * np.cos(2 * np.pi * (np.arange(STEPS) - 20) / 365)[:, None, None]
    zonal = 30 * np.cos(np.deg2rad(LAT))[None, :, None]
    for name in ("a", "b"):
        values = 250 + season + zonal + random.normal(0, 4, (STEPS, len(LAT), len(LON)))
        values[random.random(values.shape) < 0.03] = np.nan
        values[:, 3, 1] = np.nan
        with netCDF4.Dataset(folder / f"{name}.nc", "w") as file:
            add_axis(file, "time", np.arange(STEPS, dtype="f8"), units="days since 2001-01-01", calendar="standard")
            add_map(file)
            variable = file.createVariable("t", "f4", ("time", "lat", "lon"), fill_value=np.float32(-9e33))
            variable[:] = np.ma.masked_invalid(values)
    with netCDF4.Dataset(folder / "levels.nc", "w") as file:
        add_axis(file, "time", np.arange(6, dtype="f8"), units="days since 2001-01-01", calendar="standard")
        add_axis(file, "lev", LEV, units="hPa", standard_name="air_pressure", positive="down", axis="Z")
        add_map(file)
        variable = file.createVariable("u", "f4", ("time", "lev", "lat", "lon"))
        variable[:] = random.normal(10, 5, (6, len(LEV), len(LAT), len(LON)))
    (folder / "target").write_text(
        "gridtype = lonlat\nxsize = 3\nysize = 3\nxvals = 1 5 11\nyvals = 45 39 35\n"
    )


def add_axis(file, name: str, values, **attributes) -> None:
    file.createDimension(name, len(values))
    axis = file.createVariable(name, "f8", (name,))
    axis.setncatts(attributes)
    axis[:] = values


def add_map(file) -> None:
    add_axis(file, "lat", LAT, units="degrees_north", standard_name="latitude")
    add_axis(file, "lon", LON, units="degrees_east", standard_name="longitude")


def run_cdo(operator: Operator, folder: Path) -> np.ndarray:
    """CDO's own answer, missing values as NaN."""
    files = {name: str(folder / f"{name}.nc") for name in ("a", "b", "levels")}
    words = [files.get(word, word.replace("target", str(folder / "target"))) for word in operator.command.split()]
    words[0] = "-" + words[0]
    out = folder / "cdo.nc"
    command = ["cdo", "-s", "-O", "-f", "nc4", "-b", "F64", *words, str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return read(out)


def read(path: Path) -> np.ndarray:
    """The one variable of a file that is not a coordinate, without axes of length one."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        (name,) = [name for name in file.variables if name in ("t", "u", "answer")]
        return np.ma.filled(np.ma.asarray(file[name][...], "f8"), np.nan).squeeze()


def record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(Path(folder))
        answers = {operator.name: run_cdo(operator, Path(folder)).astype("f4") for operator in OPERATORS}
    np.savez_compressed(ANSWERS, **answers)


def page() -> str:
    """The table as a page."""
    lines = [
        "# From CDO to Craton",
        "",
        "What CDO's operators are as expressions. Each is compared with CDO 2.1.1's own answer in the tests; `a`, `b` and `levels` are",
        "inputs, as in `craton eval EXPR a=a.nc b=b.nc -o out.nc`. Where nothing is noted, answers agree to 2e-5 of the largest value.",
        "",
        "| operator | expression | agrees to |",
        "|---|---|---|",
    ]
    for operator in OPERATORS:
        expression = operator.expression.replace("|", "\\|")
        tolerance = "" if operator.tolerance == 2e-5 else f"{operator.tolerance:.0e}"
        lines.append(f"| `{operator.command}` | `{expression}` | {tolerance} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--page" in sys.argv:
        PAGE.write_text(page())
    else:
        record()

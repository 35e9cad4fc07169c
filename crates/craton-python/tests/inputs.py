"""The data of the differential tests: real files where the corpus is at hand, made ones of the same names elsewhere."""

import os
from pathlib import Path

import numpy as np
import xarray as xr

# Input -> its place in the corpus. The made stand-in has the same variables, dimensions and kinds of values.
REAL = {
    "air": "real/netcdf4/kerchunk/air.nc",
    "lcc": "real/netcdf3/iris-test-data/test_lcc.nc",
    "example": "real/netcdf3/xarray/example_1.nc",
    "bears": "real/netcdf3/xarray/bears.nc",
}


def _distinct(shape, dtype="float64", scale=1.0):
    return (np.arange(np.prod(shape)).reshape(shape) * 7 % 1009 * scale).astype(dtype)


def _air():
    values = 240 + _distinct((124, 11, 21), scale=0.1)
    time = np.datetime64("2014-10-01", "ns") + np.arange(124) * np.timedelta64(6, "h")
    coords = {
        "lat": ("lat", np.linspace(75, 50, 11, dtype="float32"), {"units": "degrees_north"}),
        "lon": ("lon", np.linspace(250, 300, 21, dtype="float32"), {"units": "degrees_east"}),
        "time": ("time", time, {"long_name": "Time"}),
    }
    attrs = {"units": "degK", "precision": np.int16(2), "actual_range": np.array([185.16, 322.1], "float32")}
    air = (("time", "lat", "lon"), values, attrs)
    encoding = {"air": {"dtype": "int16", "scale_factor": 0.01, "add_offset": 400.0, "_FillValue": 32767}}
    return xr.Dataset({"air": air}, coords, {"title": "reanalysis"}), encoding


def _lcc():
    time = np.datetime64("2010-01-16T12", "ns") + np.arange(12) * np.timedelta64(30, "D")
    bounds = np.stack([time - np.timedelta64(15, "D"), time + np.timedelta64(15, "D")], axis=1)
    across, up = np.meshgrid(np.linspace(10.5, 11.4, 60), np.linspace(47.0, 47.5, 60))
    coords = {
        "time": ("time", time, {"axis": "T", "bounds": "time_bnds"}),
        "y": ("y", np.arange(346500, 406500, 1000, dtype="int32"), {"units": "meters"}),
        "x": ("x", np.arange(223500, 283500, 1000, dtype="int32"), {"units": "meters"}),
        "lat": (("y", "x"), up, {"units": "degrees_north"}),
        "lon": (("y", "x"), across, {"units": "degrees_east"}),
    }
    tas = _distinct((12, 60, 60), scale=0.05) - 15
    tas[:, 3:9, 5] = np.nan
    variables = {
        "tas": (("time", "y", "x"), tas, {"units": "Celsius", "cell_methods": "time: mean"}),
        "lambert_conformal_conic": ((), np.int32(0), {"standard_parallel": np.array([49, 46], "float32")}),
        "time_bnds": (("time", "bnds"), bounds),
    }
    return xr.Dataset(variables, coords, {"Conventions": "CF-1.5"}), {}


def _example():
    coords = {
        "time": ("time", np.array(["1996-01-01T12"], "datetime64[ns]")),
        "level": ("level", np.array([1000, 850, 700, 500], "int32"), {"units": "millibars"}),
        "lat": ("lat", np.array([20, 30, 40, 50, 60], "int32"), {"units": "degrees_north"}),
        "lon": ("lon", np.array([-160, -140, -118, -96, -84, -52, -45, -35, -25, -15], "int32")),
    }
    variables = {
        "temp": (("time", "level", "lat", "lon"), _distinct((1, 4, 5, 10), "float32"), {"units": "celsius"}),
        "rh": (("time", "lat", "lon"), _distinct((1, 5, 10), "float32", 0.001), {"valid_range": np.array([0.0, 1.0])}),
    }
    return xr.Dataset(variables, coords, {"source": "model"}), {}


def _bears():
    coords = {
        "i": ("i", np.array([10, 20], "int32")),
        "j": ("j", np.array([2, 4, 6], "float32")),
        "l": ("l", np.array([10, 9, 8], "int16")),
    }
    names = np.array([[b"indi", b"stin", b"guis"], [b"habl", b"e", b"xx"]], "S4")
    variables = {
        "bears": (("i", "j"), names),
        "order": (("i", "j"), np.arange(1, 7, dtype="int16").reshape(2, 3)),
        "shot": (("i", "j"), np.arange(5, 11, dtype="int32").reshape(2, 3)),
        "aloan": (("i", "j"), _distinct((2, 3), "float32")),
        "cross": (("i", "j"), _distinct((2, 3))),
    }
    return xr.Dataset(variables, coords, {"history": "made"}), {}


def _mixed():
    """Everything at once that is easily got wrong: missing values, packing, small integers, flags, text labels."""
    time = np.datetime64("2001-01-01", "ns") + np.arange(40) * np.timedelta64(36, "h")
    coords = {
        "time": ("time", time),
        "lat": ("lat", np.array([60.0, 40.0, 20.0, 0.0, -20.0]), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(0, 360, 60, dtype="int64")),
        "station": ("time", np.arange(40) % 4),
        "height": ((), 2.0, {"units": "m"}),
    }
    t = _distinct((40, 5, 6), "float32", 0.25)
    t[3:8, 2] = np.nan
    t[:, 4, 5] = np.nan
    packed = _distinct((40, 5, 6), scale=0.1)
    packed[0, 0, :3] = np.nan
    variables = {
        "t": (("time", "lat", "lon"), t, {"units": "K", "long_name": "temperature"}),
        "packed": (("time", "lat", "lon"), packed, {"units": "hPa"}),
        "count": (("time", "lat"), (_distinct((40, 5)) % 17).astype("int32") - 8, {"units": "1"}),
        "small": (("lat", "lon"), (_distinct((5, 6)) % 250).astype("uint8")),
        "flag": (("lat", "lon"), _distinct((5, 6)) % 2 == 0),
        "weight": ("lat", np.cos(np.deg2rad([60.0, 40.0, 20.0, 0.0, -20.0]))),
    }
    encoding = {"packed": {"dtype": "int16", "scale_factor": 0.1, "add_offset": 5.0, "_FillValue": -9999}}
    return xr.Dataset(variables, coords, {"title": "mixed"}), encoding


def _shifted():
    mixed, _ = _mixed()
    part = mixed.isel(time=slice(10, None), lat=slice(1, 4))[["t", "count"]] * 2 + 1
    return part.assign_attrs(title="shifted"), {}


def _noleap():
    time = xr.date_range("2000-02-20", periods=60, freq="D", calendar="noleap", use_cftime=True)
    values = _distinct((60, 3), "float32", 0.5)
    values[5] = np.nan
    variables = {"pr": (("time", "site"), values, {"units": "mm"})}
    return xr.Dataset(variables, {"time": time, "site": np.array([3, 1, 2])}), {}


def _stations():
    """Texts of all kinds: with case, spaces, digits, separators and letters beyond ASCII; bytes; beside numbers."""
    name = np.array(["Oslo|NO", "são paulo|BR", "  ULM ", "x_1_Xy_2", "Straße", ""], object)
    code = np.array([b"OSL", b"SAO", b"ULM", b"X", b"STR", b"A1"], "S3")
    month = np.array([["January", "may"], ["JUNE", "7"], ["Sep 09", "\u00b2"]], object)
    coords = {"station": ("station", np.array(["a", "b", "c", "d", "e", "f"], object)), "count": ("station", np.arange(6))}
    variables = {
        "name": ("station", name, {"long_name": "name", "units": "1"}),
        "code": ("station", code),
        "month": (("y", "x"), month),
        "part": ("station", np.array(["s", "o", "U", "_", "ss", "a"], object)),
        "template": ("station", np.array(["{}", "{0}!", "<{:>6}>", "{:.1}", "{{}}", "{:-^7}"], object)),
        "percent": ("station", np.array(["%s", "%d", "%5.1f", "%-4d|", "%+.2e", "%03d%%"], object)),
        "letter": ((), "L"),
        "height": ("station", np.array([2.5, 100.0, 1e-5, 1e16, -0.25, 7.0])),
    }
    return xr.Dataset(variables, coords, {"title": "stations"}), {"code": {"dtype": "S1"}}


MADE = {
    "stations": (_stations, ".nc"),
    "air": (_air, ".nc"),
    "lcc": (_lcc, ".nc"),
    "example": (_example, ".nc"),
    "bears": (_bears, ".nc"),
    "mixed": (_mixed, ".zarr"),
    "shifted": (_shifted, ".nc"),
    "noleap": (_noleap, ".zarr"),
}


def path_of(name: str, folder: Path) -> Path:
    """The file or store `name`, made in `folder` if it is not in the corpus."""
    corpus = os.environ.get("CRATON_CORPUS")
    if corpus and name in REAL:
        path = Path(corpus) / REAL[name]
        assert path.is_file(), f"the corpus has no {REAL[name]}"
        return path
    make, ending = MADE[name]
    path = folder / (name + ending)
    if not path.exists():
        dataset, encoding = make()
        if ending == ".zarr":
            dataset.to_zarr(path, encoding=encoding, consolidated=False)
        else:
            dataset.to_netcdf(path, encoding=encoding, engine="netcdf4")
    return path


def open_with_xarray(path: Path) -> xr.Dataset:
    if path.suffix == ".zarr":
        return xr.open_zarr(path, consolidated=False, chunks=None)
    return xr.open_dataset(path)

"""Makes the data of docs/plots.md, all of it by formula.

    python make_examples.py land-110m.json

`land-110m.json` is from the npm package `world-atlas` 2.0.2 (Natural Earth, public domain): it tells land from sea. Needs
numpy, xarray, netCDF4, pandas and matplotlib.
"""

import json
import sys

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.path import Path


def land_polygons(path):
    topology = json.load(open(path))
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(np.array(arc), axis=0) * [sx, sy] + [tx, ty] for arc in topology["arcs"]]
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            yield np.vstack([arcs[arc] if arc >= 0 else arcs[~arc][::-1] for arc in polygon[0]])


LAND = [Path(points) for points in land_polygons(sys.argv[1])]


def is_land(lon, lat):
    lon = (np.asarray(lon) + 180) % 360 - 180
    points = np.column_stack([np.ravel(lon), np.ravel(lat)])
    inside = np.zeros(len(points), bool)
    for polygon in LAND:
        inside |= polygon.contains_points(points)
    return inside.reshape(np.shape(lon)) | (np.asarray(lat) < -84)


def temperature(lon, lat, day, land):
    """Kelvin: colder towards the poles, with seasons that are stronger on land, and waves."""
    season = np.cos((day - 200) / 365.25 * 2 * np.pi)
    base = 301 - 48 * np.sin(np.deg2rad(lat)) ** 2 - np.where(lat < -60, 12, 0)
    swing = season * np.sin(np.deg2rad(lat)) * np.where(land, 19, 5)
    waves = 2.5 * np.sin(np.deg2rad(lon * 3 + lat * 2 + day * 4)) * np.cos(np.deg2rad(lat)) ** 2
    return base + swing + waves - np.where(land, 2, 0)


def packed(name, dataset, digits):
    encoding = {
        variable: {"dtype": "i2", "scale_factor": 10.0**-exponent, "add_offset": offset, "_FillValue": -32768}
        for variable, (exponent, offset) in digits.items()
    }
    for variable in dataset.variables:
        encoding.setdefault(variable, {}).update({} if dataset[variable].ndim == 0 else {"zlib": True, "complevel": 9})
    dataset.to_netcdf(name, encoding=encoding)


def global_():
    lat, lon = np.arange(90, -90.1, -2.5), np.arange(0, 360, 2.5)
    time = pd.date_range("2004-01-01", periods=12, freq="MS")
    grid_lon, grid_lat = np.meshgrid(lon, lat)
    land = is_land(grid_lon, grid_lat)
    t2m = np.stack([temperature(grid_lon, grid_lat, day, land) for day in time.day_of_year + 14])
    rain = 8 * np.exp(-((grid_lat - 6 * np.sin(np.deg2rad(grid_lon)) - 4) ** 2) / 60)
    rain += 3 * np.exp(-((abs(grid_lat) - 45) ** 2) / 150) * (1.2 + np.sin(np.deg2rad(grid_lon * 2)))
    rain *= np.where(land, 0.6, 1) * (1 + 0.4 * np.sin(np.deg2rad(grid_lon * 5 + grid_lat * 3)))
    level = np.array([1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 70, 50, 30, 20, 10.0])
    height = -7 * np.log(level / 1013)[:, None]
    jet = 38 * np.exp(-((abs(lat) - 38) ** 2) / 300 - (height - 11.5) ** 2 / 30)
    polar = 32 * np.exp(-((lat + 62) ** 2) / 200 - (height - 30) ** 2 / 130)
    trades = -9 * np.exp(-(lat**2) / 250) * (1 + height / 25)
    u = jet + polar + trades
    packed(
        "global.nc",
        xr.Dataset(
            {
                "t2m": (("time", "lat", "lon"), t2m, {"long_name": "2 metre temperature", "units": "K", "standard_name": "air_temperature"}),
                "pr": (("lat", "lon"), rain / 86400, {"long_name": "precipitation", "units": "kg m-2 s-1", "standard_name": "precipitation_flux"}),
                "u": (("level", "lat"), u, {"long_name": "zonal mean wind", "units": "m s**-1", "standard_name": "eastward_wind"}),
            },
            {
                "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
                "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
                "level": ("level", level, {"units": "hPa", "long_name": "pressure", "positive": "down"}),
                "time": time,
            },
        ),
        {"t2m": (2, 250), "u": (2, 0), "pr": (8, 0.0003)},
    )


def ocean():
    """A grid with two northern poles, on land, as ocean models have them; and depth against time."""
    j, i = np.meshgrid(np.arange(110), np.arange(180), indexing="ij")
    lon, lat = 73.0 + 2.0 * i, np.minimum(-78 + 1.6 * j, 66)
    # North of the 66th parallel the grid's own meridians lead to poles in Canada and Siberia.
    step = np.clip((j - 90) / 19, 0, 1)
    x, y = np.cos(np.deg2rad(lon - 73)), np.sin(np.deg2rad(lon - 73))
    radius = np.tan(np.deg2rad((90 - 66) / 2))
    north_x, north_y = radius * x, radius * y * (1 - step)
    cap = j >= 90
    cap_lat = 90 - 2 * np.rad2deg(np.arctan(np.hypot(north_x, north_y)))
    cap_lon = np.rad2deg(np.arctan2(north_y, north_x)) + 73
    lon, lat = np.where(cap, cap_lon, lon), np.where(cap, cap_lat, lat)
    lon = (lon + 180) % 360 - 180
    tos = 29.5 - 31 * np.sin(np.deg2rad(lat)) ** 2 + 1.5 * np.sin(np.deg2rad(lon * 4)) * np.cos(np.deg2rad(lat))
    tos = np.where(is_land(lon, lat), np.nan, np.maximum(tos, -1.8))
    depth = np.array([2.5, 7.5, 15, 25, 40, 60, 80, 100, 130, 170, 220, 300, 400, 500])
    time = pd.date_range("2001-01-15", periods=48, freq="30D")
    phase = (time.day_of_year.values - 60) / 365.25 * 2 * np.pi
    below = np.exp(-depth[:, None] / 45)
    profile = 9 + 11 * np.exp(-depth[:, None] / 160) + 6 * below * np.sin(phase - depth[:, None] / 60)
    packed(
        "ocean.nc",
        xr.Dataset(
            {
                "tos": (("y", "x"), tos, {"long_name": "sea surface temperature", "units": "degC"}),
                "thetao": (("depth", "time"), profile, {"long_name": "potential temperature", "units": "degC"}),
            },
            {
                "nav_lon": (("y", "x"), lon.astype("f4"), {"units": "degrees_east", "standard_name": "longitude"}),
                "nav_lat": (("y", "x"), lat.astype("f4"), {"units": "degrees_north", "standard_name": "latitude"}),
                "depth": ("depth", depth, {"units": "m", "positive": "down", "standard_name": "depth"}),
                "time": time,
            },
        ),
        {"tos": (2, 0), "thetao": (3, 0)},
    )


def swath():
    """A satellite's pass over the date line, with a gap."""
    line, pixel = np.arange(240), np.arange(64)
    track_lat = -58 + line * 0.5
    track_lon = 196 - line * 0.17 - 0.0004 * (line - 120) ** 2
    across = (pixel - 31.5) * 0.28
    lat = track_lat[:, None] + across * 0.25
    lon = track_lon[:, None] + across / np.cos(np.deg2rad(np.clip(lat, -75, 75)))
    value = 265 + 25 * np.cos(np.deg2rad(lat * 1.3)) + 6 * np.sin(lat / 3) * np.cos(lon / 4)
    value[100:108] = np.nan
    packed(
        "swath.nc",
        xr.Dataset(
            {"bt": (("line", "pixel"), value, {"long_name": "brightness temperature, 11 µm", "units": "K"})},
            {
                "lon": (("line", "pixel"), ((lon + 180) % 360 - 180).astype("f4"), {"units": "degrees_east"}),
                "lat": (("line", "pixel"), lat.astype("f4"), {"units": "degrees_north"}),
            },
        ),
        {"bt": (2, 250)},
    )


def regional():
    """A rotated pole over Europe, in a calendar without leap days."""
    rlon, rlat = np.arange(-22, 20.1, 0.8), np.arange(-20, 20.1, 0.8)
    grid_lon, grid_lat = np.meshgrid(np.deg2rad(rlon), np.deg2rad(rlat))
    pole = np.deg2rad(39.25)
    sine = np.sin(grid_lat) * np.sin(pole) + np.cos(grid_lat) * np.cos(grid_lon) * np.cos(pole)
    lat = np.rad2deg(np.arcsin(sine))
    east = np.cos(grid_lat) * np.sin(grid_lon)
    north = np.cos(grid_lat) * np.cos(grid_lon) * np.sin(pole) - np.sin(grid_lat) * np.cos(pole)
    lon = np.rad2deg(np.arctan2(east, north)) + 18
    snow = np.clip(lat - 48 + 4 * np.sin(np.deg2rad(lon * 9)), 0, None) * is_land(lon, lat) * 0.02
    packed(
        "regional.nc",
        xr.Dataset(
            {"snd": (("rlat", "rlon"), np.where(is_land(lon, lat), snow, np.nan), {"long_name": "snow depth", "units": "m"})},
            {
                "rlon": ("rlon", rlon, {"units": "degrees", "standard_name": "grid_longitude", "axis": "X"}),
                "rlat": ("rlat", rlat, {"units": "degrees", "standard_name": "grid_latitude", "axis": "Y"}),
                "lon": (("rlat", "rlon"), lon.astype("f4"), {"units": "degrees_east", "standard_name": "longitude"}),
                "lat": (("rlat", "rlon"), lat.astype("f4"), {"units": "degrees_north", "standard_name": "latitude"}),
            },
        ),
        {"snd": (4, 0)},
    )


def stations():
    random = np.random.default_rng(7)
    lon, lat = random.uniform(-12, 40, 1500), random.uniform(36, 70, 1500)
    keep = is_land(lon, lat)
    lon, lat = lon[keep], lat[keep]
    value = 14 - (lat - 45) * 0.6 + random.normal(0, 1.2, len(lat))
    value[random.random(len(lat)) < 0.04] = np.nan
    time = pd.date_range("2003-11-20", periods=170, freq="D")
    level = -np.cos((time.day_of_year.values - 20) / 365.25 * 2 * np.pi)
    names = np.array(["Bergen", "Lisbon", "Vienna"])
    series = np.array([5, 17, 11])[None, :] + level[:, None] * [7, 5, 10] + random.normal(0, 1.6, (len(time), 3))
    series[60:75, 1] = np.nan
    packed(
        "stations.nc",
        xr.Dataset(
            {
                "tas": ("place", value, {"long_name": "air temperature", "units": "degC"}),
                "series": (("time", "city"), series, {"long_name": "daily temperature", "units": "degC"}),
            },
            {
                "lon": ("place", lon, {"units": "degrees_east"}),
                "lat": ("place", lat, {"units": "degrees_north"}),
                "time": time,
                "city": names.astype(object),
            },
        ),
        {"tas": (2, 0), "series": (2, 0)},
    )


global_()
ocean()
swath()
regional()
stations()

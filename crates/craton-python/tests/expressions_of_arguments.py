"""The expressions of the differential tests, continued: methods with their rarer arguments, by the inputs they are about."""

_METHODS = """inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull linear
median_unbiased normal_unbiased lower higher midpoint nearest""".split()

_QUANTILES = {
    "air": [
        "ds.air.quantile([0, 0.1, 0.25, 0.5, 0.77, 1], 'time', method='METHOD')",
        "ds.quantile(0.3, ['lat', 'lon'], method='METHOD')",
        "ds.air.groupby('time.hour').quantile([0.2, 0.9], method='METHOD')",
        "ds.air.resample(time='5D').quantile(0.6, method='METHOD')",
    ],
    "mixed": [
        "ds.t.quantile([0.05, 0.5, 0.95], 'time', method='METHOD')",
        "ds.t.quantile(0.4, ['lat', 'time'], method='METHOD', skipna=False)",
        "ds['count'].quantile([0.25, 0.6], 'time', method='METHOD')",
        "ds.small.quantile(0.7, method='METHOD', keep_attrs=False)",
        "ds[['t', 'count', 'weight']].quantile(0.35, 'lat', method='METHOD')",
        "ds['count'].groupby('station').quantile(0.4, method='METHOD')",
        "ds.t.groupby('station').quantile([0.1, 0.8], method='METHOD')",
    ],
}

ARGUMENTS = {
    "air": """
ds.air.quantile(0.5, "time", method="middle")
ds.air.groupby_bins("lat", [0, 20, 60, 90]).quantile(0.5, method="lower").drop_vars("lat_bins")
ds.air.weighted(np.cos(np.deg2rad(ds.lat.astype("float64")))).quantile(0.5)
ds.air.weighted(np.cos(np.deg2rad(ds.lat.astype("float64")))).quantile([0.1, 0.5, 0.99], dim="lat")
ds.air.weighted(np.cos(np.deg2rad(ds.lat.astype("float64")))).quantile([0.9], dim=("lat", "lon"))
ds.weighted(ds.lat.astype("float64")).quantile([0.2, 0.8], dim="lat")
ds.air.isel(lon=[3]).weighted(ds.lon.astype("float64")).quantile([0.5, 0.6], dim="time")
ds.air.weighted(ds.lat.astype("float64").where(ds.lat > 50, 0)).quantile(0.75, dim="lat", keep_attrs=False)
ds.air.weighted(ds.lat.astype("float64")).mean("lat", keep_attrs=False)
ds.air.weighted(ds.lat.astype("float64")).quantile(1.5, dim="lat")
ds.air.weighted(ds.lat.astype("float64")).quantile(0.5, dim="nothing")
ds.air.mean("time").polyfit("lat", 1, full=True)
ds.air.isel(lon=slice(0, 4)).polyfit("lat", 2, cov=True)
ds.air.isel(lon=slice(0, 4)).polyfit("lat", 2, cov="unscaled")
ds.isel(time=slice(0, 5)).polyfit("lon", 3, full=True)
ds.air.mean(("lat", "lon")).polyfit("time", 1, full=True)
ds.air.isel(time=0).polyfit("lat", 1, w=np.cos(np.deg2rad(ds.lat.astype("float64"))), full=True)
ds.air.isel(time=0).polyfit("lat", 1, w="lat")
ds.air.isel(time=0).polyfit("lat", 1, w=[1, 2, 3])
ds.air.isel(time=0).polyfit("lat", 1, rcond=1e-10, full=True)
ds.air.isel(time=0, lat=slice(0, 3)).polyfit("lat", 2, full=True)
ds.air.isel(time=0, lat=slice(0, 3)).polyfit("lat", 2, cov=True)
ds.air.isel(time=0, lat=slice(0, 4)).polyfit("lat", 2, cov=True, full=True)
ds.air.rolling(lat=2, lon=3).construct(lat="a", lon="b")
ds.air.isel(time=slice(0, 3)).rolling(lat=3, lon=2, center=True).construct({"lat": "a", "lon": "b"}, stride=2)
ds.air.isel(time=slice(0, 9)).rolling(time=2, lat=2).construct(time="a", lat="b", stride={"lat": 3}, fill_value=0)
ds.isel(time=slice(0, 3)).rolling(lat=2, lon=2).construct(lat="a", lon="b", keep_attrs=False)
ds.air.rolling(lat=2, lon=3).construct("w")
ds.air.rolling(lat=2, lon=3).construct(lat="w")
ds.air.rolling(lat=2).construct(lat="lon")
ds.air.rolling(time=3, lat=2).construct(time="a", lat="b").mean(["a", "b"])
ds.air.interp(lat=xr.DataArray([51.0, 60, 99], dims="p"), lon=xr.DataArray([251.0, 270.5, 280], dims="p"), kwargs={"fill_value": -1.0})
ds.air.interp(lat=xr.DataArray([51.0, 60, 99], dims="p"), lon=xr.DataArray([200.0, 270.5, 280], dims="p"), kwargs={"fill_value": None})
ds.air.interp(lat=xr.DataArray([51.0, 60, 99], dims="p"), lon=xr.DataArray([200.0, 270.5, 280], dims="p"), method="nearest", kwargs={"fill_value": None})
ds.air.interp(lat=xr.DataArray([51.0, 60, 99], dims="p"), lon=xr.DataArray([251.0, 270.5, 280], dims="p"), method="nearest", kwargs={"fill_value": 3})
ds.air.interp(lat=xr.DataArray([51.0, 60], dims="p"), lon=xr.DataArray([[251.0, 270.5, 280], [255, 256, 257.5]], dims=("p", "q")))
ds.air.interp(lon=xr.DataArray([251.0, 260, 270.5], dims="q"), lat=xr.DataArray([[51.0, 70.5, 60], [55, 56, 57.5]], dims=("p", "q")), method="nearest")
ds.air.isel(lat=slice(0, 6)).interp(lon=xr.DataArray(np.linspace(252.0, 270, 6), dims="lat"))
ds.air.isel(lat=slice(0, 6)).interp(lon=xr.DataArray(np.linspace(252.0, 270, 6), dims="lat"), method="nearest")
ds.isel(lat=slice(0, 6), time=slice(0, 9)).interp(lon=xr.DataArray(np.linspace(252.0, 270, 6), dims="lat"))
ds.air.isel(lat=slice(0, 3)).interp(lon=xr.DataArray([[252.0, 253], [254, 255], [256, 257.5]], dims=("lat", "p")))
ds.air.isel(lat=slice(0, 3), time=slice(0, 4)).interp(lon=xr.DataArray([252.0, 254, 257.5], dims="lat"), time="2014-10-01T03")
ds.air.isel(lat=slice(0, 3)).interp(lon=xr.DataArray([252.0, 254], dims="lat"))
ds.air.round(-1)
(ds.air * 7).astype("int32").round(-2)
np.round((ds.air * 7).astype("int16"), -1)
ds.air.reset_index("lat", drop=True)
ds.reset_index(["lat", "lon"], drop=True)
ds.air.reset_index("nothing", drop=True)
""",
    "mixed": """
ds.t.quantile(0.5, "time", method="")
ds.flag.quantile(0.5, "lat", method="lower")
ds["count"].groupby_bins("lat", [-30, -10, -5, 70]).quantile(0.5, method="higher").drop_vars("lat_bins")
ds.t.weighted(ds.weight).quantile(0.5)
ds.t.weighted(ds.weight).quantile([0.1, 0.7], dim=["lat", "time"])
ds.t.weighted(ds.weight).quantile([0.1, 0.7], dim="lat", skipna=False)
ds.t.weighted(ds.small).quantile(0.3, dim="lon")
ds["count"].weighted(ds.weight).quantile([0.25, 0.5, 0.75], dim="lat")
ds["count"].weighted(ds.small * 1.0).quantile(0.5, dim=["lat", "lon"])
ds[["t", "packed"]].weighted(ds.weight).quantile(0.9, dim="lat")
ds.weighted(ds.weight).quantile(0.9, dim="time")
ds.t.polyfit("lat", 1, full=True)
ds.t.polyfit("time", 1, full=True)
ds.packed.polyfit("lon", 2, cov=True)
ds.t.polyfit("lat", 1, cov=True, full=True)
ds.t.polyfit("lat", 1, skipna=False)
ds[["packed", "t"]].polyfit("lat", 1, w=ds.weight, cov="unscaled")
ds.weight.polyfit("lat", 4, full=True)
ds.weight.polyfit("lat", 5, full=True)
ds.weight.polyfit("lat", 2, w=ds.small)
ds.drop_vars("flag").rolling(time=3, lat=2).construct(time="a", lat="b")
ds["count"].rolling(time=2, lat=2).construct(time="a", lat="b")
ds["count"].rolling(time=2, lat=2).construct(time="a", lat="b", fill_value=-1, stride=3)
ds.drop_vars("flag").rolling(lat=2).construct("w", fill_value=0)
ds.drop_vars(["flag", "small"]).rolling(time=3, lon=2).mean()
ds.drop_vars(["flag", "small"]).rolling(lon=2).max()
ds.interp(lat=xr.DataArray([51.0, 20, 70], dims="p"), lon=xr.DataArray([25.0, 60.0, 80], dims="p"), kwargs={"fill_value": 0.0})
ds.packed.interp(lat=xr.DataArray([40.0, 20, -20], dims="p"), lon=xr.DataArray([60.0, 0.0, 300], dims="p"))
ds.t.interp(lat=xr.DataArray([60.0, 40, 20], dims="p"), lon=xr.DataArray([60.0, 0.0, 300], dims="p"))
ds.t.interp(lat=xr.DataArray([51.0, 20], dims="p"), lon=xr.DataArray([25.0, 60.0], dims="p"), time="2001-01-10T06:00", method="nearest")
ds.t.interp(lat=xr.DataArray(np.linspace(-20.0, 60, 6), dims="lon"))
ds.packed.interp(lat=ds.lon / 10)
ds["count"].interp(lat=xr.DataArray(np.linspace(-20.0, 60, 40), dims="time"))
ds.interp(lon=xr.DataArray([10.0, 20, 30, 40, 50], dims="lat"))
ds.weight.interp(lat=xr.DataArray([[10.0, 20], [30, 40]], dims=("a", "b")))
ds["count"].round(-1)
ds.small.round(-2)
ds[["count", "t"]].round(-1)
ds.t.reset_index(["lat", "time"], drop=True).mean("time")
""",
    "stations": """
ds.name.str.wrap(4)
ds.name.str.wrap(3, break_long_words=False)
ds.month.str.wrap(5, initial_indent="> ", subsequent_indent=". ")
ds.name.str.replace("|", " -- a-b well-known\\t", regex=False).str.wrap(9)
ds.name.str.replace("|", " -- a-b well-known\\t", regex=False).str.wrap(9, break_on_hyphens=False, drop_whitespace=False)
ds.name.str.wrap(ds["count"] + 1)
ds.name.str.wrap(0)
ds.name.str.split("part", "|").str.wrap(2, expand_tabs=False, replace_whitespace=False)
""",
}

for _inputs, _lines in _QUANTILES.items():
    ARGUMENTS[_inputs] += "".join(f"{line.replace('METHOD', method)}\n" for line in _lines for method in _METHODS)

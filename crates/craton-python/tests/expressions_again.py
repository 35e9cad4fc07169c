"""Texts that are like others in `expressions`, for the sake of the data: other dtypes, missing values, labels in another order."""

AGAIN = {
    "air": """
ds.time.dt.isocalendar()
ds.time.dt.isocalendar().week
ds.air - ds.air.mean().item()
ds.air.interp(lat=52.5)
ds.air.rolling(time=5).std()
ds.air.where(ds.air > 270).interpolate_na("lat")
ds.air.sel(lat=51)
ds.air.isel(lat=99)
ds.time.diff("time")
ds.air.median("time")
ds.air.median(["lat", "lon"])
ds.median("lon")
ds.air.quantile(0.3, "time")
ds.air.quantile([0.1, 0.5, 0.97], dim=["lat", "time"])
ds.air.quantile(q=[0.5])
ds.air.quantile(1, "lon") - ds.air.quantile(0, "lon")
ds.quantile(0.25)
ds.quantile([0.75, 0.25], "time")
ds.air.quantile(1.5)
ds.air.quantile(0.5, "nothing")
ds.air.groupby("time.month").median()
ds.groupby("time.hour").median()
ds.air.groupby("time.hour").quantile(0.9)
ds.air.groupby("time.hour").quantile([0.1, 0.9])
ds.air.groupby("time.hour") - ds.air.groupby("time.hour").median()
ds.air.resample(lat="1D").mean()
ds.air.coarsen(lat=7).mean()
ds.air.sortby("lat")
xr.align(ds.air[:3], ds.air[5:9], join="override")[1]
xr.concat([ds.isel(time=[0]), ds.isel(time=[5])], dim="time")
xr.combine_by_coords([ds.isel(time=slice(0, 5)), ds.isel(time=slice(3, 9))])
ds.air.shift(time=1)
ds.air.roll(lon=3)
ds.air.pad(lat=1)
ds.air.idxmax("time")
ds.air.swap_dims(lat="lon")
ds.air.dropna("time")
ds.air.round(1)
""",
    "lcc": """
ds.time.dt.isocalendar().year + ds.time.dt.isocalendar().weekday
ds.time_bnds.dt.isocalendar()
ds.tas.mean("time")
ds.tas.where(ds.lat > 47.3)
ds.lat.mean("x")
ds.tas.where(ds.lon > 11, drop=True)
ds.tas.shift(x=1)
ds.tas.idxmax("time")
ds.tas.pad(x=1)
ds.set_coords("time_bnds")
""",
    "example": """
ds.rh * ds.temp
ds.lon ** 2
ds.lat.mean()
ds.lat.where(ds.lat > 30)
ds.temp * ds.lat
ds.lon.cumsum("lon")
ds.lon.diff("lon")
ds.temp.sortby("level")
ds.temp.reindex(level=[1000, 900], method="nearest")
ds.temp.idxmin("level")
""",
    "bears": """
ds.bears
ds.bears[0]
ds.order + ds.shot
ds.order * ds.aloan
ds.order / 2
ds.order + 1
ds.order * 1.5
ds.order + 100000
ds.order.mean()
ds.aloan.mean("j")
ds.order.sum()
ds.order.where(ds.order > 2)
ds.order.rolling(j=2).mean()
ds.order.std("i")
ds.l.sel(l=9)
ds.l.sel(l=slice(10, 9))
ds.j.sel(j=5, method="nearest")
ds.order.sortby("j", ascending=False)
ds.order.shift(j=1)
ds.order.coarsen(j=3).mean()
ds.order.idxmax("j")
ds.order.differentiate("i")
""",
    "mixed": """
ds.t.coarsen(time=5).median()
ds.t.coarsen(lat=2, lon=3, boundary="trim").median()
ds['count'].coarsen(time=7, boundary="pad").median()
ds['count'].coarsen(time=7, lat=2, boundary="pad").median()
ds['count'].coarsen(time=7, lat=2, boundary="pad").mean()
ds['count'].coarsen(time=7, lat=2, boundary="pad").sum()
ds['count'].coarsen(time=7, boundary="pad").max()
ds.t.coarsen(time=7, lat=2, boundary="pad").std()
ds.t.coarsen(time=7, lat=2, boundary="pad").mean(skipna=False)
ds.t.coarsen(time=7, boundary="pad", side="right").count()
ds.t.coarsen(time=7, lat=2, boundary="pad", side="right").median()
ds.t.coarsen(time=7, boundary="pad").construct(time=("week", "day"), keep_attrs=True)
ds.coarsen(time=8).median()
ds.t.coarsen(time=5, boundary="trim").median(skipna=False)
ds.t.coarsen(time=8).construct(time=("block", "place"))
ds.t.coarsen(time=7, lat=2, boundary="trim").construct(time=("block", "place"), lat=("pair", "side"))
ds.coarsen(time=10).construct(time=("block", "place")).mean("place")
ds.coarsen(lon=4, boundary="trim", side="right").construct(lon=("a", "b"), keep_attrs=False)
ds.t.coarsen(time=8).construct(lat=("a", "b"))
ds.t * ds['count'].max().item()
ds.weight.isel(lat=[2]).item() + ds.t
ds.weight.item()
ds.t.where(ds.flag.any().item())
ds.small + np.int64(3)
ds.t * np.float64(2)
ds['count'] + np.float32(0.5)
np.int16(300) + ds.small
ds.t.fillna(ds.t.isel(time=[0]).mean("time"))
ds.t.fillna(ds.t.isel(lat=[1, 0]) + 1)
ds[["t", "packed"]].fillna(ds[["t"]].mean("time"))
ds.t.combine_first(ds.packed)
ds.t.isel(lat=slice(2)).combine_first(ds.packed.isel(lat=slice(1, None)))
ds[["t"]].combine_first(ds[["packed", "t"]] * 2)
ds.t.mean()
ds.t.mean("time")
ds.packed
ds.small.sum()
ds.small + 10
ds.small.mean("lat")
-ds.small
ds.small.cumsum("lon")
ds.small.prod("lat")
ds.flag.sum()
ds.flag.mean("lon")
ds.flag * 3
ds.flag.any("lat")
ds.t.weighted(ds.weight).mean()
ds.t.groupby("station").mean()
ds.t.rolling(time=3).mean()
ds.t.argmax("lat")
ds.t.sel(lat=slice(0, 50))
ds.t.sel(lat=slice(10, 30))
ds.t.sel(lat=slice(50, 0))
ds.t.sel(lat=30, method="nearest")
ds.station.max()
ds.t.median("time")
ds.t.median("time", skipna=False)
ds.t.quantile(0.4, "lat", skipna=False)
ds.t.quantile([0.4, 0.6], ["time", "lon"])
ds.small.median("lat")
ds.small.quantile(0.4)
ds.packed.median()
ds.flag.median()
ds.t.groupby("station").median()
ds.weight.median()
ds.t.interp(lat=[30, 10.0, 0], lon=30)
ds.t.interp(lat=[31, -5], method="nearest")
ds["count"].interp(lat=30)
ds.packed.interp(lon=[30, 90, 200], method="cubic")
ds.interp(lat=[30.0, 55])
ds.interp(lon=[30, 90], method="nearest")
ds.interp(time="2001-01-10T06:00")
ds.t.interp(time=["2001-01-10T06:00", "2001-01-11"])
ds.interp(lat=30.0)
ds.t.interp(lat=[40.0, 20.0])
ds.t[0, :, 0].interp(lat=[40.0, 20.0])
ds.packed[0, 0].interp(lon=[0.0, 120.0, 150.0])
ds.t.interp(lat=30, lon=[10, 20]).mean("time")
ds.t.interpolate_na("time")
ds.t.interpolate_na("time", limit=2)
ds.packed.interpolate_na("lon")
ds["count"].interpolate_na("time")
ds.t.interpolate_na("lat", use_coordinate=False)
ds.t.rolling(time=4, min_periods=2).std()
ds.t.rolling(time=3, min_periods=1).median()
ds.packed.rolling(lon=3, center=True).var()
ds["count"].rolling(time=3).prod()
ds["count"].isel(time=0).argsort()
ds.t.isel(time=4).argsort(axis=0)
ds.flag.interp(lat=30)
ds.interp(lat=xr.DataArray([51.0, 20], dims="point"), lon=xr.DataArray([25.0, 60.0], dims="point"))
ds.t.interp_like(ds.t.isel(lat=[0, 2], lon=[1, 3]))
ds.t.interp(lat=[10.0, -50], lon=[350, 0.0], kwargs={"fill_value": "extrapolate"})
ds.small.reindex(lat=[60, 61], fill_value=7)
ds.packed.idxmax("lon")
ds.t.dropna("lat")
ds.t.sortby("station")
ds.packed.fillna(ds.t)
""",
    "mixed shifted": """
ds.t.combine_first(other.t)
ds.fillna(other)
ds.combine_first(other)
ds.t.isel(time=slice(12)).fillna(other.t)
ds.t + other.t
ds.t - other.t.mean("time")
ds.t.where(other.t > 20)
other.t.weighted(ds.weight).mean("lat")
other.reindex_like(ds)
ds.t.where(other.t > 20)
""",
    "noleap": """
ds.time.dt.isocalendar()
ds.pr.mean("time")
ds.pr.rolling(time=7).mean()
ds.pr.sel(site=2)
ds.pr.sel(site=slice(1, 2))
ds.time.dt.dayofyear
ds.time[0]
ds.pr.diff("time")
ds.pr.resample(time="MS").mean()
ds.pr.resample(time="QS-DEC").mean()
ds.pr.shift(time=2)
ds.pr.idxmax("time")
ds.time.dt.days_in_month
ds.time.dt.season
ds.pr.sortby("site")
xr.align(ds.pr[:3], ds.pr[1:5], join="outer")[0]
ds.pr.coarsen(time=6).mean()
ds.time.dt.is_leap_year
""",
}

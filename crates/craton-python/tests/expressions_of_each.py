"""Every method and function at least three times, on data of other dtypes: products of names and arguments."""


def _each(names, *texts):
    """Every text with every name in place of `NAME`."""
    return "\n".join(text.replace("NAME", name) for name in names.split() for text in texts)


_ELEMENTS = (
    "absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil conjugate cosh degrees exp exp2 expm1 floor imag isfinite "
    "isinf isnan log log10 log1p log2 negative positive radians real reciprocal rint sign sin sinh sqrt square tan tanh trunc"
)
_PAIRS = (
    "add subtract multiply divide floor_divide remainder power arctan2 copysign hypot fmax fmin maximum minimum "
    "equal not_equal greater greater_equal less less_equal"
)
_PARTS = (
    "day dayofweek days_in_month days_in_year decimal_year is_leap_year is_month_end is_month_start "
    "is_quarter_end is_quarter_start is_year_end is_year_start microsecond minute month nanosecond quarter season second "
    "weekofyear year"
)

EACH = {
    "mixed": "\n".join(
        [
            _each(_ELEMENTS, "np.NAME(ds.weight)", "np.NAME(ds.t / 100)", "np.NAME(ds['count'])"),
            _each(_PAIRS, "np.NAME(ds.t, ds.weight)", "np.NAME(ds['count'], 3)", "np.NAME(ds.weight, ds.weight[0])"),
            _each(
                "bitwise_and bitwise_or bitwise_xor",
                "np.NAME(ds['count'], 3)",
                "np.NAME(ds.small, ds.small)",
                "np.NAME(ds.flag, True)",
            ),
            "ds.t * -2j",
            "ds.weight + abs(3 + 4j)",
            "np.real(ds.weight * (1 - -2j))",
            _each("left_shift right_shift", "np.NAME(ds['count'], 2)", "np.NAME(ds.small, 1)", "np.NAME(ds.small, ds.small % 3)"),
            _each(
                "logical_and logical_or logical_xor",
                "np.NAME(ds.flag, ds.flag)",
                "np.NAME(ds['count'], 0)",
                "np.NAME(ds.weight, ds.flag)",
            ),
            _each("logical_not invert", "np.NAME(ds.flag)", "np.NAME(ds['count'])", "np.NAME(ds.small)", "np.NAME(ds.t)"),
            _each(
                "all any count min max prod std sum var mean median first last",
                "ds.t.groupby('station').NAME()",
                "ds[['count', 't']].groupby('time.month').NAME()",
                "ds.t.resample(time='10D').NAME()",
                "ds['count'].resample(time='MS').NAME()",
            ),
            _each(
                "all any count min max prod std sum var mean",
                "ds.t.coarsen(time=5).NAME()",
                "ds['count'].coarsen(time=8, lat=5).NAME()",
                "ds.t.rolling(time=4).NAME()",
                "ds['count'].rolling(lat=2, min_periods=1).NAME()",
            ),
            _each(
                "mean sum std var sum_of_weights sum_of_squares",
                "ds.t.weighted(ds.weight).NAME('lat')",
                "ds['count'].weighted(ds.weight).NAME(['lat', 'time'])",
                "ds.packed.weighted(ds.small * 0.5).NAME(('lat', 'lon'))",
            ),
            _each("ffill bfill nearest asfreq", "ds.t.resample(time='12h').NAME()", "ds['count'].resample(time='18h').NAME()"),
            _each("days seconds microseconds nanoseconds total_seconds()", "(ds.time - ds.time[3]).dt.NAME"),
        ]
    )
    + """
abs(ds.t - 100)
abs(-3) + ds.t
abs(ds.small)
ds.t.resample(time="10D").quantile(0.3)
ds.packed.resample(time="MS").quantile([0.2, 0.7])
ds.t.resample(time="12h").interpolate("linear")
ds.t.resample(time="18h").interpolate("nearest")
ds[["t", "count"]].resample(time="12h").interpolate("linear")
ds.t.T
ds.small.T
ds.T
ds.weight.argsort()
ds.small.argsort(axis=1)
ds.t.isel(time=0).argsort(axis=0)
ds.t.bfill("time")
ds.t.bfill("lat", limit=1)
ds.packed.bfill("lon")
ds.t.ffill("time")
ds.t.ffill("time", limit=2)
ds[["t", "packed"]].ffill("time")
ds.t.chunk(time=10)
ds.chunk({"lat": 1})
ds.t.chunk()
ds.t.compute()
ds.compute()
ds.weight.compute() + 1
ds.t.copy()
ds.copy()
ds.small.copy() * 2
ds.t.cumprod("lat")
ds['count'].cumprod("time")
ds.weight.cumprod()
ds.t.integrate("lat")
ds.t.integrate(["lat", "lon"])
ds.packed.integrate("lon")
ds.t.cumulative_integrate("lat")
ds.packed.cumulative_integrate("lon")
ds.weight.cumulative_integrate("lat")
ds.t.differentiate("lon")
ds['count'].differentiate("lat")
ds.weight.differentiate("lat", edge_order=2)
ds.t.drop_attrs()
ds.drop_attrs()
ds.drop_attrs(deep=False)
ds[["t", "weight"]].drop_dims("lat")
ds.drop_dims(["time", "lon"])
ds.drop_dims("nothing")
ds.t.drop_isel(lat=[0, 2])
ds.drop_isel(time=0)
ds.t.drop_isel(lat=9)
ds.t.interp_like(ds.t.isel(lat=slice(1, 4)))
ds.weight.interp_like(ds.weight.assign_coords(lat=[50.0, 30.0, 10.0, 5.0, 0.0]))
ds.packed.interp_like(ds.t.isel(lon=[1, 2]))
ds.t.notnull()
ds.t.notnull().sum("time")
ds[["t", "packed"]].notnull().all()
ds.packed.where(ds.t.notnull())
ds.weight.polyfit("lat", 1)
ds.t.polyfit("lat", 2)
ds.packed.polyfit("lon", 1)
ds.weight.rank("lat")
ds.t.rank("time")
ds.t.isel(time=5).rank("lon", pct=True)
ds.t.rename_dims(lat="y")
ds.rename_dims({"lon": "x"})
ds.small.rename_dims(lat="lon")
ds.t.size + ds.t
ds.weight / ds.weight.size
ds.small.size * ds.weight
ds.t.shape[1] * ds.weight
ds.weight + ds.small.shape[0]
ds.weight - ds.t.shape[-1]
ds.t.ndim * ds.weight
ds.weight + ds.small.ndim
ds.weight - ds.weight.ndim
ds.t.sizes["lat"] * ds.weight
ds.weight + ds.sizes["time"]
ds.weight - ds.sizes["lon"]
ds.weight * (ds.t.dims[0] == "time")
ds.t.mean(ds.small.dims)
ds.t.sum(ds.t.dims)
ds.t.mean(ds.weight.dims)
ds.weight.assign_attrs(units=ds.t.attrs["units"])
ds.weight.assign_attrs(ds.t.attrs)
ds.assign_attrs(title=ds.attrs["title"])
ds.t.coords["lat"] * 2
ds.coords["station"]
ds.t.coords["lat"].mean()
ds.weight.rename(ds.t.name)
ds.small.rename(ds.weight.name) + 1
ds.t.rename(ds.lat.name)
ds.weight.values * ds.weight
ds.small.values + ds.small
ds.t[1:] - ds.t[:-1].values
ds.t - ds.t[0].values
ds.t.sel(lat=ds.lat[1:3].values)
ds.t.isin(ds.weight.values)
ds.assign_coords(lat2=("lat", ds.weight.values))
ds.t.var("time")
ds.t.var(("lat", "lon"), ddof=1)
ds['count'].var()
ds.weight.dot(ds.weight)
ds.t.isel(time=0).dot(ds.small)
ds.small.dot(ds.small, dim="lat")
xr.dot(ds.weight, ds.weight)
xr.dot(ds.packed.isel(time=1), ds.small, dim="lon")
xr.dot(ds.weight, ds.small, ds.small)
xr.broadcast(ds.weight, ds.small)[0]
xr.broadcast(ds.small, ds.weight)[1]
xr.broadcast(ds.weight, ds["count"])[0].mean("time")
xr.corr(ds.weight, ds.small)
xr.corr(ds.t.astype("float64"), ds.packed, dim="time")
xr.corr(ds.packed.isel(lat=0), ds["count"].isel(lat=0), "time")
xr.cov(ds.weight, ds.small)
xr.cov(ds.t, ds.packed, dim="time")
xr.cov(ds.t, ds.packed, dim="lat", ddof=0)
xr.ones_like(ds.t)
xr.ones_like(ds.small, dtype="float32")
xr.ones_like(ds[["weight", "small"]])
xr.zeros_like(ds.small, dtype=float)
xr.full_like(ds.weight, 3)
xr.polyval(ds.lat, xr.DataArray([1.0, 2.0], dims="degree", coords={"degree": [0, 1]}))
xr.polyval(ds.lat, ds.weight.polyfit("lat", 1).polyfit_coefficients)
xr.polyval(ds.lon, ds.small.polyfit("lon", 2).polyfit_coefficients)
ds.t.sel(time=xr.date_range("2001-01-01", periods=3, freq="36h"))
ds.t.reindex(time=xr.date_range("2001-01-01", "2001-02-01", freq="3D"))
ds.weight.expand_dims(time=xr.date_range("2001-01-01", periods=4, freq="MS"))
ds.weight + np.array([1, 2, 3, 4, 5])
ds.t.sel(lon=np.array([60, 120]))
ds.small * np.array([[1], [2], [3], [4], [5]])
ds.weight + np.full(5, 2.5)
ds.small + np.full((5, 6), 1)
ds.weight * np.full((5,), 3)
ds.weight + np.ones(5)
ds.small - np.ones((5, 6))
ds.weight * np.ones(5)
ds.weight + np.zeros(5)
ds.small - np.zeros((5, 6))
ds.weight * np.zeros(5)
ds.weight.drop_vars('lat').copy() + ds.weight.values
(np.where(ds.weight > 0.5, ds.weight, 0) - ds.weight).rename("w")
(np.where(ds.flag, ds.small, 0) + ds.flag).rename("s")
np.clip(ds.weight, 0.2, 0.8)
np.clip(ds.small, 10, None)
np.round(ds.weight, 2)
np.round(ds.t)
ds.time.dt.ceil("D")
ds.time.dt.ceil("6h")
ds.time.dt.floor("D")
ds.time.dt.round("D")
ds.time.dt.round("8h")
ds.time.dt.strftime("%Y/%m")
ds.stack(cell=("lat", "lon")).reset_index("cell").t.mean("cell")
ds.t.convert_calendar("noleap")
(ds.time + np.timedelta64(12, "h")).dt.hour
(ds.time - np.timedelta64(3, "W")).dt.month
ds.time - np.datetime64("2000-02-29T06:00")
(ds.time < np.datetime64("2001-02-01T12")) & ds.flag
(ds.time > np.datetime64("2001-01-05")) * ds.t
ds.t.sel(time="2001-01-05T05", method="nearest", tolerance="12h")
ds.t.sel(time="2001-01-05T05", method="nearest", tolerance=np.timedelta64(1, "D"))
ds.t.reindex(time=xr.date_range("2000-12-30", "2001-01-09", freq="18h"), method="nearest", tolerance="7h")
ds.t.where(ds.t > 290).interpolate_na("time", max_gap="3D")
ds.t.where(ds.t > 290).interpolate_na("time", max_gap=np.timedelta64(60, "h"))
ds.t.isel(time=[0, 3, 9]).resample(time="D").nearest(tolerance="1D")
ds.t.convert_calendar("all_leap", missing=np.nan)
ds["count"].convert_calendar("360_day", align_on="date", missing=-99)
xr.concat([ds["count"], ds.t], "member")
xr.concat([ds.flag, ds["count"].isel(time=0)], "member")
xr.concat([ds.small.astype("int16"), ds.small.astype("uint16")], "member")
ds.t.convert_calendar("360_day", align_on="year")
ds["count"].convert_calendar("standard")
""",
    "air": _each(_PARTS, "ds.time.dt.NAME")
    + """
ds.air.compute().mean("time")
ds.air.copy().max()
ds.air.groupby("time.month").first()
ds.air.groupby("time.month").last()
ds.air.isel(time=slice(None, 4)).rank("lat")
ds.air.integrate("lat")
ds.time.dt.ceil("12h")
ds.time.dt.floor("12h")
ds.time.dt.round("12h")
ds.time.dt.strftime("%d %B")
ds.time.dt.calendar == "standard"
ds.time.dt.calendar != ds.air.time.dt.calendar
ds.air * (ds.time.dt.calendar == "proleptic_gregorian")
ds.time.dt.dayofweek.max()
(ds.time - ds.time[0]).dt.total_seconds()
(ds.time.diff("time")).dt.seconds
(ds.time - ds.time[-1]).dt.days
(ds.time.diff("time")).dt.microseconds
(ds.time.diff("time")).dt.nanoseconds
ds.air.dot(ds.air, dim="lat")
xr.corr(ds.air.isel(lat=3), ds.air.isel(lat=4), dim="time")
""",
    "lcc": _each(_PARTS, "ds.time.dt.NAME"),
    "noleap": _each(
        "day dayofweek days_in_month days_in_year decimal_year is_leap_year minute month season second year", "ds.time.dt.NAME"
    )
    + """
(ds.time - ds.time[0]).dt.days
(ds.time - ds.time[0]).dt.seconds
(ds.time - ds.time[0]).dt.total_seconds()
(ds.time - ds.time[0]).dt.microseconds
(ds.time - ds.time[0]).dt.nanoseconds
ds.pr.convert_calendar("standard")
ds.pr.compute()
ds.pr.ndim + ds.pr
""",
}

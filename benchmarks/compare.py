"""The largest absolute difference of an answer from the float64 one: `compare.py OUT TRUTH-FOLDER TRUTH`.

Takes whatever a side wrote: `OUT.npy`, `OUT.bin`, `OUT.zarr`, `OUT.nc` or `OUT.csv`; gives one number.
"""

import csv
import pathlib
import sys

import numpy as np

# Steps of the rolling mean.
WINDOW = 30


def from_zarr(path: str, name: str):
    """The array `name`, or the largest: coordinates are smaller."""
    import zarr

    group = zarr.open_group(path, mode="r")
    # A coordinate may have the name of the answer: the quantile that was taken, say.
    if name in group and group[name].ndim:
        return group[name]
    return max((array for _, array in group.arrays()), key=lambda array: array.size)


def from_netcdf(path: str, name: str):
    import netCDF4

    file = netCDF4.Dataset(path)
    file.set_auto_mask(False)
    return file[name]


def find(out: str, name: str):
    """The array that a side wrote for `name`."""
    out_path = pathlib.Path(out)
    if pathlib.Path(f"{out}.npy").exists():
        return np.load(f"{out}.npy")
    if pathlib.Path(f"{out}.bin").exists():
        return np.fromfile(f"{out}.bin", "<f8")
    if name == "climatology" and pathlib.Path(f"{out}.climatology.nc").exists():
        return from_netcdf(f"{out}.climatology.nc", "t2m")
    if pathlib.Path(f"{out}.nc").exists():
        return from_netcdf(f"{out}.nc", "t2m")
    if pathlib.Path(f"{out}.csv").exists():
        with open(f"{out}.csv") as file:
            return np.array([float(row[-1]) for row in list(csv.reader(file))[1:]])
    for path in (f"{out}.zarr", out_path):
        if pathlib.Path(path).exists():
            return from_zarr(str(path), name)
    raise FileNotFoundError(f"no answer at {out}")


def difference(out: str, truth_folder: str, truth: str) -> float:
    expected = np.load(f"{truth_folder}/{truth}.npy")
    found = find(out, truth.removesuffix("_sample"))
    if truth == "point_sample":
        # A side that gives the place alone was asked for all, too.
        if found.ndim == 3:
            found = found[:, 100, 200] if found.shape[1] > 1 else found[:, 0, 0]
    elif truth.endswith("_sample"):
        # CDO leaves the steps out that have no full window before them.
        absent = WINDOW - 1 if truth == "rolling_sample" and not np.isnan(found[0]).any() else 0
        steps = found.shape[0] + absent
        every = max(1, steps // 8)
        nothing = np.full(found.shape[1:], np.nan)
        found = np.stack([found[step - absent] if step >= absent else nothing for step in range(0, steps, every)])
    found = np.asarray(found[...], np.float64).ravel()
    if found.size != expected.size:
        raise ValueError(f"{found.size} numbers where {expected.size} are expected")
    expected = expected.ravel()
    # A missing value is an error as large as can be, but where it is expected.
    off = np.where(np.isnan(found) & np.isnan(expected), 0.0, np.abs(found - expected))
    return float(np.nan_to_num(off, nan=np.inf).max())


out, folder, truths = sys.argv[1:]
print(max(difference(out, folder, truth) for truth in truths.split("+")))

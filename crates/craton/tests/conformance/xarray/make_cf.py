"""Writes cf.json: the dtypes that xarray gives masked and scaled variables.

Run with Python 3.12, numpy 2.5 and xarray 2026.9.0: python make_cf.py
"""

import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import xarray as xr
from xarray.coders import CFTimedeltaCoder
from xarray.coding.variables import CFMaskCoder, CFScaleOffsetCoder

warnings.simplefilter("ignore")
STORED = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
FACTORS = [None, "float32", "float64", "int32", "int64"]


def decoded(stored, attrs):
    """The variable after masking and scaling with the defaults of `open_dataset`."""
    data = np.array([1, 3, 5]).astype(stored)
    variable = xr.Variable(("x",), data, attrs)
    for coder in (CFMaskCoder, CFScaleOffsetCoder):
        variable = coder(decode_times=True, decode_timedelta=CFTimedeltaCoder()).decode(variable, name="v")
    return variable.load()


rows = []
for stored, scale, offset, fill, unsigned, units in itertools.product(
    STORED, FACTORS, FACTORS, [None, "same", "nan", "two"], [None, "true", "false"], [None, "days", "days since 2000-01-01"]
):
    if unsigned and (stored.startswith("float") or scale not in (None, "float32") or offset not in (None, "float64")):
        continue
    if units and scale not in (None, "float32", "float64"):
        continue
    attrs = {}
    if scale:
        attrs["scale_factor"] = np.dtype(scale).type(2)
    if offset:
        attrs["add_offset"] = np.dtype(offset).type(1)
    if fill:
        attrs["_FillValue"] = np.float64("nan") if fill == "nan" else np.dtype(stored).type(3)
    if fill == "two":
        attrs["missing_value"] = np.dtype(stored).type(5)
    if unsigned:
        attrs["_Unsigned"] = unsigned
    if units:
        attrs["units"] = units
    try:
        result = str(decoded(stored, attrs).dtype)
    except Exception:
        continue
    rows.append([stored, scale, offset, fill, unsigned, units, result])

with open(Path(__file__).parent / "cf.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n")

"""Writes types.json and values.json: NumPy's result types and some results, as the kernels should have them.

Run with NumPy 2: python make.py
"""

import json
import pathlib
import warnings

import numpy as np

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent
TYPES = """bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64
complex64 complex128 datetime64[s] timedelta64[s]""".split()
UNARY = """negative positive absolute sign sqrt cbrt square reciprocal exp exp2 expm1 log log2 log10 log1p
sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh degrees radians floor ceil trunc rint
isnan isfinite isinf logical_not invert real imag conjugate""".split()
BINARY = """add subtract multiply divide floor_divide remainder power maximum minimum fmax fmin arctan2 hypot
copysign equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and
bitwise_or bitwise_xor left_shift right_shift""".split()
NUMBERS = TYPES[:14]


def result(function, *types):
    try:
        return function(*[np.ones(1, dtype=name) for name in types]).dtype.name
    except (TypeError, ValueError):
        return None


def common(*types):
    try:
        return np.result_type(*types).name
    except TypeError:
        return None


def listed(array):
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1).ravel()
    if array.dtype.kind == "f":
        return " ".join(repr(float(value)).removesuffix(".0") for value in array)
    return " ".join(str(int(value)) for value in array)


def row(entry):
    """Results over TYPES, `-` where NumPy raises."""
    return " ".join(entry(name) or "-" for name in TYPES)


types = {
    "numpy": np.__version__,
    "types": " ".join(TYPES),
    "unary": {n: row(lambda t: result(getattr(np, n), t)) for n in UNARY},
    "binary": {
        n: {a: row(lambda b: result(getattr(np, n), a, b)) for a in TYPES} for n in BINARY
    },
    "promote": {a: row(lambda b: common(a, b)) for a in TYPES},
    "weak": {k: row(lambda a: a in NUMBERS and common(np.dtype(a), v)) for k, v in
             {"int": 1, "float": 1.0, "complex": 1j}.items()},
    "reduce": {n: row(lambda t: t in NUMBERS and result(getattr(np, n), t))
               for n in ["sum", "prod", "mean", "var", "min", "any", "all"]},
}
(HERE / "types.json").write_text(json.dumps(types, indent=0) + "\n")

WHOLE = [0, 1, 2, 7, 127]
SIGNED = WHOLE + [-1, -7, -128]
REAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.75, 60.0, np.inf, -np.inf, np.nan]


def sample(name):
    kind = np.dtype(name).kind
    if kind == "c":
        return np.array([0.5 + 0.25j, -1.5 + 2j, 2 - 0.75j, -0.3 - 3j, 1 + 1j], dtype=name)
    return np.array({"b": [0, 1], "u": WHOLE, "i": SIGNED, "f": REAL}[kind], dtype=name)


cases = []
for name in NUMBERS:
    values = sample(name)
    left = np.repeat(values, len(values))
    right = np.tile(values, len(values))
    for function in UNARY:
        operand = name if result(getattr(np, function), name) else None
        if operand is None:
            continue
        out = getattr(np, function)(values)
        cases.append({"kind": "unary", "name": function, "dtype": name, "out": listed(out)})
    for function in BINARY if name not in ("int16", "int32", "uint16", "uint32") else []:
        if result(getattr(np, function), name, name) is None:
            continue
        if function == "power" and np.dtype(name).kind == "i":
            continue  # NumPy raises for negative exponents
        out = getattr(np, function)(left, right)
        cases.append({"kind": "binary", "name": function, "dtype": name, "out": listed(out)})
    for other in NUMBERS:
        if values.dtype.kind == "f" and np.dtype(other).kind in "iu":
            continue  # infinities and NaN are checked by hand
        cases.append({"kind": "cast", "name": other, "dtype": name, "out": listed(values.astype(other))})
samples = {name: listed(sample(name)) for name in NUMBERS}
(HERE / "values.json").write_text(
    json.dumps({"samples": samples, "cases": cases}, separators=(",", ":")) + "\n"
)

"""NumPy's functions over `craton.Array`: the table that `numpy.…(array)` is looked up in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from craton.array import Array, axes_of, axis_of, binary, full, label_with, operands, unary, unsupported
from craton.indexing import gather

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}

# A split or merged axis, a window and a listed value are each as many pieces of the plan.
_MOST_PIECES = 2000


def _numpys(*names: str) -> Callable[[Callable], Callable]:
    """Enter a function under NumPy's names."""

    def enter(function: Callable) -> Callable:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return enter


# Reductions


def _reduction(kind: str, skips: bool, folds_dtype: bool = False) -> Callable[..., Array]:
    def reduce(
        a: Any, axis: Any = None, dtype: Any = None, out: None = None, *, ddof: float = 0, keepdims: Any = False, **options: Any
    ) -> Array:
        array = Array.of(a)
        given = {name: value for name, value in options.items() if value is not numpy._NoValue}
        if out is not None or given:
            raise unsupported(f"`numpy.{kind}` with `{'out' if out is not None else next(iter(given))}`")
        if int(ddof) != ddof:
            raise unsupported(f"`numpy.{kind}` with `ddof={ddof}`")
        if dtype is not None and folds_dtype:
            array = array.astype(dtype)
        axes = axes_of(axis, array.ndim)
        node = array._node.reduce(kind, axes, skips, int(ddof))
        label = array._label and tuple(one for at, one in enumerate(array._label) if at not in axes)
        result = Array(node, label)
        if keepdims is True:
            shape = [1 if at in axes else length for at, length in enumerate(array.shape)]
            result = result.broadcast_to(shape, [at for at in range(array.ndim) if at not in axes])
        return result if dtype is None else result.astype(dtype)

    reduce.__name__ = kind
    return reduce


for _kind in ("sum", "prod", "mean", "var", "std", "min", "max", "any", "all"):
    FUNCTIONS[_kind] = _reduction(_kind, False, _kind in {"sum", "prod", "mean", "var", "std"})
    if _kind not in {"any", "all"}:
        FUNCTIONS[f"nan{_kind}"] = _reduction(_kind, True, _kind in {"sum", "prod", "mean", "var", "std"})
FUNCTIONS |= {"amin": FUNCTIONS["min"], "amax": FUNCTIONS["max"], "product": FUNCTIONS["prod"]}


def _place(kind: str, skips: bool) -> Callable[..., Array]:
    def place(a: Any, axis: int | None = None, out: None = None, *, keepdims: Any = False) -> Array:
        array = Array.of(a)
        if out is not None:
            raise unsupported(f"`numpy.{kind}` with `out`")
        if axis is None and array.ndim != 1:
            array = reshape(array, (-1,))
        at = axis_of(0 if axis is None else axis, array.ndim)
        return _reduction(kind, skips)(array, axis=at, keepdims=keepdims)

    return place


for _kind in ("argmin", "argmax"):
    FUNCTIONS[_kind] = _place(_kind, False)
    FUNCTIONS[f"nan{_kind}"] = _place(_kind, True)


@_numpys("count_nonzero")
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    return FUNCTIONS["sum"](Array.of(a).astype(bool), axis=axis, keepdims=keepdims)


@_numpys("ptp")
def _ptp(a: Any, axis: Any = None) -> Array:
    return FUNCTIONS["max"](a, axis=axis) - FUNCTIONS["min"](a, axis=axis)


def _cumulation(kind: str, skips: bool) -> Callable[..., Array]:
    def cumulate(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Array:
        array = Array.of(a)
        if out is not None:
            raise unsupported(f"`numpy.{kind}` with `out`")
        if dtype is not None:
            array = array.astype(dtype)
        if axis is None and array.ndim != 1:
            array = reshape(array, (-1,))
        at = axis_of(0 if axis is None else axis, array.ndim)
        return Array(array._node.cumulate(kind, at, skips), array._label)

    return cumulate


for _kind in ("cumsum", "cumprod"):
    FUNCTIONS[_kind] = _cumulation(_kind, False)
    FUNCTIONS[f"nan{_kind}"] = _cumulation(_kind, True)


# Elementwise


@_numpys("where")
def where(condition: Any, x: Any = None, y: Any = None) -> Array:
    if x is None or y is None:
        raise unsupported("`numpy.where` of a condition alone, whose result only the values tell,")
    one, other = operands(x, y)
    dtype = numpy.result_type(one.dtype, other.dtype)
    condition = Array.of(condition).astype(bool)
    one, other = one.astype(dtype), other.astype(dtype)
    node = condition._node.select(one._node, other._node)
    return Array(node, label_with(tuple(node.shape), condition, one, other))


@_numpys("clip")
def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Array:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    result = Array.of(a)
    if out is not None:
        raise unsupported("`numpy.clip` with `out`")
    if low is not None:
        result = binary("maximum", result, low)
    return result if high is None else binary("minimum", result, high)


@_numpys("isclose")
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    one, other = operands(a, b)
    if one.dtype.kind in "mM":
        raise unsupported("`numpy.isclose` of times")
    near = (abs(one - other) <= atol + rtol * abs(other)) & unary("isfinite", other) | (one == other)
    return near | (unary("isnan", one) & unary("isnan", other)) if equal_nan else near


@_numpys("isin")
def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, **_kind: Any) -> Array:
    values = numpy.unique(numpy.asarray(test_elements))
    if len(values) > _MOST_PIECES:
        raise unsupported(f"`numpy.isin` of {len(values)} values (at most {_MOST_PIECES})")
    array = Array.of(element)
    found = full(array.shape, False, bool)
    for value in values:
        found = found | (array == value)
    return ~found if invert else found


@_numpys("round", "around")
def _round(a: Any, decimals: int = 0, out: None = None) -> Array:
    array = Array.of(a)
    if array.dtype.kind not in "fc":
        if decimals < 0:
            raise unsupported("rounding of integers to tens")
        return array
    if decimals == 0:
        return unary("rint", array)
    scale = 10.0 ** abs(decimals)
    return unary("rint", array * scale) / scale if decimals > 0 else unary("rint", array / scale) * scale


@_numpys("real")
def _real(val: Any) -> Array:
    return Array.of(val).real


@_numpys("imag")
def _imag(val: Any) -> Array:
    return Array.of(val).imag


@_numpys("nan_to_num")
def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    array = Array.of(x)
    if array.dtype.kind != "f":
        return array
    limits = numpy.finfo(array.dtype)
    out = where(unary("isnan", array), nan, array)
    out = where(out == numpy.inf, limits.max if posinf is None else posinf, out)
    return where(out == -numpy.inf, limits.min if neginf is None else neginf, out).astype(array.dtype)


# Shapes


@_numpys("broadcast_to")
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    return Array.of(array).broadcast_to(shape if isinstance(shape, Sequence) else (shape,))


@_numpys("broadcast_arrays")
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Array, ...]:
    shape = numpy.broadcast_shapes(*(one.shape for one in map(Array.of, arrays)))
    return tuple(Array.of(one).broadcast_to(shape) for one in arrays)


@_numpys("transpose", "permute_dims")
def _transpose(a: Any, axes: Any = None) -> Array:
    return Array.of(a).transpose(*([] if axes is None else [tuple(axes)]))


@_numpys("moveaxis")
def _moveaxis(a: Any, source: Any, destination: Any) -> Array:
    array = Array.of(a)
    sources, places = axes_of(source, array.ndim), axes_of(destination, array.ndim)
    order = [axis for axis in range(array.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return array.transpose(order)


@_numpys("swapaxes")
def _swapaxes(a: Any, axis1: int, axis2: int) -> Array:
    array = Array.of(a)
    order = list(range(array.ndim))
    one, other = axis_of(axis1, array.ndim), axis_of(axis2, array.ndim)
    order[one], order[other] = order[other], order[one]
    return array.transpose(order)


@_numpys("expand_dims")
def _expand_dims(a: Any, axis: Any) -> Array:
    array = Array.of(a)
    count = array.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = axes_of(axis, count)
    return array[tuple(None if at in new else slice(None) for at in range(count))]


@_numpys("squeeze")
def _squeeze(a: Any, axis: Any = None) -> Array:
    return Array.of(a).squeeze(axis)


@_numpys("atleast_1d")
def _atleast_1d(a: Any) -> Array:
    array = Array.of(a)
    return array if array.ndim else array[None]


@_numpys("flip")
def _flip(m: Any, axis: Any = None) -> Array:
    array = Array.of(m)
    axes = axes_of(axis, array.ndim)
    return array[tuple(slice(None, None, -1) if at in axes else slice(None) for at in range(array.ndim))]


@_numpys("roll")
def _roll(a: Any, shift: int, axis: int) -> Array:
    array = Array.of(a)
    at = axis_of(axis, array.ndim)
    length = array.shape[at]
    by = shift % length if length else 0
    before = (slice(None),) * at
    return concatenate([array[(*before, slice(length - by, None))], array[(*before, slice(length - by))]], axis=at)


@_numpys("diff")
def _diff(a: Any, n: int = 1, axis: int = -1) -> Array:
    array = Array.of(a)
    before = (slice(None),) * axis_of(axis, array.ndim)
    for _ in range(n):
        later, earlier = array[(*before, slice(1, None))], array[(*before, slice(None, -1))]
        array = later != earlier if array.dtype.kind == "b" else later - earlier
    return array


@_numpys("take")
def _take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Array:
    array = Array.of(a)
    if axis is None:
        array, axis = reshape(array, (-1,)), 0
    indices = numpy.asarray(indices)
    before = (slice(None),) * axis_of(axis, array.ndim)
    return array[(*before, int(indices) if indices.ndim == 0 else indices)]


@_numpys("repeat")
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Array:
    array = Array.of(a)
    if axis is None:
        array, axis = reshape(array, (-1,)), 0
    at = axis_of(axis, array.ndim)
    return gather(array, at, numpy.repeat(numpy.arange(array.shape[at]), repeats))


@_numpys("tile")
def _tile(A: Any, reps: Any) -> Array:
    array = Array.of(A)
    reps = (reps,) if isinstance(reps, int) else tuple(reps)
    ndim = max(len(reps), array.ndim)
    array = array[(None,) * (ndim - array.ndim)]
    for at, count in enumerate((1,) * (ndim - len(reps)) + reps):
        array = gather(array, at, numpy.tile(numpy.arange(array.shape[at]), count))
    return array


@_numpys("concatenate", "concat")
def concatenate(arrays: Sequence[Any], axis: int | None = 0, out: None = None, *, dtype: Any = None, **_casting: Any) -> Array:
    parts = operands(*arrays)
    if axis is None:
        parts, axis = [reshape(one, (-1,)) for one in parts], 0
    dtype = numpy.result_type(*(one.dtype for one in parts)) if dtype is None else numpy.dtype(dtype)
    at = axis_of(axis, parts[0].ndim)
    node = type(parts[0]._node).concat([one.astype(dtype)._node for one in parts], at)
    labels = [one._label for one in parts if one._label is not None]
    return Array(node, labels[0] if labels else None)


@_numpys("stack")
def _stack(arrays: Sequence[Any], axis: int = 0, out: None = None, **options: Any) -> Array:
    parts = [Array.of(one) for one in arrays]
    return concatenate([_expand_dims(one, axis) for one in parts], axis_of(axis, parts[0].ndim + 1), **options)


@_numpys("pad")
def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0, **options: Any) -> Array:
    array = Array.of(array)
    widths = numpy.broadcast_to(numpy.asarray(pad_width), (array.ndim, 2)).tolist()
    if mode == "constant":
        values = numpy.broadcast_to(numpy.asarray(constant_values), (array.ndim, 2))
        for at, (before, after) in enumerate(widths):
            parts = [array]
            if before:
                parts.insert(0, _filled(array, at, before, values[at, 0]))
            if after:
                parts.append(_filled(array, at, after, values[at, 1]))
            array = concatenate(parts, axis=at) if len(parts) > 1 else array
        return array
    if mode not in {"edge", "wrap", "reflect", "symmetric"} or options.get("reflect_type", "even") != "even":
        raise unsupported(f"`numpy.pad` of mode {mode!r}")
    for at, (before, after) in enumerate(widths):
        if before or after:
            array = gather(array, at, numpy.pad(numpy.arange(array.shape[at]), (before, after), mode=mode))
    return array


def _filled(array: Array, axis: int, count: int, value: Any) -> Array:
    shape = [count if at == axis else length for at, length in enumerate(array.shape)]
    return full(shape, numpy.asarray(value).astype(array.dtype), array.dtype)


@_numpys("reshape")
def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Array:
    array = Array.of(a)
    shape = [shape] if isinstance(shape, int) else list(shape)
    if shape.count(-1) > 1 or order not in "CA":
        raise unsupported(f"a reshape to {shape} in order {order!r}")
    if -1 in shape:
        rest = math.prod(length for length in shape if length != -1)
        shape[shape.index(-1)] = array.size // rest if rest else 0
    if math.prod(shape) != array.size:
        raise ValueError(f"shape {array.shape} has {array.size} elements, {tuple(shape)} has {math.prod(shape)}")
    if array.size == 0:
        return full(shape, numpy.zeros((), array.dtype), array.dtype)
    array = array.squeeze()
    place, made = 0, []
    for before, after in _matched(array.shape, [length for length in shape if length != 1]):
        for _ in before[1:]:
            array = _merge(array, place)
        for length in after[:-1]:
            array = _split(array, place, length)
            place += 1
        place += bool(after)
        made += after
    old = [at for at, length in enumerate(shape) if length != 1]
    return array if len(old) == len(shape) else array.broadcast_to(shape, old)


def _matched(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Give the axes in runs of equal counts of elements."""
    old, new, runs = list(old), list(new), []
    while old:
        before, after = [old.pop(0)], [new.pop(0)]
        while math.prod(before) != math.prod(after):
            if math.prod(before) < math.prod(after):
                before.append(old.pop(0))
            else:
                after.append(new.pop(0))
        runs.append((before, after))
    return runs


def _check_pieces(count: int, what: str) -> None:
    if count > _MOST_PIECES:
        raise unsupported(f"{what} into {count} pieces (at most {_MOST_PIECES})")


def _merge(array: Array, axis: int) -> Array:
    """Make one axis of an axis and the next."""
    _check_pieces(array.shape[axis], "a reshape that takes an axis apart")
    before = (slice(None),) * axis
    return concatenate([array[(*before, at)] for at in range(array.shape[axis])], axis=axis)


def _split(array: Array, axis: int, length: int) -> Array:
    """Make two axes of one, the first of some length."""
    inner = array.shape[axis] // length
    before = (slice(None),) * axis
    if inner <= length:
        _check_pieces(inner, "a reshape that cuts an axis")
        return _stack([array[(*before, slice(at, None, inner))] for at in range(inner)], axis=axis + 1)
    _check_pieces(length, "a reshape that cuts an axis")
    return _stack([array[(*before, slice(at * inner, (at + 1) * inner))] for at in range(length)], axis=axis)


@_numpys("ravel")
def _ravel(a: Any, order: str = "C") -> Array:
    return reshape(a, (-1,), order)


@_numpys("sliding_window_view")
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None, **_options: Any) -> Array:
    array = Array.of(x)
    windows = [window_shape] if isinstance(window_shape, int) else list(window_shape)
    for window, at in zip(windows, axes_of(axis, array.ndim), strict=True):
        _check_pieces(window, "a window cut")
        count = array.shape[at] - window + 1
        if count < 0:
            raise ValueError(f"a window of {window} is longer than axis {at}, which has {array.shape[at]} elements")
        before = (slice(None),) * at
        array = _stack([array[(*before, slice(first, first + count))] for first in range(window)], axis=array.ndim)
    return array


# Products


@_numpys("einsum")
def _einsum(subscripts: str, *arrays: Any, **_options: Any) -> Array:
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    parts = [Array.of(one) for one in arrays]
    rest = max((one.ndim - len(term.replace("...", "")) for term, one in zip(left.split(","), parts, strict=True)), default=0)
    # Axes behind the dots get letters that nobody writes.
    dots = "".join(chr(0x3B1 + at) for at in range(rest))
    terms = []
    for term, one in zip(left.split(","), parts, strict=True):
        own = one.ndim - len(term.replace("...", ""))
        terms.append(term.replace("...", dots[rest - own :]))
    if any(len(set(term)) < len(term) for term in terms):
        raise unsupported("`numpy.einsum` with an axis twice in one term")
    letters = "".join(terms)
    out = right.replace("...", dots) if arrow else dots + "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    order = out + "".join(dict.fromkeys(one for one in letters if one not in out))
    sizes = {letter: length for term, one in zip(terms, parts, strict=True) for letter, length in zip(term, one.shape, strict=True)}
    product = None
    for term, one in zip(terms, parts, strict=True):
        shape = [sizes[letter] if letter in term else 1 for letter in order]
        spread = one.broadcast_to(shape, [order.index(letter) for letter in term])
        product = spread if product is None else product * spread
    summed = tuple(range(len(out), len(order)))
    if not summed:
        return product
    dtype = numpy.result_type(*(one.dtype for one in parts))
    return FUNCTIONS["sum"](product, axis=summed).astype(dtype)


@_numpys("tensordot")
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    one, other = Array.of(a), Array.of(b)
    if isinstance(axes, int):
        axes = (list(range(one.ndim - axes, one.ndim)), list(range(axes)))
    left, right = axes_of(axes[0], one.ndim), axes_of(axes[1], other.ndim)
    names = [chr(97 + at) for at in range(one.ndim + other.ndim)]
    first, second = names[: one.ndim], names[one.ndim :]
    for here, there in zip(left, right, strict=True):
        second[there] = first[here]
    kept = [name for at, name in enumerate(first) if at not in left] + [name for at, name in enumerate(second) if at not in right]
    return _einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", one, other)


@_numpys("dot")
def _dot(a: Any, b: Any, out: None = None) -> Array:
    one, other = Array.of(a), Array.of(b)
    if one.ndim == 0 or other.ndim == 0:
        return one * other
    return _tensordot(one, other, ([one.ndim - 1], [max(0, other.ndim - 2)]))


# Likenesses and facts


def _like(value: Any) -> Callable[..., Array]:
    def like(a: Any, *args: Any, dtype: Any = None, shape: Any = None, **_options: Any) -> Array:
        # `full_like` has its value before the dtype; the others begin with the dtype.
        given, rest = (args[0], args[1:]) if value is None and args else (value, args)
        if value is None and not args:
            given = _options["fill_value"]
        dtype = rest[0] if rest else dtype
        array = Array.of(a)
        shape = array.shape if shape is None else shape
        dtype = array.dtype if dtype is None else numpy.dtype(dtype)
        made = full((shape,) if isinstance(shape, int) else shape, numpy.asarray(given).astype(dtype), dtype)
        return Array(made._node, array._label) if made.shape == array.shape else made

    return like


FUNCTIONS |= {"full_like": _like(None), "zeros_like": _like(0), "ones_like": _like(1), "empty_like": _like(0)}


@_numpys("result_type")
def _result_type(*arrays_and_dtypes: Any) -> numpy.dtype:
    return numpy.result_type(*(one.dtype if isinstance(one, Array) else one for one in arrays_and_dtypes))


@_numpys("can_cast")
def _can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return numpy.can_cast(from_.dtype if isinstance(from_, Array) else from_, to, casting)


@_numpys("shape")
def _shape(a: Any) -> tuple[int, ...]:
    return Array.of(a).shape


@_numpys("ndim")
def _ndim(a: Any) -> int:
    return Array.of(a).ndim


@_numpys("size")
def _size(a: Any, axis: Any = None) -> int:
    array = Array.of(a)
    return math.prod(array.shape[at] for at in axes_of(axis, array.ndim))


@_numpys("copy")
def _copy(a: Any, **_options: Any) -> Array:
    return Array.of(a)


@_numpys("astype")
def _astype(x: Any, dtype: Any, /, **_options: Any) -> Array:
    return Array.of(x).astype(dtype)


@_numpys("iscomplexobj")
def _iscomplexobj(x: Any) -> bool:
    return Array.of(x).dtype.kind == "c"


@_numpys("isrealobj")
def _isrealobj(x: Any) -> bool:
    return Array.of(x).dtype.kind != "c"


@_numpys("may_share_memory", "shares_memory")
def _shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return False


@_numpys("allclose")
def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    return bool(FUNCTIONS["all"](isclose(a, b, rtol, atol, equal_nan)))


@_numpys("array_equal")
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    one, other = Array.of(a1), Array.of(a2)
    if one.shape != other.shape:
        return False
    same = one == other
    if equal_nan and one.dtype.kind in "fc" and other.dtype.kind in "fc":
        same = same | (unary("isnan", one) & unary("isnan", other))
    return bool(FUNCTIONS["all"](same))

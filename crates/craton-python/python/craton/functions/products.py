"""Sums of products, and differences over distances."""

from __future__ import annotations

from typing import Any

import numpy

from craton.array import Array
from craton.axes import axes_of, axis_of, unsupported
from craton.functions.joining import concatenate
from craton.functions.table import FUNCTIONS, numpys


@numpys("gradient")
def _gradient(f: Any, *spacing: Any, axis: int | None = None, edge_order: int = 1) -> Array:
    array = Array.of(f)
    if axis is None or edge_order != 1 or len(spacing) > 1:
        raise unsupported("`numpy.gradient` along several axes, or of edge order 2")
    at = axis_of(axis, array.ndim)
    length = array.shape[at]
    if length < 2:
        raise ValueError(f"a gradient needs 2 elements along axis {at}, there are {length}")
    steps = numpy.asarray(spacing[0] if spacing else 1.0)
    steps = numpy.full(length - 1, steps) if steps.ndim == 0 else numpy.diff(steps)
    if array.dtype.kind != "f":
        array = array.astype("float64")

    def part(start: int, stop: int | None) -> Array:
        return array[(slice(None),) * at + (slice(start, stop),)]

    def along(values: numpy.ndarray) -> numpy.ndarray:
        return values.reshape(-1, *[1] * (array.ndim - at - 1))

    if (steps == steps[0]).all():
        inner = (part(2, None) - part(0, -2)) / (2.0 * float(steps[0]))
    else:
        before, after = steps[:-1], steps[1:]
        weights = (
            -after / (before * (before + after)),
            (after - before) / (before * after),
            before / (after * (before + after)),
        )
        parts = part(0, -2), part(1, -1), part(2, None)
        inner = (
            sum(along(weight) * one for weight, one in zip(weights[1:], parts[1:], strict=True))
            + along(weights[0]) * parts[0]
        )
    ends = (part(1, 2) - part(0, 1)) / float(steps[0]), (part(-1, None) - part(-2, -1)) / float(steps[-1])
    return concatenate([ends[0], inner, ends[1]], axis=at)


@numpys("einsum")
def _einsum(subscripts: str, *arrays: Any, **_options: Any) -> Array:
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    parts = [Array.of(one) for one in arrays]
    rest = max(
        (one.ndim - len(term.replace("...", "")) for term, one in zip(left.split(","), parts, strict=True)), default=0
    )
    # Axes behind the dots get letters that nobody writes.
    dots = "".join(chr(0x3B1 + at) for at in range(rest))
    terms = []
    for term, one in zip(left.split(","), parts, strict=True):
        own = one.ndim - len(term.replace("...", ""))
        terms.append(term.replace("...", dots[rest - own :]))
    if any(len(set(term)) < len(term) for term in terms):
        raise unsupported("`numpy.einsum` with an axis twice in one term")
    letters = "".join(terms)
    out = (
        right.replace("...", dots)
        if arrow
        else dots + "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    )
    order = out + "".join(dict.fromkeys(one for one in letters if one not in out))
    sizes = {
        letter: length
        for term, one in zip(terms, parts, strict=True)
        for letter, length in zip(term, one.shape, strict=True)
    }
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


@numpys("tensordot")
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Array:
    one, other = Array.of(a), Array.of(b)
    if isinstance(axes, int):
        axes = (list(range(one.ndim - axes, one.ndim)), list(range(axes)))
    left, right = axes_of(axes[0], one.ndim), axes_of(axes[1], other.ndim)
    names = [chr(97 + at) for at in range(one.ndim + other.ndim)]
    first, second = names[: one.ndim], names[one.ndim :]
    for here, there in zip(left, right, strict=True):
        second[there] = first[here]
    kept = [name for at, name in enumerate(first) if at not in left] + [
        name for at, name in enumerate(second) if at not in right
    ]
    return _einsum(f"{''.join(first)},{''.join(second)}->{''.join(kept)}", one, other)


@numpys("dot")
def _dot(a: Any, b: Any, out: None = None) -> Array:
    one, other = Array.of(a), Array.of(b)
    if one.ndim == 0 or other.ndim == 0:
        return one * other
    return _tensordot(one, other, ([one.ndim - 1], [max(0, other.ndim - 2)]))

"""`craton.Array`: an array that has not been computed."""

from __future__ import annotations

import contextlib
import math
import operator
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy

from craton import _native
from craton.asked import check_asked
from craton.axes import axes_of, axis_of, cut, label_of, label_with, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Array"]

# Plan and label -> array, so that equal plans are one object. xarray takes what `is` the same for equal without looking
# at values, so coordinates that are the same work on the same data are never read to be compared.
_KNOWN: WeakValueDictionary[tuple[str, tuple[int, ...] | None], Array] = WeakValueDictionary()

# NumPy's functions of elements under other names than the engine's.
_UFUNCS = {"true_divide": "divide", "isnat": "isnan", "conj": "conjugate", "deg2rad": "radians"}
_UFUNCS |= {"rad2deg": "degrees", "fabs": "absolute", "mod": "remainder"}

_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_REDUCTIONS |= {"logical_and": "all", "logical_or": "any"}
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}

_COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}


if TYPE_CHECKING:

    def _entered(self: Array, *args: Any, **options: Any) -> Array: ...


class Array:
    """An array that has not been computed: a plan over stored arrays.

    Every operation gives another plan at once and reads nothing; `compute` reads, decodes and computes in bounded
    memory, each stored chunk once where memory allows. Instances are immutable, and equal plans are one object.
    NumPy's functions, operators and indexing work on it, and xarray takes it as the data of its variables. What is not
    expressible raises `NotImplementedError` and names the way out. No operation computes on its own, with one
    exception: where Python needs a single answer at once (``bool(a)``, ``int(a)``, ``float(a)``, ``a.item()``), the
    one element is computed.

    Missing values are NaN and NaT, treated as NumPy and xarray treat them.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    chunks : tuple of tuple of int
        A label that writers go by. It has no influence on how the array is computed.

    Examples
    --------
    >>> import craton, numpy
    >>> a = craton.Array.of(numpy.arange(6).reshape(2, 3))
    >>> (a * 2).sum(axis=1)
    <craton.Array int64 (2,)>
    >>> (a * 2).sum(axis=1).compute()
    array([ 6, 24])
    """

    __slots__ = ("__weakref__", "_filled", "_group", "_label", "_node", "_taken", "dtype", "shape")

    dtype: numpy.dtype
    shape: tuple[int, ...]
    _node: _native.Node
    # The length of chunks along each axis, if there is a label.
    _label: tuple[int, ...] | None
    # What the array came from: see `remember`.
    _taken: tuple[Array, int, numpy.ndarray] | None
    _group: tuple[Any, ...] | None
    _filled: Array | None

    def __new__(cls, node: _native.Node, label: tuple[int, ...] | None = None) -> Array:
        from craton import hooks

        hooks.install()
        key = (node.hash, label)
        known = _KNOWN.get(key)
        if known is not None:
            return known
        self = super().__new__(cls)
        shape = tuple(node.shape)
        facts = {"_node": node, "_label": label, "shape": shape, "dtype": numpy.dtype(node.dtype)}
        for name, value in {**facts, "_taken": None, "_group": None, "_filled": None}.items():
            object.__setattr__(self, name, value)
        _KNOWN[key] = self
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a craton.Array is immutable, so `{name}` cannot be set")

    @classmethod
    def of(cls, values: Any) -> Array:
        """Give the array of values at hand; what is a `craton.Array` already stays as it is.

        Raises
        ------
        NotImplementedError
            If the values are objects or structures.
        TypeError
            If they are lazy arrays of another library.
        """
        if isinstance(values, cls):
            return values
        return cls(_literal(_at_hand(values)))

    if TYPE_CHECKING:
        # These are entered below, one after the other; each gives a lazy array.
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _entered
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _entered
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _entered
        __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _entered
        __lt__ = __le__ = __gt__ = __ge__ = _entered
        __neg__ = __pos__ = __abs__ = __invert__ = _entered
        sum = prod = mean = var = std = min = max = any = all = argmin = argmax = _entered
        cumsum = cumprod = round = clip = ravel = take = dot = _entered

    # What it is

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes that the computed array would take."""
        return self.size * self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.dtype.itemsize

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of chunks along each axis: a label."""
        label = self.shape if self._label is None else self._label
        return tuple(cut(length, chunk) for length, chunk in zip(self.shape, label, strict=True))

    @property
    def T(self) -> Array:
        """The axes in the opposite order."""
        return self.transpose()

    @property
    def real(self) -> Array:
        """The real parts."""
        return self if self.dtype.kind != "c" else Array(self._node.unary("real"), self._label)

    @property
    def imag(self) -> Array:
        """The imaginary parts."""
        return Array(self._node.unary("imag"), self._label)

    @property
    def token(self) -> str:
        """The hash of the plan: equal for plans that mean the same work on the same data."""
        return self._node.hash

    def __dask_tokenize__(self) -> str:
        return self.token

    def __repr__(self) -> str:
        label = "" if self._label is None else f" chunks={self._label}"
        return f"<craton.Array {self.dtype} {self.shape}{label}>"

    def _repr_inline_(self, max_width: int) -> str:
        label = "" if self._label is None else f" chunks={self._label}"
        text = f"craton.Array{label}"
        return text if len(text) <= max_width else "craton.Array"[:max_width]

    def _repr_html_(self) -> str:
        from craton.html import show

        return show(self)

    # Computing

    def compute(self, *, memory: int | str | None = None, threads: int | None = None) -> numpy.ndarray:
        """Compute the values.

        Other threads of Python run meanwhile, and Ctrl-C stops the work.

        Parameters
        ----------
        memory : int or str, optional
            Bytes that the whole process may hold, or a size such as ``"2GiB"``; half of what is available by default.
        threads : int, optional
            Threads to compute on; all cores by default.

        Raises
        ------
        MemoryError
            If the work does not fit into `memory`.
        OSError
            If reading fails, or what is read is damaged.
        """
        return _native.compute([self._node], memory, threads)[0]

    def persist(self, **options: Any) -> Array:
        """Compute the values and keep them as an array whose plan begins there; options are those of `compute`."""
        return Array(_literal(self.compute(**options)), self._label)

    def explain(self) -> str:
        """Tell the plan, and what computing would read and hold; reads only metadata."""
        return _native.explain_nodes([("array", self._node)], None, None)

    def to_dask(self) -> Any:
        """Give a dask array whose tasks compute one labelled chunk of this array each.

        Raises
        ------
        ImportError
            If dask is not installed.
        """
        import dask.array

        class Computed:
            def __init__(self, array: Array) -> None:
                self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim

            def __getitem__(self, key: Any) -> numpy.ndarray:
                return self.array[key].compute()

        return dask.array.from_array(
            Computed(self),
            chunks=self.chunks,
            name=f"craton-{self.token}",
            meta=numpy.empty((0,) * self.ndim, self.dtype),
        )

    def rechunk(self, chunks: Any = None, **_options: Any) -> Array:
        """Give the same array under another chunk label.

        Parameters
        ----------
        chunks : int, "auto", tuple or dict
            Length of chunks for all axes, for each axis, or by axis; -1 is a whole axis, and None keeps its label.
        """
        return Array(self._node, label_of(chunks, self.shape, self._label))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        check_asked([self])
        values = self.compute()
        return values if dtype is None else values.astype(dtype, copy=False)

    def _element(self, what: str) -> Any:
        if self.size != 1:
            raise TypeError(f"{what} needs one element, and this craton.Array has {self.size}; reduce it first")
        return self.compute().item()

    def item(self) -> Any:
        """Compute the only element."""
        return self._element("`.item()`")

    def __bool__(self) -> bool:
        return bool(self._element("a truth value"))

    def __int__(self) -> int:
        return int(self._element("`int`"))

    def __float__(self) -> float:
        return float(self._element("`float`"))

    def __complex__(self) -> complex:
        return complex(self._element("`complex`"))

    def __index__(self) -> int:
        return operator.index(self._element("an index"))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[position] for position in range(len(self)))

    # Copying

    def copy(self, order: str = "K") -> Array:
        """Give this array: nothing can change it."""
        return self

    def __copy__(self) -> Array:
        return self

    def __deepcopy__(self, _memo: object) -> Array:
        return self

    def __reduce__(self) -> Any:
        raise NotImplementedError(
            "a craton.Array cannot be pickled, its plan holds opened files; `.compute()` it first"
        )

    # Elements and axes

    def __getitem__(self, key: Any) -> Array:
        from craton.indexing import take

        return take(self, key)

    def __setitem__(self, _key: object, _value: object) -> None:
        raise TypeError("a craton.Array is immutable; `xarray.where` gives a changed one, `.compute()` one to write to")

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Array:
        """Give the values as another dtype, as NumPy converts them."""
        dtype = numpy.dtype(dtype)
        if not numpy.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"cannot cast from {self.dtype} to {dtype} by the rule {casting!r}")
        if dtype == self.dtype:
            return self
        kinds = {dtype.kind, self.dtype.kind}
        # Texts have no numbers, and units of time are not converted; counts of time are.
        if kinds & set("OSUVT") or kinds <= set("mM"):
            raise unsupported(f"conversion of {self.dtype} to {dtype}")
        result = Array(self._node.cast(name_of(dtype)), self._label)
        return taken_like(self, result, lambda parent: parent.astype(dtype))

    def transpose(self, *axes: Any) -> Array:
        """Give the axes in another order, the opposite one by default."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            (axes,) = axes
        order = tuple(reversed(range(self.ndim))) if not axes else tuple(axis_of(axis, self.ndim) for axis in axes)
        label = self._label and tuple(self._label[axis] for axis in order)
        return Array(self._node.transpose(order), label)

    def reshape(self, *shape: Any, order: str = "C") -> Array:
        """Give the elements under another shape.

        Axes of length 1 cost nothing. Where axes are cut or put together, each piece is one of the plan's, so that the
        shorter axis may have 2000 indices at most.
        """
        from craton.functions.reshaping import reshape

        return reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def broadcast_to(self, shape: Iterable[int], axes: Iterable[int] | None = None) -> Array:
        """Give the array repeated to a shape; its axis ``i`` becomes axis ``axes[i]``, the last ones by default."""
        shape = tuple(shape)
        axes = tuple(range(len(shape) - self.ndim, len(shape)) if axes is None else axes)
        if any(axis < 0 for axis in axes):
            raise ValueError(f"shape {self.shape} does not broadcast to {shape}")
        label = None
        if self._label is not None:
            follows = dict(zip(axes, zip(self._label, self.shape, strict=True), strict=True))
            label = tuple(
                follows[axis][0] if axis in follows and follows[axis][1] == length else length
                for axis, length in enumerate(shape)
            )
        result = Array(self._node.broadcast(shape, axes), label)
        if self._group is not None and len(shape) == self.ndim + 1 and axes == tuple(sorted(axes)):
            (new,) = set(range(len(shape))) - set(axes)
            if shape[new] == 1 and tuple(shape[axis] for axis in axes) == self.shape:
                remember(result, "_group", (*self._group[:-1], new))
        return result

    def conj(self) -> Array:
        """Give the complex conjugates."""
        return unary("conjugate", self) if self.dtype.kind == "c" else self

    def squeeze(self, axis: Any = None) -> Array:
        """Give the array without its axes of length 1, or without some of them."""
        gone = [at for at, n in enumerate(self.shape) if n == 1] if axis is None else axes_of(axis, self.ndim)
        if any(self.shape[at] != 1 for at in gone):
            raise ValueError("only axes of length 1 can be squeezed away")
        return self[tuple(0 if at in gone else slice(None) for at in range(self.ndim))]

    # Protocols

    def __array_ufunc__(self, ufunc: numpy.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(_is_foreign(one) for one in inputs):
            return NotImplemented
        if any(value is not None for name, value in options.items() if name == "out"):
            raise TypeError(f"`numpy.{ufunc.__name__}` cannot write into arrays from a craton.Array; leave `out` away")
        name = ufunc.__name__
        if method == "reduce" and name in _REDUCTIONS:
            options = {key: value for key, value in options.items() if key in {"axis", "keepdims", "dtype"}}
            return getattr(Array.of(inputs[0]), _REDUCTIONS[name])(**{"axis": 0, **options})
        if method == "accumulate" and name in _ACCUMULATIONS:
            return getattr(Array.of(inputs[0]), _ACCUMULATIONS[name])(axis=options.get("axis", 0))
        if method != "__call__" or options:
            given = "".join(f" with `{option}`" for option in options)
            raise unsupported(f"`numpy.{name}{'' if method == '__call__' else '.' + method}`{given}")
        if len(inputs) == 1:
            return unary(name, inputs[0])
        if len(inputs) == 2:
            return binary(name, *inputs)
        raise unsupported(f"`numpy.{name}`")

    def __array_function__(self, function: Callable, types: Any, args: Any, options: Any) -> Any:
        from craton.functions import FUNCTIONS

        if any(_is_foreign_type(kind) for kind in types):
            return NotImplemented
        done = FUNCTIONS.get(function.__name__)
        if done is None:
            module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy.")
            name = function.__name__ if module == "numpy" else f"{module}.{function.__name__}"
            raise unsupported(f"`numpy.{name}`")
        return done(*args, **options)


# Conversions


def name_of(dtype: numpy.dtype) -> str:
    """Give the name under which the engine knows a dtype."""
    return f"{dtype.kind}{dtype.itemsize // (4 if dtype.kind == 'U' else 1)}" if dtype.kind in "SUV" else dtype.name


def _at_hand(values: Any) -> numpy.ndarray:
    if hasattr(values, "__dask_graph__") or (hasattr(values, "chunks") and hasattr(values, "compute")):
        kind = f"{type(values).__module__.partition('.')[0]}.{type(values).__qualname__}"
        raise TypeError(f"a {kind} and a craton.Array do not mix; compute one of them first with `.compute()`")
    return numpy.asarray(values)


def _literal(values: numpy.ndarray) -> _native.Node:
    if values.dtype.kind in "OT" or values.dtype.names:
        raise unsupported(f"work on values of dtype {values.dtype}")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    name = name_of(values.dtype)
    # What is one value everywhere takes no memory.
    if values.size and not any(step for step, length in zip(values.strides, values.shape, strict=True) if length > 1):
        return _native.Node.full(name, values[(0,) * values.ndim].tobytes(), values.shape)
    return _native.Node.literal(name, values.shape, values.tobytes())


def full(shape: Iterable[int], value: Any, dtype: Any) -> Array:
    """Give one value in every place of a shape."""
    shape = tuple(shape)
    value = numpy.asarray(value, dtype=dtype)
    return Array.of(numpy.broadcast_to(value, shape)) if value.ndim == 0 else Array.of(value).broadcast_to(shape)


def operands(*values: Any, compares: bool = False) -> list[Array]:
    """Give arrays of values; Python's own numbers take the dtype that they have beside the others, as in NumPy."""
    strong = [one if isinstance(one, (Array, numpy.ndarray, numpy.generic)) else None for one in values]
    dtypes = [one.dtype for one in strong if one is not None]
    arrays = []
    for value in values:
        if type(value) in (bool, int, float, complex) and dtypes and all(dtype.kind in "biufc" for dtype in dtypes):
            dtype = numpy.result_type(*dtypes, value)
            try:
                value = numpy.asarray(value, dtype=dtype)
            except OverflowError:
                if not compares:
                    raise
                value = numpy.asarray(value)
        arrays.append(value if isinstance(value, Array) else _at_hand(value))
    return [Array.of(one) for one in _of_one_unit(arrays)]


def _of_one_unit(arrays: list[Any]) -> list[Any]:
    """Give times at hand the unit of the lazy ones, where that loses nothing."""
    lazy = [one.dtype for one in arrays if isinstance(one, Array) and one.dtype.kind in "mM"]
    if not lazy:
        return arrays
    unit = numpy.datetime_data(lazy[0])[0]
    out = []
    for one in arrays:
        if one.dtype.kind in "mM" and numpy.datetime_data(one.dtype)[0] != unit and not isinstance(one, Array):
            changed = one.astype(f"{one.dtype.kind}8[{unit}]")
            if not numpy.array_equal(changed.astype(one.dtype), one):
                raise unsupported(f"work on times in {unit} with times that are no whole {unit}")
            one = changed
        out.append(one)
    return out


def _is_foreign(value: Any) -> bool:
    return _is_foreign_type(type(value))


def _is_foreign_type(kind: type) -> bool:
    # dask would wait for this side to give up, and then name neither.
    if kind.__module__.partition(".")[0] == "dask":
        return False
    return not issubclass(kind, (Array, numpy.ndarray, numpy.generic)) and hasattr(kind, "__array_ufunc__")


# Elementwise


def unary(name: str, value: Any) -> Array:
    """Give NumPy's function `name` of each element."""
    array = Array.of(value)
    with _numpys_errors(array):
        result = Array(array._node.unary(_UFUNCS.get(name, name)), array._label)
    return taken_like(array, result, lambda parent: unary(name, parent))


def binary(name: str, left: Any, right: Any) -> Array:
    """Give NumPy's function `name` of two arrays, broadcast."""
    if _is_foreign(left) or _is_foreign(right):
        return NotImplemented
    one, other = operands(left, right, compares=name in _COMPARISONS)
    with _numpys_errors(one, other):
        node = one._node.binary(_UFUNCS.get(name, name), other._node)
    result = Array(node, label_with(tuple(node.shape), one, other))
    if other.ndim == 0:
        return taken_like(one, result, lambda parent: binary(name, parent, other))
    return taken_like(other, result, lambda parent: binary(name, one, parent)) if one.ndim == 0 else result


@contextlib.contextmanager
def _numpys_errors(*arrays: Array) -> Iterator[None]:
    """Make what is not defined for some dtypes a `TypeError`, as in NumPy."""
    try:
        yield
    except ValueError as error:
        numpy.broadcast_shapes(*(array.shape for array in arrays))
        raise TypeError(str(error)) from None


# What an array came from, where a later operation wants to know. xarray goes through groups one by one: indices taken,
# reduced, put together again. `concatenate` makes one grouped reduction of that.


def remember(array: Array, fact: str, value: object) -> Array:
    """Note what an array came from."""
    object.__setattr__(array, fact, value)
    return array


def taken_like(array: Array, result: Array, same: Callable[[Array], Array]) -> Array:
    """Note that a function of taken elements is the elements taken of that function."""
    if array._taken is not None and result._taken is None:
        parent, axis, indices = array._taken
        remember(result, "_taken", (same(parent), axis, indices))
    return result


def _add_operators() -> None:
    def forward(name: str) -> Callable[[Array, Any], Array]:
        return lambda self, other: binary(name, self, other)

    def reflected(name: str) -> Callable[[Array, Any], Array]:
        return lambda self, other: binary(name, other, self)

    both = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide"}
    both |= {"mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}
    both |= {"lshift": "left_shift", "rshift": "right_shift"}
    for python, name in both.items():
        setattr(Array, f"__{python}__", forward(name))
        setattr(Array, f"__r{python}__", reflected(name))
    comparisons = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater"}
    for python, name in {**comparisons, "ge": "greater_equal"}.items():
        setattr(Array, f"__{python}__", forward(name))
    for python, name in {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
        setattr(Array, f"__{python}__", lambda self, name=name: unary(name, self))
    # Equality is elementwise, as in NumPy, so there is nothing to hash by.
    Array.__hash__ = None  # type: ignore[assignment]

    def method(name: str) -> Callable[..., Array]:
        def call(self: Array, *args: Any, **options: Any) -> Array:
            from craton.functions import FUNCTIONS

            return FUNCTIONS[name](self, *args, **options)

        call.__name__ = name
        call.__doc__ = _REDUCTION_DOC.format(name=name) if name in _REDUCING else f"As `numpy.{name}`, lazily."
        return call

    for name in _REDUCING | {"cumsum", "cumprod", "round", "clip", "ravel", "take", "dot"}:
        setattr(Array, name, method(name))


_REDUCING = {"sum", "prod", "mean", "var", "std", "min", "max", "any", "all", "argmin", "argmax"}
_REDUCTION_DOC = """Give `numpy.{name}` over `axis`, lazily; over all axes by default.

The shape is the array's without these axes; ``keepdims=True`` keeps them with length 1. A missing value makes the
result missing; ``numpy.nan{name}(array)``, where NumPy has it, leaves missing values out, and gives a missing result
(for places, -1) where there is nothing else.

Raises
------
TypeError, ValueError
    If it is not defined for the dtype, or an axis is outside, or an extremum of nothing is asked for.
"""


_add_operators()

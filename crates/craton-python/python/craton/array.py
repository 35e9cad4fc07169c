"""`craton.Array`: an array that has not been computed."""

from __future__ import annotations

import math
import operator
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy

from craton import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Array"]

# Array -> itself by plan and label, so that equal plans are one object. xarray takes what `is` the same for equal without
# looking at values, so coordinates that are the same work on the same data are never read to be compared.
_KNOWN: WeakValueDictionary[tuple[str, tuple[int, ...] | None], Array] = WeakValueDictionary()

# xarray's functions through which `.values`, `.to_numpy()` and single answers reach the array.
_ASKS_FOR_VALUES = {"_as_array_or_item", "values", "to_numpy", "item"}
_ASKS_FOR_VALUES |= {"__bool__", "__int__", "__float__", "__complex__", "__index__"}

# NumPy's functions of elements under other names than the engine's.
_UFUNCS = {"true_divide": "divide", "isnat": "isnan", "conj": "conjugate", "deg2rad": "radians"}
_UFUNCS |= {"rad2deg": "degrees", "fabs": "absolute", "mod": "remainder"}

_REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_REDUCTIONS |= {"logical_and": "all", "logical_or": "any"}
_ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}

_COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}


def unsupported(what: str) -> NotImplementedError:
    """Give the error for what a lazy array cannot do, with the way out."""
    message = f"{what} is not done on a craton.Array; `.compute()` gives a NumPy array first, `.to_dask()` a dask array"
    return NotImplementedError(message)


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

    __slots__ = ("__weakref__", "_label", "_node", "dtype", "shape")

    dtype: numpy.dtype
    shape: tuple[int, ...]

    def __new__(cls, node: _native.Node, label: tuple[int, ...] | None = None) -> Array:
        key = (node.hash, label)
        known = _KNOWN.get(key)
        if known is not None:
            return known
        self = super().__new__(cls)
        shape = tuple(node.shape)
        for name, value in (("_node", node), ("_label", label), ("shape", shape), ("dtype", numpy.dtype(node.dtype))):
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
        if hasattr(values, "__dask_graph__") or (hasattr(values, "chunks") and hasattr(values, "compute")):
            kind = f"{type(values).__module__.split('.')[0]}.{type(values).__qualname__}"
            raise TypeError(f"a {kind} and a craton.Array do not mix; compute one of them first with `.compute()`")
        return cls(_literal(numpy.asarray(values)))

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
        return tuple(_cut(length, chunk) for length, chunk in zip(self.shape, label, strict=True))

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

    # Computing

    def compute(self, *, memory: int | None = None, threads: int | None = None) -> numpy.ndarray:
        """Compute the values.

        Other threads of Python run meanwhile, and Ctrl-C stops the work.

        Parameters
        ----------
        memory : int, optional
            Bytes that the whole process may hold; half of what is available by default.
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

    to_numpy = compute

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
            Computed(self), chunks=self.chunks, name=f"craton-{self.token}", meta=numpy.empty((0,) * self.ndim, self.dtype)
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
        if (name := _asked_by()) is not None:
            raise TypeError(
                f"{name} would load a craton.Array of {self.nbytes:,} bytes without being asked to; "
                "`.compute()` computes it first"
            )
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
        raise NotImplementedError("a craton.Array cannot be pickled, its plan holds opened files; `.compute()` it first")

    # Elements and axes

    def __getitem__(self, key: Any) -> Array:
        from craton.indexing import take

        return take(self, key)

    def __setitem__(self, _key: object, _value: object) -> None:
        raise TypeError("a craton.Array is immutable; `xarray.where` gives a changed one, `.compute()` one to write to")

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Array:
        """Give the values as another dtype, as NumPy converts them."""
        dtype = numpy.dtype(dtype)
        if not numpy.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"cannot cast from {self.dtype} to {dtype} by the rule {casting!r}")
        if dtype == self.dtype:
            return self
        if "O" in (dtype.kind, self.dtype.kind) or {dtype.kind, self.dtype.kind} == {"m", "M"}:
            raise unsupported(f"conversion of {self.dtype} to {dtype}")
        if dtype.kind in "mM" and self.dtype.kind == dtype.kind:
            raise unsupported(f"conversion of {self.dtype} to {dtype}")
        return Array(self._node.cast(name_of(dtype)), self._label)

    def transpose(self, *axes: Any) -> Array:
        """Give the axes in another order, the opposite one by default."""
        if len(axes) == 1 and not isinstance(axes[0], int):
            (axes,) = axes
        order = tuple(reversed(range(self.ndim))) if not axes else tuple(axis_of(axis, self.ndim) for axis in axes)
        label = self._label and tuple(self._label[axis] for axis in order)
        return Array(self._node.transpose(order), label)

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
        return Array(self._node.broadcast(shape, axes), label)

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
        arrays.append(value if isinstance(value, Array) else numpy.asarray(value))
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


def label_with(shape: tuple[int, ...], *arrays: Array) -> tuple[int, ...] | None:
    """Give the label of a result of some shape: along each axis that of the first operand that has it whole."""
    if all(one._label is None for one in arrays):
        return None
    label = list(shape)
    for array in reversed(arrays):
        if array._label is not None:
            for back in range(1, array.ndim + 1):
                if array.shape[-back] == shape[-back]:
                    label[-back] = array._label[-back]
    return tuple(label)


def label_of(chunks: Any, shape: tuple[int, ...], before: tuple[int, ...] | None) -> tuple[int, ...]:
    """Give the label that a user's or xarray's `chunks` asks for."""
    before = shape if before is None else before
    if chunks is None or chunks == "auto":
        return before
    if isinstance(chunks, int):
        chunks = (chunks,) * len(shape)
    if isinstance(chunks, dict):
        by_axis = {axis_of(axis, len(shape)): value for axis, value in chunks.items()}
        chunks = [by_axis.get(axis) for axis in range(len(shape))]
    if len(chunks) != len(shape):
        raise ValueError(f"chunks {chunks} do not cut shape {shape}: one length for each axis is needed")
    label = []
    for chunk, length, own in zip(chunks, shape, before, strict=True):
        first = chunk[0] if isinstance(chunk, (tuple, list)) and chunk else chunk
        if first is None or first == "auto":
            first = own
        if first == -1:
            first = length
        if not isinstance(first, (int, numpy.integer)) or first < 0 or (first == 0 and length):
            raise ValueError(f"a chunk length of {first!r}; -1, None, 'auto' or a positive number is accepted")
        label.append(min(int(first), length))
    return tuple(label)


def _cut(length: int, chunk: int) -> tuple[int, ...]:
    if length == 0:
        return (0,)
    whole, rest = divmod(length, chunk)
    return (chunk,) * whole + ((rest,) if rest else ())


def axis_of(axis: Any, ndim: int) -> int:
    """Give an axis counted from the front."""
    at = operator.index(axis)
    if not -ndim <= at < ndim:
        raise ValueError(f"axis {at} of an array with {ndim} axes")
    return at % ndim


def axes_of(axis: Any, ndim: int) -> list[int]:
    """Give axes counted from the front, each once; None is all of them."""
    if axis is None:
        return list(range(ndim))
    axes = [axis_of(one, ndim) for one in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(set(axes)) < len(axes):
        raise ValueError(f"an axis stands twice in {axis}")
    return axes


def _is_foreign(value: Any) -> bool:
    return _is_foreign_type(type(value))


def _is_foreign_type(kind: type) -> bool:
    return not issubclass(kind, (Array, numpy.ndarray, numpy.generic)) and hasattr(kind, "__array_ufunc__")


def _asked_by() -> str | None:
    """Name who wants values without having been asked to load them; None where the user asked xarray for them."""
    frame, between, outer = sys._getframe(2), [], None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("xarray."):
            outer = module
            break
        between.append(frame.f_code.co_name)
        frame = frame.f_back
    if not between:
        return f"the call of `numpy.asarray` in {outer or 'the program'}"
    asked = next((name for name in between if name not in _ASKS_FOR_VALUES), None)
    return None if asked is None else f"xarray's `{asked}`"


# Elementwise


def unary(name: str, value: Any) -> Array:
    """Give NumPy's function `name` of each element."""
    array = Array.of(value)
    return Array(array._node.unary(_UFUNCS.get(name, name)), array._label)


def binary(name: str, left: Any, right: Any) -> Array:
    """Give NumPy's function `name` of two arrays, broadcast."""
    if _is_foreign(left) or _is_foreign(right):
        return NotImplemented
    one, other = operands(left, right, compares=name in _COMPARISONS)
    node = one._node.binary(_UFUNCS.get(name, name), other._node)
    return Array(node, label_with(tuple(node.shape), one, other))


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
        call.__doc__ = f"As `numpy.{name}`, lazily."
        return call

    names = "sum prod mean var std min max any all argmin argmax cumsum cumprod round clip reshape ravel take dot"
    for name in names.split():
        setattr(Array, name, method(name))
    setattr(Array, "conj", lambda self: unary("conjugate", self) if self.dtype.kind == "c" else self)


_add_operators()

"""`craton.Array`: NumPy's rules without computing, identity by plan, and nothing loaded that was not asked for."""

import copy
import pickle

import craton
import numpy as np
import pytest

VALUES = np.arange(2 * 3 * 4, dtype="float64").reshape(2, 3, 4)


@pytest.fixture
def array():
    return craton.Array.of(VALUES)


KEYS = [
    np.s_[0],
    np.s_[-1, 1:],
    np.s_[..., ::-1],
    np.s_[:, None, 1, 2:0:-1],
    np.s_[[1, 0]],
    np.s_[:, [2, 0, 2]],
    np.s_[0, :, [1, 3]],
    np.s_[[0, 1], :, [1, 3]],
    np.s_[[0, 1], [2, 1]],
    np.s_[1:, [[0, 1], [2, 0]]],
    np.s_[np.array([True, False])],
    np.s_[:, :, np.array([False, True, False, True])],
    np.ix_([1, 0], [2], [0, 3]),
    np.ix_([1], [2], [3]),
    np.s_[[]],
    np.s_[2:1],
    np.s_[[0, 1], None],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(array, key):
    taken = array[key]
    assert isinstance(taken, craton.Array)
    assert taken.shape == VALUES[key].shape
    np.testing.assert_array_equal(taken.compute(), VALUES[key])


FUNCTIONS = {
    "reshape": lambda a: np.reshape(a, (3, 8)),
    "reshape to one axis": lambda a: a.reshape(-1),
    "reshape with ones": lambda a: a.reshape(1, 2, 12, 1),
    "moveaxis": lambda a: np.moveaxis(a, 0, -1),
    "swapaxes": lambda a: np.swapaxes(a, 0, 2),
    "stack": lambda a: np.stack([a, a + 1], axis=1),
    "concatenate of dtypes": lambda a: np.concatenate([a.astype("int32"), a.astype("float32")], axis=2),
    "where": lambda a: np.where(a > 5, a, -1),
    "einsum": lambda a: np.einsum("ijk,jl->kil", a, np.arange(6.0).reshape(3, 2)),
    "tensordot": lambda a: np.tensordot(a, np.arange(12.0).reshape(3, 4), 2),
    "dot": lambda a: np.dot(a, np.arange(4.0)),
    "diff": lambda a: np.diff(a, n=2),
    "flip": lambda a: np.flip(a, (0, 2)),
    "roll": lambda a: np.roll(a, 5, axis=2),
    "tile": lambda a: np.tile(a, (2, 1, 2)),
    "repeat": lambda a: np.repeat(a, 2, axis=1),
    "pad": lambda a: np.pad(a, ((0, 0), (1, 2), (0, 3)), mode="symmetric"),
    "isclose of truth": lambda a: np.isclose(a > 3, a > 5),
    "unravel_index": lambda a: np.unravel_index(a.reshape(-1).astype(int), (2, 3, 4))[1],
    "isclose": lambda a: np.isclose(a, 5.00000001),
    "nan_to_num": lambda a: np.nan_to_num(np.where(a > 5, np.nan, a)),
    "sliding_window_view": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=2),
    "count_nonzero": lambda a: np.count_nonzero(a, axis=0),
    "sum over several axes": lambda a: a.sum(axis=(0, 2), keepdims=True),
    "mean as another dtype": lambda a: np.mean(a.astype("int16"), axis=0, dtype="float32"),
    "gradient": lambda a: np.gradient(a**2, np.array([0.0, 1.0, 3.0]), axis=1),
    "ufunc.reduce": lambda a: np.add.reduce(a, axis=1),
    "ufunc.accumulate": lambda a: np.add.accumulate(a, axis=1),
    "mixed with numpy": lambda a: VALUES[:1] + a,
    "python numbers are weak": lambda a: a.astype("float32") * 2.5 + 1,
    "numpy numbers are strong": lambda a: a.astype("float32") * np.float64(2.5),
    "an integer out of range": lambda a: a.astype("uint8") > -1,
    "truth": lambda a: ~(a > 3) | (a == 7),
    "sort": lambda a: np.sort(-a % 7, axis=1),
    "sort flat": lambda a: np.sort(-a % 7, axis=None),
    "argsort": lambda a: np.argsort(-a, axis=0),
    "full_like": lambda a: np.full_like(a, 7, dtype="int8"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_numpys(array, name):
    lazy, expected = FUNCTIONS[name](array), FUNCTIONS[name](VALUES)
    assert isinstance(lazy, craton.Array)
    assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)


PARTS = {
    "apart": [[0, 3, 4], [1], [5, 2]],
    "with gaps": [[0, 1], [4, 5]],
    "overlapping": [[0, 1, 2], [2, 3]],
    "repeated": [[0, 0, 1], [2, 3, 3]],
    "backwards": [[5, 4], [3, 2, 1, 0]],
}


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("name", ["sum", "mean", "nanstd", "max", "argmax", "prod", "any"])
def test_reductions_of_parts_side_by_side_are_numpys(parts, name):
    values = np.array([[3.0, 1, 4], [1, 5, 9], [2, 6, 5], [3, 5, 8], [9, 7, 9], [3, 2, 3]])

    def side_by_side(array):
        reduced = [getattr(np, name)(array[part], axis=0) for part in PARTS[parts]]
        return np.stack(reduced), np.concatenate([one[:, None] for one in reduced], axis=1)

    for lazy, expected in zip(side_by_side(craton.Array.of(values)), side_by_side(values), strict=True):
        assert lazy.dtype == expected.dtype
        np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-12)
        is_one_pass = "group_reduce" in lazy.explain()
        assert is_one_pass == (parts in {"apart", "with gaps", "backwards"} and name != "argmax")


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint64", "float16", "float32", "complex64", "M8[ns]", "m8[s]", "S3", "U4"]
)
def test_values_come_back_as_they_went_in(dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    array = craton.Array.of(values[:, ::-1])
    assert array.dtype == values.dtype
    np.testing.assert_array_equal(array.compute(), values[:, ::-1])
    np.testing.assert_array_equal(craton.Array.of(values.T).compute(), values.T)


def test_swapped_bytes_are_put_in_order():
    np.testing.assert_array_equal(craton.Array.of(np.arange(3, dtype=">i4")).compute(), [0, 1, 2])


def test_one_value_everywhere_takes_no_memory():
    huge = craton.Array.of(np.broadcast_to(np.float32(2), (1 << 20, 1 << 20)))
    assert huge[3, 5].item() == 2


def test_times_meet_in_the_unit_of_the_lazy_ones():
    days = craton.Array.of(np.array(["2001-01-01", "2001-02-01"], "M8[ns]"))
    late = days > np.datetime64("2001-01-15", "D")
    assert late.compute().tolist() == [False, True]
    assert (days - np.datetime64("2001-01-01", "D")).dtype == "m8[ns]"


def test_equal_plans_are_one_object(array):
    again = craton.Array.of(VALUES.copy())
    assert array is again
    assert array + 1 is again + 1
    assert array + 1 is not array + 2
    assert (array + 1).token == (again + 1).token


def test_arrays_are_immutable_and_copies_are_the_array(array):
    assert copy.copy(array) is copy.deepcopy(array) is array.copy() is array
    with pytest.raises(TypeError, match="immutable"):
        array[0] = 1
    with pytest.raises(AttributeError, match="immutable"):
        array.shape = (24,)


def test_pickling_names_the_way(array):
    with pytest.raises(NotImplementedError, match=r"\.compute\(\)"):
        pickle.dumps(array)


def test_results_may_be_written_to(array):
    values = (array + 1).compute()
    values[0, 0, 0] = -1
    assert (array + 1).compute()[0, 0, 0] == 1


def test_single_answers_are_computed(array):
    assert bool((array == VALUES).all())
    assert float(array.sum()) == VALUES.sum()
    assert int(array.max()) == 23
    assert [1, 2, 3][array[0, 0, 2].astype(int)] == 3
    with pytest.raises(TypeError, match="one element"):
        bool(array)


def test_dtype_errors_are_numpys(array):
    for lazy, now in ((array, VALUES), (array > 3, VALUES > 3)):
        for operate in (lambda a: a & 1.5, lambda a: a - (a > 3) if a.dtype == bool else a << 1):
            with pytest.raises(TypeError):
                operate(now)
            with pytest.raises(TypeError):
                operate(lazy)
    with pytest.raises(ValueError, match="broadcast"):
        array + np.zeros(3)
    with pytest.raises(NotImplementedError, match="object"):
        craton.Array.of(np.array(["a", None], dtype=object))


def test_the_label_follows_and_changes_nothing(array):
    labelled = array.rechunk((1, 2, -1))
    assert labelled.chunks == ((1, 1), (2, 1), (4,))
    assert (labelled + array).chunks == labelled.chunks
    assert labelled.transpose(2, 0, 1).chunks == ((4,), (1, 1), (2, 1))
    assert labelled.sum(axis=0).chunks == ((2, 1), (4,))
    assert labelled[:, 1:].chunks == ((1, 1), (2,), (4,))
    np.testing.assert_array_equal(labelled.compute(), VALUES)
    with pytest.raises(ValueError, match="chunks"):
        array.rechunk((1, 2))


def test_dask_computes_labelled_chunks(array):
    pytest.importorskip("dask.array")
    lazy = array.rechunk((1, 3, 2)).to_dask()
    assert lazy.chunks == ((1, 1), (3,), (2, 2))
    np.testing.assert_array_equal((lazy + 1).compute(scheduler="sync"), VALUES + 1)
    with pytest.raises(TypeError, match="do not mix"):
        array + lazy


def test_the_plan_is_told(array):
    assert "multiply" in (array * 2).explain()
    assert repr(array) == "<craton.Array float64 (2, 3, 4)>"


def test_too_little_memory_is_a_memory_error(array):
    with pytest.raises(MemoryError):
        array.sum().compute(memory=1)

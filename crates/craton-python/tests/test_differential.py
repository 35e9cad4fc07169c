"""The same text under Craton and under xarray gives the same answer: names, dimensions, coordinates, types, values."""

import ast
import warnings

import craton
import numpy as np
import pytest

xr = pytest.importorskip("xarray")
pytest.importorskip("netCDF4", reason="the short lane has no netCDF library to write the inputs with")

from expressions import DIFFERENCES, EXPRESSIONS, cases  # noqa: E402
from expressions_again import AGAIN  # noqa: E402
from expressions_of_arguments import ARGUMENTS  # noqa: E402
from expressions_of_each import EACH  # noqa: E402
from expressions_of_texts import TEXTS  # noqa: E402
from expressions_together import TOGETHER  # noqa: E402
from inputs import MADE, open_with_xarray, path_of  # noqa: E402

ALL = [case for table in (EXPRESSIONS, AGAIN, TOGETHER, EACH, TEXTS, ARGUMENTS) for case in cases(table)]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="session")
def opened(folder):
    datasets = {}

    def get(name):
        if name not in datasets:
            datasets[name] = open_with_xarray(path_of(name, folder)).load()
        return datasets[name].copy()

    return get


def names_of(inputs):
    return dict(zip(("ds", "other"), inputs.split(), strict=False))


def under_xarray(expression, datasets):
    scope = {**datasets, "np": np, "xr": xr}
    # bottleneck sums in the dtype of the values; but without it xarray fills no gaps and ranks nothing.
    needs_it = any(name in expression for name in ("ffill", "bfill", "rank"))
    with warnings.catch_warnings(), np.errstate(all="ignore"), xr.set_options(use_bottleneck=needs_it):
        warnings.simplefilter("ignore")
        *statements, last = ast.parse(expression).body
        exec(compile(ast.Module(statements, []), "expression", "exec"), scope)
        return eval(compile(ast.Expression(last.value), "expression", "eval"), scope)


def compare(inputs, expression, folder, opened):
    """Raise `AssertionError` with what differs."""
    names = names_of(inputs)
    try:
        expected = under_xarray(expression, {name: opened(of) for name, of in names.items()})
        refusal = None
    except Exception as error:
        refusal = error
    paths = {name: path_of(of, folder) for name, of in names.items()}
    try:
        actual = craton.eval(expression, **paths)
    except Exception as error:
        assert refusal is not None, f"craton raises {type(error).__name__}: {error}"
        return
    assert refusal is None, f"xarray raises {type(refusal).__name__}: {refusal}"
    assert_same(actual, expected)


def assert_same(actual, expected):
    if isinstance(expected, xr.Dataset):
        assert isinstance(actual, xr.Dataset), type(actual)
        assert set(actual.data_vars) == set(expected.data_vars)
        assert_same_attributes(actual.attrs, expected.attrs, "the dataset")
    else:
        assert isinstance(actual, xr.DataArray), type(actual)
        if isinstance(expected, xr.DataArray):
            assert actual.name == expected.name, f"name {actual.name!r}, not {expected.name!r}"
            assert actual.dims == expected.dims, f"dimensions {actual.dims}, not {expected.dims}"
        else:
            expected = xr.DataArray(expected, dims=actual.dims, coords=actual.coords, attrs=actual.attrs)
        assert_same_variable(actual.variable, expected.variable, "the array")
    assert set(actual.coords) == set(expected.coords), f"coordinates {set(actual.coords)}, not {set(expected.coords)}"
    for name in expected.coords:
        assert_same_variable(actual.coords[name].variable, expected.coords[name].variable, f"coordinate {name}")
    for name in expected.data_vars if isinstance(expected, xr.Dataset) else ():
        assert_same_variable(actual[name].variable, expected[name].variable, f"variable {name}")


def assert_same_variable(actual, expected, what):
    assert actual.dims == expected.dims, f"{what}: dimensions {actual.dims}, not {expected.dims}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, not {expected.shape}"
    assert_same_attributes(actual.attrs, expected.attrs, what)
    is_text = [values.dtype.kind in "OUT" and values.dtype.kind for values in (actual, expected)]
    # One text may stand in objects, in texts of fixed length, or in NumPy's own strings.
    assert actual.dtype == expected.dtype or all(is_text), f"{what}: dtype {actual.dtype}, not {expected.dtype}"
    tolerance = {"float32": 1e-6, "float64": 1e-9}.get(expected.dtype.name)
    if tolerance is None:
        np.testing.assert_array_equal(actual.values, expected.values, err_msg=what)
    else:
        scale = np.max(np.abs(expected.values), initial=0, where=np.isfinite(expected.values))
        # Differences of nearly equal numbers are as exact as those numbers, not as the difference.
        np.testing.assert_allclose(
            actual.values, expected.values, rtol=tolerance, atol=tolerance * scale, err_msg=what
        )


def assert_same_attributes(actual, expected, what):
    assert list(actual) == list(expected), f"{what}: attributes {list(actual)}, not {list(expected)}"
    for name, value in expected.items():
        np.testing.assert_array_equal(np.asarray(actual[name]), np.asarray(value), err_msg=f"{what}: attribute {name}")


@pytest.mark.parametrize(("inputs", "expression"), ALL, ids=lambda value: value)
def test_craton_and_xarray_agree(inputs, expression, folder, opened):
    reason = DIFFERENCES.get((inputs, expression))
    if reason is None:
        compare(inputs, expression, folder, opened)
        return
    try:
        compare(inputs, expression, folder, opened)
    except AssertionError:
        return
    pytest.fail(f"no difference is left, so take it out of the list: {reason}")


@pytest.mark.parametrize("name", MADE)
def test_an_input_opens_alike(name, folder, opened):
    compare(name, "ds", folder, opened)


def test_every_known_difference_is_about_an_expression():
    assert set(DIFFERENCES) <= set(ALL)


def test_no_two_expressions_are_alike(opened):
    names = {"ds", "other", "w"}
    for dataset in map(opened, MADE):
        names |= {*dataset.variables, *dataset.dims}

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node):
            is_name = isinstance(node.value, str) and node.value in names
            is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
            return ast.Name("n", ast.Load()) if is_name or is_number else node

    seen = {}
    for inputs, expression in cases(EXPRESSIONS):
        tree = Blank().visit(ast.parse(expression))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in names:
                node.id = "n"
            elif isinstance(node, ast.Attribute) and node.attr in names:
                node.attr = "n"
            elif isinstance(node, ast.keyword) and node.arg in names:
                node.arg = "n"
        seen.setdefault(ast.unparse(tree), []).append((inputs, expression))
    alike = [same for same in seen.values() if len(same) > 1]
    assert not alike
    assert len(seen) >= 120

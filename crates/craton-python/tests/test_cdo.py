"""What CDO's operators are as expressions, against CDO's own answers: recorded ones, and live ones where it is installed."""

import shutil

import numpy as np
import pytest

pytest.importorskip("netCDF4")

from cdo_operators import ANSWERS, OPERATORS, PAGE, make_inputs, page, read, run_cdo  # noqa: E402
from program import craton  # noqa: E402

IDS = [operator.name for operator in OPERATORS]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cdo")
    make_inputs(folder)
    return folder


def compute(operator, folder):
    """The program's answer, by way of the netCDF file that it writes."""
    out = folder / f"{operator.name}.nc"
    files = [f"{name}={folder / name}.nc" for name in ("a", "b", "levels") if f"{name}." in operator.expression]
    expression = f'({operator.expression}).rename("answer")'
    craton("eval", expression, *files, "-o", out)
    return read(out)


def assert_same(found, expected, operator):
    assert found.shape == expected.shape
    assert (np.isnan(found) == np.isnan(expected)).all(), "missing values differ"
    off = np.nanmax(np.abs(found - expected))
    assert off <= operator.tolerance * np.nanmax(np.abs(expected)), off


@pytest.mark.parametrize("operator", OPERATORS, ids=IDS)
def test_an_operator_gives_what_cdo_gave(operator, inputs):
    with np.load(ANSWERS) as answers:
        expected = answers[operator.name].astype("f8")
    assert_same(compute(operator, inputs), expected, operator)


@pytest.mark.parametrize("operator", OPERATORS, ids=IDS)
def test_recorded_answers_are_those_of_the_cdo_that_is_here(operator, inputs):
    if shutil.which("cdo") is None:
        pytest.skip("CDO is not installed; its recorded answers are compared with")
    with np.load(ANSWERS) as answers:
        assert_same(run_cdo(operator, inputs), answers[operator.name].astype("f8"), operator)


def test_the_page_shows_this_table():
    assert PAGE.read_text() == page(), "run `python cdo_operators.py --page`"


def test_there_are_enough_of_them():
    assert len(set(IDS)) == len(IDS) >= 40

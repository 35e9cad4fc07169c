"""Everything that expressions may call is compared with xarray by at least three of the differential expressions."""

import ast
import re
from collections import Counter

import pytest

pytest.importorskip("netCDF4", reason="the short lane has no netCDF library, so the expressions of trees are not compared")

from expressions import EXPRESSIONS, cases  # noqa: E402
from expressions_again import AGAIN  # noqa: E402
from expressions_of_arguments import ARGUMENTS  # noqa: E402
from expressions_of_each import EACH  # noqa: E402
from expressions_of_texts import TEXTS  # noqa: E402
from expressions_together import TOGETHER  # noqa: E402
from program import craton  # noqa: E402
from test_tree import EXPRESSIONS as TREES  # noqa: E402

# What makes objects with methods of their own.
MAKERS = {
    "groupby": "GroupBy",
    "groupby_bins": "GroupBy",
    "resample": "Resample",
    "coarsen": "Coarsen",
    "rolling": "Rolling",
    "weighted": "Weighted",
}
NAMESPACES = {"np", "xr"}


def registry():
    """Kind and name of every entry, as `craton help expr` lists them; arrays and datasets are one kind."""
    kind, found = "", set()
    for line in craton("help", "expr").splitlines():
        if match := re.fullmatch(r"(\S+)", line):
            kind = {"DataArray": "labelled", "Dataset": "labelled", "DataArray.dt": "dt", "DataArray.str": "str", "functions": ""}.get(line, line)
        elif match := re.match(r"  (\w+)   ?", line):
            found.add((kind, match[1]))
    return found


def uses(text):
    """Kind and name of everything that an expression calls or reads."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id
        if not isinstance(node, ast.Attribute):
            continue
        owner, kind = node.value, "labelled"
        if isinstance(owner, ast.Name) and owner.id in NAMESPACES:
            kind = owner.id
        elif isinstance(owner, ast.Attribute) and owner.attr in ("dt", "str"):
            kind = owner.attr
        elif isinstance(owner, ast.Call) and isinstance(owner.func, ast.Attribute):
            kind = MAKERS.get(owner.func.attr, kind)
        yield kind, node.attr


def counted():
    texts = [text for table in (EXPRESSIONS, AGAIN, TOGETHER, EACH, TEXTS, ARGUMENTS) for _, text in cases(table)]
    count = Counter(use for text in texts for use in uses(text))
    for kind, name in (use for text in TREES for use in uses(text)):
        count["DataTree" if kind == "labelled" else kind, name] += 1
    return count


# What xarray does not have, or gives as objects of Python that are texts here.
ALONE = {
    ("labelled", "to_units"): "xarray converts no units; the engine's own tests do",
    ("labelled", "tree"): "every expression of `test_tree.py` begins with it",
    ("dt", "date"): "dates of Python's datetime in xarray, texts here",
    ("dt", "time"): "times of Python's datetime in xarray, texts here",
}


def test_everything_is_compared_with_xarray_three_times():
    entries, count = registry(), counted()
    assert len(entries) > 250
    assert ALONE.keys() <= entries
    few = {f"{kind}.{name}": count[kind, name] for kind, name in sorted(entries - ALONE.keys()) if count[kind, name] < 3}
    assert not few


def test_there_are_five_hundred_expressions():
    assert len({text for table in (EXPRESSIONS, AGAIN, TOGETHER, EACH, TEXTS, ARGUMENTS) for text in cases(table)}) >= 500

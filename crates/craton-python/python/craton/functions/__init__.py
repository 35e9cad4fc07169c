"""NumPy's functions over `craton.Array`."""

from craton.functions import (
    elements,
    facts,
    joining,
    ordering,
    products,
    quantiles,
    reductions,
    reshaping,
    transposing,
)
from craton.functions.table import FUNCTIONS

__all__ = [
    "FUNCTIONS",
    "elements",
    "facts",
    "joining",
    "ordering",
    "products",
    "quantiles",
    "reductions",
    "reshaping",
    "transposing",
]

"""The native half of the package `craton`."""

from typing import Any, TypeAlias, TypedDict

import numpy
from typing_extensions import Buffer

__version__: str

# Unit, step and calendar of instants that are given as counts since 1970-01-01, because NumPy cannot name them.
CountedCalendar: TypeAlias = tuple[str, int, str]

# Dimensions, values, attributes.
Variable: TypeAlias = tuple[tuple[str, ...], numpy.ndarray, dict[str, Any], CountedCalendar | None]

class ArrayAnswer(TypedDict):
    name: str | None
    variable: Variable
    coords: dict[str, Variable]

class DatasetAnswer(TypedDict):
    variables: dict[str, Variable]
    coords: dict[str, Variable]
    attrs: dict[str, Any]

AnyAnswer: TypeAlias = ArrayAnswer | DatasetAnswer

class Memory(Buffer):
    """Memory of the engine, shared with the arrays over it."""

def evaluate(
    expression: str, inputs: dict[str, list[str]], raw: bool, memory: int | None, threads: int | None
) -> AnyAnswer:
    """Compute an expression."""

def explain(
    expression: str, inputs: dict[str, list[str]], raw: bool, memory: int | None, threads: int | None
) -> str:
    """Tell how an expression would be computed."""

"""The native half of the package `craton`."""

from collections.abc import Sequence
from pathlib import Path
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

class TreeAnswer(TypedDict):
    groups: dict[str, DatasetAnswer]

AnyAnswer: TypeAlias = ArrayAnswer | DatasetAnswer | TreeAnswer

# A number or numbers: dtype, whether it is one, bytes. Anything else: JSON.
GivenAttribute: TypeAlias = tuple[str, bool, bytes] | str

# Dimensions, values, attributes.
GivenVariable: TypeAlias = tuple[tuple[str, ...], Node, dict[str, GivenAttribute]]

class GivenArray(TypedDict):
    name: str | None
    variable: GivenVariable
    coords: dict[str, GivenVariable]

class GivenDataset(TypedDict):
    variables: dict[str, GivenVariable]
    coords: dict[str, GivenVariable]
    attrs: dict[str, GivenAttribute]

class GivenTree(TypedDict):
    groups: dict[str, GivenDataset]

Given: TypeAlias = GivenArray | GivenDataset | GivenTree

# URLs, or what is opened already.
Input: TypeAlias = list[str] | Given

# Along an axis: one index, or start, length and step.
Taken: TypeAlias = int | tuple[int, int, int]

class StoredFacts(TypedDict):
    dims: tuple[str, ...]
    attrs: dict[str, Any]
    # NumPy's name; `str` and `bytes` for texts of any length.
    dtype: str
    chunks: tuple[int, ...] | None
    shards: tuple[int, ...] | None
    node: Node

class Node:
    """One array that has not been computed."""

    @staticmethod
    def literal(dtype: str, shape: Sequence[int], values: bytes) -> Node: ...
    @staticmethod
    def texts(shape: Sequence[int], values: Sequence[str]) -> Node: ...
    @staticmethod
    def instants(unit: str, calendar: str, shape: Sequence[int], values: bytes) -> Node: ...
    @staticmethod
    def full(dtype: str, value: bytes, shape: Sequence[int]) -> Node: ...
    @staticmethod
    def concat(parts: Sequence[Node], axis: int) -> Node: ...
    @property
    def shape(self) -> list[int]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def hash(self) -> str: ...
    def unary(self, function: str) -> Node: ...
    def binary(self, function: str, other: Node) -> Node: ...
    def cast(self, dtype: str) -> Node: ...
    def select(self, if_true: Node, if_false: Node) -> Node: ...
    def index(self, axes: Sequence[Taken]) -> Node: ...
    def gather(self, axis: int, indices: Sequence[int]) -> Node: ...
    def transpose(self, axes: Sequence[int]) -> Node: ...
    def broadcast(self, shape: Sequence[int], axes: Sequence[int]) -> Node: ...
    def reduce(self, reduction: str, axes: Sequence[int], skip_missing: bool, ddof: int) -> Node: ...
    def quantile(
        self, fractions: Sequence[float] | None, method: str, axes: Sequence[int], skip_missing: bool
    ) -> Node: ...
    def group_reduce(
        self, reduction: str, axis: int, codes: Sequence[int], count: int, skip_missing: bool, ddof: int, min_count: int
    ) -> Node: ...
    def cumulate(self, total: str, axis: int, skip_missing: bool) -> Node: ...
    def rolling(self, statistic: str, axis: int, window: int, min_periods: int) -> Node: ...
    def interpolate(self, axis: int, lower: list[int], upper: list[int], fraction: list[float]) -> Node: ...
    def spline(self, axis: int, places: list[float], wanted: list[float], extrapolate: bool) -> Node: ...
    def order(self, ordering: str, axis: int) -> Node: ...
    def fill(self, axis: int, is_forward: bool, limit: int | None) -> Node: ...

class StoredFile:
    """The groups at one URL, as stored."""

    def __new__(cls, url: str, stores: Sequence[tuple[str, str]]) -> StoredFile: ...
    @property
    def url(self) -> str: ...
    @property
    def groups(self) -> list[str]: ...
    @property
    def is_zarr(self) -> bool: ...
    @property
    def selected(self) -> str: ...
    @property
    def array(self) -> str | None: ...
    def attributes(self, group: str) -> dict[str, Any]: ...
    def variables(self, group: str) -> tuple[dict[str, StoredFacts], list[tuple[str, str]]]: ...
    def numbers(self, group: str, name: str, unpacks: bool, keeps_times: bool) -> Node: ...

def compute(nodes: Sequence[Node], memory: int | str | None, threads: int | None) -> list[numpy.ndarray]:
    """Compute nodes together."""

def cost(node: Node) -> tuple[int, int, int, int]:
    """Tell operations, chunks, bytes decoded, and bytes of memory of computing a node."""

def explain_nodes(nodes: Sequence[tuple[str, Node]], memory: int | str | None, threads: int | None) -> str:
    """Tell how nodes would be computed."""

def open_together(
    urls: Sequence[str], stores: Sequence[tuple[str, str]]
) -> dict[str, tuple[tuple[str, ...], Node | numpy.ndarray, CountedCalendar | None]]:
    """Open files as one dataset."""

def expand(url: str, stores: Sequence[tuple[str, str]]) -> list[str]:
    """Give the files that a pattern names."""

def codecs() -> list[str]:
    """Give the names of the engine's own codecs."""

class ObjectForm:
    """How the elements of a chunk or shard of Zarr are stored."""

    @staticmethod
    def version_3(
        data_type: str, codecs: str, shape: Sequence[int], fill: bytes, write_order: Sequence[int] | None
    ) -> ObjectForm: ...
    @staticmethod
    def version_2(array: str, shape: Sequence[int], fill: bytes) -> ObjectForm: ...
    @property
    def can_be_written(self) -> bool: ...
    @property
    def label(self) -> str: ...
    # Whether it is at the end, and its length.
    @property
    def index(self) -> tuple[bool, int] | None: ...

class Shard:
    """The inner chunks of a shard that are wanted."""

    @property
    def ranges(self) -> list[tuple[int, int]]: ...

class Batch:
    """Chunks of Zarr, and the array whose elements they hold."""

    @staticmethod
    def of(
        items: Sequence[tuple[str, ObjectForm, Any, Any, bool]],
        array: numpy.ndarray,
        dropped: Sequence[int],
        is_swapped: bool,
        is_value: bool,
    ) -> Batch | None: ...
    def partial(self) -> list[bool]: ...
    def read_folder(self, root: str, threads: int) -> list[bool]: ...
    def read_store(self, store: Store, threads: int) -> list[bool]: ...
    def decode(self, first: int, held: Sequence[Buffer | None], threads: int) -> None: ...
    def locate(self, at: int, index: Buffer) -> Shard: ...
    def decode_ranges(self, at: int, shard: Shard, bytes: Sequence[Buffer | None], threads: int) -> None: ...
    def write_folder(self, root: str, writes_empty: bool, threads: int) -> None: ...
    def encode(
        self, first: int, there: Sequence[Buffer | None], writes_empty: bool, threads: int
    ) -> list[Memory | None]: ...
    @property
    def array(self) -> numpy.ndarray: ...

class Store:
    """Objects under a URL."""

    def __new__(cls, url: str, writes: bool, stores: Sequence[tuple[str, str]]) -> Store: ...
    @property
    def url(self) -> str: ...
    @property
    def folder(self) -> Path | None: ...
    @property
    def is_remote(self) -> bool: ...
    def get(
        self, location: str, start: int | None = None, end: int | None = None, last: int | None = None
    ) -> Memory | None: ...
    def size(self, location: str) -> int | None: ...
    def list(self, prefix: str) -> list[str]: ...
    def put(self, location: str, bytes: Buffer, may_replace: bool) -> bool: ...
    def remove(self, location: str) -> None: ...

def can_be_written(url: str) -> bool:
    """Tell whether objects can be written under a URL, as far as the URL says."""

class Memory(Buffer):
    """Memory of the engine, shared with the arrays over it."""

def evaluate(
    expression: str,
    inputs: dict[str, Input],
    raw: bool,
    memory: int | str | None,
    threads: int | None,
    stores: Sequence[tuple[str, str]],
) -> AnyAnswer:
    """Compute an expression."""

def explain(
    expression: str,
    inputs: dict[str, Input],
    raw: bool,
    memory: int | str | None,
    threads: int | None,
    stores: Sequence[tuple[str, str]],
) -> str:
    """Tell how an expression would be computed."""

Stores = Sequence[tuple[str, str]]

class Written(TypedDict):
    """How a commit is written, as the program's options say it."""

    branch: str | None
    message: str | None
    amend: bool
    on_conflict: str | None
    append_dim: str | None
    region: str | None
    chunks: str | None
    shards: str | None
    codec: str | None
    compute: bool

def write_to_branch(
    given: Given,
    repository: str,
    written: Written,
    memory: int | str | None,
    threads: int | None,
    stores: Stores,
) -> None:
    """Commit what is given."""

def log(repository: str, stores: Stores) -> str:
    """Give the history as JSON."""

def branch(repository: str, name: str | None, delete: str | None, stores: Stores) -> dict[str, str]:
    """Give the branches after making or deleting one."""

def tag(repository: str, name: str | None, delete: str | None, stores: Stores) -> dict[str, str]:
    """Give the tags after making or deleting one."""

def reset(repository: str, branch: str, to: str, stores: Stores) -> tuple[str, str]:
    """Move a branch."""

def gc(
    repository: str, expire_before: str | None, written_before: str, is_dry_run: bool, stores: Stores
) -> str:
    """Give what garbage there is, or was, as JSON."""

def relocate(repository: str, source: str, target: str, message: str | None, stores: Stores) -> str:
    """Give an array or a group another path; give the snapshot."""

def diff(
    one: str,
    other: str,
    rtol: float,
    atol: float,
    ignored_attributes: list[str],
    raw: bool,
    memory: int | str | None,
    threads: int | None,
    stores: Stores,
) -> str:
    """Give what differs between two URLs as JSON."""

def begin_session(repository: str, branch: str, stores: Stores) -> str:
    """Begin a session; give its URL."""

def fork_session(url: str) -> bytes:
    """Give a fork, for another process."""

def open_fork(parcel: bytes, stores: Stores) -> str:
    """Open a fork; give the URL of its session."""

def pack_session(url: str) -> bytes:
    """Give what was written to a fork."""

def merge_fork(url: str, parcel: bytes) -> None:
    """Take what a fork wrote into a session."""

def commit_session(url: str, message: str, is_amended: bool, on_conflict: str) -> str:
    """Commit a session; give the id of the snapshot."""

def discard_session(url: str) -> None:
    """Forget a session."""

def verify(url: str, sample: int | None, memory: int | str | None, threads: int | None, stores: Stores) -> str:
    """Give what is whole as JSON."""

def replay(url: str, memory: int | str | None, threads: int | None, stores: Stores) -> str:
    """Give what comes out again as JSON."""

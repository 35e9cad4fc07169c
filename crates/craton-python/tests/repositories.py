"""Repositories as icechunk for Python makes, asks and reads them, in words that its versions 1 and 2 have in common."""

import icechunk
import numpy as np
import xarray as xr
import zarr
from readers_of_zarr import NUMBERS

# Icechunk 1 knows the first version of the format only, and cannot be asked for it.
IS_FIRST = icechunk.__version__.startswith("1.")
SPEC_VERSIONS = [1] if IS_FIRST else [1, 2]
KEEP_AS_STORED = {"zarr_format": 3, "consolidated": False}


def storage(path):
    return icechunk.local_filesystem_storage(str(path))


def create(path, spec_version, **options):
    """A new repository of that version of the format."""
    version = {} if IS_FIRST else {"spec_version": spec_version}
    return icechunk.Repository.create(storage(path), **version, **options)


def opened(path, **options):
    """The repository as it is now, with nothing remembered of it."""
    return icechunk.Repository.open(storage(path), **options)


def commit(repository, branch, message, change, **options):
    """A commit of what `change` does to the store."""
    session = repository.writable_session(branch)
    change(session.store)
    return session.commit(message, **options)


def names(repository):
    """Branches, and tags, with the snapshots that they point at."""
    branches = {name: repository.lookup_branch(name) for name in repository.list_branches()}
    return branches, {name: repository.lookup_tag(name) for name in repository.list_tags()}


def versions(repository):
    """Each version as it is named, with the snapshot."""
    branches, tags = names(repository)
    known = {one.id: one for name in [*branches] for one in repository.ancestry(branch=name)}
    # The first snapshot of a repository holds nothing, not even a group.
    ids = [(one.id, one.id) for one in known.values() if one.parent_id is not None]
    return [*branches.items(), *tags.items(), *ids]


def group_at(repository, snapshot):
    """What zarr reads of a snapshot."""
    return zarr.open_group(repository.readonly_session(snapshot_id=snapshot).store, mode="r")


def dataset_at(repository, snapshot, group=None, **options):
    """What xarray reads of a snapshot."""
    store = repository.readonly_session(snapshot_id=snapshot).store
    return xr.open_zarr(store, group=group, consolidated=False, **options).load()


def kind_of_chunk(session, path, place):
    """Whether the chunk is `inline`, `native`, `virtual` or `uninitialized`, which the two spell differently."""
    return str(session.chunk_type(path, place)).lower().removeprefix("chunktype.")


def config_of_files(prefix, folder, name=None):
    """The configuration of a repository whose chunks may lie in files of `folder`."""
    config = icechunk.RepositoryConfig.default()
    named = {} if name is None else {"name": name}
    config.set_virtual_chunk_container(
        icechunk.VirtualChunkContainer(prefix, icechunk.local_filesystem_store(str(folder)), **named)
    )
    return config


def authorised(prefix):
    """What lets icechunk read the files below the prefix."""
    return {prefix: None if IS_FIRST else icechunk.credentials.LocalFileSystemAccess}


EVERY = [*NUMBERS, "str"]
SHAPE, CHUNKS = (7, 10), (3, 4)
# Chunks of at most so many bytes stand in manifests: here those of numbers of up to four bytes.
INLINE = 48


def values_of(dtype, shape=SHAPE, first=0):
    """Values that differ from their neighbours, as far as the type can tell them apart."""
    numbers = np.arange(np.prod(shape)).reshape(shape) + first
    if dtype == "bool":
        return numbers % 3 == 0
    if dtype == "str":
        return np.array([f"é{number}" if number % 5 else "" for number in numbers.flat], object).reshape(shape)
    return (numbers % 120 + (1j * numbers if dtype == "complex64" else 0)).astype(dtype)


def fill_of(dtype):
    return {"bool": True, "str": "none", "float64": np.nan, "complex64": 1 - 2j}.get(dtype, 7)


def _begin(store):
    """Arrays of every type, each with chunks that are not there; shards, groups, and an array without dimensions."""
    root = zarr.open_group(store, mode="w", zarr_format=3)
    root.attrs.update({"title": "every type", "nested": {"list": [1, 2.5, None, "é"], "flag": True}})

    def create(group, name, dtype, dims=("y", "x"), chunks=CHUNKS, **options):
        fill_value = fill_of(dtype)
        return group.create_array(
            name, shape=SHAPE, dtype=dtype, fill_value=fill_value, dimension_names=dims, chunks=chunks, **options
        )

    for dtype in EVERY:
        create(root, dtype, dtype, compressors=None)[:6, :8] = values_of(dtype)[:6, :8]
    create(root, "compressed", "int64", dims=("b", "a"), chunks=SHAPE)[:] = values_of("int64")
    create(root, "sharded", "int32", shards=(6, 8))[3:6, :5] = values_of("int32")[3:6, :5]
    root.create_array("scalar", shape=(), dtype="int16", fill_value=0)[()] = 5
    root.create_array("nothing", shape=(0, 10), chunks=(1, 10), dtype="float32", dimension_names=("none", "c"))
    deep = root.create_group("outer").create_group("inner", attributes={"depth": 2})
    create(deep, "float32", "float32", dims=("d", "c"))[4:, 2:] = values_of("float32", first=30)[4:, 2:]


def _change(store):
    """New values in some chunks, one of them new; one that is gone; an array less, and a group more."""
    root = zarr.open_group(store, mode="r+")
    for dtype in EVERY:
        root[dtype][4:, 5:9] = values_of(dtype, first=11)[4:, 5:9]
        root[dtype][:3, :4] = fill_of(dtype)
    root["sharded"][:] = values_of("int32", first=200)
    del root["compressed"]
    later = root.create_group("later")
    later.create_array("float64", data=values_of("float64"), chunks=CHUNKS, dimension_names=("d", "c"))
    root.attrs["title"] = "changed"


def _grow(store):
    """Arrays that are longer, and shorter, by what is not a whole number of chunks."""
    root = zarr.open_group(store, mode="r+")
    for dtype in EVERY:
        root[dtype].resize((11, 6))
        root[dtype][8:] = values_of(dtype, (3, 6), 50)
    root["sharded"].resize((11, 6))
    root["scalar"][()] = -5


def write_every_kind(path, spec_version):
    """A repository of icechunk's with every kind of chunk, on two branches with three tags."""
    config = icechunk.RepositoryConfig(inline_chunk_threshold_bytes=INLINE)
    repository = create(path, spec_version, config=config)
    first = commit(repository, "main", "begin", _begin, metadata={"number": 1, "by": ["a", "b"]})
    repository.create_tag("v 1", first)
    repository.create_branch("side way", first)
    second = commit(repository, "main", "change\n\nin more lines: é", _change)
    repository.create_tag("v2", second)
    commit(repository, "main", "grow", _grow)
    side = commit(repository, "side way", "grow beside", _grow)
    repository.create_tag("beside", side)
    return repository

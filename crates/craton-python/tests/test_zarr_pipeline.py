"""The codec pipeline for zarr-python: the same values and bytes that every reader reads, with and without it."""

import pickle

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")
pytest.importorskip("hypothesis")

import craton.zarr  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from numcodecs import BZ2, LZ4, LZMA, Blosc, Delta, FixedScaleOffset, GZip, Shuffle, Zlib, Zstd  # noqa: E402
from zarr.codecs import (  # noqa: E402
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)
from zarr.core.codec_pipeline import BatchedCodecPipeline  # noqa: E402

OURS = "craton.zarr.CodecPipeline"
THEIRS = "zarr.core.codec_pipeline.BatchedCodecPipeline"
SHAPE, CHUNKS, INNER = (37, 30, 13), (16, 12, 8), (4, 6, 8)

DTYPES = ["bool", "i1", "u2", "i4", "<i8", ">i4", "f2", "<f4", ">f8", "c8", ">c16", "M8[s]", ">m8[ns]", "S5", "<U3", ">U3"]


@pytest.fixture
def fallbacks(monkeypatch):
    """How often zarr's own pipeline was asked to read or write."""
    seen = []
    for name in ("read", "write"):
        original = getattr(BatchedCodecPipeline, name)

        async def counted(self, batch, *rest, _name=name, _original=original, **named):
            if zarr.config.get("codec_pipeline.path") == OURS:
                seen.append(_name)
            return await _original(self, batch, *rest, **named)

        monkeypatch.setattr(BatchedCodecPipeline, name, counted)
    return seen


def ours():
    return zarr.config.set({"codec_pipeline.path": OURS})


def theirs():
    return zarr.config.set({"codec_pipeline.path": THEIRS})


def values(dtype, shape=SHAPE):
    dtype = np.dtype(dtype)
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    if dtype.kind in "SU":
        return numbers.astype(dtype.str.replace(">", "<")).astype(dtype)
    if dtype.kind == "c":
        return (numbers + 1j * numbers[::-1]).astype(dtype)
    return numbers.astype(dtype.newbyteorder("=")).astype(dtype)


def store(kind, folder):
    return {"local": lambda: folder / "a.zarr", "memory": lambda: zarr.storage.MemoryStore()}[kind]()


V3_CODECS = {
    "plain": {"compressors": None},
    "big": {"compressors": None, "serializer": BytesCodec(endian="big")},
    "zstd": {"compressors": ZstdCodec(level=3)},
    "zstd-checksum": {"compressors": [ZstdCodec(level=1, checksum=True), Crc32cCodec()]},
    "gzip": {"compressors": GzipCodec(level=4)},
    "blosc": {"compressors": BloscCodec(cname="lz4", shuffle="bitshuffle")},
    "transpose": {"filters": [TransposeCodec(order=(2, 0, 1))], "compressors": ZstdCodec()},
    "sharded": {"shards": CHUNKS, "chunks": INNER, "compressors": ZstdCodec()},
    "sharded-plain": {"shards": CHUNKS, "chunks": INNER, "compressors": None},
    "sharded-transposed": {"shards": CHUNKS, "chunks": INNER, "filters": [TransposeCodec(order=(1, 2, 0))]},
    "sharded-start": {
        "chunks": CHUNKS,
        "compressors": None,
        "serializer": ShardingCodec(
            chunk_shape=INNER, codecs=[BytesCodec(endian="big"), GzipCodec()], index_location="start"
        ),
    },
    "nested": {
        "chunks": CHUNKS,
        "compressors": None,
        "serializer": ShardingCodec(
            chunk_shape=(8, 12, 8), codecs=[ShardingCodec(chunk_shape=INNER, codecs=[BytesCodec(), ZstdCodec()])]
        ),
    },
    "wrapped": {
        "chunks": CHUNKS,
        "compressors": [ZstdCodec(), Crc32cCodec()],
        "serializer": ShardingCodec(chunk_shape=INNER, codecs=[BytesCodec(), ZstdCodec()]),
    },
}

V2_CODECS = {
    "plain": {"compressors": None},
    "fortran": {"compressors": Zstd(), "order": "F"},
    "blosc": {"compressors": Blosc(cname="lz4", shuffle=Blosc.SHUFFLE)},
    "zlib": {"compressors": Zlib(level=2)},
    "gzip": {"compressors": GZip(level=2)},
    "shuffle": {"filters": [Shuffle(elementsize=4)], "compressors": Zstd(level=2)},
    "slash": {"compressors": Zstd(), "chunk_key_encoding": {"name": "v2", "separator": "/"}},
}


def create(at, version, codec, dtype, **more):
    options = {"chunks": CHUNKS, **(V3_CODECS if version == 3 else V2_CODECS)[codec], **more}
    return zarr.create_array(at, shape=SHAPE, dtype=dtype, zarr_format=version, **options)


COMBINATIONS = [(3, codec) for codec in V3_CODECS] + [(2, codec) for codec in V2_CODECS]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["local", "memory"])
@pytest.mark.parametrize(("version", "codec"), COMBINATIONS)
def test_each_reads_what_the_other_wrote(version, codec, kind, tmp_path, fallbacks):
    for dtype in DTYPES if codec in ("zstd", "sharded", "plain", "big") else ("f4", ">i2"):
        if version == 3 and dtype.startswith(">") and codec == "nested":
            continue
        expected = values(dtype)
        for number, (writer, reader) in enumerate([(ours, theirs), (theirs, ours), (ours, ours)]):
            at = store(kind, tmp_path / dtype / str(number))
            with writer():
                array = create(at, version, codec, dtype)
                array[:] = expected
            with reader():
                read = zarr.open_array(array.store, mode="r")[:]
            with theirs():
                assert read.dtype == zarr.open_array(array.store, mode="r")[:].dtype
            np.testing.assert_array_equal(read, expected)
    assert fallbacks == []


SELECTIONS = {
    "all": lambda a: a[:],
    "box": lambda a: a[3:30, 5:29, 2:9],
    "steps": lambda a: a[1:36:3, ::7, 5:13:2],
    "row": lambda a: a[20],
    "point": lambda a: a[20, 7, 12],
    "last": lambda a: a[-1, :, 2:5],
    "nothing": lambda a: a[5:5],
    "orthogonal": lambda a: a.oindex[[3, 20, 21, 36], 5:29, [0, 12, 4]],
    "one-list": lambda a: a.oindex[:, [7, 8, 25], :],
    "unsorted": lambda a: a.oindex[[30, 2, 17, 2], :, 3],
    "mask-axis": lambda a: a.oindex[np.arange(37) % 3 == 0, 4, :],
    "masks": lambda a: a.oindex[np.arange(37) % 3 == 0, np.arange(30) > 20, 2:4],
    "coordinates": lambda a: a.vindex[[0, 36, 17, 17], [29, 0, 11, 12], [12, 0, 8, 7]],
    "many-coordinates": lambda a: a.vindex[np.arange(37), np.arange(37) % 30, np.arange(37) % 13],
    "mask": lambda a: a.vindex[values("i4") % 7 == 3],
    "blocks": lambda a: a.blocks[1:, 2, 0],
}


@pytest.mark.parametrize("kind", ["local", "memory"])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_selections_read_the_same(selection, kind, tmp_path, fallbacks):
    for version, codec in COMBINATIONS:
        if codec in ("gzip", "zlib", "zstd-checksum", "slash"):
            continue
        with theirs():
            array = create(store(kind, tmp_path / f"{version}{codec}"), version, codec, "i4", fill_value=7)
            # Some chunks, inner ones too, stay missing.
            array[2:34, 6:] = values("i4")[2:34, 6:]
            array[5:9, 8:20, :] = 7
            expected = SELECTIONS[selection](zarr.open_array(array.store, mode="r"))
        with ours():
            read = SELECTIONS[selection](zarr.open_array(array.store, mode="r"))
        np.testing.assert_array_equal(read, expected, strict=True)
    assert fallbacks == []


def write(array, selection, value):
    match selection:
        case "box":
            array[3:30, 5:29, 2:9] = value((27, 24, 7))
        case "steps":
            array[1:36:3, ::7, 5:13:2] = value((12, 5, 4))
        case "row":
            array[20] = value((30, 13))
        case "point":
            array[20, 7, 12] = value(())
        case "scalar":
            array[4:, 3:20] = 1234
        case "all-scalar":
            array[:] = 7
        case "orthogonal":
            array.oindex[[3, 20, 21, 36], 5:29, [0, 12, 4]] = value((4, 24, 3))
        case "unsorted":
            array.oindex[[30, 2, 17], :, 3] = value((3, 30))
        case "coordinates":
            array.vindex[[0, 36, 17, 17], [29, 0, 11, 12], [12, 0, 8, 7]] = value((4,))
        case "coordinates-scalar":
            array.vindex[[0, 36, 17, 17], [29, 0, 11, 12], [12, 0, 8, 7]] = 99
        case "mask":
            array.vindex[values("i4") % 7 == 3] = 5
        case "strided":
            array[3:30, 5:29, 2:9] = value((7, 48, 27)).transpose(2, 1, 0)[:, ::2, ::-1]
        case "swapped":
            array[3:30, 5:29, 2:9] = value((27, 24, 7)).astype(">i4")
        case "fill":
            array[:17, :13, :] = 7
        case "blocks":
            array.blocks[1:, 2, 0] = value((21, 6, 8))


WRITES = (
    "box steps row point scalar all-scalar orthogonal unsorted coordinates coordinates-scalar mask strided swapped fill blocks"
).split()


def numbers(shape):
    return np.arange(1000, 1000 + np.prod(shape, dtype=int), dtype="i4").reshape(shape)


@pytest.mark.parametrize("kind", ["local", "memory"])
@pytest.mark.parametrize("selection", WRITES)
@pytest.mark.parametrize("writes_empty", [False, True])
def test_selections_write_the_same(selection, writes_empty, kind, tmp_path, fallbacks):
    for version, codec in COMBINATIONS:
        if codec in ("gzip", "zlib", "zstd-checksum", "slash"):
            continue
        outcomes = []
        for pipeline in (theirs, ours):
            at = store(kind, tmp_path / f"{version}{codec}{pipeline.__name__}")
            with theirs():
                array = create(at, version, codec, "i4", fill_value=7, config={"write_empty_chunks": writes_empty})
                array[2:34, 6:] = values("i4")[2:34, 6:]
            with pipeline():
                array = zarr.open_array(array.store, mode="r+", config={"write_empty_chunks": writes_empty})
                write(array, selection, numbers)
            with theirs():
                read = zarr.open_array(array.store, mode="r")[:]
                names = sorted(zarr.core.sync.sync(_names(array.store)))
            outcomes.append((read, names))
        np.testing.assert_array_equal(outcomes[1][0], outcomes[0][0])
        assert outcomes[1][1] == outcomes[0][1], codec
    assert fallbacks == []


async def _names(store):
    return [name async for name in store.list()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order", ["morton", "lexicographic", "colexicographic", None])
def test_uncompressed_objects_are_the_very_same_bytes(order, tmp_path):
    more = {} if order is None else {"subchunk_write_order": order}
    try:
        codec = ShardingCodec(chunk_shape=INNER, codecs=[BytesCodec(), Crc32cCodec()], **more)
    except TypeError:
        pytest.skip("zarr has no orders of writing yet")
    for pipeline in (ours, theirs):
        with pipeline():
            for name, options in {"shard": {"serializer": codec}, "chunk": {"filters": [TransposeCodec(order=(2, 0, 1))]}}.items():
                at = tmp_path / pipeline.__name__ / name
                array = zarr.create_array(at, shape=SHAPE, chunks=CHUNKS, dtype="i4", compressors=None, **options)
                array[:] = values("i4")
                array[3:20, 5:9] = 0
    files = sorted(path.relative_to(tmp_path / "ours") for path in (tmp_path / "ours").rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path / "theirs") for path in (tmp_path / "theirs").rglob("*") if path.is_file())
    assert len(files) > 20
    for file in files:
        assert (tmp_path / "ours" / file).read_bytes() == (tmp_path / "theirs" / file).read_bytes(), file


def test_a_pipeline_is_named_in_one_line_and_left_in_one():
    default = zarr.config.get("codec_pipeline.path")
    with ours():
        array = zarr.create_array({}, shape=3, dtype="i4")
        assert type(array.async_array.codec_pipeline) is craton.zarr.CodecPipeline
        again = pickle.loads(pickle.dumps(array))
        again[:] = [1, 2, 3]
        assert list(again[:]) == [1, 2, 3]
    assert zarr.config.get("codec_pipeline.path") == default


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "options"),
    {
        "strings": {"dtype": str},
        "bytes": {"dtype": "variable_length_bytes"},
        "lz4": {"dtype": "i4", "zarr_format": 2, "compressors": LZ4()},
        "bz2": {"dtype": "i4", "zarr_format": 2, "compressors": BZ2()},
        "lzma": {"dtype": "i4", "zarr_format": 2, "compressors": LZMA()},
        "delta": {"dtype": "i4", "zarr_format": 2, "filters": [Delta(dtype="i4")]},
        "scale": {"dtype": "f8", "zarr_format": 2, "filters": [FixedScaleOffset(0, 10, dtype="f8", astype="i4")]},
        "bitround": {"dtype": "f4", "filters": [zarr.codecs.numcodecs.BitRound(keepbits=7)]},
        "structure": {"dtype": [("a", "i4"), ("b", "f8")], "zarr_format": 2},
    }.items(),
)
def test_what_is_not_known_is_left_to_zarr(name, options, tmp_path):
    dtype = options["dtype"]
    plain = np.arange(90)
    if dtype is str:
        plain = np.array([f"text {number}" for number in plain], dtype=object)
    elif dtype == "variable_length_bytes":
        plain = np.array([f"text {number}".encode() for number in plain], dtype=object)
    elif name == "structure":
        plain = np.array([(number, number / 7) for number in plain], dtype=dtype)
    elif name == "bitround":
        plain = plain / np.float32(7)
    outcomes = []
    for number, (writer, reader) in enumerate([(theirs, theirs), (ours, theirs), (theirs, ours), (ours, ours)]):
        with writer():
            array = zarr.create_array(tmp_path / str(number), shape=90, chunks=17, **options)
            array[:] = plain
            array[40:43] = plain[:3]
        with reader():
            outcomes.append(zarr.open_array(tmp_path / str(number))[:])
    for outcome in outcomes[1:]:
        np.testing.assert_array_equal(outcome, outcomes[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", ["<i4", ">i4"])
def test_structures_keep_their_fields_in_any_order_of_bytes(dtype, endian, version, tmp_path):
    plain = np.array([(number, number / 7) for number in range(20)], dtype=[("a", dtype), ("b", dtype.replace("i4", "f8"))])
    options = {"serializer": BytesCodec(endian=endian)} if version == 3 else {}
    written = []
    for pipeline in (ours, theirs):
        with pipeline():
            at = tmp_path / pipeline.__name__
            array = zarr.create_array(at, shape=20, chunks=20, dtype=plain.dtype, compressors=None, zarr_format=version, **options)
            array[:] = plain
        for reader in (ours, theirs):
            with reader():
                read = zarr.open_array(at, mode="r")[:]
                for field in "ab":
                    np.testing.assert_array_equal(read[field], plain[field])
        written.append((at / ("c/0" if version == 3 else "0")).read_bytes())
    assert written[0] == written[1]


def test_arrays_without_axes_and_without_elements(tmp_path):
    with ours():
        one = zarr.create_array(tmp_path / "one", shape=(), dtype="f8")
        one[...] = 4.5
        assert one[()] == 4.5
        none = zarr.create_array(tmp_path / "none", shape=(0, 5), chunks=(2, 5), dtype="f8")
        none[:] = np.empty((0, 5))
        assert none[:].shape == (0, 5)
    with theirs():
        assert zarr.open_array(tmp_path / "one")[()] == 4.5


def test_appended_and_resized_arrays(tmp_path):
    with ours():
        array = zarr.create_array(tmp_path / "a", shape=(5, 4), chunks=(4, 4), shards=(8, 4), dtype="i4")
        array[:] = np.arange(20).reshape(5, 4)
        array.append(np.arange(20, 44).reshape(6, 4))
        np.testing.assert_array_equal(array[:], np.arange(44).reshape(11, 4))
        array.resize((3, 4))
        np.testing.assert_array_equal(array[:], np.arange(12).reshape(3, 4))


def test_read_only_stores_and_missing_chunks_that_are_errors(tmp_path):
    with ours():
        array = zarr.create_array(tmp_path / "a", shape=8, chunks=4, dtype="i4")
        array[:4] = 1
        with pytest.raises(ValueError, match="read-only"):
            zarr.open_array(tmp_path / "a", mode="r")[:] = 3
        if "read_missing_chunks" in zarr.config.get("array"):
            strict = zarr.open_array(tmp_path / "a", mode="r", config={"read_missing_chunks": False})
            assert list(strict[:4]) == [1] * 4
            with pytest.raises(zarr.errors.ChunkNotFoundError, match="c/1"):
                strict[:]


@pytest.mark.parametrize("damage", ["cut", "byte", "empty"])
@pytest.mark.parametrize("codec", ["zstd-checksum", "sharded", "plain"])
def test_damaged_chunks_are_errors_that_name_the_chunk(damage, codec, tmp_path):
    with ours():
        array = create(tmp_path / "a", 3, codec, "i4")
        array[:] = values("i4")
        chunk = tmp_path / "a" / "c" / "1" / "0" / "0"
        whole = bytearray(chunk.read_bytes())
        if damage == "byte" and codec == "plain":
            pytest.skip("nothing tells")
        if damage == "byte":
            whole[-1] ^= 255
        chunk.write_bytes({"cut": whole[:-3], "byte": whole, "empty": b""}[damage])
        with pytest.raises(ValueError, match="c/1/0/0"):
            array[:]


def test_xarray_and_dask_work_as_before(tmp_path):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.Dataset(
        {"t": (("time", "lat"), values("f4", (40, 30)), {"units": "K"}), "name": ("lat", [f"row {i}" for i in range(30)])},
        {"time": np.datetime64("2001-01-01", "ns") + np.arange(40) * np.timedelta64(1, "D")},
    )
    encoding = {"t": {"chunks": (4, 10), "shards": (16, 30)}}
    with ours():
        dataset.chunk(time=16).to_zarr(tmp_path / "ours", encoding=encoding, consolidated=False)
        read = xarray.open_zarr(tmp_path / "ours", consolidated=False).compute()
    xarray.testing.assert_identical(read, dataset)
    with theirs():
        xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "ours", consolidated=False).compute(), dataset)


@st.composite
def arrays(draw):
    """An array's shape, chunks, shards, codecs and type."""
    rank = draw(st.integers(1, 3))
    chunks = tuple(draw(st.integers(1, 5)) for _ in range(rank))
    shape = tuple(draw(st.integers(1, 14)) for _ in range(rank))
    shards = draw(st.none() | st.just(tuple(length * draw(st.integers(1, 3)) for length in chunks)))
    options = {"shape": shape, "chunks": chunks, "dtype": draw(st.sampled_from(["i2", "f4", "u1", "c8"]))}
    options["fill_value"] = draw(st.sampled_from([0, 3]))
    if draw(st.booleans()):
        options["filters"] = [TransposeCodec(order=draw(st.permutations(range(rank))))]
    options["compressors"] = draw(
        st.sampled_from([None, ZstdCodec(), GzipCodec(level=1), BloscCodec(cname="zstd"), [Crc32cCodec()]])
    )
    return {**options, "shards": shards}


@st.composite
def selections(draw, shape):
    """A way to select, and the selection."""
    way = draw(st.sampled_from(["basic", "oindex", "vindex"]))
    if way == "vindex":
        # Each element once: of several values for one, zarr writes the first or the last, as its codecs happen to sort them.
        point = st.tuples(*(st.integers(0, length - 1) for length in shape))
        points = draw(st.lists(point, min_size=1, max_size=6, unique=True))
        return way, tuple(map(list, zip(*points, strict=True)))
    axes = []
    for length in shape:
        kinds = [
            st.integers(0, length - 1),
            st.builds(slice, st.integers(0, length), st.integers(0, length), st.integers(1, 3)),
            st.just(slice(None)),
        ]
        if way == "oindex":
            kinds.append(st.lists(st.integers(0, length - 1), min_size=1, max_size=5, unique=True))
            kinds.append(st.lists(st.booleans(), min_size=length, max_size=length).map(np.array))
        axes.append(draw(st.one_of(kinds)))
    return way, tuple(axes)


def _selected(array, way, selection):
    return array[selection] if way == "basic" else getattr(array, way)[selection]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_array_and_any_selection_is_as_without_it(data):
    options = data.draw(arrays())
    steps = data.draw(st.lists(selections(options["shape"]), min_size=1, max_size=4))
    stores = [zarr.storage.MemoryStore(), zarr.storage.MemoryStore()]
    for at, pipeline in zip(stores, (theirs, ours), strict=True):
        with pipeline():
            array = zarr.create_array(at, **options)
            for number, (way, selection) in enumerate(steps):
                shape = np.shape(_selected(array, way, selection))
                value = np.arange(number * 100 + 3, number * 100 + 3 + np.prod(shape, dtype=int)).reshape(shape)
                if way == "basic":
                    array[selection] = value.astype(options["dtype"])
                else:
                    getattr(array, way)[selection] = value.astype(options["dtype"])
    for reader in (theirs, ours):
        with reader():
            one, two = (zarr.open_array(at, mode="r") for at in stores)
            np.testing.assert_array_equal(one[:], two[:], strict=True)
            for way, selection in steps:
                np.testing.assert_array_equal(
                    _selected(one, way, selection), _selected(two, way, selection), strict=True
                )

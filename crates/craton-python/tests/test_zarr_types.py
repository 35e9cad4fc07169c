"""Data types, fill values, grids and metadata of Zarr, against NumPy, ml_dtypes, zarr-python and TensorStore."""

import base64
import json

import numpy as np
import pytest
from program import craton as program
from program import craton_json, run_craton

import craton

pytest.importorskip("hypothesis", reason="the short lane does not draw data types")
zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

NARROW = {
    "bfloat16": "bfloat16",
    "float4_e2m1fn": "float4_e2m1fn",
    "float6_e2m3fn": "float6_e2m3fn",
    "float6_e3m2fn": "float6_e3m2fn",
    "float8_e3m4": "float8_e3m4",
    "float8_e4m3": "float8_e4m3",
    "float8_e4m3b11fnuz": "float8_e4m3b11fnuz",
    "float8_e4m3fn": "float8_e4m3fn",
    "float8_e4m3fnuz": "float8_e4m3fnuz",
    "float8_e5m2": "float8_e5m2",
    "float8_e5m2fnuz": "float8_e5m2fnuz",
    "float8_e8m0fnu": "float8_e8m0fnu",
    "int2": "int2",
    "int4": "int4",
    "uint2": "uint2",
    "uint4": "uint4",
}


def _store(path, data_type, shape, chunks, chunk_bytes, *, fill=0, codecs=None, names=None, grid=None):
    """A store of one array `v`, written byte by byte."""
    codecs = codecs or [{"name": "bytes", "configuration": {"endian": "little"}}]
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": data_type,
        "chunk_grid": grid or {"name": "regular", "configuration": {"chunk_shape": chunks}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": fill,
        "codecs": codecs,
        "attributes": {},
        "dimension_names": names or [f"d{axis}" for axis in range(len(shape))],
    }
    folder = path / "v"
    folder.mkdir(parents=True)
    (path / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}}))
    (folder / "zarr.json").write_text(json.dumps(document))
    for key, encoded in chunk_bytes.items():
        place = folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded)
    return path


def _read(path, name="v"):
    return craton.open_dataset(str(path), decode_times=False)[name].values


@pytest.mark.parametrize("name", NARROW)
def test_every_value_of_narrow_types_is_that_of_ml_dtypes(name, tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype(getattr(ml_dtypes, NARROW[name]))
    bits = {"int2": 4, "uint2": 4, "int4": 16, "uint4": 16, "float4_e2m1fn": 16}.get(name, 64 if "6_" in name else 256)
    raw = np.arange(65536, dtype="<u2") if dtype.itemsize == 2 else np.arange(bits, dtype="u1")
    expected = raw.view(dtype)
    store = _store(tmp_path / "s", name, [raw.size], [raw.size], {"c/0": raw.tobytes()}, fill=1)
    actual = _read(store)
    wide = expected.astype("i1" if "int" in name else "f4")
    assert actual.dtype == (wide.dtype if name[0] != "u" else np.dtype("u1"))
    np.testing.assert_array_equal(actual, wide.astype(actual.dtype))


@pytest.mark.parametrize("name", ["bfloat16", "int4", "float8_e4m3fn", "float8_e5m2", "float8_e3m4", "float4_e2m1fn", "uint4"])
def test_narrow_types_of_tensorstore_are_read(name, tmp_path):
    ts = pytest.importorskip("tensorstore")
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype(getattr(ml_dtypes, name))
    values = (np.arange(24) % 7).astype("f4").astype(dtype).reshape(4, 6)
    try:
        array = ts.open(
            {
                "driver": "zarr3",
                "kvstore": {"driver": "file", "path": str(tmp_path / "s/v")},
                "metadata": {
                    "shape": [4, 6],
                    "data_type": name,
                    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [3, 4]}},
                    "dimension_names": ["y", "x"],
                },
            },
            create=True,
        ).result()
    except ValueError as error:
        pytest.skip(f"TensorStore has no {name}: {error}")
    array.write(values).result()
    (tmp_path / "s/zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    np.testing.assert_array_equal(_read(tmp_path / "s").astype("f4"), values.astype("f4"))


def test_complex_numbers_of_narrow_parts_are_read(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    parts = np.array([[1.5, -2], [0.25, 3], [-0.0, np.inf]], dtype="f4")
    types = {
        "complex_bfloat16": ml_dtypes.bfloat16,
        "complex_float16": np.float16,
        "complex_float8_e5m2": ml_dtypes.float8_e5m2,
        "complex_float32": np.float32,
    }
    for name, dtype in types.items():
        store = _store(tmp_path / name, name, [3], [3], {"c/0": parts.astype(dtype).tobytes()}, fill=[0, 0])
        actual = _read(store)
        assert actual.dtype == np.complex64
        np.testing.assert_array_equal(actual.view("f4").reshape(parts.shape), parts)


@pytest.mark.parametrize(
    ("data_type", "fill", "expected"),
    [
        ("float32", "NaN", np.float32("nan")),
        ("float32", "-Infinity", np.float32("-inf")),
        ("float32", "0x7fc00001", np.array(0x7FC00001, "u4").view("f4")[()]),
        ("float64", "0x3ff8000000000000", 1.5),
        ("float16", "0x3e00", np.float16(1.5)),
        ("bfloat16", "0x3fc0", np.float32(1.5)),
        ("float8_e4m3fn", "0x7e", np.float32(448)),
        ("int8", -128, np.int8(-128)),
        ("uint64", 2**64 - 1, np.uint64(2**64 - 1)),
        ("int4", -8, np.int8(-8)),
        ("bool", True, True),
        ("complex64", ["NaN", "Infinity"], np.complex64(complex(np.nan, np.inf))),
        ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 10}}, 7, 7),
        ({"name": "fixed_length_utf32", "configuration": {"length_bytes": 12}}, "aé", "aé"),
        ({"name": "null_terminated_bytes", "configuration": {"length_bytes": 3}}, base64.b64encode(b"ab").decode(), b"ab"),
    ],
)
def test_fill_values_in_every_spelling(data_type, fill, expected, tmp_path):
    actual = _read(_store(tmp_path / "s", data_type, [2], [2], {}, fill=fill))
    if actual.dtype.kind in "mM":
        actual = actual.astype("i8")
    if isinstance(expected, (str, bytes)):
        assert actual.tolist() == [expected] * 2
        return
    wanted = np.full(2, expected, actual.dtype)
    assert actual.tobytes() == wanted.tobytes() or np.array_equal(actual, wanted, equal_nan=True)
    if fill == "0x7fc00001":
        assert actual.view("u4").tolist() == [0x7FC00001] * 2


@pytest.mark.parametrize(
    ("data_type", "fill"),
    [("int4", 8), ("uint2", -1), ("int8", "NaN"), ("float8_e4m3fn", "Infinity"), ("float32", "0x7fc0"), ("uint8", 1.5), ("bool", 2), ("int32", None), ("float7", 0), ({"name": "struct"}, 0)],
)
def test_fill_values_that_are_none_are_refused_and_named(data_type, fill, tmp_path):
    store = _store(tmp_path / "s", data_type, [2], [2], {}, fill=fill)
    answer = run_craton("eval", 'ds["v"].sum()', store)
    if fill is None:
        assert answer.returncode == 0, answer.stderr
        return
    assert answer.returncode != 0 and "panicked" not in answer.stderr
    named = data_type if isinstance(data_type, str) else data_type["name"]
    assert "`" in answer.stderr and named in answer.stderr, answer.stderr


def test_fields_of_structures_are_arrays_beside_them(tmp_path):
    for version, order in [(2, "<"), (2, ">"), (3, "<")]:
        pos = [("x", f"{order}f8"), ("y", f"{order}f8")]
        dtype = np.dtype([("id", "S4"), ("t", f"{order}f4"), ("pos", pos)])
        values = np.zeros(7, dtype)
        values["id"] = [f"a{n}" for n in range(7)]
        values["t"] = np.arange(7) / 2
        values["pos"]["y"] = np.arange(7) * 3.0
        store = tmp_path / f"{version}{'little' if order == '<' else 'big'}"
        zarr.open_group(store, mode="w", zarr_format=version)
        options = {"filters": None} if version == 2 else {}
        array = zarr.create_array(store, name="obs", shape=(7,), chunks=(3,), dtype=dtype, zarr_format=version, **options)
        array[:] = values
        ds = craton.open_dataset(str(store))
        np.testing.assert_array_equal(ds["obs.t"].values, values["t"])
        np.testing.assert_array_equal(ds["obs.pos.y"].values, values["pos"]["y"])
        assert ds["obs.id"].values.astype("S4").tolist() == values["id"].tolist()


def test_big_endian_structures_are_turned(tmp_path):
    values = np.array([(1, 2.5), (-3, 0.5)], dtype=[("a", ">i4"), ("b", ">f8")])
    data_type = {"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": "int32"}, {"name": "b", "data_type": "float64"}]}}
    codecs = [{"name": "bytes", "configuration": {"endian": "big"}}]
    store = _store(tmp_path / "s", data_type, [2], [2], {"c/0": values.tobytes()}, fill=base64.b64encode(bytes(12)).decode(), codecs=codecs)
    np.testing.assert_array_equal(_read(store, "v.a"), [1, -3])
    np.testing.assert_array_equal(_read(store, "v.b"), [2.5, 0.5])


def test_zero_sizes_no_axes_and_odd_names(tmp_path):
    scalar = _store(tmp_path / "a", "int16", [], [], {"c": np.int16(7).tobytes()}, names=[])
    assert _read(scalar) == 7
    empty = _store(tmp_path / "b", "int16", [0, 3], [2, 3], {})
    assert _read(empty).shape == (0, 3)
    plain = np.arange(4, dtype="<i2")
    unnamed = _store(tmp_path / "c", "int16", [2, 2], [2, 2], {"c/0/0": plain.tobytes()}, names=[None, "x"])
    np.testing.assert_array_equal(_read(unnamed), plain.reshape(2, 2))
    twice = _store(tmp_path / "d", "int16", [2, 2], [2, 2], {"c/0/0": plain.tobytes()}, names=["x", "x"])
    assert craton_json("info", twice) and run_craton("info", twice).returncode == 0


@pytest.mark.parametrize("shards", [False, True])
def test_rectilinear_grids_of_zarr_python_are_read(shards, tmp_path):
    values = np.arange(12 * 10, dtype="i4").reshape(12, 10)
    path = tmp_path / "s.zarr"
    with zarr.config.set({"array.rectilinear_chunks": True}):
        group = zarr.open_group(path, mode="w")
        edges = [[4, 2, 6], [4, 6]]
        options = {"chunks": (2, 2), "shards": edges} if shards else {"chunks": edges}
        array = group.create_array("v", shape=(12, 10), dtype="i4", dimension_names=["y", "x"], **options)
        array[...] = values
        array[4:6, :4] = 0
    values[4:6, :4] = 0
    np.testing.assert_array_equal(_read(path), values)
    document = json.loads((path / "v/zarr.json").read_text())
    assert document["chunk_grid"]["name"] == "rectilinear"


def test_texts_in_rectilinear_grids_are_read(tmp_path):
    path = tmp_path / "s.zarr"
    texts = np.array([["a", "bé", ""], ["d", "e", "f"], ["g", "h", "long text"]], dtype=object)
    with zarr.config.set({"array.rectilinear_chunks": True}):
        group = zarr.open_group(path, mode="w")
        array = group.create_array("v", shape=(3, 3), dtype="string", chunks=[[1, 2], [2, 1]], dimension_names=["y", "x"])
        array[...] = texts
    assert _read(path).astype(str).tolist() == texts.tolist()


def test_shards_in_shards_are_read(tmp_path):
    codecs = zarr.codecs
    inner = codecs.ShardingCodec(chunk_shape=(2, 1), codecs=[codecs.BytesCodec(), codecs.ZstdCodec()])
    outer = codecs.ShardingCodec(chunk_shape=(4, 3), codecs=[inner], index_location="start")
    values = np.arange(12 * 12, dtype="f4").reshape(12, 12)
    path = tmp_path / "s.zarr"
    group = zarr.open_group(path, mode="w")
    array = group.create_array("v", shape=(12, 12), dtype="f4", chunks=(8, 6), serializer=outer, compressors=None, dimension_names=["y", "x"])
    array[...] = values
    np.testing.assert_array_equal(_read(path), values)


def test_a_name_given_twice_is_an_error_but_not_among_attributes(tmp_path):
    store = _store(tmp_path / "s", "int16", [2], [2], {"c/0": np.arange(2, dtype="<i2").tobytes()})
    document = store / "v/zarr.json"
    text = document.read_text()
    document.write_text(text.replace('"attributes": {}', '"attributes": {"a": 1, "a": 2}'))
    np.testing.assert_array_equal(_read(store), [0, 1])
    document.write_text(text.replace('"shape": [2]', '"shape": [2], "shape": [3]'))
    answer = run_craton("eval", 'ds["v"].sum()', store)
    assert answer.returncode != 0 and "`shape` twice" in answer.stderr, answer.stderr


def test_metadata_of_a_hundred_megabytes_end(tmp_path):
    store = _store(tmp_path / "s", "int16", [2], [2], {"c/0": np.arange(2, dtype="<i2").tobytes()})
    document = store / "v/zarr.json"
    text = document.read_text()
    padding = ", ".join(f'"k{n}": {n}' for n in range(500_000)) + f', "text": "{"a" * 95_000_000}"'
    document.write_text(text.replace('"attributes": {}', '"attributes": {' + padding + "}"))
    assert document.stat().st_size > 100e6
    answer = run_craton("eval", 'ds["v"].sum()', store)
    assert answer.returncode == 0 or "too large" in answer.stderr, answer.stderr
    document.write_text("[" * 50_000_000 + "]" * 50_000_000)
    answer = run_craton("eval", 'ds["v"].sum()', store)
    assert answer.returncode != 0 and "panicked" not in answer.stderr


DTYPES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def _chains(dtype):
    """Chains that lose nothing of any value of the type."""
    kind, size = np.dtype(dtype).kind, np.dtype(dtype).itemsize
    arrays = [[], [{"name": "transpose", "configuration": {"order": "reversed"}}]]
    if kind in "iu":
        code = np.dtype(dtype).str.replace(">", "<")
        arrays.append([{"name": "numcodecs.delta", "configuration": {"dtype": code}}])
    if kind == "b":
        arrays.append([{"name": "numcodecs.packbits"}])
    to_bytes = [None]
    if kind in "iuf" and size > 1:
        to_bytes.append({"name": "numcodecs.pcodec", "configuration": {"level": 4}})
    compressors = [
        {"name": "zstd", "configuration": {"level": 1, "checksum": False}},
        {"name": "gzip", "configuration": {"level": 1}},
        {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": max(size, 1), "blocksize": 0}},
        {"name": "numcodecs.bz2", "configuration": {"level": 1}},
        {"name": "numcodecs.lz4", "configuration": {"acceleration": 1}},
        {"name": "numcodecs.lzma", "configuration": {"preset": 0}},
        {"name": "numcodecs.zlib", "configuration": {"level": 1}},
        {"name": "crc32c"},
        {"name": "numcodecs.fletcher32"},
        {"name": "numcodecs.adler32"},
    ]
    # numcodecs shuffles whole elements only, so not what another codec left.
    shuffle = {"name": "numcodecs.shuffle", "configuration": {"elementsize": size}}
    after = st.lists(st.sampled_from(compressors), max_size=2)
    shuffled = st.tuples(st.just([]), st.none(), after.map(lambda rest: [shuffle, *rest]))
    return shuffled | st.tuples(st.sampled_from(arrays), st.sampled_from(to_bytes), after)


@st.composite
def _arrays(draw):
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    chunks = [draw(st.integers(1, length)) for length in shape]
    seed = draw(st.integers(0, 2**32 - 1))
    bits = np.random.default_rng(seed).integers(0, 256, int(np.prod(shape)) * np.dtype(dtype).itemsize, dtype="u1")
    if dtype == "bool":
        bits %= 2
    if draw(st.booleans()):
        bits[:] = 0
    values = bits.view(dtype).reshape(shape)
    arrays, to_bytes, compressors = draw(_chains(dtype))
    order = list(range(len(shape)))[::-1]
    arrays = [{"name": "transpose", "configuration": {"order": order}} if codec["name"] == "transpose" else codec for codec in arrays]
    shards = [chunk * draw(st.integers(1, 2)) for chunk in chunks] if draw(st.booleans()) else None
    chain = arrays + ([to_bytes] if to_bytes else []) + compressors
    return values, chunks, shards, chain


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_arrays())
def test_arrays_of_any_kind_go_to_zarr_python_and_back(tmp_path_factory, drawn):
    values, chunks, shards, chain = drawn
    if any(codec["name"] == "numcodecs.pcodec" for codec in chain):
        pytest.importorskip("pcodec")
    folder = tmp_path_factory.mktemp("any")
    names = ["a", "b", "c"][: values.ndim]
    source, target = folder / "s.zarr", folder / "t.zarr"
    group = zarr.open_group(source, mode="w")
    group.create_array("v", shape=values.shape, dtype=values.dtype, chunks=chunks, dimension_names=names)[...] = values
    listed = [f"{name}={chunk}" for name, chunk in zip(names, chunks, strict=True)]
    options = ["--chunks", ",".join(listed), "--codec", json.dumps(chain) if chain else "none"]
    if shards:
        options += ["--shards", ",".join(f"{name}={shard}" for name, shard in zip(names, shards, strict=True))]
    program("copy", source, target, *options)
    array = zarr.open_array(target / "v", mode="r+")
    assert array[...].tobytes() == values.tobytes()
    turned = values[::-1].copy()
    array[...] = turned
    actual = craton.open_dataset(str(target), mask_and_scale=False).v.values
    assert np.asarray(actual).tobytes() == turned.tobytes()

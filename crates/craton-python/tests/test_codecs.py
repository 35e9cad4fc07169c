"""Codecs, data types and grids of Zarr, both ways against their other implementations."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from codecs_of_zarr import BY_NAME, CASES
from program import craton as program
from program import run_craton

import craton

numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")
xr = pytest.importorskip("xarray")

NEEDS = {
    "pcodec": "pcodec",
    "zfpy": "zfpy",
    "zfp": "zfpy",
    "cast_value": "cast_value_rs",
    "scale_offset": "zarr.codecs.scale_offset",
    "msgpack2": "msgpack",
}
TABLE = Path(__file__).parents[3] / "docs" / "zarr.md"
BEGIN, END = "<!-- codecs: made by test_codecs.py -->", "<!-- end -->"


def _needs(case):
    if case.name in NEEDS:
        pytest.importorskip(NEEDS[case.name])


def _source(case, path):
    values = case.values()
    dtype = "string" if case.texts else case.dtype
    group = zarr.open_group(path, mode="w")
    group.create_array("v", shape=values.shape, chunks=(5, 4), dtype=dtype, dimension_names=["y", "x"])[...] = values
    return values


def _copied(case, tmp_path, *options):
    """The values, and the store that craton writes with the case's chain."""
    values = _source(case, tmp_path / "source.zarr")
    target = tmp_path / "target.zarr"
    program("copy", tmp_path / "source.zarr", target, "--chunks", "y=5,x=4", "--codec", json.dumps(case.v3), *options)
    return values, target


def _read(path):
    return craton.open_dataset(str(path)).v.values


def _same(case, actual, expected):
    if case.texts:
        assert [str(text) for text in np.ravel(actual)] == [str(text) for text in np.ravel(expected)]
    elif case.tolerance:
        np.testing.assert_allclose(actual, expected, atol=case.tolerance, rtol=0)
    else:
        np.testing.assert_array_equal(actual, expected)


def writes_and_reads(case, tmp_path):
    """Craton reads what it wrote."""
    values, target = _copied(case, tmp_path)
    _same(case, _read(target), values)
    return target


def peer_reads_what_craton_writes(case, tmp_path):
    """Gives who read it."""
    values, target = _copied(case, tmp_path)
    if case.peer:
        _same(case, zarr.open_array(target / "v", mode="r")[...], values)
        return "zarr-python"
    by, decoded = _decoded_otherwise(case, target)
    _same(case, np.asarray(decoded).reshape(5, 4), values[:5, :4])
    return by


def _decoded_otherwise(case, target):
    """The first chunk of a chain that zarr-python does not know."""
    encoded = (target / "v" / "c" / "0" / "0").read_bytes()
    if case.name in ("reshape", "bitround"):
        # The one changes nothing that is stored; the other has this name there.
        document = json.loads((target / "v" / "zarr.json").read_text())
        names = {"reshape": None, "bitround": "numcodecs.bitround"}
        codecs = [{**codec, "name": names.get(codec["name"], codec["name"])} for codec in document["codecs"]]
        document["codecs"] = [codec for codec in codecs if codec["name"]]
        (target / "v" / "zarr.json").write_text(json.dumps(document))
        return "zarr-python", zarr.open_array(target / "v", mode="r")[:5, :4]
    if case.name == "packbits":
        bits = np.unpackbits(np.frombuffer(encoded, "u1"), bitorder="little")
        return "NumPy", bits[:20].astype(bool)
    if case.name == "zfp":
        zfpy = pytest.importorskip("zfpy")
        return "zfpy", zfpy._decompress(encoded, zfpy.dtype_to_ztype(np.dtype(case.dtype)), (5, 4))
    config = {"id": case.name, **case.v3[0].get("configuration", {})}
    decoded = numcodecs.get_codec(config).decode(encoded)
    return "numcodecs", decoded if case.texts else np.frombuffer(decoded, case.dtype)


def craton_reads_what_the_peer_writes(case, tmp_path):
    """The peer writes other values into the store that craton made, with the codecs that its metadata name."""
    values, target = _copied(case, tmp_path)
    array = zarr.open_array(target / "v", mode="r+")
    array[...] = values[::-1]
    _same(case, _read(target), values[::-1])


def craton_reads_version_2(case, tmp_path):
    values = case.values()
    path = tmp_path / "old.zarr"
    zarr.open_group(path, mode="w", zarr_format=2)
    filters = [numcodecs.get_codec(config) for config in case.filters]
    if case.texts:
        _write_texts_of_version_2(path / "v", values, filters)
    else:
        array = zarr.create(
            store=path,
            path="v",
            shape=values.shape,
            chunks=(5, 4),
            dtype=case.dtype,
            filters=filters or None,
            compressor=numcodecs.get_codec(case.compressor) if case.compressor else None,
            zarr_format=2,
        )
        array.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
        array[...] = values
    # The fill value of version 2 is what is missing, to xarray as well.
    actual = craton.open_dataset(str(path), mask_and_scale=False).v.values
    _same(case, actual, values)


def _write_texts_of_version_2(path, values, filters):
    """zarr-python no longer writes objects by any filter."""
    path.mkdir()
    metadata = {
        "zarr_format": 2,
        "shape": values.shape,
        "chunks": [5, 4],
        "dtype": "|O",
        "order": "C",
        "fill_value": "",
        "filters": [codec.get_config() for codec in filters],
        "compressor": None,
    }
    (path / ".zarray").write_text(json.dumps(metadata))
    (path / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["y", "x"]}')
    rows, columns = -(-values.shape[0] // 5), -(-values.shape[1] // 4)
    for row, column in np.ndindex(rows, columns):
        chunk = np.full((5, 4), "", dtype=object)
        part = values[row * 5 : row * 5 + 5, column * 4 : column * 4 + 4]
        chunk[: part.shape[0], : part.shape[1]] = part
        encoded = filters[0].encode(chunk)
        (path / f"{row}.{column}").write_bytes(np.asarray(encoded).tobytes() if isinstance(encoded, np.ndarray) else encoded)


@pytest.mark.parametrize("case", [case for case in CASES if case.v3], ids=lambda case: case.name)
def test_craton_reads_what_it_writes(case, tmp_path):
    writes_and_reads(case, tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES if case.v3], ids=lambda case: case.name)
def test_others_read_what_craton_writes(case, tmp_path):
    _needs(case)
    peer_reads_what_craton_writes(case, tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES if case.v3 and case.peer], ids=lambda case: case.name)
def test_craton_reads_what_zarr_python_writes(case, tmp_path):
    _needs(case)
    craton_reads_what_the_peer_writes(case, tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES if case.v2], ids=lambda case: case.name)
def test_craton_reads_version_2_of_zarr_python(case, tmp_path):
    _needs(case)
    craton_reads_version_2(case, tmp_path)


@pytest.mark.parametrize("name", ["delta", "cast_value", "zfpy", "crc32", "vlen-utf8", "packbits", "reshape"])
def test_chains_stand_inside_shards(name, tmp_path):
    case = BY_NAME[name]
    _needs(case)
    values, target = _copied(case, tmp_path, "--shards", "y=10,x=8")
    _same(case, _read(target), values)
    if case.peer:
        _same(case, zarr.open_array(target / "v", mode="r")[...], values)


def test_words_name_the_same_codecs_as_json(tmp_path):
    pytest.importorskip("pcodec")
    values = np.arange(60, dtype="i4").reshape(6, 10)
    xr.Dataset({"v": (("y", "x"), values)}).to_zarr(tmp_path / "s.zarr", consolidated=False)
    for word in ["bz2:3", "lz4", "lzma:1", "delta,zstd", "pcodec:3", "shuffle:4,crc32", "adler32", "jenkins_lookup3"]:
        target = tmp_path / f"{word}.zarr".replace(":", "-")
        program("copy", tmp_path / "s.zarr", target, "--codec", word)
        np.testing.assert_array_equal(zarr.open_array(target / "v")[...], values)


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("nonsense:3", "nonsense"),
        ('[{"name": "nonsense"}]', "nonsense"),
        ("[1", "JSON"),
        ('["sharding_indexed"]', "shards"),
        ('["zstd", {"name": "transpose", "configuration": {"order": [1, 0]}}]', "transpose"),
        ('[{"name": "transpose", "configuration": {"order": [0, 0]}}]', "order"),
        ('[{"name": "cast_value", "configuration": {"data_type": "uint8"}}]', "uint8"),
        ('["pickle"]', "pickle"),
    ],
)
def test_chains_that_cannot_be_are_refused(codec, said, tmp_path):
    values = np.linspace(-3, 400, 20).reshape(4, 5)
    xr.Dataset({"v": (("y", "x"), values)}).to_zarr(tmp_path / "s.zarr", consolidated=False)
    answer = run_craton("copy", tmp_path / "s.zarr", tmp_path / "t.zarr", "--codec", codec)
    assert answer.returncode != 0 and said in answer.stderr and "panicked" not in answer.stderr, answer.stderr
    assert not (tmp_path / "t.zarr").exists()


def _answer(case, check, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    try:
        return check(case, folder) or "yes"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_table_of_codecs_is_what_the_tests_find(tmp_path_factory):
    """`CRATON_WRITE_DOCS=1` writes the table into the document."""
    for module in NEEDS.values():
        pytest.importorskip(module)
    lines = ["| codec | Zarr 2 is read | Zarr 3 is read | is written | checked with |", "|---|---|---|---|---|"]
    for case in sorted(CASES, key=lambda case: case.name):
        reads_2 = _answer(case, craton_reads_version_2, tmp_path_factory) if case.v2 else "–"
        _answer(case, writes_and_reads, tmp_path_factory)
        if case.peer:
            _answer(case, craton_reads_what_the_peer_writes, tmp_path_factory)
        by = _answer(case, peer_reads_what_craton_writes, tmp_path_factory)
        lines.append(f"| `{case.name}` | {reads_2} | yes | yes | {by} |")
    made = "\n".join(lines)
    text = TABLE.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    whole = f"{before}{BEGIN}\n{made}\n{END}{after}"
    if os.environ.get("CRATON_WRITE_DOCS"):
        TABLE.write_text(whole)
    assert text == whole, "docs/zarr.md is out of date: run this with CRATON_WRITE_DOCS=1"

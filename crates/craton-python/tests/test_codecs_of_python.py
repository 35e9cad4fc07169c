"""Codecs that only Python has: registered by hand, or installed for numcodecs or zarr-python."""

import json

import craton
import numpy as np
import pytest

zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

from numcodecs.abc import Codec  # noqa: E402
from zarr.abc.codec import ArrayArrayCodec, BytesBytesCodec  # noqa: E402
from zarr.registry import register_codec as register_in_zarr  # noqa: E402

# Without 0, which is the fill value, and so missing in version 2.
VALUES = np.arange(1, 61, dtype="f4").reshape(12, 5)


class Xor(Codec):
    """Every byte changed by a word of the metadata."""

    codec_id = "craton.test.xor"

    def __init__(self, word=1):
        self.word = word

    def encode(self, buf):
        return (np.frombuffer(buf, "u1") ^ self.word).tobytes()

    def decode(self, buf, out=None):
        return np.frombuffer(buf, "u1") ^ self.word


class Negative(Xor):
    """A filter of numbers."""

    codec_id = "craton.test.negative"

    def encode(self, buf):
        return -np.asarray(buf)

    def decode(self, buf, out=None):
        return -np.frombuffer(buf, "<f4")


class Reversed(BytesBytesCodec):
    """All bytes, from the last to the first."""

    is_fixed_size = True

    @classmethod
    def from_dict(cls, data):
        return cls()

    def to_dict(self):
        return {"name": "craton.test.reversed"}

    def compute_encoded_size(self, input_byte_length, chunk_spec):
        return input_byte_length

    async def _decode_single(self, chunk_bytes, chunk_spec):
        return chunk_spec.prototype.buffer.from_bytes(chunk_bytes.to_bytes()[::-1])

    async def _encode_single(self, chunk_bytes, chunk_spec):
        return await self._decode_single(chunk_bytes, chunk_spec)


class OfArrays(ArrayArrayCodec):
    """One that the engine does not take."""

    is_fixed_size = True

    @classmethod
    def from_dict(cls, data):
        return cls()

    def to_dict(self):
        return {"name": "craton.test.arrays"}

    def compute_encoded_size(self, input_byte_length, chunk_spec):
        return input_byte_length

    async def _decode_single(self, chunk_array, chunk_spec):
        return chunk_array

    async def _encode_single(self, chunk_array, chunk_spec):
        return chunk_array


for _codec in (Xor, Negative):
    numcodecs.register_codec(_codec)
for _codec in (Reversed, OfArrays):
    register_in_zarr(_codec().to_dict()["name"], _codec)


def _create(folder, **options):
    group = zarr.create_group(folder, zarr_format=options.pop("zarr_format"))
    is_old = group.metadata.zarr_format == 2
    names = {} if is_old else {"dimension_names": ["y", "x"]}
    array = group.create_array("t", shape=VALUES.shape, chunks=(5, 5), dtype="f4", **names, **options)
    if is_old:
        array.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    array[:] = VALUES
    return folder


CASES = {
    "compressor": {"zarr_format": 2, "compressors": Xor(word=77)},
    "filter": {"zarr_format": 2, "filters": [Negative()], "compressors": numcodecs.Zstd()},
    "between": {"zarr_format": 2, "filters": [Negative()], "compressors": Xor(word=3)},
    "version-3": {"zarr_format": 3, "compressors": [Reversed(), zarr.codecs.ZstdCodec()]},
    "sharded": {"zarr_format": 3, "shards": (10, 5), "compressors": [zarr.codecs.GzipCodec(), Reversed()]},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_installed_codecs_are_used_and_told(case, tmp_path):
    path = str(_create(tmp_path / "a.zarr", **CASES[case]))
    np.testing.assert_array_equal(craton.open_dataset(path).t.values, VALUES)
    assert float(craton.eval("ds.t.sum()", path)) == VALUES.sum()
    assert "python:craton.test." in craton.explain("ds.t.sum()", path)


@pytest.mark.filterwarnings("ignore")
def test_a_class_is_registered_under_a_name(tmp_path):
    path = _create(tmp_path / "a.zarr", zarr_format=2, compressors=Xor(word=9))
    metadata = path / "t" / ".zarray"
    document = json.loads(metadata.read_text())
    document["compressor"]["id"] = "craton.test.mine"
    metadata.write_text(json.dumps(document))
    with pytest.warns(UserWarning, match="craton.test.mine"):
        assert "t" not in craton.open_dataset(str(path))
    craton.register_codec("craton.test.mine", Xor)
    np.testing.assert_array_equal(craton.open_dataset(str(path)).t.values, VALUES)


def test_names_of_the_engine_are_not_taken():
    for name in ("zstd", "numcodecs.zlib", "sharding_indexed"):
        with pytest.raises(ValueError, match="there already"):
            craton.register_codec(name, Xor)
    with pytest.raises(TypeError, match="no codec"):
        craton.register_codec("craton.test.other", int)


@pytest.mark.filterwarnings("ignore")
def test_codecs_of_arrays_are_refused_by_name(tmp_path):
    path = _create(tmp_path / "a.zarr", zarr_format=3, filters=[OfArrays()])
    with pytest.warns(UserWarning, match="craton.test.arrays"):
        assert "t" not in craton.open_dataset(str(path))


@pytest.mark.filterwarnings("ignore")
def test_an_error_of_a_codec_names_it_and_the_chunk(tmp_path):
    class Broken(Xor):
        def decode(self, buf, out=None):
            raise RuntimeError("out of order")

    path = _create(tmp_path / "a.zarr", zarr_format=2, compressors=Xor())
    metadata = path / "t" / ".zarray"
    metadata.write_text(metadata.read_text().replace("craton.test.xor", "craton.test.broken"))
    craton.register_codec("craton.test.broken", Broken)
    with pytest.raises(ValueError, match="python:craton.test.broken") as raised:
        craton.open_dataset(str(path)).t.values  # noqa: B018
    assert "out of order" in str(raised.value) and "chunk (" in str(raised.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_zarrs_pipeline_calls_them_itself(case, tmp_path):
    path = _create(tmp_path / "a.zarr", **CASES[case])
    with zarr.config.set({"codec_pipeline.path": "craton.zarr.CodecPipeline"}):
        array = zarr.open_array(path / "t", mode="r+")
        array[3:8] = 0
        np.testing.assert_array_equal(array[:3], VALUES[:3])
    assert zarr.open_array(path / "t", mode="r")[5, 2] == 0

"""Every codec, with what it is tried on: chains of Zarr 3 as `--codec` takes them, and filters of Zarr 2."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    """A codec in a chain of version 3, in filters and compressor of version 2, or both."""

    name: str
    dtype: str = "f4"
    v3: list | None = None
    filters: list = field(default_factory=list)
    compressor: dict | None = None
    tolerance: float = 0.0
    # Whether zarr-python has the codec in version 3.
    peer: bool = True
    texts: bool = False

    @property
    def v2(self):
        return bool(self.filters or self.compressor)

    def values(self, shape=(12, 10)):
        """Numbers that every codec here can hold: whole quarters, some of each sign where there are signs."""
        count = int(np.prod(shape))
        if self.texts:
            return np.array(["", "sea", "land", "é"], dtype=object)[np.arange(count) % 4].reshape(shape)
        dtype = np.dtype(self.dtype)
        numbers = np.arange(count).reshape(shape) % 40
        if dtype.kind == "b":
            return numbers % 3 == 0
        if dtype.kind in "ifc":
            numbers = numbers - 20
        return (numbers / 4 if dtype.kind in "fc" else numbers).astype(dtype)


def _v3(name, **options):
    return {"name": name, "configuration": options} if options else {"name": name}


def _both(name, *, dtype="f4", tolerance=0.0, filter=False, **options):
    """A codec of numcodecs under its own name in both versions."""
    v2 = {"id": name, **options}
    return Case(
        name,
        dtype,
        [_v3(f"numcodecs.{name}", **options)],
        filters=[v2] if filter else [],
        compressor=None if filter else v2,
        tolerance=tolerance,
    )


LABELS = ["sea", "land", "é"]
CASES = [
    Case("bytes", v3=[_v3("bytes", endian="big")]),
    Case("transpose", v3=[_v3("transpose", order=[1, 0])]),
    Case("zstd", v3=[_v3("zstd", level=3, checksum=True)], compressor={"id": "zstd", "level": 3, "checksum": True}),
    Case("gzip", v3=[_v3("gzip", level=2)], compressor={"id": "gzip", "level": 2}),
    Case(
        "blosc",
        v3=[_v3("blosc", cname="lz4", clevel=5, shuffle="bitshuffle", blocksize=0)],
        compressor={"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 1, "blocksize": 0},
    ),
    Case("crc32c", v3=[_v3("crc32c")], filters=[{"id": "crc32c"}]),
    Case("scale_offset", "i4", [_v3("scale_offset", scale=3, offset=-5)]),
    Case("cast_value", "f4", [_v3("scale_offset", scale=4), _v3("cast_value", data_type="int8", out_of_range="clamp")]),
    Case("reshape", v3=[_v3("reshape", shape=[[0, 1]])], peer=False),
    Case("bitround", v3=[_v3("bitround", keepbits=20)], peer=False),
    Case("packbits", "bool", [_v3("packbits")], peer=False),
    Case("zfp", v3=[_v3("zfp", mode="reversible")], peer=False),
    _both("zlib", level=4),
    _both("bz2", level=9),
    _both("lz4", acceleration=1),
    _both("lzma", preset=1),
    _both("shuffle", elementsize=4),
    _both("crc32", filter=True),
    _both("adler32", filter=True),
    _both("fletcher32", filter=True),
    _both("jenkins_lookup3", filter=True),
    Case(
        "delta",
        "i4",
        [_v3("numcodecs.delta", dtype="<i4", astype="<i2")],
        [{"id": "delta", "dtype": "<i4", "astype": "<i2"}],
    ),
    Case(
        "fixedscaleoffset",
        "f8",
        [_v3("numcodecs.fixedscaleoffset", scale=4, offset=-20, dtype="<f8", astype="|u1")],
        [{"id": "fixedscaleoffset", "scale": 4, "offset": -20, "dtype": "<f8", "astype": "|u1"}],
    ),
    Case(
        "quantize",
        "f4",
        [_v3("numcodecs.quantize", digits=1, dtype="<f4")],
        [{"id": "quantize", "digits": 1, "dtype": "<f4"}],
        tolerance=0.05,
    ),
    Case("numcodecs.bitround", "f8", [_v3("numcodecs.bitround", keepbits=10)], [{"id": "bitround", "keepbits": 10}]),
    Case(
        "astype",
        "f8",
        [_v3("numcodecs.astype", encode_dtype="<f4", decode_dtype="<f8")],
        [{"id": "astype", "encode_dtype": "<f4", "decode_dtype": "<f8"}],
    ),
    Case("numcodecs.packbits", "bool", [_v3("numcodecs.packbits")], [{"id": "packbits"}]),
    _both("pcodec", dtype="f8", level=8),
    Case(
        "zfpy",
        v3=[_v3("numcodecs.zfpy", mode=4, tolerance=0.001)],
        compressor={"id": "zfpy", "mode": 4, "tolerance": 0.001},
        tolerance=0.001,
    ),
    Case("base64", v3=[_v3("numcodecs.base64")], filters=[{"id": "base64"}], peer=False),
    Case("vlen-utf8", texts=True, v3=[_v3("vlen-utf8")], filters=[{"id": "vlen-utf8"}]),
    Case("json2", texts=True, v3=[_v3("numcodecs.json2")], filters=[{"id": "json2"}], peer=False),
    Case("msgpack2", texts=True, v3=[_v3("numcodecs.msgpack2")], filters=[{"id": "msgpack2"}], peer=False),
    Case(
        "categorize",
        texts=True,
        v3=[_v3("numcodecs.categorize", labels=LABELS, dtype="|O", astype="|u1")],
        filters=[{"id": "categorize", "labels": LABELS, "dtype": "|O", "astype": "|u1"}],
        peer=False,
    ),
]
BY_NAME = {case.name: case for case in CASES}

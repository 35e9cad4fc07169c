"""Writes the small HDF5 and netCDF files of this folder, with what other readers see in them.

Run as `python make.py` with h5py, netCDF4 and hdf5plugin installed. `expected.json` then tells, for every
array of every file: shape, dtype, names of the dimensions as the netCDF library shows them (where it opens
the file), attributes, and all values in C order as h5py or netCDF4 gives them.
"""

import json
import os

import h5py
import hdf5plugin
import netCDF4
import numpy as np

EXPECTED = {}


def dtype_name(array):
    if array.dtype.kind == "O":
        return "str"
    if array.dtype.kind == "S":
        return f"S{array.dtype.itemsize}"
    if array.dtype.kind == "b":
        return "int8"
    return array.dtype.newbyteorder("=").name


def values(array):
    flat = np.asarray(array).ravel()
    if flat.dtype.kind == "O":
        return [v.decode() if isinstance(v, bytes) else v for v in flat]
    if flat.dtype.kind == "S":
        return [v.decode() for v in flat]
    if flat.dtype.kind == "c":
        return [[float(v.real), float(v.imag)] for v in flat]
    if flat.dtype.kind == "b":
        return [int(v) for v in flat]
    return [None if v != v else v.item() for v in flat]


def dimensions(name):
    """Names of the dimensions of each variable, and the dimensions of each group."""
    found, groups = {}, {}
    try:
        file = netCDF4.Dataset(name)
    except (OSError, AttributeError):  # some mixtures are beyond these libraries
        return found, groups

    def walk(group, path):
        groups[path or "/"] = [[d.name, len(d), d.isunlimited()] for d in group.dimensions.values()]
        for key, variable in group.variables.items():
            found[f"{path}/{key}"] = (list(variable.dimensions), list(variable.shape))
        for key, child in group.groups.items():
            walk(child, f"{path}/{key}")

    walk(file, "")
    file.close()
    return found, groups


def record(name):
    arrays = {}
    # The netCDF library never returns from a file whose groups go in a circle.
    dims, groups = dimensions(name) if name != "groups_old.h5" else ({}, {})
    with h5py.File(name, "r") as file:
        def visit(path, item):
            if not isinstance(item, h5py.Dataset) or item.shape is None:
                return
            if str(item.attrs.get("NAME", b"")).find("not a netCDF variable") >= 0:
                return
            path = "/" + path.replace("_nc4_non_coord_", "")
            data = np.asarray(item[()], dtype=object if item.dtype.kind == "O" else None)
            entry = {"shape": list(item.shape), "dtype": dtype_name(data), "values": values(data)}
            if path in dims:
                entry["dims"], entry["netcdf_shape"] = dims[path]
            arrays[path] = entry

        file.visititems(visit)
    EXPECTED[name] = {"arrays": arrays, "groups": groups}


def h5(name, **options):
    def wrap(fill):
        with h5py.File(name, "w", **options) as file:
            fill(file)
        record(name)

    return wrap


def arange(shape, dtype="i4"):
    return np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)


VERSIONS = {"earliest": ("earliest", "v108"), "v110": ("v110", "v110"), "latest": ("latest", "latest")}

for label, libver in VERSIONS.items():

    @h5(f"indexes_{label}.h5", libver=libver)
    def _(file):
        data = arange((7, 9))
        file.create_dataset("single", data=data, chunks=(7, 9))
        file.create_dataset("single_deflate", data=data, chunks=(7, 9), compression="gzip")
        file.create_dataset("fixed", data=data, chunks=(2, 4))
        file.create_dataset("fixed_deflate", data=data, chunks=(2, 4), compression="gzip", shuffle=True)
        file.create_dataset("extensible", data=data, chunks=(2, 4), maxshape=(7, None))
        file.create_dataset("extensible_deflate", data=data, chunks=(2, 4), maxshape=(None, 9), compression=1)
        file.create_dataset("tree", data=data, chunks=(2, 4), maxshape=(None, None))
        file.create_dataset("tree_deflate", data=data, chunks=(2, 4), maxshape=(None, None), compression=1)
        file.create_dataset("larger", data=data, chunks=(2, 4), maxshape=(20, 30))
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_chunk((2, 4))
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((7, 9))
        implicit = h5py.h5d.create(file.id, b"implicit", h5py.h5t.STD_I32LE, space, early)
        implicit.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
        sparse = file.create_dataset("sparse", (7, 9), "i4", chunks=(2, 4), fillvalue=-5)
        sparse[3, 5] = 42
        shrunk = file.create_dataset("shrunk", data=data, chunks=(2, 4), maxshape=(None, 9))
        shrunk.resize((3, 6))
        file.create_dataset("empty", (0, 3), "f8", chunks=(1, 3), maxshape=(None, 3))
        file.create_dataset("contiguous", data=data)
        file.create_dataset("never_written", (3, 2), "f4", fillvalue=1.5)

    @h5(f"many_{label}.h5", libver=libver)
    def _(file):
        # More chunks than one page, block or node of any index holds.
        file.create_dataset("fixed", data=arange(2100, "u1"), chunks=(1,))
        file.create_dataset("extensible", data=arange(600, "i2"), chunks=(1,), maxshape=(None,))
        file.create_dataset("tree", data=arange((30, 21), "u2"), chunks=(1, 1), maxshape=(None, None))


@h5("paged.h5", libver="latest")
def _(file):
    sparse = file.create_dataset("extensible", (40000,), "u1", chunks=(1,), maxshape=(None,))
    sparse[0], sparse[5000], sparse[39999] = 1, 2, 3


@h5("types.h5")
def _(file):
    for code in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]:
        for order in "<>":
            file[f"{'big' if order == '>' else 'little'}_{code}"] = arange((2, 3)).astype(order + code)
    file["big_chunked"] = arange((4, 4), ">f8")
    file.create_dataset("big_deflate", data=arange((4, 4), ">i2"), chunks=(2, 2), compression=4, shuffle=True)
    file["bool"] = np.array([True, False, True])
    file["enum"] = np.zeros(0)
    del file["enum"]
    enum = h5py.enum_dtype({"a": 1, "b": 7}, basetype="u2")
    file.create_dataset("enum", data=np.array([7, 1], "u2"), dtype=enum)
    file["fixed_text"] = np.array([b"ab", b"", b"abcd"], "S4")
    text = h5py.string_dtype()
    file.create_dataset("text", data=["one", "", "drei \u00e9"], dtype=text)
    file.create_dataset("text_chunked", data=[f"t{i}" for i in range(9)], dtype=text, chunks=(4,), compression=1)
    file.create_dataset("text_scalar", data="alone", dtype=text)
    file["scalar"] = 3.25
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((3,))
    h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_I32BE, space, compact).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.arange(3, dtype="i4"))
    for key, padding in [(b"spaces", h5py.h5t.STR_SPACEPAD), (b"terminated", h5py.h5t.STR_NULLTERM)]:
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(4)
        kind.set_strpad(padding)
        made = h5py.h5d.create(file.id, key, kind, h5py.h5s.create_simple((2,)))
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b"ab", b"xyz"], "S4"))
    narrow = h5py.h5t.STD_I16LE.copy()
    narrow.set_precision(9)
    narrow.set_offset(3)
    made = h5py.h5d.create(file.id, b"narrow", narrow, h5py.h5s.create_simple((4,)))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([-3, 5, 0, -256], "i2"))


@h5("filters.h5", libver="latest")
def _(file):
    data = arange((20, 30))
    options = {"chunks": (8, 30)}
    file.create_dataset("deflate_shuffle", data=data, compression=6, shuffle=True, **options)
    file.create_dataset("fletcher32", data=data, fletcher32=True, **options)
    file.create_dataset("all", data=data, compression=6, shuffle=True, fletcher32=True, **options)
    file.create_dataset("lzf", data=data, compression="lzf", **options)
    file.create_dataset("scaleoffset", data=data, scaleoffset=0, **options)
    file.create_dataset("scaleoffset_float", data=data.astype("f4") / 4, scaleoffset=2, **options)
    file.create_dataset("blosc", data=data, **hdf5plugin.Blosc(), **options)
    file.create_dataset("lz4", data=data, **hdf5plugin.LZ4(nbytes=100), **options)
    file.create_dataset("zstd", data=data, **hdf5plugin.Zstd(), **options)
    file.create_dataset("bitshuffle", data=data, **hdf5plugin.Bitshuffle(), **options)
    file.create_dataset("bitshuffle_zstd", data=data, **hdf5plugin.Bitshuffle(cname="zstd"), **options)
    file.create_dataset("bitshuffle_plain", data=data, **hdf5plugin.Bitshuffle(cname="none"), **options)
    narrow = h5py.h5t.STD_I32LE.copy()
    narrow.set_precision(12)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((8, 30))
    plist.set_filter(h5py.h5z.FILTER_NBIT, h5py.h5z.FLAG_MANDATORY)
    made = h5py.h5d.create(file.id, b"nbit", narrow, h5py.h5s.create_simple((20, 30)), plist)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, data)


for label in ("earliest", "latest"):

    @h5(f"masks_{label}.h5", libver=label)
    def _(file):
        import zlib

        data = arange((4, 8))
        masked = file.create_dataset("masked", (4, 8), "i4", chunks=(2, 4), compression=5, shuffle=True)
        plain = [np.ascontiguousarray(data[r:r + 2, c:c + 4]) for r in (0, 2) for c in (0, 4)]
        shuffled = np.ascontiguousarray(plain[1].view("u1").reshape(-1, 4).T).tobytes()
        masked.id.write_direct_chunk((0, 0), plain[0].tobytes(), 0b11)
        masked.id.write_direct_chunk((0, 4), shuffled, 0b10)
        masked.id.write_direct_chunk((2, 0), zlib.compress(plain[2].tobytes()), 0b01)
        masked[2:4, 4:8] = plain[3]


@h5("groups_old.h5", libver="earliest")
def _(file):
    for number in range(40):
        file[f"g/d{number:02}"] = number
    file["g/below/again"] = file["g/d07"]
    file["g/below/up"] = file["g"]
    file["soft"] = h5py.SoftLink("/g/d05")
    file.attrs.update({"text": "words", "number": np.int16(3), "list": np.arange(3, dtype="f4")})


@h5("groups_dense.h5", libver="latest", track_order=True)
def _(file):
    group = file.create_group("g", track_order=True)
    for number in range(60):
        group[f"d{59 - number:02}"] = number
    for number in range(40):
        group.attrs[f"a{39 - number:02}"] = number
    group.attrs["long"] = "x" * 70000


@h5("scales.h5", libver="latest")
def _(file):
    file["y"], file["x"] = np.arange(3.0), np.arange(4, dtype="i2")
    file["data"] = arange((3, 4))
    file["partly"] = arange((3, 4))
    for key in "yx":
        file[key].make_scale()
    file["data"].dims[0].attach_scale(file["y"])
    file["data"].dims[1].attach_scale(file["x"])
    file["partly"].dims[0].attach_scale(file["y"])


@h5("phony.h5", libver="latest", track_order=True)
def _(file):
    file["a"] = arange((4, 4))
    file.create_dataset("b", data=arange((4, 3)), chunks=(2, 3), maxshape=(None, 3))
    file["c/inner"] = arange((3, 5))
    file["c/deeper/inner"] = arange((5, 2))
    file["d"] = arange((2, 4))
    file["s"] = 1


def nc(name, mode="NETCDF4"):
    def wrap(fill):
        with netCDF4.Dataset(name, "w", format=mode) as file:
            fill(file)
        record(name)

    return wrap


@nc("netcdf4.nc")
def _(file):
    file.createDimension("time", None)
    file.createDimension("x", 3)
    file.createDimension("unused", 5)
    file.createVariable("time", "f8", ("time",))[:] = [0.0, 1.0]
    file.createVariable("v", "i2", ("time", "x"), fill_value=-1)[:] = arange((4, 3))
    file.createVariable("short", "i4", ("time", "x"), zlib=True)[:2] = arange((2, 3))
    file.createVariable("name", "S1", ("x",))[:] = np.array([b"a", b"b", b"c"])
    file.createVariable("text", str, ("x",))[:] = np.array(["p", "", "qr"], dtype=object)
    group = file.createGroup("inner")
    group.createDimension("y", 2)
    group.createVariable("w", "f4", ("y", "x"))[:] = arange((2, 3))
    group.createVariable("y", "f4", ("x", "y"))[:] = arange((3, 2))
    file.title, file.empty, file.many = "words", "", ["a", "b"]


with open("expected.json", "w") as out:
    json.dump(EXPECTED, out, indent=None, separators=(",", ":"), sort_keys=True)
    out.write("\n")
print(sum(os.path.getsize(f) for f in os.listdir(".")), "bytes in", len(os.listdir(".")), "files")

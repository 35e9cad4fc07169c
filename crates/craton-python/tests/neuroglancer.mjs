// Reads whole arrays with Neuroglancer's own parser of metadata and its own decoders, and writes their bytes.
//
// node neuroglancer.mjs NODE_MODULES ARRAY...
//
// Of each array that it can read it writes `neuroglancer.bin` beside the metadata; it prints a line of JSON for each: the data type,
// or what was wrong with the metadata.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, ...folders] = process.argv.slice(2);
const library = (name) => import(pathToFileURL(path.join(modules, "neuroglancer/lib", name)).href);

// A browser decodes in workers; here one thread is both sides.
const workers = [];
globalThis.navigator ??= { hardwareConcurrency: 1 };
globalThis.self = { postMessage: (data) => workers[0]?.onmessage({ data }) };
globalThis.Worker = class {
  constructor() {
    workers.push(this);
    queueMicrotask(() => this.onmessage({ data: null }));
  }
  postMessage(data) {
    globalThis.self.onmessage({ data });
  }
};
await library("datasource/zarr/async_computation.js");
for (const codec of ["blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd"]) {
  await library(`datasource/zarr/codec/${codec}/resolve.js`);
  await library(`datasource/zarr/codec/${codec}/decode.js`);
}
const { parseV3Metadata } = await library("datasource/zarr/metadata/parse.js");
const { applySharding, decodeArray } = await library("datasource/zarr/codec/decode.js");
const { uncancelableToken } = await library("util/cancellation.js");
const { DATA_TYPE_BYTES, DataType } = await library("util/data_type.js");

// What lies in a folder, in the words of Neuroglancer's stores.
function storeOf(folder) {
  return {
    async read(key, { byteRange } = {}) {
      const file = path.join(folder, key);
      if (!fs.existsSync(file)) return undefined;
      const all = fs.readFileSync(file);
      const length = byteRange?.suffixLength ?? byteRange?.length ?? all.length;
      const offset = byteRange?.suffixLength === undefined ? (byteRange?.offset ?? 0) : all.length - length;
      // A copy of its own: decoders hand the memory on.
      const data = new Uint8Array(all.subarray(offset, offset + length));
      return { data, dataRange: { offset, length }, totalSize: all.length };
    },
  };
}

// All places of a grid, the last axis fastest.
function* places(shape) {
  const count = shape.reduce((a, b) => a * b, 1);
  for (let number = 0; number < count; number++) {
    const place = new Array(shape.length);
    let rest = number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield place;
  }
}

const flat = (place, shape) => place.reduce((sum, index, axis) => sum * shape[axis] + index, 0);

// The cache of shards' indexes asks no more of it than this.
const chunkManager = {
  queueManager: { sources: new Set(), updateChunkState() {}, adjustCapacitiesForChunk() {}, scheduleUpdate() {} },
  addRef() { return this; },
  dispose() {},
};

async function read(folder, metadata) {
  const { shape, chunkShape, codecs } = metadata;
  const { physicalToLogicalDimension, readChunkShape } = codecs.layoutInfo[0];
  const { kvStore, getChunkKey, decodeCodecs } = applySharding(chunkManager, codecs, storeOf(folder));
  const size = DATA_TYPE_BYTES[metadata.dataType];
  const count = shape.reduce((a, b) => a * b, 1);
  const result = Buffer.alloc(count * size);
  const grid = shape.map((length, axis) => Math.ceil(length / readChunkShape[axis]));
  const stored = readChunkShape.map((_, axis) => readChunkShape[physicalToLogicalDimension[axis]]);
  for (const chunk of places(grid)) {
    const outer = chunk.map((index, axis) => Math.floor((index * readChunkShape[axis]) / chunkShape[axis]));
    // Positions are in the order of memory, the fastest axis first.
    const position = chunk.map((_, axis) => chunk[physicalToLogicalDimension[shape.length - 1 - axis]]);
    const key = getChunkKey(position, ["c", ...outer].join(metadata.dimensionSeparator));
    const response = await kvStore.read(key, { cancellationToken: uncancelableToken });
    let bytes;
    if (response !== undefined) {
      const decoded = await decodeArray(decodeCodecs, response.data, uncancelableToken);
      bytes = Buffer.from(decoded.buffer, decoded.byteOffset, decoded.byteLength);
    } else if (metadata.fillValue !== 0) {
      throw new Error("only zeros are left out here");
    }
    for (const inside of places(readChunkShape)) {
      const place = chunk.map((index, axis) => index * readChunkShape[axis] + inside[axis]);
      if (bytes === undefined || place.some((index, axis) => index >= shape[axis])) continue;
      const from = flat(inside.map((_, axis) => inside[physicalToLogicalDimension[axis]]), stored) * size;
      bytes.copy(result, flat(place, shape) * size, from, from + size);
    }
  }
  return result;
}

for (const folder of folders) {
  let metadata;
  try {
    metadata = parseV3Metadata(JSON.parse(fs.readFileSync(path.join(folder, "zarr.json"), "utf8")), "array");
  } catch (error) {
    console.log(JSON.stringify({ refused: error.message }));
    continue;
  }
  fs.writeFileSync(path.join(folder, "neuroglancer.bin"), await read(folder, metadata));
  console.log(JSON.stringify({ dtype: DataType[metadata.dataType].toLowerCase() }));
}

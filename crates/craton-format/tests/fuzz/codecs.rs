//! The framing of every codec in the table, by damaged chunks and damaged options.

use crate::exercise::exercise;
use crate::machine::{damage, fuzz};
use craton_core::{Pool, ReadRanges};
use craton_format::codec::{
    self, CODECS, Codec, NumberType, Options, Place, Stage, blosc::Blosc, checksum::Checksum,
    fletcher32::Fletcher32, zstd::Zstd,
};
use craton_store::MemoryStore;
use std::io::Write;
use std::sync::Arc;

/// Sixteen numbers of four bytes.
fn plain() -> Vec<u8> {
    (0..16_u32)
        .flat_map(|number| (number / 3).to_le_bytes())
        .collect()
}

/// An array of one chunk: what stands between its filters' brackets, its compressor, its type, and the chunk.
struct Case {
    filters: &'static str,
    compressor: &'static str,
    dtype: &'static str,
    chunk: Vec<u8>,
}

fn case(
    filters: &'static str,
    compressor: &'static str,
    dtype: &'static str,
    chunk: Vec<u8>,
) -> Case {
    Case {
        filters,
        compressor,
        dtype,
        chunk,
    }
}

fn written(codec: &dyn Codec) -> Vec<u8> {
    codec.encode(&plain(), &Pool::unlimited()).unwrap().to_vec()
}

/// The plain numbers as the codec with this metadata writes them.
fn made(metadata: &str) -> Vec<u8> {
    let metadata = serde_json::from_str(metadata).unwrap();
    let place = Place {
        element: NumberType::from_name("int32").unwrap(),
        shape: Some(&[16]),
        is_native: false,
        ..Place::of_bytes()
    };
    match codec::build(&Options::from_v2(&metadata).unwrap(), &place).unwrap() {
        Stage::Numbers(step, _) | Stage::Elements(step) | Stage::Bytes(step) => written(&*step),
        other => panic!("{other:?}"),
    }
}

fn bz2() -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    out.write_all(&plain()).unwrap();
    out.finish().unwrap()
}

fn xz() -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(&plain()).unwrap();
    out.finish().unwrap()
}

/// The size, then one sequence: a token, the rest of the literals' length, the literals.
fn lz4() -> Vec<u8> {
    let plain = plain();
    let mut out = (plain.len() as u32).to_le_bytes().to_vec();
    out.extend([0xf0, (plain.len() - 15) as u8]);
    out.extend(plain);
    out
}

fn zlib() -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(&plain()).unwrap();
    out.finish().unwrap()
}

fn gzip() -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(&plain()).unwrap();
    out.finish().unwrap()
}

fn texts() -> Vec<u8> {
    let mut out = 16_u32.to_le_bytes().to_vec();
    for number in 0..16_usize {
        let text = "äbc".repeat(number % 3);
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.bytes());
    }
    out
}

fn base64() -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .encode(plain())
        .into_bytes()
}

fn cases() -> Vec<Case> {
    let blosc = |name: &str, shuffle: i32| written(&Blosc::new(name, 5, shuffle, 4).unwrap());
    let blosc_of = |chunk| {
        case(
            "",
            r#"{"id":"blosc","cname":"lz4","clevel":5,"shuffle":1}"#,
            "<i4",
            chunk,
        )
    };
    vec![
        blosc_of(blosc("lz4", 1)),
        blosc_of(blosc("blosclz", 0)),
        blosc_of(blosc("zstd", 2)),
        blosc_of(blosc("zlib", 1)),
        blosc_of(blosc("snappy", 1)),
        case(
            "",
            r#"{"id":"zstd","level":3}"#,
            "<i4",
            written(&Zstd::new(3, true)),
        ),
        case("", r#"{"id":"zlib","level":3}"#, ">i4", zlib()),
        case("", r#"{"id":"gzip","level":3}"#, "<i4", gzip()),
        case("", r#"{"id":"bz2","level":3}"#, "<i4", bz2()),
        case("", r#"{"id":"lzma","format":1}"#, "<i4", xz()),
        case("", r#"{"id":"xz","format":1}"#, "<i4", xz()),
        case("", r#"{"id":"lz4"}"#, "<i4", lz4()),
        case(r#"{"id":"base64"}"#, "null", "<i4", base64()),
        case(
            r#"{"id":"crc32c"}"#,
            "null",
            "<i4",
            written(&Checksum::crc32c()),
        ),
        case(r#"{"id":"crc32"}"#, "null", "<i4", plain()),
        case(r#"{"id":"adler32"}"#, "null", "<i4", plain()),
        case(r#"{"id":"jenkins_lookup3"}"#, "null", "<i4", plain()),
        case(
            r#"{"id":"fletcher32"}"#,
            "null",
            "<i4",
            written(&Fletcher32),
        ),
        case(
            r#"{"id":"shuffle","elementsize":4},{"id":"delta","dtype":"<i4"}"#,
            "null",
            "<i4",
            plain(),
        ),
        case(
            r#"{"id":"astype","encode_dtype":"<f2","decode_dtype":"<i4"}"#,
            "null",
            "<i4",
            plain()[..32].to_vec(),
        ),
        case(r#"{"id":"bitround","keepbits":5}"#, "null", "<f4", plain()),
        case(
            r#"{"id":"quantize","digits":2,"dtype":"<f4"}"#,
            "null",
            "<f4",
            plain(),
        ),
        case(
            r#"{"id":"categorize","labels":["a","b","cé"],"dtype":"|O","astype":"|u1"}"#,
            "null",
            "|O",
            vec![1; 16],
        ),
        case(
            r#"{"id":"fixedscaleoffset","offset":1,"scale":10,"dtype":"<f4","astype":"<i2"}"#,
            "null",
            "<f4",
            vec![3; 32],
        ),
        case(r#"{"id":"packbits"}"#, "null", "|b1", vec![0, 0x55, 0xaa]),
        case(r#"{"id":"vlen-utf8"}"#, "null", "|O", texts()),
        case(
            r#"{"id":"vlen-array","dtype":"|u1"}"#,
            "null",
            "|O",
            texts(),
        ),
        case(PCODEC, "null", "<i4", made(PCODEC)),
        case(ZFPY, "null", "<i4", made(ZFPY)),
        case(ZFP, "null", "<i4", made(ZFP)),
        case(CAST, "null", "<i4", made(CAST)),
        case(SCALE, "null", "<i4", made(SCALE)),
        case(JSON, "null", "<i4", made(JSON)),
        case(MSGPACK, "null", "<i4", made(MSGPACK)),
        case(
            r#"{"id":"json2"}"#,
            "null",
            "|O",
            br#"["a",{"b":[null,1.5]},null,3,"","","","","","","","","","",NaN,"c","|O",[16]]"#
                .to_vec(),
        ),
        case(
            r#"{"id":"vlen-bytes"}"#,
            r#"{"id":"zlib","level":1}"#,
            "|O",
            zlib(),
        ),
    ]
}

const PCODEC: &str = r#"{"id":"pcodec","level":8}"#;
const ZFPY: &str = r#"{"id":"zfpy","mode":4,"tolerance":-1}"#;
const ZFP: &str = r#"{"id":"zfp","mode":"fixed_rate","rate":20}"#;
const CAST: &str = r#"{"id":"cast_value","data_type":"int16","out_of_range":"clamp"}"#;
const SCALE: &str = r#"{"id":"scale_offset","scale":3,"offset":-4}"#;
const JSON: &str = r#"{"id":"json2"}"#;
const MSGPACK: &str = r#"{"id":"msgpack2"}"#;

const PIECES: [&str; 22] = [
    "0",
    "1",
    "-1",
    "3",
    "7",
    "64",
    "255",
    "4294967295",
    "9223372036854775807",
    "1e308",
    "null",
    "\"\"",
    "[]",
    "<i8",
    "<f2",
    "|u1",
    "|S9",
    "|b1",
    ">c16",
    "|O",
    "<M8[s]",
    "|V70000",
];

fn store(case: &Case, metadata: &[u8], chunk: Vec<u8>) -> Arc<dyn ReadRanges> {
    let (before, after) = (
        r#"{"zarr_format":2,"shape":[16],"chunks":[16],"order":"C","fill_value":null,"filters":["#,
        format!(
            "],\"compressor\":{},\"dtype\":\"{}\"}}",
            case.compressor, case.dtype
        ),
    );
    let store = MemoryStore::default();
    store.insert(
        ".zarray",
        [before.as_bytes(), metadata, after.as_bytes()].concat(),
    );
    store.insert("0", chunk);
    Arc::new(store)
}

#[test]
fn codecs_of_the_table() {
    let cases = cases();
    for (name, _) in CODECS {
        // Tested with metadata of version 3, where they stand.
        let elsewhere = [
            "bytes",
            "endian",
            "reshape",
            "sharding_indexed",
            "transpose",
        ];
        let quoted = format!("\"{name}\"");
        let is_here =
            |case: &Case| case.filters.contains(&quoted) || case.compressor.contains(&quoted);
        assert!(
            elsewhere.contains(name) || cases.iter().any(is_here),
            "no case for `{name}`"
        );
    }
    fuzz("codecs_of_the_table", 8000, |random| {
        let case = &cases[random.below(cases.len())];
        if random.below(4) == 0 {
            let metadata = damage(case.filters.as_bytes(), &PIECES, random);
            exercise(&store(case, &metadata, case.chunk.clone()), "");
        } else {
            let chunk = damage(&case.chunk, &[], random);
            exercise(&store(case, case.filters.as_bytes(), chunk), "");
        }
    });
}

#[test]
fn undamaged_cases_are_read() {
    // Checksums of plain numbers are wrong on purpose.
    let is_wrong = [
        "\"crc32\"",
        "\"adler32\"",
        "\"jenkins_lookup3\"",
        "\"vlen-bytes\"",
    ];
    for case in cases()
        .iter()
        .filter(|case| !is_wrong.iter().any(|name| case.filters.contains(name)))
    {
        let chunks = exercise(
            &store(case, case.filters.as_bytes(), case.chunk.clone()),
            "",
        );
        assert_eq!(chunks, 2, "{} {}", case.filters, case.compressor);
    }
}

//! ZIP archives: end records, directories and members.

use crate::exercise::{exercise, now};
use crate::machine::{damage, fuzz};
use craton_core::ReadRanges;
use craton_store::{MemoryStore, ZipStore};
use std::sync::Arc;

/// An archive of `members`, every other one deflated.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let mut compressor = libdeflater::Compressor::default();
    for (number, (name, bytes)) in members.iter().enumerate() {
        let mut data = bytes.to_vec();
        if number % 2 == 1 {
            data = vec![0; compressor.deflate_compress_bound(bytes.len())];
            let length = compressor.deflate_compress(bytes, &mut data).unwrap();
            data.truncate(length);
        }
        let method = if number % 2 == 1 { 8 } else { 0 };
        let mut facts = vec![20, 0, 0, 8, method, 0, 0, 0, 0, 0];
        facts.extend(libdeflater::crc32(bytes).to_le_bytes());
        facts.extend((data.len() as u32).to_le_bytes());
        facts.extend((bytes.len() as u32).to_le_bytes());
        facts.extend((name.len() as u32).to_le_bytes());
        let offset = out.len() as u32;
        for part in [b"PK\x03\x04", &facts[..], name.as_bytes(), &data] {
            out.extend(part);
        }
        for part in [
            b"PK\x01\x02\x14\0",
            &facts[..],
            &[0; 10],
            &offset.to_le_bytes(),
            name.as_bytes(),
        ] {
            directory.extend(part);
        }
    }
    let (start, count) = (out.len() as u32, members.len() as u16);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    for number in [count, count] {
        out.extend(number.to_le_bytes());
    }
    for number in [directory.len() as u32, start] {
        out.extend(number.to_le_bytes());
    }
    out.extend([0, 0]);
    out
}

#[test]
fn zip_archives() {
    let metadata = br#"{"zarr_format":3,"node_type":"array","shape":[4],"data_type":"uint8","chunk_grid":{"name":"regular",
"configuration":{"chunk_shape":[2]}},"fill_value":0,"codecs":["bytes"]}"#;
    let good = archive(&[
        ("a/c/0", &[1, 2]),
        ("a/zarr.json", metadata),
        ("a/c/1", &[3, 4]),
        ("b/", b""),
    ]);
    let read = |bytes: Vec<u8>| {
        let store = MemoryStore::default();
        store.insert("x.zip", bytes);
        match now(ZipStore::open(Arc::new(store), "x.zip")) {
            Ok(zip) => exercise(&(Arc::new(zip) as Arc<dyn ReadRanges>), "a"),
            Err(error) => {
                assert_ne!(error.kind(), craton_core::ErrorKind::Internal, "{error:?}");
                0
            }
        }
    };
    assert_eq!(read(good.clone()), 3);
    fuzz("zip_archives", 5000, |random| {
        read(damage(&good, &[], random));
    });
}

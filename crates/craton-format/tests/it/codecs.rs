//! The contract of codecs: decoding undoes encoding. (Damaged bytes are for the fuzz tests.)

use craton_core::{DType, Decode, ErrorKind, Order, Pool};
use craton_format::codec::{
    Chain, Codec, NumberType, blosc::Blosc, byteswap::ByteSwap, checksum::Checksum,
    fletcher32::Fletcher32, gzip::Gzip, shuffle::Shuffle, zlib::Zlib, zstd::Zstd,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Codecs that are written.
fn written() -> Vec<Arc<dyn Codec>> {
    vec![
        Arc::new(Zstd::new(3, true)),
        Arc::new(Zstd::new(-5, false)),
        Arc::new(Zlib::new(6)),
        Arc::new(Gzip::new(1)),
        Arc::new(Blosc::new("lz4", 5, 1, 4).unwrap()),
        Arc::new(Blosc::new("lz4hc", 5, 2, 8).unwrap()),
        Arc::new(Blosc::new("zstd", 3, 2, 4).unwrap()),
        Arc::new(Blosc::new("blosclz", 9, 0, 2).unwrap()),
        Arc::new(Blosc::new("zlib", 1, 1, 4).unwrap()),
        Arc::new(Blosc::new("snappy", 5, 1, 4).unwrap()),
        Arc::new(Checksum::crc32c()),
        Arc::new(Fletcher32),
        Arc::new(Shuffle::new(4)),
        Arc::new(Shuffle::new(3)),
        Arc::new(ByteSwap::new(4)),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3000),
        prop::collection::vec(0u8..3, 0..20_000),
        (any::<u8>(), 0usize..100_000).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn decode_undoes_encode(plain in bytes(), steps in prop::collection::vec(0usize..15, 0..4)) {
        let pool = Pool::unlimited();
        let steps: Vec<_> = steps.into_iter().map(|at| written()[at].clone()).collect();
        let plain = &plain[..plain.len() / 4 * 4];
        // Elements of one byte, so that nothing is left for a later pass.
        let chain = Chain::new(DType::UInt8, Order::C, steps);
        let encoded = chain.encode(plain, &pool).unwrap();
        let mut out = pool.take(plain.len()).unwrap();
        chain.decode(&encoded, &mut out, &pool).unwrap();
        prop_assert_eq!(&*out, plain);
        // Any other length is an error, told in both sizes.
        for wrong in [plain.len() + 1, plain.len().saturating_sub(1)] {
            if wrong != plain.len() {
                let mut out = pool.take(wrong).unwrap();
                let error = chain.decode(&encoded, &mut out, &pool).unwrap_err();
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }
}

#[test]
fn gzip_members_one_after_another_are_one_chunk() {
    let pool = Pool::unlimited();
    let codec = Gzip::new(1);
    let mut encoded = codec.encode(b"one, ", &pool).unwrap().to_vec();
    encoded.extend(&*codec.encode(b"two", &pool).unwrap());
    let mut out = [0; 8];
    assert_eq!(codec.decode(&encoded, &mut out, &pool).unwrap(), Some(8));
    assert_eq!(&out, b"one, two");
}

#[test]
fn a_last_swap_and_shuffle_are_left_to_the_reader() {
    let pool = Pool::unlimited();
    let steps: Vec<Arc<dyn Codec>> = vec![
        Arc::new(ByteSwap::new(4)),
        Arc::new(Shuffle::new(4)),
        Arc::new(Zlib::new(1)),
    ];
    let chain = Chain::new(DType::Float32, Order::C, steps);
    let encoded = chain.encode(&1.5f32.to_ne_bytes(), &pool).unwrap();
    let mut out = [0; 4];
    let decoded = chain.decode(&encoded, &mut out, &pool).unwrap();
    assert_eq!(
        decoded,
        craton_core::Decoded::Elements {
            order: Order::C,
            is_swapped: true,
            is_shuffled: true
        }
    );
    out.reverse();
    assert_eq!(f32::from_ne_bytes(out), 1.5);
}

#[test]
fn packed_bits_are_those_of_zarrs() {
    // A corner of 3 × 4 of `arange(35).reshape(5, 7) * 3 % 50`, as zarrs 0.2.3 writes it.
    let numbers: Vec<i16> = (0..3)
        .flat_map(|y| (0..4).map(move |x| (y * 7 + x) * 3 % 50))
        .collect();
    let flags: Vec<u8> = numbers
        .iter()
        .map(|number| u8::from(number % 3 == 0))
        .collect();
    let wide: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_ne_bytes())
        .collect();
    let cases = [
        (serde_json::json!({}), "bool", &flags, "ff07"),
        (
            serde_json::json!({"padding_encoding": "first_byte"}),
            "bool",
            &flags,
            "04ff07",
        ),
        (
            serde_json::json!({"first_bit": 1, "last_bit": 6}),
            "int16",
            &wide,
            "4030100ad33c958501",
        ),
    ];
    for (options, name, plain, expected) in cases {
        let metadata = serde_json::json!({"name": "packbits", "configuration": options});
        let place = craton_format::codec::Place {
            element: NumberType::from_name(name).unwrap(),
            ..craton_format::codec::Place::of_bytes()
        };
        let options = craton_format::codec::Options::from_v3(&metadata).unwrap();
        let stage = craton_format::codec::build(&options, &place).unwrap();
        let craton_format::codec::Stage::Elements(step) = stage else {
            panic!("{stage:?}")
        };
        let encoded = step.encode(plain, &Pool::unlimited()).unwrap();
        let digits: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, expected, "{metadata}");
    }
}

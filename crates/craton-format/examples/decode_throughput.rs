//! How fast chunks decode through [`Chain`], beside the plain library calls.
//!
//! `cargo run --release -p craton-format --example decode_throughput`
#![allow(clippy::print_stdout, reason = "a program for people")]

use craton_core::{DType, Decode, Order, Pool, Result};
use craton_format::codec::{Chain, Codec, blosc::Blosc, gzip::Gzip, zstd::Zstd};
use std::sync::Arc;
use std::time::Instant;

const ELEMENTS: usize = 4 << 20;

fn main() -> Result<()> {
    let plain: Vec<u8> = (0..ELEMENTS)
        .flat_map(|at| {
            let noise = (at as u32).wrapping_mul(2_654_435_761) >> 24;
            (280.0 + (at as f32 / 3000.0).sin() * 20.0 + noise as f32 / 256.0).to_ne_bytes()
        })
        .collect();
    let pool = Pool::unlimited();
    let codecs: [(Arc<dyn Codec>, Option<Plain>); 4] = [
        (Arc::new(Zstd::new(3, false)), Some(plain_zstd)),
        (Arc::new(Blosc::new("lz4", 5, 1, 4)?), Some(plain_blosc)),
        (Arc::new(Blosc::new("zstd", 3, 1, 4)?), Some(plain_blosc)),
        (Arc::new(Gzip::new(5)), None),
    ];
    for (codec, library) in codecs {
        let label = codec.label();
        let encoded = codec.encode(&plain, &pool)?;
        let chain = Chain::new(DType::Float32, Order::C, vec![codec]);
        let mut out = pool.take(plain.len())?;
        let ours = best(plain.len(), || {
            let _ = chain.decode(&encoded, &mut out, &pool);
        });
        assert_eq!(*out, *plain);
        let theirs = library.map(|library| best(plain.len(), || library(&encoded, &mut out)));
        let theirs = theirs.map_or("-".to_owned(), |speed| format!("{speed:.2}"));
        let ratio = plain.len() as f64 / encoded.len() as f64;
        println!("{label:24} ratio {ratio:5.2}   chain {ours:6.2} GB/s   library {theirs:>6} GB/s");
    }
    Ok(())
}

type Plain = fn(&[u8], &mut [u8]);

fn plain_zstd(encoded: &[u8], out: &mut [u8]) {
    let _ = zstd_safe::decompress(out, encoded);
}

fn plain_blosc(encoded: &[u8], out: &mut [u8]) {
    // SAFETY: the frame was just encoded from as many bytes as `out` has.
    unsafe {
        blosc_src::blosc_decompress_ctx(
            encoded.as_ptr().cast(),
            out.as_mut_ptr().cast(),
            out.len(),
            1,
        );
    }
}

/// Gigabytes a second of the best of some runs.
fn best(bytes: usize, mut work: impl FnMut()) -> f64 {
    let seconds = (0..12).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    bytes as f64 / seconds.fold(f64::INFINITY, f64::min) / 1e9
}

//! Remote stores against real servers on this machine.

mod cache;
mod faults;
pub(crate) mod s3;
mod web;

use super::{RemoteStore, StoreOptions};
use craton_core::{ByteRange, Pool, ReadRanges, Result};

/// Options from `KEY=VALUE`.
pub(crate) fn options(texts: &[&str]) -> StoreOptions {
    let mut options = StoreOptions::default();
    for text in texts {
        options.add(text).unwrap();
    }
    options
}

fn open(url: &str, texts: &[&str]) -> Result<(RemoteStore, String)> {
    pollster::block_on(RemoteStore::open(url, &options(texts)))
}

fn read(store: &RemoteStore, location: &str, range: ByteRange) -> Result<Option<Vec<u8>>> {
    let read = pollster::block_on(store.read(location, range, &Pool::unlimited()));
    Ok(read?.map(|bytes| bytes.to_vec()))
}

fn bounded(offset: u64, length: u64) -> ByteRange {
    ByteRange::Bounded { offset, length }
}

/// Distinct bytes.
fn numbers(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 31 % 251) as u8).collect()
}

//! What every store must do; each store's tests run this suite.
#![allow(clippy::panic, reason = "a test suite says what is wrong by panicking")]

use craton_core::{ByteRange, ErrorKind, Pool, ReadRanges};
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// Objects with distinct bytes: empty, tiny, nested, and larger than any read-ahead.
#[must_use]
pub fn model(seed: u64) -> BTreeMap<String, Vec<u8>> {
    let mut random = Random(seed);
    let sizes = [
        ("empty", 0),
        ("one", 1),
        ("folder/two", 2),
        ("folder/deep/page", 4096),
        ("folder/odd name ü", 4097),
        ("folder.d/large", 300_000),
    ];
    sizes
        .into_iter()
        .map(|(name, size)| {
            let bytes = (0..size).map(|_| random.below(256) as u8).collect();
            (name.to_owned(), bytes)
        })
        .collect()
}

/// Checks sizes, listings and reads against `model`, in an order that `seed` decides, all at once.
///
/// # Panics
/// Where the store disagrees with the model.
pub async fn check(store: &dyn ReadRanges, model: &BTreeMap<String, Vec<u8>>, seed: u64) {
    let pool = Pool::unlimited();
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
    let mut cases = Vec::new();
    for (name, bytes) in model {
        cases.extend(ranges(bytes.len() as u64, &mut random).map(|range| (name, bytes, range)));
    }
    for at in (1..cases.len()).rev() {
        cases.swap(at, random.below(at as u64 + 1) as usize);
    }
    join_all(
        cases
            .iter()
            .map(|case| check_read(store, case.0, case.1, case.2, &pool)),
    )
    .await;
    check_absent(store, &pool).await;
    for (name, bytes) in model {
        match store.size(name).await {
            Ok(Some(size)) if size == bytes.len() as u64 => {}
            other => panic!(
                "size of `{name}` is {}, but the store says {other:?}",
                bytes.len()
            ),
        }
    }
    check_listings(store, model).await;
}

fn ranges(size: u64, random: &mut Random) -> impl Iterator<Item = ByteRange> + use<> {
    let mut list = vec![
        ByteRange::Whole,
        ByteRange::Suffix(0),
        ByteRange::Suffix(size),
        ByteRange::Suffix(size.min(3)),
        ByteRange::Suffix(size + 1),
    ];
    let mut bounded = |offset, length| list.push(ByteRange::Bounded { offset, length });
    bounded(0, 0);
    bounded(0, size);
    bounded(size, 0);
    bounded(size, 1);
    bounded(0, size + 1);
    bounded(u64::MAX, 1);
    bounded(1, u64::MAX);
    bounded(0, 1 << 60);
    for _ in 0..20 {
        let offset = random.below(size + 1);
        bounded(offset, random.below(size - offset + 1));
    }
    list.into_iter()
}

async fn check_read(
    store: &dyn ReadRanges,
    name: &str,
    bytes: &[u8],
    range: ByteRange,
    pool: &Pool,
) {
    let expected = match range {
        ByteRange::Whole => Some(bytes),
        ByteRange::Bounded { offset, length } => offset
            .checked_add(length)
            .and_then(|end| bytes.get(offset as usize..end as usize)),
        ByteRange::Suffix(length) => bytes
            .len()
            .checked_sub(length as usize)
            .and_then(|start| bytes.get(start..)),
    };
    match (store.read(name, range, pool).await, expected) {
        (Ok(Some(read)), Some(expected)) => {
            assert!(*read == *expected, "wrong bytes for {range:?} of `{name}`");
        }
        (Err(_), None) => {}
        (other, expected) => {
            let wanted = expected.map(<[u8]>::len);
            panic!("{range:?} of `{name}`: expected {wanted:?} bytes or an error, not {other:?}");
        }
    }
}

async fn check_absent(store: &dyn ReadRanges, pool: &Pool) {
    for name in ["absent", "folder/absent", "folder/two/below", "folder"] {
        let read = store.read(name, ByteRange::Whole, pool).await;
        assert!(
            matches!(read, Ok(None)),
            "`{name}` does not exist: {read:?}"
        );
        assert!(
            matches!(store.size(name).await, Ok(None)),
            "`{name}` does not exist"
        );
    }
    match store.read("../outside", ByteRange::Whole, pool).await {
        Ok(None) => {}
        Err(error) if error.kind() == ErrorKind::InvalidInput => {}
        other => panic!("a path out of the store: {other:?}"),
    }
}

async fn check_listings(store: &dyn ReadRanges, model: &BTreeMap<String, Vec<u8>>) {
    for prefix in ["", "folder", "folder/", "folder/deep", "absent"] {
        let base = match prefix.trim_end_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let rests = model.keys().filter_map(|name| name.strip_prefix(&base));
        let (mut folders, mut leaves) = (BTreeSet::new(), BTreeSet::new());
        for rest in rests {
            match rest.split_once('/') {
                Some((folder, _)) => folders.insert(format!("{folder}/")),
                None => leaves.insert(rest.to_owned()),
            };
        }
        let expected: Vec<String> = folders.into_iter().chain(leaves).collect();
        match store.list(prefix).await {
            Ok(names) if names == expected => {}
            other => panic!("names under `{prefix}` are {expected:?}, not {other:?}"),
        }
    }
}

/// A small generator, so that the suite needs no dependency and every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

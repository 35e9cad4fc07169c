//! Files of other projects, against what other readers found in them.

use crate::reading::{LARGEST, Values, array, now, read_all};
use craton_core::{Attributes, DType, ErrorKind, ReadRanges, Scalar};
use craton_format::tree::{Node, NodeKind};
use craton_format::{hdf5, netcdf3};
use craton_store::LocalStore;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

fn open(store: &Arc<dyn ReadRanges>, name: &str) -> craton_core::Result<Vec<Node>> {
    if name.starts_with("netcdf3/") {
        return now(netcdf3::open(store.clone(), name)).map(|file| file.nodes);
    }
    now(hdf5::open(store.clone(), name)).map(|file| file.nodes)
}

/// Datasets that are refused, by what their type is called in the facts.
fn is_refused(fact: &Value) -> bool {
    let dtype = fact["dtype"].as_str().unwrap_or_default();
    // References, sequences and compounds that contain either, 128-bit floats, and datasets without elements.
    fact.get("null_space").is_some_and(|null| *null == true)
        || dtype.contains("'O'")
        || dtype == "float128"
        || (dtype == "object"
            && fact["kind"] != "strings"
            && fact.get("sha256_joined_nul").is_none())
}

fn is_close(found: f64, expected: f64) -> bool {
    found == expected || (found - expected).abs() <= 1e-6 * expected.abs().max(1e-300)
}

fn compare(
    name: &str,
    path: &str,
    fact: &Value,
    nodes: &[Node],
    shape: Option<&Value>,
) -> Result<(), String> {
    let Some(source) = array(nodes, path) else {
        let broken = nodes.iter().find(|node| node.path == path);
        return match broken.map(|node| &node.kind) {
            Some(NodeKind::Broken(error))
                if is_refused(fact) && error.kind() == ErrorKind::Unsupported =>
            {
                Ok(())
            }
            Some(NodeKind::Broken(error)) => {
                Err(format!("{name} {path} {}: {error:?}", fact["dtype"]))
            }
            _ => Err(format!("{name} {path} is missing")),
        };
    };
    let meta = source.meta();
    let is_longer = shape.is_some_and(|shape| serde_json::json!(meta.shape) != *shape);
    if is_longer {
        return Ok(());
    }
    let total: u64 = meta.shape.iter().product();
    if total > LARGEST / 16 || fact.get("sha256_le").is_none() && fact.get("n").is_none() {
        return Ok(());
    }
    let values = read_all(source.as_ref()).map_err(|error| format!("{name} {path}: {error:?}"))?;
    let Values::Bytes(bytes) = &values else {
        return compare_texts(name, path, fact, &values);
    };
    if !meta.dtype.is_numeric() {
        return Ok(());
    }
    let numbers: Vec<f64> = bytes
        .chunks_exact(meta.dtype.item_size().unwrap_or(1))
        .filter_map(|bytes| Scalar::from_bytes(meta.dtype, bytes).to_f64())
        .collect();
    for (key, from_end) in [("first", false), ("last", true)] {
        let Some(expected) = fact[key].as_array() else {
            continue;
        };
        for (at, value) in expected.iter().enumerate() {
            let at = if from_end {
                numbers.len() - expected.len() + at
            } else {
                at
            };
            if let Some(value) = value
                .as_f64()
                .filter(|value| !is_close(numbers[at], *value))
            {
                return Err(format!(
                    "{name} {path}: {key} is {}, not {value}",
                    numbers[at]
                ));
            }
        }
    }
    let finite: Vec<f64> = numbers
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let least = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let most = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
    let scale = least.abs().max(most.abs()).max(1e-300);
    for (key, found) in [("min", least), ("max", most), ("mean", mean)] {
        if let Some(expected) = fact[key].as_f64()
            && !finite.is_empty()
            && (found - expected).abs() > 1e-6 * scale
        {
            return Err(format!("{name} {path}: {key} is {found}, not {expected}"));
        }
    }
    match fact["sha256_le"].as_str() {
        Some(expected) if meta.dtype != DType::Bool && crate::corpus::sha256(bytes) != expected => {
            Err(format!("{name} {path}: bytes differ"))
        }
        _ => Ok(()),
    }
}

/// Every attribute that the facts tell, where both are text or numbers.
fn compare_attributes(name: &str, path: &str, facts: &Value, found: &Attributes) -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, fact) in facts.as_object().into_iter().flatten() {
        let seen = found.get(key).map(craton_core::AttributeValue::to_json);
        let is_same = match (&seen, fact) {
            (Some(Value::String(seen)), Value::String(fact)) => {
                seen.trim_end() == fact.trim_end() || fact.len() >= 200
            }
            (Some(seen), _) if seen.is_number() && fact.is_number() => {
                is_close(seen.as_f64().unwrap(), fact.as_f64().unwrap())
            }
            (Some(_), _) => true,
            // Values of compound types are left out.
            (None, fact) => fact.as_str().is_some_and(|fact| {
                fact.starts_with("np.void(") || fact.starts_with("<unreadable")
            }),
        };
        if !is_same {
            wrong.push(format!("{name} {path}@{key}: {seen:?} is not {fact}"));
        }
    }
    wrong
}

fn compare_texts(name: &str, path: &str, fact: &Value, values: &Values) -> Result<(), String> {
    let Values::Texts(texts) = values else {
        return Ok(());
    };
    match fact["sha256_joined_nul"].as_str() {
        Some(expected) if sha256(&texts.join(&0u8)) != expected => {
            Err(format!("{name} {path}: texts differ"))
        }
        _ => Ok(()),
    }
}

/// Arrays that are known to differ, and why.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("dmrpp/bes/FValue", "/chunks_fill_not_write", NEVER_FILLED),
    (
        "dmrpp/bes/FValue_chunk.h5",
        "/chunks_all_fill",
        NEVER_FILLED,
    ),
];

/// The other reader shows whatever was in memory, where we show the fill value.
const NEVER_FILLED: &str = "chunks that are not stored, in a dataset that is never filled";

#[test]
fn real_files_read_like_other_readers_read_them() {
    let Some(corpus) = std::env::var_os("CRATON_CORPUS").map(PathBuf::from) else {
        println!("CRATON_CORPUS is not set: this test did not run");
        return;
    };
    let text = std::fs::read_to_string(corpus.join("real/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(corpus.join("real")));
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for (name, entry) in expected["files"].as_object().unwrap() {
        let facts = &entry["facts"];
        if facts.get("hdf5").is_none() && facts.get("netcdf").is_none() {
            continue;
        }
        let nodes = match open(&store, name) {
            Ok(nodes) => nodes,
            Err(error) => {
                wrong.push(format!("{name}: {error:?}"));
                continue;
            }
        };
        let groups = facts["netcdf"]["groups"].as_object();
        for (path, fact) in facts["hdf5"]["objects"].as_object().into_iter().flatten() {
            let scale = fact["attrs"]["NAME"].as_str().unwrap_or_default();
            let is_skipped = fact["type"] != "dataset"
                || fact.get("read_error").is_some()
                || scale.starts_with("This is a netCDF dimension")
                || path.contains("_nc4_non_coord_");
            if !is_skipped {
                checked += 1;
                wrong.extend(compare(name, path, fact, &nodes, Some(&fact["shape"])).err());
            }
        }
        for (group, fact) in groups.into_iter().flatten() {
            for (variable, fact) in fact["variables"].as_object().into_iter().flatten() {
                let path = format!("{}/{variable}", group.trim_end_matches('/'));
                checked += 1;
                let Some(source) = array(&nodes, &path) else {
                    if !nodes.iter().any(|node| node.path == path) {
                        wrong.push(format!("{name} {path} is missing"));
                    }
                    continue;
                };
                let found = serde_json::json!([source.meta().dimension_names, source.meta().shape]);
                let told = serde_json::json!([fact["dims"], fact["shape"]]);
                if found != told {
                    wrong.push(format!("{name} {path}: {found} is not {told}"));
                }
                wrong.extend(compare_attributes(
                    name,
                    &path,
                    &fact["attrs"],
                    &source.meta().attributes,
                ));
                wrong.extend(compare(name, &path, &fact["raw"], &nodes, None).err());
            }
            let found = nodes.iter().find_map(|node| match &node.kind {
                NodeKind::Group(found) if node.path == *group => Some(found),
                _ => None,
            });
            match found {
                Some(found) => {
                    wrong.extend(compare_attributes(
                        name,
                        group,
                        &fact["attrs"],
                        &found.attributes,
                    ));
                    let dims = fact["dims"].as_object().unwrap();
                    let told: Vec<Value> = dims
                        .iter()
                        .map(|(key, dim)| serde_json::json!([key, dim[0], dim[1]]))
                        .collect();
                    let each = found.dimensions.iter();
                    let seen: Vec<Value> = each
                        .map(|one| serde_json::json!([one.name, one.length, one.is_unlimited]))
                        .collect();
                    if seen != told {
                        wrong.push(format!(
                            "{name} {group}: dimensions {} are not {}",
                            Value::from(seen),
                            Value::from(told)
                        ));
                    }
                }
                None => wrong.push(format!("{name} {group} is missing")),
            }
        }
    }
    wrong.retain(|line| {
        !EXCEPTIONS
            .iter()
            .any(|(file, path, _)| line.contains(file) && line.contains(path))
    });
    println!("{checked} arrays were compared");
    assert!(
        wrong.is_empty(),
        "{} of {checked}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// SHA-256, which only this test needs.
pub fn sha256(bytes: &[u8]) -> String {
    let primes = (2u64..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    let primes: Vec<u64> = primes.take(64).collect();
    let root =
        |value: u64, power: f64| ((value as f64).powf(power).fract() * 4_294_967_296.0) as u32;
    let constants: Vec<u32> = primes.iter().map(|prime| cube_root_bits(*prime)).collect();
    let mut state: Vec<u32> = primes[..8].iter().map(|prime| root(*prime, 0.5)).collect();
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((bytes.len() as u64 * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|four| u32::from_be_bytes(four.try_into().unwrap()))
            .collect();
        for at in 16..64 {
            let (a, b) = (words[at - 15], words[at - 2]);
            let small = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let large = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            words.push(
                words[at - 16]
                    .wrapping_add(small)
                    .wrapping_add(words[at - 7])
                    .wrapping_add(large),
            );
        }
        let mut now = state.clone();
        for at in 0..64 {
            let (a, e) = (now[0], now[4]);
            let sum = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & now[5]) ^ (!e & now[6]);
            let first = now[7]
                .wrapping_add(sum)
                .wrapping_add(choice)
                .wrapping_add(constants[at])
                .wrapping_add(words[at]);
            let sum = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]);
            now.rotate_right(1);
            now[0] = first.wrapping_add(sum.wrapping_add(majority));
            now[4] = now[4].wrapping_add(first);
        }
        for (to, from) in state.iter_mut().zip(now) {
            *to = to.wrapping_add(from);
        }
    }
    state.iter().map(|word| format!("{word:08x}")).collect()
}

/// The first 32 bits of the fraction of a cube root, exactly.
fn cube_root_bits(value: u64) -> u32 {
    let target = u128::from(value) << 96;
    let (mut low, mut high) = (0u128, 1 << 36);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if middle * middle * middle <= target {
            low = middle
        } else {
            high = middle
        }
    }
    low as u32
}

#[test]
fn sha256_of_abc_is_the_published_one() {
    assert_eq!(
        sha256(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

//! 642 arrays by zarr-python 2 and 3 and by tensorstore, value by value.

use crate::support::{Values, corpus, npy, read_url, same, unpack};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

#[test]
fn every_array_of_the_conformance_corpus_has_its_values() {
    let Some(archive) = corpus("conformance/zarr/corpus.tar.gz") else {
        return;
    };
    let folder = unpack(&archive);
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let entries = manifest
        .as_array()
        .or_else(|| manifest["arrays"].as_array())
        .unwrap();
    let (mut equal, mut wrong) = (0, Vec::new());
    for entry in entries {
        let name = entry["array"].as_str().unwrap();
        let url = folder.path().join(name).to_str().unwrap().to_owned();
        match read_url(&url) {
            Ok((shape, values)) => match compare(folder.path(), entry, &shape, &values) {
                Ok(()) => equal += 1,
                Err(why) => wrong.push(format!("{name}: {why}")),
            },
            Err(error) => wrong.push(format!("{name}: {error:?}")),
        }
    }
    println!("{equal} equal, {} wrong", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} arrays are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(equal >= 642, "{equal} equal");
}

fn compare(
    root: &std::path::Path,
    entry: &Value,
    shape: &[u64],
    values: &Values,
) -> Result<(), String> {
    let path = root.join(entry["expected"].as_str().unwrap());
    let bytes = std::fs::read(&path).unwrap();
    let declared: Vec<u64> = entry["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|length| length.as_u64().unwrap())
        .collect();
    if declared != shape {
        return Err(format!("shape {shape:?} instead of {declared:?}"));
    }
    if entry["note"]
        .as_str()
        .is_some_and(|note| note.starts_with("fill_value null"))
    {
        return Ok(());
    }
    match values {
        Values::Strings(actual) => {
            let expected: Value = serde_json::from_slice(&bytes).unwrap();
            let expected = expected["values_C_order"].as_array().unwrap();
            for (at, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                let is_array = entry["codecs"].to_string().contains("vlen-array");
                let is_same = match expected {
                    Value::String(text) => actual == text.as_bytes(),
                    Value::Object(map) if map.contains_key("base64") => {
                        *actual == STANDARD.decode(map["base64"].as_str().unwrap()).unwrap()
                    }
                    // Arrays in elements are carried as their bytes.
                    Value::Array(numbers) if is_array => {
                        let (items, _) = actual.as_chunks::<8>();
                        let is_near = |(item, number): (&[u8; 8], &Value)| {
                            let number = number.as_f64().unwrap();
                            (f64::from_le_bytes(*item) - number).abs() <= 1e-15 * number.abs()
                        };
                        items.len() == numbers.len() && items.iter().zip(numbers).all(is_near)
                    }
                    Value::Null | Value::Number(_) if actual.is_empty() => true,
                    // Objects are their JSON.
                    other => serde_json::from_slice::<Value>(actual).ok().as_ref() == Some(other),
                };
                if !is_same {
                    return Err(format!(
                        "element {at} is {actual:?} instead of {expected:?}"
                    ));
                }
            }
            if actual.len() == expected.len() {
                Ok(())
            } else {
                Err("count differs".to_owned())
            }
        }
        Values::Fixed(dtype, actual) => {
            if path.extension().is_some_and(|ending| ending == "json") {
                return compare_json(*dtype, actual, &bytes);
            }
            let (_, _, expected) = npy(&bytes);
            let tolerance = if entry["lossy"] == true { 1e-6 } else { 0.0 };
            if same(*dtype, actual, &expected, tolerance) {
                return Ok(());
            }
            let size = dtype.item_size().unwrap();
            let differs = actual
                .chunks(size)
                .zip(expected.chunks(size))
                .position(|(a, b)| a != b);
            let (got, want) = (actual.len(), expected.len());
            Err(format!(
                "{dtype}: {got} bytes against {want}, first difference at {differs:?}"
            ))
        }
    }
}

/// Fixed bytes and texts whose expected values are a list.
fn compare_json(dtype: craton_core::DType, actual: &[u8], expected: &[u8]) -> Result<(), String> {
    let expected: Value = serde_json::from_slice(expected).unwrap();
    let size = dtype.item_size().unwrap();
    for (at, (item, expected)) in actual
        .chunks(size)
        .zip(expected["values_C_order"].as_array().unwrap())
        .enumerate()
    {
        let scalar = craton_core::Scalar::from_bytes(dtype, item);
        let is_same = match expected {
            Value::String(text) => scalar.to_text().as_deref() == Some(text),
            Value::Object(map) => {
                let mut bytes = STANDARD.decode(map["base64"].as_str().unwrap()).unwrap();
                bytes.resize(size, 0);
                bytes == item
            }
            _ => false,
        };
        if !is_same {
            return Err(format!("element {at} is {scalar} instead of {expected}"));
        }
    }
    Ok(())
}

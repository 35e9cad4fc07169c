//! Agreement with xarray over the cross product of dtypes and attributes, and the rules it leaves out.

use super::*;
use serde_json::Value;

fn number(dtype: DType, value: f64) -> AttributeValue {
    AttributeValue::number(dtype, Scalar::from_f64(dtype, value).bytes())
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::Text(value.to_owned())
}

fn attributes(pairs: &[(&str, AttributeValue)]) -> Attributes {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn dtype_of(value: &Value) -> Option<DType> {
    DType::from_name(value.as_str()?)
}

#[test]
fn dtypes_are_xarrays() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/conformance/xarray/cf.json"
    );
    let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(rows.len() > 2000);
    for row in rows {
        let stored = dtype_of(&row[0]).unwrap();
        let mut given = Vec::new();
        for (at, name, value) in [(1, "scale_factor", 2.0), (2, "add_offset", 1.0)] {
            given.extend(dtype_of(&row[at]).map(|dtype| (name, number(dtype, value))));
        }
        match row[3].as_str() {
            Some("nan") => given.push(("_FillValue", number(DType::Float64, f64::NAN))),
            Some(_) => given.push(("_FillValue", number(stored, 3.0))),
            None => {}
        }
        if row[3] == "two" {
            given.push(("missing_value", number(stored, 5.0)));
        }
        for (at, name) in [(4, "_Unsigned"), (5, "units")] {
            given.extend(row[at].as_str().map(|value| (name, text(value))));
        }
        let found = decoded_dtype(stored, &attributes(&given)).unwrap();
        assert_eq!(
            found.target.name(),
            row[6].as_str().unwrap(),
            "{row} {found:?}"
        );
        let masked = match row[3].as_str() {
            Some("two") => 2,
            Some("same") => 1,
            _ => 0,
        };
        assert_eq!(found.fill_values.len(), masked, "{row}");
        assert_eq!(
            found.time.is_some(),
            row[5].as_str().is_some_and(|units| units.contains("since"))
        );
    }
}

#[test]
fn the_fill_value_takes_the_sign_of_the_data() {
    let given = attributes(&[
        ("_Unsigned", text("true")),
        ("_FillValue", number(DType::Int8, -1.0)),
    ]);
    let found = decoded_dtype(DType::Int8, &given).unwrap();
    assert_eq!(found.reinterpreted, Some(DType::UInt8));
    assert_eq!(found.fill_values, [Scalar::from_i64(DType::UInt8, 255)]);
}

#[test]
fn durations_need_the_mark_of_their_writer() {
    let plain = attributes(&[("units", text("hours"))]);
    assert_eq!(decoded_dtype(DType::Int64, &plain).unwrap().duration, None);
    let marked = attributes(&[("units", text("hours")), ("dtype", text("timedelta64[ms]"))]);
    let found = decoded_dtype(DType::Int64, &marked)
        .unwrap()
        .duration
        .unwrap();
    assert_eq!(
        (found.units.as_str(), found.resolution),
        ("hours", TimeUnit::Millisecond)
    );
}

#[test]
fn booleans_and_characters_are_recognised() {
    let given = attributes(&[("dtype", text("bool"))]);
    assert_eq!(
        decoded_dtype(DType::Int8, &given).unwrap().target,
        DType::Bool
    );
    let found = decoded_dtype(
        DType::FixedBytes(1),
        &attributes(&[("_Encoding", text("utf-8"))]),
    );
    let found = found.unwrap();
    assert!(found.joins_characters);
    assert_eq!(found.text_encoding.as_deref(), Some("utf-8"));
}

#[test]
fn packing_that_is_no_number_is_refused() {
    let given = attributes(&[("scale_factor", text("0.1"))]);
    let error = decoded_dtype(DType::Int16, &given).unwrap_err();
    assert!(
        error
            .message()
            .contains("`scale_factor` is no single number"),
        "{error}"
    );
    assert!(decoded_dtype(DType::Utf8, &given).is_ok());
}

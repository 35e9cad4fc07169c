//! Types and values as NumPy has them; see `tests/conformance/numpy/make.py`.

use craton_core::{Calendar, DType, TimeKind, TimeType, TimeUnit};
use craton_kernels::{
    Binary, Fold, FoldSpec, Reduction, Unary, WeakScalar, cast, promote, promote_weak,
};
use serde_json::Value;

fn types() -> Value {
    serde_json::from_str(include_str!("../conformance/numpy/types.json")).unwrap()
}

fn dtype(name: &str) -> DType {
    let kind = match name {
        "datetime64[s]" => TimeKind::Instant,
        "timedelta64[s]" => TimeKind::Duration,
        _ => return DType::from_name(name).unwrap(),
    };
    DType::Time(TimeType {
        unit: TimeUnit::Second,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind,
    })
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().unwrap().iter()
}

/// The operand types of a row of results, and the results.
fn results<'a>(
    types: &'a Value,
    row: &'a Value,
) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let operands = types["types"].as_str().unwrap().split(' ');
    let results = row.as_str().unwrap().split(' ');
    operands.zip(results.map(|result| (result != "-").then_some(result)))
}

#[test]
fn promotion_is_numpys() {
    let types = types();
    for (left, row) in entries(&types["promote"]) {
        for (right, expected) in results(&types, row) {
            let ours = promote(dtype(left), dtype(right)).map(DType::name);
            assert_eq!(ours.as_deref(), expected, "{left} with {right}");
        }
    }
    for (scalar, row) in entries(&types["weak"]) {
        for (array, expected) in results(&types, row) {
            let weak = match scalar.as_str() {
                "int" => WeakScalar::Int,
                "float" => WeakScalar::Float,
                _ => WeakScalar::Complex,
            };
            if dtype(array).is_numeric() {
                let ours = promote_weak(dtype(array), weak).map(DType::name);
                assert_eq!(ours.as_deref(), expected, "{array} with {scalar}");
            }
        }
    }
}

#[test]
fn unary_results_have_numpys_types_and_kernels() {
    let types = types();
    for (name, row) in entries(&types["unary"]) {
        let unary = Unary::from_name(name).unwrap();
        for (operand, expected) in results(&types, row) {
            let ours = unary.output(dtype(operand));
            let result = ours.map(|(_, result)| result.name());
            assert_eq!(result.as_deref(), expected, "{name} of {operand}");
            if let Some((operand, _)) = ours {
                assert!(unary.kernel(operand).is_some(), "{name} of {operand}");
            }
        }
    }
}

/// Where one operand type cannot say what NumPy does: durations scaled by floats or divided by numbers.
fn is_left_out(name: &str, left: &str, right: &str) -> bool {
    let scales = matches!(name, "multiply" | "divide" | "floor_divide");
    let is_time = |name: &str| name.contains("64[");
    scales && is_time(left) != is_time(right)
}

#[test]
fn binary_results_have_numpys_types_and_kernels() {
    let mut wrong = Vec::new();
    let types = types();
    for (name, table) in entries(&types["binary"]) {
        let binary = Binary::from_name(name).unwrap();
        for (left, row) in entries(table) {
            for (right, expected) in results(&types, row) {
                let ours = binary.output(dtype(left), dtype(right));
                let result = ours.map(|(_, result)| result.name());
                let is_expected = result.as_deref() == expected
                    || (result.is_none() && is_left_out(name, left, right));
                if !is_expected {
                    wrong.push(format!(
                        "{name}({left}, {right}) = {result:?}, not {expected:?}"
                    ));
                }
                if let Some((operand, _)) = ours {
                    assert!(binary.kernel(operand).is_some(), "{name} of {operand}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reductions_have_numpys_types() {
    let types = types();
    for (name, row) in entries(&types["reduce"]) {
        for (operand, expected) in results(&types, row) {
            let spec = FoldSpec {
                reduction: Reduction::from_name(name).unwrap(),
                dtype: dtype(operand),
                skip_missing: false,
                ddof: 0,
                min_count: 0,
            };
            let is_complex = spec.dtype.is_complex();
            let left_out =
                !spec.dtype.is_numeric() || is_complex && matches!(name.as_str(), "var" | "min");
            if !left_out {
                let ours = Fold::new(spec).map(|fold| fold.output().name());
                assert_eq!(ours.as_deref(), expected, "{name} of {operand}");
            }
        }
    }
}

/// Elements of type `dtype` from their texts; complex numbers are two texts each.
fn encode(texts: &[&str], dtype: DType) -> Vec<u64> {
    let mut bytes = Vec::new();
    for text in texts {
        let real = || text.parse::<f64>().unwrap();
        let whole = || text.parse::<i128>().unwrap();
        match dtype {
            DType::Float16 => bytes.extend(half::f16::from_f64(real()).to_ne_bytes()),
            DType::Float32 | DType::Complex64 => bytes.extend((real() as f32).to_ne_bytes()),
            DType::Float64 | DType::Complex128 => bytes.extend(real().to_ne_bytes()),
            _ => bytes.extend(&whole().to_le_bytes()[..dtype.item_size().unwrap()]),
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytemuck::pod_collect_to_vec(&bytes)
}

/// The parts of elements, as doubles; integers beyond 2^53 do not occur.
fn decode(bytes: &[u8], dtype: DType) -> Vec<f64> {
    let part = dtype.swap_size();
    let part = |bytes: &[u8]| match (dtype, part) {
        (DType::Float16, _) => half::f16::from_ne_bytes(bytes.try_into().unwrap()).to_f64(),
        (DType::Float32 | DType::Complex64, _) => {
            f32::from_ne_bytes(bytes.try_into().unwrap()).into()
        }
        (DType::Float64 | DType::Complex128, _) => f64::from_ne_bytes(bytes.try_into().unwrap()),
        (_, size) => {
            let is_negative = dtype.is_signed_integer() && bytes[size - 1] >= 128;
            let mut whole = [if is_negative { 255 } else { 0 }; 16];
            whole[..size].copy_from_slice(bytes);
            i128::from_le_bytes(whole) as f64
        }
    };
    bytes.chunks_exact(dtype.swap_size()).map(part).collect()
}

/// Relative difference allowed: exact for arithmetic, some units in the last place for the rest.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::Float16 => 2e-3,
        DType::Float32 | DType::Complex64 => 1e-6,
        _ => 1e-14,
    }
}

fn agrees(ours: f64, theirs: f64, tolerance: f64) -> bool {
    let close = (ours - theirs).abs() <= tolerance * theirs.abs().max(1e-3);
    ours == theirs || (ours.is_nan() && theirs.is_nan()) || close
}

#[test]
fn values_are_numpys() {
    let text = include_str!("../conformance/numpy/values.json");
    let fixture: Value = serde_json::from_str(text).unwrap();
    let mut wrong = Vec::new();
    for case in fixture["cases"].as_array().unwrap() {
        let (kind, name) = (
            case["kind"].as_str().unwrap(),
            case["name"].as_str().unwrap(),
        );
        let from = dtype(case["dtype"].as_str().unwrap());
        let texts = fixture["samples"][from.name()].as_str().unwrap();
        let texts: Vec<&str> = texts.split(' ').collect();
        let parts = if from.is_complex() { 2 } else { 1 };
        let count = texts.len() / parts;
        let words = encode(&texts, from);
        let values = &bytemuck::cast_slice::<u64, u8>(&words)[..count * from.item_size().unwrap()];
        let (ours, result) = match kind {
            "unary" => {
                let unary = Unary::from_name(name).unwrap();
                let (operand, result) = unary.output(from).unwrap();
                let values = converted(values, from, operand, count);
                let mut out = vec![0u64; count * 2];
                let out = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut out)
                    [..count * result.item_size().unwrap()];
                let size = operand.item_size().unwrap();
                let values = &bytemuck::cast_slice::<u64, u8>(&values)[..count * size];
                unary.kernel(operand).unwrap()(values, out);
                (decode(out, result), result)
            }
            "binary" => {
                let binary = Binary::from_name(name).unwrap();
                let (operand, result) = binary.output(from, from).unwrap();
                let size = operand.item_size().unwrap();
                let values = converted(values, from, operand, count);
                let values = &bytemuck::cast_slice::<u64, u8>(&values)[..count * size];
                (every_pair(binary, operand, result, values, count), result)
            }
            _ => {
                let to = dtype(name);
                let out = converted(values, from, to, count);
                let size = count * to.item_size().unwrap();
                (
                    decode(&bytemuck::cast_slice::<u64, u8>(&out)[..size], to),
                    to,
                )
            }
        };
        let theirs = case["out"].as_str().unwrap().split(' ');
        let theirs: Vec<f64> = theirs.map(|text| text.parse().unwrap()).collect();
        assert_eq!(ours.len(), theirs.len(), "{name} of {from}");
        for (at, (ours, expected)) in ours.iter().zip(&theirs).enumerate() {
            let allowed = if kind == "cast" {
                0.0
            } else {
                tolerance(result)
            };
            // NumPy's complex powers round relative to the whole number, so that its smaller part has fewer digits.
            let is_close_as_whole = name == "power" && result.is_complex() && {
                let length = theirs[at & !1].hypot(theirs[at | 1]);
                (ours - expected).abs() <= allowed * length
            };
            if !agrees(*ours, *expected, allowed) && !is_close_as_whole {
                wrong.push(format!("{name} of {from} at {at}: {ours}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
}

fn converted(values: &[u8], from: DType, to: DType, count: usize) -> Vec<u64> {
    let mut out = vec![0u64; count * 2];
    let size = count * to.item_size().unwrap();
    cast(from, to).unwrap()(values, &mut bytemuck::cast_slice_mut(&mut out)[..size]);
    out
}

/// All pairs, in the three forms, which must agree bit for bit.
fn every_pair(
    binary: Binary,
    operand: DType,
    result: DType,
    values: &[u8],
    count: usize,
) -> Vec<f64> {
    let kernel = binary.kernel(operand).unwrap();
    let (size, out_size) = (operand.item_size().unwrap(), result.item_size().unwrap());
    let mut all = Vec::new();
    for at in 0..count {
        let one = &values[at * size..][..size];
        let repeated: Vec<u64> = bytemuck::pod_collect_to_vec(&padded(&one.repeat(count)));
        let repeated = &bytemuck::cast_slice::<u64, u8>(&repeated)[..count * size];
        let mut outs = [
            vec![0u64; count * 2],
            vec![0u64; count * 2],
            vec![0u64; count * 2],
        ];
        let [both, left, right] = outs
            .each_mut()
            .map(|out| &mut bytemuck::cast_slice_mut::<u64, u8>(out)[..count * out_size]);
        (kernel.both)(repeated, values, both);
        (kernel.scalar_left)(one, values, left);
        let name = binary.name();
        assert_eq!(
            decode_bits(both, result),
            decode_bits(left, result),
            "{name} {operand}"
        );
        (kernel.both)(values, repeated, left);
        (kernel.scalar_right)(values, one, right);
        assert_eq!(
            decode_bits(left, result),
            decode_bits(right, result),
            "{name} {operand}"
        );
        all.extend(decode(both, result));
    }
    all
}

/// Values by which NaNs are equal.
fn decode_bits(bytes: &[u8], dtype: DType) -> Vec<String> {
    let values = decode(bytes, dtype);
    values.iter().map(|value| format!("{value:?}")).collect()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

#[test]
fn floats_that_do_not_fit_become_the_integers_of_numpy() {
    let values = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        300.7,
        -1.5,
        1e10,
        -1e10,
        70000.0,
    ];
    let check = |to: DType, expected: [f64; 8]| {
        let out = converted(bytemuck::cast_slice(&values), DType::Float64, to, 8);
        let size = 8 * to.item_size().unwrap();
        let ours = decode(&bytemuck::cast_slice::<u64, u8>(&out)[..size], to);
        assert_eq!(ours, expected, "{to}");
    };
    let (low, low64) = (f64::from(i32::MIN), i64::MIN as f64);
    check(DType::Int8, [0.0, 0.0, 0.0, 44.0, -1.0, 0.0, 0.0, 112.0]);
    check(
        DType::UInt16,
        [0.0, 0.0, 0.0, 300.0, 65535.0, 0.0, 0.0, 4464.0],
    );
    check(
        DType::Int32,
        [low, low, low, 300.0, -1.0, low, low, 70000.0],
    );
    check(
        DType::UInt32,
        [-low, 0.0, -low, 300.0, 4294967295.0, 0.0, -low, 70000.0],
    );
    check(
        DType::Int64,
        [low64, low64, low64, 300.0, -1.0, 1e10, -1e10, 70000.0],
    );
}

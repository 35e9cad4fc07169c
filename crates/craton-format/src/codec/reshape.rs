//! `reshape`: other axes over the same elements in the same order.

use super::{Options, Place, Stage};
use craton_core::{Error, Result};
use serde_json::Value;

/// Reads the metadata of `reshape`.
pub(super) fn build(options: &Options<'_>, place: &Place<'_>) -> Result<Stage> {
    let Some(shape) = place.shape else {
        let message = "codec `reshape` is not read where chunks differ in shape";
        return Err(Error::unsupported(message));
    };
    let Some(lengths) = options.get("shape").and_then(Value::as_array) else {
        let found = options.get("shape").unwrap_or(&Value::Null);
        return Err(options.wrong("shape", found, "a list of lengths"));
    };
    let wrong = || {
        let wanted = format!("lengths over the elements of {shape:?}");
        options.wrong("shape", &Value::Array(lengths.clone()), &wanted)
    };
    let (mut reshaped, mut open, mut next_axis) = (Vec::new(), None, 0);
    let mut merged = Vec::new();
    for (at, value) in lengths.iter().enumerate() {
        let length = match value {
            Value::Array(axes) => {
                let axes: Option<Vec<usize>> = axes.iter().map(axis).collect();
                let axes = axes.filter(|axes| {
                    let grow = axes.windows(2).all(|pair| pair[0] < pair[1]);
                    let is_after = axes.first().is_none_or(|first| *first >= next_axis);
                    grow && is_after && axes.last().is_none_or(|last| *last < shape.len())
                });
                let axes = axes.ok_or_else(wrong)?;
                next_axis = axes.last().map_or(next_axis, |last| last + 1);
                let length = axes.iter().map(|axis| shape[*axis]).product();
                merged.push((at, axes));
                length
            }
            value if value.as_i64() == Some(-1) => {
                if open.replace(at).is_some() {
                    return Err(wrong());
                }
                1
            }
            value => axis(value).filter(|length| *length > 0).ok_or_else(wrong)?,
        };
        reshaped.push(length);
    }
    let product = |lengths: &[usize]| {
        let mut lengths = lengths.iter();
        lengths.try_fold(1usize, |count, length| count.checked_mul(*length))
    };
    let (count, all) = (
        product(&reshaped).ok_or_else(wrong)?,
        product(shape).ok_or_else(wrong)?,
    );
    if let Some(open) = open {
        if count == 0 || !all.is_multiple_of(count) {
            return Err(wrong());
        }
        reshaped[open] = all / count;
    } else if count != all {
        return Err(wrong());
    }
    // An axis made of others must be where they are.
    for (at, axes) in merged {
        let (Some(first), Some(last)) = (axes.first(), axes.last()) else {
            continue;
        };
        let before = product(&reshaped[..at]) == product(&shape[..*first]);
        let after = product(&reshaped[at + 1..]) == product(&shape[last + 1..]);
        if !(before && after) {
            return Err(wrong());
        }
    }
    Ok(Stage::Reshape(reshaped))
}

fn axis(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|axis| usize::try_from(axis).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::NumberType;
    use craton_core::DType;
    use serde_json::json;

    fn reshaped(shape: &[usize], to: Value) -> Option<Vec<usize>> {
        let metadata = json!({"name": "reshape", "configuration": {"shape": to}});
        let place = Place {
            element: NumberType::native(DType::UInt8),
            rank: shape.len(),
            shape: Some(shape),
            is_native: true,
        };
        match build(&Options::from_v3(&metadata).unwrap(), &place) {
            Ok(Stage::Reshape(shape)) => Some(shape),
            _ => None,
        }
    }

    #[test]
    fn shapes_follow_the_rules_of_the_codec() {
        let shape = [100, 50, 64, 3];
        assert_eq!(
            reshaped(&shape, json!([[0, 1], [2], 3])).unwrap(),
            [5000, 64, 3]
        );
        assert_eq!(reshaped(&shape, json!([[0, 1], -1])).unwrap(), [5000, 192]);
        assert_eq!(reshaped(&[], json!([])).unwrap(), [0; 0]);
        assert_eq!(reshaped(&[2, 3], json!([6])).unwrap(), [6]);
        for wrong in [
            json!([[1], [0], [2], [3]]),
            json!([[1, 0], 64, 3]),
            json!([-1, -1]),
            json!([7, -1, 11]),
            json!([5000, 64]),
            json!([0, -1]),
            json!([[0, 9], -1]),
            json!([[1], -1]),
            json!("x"),
            json!([100, 50, 64, 3.5]),
        ] {
            assert_eq!(reshaped(&shape, wrong.clone()), None, "{wrong}");
        }
    }
}

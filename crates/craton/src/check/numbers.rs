//! Attributes that hold numbers in the terms of the variable: fill values, valid ranges, packing.

use super::{Context, Subject};
use craton_core::{AttributeValue, DType, Scalar};

pub(super) fn of_variable(context: &mut Context<'_>, variable: &Subject<'_>) {
    if !variable.is_number() {
        return;
    }
    fill_values(context, variable);
    valid_range(context, variable);
    packing(context, variable);
}

/// The numbers of an attribute, and their type where the format keeps one.
fn numbers(variable: &Subject<'_>, name: &str) -> Option<(DType, Vec<Scalar>)> {
    match variable.meta.attributes.get(name)? {
        AttributeValue::Numbers(numbers) => Some((numbers.dtype, numbers.scalars().collect())),
        _ => None,
    }
}

/// Signs do not matter where `_Unsigned` says that they do not.
fn is_type(variable: &Subject<'_>, dtype: DType) -> bool {
    let own = variable.meta.dtype;
    own == dtype
        || variable.has("_Unsigned")
            && own.is_integer()
            && dtype.is_integer()
            && own.item_size() == dtype.item_size()
}

fn fill_values(context: &mut Context<'_>, variable: &Subject<'_>) {
    for name in ["_FillValue", "missing_value"] {
        let Some(value) = variable.meta.attributes.get(name) else {
            continue;
        };
        let own = variable.meta.dtype;
        let hint = format!("store it as {own}");
        match numbers(variable, name) {
            // Zarr's NaN is a text in JSON.
            None if context.has_typed_attributes => {
                let message = format!("`{name}` is {}, which is no number", value.to_json());
                context.error("fill_value", variable.name, message, &hint);
            }
            Some((dtype, _)) if context.has_typed_attributes && !is_type(variable, dtype) => {
                let message = format!("`{name}` is {dtype}, the variable is {own}");
                context.error("fill_value", variable.name, message, &hint);
            }
            Some((_, values)) if name == "_FillValue" && values.len() != 1 => {
                let message = format!("`_FillValue` has {} values", values.len());
                context.error(
                    "fill_value",
                    variable.name,
                    message,
                    "one value is filled in",
                );
            }
            _ => {}
        }
        if variable.is_index() {
            let message =
                format!("a coordinate has `{name}`, but none of its labels may be missing");
            context.warn("fill_value", variable.name, message, "remove the attribute");
        }
    }
    let both = (
        numbers(variable, "_FillValue"),
        numbers(variable, "missing_value"),
    );
    if let (Some((_, fill)), Some((_, missing))) = both {
        let is_same = missing.iter().any(|value| {
            value.to_f64() == fill.first().and_then(Scalar::to_f64) || value.is_missing()
        });
        if !is_same {
            let message = "`_FillValue` and `missing_value` differ".to_owned();
            let hint = "both are missing when read; CF recommends to use `_FillValue` alone";
            context.warn("fill_value", variable.name, message, hint);
        }
    }
}

fn valid_range(context: &mut Context<'_>, variable: &Subject<'_>) {
    let names = ["valid_range", "valid_min", "valid_max"];
    for name in names {
        let Some(value) = variable.meta.attributes.get(name) else {
            continue;
        };
        let wanted = if name == "valid_range" { 2 } else { 1 };
        let Some((dtype, values)) = numbers(variable, name) else {
            let message = format!("`{name}` is {}, which is no number", value.to_json());
            let hint = format!("store it as {}", variable.meta.dtype);
            context.error("valid_range", variable.name, message, &hint);
            continue;
        };
        if values.len() != wanted {
            let message = format!("`{name}` has {} values", values.len());
            context.error(
                "valid_range",
                variable.name,
                message,
                &format!("give {wanted}"),
            );
        }
        // Packed variables may state the range of unpacked values.
        let is_packed = variable.has("scale_factor") || variable.has("add_offset");
        if context.has_typed_attributes && !is_packed && !is_type(variable, dtype) {
            let own = variable.meta.dtype;
            let message = format!("`{name}` is {dtype}, the variable is {own}");
            context.warn(
                "valid_range",
                variable.name,
                message,
                &format!("store it as {own}"),
            );
        }
    }
    let number = |name: &str, at: usize| numbers(variable, name)?.1.get(at)?.to_f64();
    let low = number("valid_range", 0).or_else(|| number("valid_min", 0));
    let high = number("valid_range", 1).or_else(|| number("valid_max", 0));
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        let message = format!("the valid range runs from {low} down to {high}");
        context.error(
            "valid_range",
            variable.name,
            message,
            "write the smaller one first",
        );
    }
    if variable.has("valid_range") && (variable.has("valid_min") || variable.has("valid_max")) {
        let message = "there is `valid_range` beside `valid_min` or `valid_max`".to_owned();
        context.error("valid_range", variable.name, message, "keep one of both");
    }
}

fn packing(context: &mut Context<'_>, variable: &Subject<'_>) {
    let mut dtypes = Vec::new();
    for name in ["scale_factor", "add_offset"] {
        let Some(value) = variable.meta.attributes.get(name) else {
            continue;
        };
        match numbers(variable, name) {
            Some((dtype, values)) if values.len() == 1 => {
                if name == "scale_factor" && values[0].to_f64() == Some(0.0) {
                    let message =
                        "`scale_factor` is 0, so that every value unpacks to the same".to_owned();
                    context.error(
                        "packing",
                        variable.name,
                        message,
                        "write the factor that was divided by",
                    );
                }
                dtypes.push(dtype);
            }
            _ => {
                let message = format!("`{name}` is {}, which is no single number", value.to_json());
                context.error(
                    "packing",
                    variable.name,
                    message,
                    "store one float or double",
                );
            }
        }
    }
    if !context.has_typed_attributes {
        return;
    }
    let own = variable.meta.dtype;
    let is_wrong = |dtype: &&DType| !dtype.is_float() && **dtype != own;
    if let Some(wrong) = dtypes.iter().find(is_wrong) {
        let message = format!("a packing attribute is {wrong}, the variable is {own}");
        context.error(
            "packing",
            variable.name,
            message,
            "store them as float or double",
        );
    }
    if let [one, other] = dtypes.as_slice()
        && one != other
    {
        let message = format!("`scale_factor` is {one} and `add_offset` is {other}");
        context.error(
            "packing",
            variable.name,
            message,
            "store both as the same type",
        );
    }
}

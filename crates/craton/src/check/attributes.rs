//! Names, descriptions, flags, cell methods, axes: what the attributes alone tell.

use super::{Context, Kind, Subject, kind_of, text};
use craton_core::AttributeValue;

/// Modifiers that may follow a standard name.
const MODIFIERS: [&str; 4] = [
    "detection_minimum",
    "number_of_observations",
    "standard_error",
    "status_flag",
];

/// The methods of CF's appendix E.
const METHODS: [&str; 16] = [
    "point",
    "sum",
    "maximum",
    "maximum_absolute_value",
    "median",
    "mid_range",
    "minimum",
    "minimum_absolute_value",
    "mean",
    "mean_absolute_value",
    "mean_of_upper_decile",
    "mode",
    "range",
    "root_mean_square",
    "standard_deviation",
    "variance",
];
const FURTHER_METHODS: [&str; 2] = ["sum_of_squares", "percentile"];

pub(super) fn of_group(context: &mut Context<'_>) {
    if context.is_root {
        conventions(context);
    }
    let mut seen: Vec<String> = Vec::new();
    for name in context.group.arrays.keys().cloned().collect::<Vec<_>>() {
        let lower = name.to_lowercase();
        if seen.contains(&lower) {
            let message =
                format!("`{name}` differs from another variable in upper and lower case only");
            context.warn("names", &name, message, "rename one of the two");
        }
        seen.push(lower);
    }
}

fn conventions(context: &mut Context<'_>) {
    let hint = "write the version of CF that the file follows, such as `Conventions: CF-1.11`";
    match context.group.attributes.get("Conventions") {
        None => {
            context.warn(
                "conventions",
                "",
                "the attribute `Conventions` is missing".to_owned(),
                hint,
            );
        }
        Some(AttributeValue::Text(text)) if text.contains("CF-1.") => {}
        Some(value) => {
            let message = format!(
                "`Conventions` is {}, which names no version of CF",
                value.to_json()
            );
            context.warn("conventions", "", message, hint);
        }
    }
}

pub(super) fn of_variable(context: &mut Context<'_>, variable: &Subject<'_>) {
    names(context, variable);
    dimensions(context, variable);
    description(context, variable);
    flags(context, variable);
    cell_methods(context, variable);
    axis(context, variable);
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn names(context: &mut Context<'_>, variable: &Subject<'_>) {
    let hint = "use letters, digits and underscores, beginning with a letter";
    if !is_plain(variable.name) {
        let message = format!("the name `{}` is no plain word", variable.name);
        context.warn("names", variable.name, message, hint);
    }
    for dim in variable.dims.iter().filter(|dim| !is_plain(dim)) {
        let message = format!("the name of dimension `{dim}` is no plain word");
        context.warn("names", variable.name, message, hint);
    }
    // `_FillValue` and its like belong to the formats.
    let odd = variable
        .meta
        .attributes
        .keys()
        .filter(|name| !name.starts_with('_') && !is_plain(name));
    for name in odd {
        let message = format!("the name of attribute `{name}` is no plain word");
        context.warn("names", variable.name, message, hint);
    }
}

fn dimensions(context: &mut Context<'_>, variable: &Subject<'_>) {
    let twice =
        (1..variable.dims.len()).find(|at| variable.dims[..*at].contains(&variable.dims[*at]));
    if let Some(at) = twice {
        let message = format!("dimension `{}` stands twice", variable.dims[at]);
        context.error(
            "dimensions",
            variable.name,
            message,
            "give one of the two another name",
        );
        return;
    }
    let kind = |dim: &String| {
        let index = context.group.arrays.get(dim)?;
        kind_of(dim, &index.meta().attributes)
    };
    let place = |kind: Kind| match kind {
        Kind::Time => 0,
        Kind::Vertical => 1,
        Kind::Latitude => 2,
        Kind::Longitude => 3,
    };
    let known: Vec<i32> = variable.dims.iter().filter_map(kind).map(place).collect();
    if known.windows(2).any(|pair| pair[0] > pair[1]) {
        let message = format!("the order of dimensions is ({})", variable.dims.join(", "));
        let hint = "CF recommends time, height, latitude, longitude; `.transpose(…)` changes it";
        context.warn("dimensions", variable.name, message, hint);
    }
}

fn description(context: &mut Context<'_>, variable: &Subject<'_>) {
    if let Some(value) = variable.meta.attributes.get("standard_name") {
        let words: Vec<&str> = value.as_text().unwrap_or_default().split(' ').collect();
        let is_name = |word: &&str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                && word.starts_with(|letter: char| letter.is_ascii_alphabetic())
        };
        let is_valid = match words.as_slice() {
            [name] => is_name(name),
            [name, modifier] => is_name(name) && MODIFIERS.contains(modifier),
            _ => false,
        };
        if !is_valid {
            let message = format!("`standard_name` is {}, which is none", value.to_json());
            let hint =
                "take a name of the CF standard name table, or use `long_name` for free text";
            context.error("standard_name", variable.name, message, hint);
        }
    }
    let is_exempt = context.is_bounds(variable.name) || variable.is_grid_mapping();
    if !variable.has("standard_name") && !variable.has("long_name") && !is_exempt {
        let message = "there is neither `long_name` nor `standard_name`".to_owned();
        let hint = "say in `long_name` what this is, or name it by the CF standard name table";
        context.warn("description", variable.name, message, hint);
    }
}

fn length(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::Numbers(numbers) => numbers.scalars().count(),
        AttributeValue::Texts(texts) => texts.len(),
        AttributeValue::Text(text) => text.split_whitespace().count(),
        AttributeValue::Json(_) => 0,
    }
}

fn flags(context: &mut Context<'_>, variable: &Subject<'_>) {
    if !variable.is_flag() {
        return;
    }
    let attributes = &variable.meta.attributes;
    let Some(meanings) = attributes.get("flag_meanings") else {
        let message = "flags have no `flag_meanings`".to_owned();
        let hint = "name what each value means, separated by blanks";
        context.error("flags", variable.name, message, hint);
        return;
    };
    for name in ["flag_values", "flag_masks"] {
        let Some(values) = attributes.get(name) else {
            continue;
        };
        let (values, meanings) = (length(values), length(meanings));
        if values != meanings {
            let message =
                format!("`{name}` has {values} values, `flag_meanings` has {meanings} words");
            let hint = "give as many of one as of the other, without blanks inside a meaning";
            context.error("flags", variable.name, message, hint);
        }
    }
    if !variable.has("flag_values") && !variable.has("flag_masks") {
        let message = "`flag_meanings` has neither `flag_values` nor `flag_masks`".to_owned();
        context.error(
            "flags",
            variable.name,
            message,
            "add the value of each meaning",
        );
    }
}

fn cell_methods(context: &mut Context<'_>, variable: &Subject<'_>) {
    let Some(value) = variable.meta.attributes.get("cell_methods") else {
        return;
    };
    let hint = "write `time: mean`, or `area: mean where land`, with names of dimensions or scalar coordinates";
    let Some(methods) = value.as_text() else {
        context.error(
            "cell_methods",
            variable.name,
            "`cell_methods` is no text".to_owned(),
            hint,
        );
        return;
    };
    let bare = without_brackets(methods);
    let words: Vec<&str> = bare.split_whitespace().collect();
    let is_name = |word: &str| word.ends_with(':') && word.len() > 1;
    if !words.first().is_some_and(|word| is_name(word)) {
        let message = format!("`cell_methods` is `{methods}`, which names no dimension first");
        context.error("cell_methods", variable.name, message, hint);
        return;
    }
    for pair in words.windows(2) {
        let (name, method) = (pair[0], pair[1]);
        if is_name(name) && !is_name(method) {
            let method = method.to_lowercase();
            let is_known =
                METHODS.contains(&method.as_str()) || FURTHER_METHODS.contains(&method.as_str());
            if !is_known {
                let message = format!("`{method}` is no method of cells");
                context.error("cell_methods", variable.name, message, hint);
            }
        }
    }
    if words.last().is_some_and(|word| is_name(word)) {
        let message = format!("`cell_methods` is `{methods}`, which ends without a method");
        context.error("cell_methods", variable.name, message, hint);
    }
    for name in words.iter().filter(|word| is_name(word)) {
        let name = name.trim_end_matches(':');
        let is_standard = |source: &std::sync::Arc<dyn craton_core::Source>| {
            text(&source.meta().attributes, "standard_name") == Some(name)
        };
        let is_known = name == "area"
            || variable.dims.iter().any(|dim| dim == name)
            || context.group.arrays.contains_key(name)
            || context.group.arrays.values().any(is_standard)
            || [
                "time",
                "longitude",
                "latitude",
                "altitude",
                "height",
                "depth",
            ]
            .contains(&name);
        if !is_known {
            let message = format!(
                "`cell_methods` is over `{name}`, which is neither a dimension nor a coordinate"
            );
            context.error("cell_methods", variable.name, message, hint);
        }
    }
}

/// Comments and intervals stand in brackets.
fn without_brackets(text: &str) -> String {
    let mut depth = 0;
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth <= 0 => out.push(letter),
            _ => {}
        }
    }
    out
}

fn axis(context: &mut Context<'_>, variable: &Subject<'_>) {
    if let Some(value) = variable.meta.attributes.get("axis") {
        let is_valid = matches!(value.as_text(), Some("X" | "Y" | "Z" | "T"));
        if !is_valid {
            let message = format!("`axis` is {}", value.to_json());
            context.error("axis", variable.name, message, "there are X, Y, Z and T");
        }
    }
    if let Some(value) = variable.meta.attributes.get("positive") {
        let positive = value.as_text().unwrap_or_default().to_lowercase();
        if !matches!(positive.as_str(), "up" | "down") {
            let message = format!("`positive` is {}", value.to_json());
            context.error("axis", variable.name, message, "there are `up` and `down`");
        }
    }
    let is_pressure = variable
        .text("units")
        .and_then(crate::units::Unit::parse)
        .zip(crate::units::Unit::parse("Pa"))
        .is_some_and(|(units, pascal)| units.is_convertible_to(&pascal));
    let is_vertical = variable.kind == Some(Kind::Vertical) && variable.is_index();
    if is_vertical && !is_pressure && !variable.has("positive") {
        let message = "a vertical coordinate does not tell which way is up".to_owned();
        context.error(
            "axis",
            variable.name,
            message,
            "add `positive: up` or `positive: down`",
        );
    }
}

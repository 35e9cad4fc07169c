//! Differences in dimensions, variables, dtypes and attributes.

use super::DiffOptions;
use crate::labels::{Dataset, Variable};
use crate::output::repr::attribute_text;
use craton_core::{AttributeValue, Attributes, DType};

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// A group that only one has.
    Group,
    /// The length of a dimension.
    Dimension,
    /// A variable that only one has.
    Variable,
    /// Whether a variable is a coordinate.
    Role,
    /// The dimensions of a variable.
    Dims,
    /// The dtype of a variable.
    Dtype,
    /// An attribute.
    Attribute,
}

impl Aspect {
    /// The word for it in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Dimension => "dimension",
            Self::Variable => "variable",
            Self::Role => "role",
            Self::Dims => "dims",
            Self::Dtype => "dtype",
            Self::Attribute => "attribute",
        }
    }
}

/// One difference that needs no value to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataDifference {
    /// What it is about.
    pub aspect: Aspect,
    /// The variable, where it is about one.
    pub variable: Option<String>,
    /// The name of the dimension, variable or attribute.
    pub name: String,
    /// What the first has, in words; `None` if nothing.
    pub one: Option<String>,
    /// What the second has.
    pub other: Option<String>,
}

impl MetadataDifference {
    /// Something that only one of both has.
    pub(super) fn only(aspect: Aspect, variable: Option<&str>, name: &str, is_first: bool) -> Self {
        let there = Some("present".to_owned());
        let (one, other) = if is_first {
            (there, None)
        } else {
            (None, there)
        };
        Self {
            aspect,
            variable: variable.map(str::to_owned),
            name: name.to_owned(),
            one,
            other,
        }
    }
}

/// Everything in which `one` and `other` contradict each other before values are read.
pub(super) fn differences(
    one: &Dataset,
    other: &Dataset,
    options: &DiffOptions,
) -> Vec<MetadataDifference> {
    let mut found = dimensions(one, other);
    attributes(
        None,
        &one.attributes,
        &other.attributes,
        options,
        &mut found,
    );
    for (name, variable) in one.coords.iter().chain(&one.variables) {
        match member(other, name) {
            Some(theirs) => {
                let roles = [one, other].map(|side| role(side, name));
                push_unequal(
                    Aspect::Role,
                    name,
                    name,
                    roles.map(str::to_owned),
                    &mut found,
                );
                variables(name, variable, theirs, options, &mut found);
            }
            None => found.push(MetadataDifference::only(
                Aspect::Variable,
                Some(name),
                name,
                true,
            )),
        }
    }
    for name in other.coords.keys().chain(other.variables.keys()) {
        if member(one, name).is_none() {
            found.push(MetadataDifference::only(
                Aspect::Variable,
                Some(name),
                name,
                false,
            ));
        }
    }
    found
}

fn member<'a>(dataset: &'a Dataset, name: &str) -> Option<&'a Variable> {
    dataset
        .coords
        .get(name)
        .or_else(|| dataset.variables.get(name))
}

fn role(dataset: &Dataset, name: &str) -> &'static str {
    if dataset.coords.contains_key(name) {
        "coordinate"
    } else {
        "data variable"
    }
}

fn push_unequal(
    aspect: Aspect,
    variable: &str,
    name: &str,
    [one, other]: [String; 2],
    found: &mut Vec<MetadataDifference>,
) {
    if one != other {
        found.push(MetadataDifference {
            aspect,
            variable: Some(variable.to_owned()),
            name: name.to_owned(),
            one: Some(one),
            other: Some(other),
        });
    }
}

fn dimensions(one: &Dataset, other: &Dataset) -> Vec<MetadataDifference> {
    let (mine, theirs) = (one.sizes(), other.sizes());
    let mut names: Vec<&String> = mine.keys().collect();
    names.extend(theirs.keys().filter(|name| !mine.contains_key(*name)));
    let differing = names
        .into_iter()
        .filter(|name| mine.get(*name) != theirs.get(*name));
    differing
        .map(|name| MetadataDifference {
            aspect: Aspect::Dimension,
            variable: None,
            name: name.clone(),
            one: mine.get(name).map(u64::to_string),
            other: theirs.get(name).map(u64::to_string),
        })
        .collect()
}

fn variables(
    name: &str,
    one: &Variable,
    other: &Variable,
    options: &DiffOptions,
    found: &mut Vec<MetadataDifference>,
) {
    let dims = [one, other].map(|side| format!("({})", side.dims.join(", ")));
    push_unequal(Aspect::Dims, name, name, dims, found);
    let dtypes = [one, other].map(|side| dtype_text(side.dtype()));
    push_unequal(Aspect::Dtype, name, name, dtypes, found);
    attributes(
        Some(name),
        &one.attributes,
        &other.attributes,
        options,
        found,
    );
}

/// Formats store texts in fixed or varying length; that is not part of what they say.
pub(super) fn dtype_text(dtype: DType) -> String {
    match dtype {
        DType::Utf8 | DType::FixedUtf8(_) => "text".to_owned(),
        DType::Bytes | DType::FixedBytes(_) => "bytes".to_owned(),
        // The display of an instant does not tell its calendar.
        DType::Time(time) => format!("{dtype} in calendar {}", time.calendar.name()),
        _ => dtype.to_string(),
    }
}

fn attributes(
    variable: Option<&str>,
    one: &Attributes,
    other: &Attributes,
    options: &DiffOptions,
    found: &mut Vec<MetadataDifference>,
) {
    let further = other.keys().filter(|name| !one.contains_key(*name));
    for name in one.keys().chain(further) {
        let (mine, theirs) = (one.get(name), other.get(name));
        let is_same = match (mine, theirs) {
            (Some(mine), Some(theirs)) => is_same_value(mine, theirs),
            _ => false,
        };
        if is_same || options.ignores(name) {
            continue;
        }
        found.push(MetadataDifference {
            aspect: Aspect::Attribute,
            variable: variable.map(str::to_owned),
            name: name.clone(),
            one: mine.map(attribute_text),
            other: theirs.map(attribute_text),
        });
    }
}

/// Formats differ in the types of numbers and in whether one value is a list; what counts is the values.
fn is_same_value(one: &AttributeValue, other: &AttributeValue) -> bool {
    if one == other {
        return true;
    }
    match (numbers(one), numbers(other)) {
        (Some(one), Some(other)) => {
            let is_same =
                |(one, other): (&f64, &f64)| one == other || one.is_nan() && other.is_nan();
            one.len() == other.len() && one.iter().zip(&other).all(is_same)
        }
        (None, None) => texts(one).is_some() && texts(one) == texts(other),
        _ => false,
    }
}

fn numbers(value: &AttributeValue) -> Option<Vec<f64>> {
    match value {
        AttributeValue::Numbers(numbers) => {
            numbers.scalars().map(|scalar| scalar.to_f64()).collect()
        }
        AttributeValue::Json(serde_json::Value::Bool(value)) => Some(vec![f64::from(*value)]),
        _ => None,
    }
}

fn texts(value: &AttributeValue) -> Option<Vec<&str>> {
    match value {
        AttributeValue::Text(text) => Some(vec![text]),
        AttributeValue::Texts(texts) => Some(texts.iter().map(String::as_str).collect()),
        _ => None,
    }
}

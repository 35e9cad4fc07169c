//! Results as text for people, in the form of xarray's repr.

use super::numpy::{Corners, quoted_text};
use super::values::{complex_text, time_text};
use crate::calendar::{date_from_count, date_string};
use crate::labels::{DataArray, DataTree, Dataset, Variable};
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Block, DType, Error, Result, Scalar, TimeKind};
use craton_plan::ops::gather;
use craton_plan::{NodeRef, Work};
use indexmap::IndexMap;

/// How much is computed and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReprOptions {
    /// Results of at most so many values are computed whole; of larger ones only the corners shown.
    pub value_limit: u64,
    /// Characters in a line.
    pub width: usize,
}

impl Default for ReprOptions {
    fn default() -> Self {
        Self {
            value_limit: 100_000,
            width: 80,
        }
    }
}

/// Arrays of more values than this are shown by their corners.
const SHOWN_WHOLE: u64 = 200;

/// An array: dimensions, values, coordinates, attributes.
///
/// # Errors
/// What computing reports.
/// # Cost
/// Computes all values where there are at most [`ReprOptions::value_limit`], else the corners shown.
pub fn repr_array(array: &DataArray, options: &ReprOptions, session: &Session) -> Result<String> {
    let name = array
        .name
        .as_ref()
        .map(|name| format!(" '{name}'"))
        .unwrap_or_default();
    let sizes: Vec<String> = array
        .variable
        .sizes()
        .map(|(dim, length)| format!("{dim}: {length}"))
        .collect();
    let sizes = if sizes.is_empty() {
        String::new()
    } else {
        format!(" ({})", sizes.join(", "))
    };
    let bytes = human_bytes(array.variable.node.meta().bytes());
    let corners = CornerPlan::new(&array.variable.node, options)?;
    let coords = summarised_nodes(array.coords.values(), options)?;
    let mut blocks = compute_with(&corners.node, coords, session)?;
    let shown = corners.cut(blocks.remove(0), session)?;
    let values = Corners {
        block: &shown,
        gaps: corners.gaps,
    }
    .to_text(options.width);
    let mut text = format!("<craton.DataArray{name}{sizes}> Size: {bytes}\n{values}\n");
    text += &coordinates(&array.coords, blocks, options);
    text += &without_coordinates(array.dims(), &array.coords);
    text += &attributes(&array.variable.attributes, options);
    Ok(text)
}

/// A dataset: dimensions, coordinates, data variables, attributes.
///
/// Data variables of more than [`ReprOptions::value_limit`] values show as `...`, as lazy ones do in xarray.
///
/// # Errors
/// What computing reports.
pub fn repr_dataset(dataset: &Dataset, options: &ReprOptions, session: &Session) -> Result<String> {
    let sizes = dataset.sizes();
    let shown: Vec<String> = sizes
        .iter()
        .map(|(dim, length)| format!("{dim}: {length}"))
        .collect();
    let all = || dataset.coords.values().chain(dataset.variables.values());
    let bytes = all().fold(0u64, |sum, variable| {
        sum.saturating_add(variable.node.meta().bytes())
    });
    let mut coords = summarised_nodes(dataset.coords.values(), options)?;
    let total = dataset
        .variables
        .values()
        .fold(0u64, |sum, variable| sum.saturating_add(count(variable)));
    let is_small = total <= options.value_limit;
    let is_shown =
        |variable: &Variable| is_small || matches!(variable.node.work(), Work::Literal(_));
    let variables = dataset
        .variables
        .values()
        .filter(|variable| is_shown(variable));
    coords.extend(summarised_nodes(variables, options)?);
    let mut blocks = super::slabs::compute_all(&coords, session)?;
    let mut of_variables = blocks.split_off(dataset.coords.len()).into_iter();
    let mut text = format!(
        "<craton.Dataset> Size: {}\nDimensions:  ({})\n",
        human_bytes(bytes),
        shown.join(", ")
    );
    text += &coordinates(&dataset.coords, blocks, options);
    text += &without_coordinates(&sizes.into_keys().collect::<Vec<_>>(), &dataset.coords);
    let column = column_width(dataset.variables.keys().chain(dataset.coords.keys()));
    text += if dataset.variables.is_empty() {
        "Data variables:\n    *empty*\n"
    } else {
        "Data variables:\n"
    };
    for (name, variable) in &dataset.variables {
        let block = if is_shown(variable) {
            of_variables.next()
        } else {
            None
        };
        text += &line(name, ' ', variable, block.as_ref(), column, options.width);
    }
    text += &attributes(&dataset.attributes, options);
    Ok(text)
}

/// Every group of a tree as its path and its dataset.
///
/// # Errors
/// As [`repr_dataset`].
pub fn repr_tree(tree: &DataTree, options: &ReprOptions, session: &Session) -> Result<String> {
    let mut text = "<craton.DataTree>\n".to_owned();
    for (path, own) in tree.nodes() {
        text += &format!("Group: {path}\n");
        let dataset = repr_dataset(own, options, session)?;
        for line in dataset.lines() {
            text += &format!("    {line}\n");
        }
    }
    Ok(text.trim_end().to_owned())
}

/// The one value of an array without dimensions (or with one element): with its units for people, or bare.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if there are more values than one; what computing reports.
pub fn value_text(array: &DataArray, is_bare: bool, session: &Session) -> Result<String> {
    if count(&array.variable) != 1 {
        let message = format!(
            "the result has {} values, of shape {:?}",
            count(&array.variable),
            array.variable.shape()
        );
        return Err(Error::invalid(message)
            .hint("a bare value needs a result of one: `.mean()`, `.isel(time=0)`"));
    }
    let block = super::slabs::compute_all(std::slice::from_ref(&array.variable.node), session)?;
    let value = block.first().and_then(|block| block.get(0));
    let value = value.ok_or_else(|| Error::internal("one value was computed to none"))?;
    let text = scalar_text(&value);
    let units = array
        .variable
        .attributes
        .get("units")
        .and_then(AttributeValue::as_text);
    Ok(match units {
        Some(units) if !is_bare && !units.is_empty() && units != "1" => format!("{text} {units}"),
        _ => text,
    })
}

/// One value with all its digits, bare.
pub(crate) fn scalar_text(value: &Scalar) -> String {
    match value.dtype() {
        DType::Time(time) => {
            time_text(value.to_i64().unwrap_or(i64::MIN), time).unwrap_or_else(|| "NaT".into())
        }
        DType::Complex64 | DType::Complex128 => complex_text(value),
        _ => value.to_text().unwrap_or_else(|| value.to_string()),
    }
}

fn count(variable: &Variable) -> u64 {
    variable
        .shape()
        .iter()
        .fold(1u64, |count, length| count.saturating_mul(*length))
}

/// What is computed of an array to show its corners.
struct CornerPlan {
    node: NodeRef,
    /// Whether `node` is cut to the corners already.
    is_cut: bool,
    edges: usize,
    gaps: Vec<Option<usize>>,
}

impl CornerPlan {
    fn new(node: &NodeRef, options: &ReprOptions) -> Result<Self> {
        let count = node
            .shape()
            .iter()
            .fold(1u64, |count, length| count.saturating_mul(*length));
        let edges = match node.shape().len() {
            0..3 => 3,
            3 => 2,
            _ => 1,
        };
        let is_long = |length: &u64| count > SHOWN_WHOLE && *length > 2 * edges as u64;
        let gaps = node
            .shape()
            .iter()
            .map(|length| is_long(length).then_some(edges))
            .collect();
        let mut plan = Self {
            node: node.clone(),
            is_cut: count > options.value_limit,
            edges,
            gaps,
        };
        if plan.is_cut {
            plan.node = plan.cornered(node)?;
        }
        Ok(plan)
    }

    /// The first and last indices along every axis that has a gap.
    fn cornered(&self, node: &NodeRef) -> Result<NodeRef> {
        let mut node = node.clone();
        for (axis, gap) in self.gaps.iter().enumerate() {
            if gap.is_some() {
                let length = node.shape()[axis];
                let edges = self.edges as u64;
                let ends: Vec<u64> = (0..edges).chain(length - edges..length).collect();
                node = gather(&node, axis, ends)?;
            }
        }
        Ok(node)
    }

    fn cut(&self, block: Block, session: &Session) -> Result<Block> {
        if self.is_cut || self.gaps.iter().all(Option::is_none) {
            return Ok(block);
        }
        let node = self.cornered(&craton_plan::ops::literal(block)?)?;
        session.compute(&[node]).map(|mut blocks| blocks.remove(0))
    }
}

/// What is computed of variables that are shown in one line: of long ones a few values of both ends.
fn summarised_nodes<'a>(
    variables: impl Iterator<Item = &'a Variable>,
    options: &ReprOptions,
) -> Result<Vec<NodeRef>> {
    variables
        .map(|variable| ends(&variable.node, options.width))
        .collect()
}

/// The first and last elements of `node` in C order, half a line each, with one in between that stands for the rest.
fn ends(node: &NodeRef, width: usize) -> Result<NodeRef> {
    let most = (width / 2) as u64;
    let shape = node.shape();
    let count = shape
        .iter()
        .fold(1u64, |count, length| count.saturating_mul(*length));
    if count <= 2 * most || shape.is_empty() {
        return Ok(node.clone());
    }
    // Of all axes but the last the first and last index; of the last axis both ends.
    let mut node = node.clone();
    for axis in 0..shape.len() {
        let length = shape[axis];
        let keep = if axis + 1 == shape.len() { most } else { 1 };
        if length > 2 * keep {
            let list: Vec<u64> = (0..keep).chain(length - keep..length).collect();
            node = gather(&node, axis, list)?;
        }
    }
    Ok(node)
}

fn compute_with(
    first: &NodeRef,
    mut others: Vec<NodeRef>,
    session: &Session,
) -> Result<Vec<Block>> {
    others.insert(0, first.clone());
    super::slabs::compute_all(&others, session)
}

fn coordinates(
    coords: &IndexMap<String, Variable>,
    blocks: Vec<Block>,
    options: &ReprOptions,
) -> String {
    if coords.is_empty() {
        return String::new();
    }
    let column = column_width(coords.keys());
    let lines = coords.iter().zip(&blocks).map(|((name, coord), block)| {
        let marker = if coord.dims == [name.clone()] {
            '*'
        } else {
            ' '
        };
        line(name, marker, coord, Some(block), column, options.width)
    });
    format!("Coordinates:\n{}", lines.collect::<String>())
}

fn without_coordinates(dims: &[String], coords: &IndexMap<String, Variable>) -> String {
    let bare: Vec<&str> = dims
        .iter()
        .filter(|dim| !coords.contains_key(*dim))
        .map(String::as_str)
        .collect();
    match bare.is_empty() {
        true => String::new(),
        false => format!("Dimensions without coordinates: {}\n", bare.join(", ")),
    }
}

fn column_width<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max(7)
        + 6
}

/// `  * time     (time) datetime64[s] 16B 2000-01-01 2000-01-02`
fn line(
    name: &str,
    marker: char,
    variable: &Variable,
    block: Option<&Block>,
    column: usize,
    width: usize,
) -> String {
    let dims = variable.dims.join(", ");
    let dims = if dims.is_empty() {
        dims
    } else {
        format!("({dims}) ")
    };
    let bytes = human_bytes(variable.node.meta().bytes());
    let start = format!("  {marker} {name} ");
    let front = format!("{start:column$}{dims}{} {bytes} ", variable.dtype());
    let room = width.saturating_sub(front.chars().count());
    let values = block.map_or_else(
        || "...".to_owned(),
        |block| flat_values(block, count(variable), room),
    );
    format!("{}\n", format!("{front}{values}").trim_end())
}

/// Values of both ends, as many as fit `width`; `count` is how many there are in all.
fn flat_values(block: &Block, count: u64, width: usize) -> String {
    let length = block.len();
    let is_cut = (length as u64) < count;
    let relevant = length.min(width.div_ceil(2).max(1));
    let words = |range: std::ops::Range<usize>| -> Vec<String> {
        range
            .filter_map(|at| block.get(at))
            .map(|value| short_text(&value))
            .collect()
    };
    let front = words(0..relevant.div_ceil(2));
    let back = words(length - relevant / 2..length);
    // Which fit, taken from both ends in turn.
    let (mut used, mut shown) = (0, 0);
    let is_whole = !is_cut && relevant == length && {
        let total: usize = front
            .iter()
            .chain(&back)
            .map(|word| word.chars().count() + 1)
            .sum();
        total <= width + 1
    };
    while shown < relevant && !is_whole {
        let word = if shown % 2 == 0 {
            &front[shown / 2]
        } else {
            &back[back.len() - 1 - shown / 2]
        };
        used += word.chars().count() + 1;
        if used - 1 + " ... ".len() - 1 > width && shown >= 2 {
            break;
        }
        shown += 1;
    }
    let shown = if is_whole { relevant } else { shown };
    let (first, last) = (&front[..shown.div_ceil(2)], &back[back.len() - shown / 2..]);
    let gap = match (is_whole || (!is_cut && shown == length), last.is_empty()) {
        (false, _) => " ... ",
        (true, true) => "",
        (true, false) => " ",
    };
    let text = format!("{}{gap}{}", first.join(" "), last.join(" "));
    cut_to(&text, width)
}

/// One value as it stands in a line of values.
pub(crate) fn short_text(value: &Scalar) -> String {
    match value.dtype() {
        dtype if dtype.is_float() => four_digits(value.to_f64().unwrap_or(f64::NAN)),
        DType::Bool => if value.to_i64() == Some(0) {
            "False"
        } else {
            "True"
        }
        .to_owned(),
        DType::Time(time) => {
            let count = value.to_i64().unwrap_or(i64::MIN);
            let text = time_text(count, time).unwrap_or_else(|| "NaT".into());
            match (
                time.kind,
                text.strip_suffix("T00:00:00"),
                date_from_count(count, time),
            ) {
                (TimeKind::Instant, Some(_), Some(date)) => date_string(date),
                _ => text,
            }
        }
        DType::Complex64 | DType::Complex128 => complex_text(value),
        _ => quoted_text(value),
    }
}

/// Four significant digits, and at least one after the point: `1.0`, `288.2`, `1.013e+05`.
fn four_digits(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let text = format!("{value:.3e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..3).contains(&exponent) {
        let digits = usize::try_from(3 - exponent).unwrap_or(0);
        let text = format!("{value:.digits$}");
        let text = text.trim_end_matches('0');
        return if text.ends_with('.') {
            format!("{text}0")
        } else {
            text.to_owned()
        };
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn attributes(attributes: &Attributes, options: &ReprOptions) -> String {
    if attributes.is_empty() {
        return String::new();
    }
    let column = column_width(attributes.keys());
    let lines = attributes.iter().map(|(name, value)| {
        let key = format!("    {name}:");
        let value = attribute_text(value)
            .replace('\n', "\\n")
            .replace('\t', "\\t");
        format!(
            "{}\n",
            cut_to(&format!("{key:column$} {value}"), options.width).trim_end()
        )
    });
    format!("Attributes:\n{}", lines.collect::<String>())
}

/// An attribute's value in words.
pub(crate) fn attribute_text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Numbers(numbers) if numbers.is_scalar => numbers
            .scalars()
            .next()
            .map(|value| value.to_string())
            .unwrap_or_default(),
        AttributeValue::Numbers(numbers) => {
            let values: Vec<String> = numbers.scalars().map(|value| value.to_string()).collect();
            format!("[{}]", values.join(", "))
        }
        other => other.to_json().to_string(),
    }
}

fn cut_to(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// `24B`, `8kB`, `2MB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    #[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.0}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{attributes, floats, session, temperatures, times, variable};
    use super::*;
    use craton_core::{Calendar, TimeUnit};

    fn shown(array: &DataArray, value_limit: u64) -> String {
        let options = ReprOptions {
            value_limit,
            ..ReprOptions::default()
        };
        repr_array(array, &options, &session()).unwrap()
    }

    #[test]
    fn an_array_shows_values_coordinates_and_attributes() {
        let expected = r#"<craton.DataArray 't2m' (time: 2, station: 3)> Size: 48B
array([[1.5, nan, 3. ],
       [4. , 5. , inf]])
Coordinates:
  * time     (time) datetime64[D] 16B 2000-01-01 2000-01-02
  * station  (station) str 48B 'a' 'b,c' 'd"e'
    height   float64 8B 2.0
Attributes:
    units:    K
"#;
        assert_eq!(shown(&temperatures(), 100_000), expected);
    }

    #[test]
    fn corners_alone_show_what_the_whole_shows() {
        let values: Vec<f64> = (0..900).map(f64::from).collect();
        let array = DataArray::new(variable(&["y", "x"], floats(&values, &[30, 30])));
        let whole = shown(&array, 100_000);
        assert_eq!(whole, shown(&array, 100));
        assert!(
            whole.contains("array([[  0.,   1.,   2., ...,  27.,  28.,  29.],\n"),
            "{whole}"
        );
        assert!(whole.contains("       ...,\n"), "{whole}");
        assert!(
            whole.ends_with("Dimensions without coordinates: y, x\n"),
            "{whole}"
        );
    }

    #[test]
    fn long_coordinates_show_both_ends() {
        let mut array = DataArray::new(variable(&["time"], floats(&[0.0; 1000], &[1000])));
        let days: Vec<i64> = (0..1000).collect();
        let time = variable(&["time"], times(&days, TimeUnit::Day, Calendar::NoLeap));
        array.coords.insert("time".into(), time);
        let text = shown(&array, 100_000);
        let expected = "  * time     (time) datetime64[D] noleap 8kB 1970-01-01 ... 1972-09-27\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn one_value_prints_with_units_or_bare() {
        let mut array = DataArray::new(variable(&[], floats(&[287.25], &[])));
        array.variable.attributes = attributes(&[("units", "K")]);
        assert_eq!(value_text(&array, false, &session()).unwrap(), "287.25 K");
        assert_eq!(value_text(&array, true, &session()).unwrap(), "287.25");
        assert!(value_text(&temperatures(), true, &session()).is_err());
    }

    #[test]
    fn four_digits_are_those_of_python() {
        for (value, text) in [
            (1.0, "1.0"),
            (288.15, "288.1"),
            (101_325.0, "1.013e+05"),
            (-0.5, "-0.5"),
            (0.0, "0.0"),
            (1000.0, "1e+03"),
            (0.00012, "0.00012"),
            (0.000_012, "1.2e-05"),
        ] {
            assert_eq!(four_digits(value), text);
        }
    }

    #[test]
    fn a_dataset_lists_its_variables() {
        let mut dataset = Dataset::from_arrays([("t2m".to_owned(), temperatures())]).unwrap();
        dataset.attributes = attributes(&[("title", "two\nlines")]);
        let text = repr_dataset(&dataset, &ReprOptions::default(), &session()).unwrap();
        let expected = r#"<craton.Dataset> Size: 120B
Dimensions:  (time: 2, station: 3)
Coordinates:
  * time     (time) datetime64[D] 16B 2000-01-01 2000-01-02
  * station  (station) str 48B 'a' 'b,c' 'd"e'
    height   float64 8B 2.0
Data variables:
    t2m      (time, station) float64 48B 1.5 nan 3.0 4.0 5.0 inf
Attributes:
    title:    two\nlines
"#;
        assert_eq!(text, expected);
    }
}

//! What a picture says: title, slice, units.

use super::dates;
use super::roles::{Role, Vertical, role_of};
use super::sink::{block, texts, values};
use crate::calendar::{date_from_count, iso_string};
use crate::labels::{DataArray, Variable};
use crate::output::recipe::urls_of;
use crate::session::Session;
use craton_core::{DType, Result, TimeKind, TimeType};
use craton_plan::NodeRef;
use craton_plot::axis::{
    Axis, Tick, latitude_ticks, longitude_ticks, printed_units, shortest, signed,
};

/// Coordinates of one value in the line under the title.
const MOST_SLICES: usize = 4;

fn attribute<'a>(variable: &'a Variable, key: &str) -> Option<&'a str> {
    let text = variable.attributes.get(key)?.as_text()?.trim();
    (!text.is_empty()).then_some(text)
}

/// `2 metre temperature`: the long name, the standard name, the name.
fn name_of(variable: &Variable, name: Option<&str>) -> Option<String> {
    attribute(variable, "long_name")
        .map(str::to_owned)
        .or_else(|| attribute(variable, "standard_name").map(|text| text.replace('_', " ")))
        .or_else(|| name.map(str::to_owned))
}

/// The units as they are printed; none where the values have none.
pub(super) fn units(variable: &Variable) -> Option<String> {
    let units = attribute(variable, "units")?;
    let is_nothing = matches!(
        units,
        "1" | "unitless" | "dimensionless" | "none" | "None" | "-"
    );
    (!is_nothing).then(|| printed_units(units))
}

/// The title: as asked for, else what the values are, else the expression.
pub(super) fn title(array: &DataArray, asked: Option<&str>, expression: &str) -> String {
    match asked {
        Some(title) => title.to_owned(),
        None => {
            name_of(&array.variable, array.name.as_deref()).unwrap_or_else(|| one_line(expression))
        }
    }
}

/// What the values are, where no title says so, with their units.
pub(super) fn value_label(array: &DataArray, is_titled: bool) -> String {
    let units = units(&array.variable);
    let name = name_of(&array.variable, array.name.as_deref()).filter(|_| is_titled);
    match (name, units) {
        (Some(name), Some(units)) => format!("{name} [{units}]"),
        (Some(name), None) => name,
        (None, Some(units)) => units,
        (None, None) => String::new(),
    }
}

/// `depth [m]`
pub(super) fn coord_label(name: &str, coord: Option<&Variable>) -> String {
    let Some(coord) = coord else {
        return name.to_owned();
    };
    let title = name_of(coord, Some(name)).unwrap_or_else(|| name.to_owned());
    match units(coord) {
        Some(units) => format!("{title} [{units}]"),
        None => title,
    }
}

/// Where the slice lies, `time = 2004-07-01 · level = 500 hPa`; else the expression where it says more than a name.
pub(super) fn subtitle(array: &DataArray, expression: &str, session: &Session) -> Result<String> {
    let mut parts = Vec::new();
    let scalars = array
        .coords
        .iter()
        .filter(|(_, coord)| coord.dims.is_empty());
    for (name, coord) in scalars {
        if let Some(text) = scalar_text(coord, session)? {
            let is_time = matches!(coord.dtype(), DType::Time(_));
            parts.push((!is_time, format!("{name} = {text}")));
        }
    }
    parts.sort_by_key(|(is_later, _)| *is_later);
    parts.truncate(MOST_SLICES);
    if !parts.is_empty() {
        let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        return Ok(texts.join("  ·  "));
    }
    let says_more = expression.contains('(') || expression.contains(" - ");
    let is_title = name_of(&array.variable, array.name.as_deref()).is_none();
    Ok(if says_more && !is_title {
        one_line(expression)
    } else {
        String::new()
    })
}

fn one_line(expression: &str) -> String {
    let lines = expression
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("; ")
}

fn scalar_text(coord: &Variable, session: &Session) -> Result<Option<String>> {
    if let DType::Time(time) = coord.dtype() {
        if time.kind == TimeKind::Duration {
            return Ok(None);
        }
        let count = block(&coord.node, session)?
            .get(0)
            .and_then(|count| count.to_i64());
        return Ok(count.and_then(|count| time_text(count, time)));
    }
    if coord.dtype().is_float() || coord.dtype().is_integer() {
        let values = values(&coord.node, session)?;
        let Some(value) = values.first().filter(|value| value.is_finite()) else {
            return Ok(None);
        };
        let text = signed(&shortest(*value));
        return Ok(Some(match units(coord) {
            Some(units) if !units.contains(" since ") && !units.starts_with("degree") => {
                format!("{text} {units}")
            }
            _ => match role_of("", coord) {
                Role::Latitude | Role::Longitude => format!("{text}°"),
                _ => text,
            },
        }));
    }
    let text = texts(&coord.node, session)?.into_iter().next();
    Ok(text.filter(|text| !text.is_empty() && text.len() <= 60))
}

/// `2004-07-01 06:00`
fn time_text(count: i64, time: TimeType) -> Option<String> {
    let text = iso_string(date_from_count(count, time)?);
    let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
    let clock = clock.strip_suffix(":00").unwrap_or(clock);
    Some(if clock.is_empty() || clock == "00:00" {
        day.to_owned()
    } else {
        format!("{day} {clock}")
    })
}

/// Whether zero is the middle of the colours: always for what is called an anomaly, never for temperatures in degrees
/// Celsius that are none; else the values decide.
pub(super) fn is_centred(array: &DataArray) -> Option<bool> {
    let texts = ["long_name", "standard_name", "cell_methods"]
        .iter()
        .filter_map(|key| attribute(&array.variable, key))
        .chain(array.name.as_deref());
    let texts = texts.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let is_anomaly = [
        "anomal",
        "difference",
        "departure",
        "deviation from",
        "tendency",
        "bias",
    ]
    .iter()
    .any(|word| texts.contains(word));
    if is_anomaly {
        return Some(true);
    }
    let is_celsius = units(&array.variable).is_some_and(|units| units == "°C");
    (is_celsius && !is_difference(&array.variable.node)).then_some(false)
}

/// Whether the values come of a subtraction, perhaps followed by views of it.
fn is_difference(node: &NodeRef) -> bool {
    let mut node = node;
    loop {
        if let [_, taken] = node.inputs()
            && node.operator().name() == "binary"
        {
            // From kelvins to degrees Celsius a constant is taken away, which makes no difference of data.
            return node.operator().describe() == "subtract" && !urls_of([taken]).is_empty();
        }
        match node.inputs() {
            [input] => node = input,
            _ => return false,
        }
    }
}

/// An axis with its cells' middles, drawn from `low` to `high`.
pub(super) struct Coordinate {
    /// The middle of every cell; positions where there is no number.
    pub(super) centres: Vec<f64>,
    /// What the dimension stands for.
    pub(super) role: Role,
    name: String,
    coord: Option<Variable>,
    /// Texts that take the place of numbers.
    texts: Vec<String>,
}

impl Coordinate {
    /// The coordinate of a dimension.
    pub(super) fn of(array: &DataArray, dim: &str, session: &Session) -> Result<Self> {
        let length = array.variable.shape()[array.axis(dim)?] as usize;
        let positions = || (0..length).map(|at| at as f64).collect::<Vec<_>>();
        let coord = array.index(dim).cloned();
        let mut labels = Vec::new();
        let mut role = Role::Other;
        let mut centres = match &coord {
            Some(coord)
                if matches!(
                    coord.dtype(),
                    DType::Utf8 | DType::FixedUtf8(_) | DType::FixedBytes(_)
                ) =>
            {
                labels = texts(&coord.node, session)?;
                positions()
            }
            Some(coord)
                if coord.dtype().is_numeric() || matches!(coord.dtype(), DType::Time(_)) =>
            {
                role = role_of(dim, coord);
                values(&coord.node, session)?
            }
            _ => positions(),
        };
        // Labels that do not all lie one way cannot be an axis; nor can missing ones.
        let rises = centres.windows(2).all(|pair| pair[0] < pair[1]);
        let falls = centres.windows(2).all(|pair| pair[0] > pair[1]);
        if role == Role::Longitude {
            unwrap(&mut centres);
        } else if !(rises || falls) || centres.iter().any(|value| !value.is_finite()) {
            return Ok(Self {
                centres: positions(),
                role: Role::Other,
                name: format!("position along {dim}"),
                coord: None,
                texts: Vec::new(),
            });
        }
        Ok(Self {
            centres,
            role,
            name: dim.to_owned(),
            coord,
            texts: labels,
        })
    }

    /// Whether the labels are texts.
    pub(super) fn has_texts(&self) -> bool {
        !self.texts.is_empty()
    }

    /// The axis from `start` to `end`, with about `count` marks.
    pub(super) fn axis(&self, start: f64, end: f64, count: usize) -> Axis {
        let label = coord_label(&self.name, self.coord.as_ref());
        let plain = |ticks: Vec<Tick>, label: String| Axis {
            start,
            end,
            is_logarithmic: false,
            ticks,
            label,
        };
        let (low, high) = (start.min(end), start.max(end));
        if self.has_texts() {
            let step = self.texts.len().div_ceil(count.max(1) * 2).max(1);
            let texts = self.texts.iter().enumerate().step_by(step);
            return plain(
                texts.map(|(at, text)| Tick::new(at as f64, text)).collect(),
                label,
            );
        }
        match (self.role, self.coord.as_ref().map(Variable::dtype)) {
            (_, Some(DType::Time(time))) if time.kind == TimeKind::Instant => {
                plain(dates::ticks(start, end, time, count + 2), String::new())
            }
            (Role::Longitude, _) => plain(longitude_ticks(low, high, count), String::new()),
            (Role::Latitude, _) => plain(latitude_ticks(low, high, count), String::new()),
            (Role::Vertical(Vertical::Pressure), _) if low > 0.0 && high / low >= 50.0 => {
                Axis::ratios(start, end, label, count)
            }
            _ => Axis::numbers(start, end, label, count),
        }
    }

    /// Whether the first value on screen is the greatest.
    pub(super) fn is_inverted(&self) -> bool {
        matches!(
            self.role,
            Role::Vertical(Vertical::Down | Vertical::Pressure)
        )
    }
}

/// Longitudes without jumps: 350, 355, 0 becomes 350, 355, 360.
pub(super) fn unwrap(lons: &mut [f64]) {
    for at in 1..lons.len() {
        let step = (lons[at] - lons[at - 1] + 180.0).rem_euclid(360.0) - 180.0;
        if step.is_finite() {
            lons[at] = lons[at - 1] + step;
        }
    }
}

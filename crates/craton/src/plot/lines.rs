//! Lines: series of time, profiles, several lines where one dimension is short.

use super::Plot;
use super::roles::{Role, Roles};
use super::sink::{reduce, texts, values};
use super::text::{self, Coordinate};
use crate::labels::{DataArray, PositionSelection};
use craton_core::{DType, Error, Result};
use craton_plot::axis::{Axis, shortest, signed};
use craton_plot::drawing::Drawing;
use craton_plot::line::{self, Series};
use craton_plot::reduce::Bins;
use craton_plot::terminal::{self, MapOptions};

/// Lines of one plot at most.
const MOST_LINES: u64 = 8;

/// Whether a field of two dimensions is better drawn as lines: one dimension is short and no axis of space or time.
pub(super) fn suits(array: &DataArray, roles: &Roles) -> bool {
    short_dim(array, roles).is_some_and(|short| {
        let other = array.dims().iter().find(|dim| **dim != short);
        other.is_some_and(|dim| matches!(roles.of_dim(dim), Role::Time | Role::Vertical(_)))
    })
}

fn short_dim(array: &DataArray, roles: &Roles) -> Option<String> {
    let sizes = array.variable.sizes();
    let short =
        sizes.filter(|(dim, length)| *length <= MOST_LINES && roles.of_dim(dim) == Role::Other);
    short
        .min_by_key(|(_, length)| *length)
        .map(|(dim, _)| dim.to_owned())
}

/// Draws one line an array, or one a label of an array's short dimension.
pub(super) fn draw(plot: &Plot<'_>, arrays: &[DataArray]) -> Result<Drawing> {
    let [first, ..] = arrays else {
        return Err(Error::internal("a plot of no lines"));
    };
    let lines = lines_of(plot, arrays)?;
    let Some((_, sample)) = lines.first() else {
        return Err(Error::usage("the result has no values"));
    };
    let along = Coordinate::of(sample, &sample.dims()[0], plot.session)?;
    let mut figure = plot.figure(first)?;
    let has_units = same(arrays.iter().map(|array| text::units(&array.variable)));
    if arrays.len() > 1 {
        figure.title = plot.options.title.clone().unwrap_or_else(|| {
            let names = arrays.iter().filter_map(|array| array.name.clone());
            names.collect::<Vec<_>>().join(", ")
        });
    }
    let most = figure.width as usize * 2;
    let mut series = Vec::new();
    for (name, array) in &lines {
        series.push(Series {
            name: name.clone(),
            points: points(plot, array, &along, most)?,
        });
    }
    let label = match (arrays, has_units) {
        ([array], _) => plot.bar_label(array),
        (_, Some(units)) => units.unwrap_or_default(),
        _ => String::new(),
    };
    let values = value_axis(plot, &series, label)?;
    let (low, high) = ends(&along.centres);
    if !matches!(along.role, Role::Vertical(_)) {
        let axis = along.axis(low, high, 8);
        return Ok(line::draw(&figure, &axis, &values, &series));
    }
    // A profile: the vertical axis is the array's own.
    let up = if along.is_inverted() {
        along.axis(high, low, 7)
    } else {
        along.axis(low, high, 7)
    };
    for series in &mut series {
        for point in &mut series.points {
            *point = (point.1, point.0);
        }
    }
    if figure.height.is_none() {
        (figure.width, figure.height) = (figure.width * 2 / 3, Some(figure.width * 2 / 3));
    }
    Ok(line::draw(&figure, &values, &up, &series))
}

/// The single value of equal ones.
fn same<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Arrays of one dimension, each with its name.
fn lines_of(plot: &Plot<'_>, arrays: &[DataArray]) -> Result<Vec<(String, DataArray)>> {
    let [array] = arrays else {
        let named = |array: &DataArray| (array.name.clone().unwrap_or_default(), array.clone());
        return Ok(arrays.iter().map(named).collect());
    };
    if array.dims().len() == 1 {
        return Ok(vec![(
            array.name.clone().unwrap_or_default(),
            array.clone(),
        )]);
    }
    let roles = Roles::of(array);
    let short = short_dim(array, &roles).or_else(|| {
        let sizes = array
            .variable
            .sizes()
            .filter(|(_, length)| *length <= MOST_LINES);
        sizes
            .min_by_key(|(_, length)| *length)
            .map(|(dim, _)| dim.to_owned())
    });
    let Some(short) = short.filter(|_| array.dims().len() == 2) else {
        let sizes: Vec<String> = array
            .variable
            .sizes()
            .map(|(dim, length)| format!("{dim}: {length}"))
            .collect();
        let message = format!(
            "lines need one dimension, or a second of at most {MOST_LINES}; this has ({})",
            sizes.join(", ")
        );
        let first = array.dims().first().cloned().unwrap_or_default();
        return Err(Error::usage(message).hint(format!(
            "`.isel({first}=0)` or `.mean(\"{first}\")` takes one away"
        )));
    };
    let count = array.variable.shape()[array.axis(&short)?];
    let names = label_texts(plot, array, &short)?;
    (0..count)
        .map(|at| {
            let line = array.select_positions(&short, &PositionSelection::At(at as i64))?;
            let name = names
                .get(at as usize)
                .cloned()
                .unwrap_or_else(|| format!("{short} {at}"));
            Ok((name, line))
        })
        .collect()
}

/// What each label of a dimension is called.
fn label_texts(plot: &Plot<'_>, array: &DataArray, dim: &str) -> Result<Vec<String>> {
    let Some(coord) = array.index(dim) else {
        return Ok(Vec::new());
    };
    if coord.dtype().is_integer() || coord.dtype().is_float() {
        let values = values(&coord.node, plot.session)?;
        return Ok(values
            .iter()
            .map(|value| format!("{dim} = {}", signed(&shortest(*value))))
            .collect());
    }
    if matches!(coord.dtype(), DType::Time(_)) {
        return Ok(Vec::new());
    }
    texts(&coord.node, plot.session)
}

/// The points of a line: all of them, or the least and the greatest of each of `most` stretches.
fn points(
    plot: &Plot<'_>,
    array: &DataArray,
    along: &Coordinate,
    most: usize,
) -> Result<Vec<(f64, f64)>> {
    let length = along.centres.len();
    let bins = Bins::equal(length, most.max(1));
    let starts = bins.starts().to_vec();
    let reduced = reduce(&array.variable.node, Bins::single(1), bins, plot.session)?;
    let extremes = reduced.extremes();
    if extremes.len() == length {
        return Ok(along
            .centres
            .iter()
            .copied()
            .zip(extremes.iter().map(|(value, _)| *value))
            .collect());
    }
    let mut points = Vec::with_capacity(extremes.len() * 2);
    for (pair, (least, greatest)) in starts.windows(2).zip(extremes) {
        let (first, last) = (along.centres[pair[0]], along.centres[pair[1] - 1]);
        points.push((first * 0.75 + last * 0.25, least));
        points.push((first * 0.25 + last * 0.75, greatest));
    }
    Ok(points)
}

fn ends(values: &[f64]) -> (f64, f64) {
    let (low, high) = values
        .iter()
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    if low < high {
        (low, high)
    } else if low == high {
        (low - 0.5, high + 0.5)
    } else {
        (0.0, 1.0)
    }
}

/// The axis of values, a little longer than they need.
fn value_axis(plot: &Plot<'_>, series: &[Series], label: String) -> Result<Axis> {
    let all: Vec<f64> = series
        .iter()
        .flat_map(|series| series.points.iter().map(|(_, value)| *value))
        .collect();
    let (low, high) = ends(&all);
    let room = (high - low) * 0.05;
    let low = plot.options.low.unwrap_or(low - room);
    let high = plot.options.high.unwrap_or(high + room);
    if low.partial_cmp(&high) != Some(std::cmp::Ordering::Less) {
        return Err(Error::usage(format!(
            "the axis goes from {low} to {high}, which is not upwards"
        ))
        .hint("`--vmin` is the lower end, `--vmax` the upper"));
    }
    Ok(Axis::numbers(low, high, label, 6))
}

/// Draws lines with the letters of a terminal.
pub(super) fn in_terminal(
    plot: &Plot<'_>,
    arrays: &[DataArray],
    options: &MapOptions,
) -> Result<String> {
    let [first, ..] = arrays else {
        return Err(Error::internal("a plot of no lines"));
    };
    let lines = lines_of(plot, arrays)?;
    let Some((_, sample)) = lines.first() else {
        return Err(Error::usage("the result has no values"));
    };
    let along = Coordinate::of(sample, &sample.dims()[0], plot.session)?;
    let (low, high) = ends(&along.centres);
    let axis = along.axis(low, high, 5);
    let mut series = Vec::new();
    for (_, array) in &lines {
        series.push(points(plot, array, &along, options.width.max(2) * 2)?);
    }
    let figure = plot.figure(first)?;
    let title = [figure.title.as_str(), figure.subtitle.as_str()];
    let title = title
        .iter()
        .filter(|text| !text.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("  ");
    let options = MapOptions {
        title,
        units: plot.bar_label(first),
        limits: plot.options.low.zip(plot.options.high),
        ..options.clone()
    };
    Ok(terminal::draw_lines(&series, &axis, &options))
}

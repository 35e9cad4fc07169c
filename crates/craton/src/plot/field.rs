//! Fields over two axes that are not a map: sections, time against latitude, anything else.

use super::Plot;
use super::roles::{Role, Roles};
use super::sink::reduce;
use super::text::Coordinate;
use crate::labels::DataArray;
use craton_core::{Error, Result};
use craton_plot::axis::{Axis, edges_of};
use craton_plot::colour::Scale;
use craton_plot::drawing::Drawing;
use craton_plot::grid::Sheet;
use craton_plot::reduce::Bins;
use craton_plot::terminal::{self, MapOptions};

/// Draws a field.
pub(super) fn draw(plot: &Plot<'_>, array: &DataArray) -> Result<Drawing> {
    let array = array.transpose(&dims(array)?)?;
    let coordinate = |axis: usize| Coordinate::of(&array, &array.dims()[axis], plot.session);
    let (up, across) = (coordinate(0)?, coordinate(1)?);
    let (up_edges, across_edges) = (edges(&up), edges(&across));
    let figure = plot.figure(&array)?;
    let sheet = Sheet::new(
        &figure,
        axis(&across, &across_edges, false),
        axis(&up, &up_edges, true),
    );
    let rows = Bins::by_pixel(up.centres.len(), |at| sheet.row_of(up.centres[at]));
    let columns = Bins::by_pixel(across.centres.len(), |at| {
        sheet.column_of(across.centres[at])
    });
    let (row_edges, column_edges) = (rows.edges(&up_edges), columns.edges(&across_edges));
    let values = reduce(&array.variable.node, rows, columns, plot.session)?.outstanding();
    let scale = Scale::new(values.iter().copied(), &plot.scale_options(&array))?;
    Ok(sheet.draw(
        &column_edges,
        &row_edges,
        &values,
        &scale,
        &plot.bar_label(&array),
    ))
}

/// Edges of cells; on an axis of ratios as far apart as ratios are, so that none is below zero.
fn edges(coordinate: &Coordinate) -> Vec<f64> {
    let edges = edges_of(&coordinate.centres, 1.0);
    match coordinate.role {
        Role::Latitude => edges
            .into_iter()
            .map(|edge| edge.clamp(-90.0, 90.0))
            .collect(),
        Role::Vertical(_) if coordinate.centres.iter().all(|value| *value >= 0.0) => {
            // No pressure and no depth lies above the top.
            let least = coordinate
                .centres
                .iter()
                .copied()
                .fold(f64::INFINITY, f64::min);
            let floor = if least > 0.0 { least * 0.75 } else { 0.0 };
            edges.into_iter().map(|edge| edge.max(floor)).collect()
        }
        _ => edges,
    }
}

/// The vertical dimension, or the first, then the one across.
fn dims(array: &DataArray) -> Result<Vec<String>> {
    let [first, second] = array.dims() else {
        return Err(Error::internal("a field of other than two dimensions"));
    };
    let roles = Roles::of(array);
    // What people expect upwards: heights first, then latitudes, then time unless latitude runs with it.
    let rank = |dim: &str, is_first: bool| match roles.of_dim(dim) {
        Role::Vertical(_) => 4,
        Role::Latitude => 3,
        Role::Other => 1 + i32::from(is_first),
        Role::Time => match (roles.of_dim(first), roles.of_dim(second)) {
            (Role::Longitude, _) | (_, Role::Longitude) => 3,
            _ => 0,
        },
        Role::Longitude => 0,
    };
    Ok(if rank(first, true) >= rank(second, false) {
        vec![first.clone(), second.clone()]
    } else {
        vec![second.clone(), first.clone()]
    })
}

/// The axis over all cells.
fn axis(coordinate: &Coordinate, edges: &[f64], is_up: bool) -> Axis {
    let (low, high) = edges
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), edge| {
            (low.min(*edge), high.max(*edge))
        });
    let count = if is_up { 6 } else { 7 };
    if is_up && coordinate.is_inverted() {
        coordinate.axis(high, low, count)
    } else {
        coordinate.axis(low, high, count)
    }
}

/// Draws a field with the letters of a terminal.
pub(super) fn in_terminal(
    plot: &Plot<'_>,
    array: &DataArray,
    options: &MapOptions,
) -> Result<String> {
    let array = match Roles::of(array).places {
        Some(places) if array.dims().contains(&places.lat) => {
            array.transpose(&[places.lat.clone(), places.lon])?
        }
        Some(_) if array.dims().len() == 1 => {
            return Err(Error::usage("points are not drawn in a terminal")
                .hint("`-o OUT.png` draws them, `--kind line` draws their values"));
        }
        Some(_) => array.clone(),
        None => array.transpose(&dims(array)?)?,
    };
    let coordinate = |axis: usize| Coordinate::of(&array, &array.dims()[axis], plot.session);
    let (up, across) = (coordinate(0)?, coordinate(1)?);
    let most = (options.width.max(1), options.height.max(1) * 2);
    let rows = Bins::equal(up.centres.len(), most.1);
    let columns = Bins::equal(across.centres.len(), most.0);
    let reduced = reduce(&array.variable.node, rows, columns, plot.session)?;
    let values = reduced.outstanding();
    let (height, width) = reduced.shape();
    let rises = |coordinate: &Coordinate| {
        let centres = &coordinate.centres;
        centres
            .first()
            .zip(centres.last())
            .is_some_and(|(first, last)| first < last)
    };
    let mut field = terminal::Field::new(&values, height, width)?;
    // Positions without labels begin at the top, as a table does.
    let is_labelled = up.role != Role::Other;
    field.starts_at_bottom = is_labelled && rises(&up) != up.is_inverted();
    field.starts_at_right = !rises(&across) && across.centres.len() > 1;
    let scale = Scale::new(values.iter().copied(), &plot.scale_options(&array))?;
    let figure = plot.figure(&array)?;
    let title = [figure.title.as_str(), figure.subtitle.as_str()];
    let options = MapOptions {
        title: title
            .iter()
            .filter(|text| !text.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("  "),
        units: plot.bar_label(&array),
        limits: Some((scale.low, scale.high)),
        ..options.clone()
    };
    Ok(terminal::draw_map(&field, &options))
}

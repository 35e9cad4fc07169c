//! Maps of a result: its longitudes and latitudes, the part that is read, and the cells that are drawn.

use super::Plot;
use super::roles::{Form, Places, Roles};
use super::sink::{reduce, values};
use super::text::unwrap;
use crate::labels::{DataArray, PositionSelection, Variable};
use craton_core::{Error, Result};
use craton_plan::ops::gather;
use craton_plot::axis::edges_of;
use craton_plot::colour::Scale;
use craton_plot::drawing::Drawing;
use craton_plot::map::{Field, GlobeRegion, Mesh, Sheet, View, span};
use craton_plot::projection::{Projection, east_of};
use craton_plot::reduce::Bins;

/// Points that are drawn one by one at most.
const MOST_POINTS: u64 = 1 << 24;

/// Draws a map.
pub(super) fn draw(plot: &Plot<'_>, array: &DataArray) -> Result<Drawing> {
    let roles = Roles::of(array);
    let places = roles
        .places
        .ok_or_else(|| Error::internal("a map without longitudes and latitudes"))?;
    let (field, sheet) = match places.form {
        Form::Axes => axes(plot, array, &places)?,
        Form::Mesh => mesh(plot, array, &places)?,
        Form::Points => points(plot, array, &places)?,
    };
    let scale = Scale::new(field.values().iter().copied(), &plot.scale_options(array))?;
    Ok(sheet.draw(&field, &scale, &plot.bar_label(array)))
}

/// The view of `region`, or of what was asked for.
fn view(plot: &Plot<'_>, own: GlobeRegion) -> Result<View> {
    let mut region = plot.options.region.unwrap_or(own);
    let projection = match &plot.options.projection {
        Some(text) => Projection::from_text(text, middle(&region))?,
        None => Projection::PlateCarree,
    };
    if plot.options.region.is_none() {
        match projection {
            // A polar map of the globe is one of its cap.
            Projection::NorthPolar(_) => {
                region = GlobeRegion {
                    west: -180.0,
                    east: 180.0,
                    south: own.south.max(30.0),
                    north: 90.0,
                };
            }
            Projection::SouthPolar(_) => {
                region = GlobeRegion {
                    west: -180.0,
                    east: 180.0,
                    south: -90.0,
                    north: own.north.min(-30.0),
                };
            }
            Projection::Robinson(_) | Projection::Orthographic(..) => {
                region = GlobeRegion {
                    west: -180.0,
                    east: 180.0,
                    south: -90.0,
                    north: 90.0,
                };
            }
            Projection::PlateCarree => {}
        }
    }
    View::new(projection, region)
}

/// The middle of a region; of the globe the meridian of Greenwich and 20° N, which shows land.
fn middle(region: &GlobeRegion) -> (f64, f64) {
    if region.is_around() {
        return (if region.west >= -1.0 { 180.0 } else { 0.0 }, 20.0);
    }
    region.middle()
}

fn variable<'a>(array: &'a DataArray, name: &str) -> Result<&'a Variable> {
    let found = array.coords.get(name);
    found.ok_or_else(|| Error::not_found(format!("no coordinate `{name}`")))
}

/// Cells between meridians and parallels.
fn axes(plot: &Plot<'_>, array: &DataArray, places: &Places) -> Result<(Field, Sheet)> {
    let mut array = array.transpose(&[places.lat.clone(), places.lon.clone()])?;
    let session = plot.session;
    let mut lat = values(&variable(&array, &places.lat)?.node, session)?;
    let mut lon = values(&variable(&array, &places.lon)?.node, session)?;
    unwrap(&mut lon);
    check_axis(&lat, &places.lat)?;
    check_axis(&lon, &places.lon)?;
    // Only what is in sight is read.
    if let Some(region) = plot.options.region {
        let is_seen = |edges: &[f64], at: usize, low: f64, high: f64| {
            edges[at].min(edges[at + 1]) < high && edges[at].max(edges[at + 1]) > low
        };
        let edges = edges_of(&lat, 180.0);
        let kept = range(lat.len(), |at| {
            is_seen(&edges, at, region.south, region.north)
        });
        cut(&mut array, &places.lat, &mut lat, kept)?;
        let edges = edges_of(&lon, 360.0);
        let west = region.west;
        let kept = range(lon.len(), |at| {
            let start = east_of(edges[at].min(edges[at + 1]), west);
            let width = (edges[at + 1] - edges[at]).abs();
            start < region.east || start + width > west + 360.0
        });
        cut(&mut array, &places.lon, &mut lon, kept)?;
        if lat.is_empty() || lon.is_empty() {
            return Err(Error::usage("nothing of the result lies in the region")
                .hint("`craton info` shows where it lies"));
        }
    }
    let lat_edges: Vec<f64> = edges_of(&lat, 180.0)
        .into_iter()
        .map(|edge| edge.clamp(-90.0, 90.0))
        .collect();
    let lon_edges = edges_of(&lon, 360.0);
    let view = view(plot, region_of(&lon_edges, &lat_edges, &lon))?;
    let sheet = Sheet::new(&plot.figure(&array)?, view);
    let rows = Bins::by_pixel(lat.len(), |at| sheet.row_of(lat[at]));
    let columns = Bins::by_pixel(lon.len(), |at| sheet.column_of(lon[at]));
    let (row_edges, column_edges) = (rows.edges(&lat_edges), columns.edges(&lon_edges));
    let reduced = reduce(&array.variable.node, rows, columns, session)?;
    let field = Field::Axes {
        lon: column_edges,
        lat: row_edges,
        values: reduced.outstanding(),
    };
    Ok((field, sheet))
}

fn check_axis(values: &[f64], name: &str) -> Result<()> {
    let rises = values.windows(2).all(|pair| pair[0] < pair[1]);
    let falls = values.windows(2).all(|pair| pair[0] > pair[1]);
    if (rises || falls) && values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(
        Error::usage(format!("`{name}` neither rises nor falls all the way")).hint(format!(
            "`.sortby(\"{name}\")` puts it in order, `--kind field` draws it by position"
        )),
    )
}

/// The indices from the first to the last that are kept.
fn range(length: usize, is_kept: impl Fn(usize) -> bool) -> std::ops::Range<usize> {
    let first = (0..length).find(|at| is_kept(*at));
    let last = (0..length).rev().find(|at| is_kept(*at));
    match (first, last) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}

/// Takes indices of an axis, of the array and of its values.
fn cut(
    array: &mut DataArray,
    dim: &str,
    values: &mut Vec<f64>,
    kept: std::ops::Range<usize>,
) -> Result<()> {
    if kept.is_empty() {
        values.clear();
    } else if kept.len() < values.len() {
        let slice = PositionSelection::Slice(Some(kept.start as i64), Some(kept.end as i64), None);
        *array = array.select_positions(dim, &slice)?;
        *values = values[kept].to_vec();
    }
    Ok(())
}

/// Where cells lie: the whole globe where they leave less than a cell free.
fn region_of(lon_edges: &[f64], lat_edges: &[f64], lon: &[f64]) -> GlobeRegion {
    let ends = |edges: &[f64]| {
        let (first, last) = (
            edges.first().copied().unwrap_or(0.0),
            edges.last().copied().unwrap_or(1.0),
        );
        (first.min(last), first.max(last))
    };
    let (west, east) = ends(lon_edges);
    let (south, north) = ends(lat_edges);
    let step = (east - west) / lon.len().max(1) as f64;
    let (west, east) = if east - west > 360.0 - step * 1.5 {
        // Half a cell west of Greenwich or of the date line is there.
        let round = (west / 180.0).round() * 180.0;
        let west = if (west - round).abs() <= step {
            round
        } else {
            west
        };
        (west, west + 360.0)
    } else {
        (west, east)
    };
    GlobeRegion {
        west,
        east,
        south,
        north,
    }
}

/// Cells with corners anywhere.
fn mesh(plot: &Plot<'_>, array: &DataArray, places: &Places) -> Result<(Field, Sheet)> {
    let (lon, lat) = (variable(array, &places.lon)?, variable(array, &places.lat)?);
    let array = array.transpose(&lon.dims)?;
    let lat = lat.transposed(&lon.dims)?;
    let figure = plot.figure(&array)?;
    let most = (figure.width * figure.density.max(1)) as usize;
    let bins = |axis: usize| Bins::equal(array.variable.shape()[axis] as usize, most);
    let (rows, columns) = (bins(0), bins(1));
    let at_edges = |variable: &Variable| {
        let node = gather(&variable.node, 0, beside_edges(&rows))?;
        values(&gather(&node, 1, beside_edges(&columns))?, plot.session)
    };
    let mesh = Mesh::between(&at_edges(lon)?, &at_edges(&lat)?, rows.len(), columns.len());
    let (west, east, south, north) = mesh.bounds().ok_or_else(|| {
        Error::usage(format!(
            "all of `{}` and `{}` are missing",
            places.lon, places.lat
        ))
    })?;
    let sheet = Sheet::new(
        &figure,
        view(
            plot,
            GlobeRegion {
                west,
                east,
                south,
                north,
            },
        )?,
    );
    let reduced = reduce(&array.variable.node, rows, columns, plot.session)?;
    let field = Field::Mesh {
        mesh,
        values: reduced.outstanding(),
    };
    Ok((field, sheet))
}

/// The index before and after every edge between bins; at the outer edges the two nearest.
fn beside_edges(bins: &Bins) -> Vec<u64> {
    let last = bins.length().saturating_sub(1);
    let pair = |start: &usize| match *start {
        0 => [0, 1.min(last)],
        start if start > last => [last.saturating_sub(1), last],
        start => [start - 1, start],
    };
    bins.starts()
        .iter()
        .flat_map(pair)
        .map(|at| at as u64)
        .collect()
}

/// Values at points, such as stations or the cells of an unstructured grid.
fn points(plot: &Plot<'_>, array: &DataArray, places: &Places) -> Result<(Field, Sheet)> {
    let count = array.variable.shape().iter().product::<u64>();
    if count > MOST_POINTS {
        return Err(Error::usage(format!(
            "{count} points are more than can be drawn one by one"
        ))
        .hint("`.isel(…=slice(None, None, 10))` takes every tenth"));
    }
    let numbers = |variable: &Variable| values(&variable.node, plot.session);
    let lon = numbers(variable(array, &places.lon)?)?;
    let lat = numbers(variable(array, &places.lat)?)?;
    let known = |values: &[f64]| {
        values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect::<Vec<_>>()
    };
    let wide = known(&lon)
        .into_iter()
        .map(|lon| east_of(lon, -180.0))
        .collect();
    let (south, north) = known(&lat)
        .iter()
        .fold((90.0f64, -90.0f64), |(south, north), lat| {
            (south.min(*lat), north.max(*lat))
        });
    let (west, east) = span(wide).ok_or_else(|| {
        Error::usage(format!(
            "all of `{}` and `{}` are missing",
            places.lon, places.lat
        ))
    })?;
    // Room around the outermost.
    let margin = ((north - south).max(east - west) * 0.05).max(0.5);
    let is_around = east - west + 2.0 * margin >= 360.0;
    let own = GlobeRegion {
        west: if is_around { -180.0 } else { west - margin },
        east: if is_around { 180.0 } else { east + margin },
        south: (south - margin).max(-90.0),
        north: (north + margin).min(90.0),
    };
    let sheet = Sheet::new(&plot.figure(array)?, view(plot, own)?);
    let field = Field::Points {
        lon,
        lat,
        values: numbers(&array.variable)?,
    };
    Ok((field, sheet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_globe_is_the_globe_wherever_its_seam_lies() {
        let region = |first: f64, step: f64, count: usize| {
            let lon: Vec<f64> = (0..count).map(|at| first + step * at as f64).collect();
            region_of(&edges_of(&lon, 360.0), &[-90.0, 90.0], &lon)
        };
        assert_eq!(
            (region(0.0, 2.5, 144).west, region(0.0, 2.5, 144).east),
            (0.0, 360.0)
        );
        assert_eq!(region(-180.0, 1.0, 360).west, -180.0);
        assert_eq!(region(0.5, 1.0, 360).west, 0.0);
        // Both ends of the globe are there, as some models store it.
        assert_eq!(region(0.0, 1.0, 361).east, 360.0);
        assert_eq!(
            (region(200.0, 2.5, 53).west, region(200.0, 2.5, 53).east),
            (198.75, 331.25)
        );
        assert_eq!(region(357.5, -2.5, 144).west, 0.0);
    }

    #[test]
    fn longitudes_over_greenwich_have_no_jump() {
        let mut lon = [350.0, 355.0, 0.0, 5.0];
        unwrap(&mut lon);
        assert_eq!(lon, [350.0, 355.0, 360.0, 365.0]);
        let mut falling = [5.0, 0.0, 355.0];
        unwrap(&mut falling);
        assert_eq!(falling, [5.0, 0.0, -5.0]);
    }

    #[test]
    fn corners_lie_between_the_cells_beside_an_edge() {
        assert_eq!(beside_edges(&Bins::single(3)), [0, 1, 0, 1, 1, 2, 1, 2]);
        assert_eq!(beside_edges(&Bins::equal(5, 2)), [0, 1, 2, 3, 3, 4]);
    }
}

//! Cells with corners anywhere on the globe, put onto pixels: swaths, tripolar and rotated grids.

use super::view::View;
use crate::projection::{Projection, east_of};
use crate::reduce::Splats;

/// The corners of cells on the globe: one more row and column than cells, as points on the unit sphere.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    rows: usize,
    columns: usize,
    /// Corners in C order; NaN where unknown.
    corners: Vec<[f64; 3]>,
}

/// The point of a sphere at a longitude and latitude in degrees.
fn on_sphere(lon: f64, lat: f64) -> [f64; 3] {
    let (sine, cosine) = lon.to_radians().sin_cos();
    let (sine_lat, cosine_lat) = lat.to_radians().sin_cos();
    [cosine_lat * cosine, cosine_lat * sine, sine_lat]
}

/// Longitude and latitude of a point, of any length but zero.
fn degrees([x, y, z]: [f64; 3]) -> (f64, f64) {
    (y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees())
}

impl Mesh {
    /// Corners halfway between middles.
    ///
    /// `middles` has, for each edge between bins, the row (column) of cells before and the one after it: twice as many rows
    /// as there are edges. At the outer edges both are the outermost two cells, and the edge lies as far outside as the
    /// edge between them lies inside.
    #[must_use]
    pub fn between(lon: &[f64], lat: &[f64], rows: usize, columns: usize) -> Self {
        let width = (columns + 1) * 2;
        let point = |row: usize, column: usize| {
            let at = row * width + column;
            match (lon.get(at), lat.get(at)) {
                (Some(lon), Some(lat)) if lat.abs() <= 90.001 => on_sphere(*lon, *lat),
                _ => [f64::NAN; 3],
            }
        };
        // The weights of the cell before and the cell after an edge.
        let weights = |edge: usize, cells: usize| match edge {
            0 => (1.5, -0.5),
            edge if edge == cells => (-0.5, 1.5),
            _ => (0.5, 0.5),
        };
        let mut corners = Vec::with_capacity((rows + 1) * (columns + 1));
        for row in 0..=rows {
            let (above, below) = weights(row, rows);
            for column in 0..=columns {
                let (before, after) = weights(column, columns);
                let parts = [
                    (point(row * 2, column * 2), above * before),
                    (point(row * 2, column * 2 + 1), above * after),
                    (point(row * 2 + 1, column * 2), below * before),
                    (point(row * 2 + 1, column * 2 + 1), below * after),
                ];
                let sum = |axis: usize| {
                    parts
                        .iter()
                        .map(|(point, weight)| point[axis] * weight)
                        .sum()
                };
                corners.push([sum(0), sum(1), sum(2)]);
            }
        }
        Self {
            rows,
            columns,
            corners,
        }
    }

    fn corner(&self, row: usize, column: usize) -> [f64; 3] {
        self.corners[row * (self.columns + 1) + column]
    }

    /// West, east, south and north of all corners; the whole globe around where they leave no wide gap.
    #[must_use]
    pub fn bounds(&self) -> Option<(f64, f64, f64, f64)> {
        let mut lons = Vec::new();
        let (mut south, mut north) = (f64::INFINITY, f64::NEG_INFINITY);
        for corner in &self.corners {
            let (lon, lat) = degrees(*corner);
            if lat.is_finite() {
                lons.push(lon);
                (south, north) = (south.min(lat), north.max(lat));
            }
        }
        let (west, east) = span_of(lons)?;
        Some((west, east, south, north))
    }

    /// Puts the value of every cell onto the pixels it covers: one at least.
    pub(crate) fn put(&self, values: &[f64], view: &View, pixels: (usize, usize)) -> Splats {
        let (width, height) = pixels;
        let mut splats = Splats::new(width * height);
        let place = |share: (f64, f64)| (share.0 * width as f64, share.1 * height as f64);
        for row in 0..self.rows {
            for column in 0..self.columns {
                let Some(value) = values.get(row * self.columns + column) else {
                    continue;
                };
                let corners = [
                    self.corner(row, column),
                    self.corner(row, column + 1),
                    self.corner(row + 1, column + 1),
                    self.corner(row + 1, column),
                ];
                for quad in projected(corners, view) {
                    let quad = quad.map(|corner| place(view.share(corner)));
                    fill(quad, pixels, |at| splats.put(at, *value));
                }
            }
        }
        splats
    }
}

/// The shortest span of longitudes that holds all of `lons`.
pub(crate) fn span_of(mut lons: Vec<f64>) -> Option<(f64, f64)> {
    lons.sort_unstable_by(f64::total_cmp);
    let (first, last) = (*lons.first()?, *lons.last()?);
    // The widest gap is what the span leaves out.
    let mut gap = (first + 360.0 - last, first, last);
    for pair in lons.windows(2) {
        if pair[1] - pair[0] > gap.0 {
            gap = (pair[1] - pair[0], pair[1], pair[0] + 360.0);
        }
    }
    let (width, west, east) = gap;
    if width < 10.0 {
        return Some((-180.0, 180.0));
    }
    Some((west, east))
}

/// A cell on the plane: once, or once at each side of the map, or not at all.
fn projected(corners: [[f64; 3]; 4], view: &View) -> Vec<[(f64, f64); 4]> {
    let points = corners.map(degrees);
    if points
        .iter()
        .any(|(lon, lat)| !lon.is_finite() || !lat.is_finite())
    {
        return Vec::new();
    }
    let forward = |points: [(f64, f64); 4]| {
        let mut quad = [(0.0, 0.0); 4];
        for (slot, (lon, lat)) in quad.iter_mut().zip(points) {
            *slot = view.projection.forward(lon, lat)?;
        }
        Some(quad)
    };
    if !view.projection.has_sides() {
        // A corner far around a polar map's edge would be drawn across it.
        return forward(points)
            .filter(|quad| is_compact(quad, view))
            .into_iter()
            .collect();
    }
    let first = east_of(points[0].0, view.region.west);
    let mut turned = points;
    let mut winding = 0.0;
    for at in 0..4 {
        let next = (at + 1) % 4;
        winding += (points[next].0 - points[at].0 + 180.0).rem_euclid(360.0) - 180.0;
        turned[at].0 = first + (points[at].0 - points[0].0 + 180.0).rem_euclid(360.0) - 180.0;
    }
    if winding.abs() > 180.0 {
        return around_pole(points, view)
            .and_then(forward)
            .into_iter()
            .collect();
    }
    let reach = turned.iter().map(|(lon, _)| *lon);
    let (west, east) = reach.fold((f64::INFINITY, f64::NEG_INFINITY), |(west, east), lon| {
        (west.min(lon), east.max(lon))
    });
    let mut quads = Vec::new();
    for turn in [-360.0, 0.0, 360.0] {
        if west + turn < view.region.east && east + turn > view.region.west {
            quads.extend(forward(turned.map(|(lon, lat)| (lon + turn, lat))));
        }
    }
    quads
}

/// The cap that a cell around a pole covers on a map with sides.
fn around_pole(points: [(f64, f64); 4], view: &View) -> Option<[(f64, f64); 4]> {
    let (west, east) = match view.projection {
        Projection::Robinson(middle) => (middle - 180.0, middle + 180.0),
        _ => (view.region.west, view.region.east),
    };
    let edge = points.iter().map(|(_, lat)| lat.abs()).fold(90.0, f64::min);
    let sign = points[0].1.signum();
    let (edge, pole) = (edge * sign, 90.0 * sign);
    Some([(west, edge), (east, edge), (east, pole), (west, pole)])
}

/// Whether a cell covers less than a quarter of the map's width.
fn is_compact(quad: &[(f64, f64); 4], view: &View) -> bool {
    let most = (view.right - view.left) / 4.0;
    quad.iter()
        .all(|(x, y)| (x - quad[0].0).abs() < most && (y - quad[0].1).abs() < most)
}

/// Calls `put` with every pixel whose middle lies in a quadrilateral; with the one under its middle if there is none.
fn fill(quad: [(f64, f64); 4], (width, height): (usize, usize), mut put: impl FnMut(usize)) {
    let over = |pick: fn(&(f64, f64)) -> f64| {
        let values = quad.iter().map(pick);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (top, bottom) = over(|point| point.1);
    let (left, right) = over(|point| point.0);
    if right < 0.0 || left > width as f64 || bottom < 0.0 || top > height as f64 {
        return;
    }
    let mut is_seen = false;
    let rows =
        (top - 0.5).ceil().max(0.0) as usize..((bottom - 0.5).floor() + 1.0).max(0.0) as usize;
    for row in rows.start..rows.end.min(height) {
        let y = row as f64 + 0.5;
        // The sides that the middle of this row crosses: from the leftmost to the rightmost. Cells are convex enough.
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        for at in 0..4 {
            let ((x1, y1), (x2, y2)) = (quad[at], quad[(at + 1) % 4]);
            if (y1 <= y) != (y2 <= y) {
                let x = x1 + (x2 - x1) * (y - y1) / (y2 - y1);
                (from, to) = (from.min(x), to.max(x));
            }
        }
        if from > to {
            continue;
        }
        let start = (from - 0.5).ceil().max(0.0) as usize;
        let end = ((to - 0.5).floor() + 1.0).max(0.0) as usize;
        for column in start..end.min(width) {
            is_seen = true;
            put(row * width + column);
        }
    }
    let small = right - left < 1.5 && bottom - top < 1.5;
    let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    if !is_seen && small && x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64 {
        put(y as usize * width + x as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::GlobeRegion;

    fn globe(projection: Projection) -> View {
        let region = GlobeRegion::from_text("-180,180,-90,90").unwrap();
        View::new(projection, region).unwrap()
    }

    /// Middles of a regular grid, given as for [`Mesh::between`].
    fn regular(lons: &[f64], lats: &[f64]) -> Mesh {
        let pairs = |values: &[f64]| -> Vec<f64> {
            let last = values.len() - 1;
            (0..=values.len())
                .flat_map(|edge| match edge {
                    0 => [values[0], values[1]],
                    edge if edge > last => [values[last - 1], values[last]],
                    edge => [values[edge - 1], values[edge]],
                })
                .collect()
        };
        let (lon_pairs, lat_pairs) = (pairs(lons), pairs(lats));
        let (mut lon, mut lat) = (Vec::new(), Vec::new());
        for at in &lat_pairs {
            lon.extend(&lon_pairs);
            lat.extend(std::iter::repeat_n(*at, lon_pairs.len()));
        }
        Mesh::between(&lon, &lat, lats.len(), lons.len())
    }

    #[test]
    fn cells_cover_the_pixels_between_their_middles() {
        let lons: Vec<f64> = (0..36).map(|at| -175.0 + 10.0 * f64::from(at)).collect();
        let lats: Vec<f64> = (0..18).map(|at| -85.0 + 10.0 * f64::from(at)).collect();
        let mesh = regular(&lons, &lats);
        let values: Vec<f64> = (0..36 * 18).map(f64::from).collect();
        let view = globe(Projection::PlateCarree);
        let splats = mesh.put(&values, &view, (72, 36));
        let found: Vec<_> = splats.values().collect();
        for (at, value) in found.iter().enumerate() {
            let (row, column) = (at / 72 / 2, at % 72 / 2);
            let wanted = (17 - row) * 36 + column;
            assert_eq!(*value, Some(wanted as f64), "row {row}, column {column}");
        }
    }

    #[test]
    fn a_cell_over_the_date_line_is_on_both_sides() {
        let mesh = regular(&[175.0, 185.0, 195.0], &[-5.0, 5.0]);
        let view = globe(Projection::PlateCarree);
        let splats = mesh.put(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], &view, (360, 180));
        let row: Vec<_> = splats.values().skip(90 * 360).take(360).collect();
        assert_eq!(
            (row[351], row[0], row[5], row[15]),
            (Some(1.0), Some(2.0), Some(2.0), Some(3.0))
        );
        assert_eq!(row[180], None);
        let (west, east, ..) = mesh.bounds().unwrap();
        // Straight on from one middle to the next and beyond is a little off on a sphere.
        assert!(
            (east - west - 30.0).abs() < 0.2 && (west - 170.0).abs() < 0.1,
            "{west} {east}"
        );
    }

    #[test]
    fn small_cells_are_not_lost() {
        let lons: Vec<f64> = (0..100).map(|at| f64::from(at) * 0.01).collect();
        let mesh = regular(&lons, &lons);
        let mut values = vec![0.0; 10_000];
        values[4_321] = 7.0;
        let splats = mesh.put(&values, &globe(Projection::Robinson(0.0)), (500, 250));
        assert!(splats.values().any(|value| value == Some(7.0)));
    }
}

//! Maps: a field on the globe with coastlines, meridians and parallels.
//!
//! A [`Sheet`] knows how many pixels the map will have; whoever reads the field reduces it to about as many cells.

mod mesh;
mod view;

pub use mesh::Mesh;
pub(crate) use mesh::span_of;
pub use view::{GlobeRegion, View};

use crate::axis::{Axis, Tick, cell_of, latitude_text, latitude_ticks, longitude_ticks};
use crate::colour::{Colour, Scale};
use crate::drawing::{Across, Area, Down, Drawing, Image, Item, Path, Text};
use crate::figure::{BarPlace, Figure, bar, frame, side};
use crate::projection::{Projection, east_of};
use crate::{coast, font};

/// A field on the globe.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Cells between meridians and parallels.
    Axes {
        /// Longitudes between columns, rising or falling.
        lon: Vec<f64>,
        /// Latitudes between rows, rising or falling.
        lat: Vec<f64>,
        /// Values in rows.
        values: Vec<f64>,
    },
    /// Cells with corners anywhere.
    Mesh {
        /// The corners.
        mesh: Mesh,
        /// Values in rows.
        values: Vec<f64>,
    },
    /// Values at points.
    Points {
        /// Longitude of each.
        lon: Vec<f64>,
        /// Latitude of each.
        lat: Vec<f64>,
        /// Value of each.
        values: Vec<f64>,
    },
}

impl Field {
    /// The values.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        match self {
            Self::Axes { values, .. } | Self::Mesh { values, .. } | Self::Points { values, .. } => {
                values
            }
        }
    }
}

/// West and east of points: the shortest span that holds all.
#[must_use]
pub fn span(lons: Vec<f64>) -> Option<(f64, f64)> {
    span_of(lons)
}

/// A map without its field.
#[derive(Debug, Clone)]
pub struct Sheet {
    figure: Figure,
    view: View,
    height: u32,
    panel: Area,
    bar_area: Area,
    bar_place: BarPlace,
    across: Axis,
    up: Axis,
}

impl Sheet {
    /// The map of `view` in a picture of the figure's size.
    #[must_use]
    pub fn new(figure: &Figure, view: View) -> Self {
        let unit = figure.unit();
        let aspect = view.aspect();
        let bar_place = if aspect >= 1.25 {
            BarPlace::Below
        } else {
            BarPlace::Right
        };
        let (across, up) = axes(&view);
        let (left, foot) = match view.projection {
            Projection::PlateCarree => (side(&up, figure), 30.0 * unit),
            Projection::Robinson(_) => (48.0 * unit, 10.0 * unit),
            Projection::Orthographic(..) => (24.0 * unit, 10.0 * unit),
            Projection::NorthPolar(_) | Projection::SouthPolar(_) => (56.0 * unit, 34.0 * unit),
        };
        let (bar_foot, bar_side) = match bar_place {
            BarPlace::Below => (78.0 * unit, 0.0),
            BarPlace::Right => (14.0 * unit, 118.0 * unit),
        };
        let is_polar = matches!(
            view.projection,
            Projection::NorthPolar(_) | Projection::SouthPolar(_)
        );
        let head = figure.head() + if is_polar { 20.0 * unit } else { 0.0 };
        let right = if is_polar { 56.0 } else { 28.0 } * unit + bar_side;
        let most_width = (f64::from(figure.width) - left - right).max(16.0);
        let most_height = match figure.height {
            Some(height) => f64::from(height) - head - foot - bar_foot,
            None => f64::from(figure.width) * 0.8,
        }
        .max(16.0);
        let width = most_width.min(most_height * aspect).max(8.0).round();
        let map_height = (width / aspect).max(8.0).round();
        let height = figure
            .height
            .unwrap_or((head + map_height + foot + bar_foot) as u32);
        let panel = Area {
            left: (left + (most_width - width) / 2.0).round(),
            top: (head + (f64::from(height) - head - foot - bar_foot - map_height) / 2.0)
                .max(head)
                .round(),
            width,
            height: map_height,
        };
        let bar_area = match bar_place {
            BarPlace::Below => Area {
                left: panel.left + panel.width * 0.15,
                top: panel.bottom() + foot + 10.0 * unit,
                width: panel.width * 0.7,
                height: 14.0 * unit,
            },
            BarPlace::Right => Area {
                left: panel.right() + (right - bar_side) * 0.6 + 8.0 * unit,
                top: panel.top + panel.height * 0.1,
                width: 16.0 * unit,
                height: panel.height * 0.8,
            },
        };
        Self {
            figure: figure.clone(),
            view,
            height,
            panel,
            bar_area,
            bar_place,
            across,
            up,
        }
    }

    /// Pixels of the field, across and down.
    #[must_use]
    pub fn pixels(&self) -> (usize, usize) {
        let density = f64::from(self.figure.density.max(1));
        (
            (self.panel.width * density) as usize,
            (self.panel.height * density) as usize,
        )
    }

    /// The pixel column under a meridian where meridians are straight, or as many columns apart as they are at most.
    #[must_use]
    pub fn column_of(&self, lon: f64) -> i64 {
        let degrees = match self.view.projection {
            Projection::PlateCarree | Projection::Robinson(_) => {
                self.view.region.east - self.view.region.west
            }
            // Half the globe is in sight; a polar map has its widest circle all around its edge.
            Projection::Orthographic(..) => 180.0 / std::f64::consts::FRAC_PI_2,
            Projection::NorthPolar(_) | Projection::SouthPolar(_) => 360.0 / std::f64::consts::PI,
        };
        let share = (lon - self.view.region.west) / degrees;
        (share * self.pixels().0 as f64).floor() as i64
    }

    /// As [`Sheet::column_of`], for parallels.
    #[must_use]
    pub fn row_of(&self, lat: f64) -> i64 {
        let region = self.view.region;
        let degrees = match self.view.projection {
            Projection::PlateCarree | Projection::Robinson(_) => region.north - region.south,
            Projection::Orthographic(..) => 180.0 / std::f64::consts::FRAC_PI_2,
            // Both sides of the pole share the height.
            Projection::NorthPolar(_) | Projection::SouthPolar(_) => {
                (region.north - region.south) * 2.0
            }
        };
        let share = (region.north - lat) / degrees;
        (share * self.pixels().1 as f64).floor() as i64
    }

    /// Draws the map of `field`.
    #[must_use]
    pub fn draw(self, field: &Field, scale: &Scale, label: &str) -> Drawing {
        let image = self.paint(field, scale);
        let has_missing = image.pixels.contains(&Colour::MISSING);
        let unit = self.figure.unit();
        let left = match self.bar_place {
            BarPlace::Below => self.panel.left,
            BarPlace::Right => self.panel.left.min(60.0 * unit),
        };
        let mut drawing = self.figure.drawing(self.height, left);
        let outline = self.on_panel(std::slice::from_ref(&self.view.outline), true);
        let inside = vec![
            Item::Image {
                area: self.panel,
                image,
            },
            self.stroke(&self.graticule(), Colour::INK.with_opacity(46), 0.6),
            self.stroke(&self.coasts(), Colour::new(20, 20, 20), 0.8),
        ];
        drawing.items.push(Item::Clipped {
            path: outline.clone(),
            items: inside,
        });
        if self.view.projection.is_plate_carree() {
            frame(
                &mut drawing,
                &self.figure,
                self.panel,
                &self.across,
                &self.up,
                false,
            );
        } else {
            drawing.stroke(outline, Colour::INK, 1.0 * unit);
            self.edge_labels(&mut drawing);
        }
        bar(
            &mut drawing,
            &self.figure,
            scale,
            label,
            self.bar_area,
            self.bar_place,
            has_missing,
        );
        drawing
    }

    fn paint(&self, field: &Field, scale: &Scale) -> Image {
        let (width, height) = self.pixels();
        let pixels = match field {
            Field::Axes { lon, lat, values } => self.paint_axes(lon, lat, values, scale),
            Field::Mesh { mesh, values } => {
                let splats = mesh.put(values, &self.view, (width, height));
                let colours = splats
                    .values()
                    .map(|value| value.map_or(Colour::CLEAR, |value| scale.colour(value)));
                colours.collect()
            }
            Field::Points { lon, lat, values } => self.paint_points(lon, lat, values, scale),
        };
        Image {
            width: width as u32,
            height: height as u32,
            pixels,
        }
    }

    fn paint_axes(&self, lon: &[f64], lat: &[f64], values: &[f64], scale: &Scale) -> Vec<Colour> {
        let (width, height) = self.pixels();
        let columns = lon.len().saturating_sub(1);
        let west = lon
            .first()
            .zip(lon.last())
            .map_or(0.0, |(first, last)| first.min(*last));
        let column_of = |degrees: f64| cell_of(lon, east_of(degrees, west));
        let colour = |row: Option<usize>, column: Option<usize>| match (row, column) {
            (Some(row), Some(column)) => values
                .get(row * columns + column)
                .map_or(Colour::CLEAR, |value| scale.colour(*value)),
            _ => Colour::CLEAR,
        };
        let across = |at: usize| (at as f64 + 0.5) / width as f64;
        let down = |at: usize| (at as f64 + 0.5) / height as f64;
        let mut pixels = Vec::with_capacity(width * height);
        if self.view.projection.is_plate_carree() {
            let found: Vec<_> = (0..width)
                .map(|at| column_of(self.view.point(across(at), 0.5)?.0))
                .collect();
            for row in 0..height {
                let row = self
                    .view
                    .point(0.5, down(row))
                    .and_then(|(_, degrees)| cell_of(lat, degrees));
                pixels.extend(found.iter().map(|column| colour(row, *column)));
            }
            return pixels;
        }
        for row in 0..height {
            for column in 0..width {
                let point = self.view.point(across(column), down(row));
                pixels.push(point.map_or(Colour::CLEAR, |(degrees, latitude)| {
                    colour(cell_of(lat, latitude), column_of(degrees))
                }));
            }
        }
        pixels
    }

    /// A disc for each point, smaller where there are many.
    fn paint_points(&self, lon: &[f64], lat: &[f64], values: &[f64], scale: &Scale) -> Vec<Colour> {
        let (width, height) = self.pixels();
        let density = f64::from(self.figure.density.max(1)) * self.figure.unit();
        let room = (width * height) as f64 / values.len().max(1) as f64;
        let radius = (room.sqrt() * 0.75).clamp(0.8, 5.0 * density);
        let mut splats = crate::reduce::Splats::new(width * height);
        let west = self.view.region.middle().0 - 180.0;
        for ((lon, lat), value) in lon.iter().zip(lat).zip(values) {
            let Some(place) = self.view.projection.forward(east_of(*lon, west), *lat) else {
                continue;
            };
            let (x, y) = self.view.share(place);
            let (x, y) = (x * width as f64, y * height as f64);
            let reach = |middle: f64, most: usize| {
                let from = (middle - radius).floor().max(0.0) as usize;
                let to = (middle + radius).ceil().max(0.0) as usize;
                from..to.min(most)
            };
            for row in reach(y, height) {
                for column in reach(x, width) {
                    let (dx, dy) = (column as f64 + 0.5 - x, row as f64 + 0.5 - y);
                    if dx * dx + dy * dy <= radius * radius {
                        splats.put(row * width + column, *value);
                    }
                }
            }
        }
        splats
            .values()
            .map(|value| value.map_or(Colour::CLEAR, |value| scale.colour(value)))
            .collect()
    }

    /// Lines on the plane as a path on the panel. Steps shorter than a third of a pixel are left out.
    fn on_panel(&self, lines: &[Vec<(f64, f64)>], is_closed: bool) -> Path {
        let mut path = Path::default();
        for line in lines {
            let mut points: Vec<(f64, f64)> = Vec::new();
            for (at, place) in line.iter().enumerate() {
                let (across, down) = self.view.share(*place);
                let point = (
                    self.panel.left + across * self.panel.width,
                    self.panel.top + down * self.panel.height,
                );
                let is_far = points.last().is_none_or(|(x, y): &(f64, f64)| {
                    (x - point.0).abs() > 0.35 || (y - point.1).abs() > 0.35
                });
                if is_far || at + 1 == line.len() {
                    points.push(point);
                }
            }
            path.extend(&if is_closed {
                Path::polygon(&points)
            } else {
                Path::line(&points)
            });
        }
        path
    }

    fn stroke(&self, lines: &[Vec<(f64, f64)>], colour: Colour, width: f64) -> Item {
        Item::Stroke {
            path: self.on_panel(lines, false),
            colour,
            width: width * self.figure.unit().min(2.0),
        }
    }

    fn coasts(&self) -> Vec<Vec<(f64, f64)>> {
        let seen = |lines: Vec<Vec<(f64, f64)>>| {
            // Lines wholly beside the map need not be clipped.
            lines.into_iter().filter(|line| {
                line.iter().any(|place| {
                    let (across, down) = self.view.share(*place);
                    (-0.2..=1.2).contains(&across) && (-0.2..=1.2).contains(&down)
                })
            })
        };
        coast::lines()
            .flat_map(|line| seen(self.view.lines(&line)).collect::<Vec<_>>())
            .collect()
    }

    fn graticule(&self) -> Vec<Vec<(f64, f64)>> {
        let region = self.view.region;
        let (meridians, parallels) = match self.view.projection {
            Projection::PlateCarree => (self.across.ticks.clone(), self.up.ticks.clone()),
            _ => (
                longitude_ticks(-180.0, 179.0, 12),
                latitude_ticks(-89.0, 89.0, 6),
            ),
        };
        let along = |from: f64, to: f64, count: u32| {
            (0..=count).map(move |step| from + (to - from) * f64::from(step) / f64::from(count))
        };
        let mut lines = Vec::new();
        for tick in meridians {
            let points: Vec<_> = along(region.south, region.north, 60)
                .map(|lat| (tick.at, lat))
                .collect();
            lines.extend(self.view.lines(&points));
        }
        for tick in parallels {
            let points: Vec<_> = along(region.west, region.east, 240)
                .map(|lon| (lon, tick.at))
                .filter(|(lon, _)| !self.view.projection.has_sides() || *lon < region.east - 1e-9)
                .collect();
            lines.extend(self.view.lines(&points));
        }
        lines
    }

    /// Parallels beside a Robinson map, meridians around a polar one.
    fn edge_labels(&self, drawing: &mut Drawing) {
        let (unit, size) = (self.figure.unit(), self.figure.size() * 0.92);
        let region = self.view.region;
        let at_panel = |place: (f64, f64)| {
            let (across, down) = self.view.share(place);
            (
                self.panel.left + across * self.panel.width,
                self.panel.top + down * self.panel.height,
            )
        };
        match self.view.projection {
            Projection::Robinson(_) => {
                for tick in latitude_ticks(region.south, region.north, 6) {
                    if tick.at.abs() > 85.0 {
                        continue;
                    }
                    if let Some(place) = self.view.projection.forward(region.west, tick.at) {
                        let (x, y) = at_panel(place);
                        let text = Text::new(latitude_text(tick.at), (x - 7.0 * unit, y), size);
                        drawing.text(text.anchored(Across::End, Down::Middle));
                    }
                }
            }
            Projection::NorthPolar(_) | Projection::SouthPolar(_) if region.is_around() => {
                let edge = match self.view.projection {
                    Projection::NorthPolar(_) => region.south,
                    _ => region.north,
                };
                let (x0, y0) = at_panel((0.0, 0.0));
                for tick in longitude_ticks(-180.0, 179.0, 12) {
                    let Some(place) = self.view.projection.forward(tick.at, edge) else {
                        continue;
                    };
                    let (x, y) = at_panel(place);
                    let (dx, dy) = (
                        (x - x0) / (x - x0).hypot(y - y0),
                        (y - y0) / (x - x0).hypot(y - y0),
                    );
                    let away = 8.0 * unit
                        + font::width(&tick.label, size) / 2.0 * dx.abs()
                        + size * 0.35 * dy.abs();
                    let at = (x + dx * away, y + dy * away);
                    drawing.text(
                        Text::new(&*tick.label, at, size).anchored(Across::Middle, Down::Middle),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Ticks of a map whose meridians and parallels are straight.
fn axes(view: &View) -> (Axis, Axis) {
    let region = view.region;
    let axis = |start, end, ticks: Vec<Tick>| Axis {
        start,
        end,
        is_logarithmic: false,
        ticks,
        label: String::new(),
    };
    let aspect = view.aspect();
    let (across, up) = if aspect >= 1.0 {
        (7, (7.0 / aspect * 1.6).round().clamp(3.0, 7.0) as usize)
    } else {
        ((7.0 * aspect).round().clamp(2.0, 7.0) as usize, 7)
    };
    (
        axis(
            region.west,
            region.east,
            longitude_ticks(region.west, region.east, across),
        ),
        axis(
            region.south,
            region.north,
            latitude_ticks(region.south, region.north, up),
        ),
    )
}

//! Fields over two axes of any kind: sections, time against latitude, plain images.

use crate::axis::{Axis, cell_of};
use crate::colour::{Colour, Scale};
use crate::drawing::{Area, Drawing, Image, Item};
use crate::figure::{BarPlace, Figure, bar, foot, frame, side};

/// A plot of a field without the field.
#[derive(Debug, Clone)]
pub struct Sheet {
    figure: Figure,
    height: u32,
    panel: Area,
    across: Axis,
    up: Axis,
}

impl Sheet {
    /// The plot over two axes in a picture of the figure's size.
    #[must_use]
    pub fn new(figure: &Figure, across: Axis, up: Axis) -> Self {
        let unit = figure.unit();
        let height = figure
            .height
            .unwrap_or((f64::from(figure.width) * 0.55) as u32);
        let (left, top) = (side(&up, figure).round(), figure.head().round());
        let panel = Area {
            left,
            top,
            width: (f64::from(figure.width) - left - 140.0 * unit)
                .max(8.0)
                .round(),
            height: (f64::from(height) - top - foot(&across, figure) - 8.0 * unit)
                .max(8.0)
                .round(),
        };
        Self {
            figure: figure.clone(),
            height,
            panel,
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

    /// The pixel column under a value of the horizontal axis.
    #[must_use]
    pub fn column_of(&self, value: f64) -> i64 {
        (self.across.place(value) * self.pixels().0 as f64).floor() as i64
    }

    /// The pixel row beside a value of the vertical axis.
    #[must_use]
    pub fn row_of(&self, value: f64) -> i64 {
        ((1.0 - self.up.place(value)) * self.pixels().1 as f64).floor() as i64
    }

    /// Draws `values`, rows along the vertical axis, whose cells lie between `columns` and `rows`.
    #[must_use]
    pub fn draw(
        self,
        columns: &[f64],
        rows: &[f64],
        values: &[f64],
        scale: &Scale,
        label: &str,
    ) -> Drawing {
        let (width, height) = self.pixels();
        let count = columns.len().saturating_sub(1);
        let found: Vec<_> = (0..width)
            .map(|at| cell_of(columns, self.across.value((at as f64 + 0.5) / width as f64)))
            .collect();
        let mut pixels = Vec::with_capacity(width * height);
        for row in 0..height {
            let row = cell_of(
                rows,
                self.up.value(1.0 - (row as f64 + 0.5) / height as f64),
            );
            pixels.extend(found.iter().map(|column| {
                match (row, column) {
                    (Some(row), Some(column)) => values
                        .get(row * count + column)
                        .map_or(Colour::CLEAR, |value| scale.colour(*value)),
                    _ => Colour::CLEAR,
                }
            }));
        }
        let has_missing = pixels.contains(&Colour::MISSING);
        let mut drawing = self.figure.drawing(self.height, self.panel.left);
        drawing.items.push(Item::Image {
            area: self.panel,
            image: Image {
                width: width as u32,
                height: height as u32,
                pixels,
            },
        });
        frame(
            &mut drawing,
            &self.figure,
            self.panel,
            &self.across,
            &self.up,
            false,
        );
        let unit = self.figure.unit();
        let area = Area {
            left: self.panel.right() + 22.0 * unit,
            top: self.panel.top + self.panel.height * 0.06,
            width: 16.0 * unit,
            height: self.panel.height * 0.84,
        };
        bar(
            &mut drawing,
            &self.figure,
            scale,
            label,
            area,
            BarPlace::Right,
            has_missing,
        );
        drawing
    }
}

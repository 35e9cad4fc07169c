//! Lines of values along one axis, and counts of values.

use crate::axis::Axis;
use crate::colour::{Colour, LINES};
use crate::drawing::{Across, Area, Down, Drawing, Item, Path, Text};
use crate::figure::{Figure, foot, frame, side};
use crate::font;
use crate::reduce::Counts;

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it says in the legend.
    pub name: String,
    /// Its points; NaN is a gap.
    pub points: Vec<(f64, f64)>,
}

/// Where the plot's panel lies.
fn panel(figure: &Figure, height: u32, across: &Axis, up: &Axis) -> Area {
    let unit = figure.unit();
    let (left, top) = (side(up, figure).round(), figure.head().round());
    Area {
        left,
        top,
        width: (f64::from(figure.width) - left - 30.0 * unit)
            .max(8.0)
            .round(),
        height: (f64::from(height) - top - foot(across, figure) - 8.0 * unit)
            .max(8.0)
            .round(),
    }
}

/// Draws lines over a grid, with a legend where there are several.
#[must_use]
pub fn draw(figure: &Figure, across: &Axis, up: &Axis, series: &[Series]) -> Drawing {
    let height = figure
        .height
        .unwrap_or((f64::from(figure.width) * 0.5) as u32);
    let panel = panel(figure, height, across, up);
    let unit = figure.unit();
    let place = |(x, y): (f64, f64)| {
        (
            panel.left + across.place(x) * panel.width,
            panel.bottom() - up.place(y) * panel.height,
        )
    };
    let mut items = Vec::new();
    for (number, series) in series.iter().enumerate() {
        let colour = LINES[number % LINES.len()];
        let mut path = Path::default();
        let mut dots = Path::default();
        let known = series.points.iter().filter(|(_, y)| !y.is_nan()).count();
        let has_dots = known <= 40;
        for run in series.points.split(|(x, y)| x.is_nan() || y.is_nan()) {
            let points: Vec<_> = run.iter().map(|point| place(*point)).collect();
            path.extend(&Path::line(&points));
            // A value between two gaps has no line to be seen by.
            if has_dots || points.len() == 1 {
                for point in &points {
                    dots.extend(&Path::circle(
                        *point,
                        if has_dots { 3.2 } else { 1.4 } * unit,
                    ));
                }
            }
        }
        items.push(Item::Stroke {
            path,
            colour,
            width: 1.6 * unit,
        });
        items.push(Item::Fill { path: dots, colour });
    }
    let mut drawing = figure.drawing(height, panel.left);
    // The frame lies over the lines but its pale grid under them.
    let mut around = Drawing::new(1, 1);
    frame(&mut around, figure, panel, across, up, true);
    let has_room = panel.path();
    let grid = around
        .items
        .iter()
        .take_while(|item| matches!(item, Item::Stroke { colour, .. } if *colour != Colour::INK))
        .count();
    let over = around.items.split_off(grid);
    drawing.items.extend(around.items);
    drawing.items.push(Item::Clipped {
        path: has_room,
        items,
    });
    drawing.items.extend(over);
    if series.len() > 1 {
        legend(&mut drawing, figure, panel, series);
    }
    drawing
}

/// The names of lines in the panel's upper right corner.
fn legend(drawing: &mut Drawing, figure: &Figure, panel: Area, series: &[Series]) {
    let (unit, size) = (figure.unit(), figure.size());
    let step = size * 1.5;
    let most = ((panel.height - 24.0 * unit) / step).max(1.0) as usize;
    let shown = &series[..series.len().min(most)];
    let name = |series: &Series| font::fitted(&series.name, size, panel.width * 0.3);
    let widest = shown
        .iter()
        .map(|series| font::width(&name(series), size))
        .fold(0.0, f64::max);
    let area = Area {
        left: panel.right() - widest - 58.0 * unit,
        top: panel.top + 8.0 * unit,
        width: widest + 50.0 * unit,
        height: step * shown.len() as f64 + 8.0 * unit,
    };
    drawing.fill(area.path(), Colour::WHITE.with_opacity(215));
    drawing.stroke(area.path(), Colour::new(200, 200, 200), 0.8 * unit);
    for (number, series) in shown.iter().enumerate() {
        let y = area.top + 4.0 * unit + step * (number as f64 + 0.5);
        let line = [(area.left + 8.0 * unit, y), (area.left + 34.0 * unit, y)];
        drawing.stroke(Path::line(&line), LINES[number % LINES.len()], 2.2 * unit);
        let at = (area.left + 42.0 * unit, y);
        drawing.text(Text::new(name(series), at, size).anchored(Across::Start, Down::Middle));
    }
}

/// Draws how many values lie between edges.
#[must_use]
pub fn draw_counts(figure: &Figure, across: &Axis, counts: &Counts) -> Drawing {
    let height = figure
        .height
        .unwrap_or((f64::from(figure.width) * 0.5) as u32);
    let most = counts.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let up = Axis::numbers(0.0, most * 1.05, "values", 6);
    let panel = panel(figure, height, across, &up);
    let edges = counts.edges();
    let mut drawing = figure.drawing(height, panel.left);
    let mut around = Drawing::new(1, 1);
    frame(&mut around, figure, panel, across, &up, true);
    let grid = around
        .items
        .iter()
        .take_while(|item| matches!(item, Item::Stroke { colour, .. } if *colour != Colour::INK))
        .count();
    let over = around.items.split_off(grid);
    drawing.items.extend(around.items);
    for (pair, count) in edges.windows(2).zip(&counts.counts) {
        let x = |value| panel.left + across.place(value) * panel.width;
        let top = panel.bottom() - up.place(*count as f64) * panel.height;
        let bar = Area {
            left: x(pair[0]),
            top,
            width: x(pair[1]) - x(pair[0]),
            height: panel.bottom() - top,
        };
        drawing.fill(bar.path(), LINES[0]);
        drawing.stroke(bar.path(), Colour::WHITE, 0.7 * figure.unit());
    }
    drawing.items.extend(over);
    drawing
}

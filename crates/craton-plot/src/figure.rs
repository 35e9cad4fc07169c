//! What every picture has: a size, a title, a frame with ticks, a colour bar.

use crate::axis::{Axis, Tick, number_ticks, with_power};
use crate::colour::{Colour, Scale};
use crate::drawing::{Across, Area, Down, Drawing, Item, Path, Text};
use crate::font;

/// Size and texts of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Pixels across.
    pub width: u32,
    /// Pixels down; what suits the plot if `None`.
    pub height: Option<u32>,
    /// The first line.
    pub title: String,
    /// The line below, such as the time of a slice.
    pub subtitle: String,
    /// Pixels of images for each pixel of the picture: more than one where it may be enlarged.
    pub density: u32,
}

/// Pixels across if nothing else is asked for.
pub const WIDTH: u32 = 1200;

impl Default for Figure {
    fn default() -> Self {
        Self {
            width: WIDTH,
            height: None,
            title: String::new(),
            subtitle: String::new(),
            density: 1,
        }
    }
}

impl Figure {
    /// What all lengths are multiplied with, so that small and large pictures look alike.
    #[must_use]
    pub(crate) fn unit(&self) -> f64 {
        let height = self.height.map_or(f64::INFINITY, f64::from);
        (f64::from(self.width).min(height * 1.8) / 1000.0).clamp(0.35, 8.0)
    }

    /// The height of most texts.
    #[must_use]
    pub(crate) fn size(&self) -> f64 {
        14.0 * self.unit()
    }

    /// Room above the panel.
    pub(crate) fn head(&self) -> f64 {
        let title = if self.title.is_empty() { 0.0 } else { 30.0 };
        let subtitle = if self.subtitle.is_empty() { 0.0 } else { 22.0 };
        (16.0 + title + subtitle) * self.unit()
    }

    /// An empty drawing of this size, with the title over `left`.
    pub(crate) fn drawing(&self, height: u32, left: f64) -> Drawing {
        let unit = self.unit();
        let mut drawing = Drawing::new(self.width, height);
        drawing.title.clone_from(&self.title);
        let room = f64::from(self.width) - left - 12.0 * unit;
        let mut top = 14.0 * unit;
        for (text, size, colour) in [
            (&self.title, 19.0 * unit, Colour::INK),
            (&self.subtitle, 14.0 * unit, Colour::GREY_INK),
        ] {
            if !text.is_empty() {
                let text = font::fitted(text, size, room);
                let line = Text::new(text, (left, top), size).anchored(Across::Start, Down::Top);
                drawing.text(line.coloured(colour));
                top += size * 1.5;
            }
        }
        drawing
    }
}

/// Where the colour bar goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BarPlace {
    Below,
    Right,
}

/// Draws a colour bar beside or under `panel`, its labels on the side away from it.
pub(crate) fn bar(
    drawing: &mut Drawing,
    figure: &Figure,
    scale: &Scale,
    label: &str,
    area: Area,
    place: BarPlace,
    has_missing: bool,
) {
    let unit = figure.unit();
    let size = figure.size();
    let is_below = place == BarPlace::Below;
    // Along the bar from its low end: `along` is a share of its length.
    let point = |along: f64, across: f64| match place {
        BarPlace::Below => (
            area.left + area.width * along,
            area.top + area.height * across,
        ),
        BarPlace::Right => (
            area.left + area.width * across,
            area.bottom() - area.height * along,
        ),
    };
    let length = if is_below { area.width } else { area.height };
    let thickness = if is_below { area.height } else { area.width };
    // One rectangle a colour, overlapping so that no seam is seen.
    for colour in 0..=255u8 {
        let (from, to) = (
            f64::from(colour) / 256.0,
            (f64::from(colour) + 1.4).min(256.0) / 256.0,
        );
        let corners = [
            point(from, 0.0),
            point(to, 0.0),
            point(to, 1.0),
            point(from, 1.0),
        ];
        drawing.fill(Path::polygon(&corners), scale.map.colour(colour));
    }
    let tip = thickness * 0.9 / length;
    let mut outline = vec![point(0.0, 0.0)];
    for (is_there, end, beyond, colour, corners) in [
        (scale.has_above, 1.0, 1.0 + tip, 255, (0.0, 1.0)),
        (scale.has_below, 0.0, -tip, 0, (1.0, 0.0)),
    ] {
        let (from, to) = (point(end, corners.0), point(end, corners.1));
        outline.push(from);
        if is_there {
            let peak = point(beyond, 0.5);
            drawing.fill(Path::polygon(&[from, peak, to]), scale.map.colour(colour));
            outline.push(peak);
        }
        outline.push(to);
    }
    drawing.stroke(Path::polygon(&outline), Colour::INK, 0.8 * unit);

    let room = if is_below {
        length / (size * 4.5)
    } else {
        length / (size * 3.5)
    };
    let (ticks, power) = number_ticks(scale.low, scale.high, (room as usize).clamp(2, 8));
    let mut widest: f64 = 0.0;
    for tick in &ticks {
        let along = (tick.at - scale.low) / (scale.high - scale.low);
        let (x, y) = point(along, 1.0);
        let mark = 4.0 * unit;
        let (end, text) = if is_below {
            let text = Text::new(&*tick.label, (x, y + mark * 1.8), size);
            ((x, y + mark), text)
        } else {
            let text = Text::new(&*tick.label, (x + mark * 1.8, y), size);
            ((x + mark, y), text.anchored(Across::Start, Down::Middle))
        };
        widest = widest.max(font::width(&tick.label, size));
        drawing.stroke(Path::line(&[(x, y), end]), Colour::INK, 0.8 * unit);
        drawing.text(text);
    }
    let label = with_power(label, power);
    let label = font::fitted(&label, size, length * 1.1);
    if is_below {
        let at = (area.left + area.width / 2.0, area.bottom() + size * 2.0);
        drawing.text(Text::new(label, at, size));
    } else {
        let at = (
            area.right() + widest + 26.0 * unit,
            area.top + area.height / 2.0,
        );
        let mut text = Text::new(label, at, size).anchored(Across::Middle, Down::Middle);
        text.is_turned = true;
        drawing.text(text);
    }
    if has_missing {
        missing_swatch(drawing, figure, area, place, tip * length);
    }
}

/// A grey square that says what grey means.
fn missing_swatch(drawing: &mut Drawing, figure: &Figure, bar: Area, place: BarPlace, tip: f64) {
    let (unit, size) = (figure.unit(), figure.size());
    let side = 14.0 * unit;
    let (square, text) = match place {
        BarPlace::Below => {
            let left = bar.right() + tip + 24.0 * unit;
            let square = Area {
                left,
                top: bar.top + (bar.height - side) / 2.0,
                width: side,
                height: side,
            };
            let at = (left + side + 6.0 * unit, bar.top + bar.height / 2.0);
            (
                square,
                Text::new("missing", at, size).anchored(Across::Start, Down::Middle),
            )
        }
        BarPlace::Right => {
            let top = bar.bottom() + tip + 12.0 * unit;
            let square = Area {
                left: bar.left,
                top,
                width: side,
                height: side,
            };
            let at = (bar.left + side + 6.0 * unit, top + side / 2.0);
            (
                square,
                Text::new("missing", at, size).anchored(Across::Start, Down::Middle),
            )
        }
    };
    drawing.fill(square.path(), Colour::MISSING);
    drawing.stroke(square.path(), Colour::GREY_INK, 0.6 * unit);
    drawing.text(text);
}

/// How wide the labels of a vertical axis are.
pub(crate) fn widest(ticks: &[Tick], size: f64) -> f64 {
    ticks
        .iter()
        .map(|tick| font::width(&tick.label, size))
        .fold(0.0, f64::max)
}

/// Room for the ticks and the label of a horizontal axis.
pub(crate) fn foot(axis: &Axis, figure: &Figure) -> f64 {
    let has_context = axis.ticks.iter().any(|tick| tick.context.is_some());
    let lines =
        1.0 + f64::from(u8::from(has_context)) + f64::from(u8::from(!axis.label.is_empty()));
    (10.0 + lines * 21.0) * figure.unit()
}

/// Room for the ticks and the label of a vertical axis.
pub(crate) fn side(axis: &Axis, figure: &Figure) -> f64 {
    let label = if axis.label.is_empty() { 0.0 } else { 26.0 };
    widest(&axis.ticks, figure.size()) + (24.0 + label) * figure.unit()
}

/// Draws the frame of a panel with ticks and labels of both axes; pale lines across where `has_grid`.
pub(crate) fn frame(
    drawing: &mut Drawing,
    figure: &Figure,
    panel: Area,
    across: &Axis,
    up: &Axis,
    has_grid: bool,
) {
    let (unit, size) = (figure.unit(), figure.size());
    let (mark, thin) = (5.0 * unit, 0.8 * unit);
    let pale = Colour::new(225, 225, 225);
    let mut grid = Vec::new();
    for (tick, x) in visible(across) {
        let x = panel.left + panel.width * x;
        drawing.stroke(
            Path::line(&[(x, panel.bottom()), (x, panel.bottom() + mark)]),
            Colour::INK,
            thin,
        );
        grid.push(Path::line(&[(x, panel.top), (x, panel.bottom())]));
        let top = panel.bottom() + mark * 1.7;
        drawing.text(Text::new(&*tick.label, (x, top), size));
        if let Some(context) = &tick.context {
            let at = (x, top + size * 1.35);
            drawing.text(Text::new(&**context, at, size).coloured(Colour::GREY_INK));
        }
    }
    for (tick, y) in visible(up) {
        let y = panel.bottom() - panel.height * y;
        drawing.stroke(
            Path::line(&[(panel.left - mark, y), (panel.left, y)]),
            Colour::INK,
            thin,
        );
        grid.push(Path::line(&[(panel.left, y), (panel.right(), y)]));
        let at = (panel.left - mark * 1.7, y);
        drawing.text(Text::new(&*tick.label, at, size).anchored(Across::End, Down::Middle));
    }
    if has_grid {
        // Under everything else.
        let lines = grid.into_iter().map(|path| Item::Stroke {
            path,
            colour: pale,
            width: thin,
        });
        drawing.items.splice(0..0, lines);
    }
    drawing.stroke(panel.path(), Colour::INK, unit);
    if !across.label.is_empty() {
        let below = foot(across, figure) - 21.0 * unit;
        let at = (panel.left + panel.width / 2.0, panel.bottom() + below);
        drawing.text(Text::new(
            font::fitted(&across.label, size, panel.width),
            at,
            size,
        ));
    }
    if !up.label.is_empty() {
        let at = (
            panel.left - side(up, figure) + 14.0 * unit,
            panel.top + panel.height / 2.0,
        );
        let label = font::fitted(&up.label, size, panel.height * 1.05);
        let mut text = Text::new(label, at, size).anchored(Across::Middle, Down::Middle);
        text.is_turned = true;
        drawing.text(text);
    }
}

/// The ticks between the ends, each with its place.
fn visible(axis: &Axis) -> impl Iterator<Item = (&Tick, f64)> {
    axis.ticks.iter().filter_map(|tick| {
        let place = axis.place(tick.at);
        (-1e-6..=1.0 + 1e-6)
            .contains(&place)
            .then_some((tick, place))
    })
}

//! A map of a two-dimensional field in the terminal.
//!
//! Two rows of pixels share a line: the upper half block is drawn in one colour, the background in the other.

mod lines;

pub use lines::draw_lines;

use craton_core::{Error, Result};
use std::fmt::Write;

/// Values of a field in C order, and which way they run.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    values: &'a [f64],
    rows: usize,
    columns: usize,
    /// Whether the first row is the lowest, as where latitudes ascend.
    pub starts_at_bottom: bool,
    /// Whether the first column is the rightmost, as where longitudes descend.
    pub starts_at_right: bool,
}

impl<'a> Field<'a> {
    /// A field drawn with its first value at the top left. NaN is missing.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if there are not `rows * columns` values.
    pub fn new(values: &'a [f64], rows: usize, columns: usize) -> Result<Self> {
        if rows.checked_mul(columns) != Some(values.len()) {
            let message = format!(
                "{} values do not fill {rows} rows of {columns}",
                values.len()
            );
            return Err(Error::invalid(message));
        }
        Ok(Self {
            values,
            rows,
            columns,
            starts_at_bottom: false,
            starts_at_right: false,
        })
    }
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// 24-bit colours.
    True,
    /// The palette of 256.
    Palette,
    /// None: characters of growing weight.
    Plain,
}

impl Colours {
    /// What a terminal of these environment variables can show: `NO_COLOR`, `COLORTERM`, `TERM`.
    #[must_use]
    pub fn of_terminal(
        no_color: Option<&str>,
        colorterm: Option<&str>,
        term: Option<&str>,
    ) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|text| !text.is_empty()) || term.is_empty() || term == "dumb" {
            return Self::Plain;
        }
        match colorterm {
            Some("truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Palette,
            _ => Self::Plain,
        }
    }
}

/// How the map is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct MapOptions {
    /// Characters in a line at most.
    pub width: usize,
    /// Lines at most, without title and colour bar.
    pub height: usize,
    /// What the terminal can show.
    pub colours: Colours,
    /// The line above; none if empty.
    pub title: String,
    /// The units beside the colour bar.
    pub units: String,
    /// The values of the first and last colour; the 2nd and 98th percentile if `None`, as far from zero as
    /// each other where they lie on both sides of it.
    pub limits: Option<(f64, f64)>,
}

impl Default for MapOptions {
    fn default() -> Self {
        Self {
            width: 80,
            height: 24,
            colours: Colours::True,
            title: String::new(),
            units: String::new(),
            limits: None,
        }
    }
}

/// Characters of growing weight, for terminals without colours. Missing cells are blank, so none of these is.
const WEIGHTS: [char; 9] = ['.', ':', '-', '=', '+', '*', '#', '%', '@'];
/// Missing cells, where colours are.
const MISSING: char = '·';
/// Percentiles are taken of this many values at most, evenly spread.
const MOST_SORTED: usize = 1 << 20;
/// From dark blue over teal and green to pale yellow: lightness grows all the way, so it reads without hue too.
const COLOUR_STOPS: [[u8; 3]; 6] = [
    [38, 18, 92],
    [44, 72, 146],
    [30, 124, 148],
    [60, 168, 118],
    [160, 206, 78],
    [250, 236, 120],
];
/// From blue over near white to red, for limits as far below zero as above.
const DIVERGING_STOPS: [[u8; 3]; 6] = [
    [24, 60, 140],
    [84, 150, 205],
    [214, 230, 240],
    [246, 226, 208],
    [222, 124, 88],
    [146, 24, 40],
];

/// Draws `rows × columns` values, first row on top, in at most `width` characters.
///
/// The whole of [`draw_map`] with the options that most callers want. Cells are never repeated to fill `width`.
#[must_use]
pub fn draw(
    values: &[f64],
    (rows, columns): (usize, usize),
    title: &str,
    units: &str,
    width: usize,
    colours: Colours,
) -> String {
    let Ok(field) = Field::new(values, rows, columns) else {
        return format!("{title}: nothing to draw\n");
    };
    let width = width.clamp(1, columns.max(1));
    let options = MapOptions {
        width,
        height: width.max(2),
        colours,
        title: title.to_owned(),
        units: units.to_owned(),
        limits: None,
    };
    draw_map(&field, &options)
}

/// Draws `field` with a colour bar under it. Cells are means of the values they cover.
///
/// # Missing values
/// Blank without colours, a dot with them.
/// # Cost
/// Touches every value once.
#[must_use]
pub fn draw_map(field: &Field<'_>, options: &MapOptions) -> String {
    let mut out = String::new();
    if !options.title.is_empty() {
        let title: String = options.title.chars().take(options.width).collect();
        let _ = writeln!(out, "{title}");
    }
    let Some(scale) = Scale::new(field.values, options.limits) else {
        out += if field.values.is_empty() {
            "(no values)\n"
        } else {
            "(every value is missing)\n"
        };
        return out;
    };
    let pixels = Pixels::of_field(field, options.width.max(1), options.height.max(1) * 2);
    let mut pen = Pen::new(options.colours, scale.stops());
    for line in 0..pixels.rows.div_ceil(2) {
        for column in 0..pixels.columns {
            let upper = pixels.get(line * 2, column).map(|value| scale.place(value));
            let lower = pixels
                .get(line * 2 + 1, column)
                .map(|value| scale.place(value));
            pen.cell(upper, lower, &mut out);
        }
        pen.end_line(&mut out);
    }
    write_bar(&scale, options, &mut pen, &mut out);
    out
}

/// From values to places between 0 and 1.
#[derive(Debug, Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    has_below: bool,
    has_above: bool,
}

impl Scale {
    /// `None` if there is no value.
    fn new(values: &[f64], limits: Option<(f64, f64)>) -> Option<Self> {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (mut least, mut most, mut count) = (f64::INFINITY, f64::NEG_INFINITY, 0usize);
        for value in finite() {
            (least, most, count) = (least.min(value), most.max(value), count + 1);
        }
        if count == 0 {
            return None;
        }
        let (low, high) = limits.filter(|(low, high)| low < high).unwrap_or_else(|| {
            let mut sorted: Vec<f64> = finite().step_by(count.div_ceil(MOST_SORTED)).collect();
            let last = sorted.len() - 1;
            let mut at = |place: usize| *sorted.select_nth_unstable_by(place, f64::total_cmp).1;
            let (low, high) = (at(last * 2 / 100), at((last * 98).div_ceil(100)));
            if low < 0.0 && high > 0.0 {
                let reach = high.max(-low);
                return (-reach, reach);
            }
            (low, high)
        });
        // A field that is flat but for a few cells still shows those.
        let (low, high) = if low < high {
            (low, high)
        } else {
            (least, most)
        };
        Some(Self {
            low,
            high,
            has_below: least < low,
            has_above: most > high,
        })
    }

    /// Limits as far below zero as above have colours of their own: the middle means something.
    fn stops(&self) -> &'static [[u8; 3]; 6] {
        if self.low < 0.0 && self.low == -self.high {
            &DIVERGING_STOPS
        } else {
            &COLOUR_STOPS
        }
    }

    fn place(&self, value: f64) -> f64 {
        // Halves first: the difference of huge limits would overflow.
        let range = self.high / 2.0 - self.low / 2.0;
        if range > 0.0 {
            ((value / 2.0 - self.low / 2.0) / range).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }
}

/// The field at the resolution of the terminal.
struct Pixels {
    values: Vec<f64>,
    rows: usize,
    columns: usize,
}

impl Pixels {
    /// As large as fits into `columns` by `rows` square pixels without changing the field's proportions.
    fn of_field(field: &Field<'_>, columns: usize, rows: usize) -> Self {
        let wide = field.columns as u128 * rows as u128;
        let tall = field.rows as u128 * columns as u128;
        let fitted = |part: u128, whole: usize| (part / whole.max(1) as u128).max(1) as usize;
        let (rows, columns) = if wide >= tall {
            (fitted(tall, field.columns).min(rows), columns)
        } else {
            (rows, fitted(wide, field.rows).min(columns))
        };
        let mut values = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let row = if field.starts_at_bottom {
                rows - 1 - row
            } else {
                row
            };
            let covered_rows = covered(row, rows, field.rows);
            for column in 0..columns {
                let column = if field.starts_at_right {
                    columns - 1 - column
                } else {
                    column
                };
                let covered_columns = covered(column, columns, field.columns);
                let (mut sum, mut count) = (0.0, 0.0);
                for at in covered_rows.clone() {
                    for value in &field.values[at * field.columns..][covered_columns.clone()] {
                        if value.is_finite() {
                            sum += value;
                            count += 1.0;
                        }
                    }
                }
                values.push(sum / count);
            }
        }
        Self {
            values,
            rows,
            columns,
        }
    }

    /// `None` where missing, or below the last row.
    fn get(&self, row: usize, column: usize) -> Option<f64> {
        let value = self.values.get(row * self.columns + column).copied();
        value.filter(|value| !value.is_nan())
    }
}

/// The indices of an axis of `length` that pixel `at` of `count` covers: at least one.
fn covered(at: usize, count: usize, length: usize) -> std::ops::Range<usize> {
    let edge = |at: usize| (at as u128 * length as u128 / count as u128) as usize;
    let start = edge(at).min(length - 1);
    start..edge(at + 1).max(start + 1)
}

/// Writes cells, changing colours only where they change.
struct Pen {
    colours: Colours,
    stops: &'static [[u8; 3]; 6],
    foreground: Option<[u8; 3]>,
    background: Option<[u8; 3]>,
}

impl Pen {
    fn new(colours: Colours, stops: &'static [[u8; 3]; 6]) -> Self {
        Self {
            colours,
            stops,
            foreground: None,
            background: None,
        }
    }

    /// Two pixels, one above the other, by their places on the scale.
    fn cell(&mut self, upper: Option<f64>, lower: Option<f64>, out: &mut String) {
        if self.colours == Colours::Plain {
            let place = match (upper, lower) {
                (Some(upper), Some(lower)) => Some((upper + lower) / 2.0),
                (one, other) => one.or(other),
            };
            out.push(place.map_or(' ', weight));
            return;
        }
        let colour = |place| colour(place, self.stops);
        match (upper.map(colour), lower.map(colour)) {
            (Some(upper), Some(lower)) if upper == lower => self.put(Some(upper), None, '█', out),
            (Some(upper), lower) => self.put(Some(upper), lower, '▀', out),
            (None, Some(lower)) => self.put(Some(lower), None, '▄', out),
            (None, None) => self.put(None, None, MISSING, out),
        }
    }

    fn put(
        &mut self,
        foreground: Option<[u8; 3]>,
        background: Option<[u8; 3]>,
        letter: char,
        out: &mut String,
    ) {
        if self.foreground != foreground {
            self.set(foreground, 38, out);
            self.foreground = foreground;
        }
        if self.background != background {
            self.set(background, 48, out);
            self.background = background;
        }
        out.push(letter);
    }

    fn set(&self, colour: Option<[u8; 3]>, code: u8, out: &mut String) {
        // Writing into memory does not fail.
        let _ = match (colour, self.colours) {
            (None, _) => write!(out, "\x1b[{}m", code + 1),
            (Some([red, green, blue]), Colours::True) => {
                write!(out, "\x1b[{code};2;{red};{green};{blue}m")
            }
            (Some(colour), _) => write!(out, "\x1b[{code};5;{}m", palette(colour)),
        };
    }

    fn end_line(&mut self, out: &mut String) {
        self.reset(out);
        out.push('\n');
    }

    fn reset(&mut self, out: &mut String) {
        if self.foreground.is_some() || self.background.is_some() {
            out.push_str("\x1b[0m");
            (self.foreground, self.background) = (None, None);
        }
    }
}

fn weight(place: f64) -> char {
    let last = WEIGHTS.len() - 1;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 9"
    )]
    let at = (place * WEIGHTS.len() as f64) as usize;
    WEIGHTS[at.min(last)]
}

fn colour(place: f64, stops: &[[u8; 3]; 6]) -> [u8; 3] {
    let last = stops.len() - 1;
    let scaled = place * last as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 5"
    )]
    let at = (scaled as usize).min(last - 1);
    let part = scaled - at as f64;
    let mix = |channel: usize| {
        let (from, to) = (stops[at][channel], stops[at + 1][channel]);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two bytes"
        )]
        let mixed = (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
        mixed
    };
    [mix(0), mix(1), mix(2)]
}

/// The nearest colour of the 6 × 6 × 6 cube.
fn palette(colour: [u8; 3]) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| {
        (0u8..6)
            .min_by_key(|at| LEVELS[usize::from(*at)].abs_diff(value))
            .unwrap_or(0)
    };
    let [red, green, blue] = colour.map(nearest);
    16 + 36 * red + 6 * green + blue
}

/// `240.1 ▕████▏ 305.2 K`; `<` and `>` where values lie outside.
fn write_bar(scale: &Scale, options: &MapOptions, pen: &mut Pen, out: &mut String) {
    let below = if scale.has_below { "< " } else { "" };
    let above = if scale.has_above { " >" } else { "" };
    let low = format!("{below}{} ", significant(scale.low));
    let gap = if options.units.is_empty() { "" } else { " " };
    let high = format!(" {}{above}{gap}{}", significant(scale.high), options.units);
    let room = options
        .width
        .saturating_sub(low.chars().count() + high.chars().count());
    let length = room.clamp(4, 40);
    out.push_str(&low);
    for at in 0..length {
        let place = (at as f64 + 0.5) / length as f64;
        pen.cell(Some(place), Some(place), out);
    }
    pen.reset(out);
    out.push_str(&high);
    out.push('\n');
}

/// Four significant digits, as short as they go.
fn significant(value: f64) -> String {
    let text = format!("{value:.3e}");
    let (_, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        return text;
    }
    let digits = usize::try_from(3 - exponent).unwrap_or(0);
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(field: &Field<'_>, width: usize, height: usize) -> String {
        let options = MapOptions {
            width,
            height,
            colours: Colours::Plain,
            units: "K".into(),
            limits: Some((0.0, 9.0)),
            ..MapOptions::default()
        };
        draw_map(field, &options)
    }

    #[test]
    fn rows_run_the_way_they_are_told() {
        let values = [0.0, 0.0, 0.0, f64::NAN, 9.0, 9.0, 9.0, 9.0];
        // Two rows of pixels share a line, so a field of 4 × 2 in a width of 2 takes two lines.
        let mut field = Field::new(&values, 4, 2).unwrap();
        assert_eq!(plain(&field, 2, 2), "..\n@@\n0 :=*% 9 K\n");
        field.starts_at_bottom = true;
        assert_eq!(plain(&field, 2, 2), "@@\n..\n0 :=*% 9 K\n");
        let values = [0.0, 9.0, 0.0, 9.0];
        let mut field = Field::new(&values, 2, 2).unwrap();
        field.starts_at_right = true;
        assert!(plain(&field, 2, 1).starts_with("@.\n"));
    }

    #[test]
    fn missing_cells_are_blank_or_dots() {
        let values = [f64::NAN, 9.0, f64::NAN, 9.0];
        let field = Field::new(&values, 2, 2).unwrap();
        assert!(plain(&field, 2, 1).starts_with(" @\n"));
        let options = MapOptions {
            width: 2,
            height: 1,
            limits: Some((0.0, 9.0)),
            ..MapOptions::default()
        };
        assert!(draw_map(&field, &options).starts_with("·\x1b[38;2;250;236;120m█\x1b[0m\n"));
        let all = [f64::NAN; 4];
        let text = draw_map(&Field::new(&all, 2, 2).unwrap(), &MapOptions::default());
        assert_eq!(text, "(every value is missing)\n");
    }

    #[test]
    fn halves_have_their_own_colours() {
        let values = [0.0, 9.0];
        let field = Field::new(&values, 2, 1).unwrap();
        let options = MapOptions {
            width: 1,
            height: 1,
            colours: Colours::Palette,
            limits: Some((0.0, 9.0)),
            ..MapOptions::default()
        };
        let (low, high) = (palette(COLOUR_STOPS[0]), palette(COLOUR_STOPS[5]));
        let expected = format!("\x1b[38;5;{low}m\x1b[48;5;{high}m▀\x1b[0m\n");
        assert!(draw_map(&field, &options).starts_with(&expected));
    }

    #[test]
    fn outliers_do_not_set_the_limits() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values[500] = 1e30;
        let scale = Scale::new(&values, None).unwrap();
        assert!(scale.low > 10.0 && scale.high < 1000.0, "{scale:?}");
        assert!(scale.has_above && scale.has_below);
        let flat = Scale::new(&[5.0; 10], None).unwrap();
        assert_eq!(flat.place(5.0), 0.5);
    }

    #[test]
    fn values_on_both_sides_of_zero_are_centred() {
        let scale = Scale::new(&[-1.0, 0.0, 3.0], None).unwrap();
        assert_eq!((scale.low, scale.high), (-3.0, 3.0));
        assert_eq!(scale.stops(), &DIVERGING_STOPS);
        let drawn = draw(&[1.0; 40 * 80], (40, 80), "t", "K", 80, Colours::Palette);
        assert_eq!(drawn.lines().count(), 1 + 20 + 1);
    }

    #[test]
    fn any_shape_is_drawn_within_its_room() {
        for (rows, columns) in [(1, 1), (1, 1000), (1000, 1), (37, 53), (721, 1440), (3, 2)] {
            let values: Vec<f64> = (0..rows * columns).map(|value| value as f64).collect();
            let field = Field::new(&values, rows, columns).unwrap();
            let text = plain(&field, 60, 20);
            let lines: Vec<&str> = text.lines().collect();
            assert!(
                lines.len() <= 21,
                "{rows} × {columns}: {} lines",
                lines.len()
            );
            assert!(
                lines.iter().all(|line| line.chars().count() <= 60),
                "{rows} × {columns}"
            );
        }
        assert!(Field::new(&[1.0], 2, 2).is_err());
        assert_eq!(
            draw_map(&Field::new(&[], 0, 5).unwrap(), &MapOptions::default()),
            "(no values)\n"
        );
    }

    #[test]
    fn terminals_say_what_they_show() {
        assert_eq!(
            Colours::of_terminal(None, Some("truecolor"), Some("xterm")),
            Colours::True
        );
        assert_eq!(
            Colours::of_terminal(None, None, Some("xterm-256color")),
            Colours::Palette
        );
        assert_eq!(
            Colours::of_terminal(Some("1"), Some("truecolor"), Some("xterm")),
            Colours::Plain
        );
        assert_eq!(Colours::of_terminal(None, None, None), Colours::Plain);
    }
}

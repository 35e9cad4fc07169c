//! Maps in the terminal: two rows of cells to a line of characters.

use std::fmt::Write;

/// From low to high: blue over white to red, as 256-colour codes that most terminals know.
const COLOURS: [u8; 11] = [19, 26, 32, 74, 117, 255, 223, 215, 208, 196, 124];
/// The colour of missing cells: none of the above.
const MISSING: u8 = 238;

/// Draws `values` (rows of `shape.1` columns, the first row on top) in `width` characters, with a bar of colours.
///
/// # Missing values
/// NaN is drawn in a grey of its own.
/// # Units
/// Those of the values, at the colour bar. Colours span the 2nd to the 98th percentile, centred on zero where
/// values lie on both sides of it.
#[must_use]
pub fn draw(values: &[f64], shape: (usize, usize), title: &str, units: &str, width: usize) -> String {
    let (rows, columns) = shape;
    if rows == 0 || columns == 0 || values.len() < rows * columns {
        return format!("{title}: nothing to draw");
    }
    let width = width.clamp(1, columns);
    // Two cells stack in one character, and a character is about twice as high as wide.
    let height = ((rows * width).div_ceil(columns)).clamp(2, rows.max(2)).next_multiple_of(2);
    let limits = limits(values);
    let cell = |row: usize, column: usize| {
        let rows = span(row, height, rows);
        let columns_here = span(column, width, columns);
        average(rows.flat_map(|row| columns_here.clone().map(move |column| row * columns + column)).map(|at| values[at]))
    };
    let mut text = format!("{title}\n");
    for line in (0..height).step_by(2) {
        for column in 0..width {
            let (top, bottom) = (colour(cell(line, column), limits), colour(cell(line + 1, column), limits));
            let _ = write!(text, "\x1b[38;5;{top}m\x1b[48;5;{bottom}m▀");
        }
        text.push_str("\x1b[0m\n");
    }
    let bar: String = COLOURS.iter().map(|colour| format!("\x1b[48;5;{colour}m  ")).collect();
    let _ = write!(text, "{:.1} {bar}\x1b[0m {:.1} {units}", limits.0, limits.1);
    text
}

/// The source indices under position `at` of `count`.
fn span(at: usize, count: usize, length: usize) -> std::ops::Range<usize> {
    let start = (at * length / count).min(length - 1);
    start..((at + 1) * length / count).clamp(start + 1, length)
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.filter(|value| !value.is_nan()).fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

fn limits(values: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if sorted.is_empty() {
        return (0.0, 1.0);
    }
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[sorted.len() * 2 / 100], sorted[(sorted.len() - 1) * 98 / 100]);
    if low < 0.0 && high > 0.0 {
        let reach = high.max(-low);
        return (-reach, reach);
    }
    (low, high)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a short list")]
fn colour(value: f64, (low, high): (f64, f64)) -> u8 {
    if value.is_nan() {
        return MISSING;
    }
    let position = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
    COLOURS[((position * (COLOURS.len() - 1) as f64).round() as usize).min(COLOURS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_cells_differ_from_low_ones() {
        let drawn = draw(&[0.0, f64::NAN, 1.0, 2.0], (2, 2), "t", "K", 2);
        assert!(drawn.contains(&format!("38;5;{MISSING}m")) && drawn.contains("38;5;19m"));
    }

    #[test]
    fn values_on_both_sides_of_zero_are_centred() {
        assert_eq!(limits(&[-1.0, 0.0, 3.0]), (-1.0, 1.0));
        assert_eq!(limits(&[f64::NAN]), (0.0, 1.0));
    }

    #[test]
    fn a_map_is_half_as_many_lines_as_cells() {
        let drawn = draw(&vec![1.0; 40 * 80], (40, 80), "t", "K", 80);
        assert_eq!(drawn.lines().count(), 1 + 20 + 1);
    }
}

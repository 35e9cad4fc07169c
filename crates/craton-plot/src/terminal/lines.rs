//! Lines in the terminal: each letter is two by four dots.

use super::MapOptions;
use crate::axis::{Axis, number_ticks};
use std::fmt::Write;

/// The bit of each dot of a letter, rows of two.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Draws lines of points over the values of `across`; NaN is a gap.
#[must_use]
pub fn draw_lines(series: &[Vec<(f64, f64)>], across: &Axis, options: &MapOptions) -> String {
    let mut out = String::new();
    if !options.title.is_empty() {
        let title: String = options.title.chars().take(options.width).collect();
        // Writing into memory does not fail.
        let _ = writeln!(out, "{title}");
    }
    let known = || {
        series
            .iter()
            .flatten()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
    };
    if known().next().is_none() {
        return out + "(every value is missing)\n";
    }
    let (low, high) = options
        .limits
        .filter(|(low, high)| low < high)
        .unwrap_or_else(|| {
            let (low, high) = known()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| {
                    (low.min(*y), high.max(*y))
                });
            if low < high {
                (low, high)
            } else {
                (low - 0.5, high + 0.5)
            }
        });
    let (ticks, power) = number_ticks(low, high, 4);
    let margin = ticks
        .iter()
        .map(|tick| tick.label.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let columns = options.width.saturating_sub(margin).max(2);
    let rows = options.height.max(2);
    let mut canvas = Canvas {
        letters: vec![0; columns * rows],
        columns,
        rows,
    };
    let place = |(x, y): (f64, f64)| {
        let along = across.place(x) * (columns * 2 - 1) as f64;
        let up = (y - low) / (high - low) * (rows * 4 - 1) as f64;
        (along, (rows * 4 - 1) as f64 - up)
    };
    for points in series {
        for run in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            for pair in run.windows(2) {
                canvas.line(place(pair[0]), place(pair[1]));
            }
            if let [one] = run {
                canvas.line(place(*one), place(*one));
            }
        }
    }
    let row_of =
        |value: f64| ((1.0 - (value - low) / (high - low)) * (rows - 1) as f64).round() as usize;
    for row in 0..rows {
        let tick = ticks.iter().find(|tick| row_of(tick.at) == row);
        let label = tick.map_or("", |tick| &tick.label);
        let edge = if tick.is_some() { '┤' } else { '│' };
        let _ = write!(out, "{label:>width$}{edge}", width = margin - 1);
        let letters = &canvas.letters[row * columns..][..columns];
        let line: String = letters
            .iter()
            .map(|dots| char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' '))
            .collect();
        let _ = writeln!(out, "{}", line.trim_end_matches('\u{2800}'));
    }
    write_axis(across, columns, margin, &mut out);
    let factor = if power == 0 {
        String::new()
    } else {
        format!("×1e{power} ")
    };
    let unit = format!("{factor}{}", options.units);
    if !unit.trim().is_empty() {
        let _ = writeln!(out, "{:margin$}{}", "", unit.trim());
    }
    out
}

/// The marks under the lines, and what they say, as far as there is room.
fn write_axis(across: &Axis, columns: usize, margin: usize, out: &mut String) {
    let mut line = vec!['─'; columns];
    let mut labels = vec![' '; columns + 16];
    let mut contexts = vec![' '; columns + 16];
    let mut free = 0;
    for tick in &across.ticks {
        let place = across.place(tick.at);
        if !(0.0..=1.0).contains(&place) {
            continue;
        }
        let at = (place * (columns - 1) as f64).round() as usize;
        line[at] = '┬';
        if at < free {
            continue;
        }
        free = at + tick.label.chars().count() + 2;
        for (text, into) in [
            (Some(&tick.label), &mut labels),
            (tick.context.as_ref(), &mut contexts),
        ] {
            for (slot, letter) in into[at..]
                .iter_mut()
                .zip(text.map_or("", |text| text).chars())
            {
                *slot = letter;
            }
        }
    }
    let line: String = line.into_iter().collect();
    let _ = writeln!(out, "{:width$}└{line}", "", width = margin - 1);
    for text in [labels, contexts] {
        let text: String = text.into_iter().collect();
        if !text.trim().is_empty() {
            let _ = writeln!(out, "{:margin$}{}", "", text.trim_end());
        }
    }
}

struct Canvas {
    letters: Vec<u8>,
    columns: usize,
    rows: usize,
}

impl Canvas {
    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let steps = (x2 - x1).abs().max((y2 - y1).abs()).ceil().clamp(1.0, 1e5) as usize;
        for step in 0..=steps {
            let part = step as f64 / steps as f64;
            self.dot(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part);
        }
    }

    fn dot(&mut self, x: f64, y: f64) {
        let (x, y) = (x.round(), y.round());
        if x < 0.0 || y < 0.0 || x >= (self.columns * 2) as f64 || y >= (self.rows * 4) as f64 {
            return;
        }
        let (x, y) = (x as usize, y as usize);
        self.letters[y / 4 * self.columns + x / 2] |= DOTS[y % 4][x % 2];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        let points: Vec<(f64, f64)> = (0..50).map(|at| (f64::from(at), f64::from(at))).collect();
        let options = MapOptions {
            width: 30,
            height: 6,
            ..MapOptions::default()
        };
        let text = draw_lines(&[points], &Axis::numbers(0.0, 49.0, "x", 4), &options);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines.iter().all(|line| line.chars().count() <= 30),
            "{text}"
        );
        assert!(
            lines[0].ends_with(['⠉', '⠊', '⠔', '⡠', '⠁', '⠃', '⠈', '⠑', '⠋', '⡰', '⠎']),
            "{text}"
        );
        assert!(lines[5].contains(['⡠', '⡀', '⣀', '⡔', '⠔']), "{text}");
        assert!(
            draw_lines(&[vec![]], &Axis::numbers(0.0, 1.0, "", 3), &options).contains("missing")
        );
    }
}

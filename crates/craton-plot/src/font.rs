//! The bundled font: widths and outlines of texts.

use crate::drawing::{Path, Segment};
use std::sync::OnceLock;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static BYTES: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");

/// From the baseline up to the top of the line, in heights of the font.
pub const ASCENT: f64 = 0.76;
/// From the baseline up to the top of a capital letter.
pub const CAPITAL: f64 = 0.73;

fn face() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(BYTES, 0).ok()).as_ref()
}

/// The glyphs of a text, each with its place on a line at size 1.
pub(crate) fn glyphs(text: &str) -> impl Iterator<Item = (u16, f64)> + '_ {
    let mut at = 0.0;
    text.chars().filter_map(move |letter| {
        let face = face()?;
        // Glyph 0 is a box: better seen than left out.
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
        let place = at;
        at +=
            f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / f64::from(face.units_per_em());
        Some((glyph.0, place))
    })
}

/// How wide `text` is at `size`.
#[must_use]
pub fn width(text: &str, size: f64) -> f64 {
    let Some(face) = face() else { return 0.0 };
    let advance = |letter| {
        let glyph = face.glyph_index(letter).unwrap_or(GlyphId(0));
        f64::from(face.glyph_hor_advance(glyph).unwrap_or(0))
    };
    text.chars().map(advance).sum::<f64>() / f64::from(face.units_per_em()) * size
}

/// As much of `text` as is at most `most` wide, with an ellipsis where something is cut.
#[must_use]
pub fn fitted(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept: String = text.to_owned();
    while !kept.is_empty() && width(&kept, size) + width("…", size) > most {
        kept.pop();
    }
    format!("{}…", kept.trim_end())
}

/// The outline of a glyph at size 1, y down, from the start of the baseline.
pub(crate) fn outline(glyph: u16) -> Path {
    let mut pen = Pen {
        path: Path::default(),
        scale: face().map_or(0.0, |face| 1.0 / f64::from(face.units_per_em())),
    };
    if let Some(face) = face() {
        face.outline_glyph(GlyphId(glyph), &mut pen);
    }
    pen.path
}

struct Pen {
    path: Path,
    scale: f64,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f64, f64) {
        (f64::from(x) * self.scale, -f64::from(y) * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.segments.push(Segment::Move(x, y));
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.segments.push(Segment::Line(x, y));
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path
            .segments
            .push(Segment::Quad(self.at(x1, y1), self.at(x, y)));
    }
    // TrueType outlines have no cubic curves.
    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, x: f32, y: f32) {
        self.line_to(x, y);
    }
    fn close(&mut self) {
        self.path.segments.push(Segment::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_units_and_titles_are_there() {
        let face = face().unwrap();
        for letter in "AZaz09 °µ−–·⁻¹²³⁰⁴⁵⁶⁷⁸⁹₀₂₄×±äéñøŁΔσЯж′″‰≤≥∞…".chars()
        {
            assert!(face.glyph_index(letter).is_some(), "{letter}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut() {
        let text = "a title that nobody could ever read to its end";
        let cut = fitted(text, 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 100.0);
        assert_eq!(fitted("short", 10.0, 100.0), "short");
        assert!(!outline(glyphs("A").next().unwrap().0).is_empty());
    }
}

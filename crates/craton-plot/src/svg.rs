//! A drawing as SVG. Texts are outlines of the bundled font, so that they look the same everywhere.

use crate::colour::Colour;
use crate::drawing::{Drawing, Item, Path, Segment, Text};
use crate::{font, raster};
use base64::{Engine, engine::general_purpose::STANDARD};
use craton_core::Result;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Draws a picture as SVG with texts in its metadata, such as its recipe.
///
/// # Errors
/// As [`raster::png`], for the images inside.
pub fn svg(drawing: &Drawing, texts: &[(String, String)]) -> Result<String> {
    let mut out = String::new();
    let (width, height) = (drawing.width, drawing.height);
    // Writing into memory does not fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(&drawing.title));
    out.push_str("<metadata>\n");
    for (keyword, text) in texts {
        let _ = writeln!(
            out,
            "<craton:text xmlns:craton=\"urn:craton\" keyword=\"{}\">{}</craton:text>",
            escaped(keyword),
            escaped(text)
        );
    }
    out.push_str("</metadata>\n<defs>\n");
    let mut glyphs = BTreeSet::new();
    collect_glyphs(&drawing.items, &mut glyphs);
    for glyph in glyphs {
        let _ = write!(out, "<path id=\"g{glyph}\" d=\"");
        write_path(&font::outline(glyph), 4, &mut out);
        out.push_str("\"/>\n");
    }
    out.push_str("</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    let mut clips = 0;
    for item in &drawing.items {
        write_item(item, &mut clips, &mut out)?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn collect_glyphs(items: &[Item], glyphs: &mut BTreeSet<u16>) {
    for item in items {
        match item {
            Item::Text(text) => glyphs.extend(font::glyphs(&text.text).map(|(glyph, _)| glyph)),
            Item::Clipped { items, .. } => collect_glyphs(items, glyphs),
            _ => {}
        }
    }
}

fn write_item(item: &Item, clips: &mut usize, out: &mut String) -> Result<()> {
    match item {
        Item::Fill { path, colour } => {
            out.push_str("<path d=\"");
            write_path(path, 2, out);
            let _ = writeln!(
                out,
                "\" fill-rule=\"evenodd\" {}/>",
                painted("fill", *colour)
            );
        }
        Item::Stroke {
            path,
            colour,
            width,
        } => {
            out.push_str("<path d=\"");
            write_path(path, 2, out);
            let _ = writeln!(
                out,
                "\" fill=\"none\" stroke-width=\"{}\" stroke-linejoin=\"round\" {}/>",
                number(*width, 2),
                painted("stroke", *colour)
            );
        }
        Item::Text(text) => write_text(text, out),
        Item::Image { area, image } => {
            let bytes = raster::encode(image, true, &[])?;
            let _ = writeln!(
                out,
                "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
                number(area.left, 2),
                number(area.top, 2),
                number(area.width, 2),
                number(area.height, 2),
                STANDARD.encode(bytes)
            );
        }
        Item::Clipped { path, items } => {
            *clips += 1;
            let _ = write!(out, "<clipPath id=\"c{clips}\"><path d=\"");
            write_path(path, 2, out);
            let _ = writeln!(
                out,
                "\" clip-rule=\"evenodd\"/></clipPath>\n<g clip-path=\"url(#c{clips})\">"
            );
            for item in items {
                write_item(item, clips, out)?;
            }
            out.push_str("</g>\n");
        }
    }
    Ok(())
}

fn write_text(text: &Text, out: &mut String) {
    let (x, y) = text.origin();
    let turn = if text.is_turned { " rotate(-90)" } else { "" };
    let _ = write!(
        out,
        "<g role=\"text\" aria-label=\"{}\" {} transform=\"translate({} {}){turn} scale({})\">",
        escaped(&text.text),
        painted("fill", text.colour),
        number(x, 2),
        number(y, 2),
        number(text.size, 2)
    );
    for (glyph, at) in font::glyphs(&text.text) {
        let _ = write!(out, "<use href=\"#g{glyph}\" x=\"{}\"/>", number(at, 4));
    }
    out.push_str("</g>\n");
}

fn painted(what: &str, colour: Colour) -> String {
    let Colour {
        red,
        green,
        blue,
        opacity,
    } = colour;
    let mut text = format!("{what}=\"#{red:02x}{green:02x}{blue:02x}\"");
    if opacity < 255 {
        let _ = write!(
            text,
            " {what}-opacity=\"{}\"",
            number(f64::from(opacity) / 255.0, 3)
        );
    }
    text
}

fn write_path(path: &Path, digits: usize, out: &mut String) {
    let n = |value| number(value, digits);
    for segment in &path.segments {
        let _ = match *segment {
            Segment::Move(x, y) => write!(out, "M{} {}", n(x), n(y)),
            Segment::Line(x, y) => write!(out, "L{} {}", n(x), n(y)),
            Segment::Quad((x1, y1), (x, y)) => {
                write!(out, "Q{} {} {} {}", n(x1), n(y1), n(x), n(y))
            }
            Segment::Close => write!(out, "Z"),
        };
    }
}

/// As short as it goes.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Text as XML has it; letters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(letter),
            letter if letter < ' ' || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_stay_texts() {
        let mut drawing = Drawing::new(10, 10);
        drawing.title = "<script>\u{0} & \"".to_owned();
        drawing.text(Text::new("a<b", (5.0, 5.0), 3.0));
        let text = svg(&drawing, &[("k".to_owned(), "</metadata>".to_owned())]).unwrap();
        assert!(text.contains("<title>&lt;script&gt; &amp; &quot;</title>"));
        assert!(text.contains("aria-label=\"a&lt;b\""));
        assert!(text.contains(">&lt;/metadata&gt;</craton:text>"));
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1.0, 2), "1");
        assert_eq!(number(-0.001, 2), "0");
        assert_eq!(number(100.0, 0), "100");
        assert_eq!(number(2.504, 2), "2.5");
    }
}

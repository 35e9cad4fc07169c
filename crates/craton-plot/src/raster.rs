//! A drawing as pixels, and pixels as PNG.

use crate::colour::Colour;
use crate::drawing::{Area, Drawing, Image, Item, Path, Segment, Text};
use crate::font;
use craton_core::{Error, Result};
use std::collections::HashMap;
use tiny_skia::{FillRule, LineCap, LineJoin, Mask, Paint, PathBuilder, Pixmap, Stroke, Transform};

/// Most pixels of a picture.
pub const MOST_PIXELS: u64 = 64 << 20;

/// Draws a picture on white.
///
/// # Errors
/// [`craton_core::ErrorKind::Usage`] if it has no pixels or more than [`MOST_PIXELS`].
pub fn pixels(drawing: &Drawing) -> Result<Image> {
    let map = pixmap(drawing)?;
    let pixels = map.pixels().iter().map(|pixel| {
        // Opaque everywhere, so that nothing is premultiplied.
        Colour::new(pixel.red(), pixel.green(), pixel.blue())
    });
    Ok(Image {
        width: drawing.width,
        height: drawing.height,
        pixels: pixels.collect(),
    })
}

/// Draws a picture as PNG with texts inside, such as its recipe.
///
/// # Errors
/// As [`pixels`]; [`craton_core::ErrorKind::Internal`] if the encoder refuses.
pub fn png(drawing: &Drawing, texts: &[(String, String)]) -> Result<Vec<u8>> {
    let image = pixels(drawing)?;
    encode(&image, false, texts)
}

/// Encodes an image as PNG, with or without opacity.
pub(crate) fn encode(
    image: &Image,
    has_opacity: bool,
    texts: &[(String, String)],
) -> Result<Vec<u8>> {
    let failed = |cause: png::EncodingError| {
        Error::internal("the picture cannot be encoded as PNG").caused_by(cause)
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width, image.height);
    encoder.set_color(if has_opacity {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    for (keyword, text) in texts {
        encoder
            .add_itxt_chunk(keyword.clone(), text.clone())
            .map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    let mut data = Vec::with_capacity(image.pixels.len() * 4);
    for colour in &image.pixels {
        data.extend([colour.red, colour.green, colour.blue]);
        if has_opacity {
            data.push(colour.opacity);
        }
    }
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn pixmap(drawing: &Drawing) -> Result<Pixmap> {
    let count = u64::from(drawing.width) * u64::from(drawing.height);
    let map = (count <= MOST_PIXELS)
        .then(|| Pixmap::new(drawing.width, drawing.height))
        .flatten();
    let mut map = map.ok_or_else(|| {
        let message = format!(
            "a picture of {} × {} pixels cannot be drawn",
            drawing.width, drawing.height
        );
        Error::usage(message).hint(format!("`--size` takes up to {MOST_PIXELS} pixels in all"))
    })?;
    map.fill(tiny_skia::Color::WHITE);
    let mut canvas = Canvas {
        map,
        glyphs: HashMap::new(),
    };
    for item in &drawing.items {
        canvas.draw(item, None);
    }
    Ok(canvas.map)
}

struct Canvas {
    map: Pixmap,
    glyphs: HashMap<u16, Option<tiny_skia::Path>>,
}

impl Canvas {
    fn draw(&mut self, item: &Item, mask: Option<&Mask>) {
        match item {
            Item::Fill { path, colour } => {
                if let Some(path) = path_of(path) {
                    self.map.fill_path(
                        &path,
                        &paint(*colour),
                        FillRule::EvenOdd,
                        Transform::identity(),
                        mask,
                    );
                }
            }
            Item::Stroke {
                path,
                colour,
                width,
            } => {
                let stroke = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Butt,
                    line_join: LineJoin::Round,
                    ..Stroke::default()
                };
                if let Some(path) = path_of(path) {
                    self.map.stroke_path(
                        &path,
                        &paint(*colour),
                        &stroke,
                        Transform::identity(),
                        mask,
                    );
                }
            }
            Item::Text(text) => self.text(text, mask),
            Item::Image { area, image } => self.image(*area, image),
            Item::Clipped { path, items } => {
                let mut inner = Mask::new(self.map.width(), self.map.height());
                if let (Some(inner), Some(path)) = (&mut inner, path_of(path)) {
                    inner.fill_path(&path, FillRule::EvenOdd, true, Transform::identity());
                }
                for item in items {
                    self.draw(item, inner.as_ref().or(mask));
                }
            }
        }
    }

    fn text(&mut self, text: &Text, mask: Option<&Mask>) {
        let (x, y) = text.origin();
        let size = text.size as f32;
        let turn = if text.is_turned { -90.0 } else { 0.0 };
        let start = Transform::from_translate(x as f32, y as f32)
            .pre_rotate(turn)
            .pre_scale(size, size);
        for (glyph, at) in font::glyphs(&text.text) {
            let path = self
                .glyphs
                .entry(glyph)
                .or_insert_with(|| path_of(&font::outline(glyph)));
            if let Some(path) = path {
                self.map.fill_path(
                    path,
                    &paint(text.colour),
                    FillRule::Winding,
                    start.pre_translate(at as f32, 0.0),
                    mask,
                );
            }
        }
    }

    /// Each pixel of the picture takes the image's pixel under its middle.
    fn image(&mut self, area: Area, image: &Image) {
        let (width, height) = (self.map.width(), self.map.height());
        let rows = covered(area.top, area.height, height);
        let columns = covered(area.left, area.width, width);
        let place = |at: u32, from: f64, length: f64, count: u32| {
            let part = (f64::from(at) + 0.5 - from) / length * f64::from(count);
            (part as u32).min(count.saturating_sub(1)) as usize
        };
        let target = self.map.pixels_mut();
        for row in rows {
            let from = place(row, area.top, area.height, image.height) * image.width as usize;
            for column in columns.clone() {
                let at = from + place(column, area.left, area.width, image.width);
                let Some(colour) = image.pixels.get(at).filter(|colour| colour.opacity > 0) else {
                    continue;
                };
                let pixel =
                    tiny_skia::ColorU8::from_rgba(colour.red, colour.green, colour.blue, 255);
                target[row as usize * width as usize + column as usize] = pixel.premultiply();
            }
        }
    }
}

/// The pixels whose middle lies within.
fn covered(from: f64, length: f64, count: u32) -> std::ops::Range<u32> {
    let start = (from - 0.5).ceil().max(0.0) as u32;
    let end = (from + length - 0.5).ceil().max(0.0) as u32;
    start.min(count)..end.min(count)
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(colour.red, colour.green, colour.blue, colour.opacity);
    paint.anti_alias = true;
    paint
}

fn path_of(path: &Path) -> Option<tiny_skia::Path> {
    let mut builder = PathBuilder::with_capacity(path.segments.len(), path.segments.len());
    for segment in &path.segments {
        match *segment {
            Segment::Move(x, y) => builder.move_to(x as f32, y as f32),
            Segment::Line(x, y) => builder.line_to(x as f32, y as f32),
            Segment::Quad((x1, y1), (x, y)) => {
                builder.quad_to(x1 as f32, y1 as f32, x as f32, y as f32);
            }
            Segment::Close => builder.close(),
        }
    }
    builder.finish()
}

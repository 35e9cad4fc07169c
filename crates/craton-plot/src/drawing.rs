//! One description of a picture, from which every backend draws.
//!
//! Lengths are pixels, x to the right, y down. What stands later lies on top.

use crate::colour::Colour;
use crate::font;

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What the picture shows, in words.
    pub title: String,
    /// What is drawn, in this order, on white.
    pub items: Vec<Item>,
}

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// The inside of a path (even-odd).
    Fill {
        /// The outline.
        path: Path,
        /// The colour.
        colour: Colour,
    },
    /// A line along a path.
    Stroke {
        /// The line.
        path: Path,
        /// The colour.
        colour: Colour,
        /// The line's width.
        width: f64,
    },
    /// A line of text.
    Text(Text),
    /// Pixels, none of them filtered.
    Image {
        /// Where they go.
        area: Area,
        /// The pixels.
        image: Image,
    },
    /// Things of which only what lies inside a path is seen.
    Clipped {
        /// The outline.
        path: Path,
        /// The things.
        items: Vec<Item>,
    },
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Area {
    /// The left edge.
    pub left: f64,
    /// The upper edge.
    pub top: f64,
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
}

impl Area {
    /// The right edge.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.left + self.width
    }
    /// The lower edge.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
    /// The outline.
    #[must_use]
    pub fn path(&self) -> Path {
        let (left, top, right, bottom) = (self.left, self.top, self.right(), self.bottom());
        Path::polygon(&[(left, top), (right, top), (right, bottom), (left, bottom)])
    }
}

/// Pixels in rows, first row on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// `width * height` colours.
    pub pixels: Vec<Colour>,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The letters.
    pub text: String,
    /// Where the anchor lies.
    pub at: (f64, f64),
    /// The height of the font.
    pub size: f64,
    /// Which point of the text lies there, across.
    pub across: Across,
    /// Which point of the text lies there, down.
    pub down: Down,
    /// Whether it runs upwards.
    pub is_turned: bool,
    /// The colour.
    pub colour: Colour,
}

/// A point of a text along its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Across {
    Start,
    Middle,
    End,
}

/// A point of a text across its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Down {
    Top,
    Middle,
    Baseline,
}

impl Text {
    /// Dark text with the middle of its upper edge at `at`.
    #[must_use]
    pub fn new(text: impl Into<String>, at: (f64, f64), size: f64) -> Self {
        Self {
            text: text.into(),
            at,
            size,
            across: Across::Middle,
            down: Down::Top,
            is_turned: false,
            colour: Colour::INK,
        }
    }

    /// The same text, anchored elsewhere.
    #[must_use]
    pub fn anchored(mut self, across: Across, down: Down) -> Self {
        (self.across, self.down) = (across, down);
        self
    }

    /// The same text in another colour.
    #[must_use]
    pub fn coloured(mut self, colour: Colour) -> Self {
        self.colour = colour;
        self
    }

    /// Where its line begins on the baseline.
    #[must_use]
    pub fn origin(&self) -> (f64, f64) {
        let along = match self.across {
            Across::Start => 0.0,
            Across::Middle => -font::width(&self.text, self.size) / 2.0,
            Across::End => -font::width(&self.text, self.size),
        };
        let below = match self.down {
            Down::Top => font::ASCENT * self.size,
            Down::Middle => font::CAPITAL / 2.0 * self.size,
            Down::Baseline => 0.0,
        };
        let (x, y) = self.at;
        if self.is_turned {
            (x + below, y - along)
        } else {
            (x + along, y + below)
        }
    }
}

/// Lines and curves one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path {
    /// The segments.
    pub segments: Vec<Segment>,
}

/// A step of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Segment {
    /// Begins a new line here.
    Move(f64, f64),
    /// Straight on to here.
    Line(f64, f64),
    /// On to the second point, pulled towards the first.
    Quad((f64, f64), (f64, f64)),
    /// Back to where the line began.
    Close,
}

impl Path {
    /// A closed polygon.
    #[must_use]
    pub fn polygon(points: &[(f64, f64)]) -> Self {
        let mut path = Self::line(points);
        path.segments.push(Segment::Close);
        path
    }

    /// Straight lines from point to point.
    #[must_use]
    pub fn line(points: &[(f64, f64)]) -> Self {
        let mut path = Self::default();
        for (number, (x, y)) in points.iter().enumerate() {
            path.segments.push(if number == 0 {
                Segment::Move(*x, *y)
            } else {
                Segment::Line(*x, *y)
            });
        }
        path
    }

    /// A circle, as a polygon that looks like one.
    #[must_use]
    pub fn circle((x, y): (f64, f64), radius: f64) -> Self {
        let corners = (8.0 + radius.max(0.0) * 2.0).min(720.0);
        let count = corners as u32;
        let corner = |at: u32| {
            let (sine, cosine) =
                (f64::from(at) / f64::from(count) * std::f64::consts::TAU).sin_cos();
            (x + radius * cosine, y + radius * sine)
        };
        Self::polygon(&(0..count).map(corner).collect::<Vec<_>>())
    }

    /// Whether nothing is drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.len() < 2
    }

    /// Adds another path's segments.
    pub fn extend(&mut self, other: &Self) {
        self.segments.extend_from_slice(&other.segments);
    }
}

impl Drawing {
    /// An empty picture.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            title: String::new(),
            items: Vec::new(),
        }
    }

    /// Draws a line along `path`.
    pub fn stroke(&mut self, path: Path, colour: Colour, width: f64) {
        self.items.push(Item::Stroke {
            path,
            colour,
            width,
        });
    }

    /// Fills `path`.
    pub fn fill(&mut self, path: Path, colour: Colour) {
        self.items.push(Item::Fill { path, colour });
    }

    /// Draws a text.
    pub fn text(&mut self, text: Text) {
        self.items.push(Item::Text(text));
    }
}

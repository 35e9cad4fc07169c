//! Colours, colour maps, and which colour a value gets.

use craton_core::{Error, Result};
use std::cmp::Ordering;

/// Red, green, blue and opacity, not premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// 255 hides what lies below.
    pub opacity: u8,
}

impl Colour {
    /// Nothing.
    pub const CLEAR: Self = Self::new(0, 0, 0).with_opacity(0);
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Texts and frames.
    pub const INK: Self = Self::new(38, 38, 38);
    /// Texts that matter less.
    pub const GREY_INK: Self = Self::new(96, 96, 96);
    /// Cells without a value: a grey that no colour map has.
    pub const MISSING: Self = Self::new(212, 212, 212);

    /// An opaque colour.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self {
            red,
            green,
            blue,
            opacity: 255,
        }
    }

    /// The same colour, partly seen through.
    #[must_use]
    pub const fn with_opacity(self, opacity: u8) -> Self {
        Self { opacity, ..self }
    }
}

/// Lines of one plot: Okabe and Ito's colours, which people of every colour vision can tell apart.
pub const LINES: [Colour; 8] = [
    Colour::new(0, 114, 178),
    Colour::new(213, 94, 0),
    Colour::new(0, 158, 115),
    Colour::new(204, 121, 167),
    Colour::new(230, 159, 0),
    Colour::new(86, 180, 233),
    Colour::new(120, 120, 120),
    Colour::new(38, 38, 38),
];

/// 256 colours of every map, in the order of [`NAMES`]; `assets/README.md` tells where they are from.
static COLOURS: &[u8; 768 * NAMES.len()] = include_bytes!("../assets/colours.bin");

/// Name of each colour map, and whether its middle means something.
pub const NAMES: [(&str, bool); 13] = [
    ("viridis", false),
    ("cividis", false),
    ("magma", false),
    ("inferno", false),
    ("plasma", false),
    ("batlow", false),
    ("YlGnBu", false),
    ("Blues", false),
    ("Greys", false),
    ("RdBu", true),
    ("BrBG", true),
    ("PuOr", true),
    ("vik", true),
];

/// A colour map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColourMap {
    number: usize,
    is_reversed: bool,
}

impl ColourMap {
    /// The map for values from low to high.
    pub const SEQUENTIAL: Self = Self {
        number: 0,
        is_reversed: false,
    };
    /// The map for values on both sides of zero: blue below, red above.
    pub const DIVERGING: Self = Self {
        number: 9,
        is_reversed: true,
    };

    /// The map called `name`; `_r` at its end turns it around.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] that lists the maps.
    pub fn from_name(name: &str) -> Result<Self> {
        let (base, is_reversed) = match name.strip_suffix("_r") {
            Some(base) => (base, true),
            None => (name, false),
        };
        let is_same = |(known, _): &(&str, bool)| known.eq_ignore_ascii_case(base);
        match NAMES.iter().position(is_same) {
            Some(number) => Ok(Self {
                number,
                is_reversed,
            }),
            None => {
                let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                Err(
                    Error::usage(format!("no colour map is called `{name}`")).hint(format!(
                        "there are {}; `_r` at the end turns one around",
                        names.join(", ")
                    )),
                )
            }
        }
    }

    /// The map's name.
    #[must_use]
    pub fn name(self) -> String {
        let end = if self.is_reversed { "_r" } else { "" };
        format!("{}{end}", NAMES[self.number].0)
    }

    /// Whether its middle means something.
    #[must_use]
    pub fn is_diverging(self) -> bool {
        NAMES[self.number].1
    }

    /// The colour at `place` of 256.
    #[must_use]
    pub fn colour(self, place: u8) -> Colour {
        let place = if self.is_reversed { 255 - place } else { place };
        let at = self.number * 768 + usize::from(place) * 3;
        Colour::new(COLOURS[at], COLOURS[at + 1], COLOURS[at + 2])
    }
}

/// Which colour a value gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The value of the first colour.
    pub low: f64,
    /// The value of the last colour, above `low`.
    pub high: f64,
    /// Whether there are values below `low`.
    pub has_below: bool,
    /// Whether there are values above `high`.
    pub has_above: bool,
    /// The colours.
    pub map: ColourMap,
}

/// What is asked of the colours; whatever is `None` is decided by the values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ScaleOptions {
    /// The value of the first colour.
    pub low: Option<f64>,
    /// The value of the last colour.
    pub high: Option<f64>,
    /// From the least to the greatest value, rather than from 2 % to 98 % of them.
    pub is_whole_range: bool,
    /// The colour map.
    pub map: Option<ColourMap>,
    /// Whether zero is the middle; by the values and the map if `None`.
    pub is_centred: Option<bool>,
}

/// How much smaller one side of zero may be than the other for zero to count as the middle.
const LEAST_SIDE: f64 = 0.1;

impl Scale {
    /// The scale for `values`; NaN and infinities do not count.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Usage`] if the limits asked for are not in order.
    pub fn new(values: impl Iterator<Item = f64>, options: &ScaleOptions) -> Result<Self> {
        let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        if let (Some(low), Some(high)) = (options.low, options.high)
            && low.partial_cmp(&high) != Some(Ordering::Less)
        {
            let message = format!("the colours go from {low} to {high}, which is not upwards");
            return Err(
                Error::usage(message).hint("`--vmin` is the lower limit, `--vmax` the upper")
            );
        }
        let (least, most) = sorted.iter().fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(least, most), value| (least.min(*value), most.max(*value)),
        );
        let (mut low, mut high) = if sorted.is_empty() {
            (0.0, 1.0)
        } else if options.is_whole_range {
            (least, most)
        } else {
            (quantile(&mut sorted, 0.02), quantile(&mut sorted, 0.98))
        };
        // A field that is flat but for a few cells still shows those.
        if low >= high && least < most {
            (low, high) = (least, most);
        }
        let crosses = low < 0.0 && high > 0.0 && (-low).min(high) >= LEAST_SIDE * (-low).max(high);
        let is_given = options.low.is_some() || options.high.is_some();
        let is_centred = options.is_centred.unwrap_or_else(|| match options.map {
            Some(map) => map.is_diverging() && low < 0.0 && high > 0.0,
            None => crosses,
        });
        if is_centred {
            let reach = match (options.low, options.high) {
                (Some(low), None) => low.abs(),
                (None, Some(high)) => high.abs(),
                _ => high.abs().max(low.abs()),
            };
            (low, high) = (-reach, reach);
        }
        low = options.low.unwrap_or(low);
        high = options.high.unwrap_or(high);
        if low.partial_cmp(&high) != Some(Ordering::Less) {
            // One value only, or a limit beyond every value: room around it.
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = match (options.low, options.high) {
                (Some(low), _) => (low, low + room),
                (_, Some(high)) => (high - room, high),
                _ => (low - room, low + room),
            };
        }
        let is_symmetric = is_given && low < 0.0 && low == -high;
        let map = options.map.unwrap_or(if is_centred || is_symmetric {
            ColourMap::DIVERGING
        } else {
            ColourMap::SEQUENTIAL
        });
        Ok(Self {
            low,
            high,
            has_below: least < low,
            has_above: most > high,
            map,
        })
    }

    /// The colour of `value`; grey for NaN. Values beyond the limits have the colour of the limit.
    #[must_use]
    pub fn colour(&self, value: f64) -> Colour {
        if value.is_nan() {
            return Colour::MISSING;
        }
        // Halves first: the difference of huge limits would overflow.
        let range = self.high / 2.0 - self.low / 2.0;
        let part = (value / 2.0 - self.low / 2.0) / range;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from float to integer saturates"
        )]
        self.map.colour((part * 256.0) as u8)
    }
}

/// The quantile as NumPy has it: linear between the two nearest values.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    let place = part * (values.len() - 1) as f64;
    let at = place as usize;
    let (_, below, rest) = values.select_nth_unstable_by(at, f64::total_cmp);
    let below = *below;
    let above = rest.iter().copied().fold(f64::INFINITY, f64::min);
    if above.is_finite() {
        below + (above - below) * (place - at as f64)
    } else {
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64], options: ScaleOptions) -> Scale {
        Scale::new(values.iter().copied(), &options).unwrap()
    }

    #[test]
    fn limits_are_percentiles_as_numpy_has_them() {
        let values: Vec<f64> = (0..1000).map(|value| f64::from(value) + 5.0).collect();
        let found = scale(&values, ScaleOptions::default());
        // numpy.percentile(numpy.arange(1000) + 5, [2, 98])
        assert!((found.low - 24.98).abs() < 1e-9 && (found.high - 984.02).abs() < 1e-9);
        assert!(found.has_below && found.has_above);
        let whole = ScaleOptions {
            is_whole_range: true,
            ..ScaleOptions::default()
        };
        let found = scale(&values, whole);
        assert_eq!((found.low, found.high), (5.0, 1004.0));
        assert!(!found.has_below && !found.has_above);
    }

    #[test]
    fn values_on_both_sides_of_zero_are_centred() {
        let found = scale(&[-1.0, 0.0, 3.0, f64::NAN], ScaleOptions::default());
        assert_eq!(found.low, -found.high);
        assert_eq!(found.map, ColourMap::DIVERGING);
        assert_eq!(found.map.name(), "RdBu_r");
        let few_below: Vec<f64> = (-1..1000).map(f64::from).collect();
        assert_eq!(
            scale(&few_below, ScaleOptions::default()).map,
            ColourMap::SEQUENTIAL
        );
        let sequential = ScaleOptions {
            is_centred: Some(false),
            ..ScaleOptions::default()
        };
        assert_eq!(scale(&[-1.0, 3.0], sequential).map, ColourMap::SEQUENTIAL);
    }

    #[test]
    fn one_limit_of_a_diverging_scale_gives_the_other() {
        let options = ScaleOptions {
            high: Some(2.0),
            ..ScaleOptions::default()
        };
        let found = scale(&[-1.0, 3.0], options);
        assert_eq!((found.low, found.high), (-2.0, 2.0));
        assert!(!found.has_below && found.has_above);
    }

    #[test]
    fn every_field_has_a_scale() {
        for values in [&[][..], &[0.0], &[7.0, 7.0], &[f64::NAN], &[-1e308, 1e308]] {
            let found = scale(values, ScaleOptions::default());
            assert!(found.low < found.high, "{values:?}");
        }
        let upside_down = ScaleOptions {
            low: Some(2.0),
            high: Some(1.0),
            ..ScaleOptions::default()
        };
        assert!(Scale::new([1.0].into_iter(), &upside_down).is_err());
    }

    #[test]
    fn colours_are_those_of_matplotlib() {
        // matplotlib.colormaps["viridis"]([0, 128, 255], bytes=True), and so on.
        let map = |name| ColourMap::from_name(name).unwrap();
        assert_eq!(map("viridis").colour(0), Colour::new(68, 1, 84));
        assert_eq!(map("viridis").colour(255), Colour::new(253, 231, 37));
        assert_eq!(map("rdbu").colour(0), Colour::new(103, 0, 31));
        assert_eq!(map("RdBu_r").colour(0), Colour::new(5, 48, 97));
        let error = ColourMap::from_name("jet").unwrap_err();
        assert!(error.hint_text().unwrap().contains("viridis, cividis"));
    }

    #[test]
    fn missing_is_no_colour_of_a_map() {
        for number in 0..NAMES.len() {
            let map = ColourMap {
                number,
                is_reversed: false,
            };
            if map.name() != "Greys" {
                assert!((0..=255).all(|place| map.colour(place) != Colour::MISSING));
            }
        }
        let found = scale(&[0.0, 1.0], ScaleOptions::default());
        assert_eq!(found.colour(f64::NAN), Colour::MISSING);
        assert_eq!(found.colour(f64::NEG_INFINITY), found.map.colour(0));
    }
}

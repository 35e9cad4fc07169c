//! Axes: where ticks stand, and what they say.

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The value it stands at.
    pub at: f64,
    /// What it says.
    pub label: String,
    /// What it says on a second line, such as the year under a month.
    pub context: Option<String>,
}

impl Tick {
    /// A mark with one line of text.
    #[must_use]
    pub fn new(at: f64, label: impl Into<String>) -> Self {
        Self {
            at,
            label: label.into(),
            context: None,
        }
    }
}

/// An axis of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The value at the left or lower end.
    pub start: f64,
    /// The value at the right or upper end; below `start` where values fall.
    pub end: f64,
    /// Whether equal ratios are equally far apart. Both ends are above zero then.
    pub is_logarithmic: bool,
    /// The marks.
    pub ticks: Vec<Tick>,
    /// What the values are.
    pub label: String,
}

impl Axis {
    /// An axis of numbers with marks at round ones.
    #[must_use]
    pub fn numbers(start: f64, end: f64, label: impl Into<String>, count: usize) -> Self {
        let (ticks, power) = number_ticks(start.min(end), start.max(end), count);
        Self {
            start,
            end,
            is_logarithmic: false,
            ticks,
            label: with_power(&label.into(), power),
        }
    }

    /// An axis whose equal ratios are equally far apart; as [`Axis::numbers`] where an end is not above zero.
    #[must_use]
    pub fn ratios(start: f64, end: f64, label: impl Into<String>, count: usize) -> Self {
        let (low, high) = (start.min(end), start.max(end));
        if low <= 0.0 || !high.is_finite() {
            return Self::numbers(start, end, label, count);
        }
        let decades = (high / low).log10();
        let steps: &[f64] = if decades <= 1.5 {
            &[1.0, 2.0, 3.0, 5.0, 7.0]
        } else if decades <= 4.0 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let mut ticks = Vec::new();
        let first = low.log10().floor() as i32;
        for decade in first..=high.log10().ceil() as i32 {
            for step in steps {
                let at = step * 10f64.powi(decade);
                if at >= low * (1.0 - 1e-9) && at <= high * (1.0 + 1e-9) {
                    ticks.push(Tick::new(at, signed(&shortest(at))));
                }
            }
        }
        Self {
            start,
            end,
            is_logarithmic: true,
            ticks,
            label: label.into(),
        }
    }

    /// Where `value` lies between the ends: 0 at the start, 1 at the end.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            (value.ln() - self.start.ln()) / (self.end.ln() - self.start.ln())
        } else {
            // Halves first: the difference of huge ends would overflow.
            (value / 2.0 - self.start / 2.0) / (self.end / 2.0 - self.start / 2.0)
        }
    }

    /// The value at a place between the ends.
    #[must_use]
    pub fn value(&self, place: f64) -> f64 {
        if self.is_logarithmic {
            (self.start.ln() + (self.end.ln() - self.start.ln()) * place).exp()
        } else {
            self.start * (1.0 - place) + self.end * place
        }
    }
}

/// Round numbers between `low` and `high`, about `count` of them, and the power of ten that their labels leave out.
#[must_use]
pub fn number_ticks(low: f64, high: f64, count: usize) -> (Vec<Tick>, i32) {
    let range = high - low;
    if range.is_nan() || range <= 0.0 || range.is_infinite() {
        return (Vec::new(), 0);
    }
    let rough = range / count.max(1) as f64;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * decade);
    let most = low.abs().max(high.abs());
    // The labels that a person reads without counting zeros.
    let power = if (1e-3..1e5).contains(&most) {
        0
    } else {
        (most.log10() + 1e-9).floor() as i32
    };
    let unit = 10f64.powi(power);
    let step_in_unit = step / unit;
    let digits = (0..9)
        .find(|digits| {
            let scaled = step_in_unit * 10f64.powi(*digits);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1e-3)
        })
        .unwrap_or(9) as usize;
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    let mut ticks = Vec::new();
    let mut number = first;
    while number <= last && ticks.len() < 100 {
        let at = number * step;
        let text = format!("{:.digits$}", number * step_in_unit);
        let is_zero = text.chars().all(|letter| matches!(letter, '-' | '0' | '.'));
        ticks.push(Tick::new(
            at,
            signed(if is_zero {
                text.trim_start_matches('-')
            } else {
                &text
            }),
        ));
        number += 1.0;
    }
    (ticks, power)
}

/// A label with the power of ten that its ticks leave out.
#[must_use]
pub fn with_power(label: &str, power: i32) -> String {
    if power == 0 {
        return label.to_owned();
    }
    let factor = format!("×10{}", raised(&power.to_string()));
    match label
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['))
    {
        Some((name, unit)) => format!("{name}[{factor} {unit}]"),
        None if label.is_empty() => factor,
        None => format!("{label} ({factor})"),
    }
}

/// The shortest text of a number that people write.
#[must_use]
pub fn shortest(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let most = value.abs();
    if (1e-4..1e7).contains(&most) {
        // Single-precision labels have no more than seven digits that mean something.
        let digits = (6 - most.log10().floor() as i32).clamp(0, 10) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') {
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        return text;
    }
    format!("{value:e}")
}

/// A number with a minus sign rather than a hyphen.
#[must_use]
pub fn signed(text: &str) -> String {
    text.replace('-', "−")
}

/// Marks of longitudes: `60°W`, `0°`, `180°`.
#[must_use]
pub fn longitude_ticks(west: f64, east: f64, count: usize) -> Vec<Tick> {
    degree_ticks(west, east, count, |value| {
        let value = (value + 180.0).rem_euclid(360.0) - 180.0;
        let name = match value {
            value if value.abs() < 1e-9 || (value.abs() - 180.0).abs() < 1e-9 => "",
            value if value < 0.0 => "W",
            _ => "E",
        };
        format!("{}°{name}", shortest(round(value.abs())))
    })
}

/// Marks of latitudes: `30°S`, `0°`, `30°N`.
#[must_use]
pub fn latitude_ticks(south: f64, north: f64, count: usize) -> Vec<Tick> {
    degree_ticks(south, north, count, latitude_text)
}

/// `30°S`
#[must_use]
pub fn latitude_text(value: f64) -> String {
    let name = match value {
        value if value.abs() < 1e-9 => "",
        value if value < 0.0 => "S",
        _ => "N",
    };
    format!("{}°{name}", shortest(round(value.abs())))
}

fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn degree_ticks(low: f64, high: f64, count: usize, text: impl Fn(f64) -> String) -> Vec<Tick> {
    const STEPS: [f64; 14] = [
        0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 90.0,
    ];
    let range = high - low;
    if !(range > 0.0 && range < 1e4) {
        return Vec::new();
    }
    let rough = range / count.max(1) as f64;
    let found = STEPS.into_iter().find(|step| *step >= rough * 0.999);
    let step = match found {
        Some(step) if rough > 0.005 => step,
        Some(_) => return number_ticks(low, high, count).0,
        None => 180.0,
    };
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last)
        .map(|number| {
            let at = number as f64 * step;
            Tick::new(at, text(at))
        })
        .collect()
}

/// Units as they are printed: `kg m-2 s-1` is `kg m⁻² s⁻¹`, `degC` is `°C`.
#[must_use]
pub fn printed_units(units: &str) -> String {
    let units = units.trim();
    match units {
        "degC" | "deg_C" | "celsius" | "Celsius" | "degree_Celsius" | "degrees_Celsius"
        | "degree_C" | "degreeC" | "degrees_C" | "deg C" | "degrees C" => return "°C".to_owned(),
        "kelvin" | "Kelvin" | "degK" | "deg_K" | "degree_Kelvin" => return "K".to_owned(),
        "percent" => return "%".to_owned(),
        "degrees" | "degree" | "deg" => return "°".to_owned(),
        _ => {}
    }
    // Sentences and dates are not products of units.
    if units
        .split_whitespace()
        .any(|word| word == "since" || word == "of")
    {
        return units.to_owned();
    }
    let text = units.replace("**", "^");
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    let mut after_letter = false;
    while let Some(letter) = letters.next() {
        let next_is_digit = letters.peek().is_some_and(char::is_ascii_digit);
        let begins = match letter {
            '^' => letters
                .peek()
                .is_some_and(|next| next.is_ascii_digit() || *next == '-'),
            '-' => after_letter && next_is_digit,
            digit if digit.is_ascii_digit() => after_letter,
            _ => false,
        };
        if !begins {
            // The `e` of `1e-3` is no unit.
            let is_in_number =
                matches!(letter, 'e' | 'E') && out.ends_with(|c: char| c.is_ascii_digit());
            after_letter = letter.is_alphabetic() && !is_in_number;
            out.push(letter);
            continue;
        }
        let mut exponent = String::new();
        if letter != '^' {
            exponent.push(letter);
        }
        while let Some(next) = letters.next_if(|next| next.is_ascii_digit() || *next == '-') {
            exponent.push(next);
        }
        out.push_str(&raised(&exponent));
        after_letter = false;
    }
    out
}

/// Digits and minus as superscripts.
fn raised(text: &str) -> String {
    let letter = |letter| match letter {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit
            .to_digit(10)
            .and_then(|digit| char::from_u32(0x2070 + digit))
            .unwrap_or(digit),
    };
    text.chars().map(letter).collect()
}

/// Edges between the cells whose middles are `centres`: halfway, and as far beyond the ends.
///
/// One cell reaches half of `lone` to both sides.
#[must_use]
pub fn edges_of(centres: &[f64], lone: f64) -> Vec<f64> {
    match centres {
        [] => Vec::new(),
        [one] => vec![one - lone / 2.0, one + lone / 2.0],
        [first, second, ..] => {
            let mut edges = vec![first - (second - first) / 2.0];
            edges.extend(centres.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0));
            let [.., before, last] = centres else {
                return edges;
            };
            edges.push(last + (last - before) / 2.0);
            edges
        }
    }
}

/// The cell between edges, rising or falling, in which `value` lies.
#[must_use]
pub fn cell_of(edges: &[f64], value: f64) -> Option<usize> {
    let (first, last) = (*edges.first()?, *edges.last()?);
    let rises = first <= last;
    let inside = if rises {
        first <= value && value <= last
    } else {
        last <= value && value <= first
    };
    if !inside {
        return None;
    }
    let beyond = edges.partition_point(|edge| {
        if rises {
            *edge <= value
        } else {
            *edge >= value
        }
    });
    Some(beyond.clamp(1, edges.len() - 1) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_short() {
        assert_eq!(
            labels(&number_ticks(-1.0, 1.0, 5).0),
            ["−1.0", "−0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(labels(&number_ticks(250.0, 310.0, 6).0)[0], "250");
        let (ticks, power) = number_ticks(0.0, 3.2e-5, 5);
        assert_eq!(power, -5);
        assert_eq!(labels(&ticks), ["0", "1", "2", "3"]);
        assert_eq!(
            with_power("rain [kg m⁻² s⁻¹]", power),
            "rain [×10⁻⁵ kg m⁻² s⁻¹]"
        );
        let (ticks, power) = number_ticks(100_900.0, 101_100.0, 4);
        assert_eq!((power, labels(&ticks)[0]), (5, "1.0090"));
    }

    #[test]
    fn degrees_have_their_side() {
        assert_eq!(
            labels(&longitude_ticks(0.0, 360.0, 6)),
            ["0°", "60°E", "120°E", "180°", "120°W", "60°W", "0°"]
        );
        assert_eq!(
            labels(&latitude_ticks(-90.0, 90.0, 6)),
            ["90°S", "60°S", "30°S", "0°", "30°N", "60°N", "90°N"]
        );
        assert_eq!(
            labels(&latitude_ticks(50.0, 51.0, 4)),
            ["50°N", "50.5°N", "51°N"]
        );
    }

    #[test]
    fn units_are_printed() {
        for (stored, printed) in [
            ("kg m-2 s-1", "kg m⁻² s⁻¹"),
            ("m s**-1", "m s⁻¹"),
            ("m^2", "m²"),
            ("W/m2", "W/m²"),
            ("degC", "°C"),
            ("10 m", "10 m"),
            ("1e-3", "1e-3"),
            ("K", "K"),
            ("days since 2000-01-01", "days since 2000-01-01"),
        ] {
            assert_eq!(printed_units(stored), printed);
        }
    }

    #[test]
    fn edges_lie_between_middles() {
        assert_eq!(edges_of(&[0.0, 1.0, 3.0], 1.0), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(edges_of(&[5.0], 2.0), [4.0, 6.0]);
        let falling = edges_of(&[3.0, 1.0, 0.0], 1.0);
        assert_eq!(cell_of(&falling, 3.9), Some(0));
        assert_eq!(cell_of(&falling, -0.5), Some(2));
        assert_eq!(cell_of(&falling, 4.1), None);
        assert_eq!(cell_of(&falling, f64::NAN), None);
    }

    #[test]
    fn logarithms_need_values_above_zero() {
        let axis = Axis::ratios(1000.0, 10.0, "p", 5);
        assert!(axis.is_logarithmic && (axis.place(100.0) - 0.5).abs() < 1e-12);
        assert_eq!(
            labels(&axis.ticks),
            ["10", "20", "50", "100", "200", "500", "1000"]
        );
        assert!(!Axis::ratios(1000.0, 0.0, "p", 5).is_logarithmic);
    }

    proptest! {
        #[test]
        fn ticks_lie_on_the_axis(low in -1e6..1e6f64, range in 1e-3..1e6f64, count in 2usize..12) {
            let (ticks, _) = number_ticks(low, low + range, count);
            prop_assert!(ticks.len() <= count * 2 + 2);
            for tick in &ticks {
                prop_assert!(tick.at >= low - range * 1e-3 && tick.at <= low + range * 1.001);
            }
            let mut seen = labels(&ticks);
            seen.dedup();
            prop_assert_eq!(seen.len(), ticks.len());
        }

        #[test]
        fn places_and_values_undo_each_other(start in 0.1..1e5f64, end in 0.1..1e5f64, place in 0.0..1.0f64) {
            prop_assume!((start / end).ln().abs() > 0.01);
            for axis in [Axis::numbers(start, end, "", 5), Axis::ratios(start, end, "", 5)] {
                prop_assert!((axis.place(axis.value(place)) - place).abs() < 1e-6);
            }
        }
    }
}

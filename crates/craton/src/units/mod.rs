//! Units of measure as CF has them: `kg m-2 s-1`, `degC`, `W/m^2`, and conversions between them.
//!
//! Takes texts of `units` attributes; gives a [`Unit`]. References of time (`days since …`) are the
//! [`calendar`](crate::calendar)'s.

mod parse;
mod table;
mod track;

pub use track::{Tracked, Units, to_units};

use std::fmt::Write as _;

/// How many base units there are.
const BASES: usize = 7;
/// Their symbols, in the order of [`Unit`]'s powers.
const SYMBOLS: [&str; BASES] = ["kg", "m", "s", "K", "A", "mol", "cd"];

/// A unit: a product of powers of base units, with a scale and a zero of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    powers: [i16; BASES],
    /// One of this unit in base units.
    scale: f64,
    /// Where its zero lies, in base units: 273.15 for degrees Celsius.
    origin: f64,
}

/// How numbers of one unit become numbers of another: `value * factor + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    /// The factor.
    pub factor: f64,
    /// The offset, added after the factor.
    pub offset: f64,
}

impl Unit {
    /// A pure number.
    pub const ONE: Self = Self {
        powers: [0; BASES],
        scale: 1.0,
        origin: 0.0,
    };

    fn base(index: usize) -> Self {
        let mut powers = [0; BASES];
        powers[index] = 1;
        Self {
            powers,
            ..Self::ONE
        }
    }

    fn number(scale: f64) -> Self {
        Self { scale, ..Self::ONE }
    }

    /// Whether numbers of both measure the same kind of quantity.
    #[must_use]
    pub fn is_convertible_to(&self, other: &Self) -> bool {
        self.powers == other.powers
    }

    /// Whether both are the same unit by another spelling.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.powers == other.powers
            && is_close(self.scale, other.scale)
            && (self.origin - other.origin).abs() <= 1e-9 * self.scale.abs()
    }

    /// How numbers of this unit become numbers of `other`; `None` if they measure another kind of quantity.
    #[must_use]
    pub fn conversion_to(&self, other: &Self) -> Option<Conversion> {
        self.is_convertible_to(other).then(|| Conversion {
            factor: self.scale / other.scale,
            offset: (self.origin - other.origin) / other.scale,
        })
    }

    /// The unit of differences: without a zero of its own.
    #[must_use]
    pub fn of_differences(self) -> Self {
        Self {
            origin: 0.0,
            ..self
        }
    }

    /// The unit of products. A zero of its own has no meaning there.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let mut powers = self.powers;
        for (power, further) in powers.iter_mut().zip(other.powers) {
            *power = power.checked_add(further)?;
        }
        checked(powers, self.scale * other.scale)
    }

    /// The unit of powers.
    #[must_use]
    pub fn power(self, exponent: i32) -> Option<Self> {
        let mut powers = self.powers;
        for power in &mut powers {
            *power = i16::try_from(i32::from(*power).checked_mul(exponent)?).ok()?;
        }
        checked(powers, self.scale.powi(exponent))
    }

    /// The unit of roots, where every power divides.
    #[must_use]
    pub fn root(self, degree: i16) -> Option<Self> {
        let divides = self.powers.iter().all(|power| power % degree == 0);
        if !divides {
            return None;
        }
        let powers = self.powers.map(|power| power / degree);
        checked(powers, self.scale.powf(1.0 / f64::from(degree)))
    }

    /// The unit of the same quantity after `shift` was added to every number: kelvins less 273.15 are degrees Celsius.
    #[must_use]
    pub fn shifted(self, shift: f64) -> Self {
        let origin = self.origin - shift * self.scale;
        // Thirty-two bits of a shift are enough to name the zero that was meant.
        let origin = if origin.abs() < 1e-6 * self.scale.abs() {
            0.0
        } else {
            origin
        };
        Self { origin, ..self }
    }

    /// A name, if the zero of this unit is one that has a name.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        let is_kelvin = self.powers == Self::base(3).powers;
        if self.origin != 0.0 {
            let is_celsius =
                is_kelvin && is_close(self.scale, 1.0) && (self.origin - 273.15).abs() < 1e-4;
            let is_fahrenheit = is_kelvin
                && is_close(self.scale, 5.0 / 9.0)
                && (self.origin - 273.15 + 32.0 / 1.8).abs() < 1e-4;
            return match (is_celsius, is_fahrenheit) {
                (true, _) => Some("degC".to_owned()),
                (_, true) => Some("degF".to_owned()),
                _ => None,
            };
        }
        let mut words = Vec::new();
        if !is_close(self.scale, 1.0) {
            words.push(format!("{}", rounded(self.scale)));
        }
        for (symbol, power) in SYMBOLS.iter().zip(self.powers) {
            let mut word = (*symbol).to_owned();
            match power {
                0 => continue,
                1 => {}
                // Writing into memory does not fail.
                power => drop(write!(word, "{power}")),
            }
            words.push(word);
        }
        Some(match words.is_empty() {
            true => "1".to_owned(),
            false => words.join(" "),
        })
    }
}

fn checked(powers: [i16; BASES], scale: f64) -> Option<Unit> {
    (scale.is_finite() && scale != 0.0).then_some(Unit {
        powers,
        scale,
        origin: 0.0,
    })
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// Without the last digits, which products of scales leave behind.
fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        Unit::parse(text).unwrap()
    }

    fn converted(value: f64, from: &str, to: &str) -> f64 {
        let conversion = unit(from).conversion_to(&unit(to)).unwrap();
        value * conversion.factor + conversion.offset
    }

    #[test]
    fn conversions_are_those_of_the_definitions() {
        let cases = [
            (300.0, "K", "degC", 26.85),
            (26.85, "celsius", "kelvin", 300.0),
            (212.0, "degF", "degC", 100.0),
            (1013.25, "hPa", "Pa", 101_325.0),
            (1.0, "atm", "millibar", 1013.25),
            (1.0, "kg m-2 s-1", "mm d-1 kg m-3", 86_400_000.0),
            (10.0, "m/s", "km h-1", 36.0),
            (1.0, "knot", "m s^-1", 1852.0 / 3600.0),
            (180.0, "degrees_east", "radian", std::f64::consts::PI),
            (50.0, "%", "1", 0.5),
            (1.0, "Sv", "m2 s-2", 1.0),
            (1.0, "sverdrup", "m3 s-1", 1e6),
            (1.0, "gpm", "m**2 s**-2", 9.80665),
            (1.0, "W.m-2", "J/(m2 s)", 1.0),
            (1.0, "kg kg-1", "g/kg", 1000.0),
            (3.0, "µm", "micron", 3.0),
            (1.0, "hour", "s", 3600.0),
            (2.0, "1e-3 m", "mm", 2.0),
            (1.0, "m²", "m2", 1.0),
        ];
        for (value, from, to, expected) in cases {
            let found = converted(value, from, to);
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{value} {from} is {found} {to}, not {expected}"
            );
        }
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        for text in [
            "furlongs per",
            "K K-",
            "m^",
            "kg/",
            "degrees C north",
            "(m",
            "m)",
            "5 @",
            "1..2",
        ] {
            assert!(Unit::parse(text).is_none(), "{text}");
        }
        assert!(Unit::parse(&"(".repeat(10_000)).is_none());
        assert!(!unit("m").is_convertible_to(&unit("s")));
    }

    #[test]
    fn other_spellings_are_the_same_unit() {
        for (one, other) in [
            ("degC", "degree_Celsius"),
            ("W m-2", "W/m^2"),
            ("Pa", "N m-2"),
            ("degrees_north", "degree_N"),
            ("", "1"),
            ("days", "d"),
            ("meters", "metre"),
            ("K", "degrees_kelvin"),
        ] {
            assert!(unit(one).is_same_as(&unit(other)), "{one} {other}");
        }
        assert!(!unit("K").is_same_as(&unit("degC")));
        assert!(!unit("Pa").is_same_as(&unit("hPa")));
    }

    #[test]
    fn arithmetic_gives_units_with_names() {
        assert_eq!(unit("K").power(2).unwrap().to_text().unwrap(), "K2");
        let flux = unit("kg m-3").times(unit("m s-1")).unwrap();
        assert_eq!(flux.to_text().unwrap(), "kg m-2 s-1");
        assert_eq!(unit("K").shifted(-273.15).to_text().unwrap(), "degC");
        assert_eq!(unit("degC").shifted(273.15).to_text().unwrap(), "K");
        assert_eq!(unit("K").shifted(-1.0).to_text(), None);
        assert_eq!(unit("m2 s-2").root(2).unwrap().to_text().unwrap(), "m s-1");
        assert_eq!(unit("m").root(2), None);
    }
}

//! Stored numbers to times, by the rules with which xarray chooses resolution and rounding.
//!
//! Two ways, as in xarray. The NumPy way serves the Gregorian calendars in the range of the wanted
//! resolution: integers are exact, floats are cut off at the resolution. The cftime way serves the rest: the
//! numbers become doubles and are rounded to microseconds in the stored calendar.

use super::days::REFORM_DAY;
use super::units::{CfUnit, TimeUnits};
use craton_core::{Calendar, Error, Result, TimeKind, TimeType, TimeUnit};

/// Stored numbers of a time variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeValues<'a> {
    /// Exact counts; `i64::MIN` is missing.
    Integers(&'a [i64]),
    /// Counts with fractions; NaN is missing.
    Floats(&'a [f64]),
}

/// Times, and what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedTimes {
    /// The counts; `i64::MIN` is NaT.
    pub counts: Vec<i64>,
    /// What one count means.
    pub time_type: TimeType,
    /// Whether xarray gives cftime objects here rather than `datetime64`.
    pub is_cftime: bool,
}

/// Resolutions that `datetime64` arrays may have, coarse to fine.
const RESOLUTIONS: [(TimeUnit, i64); 4] = [
    (TimeUnit::Second, 1_000_000_000),
    (TimeUnit::Millisecond, 1_000_000),
    (TimeUnit::Microsecond, 1000),
    (TimeUnit::Nanosecond, 1),
];
const MISSING: i64 = i64::MIN;

/// How to decode one variable: its units, its calendar and the wanted resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeDecoder {
    /// The stored units.
    pub units: TimeUnits,
    /// The stored calendar.
    pub calendar: Calendar,
    /// The coarsest resolution of the result: seconds to nanoseconds (xarray's `time_unit`).
    pub resolution: TimeUnit,
}

/// Decodes `values` counted in `units` of `calendar` (`standard` if `None`) to nanoseconds or coarser.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if units or calendar are not understood, the reference date
/// does not exist, or a value is out of range.
pub fn decode_times(
    values: TimeValues<'_>,
    units: &str,
    calendar: Option<&str>,
) -> Result<DecodedTimes> {
    TimeDecoder::new(units, calendar, TimeUnit::Nanosecond)?.decode(values)
}

impl TimeDecoder {
    /// The decoder for these attributes.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if units, calendar or resolution are not understood.
    pub fn new(units: &str, calendar: Option<&str>, resolution: TimeUnit) -> Result<Self> {
        let name = calendar.unwrap_or("standard");
        let Some(calendar) = Calendar::from_name(name) else {
            let problem = format!("cannot decode times of calendar `{name}`");
            return Err(Error::invalid(problem).hint(
                "calendars are standard, proleptic_gregorian, julian, noleap, all_leap and 360_day",
            ));
        };
        resolution_length(resolution)?;
        Ok(Self {
            units: TimeUnits::parse(units)?,
            calendar,
            resolution,
        })
    }

    /// Decodes `values`. The resolution may depend on them, so blocks of one array need the type that
    /// the whole array, or a sample of its ends, gave: see [`TimeDecoder::decode_as`].
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the reference date does not exist in the calendar, the
    /// unit has no length there, or a value is out of range.
    pub fn decode(&self, values: TimeValues<'_>) -> Result<DecodedTimes> {
        self.units.check_unit(self.calendar)?;
        match self.decode_like_numpy(values)? {
            Some(decoded) => Ok(decoded),
            None => self.decode_like_cftime(values),
        }
    }

    /// Decodes one block of an array whose type was decided before, from all of it or its ends.
    ///
    /// # Errors
    /// As [`TimeDecoder::decode`], and if a value does not fit the type exactly.
    pub fn decode_as(
        &self,
        values: TimeValues<'_>,
        time_type: TimeType,
        is_cftime: bool,
    ) -> Result<Vec<i64>> {
        if is_cftime {
            self.units.check_unit(self.calendar)?;
            return self.microseconds_like_cftime(values);
        }
        let decoded = self.decode(values)?;
        let from = i128::from(resolution_length(decoded.time_type.unit)?);
        let to = i128::from(resolution_length(time_type.unit)?);
        let convert = |count: i64| match i128::from(count) * from {
            _ if count == MISSING => Some(MISSING),
            nanoseconds if nanoseconds % to == 0 => i64::try_from(nanoseconds / to)
                .ok()
                .filter(|count| *count != MISSING),
            _ => None,
        };
        let counts: Option<Vec<i64>> = decoded.counts.into_iter().map(convert).collect();
        let is_same_calendar = decoded.time_type.calendar == time_type.calendar;
        match counts {
            Some(counts) if is_same_calendar => Ok(counts),
            _ => Err(self.out_of_range(format!("does not fit `{time_type}` exactly"))),
        }
    }

    fn out_of_range(&self, problem: String) -> Error {
        let reference = super::iso_string(self.units.reference);
        Error::invalid(format!(
            "cannot decode times since `{reference}`: a value {problem}"
        ))
        .hint("`decode_times=False` leaves the stored numbers")
    }

    /// `None` where xarray turns to cftime.
    fn decode_like_numpy(&self, values: TimeValues<'_>) -> Result<Option<DecodedTimes>> {
        let is_gregorian = matches!(
            self.calendar,
            Calendar::Standard | Calendar::ProlepticGregorian
        );
        let year = self.units.reference.year;
        if !is_gregorian || !self.units.is_plain || !(-9999..=9999).contains(&year) {
            return Ok(None);
        }
        let reference = self.units.reference_nanoseconds(self.calendar)?;
        let reform = i128::from(REFORM_DAY) * 86_400_000_000_000;
        let earliest = (self.calendar == Calendar::Standard).then_some(reform);
        if earliest.is_some_and(|earliest| reference < earliest) {
            return Ok(None);
        }
        let step = self.numpy_step(reference);
        let i64_of = |nanoseconds: i128, step: i64| {
            i64::try_from(nanoseconds / i128::from(step))
                .ok()
                .filter(|count| *count != MISSING)
        };
        let Some(start) = i64_of(reference, step) else {
            return Ok(None);
        };
        let factor = self.units.unit.nanoseconds() / step;
        let (deltas, step, start) = match values {
            TimeValues::Integers(values) => (integer_deltas(values, factor), step, Some(start)),
            TimeValues::Floats(values) => {
                let (deltas, step) = float_deltas(values, factor, step);
                (deltas, step, i64_of(reference, step))
            }
        };
        // DIFFERENCE: xarray names days before the reform by the Gregorian calendar when the resolution is
        // coarse enough to reach them; the file's calendar is the Julian one there, so cftime takes over.
        let first = earliest.map_or(i64::MIN + 1, |earliest| {
            i64::try_from(earliest / i128::from(step)).unwrap_or(i64::MIN + 1)
        });
        let (Some(deltas), Some(start)) = (deltas, start) else {
            return Ok(None);
        };
        let add = |delta: i64| match delta {
            MISSING => Some(MISSING),
            _ => delta.checked_add(start).filter(|count| *count >= first),
        };
        let counts: Option<Vec<i64>> = deltas.into_iter().map(add).collect();
        Ok(counts.map(|counts| DecodedTimes {
            counts,
            time_type: instant(resolution_of(step), Calendar::ProlepticGregorian),
            is_cftime: false,
        }))
    }

    /// Nanoseconds in one count: the finest of the reference date, the unit and the wanted resolution.
    fn numpy_step(&self, reference: i128) -> i64 {
        let of_reference = RESOLUTIONS
            .iter()
            .map(|(_, length)| *length)
            .find(|length| reference % i128::from(*length) == 0)
            .unwrap_or(1);
        let of_resolution = resolution_length(self.resolution).unwrap_or(1);
        of_reference
            .min(of_resolution)
            .min(self.units.unit.nanoseconds())
    }

    fn decode_like_cftime(&self, values: TimeValues<'_>) -> Result<DecodedTimes> {
        self.back_to_numpy(self.microseconds_like_cftime(values)?)
    }

    /// Microseconds since 1970-01-01 of the stored calendar.
    fn microseconds_like_cftime(&self, values: TimeValues<'_>) -> Result<Vec<i64>> {
        if self.units.unit == CfUnit::Nanosecond {
            let name = self.calendar.name();
            let problem = format!("needs nanoseconds, which calendar `{name}` has not there");
            return Err(self.out_of_range(problem));
        }
        // cftime reads six digits of the reference's fraction.
        let reference = self
            .units
            .reference_nanoseconds(self.calendar)?
            .div_euclid(1000);
        let factor = self.units.unit.nanoseconds() / 1000;
        let microseconds = |value: f64| {
            if value.is_nan() {
                return Some(MISSING);
            }
            let delta = scale_to_microseconds(value, factor)?;
            i64::try_from(i128::from(delta) + reference)
                .ok()
                .filter(|count| *count != MISSING)
        };
        let counts: Option<Vec<i64>> = match values {
            #[allow(clippy::cast_precision_loss, reason = "xarray hands cftime doubles")]
            TimeValues::Integers(values) => values
                .iter()
                .map(|value| match *value {
                    MISSING => Some(MISSING),
                    value => microseconds(value as f64),
                })
                .collect(),
            TimeValues::Floats(values) => values.iter().copied().map(microseconds).collect(),
        };
        counts.ok_or_else(|| self.out_of_range("is out of the range of 64-bit microseconds".into()))
    }

    /// Gregorian dates that fit become `datetime64` after all.
    fn back_to_numpy(&self, mut counts: Vec<i64>) -> Result<DecodedTimes> {
        let is_gregorian = matches!(
            self.calendar,
            Calendar::Standard | Calendar::ProlepticGregorian
        );
        let present = || counts.iter().copied().filter(|count| *count != MISSING);
        let (least, most) = (present().min(), present().max());
        let border = REFORM_DAY * 86_400_000_000;
        // The first and last microsecond that nanoseconds can say.
        let range = -9_223_372_036_854_775..=9_223_372_036_854_775;
        let is_before = least.is_some_and(|least| least < border);
        let is_outside = self.resolution == TimeUnit::Nanosecond
            && [least, most]
                .into_iter()
                .flatten()
                .any(|count| !range.contains(&count));
        if !is_gregorian || is_before || is_outside {
            let time_type = instant(TimeUnit::Microsecond, self.calendar);
            return Ok(DecodedTimes {
                counts,
                time_type,
                is_cftime: true,
            });
        }
        let step = resolution_length(self.resolution)?;
        for count in counts.iter_mut().filter(|count| **count != MISSING) {
            *count = match step {
                // OK not to check: `range` was checked above.
                1 => *count * 1000,
                _ => count.div_euclid(step / 1000),
            };
        }
        let time_type = instant(self.resolution, Calendar::ProlepticGregorian);
        Ok(DecodedTimes {
            counts,
            time_type,
            is_cftime: false,
        })
    }
}

/// Decodes durations counted in `unit`, such as `hours`, to `resolution` or finer where they need it.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if the unit is none, or a value does not fit.
pub fn decode_durations(
    values: TimeValues<'_>,
    unit: &str,
    resolution: TimeUnit,
) -> Result<DecodedTimes> {
    let refuse =
        |problem: &str| Error::invalid(format!("cannot decode `{unit}` as a duration: {problem}"));
    let unit_read = CfUnit::from_name(unit).filter(|(_, is_plain)| *is_plain);
    let Some((cf_unit, _)) = unit_read else {
        return Err(refuse("the unit is none of nanoseconds to days"));
    };
    let wanted = resolution_length(resolution)?;
    let length = cf_unit.nanoseconds();
    let step = length.min(1_000_000_000);
    let (deltas, step) = match values {
        TimeValues::Integers(values) => (integer_deltas(values, length / step), step),
        TimeValues::Floats(values) => float_deltas(values, length / step, step),
    };
    let all_missing = deltas
        .as_ref()
        .is_some_and(|deltas| !deltas.is_empty() && deltas.iter().all(|delta| *delta == MISSING));
    let is_empty = deltas.as_ref().is_some_and(Vec::is_empty);
    let target = match () {
        () if all_missing => wanted,
        () if is_empty => step,
        () => wanted.min(step),
    };
    let convert = |delta: i64| match delta {
        MISSING => Some(MISSING),
        _ => delta
            .checked_mul(step / target)
            .filter(|count| *count != MISSING),
    };
    let counts: Option<Vec<i64>> =
        deltas.and_then(|deltas| deltas.into_iter().map(convert).collect());
    let time_type = TimeType {
        kind: TimeKind::Duration,
        ..instant(resolution_of(target), Calendar::ProlepticGregorian)
    };
    counts
        .map(|counts| DecodedTimes {
            counts,
            time_type,
            is_cftime: false,
        })
        .ok_or_else(|| refuse(&format!("a value does not fit `{time_type}`")))
}

fn instant(unit: TimeUnit, calendar: Calendar) -> TimeType {
    TimeType {
        unit,
        step: 1,
        calendar,
        kind: TimeKind::Instant,
    }
}

fn resolution_length(unit: TimeUnit) -> Result<i64> {
    let found = RESOLUTIONS.iter().find(|(known, _)| *known == unit);
    found.map(|(_, length)| *length).ok_or_else(|| {
        let code = unit.code();
        Error::invalid(format!("cannot decode times to the resolution `{code}`"))
            .hint("resolutions are `s`, `ms`, `us` and `ns`")
    })
}

fn resolution_of(step: i64) -> TimeUnit {
    let found = RESOLUTIONS.iter().find(|(_, length)| *length == step);
    found.map_or(TimeUnit::Nanosecond, |(unit, _)| *unit)
}

fn integer_deltas(values: &[i64], factor: i64) -> Option<Vec<i64>> {
    let scale = |value: &i64| match *value {
        MISSING => Some(MISSING),
        value => value.checked_mul(factor).filter(|delta| *delta != MISSING),
    };
    values.iter().map(scale).collect()
}

/// The values times `factor`, as counts of `step` nanoseconds, or of a finer step where some value has a
/// fraction left; and that step.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "checked below"
)]
fn float_deltas(values: &[f64], factor: i64, mut step: i64) -> (Option<Vec<i64>>, i64) {
    let mut scaled: Vec<f64> = values.iter().map(|value| value * factor as f64).collect();
    while step > 1
        && scaled
            .iter()
            .any(|value| value.is_finite() && value.fract() != 0.0)
    {
        scaled.iter_mut().for_each(|value| *value *= 1000.0);
        step /= 1000;
    }
    let whole = |value: &f64| match *value {
        value if value.is_nan() => Some(MISSING),
        // The bound is 2^63, exact in a double, so the cast below cannot saturate.
        value if value.abs() < 9_223_372_036_854_775_808.0 => Some(value as i64),
        _ => None,
    };
    (scaled.iter().map(whole).collect(), step)
}

/// `value * factor` rounded to an integer the way cftime does: the product in extended precision (64 bits
/// of mantissa), to the nearest even integer; one microsecond beside a whole second goes to the second.
fn scale_to_microseconds(value: f64, factor: i64) -> Option<i64> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).ok()?;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | (1 << 52), exponent - 1075),
    };
    let product = u128::from(mantissa) * u128::from(factor.unsigned_abs());
    let excess = (128 - product.leading_zeros()).saturating_sub(64);
    let product = round_half_even(product, excess) << excess;
    let (floor, rounded, ceiling) = if exponent >= 0 {
        let shift = u32::try_from(exponent).ok()?;
        if shift > product.leading_zeros() {
            return None;
        }
        (product << shift, product << shift, product << shift)
    } else {
        let shift = exponent.unsigned_abs();
        let floor = product.checked_shr(shift).unwrap_or(0);
        let is_whole = floor.checked_shl(shift).unwrap_or(0) == product;
        (
            floor,
            round_half_even(product, shift),
            floor + u128::from(!is_whole),
        )
    };
    let signed = |magnitude: u128| {
        let magnitude = i64::try_from(magnitude).ok()?;
        Some(if value < 0.0 { -magnitude } else { magnitude })
    };
    // Rounding down and up swap for negative values.
    let (down, up) = if value < 0.0 {
        (ceiling, floor)
    } else {
        (floor, ceiling)
    };
    let rounded = signed(rounded)?;
    let is_coarse = factor > 1000;
    match rounded.rem_euclid(1_000_000) {
        1 if is_coarse => signed(down),
        999_999 if is_coarse => signed(up),
        _ => Some(rounded),
    }
}

/// `value / 2^bits`, to the nearest integer, ties to the even one.
fn round_half_even(value: u128, bits: u32) -> u128 {
    if bits == 0 {
        return value;
    }
    if bits > 127 {
        return 0;
    }
    let floor = value >> bits;
    let rest = value & ((1 << bits) - 1);
    let half = 1_u128 << (bits - 1);
    let up = rest > half || (rest == half && floor & 1 == 1);
    floor + u128::from(up)
}

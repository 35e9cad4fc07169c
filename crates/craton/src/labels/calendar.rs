//! Labels of time in one calendar, and from one calendar to another.

use super::align::take;
use super::{DataArray, Dataset, Fill, Method, Variable};
use crate::calendar::{
    Bounds, Date, Frequency, check_date, count_from_date, date_from_count, dates_between,
    days_in_month, days_in_year, frequency_of, iso_string, time_nanoseconds,
};
use crate::session::Session;
use craton_core::{Block, Buffer, Calendar, DType, Error, Result, TimeKind, TimeType, TimeUnit};

/// How dates that the other calendar has not are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlignOn {
    /// By year, month and day; dates that do not exist are left out.
    Date,
    /// By the part of the year that has gone by; of days that fall together one stays.
    Year,
}

/// How to convert to another calendar.
#[derive(Debug, Clone)]
pub struct CalendarConversion {
    /// The name of the other calendar, an alias too.
    pub calendar: String,
    /// The dimension.
    pub dim: String,
    /// Needed to and from `360_day`.
    pub align_on: Option<AlignOn>,
    /// Whether the result is cftime rather than `datetime64`; where it has to be, if `None`.
    pub use_cftime: Option<bool>,
    /// What stands at the dates of the frequency that have no value; only those that have one are kept, if `None`.
    pub missing: Option<Fill>,
}

impl DataArray {
    /// The same values under dates of another calendar, as xarray's `convert_calendar`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions, [`craton_core::ErrorKind::InvalidInput`] for
    /// dimensions without times, unknown calendars, `360_day` without `align_on`, and dates without a frequency
    /// where values are to be `missing`.
    pub fn convert_calendar(
        &self,
        conversion: &CalendarConversion,
        session: &Session,
    ) -> Result<Self> {
        self.axis(&conversion.dim)?;
        self.through_dataset(|dataset| dataset.convert_calendar(conversion, session))
    }
}

impl Dataset {
    /// As [`DataArray::convert_calendar`], of every variable along the dimension.
    ///
    /// # Errors
    /// As [`DataArray::convert_calendar`].
    pub fn convert_calendar(
        &self,
        conversion: &CalendarConversion,
        session: &Session,
    ) -> Result<Self> {
        let dim = &conversion.dim;
        let index = self.coords.get(dim).ok_or_else(|| no_times(dim))?;
        let Some(converted) = Converted::of(index, conversion, session)? else {
            return Ok(self.clone());
        };
        let out = self.select(dim, |array| converted.apply(array, dim))?;
        let Some(fill) = &conversion.missing else {
            return Ok(out);
        };
        let labels = Variable::of_block(
            vec![dim.clone()],
            converted.dates_like(index, dim, session)?,
            index.attributes.clone(),
        )?;
        out.reindex(dim, &labels, Method::Exact, None, fill, session)
    }
}

fn no_times(dim: &str) -> Error {
    Error::invalid(format!("dimension `{dim}` has no times"))
        .hint("`convert_calendar` takes `dim=` where the times lie along another dimension")
}

/// Labels in the other calendar, and the positions at which they stand.
struct Converted {
    kept: Vec<u64>,
    labels: Block,
}

impl Converted {
    /// `None` where nothing changes.
    fn of(
        index: &Variable,
        conversion: &CalendarConversion,
        session: &Session,
    ) -> Result<Option<Self>> {
        let dim = &conversion.dim;
        let DType::Time(from) = index.dtype() else {
            return Err(no_times(dim));
        };
        let calendar = Calendar::from_name(&conversion.calendar).ok_or_else(|| {
            let message = format!("no calendar is called `{}`", conversion.calendar);
            Error::invalid(message).hint(
                "there are standard, proleptic_gregorian, julian, noleap, all_leap and 360_day",
            )
        })?;
        let values = index.values(session)?;
        let counts: Vec<i64> = values
            .scalars()
            .filter_map(|value| value.to_i64())
            .collect();
        let dates: Vec<Option<Date>> = counts
            .iter()
            .map(|count| date_from_count(*count, from))
            .collect();
        let target = target_type(calendar, &dates, conversion.use_cftime)?;
        if from == target {
            return Ok(None);
        }
        let has_360_days = [from.calendar, calendar].contains(&Calendar::Day360);
        let align_on = match (has_360_days, conversion.align_on) {
            (true, None) if from.calendar != calendar => {
                return Err(Error::invalid(
                    "`align_on` must be given to and from the calendar `360_day`",
                )
                .hint("`align_on=\"date\"` for monthly and sub-daily, `align_on=\"year\"` for daily data"));
            }
            (true, Some(align_on)) => align_on,
            _ => AlignOn::Date,
        };
        let mut pairs: Vec<(u64, i64)> = Vec::new();
        for (at, date) in (0..).zip(&dates) {
            let moved = date.and_then(|date| match align_on {
                AlignOn::Date => Some(date),
                AlignOn::Year => by_part_of_year(date, from.calendar, calendar),
            });
            let Some(date) = moved.filter(|date| check_date(calendar, *date).is_ok()) else {
                continue;
            };
            pairs.push((at, count_from_date(date, target.calendar, target.unit)?));
        }
        if align_on == AlignOn::Year {
            // As `numpy.unique` does: in order, of equal ones the first.
            pairs.sort_by_key(|(at, count)| (*count, *at));
            pairs.dedup_by_key(|(_, count)| *count);
        }
        if pairs.is_empty() && !dates.is_empty() && conversion.missing.is_none() {
            let first = dates.iter().flatten().next().copied();
            let message = format!(
                "no label of `{dim}` exists in calendar `{}`{}",
                calendar.name(),
                first.map_or_else(String::new, |date| format!(
                    ", such as {}",
                    iso_string(date)
                ))
            );
            return Err(Error::invalid(message));
        }
        let bytes: Vec<u8> = pairs
            .iter()
            .flat_map(|(_, count)| count.to_ne_bytes())
            .collect();
        Ok(Some(Self {
            kept: pairs.iter().map(|(at, _)| *at).collect(),
            labels: Block::dense(
                DType::Time(target),
                vec![pairs.len()],
                Buffer::copy_of(&bytes)?,
            )?,
        }))
    }

    /// Every date of the frequency that `index` has, from its first to its last, in the other calendar.
    fn dates_like(&self, index: &Variable, dim: &str, session: &Session) -> Result<Block> {
        let (DType::Time(from), DType::Time(target)) = (index.dtype(), self.labels.dtype()) else {
            return Err(no_times(dim));
        };
        let values = index.values(session)?;
        let counts: Vec<i64> = values
            .scalars()
            .filter_map(|value| value.to_i64())
            .collect();
        let dates: Vec<Date> = counts
            .iter()
            .filter_map(|count| date_from_count(*count, from))
            .collect();
        let frequency = frequency_of(&dates, &counts, from).ok_or_else(|| {
            Error::invalid(format!(
                "the labels of `{dim}` have no frequency, so no date is known to be missing"
            ))
            .hint("leave `missing` out, and `.reindex(…)` to the dates that you want")
        })?;
        let ends = [&dates[0], &dates[dates.len() - 1]];
        let [start, mut end] = ends.map(|date| or_days_before(*date, target.calendar));
        // What ended with a month ends with it in the other calendar too.
        let is_of_days = match frequency {
            Frequency::Fixed { nanoseconds } => nanoseconds % 86_400_000_000_000 == 0,
            Frequency::Months { is_end, .. } => is_end,
            Frequency::Weeks { .. } => false,
        };
        let last = |calendar, date: Date| days_in_month(calendar, date.year, date.month);
        if is_of_days && ends[1].day == last(from.calendar, *ends[1]) {
            end.day = last(target.calendar, end);
        }
        let count = |date| count_from_date(date, target.calendar, target.unit).map(Some);
        let bounds = Bounds {
            start: count(start)?,
            end: count(end)?,
            periods: None,
        };
        let counts = dates_between(bounds, frequency, target)?;
        let bytes: Vec<u8> = counts
            .iter()
            .flat_map(|count| count.to_ne_bytes())
            .collect();
        Block::dense(
            DType::Time(target),
            vec![counts.len()],
            Buffer::copy_of(&bytes)?,
        )
    }

    fn apply(&self, array: &DataArray, dim: &str) -> Result<DataArray> {
        let mut taken = take(array, dim, &self.kept)?;
        let relabelled = |variable: &Variable| {
            Variable::of_block(
                variable.dims.clone(),
                self.labels.clone(),
                variable.attributes.clone(),
            )
        };
        if let Some(index) = taken.coords.get(dim) {
            let index = relabelled(index)?;
            taken.coords.insert(dim.to_owned(), index);
        }
        if taken.name.as_deref() == Some(dim) && taken.variable.dims == [dim] {
            taken.variable = relabelled(&taken.variable)?;
        }
        Ok(taken)
    }
}

/// The date, or the last one before it that the calendar has.
fn or_days_before(mut date: Date, calendar: Calendar) -> Date {
    while check_date(calendar, date).is_err() && date.day > 1 {
        date.day -= 1;
    }
    date
}

/// `datetime64[ns]` for Gregorian dates that it can name, else microseconds of the calendar, as xarray chooses.
fn target_type(
    calendar: Calendar,
    dates: &[Option<Date>],
    use_cftime: Option<bool>,
) -> Result<TimeType> {
    let of = |unit, calendar| TimeType {
        unit,
        step: 1,
        calendar,
        kind: TimeKind::Instant,
    };
    let cftime = of(TimeUnit::Microsecond, calendar);
    let is_gregorian = matches!(calendar, Calendar::Standard | Calendar::ProlepticGregorian);
    let is_within = |date: &Date| {
        let is_after_reform =
            calendar != Calendar::Standard || (date.year, date.month, date.day) >= (1582, 10, 15);
        is_after_reform && (1678..2262).contains(&date.year)
    };
    let fits = is_gregorian && dates.iter().flatten().all(is_within);
    match use_cftime {
        Some(true) => Ok(cftime),
        Some(false) if !is_gregorian => Err(Error::invalid(format!(
            "`datetime64` has no calendar `{}`",
            calendar.name()
        ))
        .hint("leave `use_cftime` out")),
        Some(false) | None if fits => Ok(of(TimeUnit::Nanosecond, Calendar::ProlepticGregorian)),
        Some(false) => Err(Error::invalid(
            "some dates are out of the range of nanoseconds, years 1678 to 2262",
        )
        .hint("leave `use_cftime` out")),
        None => Ok(cftime),
    }
}

/// The day that lies at the same part of the year, the time of day kept.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a day of the year"
)]
fn by_part_of_year(date: Date, from: Calendar, to: Calendar) -> Option<Date> {
    let before = (1..date.month).map(|month| u16::from(days_in_month(from, date.year, month)));
    let day = f64::from(before.sum::<u16>() + u16::from(date.day));
    let lengths = [to, from].map(|calendar| f64::from(days_in_year(calendar, date.year)));
    // As `numpy.round`, to the even one of two.
    let mut day = (lengths[0] * day / lengths[1]).round_ties_even() as u16;
    for month in 1..=12 {
        let length = u16::from(days_in_month(to, date.year, month));
        if day <= length {
            // Before the first day lies the last one of the year before.
            let day = u8::try_from(day).ok().filter(|day| *day > 0)?;
            return Some(Date { month, day, ..date });
        }
        day -= length;
    }
    None
}

/// Refuses to match times of different calendars: the same count is another date there.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] that names both and offers the conversion.
pub(crate) fn check_calendars(dim: &str, dtypes: [DType; 2], names: [String; 2]) -> Result<()> {
    let [DType::Time(one), DType::Time(other)] = dtypes else {
        return Ok(());
    };
    let is_gregorian = |time: TimeType| {
        matches!(
            time.calendar,
            Calendar::Standard | Calendar::ProlepticGregorian
        )
    };
    if one.calendar == other.calendar || is_gregorian(one) && is_gregorian(other) {
        return Ok(());
    }
    let message = format!(
        "`{dim}` is of calendar `{}` in {} and of `{}` in {}",
        one.calendar.name(),
        names[0],
        other.calendar.name(),
        names[1]
    );
    let to = if is_gregorian(one) {
        "standard"
    } else {
        one.calendar.name()
    };
    let align_on = match [one.calendar, other.calendar].contains(&Calendar::Day360) {
        true => ", align_on=\"date\"",
        false => "",
    };
    Err(Error::invalid(message).hint(format!(
        "convert one of them first: `.convert_calendar(\"{to}\"{align_on})`; files are opened apart as `a=URL b=URL`"
    )))
}

/// The type in which times of different resolution stand beside each other; `None` if they agree already.
pub(crate) fn common_time_type(times: &[TimeType]) -> Option<TimeType> {
    let first = times.first()?;
    if times.iter().all(|time| time == first) || times.iter().any(|time| time.kind != first.kind) {
        return None;
    }
    // Days before 1582-10-15 have names only in the calendar that the files really have.
    let with_old = times
        .iter()
        .find(|time| time.calendar == Calendar::Standard);
    let calendar = with_old.unwrap_or(first).calendar;
    let order = [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ];
    let coarsest = order
        .into_iter()
        .find(|unit| times.iter().any(|time| time.unit == *unit))?;
    Some(TimeType {
        unit: coarsest,
        step: 1,
        calendar,
        kind: first.kind,
    })
}

/// Times at hand in another resolution.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a time has a finer part, or would be another date.
pub(crate) fn in_time_type(
    variable: &Variable,
    target: TimeType,
    session: &Session,
) -> Result<Variable> {
    let DType::Time(from) = variable.dtype() else {
        return Ok(variable.clone());
    };
    if from == target {
        return Ok(variable.clone());
    }
    let block = variable.values(session)?;
    let step =
        time_nanoseconds(1, target).ok_or_else(|| Error::internal("a time without a length"))?;
    let mut bytes = Vec::with_capacity(block.len() * 8);
    for value in block.scalars() {
        let count = match value
            .to_i64()
            .and_then(|count| time_nanoseconds(count, from))
        {
            None => i64::MIN,
            Some(nanoseconds) => i64::try_from(nanoseconds / step)
                .ok()
                .filter(|_| nanoseconds % step == 0)
                .ok_or_else(|| {
                    Error::invalid(format!(
                        "a time of `{from}` does not fit `{target}`, which other files have"
                    ))
                })?,
        };
        bytes.extend_from_slice(&count.to_ne_bytes());
    }
    let block = Block::dense(
        DType::Time(target),
        block.shape().to_vec(),
        Buffer::copy_of(&bytes)?,
    )?;
    Variable::of_block(variable.dims.clone(), block, variable.attributes.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{floats, session, times, variable};
    use indexmap::IndexMap;

    fn daily(start: Date, count: i64, calendar: Calendar) -> DataArray {
        let first = count_from_date(start, calendar, TimeUnit::Day).unwrap();
        let days: Vec<i64> = (first..first + count).collect();
        #[allow(clippy::cast_precision_loss, reason = "small")]
        let values: Vec<f64> = (0..count).map(|value| value as f64).collect();
        let mut array = DataArray::new(variable(&["time"], floats(&values, &[values.len()])));
        array.coords = IndexMap::from([(
            "time".to_owned(),
            variable(&["time"], times(&days, TimeUnit::Day, calendar)),
        )]);
        array
    }

    fn converted(
        array: &DataArray,
        calendar: &str,
        align_on: Option<AlignOn>,
    ) -> Vec<(f64, String)> {
        let conversion = CalendarConversion {
            calendar: calendar.to_owned(),
            dim: "time".to_owned(),
            align_on,
            use_cftime: None,
            missing: None,
        };
        let session = session();
        let array = array.convert_calendar(&conversion, &session).unwrap();
        let index = array.index("time").unwrap();
        let DType::Time(time) = index.dtype() else {
            panic!("no times")
        };
        let dates = index.values(&session).unwrap();
        let dates = dates.scalars().map(|date| {
            iso_string(date_from_count(date.to_i64().unwrap(), time).unwrap())[..10].to_owned()
        });
        let values = array.variable.values(&session).unwrap();
        values
            .scalars()
            .map(|value| value.to_f64().unwrap())
            .zip(dates)
            .collect()
    }

    #[test]
    fn dates_that_do_not_exist_are_left_out() {
        let array = daily(Date::midnight(2000, 2, 28), 3, Calendar::ProlepticGregorian);
        let found = converted(&array, "noleap", None);
        let expected = [
            (0.0, "2000-02-28".to_owned()),
            (2.0, "2000-03-01".to_owned()),
        ];
        assert_eq!(found, expected);
        // 1582-10-05 to 14 exist in no standard calendar.
        let array = daily(Date::midnight(1582, 10, 3), 13, Calendar::NoLeap);
        let found = converted(&array, "standard", None);
        let dates: Vec<&str> = found.iter().map(|(_, date)| date.as_str()).collect();
        assert_eq!(dates, ["1582-10-03", "1582-10-04", "1582-10-15"]);
    }

    #[test]
    fn a_year_of_360_days_is_spread_over_the_whole_year() {
        let array = daily(Date::midnight(2001, 1, 1), 360, Calendar::Day360);
        let found = converted(&array, "noleap", Some(AlignOn::Year));
        assert_eq!(found.len(), 360);
        assert_eq!(found[0].1, "2001-01-01");
        assert_eq!(found[359].1, "2001-12-31");
        let conversion = CalendarConversion {
            calendar: "noleap".to_owned(),
            dim: "time".to_owned(),
            align_on: None,
            use_cftime: None,
            missing: None,
        };
        let error = array.convert_calendar(&conversion, &session()).unwrap_err();
        assert!(error.report().contains("align_on"), "{}", error.report());
    }

    #[test]
    fn times_of_other_calendars_never_match() {
        let dtypes = [Calendar::NoLeap, Calendar::Standard]
            .map(|calendar| times(&[0], TimeUnit::Day, calendar).dtype());
        let names = || ["`a`".to_owned(), "`b`".to_owned()];
        let report = check_calendars("time", dtypes, names())
            .unwrap_err()
            .report();
        assert!(report.contains(".convert_calendar(\"noleap\")"), "{report}");
        check_calendars("time", [dtypes[1], dtypes[1]], names()).unwrap();
    }
}

//! The parts of dates and of lengths of time: `array.dt`.

use super::not_on;
use crate::calendar::{
    Component, Frequency, count_from_date, counts_of, date_from_count, date_string, days_in_month,
    days_in_year,
};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Function, Receiver, method, property};
use crate::labels::{DataArray, Rows, Variable, date_part};
use craton_core::{Attributes, Calendar, DType, Error, Result, Scalar, TimeKind, TimeType};

const DATES: &[Receiver] = &[Receiver::Dates];

pub(super) const ENTRIES: &[Entry] = &[
    property(
        "dt",
        &[Receiver::DataArray],
        "The parts of the dates or lengths of time that the array holds.",
        &["ds.time.dt.month"],
        dates,
    ),
    part("year", "The year of each date.", &["ds.time.dt.year"]),
    part(
        "month",
        "The month of each date, 1 to 12.",
        &["ds.time.dt.month"],
    ),
    part(
        "day",
        "The day of the month of each date.",
        &["ds.time.dt.day"],
    ),
    part("hour", "The hour of each date.", &["ds.time.dt.hour"]),
    part("minute", "The minute of each date.", &["ds.time.dt.minute"]),
    part("second", "The second of each date.", &["ds.time.dt.second"]),
    part(
        "microsecond",
        "The microsecond of the second of each date.",
        &["ds.time.dt.microsecond"],
    ),
    part(
        "nanosecond",
        "The nanosecond of the microsecond of each date.",
        &["ds.time.dt.nanosecond"],
    ),
    part(
        "dayofyear",
        "The day of the year of each date; 1 January is 1.",
        &["ds.time.dt.dayofyear"],
    )
    .also(&["day_of_year"]),
    part(
        "dayofweek",
        "The day of the week of each date; Monday is 0.",
        &["ds.time.dt.dayofweek"],
    )
    .also(&["day_of_week", "weekday"]),
    part(
        "weekofyear",
        "The ISO week of each date, 1 to 53.",
        &["ds.time.dt.weekofyear"],
    )
    .also(&["week"]),
    part(
        "quarter",
        "The quarter of each date, 1 to 4.",
        &["ds.time.dt.quarter"],
    ),
    part(
        "days_in_month",
        "How many days the month of each date has.",
        &["ds.time.dt.days_in_month"],
    )
    .also(&["daysinmonth"]),
    part(
        "season",
        "The season of each date: DJF, MAM, JJA or SON.",
        &["ds.time.dt.season"],
    ),
    flag(
        "is_month_start",
        "Whether each date is the first day of a month.",
        &["ds.time.dt.is_month_start"],
    ),
    flag(
        "is_month_end",
        "Whether each date is the last day of a month.",
        &["ds.time.dt.is_month_end"],
    ),
    flag(
        "is_quarter_start",
        "Whether each date is the first day of a quarter.",
        &["ds.time.dt.is_quarter_start"],
    ),
    flag(
        "is_quarter_end",
        "Whether each date is the last day of a quarter.",
        &["ds.time.dt.is_quarter_end"],
    ),
    flag(
        "is_year_start",
        "Whether each date is the first day of a year.",
        &["ds.time.dt.is_year_start"],
    ),
    flag(
        "is_year_end",
        "Whether each date is the last day of a year.",
        &["ds.time.dt.is_year_end"],
    ),
    flag(
        "is_leap_year",
        "Whether the year of each date is a leap year.",
        &["ds.time.dt.is_leap_year"],
    ),
    property(
        "days_in_year",
        DATES,
        "How many days the year of each date has.",
        &["ds.time.dt.days_in_year"],
        |call| {
            each(call, DType::Int64, |count, time| {
                let date = date_from_count(count, time)?;
                let days = days_in_year(time.calendar, date.year);
                Some(Scalar::from_i64(DType::Int64, i64::from(days)))
            })
        },
    ),
    property(
        "decimal_year",
        DATES,
        "Each date as its year and the part of the year that is over.",
        &["ds.time.dt.decimal_year"],
        |call| {
            each(call, DType::Float64, |count, time| {
                let date = date_from_count(count, time)?;
                let start = |year| {
                    let date = crate::calendar::Date::midnight(year, 1, 1);
                    count_from_date(date, time.calendar, time.unit).ok()
                };
                let (start, end) = (start(date.year)?, start(date.year + 1)?);
                let part = (count - start) as f64 / (end - start) as f64;
                Some(Scalar::from_f64(DType::Float64, date.year as f64 + part))
            })
        },
    ),
    property(
        "date",
        DATES,
        "The day of each date, as text.",
        &["ds.time.dt.date"],
        |call| texts(call, date_string),
    ),
    property(
        "time",
        DATES,
        "The time of day of each date, as text.",
        &["ds.time.dt.time"],
        |call| {
            texts(call, |date| {
                let clock = format!("{:02}:{:02}:{:02}", date.hour, date.minute, date.second);
                match date.nanosecond / 1000 {
                    0 => clock,
                    microsecond => format!("{clock}.{microsecond:06}"),
                }
            })
        },
    ),
    property(
        "calendar",
        DATES,
        "The name of the calendar.",
        &["ds.t2m.assign_attrs(calendar=ds.time.dt.calendar)"],
        |call| {
            let (_, time) = held(call, TimeKind::Instant)?;
            Ok(Value::Text(time.calendar.name().to_owned()))
        },
    ),
    method(
        "strftime",
        DATES,
        "date_format",
        "Each date as text by a format such as `%Y-%m-%d`.",
        &["ds.time.dt.strftime(\"%Y-%m-%d\")"],
        strftime,
    ),
    method(
        "isocalendar",
        DATES,
        "",
        "The ISO year, week and day of the week of each date, Monday being 1, as a dataset.",
        &["ds.time.dt.isocalendar()"],
        iso_calendar,
    ),
    rounded(
        "floor",
        "Each date moved back to a step of a fixed length.",
        &["ds.time.dt.floor(\"D\")"],
    ),
    rounded(
        "ceil",
        "Each date moved on to a step of a fixed length.",
        &["ds.time.dt.ceil(\"12h\")"],
    ),
    rounded(
        "round",
        "Each date moved to the nearest step of a fixed length.",
        &["ds.time.dt.round(\"D\")"],
    ),
    length(
        "days",
        "The whole days of each length of time.",
        &["(ds.time - ds.time[0]).dt.days"],
    ),
    length(
        "seconds",
        "The seconds of each length of time beyond whole days.",
        &["(ds.time - ds.time[0]).dt.seconds"],
    ),
    length(
        "microseconds",
        "The microseconds of each length of time beyond whole seconds.",
        &["(ds.time - ds.time[0]).dt.microseconds"],
    ),
    length(
        "nanoseconds",
        "The nanoseconds of each length of time beyond whole microseconds.",
        &["(ds.time - ds.time[0]).dt.nanoseconds"],
    ),
    method(
        "total_seconds",
        DATES,
        "",
        "Each length of time in seconds.",
        &["(ds.time - ds.time[0]).dt.total_seconds()"],
        |call| {
            held(call, TimeKind::Duration)?;
            each(call, DType::Float64, |count, time| {
                let seconds = nanoseconds(count, time)? as f64 / 1e9;
                Some(Scalar::from_f64(DType::Float64, seconds))
            })
        },
    ),
];

const fn part(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    property(name, DATES, doc, examples, |call| {
        let (array, _) = held(call, TimeKind::Instant)?;
        let values = array.variable.values(call.session)?;
        let block = date_part(&values, array.variable.dtype(), call.called)?;
        // xarray takes weeks from another function than the other parts, one that loses attributes.
        let attributes = match call.name() {
            "weekofyear" => Attributes::new(),
            _ => array.variable.attributes.clone(),
        };
        let variable = Variable::of_block(array.dims().to_vec(), block, attributes)?;
        let name = Some(call.called.to_owned());
        Ok(Value::Array(array.with_variable(variable).renamed(name)))
    })
}

const fn flag(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    property(name, DATES, doc, examples, |call| {
        held(call, TimeKind::Instant)?;
        each(call, DType::Bool, |count, time| {
            let truth = is_flag(call.name(), count, time).unwrap_or(false);
            Some(Scalar::from_f64(DType::Bool, f64::from(u8::from(truth))))
        })
    })
}

const fn rounded(
    name: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, DATES, "freq", doc, examples, round)
}

const fn length(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    const FUNCTION: Function = |call| {
        held(call, TimeKind::Duration)?;
        each(call, DType::Int64, |count, time| {
            let total = nanoseconds(count, time)?;
            let (day, second) = (86_400_000_000_000, 1_000_000_000);
            let within = total.rem_euclid(day);
            let part = match call.name() {
                "days" => total.div_euclid(day),
                "seconds" => within / second,
                "microseconds" => within % second / 1000,
                _ => within % 1000,
            };
            Some(Scalar::from_i64(DType::Int64, i64::try_from(part).ok()?))
        })
    };
    property(name, DATES, doc, examples, FUNCTION)
}

fn dates(call: &Call<'_>) -> Result<Value> {
    match call.object {
        Value::Array(array) if matches!(array.variable.dtype(), DType::Time(_)) => {
            Ok(Value::Dates(array.clone()))
        }
        Value::Array(array) => Err(Error::invalid(format!(
            "`.dt` of {} values, which are no dates",
            array.variable.dtype()
        ))),
        _ => Err(not_on(call)),
    }
}

fn iso_calendar(call: &Call<'_>) -> Result<Value> {
    let (_, time) = held(call, TimeKind::Instant)?;
    if !matches!(
        time.calendar,
        Calendar::Standard | Calendar::ProlepticGregorian
    ) {
        let message = format!("ISO weeks of the calendar `{}`", time.calendar.name());
        return Err(Error::invalid(message)
            .hint("`.convert_calendar(\"standard\")` gives dates that have them"));
    }
    let week = |count| crate::calendar::component(count, time, Component::WeekOfYear);
    type Part<'a> = &'a dyn Fn(i64) -> Option<i64>;
    // The last days of December may lie in the next ISO year, the first of January in the one before.
    let year: Part<'_> = &|count| {
        let (date, week) = (date_from_count(count, time)?, week(count)?);
        Some(match (date.month, week) {
            (1, 52..) => date.year - 1,
            (12, 1) => date.year + 1,
            _ => date.year,
        })
    };
    let weekday: Part<'_> =
        &|count| Some(crate::calendar::component(count, time, Component::DayOfWeek)? + 1);
    let parts: [(&str, Part<'_>); 3] = [("year", year), ("week", &week), ("weekday", weekday)];
    let mut arrays = Vec::new();
    for (name, part) in parts {
        let array = each(call, DType::Int64, |count, _| {
            Some(Scalar::from_i64(DType::Int64, part(count)?))
        })?;
        if let Value::Array(mut array) = array {
            // What is said of dates does not hold for their parts.
            array.variable.attributes.clear();
            arrays.push((name.to_owned(), array));
        }
    }
    crate::labels::Dataset::from_arrays(arrays).map(Value::Dataset)
}

/// The array, and its type if it is of this kind.
fn held<'a>(call: &Call<'a>, kind: TimeKind) -> Result<(&'a DataArray, TimeType)> {
    let Value::Dates(array) = call.object else {
        return Err(not_on(call));
    };
    match array.variable.dtype() {
        DType::Time(time) if time.kind == kind => Ok((array, time)),
        _ => {
            let what = match kind {
                TimeKind::Instant => "dates",
                TimeKind::Duration => "lengths of time",
            };
            let message = format!("`.dt.{}` is there for {what}", call.called);
            Err(Error::invalid(message))
        }
    }
}

/// The array of what `change` makes of each count; missing ones are 0, or stay missing.
fn each(
    call: &Call<'_>,
    dtype: DType,
    change: impl Fn(i64, TimeType) -> Option<Scalar>,
) -> Result<Value> {
    let Value::Dates(array) = call.object else {
        return Err(not_on(call));
    };
    let DType::Time(time) = array.variable.dtype() else {
        return Err(not_on(call));
    };
    let rows = Rows::of(&[array], call.session)?;
    let nothing = || crate::labels::missing(dtype);
    let changed: Vec<Scalar> = rows
        .iter()
        .map(|row| {
            let count = row.first().and_then(Scalar::to_i64);
            count
                .filter(|count| *count != i64::MIN)
                .and_then(|count| change(count, time))
                .unwrap_or_else(nothing)
        })
        .collect();
    let out = rows.array(dtype, &changed, &[])?;
    Ok(Value::Array(out.renamed(Some(call.called.to_owned()))))
}

fn texts(call: &Call<'_>, text: impl Fn(crate::calendar::Date) -> String) -> Result<Value> {
    held(call, TimeKind::Instant)?;
    each(call, DType::Utf8, |count, time| {
        let date = date_from_count(count, time)?;
        Some(Scalar::from_text(&text(date)))
    })
}

fn is_flag(name: &str, count: i64, time: TimeType) -> Option<bool> {
    let date = date_from_count(count, time)?;
    let last = days_in_month(time.calendar, date.year, date.month);
    let (is_first, is_last) = (date.day == 1, date.day == last);
    Some(match name {
        "is_month_start" => is_first,
        "is_month_end" => is_last,
        "is_quarter_start" => is_first && date.month % 3 == 1,
        "is_quarter_end" => is_last && date.month.is_multiple_of(3),
        "is_year_start" => is_first && date.month == 1,
        "is_year_end" => is_last && date.month == 12,
        _ => {
            let leap = crate::calendar::component(count, time, Component::IsLeapYear)?;
            leap == 1
        }
    })
}

fn nanoseconds(count: i64, time: TimeType) -> Option<i128> {
    let one = counts_of(1_000_000_000, time).ok()?;
    Some(i128::from(count) * 1_000_000_000 / i128::from(one))
}

fn round(call: &Call<'_>) -> Result<Value> {
    let (array, time) = held(call, TimeKind::Instant)?;
    let Frequency::Fixed { nanoseconds } = Frequency::parse(call.need_text("freq")?)? else {
        return Err(
            Error::invalid("dates are rounded to steps of a fixed length")
                .hint("such as `D` or `6h`; `.resample(time=\"MS\")` groups by months"),
        );
    };
    let step = counts_of(nanoseconds, time)?;
    each(call, array.variable.dtype(), |count, _| {
        let over = count.rem_euclid(step);
        let down = count - over;
        let rounded = match (call.name(), over) {
            (_, 0) | ("floor", _) => down,
            ("ceil", _) => down + step,
            // Halves go to the even step, as in pandas.
            _ if over * 2 == step && down.div_euclid(step) % 2 == 0 => down,
            _ if over * 2 < step => down,
            _ => down + step,
        };
        Some(Scalar::from_i64(array.variable.dtype(), rounded))
    })
}

fn strftime(call: &Call<'_>) -> Result<Value> {
    let (_, time) = held(call, TimeKind::Instant)?;
    let format = call.need_text("date_format")?;
    let directives = format.split('%').skip(1);
    let known = "YmdHMSfjyBbAa%";
    let mut is_escaped = false;
    for directive in directives {
        let first = directive.chars().next();
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match first {
            None => is_escaped = true,
            Some(letter) if known.contains(letter) => {}
            Some(letter) => {
                return Err(Error::unsupported(format!("`%{letter}` of a date"))
                    .hint("there are %Y %m %d %H %M %S %f %j %y %B %b %A %a and %%"));
            }
        }
    }
    let format = format.to_owned();
    let of = |count: i64| formatted(&format, count, time);
    let texts = each(call, DType::Utf8, |count, _| {
        Some(Scalar::from_text(&of(count)?))
    })?;
    // Attributes of dates do not speak of texts.
    match texts {
        Value::Array(mut texts) => {
            texts.variable.attributes.clear();
            Ok(Value::Array(texts))
        }
        other => Ok(other),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn formatted(format: &str, count: i64, time: TimeType) -> Option<String> {
    let date = date_from_count(count, time)?;
    let component = |which| crate::calendar::component(count, time, which);
    let month = MONTHS.get(usize::from(date.month).checked_sub(1)?)?;
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let day = || {
            let day = component(Component::DayOfWeek)?;
            DAYS.get(usize::try_from(day).ok()?).copied()
        };
        out.push_str(&match letters.next()? {
            'Y' => format!("{:04}", date.year),
            'y' => format!("{:02}", date.year.rem_euclid(100)),
            'm' => format!("{:02}", date.month),
            'd' => format!("{:02}", date.day),
            'H' => format!("{:02}", date.hour),
            'M' => format!("{:02}", date.minute),
            'S' => format!("{:02}", date.second),
            'f' => format!("{:06}", date.nanosecond / 1000),
            'j' => format!("{:03}", component(Component::DayOfYear)?),
            'B' => (*month).to_owned(),
            'b' => month[..3].to_owned(),
            'A' => day()?.to_owned(),
            'a' => day()?[..3].to_owned(),
            _ => "%".to_owned(),
        });
    }
    Some(out)
}

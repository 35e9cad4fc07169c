//! The parts of dates: `array.dt`.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Receiver, property};
use crate::labels::{DataArray, Variable, date_part};
use crate::session::Session;
use craton_core::{DType, Error, Result};

const DATES: &[Receiver] = &[Receiver::Dates];

pub(super) const ENTRIES: &[Entry] = &[
    property(
        "dt",
        &[Receiver::DataArray],
        "The parts of the dates that the array holds.",
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
        "millisecond",
        "The millisecond of the second of each date.",
        &["ds.time.dt.millisecond"],
    ),
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
];

const fn part(name: &'static str, doc: &'static str, examples: &'static [&'static str]) -> Entry {
    property(name, DATES, doc, examples, |call| {
        let Value::Dates(array) = call.object else {
            return Err(not_on(call));
        };
        date_array(array, call.name(), call.session).map(Value::Array)
    })
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

/// The part of each date as an array.
fn date_array(array: &DataArray, part: &str, session: &Session) -> Result<DataArray> {
    let block = date_part(
        &array.variable.values(session)?,
        array.variable.dtype(),
        part,
    )?;
    let variable = Variable::of_block(
        array.dims().to_vec(),
        block,
        array.variable.attributes.clone(),
    )?;
    Ok(array.with_variable(variable).renamed(Some(part.to_owned())))
}

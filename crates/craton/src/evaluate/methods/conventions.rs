//! Units and calendars.

use super::not_on;
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, LABELLED, Receiver, method};
use crate::labels::{AlignOn, CalendarConversion, Fill};
use crate::units;
use craton_core::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[
    method(
        "to_units",
        &[Receiver::DataArray],
        "units",
        "The same quantity in other units.",
        &["ds.t2m.to_units(\"degC\")"],
        to_units,
    ),
    method(
        "convert_calendar",
        LABELLED,
        "calendar, dim='time', align_on=None, missing=None, use_cftime=None",
        "The same values under dates of another calendar; `missing` stands where that has dates of the same frequency more.",
        &[
            "ds.convert_calendar(\"noleap\")",
            "ds.convert_calendar(\"all_leap\", missing=np.nan)",
        ],
        convert_calendar,
    ),
];

fn to_units(call: &Call<'_>) -> Result<Value> {
    match call.object {
        Value::Array(array) => {
            units::to_units(array, call.need_text("units")?, call.session).map(Value::Array)
        }
        _ => Err(not_on(call)),
    }
}

fn convert_calendar(call: &Call<'_>) -> Result<Value> {
    let align_on = match call.text("align_on")? {
        None => None,
        Some("date") => Some(AlignOn::Date),
        Some("year") => Some(AlignOn::Year),
        Some(other) => {
            let message = format!("`align_on` is `{other}`");
            return Err(Error::usage(message).hint("there are `date` and `year`"));
        }
    };
    let conversion = CalendarConversion {
        calendar: call.need_text("calendar")?.to_owned(),
        dim: call.text("dim")?.unwrap_or("time").to_owned(),
        align_on,
        use_cftime: call.bool("use_cftime")?,
        missing: match call.get("missing") {
            None => None,
            Some(value) => Some(Fill::Number(value.as_operand()?)),
        },
    };
    match call.object {
        Value::Array(array) => array
            .convert_calendar(&conversion, call.session)
            .map(Value::Array),
        Value::Dataset(dataset) => dataset
            .convert_calendar(&conversion, call.session)
            .map(Value::Dataset),
        _ => Err(not_on(call)),
    }
}

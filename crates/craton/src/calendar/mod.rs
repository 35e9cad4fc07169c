//! CF time: calendars, units such as `days since 2000-01-01`, and the dates that counts stand for.
//!
//! Takes numbers, units and calendars; gives counts of a [`craton_core::TimeType`] and dates, and back.
//! Never reads an array or looks at a label.

mod components;
mod date;
mod days;
mod decode;
mod encode;
mod frequency;
#[cfg(test)]
mod fuzz;
mod parse;
mod range;
#[cfg(test)]
mod tests;
mod units;

pub use components::{Component, component, date_string, season};
pub(crate) use date::time_nanoseconds;
pub use date::{Date, check_date, count_from_date, date_from_count, iso_string};
pub use days::{days_in_month, days_in_year, is_leap_year};
pub use decode::{DecodedTimes, TimeDecoder, TimeValues, decode_durations, decode_times};
pub use encode::{EncodedTimes, encode_times};
pub use frequency::Frequency;
pub(crate) use frequency::{Steps, counts_of, day_length};
pub use parse::{parse_date, parse_range};
pub(crate) use range::{Bounds, dates_between, frequency_of};
pub use units::{CfUnit, TimeUnits};

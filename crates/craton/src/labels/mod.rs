//! Arrays with names: dimensions, coordinates, attributes, and what they make of every operation.

mod align;
mod arithmetic;
mod calendar;
mod data_array;
mod dataset;
mod group;
mod quantile;
mod reduce;
mod select;
mod shape;
mod variable;
mod window;

pub use arithmetic::{Operand, WeakKind, binary, unary, where_};
pub(crate) use arithmetic::{agreed_attributes, convert};
pub use calendar::{AlignOn, CalendarConversion};
pub(crate) use calendar::{check_calendars, common_time_type, in_time_type, time_nanoseconds};
pub use data_array::DataArray;
pub use dataset::Dataset;
pub use group::{GroupBy, GroupKey, date_part};
pub use quantile::Quantiles;
pub use reduce::ReduceArguments;
pub use select::{Label, LabelSelection, Method, PositionSelection};
pub use variable::Variable;
pub use window::{Rolling, Weighted};

//! Arrays with names: dimensions, coordinates, attributes, and what they make of every operation.

mod align;
mod arithmetic;
mod calculus;
mod calendar;
mod coarsen;
mod combine;
mod data_array;
mod dataset;
mod fill;
mod group;
mod interpolate;
mod join;
mod order;
mod places;
mod pointwise;
mod polynomial;
mod quantile;
mod reduce;
mod resample;
mod select;
mod shape;
mod sort;
mod stack;
mod statistics;
mod tree;
mod variable;
mod whole;
mod window;

pub use arithmetic::{Operand, WeakKind, binary, unary, where_};
pub(crate) use arithmetic::{agreed_attributes, convert, missing, missing_dtype};
pub use calendar::{AlignOn, CalendarConversion};
pub(crate) use calendar::{check_calendars, common_time_type, in_time_type, time_nanoseconds};
pub use coarsen::{Boundary, Coarsening};
pub use combine::{
    CombineAttributes, Compat, Concat, Which, combine_attributes, combine_by_coords, concat, merge,
};
pub use data_array::DataArray;
pub use dataset::Dataset;
pub use fill::GapArguments;
pub use group::{GroupBy, GroupKey, date_part};
pub use interpolate::{Interpolation, InterpolationMethod, NewLabels, Outside};
pub use join::{Join, align_datasets};
pub use places::Fill;
pub(crate) use places::{block_of, doubles};
pub use pointwise::Pointwise;
pub use quantile::Quantiles;
pub use reduce::ReduceArguments;
pub use resample::{Origin, Resampling, Side};
pub use select::{Label, LabelSelection, Method, PositionSelection};
pub(crate) use select::{find_places, position};
pub(crate) use stack::{levels_of, rename_levels};
pub use tree::{DataTree, Node};
pub use variable::Variable;
pub use window::{Rolling, Weighted};

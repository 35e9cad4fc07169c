//! The operators, one file per family.

mod column;
mod concat;
mod interpolate;
mod leaf;
mod map;
mod points;
mod quantile;
mod reduce;
mod scan;
mod view;
mod weighted;

pub use column::{fill_gaps, order, spline};
pub use concat::{concat, stack};
pub use interpolate::{Between, interpolate, interpolate_points};
pub use leaf::{full, literal, source};
pub use map::{binary, cast, clip, fill_missing, scalar, select, unary};
pub use points::points;
pub use quantile::{group_quantile, quantile};
pub use reduce::{ReduceOptions, group_reduce, reduce};
pub use scan::{Direction, cumulate, fill, rolling};
pub use view::{AxisIndex, broadcast, broadcast_axes, gather, index, rechunk, transpose};
pub use weighted::weighted_quantile;

use crate::operator::{OperatorEntry, ShapeOfWork};

/// One row per operator; see [`crate::OPERATORS`].
pub(crate) static ENTRIES: &[OperatorEntry] = &[
    leaf::SOURCE,
    leaf::LITERAL,
    leaf::FULL,
    map::UNARY,
    map::BINARY,
    map::CAST,
    map::SELECT,
    map::FILL_MISSING,
    interpolate::INTERPOLATE,
    view::INDEX,
    view::GATHER,
    points::POINTS,
    view::TRANSPOSE,
    view::BROADCAST,
    view::RECHUNK,
    concat::CONCAT,
    reduce::REDUCE,
    reduce::GROUP_REDUCE,
    quantile::QUANTILE,
    quantile::GROUP_QUANTILE,
    weighted::PAIR,
    weighted::WEIGHTED_QUANTILE,
    column::ORDER,
    column::FILL_GAPS,
    column::SPLINE,
    scan::CUMULATE,
    scan::ROLLING,
];

const fn entry(
    name: &'static str,
    arguments: &'static str,
    shape: ShapeOfWork,
    doc: &'static str,
) -> OperatorEntry {
    OperatorEntry {
        name,
        arguments,
        shape,
        doc,
    }
}

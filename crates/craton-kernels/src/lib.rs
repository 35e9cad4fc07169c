//! The numbers: elementwise functions, casts, promotion, folds, scans and the shuffling of elements.
//!
//! Takes byte slices of native-endian elements, aligned to the element; gives byte slices. Never sees a label,
//! reads or writes anything else, allocates, or lets a result depend on the CPU it runs on.

pub mod binary;
pub mod cast;
pub mod column;
mod complex;
mod element;
pub mod fold;
pub mod gaps;
pub mod interpolate;
pub mod load;
pub mod order;
pub mod program;
pub mod promote;
pub mod quantile;
mod real;
pub mod scan;
pub mod select;
pub mod spline;
pub mod unary;
pub mod weighted;
mod wide;

pub use binary::{Binary, BinaryKernel};
pub use cast::cast;
pub use column::ColumnKernel;
pub use fold::{Fold, FoldSpec, Reduction};
pub use load::{gather_list, gather_strided, swap_bytes, unshuffle};
pub use promote::{WeakScalar, promote, promote_weak};
pub use quantile::{Quantile, QuantileMethod, Quantity};
pub use scan::{
    Cumulation, RollingKind, cumulate, cumulation_output, cumulation_start, cumulation_total,
    rolling, rolling_output, rolling_scratch_len,
};
pub use select::{fill_missing, select};
pub use unary::{Unary, UnaryKernel};

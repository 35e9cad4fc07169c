//! What is worked out of whole columns, which may need all values of a column at once.

use craton_core::DType;
use std::fmt::Debug;

/// A function of columns of one type.
pub trait ColumnKernel: Debug + Send + Sync {
    /// The type of the results.
    fn output(&self) -> DType;

    /// Results of a column of `length` values.
    fn count(&self, length: usize) -> usize;

    /// Words that [`ColumnKernel::run`] needs beside a column of `length` values.
    fn scratch(&self, length: usize) -> usize {
        let _ = length;
        0
    }

    /// What is done with a column, for people.
    fn verb(&self) -> &'static str;

    /// Puts the results of `column` into `out`; may leave the values in any order.
    fn run(&self, column: &mut [u8], scratch: &mut [u64], out: &mut [u8]);
}

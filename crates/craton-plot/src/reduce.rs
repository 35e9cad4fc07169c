//! Many cells to as many as can be drawn, without losing what stands out.

use craton_core::{Block, DType, Error, Result};

/// Which of fewer bins each index of an axis falls into, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// The first index of every bin, and the length of the axis at the end.
    starts: Vec<usize>,
}

impl Bins {
    /// Every index is a bin.
    #[must_use]
    pub fn single(length: usize) -> Self {
        Self {
            starts: (0..=length).collect(),
        }
    }

    /// At most `most` bins of equal length, but for the last.
    #[must_use]
    pub fn equal(length: usize, most: usize) -> Self {
        let step = length.div_ceil(most.max(1)).max(1);
        let starts = (0..length).step_by(step).chain([length]);
        Self {
            starts: starts.collect(),
        }
    }

    /// Neighbours that `place` puts onto the same pixel share a bin.
    pub fn by_pixel(length: usize, mut place: impl FnMut(usize) -> i64) -> Self {
        let mut starts = Vec::new();
        let mut last = None;
        for index in 0..length {
            let pixel = place(index);
            if last != Some(pixel) {
                starts.push(index);
                last = Some(pixel);
            }
        }
        starts.push(length);
        Self { starts }
    }

    /// How many bins.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The first index of every bin, and the length of the axis at the end.
    #[must_use]
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }
    /// How many indices.
    #[must_use]
    pub fn length(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
    /// The elements of `edges` (one more than indices) between bins.
    #[must_use]
    pub fn edges(&self, edges: &[f64]) -> Vec<f64> {
        let at = |start: &usize| edges.get(*start).copied().unwrap_or(f64::NAN);
        self.starts.iter().map(at).collect()
    }

    fn bin_of(&self, index: usize) -> usize {
        self.starts.partition_point(|start| *start <= index) - 1
    }
}

/// What is known of the values in one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    least: f64,
    most: f64,
    sum: f64,
    count: u32,
}

const EMPTY: Cell = Cell {
    least: f64::INFINITY,
    most: f64::NEG_INFINITY,
    sum: 0.0,
    count: 0,
};

impl Cell {
    fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        self.sum += value;
        self.count = self.count.saturating_add(1);
    }

    /// Of the least and the greatest value the one farther from the mean: what stands out is seen.
    fn outstanding(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let mean = self.sum / f64::from(self.count);
        // A little in favour of the greatest, so that the order of the sum does not decide.
        if self.most - mean >= (mean - self.least) * (1.0 - 1e-9) || mean.is_nan() {
            self.most
        } else {
            self.least
        }
    }
}

/// A field of two axes, reduced as its parts come in, in any order.
#[derive(Debug, Clone)]
pub struct Reduction {
    rows: Bins,
    columns: Bins,
    /// The bin of every column: looked up for every value.
    column_bins: Vec<u32>,
    cells: Vec<Cell>,
    missing: u64,
}

impl Reduction {
    /// An empty field.
    #[must_use]
    pub fn new(rows: Bins, columns: Bins) -> Self {
        let mut column_bins = vec![0; columns.length()];
        for (bin, pair) in columns.starts.windows(2).enumerate() {
            column_bins[pair[0]..pair[1]].fill(bin as u32);
        }
        Self {
            cells: vec![EMPTY; rows.len() * columns.len()],
            rows,
            columns,
            column_bins,
            missing: 0,
        }
    }

    /// Rows and columns of the reduced field.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    /// Takes in a block of at most two axes in C order without gaps whose first element stands at `row` and `column`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] if its values are no real numbers.
    pub fn add(&mut self, block: &Block, row: usize, column: usize) -> Result<()> {
        let width = block.shape().last().copied().unwrap_or(1);
        let height = block.len().checked_div(width).unwrap_or(0);
        if row + height > self.rows.length() || column + width > self.columns.length() {
            return Err(Error::internal("a block outside the field that is drawn"));
        }
        for_each_row(block, width, |at, values| {
            let bin = self.rows.bin_of(row + at);
            let cells = &mut self.cells[bin * self.columns.len()..][..self.columns.len()];
            for (bin, value) in self.column_bins[column..column + width].iter().zip(values) {
                self.missing += u64::from(value.is_nan());
                cells[*bin as usize].add(*value);
            }
        })
    }

    /// How many values are missing.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// In C order what stands out in each bin: of its least and greatest value the one farther from its mean. NaN where
    /// all are missing.
    #[must_use]
    pub fn outstanding(&self) -> Vec<f64> {
        self.cells.iter().map(Cell::outstanding).collect()
    }

    /// In C order the least and the greatest value of each bin; NaN where all are missing.
    #[must_use]
    pub fn extremes(&self) -> Vec<(f64, f64)> {
        let pair = |cell: &Cell| match cell.count {
            0 => (f64::NAN, f64::NAN),
            _ => (cell.least, cell.most),
        };
        self.cells.iter().map(pair).collect()
    }
}

/// Pixels onto which cells are put, several perhaps onto one.
#[derive(Debug, Clone)]
pub(crate) struct Splats {
    cells: Vec<Cell>,
    /// Whether any cell lies there, with or without a value.
    is_covered: Vec<bool>,
}

impl Splats {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            cells: vec![EMPTY; count],
            is_covered: vec![false; count],
        }
    }

    pub(crate) fn put(&mut self, at: usize, value: f64) {
        if let (Some(cell), Some(covered)) = (self.cells.get_mut(at), self.is_covered.get_mut(at)) {
            cell.add(value);
            *covered = true;
        }
    }

    /// What stands out on each pixel; `None` where no cell lies.
    pub(crate) fn values(&self) -> impl Iterator<Item = Option<f64>> + '_ {
        self.cells
            .iter()
            .zip(&self.is_covered)
            .map(|(cell, covered)| covered.then(|| cell.outstanding()))
    }
}

/// Counts of values between edges of equal distance.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    low: f64,
    high: f64,
    /// How many values lie in each bin; the last holds its upper edge too.
    pub counts: Vec<u64>,
    /// How many values are missing.
    pub missing: u64,
    /// How many lie outside.
    pub outside: u64,
}

impl Counts {
    /// No values yet.
    #[must_use]
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self {
            low,
            high,
            counts: vec![0; bins.max(1)],
            missing: 0,
            outside: 0,
        }
    }

    /// The edges of the bins.
    #[must_use]
    pub fn edges(&self) -> Vec<f64> {
        let step = (self.high - self.low) / self.counts.len() as f64;
        (0..=self.counts.len())
            .map(|at| self.low + step * at as f64)
            .collect()
    }

    /// Takes in a block.
    ///
    /// # Errors
    /// As [`Reduction::add`].
    pub fn add(&mut self, block: &Block) -> Result<()> {
        let bins = self.counts.len();
        let width = self.high - self.low;
        let length = block.shape().last().copied().unwrap_or(1);
        for_each_row(block, length, |_, values| {
            for value in values {
                if value.is_nan() {
                    self.missing += 1;
                } else if *value < self.low || *value > self.high {
                    self.outside += 1;
                } else {
                    let at = ((value - self.low) / width * bins as f64) as usize;
                    self.counts[at.min(bins - 1)] += 1;
                }
            }
        })
    }
}

/// Every value of a block as `f64`, in C order; NaN and NaT are NaN.
///
/// # Errors
/// As [`Reduction::add`].
pub fn numbers(block: &Block) -> Result<Vec<f64>> {
    let mut values = Vec::with_capacity(block.len());
    let width = block.shape().last().copied().unwrap_or(1);
    for_each_row(block, width, |_, row| values.extend_from_slice(row))?;
    Ok(values)
}

/// The values of a block as `f64`, row by row.
fn for_each_row(block: &Block, width: usize, mut take: impl FnMut(usize, &[f64])) -> Result<()> {
    if block.is_empty() || width == 0 {
        return Ok(());
    }
    let mut row = vec![0.0; width];
    if let Some(value) = block.as_constant() {
        row.fill(number(value.to_f64(), value.is_missing()));
        (0..block.len() / width).for_each(|at| take(at, &row));
        return Ok(());
    }
    let refuse = || {
        Error::unsupported(format!("values of type {} cannot be drawn", block.dtype()))
            .hint("only numbers can; `.real`, `.astype(\"float64\")` or `.count()` give some")
    };
    let bytes = block.as_contiguous().ok_or_else(refuse)?;
    macro_rules! rows {
        ($type:ty, $convert:expr) => {{
            const SIZE: usize = size_of::<$type>();
            for (at, bytes) in bytes.chunks_exact(width * SIZE).enumerate() {
                for (value, bytes) in row.iter_mut().zip(bytes.chunks_exact(SIZE)) {
                    let mut item = [0; SIZE];
                    item.copy_from_slice(bytes);
                    *value = $convert(<$type>::from_ne_bytes(item));
                }
                take(at, &row);
            }
        }};
    }
    match block.dtype() {
        DType::Float32 => rows!(f32, f64::from),
        DType::Float64 => rows!(f64, |value: f64| value),
        DType::Int8 => rows!(i8, f64::from),
        DType::Int16 => rows!(i16, f64::from),
        DType::Int32 => rows!(i32, f64::from),
        DType::Int64 => rows!(i64, |value: i64| value as f64),
        DType::Bool | DType::UInt8 => rows!(u8, f64::from),
        DType::UInt16 => rows!(u16, f64::from),
        DType::UInt32 => rows!(u32, f64::from),
        DType::UInt64 => rows!(u64, |value: u64| value as f64),
        DType::Time(_) => rows!(i64, |value: i64| number(
            Some(value as f64),
            value == i64::MIN
        )),
        DType::Float16 => {
            let mut values = block.scalars();
            for at in 0..block.len() / width {
                for (slot, value) in row.iter_mut().zip(values.by_ref()) {
                    *slot = number(value.to_f64(), value.is_missing());
                }
                take(at, &row);
            }
        }
        _ => return Err(refuse()),
    }
    Ok(())
}

fn number(value: Option<f64>, is_missing: bool) -> f64 {
    value.filter(|_| !is_missing).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(values: &[f32], shape: &[usize]) -> Block {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_ne_bytes())
            .collect();
        Block::from_bytes(DType::Float32, shape.to_vec(), &bytes).unwrap()
    }

    #[test]
    fn what_stands_out_is_kept_and_missing_is_not() {
        let mut values = vec![1.0f32; 100];
        values[37] = 99.0;
        values[71] = -50.0;
        values[..3].fill(f32::NAN);
        let mut reduction = Reduction::new(Bins::equal(10, 2), Bins::equal(10, 3));
        reduction.add(&block(&values, &[10, 10]), 0, 0).unwrap();
        assert_eq!(reduction.shape(), (2, 3));
        assert_eq!(reduction.missing(), 3);
        assert_eq!(reduction.outstanding(), [1.0, 99.0, 1.0, -50.0, 1.0, 1.0]);
        let mut all_missing = Reduction::new(Bins::equal(4, 1), Bins::single(1));
        all_missing
            .add(&block(&[f32::NAN; 4], &[4, 1]), 0, 0)
            .unwrap();
        assert!(all_missing.outstanding()[0].is_nan());
    }

    #[test]
    fn blocks_outside_and_texts_are_refused() {
        let mut reduction = Reduction::new(Bins::single(2), Bins::single(2));
        assert!(reduction.add(&block(&[0.0; 4], &[2, 2]), 1, 0).is_err());
        let texts = Block::from_bytes(DType::FixedBytes(1), vec![2], b"ab").unwrap();
        assert!(reduction.add(&texts, 0, 0).is_err());
    }

    #[test]
    fn counts_have_every_value_once() {
        let mut counts = Counts::new(0.0, 10.0, 5);
        counts
            .add(&block(&[0.0, 1.9, 2.0, 10.0, 10.5, f32::NAN], &[2, 3]))
            .unwrap();
        assert_eq!(counts.counts, [2, 1, 0, 0, 1]);
        assert_eq!((counts.missing, counts.outside), (1, 1));
        assert_eq!(counts.edges(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
    }

    proptest! {
        #[test]
        fn parts_in_any_order_give_the_same_extremes(
            values in proptest::collection::vec(-100.0f32..100.0, 60), split in 1usize..6, rows in 1usize..7, columns in 1usize..11,
        ) {
            let bins = || (Bins::equal(6, rows), Bins::equal(10, columns));
            let mut whole = Reduction::new(bins().0, bins().1);
            whole.add(&block(&values, &[6, 10]), 0, 0).unwrap();
            let mut parts = Reduction::new(bins().0, bins().1);
            parts.add(&block(&values[split * 10..], &[6 - split, 10]), split, 0).unwrap();
            parts.add(&block(&values[..split * 10], &[split, 10]), 0, 0).unwrap();
            prop_assert_eq!(whole.extremes(), parts.extremes());
            prop_assert_eq!(whole.outstanding(), parts.outstanding());
            let most = values.iter().copied().fold(f32::MIN, f32::max);
            prop_assert!(whole.extremes().iter().any(|(_, cell)| *cell == f64::from(most)));
        }
    }
}

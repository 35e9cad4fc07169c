//! Arrays without labels: a plan built by NumPy's names, for faces that bring labels of their own.
//!
//! Takes names and indices as a user wrote them; gives plan nodes. Reads nothing: [`crate::Session::compute`] does.

use crate::language::did_you_mean;
use craton_core::{Block, Buffer, DType, Error, Result, Scalar, Strings};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::order::Ordering;
use craton_kernels::quantile::{QuantileMethod, Quantity};
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_kernels::unary::Unary;
use craton_plan::ops::Direction;
use craton_plan::{NodeRef, ops};

pub use craton_plan::ops::{AxisIndex, Between, ReduceOptions};

/// An array that has not been computed. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Lazy {
    node: NodeRef,
}

/// The groups of a grouped reduction.
#[derive(Debug, Clone)]
pub struct GroupCodes {
    /// The grouped axis.
    pub axis: usize,
    /// The group of each of its indices; negative for none.
    pub codes: Vec<i64>,
    /// How many groups.
    pub count: usize,
}

impl From<NodeRef> for Lazy {
    fn from(node: NodeRef) -> Self {
        Self { node }
    }
}

impl Lazy {
    /// Values at hand: the native-endian bytes of all elements in C order.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if bytes and shape do not fit.
    pub fn of_bytes(dtype: DType, shape: Vec<usize>, bytes: &[u8]) -> Result<Self> {
        let block = Block::dense(dtype, shape, Buffer::copy_of(bytes)?)?;
        ops::literal(block).map(Self::from)
    }

    /// Texts of any length at hand, in C order.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if count and shape do not fit.
    pub fn of_texts(shape: Vec<usize>, texts: &[String]) -> Result<Self> {
        let texts = Strings::from_items(texts.iter().map(String::as_bytes));
        ops::literal(Block::strings(DType::Utf8, shape, texts)?).map(Self::from)
    }

    /// One value in every place of `shape`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if `bytes` are no value of `dtype`, or the shape is too large.
    pub fn full(dtype: DType, bytes: &[u8], shape: &[u64]) -> Result<Self> {
        if dtype.item_size() != Some(bytes.len()) {
            let message = format!("{} bytes are no {dtype}", bytes.len());
            return Err(Error::invalid(message));
        }
        ops::full(Scalar::from_bytes(dtype, bytes), shape).map(Self::from)
    }

    /// The plan.
    #[must_use]
    pub fn node(&self) -> &NodeRef {
        &self.node
    }

    /// Elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.node.shape()
    }

    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.node.dtype()
    }

    /// NumPy's function `name` of each element.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::Unsupported`] if there is none of that name, [`craton_core::ErrorKind::InvalidInput`]
    /// where NumPy raises for this dtype.
    pub fn unary(&self, name: &str) -> Result<Self> {
        let all = Unary::ALL.iter().map(|one| one.name());
        let function = named(Unary::from_name(name), "function", name, all)?;
        ops::unary(function, &self.node).map(Self::from)
    }

    /// NumPy's function `name` of two arrays, broadcast against each other.
    ///
    /// # Errors
    /// As [`Lazy::unary`], and where shapes do not broadcast.
    pub fn binary(&self, name: &str, other: &Self) -> Result<Self> {
        let all = Binary::ALL.iter().map(|one| one.name());
        let function = named(Binary::from_name(name), "function", name, all)?;
        ops::binary(function, &self.node, &other.node).map(Self::from)
    }

    /// The values as `dtype`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] where there is no conversion.
    pub fn cast(&self, dtype: DType) -> Result<Self> {
        ops::cast(&self.node, dtype).map(Self::from)
    }

    /// `if_true` where this holds, else `if_false`, all broadcast.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] where shapes or dtypes do not fit.
    pub fn select(&self, if_true: &Self, if_false: &Self) -> Result<Self> {
        ops::select(&self.node, &if_true.node, &if_false.node).map(Self::from)
    }

    /// One index or range along each axis.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if one lies outside.
    pub fn index(&self, axes: &[AxisIndex]) -> Result<Self> {
        ops::index(&self.node, axes).map(Self::from)
    }

    /// The listed indices along `axis`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if one lies outside.
    pub fn gather(&self, axis: usize, indices: Vec<u64>) -> Result<Self> {
        ops::gather(&self.node, axis, indices).map(Self::from)
    }

    /// Axis `axes[i]` becomes axis `i`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if `axes` is no permutation.
    pub fn transpose(&self, axes: &[usize]) -> Result<Self> {
        ops::transpose(&self.node, axes).map(Self::from)
    }

    /// Repeated to `shape`: axis `i` becomes axis `axes[i]`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if a length is neither 1 nor that of `shape`.
    pub fn broadcast(&self, shape: &[u64], axes: &[usize]) -> Result<Self> {
        ops::broadcast_axes(&self.node, shape, axes).map(Self::from)
    }

    /// `parts`, of one dtype, one after the other along `axis`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if they do not fit together, or there are none.
    pub fn concat(parts: &[Self], axis: usize) -> Result<Self> {
        let nodes: Vec<NodeRef> = parts.iter().map(|part| part.node.clone()).collect();
        ops::concat(&nodes, axis).map(Self::from)
    }

    /// The reduction `name` over `axes`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if it is not defined for this dtype, or of nothing.
    pub fn reduce(&self, name: &str, axes: &[usize], options: ReduceOptions) -> Result<Self> {
        ops::reduce(reduction(name)?, &self.node, axes, options).map(Self::from)
    }

    /// Quantiles over `axes` by NumPy's `method`, along a new first axis; the median, without one, where no fractions
    /// are named.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if values have no order, a fraction lies outside 0 to 1, or there is no
    /// such method.
    pub fn quantile(
        &self,
        fractions: Option<Vec<f64>>,
        method: &str,
        axes: &[usize],
        skip_missing: bool,
    ) -> Result<Self> {
        let method = QuantileMethod::from_name(method)
            .ok_or_else(|| Error::invalid(format!("quantiles by the method `{method}`")))?;
        let quantity = match fractions {
            None => Quantity::Median,
            Some(fractions) => Quantity::Quantiles(fractions, method),
        };
        ops::quantile(&quantity, &self.node, axes, skip_missing).map(Self::from)
    }

    /// The reduction `name` of each group.
    ///
    /// # Errors
    /// As [`Lazy::reduce`], and if codes do not fit the axis.
    pub fn group_reduce(
        &self,
        name: &str,
        groups: GroupCodes,
        options: ReduceOptions,
    ) -> Result<Self> {
        let GroupCodes { axis, codes, count } = groups;
        ops::group_reduce(reduction(name)?, &self.node, axis, codes, count, options).map(Self::from)
    }

    /// The running total `name`, `cumsum` or `cumprod`, along `axis`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if it is not defined for this dtype or axis.
    pub fn cumulate(&self, name: &str, axis: usize, skip_missing: bool) -> Result<Self> {
        let all = Cumulation::ALL.iter().map(|one| one.name());
        let kind = named(Cumulation::from_name(name), "running total", name, all)?;
        ops::cumulate(kind, &self.node, axis, skip_missing).map(Self::from)
    }

    /// The statistic `name` of the `window` indices that end at each index of `axis`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if it is not defined for this dtype, axis or window.
    pub fn rolling(
        &self,
        name: &str,
        axis: usize,
        window: usize,
        min_periods: usize,
    ) -> Result<Self> {
        let all = RollingKind::ALL.iter().map(|one| one.name());
        let kind = named(RollingKind::from_name(name), "window statistic", name, all)?;
        ops::rolling(kind, &self.node, axis, window, min_periods).map(Self::from)
    }

    /// The values between two indices of `axis` for each new place, as far from the first as its fraction says.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if an index lies outside, lengths differ or there are no numbers.
    pub fn interpolate(&self, axis: usize, between: &Between) -> Result<Self> {
        ops::interpolate(&self.node, axis, between).map(Self::from)
    }

    /// The cubic spline through ascending `places` along `axis`, at the places `wanted`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if there are fewer than four places, or they do not fit or ascend.
    pub fn spline(
        &self,
        axis: usize,
        places: Vec<f64>,
        wanted: Vec<f64>,
        extrapolate: bool,
    ) -> Result<Self> {
        ops::spline(&self.node, axis, places, wanted, extrapolate).map(Self::from)
    }

    /// The ordering `name` along `axis`: `sort`, `argsort`, `rank` or `rank of 1`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if values have no order, or the axis is outside.
    pub fn order(&self, name: &str, axis: usize) -> Result<Self> {
        let all = Ordering::ALL.iter().map(|one| one.name());
        let ordering = named(Ordering::from_name(name), "ordering", name, all)?;
        ops::order(ordering, &self.node, axis).map(Self::from)
    }

    /// Missing values along `axis` filled with the last valid one before, or the first after, so many of each gap.
    ///
    /// # Errors
    /// As [`ops::fill`].
    pub fn fill(&self, axis: usize, is_forward: bool, limit: Option<usize>) -> Result<Self> {
        let direction = if is_forward {
            Direction::Forward
        } else {
            Direction::Backward
        };
        ops::fill(&self.node, axis, direction, limit).map(Self::from)
    }
}

fn reduction(name: &str) -> Result<Reduction> {
    let all = Reduction::ALL.iter().map(|one| one.name());
    named(Reduction::from_name(name), "reduction", name, all)
}

fn named<'a, T>(
    found: Option<T>,
    kind: &str,
    name: &str,
    all: impl Iterator<Item = &'a str>,
) -> Result<T> {
    found.ok_or_else(|| {
        let error = Error::unsupported(format!("there is no {kind} `{name}`"));
        match did_you_mean(name, all) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;
    use craton_core::ErrorKind;

    #[test]
    fn a_plan_by_names_computes_what_the_names_say() {
        let bytes: Vec<u8> = (0..6i64).flat_map(i64::to_ne_bytes).collect();
        let values = Lazy::of_bytes(DType::Int64, vec![2, 3], &bytes).unwrap();
        let doubled = values.binary("add", &values).unwrap();
        let total = doubled
            .reduce("sum", &[1], ReduceOptions::default())
            .unwrap();
        let session = Session::new(Some(1), None);
        let block = session.compute(&[total.node().clone()]).unwrap().remove(0);
        let totals: Vec<_> = block.scalars().filter_map(|one| one.to_i64()).collect();
        assert_eq!(totals, [6, 24]);
    }

    #[test]
    fn an_unknown_name_is_unsupported_and_names_its_neighbour() {
        let value = Lazy::full(DType::Float64, &1f64.to_ne_bytes(), &[]).unwrap();
        let error = value.unary("sqr").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.report().contains("`sqrt`"), "{}", error.report());
    }

    #[test]
    fn bytes_that_are_no_value_are_refused() {
        assert!(Lazy::full(DType::Float64, &[0; 3], &[]).is_err());
        assert!(Lazy::of_bytes(DType::Int16, vec![3], &[0; 4]).is_err());
    }
}

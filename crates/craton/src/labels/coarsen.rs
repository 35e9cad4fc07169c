//! Blocks of neighbouring labels as one.

use super::arithmetic::{missing, missing_dtype};
use super::{DataArray, Quantiles, ReduceArguments, Variable};
use craton_core::{DType, Error, Result, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};

/// What becomes of labels that fill no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// There may be none.
    Exact,
    /// They are left out.
    Trim,
    /// Missing values make a block of them.
    Pad,
}

/// Blocks of fixed lengths along dimensions.
#[derive(Clone, Debug)]
pub struct Coarsening {
    /// Dimension and length of its blocks.
    pub windows: Vec<(String, usize)>,
    /// What becomes of labels that fill no block.
    pub boundary: Boundary,
    /// Whether such labels stand at the start of a dimension rather than at its end.
    pub is_right: bool,
    /// How coordinates become one: by name, with the name of the coordinate if it is not for all.
    pub coord_func: Vec<(Option<String>, Reduction)>,
}

/// What is made of the values of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockFold {
    /// What a reduction makes of them.
    Reduction(Reduction),
    /// Their median.
    Median,
}

/// Which block each index belongs to.
struct Blocks {
    axis: usize,
    codes: Vec<i64>,
    count: usize,
    window: usize,
}

impl Coarsening {
    /// With missing values where blocks would be smaller, as xarray pads: whole numbers become floats.
    fn padded(&self, variable: &Variable) -> Result<Variable> {
        let mut node = variable.node.clone();
        for (dim, window) in &self.windows {
            let Some(axis) = variable
                .axis(dim)
                .filter(|_| self.boundary == Boundary::Pad)
            else {
                continue;
            };
            let mut shape = node.shape().to_vec();
            let rest = shape[axis] % (*window as u64);
            if rest == 0 {
                continue;
            }
            shape[axis] = *window as u64 - rest;
            let dtype = missing_dtype(node.dtype());
            let padding = ops::full(missing(dtype), &shape)?;
            let mut parts = [ops::cast(&node, dtype)?, padding];
            if self.is_right {
                parts.reverse();
            }
            node = ops::concat(&parts, axis)?;
        }
        variable.with_node(node)
    }

    fn blocks(&self, variable: &Variable) -> Result<Vec<Blocks>> {
        let mut all = Vec::new();
        for (dim, window) in &self.windows {
            let Some(axis) = variable.axis(dim) else {
                continue;
            };
            let length = usize::try_from(variable.shape()[axis]).unwrap_or(usize::MAX);
            let rest = length % window;
            if rest != 0 && self.boundary == Boundary::Exact {
                let message =
                    format!("`{dim}` of length {length} does not divide into blocks of {window}");
                return Err(Error::invalid(message).hint(
                    "`boundary=\"trim\"` leaves the rest out, `\"pad\"` makes a smaller block of it",
                ));
            }
            let count = length / window;
            let skipped = if self.is_right { rest } else { 0 };
            let code = |at: usize| match at.checked_sub(skipped) {
                Some(at) if at / window < count => (at / window) as i64,
                _ => -1,
            };
            let codes = (0..length).map(code).collect();
            all.push(Blocks {
                axis,
                codes,
                count,
                window: *window,
            });
        }
        Ok(all)
    }

    /// One value a block.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for lengths that do not divide.
    pub fn reduce(
        &self,
        array: &DataArray,
        fold: BlockFold,
        arguments: &ReduceArguments,
    ) -> Result<DataArray> {
        let reduced = match fold {
            BlockFold::Reduction(reduction) => {
                self.variable(&array.variable, reduction, arguments)?
            }
            BlockFold::Median => self.median(&array.variable, arguments)?,
        };
        let mut out = array.clone();
        out.variable = reduced;
        if arguments.keep_attrs == Some(false) {
            out.variable.attributes.clear();
        }
        for (name, coord) in &array.coords {
            out.coords.insert(name.clone(), self.coord(name, coord)?);
        }
        Ok(out)
    }

    /// A coordinate of blocks.
    ///
    /// # Errors
    /// As [`Coarsening::reduce`].
    pub fn coord(&self, name: &str, coord: &Variable) -> Result<Variable> {
        let own = self
            .coord_func
            .iter()
            .find(|(of, _)| of.as_deref() == Some(name));
        let all = || self.coord_func.iter().find(|(of, _)| of.is_none());
        let function = own.or_else(all).map_or(Reduction::Mean, |(_, one)| *one);
        self.variable(coord, function, &ReduceArguments::default())
    }

    fn variable(
        &self,
        variable: &Variable,
        reduction: Reduction,
        arguments: &ReduceArguments,
    ) -> Result<Variable> {
        let variable = &self.padded(variable)?;
        let blocks = self.blocks(variable)?;
        let node = &variable.node;
        let reduced = match (blocks.len(), reduction) {
            (0, _) => node.clone(),
            (1, _)
            | (
                _,
                Reduction::Min
                | Reduction::Max
                | Reduction::Any
                | Reduction::All
                | Reduction::Sum
                | Reduction::Prod,
            ) => grouped(node, &blocks, reduction, arguments)?,
            (_, Reduction::Count) => {
                let counts = grouped(node, &blocks[..1], reduction, arguments)?;
                grouped(&counts, &blocks[1..], Reduction::Sum, arguments)?
            }
            (_, Reduction::Mean) => {
                let wide = ops::cast(node, DType::Float64)?;
                let sum = grouped(&wide, &blocks, Reduction::Sum, arguments)?;
                let skips = arguments.options(variable.dtype()).skip_missing;
                let count = if skips {
                    let counts = grouped(node, &blocks[..1], Reduction::Count, arguments)?;
                    grouped(&counts, &blocks[1..], Reduction::Sum, arguments)?
                } else {
                    let size: usize = blocks.iter().map(|block| block.window).product();
                    ops::scalar(Scalar::from_f64(DType::Float64, size as f64))?
                };
                let dtype = if variable.dtype().is_float() {
                    variable.dtype()
                } else {
                    DType::Float64
                };
                ops::cast(&ops::binary(Binary::Divide, &sum, &count)?, dtype)?
            }
            (_, reduction) => {
                let (spread, axes) = self.constructed(variable, &blocks)?;
                ops::reduce(
                    reduction,
                    &spread,
                    &axes,
                    arguments.options(variable.dtype()),
                )?
            }
        };
        variable.with_node(reduced)
    }

    fn median(&self, variable: &Variable, arguments: &ReduceArguments) -> Result<Variable> {
        let variable = &self.padded(variable)?;
        let blocks = self.blocks(variable)?;
        let (median, node) = (Quantiles::Median.quantity(), &variable.node);
        let skips = arguments.options(variable.dtype()).skip_missing;
        let node = match blocks.as_slice() {
            [] => node.clone(),
            [block] => {
                let codes = block.codes.clone();
                ops::group_quantile(&median, node, block.axis, codes, block.count, skips)?
            }
            blocks => {
                let (spread, axes) = self.constructed(variable, blocks)?;
                ops::quantile(&median, &spread, &axes, skips)?
            }
        };
        variable.with_node(node)
    }

    /// The variable with two dimensions for each one of blocks: the blocks, and the places in them.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for lengths that do not divide, and dimensions without new names.
    pub fn construct(
        &self,
        variable: &Variable,
        names: &[(String, [String; 2])],
    ) -> Result<Variable> {
        let variable = &self.padded(variable)?;
        let blocks = self.blocks(variable)?;
        let (node, inner) = self.constructed(variable, &blocks)?;
        let (mut dims, mut order) = (Vec::new(), Vec::new());
        for (axis, dim) in variable.dims.iter().enumerate() {
            order.push(axis);
            let Some(at) = blocks.iter().position(|block| block.axis == axis) else {
                dims.push(dim.clone());
                continue;
            };
            let named = names.iter().find(|(of, _)| of == dim);
            let [outer, within] = named.map(|(_, names)| names.clone()).ok_or_else(|| {
                Error::invalid(format!("the blocks of `{dim}` have no names"))
                    .hint(format!("`{dim}=(\"block\", \"place\")` gives them"))
            })?;
            dims.extend([outer, within]);
            order.push(inner[at]);
        }
        let node = ops::transpose(&node, &order)?;
        Variable::new(dims, node, variable.attributes.clone())
    }

    /// The values with one more axis for each dimension of blocks, at the end; and those axes.
    fn constructed(&self, variable: &Variable, blocks: &[Blocks]) -> Result<(NodeRef, Vec<usize>)> {
        let mut node = variable.node.clone();
        let rank = node.shape().len();
        for block in blocks {
            let window = &block.window;
            let first = block.codes.iter().position(|code| *code == 0).unwrap_or(0);
            let mut parts = Vec::new();
            for offset in 0..*window {
                let taken: Vec<AxisIndex> = node
                    .shape()
                    .iter()
                    .enumerate()
                    .map(|(axis, length)| match axis == block.axis {
                        true => AxisIndex::Range {
                            start: (first + offset) as u64,
                            length: block.count as u64,
                            step: *window as i64,
                        },
                        false => AxisIndex::all(*length),
                    })
                    .collect();
                parts.push(ops::index(&node, &taken)?);
            }
            let last = node.shape().len();
            node = ops::stack(&parts, last)?;
        }
        let axes = (rank..node.shape().len()).collect();
        Ok((node, axes))
    }
}

fn grouped(
    node: &NodeRef,
    blocks: &[Blocks],
    reduction: Reduction,
    arguments: &ReduceArguments,
) -> Result<NodeRef> {
    let mut out = node.clone();
    for block in blocks {
        out = ops::group_reduce(
            reduction,
            &out,
            block.axis,
            block.codes.clone(),
            block.count,
            arguments.options(out.dtype()),
        )?;
    }
    Ok(out)
}

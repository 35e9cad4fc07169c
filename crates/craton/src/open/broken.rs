//! Dimensions whose labels cannot be read: kept in their place, so that nothing goes on without them unnoticed.

use crate::labels::{Dataset, Variable};
use craton_core::{
    ArrayMeta, Attributes, BoxFuture, ChunkRef, DType, Error, Grid, Result, Scalar, Source,
};
use craton_plan::ops;
use std::sync::Arc;

/// A source that gives its error wherever it is read.
#[derive(Debug)]
struct BrokenSource {
    meta: ArrayMeta,
    url: String,
    error: Arc<Error>,
}

impl Source for BrokenSource {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, _index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(std::future::ready(Err(self.error.again())))
    }

    fn url(&self) -> &str {
        &self.url
    }
}

/// Gives every dimension whose coordinate is broken a coordinate whose values are that error.
///
/// Without it arrays would be matched by position where labels were meant to decide.
///
/// # Errors
/// None in practice: the sizes are those of variables.
pub(super) fn keep_broken_indexes(dataset: &mut Dataset) -> Result<()> {
    for (dim, length) in dataset.sizes() {
        if let Some(error) = dataset.broken.shift_remove(&dim) {
            let variable = broken_index(&dim, length, &error)?;
            dataset.coords.insert(dim, variable);
        }
    }
    Ok(())
}

fn broken_index(dim: &str, length: u64, error: &Error) -> Result<Variable> {
    let url = error
        .context()
        .url
        .clone()
        .unwrap_or_else(|| dim.to_owned());
    let error = error.again().in_variable(dim).hint(format!(
        "`.drop_vars(\"{dim}\")` goes on without these labels; `--raw` shows what is stored"
    ));
    let meta = ArrayMeta {
        dtype: DType::Float64,
        shape: vec![length],
        grid: Grid::regular(&[length], &[length.max(1)])?,
        fill_value: Scalar::zero(DType::Float64),
        dimension_names: vec![Some(dim.to_owned())],
        attributes: Attributes::new(),
        codecs: String::new(),
        shard_shape: None,
    };
    let source: Arc<dyn Source> = Arc::new(BrokenSource {
        meta,
        url,
        error: Arc::new(error),
    });
    Variable::new(
        vec![dim.to_owned()],
        ops::source(source, "broken")?,
        Attributes::new(),
    )
}

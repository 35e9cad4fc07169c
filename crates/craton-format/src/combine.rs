//! Many arrays along one axis as one [`Source`]: a grid of segments, never a list of chunks.

use craton_core::{
    ArrayMeta, AxisGrid, BoxFuture, ChunkRef, Error, Placement, Reads, Result, Source,
};
use std::sync::Arc;

/// Sources that follow each other along one axis.
///
/// Metadata are those of the first. Chunks that the edge of one source cuts stay as they are, in the
/// middle of the whole.
#[derive(Debug)]
pub struct ConcatSource {
    sources: Vec<Arc<dyn Source>>,
    axis: usize,
    meta: ArrayMeta,
    /// The position along the axis of each source's first chunk; sources without chunks have none.
    firsts: Vec<(u64, usize)>,
    url: String,
}

impl ConcatSource {
    /// `sources` one after the other along `axis`.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if there are none, if `axis` is not an axis, or if dtype,
    /// dimension names, fill value, or shape and chunks along another axis differ, naming the first source
    /// that differs.
    /// # Cost
    /// Memory for one entry per source, besides the runs of the grid.
    pub fn new(sources: Vec<Arc<dyn Source>>, axis: usize) -> Result<Self> {
        let first = sources
            .first()
            .ok_or_else(|| Error::invalid("nothing to concatenate"))?;
        let mut meta = first.meta().clone();
        if axis >= meta.shape.len() {
            let message = format!(
                "cannot concatenate along axis {axis}: `{}` has {} axes",
                first.url(),
                meta.shape.len()
            );
            return Err(Error::invalid(message));
        }
        let mut along = AxisGrid::default();
        let mut firsts = Vec::with_capacity(sources.len());
        for (number, source) in sources.iter().enumerate() {
            check_agreement(first.as_ref(), source.as_ref(), axis)?;
            if let Some(chunks) = source
                .meta()
                .grid
                .axes
                .get(axis)
                .filter(|chunks| !chunks.is_empty())
            {
                firsts.push((along.len(), number));
                along.append(chunks);
            }
        }
        let url = match sources.as_slice() {
            [only] => only.url().to_owned(),
            _ => format!("{} and {} more", first.url(), sources.len() - 1),
        };
        if let Some(length) = meta.shape.get_mut(axis) {
            *length = along.extent();
        }
        if let Some(chunks) = meta.grid.axes.get_mut(axis) {
            *chunks = along;
        }
        Ok(Self {
            sources,
            axis,
            meta,
            firsts,
            url,
        })
    }

    /// The source that holds the chunk at `position` along the axis, and that chunk's position in it.
    fn segment(&self, position: u64) -> Option<(&Arc<dyn Source>, u64)> {
        let at = self
            .firsts
            .partition_point(|(first, _)| *first <= position)
            .checked_sub(1)?;
        let (first, number) = self.firsts.get(at)?;
        Some((self.sources.get(*number)?, position - first))
    }
}

fn check_agreement(first: &dyn Source, other: &dyn Source, axis: usize) -> Result<()> {
    let (a, b) = (first.meta(), other.meta());
    let differs = |what: &str, first_value: String, value: String| {
        let message = format!(
            "cannot concatenate: {what} of `{}` is {value}, of `{}` {first_value}",
            other.url(),
            first.url()
        );
        Err(Error::invalid(message).at(other.url()))
    };
    if a.dtype != b.dtype {
        return differs("the dtype", a.dtype.to_string(), b.dtype.to_string());
    }
    if a.dimension_names != b.dimension_names {
        return differs("the dimensions", names(a), names(b));
    }
    if a.shape.len() != b.shape.len() {
        return differs(
            "the shape",
            format!("{:?}", a.shape),
            format!("{:?}", b.shape),
        );
    }
    if a.fill_value != b.fill_value {
        return differs(
            "the fill value",
            a.fill_value.to_string(),
            b.fill_value.to_string(),
        );
    }
    for other_axis in (0..a.shape.len()).filter(|number| *number != axis) {
        if a.shape.get(other_axis) != b.shape.get(other_axis) {
            return differs(
                "the shape",
                format!("{:?}", a.shape),
                format!("{:?}", b.shape),
            );
        }
        if a.grid.axes.get(other_axis) != b.grid.axes.get(other_axis) {
            let chunks = |meta: &ArrayMeta| {
                let axis = meta.grid.axes.get(other_axis);
                axis.map_or_else(String::new, |axis| {
                    format!(
                        "{} chunks of at most {}",
                        axis.len(),
                        axis.largest_encoded()
                    )
                })
            };
            return differs(
                &format!("the cut of axis {other_axis}"),
                chunks(a),
                chunks(b),
            );
        }
    }
    Ok(())
}

fn names(meta: &ArrayMeta) -> String {
    let names = meta
        .dimension_names
        .iter()
        .map(|name| name.as_deref().unwrap_or("?"));
    format!("({})", names.collect::<Vec<_>>().join(", "))
}

impl Source for ConcatSource {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let position = index.get(self.axis).copied();
            let segment = position.and_then(|position| self.segment(position));
            let (source, position) = segment.ok_or_else(|| {
                Error::internal(format!(
                    "chunk {index:?} is not in a grid of {:?}",
                    self.meta.grid.shape()
                ))
            })?;
            let mut inner = index.to_vec();
            inner[self.axis] = position;
            source.locate(&inner).await
        })
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn placement(&self) -> Placement {
        let all = self.sources.iter().map(|source| source.placement());
        all.fold(Placement::default(), Placement::or)
    }

    fn read_to_locate(&self) -> Reads {
        self.sources.iter().fold(Reads::default(), |all, source| {
            let own = source.read_to_locate();
            Reads {
                requests: all.requests + own.requests,
                bytes: all.bytes + own.bytes,
            }
        })
    }
}

//! Values that several passes would read again and again: computed once, put aside in pieces, and read from there.
//!
//! Each piece lies within one task of the stage that fills and within one pass of the stage that empties, so nothing
//! is assembled on the way in and nothing is read twice on the way out.

use crate::memory::estimate;
use crate::passes::{Pass, Split};
use crate::stage::Uses;
use craton_core::source::BoxFuture;
use craton_core::{
    ArrayMeta, Attributes, AxisGrid, Block, ByteRange, ChunkRef, Decode, Error, Grid, MissingMeans,
    Placement, Pool, Result, Scalar, Sink, SinkChunks, Source, Spill, SpillFile, StoredRange,
};
use craton_kernels::program::Program;
use craton_plan::AxisMap;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Input, Leaf, SinkKind, Space, Stage, StageSink};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Putting aside pays where the passes together decode so many times the bytes more than one would. Packing, writing
/// and reading back cost about as much as decoding twice.
const PAYS_FROM: u64 = 2;

/// A stage of several passes, as one that fills a file and several that read from it.
pub(crate) struct Spilled {
    /// Computes the values and puts them aside.
    pub filling: Stage,
    /// What is put aside, before it is packed.
    pub bytes: u64,
    /// The passes, reading what was put aside instead of what the stage reads.
    pub passes: Vec<Pass>,
}

/// What putting aside would be, if it pays and there is room for it; nothing is computed yet.
pub(crate) fn spilled(
    stage: &Stage,
    split: &Split,
    slots: &[Meta],
    room: u64,
    spill: &Arc<dyn Spill>,
) -> Option<Spilled> {
    // Passes that fold something have the space undivided, and one read of it is theirs.
    let (alone, folded): (Vec<&Pass>, Vec<&Pass>) = split
        .passes
        .iter()
        .partition(|pass| matches!(pass.sinks.as_slice(), [sink] if is_parted(stage, *sink)));
    let (first, sink) = alone
        .first()
        .map(|pass| (&pass.stage, &pass.stage.sinks[0]))?;
    let size = sink.dtype.item_size().filter(|_| alone.len() > 1)? as u64;
    let extents = &stage.space.extents;
    let bytes = extents
        .iter()
        .fold(size, |bytes, length| bytes.saturating_mul(*length));
    let wanted = |stage: &Stage| Uses::of_stage(stage).wanted().1;
    let in_passes = alone.iter().map(|pass| wanted(&pass.stage));
    let in_passes = in_passes.fold(0, u64::saturating_add);
    let mut filling = first.clone();
    filling.cuts.clone_from(&stage.cuts);
    if in_passes.saturating_sub(wanted(&filling)) < PAYS_FROM.saturating_mul(bytes) {
        return None;
    }
    let aside = Arc::new(Aside::new(&alone, sink, spill, bytes)?);
    filling.sinks[0].kind = SinkKind::Store(StoreTo::Sink(aside.clone()));
    let held = estimate(&filling, &Uses::of_stage(&filling), slots, 1);
    if held.total(1) > room {
        return None;
    }
    let emptying = alone.iter().map(|pass| Pass {
        stage: aside.emptying(&pass.stage),
        sinks: pass.sinks.clone(),
    });
    Some(Spilled {
        bytes,
        passes: folded.into_iter().cloned().chain(emptying).collect(),
        filling,
    })
}

/// Whether a sink of the stage may be fed part by part.
fn is_parted(stage: &Stage, sink: usize) -> bool {
    !matches!(stage.sinks[sink].kind, SinkKind::Reduce { .. })
}

/// What is put aside, as the array that one stage writes and others read.
#[derive(Debug)]
struct Aside {
    meta: ArrayMeta,
    chunks: SinkChunks,
    file: Arc<dyn SpillFile>,
    spill: Arc<dyn Spill>,
    decode: Arc<dyn Decode>,
    /// Where each piece lies.
    pieces: Mutex<HashMap<Vec<u64>, ByteRange>>,
}

impl Aside {
    /// Nothing put aside yet. Pieces begin and end where tasks of the passes do.
    fn new(passes: &[&Pass], sink: &StageSink, spill: &Arc<dyn Spill>, bytes: u64) -> Option<Self> {
        let extents = &passes[0].stage.space.extents;
        let axis_grid = |(axis, extent): (usize, &u64)| {
            let cuts = passes.iter().flat_map(|pass| &pass.stage.cuts[axis]);
            let cuts: Vec<u64> = cuts
                .copied()
                .collect::<BTreeSet<u64>>()
                .into_iter()
                .collect();
            AxisGrid::from_lengths(*extent, cuts.windows(2).map(|pair| pair[1] - pair[0])).ok()
        };
        let axes = extents
            .iter()
            .enumerate()
            .map(axis_grid)
            .collect::<Option<_>>()?;
        let grid = Grid { axes };
        Some(Self {
            meta: ArrayMeta {
                dtype: sink.dtype,
                shape: extents.clone(),
                grid: grid.clone(),
                fill_value: Scalar::zero(sink.dtype),
                dimension_names: vec![None; extents.len()],
                attributes: Attributes::new(),
                codecs: String::new(),
                shard_shape: None,
            },
            chunks: SinkChunks { grid },
            file: spill.open(bytes)?,
            decode: spill.unpack(sink.dtype).ok()?,
            spill: spill.clone(),
            pieces: Mutex::default(),
        })
    }

    /// A pass that reads its values here.
    fn emptying(self: &Arc<Self>, pass: &Stage) -> Stage {
        let dtype = self.meta.dtype;
        let extents = &pass.space.extents;
        let mut program = Program::default();
        let value = program.input(dtype);
        program.finish(value);
        let leaf = Leaf {
            input: Input::Source(self.clone()),
            maps: AxisMap::identity(extents.len()),
            dtype,
        };
        Stage {
            space: Space {
                extents: extents.clone(),
                leaves: vec![leaf],
            },
            sinks: vec![StageSink {
                program,
                uses: vec![0],
                dtype,
                kind: pass.sinks[0].kind.clone(),
            }],
            cuts: pass.cuts.clone(),
        }
    }

    fn pieces(&self) -> MutexGuard<'_, HashMap<Vec<u64>, ByteRange>> {
        // OK to go on after a panic elsewhere: places are put in whole.
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Aside {
    fn chunks(&self) -> &SinkChunks {
        &self.chunks
    }

    fn begin(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Gives 0: nothing of what is put aside is an output.
    fn put<'a>(
        &'a self,
        index: &'a [u64],
        block: &'a Block,
        pool: &'a Pool,
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let whole = block.to_contiguous(pool)?;
            let elements = whole.as_contiguous();
            let elements =
                elements.ok_or_else(|| Error::internal("a piece of strings put aside"))?;
            let packed = self.spill.pack(elements, self.meta.dtype, pool)?;
            let range = ByteRange::Bounded {
                offset: self.file.append(&packed)?,
                length: packed.len() as u64,
            };
            self.pieces().insert(index.to_vec(), range);
            Ok(0)
        })
    }

    fn commit(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Source for Aside {
    fn meta(&self) -> &ArrayMeta {
        &self.meta
    }

    fn locate<'a>(&'a self, index: &'a [u64]) -> BoxFuture<'a, Result<ChunkRef>> {
        Box::pin(async move {
            let range = self.pieces().get(index).copied();
            // Before it is filled its plan is asked what it costs, never where a piece is.
            let range = range.ok_or_else(|| Error::internal("a piece that was not put aside"))?;
            Ok(ChunkRef::Stored(StoredRange {
                store: self.file.clone(),
                location: "".into(),
                range,
                if_missing: MissingMeans::Error,
                decode: self.decode.clone(),
            }))
        })
    }

    fn url(&self) -> &str {
        "what was put aside"
    }

    fn placement(&self) -> Placement {
        Placement {
            is_remote: false,
            shares_objects: true,
        }
    }
}

//! Runs stages one after the other, each in as many passes and on as many threads as the budget allows.

use crate::ahead::{self, Ahead};
use crate::cache::Cache;
use crate::columns::{Columns, lengths as pass_lengths};
use crate::control::{Control, count};
use crate::memory::{available_memory, resident};
use crate::passes::{Pass, Split, split};
use crate::run::{Order, SinkState, StageRun, written_by};
use crate::spill::{Spilled, spilled};
use crate::stage::{Uses, Worker};
use crate::store::SpareScratch;
use crate::strings::evaluate_strings;
use craton_core::{Block, BufferMut, Error, ErrorKind, Pool, Reads, Result, Spill};
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Pipelines, SinkKind, Stage, StageSink};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// Memory beside the pool that each thread may come to use: its stack, codec contexts, strips.
const PER_THREAD: u64 = 1 << 20;
/// Memory beside the pool for metadata and what the allocator keeps.
const SLACK: u64 = 8 << 20;

/// What one stage costs, known before it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageCost {
    /// Passes over the source, where not all fits into memory at once.
    pub passes: u64,
    /// Chunks that are needed, in all passes together.
    pub chunks: u64,
    /// Bytes that they decode to, at most: missing chunks cost nothing.
    pub bytes_decoded: u64,
    /// Memory of each task that runs.
    pub bytes_per_task: u64,
    /// Memory held once.
    pub bytes_shared: u64,
    /// Memory for bytes that are read before a task asks for them.
    pub bytes_ahead: u64,
    /// Bytes put aside on disk, before they are packed, so that what the passes need is computed once.
    pub bytes_spilled: u64,
}

/// Threads and a memory budget.
#[derive(Debug, Clone)]
pub struct Engine {
    threads: usize,
    memory: u64,
    pool: Pool,
    spill: Option<Arc<dyn Spill>>,
}

impl Engine {
    /// An engine of `threads` (all cores if `None`) that keeps the whole process within `memory` bytes
    /// (half of what is available if `None`).
    #[must_use]
    pub fn new(threads: Option<usize>, memory: Option<u64>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or_else(cores).max(1);
        let memory = memory.unwrap_or_else(|| available_memory() / 2);
        let beside = resident() + PER_THREAD * threads as u64 + SLACK;
        let pool =
            Pool::with_limit(usize::try_from(memory.saturating_sub(beside)).unwrap_or(usize::MAX));
        Self {
            threads,
            memory,
            pool,
            spill: None,
        }
    }

    /// The same engine, which puts aside on disk what several passes would compute again and again.
    #[must_use]
    pub fn spilling(self, spill: Arc<dyn Spill>) -> Self {
        Self {
            spill: Some(spill),
            ..self
        }
    }

    /// Threads at most.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }
    /// The budget in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory
    }
    /// Where buffers come from.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Runs everything; gives one block per output that is kept.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if not even one task fits; [`ErrorKind::Cancelled`] on request; what sources and
    /// sinks report. No sink is committed after an error.
    pub fn run(&self, pipelines: &Pipelines, control: &Control) -> Result<Vec<Option<Block>>> {
        let slots: Vec<OnceLock<Block>> = pipelines.slots.iter().map(|_| OnceLock::new()).collect();
        count(
            &control.tasks_total,
            pipelines.stages.iter().map(Stage::task_count).sum(),
        );
        if pipelines.stages.len() > 1 {
            self.check_room(pipelines)?;
        }
        for stage in &pipelines.stages {
            self.run_stage(stage, &pipelines.slots, &slots, control)?;
        }
        control.check()?;
        for sink in pipelines
            .stages
            .iter()
            .flat_map(|stage| &stage.sinks)
            .filter_map(written_by)
        {
            pollster::block_on(sink.commit())?;
        }
        let kept = |slot: &Option<usize>| match slot {
            Some(slot) => slots[*slot]
                .get()
                .cloned()
                .map(Some)
                .ok_or_else(|| Error::internal("an output was not computed")),
            None => Ok(None),
        };
        let outputs = pipelines.outputs.iter().map(kept).collect();
        self.pool.trim();
        outputs
    }

    fn run_stage(
        &self,
        stage: &Stage,
        metas: &[Meta],
        slots: &[OnceLock<Block>],
        control: &Control,
    ) -> Result<()> {
        if let Some((sink, slot)) = texts(stage) {
            let block = Shared::of(stage).with(self, slots, control, None, |worker| {
                evaluate_strings(stage, sink, worker)
            })?;
            count(&control.tasks_done, stage.task_count());
            return fill(slots, slot, block);
        }
        let mut split = self.split(stage, metas)?;
        // An output that cannot be made is known before anything is computed.
        for sink in stage.sinks.iter().filter_map(written_by) {
            pollster::block_on(sink.begin())?;
        }
        if let Some(spilled) = self.spilled(stage, &split, metas) {
            let filling = self.split(&spilled.filling, metas)?;
            count(&control.tasks_total, filling.task_count());
            for pass in &filling.passes {
                self.run_pass(pass, &filling, metas, slots, &mut [None], control)?;
            }
            split = self.reading_ahead(split.threads, spilled.passes, metas);
        }
        count(
            &control.tasks_total,
            split.task_count().saturating_sub(stage.task_count()),
        );
        let mut buffers = stage
            .sinks
            .iter()
            .map(|sink| self.slot_buffer(sink, metas))
            .collect::<Result<Vec<Option<BufferMut>>>>()?;
        for pass in &split.passes {
            self.run_pass(pass, &split, metas, slots, &mut buffers, control)?;
        }
        for (sink, buffer) in stage.sinks.iter().zip(buffers) {
            let (Some(slot), Some(buffer)) = (slot_of(sink), buffer) else {
                continue;
            };
            let lengths = metas[slot].shape.iter().map(|length| *length as usize);
            let block = Block::dense(metas[slot].dtype, lengths.collect(), buffer.freeze())?;
            fill(slots, slot, block)?;
        }
        Ok(())
    }

    fn run_pass(
        &self,
        pass: &Pass,
        split: &Split,
        metas: &[Meta],
        slots: &[OnceLock<Block>],
        buffers: &mut [Option<BufferMut>],
        control: &Control,
    ) -> Result<()> {
        let stage = &pass.stage;
        let threads = split.threads;
        let shared = Shared::of(stage);
        let before = shared.read_to_locate();
        // Another run of this engine may have taken the room; then each task reads for itself.
        let room = usize::try_from(split.ahead).ok().filter(|room| *room > 0);
        let room = room.and_then(|room| self.pool.set_aside(room).ok());
        let ahead = room.map(|pool| Ahead::new(stage, &shared.uses, control, pool));
        let buffers = buffers.iter_mut().enumerate();
        let mut buffers: Vec<Option<&mut BufferMut>> = buffers
            .filter(|(at, _)| pass.sinks.contains(at))
            .map(|(_, buffer)| buffer.as_mut())
            .collect();
        let done = shared.with(self, slots, control, ahead.as_ref(), |worker| {
            let mut gathered = gathered_buffers(stage, worker)?;
            let sinks = stage
                .sinks
                .iter()
                .zip(buffers.iter_mut().zip(&mut gathered))
                .map(|(sink, (buffer, gathered))| {
                    let buffer = gathered.as_mut().or(buffer.as_deref_mut());
                    SinkState::new(sink, stage, metas, buffer, worker)
                })
                .collect::<Result<Vec<_>>>()?;
            let run = StageRun {
                stage,
                sinks: &sinks,
                worker,
                order: Order::default(),
                threads,
            };
            run.run_tasks()?;
            for (sink, state) in stage.sinks.iter().zip(sinks) {
                if let (Some(slot), Some(block)) = (slot_of(sink), state.finish(worker)?) {
                    fill(slots, slot, block)?;
                }
            }
            for ((sink, results), values) in stage.sinks.iter().zip(buffers).zip(gathered) {
                if let (SinkKind::Columns { work, dtype, to }, Some(values)) = (&sink.kind, values)
                {
                    let columns = Columns {
                        work,
                        operand: sink.dtype,
                        result: *dtype,
                        stage,
                    };
                    columns.finish(values, results, to, threads, worker)?;
                }
            }
            Ok(())
        });
        let after = shared.read_to_locate();
        count(&control.requests, after.requests - before.requests);
        count(&control.bytes_read, after.bytes - before.bytes);
        done
    }

    /// The passes of a stage, and how many tasks run at once.
    fn split(&self, stage: &Stage, slots: &[Meta]) -> Result<Split> {
        let lent = self.pool.usage().lent as u64;
        match split(stage, slots, self.room(), self.threads) {
            Ok(split) => Ok(self.reading_ahead(split.threads, split.passes, slots)),
            Err(least) => Err(self.too_much(lent.saturating_add(least))),
        }
    }

    /// Bytes that nobody holds.
    fn room(&self) -> u64 {
        let limit = self.pool.limit() as u64;
        limit.saturating_sub(self.pool.usage().lent as u64)
    }

    /// Passes with what they leave of the room for reading ahead.
    fn reading_ahead(&self, threads: usize, passes: Vec<Pass>, slots: &[Meta]) -> Split {
        let split = Split {
            passes,
            threads,
            ahead: 0,
        };
        let left = self
            .room()
            .saturating_sub(split.memory(slots).total(threads));
        let ahead = split
            .passes
            .iter()
            .map(|pass| ahead::room(&pass.stage, left));
        Split {
            ahead: ahead.max().unwrap_or(0),
            ..split
        }
    }

    /// The passes over what is put aside, where that pays.
    fn spilled(&self, stage: &Stage, split: &Split, slots: &[Meta]) -> Option<Spilled> {
        spilled(stage, split, slots, self.room(), self.spill.as_ref()?)
    }

    /// That each stage will fit beside what those before it leave, so that none runs in vain.
    fn check_room(&self, pipelines: &Pipelines) -> Result<()> {
        let limit = self.pool.limit() as u64;
        let mut lent = self.pool.usage().lent as u64;
        let mut most = 0;
        for stage in &pipelines.stages {
            let room = limit.saturating_sub(lent);
            let found = match texts(stage) {
                Some(_) => None,
                None => split(stage, &pipelines.slots, room, self.threads).err(),
            };
            if let Some(least) = found {
                most = lent.saturating_add(least).max(most);
            }
            for slot in stage.sinks.iter().filter_map(slot_of) {
                lent = lent.saturating_add(pipelines.slots[slot].bytes());
            }
        }
        match most {
            0 => Ok(()),
            most => Err(self.too_much(most)),
        }
    }

    fn too_much(&self, pooled: u64) -> Error {
        let beside = self.memory.saturating_sub(self.pool.limit() as u64);
        let minimum = mebibytes(beside.saturating_add(pooled));
        let budget = mebibytes(self.memory);
        let message = format!("the work needs about {minimum} of memory, the budget is {budget}");
        let hint =
            format!("allow it with `--memory {minimum}`, in Python with `memory=\"{minimum}\"`");
        Error::new(ErrorKind::Budget, message).hint(hint)
    }

    /// What a stage will locate, decode and hold, from grids alone.
    #[must_use]
    pub fn cost(&self, stage: &Stage, slots: &[Meta]) -> StageCost {
        let split = self
            .split(stage, slots)
            .unwrap_or_else(|_| Split::whole(stage));
        let memory = split.memory(slots);
        let spilled = self.spilled(stage, &split, slots);
        let (chunks, bytes_decoded) = match &spilled {
            Some(spilled) => Uses::of_stage(&spilled.filling).wanted(),
            None => split.wanted(),
        };
        StageCost {
            passes: split.passes.len() as u64,
            chunks,
            bytes_decoded,
            bytes_per_task: memory.per_task,
            bytes_shared: memory.shared.saturating_add(memory.kept),
            bytes_ahead: split.ahead,
            bytes_spilled: spilled.map_or(0, |spilled| spilled.bytes),
        }
    }

    /// The memory of a slot that is filled in place.
    fn slot_buffer(&self, sink: &StageSink, metas: &[Meta]) -> Result<Option<BufferMut>> {
        let slot = match &sink.kind {
            SinkKind::Store(StoreTo::Slot(slot))
            | SinkKind::Columns {
                to: StoreTo::Slot(slot),
                ..
            }
            | SinkKind::Cumulate {
                to: StoreTo::Slot(slot),
                ..
            } => *slot,
            _ => return Ok(None),
        };
        let bytes = metas[slot].bytes() as usize;
        let mut buffer = self.pool.take(bytes.max(1))?;
        buffer.truncate(bytes);
        Ok(Some(buffer))
    }
}

/// What the workers of one pass share.
struct Shared {
    uses: Uses,
    cache: Cache,
    scratch: SpareScratch,
    has_failed: AtomicBool,
}

impl Shared {
    fn of(stage: &Stage) -> Self {
        Self {
            uses: Uses::of_stage(stage),
            cache: Cache::default(),
            scratch: SpareScratch::default(),
            has_failed: AtomicBool::new(false),
        }
    }

    /// What the sources have read so far to find chunks.
    fn read_to_locate(&self) -> Reads {
        self.uses.sources().fold(Reads::default(), |all, source| {
            let own = source.read_to_locate();
            Reads {
                requests: all.requests + own.requests,
                bytes: all.bytes + own.bytes,
            }
        })
    }

    fn with<R>(
        &self,
        engine: &Engine,
        slots: &[OnceLock<Block>],
        control: &Control,
        ahead: Option<&Ahead<'_>>,
        work: impl FnOnce(&Worker<'_>) -> R,
    ) -> R {
        work(&Worker {
            pool: &engine.pool,
            control,
            cache: &self.cache,
            ahead,
            uses: &self.uses,
            slots,
            scratch: &self.scratch,
            has_failed: &self.has_failed,
        })
    }
}

/// Memory for the values of a pass that are put together into columns.
fn gathered_buffers(stage: &Stage, worker: &Worker<'_>) -> Result<Vec<Option<BufferMut>>> {
    let gathered = stage.sinks.iter().map(|sink| {
        if !matches!(sink.kind, SinkKind::Columns { .. }) {
            return Ok(None);
        }
        let size = sink.dtype.item_size();
        let size = size.ok_or_else(|| Error::unsupported("columns of strings"))?;
        let bytes = pass_lengths(&stage.cuts)
            .iter()
            .try_fold(size, |bytes, length| bytes.checked_mul(*length as usize))
            .ok_or_else(|| Error::new(ErrorKind::Budget, "columns are too large"))?;
        let mut buffer = worker.take(bytes)?;
        buffer.truncate(bytes);
        Ok(Some(buffer))
    });
    gathered.collect()
}

fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes.div_ceil(1 << 20))
}

fn fill(slots: &[OnceLock<Block>], slot: usize, block: Block) -> Result<()> {
    slots[slot]
        .set(block)
        .map_err(|_| Error::internal("a slot was filled twice"))
}

/// The only sink of a stage that keeps texts, whose bytes no grid tells, and its slot.
fn texts(stage: &Stage) -> Option<(&StageSink, usize)> {
    match stage.sinks.as_slice() {
        [
            sink @ StageSink {
                kind: SinkKind::Store(StoreTo::Slot(slot)),
                ..
            },
        ] if sink.dtype.is_variable() => Some((sink, *slot)),
        _ => None,
    }
}

fn slot_of(sink: &StageSink) -> Option<usize> {
    match &sink.kind {
        SinkKind::Reduce { slot, .. } => Some(*slot),
        SinkKind::Store(to) | SinkKind::Columns { to, .. } | SinkKind::Cumulate { to, .. } => {
            match to {
                StoreTo::Slot(slot) => Some(*slot),
                StoreTo::Sink(_) => None,
            }
        }
    }
}

//! Runs stages: tasks in storage order on plain threads, within the budget.

use crate::assemble::Assembly;
use crate::cache::Cache;
use crate::columns::{Columns, lengths as pass_lengths};
use crate::control::{Control, count};
use crate::cumulate::{Carries, Scan};
use crate::load::load;
use crate::memory::{available_memory, resident};
use crate::passes::{Pass, Split, split};
use crate::reduce::{Accumulator, Partial, fold_box};
use crate::stage::{Uses, Worker};
use crate::store::{SpareScratch, Target, evaluate, write_box};
use crate::strings::evaluate_strings;
use crate::threads::on_threads;
use crate::view::View;
use craton_core::block::c_strides;
use craton_core::{Block, BufferMut, Error, ErrorKind, Pool, Result, Sink};
use craton_kernels::program::Program;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Pipelines, SinkKind, Stage, StageSink};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Memory beside the pool that each thread may come to use: its stack, codec contexts, strips.
const PER_THREAD: u64 = 1 << 20;
/// How long a worker without tasks waits before it looks for something to write again.
const NAP: Duration = Duration::from_millis(2);
/// Memory beside the pool for metadata and what the allocator keeps.
const SLACK: u64 = 6 << 20;

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
}

/// Threads and a memory budget.
#[derive(Debug, Clone)]
pub struct Engine {
    threads: usize,
    memory: u64,
    pool: Pool,
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
        if let [
            sink @ StageSink {
                kind: SinkKind::Store(StoreTo::Slot(slot)),
                ..
            },
        ] = stage.sinks.as_slice()
            && sink.dtype.is_variable()
        {
            let block = Shared::of(stage).with(self, slots, control, |worker| {
                evaluate_strings(stage, sink, worker)
            })?;
            count(&control.tasks_done, stage.task_count());
            return fill(slots, *slot, block);
        }
        let split = self.split(stage, metas)?;
        let all: u64 = split
            .passes
            .iter()
            .map(|pass| pass.stage.task_count())
            .sum();
        count(&control.tasks_total, all.saturating_sub(stage.task_count()));
        for sink in stage.sinks.iter().filter_map(written_by) {
            pollster::block_on(sink.begin())?;
        }
        let mut buffers = stage
            .sinks
            .iter()
            .map(|sink| self.slot_buffer(sink, metas))
            .collect::<Result<Vec<Option<BufferMut>>>>()?;
        for pass in &split.passes {
            self.run_pass(pass, split.threads, metas, slots, &mut buffers, control)?;
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
        threads: usize,
        metas: &[Meta],
        slots: &[OnceLock<Block>],
        buffers: &mut [Option<BufferMut>],
        control: &Control,
    ) -> Result<()> {
        let stage = &pass.stage;
        let buffers = buffers.iter_mut().enumerate();
        let mut buffers: Vec<Option<&mut BufferMut>> = buffers
            .filter(|(at, _)| pass.sinks.contains(at))
            .map(|(_, buffer)| buffer.as_mut())
            .collect();
        Shared::of(stage).with(self, slots, control, |worker| {
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
                if let (SinkKind::Columns { work, .. }, Some(results), Some(mut values)) =
                    (&sink.kind, results, values)
                {
                    let columns = Columns {
                        work,
                        size: sink.dtype.item_size().unwrap_or(1),
                        origin: stage.cuts.iter().map(|cuts| cuts[0]).collect(),
                        lengths: pass_lengths(&stage.cuts),
                        extents: &stage.space.extents,
                    };
                    columns.run(&mut values, &Target::new(results), threads, worker)?;
                }
            }
            Ok(())
        })
    }

    /// The passes of a stage, and how many tasks run at once.
    fn split(&self, stage: &Stage, slots: &[Meta]) -> Result<Split> {
        let limit = self.pool.limit() as u64;
        let lent = self.pool.usage().lent as u64;
        let room = limit.saturating_sub(lent);
        split(stage, slots, room, self.threads).map_err(|least| {
            let beside = self.memory.saturating_sub(limit);
            let minimum = beside.saturating_add(lent).saturating_add(least);
            let message = format!(
                "the work needs about {} of memory, the budget is {}",
                mebibytes(minimum),
                mebibytes(self.memory)
            );
            Error::new(ErrorKind::Budget, message)
                .hint(format!("allow it with `--memory {}`", mebibytes(minimum)))
        })
    }

    /// What a stage will locate, decode and hold, from grids alone.
    #[must_use]
    pub fn cost(&self, stage: &Stage, slots: &[Meta]) -> StageCost {
        let split = self
            .split(stage, slots)
            .unwrap_or_else(|_| Split::whole(stage));
        let memory = split.memory(slots);
        let (chunks, bytes_decoded) = split.wanted();
        StageCost {
            passes: split.passes.len() as u64,
            chunks,
            bytes_decoded,
            bytes_per_task: memory.per_task,
            bytes_shared: memory.shared,
        }
    }

    /// The memory of a slot that is filled in place.
    fn slot_buffer(&self, sink: &StageSink, metas: &[Meta]) -> Result<Option<BufferMut>> {
        let slot = match &sink.kind {
            SinkKind::Store(StoreTo::Slot(slot))
            | SinkKind::Columns { slot, .. }
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

    fn with<R>(
        &self,
        engine: &Engine,
        slots: &[OnceLock<Block>],
        control: &Control,
        work: impl FnOnce(&Worker<'_>) -> R,
    ) -> R {
        work(&Worker {
            pool: &engine.pool,
            control,
            cache: &self.cache,
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
        let size = size.ok_or_else(|| Error::unsupported("quantiles of strings"))?;
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

fn slot_of(sink: &StageSink) -> Option<usize> {
    match &sink.kind {
        SinkKind::Reduce { slot, .. } | SinkKind::Columns { slot, .. } => Some(*slot),
        SinkKind::Store(to) | SinkKind::Cumulate { to, .. } => match to {
            StoreTo::Slot(slot) => Some(*slot),
            StoreTo::Sink(_) => None,
        },
    }
}

/// The array that a sink writes.
fn written_by(sink: &StageSink) -> Option<&Arc<dyn Sink>> {
    match &sink.kind {
        SinkKind::Store(StoreTo::Sink(sink))
        | SinkKind::Cumulate {
            to: StoreTo::Sink(sink),
            ..
        } => Some(sink),
        _ => None,
    }
}

/// What the tasks of a stage share for one sink.
enum SinkState<'a> {
    Reduce(Mutex<Accumulator>),
    /// Values that are kept, all of them or those of a pass.
    Slot {
        target: Target<'a>,
        strides: Vec<isize>,
        /// The first index along each axis.
        origin: Vec<u64>,
    },
    Write(Assembly),
    Cumulate {
        scan: Scan,
        carries: Carries,
        to: Box<SinkState<'a>>,
    },
}

impl<'a> SinkState<'a> {
    fn new(
        sink: &StageSink,
        stage: &Stage,
        metas: &[Meta],
        buffer: Option<&'a mut BufferMut>,
        worker: &Worker<'_>,
    ) -> Result<Self> {
        let keep = |buffer: Option<&'a mut BufferMut>| {
            let lengths = pass_lengths(&stage.cuts);
            let lengths: Vec<usize> = lengths.iter().map(|length| *length as usize).collect();
            let buffer = buffer.ok_or_else(|| Error::internal("a slot without memory"))?;
            Ok(Self::Slot {
                target: Target::new(buffer),
                strides: c_strides(&lengths),
                origin: stage.cuts.iter().map(|cuts| cuts[0]).collect(),
            })
        };
        let store = |to: &StoreTo, buffer| match to {
            StoreTo::Slot(_) => keep(buffer),
            StoreTo::Sink(_) => Ok(Self::Write(Assembly::default())),
        };
        match &sink.kind {
            SinkKind::Reduce { work, slot } => {
                let accumulator =
                    Accumulator::new(work, &metas[*slot], &stage.space.extents, worker)?;
                Ok(Self::Reduce(Mutex::new(accumulator)))
            }
            SinkKind::Columns { .. } => keep(buffer),
            SinkKind::Store(to) => store(to, buffer),
            SinkKind::Cumulate {
                kind,
                axis,
                skip_missing,
                dtype,
                to,
            } => {
                let scan = Scan {
                    kind: *kind,
                    axis: *axis,
                    skip_missing: *skip_missing,
                    operand: sink.dtype,
                    output: *dtype,
                };
                Ok(Self::Cumulate {
                    scan,
                    carries: Carries::default(),
                    to: Box::new(store(to, buffer)?),
                })
            }
        }
    }

    /// The chunks under way, of an array that is written.
    fn assembly(&self) -> Option<&Assembly> {
        match self {
            Self::Write(assembly) => Some(assembly),
            Self::Cumulate { to, .. } => to.assembly(),
            Self::Reduce(_) | Self::Slot { .. } => None,
        }
    }

    fn finish(self, worker: &Worker<'_>) -> Result<Option<Block>> {
        match self {
            Self::Reduce(accumulator) => accumulator
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .finish(worker)
                .map(Some),
            _ => Ok(None),
        }
    }
}

/// Partials that wait until it is their turn to be merged.
#[derive(Default)]
struct Order {
    state: Mutex<Turn>,
    merged: Condvar,
}

impl Order {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Turn {
    next: u64,
    waiting: BTreeMap<u64, Vec<Option<Partial>>>,
}

/// Stops the other workers when a task ends in an error or a panic; they would wait for its turn forever.
struct Alarm<'a> {
    run: &'a StageRun<'a>,
    is_armed: bool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if self.is_armed {
            self.run.stop();
        }
    }
}

struct StageRun<'a> {
    stage: &'a Stage,
    sinks: &'a [SinkState<'a>],
    worker: &'a Worker<'a>,
    order: Order,
    threads: usize,
}

impl StageRun<'_> {
    fn run_tasks(&self) -> Result<()> {
        let next = AtomicU64::new(0);
        on_threads(self.threads, || {
            self.work(&next)?;
            self.help_writing()
        })
    }

    /// Takes tasks in order until there are none, or one failed.
    fn work(&self, next: &AtomicU64) -> Result<()> {
        let tasks = self.stage.task_count();
        loop {
            let task = next.fetch_add(1, Relaxed);
            if task >= tasks {
                return Ok(());
            }
            if !self.wait_for_window(task) {
                return Err(Error::new(ErrorKind::Cancelled, "another task failed"));
            }
            let mut alarm = Alarm {
                run: self,
                is_armed: true,
            };
            let result = self.worker.check().and_then(|()| self.run_task(task));
            result.and_then(|partials| self.hand_in(task, partials))?;
            alarm.is_armed = false;
            count(&self.worker.control.tasks_done, 1);
        }
    }

    /// Once there are no tasks left, writes chunks that the last tasks of other workers make whole.
    fn help_writing(&self) -> Result<()> {
        let writes = self.stage.sinks.iter().zip(self.sinks);
        let writes = writes.filter_map(|(sink, state)| written_by(sink).zip(state.assembly()));
        for (sink, assembly) in writes {
            let mut alarm = Alarm {
                run: self,
                is_armed: true,
            };
            loop {
                assembly.write_ready(sink, self.worker)?;
                let turn = self.order.lock();
                if turn.next >= self.stage.task_count() {
                    break;
                }
                self.worker.check()?;
                // Chunks become ready without a sign; a short nap costs less than a sign for each would.
                drop(self.order.merged.wait_timeout(turn, NAP));
            }
            alarm.is_armed = false;
        }
        Ok(())
    }

    /// Tells the other workers that a task failed.
    fn stop(&self) {
        // Locked, so that no worker goes to sleep between its look at the flag and this call.
        let _turn = self.order.lock();
        self.worker.has_failed.store(true, Relaxed);
        self.order.merged.notify_all();
    }

    /// Waits while too many later tasks are done; false if another worker failed.
    fn wait_for_window(&self, task: u64) -> bool {
        let window = 2 * self.threads as u64;
        let mut turn = self.order.lock();
        let has_failed = || self.worker.has_failed.load(Relaxed);
        while task >= turn.next + window && !has_failed() {
            turn = self
                .order
                .merged
                .wait(turn)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !has_failed()
    }

    /// Merges a task's partials once those of all earlier tasks are merged.
    fn hand_in(&self, task: u64, partials: Vec<Option<Partial>>) -> Result<()> {
        let mut turn = self.order.lock();
        turn.waiting.insert(task, partials);
        while let Some(partials) = {
            let next = turn.next;
            turn.waiting.remove(&next)
        } {
            for (sink, partial) in self.sinks.iter().zip(partials) {
                if let (SinkState::Reduce(accumulator), Some(partial)) = (sink, partial) {
                    accumulator
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .merge(&partial);
                }
            }
            turn.next += 1;
        }
        self.order.merged.notify_all();
        Ok(())
    }

    fn run_task(&self, task: u64) -> Result<Vec<Option<Partial>>> {
        let ranges = self.stage.task(task);
        let leaves: Vec<View> = self
            .stage
            .space
            .leaves
            .iter()
            .map(|leaf| load(leaf, &ranges, self.worker))
            .collect::<Result<_>>()?;
        self.stage
            .sinks
            .iter()
            .zip(self.sinks)
            .map(|(sink, state)| {
                let views: Vec<&View> = sink.uses.iter().map(|leaf| &leaves[*leaf]).collect();
                self.feed(sink, state, &views, &ranges)
            })
            .collect()
    }

    fn feed(
        &self,
        sink: &StageSink,
        state: &SinkState<'_>,
        views: &[&View],
        ranges: &[(u64, u64)],
    ) -> Result<Option<Partial>> {
        let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
        match (&sink.kind, state) {
            (SinkKind::Reduce { work, .. }, SinkState::Reduce(_)) => {
                let extents = &self.stage.space.extents;
                fold_box(work, &sink.program, views, ranges, extents, self.worker).map(Some)
            }
            (SinkKind::Columns { .. }, SinkState::Slot { .. }) => self
                .keep(state, &sink.program, views, ranges)
                .map(|()| None),
            (SinkKind::Store(to), state) => self
                .store(to, state, &sink.program, views, ranges, sink.dtype)
                .map(|()| None),
            (
                SinkKind::Cumulate { to, dtype, .. },
                SinkState::Cumulate {
                    scan,
                    carries,
                    to: state,
                },
            ) => {
                let values = self.evaluate_box(&sink.program, views, &lengths)?;
                let sums = carries.run(scan, ranges, &values, self.worker)?;
                let block = Block::dense(*dtype, lengths, sums.freeze())?;
                let mut program = Program::default();
                let input = program.input(*dtype);
                program.finish(input);
                let view = View::of_block(&block)?;
                self.store(to, state, &program, &[&view], ranges, *dtype)
                    .map(|()| None)
            }
            _ => Err(Error::internal("a sink without its state")),
        }
    }

    fn store(
        &self,
        to: &StoreTo,
        state: &SinkState<'_>,
        program: &Program,
        views: &[&View],
        ranges: &[(u64, u64)],
        dtype: craton_core::DType,
    ) -> Result<()> {
        let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
        match (to, state) {
            (StoreTo::Slot(_), state) => self.keep(state, program, views, ranges),
            (StoreTo::Sink(sink), SinkState::Write(assembly)) => {
                let values = self.evaluate_box(program, views, &lengths)?;
                write_box(sink, dtype, ranges, values, assembly, self.worker)
            }
            _ => Err(Error::internal("a sink without its state")),
        }
    }

    /// Puts an expression's values over a box in their places.
    fn keep(
        &self,
        state: &SinkState<'_>,
        program: &Program,
        views: &[&View],
        ranges: &[(u64, u64)],
    ) -> Result<()> {
        let SinkState::Slot {
            target,
            strides,
            origin,
        } = state
        else {
            return Err(Error::internal("a sink without its state"));
        };
        let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
        let axes = ranges.iter().zip(strides).zip(origin);
        let first: isize = axes
            .map(|(((start, _), stride), origin)| (start - origin) as isize * stride)
            .sum();
        let first = first as usize;
        evaluate(
            program,
            views,
            &lengths,
            target,
            first,
            strides,
            self.worker,
        )
    }

    /// The expression's values over a box, in C order.
    fn evaluate_box(
        &self,
        program: &Program,
        views: &[&View],
        lengths: &[usize],
    ) -> Result<BufferMut> {
        let bytes = lengths.iter().product::<usize>() * program.output_size();
        let mut out = self.worker.take(bytes.max(1))?;
        out.truncate(bytes);
        evaluate(
            program,
            views,
            lengths,
            &Target::new(&mut out),
            0,
            &c_strides(lengths),
            self.worker,
        )?;
        Ok(out)
    }
}

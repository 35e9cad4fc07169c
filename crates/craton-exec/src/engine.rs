//! Runs stages: tasks in storage order on plain threads, within the budget.

use crate::cache::Cache;
use crate::control::{Control, count};
use crate::cumulate::{Carries, Scan};
use crate::load::load;
use crate::memory::{StageMemory, available_memory, estimate, resident};
use crate::reduce::{Accumulator, Partial, fold_box};
use crate::stage::{Uses, Worker};
use crate::store::{Assembly, SpareScratch, Target, evaluate, write_box};
use crate::strings::evaluate_strings;
use crate::view::View;
use craton_core::block::c_strides;
use craton_core::{Block, BufferMut, Error, ErrorKind, Pool, Result, Sink};
use craton_kernels::program::Program;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{Pipelines, SinkKind, Stage, StageSink};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

/// Memory beside the pool that each thread may come to use: its stack, codec contexts, strips.
const PER_THREAD: u64 = 1 << 20;
/// Memory beside the pool for metadata and what the allocator keeps.
const SLACK: u64 = 6 << 20;

/// What one stage costs, known before it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageCost {
    /// Chunks that are needed.
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
        for sink in pipelines.stages.iter().flat_map(written) {
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
        let uses = Uses::of_stage(stage);
        let cache = Cache::default();
        let scratch = SpareScratch::default();
        let has_failed = AtomicBool::new(false);
        let worker = Worker {
            pool: &self.pool,
            control,
            cache: &cache,
            uses: &uses,
            slots,
            scratch: &scratch,
            has_failed: &has_failed,
        };
        if let [
            sink @ StageSink {
                kind: SinkKind::Store(StoreTo::Slot(slot)),
                ..
            },
        ] = stage.sinks.as_slice()
            && sink.dtype.is_variable()
        {
            let block = evaluate_strings(stage, sink, &worker)?;
            count(&control.tasks_done, stage.task_count());
            return fill(slots, *slot, block);
        }
        let threads = self.fitting_threads(estimate(stage, &uses, metas), stage.task_count())?;
        let mut buffers = stage
            .sinks
            .iter()
            .map(|sink| slot_buffer(sink, metas, &worker))
            .collect::<Result<Vec<Option<BufferMut>>>>()?;
        let sinks = stage
            .sinks
            .iter()
            .zip(&mut buffers)
            .map(|(sink, buffer)| SinkState::new(sink, stage, metas, buffer.as_mut(), &worker))
            .collect::<Result<Vec<_>>>()?;
        let run = StageRun {
            stage,
            sinks: &sinks,
            worker: &worker,
            order: Order::default(),
            threads,
        };
        run.run_tasks()?;
        let finished = sinks
            .into_iter()
            .map(|sink| sink.finish(&worker))
            .collect::<Result<Vec<_>>>()?;
        for ((sink, reduced), buffer) in stage.sinks.iter().zip(finished).zip(buffers) {
            let Some(slot) = slot_of(sink) else { continue };
            let block = match (reduced, buffer) {
                (Some(block), _) => block,
                (None, Some(buffer)) => {
                    let shape = metas[slot]
                        .shape
                        .iter()
                        .map(|length| *length as usize)
                        .collect();
                    Block::dense(metas[slot].dtype, shape, buffer.freeze())?
                }
                (None, None) => return Err(Error::internal("a stage left its slot empty")),
            };
            fill(slots, slot, block)?;
        }
        Ok(())
    }

    /// How many tasks may run at once.
    fn fitting_threads(&self, needed: StageMemory, tasks: u64) -> Result<usize> {
        let usage = self.pool.usage();
        let limit = self.pool_limit();
        let room = limit
            .saturating_sub(usage.lent as u64)
            .saturating_sub(needed.shared);
        let fitting = room / needed.per_task.max(1);
        if fitting == 0 {
            let minimum = (self.memory - limit.min(self.memory))
                .saturating_add(usage.lent as u64)
                .saturating_add(needed.shared)
                .saturating_add(needed.per_task);
            let message = format!(
                "the work needs about {} of memory, the budget is {}",
                mebibytes(minimum),
                mebibytes(self.memory)
            );
            return Err(Error::new(ErrorKind::Budget, message)
                .hint(format!("allow it with `--memory {}`", mebibytes(minimum))));
        }
        Ok(fitting.min(self.threads as u64).min(tasks.max(1)) as usize)
    }

    /// What a stage will locate, decode and hold, from grids alone.
    #[must_use]
    pub fn cost(&self, stage: &Stage, slots: &[Meta]) -> StageCost {
        let uses = Uses::of_stage(stage);
        let memory = estimate(stage, &uses, slots);
        let mut cost = StageCost {
            bytes_per_task: memory.per_task,
            bytes_shared: memory.shared,
            ..StageCost::default()
        };
        for scan in uses.scans() {
            let (chunks, elements) = scan.wanted();
            let size = scan.source.meta().dtype.item_size().unwrap_or(16) as u64;
            cost.chunks += chunks;
            cost.bytes_decoded = cost
                .bytes_decoded
                .saturating_add(elements.saturating_mul(size));
        }
        cost
    }

    fn pool_limit(&self) -> u64 {
        self.pool.limit() as u64
    }
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
        SinkKind::Reduce { slot, .. } => Some(*slot),
        SinkKind::Store(to) | SinkKind::Cumulate { to, .. } => match to {
            StoreTo::Slot(slot) => Some(*slot),
            StoreTo::Sink(_) => None,
        },
    }
}

/// The arrays that a stage writes.
fn written(stage: &Stage) -> impl Iterator<Item = &Arc<dyn Sink>> {
    stage.sinks.iter().filter_map(|sink| match &sink.kind {
        SinkKind::Store(StoreTo::Sink(sink))
        | SinkKind::Cumulate {
            to: StoreTo::Sink(sink),
            ..
        } => Some(sink),
        _ => None,
    })
}

/// The memory of a slot that tasks write directly.
fn slot_buffer(sink: &StageSink, metas: &[Meta], worker: &Worker<'_>) -> Result<Option<BufferMut>> {
    let (SinkKind::Store(StoreTo::Slot(slot))
    | SinkKind::Cumulate {
        to: StoreTo::Slot(slot),
        ..
    }) = &sink.kind
    else {
        return Ok(None);
    };
    let bytes = metas[*slot].bytes() as usize;
    let mut buffer = worker.take(bytes.max(1))?;
    buffer.truncate(bytes);
    Ok(Some(buffer))
}

/// What the tasks of a stage share for one sink.
enum SinkState<'a> {
    Reduce(Mutex<Accumulator>),
    Slot {
        target: Target<'a>,
        strides: Vec<isize>,
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
        let lengths: Vec<usize> = stage
            .space
            .extents
            .iter()
            .map(|extent| *extent as usize)
            .collect();
        let store = |to: &StoreTo| match (to, buffer) {
            (StoreTo::Slot(_), Some(buffer)) => Ok(Self::Slot {
                target: Target::new(buffer),
                strides: c_strides(&lengths),
            }),
            (StoreTo::Slot(_), None) => Err(Error::internal("a slot without memory")),
            (StoreTo::Sink(sink), _) => {
                pollster::block_on(sink.begin())?;
                Ok(Self::Write(Assembly::default()))
            }
        };
        match &sink.kind {
            SinkKind::Reduce { work, slot } => {
                let accumulator =
                    Accumulator::new(work, &metas[*slot], &stage.space.extents, worker)?;
                Ok(Self::Reduce(Mutex::new(accumulator)))
            }
            SinkKind::Store(to) => store(to),
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
                    to: Box::new(store(to)?),
                })
            }
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
        if self.threads == 1 {
            return self.work(&next);
        }
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.threads)
                .map(|_| scope.spawn(|| self.work(&next)))
                .collect();
            let mine = self.work(&next);
            let joined = others.into_iter().map(|other| {
                other
                    .join()
                    .unwrap_or_else(|_| Err(Error::internal("a worker panicked")))
            });
            let mut failures: Vec<Error> = joined.chain([mine]).filter_map(Result::err).collect();
            // The cause, not the cancellations that it set off elsewhere.
            failures.sort_by_key(|error| error.kind() == ErrorKind::Cancelled);
            failures.into_iter().next().map_or(Ok(()), Err)
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

    /// Tells the other workers that a task failed.
    fn stop(&self) {
        // Locked, so that no worker goes to sleep between its look at the flag and this call.
        let _turn = self
            .order
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.worker.has_failed.store(true, Relaxed);
        self.order.merged.notify_all();
    }

    /// Waits while too many later tasks are done; false if another worker failed.
    fn wait_for_window(&self, task: u64) -> bool {
        let window = 2 * self.threads as u64;
        let mut turn = self
            .order
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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
        let mut turn = self
            .order
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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
            (StoreTo::Slot(_), SinkState::Slot { target, strides }) => {
                let first: isize = ranges
                    .iter()
                    .zip(strides)
                    .map(|((start, _), stride)| *start as isize * stride)
                    .sum();
                evaluate(
                    program,
                    views,
                    &lengths,
                    target,
                    first as usize,
                    strides,
                    self.worker,
                )
            }
            (StoreTo::Sink(sink), SinkState::Write(assembly)) => {
                let values = self.evaluate_box(program, views, &lengths)?;
                write_box(sink, dtype, ranges, values, assembly, self.worker)
            }
            _ => Err(Error::internal("a sink without its state")),
        }
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

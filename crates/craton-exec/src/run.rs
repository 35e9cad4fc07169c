//! The tasks of one pass: taken in storage order, handed in in that order too.

use crate::assemble::Assembly;
use crate::columns::lengths as pass_lengths;
use crate::control::count;
use crate::cumulate::{Carries, Scan};
use crate::load::load;
use crate::local::Loaded;
use crate::reduce::{Accumulator, Partial};
use crate::stage::Worker;
use crate::store::{Target, evaluate, write_box};
use crate::threads::on_threads;
use crate::tile::{tile_lengths, tiles};
use crate::view::View;
use craton_core::block::c_strides;
use craton_core::{Block, BufferMut, Error, ErrorKind, Result, Sink};
use craton_kernels::program::Program;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{SinkKind, Stage, StageSink};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a worker without tasks waits before it looks for something to write again.
const NAP: Duration = Duration::from_millis(2);

/// The array that a sink writes.
pub(crate) fn written_by(sink: &StageSink) -> Option<&Arc<dyn Sink>> {
    match &sink.kind {
        SinkKind::Store(StoreTo::Sink(sink))
        | SinkKind::Columns {
            to: StoreTo::Sink(sink),
            ..
        }
        | SinkKind::Cumulate {
            to: StoreTo::Sink(sink),
            ..
        } => Some(sink),
        _ => None,
    }
}

/// What the tasks of a stage share for one sink.
pub(crate) enum SinkState<'a> {
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
    /// Nothing done yet. `buffer` is the memory of values that are kept.
    pub(crate) fn new(
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
                is_reversed,
                dtype,
                to,
            } => {
                let scan = Scan {
                    kind: *kind,
                    axis: *axis,
                    skip_missing: *skip_missing,
                    is_reversed: *is_reversed,
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

    /// What was folded, finished.
    pub(crate) fn finish(self, worker: &Worker<'_>) -> Result<Option<Block>> {
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
pub(crate) struct Order {
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

pub(crate) struct StageRun<'a> {
    pub stage: &'a Stage,
    pub sinks: &'a [SinkState<'a>],
    pub worker: &'a Worker<'a>,
    pub order: Order,
    pub threads: usize,
}

impl StageRun<'_> {
    /// Runs all tasks.
    pub(crate) fn run_tasks(&self) -> Result<()> {
        let next = AtomicU64::new(0);
        let work = || {
            on_threads(self.threads, || {
                self.work(&next)?;
                self.help_writing()
            })
        };
        let Some(ahead) = self.worker.ahead else {
            return work();
        };
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| ahead.run());
            let done = work();
            ahead.stop();
            let read = reader.join();
            done?;
            read.map_err(|_| Error::internal("reading ahead panicked"))
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
            let result = self.await_reads(task).and_then(|()| self.run_task(task));
            if let Some(ahead) = self.worker.ahead {
                ahead.finish(task);
            }
            result.and_then(|partials| self.hand_in(task, partials))?;
            alarm.is_armed = false;
            count(&self.worker.control.tasks_done, 1);
        }
    }

    /// Waits until the reads of a task are under way, where that is done ahead.
    fn await_reads(&self, task: u64) -> Result<()> {
        self.worker.check()?;
        match self.worker.ahead {
            Some(ahead) => ahead.begin(task, || self.worker.check()),
            None => Ok(()),
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
        let space = &self.stage.space;
        let leaves: Vec<Loaded<'_>> = space
            .leaves
            .iter()
            .map(|leaf| load(leaf, &ranges, self.worker))
            .collect::<Result<_>>()?;
        let _span = tracing::trace_span!("compute", task).entered();
        let sinks = || self.stage.sinks.iter().zip(self.sinks);
        let begin = |(sink, _)| self.begin(sink, &ranges);
        let mut parts: Vec<Part> = sinks().map(begin).collect::<Result<_>>()?;
        let lengths: Vec<u64> = ranges.iter().map(|(_, length)| *length).collect();
        for tile in tiles(&ranges, &tile_lengths(space, &lengths)) {
            let views: Vec<View> = leaves
                .iter()
                .map(|leaf| leaf.tile(&tile, self.worker))
                .collect::<Result<_>>()?;
            for ((sink, state), part) in sinks().zip(&mut parts) {
                let views: Vec<&View> = sink.uses.iter().map(|leaf| &views[*leaf]).collect();
                self.feed(sink, state, part, &views, &ranges, &tile)?;
            }
        }
        // What was loaded is not needed while results are encoded.
        drop(leaves);
        let end = |((sink, state), part)| self.end(sink, state, part, &ranges);
        sinks().zip(parts).map(end).collect()
    }

    /// What a task holds for a sink before its first tile.
    fn begin(&self, sink: &StageSink, ranges: &[(u64, u64)]) -> Result<Part> {
        match &sink.kind {
            SinkKind::Reduce { work, .. } => {
                Partial::new(work, ranges, self.worker).map(Part::Folded)
            }
            SinkKind::Store(StoreTo::Sink(_)) | SinkKind::Cumulate { .. } => {
                let count: u64 = ranges.iter().map(|(_, length)| length).product();
                let bytes = count as usize * sink.program.output_size();
                let mut values = self.worker.take(bytes.max(1))?;
                values.truncate(bytes);
                Ok(Part::Values(values))
            }
            SinkKind::Store(StoreTo::Slot(_)) | SinkKind::Columns { .. } => Ok(Part::Kept),
        }
    }

    /// Computes a tile of the task's box for a sink.
    fn feed(
        &self,
        sink: &StageSink,
        state: &SinkState<'_>,
        part: &mut Part,
        views: &[&View],
        ranges: &[(u64, u64)],
        tile: &[(u64, u64)],
    ) -> Result<()> {
        let program = &sink.program;
        match (part, &sink.kind) {
            (Part::Folded(partial), SinkKind::Reduce { work, .. }) => {
                let extents = &self.stage.space.extents;
                partial.fold(work, program, views, tile, extents, self.worker)
            }
            (Part::Values(values), _) => {
                let lengths: Vec<usize> =
                    ranges.iter().map(|(_, length)| *length as usize).collect();
                let strides = c_strides(&lengths);
                let origin: Vec<u64> = ranges.iter().map(|(start, _)| *start).collect();
                let target = Target::new(values);
                put(
                    program,
                    views,
                    tile,
                    &target,
                    &strides,
                    &origin,
                    self.worker,
                )
            }
            (Part::Kept, _) => self.keep(state, program, views, tile),
            (Part::Folded(_), _) => Err(Error::internal("a fold where values are stored")),
        }
    }

    /// Hands on what a task has for a sink after its last tile.
    fn end(
        &self,
        sink: &StageSink,
        state: &SinkState<'_>,
        part: Part,
        ranges: &[(u64, u64)],
    ) -> Result<Option<Partial>> {
        match (part, &sink.kind, state) {
            (Part::Folded(partial), ..) => return Ok(Some(partial)),
            (Part::Kept, ..) => {}
            (Part::Values(values), SinkKind::Store(to), state) => {
                self.write(to, state, ranges, sink.dtype, values)?;
            }
            (
                Part::Values(values),
                SinkKind::Cumulate { to, dtype, .. },
                SinkState::Cumulate {
                    scan,
                    carries,
                    to: state,
                },
            ) => {
                let sums = carries.run(scan, ranges, &values, self.worker)?;
                drop(values);
                let ranges = scan.place(ranges, &self.stage.space.extents);
                self.write(to, state, &ranges, *dtype, sums)?;
            }
            _ => return Err(Error::internal("a sink without its state")),
        }
        Ok(None)
    }

    /// Stores the values of a box, which are in C order.
    fn write(
        &self,
        to: &StoreTo,
        state: &SinkState<'_>,
        ranges: &[(u64, u64)],
        dtype: craton_core::DType,
        values: BufferMut,
    ) -> Result<()> {
        match (to, state) {
            (StoreTo::Sink(sink), SinkState::Write(assembly)) => {
                write_box(sink, dtype, ranges, values, assembly, self.worker)
            }
            (StoreTo::Slot(_), state) => {
                let lengths = ranges.iter().map(|(_, length)| *length as usize).collect();
                let block = Block::dense(dtype, lengths, values.freeze())?;
                let mut program = Program::default();
                let input = program.input(dtype);
                program.finish(input);
                self.keep(state, &program, &[&View::of_block(&block)?], ranges)
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
        put(program, views, ranges, target, strides, origin, self.worker)
    }
}

/// What a task has for one sink.
enum Part {
    /// Its partial state.
    Folded(Partial),
    /// The values of its box, in C order.
    Values(BufferMut),
    /// Nothing: values go where they are kept at once.
    Kept,
}

/// Puts an expression's values over a box in their places in `target`, whose first element is that at `origin`.
fn put(
    program: &Program,
    views: &[&View],
    ranges: &[(u64, u64)],
    target: &Target<'_>,
    strides: &[isize],
    origin: &[u64],
    worker: &Worker<'_>,
) -> Result<()> {
    let lengths: Vec<usize> = ranges.iter().map(|(_, length)| *length as usize).collect();
    let axes = ranges.iter().zip(strides).zip(origin);
    let first: isize = axes
        .map(|(((start, _), stride), origin)| (start - origin) as isize * stride)
        .sum();
    evaluate(
        program,
        views,
        &lengths,
        target,
        first as usize,
        strides,
        worker,
    )
}

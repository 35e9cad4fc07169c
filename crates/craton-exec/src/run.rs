//! The tasks of one pass: taken in storage order, handed in in that order too.

use crate::assemble::Assembly;
use crate::columns::lengths as pass_lengths;
use crate::control::count;
use crate::cumulate::{Carries, Scan};
use crate::load::load;
use crate::reduce::{Accumulator, Partial, fold_box};
use crate::stage::Worker;
use crate::store::{Target, evaluate, write_box};
use crate::threads::on_threads;
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
        let _span = tracing::trace_span!("compute", task).entered();
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
                let view = scan.view(&lengths, sums)?;
                let ranges = scan.place(ranges, &self.stage.space.extents);
                let mut program = Program::default();
                let input = program.input(*dtype);
                program.finish(input);
                self.store(to, state, &program, &[&view], &ranges, *dtype)
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

//! Chunks of one object are read together, ahead of the tasks that want them, and every figure is true.

use crate::shelf::{Shelved, Shelving};
use crate::support::*;
use craton_core::{DType, ErrorKind, Placement};
use craton_exec::{Control, Engine};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::RollingKind;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex, ReduceOptions};
use craton_plan::physical::{Output, Target, lower};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const SHARD: Placement = Placement {
    is_remote: false,
    shares_objects: true,
};
const REMOTE: Placement = Placement {
    is_remote: true,
    shares_objects: true,
};

fn shelved(
    array: &Array,
    chunks: &[u64],
    placement: Placement,
    latency: Option<Duration>,
) -> Arc<Shelved> {
    let model = ModelSource::new(array, &Storage::plain(&array.shape, chunks));
    let shelving = Shelving {
        gap: 0,
        placement,
        latency,
    };
    Shelved::new(Arc::new(model), &shelving, &mut Random(1))
}

fn numbers(shape: &[usize]) -> Array {
    let mut next = 2.0;
    Array::of(DType::Float64, shape, |_| {
        next += 1.0;
        next
    })
}

fn pipelines(node: &NodeRef) -> craton_plan::physical::Pipelines {
    let output = Output {
        node: node.clone(),
        target: Target::Keep,
    };
    lower(&[output]).unwrap()
}

#[test]
fn a_shard_of_many_chunks_is_read_in_few_requests() {
    let array = numbers(&[400, 40]);
    for (threads, placement) in [(1, SHARD), (3, SHARD), (2, REMOTE)] {
        let source = shelved(&array, &[4, 4], placement, Some(Duration::ZERO));
        let control = Control::default();
        let done = engine(threads).run(&pipelines(&source.node()), &control);
        Array::from_block(done.unwrap()[0].as_ref().unwrap()).check(&array, 0.0, "kept");
        let metrics = control.metrics();
        assert_eq!(source.located().len(), 1000);
        assert!(metrics.requests <= 2, "{metrics:?}");
        assert_eq!(metrics.requests, source.shelf.requests.load(SeqCst));
        assert_eq!(metrics.bytes_read, 400 * 40 * 8);
        assert_eq!(metrics.bytes_read, source.shelf.bytes_read.load(SeqCst));
        assert_eq!(metrics.chunks_decoded, 1000);
    }
}

#[test]
fn a_task_that_needs_many_chunks_reads_them_together() {
    let array = numbers(&[400, 8]);
    // Not read ahead: the task itself puts its chunks together.
    let source = shelved(&array, &[1, 2], Placement::default(), Some(Duration::ZERO));
    let sum = ops::reduce(
        Reduction::Sum,
        &source.node(),
        &[0],
        ReduceOptions::default(),
    )
    .unwrap();
    let expected = run(
        &ops::reduce(
            Reduction::Sum,
            &shelved(
                &array,
                &[400, 8],
                Placement::default(),
                Some(Duration::ZERO),
            )
            .node(),
            &[0],
            ReduceOptions::default(),
        )
        .unwrap(),
        1,
    );
    let control = Control::default();
    let done = engine(2).run(&pipelines(&sum), &control).unwrap();
    assert_eq!(bits(done[0].as_ref().unwrap()), bits(&expected));
    let metrics = control.metrics();
    // Twenty-four rows make a task, so there are 17 along four columns; of each row a task needs one chunk of four, and
    // what lies between is read along.
    assert_eq!(metrics.requests, 68);
    assert_eq!(metrics.chunks_decoded, 1600);
    assert_eq!(metrics.bytes_read, source.shelf.bytes_read.load(SeqCst));
}

#[test]
fn a_point_reads_the_bytes_of_one_chunk() {
    let source = shelved(
        &numbers(&[100, 100]),
        &[10, 10],
        REMOTE,
        Some(Duration::ZERO),
    );
    let point = ops::index(&source.node(), &[AxisIndex::At(37), AxisIndex::At(84)]).unwrap();
    assert_eq!(run(&point, 4).get(0).unwrap().to_f64(), Some(3787.0));
    assert_eq!(source.shelf.requests.load(SeqCst), 1);
    assert_eq!(source.shelf.bytes_read.load(SeqCst), 800);
}

#[test]
fn reads_of_a_remote_store_are_under_way_while_others_are_used() {
    // Chunks too large to be read together.
    let array = Array::of(DType::Float64, &[16, 300_000], |at| {
        (at[0] * 7 + at[1] % 5) as f64
    });
    let latency = Some(Duration::from_millis(30));
    let source = shelved(&array, &[1, 300_000], REMOTE, latency);
    let mean = ops::reduce(
        Reduction::Mean,
        &source.node(),
        &[0],
        ReduceOptions::default(),
    );
    let done = run(&mean.unwrap(), 1);
    assert_eq!(done.get(1).unwrap().to_f64(), Some(7.0 * 7.5 + 1.0));
    assert_eq!(source.shelf.requests.load(SeqCst), 16);
    assert!(source.shelf.most_at_once.load(SeqCst) >= 6);
}

#[test]
fn what_never_answers_is_given_up_when_the_work_is_stopped() {
    within(20, || {
        for placement in [REMOTE, Placement::default()] {
            let source = shelved(&numbers(&[40, 40]), &[4, 4], placement, None);
            let node = source.node();
            let control = Arc::new(Control::default());
            let other = control.clone();
            let worker = std::thread::spawn(move || engine(2).run(&pipelines(&node), &other));
            std::thread::sleep(Duration::from_millis(50));
            let start = Instant::now();
            control.cancel();
            let error = worker.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert!(start.elapsed() < Duration::from_secs(5));
        }
    });
}

#[test]
fn damage_is_told_of_the_chunk_that_has_it() {
    let array = numbers(&[40, 8]);
    for placement in [SHARD, REMOTE, Placement::default()] {
        let source = shelved(&array, &[1, 2], placement, Some(Duration::ZERO));
        let place = source.places[&vec![13, 2]].clone();
        *source.shelf.damaged.lock().unwrap() = Some(place.start + 3..place.start + 4);
        let sum = ops::reduce(
            Reduction::Sum,
            &source.node(),
            &[0],
            ReduceOptions::default(),
        );
        let error = try_run(&sum.unwrap(), &engine(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(error.context().chunk, Some(vec![13, 2]), "{error}");
        // The others can still be read.
        let part = AxisIndex::Range {
            start: 0,
            length: 13,
            step: 1,
        };
        let before = AxisIndex::Range {
            start: 0,
            length: 8,
            step: 1,
        };
        assert!(
            try_run(
                &ops::index(&source.node(), &[part, before]).unwrap(),
                &engine(2)
            )
            .is_ok()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_together_and_ahead_changes_no_value_and_no_count(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(9)).collect();
        let array = Array::random(random, DType::Int32, &shape);
        let storage = Storage::random(random, &shape);
        let model = Arc::new(ModelSource::new(&array, &storage));
        let plain = Arc::new(ModelSource::new(&array, &storage));
        let shelving = Shelving {
            gap: *random.pick(&[0, 40, 200_000]),
            placement: *random.pick(&[SHARD, REMOTE, Placement::default()]),
            latency: Some(*random.pick(&[Duration::ZERO, Duration::from_micros(300)])),
        };
        let source = Shelved::new(model, &shelving, random);
        let axis = random.below(rank);
        let kind = random.below(4);
        let work = |node: &NodeRef| match kind {
            0 => ops::rolling(RollingKind::Sum, node, axis, 3, 1).unwrap(),
            1 => ops::reduce(Reduction::Sum, node, &[axis], ReduceOptions::default()).unwrap(),
            2 => ops::concat(&[node.clone(), node.clone()], axis).unwrap(),
            _ => node.clone(),
        };
        let expected = run(&work(&plain.node()), 1);
        let control = Control::default();
        let engine = Engine::new(Some(1 + random.below(4)), Some(8 << 30));
        let done = engine.run(&pipelines(&work(&source.node())), &control).unwrap();
        prop_assert_eq!(bits(done[0].as_ref().unwrap()), bits(&expected));
        let (metrics, shelf) = (control.metrics(), &source.shelf);
        prop_assert!(source.located().values().all(|count| *count == 1));
        prop_assert_eq!(metrics.requests, shelf.requests.load(SeqCst));
        prop_assert_eq!(metrics.bytes_read, shelf.bytes_read.load(SeqCst));
        prop_assert!(metrics.requests <= source.places.len() as u64);
        prop_assert!(shelf.longest.load(SeqCst) <= 4 << 20);
        // Nothing stays lent when all is done.
        drop(done);
        prop_assert_eq!(engine.pool().usage().lent, 0);
    }
}

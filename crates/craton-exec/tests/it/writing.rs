//! Sinks get every chunk once, with the right values, whatever the source's chunks.

use crate::support::*;
use craton_core::{DType, ErrorKind};
use craton_exec::Control;
use craton_kernels::scan::Cumulation;
use craton_plan::ops;
use craton_plan::physical::{Output, Target, lower};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_chunk_is_put_once_with_its_values(seed: u64) {
        let random = &mut Random(seed);
        let rank = random.below(4);
        let shape = random.shape(rank);
        let dtype = *random.pick(&DTYPES);
        let mut array = Array::random(random, dtype, &shape);
        let (_, mut node) = stored(random, &array);
        if rank > 0 && random.below(3) == 0 {
            let axis = random.below(rank);
            node = ops::cumulate(Cumulation::Sum, &node, axis, true).unwrap();
            array = array.cumulate(Cumulation::Sum, axis, true, node.dtype());
        }
        let grid = Storage::random(random, &shape).grid;
        let other_grid = Storage::random(random, &shape).grid;
        let (sink, other) = (ModelSink::new(grid), ModelSink::new(other_grid));
        let outputs = [
            Output { node: node.clone(), target: Target::Write(sink.clone()) },
            Output { node: node.clone(), target: Target::Write(other.clone()) },
            Output { node: node.clone(), target: Target::Keep },
        ];
        let engine = engine(1 + random.below(4));
        let kept = engine.run(&lower(&outputs).unwrap(), &Control::default()).unwrap();
        prop_assert!(kept[0].is_none());
        Array::from_block(kept[2].as_ref().unwrap()).check(&array, 0.0, "kept");
        for sink in [sink, other] {
            sink.array(array.dtype, &shape).check(&array, 0.0, "written");
            prop_assert_eq!(sink.begun.load(Relaxed), 1);
            prop_assert_eq!(sink.committed.load(Relaxed), 1);
        }
    }
}

#[test]
fn nothing_is_committed_after_an_error() {
    let array = Array::of(DType::Int32, &[8], |at| at[0] as f64);
    let mut source = ModelSource::new(&array, &Storage::plain(&[8], &[1]));
    source.fails_at = Some(vec![5]);
    let sink = ModelSink::new(Storage::plain(&[8], &[3]).grid);
    let output = Output {
        node: Arc::new(source).node(),
        target: Target::Write(sink.clone()),
    };
    let pipelines = lower(&[output]).unwrap();
    let error = engine(3).run(&pipelines, &Control::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(sink.committed.load(Relaxed), 0);
}

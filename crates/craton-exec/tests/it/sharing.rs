//! Outputs of one scan share it.

use crate::support::*;
use craton_core::DType;
use craton_exec::Control;
use craton_kernels::fold::Reduction;
use craton_plan::ops::{self, ReduceOptions};
use craton_plan::physical::{Output, Target, lower};
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outputs_of_one_scan_decode_each_chunk_once(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(9)).collect();
        let array = Array::random(random, DType::Int32, &shape);
        let storage = Storage::random(random, &shape);
        let source = Arc::new(ModelSource::new(&array, &storage));
        let node = source.node();
        let options = ReduceOptions::default();
        let reductions = [Reduction::Sum, Reduction::Min, Reduction::Count, Reduction::ArgMax];
        let mut outputs = Vec::new();
        let mut models = Vec::new();
        for reduction in reductions {
            let mut axes = random.order(rank);
            axes.truncate(1 + random.below(rank));
            let reduced = ops::reduce(reduction, &node, &axes, options).unwrap();
            models.push(array.reduce(reduction, &axes, options, reduced.dtype()));
            outputs.push(Output { node: reduced, target: Target::Keep });
        }
        models.push(array.clone());
        outputs.push(Output { node, target: Target::Keep });
        let pipelines = lower(&outputs).unwrap();
        prop_assert_eq!(pipelines.stages.len(), 1);
        let threads = 1 + random.below(4);
        let blocks = engine(threads).run(&pipelines, &Control::default()).unwrap();
        for (block, model) in blocks.iter().zip(&models) {
            Array::from_block(block.as_ref().unwrap()).check(model, 0.0, "shared");
        }
        prop_assert!(source.located().values().all(|count| *count == 1));
    }
}

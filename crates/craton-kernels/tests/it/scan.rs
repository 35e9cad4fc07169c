//! Running totals and moving windows against scalar models, however rows are cut.

use craton_core::DType;
use craton_kernels::{
    Cumulation, RollingKind, cumulate, cumulation_start, cumulation_total, rolling,
    rolling_scratch_len,
};
use proptest::prelude::*;

fn model(kind: RollingKind, window: &[f64], min_periods: usize) -> f64 {
    let valid: Vec<f64> = window
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    if valid.len() < min_periods {
        return f64::NAN;
    }
    let sum: f64 = valid.iter().sum();
    match kind {
        RollingKind::Sum => sum,
        RollingKind::Mean => sum / valid.len() as f64,
        RollingKind::Min => valid.iter().copied().reduce(f64::min).unwrap_or(f64::NAN),
        RollingKind::Max => valid.iter().copied().reduce(f64::max).unwrap_or(f64::NAN),
        RollingKind::Count => valid.len() as f64,
        RollingKind::Prod => valid.iter().product(),
        RollingKind::Last => valid.last().copied().unwrap_or(f64::NAN),
        RollingKind::Var | RollingKind::Std => {
            let mean = sum / valid.len() as f64;
            let squares = valid.iter().map(|value| (value - mean).powi(2));
            let variance = squares.sum::<f64>() / valid.len() as f64;
            if kind == RollingKind::Var {
                variance
            } else {
                variance.sqrt()
            }
        }
        RollingKind::Median => {
            let mut sorted = valid;
            sorted.sort_by(f64::total_cmp);
            match sorted.len() {
                0 => f64::NAN,
                count if count % 2 == 1 => sorted[count / 2],
                count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
            }
        }
    }
}

fn same(left: f64, right: f64) -> bool {
    left == right
        || (left.is_nan() && right.is_nan())
        || (left - right).abs() < 1e-12 * right.abs().max(100.0)
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value =
        prop_oneof![1 => Just(f64::NAN), 5 => (-40i32..40).prop_map(|v| f64::from(v) / 4.0)];
    prop::collection::vec(value, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_are_the_models_wherever_chunks_begin(
        values in values(),
        count in prop::sample::select(vec![1usize, 2, 3, 70]),
        window in 1usize..20,
        min_periods in 0usize..4,
        cut in 0usize..100,
    ) {
        let rows = values.len() / count;
        prop_assume!(rows > 0);
        let first_output = cut % rows;
        let first_row = (first_output + 1).saturating_sub(window);
        let given = &values[first_row * count..rows * count];
        for kind in RollingKind::ALL.iter().copied() {
            let outputs = rows - first_output;
            let mut out = vec![0f64; outputs * count];
            let mut scratch = vec![0.0; rolling_scratch_len(window, rows - first_row, count)];
            rolling(kind, DType::Float64, window, min_periods, bytemuck::cast_slice(given), rows - first_row, count,
                first_row as u64, first_output as u64, outputs, &mut scratch, bytemuck::cast_slice_mut(&mut out));
            for (at, ours) in out.iter().enumerate() {
                let (row, column) = (first_output + at / count, at % count);
                let begin = (row + 1).saturating_sub(window);
                let seen: Vec<f64> = (begin..=row).map(|row| values[row * count + column]).collect();
                let expected = model(kind, &seen, min_periods);
                prop_assert!(same(*ours, expected), "{:?} {} {}: {} not {}", kind, row, column, ours, expected);
            }
        }
    }

    #[test]
    fn totals_go_on_from_their_carry(values in values(), skips: bool, cut in 0usize..300) {
        let cut = cut.min(values.len());
        for kind in Cumulation::ALL.iter().copied() {
            let mut carry = [cumulation_start(kind, DType::Float64)];
            cumulation_total(kind, DType::Float64, skips, bytemuck::cast_slice(&values[..cut]), cut, 1, &mut carry);
            let rest = values.len() - cut;
            let mut out = vec![0f64; rest];
            cumulate(kind, DType::Float64, skips, bytemuck::cast_slice(&values[cut..]), rest, 1, &mut carry,
                bytemuck::cast_slice_mut(&mut out));
            let mut total = match kind {
                Cumulation::Sum => 0.0,
                Cumulation::Prod => 1.0,
                Cumulation::Last => f64::NAN,
            };
            for (at, value) in values.iter().enumerate() {
                let next = match kind {
                    Cumulation::Sum => total + value,
                    Cumulation::Prod => total * value,
                    Cumulation::Last => *value,
                };
                let stays = (skips || kind == Cumulation::Last) && value.is_nan();
                total = if stays { total } else { next };
                if at >= cut {
                    prop_assert!(out[at - cut] == total || total.is_nan() && out[at - cut].is_nan());
                }
            }
        }
    }
}

#[test]
fn integer_totals_wrap_in_64_bits() {
    let values = [i8::MIN, 2, 3];
    let mut carry = [cumulation_start(Cumulation::Prod, DType::Int8)];
    let mut out = [0i64; 3];
    cumulate(
        Cumulation::Prod,
        DType::Int8,
        false,
        bytemuck::cast_slice(&values),
        3,
        1,
        &mut carry,
        bytemuck::cast_slice_mut(&mut out),
    );
    assert_eq!(out, [-128, -256, -768]);
}

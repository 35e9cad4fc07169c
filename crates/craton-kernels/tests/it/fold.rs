//! Folds against scalar models, and the laws of splitting and merging.

use bytemuck::Pod;
use craton_core::{Calendar, DType, TimeKind, TimeType, TimeUnit};
use craton_kernels::{Fold, FoldSpec, Reduction};
use proptest::prelude::*;

fn fold(reduction: Reduction, dtype: DType, skip_missing: bool) -> Option<Fold> {
    Fold::new(FoldSpec {
        reduction,
        dtype,
        skip_missing,
        ddof: 0,
        min_count: 0,
    })
}

fn started(fold: &Fold, count: usize) -> Vec<u64> {
    let mut state = vec![0; fold.words() * count];
    fold.init(&mut state, count, 0, count);
    state
}

fn finished(fold: &Fold, state: &[u64], count: usize) -> Vec<f64> {
    let size = fold.output().item_size().unwrap();
    let mut out = vec![0u64; count * 2];
    let out = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut out)[..count * size];
    fold.finish(state, count, 0, count, out);
    let out: &[u8] = out;
    match fold.output() {
        DType::Bool | DType::UInt8 => out.iter().map(|byte| f64::from(*byte)).collect(),
        DType::Int16 => numbers::<i16>(out, f64::from),
        DType::Float32 | DType::Complex64 => numbers::<f32>(out, f64::from),
        DType::Float64 => numbers::<f64>(out, |value| value),
        DType::UInt64 => numbers::<u64>(out, |value| value as f64),
        _ => numbers::<i64>(out, |value| value as f64),
    }
}

fn numbers<T: Pod>(bytes: &[u8], to: impl Fn(T) -> f64) -> Vec<f64> {
    bytemuck::cast_slice::<u8, T>(bytes)
        .iter()
        .map(|value| to(*value))
        .collect()
}

fn same(left: f64, right: f64, tolerance: f64) -> bool {
    left == right
        || (left.is_nan() && right.is_nan())
        || (left - right).abs() <= tolerance * right.abs().max(1.0)
}

/// What a reduction means, in plain words.
fn model(reduction: Reduction, skips: bool, values: &[f64]) -> f64 {
    let kept: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !skips || !value.is_nan())
        .collect();
    let count = kept.len() as f64;
    let any_missing = kept.iter().any(|value| value.is_nan());
    let mean = kept.iter().sum::<f64>() / count;
    let variance = kept.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let position = |best: f64| {
        let is_best = |value: &f64| *value == best || (value.is_nan() && !skips);
        values.iter().position(is_best).map_or(-1.0, |at| at as f64)
    };
    let extreme = |pick: fn(f64, f64) -> f64| match any_missing {
        true => f64::NAN,
        false => kept.iter().copied().reduce(pick).unwrap_or(f64::NAN),
    };
    let truth = |is_true: bool| f64::from(u8::from(is_true));
    match reduction {
        Reduction::Sum => kept.iter().sum(),
        Reduction::Prod => kept.iter().product(),
        Reduction::Mean => mean,
        Reduction::Var => variance,
        Reduction::Std => variance.sqrt(),
        Reduction::Min => extreme(f64::min),
        Reduction::Max => extreme(f64::max),
        Reduction::Any => truth(values.iter().any(|value| *value != 0.0)),
        Reduction::All => truth(values.iter().all(|value| *value != 0.0)),
        Reduction::Count => values.iter().filter(|value| !value.is_nan()).count() as f64,
        Reduction::ArgMin => {
            let extreme = kept.iter().copied().reduce(f64::min);
            if any_missing {
                position(f64::NAN)
            } else {
                extreme.map_or(-1.0, position)
            }
        }
        Reduction::ArgMax => {
            let extreme = kept.iter().copied().reduce(f64::max);
            if any_missing {
                position(f64::NAN)
            } else {
                extreme.map_or(-1.0, position)
            }
        }
        Reduction::First => kept.first().copied().unwrap_or(f64::NAN),
        Reduction::Last => kept.last().copied().unwrap_or(f64::NAN),
    }
}

/// Small whole numbers, halves and missing values, some columns all missing.
fn table() -> impl Strategy<Value = (usize, usize, Vec<f64>)> {
    (1usize..40, 1usize..40, any::<u64>()).prop_map(|(rows, count, seed)| {
        let mut state = seed | 1;
        let mut next = move || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            state >> 33
        };
        let values = (0..rows * count)
            .map(|at| match next() % 6 {
                0 => f64::NAN,
                _ if at % count == 1 => f64::NAN,
                _ => (next() % 19) as f64 / 2.0 - 4.0,
            })
            .collect();
        (rows, count, values)
    })
}

fn narrowed(values: &[f64], dtype: DType) -> Vec<u64> {
    let mut bytes: Vec<u8> = match dtype {
        DType::Float64 => bytemuck::cast_slice(values).to_vec(),
        DType::Float32 => values
            .iter()
            .flat_map(|v| (*v as f32).to_ne_bytes())
            .collect(),
        DType::Int16 => values
            .iter()
            .flat_map(|v| (*v as i16).to_ne_bytes())
            .collect(),
        _ => values.iter().map(|v| *v as u8).collect(),
    };
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytemuck::pod_collect_to_vec(&bytes)
}

/// What the model sees of values in that type.
fn seen(values: &[f64], dtype: DType) -> Vec<f64> {
    let see = |value: &f64| match dtype {
        DType::Int16 => f64::from(*value as i16),
        DType::UInt8 => f64::from(*value as u8),
        _ => *value,
    };
    values.iter().map(see).collect()
}

const DTYPES: [DType; 4] = [DType::Float64, DType::Float32, DType::Int16, DType::UInt8];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn columns_rows_merges_and_splits_agree_with_the_model(
        (rows, count, values) in table(),
        cut in 0usize..40,
    ) {
        let cut = cut.min(rows);
        for dtype in DTYPES {
            let words = narrowed(&values, dtype);
            let bytes: &[u8] = bytemuck::cast_slice(&words);
            let size = dtype.item_size().unwrap();
            let seen = seen(&values, dtype);
            for (reduction, skips) in Reduction::ALL.iter().flat_map(|one| [(*one, true), (*one, false)]) {
                let fold = fold(reduction, dtype, skips).unwrap();
                let wraps = reduction == Reduction::Prod && !dtype.is_float();
                let tolerance = if dtype == DType::Float32 { 1e-6 } else { 1e-9 };

                let mut whole = started(&fold, count);
                fold.fold_columns(bytes, count, rows, count, 0, 1, &mut whole, count, 0);
                let mut split = started(&fold, count);
                fold.fold_columns(bytes, count, cut, count, 0, 1, &mut split, count, 0);
                let rest = &bytes[cut * count * size..];
                let (first, left) = (cut as u64, rows - cut);
                fold.fold_columns(rest, count, left, count, first, 1, &mut split, count, 0);
                prop_assert_eq!(&whole, &split, "{:?} {}", reduction, dtype);

                let mut earlier = started(&fold, count);
                fold.fold_columns(bytes, count, cut, count, 0, 1, &mut earlier, count, 0);
                let mut later = started(&fold, count);
                fold.fold_columns(rest, count, left, count, first, 1, &mut later, count, 0);
                fold.merge(&later, count, 0, &mut earlier, count, 0, count);
                let (whole, merged) = (finished(&fold, &whole, count), finished(&fold, &earlier, count));
                for column in 0..count {
                    let exact = !dtype.is_float() || matches!(reduction, Reduction::Min | Reduction::Max | Reduction::ArgMin | Reduction::ArgMax);
                    let is_moment = matches!(reduction, Reduction::Var | Reduction::Std | Reduction::Mean);
                    let allowed = if exact && !is_moment { 0.0 } else { tolerance };
                    prop_assert!(same(merged[column], whole[column], allowed), "merge {:?} {} {}: {} {}", reduction, dtype, skips, merged[column], whole[column]);
                    let of_column: Vec<f64> = seen.iter().skip(column).step_by(count).copied().collect();
                    let expected = model(reduction, skips, &of_column);
                    prop_assert!(wraps || same(whole[column], expected, tolerance), "{:?} {} {}: {} not {}", reduction, dtype, skips, whole[column], expected);
                }

                let mut row = started(&fold, 1);
                let total = rows * count;
                fold.fold_row(bytes, total, 0, 1, &mut row, 1, 0);
                let (row, expected) = (finished(&fold, &row, 1)[0], model(reduction, skips, &seen));
                let is_product = reduction == Reduction::Prod;
                prop_assert!(is_product || same(row, expected, tolerance), "row {:?} {} {}: {} not {}", reduction, dtype, skips, row, expected);
            }
        }
    }

    #[test]
    fn a_repeated_value_is_that_many_values(times in 1u64..60, value in prop::sample::select(vec![0.0, 1.0, -2.5, 0.1, 7.0, f64::NAN, f64::INFINITY])) {
        for dtype in DTYPES {
            for (reduction, skips) in Reduction::ALL.iter().flat_map(|one| [(*one, true), (*one, false)]) {
                let fold = fold(reduction, dtype, skips).unwrap();
                let before = narrowed(&[3.0, f64::NAN, -1.5, 0.1, 0.25], dtype);
                let repeated = narrowed(&vec![value; 5 * times as usize], dtype);
                let (before, repeated): (&[u8], &[u8]) = (bytemuck::cast_slice(&before), bytemuck::cast_slice(&repeated));
                let mut slow = started(&fold, 5);
                fold.fold_columns(before, 5, 1, 5, 0, 1, &mut slow, 5, 0);
                let mut fast = slow.clone();
                fold.fold_columns(repeated, 5, times as usize, 5, 1, 1, &mut slow, 5, 0);
                fold.fold_repeated(&repeated[..dtype.item_size().unwrap()], times, 1, 1, &mut fast, 5, 0, 5);
                let (slow, fast) = (finished(&fold, &slow, 5), finished(&fold, &fast, 5));
                for (slow, fast) in slow.iter().zip(&fast) {
                    prop_assert!(same(*slow, *fast, 0.0), "{:?} {} {}: {} {}", reduction, dtype, skips, slow, fast);
                }
            }
        }
    }
}

#[test]
fn variance_of_a_constant_is_exactly_zero_and_of_too_few_is_missing() {
    let spec = FoldSpec {
        reduction: Reduction::Var,
        dtype: DType::Float64,
        skip_missing: true,
        ddof: 1,
        min_count: 0,
    };
    let fold = Fold::new(spec).unwrap();
    let values = [0.1f64; 100];
    let mut state = started(&fold, 1);
    fold.fold_row(bytemuck::cast_slice(&values), 1, 0, 1, &mut state, 1, 0);
    assert!(finished(&fold, &state, 1)[0].is_nan());
    fold.fold_row(bytemuck::cast_slice(&values), 100, 1, 1, &mut state, 1, 0);
    assert_eq!(finished(&fold, &state, 1), [0.0]);
}

#[test]
fn a_sum_of_fewer_than_min_count_is_missing() {
    for (min_count, expected) in [(0, 3.0), (2, 3.0), (3, f64::NAN)] {
        let fold = Fold::new(FoldSpec {
            reduction: Reduction::Sum,
            dtype: DType::Float32,
            skip_missing: true,
            ddof: 0,
            min_count,
        })
        .unwrap();
        let mut state = started(&fold, 1);
        let values = [1f32, f32::NAN, 2.0];
        fold.fold_row(bytemuck::cast_slice(&values), 3, 0, 1, &mut state, 1, 0);
        assert!(same(finished(&fold, &state, 1)[0], expected, 0.0));
    }
}

#[test]
fn times_skip_or_pass_on_what_is_missing() {
    let dtype = DType::Time(TimeType {
        unit: TimeUnit::Second,
        step: 1,
        calendar: Calendar::ProlepticGregorian,
        kind: TimeKind::Instant,
    });
    let values = [5i64, i64::MIN, -4, i64::MAX - 1];
    let missing = i64::MIN as f64;
    for (reduction, skipped, kept) in [
        (Reduction::Min, -4.0, missing),
        (Reduction::Max, (i64::MAX - 1) as f64, missing),
        (Reduction::Count, 3.0, 3.0),
        (Reduction::ArgMin, 2.0, 1.0),
        (Reduction::ArgMax, 3.0, 1.0),
        (Reduction::First, 5.0, 5.0),
        (Reduction::Mean, ((i64::MAX as i128) / 3) as f64, missing),
    ] {
        for (skips, expected) in [(true, skipped), (false, kept)] {
            let fold = fold(reduction, dtype, skips).unwrap();
            let mut state = started(&fold, 1);
            fold.fold_row(bytemuck::cast_slice(&values), 4, 0, 1, &mut state, 1, 0);
            assert_eq!(
                finished(&fold, &state, 1),
                [expected],
                "{reduction:?} {skips}"
            );
        }
    }
}

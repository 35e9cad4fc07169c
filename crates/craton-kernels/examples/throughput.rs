//! Prints how many gigabytes of input the kernels take per second on one core.
//!
//! `cargo run --release -p craton-kernels --example throughput`
#![allow(clippy::print_stdout, reason = "its figures are its purpose")]

use craton_core::DType;
use craton_kernels::{
    Binary, Cumulation, Fold, FoldSpec, Reduction, RollingKind, Unary, cast, cumulate, rolling,
    rolling_scratch_len, unshuffle,
};
use std::hint::black_box;
use std::time::Instant;

const ROWS: usize = 24;
const COLUMNS: usize = 4096;

fn report(name: &str, bytes: usize, mut work: impl FnMut()) {
    work();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..20 {
            work();
        }
        best = best.min(start.elapsed().as_secs_f64() / 20.0);
    }
    println!("{name:44} {:7.2} GB/s", bytes as f64 / best / 1e9);
}

fn folds(name: &str, dtype: DType, values: &[u8]) {
    let reductions = [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Min,
        Reduction::Var,
        Reduction::ArgMin,
        Reduction::Count,
    ];
    for reduction in reductions {
        for skip_missing in [true, false] {
            let spec = FoldSpec {
                reduction,
                dtype,
                skip_missing,
                ddof: 0,
                min_count: 0,
            };
            let Some(fold) = Fold::new(spec) else {
                continue;
            };
            let skips = if skip_missing { "skip" } else { "keep" };
            let label = format!("{} {name} {skips}", reduction.name());
            let mut state = vec![0; fold.words() * COLUMNS];
            fold.init(&mut state, COLUMNS, 0, COLUMNS);
            report(&format!("columns {label}"), values.len(), || {
                let values = black_box(values);
                fold.fold_columns(values, COLUMNS, ROWS, COLUMNS, 0, 1, &mut state, COLUMNS, 0);
            });
            report(&format!("row     {label}"), values.len(), || {
                let values = black_box(values);
                fold.fold_row(values, ROWS * COLUMNS, 0, 1, &mut state, COLUMNS, 0);
            });
        }
    }
}

fn main() {
    let singles: Vec<f32> = (0..ROWS * COLUMNS).map(|at| (at as f32).sin()).collect();
    let missing: Vec<f32> = (0..ROWS * COLUMNS)
        .map(|at| if at / 7 % 3 == 0 { f32::NAN } else { at as f32 })
        .collect();
    let doubles: Vec<f64> = singles.iter().map(|value| f64::from(*value)).collect();
    let shorts: Vec<i16> = (0..ROWS * COLUMNS).map(|at| at as i16).collect();
    let singles: &[u8] = bytemuck::cast_slice(&singles);
    let doubles: &[u8] = bytemuck::cast_slice(&doubles);
    let shorts: &[u8] = bytemuck::cast_slice(&shorts);
    folds("f32", DType::Float32, singles);
    folds(
        "f32 NaN-rich",
        DType::Float32,
        bytemuck::cast_slice(&missing),
    );
    folds("f64", DType::Float64, doubles);
    folds("i16", DType::Int16, shorts);

    let mut out = vec![0f64; 2 * ROWS * COLUMNS];
    let out: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    for binary in [
        Binary::Add,
        Binary::Multiply,
        Binary::Maximum,
        Binary::Power,
    ] {
        if let Some(kernel) = binary.kernel(DType::Float32) {
            let out = &mut out[..singles.len()];
            report(&format!("{} f32", binary.name()), singles.len(), || {
                (kernel.both)(black_box(singles), singles, out);
            });
        }
    }
    for unary in [
        Unary::Sqrt,
        Unary::Floor,
        Unary::IsNan,
        Unary::Exp,
        Unary::Sin,
    ] {
        if let (Some(kernel), Some((_, result))) =
            (unary.kernel(DType::Float32), unary.output(DType::Float32))
        {
            let out = &mut out[..singles.len() / 4 * result.item_size().unwrap_or(4)];
            report(&format!("{} f32", unary.name()), singles.len(), || {
                kernel(black_box(singles), out);
            });
        }
    }
    for (from, to, values) in [
        (DType::Int16, DType::Float32, shorts),
        (DType::Float32, DType::Float64, singles),
        (DType::Float32, DType::Int32, singles),
        (DType::Float32, DType::Float16, singles),
    ] {
        if let (Some(kernel), Some(size)) = (cast(from, to), to.item_size()) {
            let out = &mut out[..ROWS * COLUMNS * size];
            report(&format!("cast {from} to {to}"), values.len(), || {
                kernel(black_box(values), out);
            });
        }
    }
    for size in [2, 4, 8, 16] {
        let count = singles.len() / size;
        report(&format!("unshuffle {size}"), singles.len(), || {
            unshuffle(
                black_box(singles),
                count,
                size,
                0,
                count,
                &mut out[..singles.len()],
            );
        });
    }
    let mut carry = vec![0; COLUMNS];
    let out = &mut out[..singles.len()];
    report("cumsum f32", singles.len(), || {
        let sum = Cumulation::Sum;
        cumulate(
            sum,
            DType::Float32,
            true,
            black_box(singles),
            ROWS,
            COLUMNS,
            &mut carry,
            out,
        );
    });
    let mut scratch = vec![0.0; rolling_scratch_len(5, ROWS, COLUMNS)];
    report("rolling mean f32, window 5", singles.len(), || {
        let (mean, dtype) = (RollingKind::Mean, DType::Float32);
        let values = black_box(singles);
        rolling(
            mean,
            dtype,
            5,
            5,
            values,
            ROWS,
            COLUMNS,
            0,
            0,
            ROWS,
            &mut scratch,
            out,
        );
    });
}

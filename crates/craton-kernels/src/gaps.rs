//! Gaps in whole columns, filled from what lies around them.

use crate::column::ColumnKernel;
use crate::element::{Element, dispatch, elements, elements_mut};
use craton_core::DType;
use std::sync::Arc;

/// How far gaps are filled.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GapLimits {
    /// Only so many values from the beginning of each gap.
    pub count: Option<usize>,
    /// Only gaps between valid values no further apart than this.
    pub distance: Option<f64>,
}

/// Fills gaps along the straight line between the values around them. Before the first value and after the last one
/// there is no line, and gaps stay.
#[derive(Debug, Clone)]
pub struct FillGaps {
    dtype: DType,
    places: Arc<[f64]>,
    limits: GapLimits,
    run: fn(&Self, &[u8], &mut [u8]),
}

impl FillGaps {
    /// For columns of `dtype` with values at ascending `places`; `None` where values cannot be missing.
    #[must_use]
    pub fn new(places: Arc<[f64]>, limits: GapLimits, dtype: DType) -> Option<Self> {
        let run: fn(&Self, &[u8], &mut [u8]) = dispatch!(dtype, T => run::<T>, return None; floats);
        Some(Self {
            dtype,
            places,
            limits,
            run,
        })
    }
}

impl ColumnKernel for FillGaps {
    fn output(&self) -> DType {
        self.dtype
    }
    fn count(&self, length: usize) -> usize {
        length
    }
    fn verb(&self) -> &'static str {
        "fill gaps"
    }
    fn run(&self, column: &mut [u8], _: &mut [u64], out: &mut [u8]) {
        (self.run)(self, column, out);
    }
}

fn run<T: Element>(fill: &FillGaps, column: &[u8], out: &mut [u8]) {
    let values = elements::<T>(column);
    let out = elements_mut::<T>(out);
    out.copy_from_slice(values);
    let places = &fill.places;
    let mut before: Option<usize> = None;
    for (at, value) in values.iter().enumerate() {
        if value.is_missing() {
            continue;
        }
        if let Some(before) = before.filter(|before| before + 1 < at) {
            let distance = places[at] - places[before];
            let is_narrow = fill.limits.distance.is_none_or(|limit| distance <= limit);
            let count = fill.limits.count.unwrap_or(usize::MAX);
            let from = values[before].to_f64();
            let slope = (value.to_f64() - from) / distance;
            let gap = (before + 1..at).take(if is_narrow { count } else { 0 });
            for place in gap {
                out[place] = T::from_f64(slope * (places[place] - places[before]) + from);
            }
        }
        before = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    fn fill(limits: GapLimits) -> Vec<f64> {
        let mut values = [GAP, 1.0, GAP, GAP, 4.0, GAP, 6.0, GAP];
        let places: Arc<[f64]> = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 9.0].into();
        let mut out = vec![0.0; values.len()];
        let fill = FillGaps::new(places, limits, DType::Float64).unwrap();
        let column = bytemuck::cast_slice_mut(&mut values);
        fill.run(column, &mut [], bytemuck::cast_slice_mut(&mut out));
        out.iter()
            .map(|value: &f64| if value.is_nan() { -1.0 } else { *value })
            .collect()
    }

    #[test]
    fn only_gaps_between_values_are_filled() {
        let all = fill(GapLimits::default());
        assert_eq!(all, [-1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -1.0]);
    }

    #[test]
    fn limits_stop_in_a_gap_or_leave_wide_ones() {
        let count = Some(1);
        let first = fill(GapLimits {
            count,
            distance: None,
        });
        assert_eq!(first, [-1.0, 1.0, 2.0, -1.0, 4.0, 5.0, 6.0, -1.0]);
        let distance = Some(3.0);
        let narrow = fill(GapLimits {
            count: None,
            distance,
        });
        assert_eq!(narrow, [-1.0, 1.0, 2.0, 3.0, 4.0, -1.0, 6.0, -1.0]);
    }
}

//! Cubic splines through whole columns.

use crate::column::ColumnKernel;
use crate::element::{Element, dispatch, elements, elements_mut};
use craton_core::DType;
use std::sync::Arc;

/// The cubic spline through values at some places, looked at from others; at the ends the first and last two pieces are
/// one ("not a knot"), as SciPy has it.
///
/// What depends on places alone is worked out once: for each column there are two sweeps over its values and four
/// multiplications for each new place.
#[derive(Debug, Clone)]
pub struct CubicSpline {
    places: Arc<Places>,
    run: fn(&Places, &mut [u8], &mut [u64], &mut [u8]),
}

#[derive(Debug)]
struct Places {
    /// Distances between neighbours.
    steps: Vec<f64>,
    /// The system for the slopes, after elimination from above: what is left of the diagonal, and of the entries
    /// below it before elimination and above it after.
    diagonal: Vec<f64>,
    below: Vec<f64>,
    above: Vec<f64>,
    /// For each new place the piece it lies in and what it takes of both ends' values and slopes; NaN outside.
    wanted: Vec<(usize, [f64; 4])>,
}

impl CubicSpline {
    /// The fewest values that there is such a spline through.
    pub const FEWEST: usize = 4;

    /// A spline of columns of `dtype` at ascending `places`, looked at from `wanted`. Outside of the places is NaN, or
    /// if it `extrapolates` what the first and the last piece go on as. `None` for complex numbers and what is no
    /// number, fewer than four places, and places that do not ascend.
    #[must_use]
    pub fn new(places: &[f64], wanted: &[f64], extrapolates: bool, dtype: DType) -> Option<Self> {
        let is_ascending = places.windows(2).all(|pair| pair[0] < pair[1]);
        if places.len() < Self::FEWEST || !is_ascending {
            return None;
        }
        let run: fn(&Places, &mut [u8], &mut [u64], &mut [u8]) =
            dispatch!(dtype, T => run::<T>, return None; integers, floats);
        let places = Arc::new(Places::new(places, wanted, extrapolates));
        Some(Self { places, run })
    }
}

impl Places {
    fn new(places: &[f64], wanted: &[f64], extrapolates: bool) -> Self {
        let steps: Vec<f64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let last = steps.len();
        let (mut below, mut diagonal, mut above) = (
            vec![0.0; last + 1],
            vec![0.0; last + 1],
            vec![0.0; last + 1],
        );
        (diagonal[0], above[0]) = (steps[1], steps[0] + steps[1]);
        for at in 1..last {
            below[at] = steps[at];
            diagonal[at] = 2.0 * (steps[at - 1] + steps[at]);
            above[at] = steps[at - 1];
        }
        (below[last], diagonal[last]) = (steps[last - 1] + steps[last - 2], steps[last - 2]);
        above[0] /= diagonal[0];
        for at in 1..=last {
            diagonal[at] -= below[at] * above[at - 1];
            above[at] /= diagonal[at];
        }
        let weights = |place: f64| {
            let after = places[1..last].partition_point(|other| *other <= place);
            let (step, along) = (steps[after], (place - places[after]) / steps[after]);
            let back = 1.0 - along;
            let is_inside = places[0] <= place && place <= places[last];
            if !(is_inside || extrapolates && place.is_finite()) {
                return (after, [f64::NAN; 4]);
            }
            let weights = [
                (1.0 + 2.0 * along) * back * back,
                along * along * (3.0 - 2.0 * along),
                step * along * back * back,
                -step * along * along * back,
            ];
            (after, weights)
        };
        Self {
            wanted: wanted.iter().map(|place| weights(*place)).collect(),
            steps,
            diagonal,
            below,
            above,
        }
    }

    /// Turns the right side of the system into slopes.
    fn solve(&self, slopes: &mut [f64]) {
        slopes[0] /= self.diagonal[0];
        for at in 1..slopes.len() {
            slopes[at] = (slopes[at] - self.below[at] * slopes[at - 1]) / self.diagonal[at];
        }
        for at in (0..slopes.len() - 1).rev() {
            slopes[at] -= self.above[at] * slopes[at + 1];
        }
    }
}

impl ColumnKernel for CubicSpline {
    fn output(&self) -> DType {
        DType::Float64
    }
    fn count(&self, _: usize) -> usize {
        self.places.wanted.len()
    }
    fn scratch(&self, length: usize) -> usize {
        length
    }
    fn verb(&self) -> &'static str {
        "fit splines"
    }
    /// A missing value makes all results missing: the spline is one through all values.
    fn run(&self, column: &mut [u8], scratch: &mut [u64], out: &mut [u8]) {
        (self.run)(&self.places, column, scratch, out);
    }
}

fn run<T: Element>(places: &Places, column: &mut [u8], scratch: &mut [u64], out: &mut [u8]) {
    let values = elements::<T>(column);
    let slopes: &mut [f64] = bytemuck::cast_slice_mut(scratch);
    let steps = &places.steps;
    let last = steps.len();
    let rise = |at: usize| (values[at + 1].to_f64() - values[at].to_f64()) / steps[at];
    let two = steps[0] + steps[1];
    slopes[0] = ((steps[0] + 2.0 * two) * steps[1] * rise(0) + steps[0] * steps[0] * rise(1)) / two;
    for at in 1..last {
        slopes[at] = 3.0 * (steps[at] * rise(at - 1) + steps[at - 1] * rise(at));
    }
    let (end, before) = (steps[last - 1], steps[last - 2]);
    let two = end + before;
    slopes[last] = (end * end * rise(last - 2) + (2.0 * two + end) * before * rise(last - 1)) / two;
    places.solve(slopes);
    let out = elements_mut::<f64>(out);
    for (out, (at, [left, right, left_slope, right_slope])) in out.iter_mut().zip(&places.wanted) {
        let (at, next) = (*at, *at + 1);
        *out = values[at].to_f64() * left
            + values[next].to_f64() * right
            + slopes[at] * left_slope
            + slopes[next] * right_slope;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spline(places: &[f64], wanted: &[f64], extrapolates: bool, values: &[f64]) -> Vec<f64> {
        let spline = CubicSpline::new(places, wanted, extrapolates, DType::Float64).unwrap();
        let mut values = values.to_vec();
        let (mut scratch, mut out) = (vec![0; values.len()], vec![0.0; wanted.len()]);
        let column = bytemuck::cast_slice_mut(&mut values);
        spline.run(column, &mut scratch, bytemuck::cast_slice_mut(&mut out));
        out
    }

    #[test]
    fn a_cubic_is_its_own_spline_on_uneven_places_and_beyond() {
        let cubic = |x: f64| 2.0 - x + 0.5 * x * x - 0.25 * x * x * x;
        let places = [-2.0, -1.5, 0.0, 0.25, 3.0, 4.0, 9.0];
        let wanted = [-3.0, -2.0, -1.7, 0.1, 0.25, 2.9, 8.0, 9.0, 10.0];
        let values = places.map(cubic);
        let found = spline(&places, &wanted, true, &values);
        for (place, value) in wanted.iter().zip(found) {
            assert!((value - cubic(*place)).abs() < 1e-10, "{place}: {value}");
        }
        let inside = spline(&places, &wanted, false, &values);
        assert!(inside[0].is_nan() && inside[8].is_nan() && inside[1] == cubic(-2.0));
    }

    #[test]
    fn one_missing_value_makes_all_missing() {
        let values = [1.0, 2.0, f64::NAN, 4.0, 5.0];
        let found = spline(&[0.0, 1.0, 2.0, 3.0, 4.0], &[0.5, 3.5], false, &values);
        assert!(found.iter().all(|value| value.is_nan()));
    }
}

//! What is interpolated, filled and put in order along an axis equals a model that looks at one line at a time.

use crate::support::*;
use craton_core::DType;
use craton_kernels::gaps::GapLimits;
use craton_kernels::order::Ordering;
use craton_plan::ops::{self, Between, Direction};
use proptest::prelude::*;

const FLOATS: [DType; 2] = [DType::Float32, DType::Float64];

impl Array {
    /// `function` of every line along `axis`.
    pub fn along(&self, axis: usize, dtype: DType, function: impl Fn(&[f64]) -> Vec<f64>) -> Array {
        let length = function(&vec![0.0; self.shape[axis]]).len();
        let mut shape = self.shape.clone();
        shape[axis] = length;
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        let mut values = vec![0.0; outer * length * inner];
        for (row, column) in (0..outer).flat_map(|row| (0..inner).map(move |column| (row, column)))
        {
            let at = |place: usize, length: usize| (row * length + place) * inner + column;
            let own = self.shape[axis];
            let line: Vec<f64> = (0..own).map(|place| self.values[at(place, own)]).collect();
            for (place, value) in function(&line).into_iter().enumerate() {
                values[at(place, length)] = rounded(dtype, value);
            }
        }
        Array {
            dtype,
            shape,
            values,
        }
    }
}

pub fn filled(line: &[f64], limit: usize) -> Vec<f64> {
    let last = |at: usize| {
        let mut back = (at.saturating_sub(limit)..=at).rev();
        back.find(|at| !line[*at].is_nan())
    };
    (0..line.len())
        .map(|at| last(at).map_or(f64::NAN, |at| line[at]))
        .collect()
}

pub fn backwards(line: &[f64], function: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let back: Vec<f64> = line.iter().rev().copied().collect();
    function(&back).into_iter().rev().collect()
}

pub fn ranks(line: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = line.iter().filter(|other| *other < value).count();
        let equal = line.iter().filter(|other| *other == value).count();
        if value.is_nan() {
            f64::NAN
        } else {
            below as f64 + (equal as f64 + 1.0) / 2.0
        }
    };
    line.iter().map(rank).collect()
}

fn places_in_order(line: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..line.len()).collect();
    let key = |at: &usize| (line[*at].is_nan(), line[*at]);
    places.sort_by(|one, other| {
        key(one)
            .partial_cmp(&key(other))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    places.into_iter().map(|at| at as f64).collect()
}

fn ascending(random: &mut Random, count: usize) -> Vec<f64> {
    let steps = (0..count).scan(-3.0, |place, _| {
        *place += 0.5 + random.below(4) as f64;
        Some(*place)
    });
    steps.collect()
}

fn between_gaps(line: &[f64], places: &[f64], limits: GapLimits) -> Vec<f64> {
    let mut out = line.to_vec();
    for (at, out) in out.iter_mut().enumerate() {
        let before = line[..at].iter().rposition(|value| !value.is_nan());
        let after = line[at..].iter().position(|value| !value.is_nan());
        let (Some(before), Some(after)) = (before, after.map(|after| at + after)) else {
            continue;
        };
        let distance = places[after] - places[before];
        let is_near = limits.count.is_none_or(|count| at - before <= count);
        if line[at].is_nan() && is_near && limits.distance.is_none_or(|most| distance <= most) {
            let slope = (line[after] - line[before]) / distance;
            *out = line[before] + slope * (places[at] - places[before]);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn interpolation_along_several_axes_equals_one_after_the_other(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(9)).collect();
        let dtype = *random.pick(&[DType::Float32, DType::Float64, DType::Int16]);
        let mut expected = Array::random(random, dtype, &shape);
        let (_, mut node) = stored(random, &expected);
        for axis in random.order(rank) {
            let count = random.below(12);
            let mut index = || (0..count).map(|_| random.below(shape[axis]) as u64).collect::<Vec<_>>();
            let (lower, upper) = (index(), index());
            let fraction: Vec<f64> = (0..count)
                .map(|_| *random.pick(&[0.0, 0.25, 0.5, 1.0, 1.5, f64::NAN]))
                .collect();
            let between = Between { lower, upper, fraction };
            expected = expected.along(axis, DType::Float64, |line| {
                let mix = |at: usize| {
                    let (lower, upper) = (between.lower[at] as usize, between.upper[at] as usize);
                    line[lower] + (line[upper] - line[lower]) * between.fraction[at]
                };
                (0..count).map(mix).collect()
            });
            node = ops::interpolate(&node, axis, &between).unwrap();
        }
        Array::from_block(&run(&node, 1 + random.below(4))).check(&expected, 1e-12, "interpolate");
    }

    #[test]
    fn points_take_one_element_each_and_lie_between_their_corners(seed: u64) {
        let random = &mut Random(seed);
        let rank = 2 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(7)).collect();
        let array = Array::random(random, DType::Float64, &shape);
        let (_, node) = stored(random, &array);
        let mut axes = random.order(rank);
        axes.truncate(1 + random.below(rank));
        axes.sort_unstable();
        let (count, threads) = (random.below(9), 1 + random.below(4));
        let betweens: Vec<Between> = axes
            .iter()
            .map(|axis| {
                let mut index = || (0..count).map(|_| random.below(shape[*axis]) as u64).collect::<Vec<_>>();
                let (lower, upper) = (index(), index());
                let fraction = (0..count).map(|_| *random.pick(&[0.0, 0.5, 0.75])).collect();
                Between { lower, upper, fraction }
            })
            .collect();
        let kept: Vec<usize> = (0..rank).filter(|axis| *axis == axes[0] || !axes.contains(axis)).collect();
        let out: Vec<usize> = kept
            .iter()
            .map(|axis| if *axis == axes[0] { count } else { shape[*axis] })
            .collect();
        // The element whose index along `axes` each point takes from `at`.
        let element = |index: &[usize], at: &dyn Fn(usize, usize) -> u64| {
            let mut place = vec![0; rank];
            for (axis, at) in kept.iter().zip(index) {
                place[*axis] = *at;
            }
            let point = place[axes[0]];
            for (number, axis) in axes.iter().enumerate() {
                place[*axis] = at(number, point) as usize;
            }
            array.at(&place)
        };
        let lists: Vec<std::sync::Arc<[u64]>> = betweens.iter().map(|one| one.lower.as_slice().into()).collect();
        let taken = ops::points(&node, &axes, &lists).unwrap();
        let expected = Array::of(DType::Float64, &out, |index| {
            element(index, &|axis, point| betweens[axis].lower[point])
        });
        Array::from_block(&run(&taken, threads)).check(&expected, 0.0, "points");
        let (picks, picked) = random_index(random, &expected);
        let some = ops::index(&taken, &picks).unwrap();
        Array::from_block(&run(&some, threads)).check(&picked, 0.0, "index of points");
        let mixed = ops::interpolate_points(&node, &axes, &betweens).unwrap();
        let expected = Array::of(DType::Float64, &out, |index| {
            let corners = (0..1usize << axes.len()).map(|corner| {
                let mut weight = 1.0;
                let is_upper = |axis: usize| corner >> axis & 1 == 1;
                let place = kept.iter().position(|axis| *axis == axes[0]).unwrap();
                for (axis, between) in betweens.iter().enumerate() {
                    let fraction = between.fraction[index[place]];
                    weight *= if is_upper(axis) { fraction } else { 1.0 - fraction };
                }
                let at = |axis: usize, point: usize| match is_upper(axis) {
                    true => betweens[axis].upper[point],
                    false => betweens[axis].lower[point],
                };
                element(index, &at) * weight
            });
            corners.sum::<f64>() + 0.0
        });
        Array::from_block(&run(&mixed, threads)).check(&expected, 1e-12, "interpolate_points");
    }

    #[test]
    fn gaps_are_filled_from_either_side(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&DTYPES);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let axis = random.below(rank);
        let limit = random.flag().then(|| random.below(4));
        let (forward, threads) = (random.flag(), 1 + random.below(4));
        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let fill = ops::fill(&node, axis, direction, limit).unwrap();
        let most = limit.unwrap_or(usize::MAX);
        let expected = array.along(axis, dtype, |line| match forward {
            true => filled(line, most),
            false => backwards(line, |line| filled(line, most)),
        });
        let what = format!("{direction:?} {limit:?} {axis} {array:?}");
        Array::from_block(&run(&fill, threads)).check(&expected, 0.0, &what);
        // Read through a view, which moves with the values.
        let (picks, taken) = random_index(random, &expected);
        let picked = ops::index(&fill, &picks).unwrap();
        Array::from_block(&run(&picked, threads)).check(&taken, 0.0, &what);
    }

    #[test]
    fn columns_in_order_equal_the_model(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&DTYPES);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let (axis, threads) = (random.below(rank), 1 + random.below(4));
        for ordering in Ordering::ALL.iter().copied() {
            let ordered = ops::order(ordering, &node, axis).unwrap();
            let expected = array.along(axis, ordered.dtype(), |line| match ordering {
                Ordering::ArgSort => places_in_order(line),
                Ordering::Sort => {
                    let places = places_in_order(line);
                    places.into_iter().map(|at| line[at as usize]).collect()
                }
                Ordering::Rank => ranks(line),
                Ordering::RankShare => {
                    let valid = line.iter().filter(|value| !value.is_nan()).count() as f64;
                    ranks(line).into_iter().map(|rank| rank / valid).collect()
                }
            });
            let what = format!("{} {axis} {array:?}", ordering.name());
            Array::from_block(&run(&ordered, threads)).check(&expected, 1e-15, &what);
        }
    }

    #[test]
    fn gaps_between_values_are_filled_on_lines(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&FLOATS);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let (axis, threads) = (random.below(rank), 1 + random.below(4));
        let places = ascending(random, shape[axis]);
        let limits = GapLimits {
            count: random.flag().then(|| 1 + random.below(3)),
            distance: random.flag().then(|| random.below(8) as f64),
        };
        let fill = ops::fill_gaps(&node, axis, places.clone(), limits).unwrap();
        let expected = array.along(axis, array.dtype, |line| between_gaps(line, &places, limits));
        Array::from_block(&run(&fill, threads)).check(&expected, 1e-6, "fill_gaps");
    }

    #[test]
    fn the_spline_through_a_cubic_is_the_cubic(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let mut shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(6)).collect();
        let axis = random.below(rank);
        shape[axis] = 4 + random.below(8);
        let places = ascending(random, shape[axis]);
        let cubic = |index: &[usize], place: f64| {
            let others = index.iter().enumerate().filter(|(own, _)| *own != axis);
            let factor = 1.0 + others.map(|(own, at)| (own + 1) as f64 * *at as f64).sum::<f64>();
            factor * (1.0 + place - 0.25 * place * place + 0.125 * place * place * place)
        };
        let array = Array::of(DType::Float64, &shape, |index| cubic(index, places[index[axis]]));
        let (_, node) = stored(random, &array);
        let extrapolates = random.flag();
        let last = places[places.len() - 1];
        let wanted: Vec<f64> = (0..random.below(9)).map(|_| random.below(40) as f64 - 4.0).collect();
        let spline = ops::spline(&node, axis, places.clone(), wanted.clone(), extrapolates).unwrap();
        shape[axis] = wanted.len();
        let expected = Array::of(DType::Float64, &shape, |index| {
            let place = wanted[index[axis]];
            let is_outside = place < places[0] || place > last;
            if is_outside && !extrapolates { f64::NAN } else { cubic(index, place) }
        });
        Array::from_block(&run(&spline, 1 + random.below(4))).check(&expected, 1e-7, "spline");
    }
}

#[test]
fn only_chunks_around_new_places_are_read_and_each_once() {
    let array = Array::of(DType::Float32, &[4, 20, 20], |at| {
        (400 * at[0] + 20 * at[1] + at[2]) as f64
    });
    let storage = Storage::plain(&[4, 20, 20], &[2, 5, 5]);
    let source = std::sync::Arc::new(ModelSource::new(&array, &storage));
    let between = Between {
        lower: vec![5, 6, 11],
        upper: vec![6, 7, 12],
        fraction: vec![0.5; 3],
    };
    let one = ops::interpolate(&source.node(), 1, &between).unwrap();
    let both = ops::interpolate(&one, 2, &between).unwrap();
    let block = run(&both, 2);
    assert_eq!(block.get(0).unwrap().to_f64(), Some(5.5 * 20.0 + 5.5));
    let located = source.located();
    let mut chunks: Vec<_> = located.keys().cloned().collect();
    chunks.sort();
    let expected: Vec<Vec<u64>> = [0, 1]
        .into_iter()
        .flat_map(|time| [1, 2].map(|lat| [1, 2].map(|lon| vec![time, lat, lon])))
        .flatten()
        .collect();
    assert_eq!(chunks, expected);
    assert!(located.values().all(|count| *count == 1), "{located:?}");
}

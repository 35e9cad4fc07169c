//! Which elements of an object are meant, and where in somebody's memory each of them lies.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Indices along one axis of an object, and what each adds to the place in memory, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Along {
    /// Evenly spaced indices at evenly spaced places.
    Run {
        /// The first index.
        first: usize,
        /// From one index to the next.
        step: usize,
        /// How many.
        count: usize,
        /// The place of the first.
        at: isize,
        /// From one place to the next.
        stride: isize,
    },
    /// Indices and their places.
    List(Arc<[(usize, isize)]>),
}

/// Elements of an object and their places in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Every combination of indices along the axes; their places add up.
    Box(Vec<Along>),
    /// One element after the other.
    Points(Points),
}

/// Elements one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Points {
    /// For each element its index along every axis.
    pub indices: Vec<usize>,
    /// For each element its place.
    pub at: Vec<isize>,
}

impl Points {
    /// Each element's indices, and its place.
    pub fn iter(&self, rank: usize) -> impl Iterator<Item = (&[usize], isize)> {
        // Not by `chunks`, which would give nothing for objects without axes.
        let index = move |point: usize| &self.indices[point * rank..(point + 1) * rank];
        self.at
            .iter()
            .enumerate()
            .map(move |(point, at)| (index(point), *at))
    }
}

impl Along {
    /// Whether these are all of `length` indices.
    fn covers(&self, length: usize) -> bool {
        matches!(self, Self::Run { first: 0, step: 1, count, .. } if *count == length)
    }

    /// The largest index, and the lowest and highest place; `None` if there are no indices.
    fn extent(&self) -> Option<(usize, isize, isize)> {
        match self {
            Self::Run { count: 0, .. } => None,
            Self::Run {
                first,
                step,
                count,
                at,
                stride,
            } => {
                let steps = count - 1;
                let last = step.checked_mul(steps)?.checked_add(*first)?;
                let end = isize::try_from(steps).ok()?.checked_mul(*stride)?;
                let end = end.checked_add(*at)?;
                Some((last, end.min(*at), end.max(*at)))
            }
            Self::List(list) => {
                let largest = list.iter().map(|(index, _)| *index).max()?;
                let low = list.iter().map(|(_, at)| *at).min()?;
                Some((largest, low, list.iter().map(|(_, at)| *at).max()?))
            }
        }
    }

    /// The part in each piece of `length` indices, by the piece's number.
    fn cut(&self, length: usize) -> Vec<(usize, Self)> {
        match self {
            Self::Run { count: 0, .. } => Vec::new(),
            Self::Run {
                first,
                step,
                count,
                at,
                stride,
            } => {
                let last = first + step * (count - 1);
                let part = |piece: usize| {
                    let from = (piece * length).saturating_sub(*first).div_ceil(*step);
                    let to = ((piece + 1) * length)
                        .saturating_sub(*first)
                        .div_ceil(*step)
                        .min(*count);
                    (from < to).then(|| {
                        let part = Self::Run {
                            first: first + from * step - piece * length,
                            step: *step,
                            count: to - from,
                            at: at + from.cast_signed() * stride,
                            stride: *stride,
                        };
                        (piece, part)
                    })
                };
                (first / length..=last / length).filter_map(part).collect()
            }
            Self::List(list) => {
                let mut parts: BTreeMap<usize, Vec<(usize, isize)>> = BTreeMap::new();
                for (index, at) in list.iter() {
                    let part = parts.entry(index / length).or_default();
                    part.push((index % length, *at));
                }
                parts
                    .into_iter()
                    .map(|(piece, part)| (piece, Self::List(part.into())))
                    .collect()
            }
        }
    }
}

impl Pick {
    /// Whether this is every element of an object of `shape`.
    #[must_use]
    pub fn covers(&self, shape: &[usize]) -> bool {
        match self {
            Self::Box(axes) => axes
                .iter()
                .zip(shape)
                .all(|(along, length)| along.covers(*length)),
            Self::Points(_) => false,
        }
    }

    /// Whether nothing is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Box(axes) => axes.iter().any(|along| match along {
                Along::Run { count, .. } => *count == 0,
                Along::List(list) => list.is_empty(),
            }),
            Self::Points(points) => points.at.is_empty(),
        }
    }

    /// The lowest and the highest place, if every index lies within `shape` and every place fits.
    pub(super) fn places(&self, shape: &[usize]) -> Option<(isize, isize)> {
        match self {
            Self::Box(axes) => {
                if axes.len() != shape.len() {
                    return None;
                }
                let (mut low, mut high) = (0isize, 0isize);
                for (along, length) in axes.iter().zip(shape) {
                    let (largest, lowest, highest) = along.extent()?;
                    if largest >= *length {
                        return None;
                    }
                    low = low.checked_add(lowest)?;
                    high = high.checked_add(highest)?;
                }
                Some((low, high))
            }
            Self::Points(points) => {
                let rank = shape.len();
                if points.indices.len() != points.at.len().checked_mul(rank)? {
                    return None;
                }
                let is_inside =
                    |index: &[usize]| index.iter().zip(shape).all(|(at, length)| at < length);
                if !points.iter(rank).all(|(index, _)| is_inside(index)) {
                    return None;
                }
                Some((*points.at.iter().min()?, *points.at.iter().max()?))
            }
        }
    }

    /// What is meant of each inner chunk of `shape`.
    pub(super) fn cut(&self, shape: &[usize]) -> Cut {
        match self {
            Self::Box(axes) => Cut::Box(
                axes.iter()
                    .zip(shape)
                    .map(|(along, length)| along.cut(*length))
                    .collect(),
            ),
            Self::Points(points) => {
                let mut parts: BTreeMap<Vec<usize>, Points> = BTreeMap::new();
                for (index, at) in points.iter(shape.len()) {
                    let piece = index.iter().zip(shape).map(|(at, length)| at / length);
                    let part = parts.entry(piece.collect()).or_default();
                    let inside = index.iter().zip(shape).map(|(at, length)| at % length);
                    part.indices.extend(inside);
                    part.at.push(at);
                }
                Cut::Points(parts.into_iter().collect())
            }
        }
    }
}

/// A pick, inner chunk by inner chunk.
#[derive(Debug)]
pub(super) enum Cut {
    Box(Vec<Vec<(usize, Along)>>),
    Points(Vec<(Vec<usize>, Points)>),
}

impl Cut {
    /// How many inner chunks are touched.
    pub fn len(&self) -> usize {
        match self {
            Self::Box(axes) => axes.iter().map(Vec::len).product(),
            Self::Points(parts) => parts.len(),
        }
    }

    /// The index of the `number`th inner chunk that is touched.
    pub fn index(&self, number: usize) -> Vec<usize> {
        match self {
            Self::Points(parts) => parts[number].0.clone(),
            Self::Box(axes) => {
                let mut rest = number;
                let mut index = vec![0; axes.len()];
                for (axis, parts) in axes.iter().enumerate().rev() {
                    index[axis] = parts[rest % parts.len()].0;
                    rest /= parts.len();
                }
                index
            }
        }
    }

    /// What is meant of the `number`th inner chunk that is touched.
    pub fn piece(&self, number: usize) -> Pick {
        match self {
            Self::Points(parts) => Pick::Points(parts[number].1.clone()),
            Self::Box(axes) => {
                let mut rest = number;
                let mut alongs = Vec::with_capacity(axes.len());
                for parts in axes.iter().rev() {
                    alongs.push(parts[rest % parts.len()].1.clone());
                    rest /= parts.len();
                }
                alongs.reverse();
                Pick::Box(alongs)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(along: &Along) -> Vec<(usize, isize)> {
        match along {
            Along::List(list) => list.to_vec(),
            Along::Run {
                first,
                step,
                count,
                at,
                stride,
            } => (0..*count)
                .map(|k| (first + k * step, at + k.cast_signed() * stride))
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn pieces_of_a_run_are_the_run(
            first in 0usize..50, step in 1usize..9, count in 1usize..40, at in -9isize..9, stride in -9isize..9,
            length in 1usize..20,
        ) {
            let run = Along::Run { first, step, count, at, stride };
            let all: Vec<_> = run
                .cut(length)
                .iter()
                .flat_map(|(piece, part)| {
                    let start = piece * length;
                    pairs(part).into_iter().map(move |(index, at)| {
                        assert!(index < length);
                        (start + index, at)
                    })
                })
                .collect();
            prop_assert_eq!(&all, &pairs(&run));
            let list = Along::List(all.clone().into());
            let again: Vec<_> = list
                .cut(length)
                .iter()
                .flat_map(|(piece, part)| pairs(part).into_iter().map(move |(index, at)| (piece * length + index, at)))
                .collect();
            prop_assert_eq!(again, all);
        }
    }

    #[test]
    fn points_without_axes_are_one_element() {
        let points = Points {
            indices: Vec::new(),
            at: vec![8],
        };
        assert_eq!(points.iter(0).collect::<Vec<_>>(), [(&[][..], 8)]);
        assert_eq!(Pick::Points(points).cut(&[]).len(), 1);
    }
}

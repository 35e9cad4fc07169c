//! zarr-python's selections of chunks as picks: which elements, and where in an array each of them lies.

use craton::objects::object::{Along, Pick, Points};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PySlice, PySliceMethods, PyTuple};

/// How an array lies in memory: lengths and strides of its axes.
pub(crate) struct Lies {
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
}

impl Lies {
    /// Offsets from the first byte to the lowest and past the highest.
    pub fn extent(&self, size: usize) -> (isize, isize) {
        if self.shape.contains(&0) {
            return (0, 0);
        }
        let (mut low, mut high) = (0isize, size.cast_signed());
        for (length, stride) in self.shape.iter().zip(&self.strides) {
            let span = (length - 1).cast_signed().saturating_mul(*stride);
            low = low.saturating_add(span.min(0));
            high = high.saturating_add(span.max(0));
        }
        (low, high)
    }
}

/// What is selected along an axis.
#[derive(Debug, Clone, PartialEq)]
enum Selected {
    At(usize),
    Run {
        first: usize,
        step: usize,
        count: usize,
    },
    /// Indices, and the shape of their array.
    List(Vec<usize>, Vec<usize>),
}

impl Selected {
    /// The selection of an axis of `length`; `None` if it is of no kind that zarr makes.
    fn read(selection: &Bound<'_, PyAny>, length: usize) -> PyResult<Option<Self>> {
        if let Ok(slice) = selection.cast::<PySlice>() {
            let indices = slice.indices(length.cast_signed())?;
            let parts = usize::try_from(indices.start)
                .ok()
                .zip(usize::try_from(indices.step).ok());
            let count = indices.slicelength;
            return Ok(parts.map(|(first, step)| Self::Run { first, step, count }));
        }
        if let Ok(index) = selection.extract::<usize>() {
            return Ok((index < length).then_some(Self::At(index)));
        }
        let kind = selection
            .getattr("dtype")
            .and_then(|dtype| dtype.getattr("kind"));
        let selection = match kind.and_then(|kind| kind.extract::<char>()) {
            Ok('i') => selection.clone(),
            Ok('b') => selection.call_method0("nonzero")?.get_item(0)?,
            _ => return Ok(None),
        };
        let Ok(buffer) = PyBuffer::<isize>::get(&selection) else {
            return Ok(None);
        };
        let indices = buffer.to_vec(selection.py())?;
        let indices: Option<Vec<usize>> = indices
            .into_iter()
            .map(|index| usize::try_from(index).ok().filter(|index| *index < length))
            .collect();
        Ok(indices.map(|indices| Self::List(indices, buffer.shape().to_vec())))
    }

    /// Selections of several axes; `None` if there are more or fewer of them, or if they are unusual.
    fn of_axes(selection: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<Option<Vec<Self>>> {
        let py = selection.py();
        let several = match selection.cast::<PyTuple>() {
            Ok(several) => several.clone(),
            Err(_) => PyTuple::new(py, [selection])?,
        };
        if several.len() != shape.len() {
            return Ok(None);
        }
        let read = several
            .iter()
            .zip(shape)
            .map(|(selection, length)| Self::read(&selection, *length));
        let read: PyResult<Option<Vec<Self>>> = read.collect();
        read
    }

    fn len(&self) -> usize {
        match self {
            Self::At(_) => 1,
            Self::Run { count, .. } => *count,
            Self::List(list, _) => list.len(),
        }
    }

    /// The same indices as a run, where they are evenly spaced.
    fn simplified(self) -> Self {
        let Self::List(list, _) = &self else {
            return self;
        };
        let (Some(first), Some(second)) = (list.first(), list.get(1)) else {
            return match list.first() {
                Some(first) => Self::run(*first, 1, 1),
                None => Self::run(0, 1, 0),
            };
        };
        let step = second.checked_sub(*first).filter(|step| *step > 0);
        match step.filter(|step| {
            list.windows(2)
                .all(|two| two[1] == two[0].wrapping_add(*step))
        }) {
            Some(step) => Self::run(*first, step, list.len()),
            None => self,
        }
    }

    fn run(first: usize, step: usize, count: usize) -> Self {
        Self::Run { first, step, count }
    }

    fn index(&self, at: usize) -> usize {
        match self {
            Self::At(index) => *index,
            Self::Run { first, step, .. } => first + step * at,
            Self::List(list, _) => list[at],
        }
    }

    /// These indices of a chunk, at the places of `out` along an array's axis of this stride.
    fn along(&self, out: &Self, stride: isize) -> Along {
        match (self, out) {
            (
                Self::Run { first, step, count },
                Self::Run {
                    first: to,
                    step: by,
                    ..
                },
            ) => Along::Run {
                first: *first,
                step: *step,
                count: *count,
                at: to.cast_signed() * stride,
                stride: by.cast_signed() * stride,
            },
            _ => {
                let pair = |at| (self.index(at), out.index(at).cast_signed() * stride);
                Along::List((0..self.len()).map(pair).collect())
            }
        }
    }

    /// These indices of a chunk, all at one place.
    fn at_one_place(&self) -> Along {
        let here = |first, step, count| Along::Run {
            first,
            step,
            count,
            at: 0,
            stride: 0,
        };
        match self {
            Self::At(index) => here(*index, 1, 1),
            Self::Run { first, step, count } => here(*first, *step, *count),
            Self::List(list, _) => Along::List(list.iter().map(|index| (*index, 0)).collect()),
        }
    }
}

/// Whether index arrays are an open mesh, as `numpy.ix_` makes it: the `n`th of them is long along axis `n` only.
fn is_mesh(selected: &[Selected]) -> bool {
    selected.iter().enumerate().all(|(axis, one)| match one {
        Selected::List(list, shape) => {
            shape.len() == selected.len() && shape.get(axis) == Some(&list.len())
        }
        _ => false,
    })
}

/// Selections as they are combined with each other: `Some(true)` for every combination, `Some(false)` for one after the other.
fn is_product(selected: &[Selected]) -> Option<bool> {
    let lists: Vec<&[usize]> = selected
        .iter()
        .filter_map(|one| match one {
            Selected::List(_, shape) => Some(&shape[..]),
            _ => None,
        })
        .collect();
    let has_index = selected.iter().any(|one| matches!(one, Selected::At(_)));
    match lists[..] {
        [] => Some(true),
        [shape] if shape.len() == 1 && !has_index => Some(true),
        _ if is_mesh(selected) => Some(true),
        _ if lists.len() == selected.len()
            && lists
                .iter()
                .all(|shape| shape.len() == 1 && *shape == lists[0]) =>
        {
            Some(false)
        }
        _ => None,
    }
}

/// The pick of one chunk; `None` if the selections are of no kind that zarr makes. An array without axes is one value for all.
pub(crate) fn pick(
    chunk: &Bound<'_, PyAny>,
    out: &Bound<'_, PyAny>,
    dropped: &[usize],
    chunk_shape: &[usize],
    lies: &Lies,
    is_value: bool,
) -> PyResult<Option<Pick>> {
    let Some(selected) = Selected::of_axes(chunk, chunk_shape)? else {
        return Ok(None);
    };
    let Some(is_product) = is_product(&selected) else {
        return Ok(None);
    };
    let is_one_value = is_value && lies.shape.is_empty();
    if is_product && is_one_value {
        return Ok(Some(Pick::Box(
            selected.iter().map(Selected::at_one_place).collect(),
        )));
    }
    let places = match is_one_value {
        true => Vec::new(),
        false => match Selected::of_axes(out, &lies.shape)? {
            Some(places) => places,
            None => return Ok(None),
        },
    };
    if is_product {
        product(selected, places, dropped, lies)
    } else {
        Ok(points(&selected, &places, lies, is_one_value))
    }
}

fn product(
    selected: Vec<Selected>,
    places: Vec<Selected>,
    dropped: &[usize],
    lies: &Lies,
) -> PyResult<Option<Pick>> {
    let is_plain = |place: &Selected| matches!(place, Selected::Run { .. });
    let one_list = places.len() - places.iter().filter(|place| is_plain(place)).count() <= 1
        && places.iter().all(|place| match place {
            Selected::List(_, shape) => shape.len() == 1,
            Selected::At(_) => false,
            Selected::Run { .. } => true,
        });
    if !one_list && !is_mesh(&places) {
        return Ok(None);
    }
    let mut places = places
        .into_iter()
        .map(Selected::simplified)
        .zip(&lies.strides);
    let mut alongs = Vec::with_capacity(selected.len());
    for (axis, one) in selected.into_iter().enumerate() {
        let one = one.simplified();
        if matches!(one, Selected::At(_)) || dropped.contains(&axis) {
            if one.len() != 1 {
                return Ok(None);
            }
            alongs.push(one.at_one_place());
            continue;
        }
        match places.next() {
            Some((place, stride)) if place.len() == one.len() => {
                alongs.push(one.along(&place, *stride));
            }
            // Broadcast, which is for NumPy to judge.
            _ => return Ok(None),
        }
    }
    Ok(places.next().is_none().then_some(Pick::Box(alongs)))
}

fn points(
    selected: &[Selected],
    places: &[Selected],
    lies: &Lies,
    is_one_value: bool,
) -> Option<Pick> {
    let count = selected.first()?.len();
    let at = match (places, &lies.strides[..]) {
        (_, []) if is_one_value => vec![0; count],
        ([place], [stride]) if place.len() == count => (0..count)
            .map(|point| place.index(point).cast_signed() * stride)
            .collect(),
        _ => return None,
    };
    let indices = (0..count).flat_map(|point| selected.iter().map(move |one| one.index(point)));
    Some(Pick::Points(Points {
        indices: indices.collect(),
        at,
    }))
}

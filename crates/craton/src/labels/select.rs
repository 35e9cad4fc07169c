//! Selection by position and by label.

use super::align::take;
use super::stack::{LEVELS, is_stacked};
use super::{DataArray, Dataset, Variable};
use crate::calendar::{
    count_from_date, date_from_count, iso_string, parse_range, time_nanoseconds,
};
use crate::session::Session;
use craton_core::{Block, Calendar, DType, Error, ErrorKind, Result, Scalar, TimeKind};
use craton_plan::ops::{self, AxisIndex};

/// What is taken along a dimension, by position.
#[derive(Clone, Debug, PartialEq)]
pub enum PositionSelection {
    /// One index, counted from the end if negative; the dimension disappears.
    At(i64),
    /// Python's `start:stop:step`.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// Listed indices.
    List(Vec<i64>),
}

/// A label as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Label {
    /// A number.
    Number(Scalar),
    /// A text: a string label, or a date or part of one.
    Text(String),
}

/// What is taken along a dimension, by label.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelSelection {
    /// One label; a partial date takes the whole span.
    At(Label),
    /// All labels from the first to the last, both included.
    Slice(Option<Label>, Option<Label>, Option<i64>),
    /// Listed labels.
    List(Vec<Label>),
}

/// How a label is found that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Method {
    /// Not at all.
    #[default]
    Exact,
    /// The closest label.
    Nearest,
    /// The last label before.
    Pad,
    /// The next label after.
    Backfill,
}

impl DataArray {
    /// Takes positions along a dimension, of the array and its coordinates.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions, [`craton_core::ErrorKind::InvalidInput`] for
    /// positions outside, or a slice that takes nothing of something.
    pub fn select_positions(&self, dim: &str, selection: &PositionSelection) -> Result<Self> {
        self.select_positions_or_none(dim, selection, false)
    }

    /// As [`DataArray::select_positions`]; a slice may take nothing if `allows_empty`.
    ///
    /// # Errors
    /// As [`DataArray::select_positions`].
    pub fn select_positions_or_none(
        &self,
        dim: &str,
        selection: &PositionSelection,
        allows_empty: bool,
    ) -> Result<Self> {
        let length = self.variable.shape()[self.axis(dim)?];
        match selection {
            PositionSelection::At(index) => {
                self.index_along(dim, AxisIndex::At(position(*index, length, dim)?))
            }
            PositionSelection::List(indices) => {
                let indices: Result<Vec<u64>> = indices
                    .iter()
                    .map(|index| position(*index, length, dim))
                    .collect();
                take(self, dim, &indices?)
            }
            PositionSelection::Slice(start, stop, step) => {
                let range = slice_range(*start, *stop, *step, length)?;
                if matches!(range, AxisIndex::Range { length: 0, .. })
                    && length > 0
                    && !allows_empty
                {
                    let message = format!(
                        "the slice {} takes nothing of `{dim}`, which has {length} elements",
                        slice_text(*start, *stop, *step)
                    );
                    return Err(Error::invalid(message)
                        .hint(format!("positions of `{dim}` run from 0 to {}", length - 1)));
                }
                self.index_along(dim, range)
            }
        }
    }

    fn index_along(&self, dim: &str, taken: AxisIndex) -> Result<Self> {
        self.map_variables(|variable| {
            let Some(axis) = variable.axis(dim) else {
                return Ok(variable.clone());
            };
            let mut axes: Vec<AxisIndex> = variable
                .shape()
                .iter()
                .map(|length| AxisIndex::all(*length))
                .collect();
            axes[axis] = taken;
            let mut dims = variable.dims.clone();
            let mut attributes = variable.attributes.clone();
            if matches!(taken, AxisIndex::At(_)) {
                dims.remove(axis);
                if is_stacked(dim, variable) {
                    attributes.shift_remove(LEVELS);
                }
            }
            Variable::new(dims, ops::index(&variable.node, &axes)?, attributes)
        })
    }

    /// Takes labels along a dimension.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions and labels, with the range of labels that exist;
    /// [`craton_core::ErrorKind::InvalidInput`] for a slice that takes nothing, with the slice that works.
    pub fn select_labels(
        &self,
        dim: &str,
        selection: &LabelSelection,
        method: Method,
        tolerance: Option<Distance>,
        session: &Session,
    ) -> Result<Self> {
        let labels = self.labels(dim, session)?;
        match selection {
            LabelSelection::At(label) => match labels.find(label, method, tolerance)? {
                Found::One(at) => self.index_along(dim, AxisIndex::At(at)),
                Found::Run(start, length) => self.index_along(
                    dim,
                    AxisIndex::Range {
                        start,
                        length,
                        step: 1,
                    },
                ),
                Found::Many(list) => take(self, dim, &list),
            },
            LabelSelection::List(list) => {
                let mut indices = Vec::new();
                for label in list {
                    indices.extend(labels.find(label, method, tolerance)?.places());
                }
                take(self, dim, &indices)
            }
            LabelSelection::Slice(start, stop, step) => {
                let (first, length) =
                    labels.slice(start.as_ref(), stop.as_ref(), session.allows_empty())?;
                let part = self.index_along(
                    dim,
                    AxisIndex::Range {
                        start: first,
                        length,
                        step: 1,
                    },
                )?;
                match step {
                    Some(step) if *step != 1 => part
                        .select_positions(dim, &PositionSelection::Slice(None, None, Some(*step))),
                    _ => Ok(part),
                }
            }
        }
    }

    fn labels<'a>(&self, dim: &'a str, session: &Session) -> Result<Labels<'a>> {
        self.axis(dim)?;
        let index = self.index(dim).ok_or_else(|| {
            Error::invalid(format!("dimension `{dim}` has no labels"))
                .hint(format!("`.isel({dim}=…)` selects by position"))
        })?;
        Labels::of(dim, index, session)
    }
}

impl Dataset {
    /// Applies a selection along `dim` to every variable and coordinate that has it.
    ///
    /// # Errors
    /// What `select` reports; [`craton_core::ErrorKind::NotFound`] for unknown dimensions.
    pub fn select(
        &self,
        dim: &str,
        select: impl Fn(&DataArray) -> Result<DataArray>,
    ) -> Result<Self> {
        let mut out = self.map_arrays(&[dim.to_owned()], |array| {
            if array.variable.axis(dim).is_some() {
                select(array)
            } else {
                Ok(array.clone())
            }
        })?;
        for (name, coord) in &self.coords {
            if coord.axis(dim).is_some() && !out.coords.contains_key(name) {
                let selected = select(&self.array(name)?)?;
                // A selection may drop the coordinate that it leaves without dimensions.
                if selected.coords.contains_key(name) {
                    out.coords.insert(name.clone(), selected.variable);
                }
            }
        }
        Ok(out)
    }
}

pub(crate) fn position(index: i64, length: u64, dim: &str) -> Result<u64> {
    let from_start = if index < 0 {
        i128::from(index) + i128::from(length)
    } else {
        i128::from(index)
    };
    u64::try_from(from_start)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| {
            Error::invalid(format!(
                "index {index} is outside dimension `{dim}`, which has {length} elements"
            ))
        })
}

/// Python's rules for `start:stop:step`.
pub(crate) fn slice_range(
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
    length: u64,
) -> Result<AxisIndex> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::invalid("a slice's step is 0"));
    }
    let length = i128::from(length);
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let clamp = |value: i64| {
        let value = i128::from(value);
        (if value < 0 { value + length } else { value }).clamp(low, high)
    };
    let start = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let distance = if step > 0 { stop - start } else { start - stop };
    let count = if distance <= 0 {
        0
    } else {
        (distance - 1) / i128::from(step.unsigned_abs()) + 1
    };
    let start = if count == 0 {
        0
    } else {
        u64::try_from(start).unwrap_or(0)
    };
    Ok(AxisIndex::Range {
        start,
        length: u64::try_from(count).unwrap_or(0),
        step,
    })
}

fn slice_text(start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> String {
    let part = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    let step = step.map_or_else(String::new, |step| format!(":{step}"));
    format!("{}:{}{step}", part(start), part(stop))
}

/// How far apart labels may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// As numbers; nanoseconds between times.
    Number(f64),
    /// A length of time.
    Nanoseconds(i64),
}

impl Distance {
    /// The distance in which labels of `dtype` are counted.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] for a length of time between what are no times.
    pub fn among(self, dim: &str, dtype: DType) -> Result<f64> {
        let per_count = match dtype {
            DType::Time(time) => time_nanoseconds(1, time),
            _ => None,
        };
        match (self, per_count) {
            (Self::Number(distance), None) => Ok(distance),
            (Self::Number(nanoseconds), Some(length)) => Ok(nanoseconds / length as f64),
            (Self::Nanoseconds(nanoseconds), Some(length)) => {
                Ok(nanoseconds as f64 / length as f64)
            }
            (Self::Nanoseconds(_), None) => Err(Error::invalid(format!(
                "a length of time as a distance along `{dim}`, whose labels are no times"
            ))
            .hint("give a number in the unit of the labels")),
        }
    }
}

/// The position of each of `wanted` among the labels of an index, where there is one.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if a label stands there more than once, or is of another kind.
pub(crate) fn find_places(
    dim: &str,
    index: &Variable,
    wanted: &[Label],
    method: Method,
    tolerance: Option<Distance>,
    session: &Session,
) -> Result<Vec<Option<u64>>> {
    let labels = Labels::of(dim, index, session)?;
    let place = |label: &Label| match labels.find(label, method, tolerance) {
        Ok(Found::One(at) | Found::Run(at, 1)) => Ok(Some(at)),
        Ok(_) => Err(Error::invalid(format!(
            "the label {} stands more than once along `{dim}`",
            label.text()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    wanted.iter().map(place).collect()
}

/// Every position of `label` among labels that may repeat.
pub(super) fn all_places(
    dim: &str,
    index: &Variable,
    label: &Label,
    session: &Session,
) -> Result<Vec<u64>> {
    let labels = Labels::of(dim, index, session)?;
    Ok(labels.find(label, Method::Exact, None)?.places())
}

/// The labels of one dimension, for searching.
pub(super) struct Labels<'a> {
    dim: &'a str,
    block: Block,
    /// Numbers and times as doubles in label order; times as exact counts too.
    keys: Keys,
}

enum Keys {
    Numbers(Vec<f64>),
    Counts(Vec<i64>),
    Texts(Vec<String>),
}

pub(super) enum Found {
    One(u64),
    Run(u64, u64),
    Many(Vec<u64>),
}

impl Found {
    pub(super) fn places(self) -> Vec<u64> {
        match self {
            Self::One(at) => vec![at],
            Self::Run(start, length) => (start..start + length).collect(),
            Self::Many(list) => list,
        }
    }
}

/// Where a wanted value lies among labels: as a span of counts or numbers, first to last included.
enum Wanted {
    Number(f64),
    Span {
        first: i64,
        last: i64,
        is_exact: bool,
    },
    Text(String),
}

impl<'a> Labels<'a> {
    pub(super) fn of(dim: &'a str, index: &Variable, session: &Session) -> Result<Self> {
        let block = index.values(session)?;
        let keys = match index.dtype() {
            DType::Time(_) => Keys::Counts(
                block
                    .scalars()
                    .filter_map(|scalar| scalar.to_i64())
                    .collect(),
            ),
            dtype if dtype.is_numeric() => Keys::Numbers(
                block
                    .scalars()
                    .filter_map(|scalar| scalar.to_f64())
                    .collect(),
            ),
            _ => Keys::Texts(
                block
                    .scalars()
                    .filter_map(|scalar| scalar.to_text())
                    .collect(),
            ),
        };
        Ok(Self { dim, block, keys })
    }

    fn wanted(&self, label: &Label) -> Result<Wanted> {
        let mismatch = || {
            let kind = self.block.dtype();
            Error::invalid(format!(
                "the label {} does not fit `{}`, whose labels are {kind}",
                label.text(),
                self.dim
            ))
        };
        match (&self.keys, label) {
            (Keys::Numbers(_), Label::Number(number)) => {
                number.to_f64().map(Wanted::Number).ok_or_else(mismatch)
            }
            (Keys::Counts(_), Label::Number(number)) if number.dtype() == self.block.dtype() => {
                let count = number.to_i64().ok_or_else(mismatch)?;
                Ok(Wanted::Span {
                    first: count,
                    last: count,
                    is_exact: true,
                })
            }
            (Keys::Texts(_), Label::Text(text)) => Ok(Wanted::Text(text.clone())),
            (Keys::Counts(_), Label::Text(text)) => {
                let DType::Time(time) = self.block.dtype() else {
                    return Err(mismatch());
                };
                if time.kind == TimeKind::Duration {
                    return Err(Error::unsupported("selecting durations by text"));
                }
                let (start, end) = parse_range(text, time.calendar)?;
                let count = |date| count_from_date(date, time.calendar, time.unit);
                let (first, end) = (count(start)?, count(end)?);
                // A text finer than a day names an instant, as in pandas; a coarser one the whole span.
                let is_exact = text.contains('T') || text.trim().contains(' ');
                Ok(Wanted::Span {
                    first,
                    last: (end - 1).max(first),
                    is_exact,
                })
            }
            _ => Err(mismatch()),
        }
    }

    pub(super) fn find(
        &self,
        label: &Label,
        method: Method,
        tolerance: Option<Distance>,
    ) -> Result<Found> {
        let wanted = self.wanted(label)?;
        let tolerance = tolerance.map(|most| most.among(self.dim, self.block.dtype()));
        let tolerance = tolerance.transpose()?;
        if let (Keys::Counts(counts), Wanted::Span { first, last, .. }, Method::Exact) =
            (&self.keys, &wanted, method)
        {
            let inside: Vec<u64> = (0..counts.len())
                .filter(|at| (*first..=*last).contains(&counts[*at]))
                .map(|at| at as u64)
                .collect();
            return match inside[..] {
                [] => Err(self.not_found(label)),
                [only] if counts[only as usize] == *first && self.names_instant(label) => {
                    Ok(Found::One(only))
                }
                [start, .., end] if end - start + 1 == inside.len() as u64 => {
                    Ok(Found::Run(start, end - start + 1))
                }
                [start] => Ok(Found::Run(start, 1)),
                _ => Ok(Found::Many(inside)),
            };
        }
        let distance: Box<dyn Fn(usize) -> f64> = match (&self.keys, &wanted) {
            (Keys::Numbers(numbers), Wanted::Number(number)) => {
                Box::new(move |at| numbers[at] - number)
            }
            (Keys::Counts(counts), Wanted::Span { first, .. }) => {
                Box::new(move |at| (counts[at] - first) as f64)
            }
            (Keys::Texts(texts), Wanted::Text(text)) => {
                let places: Vec<u64> = (0..texts.len())
                    .filter(|at| texts[*at] == *text)
                    .map(|at| at as u64)
                    .collect();
                return match places[..] {
                    [] => Err(self.not_found(label)),
                    [only] => Ok(Found::One(only)),
                    _ => Ok(Found::Many(places)),
                };
            }
            _ => return Err(self.not_found(label)),
        };
        let count = self.block.len();
        if method == Method::Exact {
            let places: Vec<u64> = (0..count)
                .filter(|at| distance(*at) == 0.0)
                .map(|at| at as u64)
                .collect();
            return match places[..] {
                [] => Err(self.not_found(label)),
                [only] => Ok(Found::One(only)),
                _ => Ok(Found::Many(places)),
            };
        }
        let allowed = |at: &usize| match method {
            Method::Pad => distance(*at) <= 0.0,
            Method::Backfill => distance(*at) >= 0.0,
            _ => !distance(*at).is_nan(),
        };
        let best = (0..count).filter(allowed).min_by(|one, other| {
            let (one, other) = (distance(*one), distance(*other));
            // Of two equally close labels pandas takes the larger one.
            one.abs()
                .total_cmp(&other.abs())
                .then(other.total_cmp(&one))
        });
        match best {
            Some(at) if tolerance.is_none_or(|tolerance| distance(at).abs() <= tolerance) => {
                Ok(Found::One(at as u64))
            }
            _ => Err(self.not_found(label)),
        }
    }

    /// Whether the text is as fine as the labels' own spacing, so that it names one of them.
    fn names_instant(&self, label: &Label) -> bool {
        let (
            Keys::Counts(counts),
            Ok(Wanted::Span {
                first,
                last,
                is_exact,
            }),
        ) = (&self.keys, self.wanted(label))
        else {
            return true;
        };
        // Where NumPy has no dates, xarray takes every text for a span.
        if matches!((self.block.dtype(), label), (DType::Time(time), Label::Text(_)) if time.calendar != Calendar::ProlepticGregorian)
        {
            return false;
        }
        let spacing = counts
            .windows(2)
            .map(|pair| pair[1].abs_diff(pair[0]))
            .min()
            .unwrap_or(0);
        is_exact || u64::try_from(last - first).is_ok_and(|span| counts.len() > 1 && span < spacing)
    }

    /// The run of labels from `start` to `stop`, both included, in the axis's own order.
    fn slice(
        &self,
        start: Option<&Label>,
        stop: Option<&Label>,
        allows_empty: bool,
    ) -> Result<(u64, u64)> {
        let count = self.block.len();
        let (start_key, stop_key) = (
            start.map(|label| self.wanted(label)).transpose()?,
            stop.map(|label| self.wanted(label)).transpose()?,
        );
        let order = self.direction().ok_or_else(|| {
            Error::invalid(format!(
                "a slice of `{}`, whose labels are in no order",
                self.dim
            ))
            .hint("`.sortby` puts them in order, or list the labels")
        })?;
        // -1, 0, 1: before, inside, after the slice when walking along the axis.
        let is_after_start = |at: usize| {
            start_key
                .as_ref()
                .is_none_or(|key| self.compare(at, key, false) * order >= 0)
        };
        let is_before_stop = |at: usize| {
            stop_key
                .as_ref()
                .is_none_or(|key| self.compare(at, key, true) * order <= 0)
        };
        let inside: Vec<usize> = (0..count)
            .filter(|at| is_after_start(*at) && is_before_stop(*at))
            .collect();
        match (inside.first(), inside.last()) {
            (Some(first), Some(last)) => Ok((*first as u64, (last - first + 1) as u64)),
            _ if count == 0 || allows_empty => Ok((0, 0)),
            _ => Err(self.empty_slice(start, stop, order)),
        }
    }

    /// -1, 0 or 1: the label at `at` lies before, in, or after the wanted value or span.
    fn compare(&self, at: usize, wanted: &Wanted, _is_stop: bool) -> i32 {
        let sign = |ordering: std::cmp::Ordering| ordering as i32;
        match (&self.keys, wanted) {
            (Keys::Numbers(numbers), Wanted::Number(number)) => {
                sign(numbers[at].total_cmp(&(number + 0.0)))
            }
            (Keys::Counts(counts), Wanted::Span { first, last, .. }) => {
                if counts[at] < *first {
                    -1
                } else {
                    i32::from(counts[at] > *last)
                }
            }
            (Keys::Texts(texts), Wanted::Text(text)) => sign(texts[at].as_str().cmp(text)),
            _ => 0,
        }
    }

    /// 1 if labels ascend, -1 if they descend.
    fn direction(&self) -> Option<i32> {
        let ordered = |pair: [usize; 2]| match &self.keys {
            Keys::Numbers(numbers) => numbers[pair[0]].partial_cmp(&numbers[pair[1]]),
            Keys::Counts(counts) => Some(counts[pair[0]].cmp(&counts[pair[1]])),
            Keys::Texts(texts) => Some(texts[pair[0]].cmp(&texts[pair[1]])),
        };
        let count = self.block.len();
        let all = |wanted: std::cmp::Ordering| {
            (1..count).all(|at| {
                ordered([at - 1, at]).is_some_and(|found| found == wanted || found.is_eq())
            })
        };
        if all(std::cmp::Ordering::Less) {
            Some(1)
        } else {
            all(std::cmp::Ordering::Greater).then_some(-1)
        }
    }

    fn range_text(&self) -> String {
        match self.block.len() {
            0 => format!("`{}` has no labels", self.dim),
            count => format!(
                "`{}` runs from {} to {}",
                self.dim,
                label_text(&self.block, 0),
                label_text(&self.block, count - 1)
            ),
        }
    }

    fn not_found(&self, label: &Label) -> Error {
        let error = Error::not_found(format!("no label {} along `{}`", label.text(), self.dim));
        let error = error.caused_by(Error::not_found(self.range_text()));
        if matches!(self.keys, Keys::Texts(_)) {
            error
        } else {
            error.hint("`method=\"nearest\"` takes the closest label")
        }
    }

    /// Longitudes one turn further, if the labels run from 0 to 360 and those that were asked for from -180 to 180, or
    /// the other way round.
    fn round_the_globe(&self, start: Option<&Label>, stop: Option<&Label>) -> Option<(f64, f64)> {
        if !self.dim.to_ascii_lowercase().starts_with("lon") {
            return None;
        }
        let number = |label: Option<&Label>| match label? {
            Label::Number(number) => number.to_f64(),
            Label::Text(_) => None,
        };
        let (start, stop) = (number(start)?, number(stop)?);
        let ends =
            [0, self.block.len() - 1].map(|at| self.block.get(at).and_then(|end| end.to_f64()));
        let [Some(first), Some(last)] = ends else {
            return None;
        };
        let turn = if stop < first { 360.0 } else { -360.0 };
        let (start, stop) = (start + turn, stop + turn);
        (start <= stop && start <= last && stop >= first).then_some((start, stop))
    }

    fn empty_slice(&self, start: Option<&Label>, stop: Option<&Label>, order: i32) -> Error {
        let text = |label: Option<&Label>| label.map_or_else(|| "None".to_owned(), Label::text);
        let message = format!(
            "the slice from {} to {} takes nothing of `{}`",
            text(start),
            text(stop),
            self.dim
        );
        let error = Error::invalid(message).caused_by(Error::invalid(self.range_text()));
        if let Some((start, stop)) = self.round_the_globe(start, stop) {
            return error.hint(format!(
                "the same longitudes are called `slice({start}, {stop})` here"
            ));
        }
        if order < 0 {
            return error.hint(format!(
                "labels descend: `slice({}, {})`",
                text(stop),
                text(start)
            ));
        }
        error.hint(format!(
            "choose labels within that range: `slice({}, {})`",
            label_text(&self.block, 0),
            label_text(&self.block, self.block.len() - 1)
        ))
    }
}

/// A label as it is written.
pub(super) fn label_text(labels: &Block, at: usize) -> String {
    let scalar = labels.get(at);
    match (labels.dtype(), &scalar) {
        (DType::Time(time), Some(scalar)) => {
            let date = scalar
                .to_i64()
                .and_then(|count| date_from_count(count, time));
            date.map_or_else(|| "NaT".to_owned(), iso_string)
        }
        (_, Some(scalar)) => scalar.to_string(),
        (_, None) => "nothing".to_owned(),
    }
}

impl Label {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("`{text}`"),
        }
    }
}

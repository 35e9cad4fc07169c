//! Several dimensions as one, and one as several again.
//!
//! The labels of a stacked dimension are texts such as `(90.0, 0.0)`; its levels are coordinates along it, which the
//! attribute `compress` names as CF does for dimensions that are gathered into one.

use super::select::{all_places, label_text};
use super::{Dataset, Fill, Label, PositionSelection, Variable, block_of, doubles};
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Block, DType, Error, Result, Scalar, Strings};
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::sync::Arc;

/// A point is held as one place along each dimension: beyond this many they need more memory than most values.
const MOST_POINTS: u64 = 1 << 26;

/// Pieces of which an axis is put together at most; each is a part of the plan.
const MOST_PIECES: u64 = 1 << 14;

/// CF's attribute of a dimension into which others are gathered.
pub(super) const LEVELS: &str = "compress";

/// Dimensions whose every mixture of indices is one point, the last one's running fastest.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    pub dims: Vec<(String, u64)>,
    /// For each point the index along each dimension.
    lists: Vec<Arc<[u64]>>,
}

impl Mixture {
    pub fn new(dims: Vec<(String, u64)>) -> Result<Self> {
        let count = dims
            .iter()
            .try_fold(1u64, |count, (_, length)| count.checked_mul(*length));
        let Some(count) = count.filter(|count| *count <= MOST_POINTS) else {
            let names: Vec<&str> = dims.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("the dimensions {names:?} have too many points to be one");
            return Err(Error::unsupported(message)
                .hint(format!("at most {MOST_POINTS}; select a part before")));
        };
        let mut after = count;
        let lists = dims.iter().map(|(_, length)| {
            after /= (*length).max(1);
            (0..count).map(|point| point / after % length).collect()
        });
        let lists = lists.collect();
        Ok(Self { dims, lists })
    }

    fn names(&self) -> Vec<String> {
        self.dims.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Values of an array over some of the dimensions, for each point.
    pub fn spread(&self, dims: &[(String, u64)], values: &[u64]) -> Result<Arc<[u64]>> {
        let count = self.lists.first().map_or(1, |list| list.len());
        let mut places = vec![0u64; count];
        for (dim, length) in dims {
            let own = self.dims.iter().position(|(name, _)| name == dim);
            let list = own.map(|at| &self.lists[at]);
            let list =
                list.ok_or_else(|| Error::internal("values along a dimension without points"))?;
            for (place, at) in places.iter_mut().zip(list.iter()) {
                *place = *place * length + at;
            }
        }
        let value = |place: &u64| values.get(usize::try_from(*place).ok()?).copied();
        let spread: Option<Vec<u64>> = places.iter().map(value).collect();
        spread
            .map(Arc::from)
            .ok_or_else(|| Error::internal("points without values"))
    }

    /// The variable with one dimension `new`, its last, in place of these; it need not have all of them.
    pub fn stacked(&self, variable: &Variable, new: &str) -> Result<Variable> {
        let is_stacked = |name: &str| self.dims.iter().any(|(dim, _)| dim == name);
        let (mut dims, mut shape): (Vec<String>, Vec<u64>) = variable
            .sizes()
            .filter(|(dim, _)| !is_stacked(dim))
            .map(|(dim, length)| (dim.to_owned(), length))
            .unzip();
        let first = dims.len();
        dims.extend(self.names());
        shape.extend(self.dims.iter().map(|(_, length)| *length));
        let whole = variable.expanded_to(&dims, &shape)?;
        let axes: Vec<usize> = (first..dims.len()).collect();
        let node = match axes.len() {
            1 => whole,
            _ => ops::points(&whole, &axes, &self.lists)?,
        };
        dims.truncate(first);
        dims.push(new.to_owned());
        Variable::new(dims, node, variable.attributes.clone())
    }

    /// The other way round: the last dimension taken apart into these.
    pub fn unstacked(&self, variable: &Variable) -> Result<Variable> {
        let axis = variable.dims.len().saturating_sub(1);
        let lengths: Vec<u64> = self.dims.iter().map(|(_, length)| *length).collect();
        let node = split_axis(&variable.node, axis, &lengths)?;
        let mut dims = variable.dims[..axis].to_vec();
        dims.extend(self.names());
        Variable::new(dims, node, variable.attributes.clone())
    }
}

/// One axis as several of some lengths, the last running fastest.
pub(super) fn split_axis(node: &NodeRef, axis: usize, lengths: &[u64]) -> Result<NodeRef> {
    let mut node = node.clone();
    let outer = &lengths[..lengths.len().saturating_sub(1)];
    for (axis, length) in (axis..).zip(outer) {
        let rest = node.shape()[axis] / (*length).max(1);
        let piece = |start: u64, length: u64, step: u64| {
            let all = node.shape().iter().map(|length| AxisIndex::all(*length));
            let mut axes: Vec<AxisIndex> = all.collect();
            axes[axis] = AxisIndex::Range {
                start,
                length,
                step: step.cast_signed(),
            };
            ops::index(&node, &axes)
        };
        let (pieces, place): (Result<Vec<NodeRef>>, usize) = match *length <= rest {
            true => (
                (0..*length).map(|row| piece(row * rest, rest, 1)).collect(),
                axis,
            ),
            false => (
                (0..rest)
                    .map(|column| piece(column, *length, rest))
                    .collect(),
                axis + 1,
            ),
        };
        if (*length).min(rest) > MOST_PIECES {
            let message = format!("an axis put together of {} pieces", (*length).min(rest));
            return Err(Error::unsupported(message)
                .hint(format!("at most {MOST_PIECES}; select a part before")));
        }
        node = ops::stack(&pieces?, place)?;
    }
    Ok(node)
}

/// The names of the levels of a stacked dimension.
pub(crate) fn levels_of(coords: &IndexMap<String, Variable>, dim: &str) -> Option<Vec<String>> {
    let index = coords.get(dim).filter(|index| is_stacked(dim, index))?;
    let names = index.attributes.get(LEVELS)?.as_text()?.split(' ');
    let names: Vec<String> = names.map(str::to_owned).collect();
    // Without one of its levels the dimension has texts for labels, and nothing more.
    let is_there = |name: &String| coords.get(name).is_some_and(|level| level.dims == [dim]);
    names.iter().all(is_there).then_some(names)
}

/// The labels of a stacked dimension whose levels have other names now.
pub(crate) fn rename_levels(index: &mut Variable, new: impl Fn(&str) -> String) {
    let is_index = matches!(index.dims.as_slice(), [dim] if is_stacked(dim, index));
    if let Some(AttributeValue::Text(names)) = index.attributes.get_mut(LEVELS).filter(|_| is_index)
    {
        let renamed: Vec<String> = names.split(' ').map(new).collect();
        *names = renamed.join(" ");
    }
}

/// Whether these are the labels of the stacked dimension `dim`.
pub(super) fn is_stacked(dim: &str, index: &Variable) -> bool {
    index.dtype() == DType::Utf8 && index.dims == [dim] && index.attributes.contains_key(LEVELS)
}

/// The labels of points: what their levels say, as Python would write it.
fn point_labels(dim: &str, names: &[String], levels: &[Block]) -> Result<Variable> {
    let count = levels.first().map_or(0, Block::len);
    let texts = (0..count).map(|at| {
        let parts = levels.iter().map(|level| match level.dtype() {
            DType::Utf8 | DType::FixedUtf8(_) => format!("'{}'", label_text(level, at)),
            _ => label_text(level, at),
        });
        format!("({})", parts.collect::<Vec<_>>().join(", "))
    });
    let texts: Vec<String> = texts.collect();
    let block = Block::strings(
        DType::Utf8,
        vec![count],
        Strings::from_items(texts.iter().map(String::as_bytes)),
    )?;
    let mut attributes = Attributes::new();
    attributes.insert(LEVELS.to_owned(), AttributeValue::Text(names.join(" ")));
    Variable::of_block(vec![dim.to_owned()], block, attributes)
}

impl Dataset {
    /// One dimension `new`, the last one of each variable, in place of `dims`, for every variable that has some of them.
    ///
    /// With `has_index` its labels are made of the labels of `dims`, or of their positions; these stay as coordinates
    /// along it, its levels.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] for unknown dimensions; [`craton_core::ErrorKind::InvalidInput`] if `new`
    /// exists, or a name is given twice or has a blank; [`craton_core::ErrorKind::Unsupported`] for more than 2²⁶ points.
    /// # Cost
    /// The places of all points are held, 8 bytes a point and dimension, and their labels.
    pub fn stack(
        &self,
        dims: &[String],
        new: &str,
        has_index: bool,
        session: &Session,
    ) -> Result<Self> {
        let lengths = dims.iter().map(|dim| Ok((dim.clone(), self.length(dim)?)));
        let mixture = Mixture::new(lengths.collect::<Result<_>>()?)?;
        if let Some(at) = (1..dims.len()).find(|at| dims[..*at].contains(&dims[*at])) {
            return Err(Error::invalid(format!("`{}` is stacked twice", dims[at])));
        }
        let is_left = self.get(new).is_some() && !dims.iter().any(|dim| dim == new);
        if is_left || self.sizes().contains_key(new) {
            return Err(Error::invalid(format!("there is a `{new}` already")));
        }
        if let Some(dim) = dims.iter().find(|dim| dim.contains(' ')) {
            return Err(Error::invalid(format!("a stacked dimension named `{dim}`"))
                .hint("`.rename` gives it a name without blanks"));
        }
        let mut out = self.map_all(|_, variable| {
            let has = |dim: &String| variable.axis(dim).is_some();
            match dims.iter().any(has) {
                true => mixture
                    .stacked(variable, new)?
                    .at_hand_if(variable, session),
                false => Ok(variable.clone()),
            }
        })?;
        if !has_index {
            return Ok(out);
        }
        let mut levels = Vec::new();
        for dim in dims {
            let level = match out.coords.get(dim) {
                Some(level) => level.at_hand(session)?,
                None => {
                    let length = self.length(dim)?;
                    let places: Vec<f64> = (0..length).map(|at| at as f64).collect();
                    let mut places = doubles(dim, &places)?;
                    places.node = ops::cast(&places.node, DType::Int64)?;
                    mixture.stacked(&places, new)?.at_hand(session)?
                }
            };
            levels.push(level.values(session)?);
            out.coords.insert(dim.clone(), level);
        }
        out.coords
            .insert(new.to_owned(), point_labels(new, dims, &levels)?);
        Ok(out)
    }

    /// The levels of a stacked dimension as dimensions again, the last ones of each variable, with labels in the order
    /// in which they first stand there.
    ///
    /// # Missing values
    /// Mixtures of labels without a point are filled.
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if the dimension is not a stacked one, or a point stands there twice.
    pub fn unstack(&self, dim: &str, fill: &Fill, session: &Session) -> Result<Self> {
        self.length(dim)?;
        let levels = levels_of(&self.coords, dim).ok_or_else(|| {
            Error::invalid(format!("`{dim}` is not a stacked dimension")).hint(format!(
                "`.set_index({dim}=[…])` makes levels of its coordinates"
            ))
        })?;
        let (mut dims, mut indexes, mut codes) = (Vec::new(), Vec::new(), vec![0u64]);
        for level in &levels {
            let coord = self
                .coords
                .get(level)
                .ok_or_else(|| Error::invalid(format!("`{dim}` lacks its level `{level}`")))?;
            let (own, labels) = first_met(&coord.values(session)?);
            let count = labels.len() as u64;
            codes.resize(own.len(), 0);
            for (code, own) in codes.iter_mut().zip(own) {
                *code = code.saturating_mul(count).saturating_add(own);
            }
            let labels = block_of(coord.dtype(), &labels)?;
            indexes.push(Variable::of_block(
                vec![level.clone()],
                labels,
                coord.attributes.clone(),
            )?);
            dims.push((level.clone(), count));
        }
        let mixture = Mixture::new(dims)?;
        let count = mixture.lists.first().map_or(0, |list| list.len());
        let mut places = vec![None; count];
        for (at, code) in codes.iter().enumerate() {
            let place = &mut places[usize::try_from(*code).unwrap_or(0)];
            if place.replace(at as u64).is_some() {
                let message = format!("a point stands along `{dim}` more than once");
                return Err(Error::invalid(message)
                    .hint(format!("`.drop_duplicates(\"{dim}\")` keeps one of each")));
            }
        }
        let is_whole = places
            .iter()
            .enumerate()
            .all(|(at, place)| *place == Some(at as u64));
        let mut bare = self.clone();
        bare.coords
            .retain(|name, _| name != dim && !levels.contains(name));
        let mut out = bare.map_all(|_, variable| {
            if variable.axis(dim).is_none() {
                return Ok(variable.clone());
            }
            let mut order: Vec<String> = variable.dims.clone();
            order.retain(|other| other != dim);
            order.push(dim.to_owned());
            let last = variable.transposed(&order)?;
            let full = match is_whole {
                true => last,
                false => last.at_places(dim, &places, fill)?,
            };
            mixture.unstacked(&full)?.at_hand_if(variable, session)
        })?;
        for (level, index) in levels.into_iter().zip(indexes) {
            out.coords.insert(level, index);
        }
        Ok(out)
    }

    /// The points of a stacked dimension at labels of some of its levels. One point has no dimension any more; a single
    /// level that is left gives the dimension its name.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::NotFound`] if there is no such point.
    pub fn select_levels(
        &self,
        dim: &str,
        wanted: &[(String, Label)],
        session: &Session,
    ) -> Result<Self> {
        let levels = levels_of(&self.coords, dim).unwrap_or_default();
        let count = self.length(dim)?;
        let mut places: Vec<i64> = (0..count as i64).collect();
        for (level, label) in wanted {
            let found = all_places(level, &self.array(level)?.variable, label, session)?;
            let mut is_found = vec![false; count as usize];
            for place in found {
                is_found[place as usize] = true;
            }
            places.retain(|place| is_found[*place as usize]);
        }
        let left: Vec<String> = levels
            .iter()
            .filter(|level| !wanted.iter().any(|(name, _)| name == *level))
            .cloned()
            .collect();
        let selection = match (places.as_slice(), left.is_empty()) {
            ([], _) => {
                let labels = wanted
                    .iter()
                    .map(|(level, label)| format!("{level}={}", label.text()));
                let labels = labels.collect::<Vec<_>>().join(", ");
                return Err(Error::not_found(format!("no point {labels} along `{dim}`")));
            }
            ([only], true) => PositionSelection::At(*only),
            _ => PositionSelection::List(places),
        };
        let mut out = self.select(dim, |array| array.select_positions(dim, &selection))?;
        if left.is_empty() {
            return Ok(out);
        }
        for (level, _) in wanted {
            let first = out.array(level)?;
            let first = first.select_positions(dim, &PositionSelection::At(0))?;
            out.coords.insert(level.clone(), first.variable);
        }
        out.coords.shift_remove(dim);
        match left.as_slice() {
            [only] => {
                let level = out.coords.shift_remove(only);
                let mut renamed = out.map_all(|_, variable| {
                    let mut variable = variable.clone();
                    for own in variable.dims.iter_mut().filter(|own| *own == dim) {
                        own.clone_from(only);
                    }
                    Ok(variable)
                })?;
                if let Some(mut level) = level {
                    level.dims = vec![only.clone()];
                    renamed.coords.insert(only.clone(), level);
                }
                Ok(renamed)
            }
            _ => out.with_levels(dim, &left, session),
        }
    }

    /// Coordinates along `dim` as its levels.
    ///
    /// # Errors
    /// [`craton_core::ErrorKind::InvalidInput`] if a coordinate is missing or does not run along `dim` alone.
    pub fn with_levels(&self, dim: &str, levels: &[String], session: &Session) -> Result<Self> {
        let mut out = self.clone();
        let mut blocks = Vec::new();
        for level in levels {
            let found = out
                .variables
                .shift_remove(level)
                .or_else(|| out.coords.get(level).cloned());
            let coord = found.filter(|coord| coord.dims == [dim]).ok_or_else(|| {
                Error::invalid(format!("`{level}` is no coordinate along `{dim}`"))
            })?;
            let coord = coord.at_hand(session)?;
            blocks.push(coord.values(session)?);
            out.coords.insert(level.clone(), coord);
        }
        out.coords
            .insert(dim.to_owned(), point_labels(dim, levels, &blocks)?);
        Ok(out)
    }
}

impl Variable {
    /// Computed now if what it was made of was at hand: labels stay readable.
    fn at_hand_if(self, before: &Self, session: &Session) -> Result<Self> {
        match before.is_at_hand() {
            true => self.at_hand(session),
            false => Ok(self),
        }
    }
}

/// For each value the number of the first that equals it, counting only those; and these.
fn first_met(values: &Block) -> (Vec<u64>, Vec<Scalar>) {
    let mut numbers: HashMap<Vec<u8>, u64> = HashMap::new();
    let mut labels = Vec::new();
    let codes = values.scalars().map(|value| {
        let next = labels.len() as u64;
        let number = *numbers.entry(value.bytes().to_vec()).or_insert(next);
        if number == next {
            labels.push(value);
        }
        number
    });
    (codes.collect(), labels)
}

//! One variable of all files: one source where all store it alike, else decoded parts one after the other.

use super::Files;
use super::order::{Order, Run};
use crate::labels::{Variable, common_time_type, in_time_type};
use crate::open::decode::{raw_variable, take_units_of_bounds};
use crate::units::Unit;
use craton_core::{DType, Error, Result, Source, TimeType};
use craton_format::combine::ConcatSource;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// What must agree for files to be one source.
const PACKING: [&str; 8] = [
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "_Unsigned",
    "units",
    "calendar",
    "dtype",
];

impl Files<'_> {
    /// The variable `name` of all files, along `axis` in `order`.
    pub(super) fn join(&self, name: &str, axis: usize, order: &Order) -> Result<Variable> {
        let mut stored: HashMap<usize, (Arc<dyn Source>, Variable)> = HashMap::new();
        for run in &order.runs {
            if let Entry::Vacant(place) = stored.entry(run.file) {
                place.insert(self.stored(name, run.file)?);
            }
        }
        let all = || order.runs.iter().filter_map(|run| stored.get(&run.file));
        let Some((_, first)) = all().next() else {
            return Err(Error::invalid("no file has a label"));
        };
        let is_alike = all().all(|(_, variable)| {
            let (one, other) = (&variable.attributes, &first.attributes);
            variable.dtype() == first.dtype()
                && PACKING
                    .iter()
                    .all(|name| one.get(*name) == other.get(*name))
        });
        let sources = all().map(|(source, _)| source.clone()).collect();
        if is_alike
            && order.is_whole
            && let Ok(source) = ConcatSource::new(sources, axis)
        {
            let source: Arc<dyn Source> = Arc::new(source);
            let mut variable = raw_variable(&source)?;
            variable.attributes = first.attributes.clone();
            return self
                .decoded(&variable)
                .map_err(|error| error.in_variable(name));
        }
        let mut decoded: HashMap<usize, Variable> = HashMap::new();
        for (file, (_, variable)) in &stored {
            let part = self
                .decoded(variable)
                .map_err(|error| error.in_variable(name).at(&self.urls[*file]))?;
            decoded.insert(*file, part);
        }
        self.concatenated(name, axis, order, decoded)
    }

    fn stored(&self, name: &str, file: usize) -> Result<(Arc<dyn Source>, Variable)> {
        let named = |error: Error| error.in_variable(name).at(&self.urls[file]);
        let group = self.groups[file];
        let source = group.array(name).map_err(named)?;
        let mut variable = raw_variable(source).map_err(named)?;
        // Before files are compared: bounds without units mean other times where the units of times differ.
        take_units_of_bounds(&mut variable.attributes, name, &group.arrays, self.options);
        Ok((source.clone(), variable))
    }

    fn concatenated(
        &self,
        name: &str,
        axis: usize,
        order: &Order,
        mut decoded: HashMap<usize, Variable>,
    ) -> Result<Variable> {
        let files: Vec<usize> = order.runs.iter().map(|run| run.file).collect();
        // Files of one calendar differ in resolution where some lie outside the range of nanoseconds.
        let times: Option<Vec<TimeType>> = files
            .iter()
            .map(|file| match decoded.get(file)?.dtype() {
                DType::Time(time) => Some(time),
                _ => None,
            })
            .collect();
        if let Some(common) = times.as_deref().and_then(common_time_type) {
            for variable in decoded.values_mut() {
                *variable = in_time_type(variable, common, self.session)?;
            }
        }
        let first = files[0];
        let Some(one) = decoded.get(&first).cloned() else {
            return Err(Error::internal("a file was not decoded"));
        };
        for file in &files {
            let Some(other) = decoded.get(file) else {
                continue;
            };
            let urls = [&self.urls[first], &self.urls[*file]];
            if one.dtype() != other.dtype() || one.dims != other.dims {
                let message = format!(
                    "`{name}` is {} {:?} in `{}` and {} {:?} in `{}`",
                    one.dtype(),
                    one.dims,
                    urls[0],
                    other.dtype(),
                    other.dims,
                    urls[1]
                );
                return Err(Error::invalid(message).in_variable(name));
            }
            check_units(name, [&one, other], urls)?;
        }
        let part = |run: &Run| {
            let variable = decoded.get(&run.file);
            let variable = variable.ok_or_else(|| Error::internal("a file was not decoded"))?;
            cut(&variable.node, axis, run)
        };
        let nodes: Vec<NodeRef> = order.runs.iter().map(part).collect::<Result<_>>()?;
        Variable::new(
            one.dims.clone(),
            ops::concat(&nodes, axis)?,
            one.attributes.clone(),
        )
    }
}

fn cut(node: &NodeRef, axis: usize, run: &Run) -> Result<NodeRef> {
    if run.start == 0 && run.length == node.shape()[axis] {
        return Ok(node.clone());
    }
    let mut axes: Vec<AxisIndex> = node
        .shape()
        .iter()
        .map(|length| AxisIndex::all(*length))
        .collect();
    axes[axis] = AxisIndex::Range {
        start: run.start,
        length: run.length,
        step: 1,
    };
    ops::index(node, &axes)
}

fn check_units(name: &str, variables: [&Variable; 2], urls: [&String; 2]) -> Result<()> {
    let [one, other] = variables.map(|variable| variable.attributes.get("units"));
    if one == other {
        return Ok(());
    }
    let texts = [one, other].map(|units| units.and_then(|units| units.as_text()));
    let parsed = texts.map(|text| text.and_then(Unit::parse));
    if let [Some(mine), Some(theirs)] = &parsed
        && mine.is_same_as(theirs)
    {
        return Ok(());
    }
    let shown =
        texts.map(|text| text.map_or_else(|| "no units".to_owned(), |text| format!("`{text}`")));
    let message = format!(
        "`{name}` is in {} in `{}` and in {} in `{}`",
        shown[0], urls[0], shown[1], urls[1]
    );
    let hint = match (&parsed, texts[0]) {
        ([Some(mine), Some(theirs)], Some(text)) if mine.is_convertible_to(theirs) => format!(
            "open them under different names, `a=URL b=URL`, and join `a.{name}` with `b.{name}.to_units(\"{text}\")`"
        ),
        _ => "convert one of the files first".to_owned(),
    };
    Err(Error::invalid(message).in_variable(name).hint(hint))
}

//! Many files as one: concatenated along the dimension in which their index coordinates differ.

use super::broken::keep_broken_indexes;
use super::decode::{
    decode_variable, load_indexes, promote_coordinates, raw_variable, set_aside, take_coordinates,
    take_units_of_bounds,
};
use super::{OpenOptions, StoredGroup};
use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{Error, Result, Scalar, Source};
use craton_format::combine::ConcatSource;
use craton_plan::{NodeRef, ops};
use std::cmp::Ordering;
use std::sync::Arc;

/// One dataset of all groups.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] if coordinates overlap or variables do not fit, naming the files.
pub(super) fn combine(
    groups: &[&StoredGroup],
    urls: &[String],
    options: OpenOptions,
    session: &Session,
) -> Result<Dataset> {
    let first = groups[0];
    let dim = concat_dimension(groups, urls, options, session)?;
    let order = order_along(&dim, groups, urls, options, session)?;
    let mut dataset = Dataset {
        attributes: first.attributes.clone(),
        broken: first.broken.clone(),
        ..Dataset::default()
    };
    let mut coords = take_coordinates(&mut dataset.attributes, options);
    for (name, source) in &first.arrays {
        let variable = raw_variable(source).and_then(|stored| match stored.axis(&dim) {
            Some(axis) => joined(name, axis, groups, urls, &order, options, session),
            None => {
                let mut stored = stored;
                take_units_of_bounds(&mut stored.attributes, name, &first.arrays, options);
                decoded(&stored, options, session)
            }
        });
        match variable {
            Ok(mut variable) => {
                coords.extend(take_coordinates(&mut variable.attributes, options));
                dataset.variables.insert(name.clone(), variable);
            }
            Err(error) => set_aside(&mut dataset, name, error)?,
        }
    }
    promote_coordinates(&mut dataset, &coords);
    load_indexes(&mut dataset, session)?;
    keep_broken_indexes(&mut dataset)?;
    Ok(dataset)
}

fn decoded(variable: &Variable, options: OpenOptions, session: &Session) -> Result<Variable> {
    if options.decodes_cf {
        decode_variable(variable, session)
    } else {
        Ok(variable.clone())
    }
}

/// The dimension whose index coordinate differs among the groups.
fn concat_dimension(
    groups: &[&StoredGroup],
    urls: &[String],
    options: OpenOptions,
    session: &Session,
) -> Result<String> {
    // The first two tell; the rest are checked when they are joined.
    let mut differing = Vec::new();
    for (name, source) in &groups[0].arrays {
        let one = raw_variable(source)?;
        if one.dims != [name.clone()] {
            continue;
        }
        let Some(other) = groups[1].arrays.get(name) else {
            continue;
        };
        let one = labels(&decoded(&one, options, session)?, session)?;
        let other = labels(&decoded(&raw_variable(other)?, options, session)?, session)?;
        if one != other {
            differing.push(name.clone());
        }
    }
    match differing.as_slice() {
        [dim] => Ok(dim.clone()),
        [] => Err(Error::invalid(format!(
            "`{}` and `{}` have the same coordinates everywhere",
            urls[0], urls[1]
        ))
        .hint("open them under different names: `a=URL b=URL`")),
        several => Err(Error::unsupported(format!(
            "files that differ along several dimensions: {}",
            several.join(", ")
        ))
        .hint("combine along one dimension at a time")),
    }
}

fn labels(variable: &Variable, session: &Session) -> Result<Vec<Scalar>> {
    Ok(variable.values(session)?.scalars().collect())
}

/// The groups in the order of their labels along `dim`, which must not overlap.
fn order_along(
    dim: &str,
    groups: &[&StoredGroup],
    urls: &[String],
    options: OpenOptions,
    session: &Session,
) -> Result<Vec<usize>> {
    let mut spans = Vec::new();
    for (at, (group, url)) in groups.iter().zip(urls).enumerate() {
        let named = |error: Error| error.at(url);
        let source = group.array(dim).map_err(named)?;
        let index = decoded(&raw_variable(source)?, options, session).map_err(named)?;
        let labels = labels(&index, session).map_err(named)?;
        if let (Some(first), Some(last)) = (labels.first(), labels.last()) {
            spans.push((at, index.dtype(), first.clone(), last.clone()));
        }
    }
    if let Some((at, dtype, ..)) = spans.iter().find(|span| span.1 != spans[0].1) {
        let message = format!(
            "`{dim}` is {dtype} in `{}` and {} in `{}`",
            urls[*at], spans[0].1, urls[spans[0].0]
        );
        return Err(Error::invalid(message)
            .hint("calendars and units must agree; convert one of the files first"));
    }
    let descends = spans
        .iter()
        .any(|(_, _, first, last)| compare(first, last).is_gt());
    spans.sort_by(|one, other| {
        let order = compare(&one.2, &other.2);
        if descends { order.reverse() } else { order }
    });
    for pair in spans.windows(2) {
        let order = compare(&pair[0].3, &pair[1].2);
        if order.is_eq() || order.is_gt() != descends {
            let message = format!(
                "`{}` and `{}` overlap along `{dim}`",
                urls[pair[0].0], urls[pair[1].0]
            );
            return Err(Error::invalid(message).hint("leave one of them out"));
        }
    }
    Ok(spans.into_iter().map(|span| span.0).collect())
}

fn compare(one: &Scalar, other: &Scalar) -> Ordering {
    match (one.to_i64(), other.to_i64(), one.to_f64(), other.to_f64()) {
        (Some(one), Some(other), _, _) => one.cmp(&other),
        (_, _, Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.bytes().cmp(other.bytes()),
    }
}

/// One variable of all groups: one source where all files store it alike, else decoded parts one after the other.
fn joined(
    name: &str,
    axis: usize,
    groups: &[&StoredGroup],
    urls: &[String],
    order: &[usize],
    options: OpenOptions,
    session: &Session,
) -> Result<Variable> {
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for at in order {
        sources.push(
            groups[*at]
                .array(name)
                .map_err(|error| error.at(&urls[*at]))?
                .clone(),
        );
    }
    let packing = [
        "_FillValue",
        "missing_value",
        "scale_factor",
        "add_offset",
        "_Unsigned",
        "units",
        "calendar",
        "dtype",
    ];
    let is_alike = sources.iter().all(|source| {
        let (one, other) = (&source.meta().attributes, &sources[0].meta().attributes);
        source.meta().dtype == sources[0].meta().dtype
            && packing
                .iter()
                .all(|name| one.get(*name) == other.get(*name))
    });
    if is_alike && let Ok(source) = ConcatSource::new(sources.clone(), axis) {
        let source: Arc<dyn Source> = Arc::new(source);
        let mut stored = raw_variable(&source)?;
        take_units_of_bounds(
            &mut stored.attributes,
            name,
            &groups[order[0]].arrays,
            options,
        );
        return decoded(&stored, options, session).map_err(|error| error.in_variable(name));
    }
    let mut parts: Vec<Variable> = Vec::new();
    for (source, at) in sources.iter().zip(order) {
        let named = |error: Error| error.in_variable(name).at(&urls[*at]);
        let mut stored = raw_variable(source).map_err(named)?;
        take_units_of_bounds(&mut stored.attributes, name, &groups[*at].arrays, options);
        parts.push(decoded(&stored, options, session).map_err(named)?);
    }
    if let Some(at) = parts
        .iter()
        .position(|part| part.dtype() != parts[0].dtype() || part.dims != parts[0].dims)
    {
        let (one, other) = (&parts[0], &parts[at]);
        let message = format!(
            "`{name}` is {} {:?} in `{}` and {} {:?} in `{}`",
            one.dtype(),
            one.dims,
            urls[order[0]],
            other.dtype(),
            other.dims,
            urls[order[at]]
        );
        return Err(Error::invalid(message).in_variable(name));
    }
    let units = |part: &Variable| part.attributes.get("units").cloned();
    if let Some(at) = parts
        .iter()
        .position(|part| units(part) != units(&parts[0]))
    {
        let message = format!(
            "`{name}` has different units in `{}` and `{}`",
            urls[order[0]], urls[order[at]]
        );
        return Err(Error::invalid(message)
            .in_variable(name)
            .hint("convert one of the files first"));
    }
    let nodes: Vec<NodeRef> = parts.iter().map(|part| part.node.clone()).collect();
    Variable::new(
        parts[0].dims.clone(),
        ops::concat(&nodes, axis)?,
        parts[0].attributes.clone(),
    )
}

//! The values of coordinates: order, gaps, duplicates, ranges.

use super::{Context, Kind, kind_of};
use crate::info::of_variable;
use crate::labels::Variable;
use crate::output::repr::short_text;
use craton_core::{Block, DType, ErrorKind, Result, Scalar};

/// Labels of more elements than this are not looked at one by one.
const MOST_LABELS: u64 = 50_000_000;

pub(super) fn of_group(context: &mut Context<'_>) -> Result<()> {
    for (name, source) in &context.group.arrays {
        let attributes = &source.meta().attributes;
        let kind = kind_of(name, attributes);
        let dataset = context.dataset;
        let Some(variable) = dataset
            .coords
            .get(name)
            .or_else(|| dataset.variables.get(name))
        else {
            continue;
        };
        let is_index = variable.dims == [name.clone()];
        let found = if is_index && variable.shape()[0] <= MOST_LABELS {
            of_index(context, name, variable, kind)
        } else {
            Ok(())
        };
        let found = found.and_then(|()| range(context, name, variable, kind));
        if let Err(error) = found {
            if error.kind() == ErrorKind::Cancelled {
                return Err(error);
            }
            // What the calendar rule says already is not said again.
            let is_told = context.findings.iter().any(|finding| {
                finding.variable.as_ref() == Some(name) && finding.rule == "calendar"
            });
            if is_told {
                continue;
            }
            let message = error.message().to_owned();
            context.error("readable", name, message, "fetch or write the file again");
        }
    }
    Ok(())
}

fn of_index(
    context: &mut Context<'_>,
    name: &str,
    variable: &Variable,
    kind: Option<Kind>,
) -> Result<()> {
    if !variable.dtype().is_numeric() && !matches!(variable.dtype(), DType::Time(_)) {
        return Ok(());
    }
    let labels = variable.values(context.session)?;
    let missing =
        (0..labels.len()).find(|at| labels.get(*at).is_some_and(|label| label.is_missing()));
    if let Some(at) = missing {
        let message = format!("label {at} is missing");
        context.error(
            "missing_labels",
            name,
            message,
            "labels of a dimension are all there",
        );
        return Ok(());
    }
    let Some(steps) = steps(&labels) else {
        return Ok(());
    };
    let text = |at: usize| {
        labels
            .get(at)
            .map_or_else(String::new, |label| short_text(&label))
    };
    let hint = "`.sortby(…)` orders and `.drop_duplicates(…)` keeps one of each; or leave out the file that brings them again";
    if let Some(at) = steps.iter().position(|step| *step == 0.0) {
        let count = steps.iter().filter(|step| **step == 0.0).count();
        let message = format!(
            "{count} labels stand twice, first `{}` at {at} and {}",
            text(at),
            at + 1
        );
        context.error("monotonic", name, message, hint);
        return Ok(());
    }
    let ascends = steps.iter().filter(|step| **step > 0.0).count() * 2 >= steps.len();
    if let Some(at) = steps.iter().position(|step| (*step > 0.0) != ascends) {
        let message = format!(
            "labels {} up to `{}` at {at} and turn to `{}` at {}",
            if ascends { "ascend" } else { "descend" },
            text(at),
            text(at + 1),
            at + 1
        );
        context.error("monotonic", name, message, hint);
        return Ok(());
    }
    if kind == Some(Kind::Time) {
        gaps(context, name, &labels, &steps);
    }
    Ok(())
}

/// From each label to the next; `None` of what has no differences.
#[allow(
    clippy::cast_precision_loss,
    reason = "only signs and rough sizes count"
)]
fn steps(labels: &Block) -> Option<Vec<f64>> {
    let pair = |at: usize| Some((labels.get(at)?, labels.get(at + 1)?));
    let step = |(one, other): (Scalar, Scalar)| match (one.to_i64(), other.to_i64()) {
        (Some(one), Some(other)) => Some(other.checked_sub(one)? as f64),
        _ => Some(other.to_f64()? - one.to_f64()?),
    };
    (0..labels.len().saturating_sub(1))
        .map(|at| pair(at).and_then(step))
        .collect()
}

/// Steps that are much longer than most: months and years differ among themselves by a tenth.
fn gaps(context: &mut Context<'_>, name: &str, labels: &Block, steps: &[f64]) {
    if steps.len() < 3 {
        return;
    }
    let mut sorted: Vec<f64> = steps.iter().map(|step| step.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let is_gap = |step: &&f64| step.abs() > 1.5 * usual;
    let count = steps.iter().filter(is_gap).count();
    let Some(at) = steps.iter().position(|step| is_gap(&step)) else {
        return;
    };
    let text = |at: usize| {
        labels
            .get(at)
            .map_or_else(String::new, |label| short_text(&label))
    };
    let missing = (steps[at].abs() / usual).round() - 1.0;
    let message = format!(
        "{count} {}, first after `{}` at {at}: {missing} labels up to `{}` are not there",
        if count == 1 { "gap" } else { "gaps" },
        text(at),
        text(at + 1)
    );
    let hint = "add the files of that time, or `.reindex(…)` to have missing values there";
    context.warn("gaps", name, message, hint);
}

fn range(
    context: &mut Context<'_>,
    name: &str,
    variable: &Variable,
    kind: Option<Kind>,
) -> Result<()> {
    let (low, high, span) = match kind {
        Some(Kind::Latitude) => (-90.0, 90.0, 180.0),
        Some(Kind::Longitude) => (-360.0, 720.0, 360.0),
        _ => return Ok(()),
    };
    if context.is_bounds(name) {
        return Ok(());
    }
    let Some(statistics) = of_variable(variable, context.session)? else {
        return Ok(());
    };
    let ends = [&statistics.min, &statistics.max].map(|end| end.as_ref().and_then(Scalar::to_f64));
    let [Some(least), Some(most)] = ends else {
        return Ok(());
    };
    // Single precision rounds poles away by a few units in the last place.
    let slack = 1e-4;
    let what = if span > 180.0 {
        "longitudes"
    } else {
        "latitudes"
    };
    if least < low - slack || most > high + slack {
        let message = format!("{what} run from {least} to {most}");
        let hint = "check units and missing values: they lie outside the globe";
        context.error("range", name, message, hint);
    } else if most - least > span + slack {
        let message = format!("{what} run from {least} to {most}, more than once round the globe");
        context.error(
            "range",
            name,
            message,
            "leave out the columns that come again",
        );
    }
    Ok(())
}

//! Labels of results and of a store: whether they are the same, follow each other, or are found among each other.

use crate::labels::{Dataset, Variable};
use crate::session::Session;
use craton_core::{Block, DType, Error, ErrorKind, Result, Scalar};
use craton_plan::ops::{self, AxisIndex};
use std::ops::Range;

/// Whether two variables hold the same values, in whatever types.
pub(super) fn are_equal(one: &Variable, other: &Variable, session: &Session) -> Result<bool> {
    let (one, other) = (one.values(session)?, other.values(session)?);
    let text = |block: &Block| -> Vec<Option<String>> {
        block.scalars().map(|value| value.to_text()).collect()
    };
    if one.dtype() != other.dtype() {
        let are_texts = |block: &Block| block.scalars().all(|value| value.to_text().is_some());
        if are_texts(&one) && are_texts(&other) {
            return Ok(text(&one) == text(&other));
        }
        // Labels of two precisions are equal if their numbers are.
        let number = |block: &Block| -> Vec<Option<f64>> {
            block.scalars().map(|value| value.to_f64()).collect()
        };
        let are_plain = one.dtype().is_numeric() && other.dtype().is_numeric();
        return Ok(are_plain && number(&one) == number(&other));
    }
    let same = |one: &Scalar, other: &Scalar| {
        one == other || (one.is_missing() && other.is_missing()) || is_equal_float(one, other)
    };
    Ok(one
        .scalars()
        .zip(other.scalars())
        .all(|(one, other)| same(&one, &other)))
}

/// Zeros of both signs are equal.
fn is_equal_float(one: &Scalar, other: &Scalar) -> bool {
    one.dtype().is_float() && one.to_f64() == other.to_f64()
}

/// Labels that are appended must go on in the order of those that are there.
pub(super) fn check_order(
    dim: &str,
    dataset: &Dataset,
    there: &Dataset,
    session: &Session,
) -> Result<()> {
    let (Some(old), Some(new)) = (there.coords.get(dim), dataset.coords.get(dim)) else {
        return Ok(());
    };
    if old.dims != [dim] || new.dims != [dim] {
        return Ok(());
    }
    let (old, new) = (old.values(session)?, new.values(session)?);
    let number = |block: &Block| -> Option<Vec<f64>> {
        block
            .scalars()
            .map(|value| value.to_f64().or_else(|| Some(value.to_i64()? as f64)))
            .collect()
    };
    let is_time = |block: &Block| matches!(block.dtype(), DType::Time(_));
    if is_time(&old) != is_time(&new) {
        return Err(Error::invalid(format!(
            "`{dim}` holds `{}`, and `{}` in the store",
            new.dtype(),
            old.dtype()
        )));
    }
    if let (DType::Time(old), DType::Time(new)) = (old.dtype(), new.dtype())
        && (old.unit, old.step, old.calendar) != (new.unit, new.step, new.calendar)
    {
        // Counts do not compare; the encoding tells whether calendars fit.
        return Ok(());
    }
    let (Some(old), Some(new)) = (number(&old), number(&new)) else {
        return Ok(());
    };
    let rises = |values: &[f64]| values.windows(2).all(|pair| pair[0] < pair[1]);
    let falls = |values: &[f64]| values.windows(2).all(|pair| pair[0] > pair[1]);
    let all = [old.as_slice(), new.as_slice()].concat();
    let fits = match old.len() {
        0 => true,
        1 => rises(&all) || falls(&all) || !(rises(&new) || falls(&new)),
        _ if rises(&old) => rises(&all),
        _ if falls(&old) => falls(&all),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let message = format!("the labels of `{dim}` do not follow those in the store");
    Err(Error::new(ErrorKind::Conflict, message).hint(format!(
        "select what comes after them, or write over them with `--region {dim}=auto`"
    )))
}

/// Where the labels of a dimension stand in the store.
pub(super) fn found(
    dim: &str,
    dataset: &Dataset,
    there: &Dataset,
    session: &Session,
) -> Result<Range<u64>> {
    let labels = |of: &Dataset| match of.coords.get(dim).filter(|coord| coord.dims == [dim]) {
        Some(coord) => Ok(coord.clone()),
        None => Err(
            Error::usage(format!("`{dim}` has no labels to find its region by"))
                .hint(format!("write `--region {dim}=START:STOP`")),
        ),
    };
    let (old, new) = (labels(there)?, labels(dataset)?);
    let length = new.shape().first().copied().unwrap_or(0);
    let all = old.shape().first().copied().unwrap_or(0);
    let first_new = new.values(session)?.get(0);
    let starts: Vec<u64> = old
        .values(session)?
        .scalars()
        .enumerate()
        .filter(|(_, label)| {
            first_new
                .as_ref()
                .is_some_and(|first| is_same_label(first, label))
        })
        .map(|(at, _)| at as u64)
        .collect();
    for start in starts {
        if start + length > all {
            continue;
        }
        let cut = ops::index(
            &old.node,
            &[AxisIndex::Range {
                start,
                length,
                step: 1,
            }],
        )?;
        if are_equal(&old.with_node(cut)?, &new, session)? {
            return Ok(start..start + length);
        }
    }
    let message = format!("the labels of `{dim}` are no region of those in the store");
    Err(Error::new(ErrorKind::Conflict, message)
        .hint("a region is a run of neighbours in the order of the store; new labels are appended"))
}

fn is_same_label(one: &Scalar, other: &Scalar) -> bool {
    one == other
        || one.to_f64().is_some_and(|one| other.to_f64() == Some(one))
        || one
            .to_text()
            .is_some_and(|one| other.to_text() == Some(one))
}

//! Results as tidy CSV: one row per element, one column per coordinate, one per variable.

use super::slabs::{budget, compute_all, cut, slabs};
use super::values::{Style, Values};
use super::{Labelled, UNNAMED, merged};
use crate::labels::{DataArray, Dataset, Variable};
use crate::session::Session;
use craton_core::block::c_strides;
use craton_core::{Block, Error, Result};
use std::io::{BufWriter, Write};
use std::ops::Range;

/// Texts of a coordinate are kept while there are at most so many.
const MOST_KEPT: usize = 1 << 20;

/// Writes an array: its dimensions (labels, or positions where there are none), its other coordinates, its values.
///
/// # Missing values
/// Empty fields.
/// # Errors
/// What computing reports, and failures of `out`.
/// # Cost
/// Computed whole where that fits into a quarter of the memory budget, else slab by slab.
pub fn write_array(array: &DataArray, session: &Session, out: &mut dyn Write) -> Result<()> {
    let mut dataset = merged(&[Labelled::Array(array)])?;
    // An array that is an index of itself still has values to show.
    if dataset.variables.is_empty() {
        let name = array.name.clone().unwrap_or_else(|| UNNAMED.to_owned());
        dataset
            .variables
            .insert(name.clone(), array.variable.clone());
        dataset.coords.shift_remove(&name);
    }
    write_table(&dataset, array.variable.dims.clone(), session, out)
}

/// Writes a dataset, one column per variable; values are repeated along dimensions that a variable lacks.
///
/// # Errors
/// As [`write_array`].
/// # Cost
/// As [`write_array`], for all variables together.
pub fn write_dataset(dataset: &Dataset, session: &Session, out: &mut dyn Write) -> Result<()> {
    let dims = dataset.sizes().into_iter().map(|(dim, _)| dim);
    // The order of the widest variable is what people expect of the rows.
    let widest = dataset
        .variables
        .values()
        .max_by_key(|variable| variable.dims.len());
    let mut order: Vec<String> = widest
        .map(|variable| variable.dims.clone())
        .unwrap_or_default();
    for dim in dims {
        if !order.contains(&dim) {
            order.push(dim);
        }
    }
    write_table(dataset, order, session, out)
}

/// A column whose values are at hand for the slab.
struct Column {
    block: Block,
    /// Elements to step per step of each table axis; 0 where the column does not vary.
    strides: Vec<usize>,
    /// The texts of all elements, where they are few.
    texts: Option<Vec<Vec<u8>>>,
}

/// Tables of at most so many rows are written however often they repeat values.
const MOST_REPEATED: u64 = 1_000_000;

enum Field {
    /// The position along a table axis that has no labels.
    Position(usize),
    Column(Column),
}

fn write_table(
    dataset: &Dataset,
    dims: Vec<String>,
    session: &Session,
    out: &mut dyn Write,
) -> Result<()> {
    let failed = |cause| Error::io("cannot write the result", cause);
    let sizes = dataset.sizes();
    let shape: Vec<u64> = dims
        .iter()
        .map(|dim| sizes.get(dim).copied().unwrap_or(1))
        .collect();
    check_rows(dataset, &shape)?;
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let others: Vec<&String> = dataset
        .coords
        .keys()
        .filter(|name| !dims.contains(name))
        .collect();
    let header = dims
        .iter()
        .chain(others.iter().copied())
        .chain(dataset.variables.keys());
    let header: Vec<Vec<u8>> = header
        .map(|name| quoted(name.as_bytes().to_vec()))
        .collect();
    out.write_all(&header.join(&b","[..])).map_err(failed)?;
    out.write_all(b"\n").map_err(failed)?;

    let row_size: usize = dataset
        .variables
        .values()
        .map(|variable| variable.dtype().item_size().unwrap_or(64))
        .sum();
    for ranges in slabs(&shape, budget(session) / row_size.max(1) as u64) {
        let named = dims.iter().chain(others.iter().copied());
        let columns: Vec<Option<&Variable>> = named
            .map(|name| dataset.coords.get(name))
            .chain(dataset.variables.values().map(Some))
            .collect();
        let parts = columns
            .iter()
            .flatten()
            .map(|variable| part(variable, &dims, &ranges));
        let mut blocks = compute_all(&parts.collect::<Result<Vec<_>>>()?, session)?.into_iter();
        let mut fields = Vec::new();
        for (at, variable) in columns.iter().enumerate() {
            fields.push(match (variable, variable.and_then(|_| blocks.next())) {
                (Some(variable), Some(block)) => Field::Column(Column::new(variable, block, &dims)),
                _ => Field::Position(at),
            });
        }
        write_rows(&fields, &ranges, &mut out)?;
    }
    out.flush().map_err(failed)
}

/// Refuses tables that are nearly all repetition: variables that share no dimension multiply their rows.
///
/// # Errors
/// [`craton_core::ErrorKind::InvalidInput`] with the count of rows.
fn check_rows(dataset: &Dataset, shape: &[u64]) -> Result<()> {
    let count = |shape: &[u64]| {
        shape
            .iter()
            .fold(1u64, |all, length| all.saturating_mul(*length))
    };
    let rows = count(shape);
    let largest = dataset
        .variables
        .values()
        .map(|variable| count(variable.shape()))
        .max();
    if rows > MOST_REPEATED && largest.is_some_and(|largest| rows / 16 > largest) {
        let message =
            format!("the table of all variables would have {rows} rows, nearly all repeated");
        return Err(Error::invalid(message).hint(
            "write variables with the same dimensions: `ds[[\"one\", \"other\"]]` or `ds.one`",
        ));
    }
    Ok(())
}

/// The part of a variable that a slab of the table needs.
fn part(
    variable: &Variable,
    dims: &[String],
    ranges: &[Range<u64>],
) -> Result<craton_plan::NodeRef> {
    let own = variable.sizes().map(|(dim, length)| {
        let axis = dims.iter().position(|other| other == dim);
        axis.map_or(0..length, |axis| ranges[axis].clone())
    });
    cut(&variable.node, &own.collect::<Vec<_>>())
}

impl Column {
    fn new(variable: &Variable, block: Block, dims: &[String]) -> Self {
        let own = c_strides(block.shape());
        let strides = dims
            .iter()
            .map(|dim| {
                variable
                    .axis(dim)
                    .map_or(0, |axis| own[axis].unsigned_abs())
            })
            .collect();
        let is_repeated = variable.dims.len() < dims.len() && block.len() <= MOST_KEPT;
        let texts = is_repeated.then(|| {
            let values = Values::new(&block);
            (0..block.len())
                .map(|index| field_text(&values, index))
                .collect()
        });
        Self {
            block,
            strides,
            texts,
        }
    }
}

fn write_rows(fields: &[Field], ranges: &[Range<u64>], out: &mut impl Write) -> Result<()> {
    let failed = |cause| Error::io("cannot write the result", cause);
    let values: Vec<Option<Values<'_>>> = fields
        .iter()
        .map(|field| match field {
            Field::Column(column) => Some(Values::new(&column.block)),
            Field::Position(_) => None,
        })
        .collect();
    let mut at = vec![0u64; ranges.len()];
    loop {
        for (number, (field, values)) in fields.iter().zip(&values).enumerate() {
            if number > 0 {
                out.write_all(b",").map_err(failed)?;
            }
            match (field, values) {
                (Field::Position(axis), _) => write!(out, "{}", ranges[*axis].start + at[*axis]),
                (Field::Column(column), Some(values)) => {
                    let steps = at.iter().zip(&column.strides);
                    // OK because the sum is below the block's length, which is in memory.
                    let index: usize = steps.map(|(at, stride)| *at as usize * stride).sum();
                    match &column.texts {
                        Some(texts) => out.write_all(&texts[index]),
                        None if column.block.dtype().is_numeric() => {
                            values.write(index, Style::Csv, out)
                        }
                        None => out.write_all(&field_text(values, index)),
                    }
                }
                (Field::Column(_), None) => Ok(()),
            }
            .map_err(failed)?;
        }
        out.write_all(b"\n").map_err(failed)?;
        let next = (0..at.len())
            .rev()
            .find(|axis| at[*axis] + 1 < ranges[*axis].end - ranges[*axis].start);
        let Some(axis) = next else { return Ok(()) };
        at[axis] += 1;
        at[axis + 1..].fill(0);
    }
}

fn field_text(values: &Values<'_>, index: usize) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing into memory does not fail.
    let _ = values.write(index, Style::Csv, &mut text);
    quoted(text)
}

/// Quoted as RFC 4180 wants it, where it must be.
fn quoted(text: Vec<u8>) -> Vec<u8> {
    if !text
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        return text;
    }
    let mut out = vec![b'"'];
    for byte in text {
        out.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
    }
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::{floats, session, temperatures, variable};
    use super::*;

    #[test]
    fn rows_have_labels_quoted_where_needed_and_missing_values_empty() {
        let mut out = Vec::new();
        write_array(&temperatures(), &session(), &mut out).unwrap();
        let expected = "time,station,height,t2m\n\
            2000-01-01T00:00:00,a,2.0,1.5\n\
            2000-01-01T00:00:00,\"b,c\",2.0,\n\
            2000-01-01T00:00:00,\"d\"\"e\",2.0,3.0\n\
            2000-01-02T00:00:00,a,2.0,4.0\n\
            2000-01-02T00:00:00,\"b,c\",2.0,5.0\n\
            2000-01-02T00:00:00,\"d\"\"e\",2.0,inf\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn variables_with_fewer_dimensions_are_repeated() {
        let mut dataset = Dataset::default();
        dataset
            .variables
            .insert("a".to_owned(), variable(&["y"], floats(&[1.0, 2.0], &[2])));
        dataset.variables.insert(
            "b".to_owned(),
            variable(&["x", "y"], floats(&[3.0, 4.0, 5.0, 6.0], &[2, 2])),
        );
        let mut out = Vec::new();
        write_dataset(&dataset, &session(), &mut out).unwrap();
        let expected = "x,y,a,b\n0,0,1.0,3.0\n0,1,2.0,4.0\n1,0,1.0,5.0\n1,1,2.0,6.0\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_value_without_dimensions_is_one_row() {
        let mut out = Vec::new();
        let array = DataArray::new(variable(&[], floats(&[7.0], &[])));
        write_array(&array, &session(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "value\n7.0\n");
    }
}

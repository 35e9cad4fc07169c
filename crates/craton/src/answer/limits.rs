//! How much a question may read, and a smaller one where that is too much.

use super::Answer;
use crate::evaluate::{Scope, Value, evaluate};
use crate::labels::{DataArray, PositionSelection, Variable};
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result};

impl Answer {
    /// Refuses to read more than `limit` bytes (as decoded, which bounds what is stored).
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] with the figures.
    pub fn check_reads(&self, limit: u64, session: &Session) -> Result<()> {
        let total = self.bytes_to_read(session)?;
        if total <= limit {
            return Ok(());
        }
        let message = format!("the work reads up to {total} bytes, {limit} are allowed");
        let error = Error::new(ErrorKind::Budget, message);
        let smaller = self.smaller_questions(limit, total, session);
        let proposals = smaller
            .iter()
            .map(|(question, bytes)| format!("`{question}` reads up to {bytes} bytes"));
        Err(match proposals.collect::<Vec<_>>().as_slice() {
            [] => {
                error.hint("select less first, with `.sel(…)` or `.isel(…)`, or raise `--max-read`")
            }
            proposed => error.hint(format!("{}; or raise `--max-read`", proposed.join(", "))),
        })
    }

    /// The same question of the first labels of an input, and of labels at a step, where that may be read; with what it
    /// reads. A question about certain labels may need the second, one about what lies in a single chunk the first.
    fn smaller_questions(&self, limit: u64, total: u64, session: &Session) -> Vec<(String, u64)> {
        let mut inputs: Vec<_> = self
            .inputs
            .iter()
            .filter_map(|(name, value)| Some((name, value, largest(value)?)))
            .collect();
        inputs.sort_by_key(|(.., variable)| std::cmp::Reverse(variable.node.meta().bytes()));
        // The slowest dimension of the largest input first: its chunks follow each other.
        let axes = inputs.into_iter().flat_map(|(name, value, variable)| {
            let sizes = variable.sizes();
            sizes.map(move |(dim, length)| (name, value, dim, length))
        });
        let axes: Vec<_> = axes.collect();
        let first = |kind: fn(u64, u64, u64) -> Vec<PositionSelection>| {
            axes.iter().find_map(|(name, input, dim, length)| {
                let selections = kind(*length, limit, total);
                selections.into_iter().find_map(|selection| {
                    self.fitting(name, input, dim, &selection, limit, session)
                })
            })
        };
        first(leading).into_iter().chain(first(stepped)).collect()
    }

    /// The question of a part of one input, if that may be read.
    fn fitting(
        &self,
        name: &str,
        input: &Value,
        dim: &str,
        selection: &PositionSelection,
        limit: u64,
        session: &Session,
    ) -> Option<(String, u64)> {
        let select = |array: &DataArray| array.select_positions(dim, selection);
        let smaller = match input {
            Value::Dataset(dataset) => Value::Dataset(dataset.select(dim, select).ok()?),
            Value::Array(array) => Value::Array(select(array).ok()?),
            _ => return None,
        };
        let bytes = self.bytes_with(name, smaller, session).ok()?;
        let selection = match selection {
            PositionSelection::Slice(None, Some(count), None) => format!("slice({count})"),
            PositionSelection::Slice(None, None, Some(step)) => {
                format!("slice(None, None, {step})")
            }
            _ => return None,
        };
        let expression = self.question.expression.trim();
        let question = format!("{name} = {name}.isel({dim}={selection}); {expression}");
        (bytes <= limit).then_some((question, bytes))
    }

    /// What the question reads with another value for one of its names.
    fn bytes_with(&self, name: &str, value: Value, session: &Session) -> Result<u64> {
        let mut scope = Scope::default();
        for (known, value) in &self.inputs {
            scope.insert(known, value.clone());
        }
        scope.insert(name, value);
        let value = evaluate(&self.question.expression, scope, session)?;
        let smaller = Self {
            value,
            question: self.question.clone(),
            stored: self.stored.clone(),
            broken: Vec::new(),
            inputs: Vec::new(),
        };
        smaller.bytes_to_read(session)
    }

    fn bytes_to_read(&self, session: &Session) -> Result<u64> {
        let nodes: Vec<_> = self.nodes()?.into_iter().map(|(_, node)| node).collect();
        let costs = session.costs(&nodes)?;
        Ok(costs.iter().map(|stage| stage.bytes_decoded).sum())
    }
}

/// The variable of the most bytes.
fn largest(value: &Value) -> Option<&Variable> {
    match value {
        Value::Dataset(dataset) => {
            let variables = dataset.variables.values();
            variables.max_by_key(|variable| variable.node.meta().bytes())
        }
        Value::Array(array) => Some(&array.variable),
        _ => None,
    }
}

/// The first labels of `length`: as many as in proportion may be read, and fewer, as chunks are read whole.
fn leading(length: u64, limit: u64, total: u64) -> Vec<PositionSelection> {
    let share = u128::from(length) * u128::from(limit) / u128::from(total.max(1));
    let most = i64::try_from(share).unwrap_or(i64::MAX);
    let counts = std::iter::successors(Some(most), |count| Some(count / 2));
    counts
        .take_while(|count| *count > 0)
        .map(|count| PositionSelection::Slice(None, Some(count), None))
        .collect()
}

/// Every second or later of `length` labels: at the step that in proportion may be read, and wider ones, as a step within
/// a chunk saves nothing.
fn stepped(length: u64, limit: u64, total: u64) -> Vec<PositionSelection> {
    let widest = i64::try_from(length / 2).unwrap_or(i64::MAX);
    let least = i64::try_from(total.div_ceil(limit.max(1))).unwrap_or(i64::MAX);
    let steps = std::iter::successors(Some(least.max(2)), |step| step.checked_mul(2));
    steps
        .take_while(|step| *step <= widest)
        .chain((widest > 1).then_some(widest))
        .map(|step| PositionSelection::Slice(None, None, Some(step)))
        .collect()
}

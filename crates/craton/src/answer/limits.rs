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
        Err(match self.smaller_question(limit, total, session) {
            Some((question, bytes)) => error.hint(format!(
                "`{question}` reads up to {bytes} bytes; or raise `--max-read`"
            )),
            None => {
                error.hint("select less first, with `.sel(…)` or `.isel(…)`, or raise `--max-read`")
            }
        })
    }

    /// The same question of the first labels of an input, as many as may be read, and what that reads.
    fn smaller_question(&self, limit: u64, total: u64, session: &Session) -> Option<(String, u64)> {
        let sizes = |value: &Value| match value {
            Value::Dataset(dataset) => dataset.variables.values().map(widest).max(),
            Value::Array(array) => Some(widest(&array.variable)),
            _ => None,
        };
        // The slowest dimension of the largest input: its chunks follow each other.
        let (name, input, (_, dim, length)) = self
            .inputs
            .iter()
            .filter_map(|(name, value)| Some((name, value, sizes(value)?)))
            .max_by_key(|(.., size)| size.0)?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a first guess"
        )]
        let mut count = (length as f64 * limit as f64 / total as f64) as u64;
        // Chunks are read whole, so that fewer labels than in proportion may be allowed.
        for _ in 0..8 {
            if count == 0 || count >= length {
                return None;
            }
            let first = PositionSelection::Slice(None, i64::try_from(count).ok(), None);
            let select = |array: &DataArray| array.select_positions(&dim, &first);
            let smaller = match input {
                Value::Dataset(dataset) => Value::Dataset(dataset.select(&dim, select).ok()?),
                Value::Array(array) => Value::Array(select(array).ok()?),
                _ => return None,
            };
            let bytes = self.bytes_with(name, smaller, session).ok()?;
            if bytes <= limit {
                let question = format!(
                    "{name} = {name}.isel({dim}=slice({count})); {}",
                    self.question.expression.trim()
                );
                return Some((question, bytes));
            }
            count /= 2;
        }
        None
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

/// Bytes of a variable, and its first dimension.
fn widest(variable: &Variable) -> (u64, String, u64) {
    let first = variable.sizes().next();
    let (dim, length) = first.map_or((String::new(), 0), |(dim, length)| (dim.to_owned(), length));
    (variable.node.meta().bytes(), dim, length)
}

//! The arguments of a call, taken out one by one so that none is ignored.

use super::Value;
use crate::language::did_you_mean;
use craton_core::{Error, Result};
use std::collections::VecDeque;

/// What was given in a call.
#[derive(Debug)]
pub(super) struct Arguments {
    pub positional: Vec<Value>,
    pub keywords: Vec<(String, Value)>,
}

/// Arguments matched to the names of a signature.
pub(super) struct Matched {
    values: Vec<(String, Value)>,
    /// Keywords that the signature does not name, where it allows them.
    pub others: Vec<(String, Value)>,
}

impl Arguments {
    /// Matches the arguments to `names`, in order. `function` is for messages; `takes_others` allows further keywords.
    pub(super) fn bind(
        self,
        function: &str,
        names: &[&str],
        takes_others: bool,
    ) -> Result<Matched> {
        if self.positional.len() > names.len() {
            let message = format!(
                "`{function}` takes at most {} arguments, {} were given",
                names.len(),
                self.positional.len()
            );
            return Err(Error::usage(message));
        }
        let mut positional: VecDeque<Value> = self.positional.into();
        let mut matched = Matched {
            values: Vec::new(),
            others: Vec::new(),
        };
        for name in names {
            if let Some(value) = positional.pop_front() {
                matched.values.push(((*name).to_owned(), value));
            }
        }
        for (name, value) in self.keywords {
            if matched.values.iter().any(|(known, _)| *known == name) {
                return Err(Error::usage(format!(
                    "`{function}` was given `{name}` twice"
                )));
            }
            if names.contains(&name.as_str()) {
                matched.values.push((name, value));
            } else if takes_others {
                matched.others.push((name, value));
            } else {
                let error = Error::usage(format!("`{function}` has no argument `{name}`"));
                return Err(match did_you_mean(&name, names.iter().copied()) {
                    Some(hint) => error.hint(hint),
                    None if names.is_empty() => error.hint("it takes none"),
                    None => error.hint(format!("it takes {}", names.join(", "))),
                });
            }
        }
        Ok(matched)
    }
}

impl Matched {
    /// The argument `name`, unless it is absent or `None`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value)
            .filter(|value| !matches!(value, Value::None))
    }

    /// The argument `name`, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<&Value> {
        self.get(name)
            .ok_or_else(|| Error::usage(format!("the argument `{name}` is missing")))
    }

    /// The argument `name` as a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        self.typed(name, "a text", Value::as_text)
    }

    /// The argument `name` as true or false.
    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>> {
        self.typed(name, "True or False", Value::as_bool)
    }

    /// The argument `name` as a whole number that is not negative.
    pub(super) fn count(&self, name: &str) -> Result<Option<usize>> {
        self.typed(name, "a whole number", |value| {
            usize::try_from(value.as_i64()?).ok()
        })
    }

    /// The argument `name` as a number.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>> {
        self.typed(name, "a number", Value::as_f64)
    }

    /// The argument `name` as one text or a list of them; `...` and absence are `None`.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        self.typed(name, "a name or a list of names", |value| match value {
            Value::Text(text) => Some(vec![text.clone()]),
            other => other
                .items()?
                .iter()
                .map(|item| item.as_text().map(str::to_owned))
                .collect(),
        })
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(Error::usage(format!(
                "the argument `{name}` must be {what}, not {}",
                value.kind()
            ))),
        }
    }
}

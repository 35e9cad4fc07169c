//! The arguments of a call, bound to the signature of what is called so that none is ignored.

use super::Value;
use super::registry::Entry;
use crate::calendar::{Frequency, time_nanoseconds};
use crate::labels::Distance;
use crate::language::did_you_mean;
use crate::session::Session;
use craton_core::{DType, Error, Result, TimeKind};
use std::cell::Cell;
use std::collections::VecDeque;

/// What was given in a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub positional: Vec<Value>,
    pub keywords: Vec<(String, Value)>,
}

/// One parameter of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its default as written; it must be given if there is none.
    pub default: Option<&'a str>,
    /// How it is given.
    pub kind: ParameterKind,
}

/// How a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// By place or name.
    Plain,
    /// After `*`: by name only.
    Keyword,
    /// `*names`: any number by place.
    Positionals,
    /// `**names`: any further names.
    Keywords,
}

/// The parameters of a signature such as `q, dim=None, *, method='linear'`.
pub(super) fn parameters(signature: &str) -> impl Iterator<Item = Parameter<'_>> {
    let mut is_keyword = false;
    signature
        .split(", ")
        .filter(|part| !part.is_empty())
        .filter_map(move |part| {
            if part == "*" {
                is_keyword = true;
                return None;
            }
            let (name, default) = match part.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (part, None),
            };
            let (name, kind) = if let Some(name) = name.strip_prefix("**") {
                (name, ParameterKind::Keywords)
            } else if let Some(name) = name.strip_prefix('*') {
                is_keyword = true;
                (name, ParameterKind::Positionals)
            } else if is_keyword {
                (name, ParameterKind::Keyword)
            } else {
                (name, ParameterKind::Plain)
            };
            Some(Parameter {
                name,
                default,
                kind,
            })
        })
}

/// A call whose arguments have their names.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What is called.
    pub entry: &'static Entry,
    /// The name by which it is called, which may be another name of the entry.
    pub called: &'a str,
    /// What it is called on.
    pub object: &'a Value,
    /// What reads labels that are not at hand.
    pub session: &'a Session,
    /// Values of `*names`.
    pub positional: Vec<Value>,
    /// Values of `**names`.
    pub others: Vec<(String, Value)>,
    values: Vec<(&'static str, Value)>,
    /// The values that were looked at, a bit each.
    seen: Cell<u64>,
}

impl<'a> Call<'a> {
    /// Calls `entry` with `arguments`, bound to its signature.
    pub(super) fn run(
        entry: &'static Entry,
        called: &'a str,
        object: &'a Value,
        arguments: Arguments,
        session: &'a Session,
    ) -> Result<Value> {
        let mut call = Self {
            entry,
            called,
            object,
            session,
            positional: Vec::new(),
            others: Vec::new(),
            values: Vec::new(),
            seen: Cell::new(0),
        };
        let signature = entry.signature.unwrap_or_default();
        call.bind(signature, arguments)?;
        let answer = (entry.function)(&call)?;
        match call.ignored(signature) {
            None => Ok(answer),
            Some(name) => {
                let message = format!("`{called}` with the argument `{name}`");
                Err(Error::unsupported(message).hint(format!("leave `{name}` out")))
            }
        }
    }

    /// An argument that asks for something else than its default does, and that nothing looked at.
    fn ignored(&self, signature: &'static str) -> Option<&'static str> {
        let unseen = self.values.iter().enumerate();
        let mut unseen = unseen.filter(|(at, _)| self.seen.get() & (1 << at) == 0);
        let found = unseen.find(|(_, (name, value))| {
            let parameter = parameters(signature).find(|parameter| parameter.name == *name);
            let default = parameter.and_then(|parameter| parameter.default);
            default.is_none_or(|default| !is_written(value, default))
        });
        found.map(|(_, (name, _))| *name)
    }

    fn bind(&mut self, signature: &'static str, arguments: Arguments) -> Result<()> {
        let function = self.entry.name;
        let of = |kind| parameters(signature).filter(move |parameter| parameter.kind == kind);
        let given = arguments.positional.len();
        let mut positional: VecDeque<Value> = arguments.positional.into();
        for parameter in of(ParameterKind::Plain) {
            if let Some(value) = positional.pop_front() {
                self.values.push((parameter.name, value));
            }
        }
        if of(ParameterKind::Positionals).next().is_some() {
            self.positional = positional.into();
        } else if !positional.is_empty() {
            let most = given - positional.len();
            let message =
                format!("`{function}` takes at most {most} arguments by place, {given} were given");
            return Err(Error::usage(message).hint(format!("it is `{function}({signature})`")));
        }
        let named = || {
            of(ParameterKind::Plain)
                .chain(of(ParameterKind::Keyword))
                .map(|parameter| parameter.name)
        };
        for (name, value) in arguments.keywords {
            if self.values.iter().any(|(known, _)| *known == name) {
                let message = format!("`{function}` was given `{name}` twice");
                return Err(Error::usage(message));
            }
            if let Some(known) = named().find(|known| *known == name) {
                self.values.push((known, value));
            } else if of(ParameterKind::Keywords).next().is_some() {
                self.others.push((name, value));
            } else {
                let error = Error::usage(format!("`{function}` has no argument `{name}`"));
                return Err(match did_you_mean(&name, named()) {
                    Some(hint) => error.hint(hint),
                    None if signature.is_empty() => error.hint("it takes none"),
                    None => error.hint(format!("it is `{function}({signature})`")),
                });
            }
        }
        for parameter in of(ParameterKind::Plain).chain(of(ParameterKind::Keyword)) {
            let is_given = self.values.iter().any(|(name, _)| *name == parameter.name);
            if parameter.default.is_none() && !is_given {
                let name = parameter.name;
                let message = format!("`{function}` needs the argument `{name}`");
                return Err(Error::usage(message).hint(format!("it is `{function}({signature})`")));
            }
        }
        Ok(())
    }

    /// The arguments as they were given, but for some, to call something else with them.
    pub(super) fn given_again(&self, without: &[&str]) -> Arguments {
        self.seen.set(u64::MAX);
        let named = self
            .values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let keywords = named.chain(self.others.iter().cloned());
        Arguments {
            positional: self.positional.clone(),
            keywords: keywords
                .filter(|(name, _)| !without.contains(&name.as_str()))
                .collect(),
        }
    }

    /// The name of what is called.
    pub(super) fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The argument `name` as it was given, `None` included.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        let at = self.values.iter().position(|(known, _)| *known == name)?;
        self.seen.set(self.seen.get() | 1 << at);
        Some(&self.values[at].1)
    }

    /// The argument `name`, unless it is absent or `None`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.given(name)
            .filter(|value| !matches!(value, Value::None))
    }

    /// The argument `name`, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<&Value> {
        self.get(name)
            .ok_or_else(|| Error::usage(format!("`{}` needs the argument `{name}`", self.name())))
    }

    /// The argument `name` as a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        self.typed(name, "a text", Value::as_text)
    }

    /// The argument `name` as a text, which must be there.
    pub(super) fn need_text(&self, name: &str) -> Result<&str> {
        self.need(name)?;
        self.text(name).map(|text| text.unwrap_or_default())
    }

    /// The argument `name` as true or false.
    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>> {
        self.typed(name, "True or False", Value::as_bool)
    }

    /// Whether the argument `name` is given and true.
    pub(super) fn is_true(&self, name: &str) -> Result<bool> {
        Ok(self.bool(name)?.unwrap_or(false))
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

    /// The argument `name` as a number, or a length of time such as `"6h"` or `np.timedelta64(6, "h")`.
    pub(super) fn distance(&self, name: &str) -> Result<Option<Distance>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        if let Value::Text(text) = value {
            return match Frequency::parse(text)? {
                Frequency::Fixed { nanoseconds } => Ok(Some(Distance::Nanoseconds(nanoseconds))),
                _ => Err(
                    Error::usage(format!("`{name}` is `{text}`, which has no fixed length"))
                        .hint("such as `\"7D\"` or `\"6h\"`"),
                ),
            };
        }
        if let Value::Array(array) = value
            && let DType::Time(time) = array.variable.dtype()
            && array.variable.shape().is_empty()
        {
            let values = array.variable.values(self.session)?;
            let count = values.scalars().next().and_then(|one| one.to_i64());
            let length = count.and_then(|count| time_nanoseconds(count, time));
            return match length.and_then(|length| i64::try_from(length).ok()) {
                Some(length) if time.kind == TimeKind::Duration => {
                    Ok(Some(Distance::Nanoseconds(length)))
                }
                _ => Err(Error::usage(format!("`{name}` must be a length of time"))),
            };
        }
        self.number(name).map(|number| number.map(Distance::Number))
    }

    /// The argument `name` as one text or a list of them; `...` and absence are `None`.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        if matches!(self.given(name), Some(Value::Ellipsis)) {
            return Ok(None);
        }
        self.typed(name, "a name or a list of names", Value::as_texts)
    }

    /// Keys and values of the dict argument `name` and of further keywords.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, Value)>> {
        let mut all = Vec::new();
        if let Some(value) = self.get(name) {
            let Value::Dict(pairs) = value else {
                let message = format!("`{name}` must be a dict, not {}", value.kind());
                return Err(Error::usage(message));
            };
            for (key, value) in pairs {
                let key = key
                    .as_text()
                    .ok_or_else(|| Error::usage(format!("the keys of `{name}` must be texts")))?;
                all.push((key.to_owned(), value.clone()));
            }
        }
        all.extend(self.others.iter().cloned());
        Ok(all)
    }

    /// That the argument `name` is absent or what it is by default, because nothing else is there yet.
    pub(super) fn only(&self, name: &str, default: &str) -> Result<()> {
        match self.get(name) {
            None => Ok(()),
            Some(Value::Text(text)) if text == default => Ok(()),
            Some(_) => {
                let message = format!("another `{name}` of `{}`", self.name());
                Err(Error::unsupported(message).hint(format!("leave `{name}` out")))
            }
        }
    }

    fn typed<'b, T>(
        &'b self,
        name: &str,
        what: &str,
        read: impl Fn(&'b Value) -> Option<T>,
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

/// Whether `value` is what `default` says.
fn is_written(value: &Value, default: &str) -> bool {
    match value {
        Value::None => default == "None",
        Value::Text(text) => default.trim_matches('\'') == text,
        value => match default {
            "True" => value.as_bool() == Some(true),
            "False" => value.as_bool() == Some(false),
            _ => value
                .as_f64()
                .is_some_and(|value| default.parse() == Ok(value)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use craton_core::{DType, Scalar};

    #[test]
    fn only_what_is_written_is_the_default() {
        let number = Value::Number(
            Scalar::from_i64(DType::Int64, 1),
            crate::labels::WeakKind::Int,
        );
        assert!(is_written(&Value::None, "None"));
        assert!(is_written(&Value::Text("raise".to_owned()), "'raise'"));
        assert!(is_written(&Value::bool(false), "False"));
        assert!(is_written(&number, "1"));
        assert!(!is_written(&number, "None"));
        assert!(!is_written(&Value::bool(true), "False"));
        // Neither is a number, and yet they are not the same.
        assert!(!is_written(&Value::Ellipsis, "None"));
        assert!(!is_written(&Value::List(Vec::new()), "'linear'"));
    }

    #[test]
    fn a_signature_reads_as_in_python() {
        let read = |signature| {
            parameters(signature)
                .map(|one| (one.name, one.default, one.kind))
                .collect::<Vec<_>>()
        };
        use ParameterKind::{Keyword, Keywords, Plain, Positionals};
        assert_eq!(
            read("q, dim=None, *, method='linear', **others"),
            [
                ("q", None, Plain),
                ("dim", Some("None"), Plain),
                ("method", Some("'linear'"), Keyword),
                ("others", None, Keywords),
            ]
        );
        assert_eq!(
            read("*dim, missing_dims='raise'"),
            [
                ("dim", None, Positionals),
                ("missing_dims", Some("'raise'"), Keyword),
            ]
        );
        assert_eq!(read(""), []);
    }
}

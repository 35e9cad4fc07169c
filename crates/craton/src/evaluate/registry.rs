//! Everything that an expression may call, by what it is called on. Binding of arguments, hints and help follow from it.

use super::Value;
use super::arguments::Call;
use super::value::Namespace;
use super::{functions, methods};
use crate::labels::GroupBy;
use crate::language::did_you_mean;
use craton_core::{Error, Result};

/// What carries a method or function, by the name that people know from Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Receiver {
    /// An array with labels.
    DataArray,
    /// Arrays that share labels.
    Dataset,
    /// Datasets in a tree, as the groups of a file.
    DataTree,
    /// What `.groupby(…)` of an array or a dataset gives.
    GroupBy,
    /// What `.resample(…)` gives.
    Resample,
    /// What `.coarsen(…)` gives.
    Coarsen,
    /// What `.rolling(…)` gives.
    Rolling,
    /// What `.weighted(…)` gives.
    Weighted,
    /// `array.dt`
    Dates,
    /// `array.str`
    Texts,
    /// Functions of `np`.
    Numpy,
    /// Functions of `xr`.
    Xarray,
    /// Functions without a namespace.
    Builtin,
}

impl Receiver {
    /// All of them, in the order in which help lists them.
    pub(super) const ALL: [Self; 13] = [
        Self::DataArray,
        Self::Dataset,
        Self::DataTree,
        Self::GroupBy,
        Self::Resample,
        Self::Coarsen,
        Self::Rolling,
        Self::Weighted,
        Self::Dates,
        Self::Texts,
        Self::Xarray,
        Self::Numpy,
        Self::Builtin,
    ];

    /// The name that stands before the dot in help.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DataArray => "DataArray",
            Self::Dataset => "Dataset",
            Self::DataTree => "DataTree",
            Self::GroupBy => "GroupBy",
            Self::Resample => "Resample",
            Self::Coarsen => "Coarsen",
            Self::Rolling => "Rolling",
            Self::Weighted => "Weighted",
            Self::Dates => "DataArray.dt",
            Self::Texts => "DataArray.str",
            Self::Numpy => "np",
            Self::Xarray => "xr",
            Self::Builtin => "",
        }
    }

    /// The methods of several of them, in a sentence.
    fn owners(self) -> &'static str {
        match self {
            Self::DataArray => "arrays",
            Self::Dataset => "datasets",
            Self::DataTree => "trees of datasets",
            Self::GroupBy => "groups",
            Self::Resample => "steps of time",
            Self::Coarsen => "blocks of labels",
            Self::Rolling => "rolling windows",
            Self::Weighted => "weighted arrays",
            Self::Dates => "dates",
            Self::Texts => "texts",
            Self::Numpy => "`np`",
            Self::Xarray => "`xr`",
            Self::Builtin => "this language",
        }
    }

    /// What a value is for the registry; `None` for values without methods.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Array(_) => Self::DataArray,
            Value::Dataset(_) => Self::Dataset,
            Value::Tree(_) => Self::DataTree,
            Value::ArrayGroup(GroupBy { key, .. }) | Value::DatasetGroup(GroupBy { key, .. })
                if key.is_resampled =>
            {
                Self::Resample
            }
            Value::ArrayGroup(_) | Value::DatasetGroup(_) => Self::GroupBy,
            Value::Coarsen(..) => Self::Coarsen,
            Value::Rolling(_) => Self::Rolling,
            Value::Weighted(_) => Self::Weighted,
            Value::Several(_, parts) => {
                return parts.first().and_then(|(_, part)| Self::of(part));
            }
            Value::Dates(_) => Self::Dates,
            Value::Texts(_) => Self::Texts,
            Value::Namespace(Namespace::Numpy) => Self::Numpy,
            Value::Namespace(Namespace::Xarray) => Self::Xarray,
            _ => return None,
        })
    }
}

/// The receivers of what arrays and datasets have in common.
pub(super) const LABELLED: &[Receiver] = &[Receiver::DataArray, Receiver::Dataset];

/// One method, property or function.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// What has it.
    pub receivers: &'static [Receiver],
    /// What stands between the brackets of its definition in Python; `None` if it is used without brackets.
    pub signature: Option<&'static str>,
    /// What it gives, in one sentence.
    pub doc: &'static str,
    /// Expressions that show it.
    pub examples: &'static [&'static str],
    /// What it does.
    pub(super) function: Function,
}

/// What an entry does with a call.
pub(super) type Function = fn(&Call<'_>) -> Result<Value>;

/// An entry that is called with brackets.
pub(super) const fn method(
    name: &'static str,
    receivers: &'static [Receiver],
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
    function: Function,
) -> Entry {
    Entry {
        name,
        aliases: &[],
        receivers,
        signature: Some(signature),
        doc,
        examples,
        function,
    }
}

/// An entry that is used without brackets.
pub(super) const fn property(
    name: &'static str,
    receivers: &'static [Receiver],
    doc: &'static str,
    examples: &'static [&'static str],
    function: Function,
) -> Entry {
    Entry {
        name,
        aliases: &[],
        receivers,
        signature: None,
        doc,
        examples,
        function,
    }
}

impl Entry {
    /// The same under further names.
    pub(super) const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Every entry, family by family.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    let families = methods::FAMILIES.iter().chain(functions::FAMILIES);
    families.flat_map(|family| family.iter())
}

/// The entry `name` of `receiver`.
pub(super) fn find(receiver: Receiver, name: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.receivers.contains(&receiver) && entry.is_called(name))
}

/// The names, aliases included, that `receiver` has.
pub(super) fn names(receiver: Receiver) -> impl Iterator<Item = &'static str> {
    entries()
        .filter(move |entry| entry.receivers.contains(&receiver))
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()))
}

/// What does the work of methods that xarray has, and that are not here for a reason.
const WAYS_OUT: &[(Receiver, &str, &str)] = &[(
    Receiver::Texts,
    "findall",
    "an array holds no lists: `.str.extractall(\"(…)\", \"group\", \"match\")` puts all matches along dimensions, `.str.count(…)` counts them",
)];

/// The error for a name that `receiver` does not have.
pub(super) fn unknown(receiver: Receiver, name: &str) -> Error {
    let message = match receiver {
        Receiver::Builtin => format!("there is no function `{name}`"),
        Receiver::Numpy | Receiver::Xarray => {
            format!("{} has no function `{name}` here", receiver.owners())
        }
        receiver => format!("{} have no method `{name}`", receiver.owners()),
    };
    let error = Error::usage(message);
    let way_out = WAYS_OUT
        .iter()
        .find(|(of, known, _)| *of == receiver && *known == name);
    if let Some((_, _, hint)) = way_out {
        return error.hint(*hint);
    }
    if let Some(hint) = did_you_mean(name, names(receiver)) {
        return error.hint(hint);
    }
    let elsewhere = entries().find(|entry| entry.is_called(name));
    let owners = |entry: &Entry| {
        let owners = entry.receivers.iter().map(|receiver| receiver.owners());
        owners.collect::<Vec<_>>().join(" and ")
    };
    match elsewhere.map(|entry| (entry, entry.receivers.first())) {
        Some((_, Some(Receiver::Numpy))) => error.hint(format!("there is `np.{name}`")),
        Some((_, Some(Receiver::Xarray))) => error.hint(format!("there is `xr.{name}`")),
        Some((entry, Some(_))) => error.hint(format!("{} have it", owners(entry))),
        _ if receiver == Receiver::Builtin => {
            error.hint("functions are methods, or in `np` and `xr`")
        }
        _ => error.hint("`craton help expr` lists all there are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_receiver_is_there_once() {
        for receiver in Receiver::ALL {
            let mut all: Vec<&str> = names(receiver).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{receiver:?}");
        }
    }

    #[test]
    fn every_entry_has_a_sentence_and_an_example_that_names_it() {
        for entry in entries() {
            assert!(entry.doc.ends_with('.'), "{}", entry.name);
            assert!(!entry.examples.is_empty(), "{}", entry.name);
            for example in entry.examples {
                assert!(example.contains(entry.name), "{}: {example}", entry.name);
            }
        }
    }
}

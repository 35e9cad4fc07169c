//! Trees of datasets: what is done to each group.

use super::not_on;
use crate::evaluate::arguments::{Arguments, Call};
use crate::evaluate::registry::{Entry, Receiver, method, property};
use crate::evaluate::{Value, dataset_of};
use crate::labels::{DataTree, Dataset, Node};
use crate::session::Session;
use craton_core::{Error, Result};

const TREE: &[Receiver] = &[Receiver::DataTree];
const PLAIN: &str = "dim=None, *, skipna=None, keep_attrs=None";
const COUNTED: &str = "dim=None, *, skipna=None, min_count=None, keep_attrs=None";
const SPREAD: &str = "dim=None, *, skipna=None, ddof=0, keep_attrs=None";
const WHOLE: &str = "dim=None, *, keep_attrs=None";

pub(in crate::evaluate) const ENTRIES: &[Entry] = &[
    property(
        "tree",
        &[Receiver::Dataset],
        "The dataset as it was opened, and the groups below it, as a tree.",
        &["ds.tree.mean()"],
        tree,
    ),
    method(
        "sel",
        TREE,
        "indexers=None, method=None, tolerance=None, drop=False, **indexers_kwargs",
        "What lies at labels, of every group that has the dimension.",
        &["ds.tree.sel(time=\"2001-01\")"],
        select,
    ),
    method(
        "isel",
        TREE,
        "indexers=None, drop=False, missing_dims='raise', **indexers_kwargs",
        "What lies at positions, of every group that has the dimension.",
        &["ds.tree.isel(time=0)"],
        select,
    ),
    reduction(
        "mean",
        PLAIN,
        "The mean over dimensions, of every group.",
        &["ds.tree.mean(\"time\")"],
    ),
    reduction(
        "sum",
        COUNTED,
        "The sum over dimensions, of every group.",
        &["ds.tree.sum(\"time\")"],
    ),
    reduction(
        "min",
        PLAIN,
        "The least value over dimensions, of every group.",
        &["ds.tree.min()"],
    ),
    reduction(
        "max",
        PLAIN,
        "The greatest value over dimensions, of every group.",
        &["ds.tree.max()"],
    ),
    reduction(
        "std",
        SPREAD,
        "The standard deviation over dimensions, of every group.",
        &["ds.tree.std(\"time\")"],
    ),
    reduction(
        "var",
        SPREAD,
        "The variance over dimensions, of every group.",
        &["ds.tree.var(\"time\")"],
    ),
    reduction(
        "count",
        WHOLE,
        "How many values are not missing, in every group.",
        &["ds.tree.count()"],
    ),
    reduction(
        "prod",
        COUNTED,
        "The product over dimensions, of every group.",
        &["ds.tree.prod(\"time\")"],
    ),
    reduction(
        "any",
        WHOLE,
        "Whether some value is true, in every group.",
        &["(ds.tree > 300).any()"],
    ),
    reduction(
        "all",
        WHOLE,
        "Whether every value is true, in every group.",
        &["(ds.tree > 0).all()"],
    ),
    reduction(
        "median",
        PLAIN,
        "The median over dimensions, of every group.",
        &["ds.tree.median(\"time\")"],
    ),
    reduction(
        "cumsum",
        PLAIN,
        "The running sum along dimensions, of every group.",
        &["ds.tree.cumsum(\"time\")"],
    ),
    reduction(
        "cumprod",
        PLAIN,
        "The running product along dimensions, of every group.",
        &["ds.tree.cumprod(\"time\")"],
    ),
    method(
        "round",
        TREE,
        "decimals=0",
        "Every value rounded.",
        &["ds.tree.round(1)"],
        |call| {
            on_groups(call, |node| {
                on_group(call, node.whole, call.given_again(&[]))
            })
        },
    ),
    method(
        "map_over_datasets",
        TREE,
        "func, *args",
        "What a function of `np` or `xr` makes of the dataset of every group.",
        &["ds.tree.map_over_datasets(np.sqrt)"],
        |call| over_datasets(call, call.object),
    ),
    method(
        "match",
        TREE,
        "pattern",
        "The groups whose path ends in a pattern such as `*/surface`, and those that they lie in.",
        &["ds.tree.match(\"*\")"],
        fitting,
    ),
    method(
        "drop_nodes",
        TREE,
        "names, errors='raise'",
        "Without some groups of the root.",
        &["ds.tree.drop_nodes(\"forecast\", errors=\"ignore\")"],
        drop_nodes,
    ),
    method(
        "to_dataset",
        TREE,
        "inherit=True",
        "The dataset of the root, with the labels that hold for it.",
        &["ds.tree.to_dataset()"],
        |call| match call.object {
            Value::Tree(tree) => Ok(Value::Dataset(tree.dataset("/").unwrap_or_default())),
            _ => Err(not_on(call)),
        },
    ),
    property(
        "dataset",
        TREE,
        "The dataset of the root.",
        &["ds.tree.dataset"],
        |call| match call.object {
            Value::Tree(tree) => Ok(Value::Dataset(tree.dataset("/").unwrap_or_default())),
            _ => Err(not_on(call)),
        },
    )
    .also(&["ds"]),
];

const fn reduction(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
) -> Entry {
    method(name, TREE, signature, doc, examples, reduce)
}

fn tree(call: &Call<'_>) -> Result<Value> {
    let Value::Dataset(dataset) = call.object else {
        return Err(not_on(call));
    };
    let groups = dataset.groups.as_ref().ok_or_else(|| {
        Error::usage("only a dataset as it was opened has a tree of groups")
            .hint("take it first: `ds.tree.sel(…)`")
    })?;
    groups.tree(call.session).map(Value::Tree)
}

fn tree_of<'a>(call: &Call<'a>) -> Result<&'a DataTree> {
    match call.object {
        Value::Tree(tree) => Ok(tree),
        _ => Err(not_on(call)),
    }
}

fn on_groups(call: &Call<'_>, change: impl Fn(Node<'_>) -> Result<Dataset>) -> Result<Value> {
    tree_of(call)?.map(change).map(Value::Tree)
}

/// The same call on a dataset.
fn on_group(call: &Call<'_>, dataset: &Dataset, arguments: Arguments) -> Result<Dataset> {
    let called = super::call(
        &Value::Dataset(dataset.clone()),
        call.called,
        arguments,
        call.session,
    );
    dataset_of(called?)
}

/// The dimensions of a group's own variables.
fn dims_of(dataset: &Dataset) -> Vec<String> {
    dataset.sizes().into_keys().collect()
}

/// That each dimension is one of some group.
fn check_known<'a>(tree: &DataTree, dims: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let mut known: Vec<String> = tree.nodes().flat_map(|(_, own)| dims_of(own)).collect();
    known.sort_unstable();
    known.dedup();
    match dims.into_iter().find(|dim| !known.contains(dim)) {
        None => Ok(()),
        Some(dim) => {
            let message = format!("no group has a dimension `{dim}`; there are {known:?}");
            Err(Error::not_found(message))
        }
    }
}

fn reduce(call: &Call<'_>) -> Result<Value> {
    let dims = call.texts("dim")?;
    if let Some(dims) = &dims {
        check_known(tree_of(call)?, dims)?;
    }
    on_groups(call, |node| {
        let mut own = dims_of(node.own);
        if let Some(dims) = &dims {
            own.retain(|dim| dims.contains(dim));
        }
        let mut arguments = call.given_again(&["dim"]);
        let own = own.into_iter().map(Value::Text).collect();
        arguments
            .keywords
            .push(("dim".to_owned(), Value::List(own)));
        on_group(call, node.whole, arguments)
    })
}

fn select(call: &Call<'_>) -> Result<Value> {
    let pairs = call.pairs("indexers")?;
    check_known(tree_of(call)?, pairs.iter().map(|(dim, _)| dim))?;
    on_groups(call, |node| {
        let known = dims_of(node.whole);
        let mut arguments = call.given_again(&["indexers"]);
        arguments
            .keywords
            .retain(|(name, _)| !pairs.iter().any(|(dim, _)| dim == name));
        let own = pairs.iter().filter(|(dim, _)| known.contains(dim));
        arguments.keywords.extend(own.cloned());
        let mut out = on_group(call, node.whole, arguments)?;
        // The group above has what it selects of its labels.
        let is_own = |name: &String| node.own.coords.contains_key(name);
        out.coords
            .retain(|name, _| is_own(name) || !node.whole.coords.contains_key(name));
        Ok(out)
    })
}

/// What a function makes of the datasets of `trees`, of which each has the same groups.
pub(in crate::evaluate) fn over_datasets(call: &Call<'_>, tree: &Value) -> Result<Value> {
    let Value::Tree(tree) = tree else {
        return Err(Error::usage(format!(
            "`map_over_datasets` of {}",
            tree.kind()
        )));
    };
    let function = call.need("func")?;
    tree.map(|node| {
        // A group without data stays as it is.
        if node.own.variables.is_empty() && node.own.coords.is_empty() {
            return Ok(node.whole.clone());
        }
        let positional = std::iter::once(Value::Dataset(node.whole.clone()));
        let further = call
            .positional
            .iter()
            .filter(|value| !matches!(value, Value::Tree(_)));
        let arguments = Arguments {
            positional: positional.chain(further.cloned()).collect(),
            keywords: Vec::new(),
        };
        dataset_of(apply(function, arguments, call.session)?)
    })
    .map(Value::Tree)
}

/// A function that was named, not called.
pub(super) fn apply(function: &Value, arguments: Arguments, session: &Session) -> Result<Value> {
    match function {
        Value::Function(namespace, name) => {
            crate::evaluate::functions::call(*namespace, name, arguments, session)
        }
        other => Err(Error::usage(format!("{} cannot be called", other.kind()))
            .hint("a function of `np` or `xr` is named without brackets, as in `np.sqrt`")),
    }
}

fn fitting(call: &Call<'_>) -> Result<Value> {
    let pattern = call.need_text("pattern")?;
    let parts = pattern.split('/').filter(|part| !part.is_empty());
    let parts = parts
        .map(glob::Pattern::new)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| Error::usage(format!("`{pattern}` is no pattern")).caused_by(error))?;
    let is_whole = pattern.starts_with('/');
    let fits = |path: &str| {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let Some(rest) = names.len().checked_sub(parts.len()) else {
            return false;
        };
        let mut pairs = parts.iter().zip(&names[rest..]);
        (rest == 0 || !is_whole) && pairs.all(|(part, name)| part.matches(name))
    };
    tree_of(call)?.filtered(fits).map(Value::Tree)
}

fn drop_nodes(call: &Call<'_>) -> Result<Value> {
    let tree = tree_of(call)?;
    let names = call.texts("names")?.unwrap_or_default();
    let is_in = |path: &str, name: &String| {
        path.strip_prefix('/')
            .is_some_and(|path| path == name || path.starts_with(&format!("{name}/")))
    };
    if call.text("errors")? != Some("ignore") {
        let missing = |name: &&String| !tree.nodes().any(|(path, _)| is_in(path, name));
        if let Some(name) = names.iter().find(missing) {
            return Err(Error::not_found(format!("the root has no group `{name}`")));
        }
    }
    tree.filtered(|path| !names.iter().any(|name| is_in(path, name)))
        .map(Value::Tree)
}

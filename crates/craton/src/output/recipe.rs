//! How a result came about: what every output carries.

use crate::labels::Dataset;
use craton_core::{Error, Result};
use craton_plan::{NodeRef, Work};
use craton_store::public_url;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What was asked of which data, by which version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The expression as written; empty for a copy.
    pub expression: String,
    /// The inputs as they were read.
    pub inputs: Vec<RecipeInput>,
}

/// One input, and which state of it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecipeInput {
    /// The name in the expression, such as `ds`.
    pub name: String,
    /// The URL without secrets.
    pub url: String,
    /// Bytes of a file.
    pub size: Option<u64>,
    /// When a file or folder was last changed, in seconds since 1970.
    pub modified: Option<u64>,
    /// The snapshot of a repository, or the etag of an object.
    pub snapshot: Option<String>,
}

impl RecipeInput {
    /// An input whose state is looked up if it is a local file or folder.
    #[must_use]
    pub fn of_url(name: &str, url: &str) -> Self {
        let path = url.strip_prefix("file://").unwrap_or(url);
        let path = path.split_once("!/").map_or(path, |(file, _)| file);
        let metadata = Path::new(path).metadata().ok();
        let modified = metadata
            .as_ref()
            .and_then(|metadata| metadata.modified().ok());
        Self {
            name: name.to_owned(),
            url: public_url(url),
            size: metadata
                .filter(std::fs::Metadata::is_file)
                .map(|metadata| metadata.len()),
            modified: modified.and_then(|at| Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs())),
            snapshot: None,
        }
    }

    fn to_json(&self) -> Value {
        let mut value = json!({"name": self.name, "url": self.url});
        let facts = [
            ("size", self.size.map(Value::from)),
            ("modified", self.modified.map(Value::from)),
            ("snapshot", self.snapshot.clone().map(Value::from)),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                value[name] = fact;
            }
        }
        value
    }
}

impl Recipe {
    /// The recipe of `dataset` as JSON: expression, plan hash of each variable, inputs, version.
    #[must_use]
    pub fn to_json(&self, dataset: &Dataset) -> Value {
        let plans: serde_json::Map<String, Value> = dataset
            .variables
            .iter()
            .map(|(name, variable)| (name.clone(), Value::from(variable.node.hash().to_string())))
            .collect();
        json!({
            "expression": self.expression,
            "plans": plans,
            "inputs": self.inputs.iter().map(RecipeInput::to_json).collect::<Vec<_>>(),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// The recipe of `dataset` as JSON text.
    ///
    /// # Errors
    /// None in practice: the document is made of texts and numbers.
    pub fn to_text(&self, dataset: &Dataset) -> Result<String> {
        serde_json::to_string(&self.to_json(dataset))
            .map_err(|cause| Error::internal("the recipe is no JSON").caused_by(cause))
    }
}

/// The URLs of every stored array under `nodes`, each once, in the order in which they are met.
#[must_use]
pub fn urls_of<'a>(nodes: impl IntoIterator<Item = &'a NodeRef>) -> Vec<String> {
    let mut pending: Vec<&NodeRef> = nodes.into_iter().collect();
    pending.reverse();
    let (mut seen, mut urls) = (HashSet::new(), Vec::new());
    while let Some(node) = pending.pop() {
        if !seen.insert(node.hash()) {
            continue;
        }
        if let Work::Source(source) = node.work()
            && !urls.iter().any(|url| url == source.url())
        {
            urls.push(source.url().to_owned());
        }
        pending.extend(node.inputs().iter().rev());
    }
    urls
}

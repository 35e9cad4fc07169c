//! How a result came about: what every output carries.

use crate::calendar::{date_from_count, iso_string};
use crate::labels::Dataset;
use crate::open::OpenOptions;
use craton_core::{Calendar, Error, Result, Source, TimeKind, TimeType, TimeUnit};
use craton_plan::{NodeRef, Work};
use craton_store::public_url;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of history names no more inputs; the recipe names all.
const MOST_NAMED: usize = 8;

/// What was asked of which data, by which version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The expression as written; empty for a copy.
    pub expression: String,
    /// The inputs as they were read.
    pub inputs: Vec<RecipeInput>,
    /// Names of inputs that a program gave, which are written down nowhere.
    pub given: Vec<String>,
    /// How the inputs were opened.
    pub open: OpenOptions,
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

    /// The snapshot that was read, if the input is a repository.
    fn snapshot_among<'a>(&self, repositories: &'a [(String, String)]) -> Option<&'a str> {
        let place = self.url.split("!/").next().unwrap_or_default();
        let found = repositories
            .iter()
            .find(|(url, _)| url == place || url.strip_prefix("icechunk+") == Some(place));
        found.map(|(_, snapshot)| snapshot.as_str())
    }

    fn to_json(&self, repositories: &[(String, String)]) -> Value {
        let mut value = json!({"name": self.name, "url": self.url});
        let snapshot = self.snapshot.as_deref();
        let snapshot = snapshot.or_else(|| self.snapshot_among(repositories));
        let facts = [
            ("size", self.size.map(Value::from)),
            ("modified", self.modified.map(Value::from)),
            ("snapshot", snapshot.map(Value::from)),
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
        let nodes = dataset.variables.values().map(|variable| &variable.node);
        let repositories = repositories_of(nodes);
        let inputs = self.inputs.iter();
        let inputs: Vec<Value> = inputs.map(|input| input.to_json(&repositories)).collect();
        let mut recipe = json!({
            "expression": self.expression,
            "plans": plans,
            "inputs": inputs,
            "version": env!("CARGO_PKG_VERSION"),
        });
        if !self.given.is_empty() {
            recipe["given"] = json!(self.given);
        }
        if self.open != OpenOptions::default() {
            recipe["open"] = self.open.to_json();
        }
        recipe
    }

    /// The recipe that [`Recipe::to_json`] made; `None` if it is none.
    #[must_use]
    pub fn from_json(recipe: &Value) -> Option<Self> {
        let inputs = recipe.get("inputs")?.as_array()?.iter().map(|input| {
            let text = |name: &str| Some(input.get(name)?.as_str()?.to_owned());
            let number = |name: &str| input.get(name)?.as_u64();
            Some(RecipeInput {
                name: text("name")?,
                url: text("url")?,
                size: number("size"),
                modified: number("modified"),
                snapshot: text("snapshot"),
            })
        });
        let given = recipe.get("given").and_then(Value::as_array);
        let given = given.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            expression: recipe.get("expression")?.as_str()?.to_owned(),
            inputs: inputs.collect::<Option<_>>()?,
            given: given.map(str::to_owned).collect(),
            open: OpenOptions::from_json(recipe.get("open"))?,
        })
    }

    /// One line of netCDF's attribute `history`: when, by what, and what was asked.
    ///
    /// `SOURCE_DATE_EPOCH`, in seconds since 1970, stands for now where it is set.
    #[must_use]
    pub fn history_line(&self) -> String {
        let now = || Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs());
        let stated = std::env::var("SOURCE_DATE_EPOCH").ok();
        let seconds = stated.and_then(|text| text.parse().ok()).or_else(now);
        let time = TimeType {
            unit: TimeUnit::Second,
            step: 1,
            calendar: Calendar::ProlepticGregorian,
            kind: TimeKind::Instant,
        };
        let count = i64::try_from(seconds.unwrap_or(0)).unwrap_or(0);
        let date = date_from_count(count, time).map(iso_string);
        let inputs: Vec<String> = self
            .inputs
            .iter()
            .take(MOST_NAMED)
            .map(|input| match input.name.as_str() {
                "" | "ds" => input.url.clone(),
                name => format!("{name}={}", input.url),
            })
            .collect();
        let more = match self.inputs.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{}Z: craton {} {} {}{more}",
            date.unwrap_or_default(),
            env!("CARGO_PKG_VERSION"),
            self.asked(),
            inputs.join(" ")
        )
    }

    /// What was asked, without the inputs.
    #[must_use]
    pub fn asked(&self) -> String {
        match self.expression.split_whitespace().collect::<Vec<_>>() {
            words if words.is_empty() => "copy".to_owned(),
            words => format!("eval '{}'", words.join(" ")),
        }
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
    let mut urls = Vec::new();
    for source in sources_of(nodes) {
        if !urls.iter().any(|url| url == source.url()) {
            urls.push(source.url().to_owned());
        }
    }
    urls
}

/// The Icechunk repositories under `nodes`, each with the snapshot that is read.
fn repositories_of<'a>(nodes: impl IntoIterator<Item = &'a NodeRef>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for source in sources_of(nodes) {
        let url = source.url().split("!/").next().unwrap_or_default();
        if url.starts_with("icechunk+")
            && !found.iter().any(|(known, _)| known == url)
            && let Some(snapshot) = source.version()
        {
            found.push((url.to_owned(), snapshot));
        }
    }
    found
}

/// Every stored array under `nodes`, in the order in which they are met.
fn sources_of<'a>(nodes: impl IntoIterator<Item = &'a NodeRef>) -> Vec<Arc<dyn Source>> {
    let mut pending: Vec<&NodeRef> = nodes.into_iter().collect();
    pending.reverse();
    let (mut seen, mut sources) = (HashSet::new(), Vec::new());
    while let Some(node) = pending.pop() {
        if !seen.insert(node.hash()) {
            continue;
        }
        if let Work::Source(source) = node.work() {
            sources.push(source.clone());
        }
        pending.extend(node.inputs().iter().rev());
    }
    sources
}

//! Whether a result comes out again: what its recipe asks is computed anew and compared with what was stored.

use crate::answer::{Answer, Question};
use crate::diff::{Aspect, DiffOptions, GroupDiff, diff_datasets};
use crate::history::Repository;
use crate::open::{OpenOptions, Stored, open_group, open_stored_with};
use crate::output::zarr::{CHANGE_ATTRIBUTE, RECIPE_ATTRIBUTE};
use crate::output::{Recipe, RecipeInput};
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result};
use craton_store::scheme::{repository_and_version, repository_url};
use indexmap::IndexMap;
use serde_json::{Value, json};

/// A result that was computed again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The URL of the result, as written.
    pub url: String,
    /// What was asked.
    pub recipe: Recipe,
    /// Of each input that is not as it was then, its URL and what is different.
    pub changed: Vec<(String, String)>,
    /// The groups, what was computed now before what is stored; without attributes.
    pub groups: Vec<GroupDiff>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every value is the same.
    Identical,
    /// Values differ, and so does an input.
    InputChanged,
    /// Values differ, and no input is known to.
    Different,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::InputChanged => "input changed",
            Self::Different => "different",
        }
    }
}

/// Computes again what the recipe of the result at `url` asks, and compares every value. Nothing is written.
///
/// Inputs are looked for where they were then, relative paths from the current folder on; of a repository the snapshot that
/// was read then is read again.
///
/// # Errors
/// [`craton_core::ErrorKind::NotFound`] if the result carries no recipe, or an input is not there any more; what the
/// expression and reading report; [`craton_core::ErrorKind::Unsupported`] for stores that were changed after they were made.
/// # Cost
/// That of the result, and of reading it once.
pub fn replay(url: &str, session: &Session) -> Result<Replay> {
    let stored = open_stored_with(url, &session.stores()?)?;
    let recipe = recipe_of(&stored, session)?;
    let mut changed = Vec::new();
    let mut inputs: IndexMap<String, Vec<String>> = IndexMap::new();
    for then in &recipe.inputs {
        let name = if then.name.is_empty() {
            "ds"
        } else {
            &then.name
        };
        let now = as_it_was(then);
        if let Some(what) = difference(then, &RecipeInput::of_url(name, &now)) {
            changed.push((then.url.clone(), what));
        }
        inputs.entry(name.to_owned()).or_default().push(now);
    }
    let question = Question {
        expression: match recipe.expression.is_empty() {
            true => "ds".to_owned(),
            false => recipe.expression.clone(),
        },
        inputs,
        given: IndexMap::new(),
        options: recipe.open,
    };
    let answer = Answer::plan(&question, session)?;
    // Values that were taken as stored stand as such in the result.
    let written = OpenOptions {
        decodes_cf: recipe.open.decodes_cf,
        ..OpenOptions::default()
    };
    let mut groups = Vec::new();
    for (path, computed) in answer.groups()? {
        let before = open_group(&stored, &path, written, session)?;
        let options = DiffOptions::default();
        let mut group = diff_datasets(&computed, &before, &options, session)?;
        group.path = path;
        // Attributes and dtypes are as the format has them; values are what is asked for.
        let matters = |aspect| !matches!(aspect, Aspect::Attribute | Aspect::Dtype | Aspect::Role);
        group.metadata.retain(|one| matters(one.aspect));
        groups.push(group);
    }
    Ok(Replay {
        url: url.to_owned(),
        recipe,
        changed,
        groups,
    })
}

fn recipe_of(stored: &Stored, session: &Session) -> Result<Recipe> {
    let attributes = &stored.root()?.attributes;
    if attributes.contains_key(CHANGE_ATTRIBUTE) || was_changed(&stored.url, session)? {
        let message = "the store was appended to, or a region of it was written, after it was made";
        return Err(Error::unsupported(message)
            .at(&stored.url)
            .hint("one recipe tells only a part of how it came about: `craton info` shows the first and the last"));
    }
    let recipe = attributes
        .get(RECIPE_ATTRIBUTE)
        .map(|value| match value.as_text() {
            Some(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            None => value.to_json(),
        });
    let recipe = recipe.as_ref().and_then(Recipe::from_json);
    let recipe = recipe.ok_or_else(|| {
        Error::not_found("there is no recipe that says how this came about")
            .at(&stored.url)
            .hint("what `craton eval -o` and `craton copy` write carries one")
    })?;
    if recipe.given.is_empty() {
        return Ok(recipe);
    }
    let message = format!(
        "a program gave `{}`, which is written down nowhere",
        recipe.given.join("`, `")
    );
    Err(Error::unsupported(message)
        .at(&stored.url)
        .hint("only what was computed from files and stores can be computed again"))
}

/// Whether the version of a repository at `url` is one that was only changed since it was written whole.
fn was_changed(url: &str, session: &Session) -> Result<bool> {
    let place = url.split("!/").next().unwrap_or(url);
    let (repository, version) = match Repository::open_with(place, &session.stores()?) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let history = repository.history(&version)?;
    let since = history
        .iter()
        .take_while(|one| !one.properties.contains_key(RECIPE_ATTRIBUTE));
    Ok(since
        .into_iter()
        .any(|one| one.properties.contains_key(CHANGE_ATTRIBUTE)))
}

/// Where the state of an input that was read then can be read now.
fn as_it_was(input: &RecipeInput) -> String {
    let Some(snapshot) = &input.snapshot else {
        return input.url.clone();
    };
    let (place, member) = input.url.split_once("!/").unwrap_or((&input.url, ""));
    let path = repository_and_version(place).0;
    let member = match member {
        "" => String::new(),
        member => format!("!/{member}"),
    };
    repository_url(&path, snapshot) + &member
}

/// What is not as it was then; a snapshot never changes.
fn difference(then: &RecipeInput, now: &RecipeInput) -> Option<String> {
    if then.snapshot.is_some() {
        return None;
    }
    if let (Some(old), Some(new)) = (then.size, now.size)
        && old != new
    {
        return Some(format!("{new} bytes, {old} then"));
    }
    let is_newer = then.modified.is_some() && then.modified != now.modified;
    is_newer.then(|| "changed since then".to_owned())
}

impl Replay {
    /// What came of it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let is_same = |group: &GroupDiff| {
            group.metadata.is_empty() && group.values.is_empty() && group.skipped.is_empty()
        };
        match (self.groups.iter().all(is_same), self.changed.is_empty()) {
            (true, _) => Verdict::Identical,
            (false, false) => Verdict::InputChanged,
            (false, true) => Verdict::Different,
        }
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let verdict = self.verdict();
        let compared: usize = self.groups.iter().map(|group| group.compared.len()).sum();
        let mut text = format!("{}: {}", self.url, verdict.name());
        if verdict == Verdict::Identical {
            text += &format!(", in every value of {compared} variables");
        }
        text += &format!("\n    craton {}\n", self.recipe.asked());
        for (url, what) in &self.changed {
            text += &format!("    {url}: {what}\n");
        }
        if verdict != Verdict::Identical {
            text += "a: computed now\nb: as stored\n";
            for group in &self.groups {
                // Writing into memory does not fail.
                let _ = group.write(&mut text, self.groups.len() > 1);
            }
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let changed = self.changed.iter();
        let changed = changed.map(|(url, what)| json!({"url": url, "what": what}));
        json!({
            "url": self.url,
            "expression": self.recipe.expression,
            "verdict": self.verdict().name(),
            "changed": changed.collect::<Vec<_>>(),
            "groups": self.groups.iter().map(GroupDiff::to_json).collect::<Vec<_>>(),
        })
    }
}

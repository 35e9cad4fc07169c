//! A whole file or store in another format or with other chunks: values and attributes as they are stored.

use crate::answer::{Answer, AnswerOptions, Question, REPOSITORY, ending};
use crate::labels::{Dataset, Variable};
use crate::open::{OpenOptions, Stored, StoredGroup, open_group, open_stored_with};
use crate::output::chunks::{check_names, layout};
use crate::output::netcdf::{NetcdfOptions, RawGroup, write_groups};
use crate::output::zarr::{RECIPE_ATTRIBUTE, ZarrOptions, begin, raw_spec, set_codecs};
use crate::output::{Recipe, RecipeInput, StoredForms, write_held};
use crate::session::Session;
use craton_core::{AttributeValue, Attributes, Error, Result, Sink};
use craton_format::zarr::parse_codecs;
use craton_plan::NodeRef;
use indexmap::IndexMap;
use std::path::Path;
use std::sync::Arc;

/// One group to be copied: its path in the copy, and what is in it.
struct Group<'a> {
    path: String,
    stored: &'a StoredGroup,
    attributes: Attributes,
    variables: IndexMap<String, Variable>,
}

/// Copies what lies at `source` to `target`, whose ending names the format.
///
/// Between Zarr and netCDF all groups are copied, packed values and times as they are stored; tables (`.csv`,
/// `.json`) hold the decoded values of the group that `source` names. What cannot be read is an error, or is left out
/// if `skips_broken`; the messages then say what.
///
/// # Errors
/// [`craton_core::ErrorKind::Conflict`] if something is at `target` and may not be replaced; what reading, the target's
/// format and writing report. Nothing is left under the final name then.
/// # Cost
/// One pass over the source, or as many as the chunks asked for need.
pub fn copy(
    source: &str,
    target: &Path,
    options: &AnswerOptions,
    skips_broken: bool,
    session: &Session,
) -> Result<Vec<String>> {
    let ending = ending(target);
    if !["zarr", "nc", REPOSITORY].contains(&ending.as_str()) {
        let question = Question::new("ds", &[format!("ds={source}")], false);
        let answer = Answer::plan(&question, session)?;
        answer.write_to(target, options, session)?;
        return Ok(answer.warnings());
    }
    options.check_ending(&ending)?;
    let stored = open_stored_with(source, &session.stores()?)?;
    let mut messages = Vec::new();
    let groups = groups(&stored, skips_broken, &mut messages, session)?;
    let mut input = RecipeInput::of_url("ds", source);
    input.snapshot.clone_from(&stored.snapshot);
    let recipe = Recipe {
        expression: String::new(),
        inputs: vec![input],
        ..Recipe::default()
    };
    let mut forms = StoredForms::default();
    for group in &groups {
        forms.add_group(group.stored);
    }
    let written = match ending.as_str() {
        "nc" => {
            let options = options.netcdf(&forms)?;
            check_names(&names_of_dims(&groups), options.chunks.iter())?;
            write_netcdf(groups, target, &options, &recipe, session)
        }
        _ => {
            let options = options.zarr(&forms)?;
            let named = options.chunks.iter().chain(&options.shards);
            check_names(&names_of_dims(&groups), named)?;
            write_zarr(groups, target, &options, &recipe, session)
        }
    };
    written.map_err(|error| error.at(target.display().to_string()))?;
    Ok(messages)
}

/// The group that the URL names and those below it, with their paths from there.
fn groups<'a>(
    stored: &'a Stored,
    skips_broken: bool,
    messages: &mut Vec<String>,
    session: &Session,
) -> Result<Vec<Group<'a>>> {
    let raw = OpenOptions {
        decodes_cf: false,
        ..OpenOptions::default()
    };
    let mut groups = Vec::new();
    let mut paths: Vec<&String> = stored.groups.keys().collect();
    // Each group after the one it lies in.
    paths.sort_by_key(|path| path.matches('/').count() + usize::from(path.len() > 1));
    for path in paths {
        let Some(below) = below(path, &stored.selected) else {
            continue;
        };
        if stored.array.is_some() && below != "/" {
            continue;
        }
        let group = stored.group(path)?;
        let dataset = open_group(stored, path, raw, session)?;
        for (name, error) in &dataset.broken {
            if !skips_broken {
                let error = error.again().in_variable(name).at(&stored.url);
                return Err(error.hint("`--skip-broken` leaves out what cannot be read"));
            }
            let report = error.report();
            messages.push(format!(
                "warning: `{}/{name}` cannot be read and is left out: {}",
                path.trim_end_matches('/'),
                report.trim_start_matches("error: ")
            ));
        }
        groups.push(Group {
            path: below,
            stored: group,
            attributes: group.attributes.clone(),
            variables: variables(group, &dataset, stored.array.as_deref()),
        });
    }
    Ok(groups)
}

/// `path` as seen from `root`; `None` if it does not lie there.
fn below(path: &str, root: &str) -> Option<String> {
    if root == "/" || path == root {
        return Some(if path == root { "/" } else { path }.to_owned());
    }
    let rest = path.strip_prefix(root)?;
    rest.starts_with('/').then(|| rest.to_owned())
}

/// The variables of a group in their stored order; `only` one of them, where the URL names it.
fn variables(
    group: &StoredGroup,
    dataset: &Dataset,
    only: Option<&str>,
) -> IndexMap<String, Variable> {
    let mut variables = IndexMap::new();
    for name in group.arrays.keys() {
        let found = dataset
            .variables
            .get(name)
            .or_else(|| dataset.coords.get(name));
        let is_wanted = only.is_none_or(|only| only == name);
        if let Some(variable) = found.filter(|_| is_wanted) {
            variables.insert(name.clone(), variable.clone());
        }
    }
    variables
}

fn names_of_dims(groups: &[Group<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let variables = groups.iter().flat_map(|group| group.variables.values());
    for dim in variables.flat_map(|variable| &variable.dims) {
        if !names.contains(dim) {
            names.push(dim.clone());
        }
    }
    names
}

fn write_netcdf(
    groups: Vec<Group<'_>>,
    target: &Path,
    options: &NetcdfOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let raw = groups
        .into_iter()
        .map(|group| RawGroup {
            path: group.path,
            attributes: group.attributes,
            dimensions: group.stored.dimensions.clone(),
            variables: group.variables,
        })
        .collect();
    write_groups(raw, target, options, recipe, session)
}

fn write_zarr(
    groups: Vec<Group<'_>>,
    target: &Path,
    options: &ZarrOptions,
    recipe: &Recipe,
    session: &Session,
) -> Result<()> {
    let codecs = options.codec.as_deref().map(parse_codecs).transpose()?;
    let writer = begin(target, options, recipe, &Dataset::default(), session)?;
    let mut streamed: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    let mut held: Vec<(NodeRef, Arc<dyn Sink>)> = Vec::new();
    for mut group in groups {
        for (name, variable) in &group.variables {
            let named = |error: Error| error.in_variable(name);
            let (node, mut spec) = raw_spec(name, variable, options, session).map_err(named)?;
            let lengths = (&options.chunks, &options.shards);
            let layout = layout(&variable.dims, &variable.node, node.dtype(), lengths);
            (spec.chunks, spec.shards) = (layout.chunks, layout.shards);
            let is_coordinate = is_coordinate(name, &group);
            set_codecs(&mut spec, codecs.as_deref(), is_coordinate);
            let path = format!("{}/{name}", group.path.trim_end_matches('/'));
            let sink = writer.array(&path, &spec)?;
            let is_held = node.dtype().is_variable();
            if is_held { &mut held } else { &mut streamed }.push((node, sink));
        }
        if group.path == "/" {
            let recipe = recipe.to_json(&Dataset::default());
            let recipe = AttributeValue::Json(recipe);
            group.attributes.insert(RECIPE_ATTRIBUTE.to_owned(), recipe);
        }
        writer.group(&group.path, &group.attributes)?;
    }
    session.write(&streamed)?;
    write_held(&held, session)?;
    writer.commit()
}

/// Whether a stored variable is there for others: its own dimension has its name, or one of them names it.
fn is_coordinate(name: &str, group: &Group<'_>) -> bool {
    let names = |variable: &Variable| {
        ["coordinates", "bounds"].iter().any(|attribute| {
            let value = variable.attributes.get(*attribute);
            let text = value.and_then(AttributeValue::as_text);
            text.is_some_and(|text| text.split_whitespace().any(|word| word == name))
        })
    };
    let own = group
        .variables
        .iter()
        .any(|(known, variable)| known == name && variable.dims == [name]);
    own || group.variables.iter().any(|(_, variable)| names(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_from_the_one_that_is_copied() {
        assert_eq!(below("/", "/").as_deref(), Some("/"));
        assert_eq!(below("/a/b", "/").as_deref(), Some("/a/b"));
        assert_eq!(below("/a", "/a").as_deref(), Some("/"));
        assert_eq!(below("/a/b/c", "/a").as_deref(), Some("/b/c"));
        assert_eq!(below("/ab", "/a"), None);
        assert_eq!(below("/", "/a"), None);
    }
}

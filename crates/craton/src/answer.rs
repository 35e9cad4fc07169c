//! From a question as typed to its answer: the one path that every face takes.

mod limits;
mod remarks;

use crate::estimate::Estimate;
use crate::evaluate::{Scope, Value, evaluate};
use crate::labels::{DataArray, DataTree, Dataset, Variable};
use crate::mistakes;
use crate::open::{OpenOptions, Opened, expand, open};
use crate::output;
use crate::output::chunks::Length;
use crate::plot::{self, PlotOptions};
use crate::session::Session;
use craton_core::{Error, ErrorKind, Result};
use craton_format::netcdf::NetcdfFormat;
use craton_plan::NodeRef;
use craton_plan::explain::{explain_plan, explain_stage};
use craton_plan::physical::Target;
use craton_plot::terminal::MapOptions;
use craton_store::icechunk::OnConflict;
use indexmap::IndexMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// More values than these are not printed as JSON, only written to a file that was named for them.
const MOST_PRINTED: u64 = 10_000_000;

/// An expression and its inputs.
#[derive(Debug, Clone)]
pub struct Question {
    /// The expression.
    pub expression: String,
    /// URLs and quoted globs by name; `ds` for those without one.
    pub inputs: IndexMap<String, Vec<String>>,
    /// Inputs that are opened already, by name.
    pub given: IndexMap<String, Labelled>,
    /// How inputs are opened.
    pub options: OpenOptions,
}

/// How an answer is shown.
#[derive(Debug, Clone, Default)]
pub struct AnswerOptions {
    /// As JSON.
    pub is_json: bool,
    /// A single value without its unit.
    pub is_bare: bool,
    /// Whether an existing output is replaced.
    pub may_replace: bool,
    /// Chunks of a Zarr output, as `time=24,lat=-1`.
    pub chunks: Option<String>,
    /// Shards of a Zarr output, as `time=240,lat=-1`.
    pub shards: Option<String>,
    /// Codec of a Zarr output, as `zstd:3`, or filters of a netCDF one, as `zlib:4`.
    pub codec: Option<String>,
    /// Which of netCDF's formats a `.nc` output has, such as `classic`.
    pub format: Option<String>,
    /// The dimension along which results are appended to a Zarr store that is there.
    pub append_dim: Option<String>,
    /// The region of a Zarr store that results are written to, such as `time=0:24,lat=auto` or `auto`.
    pub region: Option<String>,
    /// What a commit to an Icechunk repository says; the question without.
    pub message: Option<String>,
    /// Whether a commit takes the place of the branch's newest one.
    pub amends: bool,
    /// Whose values a chunk has that somebody else changed meanwhile: `fail`, `ours` or `theirs`.
    pub on_conflict: Option<String>,
    /// Whether of data only the arrays are made, without values; coordinates are written.
    pub skips_values: bool,
}

impl AnswerOptions {
    /// Refuses options of storage, except `has`, where what is written has no such thing.
    fn check_storage(&self, what: &str, has: &[&str]) -> Result<()> {
        let amend = self.amends.then(String::new);
        let given = [
            ("--chunks", &self.chunks),
            ("--shards", &self.shards),
            ("--codec", &self.codec),
            ("--format", &self.format),
            ("--append-dim", &self.append_dim),
            ("--region", &self.region),
            ("--message", &self.message),
            ("--amend", &amend),
            ("--on-conflict", &self.on_conflict),
        ];
        let is_wrong =
            |(option, value): &&(&str, &Option<String>)| value.is_some() && !has.contains(option);
        match given.iter().find(is_wrong) {
            None => Ok(()),
            Some((option, _)) => {
                let message = format!("`{option}` is given, but {what} has no such thing");
                Err(Error::usage(message).hint(match *option {
                    "--format" => "only a `.nc` output has several formats",
                    "--append-dim" | "--region" => {
                        "only a `.zarr` or `icechunk+` output that is there can be changed"
                    }
                    "--shards" => "only a `.zarr` output has shards",
                    "--message" | "--amend" => {
                        "only what is written to an `icechunk+` output is a commit"
                    }
                    "--on-conflict" => {
                        "only `--append-dim` and `--region` of an `icechunk+` output keep what others commit meanwhile"
                    }
                    _ => "only `.zarr` and `.nc` outputs have chunks and codecs",
                }))
            }
        }
    }

    /// Refuses options that an output with this ending does not have.
    pub(crate) fn check_ending(&self, ending: &str) -> Result<()> {
        match ending {
            "zarr" | REPOSITORY if self.append_dim.is_some() || self.region.is_some() => {
                if self.append_dim.is_some() && self.region.is_some() {
                    return Err(Error::usage(
                        "`--append-dim` and `--region` exclude each other",
                    ));
                }
                if self.may_replace {
                    return Err(Error::usage(
                        "`--overwrite` would replace the store that is to be changed",
                    ));
                }
                let has = [
                    "--append-dim",
                    "--region",
                    "--message",
                    "--amend",
                    "--on-conflict",
                ];
                let has = &has[..if ending == REPOSITORY { 5 } else { 2 }];
                self.check_storage("a store that is changed", has)
            }
            REPOSITORY => {
                let has = ["--chunks", "--shards", "--codec", "--message", "--amend"];
                self.check_storage("an Icechunk repository", &has)
            }
            "zarr" => self.check_storage("a `.zarr` store", &["--chunks", "--shards", "--codec"]),
            "nc" => {
                self.check_storage("a `.nc` file", &["--chunks", "--codec", "--format"])?;
                let format = NetcdfFormat::from_name(self.format.as_deref().unwrap_or("netcdf4"))?;
                match self.codec {
                    Some(_) if format.is_classic() => {
                        Err(Error::usage("classic netCDF files have no codecs")
                            .hint("`--format netcdf4` has them"))
                    }
                    _ => Ok(()),
                }
            }
            other => self.check_storage(&format!("a `.{other}` file"), &[]),
        }
    }
}

/// A planned answer.
#[derive(Debug)]
pub struct Answer {
    value: Value,
    question: Question,
    /// Variables of the inputs that cannot be read.
    broken: Vec<(String, Arc<Error>)>,
    /// How the inputs store their times and dimensions.
    stored: output::StoredForms,
    /// What the names stand for, to propose a smaller question.
    inputs: Vec<(String, Value)>,
}

impl Question {
    /// A question over inputs as typed: `URL` or `NAME=URL`.
    #[must_use]
    pub fn new(expression: &str, inputs: &[String], is_raw: bool) -> Self {
        let mut named: IndexMap<String, Vec<String>> = IndexMap::new();
        for input in inputs {
            let (name, url) = split_name(input);
            named
                .entry(name.to_owned())
                .or_default()
                .push(url.to_owned());
        }
        let options = OpenOptions {
            decodes_cf: !is_raw,
            ..OpenOptions::default()
        };
        Self {
            expression: expression.to_owned(),
            inputs: named,
            given: IndexMap::new(),
            options,
        }
    }
}

/// `NAME=` counts only where NAME is an identifier before the first `=`.
fn split_name(input: &str) -> (&str, &str) {
    match input.split_once('=') {
        Some((name, url)) if is_identifier(name) && !url.is_empty() => (name, url),
        _ => ("ds", input),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// The plans of named nodes, and what computing them together will read and hold.
///
/// # Errors
/// What planning refuses.
pub fn explain(nodes: &[(String, NodeRef)], session: &Session) -> Result<String> {
    let kept = nodes.iter().map(|(_, node)| (node.clone(), Target::Keep));
    explain_outputs(nodes, &kept.collect::<Vec<_>>(), session)
}

/// As [`explain`], of outputs that the nodes become.
fn explain_outputs(
    nodes: &[(String, NodeRef)],
    outputs: &[(NodeRef, Target)],
    session: &Session,
) -> Result<String> {
    let mut text = String::new();
    for (name, node) in nodes {
        let (optimised, firings) = craton_plan::rules::optimise(node)?;
        let _ = writeln!(text, "plan of {name}  {}", &node.hash().to_string()[..12]);
        text.push_str(&explain_plan(&optimised));
        for firing in firings {
            let _ = writeln!(
                text,
                "  rule {}: {} becomes {}",
                firing.rule, firing.before, firing.after
            );
        }
    }
    let pipelines = session.plan(outputs)?;
    let mut estimate = Estimate::on(session.engine().threads());
    for (number, stage) in pipelines.stages.iter().enumerate() {
        let cost = session.engine().cost(stage, &pipelines.slots);
        estimate.add(stage, &cost);
        let _ = writeln!(
            text,
            "pipeline {}: {} tasks",
            number + 1,
            stage.task_count()
        );
        for line in explain_stage(stage) {
            let _ = writeln!(text, "  {line}");
        }
        let _ = writeln!(
            text,
            "  locate {} chunks, read ≤ {} bytes, decode {} bytes {}; about {} MiB a task and {} MiB shared{}",
            cost.chunks,
            cost.bytes_decoded,
            cost.bytes_decoded,
            match (cost.passes, cost.bytes_spilled) {
                (1, _) => "once".to_owned(),
                (passes, 0) => format!("in {passes} passes"),
                (passes, aside) => {
                    format!("once, put {aside} bytes aside on disk, packed, for {passes} passes")
                }
            },
            cost.bytes_per_task >> 20,
            cost.bytes_shared >> 20,
            match cost.bytes_ahead >> 20 {
                0 => String::new(),
                ahead => format!(", {ahead} MiB to read ahead"),
            }
        );
    }
    if !pipelines.stages.is_empty() {
        text.push_str(&estimate.to_text());
    }
    Ok(text)
}

impl Answer {
    /// Opens the inputs and evaluates the expression, reading only metadata and the labels that it needs.
    ///
    /// # Errors
    /// What opening, the language and the operations refuse.
    pub fn plan(question: &Question, session: &Session) -> Result<Self> {
        let mut scope = Scope::default();
        let mut broken = Vec::new();
        let mut stored = output::StoredForms::default();
        let mut inputs = Vec::new();
        let mut question = question.clone();
        let settings = session.stores()?;
        for urls in question.inputs.values_mut() {
            let expanded = urls.iter().map(|url| expand(url, &settings));
            *urls = expanded.collect::<Result<Vec<_>>>()?.concat();
        }
        let opened = question.inputs.iter().map(|(name, urls)| {
            let opened = match open(urls, question.options, session)? {
                Opened::Dataset(dataset) => Labelled::Dataset(dataset),
                Opened::Array(array) => Labelled::Array(array),
            };
            Ok((name, opened))
        });
        let given = question.given.iter();
        let given = given.map(|(name, given)| Ok((name, given.clone())));
        for input in opened.chain(given) {
            let (name, labelled): (&String, Labelled) = input?;
            let value = match labelled {
                Labelled::Dataset(dataset) => {
                    broken.extend(dataset.broken.clone());
                    stored.add(&dataset);
                    Value::Dataset(dataset)
                }
                Labelled::Array(array) => Value::Array(array),
                Labelled::Tree(tree) => Value::Tree(tree),
            };
            inputs.push((name.clone(), value.clone()));
            scope.insert(name, value);
        }
        let value = evaluate(&question.expression, scope, session)
            .map_err(|error| mistakes::with_lost_quotes(error, &question.expression))?;
        Ok(Self {
            value,
            question,
            broken,
            stored,
            inputs,
        })
    }

    /// The planned value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Name and plan of everything that the answer holds.
    fn nodes(&self) -> Result<Vec<(String, NodeRef)>> {
        let variables = self.labelled()?.variables();
        let nodes = variables.into_iter();
        Ok(nodes
            .map(|(name, variable)| (name, variable.node))
            .collect())
    }

    /// The answer as labelled arrays, nothing of them computed.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the expression gives something else, such as a text.
    pub fn labelled(&self) -> Result<Labelled> {
        match &self.value {
            Value::Array(array) => Ok(Labelled::Array(array.clone())),
            Value::Dataset(dataset) => Ok(Labelled::Dataset(dataset.clone())),
            Value::Tree(tree) => Ok(Labelled::Tree(tree.clone())),
            Value::Number(..) => self.value.to_array(Vec::new()).map(Labelled::Array),
            other => {
                let message = format!(
                    "the expression gives {}, not an array or dataset",
                    other.kind()
                );
                Err(Error::usage(message).hint(match other {
                    Value::Function(..) => "brackets with what it works on call it: `np.sqrt(…)`",
                    _ => "a reduction such as `.mean()` completes it",
                }))
            }
        }
    }

    /// The plan, and what it will read and hold if the result is kept.
    ///
    /// # Errors
    /// What planning refuses.
    pub fn explain(&self, session: &Session) -> Result<String> {
        Ok(explain(&self.nodes()?, session)? + &self.stale_units(session)?)
    }

    /// As [`Answer::explain`], if the result is written to `path`.
    ///
    /// # Errors
    /// What planning refuses.
    pub fn explain_writing(
        &self,
        path: &Path,
        options: &AnswerOptions,
        session: &Session,
    ) -> Result<String> {
        let labelled = self.labelled()?;
        let parts = [labelled.part()];
        let ending = ending(path);
        options.check_ending(&ending)?;
        let writing = match ending.as_str() {
            "zarr" | REPOSITORY => match options.place(&labelled)? {
                Some(place) => output::zarr::plan_update(&parts, path, &place, session)?,
                None => {
                    let options = options.zarr(&self.stored)?;
                    output::zarr::plan_zarr(&parts, path, &options, session)?
                }
            },
            "nc" => {
                let options = options.netcdf(&self.stored)?;
                output::netcdf::plan_netcdf(&parts, path, &options, session)?
            }
            _ => return self.explain(session),
        };
        let plan = explain_outputs(&self.nodes()?, &writing.outputs, session)?;
        Ok(plan + &writing.text)
    }

    /// Computes and prints the answer.
    ///
    /// # Errors
    /// What computing reports; failures to write.
    pub fn print(
        &self,
        out: &mut dyn Write,
        options: &AnswerOptions,
        session: &Session,
    ) -> Result<()> {
        options.check_storage("a printed answer", &[])?;
        let labelled = self.labelled()?.without_stale_units(session);
        if options.is_json && labelled.value_count() > MOST_PRINTED {
            let message = format!(
                "the answer has {} values, at most {MOST_PRINTED} are printed",
                labelled.value_count()
            );
            return Err(Error::new(ErrorKind::Budget, message).hint(
                "`-o FILE.json` writes them; `.mean()`, `.sel(…)` or `.isel(…)` make them fewer",
            ));
        }
        let text = match (&labelled, options.is_json) {
            (Labelled::Array(array), true) => {
                return output::json::write_array(array, session, out)
                    .map_err(|error| labelled.name_in(error));
            }
            (Labelled::Dataset(dataset), true) => {
                return output::json::write_dataset(dataset, session, out);
            }
            (Labelled::Tree(tree), true) => {
                return output::json::write_tree(tree, session, out);
            }
            (Labelled::Tree(tree), false) => {
                output::repr::repr_tree(tree, &output::repr::ReprOptions::default(), session)
            }
            (Labelled::Array(array), false) if array.dims().is_empty() => {
                output::repr::value_text(array, options.is_bare, session)
            }
            (Labelled::Array(array), false) => {
                output::repr::repr_array(array, &output::repr::ReprOptions::default(), session)
            }
            (Labelled::Dataset(dataset), false) => {
                output::repr::repr_dataset(dataset, &output::repr::ReprOptions::default(), session)
            }
        };
        let text = text.map_err(|error| labelled.name_in(error))?;
        writeln!(out, "{text}").map_err(|error| Error::io("cannot write the answer", error))
    }

    /// Computes the answer into a file or store, by its ending, or into the branch that `icechunk+PATH@BRANCH` names.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for unknown endings, [`ErrorKind::Conflict`] if the output exists; what computing and
    /// writing report. Nothing is left under the final name after an error.
    pub fn write_to(&self, path: &Path, options: &AnswerOptions, session: &Session) -> Result<()> {
        let labelled = self.labelled()?.without_stale_units(session);
        let named = |error: Error| labelled.name_in(error).at(path.display().to_string());
        self.write_labelled(&labelled, path, options, session)
            .and_then(|()| self.write_side_car(&labelled, path))
            .map_err(named)
    }

    /// The datasets that are written, by the paths of their groups.
    ///
    /// # Errors
    /// As [`Answer::labelled`].
    pub(crate) fn groups(&self) -> Result<Vec<(String, Dataset)>> {
        output::groups_of(&[self.labelled()?.part()])
    }

    /// Tables have no room for a recipe, so it lies beside them.
    fn write_side_car(&self, labelled: &Labelled, path: &Path) -> Result<()> {
        if ending(path) != "csv" {
            return Ok(());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!("{name}.recipe.json"));
        let recipe = self
            .recipe()
            .to_text(&output::merged(&[labelled.part()])?)?;
        output::whole_file::write_whole(&beside, true, |out| {
            writeln!(out, "{recipe}").map_err(|cause| Error::io("cannot write the recipe", cause))
        })
    }

    /// Draws the answer into a picture, by its ending.
    ///
    /// # Errors
    /// As [`plot::write`]; [`ErrorKind::Usage`] for endings of no picture.
    pub fn plot_to(
        &self,
        path: &Path,
        may_replace: bool,
        options: &PlotOptions,
        session: &Session,
    ) -> Result<()> {
        let ending = ending(path);
        if !plot::ENDINGS.contains(&ending.as_str()) {
            let message = format!("no picture format for the ending `.{ending}`");
            return Err(Error::usage(message).hint("there are .png and .svg"));
        }
        let labelled = self.labelled()?.without_stale_units(session);
        plot::write(
            &labelled,
            path,
            may_replace,
            options,
            &self.recipe(),
            session,
        )
        .map_err(|error| error.at(path.display().to_string()))
    }

    /// Draws the answer with the letters of a terminal.
    ///
    /// # Errors
    /// As [`plot::draw`].
    pub fn plot_in_terminal(
        &self,
        options: &PlotOptions,
        terminal: &MapOptions,
        session: &Session,
    ) -> Result<String> {
        let expression = &self.question.expression;
        let labelled = self.labelled()?.without_stale_units(session);
        plot::draw_in_terminal(&labelled, options, terminal, expression, session)
    }

    fn write_labelled(
        &self,
        labelled: &Labelled,
        path: &Path,
        options: &AnswerOptions,
        session: &Session,
    ) -> Result<()> {
        let ending = ending(path);
        options.check_ending(&ending)?;
        match ending.as_str() {
            "zarr" | REPOSITORY => {
                if let Some(place) = options.place(labelled)? {
                    let (parts, recipe) = ([labelled.part()], self.recipe());
                    let commit = options.commit()?;
                    return output::zarr::update_zarr(
                        &parts, path, &place, &commit, &recipe, session,
                    );
                }
                let zarr = options.zarr(&self.stored)?;
                output::zarr::write_zarr(&[labelled.part()], path, &zarr, &self.recipe(), session)
            }
            "nc" => {
                let netcdf = options.netcdf(&self.stored)?;
                let recipe = self.recipe();
                output::netcdf::write_netcdf(&[labelled.part()], path, &netcdf, &recipe, session)
            }
            "json" | "csv" => output::whole_file::write_whole(path, options.may_replace, |out| {
                match (labelled, ending.as_str()) {
                    (Labelled::Array(array), "json") => {
                        output::json::write_array(array, session, out)
                    }
                    (Labelled::Dataset(dataset), "json") => {
                        output::json::write_dataset(dataset, session, out)
                    }
                    (Labelled::Tree(tree), "json") => output::json::write_tree(tree, session, out),
                    (Labelled::Tree(_), _) => Err(no_tree("a `.csv` file")),
                    (Labelled::Array(array), _) => output::csv::write_array(array, session, out),
                    (Labelled::Dataset(dataset), _) => {
                        output::csv::write_dataset(dataset, session, out)
                    }
                }
            }),
            picture if plot::ENDINGS.contains(&picture) => plot::write(
                &labelled.clone().without_stale_units(session),
                path,
                options.may_replace,
                &PlotOptions::default(),
                &self.recipe(),
                session,
            ),
            other => {
                let message = format!("no output format for the ending `.{other}`");
                Err(Error::usage(message).hint(
                    "there are .zarr, .nc, .csv, .json, .png, .svg and `icechunk+PATH@BRANCH`",
                ))
            }
        }
    }

    /// What was asked of which inputs.
    fn recipe(&self) -> output::Recipe {
        let inputs = self.question.inputs.iter();
        let inputs = inputs.flat_map(|(name, urls)| {
            urls.iter()
                .map(|url| output::RecipeInput::of_url(name, url))
        });
        output::Recipe {
            expression: self.question.expression.clone(),
            inputs: inputs.collect(),
            given: self.question.given.keys().cloned().collect(),
            open: self.question.options,
        }
    }
}

/// What stands for the ending of an Icechunk repository, which has none.
pub(crate) const REPOSITORY: &str = "icechunk";

/// What follows the last dot, in lower case; [`REPOSITORY`] for repositories.
pub(crate) fn ending(path: &Path) -> String {
    if output::zarr::is_repository(path) {
        return REPOSITORY.to_owned();
    }
    path.extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase()
}

impl AnswerOptions {
    /// Where in a store that is there results go; `None` if a new one is written.
    fn place(&self, labelled: &Labelled) -> Result<Option<output::zarr::Place>> {
        use output::zarr::{Place, parse_region};
        let coords = match labelled {
            Labelled::Array(array) => &array.coords,
            Labelled::Dataset(dataset) => &dataset.coords,
            Labelled::Tree(_) if self.append_dim.is_some() || self.region.is_some() => {
                return Err(no_tree("a store that is changed"));
            }
            Labelled::Tree(_) => return Ok(None),
        };
        let dims = coords
            .iter()
            .filter(|(name, coord)| coord.dims == [(*name).clone()]);
        let dims: Vec<String> = dims.map(|(name, _)| name.clone()).collect();
        Ok(match (&self.append_dim, &self.region) {
            (Some(dim), _) => Some(Place::Append(dim.clone())),
            (None, Some(region)) => Some(Place::Region(parse_region(region, &dims)?)),
            (None, None) => None,
        })
    }

    pub(crate) fn netcdf(
        &self,
        stored: &output::StoredForms,
    ) -> Result<output::netcdf::NetcdfOptions> {
        let default = output::netcdf::NetcdfOptions::default();
        Ok(output::netcdf::NetcdfOptions {
            format: NetcdfFormat::from_name(self.format.as_deref().unwrap_or("netcdf4"))?,
            chunks: parse_lengths(self.chunks.as_deref().unwrap_or_default())?,
            codec: self.codec.clone().unwrap_or(default.codec),
            may_replace: self.may_replace,
            stored: stored.clone(),
        })
    }

    fn commit(&self) -> Result<output::zarr::CommitOptions> {
        let on_conflict = self.on_conflict.as_deref().map(OnConflict::from_name);
        Ok(output::zarr::CommitOptions {
            message: self.message.clone(),
            is_amended: self.amends,
            on_conflict: on_conflict.transpose()?.unwrap_or_default(),
        })
    }

    pub(crate) fn zarr(&self, stored: &output::StoredForms) -> Result<output::zarr::ZarrOptions> {
        Ok(output::zarr::ZarrOptions {
            chunks: parse_lengths(self.chunks.as_deref().unwrap_or_default())?,
            shards: parse_lengths(self.shards.as_deref().unwrap_or_default())?,
            codec: self.codec.clone(),
            may_replace: self.may_replace,
            commit: self.commit()?,
            skips_values: self.skips_values,
            times: stored.times.clone(),
        })
    }
}

/// `time=24,lat=-1`.
fn parse_lengths(text: &str) -> Result<IndexMap<String, Length>> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let length = |part: &str| {
        let (dim, length) = part.split_once('=')?;
        match length.parse::<i64>().ok()? {
            -1 => Some((dim.to_owned(), Length::Whole)),
            length => Some((
                dim.to_owned(),
                Length::Indices(u64::try_from(length).ok().filter(|length| *length > 0)?),
            )),
        }
    };
    parts
        .map(|part| {
            length(part).ok_or_else(|| {
                Error::usage(format!("`{part}` is no chunk length"))
                    .hint("write `time=24,lat=-1`, where -1 is the whole dimension")
            })
        })
        .collect()
}

/// What an answer holds, or an input that is opened already.
#[derive(Debug, Clone)]
pub enum Labelled {
    /// One array, a number too.
    Array(DataArray),
    /// Several arrays that share coordinates.
    Dataset(Dataset),
    /// Datasets in a tree, as the groups of a file.
    Tree(DataTree),
}

/// A tree of datasets where it has no place.
pub(crate) fn no_tree(place: &str) -> Error {
    Error::unsupported(format!("a tree of datasets in {place}"))
        .hint("`.zarr` and `.nc` outputs have groups; `ds.tree[\"group\"].to_dataset()` takes one")
}

impl Labelled {
    /// The array, or the data variables, by name; in groups, by path.
    pub(crate) fn variables(&self) -> Vec<(String, Variable)> {
        let of = |place: &str, dataset: &Dataset| {
            let variables = dataset.variables.iter();
            let named = |(name, variable): (&String, &Variable)| {
                (format!("{place}{name}"), variable.clone())
            };
            variables.map(named).collect::<Vec<_>>()
        };
        match self {
            Self::Array(array) => {
                let name = array.name.clone().unwrap_or_else(|| "result".to_owned());
                vec![(name, array.variable.clone())]
            }
            Self::Dataset(dataset) => of("", dataset),
            Self::Tree(tree) => {
                let nodes = tree.nodes();
                nodes
                    .flat_map(|(path, own)| match path.trim_start_matches('/') {
                        "" => of("", own),
                        path => of(&format!("{path}/"), own),
                    })
                    .collect()
            }
        }
    }

    /// The same with the units that the numbers have, or `unknown`, where arithmetic made an attribute stale.
    #[must_use]
    pub fn without_stale_units(self, session: &Session) -> Self {
        let units = session.units();
        let settle = |variables: IndexMap<String, Variable>| {
            let settled = variables
                .into_iter()
                .map(|(name, variable)| (name, units.without_stale(&variable)));
            settled.collect()
        };
        match self {
            Self::Array(array) => Self::Array(DataArray {
                variable: units.without_stale(&array.variable),
                coords: settle(array.coords),
                name: array.name,
            }),
            Self::Dataset(dataset) => Self::Dataset(Dataset {
                variables: settle(dataset.variables),
                coords: settle(dataset.coords),
                ..dataset
            }),
            Self::Tree(tree) => {
                let settled = tree.map(|node| {
                    Ok(Dataset {
                        variables: settle(node.own.variables.clone()),
                        coords: settle(node.own.coords.clone()),
                        ..node.own.clone()
                    })
                });
                Self::Tree(settled.unwrap_or(tree))
            }
        }
    }

    /// How many values the array or the data variables have.
    fn value_count(&self) -> u64 {
        let count = |variable: &Variable| {
            let lengths = variable.shape().iter();
            lengths.fold(1_u64, |count, length| count.saturating_mul(*length))
        };
        let variables = self.variables();
        let counts = variables.iter().map(|(_, variable)| count(variable));
        counts.fold(0, u64::saturating_add)
    }

    /// The error of computing this, with the array's name where it has one.
    fn name_in(&self, error: Error) -> Error {
        match self {
            Self::Array(DataArray {
                name: Some(name), ..
            }) => error.in_variable(name),
            _ => error,
        }
    }

    fn part(&self) -> output::Labelled<'_> {
        match self {
            Self::Array(array) => output::Labelled::Array(array),
            Self::Dataset(dataset) => output::Labelled::Dataset(dataset),
            Self::Tree(tree) => output::Labelled::Tree(tree),
        }
    }

    /// The plans of all values: those of the array or the data variables, then those of the coordinates; of a tree, group
    /// by group.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeRef> {
        let node = |variable: &Variable| variable.node.clone();
        match self {
            Self::Array(array) => std::iter::once(&array.variable)
                .chain(array.coords.values())
                .map(node)
                .collect(),
            Self::Dataset(dataset) => dataset
                .variables
                .values()
                .chain(dataset.coords.values())
                .map(node)
                .collect(),
            Self::Tree(tree) => {
                let groups = tree.nodes().map(|(_, own)| own);
                groups
                    .flat_map(|own| own.variables.values().chain(own.coords.values()).map(node))
                    .collect()
            }
        }
    }
}

//! Texts cut to pieces, and searched with patterns.

use super::pattern::{Pattern, Patterns};
use super::{Beside, TEXTS, Texts, held, holds, python, whole};
use crate::evaluate::Value;
use crate::evaluate::arguments::Call;
use crate::evaluate::registry::{Entry, Function, method};
use crate::labels::{Variable, block_of};
use craton_core::{Attributes, DType, Error, Result, Scalar};
use std::collections::BTreeSet;

pub(in crate::evaluate::methods) const ENTRIES: &[Entry] = &[
    method(
        "count",
        TEXTS,
        "pat, flags=0, case=None",
        "How often a pattern matches in each text.",
        &["ds.time.dt.season.str.count(\"J\")"],
        |call| {
            let patterns = patterns(call)?;
            Texts::of(call, &["pat"])?.map(DType::Int64, |text, beside| {
                let pattern = patterns.get(&beside.need_text(0)?)?;
                Ok(whole(pattern.all(text)?.len() as i64))
            })
        },
    ),
    method(
        "contains",
        TEXTS,
        "pat, case=None, flags=0, regex=True",
        "Whether a pattern, or with `regex=False` a text, is in each text.",
        &["ds.time.dt.season.str.contains(\"J\")"],
        contains,
    ),
    method(
        "match",
        TEXTS,
        "pat, case=None, flags=0",
        "Whether a pattern matches at the start of each text.",
        &["ds.time.dt.season.str.match(\"[DJ]\")"],
        |call| {
            let patterns = patterns(call)?;
            holds(call, &["pat"], |text, beside| {
                let found = patterns.get(&beside.need_text(0)?)?;
                // The first match begins where one is possible at all.
                let start = found
                    .search(text)?
                    .and_then(|found| Some(found.get(0)?.start()));
                Ok(start == Some(0))
            })
        },
    ),
    method(
        "replace",
        TEXTS,
        "pat, repl, n=-1, case=None, flags=0, regex=True",
        "Each text with the matches of a pattern replaced; `\\1` and `\\g<name>` in `repl` are its groups.",
        &["ds.time.dt.season.str.replace(\"J\", \"j\")"],
        replace,
    ),
    method(
        "extract",
        TEXTS,
        "pat, dim, case=None, flags=0",
        "The groups of the first match in each text, along a new dimension.",
        &["ds.time.dt.season.str.extract(\"(.)(.)\", dim=\"part\")"],
        extract,
    ),
    method(
        "extractall",
        TEXTS,
        "pat, group_dim, match_dim, case=None, flags=0",
        "The groups of all matches in each text, along two new dimensions: of matches the first, as in xarray.",
        &["ds.time.dt.season.str.extractall(\"(J)\", \"group\", \"match\")"],
        extract_all,
    ),
    cut(
        "split",
        "dim, sep=None, maxsplit=-1",
        "The parts of each text between separators, or white space, along a new dimension.",
        &["ds.time.dt.strftime(\"%Y-%m\").str.split(\"part\", \"-\")"],
        split,
    ),
    cut(
        "rsplit",
        "dim, sep=None, maxsplit=-1",
        "The parts of each text between separators, or white space, cut from the end, along a new dimension.",
        &["ds.time.dt.strftime(\"%Y-%m\").str.rsplit(\"part\", \"-\", maxsplit=1)"],
        split,
    ),
    cut(
        "partition",
        "dim, sep=' '",
        "Before the first separator in each text, the separator, and after it, along a new dimension.",
        &["ds.time.dt.strftime(\"%Y-%m\").str.partition(\"part\", \"-\")"],
        partition,
    ),
    cut(
        "rpartition",
        "dim, sep=' '",
        "Before the last separator in each text, the separator, and after it, along a new dimension.",
        &["ds.time.dt.strftime(\"%Y-%m\").str.rpartition(\"part\", \"-\")"],
        partition,
    ),
    method(
        "get_dummies",
        TEXTS,
        "dim, sep='|'",
        "Which of all parts between separators each text has, along a new dimension with the parts as labels.",
        &["ds.time.dt.season.str.get_dummies(\"season\")"],
        dummies,
    ),
];

const fn cut(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    examples: &'static [&'static str],
    function: Function,
) -> Entry {
    method(name, TEXTS, signature, doc, examples, function)
}

fn patterns(call: &Call<'_>) -> Result<Patterns> {
    let flags = match call.get("flags") {
        None => 0,
        Some(flags) => flags
            .as_i64()
            .ok_or_else(|| Error::usage("`flags` must be a whole number"))?,
    };
    Patterns::new(flags, call.bool("case")? == Some(false))
}

fn contains(call: &Call<'_>) -> Result<Value> {
    if call.bool("regex")? == Some(false) {
        let ignores_case = call.bool("case")? == Some(false);
        return holds(call, &["pat"], |text, beside| {
            let part = beside.need_text(0)?;
            Ok(match ignores_case {
                true => python::folded(text).contains(&python::folded(&part)),
                false => text.contains(&part),
            })
        });
    }
    let patterns = patterns(call)?;
    holds(call, &["pat"], |text, beside| {
        let pattern = patterns.get(&beside.need_text(0)?)?;
        if pattern.groups() > 0 {
            return Err(Error::invalid("the pattern has groups").hint(
                "`(?:…)` is a group that is not taken out; `.str.extract(…)` takes groups out",
            ));
        }
        Ok(pattern.search(text)?.is_some())
    })
}

fn replace(call: &Call<'_>) -> Result<Value> {
    let names = &["pat", "repl", "n"];
    if call.bool("regex")? == Some(false) {
        return Texts::of(call, names)?.map(DType::Utf8, |text, beside| {
            let (from, to) = (beside.need_text(0)?, beside.need_text(1)?);
            let most = beside.whole(2)?.unwrap_or(-1);
            Ok(Scalar::from_text(&python::replaced(text, &from, &to, most)))
        });
    }
    let patterns = patterns(call)?;
    Texts::of(call, names)?.map(DType::Utf8, |text, beside| {
        let pattern = patterns.get(&beside.need_text(0)?)?;
        let most = beside.whole(2)?.unwrap_or(-1);
        let replaced = pattern.replaced(text, &beside.need_text(1)?, most)?;
        Ok(Scalar::from_text(&replaced))
    })
}

/// The texts of groups, none of those that did not take part.
fn groups(found: &fancy_regex::Captures<'_>) -> Vec<String> {
    let groups = found.iter().skip(1);
    groups
        .map(|group| group.map_or_else(String::new, |group| group.as_str().to_owned()))
        .collect()
}

/// The one pattern of a call: pieces of several would differ in number.
fn pattern(call: &Call<'_>) -> Result<std::rc::Rc<Pattern>> {
    let pattern = patterns(call)?.get(call.need_text("pat")?)?;
    match pattern.groups() {
        0 => {
            Err(Error::invalid("the pattern has no groups").hint("what stands in `(…)` is a group"))
        }
        _ => Ok(pattern),
    }
}

fn extract(call: &Call<'_>) -> Result<Value> {
    let pattern = pattern(call)?;
    let dim = new_dim(call, "dim")?;
    let texts = Texts::of(call, &[])?;
    if dim.is_none() && pattern.groups() > 1 {
        return Err(Error::invalid("the pattern has several groups")
            .hint("`dim=\"group\"` puts them along a dimension"));
    }
    let pieces = texts.pieces(|text, _| {
        let found = pattern.search(text)?;
        Ok(found.as_ref().map_or_else(Vec::new, groups))
    })?;
    texts.along(&pieces, dim.map(|dim| (dim, pattern.groups())))
}

fn extract_all(call: &Call<'_>) -> Result<Value> {
    let pattern = pattern(call)?;
    let dims = (new_dim(call, "group_dim")?, new_dim(call, "match_dim")?);
    let (Some(group_dim), Some(match_dim)) = dims else {
        return Err(Error::usage(
            "`extractall` needs `group_dim` and `match_dim`",
        ));
    };
    if group_dim == match_dim {
        return Err(Error::invalid(format!(
            "`{group_dim}` is named for groups and for matches"
        )));
    }
    let texts = Texts::of(call, &[])?;
    let matches = texts.pieces(|text, _| {
        let all = pattern.all(text)?;
        Ok(all.iter().map(groups).collect())
    })?;
    let most = matches.iter().map(Vec::len).max().unwrap_or(0);
    let nothing = vec![String::new(); pattern.groups()];
    let mut values = Vec::new();
    for found in &matches {
        for at in 0..most {
            let groups = found.get(at).unwrap_or(&nothing);
            values.extend(groups.iter().map(|group| Scalar::from_text(group)));
        }
    }
    let further = [
        (group_dim.as_str(), most),
        (match_dim.as_str(), pattern.groups()),
    ];
    let array = texts.rows.array(DType::Utf8, &values, &further)?;
    Ok(Value::Array(array))
}

fn split(call: &Call<'_>) -> Result<Value> {
    let dim = needed_dim(call)?;
    let from_right = call.name() == "rsplit";
    let most = match call.get("maxsplit") {
        None => -1,
        Some(most) => most
            .as_i64()
            .ok_or_else(|| Error::usage("`maxsplit` must be a whole number"))?,
    };
    let texts = Texts::of(call, &["sep"])?;
    let mut pieces = texts
        .pieces(|text, beside| python::split(text, beside.text(0)?.as_deref(), most, from_right))?;
    let count = pieces.iter().map(Vec::len).max().unwrap_or(0).max(1);
    for parts in &mut pieces {
        let missing = vec![String::new(); count - parts.len()];
        match from_right {
            true => drop(parts.splice(0..0, missing)),
            false => parts.extend(missing),
        }
    }
    texts.along(&pieces, Some((dim, count)))
}

fn partition(call: &Call<'_>) -> Result<Value> {
    let dim = needed_dim(call)?;
    let from_right = call.name() == "rpartition";
    let texts = Texts::of(call, &["sep"])?;
    let pieces = texts.pieces(|text, beside| {
        let separator = beside.text(0)?.unwrap_or_else(|| " ".to_owned());
        Ok(python::partition(text, &separator, from_right)?.into())
    })?;
    texts.along(&pieces, Some((dim, 3)))
}

fn dummies(call: &Call<'_>) -> Result<Value> {
    let dim = needed_dim(call)?;
    let texts = Texts::of(call, &["sep"])?;
    let parts = texts.pieces(|text, beside| {
        let separator = beside.text(0)?.unwrap_or_else(|| "|".to_owned());
        python::split(text, Some(&separator), -1, false)
    })?;
    let all: BTreeSet<&String> = parts
        .iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    let mut truths = Vec::new();
    for parts in &parts {
        let has = |label: &&String| u8::from(parts.contains(label));
        truths.extend(
            all.iter()
                .map(|label| Scalar::from_bytes(DType::Bool, &[has(label)])),
        );
    }
    let mut array = texts
        .rows
        .array(DType::Bool, &truths, &[(&dim, all.len())])?;
    let labels: Vec<Scalar> = all.iter().map(|label| Scalar::from_text(label)).collect();
    let labels = block_of(DType::Utf8, &labels)?;
    let labels = Variable::of_block(vec![dim.clone()], labels, Attributes::new())?;
    array.coords.insert(dim, labels);
    Ok(Value::Array(array))
}

/// The dimension that an argument names, which the texts must not have.
fn new_dim(call: &Call<'_>, name: &str) -> Result<Option<String>> {
    let Some(dim) = call.text(name)? else {
        return Ok(None);
    };
    match held(call)?.dims().iter().any(|known| known == dim) {
        true => Err(Error::invalid(format!(
            "the texts have a dimension `{dim}` already"
        ))),
        false => Ok(Some(dim.to_owned())),
    }
}

fn needed_dim(call: &Call<'_>) -> Result<String> {
    new_dim(call, "dim")?.ok_or_else(|| {
        Error::unsupported(format!("`{}` to lists", call.name()))
            .hint("`dim=\"part\"` puts the parts along a dimension")
    })
}

impl Texts {
    /// What each text is cut into.
    fn pieces<T>(&self, cut: impl Fn(&str, &Beside) -> Result<Vec<T>>) -> Result<Vec<Vec<T>>> {
        self.each
            .iter()
            .map(|(text, beside)| cut(text, beside))
            .collect()
    }

    /// The pieces of each text along a dimension of this length, or the first of each; what is missing is empty.
    fn along(&self, pieces: &[Vec<String>], further: Option<(String, usize)>) -> Result<Value> {
        let count = further.as_ref().map_or(1, |(_, count)| *count);
        let mut values = Vec::new();
        for parts in pieces {
            let piece = |at| parts.get(at).map_or("", String::as_str);
            values.extend((0..count).map(|at| Scalar::from_text(piece(at))));
        }
        let further: Vec<(&str, usize)> = further
            .iter()
            .map(|(dim, count)| (dim.as_str(), *count))
            .collect();
        self.rows
            .array(DType::Utf8, &values, &further)
            .map(Value::Array)
    }
}

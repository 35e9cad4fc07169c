//! Mistakes in what was typed that look like something else: arguments swapped, quotes lost, names that are files.
//!
//! Takes the words of a command; gives the error that says what was meant. Opens nothing.

use craton_core::{Error, ErrorKind, Result};
use std::path::Path;

/// Words of a shell-split expression that are no URL for sure.
const OPERATORS: [&str; 16] = [
    "+", "-", "*", "/", "//", "%", "**", "<", ">", "<=", ">=", "==", "!=", "&", "|", "=",
];

/// Refuses an expression that is a file, and inputs that are pieces of an expression.
///
/// # Errors
/// [`ErrorKind::Usage`] with the command as it was meant.
pub fn check_words(expression: &str, inputs: &[String]) -> Result<()> {
    check_swapped(expression, inputs)?;
    let Some(piece) = inputs.iter().find(|input| is_code(input)) else {
        return check_names(inputs);
    };
    let codes = inputs.iter().take_while(|input| !Path::new(input).exists());
    let whole: Vec<&str> = std::iter::once(expression)
        .chain(codes.map(String::as_str))
        .collect();
    let message = format!("`{piece}` is part of an expression, not a URL");
    Err(Error::usage(message).hint(format!(
        "the shell took the expression apart; put all of it in one pair of quotes: `\'{}\'`",
        whole.join(" ")
    )))
}

fn check_swapped(expression: &str, inputs: &[String]) -> Result<()> {
    // A folder may be called as an input is: the input is meant then.
    let is_input = inputs.iter().any(|input| {
        let name = input.split_once('=').map_or("ds", |(name, _)| name);
        name == expression
    });
    let is_url = expression.contains("://") && !expression.contains(['(', '[', '"', '\'']);
    if is_input || !(is_url || Path::new(expression).exists()) {
        return Ok(());
    }
    let error = Error::usage(format!("`{expression}` is a file, not an expression"));
    let swapped = inputs
        .iter()
        .find(|input| !Path::new(input).exists() && !input.contains("://"));
    Err(match swapped {
        Some(other) => error.hint(format!(
            "were the arguments swapped? The expression comes first: `craton eval \'{other}\' {expression}`"
        )),
        None => error.hint(
            "the expression comes first: `craton eval \'ds.mean()\' FILE`, or `-f FILE.py`",
        ),
    })
}

/// Whether an input is no path and no URL, but a piece of code.
fn is_code(input: &str) -> bool {
    if Path::new(input).exists() || input.contains("://") {
        return false;
    }
    let has_call = input.contains('(') && input.contains(')')
        || input.ends_with(')')
        || input.starts_with('(');
    OPERATORS.contains(&input) || has_call && !input.contains(['/', '*', '?'])
}

/// Refuses `NAME=URL` where a file of that whole name exists: either may be meant.
fn check_names(inputs: &[String]) -> Result<()> {
    let both = inputs.iter().find(|input| {
        input.contains('=')
            && Path::new(input).exists()
            && !input.starts_with(['.', '/'])
            && input
                .split_once('=')
                .is_some_and(|(_, url)| Path::new(url).exists())
    });
    match both {
        None => Ok(()),
        Some(input) => {
            let (name, url) = input.split_once('=').unwrap_or_default();
            Err(Error::usage(format!(
                "`{input}` is a file, and may be the input `{name}` as well"
            ))
            .hint(format!(
                "write `./{input}` for the file, `{name}=./{url}` for the input"
            )))
        }
    }
}

/// The error of an expression, with the hint that its quotes were lost where that is likely.
#[must_use]
pub fn with_lost_quotes(error: Error, expression: &str) -> Error {
    let has_no_quotes = !expression.contains(['"', '\'']);
    let is_unknown_name =
        error.kind() == ErrorKind::Usage && error.message().contains("has no value");
    let name = error.message().split('`').nth(1).unwrap_or_default();
    let stands_alone = ["[", "(", "=", ","]
        .iter()
        .any(|before| expression.contains(&format!("{before}{name}")));
    if has_no_quotes && is_unknown_name && stands_alone && !name.is_empty() {
        let hint = format!(
            "if `{name}` is meant as a text, the shell took its quotes: put the whole expression in single quotes and \
             write `\"{name}\"`"
        );
        return error.hint(hint);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(inputs: &[&str]) -> Vec<String> {
        inputs.iter().map(|input| (*input).to_owned()).collect()
    }

    #[test]
    fn pieces_of_an_expression_are_no_urls() {
        let report = check_words("ds.t", &words(&["-", "ds.t.mean()", "nowhere.nc"]))
            .unwrap_err()
            .report();
        assert!(
            report.contains("\'ds.t - ds.t.mean() nowhere.nc\'")
                || report.contains("\'ds.t - ds.t.mean()"),
            "{report}"
        );
        check_words(
            "ds.t",
            &words(&["a.nc", "s3://bucket/a(1).nc", "data/*(1).nc"]),
        )
        .unwrap();
    }

    #[test]
    fn a_file_is_no_expression() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let report = check_words(path, &words(&["ds.mean"]))
            .unwrap_err()
            .report();
        assert!(
            report.contains("swapped") && report.contains("\'ds.mean\'"),
            "{report}"
        );
        check_words("ds", &words(&[path])).unwrap();
    }

    #[test]
    fn lost_quotes_are_suspected() {
        let error = || Error::usage("the name `t2m` has no value");
        let report = with_lost_quotes(error(), "ds[t2m].mean()").report();
        assert!(report.contains("write `\"t2m\"`"), "{report}");
        assert!(
            !with_lost_quotes(error(), "t2m + ds[\"x\"]")
                .report()
                .contains("quotes")
        );
    }
}

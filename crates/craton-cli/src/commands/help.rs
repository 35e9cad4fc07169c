//! `craton help expr [NAME]` and `craton help COMMAND`.

use clap::{Args, CommandFactory};
use craton::{Error, Result};
use std::io::Write;

/// Explain the language of expressions (`help expr [NAME]`) or a command.
#[derive(Args)]
pub struct Help {
    /// `expr`, or a command.
    topic: Option<String>,
    /// A method, function or kind of value, such as `mean`, `np.sqrt`, `GroupBy`.
    name: Option<String>,
}

impl Help {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let text = match self.topic.as_deref() {
            Some("expr") => craton::evaluate::help(self.name.as_deref())?,
            topic => of_command(topic)?,
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", text.trim_end())
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}

fn of_command(name: Option<&str>) -> Result<String> {
    let mut program = crate::Arguments::command();
    program.build();
    let Some(name) = name else {
        return Ok(program.render_long_help().to_string());
    };
    match program.find_subcommand_mut(name) {
        Some(command) => Ok(command.render_long_help().to_string()),
        None => Err(Error::usage(format!("there is no command `{name}`"))
            .hint("`craton help expr NAME` explains what expressions may call")),
    }
}

//! The `craton` command: reads arguments, hands them to the library, prints what comes back.
//!
//! Takes command lines; gives text on standard output and talk on standard error. Never decides anything itself.

mod commands;
mod interrupt;
mod progress;
mod trace;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Labelled geoscience arrays, read where they lie and computed in bounded memory.
#[derive(Parser)]
#[command(
    name = "craton",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "With CRATON_LOG=debug (or trace, for every chunk) in the environment, what is done is told on standard error, with times."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// How the stores behind URLs are reached: anon, region, endpoint, profile, requester_pays, header.NAME and others.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    store: Vec<String>,
    /// Keep what is read from other machines in this folder, for this and later commands.
    #[arg(long, global = true, value_name = "FOLDER")]
    cache: Option<String>,
    /// The most bytes that the folder of `--cache` may hold, such as 10GiB, which is the default.
    #[arg(long, global = true, value_name = "SIZE")]
    cache_size: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Show what lies at URLs: groups, dimensions, variables, chunks, codecs, attributes.
    Info(commands::info::Info),
    /// Compute an expression over the data at URLs.
    Eval(commands::eval::Eval),
    /// Copy a file or store into another format, or with other chunks.
    Copy(commands::copy::Copy),
    /// Draw an expression over the data at URLs: a map, a section, lines or a histogram, by what it is.
    Plot(commands::plot::Plot),
    /// Compare two URLs: metadata first, then values.
    Diff(commands::diff::Diff),
    /// Compute results again by their recipes, and compare.
    Replay(commands::replay::Replay),
    /// Write the metadata of a Zarr store as those of the other version.
    ConvertMetadata(commands::convert_metadata::ConvertMetadata),
    /// Read every chunk, to see that all is whole.
    Verify(commands::verify::Verify),
    /// Show the history of an Icechunk repository.
    Log(commands::log::Log),
    /// List, make or delete the branches of an Icechunk repository.
    Branch(commands::branch::Branch),
    /// List, make or delete the tags of an Icechunk repository.
    Tag(commands::branch::Tag),
    /// Point a branch of an Icechunk repository at another version.
    Reset(commands::reset::Reset),
    /// Give an array or a group of an Icechunk repository another path.
    Move(commands::move_node::Move),
    /// Remove what no branch or tag of an Icechunk repository leads to any more.
    Gc(commands::gc::Gc),
    /// Run the whole main job on data made on the spot, or at a URL.
    Demo(commands::demo::Demo),
    /// Explain the language of expressions (`help expr [NAME]`) or a command.
    Help(commands::help::Help),
}

/// Options of stores hold for all that the command opens.
fn reach(arguments: &Arguments) -> craton::Result<()> {
    let mut given = craton::StoreOptions::default();
    for option in &arguments.store {
        given.add(option)?;
    }
    for (name, value) in [
        ("cache", &arguments.cache),
        ("cache_size", &arguments.cache_size),
    ] {
        if let Some(value) = value {
            given.set(name, value)?;
        }
    }
    craton::give_to_all(given);
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let reached = reach(&arguments);
    let run = || match arguments.command {
        Command::Info(command) => command.run(),
        Command::Eval(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Copy(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Plot(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Diff(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Verify(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::ConvertMetadata(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Log(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Branch(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Tag(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Reset(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Move(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Gc(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Demo(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Help(command) => command.run().map(|()| ExitCode::SUCCESS),
    };
    let prepared = trace::follow_environment().and(reached);
    match prepared.and_then(|()| run()) {
        Ok(code) => code,
        Err(error) => {
            // Nothing can be done if even standard error is gone.
            let _ = writeln!(std::io::stderr(), "{}", error.report());
            ExitCode::from(error.kind().faces().exit_code)
        }
    }
}

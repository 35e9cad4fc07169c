//! The `craton` command.

use clap::Parser;

/// Labelled geoscience arrays, read where they lie and computed in bounded memory.
#[derive(Parser)]
#[command(name = "craton", version)]
struct Arguments {}

fn main() {
    let Arguments {} = Arguments::parse();
}

//! `craton demo [URL]`

use clap::Args;
use craton::demo::{DemoOptions, Step, run};
use craton::size::{parse_size, show_size};
use craton::{Error, Result};
use std::io::Write;
use std::path::PathBuf;

/// Run the whole main job on data made on the spot, or at a URL.
#[derive(Args)]
pub struct Demo {
    /// A dataset with a time axis to use instead of made data.
    url: Option<String>,
    /// Where data and results go; a temporary folder that is removed by default.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Memory for the whole process.
    #[arg(long, default_value = "512MiB", value_parser = parse_size)]
    memory: u64,
    /// Threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
}

impl Demo {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let is_temporary = self.directory.is_none();
        let directory = self.directory.unwrap_or_else(|| {
            std::env::temp_dir().join(format!("craton-demo-{}", std::process::id()))
        });
        let failed = |what: &str, error| Error::io(what, error).at(directory.display().to_string());
        std::fs::create_dir_all(&directory)
            .map_err(|error| failed("cannot make the folder for data and results", error))?;
        let options = DemoOptions {
            url: self.url,
            directory: directory.clone(),
            memory: self.memory,
            threads: self.threads,
        };
        let start = std::time::Instant::now();
        let result = run(&options, |step| print_step(step, options.memory));
        let kept = if is_temporary {
            std::fs::remove_dir_all(&directory)
                .map_err(|error| failed("cannot remove the temporary folder", error))?;
            "data and results are removed again; `--directory DIR` keeps them".to_owned()
        } else {
            format!("data and results are in {}", directory.display())
        };
        let map = result?;
        let width = 100;
        let drawn = craton_plot::terminal::draw(
            &map.values,
            map.shape,
            &map.title,
            &map.units,
            width,
            super::plot::colours(),
        );
        let mut out = std::io::stdout().lock();
        let text = format!(
            "\n{drawn}\ndone in {:.1} s; {kept}\n",
            start.elapsed().as_secs_f64()
        );
        out.write_all(text.as_bytes())
            .map_err(|error| Error::io("cannot write to standard output", error))
    }
}

fn print_step(step: &Step, budget: u64) {
    let mut out = std::io::stdout().lock();
    let expression = step
        .expression
        .as_ref()
        .map_or_else(String::new, |text| format!("\n    {text}"));
    // A closed pipe shows itself at the end, where it is reported.
    let _ = writeln!(
        out,
        "{}{expression}\n    {:.2} s, read {}, wrote {}, peak memory {} of {}",
        step.title,
        step.seconds,
        show_size(step.bytes_read),
        show_size(step.bytes_written),
        show_size(step.peak_memory),
        show_size(budget),
    );
}

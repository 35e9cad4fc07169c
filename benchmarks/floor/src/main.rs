//! The floor: the least time in which this machine decodes a store, and decodes and reduces it.
//!
//! Takes a store made by `make_data.py`, a variable and a mode; gives one line of JSON with seconds, bytes, CPU
//! seconds and peak memory. Never uses a line of Craton: only the C codec libraries, plain threads, buffers
//! that are reused, and loops.

mod codec;
mod fold;
mod measure;
mod modes;
mod store;
mod whole;

use std::path::PathBuf;

/// The one error type: a sentence.
pub type Result<T> = std::result::Result<T, String>;

const USAGE: &str =
    "usage: craton-floor MODE STORE VARIABLE [--threads N] [--inflate libdeflate|zlib] [--out FILE]
modes: decode, sum, area, decode-twice, decode-twice-encode, point=LAT,LON, read, write";

struct Arguments {
    mode: modes::Mode,
    store: PathBuf,
    variable: String,
    threads: usize,
    inflate: codec::Inflate,
    out: Option<PathBuf>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut positional = Vec::new();
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut inflate = codec::Inflate::Libdeflate;
    let mut out = None;
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{word}` wants a value\n{USAGE}"))
        };
        match word.as_str() {
            "--threads" => {
                threads = value()?
                    .parse()
                    .map_err(|error| format!("`--threads`: {error}"))?;
            }
            "--inflate" => inflate = codec::Inflate::parse(&value()?)?,
            "--out" => out = Some(PathBuf::from(value()?)),
            _ => positional.push(word),
        }
    }
    let [mode, store, variable] =
        <[String; 3]>::try_from(positional).map_err(|_| USAGE.to_string())?;
    let mode = modes::Mode::parse(&mode)?;
    Ok(Arguments {
        mode,
        store: PathBuf::from(store),
        variable,
        threads,
        inflate,
        out,
    })
}

fn run() -> Result<()> {
    let arguments = parse(std::env::args().skip(1))?;
    if matches!(arguments.mode, modes::Mode::Read | modes::Mode::Write) {
        return run_whole(&arguments);
    }
    let started = std::time::Instant::now();
    let mut store = store::open(&arguments.store, &arguments.variable, arguments.inflate)?;
    let answer = modes::run(&mut store, arguments.mode, arguments.threads)?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(path) = &arguments.out {
        let bytes: Vec<u8> = answer
            .values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        std::fs::write(path, bytes)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    let report = serde_json::json!({
        "seconds": seconds,
        "bytes_read": answer.bytes_read,
        "bytes_decoded": answer.bytes_decoded,
        "bytes_encoded": answer.bytes_encoded,
        "cpu_seconds": measure::cpu_seconds(),
        "peak_kib": measure::peak_kib()?,
        "threads": arguments.threads,
    });
    println!("{report}");
    Ok(())
}

/// All values into memory, or from there into a folder; the values of one column are the answer.
fn run_whole(arguments: &Arguments) -> Result<()> {
    let opened = || store::open(&arguments.store, &arguments.variable, arguments.inflate);
    let begun = std::time::Instant::now();
    let is_written = matches!(arguments.mode, modes::Mode::Write);
    let prepared = match is_written {
        true => Some(whole::read(&opened()?, arguments.threads)?),
        false => None,
    };
    let (import_seconds, before) = (begun.elapsed().as_secs_f64(), measure::cpu_seconds());
    let started = std::time::Instant::now();
    let store = opened()?;
    let values = match prepared {
        Some(values) => {
            let folder = arguments.out.as_deref().ok_or("`write` wants `--out`")?;
            whole::write(&store, &values, arguments.threads, folder)?;
            values
        }
        None => whole::read(&store, arguments.threads)?,
    };
    let seconds = started.elapsed().as_secs_f64();
    let own_cpu_seconds = measure::cpu_seconds() - before;
    if let (Some(path), false) = (&arguments.out, is_written) {
        let cells = store.shape[1] * store.shape[2];
        let column = values
            .iter()
            .skip(100 * store.shape[2] + 200)
            .step_by(cells);
        let bytes: Vec<u8> = column
            .flat_map(|value| f64::from(*value).to_le_bytes())
            .collect();
        std::fs::write(path, bytes)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    let report = serde_json::json!({
        "import_seconds": import_seconds.max(1e-9),
        "seconds": seconds,
        "own_cpu_seconds": own_cpu_seconds,
        "peak_kib": measure::peak_kib()?,
        "threads": arguments.threads,
    });
    println!("{report}");
    Ok(())
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            std::process::ExitCode::FAILURE
        }
    }
}

//! The six verbs as they happen, on standard error: `CRATON_LOG=debug`, or `trace` for every chunk.

use craton::{Error, Result};
use std::str::FromStr;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Shows spans down to the level that `CRATON_LOG` names, each with its time; nothing if it is unset.
///
/// # Errors
/// [`craton::ErrorKind::Usage`] if it names no level.
pub fn follow_environment() -> Result<()> {
    let Ok(name) = std::env::var("CRATON_LOG") else {
        return Ok(());
    };
    let level = LevelFilter::from_str(&name).map_err(|_| {
        Error::usage(format!("`CRATON_LOG` is `{name}`, which is no level"))
            .hint("levels are off, error, warn, info, debug, trace")
    })?;
    let shown = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false);
    // Only what Craton says: libraries of the network tell URLs and headers, secrets included.
    let own = Targets::new().with_target("craton", level);
    tracing_subscriber::registry().with(shown).with(own).init();
    Ok(())
}

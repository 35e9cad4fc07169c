//! Labelled arrays: opening, the expression language, CF, put together with the engine.
//!
//! Takes URLs and expressions; gives labelled answers. Never touches a thread, a header or a socket itself.

pub mod answer;
pub mod calendar;
pub mod cf;
pub mod check;
pub mod convert;
pub mod copy;
pub mod demo;
pub mod diff;
mod estimate;
pub mod evaluate;
pub mod history;
pub mod info;
pub mod labels;
pub mod language;
pub mod lazy;
mod missing;
pub mod mistakes;
pub mod moment;
pub mod objects;
pub mod open;
pub mod output;
pub mod plot;
pub mod replay;
pub mod session;
mod spill;
pub mod units;
pub mod verify;

/// The generator and the loop that the fuzz tests of stored formats have.
#[cfg(test)]
#[path = "../../craton-format/tests/fuzz/machine.rs"]
#[allow(
    clippy::print_stdout,
    reason = "says what was done, where tests may print"
)]
mod fuzzing;

pub use craton_core::{Error, ErrorKind, Result, size};
pub use craton_exec::{Metrics, StageCost, peak_resident};
pub use craton_format::codec;
#[cfg(feature = "testing")]
pub use craton_store::server;
pub use craton_store::{CacheUse, StoreOptions, StoreSettings, cache_use, give_to_all};
pub use session::Session;

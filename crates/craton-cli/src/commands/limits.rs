//! `--memory` and `--threads`, which all commands that compute have.

use crate::interrupt::cancel_on_interrupt;
use clap::Args;
use craton::Session;
use craton::size::parse_size;

// No doc comment, which clap would show as the description of each command that flattens this.
#[derive(Args)]
pub(super) struct Limits {
    /// Memory for the whole process, such as 2GiB; half of what is available by default.
    #[arg(long, value_parser = parse_size)]
    memory: Option<u64>,
    /// Threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
}

impl Limits {
    /// A session within these limits, which an interrupt cancels.
    pub(super) fn session(&self, may_be_empty: bool) -> Session {
        let session = Session::new(self.threads, self.memory).allowing_empty(may_be_empty);
        cancel_on_interrupt(&session);
        session
    }
}

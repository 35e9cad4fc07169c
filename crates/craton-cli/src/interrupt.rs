//! Ctrl-C stops the work, not the process: nothing half written stays under a final name.

use craton::Session;

/// Makes the interrupt signal cancel `session`; a second one ends the process.
pub fn cancel_on_interrupt(session: &Session) {
    let control = session.control();
    // Fails only if a handler is set already; the first one then serves.
    let _ = ctrlc::set_handler(move || {
        if control.is_cancelled() {
            std::process::exit(130);
        }
        control.cancel();
    });
}

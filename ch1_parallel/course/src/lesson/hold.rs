//! Whether Ctrl-C has come. After it, everything else that would end the program waits: an error that follows from the
//! interrupt need not be reported.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::thread;

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

static ENDS_ALREADY: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C, and the signal by which a launcher ends its ranks, only end the program: why it ends has been said.
pub fn end_without_report() {
    ENDS_ALREADY.store(true, SeqCst);
}

/// Whether the reason of the end has been said.
pub fn ends_already() -> bool {
    ENDS_ALREADY.load(SeqCst)
}

/// What a signal handler sets to true.
pub fn flag() -> Arc<AtomicBool> {
    Arc::clone(&INTERRUPTED)
}

/// After Ctrl-C: waits for the end of the program, which comes soon. Otherwise: nothing. To be called before anything else that
/// would end the program or print an error.
pub fn hold() {
    while INTERRUPTED.load(SeqCst) {
        thread::park();
    }
}

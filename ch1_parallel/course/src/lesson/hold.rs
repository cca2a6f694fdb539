//! Whether Ctrl-C has come. After it, everything else that would end the program waits: an error that follows from the
//! interrupt need not be reported.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::thread;

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

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

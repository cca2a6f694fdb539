//! `--deadline`: a thread looks at the lanes, and ends a program that does not go on with a report of the reason.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{HANGS, hold, interrupt};
use crate::lanes::hang::{Lanes, Verdict};
use crate::processes::descendants_of;

/// Whether the program has done its work.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// From now on a hang of this process ends the program, `deadline` after the last movement of the lanes that hang.
pub fn watch(deadline: Duration) {
    let tick = (deadline / 10).clamp(Duration::from_millis(2), Duration::from_millis(200));
    let watching = thread::Builder::new().name("deadline".into()).spawn(move || {
        let mut before = Verdict::GoesOn;
        // A process that this one has started may end a wait: its lanes are not known here. If there was none before the last look
        // at the lanes, none has ended a wait since.
        let mut has_children = true;
        loop {
            thread::sleep(tick);
            let lanes = Lanes::now(deadline);
            let verdict = lanes.verdict();
            // Two looks, since what the first one has seen of the lanes is not of one moment.
            let is_certain = verdict == Verdict::Deadlock || !has_children;
            if verdict != Verdict::GoesOn && verdict == before && is_certain && !IS_OVER.load(SeqCst) {
                end(&lanes.report());
            }
            has_children = verdict == Verdict::NotMoving && !descendants_of(std::process::id()).is_empty();
            before = verdict;
        }
    });
    if let Err(error) = watching {
        super::say_error(&format!("--deadline: {error}"));
        super::fail();
    }
}

/// The program has done its work: what its lanes do from now on is no hang.
pub fn stop() {
    IS_OVER.store(true, SeqCst);
}

fn end(report: &str) -> ! {
    // From now on nothing else ends the program, unless Ctrl-C came first.
    if hold::flag().swap(true, SeqCst) {
        loop {
            thread::park();
        }
    }
    hold::end_without_report();
    let _ = io::stderr().write_all(report.as_bytes());
    interrupt::draw();
    // At once: a thread that holds stdout may wait for ever.
    signal_hook::low_level::exit(HANGS.into())
}

//! `--deadline`: a thread looks at the lanes, and ends a program that does not go on with a report of the reason.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{HANGS, hold, interrupt};
use crate::clock::Moment;
use crate::lanes::hang::{Lanes, Verdict};
use crate::processes::descendants_of;

/// Whether the program has done its work.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// From now on a hang of this process ends the program, `deadline` after the last movement of the lanes that hang.
pub fn watch(deadline: Duration) {
    let tick = (deadline / 10).clamp(Duration::from_millis(2), Duration::from_millis(200));
    let watching = thread::Builder::new().name("deadline".into()).spawn(move || {
        let mut before = Verdict::GoesOn;
        let mut awake_since = Moment::now();
        let mut look = Duration::ZERO;
        // A process that this one has started may end a wait: its lanes are not known here. If there was none before the last look
        // at the lanes, none has ended a wait since.
        let mut has_children = true;
        loop {
            let begin = Moment::now();
            // The looks take at most a tenth of a core, however many lanes there are.
            let pause = tick.max(10 * look);
            thread::sleep(pause);
            let now = Moment::now();
            // The program was stopped (Ctrl-Z), and so were its lanes.
            if now.since(begin) > pause + deadline / 2 {
                awake_since = now;
            }
            let computed = Moment::of_thread();
            let lanes = Lanes::now(deadline);
            let is_awake = now.since(awake_since) >= deadline;
            let verdict = if is_awake { lanes.verdict() } else { Verdict::GoesOn };
            look = Moment::of_thread().since(computed);
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

//! `--deadline`: a thread looks at the lanes, and ends a program that does not go on with a report of the reason.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use super::{HANGS, draw_hanging, hold};
use crate::lanes::hang::{Lanes, Verdict};
use crate::processes::descendants_of;

/// From now on a hang of this process ends the program, `deadline` after the last movement of the lanes that hang.
pub fn watch(deadline: Duration) {
    let tick = (deadline / 10).clamp(Duration::from_millis(2), Duration::from_millis(200));
    let watching = thread::Builder::new().name("deadline".into()).spawn(move || {
        loop {
            thread::sleep(tick);
            let lanes = Lanes::now(deadline);
            match lanes.verdict() {
                Verdict::GoesOn => {}
                // A process that this one has started may end the wait: its lanes are not known here.
                Verdict::NotMoving if !descendants_of(std::process::id()).is_empty() => {}
                Verdict::NotMoving | Verdict::Deadlock => end(&lanes.report()),
            }
        }
    });
    if let Err(error) = watching {
        super::say_error(&format!("--deadline: {error}"));
        super::fail();
    }
}

fn end(report: &str) -> ! {
    hold();
    let _ = io::stderr().write_all(report.as_bytes());
    draw_hanging();
    // At once: a thread that holds stdout may wait for ever.
    signal_hook::low_level::exit(HANGS.into())
}

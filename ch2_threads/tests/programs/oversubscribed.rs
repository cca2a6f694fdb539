use course::testing::contract::Program;
use course::testing::traces::{Stretch, of, stretches};

/// What it promises as a hazard is tested with the other hazards.
const OVERSUBSCRIBED: Program =
    Program { path: env!("CARGO_BIN_EXE_oversubscribed"), source: "src/bin/oversubscribed.rs", bad: &[], long: &[] };

/// The waits of this thread with this label, in their order.
fn waits<'a>(stretches: &'a [Stretch], thread: &str, label: &str) -> Vec<&'a Stretch> {
    let mut waits = of(stretches, thread, "wait");
    waits.retain(|wait| wait.label == label);
    waits.sort_by(|one, other| one.from.total_cmp(&other.from));
    waits
}

/// The times are sums of rounded numbers.
const ROUNDED: f64 = 1.0;

#[test]
fn no_thread_goes_on_before_the_others_have_come() {
    // Two pools of two threads. The pool of the first run has as many threads as there are cores, and at most 4.
    let stretches = stretches(&OVERSUBSCRIBED, &["--repaired", "--workers", "2"]);
    let threads = [0, 1, 2, 3].map(|number| format!("thread {number} of 4"));
    let come_together = |threads: &[String], label: &str, times: usize| {
        let all: Vec<_> = threads.iter().map(|thread| waits(&stretches, thread, label)).collect();
        assert!(all.iter().all(|waits| waits.len() % times == 0 && !waits.is_empty()), "{label}: {all:?}");
        // The threads of the first run may have the same names, and their waits come first.
        for back in 1..=times {
            let meeting: Vec<_> = all.iter().map(|waits| waits[waits.len() - back]).collect();
            let last_comes = meeting.iter().map(|wait| wait.from).fold(0.0, f64::max);
            let first_goes_on = meeting.iter().map(|wait| wait.to).fold(f64::MAX, f64::min);
            assert!(last_comes <= first_goes_on + ROUNDED, "{label}: {meeting:?}");
        }
    };
    come_together(&threads, "all threads", 1);
    come_together(&threads[..2], "the pool", 20);
    come_together(&threads[2..], "the pool", 20);
}

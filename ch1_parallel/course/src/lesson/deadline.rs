//! `--deadline`: a thread looks at the lanes again and again. If the program hangs, the thread prints a report with the reason, and ends
//! the program.

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

/// From now on a hang ends the program, at the earliest `deadline` after the last change of the lanes that hang. While other lanes
/// sleep or change, a proved deadlock ends it up to two deadlines later.
pub fn watch(deadline: Duration) {
    let tick = (deadline / 10).clamp(Duration::from_millis(2), Duration::from_millis(200));
    let watching = thread::Builder::new().name("deadline".into()).spawn(move || {
        let mut looks = Looks::new(deadline, Moment::now());
        let mut took = Duration::ZERO;
        loop {
            let begin = Moment::now();
            // The looks take at most a tenth of a core, however many lanes there are.
            let pause = tick.max(10 * took);
            thread::sleep(pause);
            let computed = Moment::of_thread();
            let lanes = Lanes::now(deadline);
            let verdict = lanes.verdict();
            let is_settled = lanes.are_settled();
            let has_children = verdict == Verdict::NotMoving && !descendants_of(std::process::id()).is_empty();
            took = Moment::of_thread().since(computed);
            // After the look: the program may be stopped in the middle of it.
            let at = Moment::now();
            let late = at.since(begin).saturating_sub(pause + took);
            let look = Look { at, late, verdict, is_settled, has_children, is_over: IS_OVER.load(SeqCst) };
            if looks.are_enough_with(&look) {
                end(&lanes.report());
            }
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

/// What a look at the lanes has shown.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// When it ended.
    at: Moment,
    /// For how long the thread has neither computed nor slept as it wanted, since the end of the last look.
    late: Duration,
    verdict: Verdict,
    /// Whether no lane has moved for the time of the deadline, and none sleeps.
    is_settled: bool,
    /// Whether a process that this one has started was alive after the lanes were read; false if the verdict is not
    /// [`Verdict::NotMoving`], because nothing depends on it then.
    has_children: bool,
    /// Whether the program has done its work.
    is_over: bool,
}

/// What the looks so far have shown.
#[derive(Debug)]
struct Looks {
    deadline: Duration,
    /// Since when this process was not stopped.
    awake_since: Moment,
    /// The verdict of the last look.
    before: Verdict,
    /// `has_children` of the last look. A child process may end a wait of a lane, and then end itself before this look asks for
    /// children. So the question is whether a child was alive before the lanes were read.
    had_children: bool,
    /// Since when each look has proved a deadlock.
    proved_since: Option<Moment>,
}

impl Looks {
    fn new(deadline: Duration, now: Moment) -> Self {
        Self { deadline, awake_since: now, before: Verdict::GoesOn, had_children: true, proved_since: None }
    }

    /// Adds a look. Whether the program is to end with what it has shown.
    fn are_enough_with(&mut self, look: &Look) -> bool {
        // The program was stopped (Ctrl-Z), and so were its lanes.
        if look.late > self.deadline / 2 {
            self.awake_since = look.at;
        }
        let is_awake = look.at.since(self.awake_since) >= self.deadline;
        let verdict = if is_awake { look.verdict } else { Verdict::GoesOn };
        // A look reads one lane after the other, and a lane may change meanwhile: so one look proves too little.
        let is_repeated = verdict == self.before;
        let had_children = std::mem::replace(&mut self.had_children, look.has_children);
        self.before = verdict;
        if verdict != Verdict::Deadlock {
            self.proved_since = None;
        }
        let is_certain = match verdict {
            Verdict::GoesOn => false,
            Verdict::NotMoving => !had_children,
            Verdict::Deadlock => {
                // A lane that sleeps, or waits for a core, may be about to wait for the stuck lanes too, and the report should name
                // it. A lane may also move for ever, so this has a limit.
                let proved = look.at.since(*self.proved_since.get_or_insert(look.at));
                look.is_settled || proved >= 2 * self.deadline
            }
        };
        is_certain && is_repeated && !look.is_over
    }
}

fn end(report: &str) -> ! {
    // From now on neither an error nor the end of `main` ends the program. If the flag was set before, Ctrl-C came first, and its
    // thread ends the program.
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

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Deadlock, GoesOn, NotMoving};

    const DEADLINE: Duration = Duration::from_secs(1);

    /// A look `at` this many tenths of a second, at lanes that are settled.
    fn look(at: u64, verdict: Verdict) -> Look {
        let at = Moment(at * 100_000_000);
        Look { at, late: Duration::ZERO, verdict, is_settled: true, has_children: false, is_over: false }
    }

    /// The first of these looks that is enough, in tenths of a second.
    fn enough(looks: impl IntoIterator<Item = Look>) -> Option<u64> {
        let mut before = Looks::new(DEADLINE, Moment(0));
        looks.into_iter().find(|look| before.are_enough_with(look)).map(|look| look.at.0 / 100_000_000)
    }

    #[test]
    fn two_looks_with_the_same_verdict_are_enough() {
        for verdict in [Deadlock, NotMoving] {
            assert_eq!(enough((20..).map(|at| look(at, verdict)).take(9)), Some(21), "{verdict:?}");
        }
        assert_eq!(enough((20..40).map(|at| look(at, GoesOn))), None);
        for turns in [&[Deadlock, GoesOn, NotMoving, Deadlock, NotMoving, GoesOn][..], &[Deadlock, GoesOn]] {
            assert_eq!(enough((20..80).map(|at| look(at, turns[at as usize % turns.len()]))), None, "{turns:?}");
        }
    }

    #[test]
    fn a_program_that_was_stopped_has_a_deadline_s_time_again() {
        let late = |at: u64, late| Look { late: Duration::from_millis(late), ..look(at, Deadlock) };
        let after = |ms: u64| {
            enough([look(19, Deadlock), late(20, ms)].into_iter().chain((21..60).map(|at| look(at, Deadlock))))
        };
        // 0.5 s late may be the load of the machine.
        assert_eq!((after(500), after(501)), (Some(20), Some(31)));
        // Also if a deadlock was proved before.
        let unsettled = |at| Look { is_settled: false, ..if at == 25 { late(25, 501) } else { look(at, Deadlock) } };
        assert_eq!(enough((20..90).map(unsettled)), Some(55));
        // The program has just begun.
        assert_eq!(enough((0..60).map(|at| look(at, Deadlock))), Some(11));
    }

    #[test]
    fn a_child_that_lived_before_the_look_may_have_ended_the_wait() {
        let until = |last: u64| (20..60).map(move |at| Look { has_children: at <= last, ..look(at, NotMoving) });
        assert_eq!((enough(until(0)), enough(until(30)), enough(until(60))), (Some(21), Some(32), None));
    }

    #[test]
    fn a_deadlock_is_reported_when_the_other_lanes_have_settled_but_at_most_two_deadlines_later() {
        let from = |first: u64| (20..90).map(move |at| Look { is_settled: at >= first, ..look(at, Deadlock) });
        assert_eq!((enough(from(0)), enough(from(33)), enough(from(99))), (Some(21), Some(33), Some(40)));
        // A deadlock that was none begins anew.
        for between in [GoesOn, NotMoving] {
            let broken = |at| if at == 35 { between } else { Deadlock };
            assert_eq!(enough((20..90).map(|at| Look { is_settled: false, ..look(at, broken(at)) })), Some(56));
        }
    }

    #[test]
    fn a_program_that_has_done_its_work_does_not_hang() {
        assert_eq!(enough((20..60).map(|at| Look { is_over: true, ..look(at, Deadlock) })), None);
    }
}

//! What each lane is doing, as a program says it after Ctrl-C. One test, since a process has one board.

use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use course::lanes::{self, board};

/// The report: the names of the lanes, and their sentences without the times.
fn report() -> Vec<String> {
    let line = |(name, sentence): (String, String)| {
        let (does, rest) = sentence.split_once(" since ").expect("since when");
        let (begin, rest) = rest.split_once(" s after the start (").expect("the moment");
        let (length, place) = rest.split_once(" s ago)").expect("the time until now");
        assert!([begin, length].iter().all(|time| time.parse::<f64>().is_ok_and(|time| time < 60.0)), "{sentence}");
        format!("{name} {does}{place}")
    };
    board::report().into_iter().map(line).collect()
}

#[test]
fn the_report_says_what_each_lane_does_where_and_since_when() {
    {
        let _lane = lanes::lane("not watched");
        lanes::wait("nothing", || assert!(report().is_empty()));
    }
    board::watch();
    let _main = lanes::lane("main");
    assert_eq!(report(), ["main runs"]);

    let here = |line: u32| format!(" at {}:{line}", file!());
    lanes::wait("lock", || assert_eq!(report(), [format!("main waits for lock{}", here(line!()))]));
    lanes::work("add", || {
        assert_eq!(report(), [format!("main runs (add){}", here(line!() - 1))]);
        lanes::wait("inner", || assert_eq!(report(), [format!("main waits for inner{}", here(line!()))]));
        assert_eq!(report(), [format!("main runs (add){}", here(line!() - 3))]);
    });
    assert_eq!(report(), ["main runs"]);

    // Another thread sleeps again and again until the report has said so. Its lane is gone when the thread has left it.
    let (stop, is_stopped) = channel::<()>();
    let sleeper = thread::spawn(move || {
        let _lane = lanes::lane("sleeper");
        while is_stopped.try_recv() == Err(TryRecvError::Empty) {
            lanes::sleep("pause", Duration::from_millis(20));
        }
    });
    let sleeps = format!("sleeper sleeps (pause){}", here(line!() - 3));
    let begin = Instant::now();
    while report() != ["main runs".to_string(), sleeps.clone()] {
        assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", report());
        thread::yield_now();
    }
    drop(stop);
    lanes::join(sleeper);
    assert_eq!(report(), ["main runs"]);

    // A task is idle while no thread polls it, and does not become the lane of the thread that polls it.
    let mut polled = Box::pin(lanes::task("task", async {
        assert_eq!(report(), ["main runs", "task runs"]);
        let mut first = true;
        std::future::poll_fn(move |_| match std::mem::take(&mut first) {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        })
        .await;
    }));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(polled.as_mut().poll(&mut context).is_pending());
    assert_eq!(report(), ["main runs", "task is idle"]);
    lanes::wait("task", || assert_eq!(report().len(), 2));
    assert!(polled.as_mut().poll(&mut context).is_ready());
    drop(polled);
    assert_eq!(report(), ["main runs"]);
}

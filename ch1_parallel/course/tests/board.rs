//! What each lane is doing, as a program says it after Ctrl-C. One test, since a process has one board.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

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

    // Another thread sleeps. It has a lane of its own, which is gone when the thread has left it.
    let (slept, has_slept) = channel();
    let sleeper = thread::spawn(move || {
        {
            let _lane = lanes::lane("sleeper");
            lanes::sleep("pause", Duration::from_millis(300));
        }
        let _ = slept.send(());
    });
    let line = line!() - 4;
    let sleeps = format!("sleeper sleeps (pause){}", here(line));
    let seen = (0..3000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        report() == ["main runs".to_string(), sleeps.clone()]
    });
    assert!(seen, "{:?}", report());
    has_slept.recv_timeout(Duration::from_secs(60)).expect("it sleeps for a moment only");
    assert_eq!(report(), ["main runs"]);
    lanes::join(sleeper);

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

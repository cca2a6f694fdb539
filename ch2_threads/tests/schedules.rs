//! The buffer of `condition` and the event of `event` under thousands of schedules.

// The model explores the programs' own source, so that `Buffer` and `Event` can stand in their lessons with parking_lot's locks
// in plain sight. In this test the name `parking_lot` stands for the model checker's locks. A program as a module has no use
// for its `main`, so both are named below: without that the compiler would call them dead code.
extern crate self as parking_lot;

use course::model::{Condvar, Mutex};

#[path = "../src/bin/condition.rs"]
mod condition;
#[path = "../src/bin/event.rs"]
mod event;

const _: [fn() -> ExitCode; 2] = [condition::main, event::main];

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use condition::Buffer;
use course::testing::schedules::{explore, failure};
use event::Event;
use shuttle::sync::mpsc;
use shuttle::thread;

/// Each producer puts two items into a buffer; the consumers must get each item once.
fn run_buffer(capacity: usize, producers: u32, consumers: u32) {
    let buffer = Arc::new(Buffer::new(capacity));
    let items = 2 * producers;
    let produce = |number| {
        let buffer = Arc::clone(&buffer);
        thread::spawn(move || {
            for item in [2 * number, 2 * number + 1] {
                assert!(buffer.put("producer", item) <= capacity, "the buffer holds more than its capacity");
            }
        })
    };
    let consume = |number| {
        let buffer = Arc::clone(&buffer);
        let share = (number..items).step_by(consumers as usize);
        thread::spawn(move || share.map(|_| buffer.take("consumer")).collect::<Vec<_>>())
    };
    let producers: Vec<_> = (0..producers).map(produce).collect();
    let consumers: Vec<_> = (0..consumers).map(consume).collect();
    producers.into_iter().for_each(|producer| producer.join().expect("the producer does not panic"));
    let taken = consumers.into_iter().flat_map(|consumer| consumer.join().expect("the consumer does not panic"));
    let mut taken: Vec<_> = taken.collect();
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(0..items), "taken: {taken:?}");
}

#[test]
fn every_item_of_the_buffer_is_taken_once_and_all_threads_end() {
    for (capacity, producers, consumers) in [(1, 1, 1), (1, 2, 2), (2, 1, 3), (1, 3, 1)] {
        explore(move || run_buffer(capacity, producers, consumers));
    }
}

/// The Python script's buffer, which waits under `if`.
#[derive(Default)]
struct WaitsUnderIf {
    items: Mutex<VecDeque<u32>>,
    changed: Condvar,
}

impl WaitsUnderIf {
    fn put(&self, item: u32) {
        self.items.lock().push_back(item);
        self.changed.notify_all();
    }

    fn take(&self) -> u32 {
        let mut items = self.items.lock();
        if items.is_empty() {
            self.changed.wait(&mut items);
        }
        items.pop_front().expect("popped from an empty list")
    }
}

#[test]
fn the_checker_finds_a_wait_under_if() {
    let failed = failure(|| {
        let buffer = Arc::new(WaitsUnderIf::default());
        let take = || {
            let buffer = Arc::clone(&buffer);
            thread::spawn(move || buffer.take())
        };
        let takers = [take(), take()];
        buffer.put(0);
        buffer.put(1);
        takers.into_iter().for_each(|taker| assert!(taker.join().expect("the taker does not panic") < 2));
    });
    assert!(failed.contains("popped from an empty list"), "{failed}");
}

#[test]
fn no_signal_of_the_event_is_lost() {
    explore(|| {
        let (list, event) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Event::default()));
        let producer = thread::spawn({
            let (list, event) = (Arc::clone(&list), Arc::clone(&event));
            move || {
                for item in 0..2 {
                    list.lock().push(item);
                    event.set();
                }
            }
        });
        let mut taken = Vec::new();
        while taken.len() < 2 {
            event.wait_and_clear();
            taken.append(&mut list.lock());
        }
        producer.join().expect("the producer does not panic");
        assert_eq!(taken, [0, 1]);
    });
}

#[test]
fn one_signal_of_the_event_ends_one_wait() {
    explore(|| {
        let (event, signals) = (Arc::new(Event::default()), Arc::new(AtomicUsize::new(0)));
        let (ended, ends) = mpsc::channel();
        let wait = || {
            let (event, signals, ended) = (Arc::clone(&event), Arc::clone(&signals), ended.clone());
            thread::spawn(move || {
                event.wait_and_clear();
                // Each signal is counted before it is sent, and used up by the wait that it ends.
                signals
                    .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
                    .expect("a wait ended without a signal");
                ended.send(()).expect("the test receives");
            })
        };
        let waits = [wait(), wait()];
        for _ in &waits {
            signals.fetch_add(1, SeqCst);
            event.set();
            ends.recv().expect("a wait has ended");
        }
        waits.into_iter().for_each(|wait| wait.join().expect("the waiting thread does not panic"));
    });
}

/// The Python script's event, which its producer sets and then clears. Python's `wait` looks at the flag once and then returns
/// after any `set`. A `set` is lost if no thread waits until the `clear`.
#[derive(Default)]
struct Flag {
    flag: Mutex<bool>,
    was_set: Condvar,
}

impl Flag {
    fn write(&self, set: bool) {
        *self.flag.lock() = set;
        self.was_set.notify_all();
    }

    fn wait(&self) {
        let mut flag = self.flag.lock();
        if !*flag {
            self.was_set.wait(&mut flag);
        }
    }
}

#[test]
fn the_checker_finds_set_followed_by_clear() {
    let failed = failure(|| {
        let event = Arc::new(Flag::default());
        let set = Arc::clone(&event);
        let producer = thread::spawn(move || {
            set.write(true);
            set.write(false);
        });
        event.wait();
        producer.join().expect("the producer does not panic");
    });
    assert!(failed.contains("deadlock"), "{failed}");
}

//! The buffer of `condition` and the event of `event` under thousands of schedules. What is explored is the programs' own
//! source.

// So that the sources find shuttle's locks where they look for parking_lot's.
extern crate self as parking_lot;

use course::testing::schedules::{Condvar, Mutex};

#[allow(dead_code, reason = "the rest of the program runs with threads of the system")]
#[path = "../src/bin/condition.rs"]
mod condition;

#[allow(dead_code, reason = "the rest of the program runs with threads of the system")]
#[path = "../src/bin/event.rs"]
mod event;

use std::collections::VecDeque;
use std::sync::Arc;

use condition::Buffer;
use course::testing::schedules::{explore, failure};
use event::Event;
use shuttle::thread;

/// What the consumers of a buffer get from its producers, each of which puts two items.
fn run_buffer(capacity: usize, producers: u16, consumers: u16) {
    let buffer = Arc::new(Buffer::new(capacity));
    let items = 2 * u32::from(producers);
    let makers: Vec<_> = (0..u32::from(producers))
        .map(|number| {
            let buffer = Arc::clone(&buffer);
            thread::spawn(move || {
                assert!(buffer.put(2 * number) <= capacity);
                assert!(buffer.put(2 * number + 1) <= capacity);
            })
        })
        .collect();
    let takers: Vec<_> = (0..consumers)
        .map(|number| {
            let buffer = Arc::clone(&buffer);
            let share = (number.into()..items).step_by(consumers.into());
            thread::spawn(move || share.map(|_| buffer.take()).collect::<Vec<_>>())
        })
        .collect();
    makers.into_iter().for_each(|maker| maker.join().expect("it ends well"));
    let mut taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().expect("it ends well")).collect();
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(0..items), "taken: {taken:?}");
}

#[test]
fn every_item_of_the_buffer_is_taken_once_and_all_end() {
    for (capacity, producers, consumers) in [(1, 1, 1), (1, 2, 2), (2, 1, 3), (1, 3, 1)] {
        explore(move || run_buffer(capacity, producers, consumers));
    }
}

/// The Python script's buffer: it waits under `if`.
#[derive(Default)]
struct Hasty {
    items: Mutex<VecDeque<u32>>,
    changed: Condvar,
}

impl Hasty {
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
fn the_checker_sees_a_wait_under_if() {
    let failed = failure(|| {
        let buffer = Arc::new(Hasty::default());
        let take = || {
            let buffer = Arc::clone(&buffer);
            thread::spawn(move || buffer.take())
        };
        let takers = [take(), take()];
        buffer.put(0);
        buffer.put(1);
        takers.into_iter().for_each(|taker| assert!(taker.join().expect("it ends well") < 2));
    });
    assert!(failed.contains("popped from an empty list"), "{failed}");
}

/// Appends two items and signals each; the consumer takes until it has both.
fn run_event(signal: impl Fn(&Event) + Send + 'static) {
    let (list, event) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Event::default()));
    let (theirs, signalled) = (Arc::clone(&list), Arc::clone(&event));
    let producer = thread::spawn(move || {
        for item in 0..2 {
            theirs.lock().push(item);
            signal(&signalled);
        }
    });
    let mut taken = Vec::new();
    while taken.len() < 2 {
        event.wait_and_clear();
        taken.append(&mut list.lock());
    }
    producer.join().expect("it ends well");
    assert_eq!(taken, [0, 1]);
}

#[test]
fn no_signal_of_the_event_is_lost() {
    explore(|| run_event(Event::set));
}

/// The Python script's event, which its producer sets and clears. A `wait` that sleeps goes on after `set`, since it does not
/// look again; a `set` that comes while nobody waits is lost with the `clear`.
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
fn the_checker_sees_set_and_then_clear() {
    let failed = failure(|| {
        let event = Arc::new(Flag::default());
        let set = Arc::clone(&event);
        let producer = thread::spawn(move || {
            set.write(true);
            set.write(false);
        });
        event.wait();
        producer.join().expect("it ends well");
    });
    assert!(failed.contains("deadlock"), "{failed}");
}

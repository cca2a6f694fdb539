//! Threads that make items and threads that take them.

use std::thread;

use course::lanes;

/// Spawns producers and consumers, joins all of them, and returns the items that were taken.
///
/// The items are the numbers below `items`. Each producer has its share of them and calls `put` with its name and each item.
/// Each consumer knows from the beginning how many items it takes, and calls `take` with its name for each. So every thread
/// ends by itself, and what lies between `put` and `take` needs no end of its own.
///
/// # Panics
/// The system has no thread left, or `put` or `take` panics.
pub fn run<T: Send>(
    items: u32,
    producers: u16,
    consumers: u16,
    put: impl Fn(&str, u32) + Sync,
    take: impl Fn(&str) -> T + Sync,
) -> Vec<T> {
    let (put, take) = (&put, &take);
    let share = |number: u16, threads: u16| (u32::from(number) - 1..items).step_by(threads.into());
    thread::scope(|scope| {
        for number in 1..=producers {
            scope.spawn(move || {
                let name = format!("producer {number}");
                let _lane = lanes::lane(&name);
                share(number, producers).for_each(|item| put(&name, item));
            });
        }
        let consume = |number| {
            scope.spawn(move || {
                let name = format!("consumer {number}");
                let _lane = lanes::lane(&name);
                share(number, consumers).map(|_| take(&name)).collect::<Vec<_>>()
            })
        };
        let consumers: Vec<_> = (1..=consumers).map(consume).collect();
        lanes::join_all(consumers).into_iter().flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam::channel::unbounded;

    #[test]
    fn every_item_is_put_and_taken_once_by_the_threads_that_were_asked_for() {
        for (items, producers, consumers) in [(1, 1, 1), (7, 2, 3), (2, 5, 5)] {
            let (sender, receiver) = unbounded();
            let put = |name: &str, item| sender.send((name.to_string(), item)).expect("there is a receiver");
            let take = |name: &str| (name.to_string(), receiver.recv().expect("there is a sender"));
            let mut taken = run(items, producers, consumers, put, take);
            taken.sort_unstable_by_key(|(_, (_, item))| *item);
            assert!(taken.iter().map(|(_, (_, item))| *item).eq(0..items), "{taken:?}");

            let of = |kind: &str, threads: u16| {
                let mut names: Vec<_> = (1..=threads.min(items as u16)).map(|it| format!("{kind} {it}")).collect();
                names.sort_unstable();
                names
            };
            let mut put_by: Vec<_> = taken.iter().map(|(_, (name, _))| name.clone()).collect();
            let mut taken_by: Vec<_> = taken.iter().map(|(name, _)| name.clone()).collect();
            for names in [&mut put_by, &mut taken_by] {
                names.sort_unstable();
                names.dedup();
            }
            assert_eq!((put_by, taken_by), (of("producer", producers), of("consumer", consumers)));
        }
    }
}

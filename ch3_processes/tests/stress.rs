//! Processes that share something are killed at random moments. The processes that are left must never sleep for ever.
//!
//! The tests of the gate run for a few seconds. Thousands of rounds, which take some minutes:
//!
//! ```text
//! STRESS=full cargo test -p ch3_processes --test stress
//! ```

use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ch3_processes::{Barrier, Child, Counters, Lock, Pool, Semaphore, channel, children, pipe, queue, spawn};
use course::testing::harness::trials;
use course::testing::proc::{alive, signal, wait_for};
use libtest_mimic::Arguments;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::process::{Signal, nice};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Long beside the time after which a process that sleeps looks around, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(20);

/// The processes are killed within this time after all of them have begun.
const KILLED_WITHIN: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    children![
        lock_again_and_again,
        lock_with_little_right_to_the_core,
        send_until_told,
        receive_until_the_end,
        meet_until_aborted,
        acquire_again_and_again,
        send_messages,
        receive_messages,
        square_slowly
    ];
    let tests = trials![
        a_wake_up_that_dies_with_its_process_is_not_lost
        the_last_process_gets_the_lock
        the_last_receiver_sees_the_end_of_the_queue
        an_abort_of_a_barrier_reaches_the_last_process
        the_last_process_gets_a_permit
        both_ends_of_a_channel_learn_of_a_killed_process
        a_pool_gives_all_results
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Runs `round` with a random number generator of its own, `short` times in the gate and thirty times as often in full.
fn rounds(short: u64, mut round: impl FnMut(&mut StdRng)) {
    let full = std::env::var("STRESS").is_ok_and(|form| form == "full");
    let count = if full { 30 * short } else { short };
    for number in 0..count {
        // A test that fails says in which round.
        let failed = FailedRound(number);
        round(&mut StdRng::seed_from_u64(number));
        std::mem::forget(failed);
    }
}

struct FailedRound(u64);

impl Drop for FailedRound {
    fn drop(&mut self) {
        eprintln!("round {} failed", self.0);
    }
}

/// Waits until each of the first `count` counters has moved, that is, until each process has begun.
fn wait_until_moved(counters: &Counters, count: usize) {
    wait_for("progress of each process", LIMIT, || {
        (0..count).all(|place| counters[place].load(SeqCst) > 0).then_some(())
    });
}

/// Waits until the counter moves twice: once could be the end of what its process was doing.
fn wait_for_progress(what: &str, counters: &Counters, place: usize) {
    let before = counters[place].load(SeqCst);
    wait_for(what, LIMIT, || (counters[place].load(SeqCst) >= before + 2).then_some(()));
}

/// Kills these processes in a random order at random moments.
fn kill_at_random<R: Send>(random: &mut StdRng, victims: Vec<Child<R>>) {
    for _victim in victims {
        let pause = KILLED_WITHIN.mul_f64(random.random::<f64>() / 2.0);
        thread::sleep(pause);
        // The children are daemons: each is killed here, where its `Child` is dropped.
    }
}

// Locks.

fn lock_again_and_again(lock: Lock<u64>, counters: Counters, place: usize) -> anyhow::Result<()> {
    loop {
        let (Ok(mut guard) | Err(mut guard)) = lock.lock().map_err(|abandoned| abandoned.into_guard());
        *guard += 1;
        drop(guard);
        counters[place].fetch_add(1, SeqCst);
    }
}

fn the_last_process_gets_the_lock() {
    rounds(100, |random| {
        let (lock, counters) = (Lock::new(0).unwrap(), Counters::new(4).unwrap());
        let mut processes: Vec<_> = (0..4)
            .map(|place| spawn("locks", lock_again_and_again, (lock.clone(), counters.clone(), place)).unwrap())
            .collect();
        wait_until_moved(&counters, 4);
        let last = random.random_range(0..4);
        let _last = processes.remove(last);
        kill_at_random(random, processes);
        wait_for_progress("lock for the last process", &counters, last);
    });
}

/// Waits for the lock once, on a core that it gets only when the parent leaves it.
fn lock_with_little_right_to_the_core(lock: Lock<u64>, begins: ch3_processes::Sender<()>) -> anyhow::Result<()> {
    nice(19)?;
    drop(begins);
    drop(lock.lock().map_err(|abandoned| abandoned.into_guard()));
    Ok(())
}

/// The parent wakes a process that waits for the lock, acquires the lock again, and kills the process before it has run.
/// No process wakes the other process that waits: see `RobustMutex::lock`.
fn a_wake_up_that_dies_with_its_process_is_not_lost() {
    // All on one core, so that a process that is woken does not run at once.
    let cores = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    one.set((0..CpuSet::MAX_CPU).find(|&core| cores.is_set(core)).unwrap());
    sched_setaffinity(None, &one).unwrap();

    rounds(10, |_| {
        let lock = Lock::new(0).unwrap();
        let guard = lock.lock().unwrap();
        let start = |name: &str| {
            let (begins, mut begun) = pipe().unwrap();
            let child = spawn(name, lock_with_little_right_to_the_core, (lock.clone(), begins)).unwrap();
            assert_eq!(begun.recv().unwrap(), None);
            wait_for("sleep", LIMIT, || is_asleep(child.id()).then_some(()));
            child
        };
        let (first, second) = (start("first"), start("second"));
        drop(guard);
        let guard = lock.lock().unwrap();
        drop(first);
        drop(guard);
        second.join_timeout(LIMIT).expect("it gets the lock").unwrap();
    });
    sched_setaffinity(None, &cores).unwrap();
}

fn is_asleep(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
}

// Queues.

/// The number of the counter that tells the producers to stop.
const STOP: usize = 6;

fn send_until_told(sender: queue::Sender<u64>, counters: Counters, place: usize) -> anyhow::Result<()> {
    while counters[STOP].load(SeqCst) == 0 {
        sender.send(&7)?;
        counters[place].fetch_add(1, SeqCst);
    }
    Ok(())
}

fn receive_until_the_end(receiver: queue::Receiver<u64>, counters: Counters, place: usize) -> anyhow::Result<()> {
    for value in receiver {
        anyhow::ensure!(value? == 7);
        counters[place].fetch_add(1, SeqCst);
    }
    Ok(())
}

fn the_last_receiver_sees_the_end_of_the_queue() {
    rounds(100, |random| {
        // Room for some six values: senders wait for room, and receivers wait for values.
        let (sender, receiver) = queue::queue_of(32).unwrap();
        let counters = Counters::new(7).unwrap();
        let mut senders: Vec<_> = (0..3)
            .map(|place| {
                spawn("sends", send_until_told, (sender.try_clone().unwrap(), counters.clone(), place)).unwrap()
            })
            .collect();
        let mut receivers: Vec<_> = (3..6)
            .map(|place| {
                let arguments = (receiver.try_clone().unwrap(), counters.clone(), place);
                spawn("receives", receive_until_the_end, arguments).unwrap()
            })
            .collect();
        drop((sender, receiver));
        wait_until_moved(&counters, 6);
        let last_sender = senders.remove(random.random_range(0..3));
        let last_receiver = receivers.remove(random.random_range(0..3));
        senders.extend(receivers);
        kill_at_random(random, senders);
        counters[STOP].store(1, SeqCst);
        for child in [last_sender, last_receiver] {
            let name = child.name().to_owned();
            child.join_timeout(LIMIT).unwrap_or_else(|_| panic!("the last process that {name} does not end")).unwrap();
        }
    });
}

// Barriers and semaphores.

fn meet_until_aborted(barrier: Barrier, counters: Counters, place: usize) -> anyhow::Result<()> {
    while barrier.wait().is_ok() {
        counters[place].fetch_add(1, SeqCst);
    }
    Ok(())
}

fn an_abort_of_a_barrier_reaches_the_last_process() {
    rounds(60, |random| {
        let (barrier, counters) = (Barrier::new(4).unwrap(), Counters::new(4).unwrap());
        let mut processes: Vec<_> = (0..4)
            .map(|place| spawn("meets", meet_until_aborted, (barrier.clone(), counters.clone(), place)).unwrap())
            .collect();
        wait_until_moved(&counters, 4);
        let last = processes.remove(random.random_range(0..4));
        kill_at_random(random, processes);
        barrier.abort();
        last.join_timeout(LIMIT).expect("the abort reaches it").unwrap();
    });
}

fn acquire_again_and_again(semaphore: Semaphore, counters: Counters, place: usize) -> anyhow::Result<()> {
    loop {
        drop(semaphore.acquire());
        counters[place].fetch_add(1, SeqCst);
    }
}

fn the_last_process_gets_a_permit() {
    rounds(60, |random| {
        let (semaphore, counters) = (Semaphore::new(1).unwrap(), Counters::new(4).unwrap());
        let mut processes: Vec<_> = (0..4)
            .map(|place| {
                spawn("acquires", acquire_again_and_again, (semaphore.clone(), counters.clone(), place)).unwrap()
            })
            .collect();
        wait_until_moved(&counters, 4);
        let last = random.random_range(0..4);
        let _last = processes.remove(last);
        kill_at_random(random, processes);
        // A killed process may have taken the permit with it, and the notice of this one may go to no one.
        semaphore.release();
        wait_for_progress("permit for the last process", &counters, last);
    });
}

// Channels.

fn send_messages(mut sender: channel::Sender<Vec<u8>>, counters: Counters, length: usize) -> anyhow::Result<()> {
    loop {
        if let Err(error) = sender.send(&vec![1; length]) {
            anyhow::ensure!(error.kind() == std::io::ErrorKind::BrokenPipe, error);
            return Ok(());
        }
        counters[0].fetch_add(1, SeqCst);
    }
}

fn receive_messages(receiver: channel::Receiver<Vec<u8>>, counters: Counters, length: usize) -> anyhow::Result<()> {
    for message in receiver {
        // The sender may have been killed within a message.
        let Ok(message) = message else { break };
        anyhow::ensure!(message.len() == length);
        counters[1].fetch_add(1, SeqCst);
    }
    Ok(())
}

fn both_ends_of_a_channel_learn_of_a_killed_process() {
    rounds(60, |random| {
        let (sender, receiver) = channel().unwrap();
        let counters = Counters::new(2).unwrap();
        // Little beside what the channel holds, or more.
        let length = [1, 100_000, 400_000][random.random_range(0..3)];
        let mut ends = vec![
            spawn("sends", send_messages, (sender, counters.clone(), length)).unwrap(),
            spawn("receives", receive_messages, (receiver, counters.clone(), length)).unwrap(),
        ];
        wait_until_moved(&counters, 2);
        let killed = ends.remove(random.random_range(0..2));
        kill_at_random(random, vec![killed]);
        ends.remove(0).join_timeout(LIMIT).expect("it learns that the other process has gone").unwrap();
    });
}

// Pools.

fn square_slowly(number: u64) -> anyhow::Result<u64> {
    thread::sleep(Duration::from_micros(number % 3 * 20));
    Ok(number * number)
}

fn a_pool_gives_all_results() {
    rounds(15, |random| {
        let mut pool = Pool::new("worker", 4, square_slowly).unwrap();
        let mut victims = pool.processes();
        victims.remove(random.random_range(0..4));
        let pauses: Vec<_> = victims.iter().map(|_| KILLED_WITHIN.mul_f64(random.random())).collect();
        let (done, result) = mpsc::channel();
        let map = thread::spawn(move || {
            let squares = pool.map_in_chunks(0..500, 1).map_err(|error| error.to_string());
            // The limit below may have passed, and the test with it.
            let _ = done.send((squares, pool));
        });
        for (victim, pause) in victims.into_iter().zip(pauses) {
            thread::sleep(pause);
            if alive(victim) {
                signal(victim, Signal::KILL);
            }
        }
        let (squares, pool) = result.recv_timeout(LIMIT).expect("the map returns");
        assert!(squares.unwrap().into_iter().eq((0..500).map(|number| number * number)));
        drop(pool);
        map.join().unwrap();
    });
}

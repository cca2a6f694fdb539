//! Queues, channels, locks and semaphores between real processes, some of which are killed.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use ch3_processes::{Counters, Lock, Semaphore, SharedArray, channel, children, join_all, pipe, queue, spawn};
use rustix::process::{Signal, getpid, kill_process};

use course::testing::group::LIMIT;
use course::testing::harness::{run_trials, trials};

fn main() -> ExitCode {
    children![
        put,
        take,
        take_one_and_stay,
        stay_with,
        add_locked,
        die_with_lock,
        enter,
        hold_permit,
        send_lengths,
        send_back,
        bytes_back,
        die_within,
        keep,
        sum_all,
        share
    ];
    run_trials(trials![
        each_value_is_received_once_in_the_order_of_its_sender
        a_queue_ends_with_its_last_sender
        a_sender_that_is_killed_ends_a_queue
        a_queue_without_receivers_is_an_error
        a_value_that_is_too_long_for_a_queue_is_an_error
        a_queue_survives_processes_that_are_killed_while_they_use_it
        one_process_at_a_time_holds_a_lock
        the_lock_of_a_killed_process_goes_to_the_next
        no_more_processes_have_a_permit_than_there_are_permits
        another_process_can_release_a_permit
        messages_of_any_size_go_through_a_channel
        a_channel_ends_with_its_other_end
        shared_memory_is_in_memory_once
    ])
}

/// Long beside the time after which a process notices that another has been killed.
const SOON: Duration = Duration::from_secs(5);

fn put(sender: queue::Sender<(u32, u32)>, who: u32, count: u32) -> anyhow::Result<()> {
    (0..count).try_for_each(|number| Ok(sender.send(&(who, number))?))
}

fn take(receiver: queue::Receiver<(u32, u32)>) -> anyhow::Result<Vec<(u32, u32)>> {
    Ok(receiver.collect::<Result<_, _>>()?)
}

fn each_value_is_received_once_in_the_order_of_its_sender() {
    // Room for some ten values, and for all.
    for (senders, receivers, room) in [(1, 1, 64), (3, 2, 64), (2, 4, 1 << 20), (4, 1, 1 << 20)] {
        const COUNT: u32 = 5000;
        let (sender, receiver) = queue::queue_of(room).unwrap();
        let taking: Vec<_> =
            (0..receivers).map(|_| spawn("take", take, (receiver.try_clone().unwrap(),)).unwrap()).collect();
        let putting: Vec<_> =
            (0..senders).map(|who| spawn("put", put, (sender.try_clone().unwrap(), who, COUNT)).unwrap()).collect();
        drop((sender, receiver));
        join_all(putting).unwrap();
        let mut all = Vec::new();
        for taken in join_all(taking).unwrap() {
            for who in 0..senders {
                assert!(taken.iter().filter(|value| value.0 == who).is_sorted());
            }
            all.extend(taken);
        }
        all.sort_unstable();
        assert!(all.into_iter().eq((0..senders).flat_map(|who| (0..COUNT).map(move |number| (who, number)))));
    }
}

fn a_queue_ends_with_its_last_sender() {
    let (sender, receiver) = queue::<String>().unwrap();
    let other = sender.try_clone().unwrap();
    sender.send(&"kept".into()).unwrap();
    drop(sender);
    assert_eq!(receiver.recv().unwrap().as_deref(), Some("kept"));
    assert_eq!(receiver.try_recv().unwrap(), None);
    let start = Instant::now();
    let waiting = std::thread::spawn(move || receiver.recv().unwrap());
    drop(other);
    assert_eq!(waiting.join().unwrap(), None);
    assert!(start.elapsed() < SOON);
}

fn take_one_and_stay(
    receiver: queue::Receiver<(u32, u32)>,
    mut took: ch3_processes::Sender<(u32, u32)>,
) -> anyhow::Result<()> {
    took.send(&receiver.recv()?.expect("a value"))?;
    std::thread::sleep(LIMIT);
    Ok(())
}

fn stay_with(sender: queue::Sender<(u32, u32)>) -> anyhow::Result<()> {
    sender.send(&(7, 7))?;
    std::thread::sleep(LIMIT);
    Ok(())
}

fn a_sender_that_is_killed_ends_a_queue() {
    let (sender, receiver) = queue().unwrap();
    let mut child = spawn("stay", stay_with, (sender,)).unwrap();
    assert_eq!(receiver.recv().unwrap(), Some((7, 7)));
    let waiting = std::thread::spawn(move || receiver.recv().unwrap());
    child.kill().unwrap();
    let start = Instant::now();
    assert_eq!(waiting.join().unwrap(), None);
    assert!(start.elapsed() < SOON);
}

fn a_queue_without_receivers_is_an_error() {
    let (sender, receiver) = queue::queue_of(100).unwrap();
    let (took, mut taken) = pipe().unwrap();
    sender.send(&(1, 2)).unwrap();
    let mut child = spawn("take", take_one_and_stay, (receiver, took)).unwrap();
    assert_eq!(taken.recv().unwrap(), Some((1, 2)));
    child.kill().unwrap();
    child.wait().unwrap();
    // The queue has room for some values.
    let error = (0..100).find_map(|_| sender.send(&(3, 4)).err()).unwrap();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::BrokenPipe, "no receiver of the queue is left"));
}

fn a_value_that_is_too_long_for_a_queue_is_an_error() {
    let (sender, receiver) = queue::queue_of(104).unwrap();
    // Its length takes one byte more.
    sender.send(&"x".repeat(99)).unwrap();
    assert_eq!(receiver.recv().unwrap().unwrap().len(), 99);
    let error = sender.send(&"x".repeat(100)).unwrap_err().to_string();
    assert_eq!(error, "105 bytes do not fit into a queue of 104");
    assert!(queue::queue_of::<u8>(usize::MAX).is_err());
    let (sender, _receiver) = queue::queue_of::<u8>(0).unwrap();
    assert!(sender.send(&1).is_err());
}

fn keep(
    sender: queue::Sender<u64>,
    receiver: queue::Receiver<u64>,
    mut begins: ch3_processes::Sender<()>,
) -> anyhow::Result<()> {
    begins.send(&())?;
    loop {
        sender.send(&1)?;
        receiver.recv()?;
    }
}

fn a_queue_survives_processes_that_are_killed_while_they_use_it() {
    let (sender, receiver) = queue().unwrap();
    // The processes only send and receive, so a kill often comes while a process holds the lock.
    for round in 0..60 {
        let start = || {
            let (begins, mut begun) = pipe().unwrap();
            let ends = (sender.try_clone().unwrap(), receiver.try_clone().unwrap(), begins);
            let child = spawn("keep", keep, ends).unwrap();
            begun.recv().unwrap().unwrap();
            child
        };
        let children = [start(), start()];
        std::thread::sleep(Duration::from_micros(37 * round));
        drop(children);
        // Each of them may have left one value.
        let left = std::iter::from_fn(|| receiver.try_recv().unwrap()).count();
        assert!(left <= 2, "{left}");
        sender.send(&5).unwrap();
        assert_eq!(receiver.recv().unwrap(), Some(5));
    }
}

fn add_locked(lock: Lock<[u64; 2]>, rounds: u64) -> anyhow::Result<()> {
    for _ in 0..rounds {
        let mut guard = lock.lock().map_err(|abandoned| anyhow::anyhow!("{abandoned}"))?;
        guard[0] += 1;
        guard[1] = guard[0] * 3;
    }
    Ok(())
}

fn one_process_at_a_time_holds_a_lock() {
    let lock = Lock::new([0; 2]).unwrap();
    let children: Vec<_> = (0..4).map(|_| spawn("add", add_locked, (lock.clone(), 20_000)).unwrap()).collect();
    join_all(children).unwrap();
    assert_eq!(*lock.lock().unwrap(), [80_000, 240_000]);
    let again = || {
        let _guard = lock.lock().unwrap();
        let _never = lock.lock();
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(again));
    std::panic::set_hook(hook);
    assert!(panicked.is_err(), "the thread would wait for itself");
    assert_eq!(lock.lock().unwrap()[0], 80_000);
}

fn die_with_lock(lock: Lock<u32>, mut has: ch3_processes::Sender<()>) -> anyhow::Result<()> {
    let mut guard = lock.lock().unwrap();
    *guard = 13;
    has.send(&())?;
    std::thread::sleep(LIMIT);
    *guard = 0;
    Ok(())
}

fn the_lock_of_a_killed_process_goes_to_the_next() {
    let lock = Lock::new(0u32).unwrap();
    for waiting in [false, true] {
        let (has, mut had) = pipe().unwrap();
        let mut child = spawn("die", die_with_lock, (lock.clone(), has)).unwrap();
        had.recv().unwrap().unwrap();
        let start = Instant::now();
        let next = lock.clone();
        let lock_it = move || next.lock().map(|guard| *guard).map_err(|abandoned| *abandoned.into_guard());
        let got = if waiting {
            let waiter = std::thread::spawn(lock_it);
            child.kill().unwrap();
            waiter.join().unwrap()
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
            lock_it()
        };
        assert_eq!(got, Err(13), "it learns of the death, and sees what was left");
        assert!(start.elapsed() < SOON);
        *lock.lock().expect("only one holder learns of it") = 0;
    }
}

fn enter(semaphore: Semaphore, inside: Counters, rounds: u32) -> anyhow::Result<u64> {
    let mut most = 0;
    for _ in 0..rounds {
        let _permit = semaphore.acquire();
        most = most.max(inside[0].fetch_add(1, SeqCst) + 1);
        std::thread::yield_now();
        inside[0].fetch_sub(1, SeqCst);
    }
    Ok(most)
}

fn no_more_processes_have_a_permit_than_there_are_permits() {
    for permits in [1, 3] {
        let (semaphore, inside) = (Semaphore::new(permits).unwrap(), Counters::new(1).unwrap());
        let children: Vec<_> =
            (0..5).map(|_| spawn("enter", enter, (semaphore.clone(), inside.clone(), 2000)).unwrap()).collect();
        let most = join_all(children).unwrap().into_iter().max().unwrap();
        assert!((1..=u64::from(permits)).contains(&most), "{most} of {permits}");
        let all: Vec<_> = (0..permits).map(|_| semaphore.try_acquire().unwrap()).collect();
        assert!(semaphore.try_acquire().is_none() && all.len() == permits as usize);
    }
}

fn hold_permit(semaphore: Semaphore, mut has: ch3_processes::Sender<()>) -> anyhow::Result<()> {
    semaphore.acquire().forget();
    has.send(&())?;
    Ok(())
}

fn another_process_can_release_a_permit() {
    let semaphore = Semaphore::new(1).unwrap();
    let (has, mut had) = pipe().unwrap();
    spawn("hold", hold_permit, (semaphore.clone(), has)).unwrap().join().unwrap();
    had.recv().unwrap();
    assert!(semaphore.try_acquire().is_none());
    let other = semaphore.clone();
    let waiting = std::thread::spawn(move || other.acquire().forget());
    semaphore.release();
    waiting.join().unwrap();
    assert!(semaphore.try_acquire().is_none());
}

fn send_lengths(mut sender: channel::Sender<Vec<u8>>, lengths: Vec<usize>) -> anyhow::Result<()> {
    lengths.into_iter().try_for_each(|length| Ok(sender.send(&vec![length as u8; length])?))
}

fn send_back(receiver: channel::Receiver<u64>, mut sender: channel::Sender<u64>) -> anyhow::Result<()> {
    for value in receiver {
        sender.send(&(value? + 1))?;
    }
    Ok(())
}

fn bytes_back(mut receiver: channel::Receiver<[u8]>, mut sender: channel::Sender<[u8]>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    while receiver.recv_bytes(&mut bytes)? {
        sender.send_bytes(&bytes)?;
    }
    Ok(())
}

fn messages_of_any_size_go_through_a_channel() {
    let lengths = vec![0, 1, 7, 8, 9, 32_767, 32_769, 262_143, 262_144, 1 << 20, 64 << 20, 3];
    let (sender, receiver) = channel().unwrap();
    let child = spawn("send", send_lengths, (sender, lengths.clone())).unwrap();
    for (message, length) in receiver.zip(&lengths) {
        let message = message.unwrap();
        assert!(message.len() == *length && message.iter().all(|&byte| byte == *length as u8), "{length}");
    }
    child.join().unwrap();

    let ((mut there, from_here), (to_here, mut back)) = (channel().unwrap(), channel().unwrap());
    let child = spawn("back", send_back, (from_here, to_here)).unwrap();
    for value in 0..20_000 {
        there.send(&value).unwrap();
        assert_eq!(back.recv().unwrap(), Some(value + 1));
    }
    drop(there);
    child.join().unwrap();
    assert_eq!(back.recv().unwrap(), None);

    let ((mut there, from_here), (to_here, mut back)) = (channel::<[u8]>().unwrap(), channel::<[u8]>().unwrap());
    let child = spawn("bytes", bytes_back, (from_here, to_here)).unwrap();
    let mut came = Vec::new();
    for length in [0, 5, 1 << 20, 2] {
        let bytes: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
        // The child sends back only when it has all of it.
        there.send_bytes(&bytes).unwrap();
        assert!(back.recv_bytes(&mut came).unwrap() && came == bytes);
    }
    drop(there);
    child.join().unwrap();
    assert!(!back.recv_bytes(&mut came).unwrap());
}

/// Dies within a message that it sends, or as a receiver.
fn die_within(
    mut sender: Option<channel::Sender<[u8]>>,
    receiver: Option<channel::Receiver<[u8]>>,
) -> anyhow::Result<()> {
    let _kept = receiver;
    if let Some(sender) = &mut sender {
        // More than the channel has room for, so the sender waits within the message.
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            kill_process(getpid(), Signal::KILL)
        });
        sender.send_bytes(&vec![1; 8 << 20])?;
    }
    kill_process(getpid(), Signal::KILL)?;
    Ok(())
}

fn a_channel_ends_with_its_other_end() {
    let start = Instant::now();
    let (sender, mut receiver) = channel::<[u8]>().unwrap();
    let child = spawn("dies", die_within, (Some(sender), None)).unwrap();
    child.join().unwrap_err();
    let error = receiver.recv_bytes(&mut Vec::new()).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::UnexpectedEof, "the sender of the channel ended within a message")
    );

    let (mut sender, receiver) = channel::<[u8]>().unwrap();
    let _child = spawn("dies", die_within, (None, Some(receiver))).unwrap();
    let error = (0..1000).find_map(|_| sender.send_bytes(&[0; 10_000]).err()).unwrap();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::BrokenPipe, "the receiver of the channel has gone")
    );
    assert!(start.elapsed() < SOON);
}

/// Reads all of the array, sends the sum, and stays until the parent drops its sender.
fn sum_all(
    array: SharedArray<u64>,
    mut said: ch3_processes::Sender<u64>,
    mut told: ch3_processes::Receiver<()>,
) -> anyhow::Result<()> {
    said.send(&(0..array.parts()).map(|part| array.try_read(part).unwrap().iter().sum::<u64>()).sum())?;
    told.recv()?;
    Ok(())
}

/// The memory of these processes in bytes. A page that several of them share counts once.
fn memory(processes: &[u32]) -> u64 {
    let proportional = |id: &u32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    processes.iter().map(proportional).sum()
}

/// How much memory five processes use that share this number of bytes.
fn share(bytes: u64) -> anyhow::Result<u64> {
    let array = SharedArray::<u64>::new(&[bytes as usize / 32; 4]).unwrap();
    (0..4).for_each(|part| array.try_write(part).unwrap().fill(part as u64));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let ((said, mut heard), (go, told)) = (pipe().unwrap(), pipe::<()>().unwrap());
            let child = spawn("sum", sum_all, (array.clone(), said, told)).unwrap();
            assert_eq!(heard.recv().unwrap(), Some(bytes / 32 * 6));
            (child, go)
        })
        .collect();
    let mut all: Vec<_> = workers.iter().map(|(child, _)| child.id()).collect();
    all.push(std::process::id());
    let used = memory(&all);
    let (children, go): (Vec<_>, Vec<_>) = workers.into_iter().unzip();
    drop(go);
    join_all(children)?;
    Ok(used)
}

fn shared_memory_is_in_memory_once() {
    const BYTES: u64 = 100 << 20;
    // In a child, which does not run the other tests.
    let used = spawn("share", share, (BYTES,)).unwrap().join().unwrap();
    assert!((BYTES..BYTES * 11 / 10).contains(&used), "{used} bytes for {BYTES}");
}

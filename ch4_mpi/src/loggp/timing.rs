//! How the time of something short is taken: often enough, and from the ranks that took longest.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ch1_parallel::kernels::{laps, quartiles};
use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

/// For how long one time is measured.
const BUDGET: f64 = 0.01;

/// How often all messages are measured.
pub(super) const PASSES: usize = 4;

/// The seconds of `once`, which all ranks call equally often; `agreed` gives all ranks the number of one rank. Batches of at least
/// `least` calls are timed, so that the clock costs nothing.
pub(super) fn times(
    least: u64,
    agreed: impl Fn(u64) -> u64,
    mut once: impl FnMut(u8) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<f64>> {
    let begin = Instant::now();
    for round in 0..3 {
        once(round)?;
    }
    let each = begin.elapsed().as_secs_f64() / 3.0;
    let least = if each > 1e-3 { least.min(2) } else { least };
    let batch = agreed((20e-6 / each).clamp(least as f64, 1000.0) as u64);
    let batches = agreed((BUDGET / (each * batch as f64)).clamp(3.0, 300.0) as u64);
    let mut round = 3_u8;
    let mut seconds = Vec::new();
    for _ in 0..batches {
        let begin = Instant::now();
        for _ in 0..batch {
            once(round)?;
            round = round.wrapping_add(1);
        }
        seconds.push(begin.elapsed().as_secs_f64() / batch as f64);
    }
    Ok(seconds)
}

/// The number of the group's rank 0, in all.
pub(super) fn agreed(group: &SimpleCommunicator, own: u64) -> u64 {
    let mut number = own;
    group.process_at_rank(0).broadcast_into(&mut number);
    number
}

/// A barrier that leaves the core of a rank that waits to the ranks that measure: in a barrier of MPI the rank would compute until
/// the others come.
pub(super) fn barrier_asleep(group: &SimpleCommunicator) {
    let mut waiting = group.immediate_barrier();
    while let Err(not_yet) = waiting.test() {
        waiting = not_yet;
        thread::sleep(Duration::from_micros(200));
    }
}

/// Writes the number of the round to all bytes of a message, and returns the seconds of it. After another rank has read the
/// message before, its bytes are no longer only in the caches of this core, so that writing takes longer. This is not a part
/// of the exchange: the rate of `transpose` has it. The rate of `stencil` has not, but its messages are small beside its work.
pub(super) fn write(message: &mut [u8], round: u8) -> f64 {
    let begin = Instant::now();
    black_box(message).fill(round);
    begin.elapsed().as_secs_f64()
}

/// Whether a message is the one that was sent in this round. Only some of its bytes are looked at, since this takes time too.
pub(super) fn is_right(message: &[u8], round: u8) -> anyhow::Result<()> {
    let looked_at = [message.first(), message.get(message.len() / 2), message.last()];
    ensure!(looked_at == [Some(&round); 3], "message {round} did not come as it was sent");
    Ok(())
}

/// The time that a quarter of the times do not exceed: other programs make a time longer, and never shorter.
pub(super) fn usual(seconds: &[f64]) -> f64 {
    quartiles(seconds)[0]
}

/// Computes for this time, and returns the seconds of it.
pub(super) fn spin(time: Duration) -> f64 {
    let begin = Instant::now();
    loop {
        let elapsed = begin.elapsed();
        if elapsed >= time {
            return elapsed.as_secs_f64();
        }
        std::hint::spin_loop();
    }
}

/// The seconds of an operation that all ranks call, as the slowest rank sees it.
pub(super) fn of_all(world: &SimpleCommunicator, budget: f64, mut once: impl FnMut()) -> f64 {
    // Two at a time, because short and long ones may take turns (see `both_ways`).
    let mut two = || (0..2).for_each(|_| once());
    let count = count_of(world, budget, &mut two);
    of_slowest(world, &laps(count, two)) / 2.0
}

/// How often an operation that all ranks call is repeated in this number of seconds.
pub(super) fn count_of(world: &SimpleCommunicator, budget: f64, mut once: impl FnMut()) -> usize {
    let begin = Instant::now();
    (0..2).for_each(|_| once());
    let mut count = (budget * 2.0 / begin.elapsed().as_secs_f64()).clamp(5.0, 2000.0) as u64;
    world.process_at_rank(0).broadcast_into(&mut count);
    count as usize
}

/// The usual time of the slowest rank.
pub(super) fn of_slowest(world: &SimpleCommunicator, seconds: &[f64]) -> f64 {
    let mut slowest = vec![0.0; seconds.len()];
    world.all_reduce_into(seconds, &mut slowest[..], SystemOperation::max());
    usual(&slowest)
}

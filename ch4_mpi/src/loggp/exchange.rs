//! Messages that many ranks exchange at the same time.

use std::iter;

use ch1_parallel::kernels::median;
use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use super::timing::{PASSES, agreed, is_right, seconds_to_write, times, write};

/// Messages that all ranks of a group exchange at the same time: each rank sends one and receives one.
pub(super) struct Exchange<'group> {
    pub(super) group: &'group SimpleCommunicator,
    /// For each distance d in turn, rank r of n sends to rank (r + d) mod n and receives from rank (r - d) mod n.
    pub(super) distances: Vec<i32>,
    pub(super) of_a_core: f64,
}

impl<'group> Exchange<'group> {
    /// An exchange over the distances 1, 2, 4, ...: some partners of a rank may run on its own core, and others do not.
    pub(super) fn with_many(group: &'group SimpleCommunicator, of_a_core: f64) -> Self {
        let doubled = iter::successors(Some(1), |distance| Some(2 * distance));
        Self { group, distances: doubled.take_while(|&distance| distance < group.size()).collect(), of_a_core }
    }

    /// The usual seconds for each length.
    pub(super) fn usual(&self, sizes: &[usize]) -> anyhow::Result<Vec<(usize, f64)>> {
        let mut times = vec![Vec::new(); sizes.len()];
        // Several passes, since another program may disturb one of them.
        for _ in 0..PASSES {
            for (times, &size) in times.iter_mut().zip(sizes) {
                times.extend(self.seconds(size)?);
            }
        }
        // An iteration of a kernel has many exchanges, so its time depends on those that take longer too.
        let mut usual: Vec<_> = times.iter().map(|times| median(times)).collect();
        // If a longer message needs less time than a shorter one, the measurement of the shorter one was disturbed.
        for index in (1..usual.len()).rev() {
            usual[index - 1] = usual[index - 1].min(usual[index]);
        }
        Ok(sizes.iter().copied().zip(usual).collect())
    }

    fn seconds(&self, size: usize) -> anyhow::Result<Vec<f64>> {
        let Self { group, distances, of_a_core } = self;
        let (mut sent, mut received) = (vec![0_u8; size], vec![0_u8; size]);
        let (rank, ranks) = (group.rank(), group.size());
        let once = |round| {
            for distance in distances {
                let (to, from) = ((rank + distance) % ranks, (rank + ranks - distance) % ranks);
                write(&mut sent, round);
                scope(|scope| {
                    let requests = [
                        group.process_at_rank(from).immediate_receive_into(scope, &mut received[..]),
                        group.process_at_rank(to).immediate_send(scope, &sent[..]),
                    ];
                    requests.into_iter().for_each(|request| request.wait_without_status());
                });
                is_right(&received, round)?;
            }
            Ok(())
        };
        // A rank that comes late finds its message there already: its exchanges may be short and long in turn, and those of its
        // partner long and short. So several are timed together.
        let seconds = times(8_u64.div_ceil(distances.len() as u64), |own| agreed(group, own), once)?;
        let write = seconds_to_write(&mut sent) * of_a_core;
        let of_one = seconds.iter().map(|seconds| seconds / distances.len() as f64);
        Ok(of_one.map(|seconds| (seconds - write).max(0.1 * seconds)).collect())
    }
}

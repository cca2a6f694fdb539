//! How fast the ranks of a node compute while all of them do, and how long their collectives take.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ch1_parallel::kernels::stencil::{RADIUS, bands, grids, sweep};
use ch1_parallel::kernels::{Kernel, count::task};
use mpi::collective::SystemOperation;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use rustix::time::{ClockId, clock_gettime};

use super::timing::{count_of, of_all, of_slowest, spin};
use crate::kernels::transpose;

/// The seconds of a barrier and of a sum of one number over all ranks.
#[must_use]
pub fn collectives(world: &SimpleCommunicator) -> (f64, f64) {
    let barrier = of_all(world, 0.1, || world.barrier());
    let mut sum = 0_u64;
    let reduce = of_all(world, 0.1, || world.all_reduce_into(&1_u64, &mut sum, SystemOperation::sum()));
    (barrier, reduce)
}

/// The bytes of the data of a rank with which the rate of a grid is measured.
const BYTES: [usize; 14] = [
    1 << 14,
    1 << 16,
    1 << 18,
    1 << 19,
    1 << 20,
    1 << 21,
    1 << 22,
    1 << 23,
    1 << 24,
    3 << 23,
    1 << 25,
    3 << 24,
    1 << 26,
    1 << 27,
];

/// For how long a rate is measured, in seconds.
const RATE_BUDGET: f64 = 0.12;

/// The steps to which a task of `count` counts, each one dependent on the step before.
const STEPS: u64 = 100_000;

/// What a rank needs for each cell of a grid (of `count`: for each step of a task) while all ranks compute: pairs of the bytes of
/// its data and of the seconds of a cell. The time of messages does not count.
///
/// # Errors
/// The grids do not fit in the memory.
pub fn rates(world: &SimpleCommunicator, neighbours: &Neighbours, kernel: Kernel) -> anyhow::Result<Vec<(usize, f64)>> {
    let ranks = world.size() as usize;
    if kernel == Kernel::Count {
        let work = || {
            black_box(task(black_box(STEPS)));
        };
        let seconds = with_barrier(world, neighbours, work);
        return Ok(vec![(0, seconds / STEPS as f64)]);
    }
    BYTES.iter().map(|&bytes| rate(world, kernel, side(bytes, ranks), neighbours)).collect()
}

/// The side of a grid of which a rank of `ranks` holds about this number of bytes in two arrays: whole blocks for each rank.
fn side(bytes: usize, ranks: usize) -> usize {
    let block = 8 * ranks;
    let side = ((bytes * ranks) as f64 / 16.0).sqrt();
    ((side / block as f64).round() as usize).max(1) * block
}

/// The ranks of a node.
pub struct Neighbours {
    pub(super) node: SimpleCommunicator,
    /// Their numbers in the world.
    numbers: Vec<usize>,
    /// How many ranks compute on one core, in turns: 1 if each rank has a core.
    pub of_a_core: f64,
}

impl Neighbours {
    /// The ranks of the node of this rank. All ranks of the world call this.
    #[must_use]
    pub fn of(world: &SimpleCommunicator) -> Self {
        let node = world.split_shared(world.rank());
        let mut numbers = vec![0; node.size() as usize];
        node.all_gather_into(&world.rank(), &mut numbers[..]);
        let numbers = numbers.into_iter().map(|rank: i32| rank as usize).collect();
        // Measured, since a rank cannot know which cores it shares: with ranks of other nodes too, if the nodes are containers of
        // one machine. The end of a measurement cuts a time slice of the kernel, so each lasts for many slices.
        let shares: Vec<_> = (0..3).map(|_| share_of_core(world, Duration::from_millis(100))).collect();
        Self { node, numbers, of_a_core: of_slowest(world, &shares).max(1.0) }
    }
}

/// The time that a rank needs for its work, for each second in which it has a core.
fn share_of_core(world: &SimpleCommunicator, least: Duration) -> f64 {
    let on_core = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    world.barrier();
    let (begin, on_core_before) = (Instant::now(), on_core());
    spin(least);
    begin.elapsed().as_secs_f64() / (on_core() - on_core_before).as_secs_f64().max(1e-3)
}

fn rate(
    world: &SimpleCommunicator,
    kernel: Kernel,
    size: usize,
    neighbours: &Neighbours,
) -> anyhow::Result<(usize, f64)> {
    let (ranks, rank) = (world.size() as usize, world.rank() as usize);
    let (cells, seconds) = if kernel == Kernel::Stencil {
        let rows = bands(size, ranks)[rank].clone();
        let cells = rows.len() * size;
        let (mut input, mut output) = grids(size, rows.clone())?;
        let halo = vec![0.0; RADIUS * size];
        let work = || sweep(size, rows.clone(), &mut input, &mut output, &halo, &halo);
        (cells, with_barrier(world, neighbours, work))
    } else {
        let Neighbours { node, numbers, of_a_core, .. } = neighbours;
        let (cells, mut work) = transpose::work_of_node(size, ranks, node, numbers)?;
        let count = count_of(world, RATE_BUDGET, || {
            work();
        });
        let seconds: Vec<_> = (0..count).map(|_| work()).collect();
        // A rank gives its core to the others of the core only while it exchanges, so their work comes in addition.
        (cells, of_slowest(world, &seconds) * of_a_core)
    };
    Ok((16 * cells, seconds / cells as f64))
}

/// A barrier of the ranks of the node ends the work, and its time is subtracted. A barrier of all ranks would take much longer
/// than the work if the network is slow.
fn with_barrier(world: &SimpleCommunicator, neighbours: &Neighbours, mut work: impl FnMut()) -> f64 {
    let Neighbours { node, .. } = neighbours;
    let barrier = of_all(world, 0.01, || node.barrier());
    let seconds = of_all(world, RATE_BUDGET, || {
        work();
        node.barrier();
    });
    // A barrier that another program disturbed must not make the work seem to be short.
    (seconds - barrier).max(0.8 * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_have_whole_blocks_of_a_grid() {
        for (bytes, ranks) in [(1 << 14, 1), (1 << 20, 2), (1 << 22, 3), (1 << 26, 4)] {
            let side = side(bytes, ranks);
            assert!(side.is_multiple_of(8 * ranks) && side > 0);
            let own = 16 * side * side / ranks;
            assert!((own as f64 / bytes as f64).ln().abs() < 0.8, "{bytes} bytes, {ranks} ranks: {own}");
        }
    }
}

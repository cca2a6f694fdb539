//! `stencil` by ranks: each rank holds a band of rows and receives the outermost rows of its neighbours, the *halo*, as
//! messages.
//!
//! With more than one thread for each rank, the program is a *hybrid*: the main thread of a rank exchanges the halos, and the
//! threads of a rayon pool sweep parts of the rank's band. They share its memory, so they need no messages. Only the main
//! thread calls MPI; MPI calls this thread level `MPI_THREAD_FUNNELED`.

use ch1_parallel::kernels::stencil::{RADIUS, Team, bands, check, grids, sum, sweep};
use ch1_parallel::kernels::{Measured, Problem, laps, pool};
use course::lanes;
use mpi::collective::SystemOperation;
use mpi::request::scope;
use mpi::topology::Process;
use mpi::traits::*;

use super::{check_world, slowest};

/// In each iteration a rank exchanges its halos, sweeps its band and waits for all ranks.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem, the grids do not fit in the memory, or the
/// system does not start a thread.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let (size, rank) = (problem.size, world.rank());
    let bands = bands(size, problem.workers);
    // If there are more ranks than rows, the last ranks have no rows and only wait.
    let neighbour = |at: i32| {
        let band = bands.get(usize::try_from(at).ok()?)?;
        (!band.is_empty()).then(|| world.process_at_rank(at))
    };
    let rows = bands[usize::try_from(rank)?].clone();
    let (above, below) = if rows.is_empty() { (None, None) } else { (neighbour(rank - 1), neighbour(rank + 1)) };

    let (mut input, mut output) = grids(size, rows.clone())?;
    let halo = |neighbour: Option<_>| vec![0.0; if neighbour.is_some() { RADIUS * size } else { 0 }];
    let (mut rows_above, mut rows_below) = (halo(above), halo(below));

    let mut team = match problem.threads {
        1 => None,
        threads => Some((pool(threads)?, Team::new(size, &rows, threads))),
    };

    let seconds = laps(problem.iterations, || {
        exchange(&input, above, &mut rows_above, below, &mut rows_below);
        if let Some((pool, team)) = &mut team {
            let (input, output) = (&mut input[..], &mut output[..]);
            let sweep = || team.sweep(input, output, &rows_above, &rows_below);
            lanes::wait("pool", || pool.install(sweep));
        } else {
            sweep(size, rows.clone(), &mut input, &mut output, &rows_above, &rows_below);
        }
        world.barrier();
    });

    let mut total = 0.0;
    world.all_reduce_into(&sum(&output), &mut total, SystemOperation::sum());
    Ok(Measured { seconds: slowest(world, &seconds), wrong: check(problem, total) })
}

/// Sends the outermost rows of `input` to the neighbours and receives their outermost rows. All four messages are under way
/// at the same time, so the order of the calls does not matter.
fn exchange(
    input: &[f64],
    above: Option<Process<'_>>,
    rows_above: &mut [f64],
    below: Option<Process<'_>>,
    rows_below: &mut [f64],
) {
    let halo = input.len().min(rows_above.len().max(rows_below.len()));
    let (first, last) = (&input[..halo], &input[input.len() - halo..]);
    scope(|scope| {
        let requests = [
            above.map(|above| above.immediate_receive_into(scope, rows_above)),
            below.map(|below| below.immediate_receive_into(scope, rows_below)),
            above.map(|above| above.immediate_send(scope, first)),
            below.map(|below| below.immediate_send(scope, last)),
        ];
        requests.into_iter().flatten().for_each(|request| request.wait_without_status());
    });
}

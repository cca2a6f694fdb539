//! `grain` by ranks: each rank has a point of the graph, and sends the value of each task to the ranks that need it.
//!
//! A receive waits for the message and copies the value, so the steps need no barrier and no counter. Messages of a rank
//! arrive in the order of the steps. A barrier ends each iteration. What decides is the time of a short message: the work of MPI for a send and a receive,
//! and the way of a cache line from core to core.

use ch1_parallel::kernels::grain::{Graph, Tally, Task, check};
use ch1_parallel::kernels::{Measured, Problem, laps};
use mpi::Rank;
use mpi::collective::SystemOperation;
use mpi::request::scope;
use mpi::traits::*;

use super::{check_world, slowest};

/// Each rank runs the tasks of its point, step by step.
///
/// # Errors
/// The number of ranks in the world is not the number of workers in the problem.
pub fn mpi(problem: &Problem, world: &impl Communicator) -> anyhow::Result<Measured> {
    check_world(problem, world)?;
    let (graph, point) = (Graph::of(problem), usize::try_from(world.rank())?);
    let (mut tally, mut iteration, mut own) = (Tally::default(), 0, 0);
    let mut received = vec![0; graph.width];
    let mut seconds = laps(problem.iterations, || {
        for step in (0..graph.steps).filter(|&step| point < graph.points(step)) {
            let task = Task { iteration, step, point };
            exchange(&graph, task, &own, &mut received, world);
            let mut others = received.iter();
            for input in graph.dependencies(step, point) {
                // The rank's own value needs no message.
                let value = if input == point { own } else { *others.next().expect("a place for each point") };
                tally.input(Task { step: step - 1, point: input, ..task }, value);
            }
            own = tally.run(task, problem.grain);
        }
        world.barrier();
        iteration += 1;
    });
    seconds = slowest(world, &seconds);
    let mut all = [0; 4];
    world.all_reduce_into(&tally.to_array()[..], &mut all[..], SystemOperation::sum());
    Ok(Measured { seconds, wrong: check(problem, all.into()) })
}

/// Before a task: sends the value of the rank's task of the step before to the tasks of this step that need it, and
/// receives what this rank's own task needs. Each rank begins its receives before it sends, so no order of the ranks can
/// block them, although a send may block until the other rank receives.
fn exchange(graph: &Graph, task: Task, own: &u64, received: &mut [u64], world: &impl Communicator) {
    let Task { step, point, .. } = task;
    let Some(before) = step.checked_sub(1) else { return };
    let other = |rank: &usize| *rank != point;
    let process = |rank: usize| world.process_at_rank(rank as Rank);
    scope(|scope| {
        let from = graph.dependencies(step, point).filter(other).zip(received);
        let receives: Vec<_> = from.map(|(rank, place)| process(rank).immediate_receive_into(scope, place)).collect();
        graph.dependents(before, point).filter(other).for_each(|rank| process(rank).send(own));
        receives.into_iter().for_each(|request| request.wait_without_status());
    });
}

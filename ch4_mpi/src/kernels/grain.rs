//! `grain` by ranks: each rank has a point of the graph, and sends the value of each task to the ranks that need it.
//!
//! A receive waits for the message and copies the value, so no barrier and no counter is needed, and messages of a rank arrive in
//! the order of the steps. What decides is the time of a short message: the work of MPI for a send and a receive, and the way of
//! a cache line from core to core.

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
    let (mut tally, mut iteration) = (Tally::default(), 0);
    let mut received = vec![0; graph.width];
    let mut seconds = laps(problem.iterations, || {
        for step in (0..graph.steps).filter(|&step| point < graph.points(step)) {
            let task = Task { iteration, step, point };
            for input in graph.dependencies(step, point) {
                tally.input(Task { step: step - 1, point: input, ..task }, received[input]);
            }
            let value = tally.run(task, problem.grain);
            exchange(&graph, task, value, &mut received, world);
        }
        world.barrier();
        iteration += 1;
    });
    seconds = slowest(world, &seconds);
    let mut all = [0; 4];
    world.all_reduce_into(&tally.to_array()[..], &mut all[..], SystemOperation::sum());
    Ok(Measured { seconds, wrong: check(problem, all.into()) })
}

/// Sends the value of a task to the tasks of the next step that need it, and receives what this rank's next task needs. All
/// messages are under way at the same time, so no order of the ranks can block them.
fn exchange(graph: &Graph, task: Task, value: u64, received: &mut [u64], world: &impl Communicator) {
    let Task { step, point, .. } = task;
    let others = |points: ch1_parallel::kernels::grain::Points| points.filter(move |&other| other != point);
    scope(|scope| {
        let mut places = received.iter_mut().enumerate();
        let needed = others(if step + 1 < graph.steps { graph.dependencies(step + 1, point) } else { (0..0).step_by(1) });
        let mut requests = Vec::new();
        for from in needed {
            let (_, place) = places.find(|&(other, _)| other == from).expect("in ascending order");
            requests.push(world.process_at_rank(from as Rank).immediate_receive_into(scope, place));
        }
        let sends: Vec<_> = others(graph.dependents(step, point))
            .map(|to| world.process_at_rank(to as Rank).immediate_send(scope, &value))
            .collect();
        requests.into_iter().for_each(|request| request.wait_without_status());
        sends.into_iter().for_each(|request| request.wait_without_status());
    });
}

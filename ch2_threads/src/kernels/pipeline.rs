//! `pipeline` by scoped threads: each thread owns some columns and sends the last column of each group of rows through a
//! channel to the thread on its right.
//!
//! With a channel, a thread waits only for its left neighbour: it begins a group as soon as that thread has sent it. With a
//! barrier after each group, it would wait for the slowest thread. The last thread sends the number of the last corner to
//! the first thread, which begins the next iteration with it.

use std::hint::spin_loop;

use ch1_parallel::kernels::pipeline::{Columns, check, columns, first_column, groups};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;
use crossbeam::channel::{Receiver, unbounded};

use crate::spin_barrier::spins;
use crate::team::prepared_team;

/// Each thread computes its columns, group by group.
///
/// # Errors
/// The grid does not fit in the memory, or the clock of an iteration was not stopped exactly once.
pub fn threads(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let columns: Vec<_> = columns(size, problem.workers).into_iter().filter(|columns| !columns.is_empty()).collect();
    let workers = columns.len();
    let spins = spins(workers);
    // Channel w leads to worker w: from its left neighbour, or from the last worker to worker 0.
    let channels: Vec<_> = (0..workers).map(|_| unbounded::<Vec<f64>>()).collect();
    let prepare = |worker: usize| Columns::new(size, columns[worker].clone());
    let done = prepared_team(workers, prepare, |worker, mut own: Columns| {
        let (from_left, to_right) = (&channels[worker].1, &channels[(worker + 1) % workers].0);
        let (is_first, is_last) = (worker == 0, worker + 1 == workers);
        let receive = |what: &str| receive(what, from_left, spins);
        let (mut laps, mut corner) = (Laps::default(), 0.0);
        for iteration in 0..=problem.iterations {
            if is_first && iteration > 0 {
                corner = receive("corner")[0];
            }
            own.begin(-corner);
            for rows in groups(size, workers) {
                let mut border = if is_first { first_column(rows.clone()) } else { receive("left neighbour") };
                own.compute(rows.clone(), &mut border);
                if !is_last {
                    // No channel closes before all threads have ended.
                    let _ = to_right.send(border);
                } else if rows.end == size {
                    corner = border[border.len() - 1];
                    let _ = to_right.send(vec![corner]);
                }
            }
            // The iteration ends when the last worker ends it.
            laps.end(is_last);
        }
        (laps, corner)
    })?;
    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(problem, done[workers - 1].1) })
}

/// Receives a message. The thread looks for it for a moment before it sleeps, as at a [spin barrier](crate::spin_barrier).
fn receive(what: &str, channel: &Receiver<Vec<f64>>, spins: u32) -> Vec<f64> {
    let received = lanes::wait(what, || {
        for _ in 0..spins {
            if let Ok(message) = channel.try_recv() {
                return Ok(message);
            }
            spin_loop();
        }
        channel.recv()
    });
    received.expect("the channels are open until all threads have ended")
}

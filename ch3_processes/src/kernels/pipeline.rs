//! `pipeline` by processes: each worker holds some columns and sends the last column of each group of rows through a
//! channel to the worker on its right.
//!
//! A message carries the numbers, and its receiver waits for it: no barrier or shared array is needed. The channels form a
//! ring: the last worker sends the number of the last corner to the first worker, which begins the next iteration with it.
//! If a worker dies, its channels close, and the others end with an error.

use anyhow::Context;
use ch1_parallel::kernels::pipeline::{Columns, check, columns, first_column, groups};
use ch1_parallel::kernels::{Laps, Measured, Problem};
use course::lanes;

use super::workers::run;
use crate::channel::{Receiver, Sender, channel};

/// The numbers of the last column in a group of rows.
type Border = Vec<f64>;

/// Solves `pipeline` with a ring of channels.
///
/// # Errors
/// The system gave no process, no channel or no memory, or a worker died.
pub fn processes(problem: &Problem) -> anyhow::Result<Measured> {
    // Workers without columns are not started.
    let workers = columns(problem.size, problem.workers).iter().filter(|columns| !columns.is_empty()).count();
    let problem = Problem { workers, ..*problem };
    let (mut to, mut from): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
    for _ in 0..workers {
        let (sender, receiver) = channel::<Border>()?;
        to.push(sender);
        from.push(receiver);
    }
    // Worker w receives from channel w and sends to channel w + 1; the last worker sends to channel 0.
    to.rotate_left(1);
    let mut ends = from.into_iter().zip(to);
    let done = run(&problem, worker, |number| {
        let (from_left, to_right) = ends.next().expect("a pair of ends for each worker");
        (number, problem, from_left, to_right)
    })?;

    let seconds = Laps::seconds(problem.iterations, done.iter().map(|(laps, _)| laps))?;
    Ok(Measured { seconds, wrong: check(&problem, done[workers - 1].1) })
}

/// What a worker does. It returns the last number of its last row.
pub(super) fn worker(
    number: usize,
    problem: Problem,
    mut from_left: Receiver<Border>,
    mut to_right: Sender<Border>,
) -> anyhow::Result<(Laps, f64)> {
    let (size, workers) = (problem.size, problem.workers);
    let (is_first, is_last) = (number == 0, number + 1 == workers);
    let mut receive = |what: &str| -> anyhow::Result<Border> {
        lanes::wait(what, || from_left.recv())?.context("the worker on the left has ended")
    };
    let mut own = Columns::new(size, columns(size, workers)[number].clone())?;
    let (mut laps, mut corner) = (Laps::default(), 0.0);
    for iteration in 0..=problem.iterations {
        if is_first && iteration > 0 {
            corner = receive("corner")?[0];
        }
        own.begin(-corner);
        for rows in groups(size, workers) {
            let mut border = if is_first { first_column(rows.clone()) } else { receive("left neighbour")? };
            own.compute(rows.clone(), &mut border);
            if !is_last {
                to_right.send(&border)?;
            } else if rows.end == size {
                corner = border[border.len() - 1];
                if iteration < problem.iterations {
                    to_right.send(&vec![corner])?;
                }
            }
        }
        // The iteration ends when the last worker ends it.
        laps.end(is_last);
    }
    Ok((laps, corner))
}

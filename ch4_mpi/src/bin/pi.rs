//! The ranks throw random points at a square, and a reduction adds up how many points hit a quarter circle inside it.
//!
//! The square has sides of length 1. A quarter circle of radius 1 around one corner covers pi / 4 of the square, so about
//! this share of the points hits it. A rank does not need the points of other ranks, so the ranks communicate only at
//! the end. The points are thrown in blocks, and each block has its own stream of random numbers. The ranks share the
//! blocks, so the number of hits does not depend on the number of ranks.
//!
//! Strong scaling: more ranks throw the same number of points. At best, k ranks need 1/k of the time of one rank.
//! Weak scaling:   each rank throws the same number of points. At best, k ranks need the same time as one rank.
//! The speed-up is the points per second, divided by those of one rank. The efficiency is the speed-up divided by the
//! number of ranks. The ranks that throw the points for one line of a table are a team; the other ranks wait.
//!
//! Run:       cargo run --bin pi -- --timeline
//!            scripts/mpirun -n 8 target/debug/pi --points 20000000
//! Observe:   in the table of strong scaling the hits are the same in every line. The efficiency is near 100 % only if
//!            the machine has a core for every rank of the job. A waiting rank needs a core too, since it looks for
//!            messages all the time. Compare `--ranks` with fewer and with more ranks than cores.
//! MPI:       MPI_Comm_split, MPI_Barrier, MPI_Allreduce, MPI_Wtime
//! Exercise:  let the random numbers depend on the size of the team: pass `team.size() as u64` to `throw` as `team_size`,
//!            and use `lesson.rng(block + team_size)` there. Run the program with `--ranks 2`. Which check fails, and
//!            why? Remove this check. Is the result for pi worse now?

// Without MPI this file is empty, and the program only says how to set MPI up (build.rs).
#![cfg_attr(not(mpi), no_main, cfg(mpi))]

use std::f64::consts::PI;
use std::process::ExitCode;

use anyhow::ensure;
use ch4_mpi::lesson::{self, Lesson};
use mpi::collective::SystemOperation;
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::*;
use rand::RngExt;

/// Points that share a stream of random numbers.
const BLOCK: u64 = 10_000;

#[derive(clap::Parser)]
struct Args {
    /// Points to throw, by all ranks together
    #[arg(long, default_value_t = 4_000_000, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=100_000_000_000))]
    points: u64,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson, world| {
        let ranks = world.size() as u64;
        // The sizes of the teams: 1, 2, 4, ... and all ranks.
        let teams: Vec<u64> = (0..10).map(|power| 1 << power).take_while(|&team| team < ranks).chain([ranks]).collect();
        let mut known = None;
        for scaling in ["strong", "weak"] {
            if world.rank() == 0 {
                println!("{scaling} scaling");
                println!("ranks        points          hits        pi  seconds  speed-up  efficiency");
            }
            let mut rate_of_one = None;
            for &team in &teams {
                let points = if scaling == "strong" { args.points } else { args.points.div_ceil(ranks) * team };
                if let Some((hits, seconds)) = measure(world, lesson, team, points) {
                    if scaling == "strong" {
                        let expected = *known.get_or_insert(hits);
                        ensure!(hits == expected, "{team} ranks count {hits} hits, and fewer ranks {expected}");
                    }
                    let pi = checked_pi(hits, points)?;
                    let rate = points as f64 / seconds;
                    let speed_up = rate / *rate_of_one.get_or_insert(rate);
                    if world.rank() == 0 {
                        let efficiency = 100.0 * speed_up / team as f64;
                        let row = format!("{team:>5}  {points:>12}  {hits:>12}  {pi:>8.6}  {seconds:>7.4}");
                        println!("{row}  {speed_up:>8.2}  {efficiency:>8.0} %");
                    }
                }
                // The ranks outside the team wait here.
                world.barrier();
            }
        }
        Ok(())
    })
}

/// Throws the points on the first ranks of the world. Returns the hits, and the seconds of the slowest rank; nothing if this
/// rank is not in the team.
fn measure(world: &SimpleCommunicator, lesson: &Lesson, ranks: u64, points: u64) -> Option<(u64, f64)> {
    let in_team = (world.rank() as u64) < ranks;
    let team = world.split_by_color(if in_team { Color::with_value(0) } else { Color::undefined() })?;
    let blocks = points.div_ceil(BLOCK);
    let start = |rank: i32| (u128::from(blocks) * rank as u128 / u128::from(ranks)) as u64;

    team.barrier();
    let begin = mpi::time();
    let own: u64 = (start(team.rank())..start(team.rank() + 1)).map(|block| throw(lesson, block, points)).sum();
    let (mut hits, mut slowest) = (0, 0.0);
    team.all_reduce_into(&own, &mut hits, SystemOperation::sum());
    team.all_reduce_into(&(mpi::time() - begin), &mut slowest, SystemOperation::max());
    Some((hits, slowest))
}

/// Throws the points of a block, and returns how many of them hit the quarter circle.
fn throw(lesson: &Lesson, block: u64, points: u64) -> u64 {
    let mut rng = lesson.rng(block);
    let throws = BLOCK.min(points - block * BLOCK);
    (0..throws).filter(|_| rng.random::<f64>().powi(2) + rng.random::<f64>().powi(2) < 1.0).count() as u64
}

fn checked_pi(hits: u64, points: u64) -> anyhow::Result<f64> {
    let pi = 4.0 * hits as f64 / points as f64;
    let standard_error = (PI * (4.0 - PI) / points as f64).sqrt();
    ensure!((pi - PI).abs() < 5.0 * standard_error, "pi is wrong by more than 5 standard errors: {pi}");
    Ok(pi)
}

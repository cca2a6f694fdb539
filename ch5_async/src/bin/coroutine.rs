//! A state machine whose states are coroutines: each state pauses, draws a random bit, and returns the next state.
//!
//! A coroutine is a function that can pause and continue later; in Rust it is an `async fn`. While one coroutine pauses
//! at an `.await`, the thread runs other coroutines. A state does not await the next state. It returns the next state
//! to the loop in `walk` and ends, so the stack does not grow with the path.
//!
//! Run:       cargo run --bin coroutine -- --runs 3 --timeline
//! Observe:   three paths from Start to End. Each arrow shows the bit that was drawn. The paths pause at the same time
//!            on one thread. The stack grows by 0 bytes, also with `--pace 0 --at-least 1000000`.
//! Python:    the original pauses with `time.sleep`, which blocks the event loop. Each state awaits the next state, so
//!            a path of 1000 states ends with a `RecursionError`. On Python 3.11 or later the script does not start,
//!            because `asyncio.coroutine` no longer exists.
//! Exercise:  let a state await the states after it, as in Python: in `s3`, replace `State::S1` by
//!            `Box::pin(walk(machine, State::S1)).await`. Run it with `--pace 0`: which `ensure!` fails, and why? What
//!            happens with `--pace 0 --at-least 1000000`?

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use course::{lanes, lesson};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::sleep;

#[derive(clap::Parser)]
struct Args {
    /// Number of paths; their seeds are S, S+1, ..., where S is `--seed`
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    runs: u64,
    /// Least number of states in the path: while it has fewer, S3 draws again if its bit leads to End
    #[arg(long, value_name = "N", conflicts_with = "runs", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    at_least: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Start,
    S1,
    S2,
    S3,
    End,
}

/// For each state but End, the state after a 0 and the state after a 1. The states do not use it; it checks them.
const ALLOWED: [[State; 2]; 4] =
    [[State::S2, State::S1], [State::S3, State::S2], [State::S1, State::S3], [State::S1, State::End]];

struct Machine {
    random: StdRng,
    pause: Duration,
    at_least: usize,
    /// The path: each state and the bit that it drew.
    steps: Vec<(State, usize)>,
    /// The address at which the stack ended at the first visit to each state.
    stack: [Option<usize>; 4],
    /// The number of bytes by which the end of the stack has moved since then.
    growth: usize,
}

fn main() -> ExitCode {
    lesson::run!(|args: Args, lesson| {
        let (pause, at_least) = (lesson.pause(1.0), args.at_least.unwrap_or(0) as usize);
        println!("paths: {}, pause in each state: {:.2} s", args.runs, pause.as_secs_f64());
        let event_loop = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        event_loop.block_on(async {
            let paths = (0..args.runs).map(|run| {
                let seed = lesson.seed().wrapping_add(run);
                let random = StdRng::seed_from_u64(seed);
                let mut machine = Machine { random, pause, at_least, steps: Vec::new(), stack: [None; 4], growth: 0 };
                let path = async move {
                    let end = walk(&mut machine, State::Start).await;
                    machine.steps.push((end, 0));
                    machine
                };
                (seed, tokio::spawn(lanes::task(format!("seed {seed}"), path)))
            });
            // Collected, so that all paths have begun before the first is awaited.
            for (seed, handle) in paths.collect::<Vec<_>>() {
                let Machine { steps, growth, .. } = lanes::wait_for("the end of the path", handle).await?;
                println!("seed {seed}: {} states, the stack grew by {growth} bytes: {}", steps.len(), text(&steps));
                let allowed = |step: &[(State, usize)]| ALLOWED[step[0].0 as usize][step[0].1] == step[1].0;
                ensure!(steps[0].0 == State::Start && steps.windows(2).all(allowed), "seed {seed}: path not allowed");
                ensure!(steps.len() >= at_least, "seed {seed}: the path is too short");
                ensure!(growth == 0, "seed {seed}: the stack grew with the path");
            }
            Ok(())
        })
    })
}

/// Runs one state after the other, and returns `End`. A state's future is dropped before the next state begins.
async fn walk(machine: &mut Machine, mut state: State) -> State {
    loop {
        state = match state {
            State::Start => start(machine).await,
            State::S1 => s1(machine).await,
            State::S2 => s2(machine).await,
            State::S3 => s3(machine).await,
            State::End => return state,
        };
    }
}

async fn start(machine: &mut Machine) -> State {
    if machine.draw(State::Start).await == 0 { State::S2 } else { State::S1 }
}

async fn s1(machine: &mut Machine) -> State {
    if machine.draw(State::S1).await == 0 { State::S3 } else { State::S2 }
}

async fn s2(machine: &mut Machine) -> State {
    if machine.draw(State::S2).await == 0 { State::S1 } else { State::S3 }
}

async fn s3(machine: &mut Machine) -> State {
    if machine.draw(State::S3).await == 0 { State::S1 } else { State::End }
}

impl Machine {
    /// Pauses in `state`, and draws a bit.
    async fn draw(&mut self, state: State) -> usize {
        if !self.pause.is_zero() {
            lanes::sleeping("pause", sleep(self.pause)).await;
        }
        self.note_stack(state);
        let mut bit = self.random.random_range(0..=1);
        while state == State::S3 && bit == 1 && self.steps.len() + 2 < self.at_least {
            bit = self.random.random_range(0..=1);
        }
        self.steps.push((state, bit));
        bit
    }

    /// Measures how far the end of the stack has moved since the first visit to `state`.
    fn note_stack(&mut self, state: State) {
        let local = 0_u8; // The stack that is in use ends near this variable.
        let end = (&raw const local).addr();
        self.growth = self.growth.max(self.stack[state as usize].get_or_insert(end).abs_diff(end));
    }
}

/// The path, or its first 100 steps and "...".
fn text(steps: &[(State, usize)]) -> String {
    let arrows = steps.windows(2).take(100).map(|step| format!(" -{}-> {:?}", step[0].1, step[1].0));
    let cut = if steps.len() > 101 { " ..." } else { "" };
    format!("{:?}{}{cut}", steps[0].0, arrows.collect::<String>())
}

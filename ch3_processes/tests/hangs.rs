//! What a report of a hang proves about processes, and what it must not claim: a program that goes on after a while must not be
//! reported before, and a program that hangs must be.
//!
//! The programs are this file, run again, and so are their children. So this file has a `main` of its own.

use std::io::{self, PipeReader, Read, Write};
use std::process::{Command, ExitCode};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ch3_processes::{Receiver, Semaphore, Sender, children, pipe, spawn};
use course::program::{Finished, run};
use course::testing::group::LIMIT;
use course::testing::harness::{run_trials, trials};
use course::{lanes, lesson};
use rustix::process::{Pid, Signal, kill_process};

/// Names the program that a test runs; without it the tests run.
const PROGRAM: &str = "HANGS_PROGRAM";

/// Help comes after this time: later than the deadline, which is 0.5 seconds.
const LATER: Duration = Duration::from_millis(1500);

#[derive(clap::Parser)]
struct NoFlags {}

fn main() -> ExitCode {
    children![waits_for_itself, helps_without_a_lane, waits_in_many_lanes];
    match std::env::var(PROGRAM) {
        Ok(name) => lesson::hazard_with("//! A program of the tests.", |_: NoFlags, _| program_named(&name)),
        Err(_) => run_trials(trials![
            a_lane_that_goes_on_may_kill_the_process_that_has_the_other_end
            another_process_may_kill_it_too
            a_process_that_is_no_child_may_have_the_other_end
            a_thread_without_a_lane_may_write
            a_thread_without_a_lane_may_compute
            a_process_without_lanes_may_release_a_permit
            lanes_that_begin_at_the_same_time_are_all_told
            the_end_of_a_process_that_waits_for_itself_does_not_come
        ]),
    }
}

fn finished(name: &str) -> Finished {
    let mut command = Command::new(std::env::current_exe().unwrap());
    run(command.env(PROGRAM, name), LIMIT).unwrap()
}

fn goes_on(name: &str) {
    let finished = finished(name);
    assert_eq!(finished.code(), Some(0), "{finished:#?}");
    assert!(finished.took >= LATER, "nothing was waited for: {finished:#?}");
}

fn is_reported(name: &str, reason: &str) -> Finished {
    let finished = finished(name);
    assert_eq!(finished.code(), Some(3), "{finished:#?}");
    assert!(finished.stderr.starts_with("deadlock: ") && finished.stderr.contains(reason), "{finished:#?}");
    finished
}

fn a_lane_that_goes_on_may_kill_the_process_that_has_the_other_end() {
    goes_on("killer");
}

fn another_process_may_kill_it_too() {
    goes_on("killer process");
}

fn a_process_that_is_no_child_may_have_the_other_end() {
    goes_on("orphan");
}

fn a_thread_without_a_lane_may_write() {
    goes_on("thread without a lane");
}

/// So may a thread that has not begun its lane yet, because it still waits for a core.
fn a_thread_without_a_lane_may_compute() {
    goes_on("computing thread");
}

fn a_process_without_lanes_may_release_a_permit() {
    let finished = is_reported("no permit", "waits for the permit at ");
    assert!(finished.took >= LATER, "it was reported while another process lived: {finished:#?}");
}

fn lanes_that_begin_at_the_same_time_are_all_told() {
    for _ in 0..5 {
        is_reported("many lanes", "whose writing end is open only in ");
    }
}

fn the_end_of_a_process_that_waits_for_itself_does_not_come() {
    let finished = is_reported("child", "reason: child waits for data or the end of itself at ");
    assert!(finished.stderr.contains("whose writing end is open only in child\n"), "{finished:#?}");
}

// The programs.

fn program_named(name: &str) -> anyhow::Result<()> {
    match name {
        "killer" => killed_after(|id| {
            let killer = thread::spawn(move || {
                let _lane = lanes::lane("killer");
                lanes::sleep("patience", LATER);
                kill_process(id, Signal::KILL)
            });
            Ok(lanes::join(killer)?)
        }),
        "killer process" => killed_after(|id| {
            let wait = format!("sleep {}; kill -9 {}", LATER.as_secs_f64(), id.as_raw_nonzero());
            Command::new("sh").args(["-c", &wait]).spawn()?;
            Ok(())
        }),
        "orphan" => {
            let (mut reader, writer) = io::pipe()?;
            let later = format!("(sleep {}; echo late) &", LATER.as_secs_f64());
            Command::new("sh").args(["-c", &later]).stdout(writer).spawn()?.wait()?;
            let mut text = String::new();
            lanes::read_from("the orphan's text", &mut reader, |it| it.read_to_string(&mut text))?;
            anyhow::ensure!(text == "late\n", "{text:?}");
            Ok(())
        }
        "thread without a lane" => {
            let (sender, mut receiver) = pipe()?;
            let child = spawn("helps", helps_without_a_lane, (sender,))?;
            let received = lanes::read_from("the help", &mut receiver, Receiver::recv)?;
            child.join()?;
            anyhow::ensure!(received == Some(1), "{received:?}");
            Ok(())
        }
        "computing thread" => {
            let thread = thread::spawn(|| {
                let begin = Instant::now();
                while begin.elapsed() < LATER {
                    std::hint::spin_loop();
                }
            });
            lanes::wait("the thread", || thread.join()).expect("no panic");
            Ok(())
        }
        "no permit" => {
            let semaphore = Semaphore::new(0)?;
            let mut other = Command::new("sleep").arg(LATER.as_secs_f64().to_string()).spawn()?;
            let _permit = lanes::permit("the permit", &semaphore, Semaphore::acquire);
            other.wait()?;
            Ok(())
        }
        "many lanes" => Ok(spawn("many", waits_in_many_lanes, ())?.join()?),
        "child" => Ok(spawn("child", waits_for_itself, (None,))?.join()?),
        _ => anyhow::bail!("no program {name}"),
    }
}

/// Reads from a child that never writes, until the child is killed.
fn killed_after(kill: impl FnOnce(Pid) -> anyhow::Result<()> + Send) -> anyhow::Result<()> {
    let (sender, mut receiver) = pipe()?;
    let mut child = spawn("stuck", waits_for_itself, (Some(sender),))?;
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("the id of a process");
    thread::scope(|scope| {
        let killer = scope.spawn(move || {
            let _lane = lanes::lane("kills");
            kill(id)
        });
        let received = lanes::read_from("the result", &mut receiver, Receiver::recv)?;
        lanes::join(killer)?;
        anyhow::ensure!(received.is_none(), "{received:?}");
        Ok(())
    })?;
    child.wait()?;
    Ok(())
}

// The children.

/// Reads from a pipe of which this process has both ends.
fn wait_for_own_end(name: &str) -> anyhow::Result<()> {
    let (mut reader, _writer): (PipeReader, _) = lanes::pipe(io::pipe)?;
    lanes::read_from(name, &mut reader, |it| it.read_exact(&mut [0]))?;
    Ok(())
}

fn waits_for_itself(_result: Option<Sender<u32>>) -> anyhow::Result<()> {
    wait_for_own_end("itself")
}

fn helps_without_a_lane(mut help: Sender<u32>) -> anyhow::Result<()> {
    let (mut reader, mut writer): (PipeReader, _) = lanes::pipe(io::pipe)?;
    let helper = thread::spawn(move || {
        thread::sleep(LATER);
        help.send(&1).and_then(|()| writer.write_all(&[1]))
    });
    // All lanes of this process wait for each other.
    lanes::read_from("the helper", &mut reader, |it| it.read_exact(&mut [0]))?;
    helper.join().expect("no panic")?;
    Ok(())
}

fn waits_in_many_lanes() -> anyhow::Result<()> {
    const LANES: usize = 15;
    let all = Barrier::new(LANES);
    thread::scope(|scope| {
        for number in 0..LANES {
            let all = &all;
            scope.spawn(move || {
                all.wait();
                let _lane = lanes::lane(format_args!("lane {number}"));
                wait_for_own_end("itself")
            });
        }
        wait_for_own_end("itself")
    })
}

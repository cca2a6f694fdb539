//! What a report of a hang proves about processes, and what it must not claim: a program that goes on after a while must not be
//! reported before, and a program that hangs must be.
//!
//! The programs are this file, run again, and so are their children. So this file has a `main` of its own.

use std::hint::spin_loop;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Command, ExitCode, Stdio};
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
    children![
        waits_for_itself,
        helps_without_a_lane,
        waits_in_many_lanes,
        helps_in_a_lane_that_cannot_be_told,
        answers_after_a_while,
        waits_after_a_lane,
        releases_a_permit,
        runs_before_it_waits
    ];
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
            a_process_that_is_no_child_may_release_a_permit
            a_lane_that_cannot_be_told_may_help
            a_child_that_waits_no_longer_may_answer
            a_lane_that_has_ended_does_not_go_on
            a_permit_that_was_released_is_not_held
            what_a_thread_of_the_parent_without_a_lane_may_end_is_not_proved
            a_lane_of_a_child_that_runs_while_it_says_that_it_waits_goes_on
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

fn a_process_that_is_no_child_may_release_a_permit() {
    let finished = is_reported("orphan with the permit's memory", "waits for the permit at ");
    assert!(finished.took >= LATER, "it was reported while another process lived: {finished:#?}");
}

fn a_lane_that_cannot_be_told_may_help() {
    goes_on("long name");
}

fn a_child_that_waits_no_longer_may_answer() {
    goes_on("answer");
}

fn a_lane_that_has_ended_does_not_go_on() {
    is_reported("after a lane", "whose writing end is open only in child");
}

fn a_permit_that_was_released_is_not_held() {
    let finished = is_reported("released permit", "waits for the permit at ");
    assert!(!finished.stderr.contains("has ended"), "{finished:#?}");
}

fn what_a_thread_of_the_parent_without_a_lane_may_end_is_not_proved() {
    let finished = finished("thread of the parent");
    assert!(finished.code() == Some(3) && finished.stderr.starts_with("not moving: "), "{finished:#?}");
}

fn a_lane_of_a_child_that_runs_while_it_says_that_it_waits_goes_on() {
    goes_on("runs");
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
                    spin_loop();
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
        "orphan with the permit's memory" => {
            let semaphore = Semaphore::new(0)?;
            let memory = semaphore.as_fd().try_clone_to_owned()?;
            let later = format!("sleep {} &", LATER.as_secs_f64());
            let mut sh = Command::new("sh");
            // The errors of this program end with it, and not with the orphan.
            sh.args(["-c", &later]).stdout(memory).stderr(Stdio::null()).spawn()?.wait()?;
            let _permit = lanes::permit("the permit", &semaphore, Semaphore::acquire);
            Ok(())
        }
        "long name" => Ok(spawn("child", helps_in_a_lane_that_cannot_be_told, ())?.join()?),
        "answer" => {
            let (question, asked) = pipe()?;
            let (answers, mut answer) = pipe()?;
            let child = spawn("child", answers_after_a_while, (asked, answers))?;
            let mut question: Sender<u32> = question;
            question.send(&1)?;
            let received = lanes::read_from("the answer", &mut answer, Receiver::recv)?;
            child.join()?;
            anyhow::ensure!(received == Some(2), "{received:?}");
            Ok(())
        }
        "after a lane" => Ok(spawn("child", waits_after_a_lane, ())?.join()?),
        "released permit" => {
            let semaphore = Semaphore::new(1)?;
            let (released, mut is_released) = pipe()?;
            let mut child = spawn("child", releases_a_permit, (semaphore.clone(), released))?;
            lanes::read_from("the child", &mut is_released, Receiver::recv)?;
            child.kill()?;
            child.wait()?;
            let _permit = lanes::permit("the permit", &semaphore, Semaphore::acquire);
            let _second = lanes::permit("the permit", &semaphore, Semaphore::acquire);
            Ok(())
        }
        "thread of the parent" => {
            let (help, _receiver) = pipe()?;
            helps_without_a_lane(help)
        }
        "runs" => Ok(spawn("child", runs_before_it_waits, ())?.join()?),
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

/// Waits in one lane while the same thread has another lane, of which the name is too long to be told.
fn helps_in_a_lane_that_cannot_be_told() -> anyhow::Result<()> {
    let (mut reader, mut writer): (PipeReader, _) = lanes::pipe(io::pipe)?;
    lanes::read_from("the helper", &mut reader, |it| {
        let _lane = lanes::lane("long name ".repeat(1000));
        lanes::sleep("patience", LATER);
        writer.write_all(&[1]).and_then(|()| it.read_exact(&mut [0]))
    })?;
    Ok(())
}

/// Waits for a question, and then for nothing of which its lane says something.
fn answers_after_a_while(mut asked: Receiver<u32>, mut answer: Sender<u32>) -> anyhow::Result<()> {
    let question = lanes::read_from("the question", &mut asked, Receiver::recv)?.unwrap_or_default();
    thread::sleep(LATER);
    answer.send(&(question + 1))?;
    Ok(())
}

fn waits_after_a_lane() -> anyhow::Result<()> {
    lanes::join(thread::spawn(|| _ = lanes::lane("short")));
    wait_for_own_end("itself")
}

/// Acquires the permit, releases it, and waits to be killed. No lane says so.
fn releases_a_permit(permit: Semaphore, mut released: Sender<()>) -> anyhow::Result<()> {
    drop(lanes::permit("the permit", &permit, Semaphore::acquire));
    released.send(&())?;
    loop {
        thread::park();
    }
}

/// Its lane waits, and its thread does not sleep.
fn runs_before_it_waits() -> anyhow::Result<()> {
    let (mut reader, mut writer): (PipeReader, _) = lanes::pipe(io::pipe)?;
    lanes::read_from("itself", &mut reader, |it| {
        let begin = Instant::now();
        while begin.elapsed() < LATER {
            spin_loop();
        }
        writer.write_all(&[1]).and_then(|()| it.read_exact(&mut [0]))
    })?;
    Ok(())
}

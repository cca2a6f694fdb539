//! Runs the chapter's programs and checks what they print, draw and return.

mod data_parallelism;
mod do_something;
mod fibonacci_threads;
mod message_passing;
mod process_creation;
mod processes_vs_threads;
mod semaphore;
mod serial_and_parallel;
mod task_parallelism;

use std::process::{Command, Stdio};
use std::time::Duration;

use course::program;
use course::testing::contract::Program;
use course::testing::proc;

#[test]
fn a_program_whose_starter_has_ended_does_not_begin() {
    // The starter is a zombie until this test waits for it.
    let mut starter = Command::new("true").spawn().expect("the starter starts");
    let ended = || (!proc::alive(starter.id())).then_some(());
    proc::wait_for("end of the starter", Duration::from_secs(60), ended);

    let mut command = Command::new(env!("CARGO_BIN_EXE_do_something"));
    command.env("LESSON_STARTER", starter.id().to_string()).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    starter.wait().expect("the starter is a child of this test");
}

/// Runs a program under a limit of the shell, such as `-n 9` (descriptors) or `-v 500000` (KiB of memory). The program must
/// fail with status 1 and one line on stderr, which is returned.
fn fails_under(limit: &str, program: &Program, args: &[&str]) -> String {
    let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, program.path]).args(args);
    let finished = program::run(&mut shell, Duration::from_secs(60)).expect("the shell starts");
    assert_eq!(finished.code(), Some(1), "{program} {args:?}, ulimit {limit}: {finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{program} {args:?}, ulimit {limit}: {finished:?}");
    assert!(finished.stderr.starts_with("error: "), "{program} {args:?}, ulimit {limit}: {finished:?}");
    finished.stderr
}

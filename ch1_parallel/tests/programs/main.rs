//! The chapter's programs, run as programs.

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

use course::testing::proc;

#[test]
fn a_program_whose_starter_has_ended_does_not_begin() {
    // It stays a zombie until somebody waits for it.
    let mut starter = Command::new("true").spawn().expect("it starts");
    let ended = || (!proc::alive(starter.id())).then_some(());
    proc::wait_for("end of the starter", Duration::from_secs(60), ended);

    let mut command = Command::new(env!("CARGO_BIN_EXE_do_something"));
    command.env("LESSON_STARTER", starter.id().to_string()).stdin(Stdio::null());
    let output = command.output().expect("it starts");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
    starter.wait().expect("a child");
}

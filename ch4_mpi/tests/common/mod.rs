//! Starts programs and looks at processes, for the tests of this chapter.
#![allow(dead_code, reason = "each test program uses a part")]

pub mod hazard;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use course::program::{self, Finished};

use course::testing::proc::Process;

/// No job of a test takes longer, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The program `scatter`.
pub fn scatter() -> Command {
    Command::new(env!("CARGO_BIN_EXE_scatter"))
}

/// The program `kernel_mpi`.
pub fn kernel() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kernel_mpi"))
}

/// A job in which rank 1 fails.
pub fn failing_rank(deed: &str) -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_scatter")).with_file_name("examples").join("failing_rank");
    assert!(program.exists(), "{} is not built: cargo test -p ch4_mpi builds it", program.display());
    let mut command = Command::new(program);
    command.arg(deed);
    command
}

/// `program` and its arguments under scripts/mpirun.
pub fn mpirun(ranks: usize, program: &Command) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/mpirun"));
    command.args(["-n", &ranks.to_string()]).arg(program.get_program()).args(program.get_args());
    if let (None, Some(launcher)) = (std::env::var_os("MPIRUN"), option_env!("MPIRUN_OF_THE_BUILD")) {
        command.env("MPIRUN", launcher);
    }
    command
}

/// A job whose ranks fail. When a rank fails, Open MPI waits for two seconds before it kills the others, even if they have ended; of
/// this job it kills them at once. Not for a rank that has something to do after a signal.
pub fn hasty(job: &mut Command) -> &mut Command {
    job.env("OMPI_MCA_odls_base_sigkill_timeout", "0")
}

/// Any program under scripts/mpirun with `--deadline`, or with other flags of the script.
pub fn watched(flags: &[&str], ranks: usize, program: &Path, arguments: &[&str]) -> Command {
    let launcher = mpirun(ranks, Command::new(program).args(arguments));
    let mut command = Command::new(launcher.get_program());
    command.args(flags).args(launcher.get_args());
    command.envs(launcher.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Compiles a C program of the folder `tests/foreign` with the compiler of the MPI of the build.
pub fn compiled(name: &str, folder: &Path) -> PathBuf {
    let (source, program) = (format!("tests/foreign/{name}.c"), folder.join(name));
    let compiler = std::env::var_os("MPICC").unwrap_or_else(|| "mpicc".into());
    let mut compile = Command::new(compiler);
    succeed(compile.args(["-g", "-O1", "-pthread", &source, "-o"]).arg(&program));
    program
}

/// Runs a command to its end, within the limit.
pub fn run(command: &mut Command) -> Finished {
    let finished = program::run(command, LIMIT).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(finished.status.is_some(), "{command:?} took more than {LIMIT:?}: {finished:#?}");
    finished
}

/// Asserts that a command succeeds, and returns its output.
pub fn succeed(command: &mut Command) -> String {
    let finished = run(command);
    assert_eq!(finished.code(), Some(0), "{command:?}: {finished:#?}");
    finished.stdout
}

/// Asserts that all processes end within the time.
pub fn assert_gone(processes: &[Process], within: Duration) {
    let begin = Instant::now();
    loop {
        let alive: Vec<_> = processes.iter().filter(|process| process.is_alive()).collect();
        if alive.is_empty() {
            return;
        }
        assert!(begin.elapsed() < within, "still alive after {within:?}: {alive:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

//! The strategy `mpi`: chapter 4's program `kernel_mpi`, started under mpirun.
//!
//! This crate does not link MPI, so that it builds where there is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ch1_parallel::kernels::{Kernel, Measured, Problem};
use ch1_parallel::program;

/// The program of chapter 4 that solves kernels.
const PROGRAM: &str = "kernel_mpi";

/// What to do where MPI is missing.
pub const MEND: &str = "run scripts/setup";

/// Whether ranks can be started here.
///
/// # Errors
/// What is missing, and which command mends it.
pub fn available() -> anyhow::Result<()> {
    binary(PROGRAM).map(drop)
}

/// Solves the problem with `problem.workers` ranks.
///
/// # Errors
/// There is no MPI, or the job fails.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    let mut command = command(kernel, problem)?;
    // Launching takes up to some seconds; a job that hangs must not hold up a comparison for ever.
    let finished = program::run(command.arg("--laps"), Duration::from_secs(300)).context("mpi")?;
    ensure!(finished.code().is_some(), "mpi: the job did not end in time");
    let line = finished.stdout.lines().find(|line| line.starts_with('{'));
    match line {
        Some(line) => serde_json::from_str(line).context("mpi: the job's answer"),
        None => bail!("mpi: {}", finished.last_remark().trim_start_matches("error: ")),
    }
}

/// The command that solves the problem with ranks.
///
/// # Errors
/// The program is not there and cannot be built.
pub fn command(kernel: Kernel, problem: &Problem) -> anyhow::Result<Command> {
    let mut command = Command::new(binary(PROGRAM)?);
    command.env("MPIRUN_QUIET", "1").arg(kernel.to_string());
    let Problem { size, workers, iterations, grain } = problem;
    for (flag, value) in [("--size", size), ("--workers", workers), ("--iterations", iterations)] {
        command.args([flag, &value.to_string()]);
    }
    command.args(["--grain", &grain.to_string()]);
    Ok(command)
}

/// The path of chapter 4's program `name` beside the running program, built if that can be done.
///
/// # Errors
/// It is not there and cannot be built.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("mpi")?;
    // Benches stand one folder deeper than programs.
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).unwrap_or(Path::new("."));
    let path = folder.join(name);
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = *BUILT.get_or_init(|| build(folder));
    ensure!(built || path.exists(), "mpi: chapter 4 cannot be built here, MPI is missing: {MEND}");
    Ok(path)
}

/// Builds chapter 4 into `folder`, if this is the target folder of a checkout. Says whether it is there now.
fn build(folder: &Path) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(profile) => profile,
        None => return false,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "ch4_mpi", "--bins", "--profile", profile]).current_dir(root);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let built = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    built.is_ok_and(|status| status.success())
}

//! The strategy `mpi`: programs of chapter 4, started under mpirun.
//!
//! This crate does not link MPI, so that it builds on a machine without MPI. In a target folder of the checkout, cargo
//! builds the programs before they are started, so that no old program is measured. Elsewhere, and on a machine without
//! cargo, the programs in the folder of the running program are started.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use ch1_parallel::kernels::{Kernel, Measured, Problem};
use ch1_parallel::map::Map;

use crate::examples::root;
use crate::machine::{self, MEND};
use crate::printed;

/// The programs of chapter 4 that this crate starts.
const PROGRAMS: [&str; 4] = [KERNEL, PRICES, MAP, LOGGP];
const KERNEL: &str = "kernel_mpi";
const PRICES: &str = "prices_mpi";
const MAP: &str = "map_mpi";
const LOGGP: &str = "loggp_mpi";

/// Whether ranks can be started here. The choice of scripts/setup counts: if it chose no MPI, an mpirun on the PATH is not
/// used.
///
/// # Errors
/// What is missing, and which command mends it.
pub fn available() -> anyhow::Result<()> {
    folder().map(drop)
}

/// Solves a problem with `problem.workers` ranks.
///
/// # Errors
/// There is no MPI, or the job fails.
pub fn solve(kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
    let measured = laps(&mut command(kernel, problem)?, problem)?;
    measured.into_iter().next().context("mpi: the job printed nothing")
}

/// The same with more arguments for the launcher, such as a host file.
///
/// # Errors
/// There is no MPI, or the job fails.
pub fn solve_on(kernel: Kernel, problem: &Problem, launcher: &[String]) -> anyhow::Result<Measured> {
    if launcher.is_empty() {
        return solve(kernel, problem);
    }
    let program = command(kernel, problem)?;
    let mut job = launched(problem.workers, launcher);
    job.arg(program.get_program()).args(program.get_args());
    let measured = laps(&mut job, problem)?;
    measured.into_iter().next().context("mpi: the job printed nothing")
}

/// Where the ranks of a job run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The number of different host names.
    pub names: usize,
    /// The number of machines. Several hosts may be parts of one machine: network namespaces or containers.
    pub machines: usize,
}

/// Asks where the launcher starts `ranks` ranks.
///
/// # Errors
/// The launcher does not start a program.
pub fn hosts(ranks: usize, launcher: &[String]) -> anyhow::Result<Hosts> {
    let mut job = launched(ranks, launcher);
    // A machine gives itself a new id whenever it boots.
    job.args(["sh", "-c", "echo host $(uname -n) $(cat /proc/sys/kernel/random/boot_id)"]);
    let finished = printed::run("mpi", &mut job, Duration::from_secs(60))?;
    ensure!(finished.code() == Some(0), "mpi: the launcher: {}", first_block(&finished.stderr));
    Ok(different(&finished.stdout))
}

/// Counts the different names and machines in lines of the form `host NAME ID`.
fn different(lines: &str) -> Hosts {
    let lines = || lines.lines().filter_map(|line| line.strip_prefix("host ")?.split_once(' '));
    let names: BTreeSet<_> = lines().map(|(name, _)| name).collect();
    let machines: BTreeSet<_> = lines().map(|(_, id)| id).collect();
    Hosts { names: names.len().max(1), machines: machines.len().max(1) }
}

/// What a launcher says first, in one line: an error of scripts/mpirun, or the first lines up to an empty one or a rule of
/// dashes.
fn first_block(stderr: &str) -> String {
    let says = |line: &&str| line.contains(char::is_alphanumeric);
    let mut lines = stderr.lines().map(str::trim).skip_while(|line| !says(line)).take_while(says);
    match lines.next() {
        None => "it failed without a word".into(),
        Some(line) if line.starts_with("error: ") => line["error: ".len()..].into(),
        Some(line) => [line].into_iter().chain(lines).collect::<Vec<_>>().join(" "),
    }
}

/// scripts/mpirun, to which a program is added. The job ends when this process ends.
fn launched(ranks: usize, launcher: &[String]) -> Command {
    let mut job = Command::new(root().join("scripts/mpirun"));
    job.args(["-n", &ranks.to_string()]).args(launcher);
    job.env("MPIRUN_QUIET", "1").env("MPIRUN_DIE_WITH", process::id().to_string());
    job
}

/// Solves `grain` with the grain of the problem, with half of it, and so on down to `least`: one job for all.
///
/// # Errors
/// There is no MPI, or the job fails.
pub fn sweep(problem: &Problem, least: u64) -> anyhow::Result<Vec<Measured>> {
    let mut command = command(Kernel::Grain, problem)?;
    command.args(["--down-to", &least.to_string()]);
    laps(&mut command, problem)
}

/// What the job prints: the times of one problem in each line.
fn laps(command: &mut Command, problem: &Problem) -> anyhow::Result<Vec<Measured>> {
    command.args(["--laps", "--iterations", &problem.iterations.to_string()]);
    // A launch takes up to some seconds. A job that hangs must not block a comparison for ever.
    printed::results("mpi", &printed::run("mpi", command, Duration::from_secs(300))?)
}

/// The command that solves a problem with ranks, without the number of iterations.
///
/// # Errors
/// There is no such program, and it cannot be built.
pub fn command(kernel: Kernel, problem: &Problem) -> anyhow::Result<Command> {
    let mut command = program(KERNEL)?;
    command.arg(kernel.to_string());
    let Problem { size, workers, threads, grain, pattern, .. } = problem;
    for (flag, value) in [("--size", *size as u64), ("--workers", *workers as u64), ("--grain", *grain)] {
        command.args([flag, &value.to_string()]);
    }
    command.args(["--pattern", pattern.name()]);
    // Only stencil has this flag.
    if *threads > 1 {
        command.args(["--threads", &threads.to_string()]);
    }
    Ok(command)
}

/// The command that measures the prices of MPI with this number of ranks, or only starts and ends them.
///
/// # Errors
/// Those of [`available`].
pub fn prices(workers: usize, only_launch: bool) -> anyhow::Result<Command> {
    let mut command = program(PRICES)?;
    command.args(["--ranks", &workers.to_string()]).args(only_launch.then_some("--launch"));
    Ok(command)
}

/// The command that runs the tasks of a map by ranks.
///
/// # Errors
/// Those of [`available`].
pub fn map(map: &Map, workers: usize) -> anyhow::Result<Command> {
    let mut command = program(MAP)?;
    command.args(["--ranks".into(), workers.to_string()]).args(map.to_args());
    Ok(command)
}

/// The command that measures the parameters of the LogGP model with this number of ranks.
///
/// # Errors
/// Those of [`available`].
pub fn loggp(ranks: usize) -> anyhow::Result<Command> {
    let mut command = program(LOGGP)?;
    command.args(["--ranks", &ranks.to_string()]);
    Ok(command)
}

fn program(name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(folder()?.join(name));
    command.env("MPIRUN_QUIET", "1");
    Ok(command)
}

/// The folder of the programs. A process searches for them and builds them only once.
fn folder() -> anyhow::Result<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find().map_err(|why| format!("{why:#}")));
    found.as_deref().map_err(|why| anyhow!("mpi: {why}"))
}

fn find() -> anyhow::Result<PathBuf> {
    let own = env::current_exe()?;
    // The program of a bench or a test is one folder deeper.
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).unwrap_or(Path::new("."));
    if let Some((target, profile)) = target_of(folder) {
        let with_command = |missing| anyhow!("{missing:#}: {MEND}");
        machine::wants_mpi().map_err(with_command)?;
        ensure!(cfg!(mpi), "the variable RUSTFLAGS replaces the flags that scripts/setup wrote: add --cfg mpi to it");
        if let Ok(cargo) = machine::on_path(&env::var("CARGO").unwrap_or_else(|_| "cargo".into())) {
            machine::mpi().map_err(with_command)?;
            build(&cargo, target, profile)?;
        }
    }
    for name in PROGRAMS {
        ensure!(folder.join(name).is_file(), "no {name} in the folder of {}: cargo build --bin {name}", own.display());
    }
    Ok(folder.to_owned())
}

/// The target folder and the profile, if cargo has built this program into `folder`; `None` if it was copied there.
fn target_of(folder: &Path) -> Option<(&Path, &str)> {
    let target = folder.parent().filter(|target| target.join("CACHEDIR.TAG").exists())?;
    let profile = match folder.file_name()?.to_str()? {
        "debug" => "dev",
        profile => profile,
    };
    root().join("Cargo.toml").exists().then_some((target, profile))
}

/// Builds the programs. A remark says so if that takes time.
fn build(cargo: &Path, target: &Path, profile: &str) -> anyhow::Result<()> {
    let mut cargo = Command::new(cargo);
    // Without --package: the features of the dependencies are then those of every build of the workspace, so that cargo
    // builds no dependency a second time.
    cargo.arg("build").args(PROGRAMS.iter().flat_map(|name| ["--bin", name])).args(["--profile", profile]);
    cargo.args(["--message-format", "short", "--color", "never"]);
    cargo.arg("--target-dir").arg(target).current_dir(root()).env_remove("CARGO_TERM_QUIET");
    // The programs keep the launcher of their build as their default. One that is meant for this run only, for example with a
    // host file, must not become it.
    cargo.env_remove("MPIRUN");
    cargo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut cargo = cargo.spawn().context("cargo")?;
    let (mut told, mut wrong) = (false, None);
    let output = cargo.stderr.take().into_iter().flat_map(|output| BufReader::new(output).lines());
    for line in output.map_while(Result::ok) {
        let line = line.trim();
        let waits = line.starts_with("Blocking");
        if !told && (waits || line.starts_with("Compiling")) {
            let when = if waits { "once another cargo has ended" } else { "first" };
            // A remark that cannot be printed is no reason to fail.
            let _ = writeln!(io::stderr(), "remark: mpi: cargo builds the programs of chapter 4 {when}");
            told = true;
        }
        if wrong.is_none() && (line.starts_with("error") || line.contains(": error")) {
            wrong = Some(line.to_owned());
        }
    }
    if cargo.wait().context("cargo")?.success() {
        return Ok(());
    }
    let wrong = wrong.unwrap_or_else(|| "cargo failed".into());
    // The build of the bindings needs many lines to say that there is no libclang.
    if wrong.contains("custom build command") {
        machine::libclang().map_err(|missing| anyhow!("{missing:#}: {MEND}"))?;
    }
    bail!("chapter 4 does not build: {wrong}; details: cargo build --bin {KERNEL}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_may_be_parts_of_one_machine() {
        let lines = "a banner\nhost one 11-22\nhost two 11-22\nhost one 11-22\nhost three 33\n";
        assert_eq!(different(lines), Hosts { names: 3, machines: 2 });
        assert_eq!(different(""), Hosts { names: 1, machines: 1 });
    }

    #[test]
    fn a_launcher_is_quoted_in_one_line() {
        let rule = "-".repeat(70);
        let said = format!("{rule}\nNo such file:\n    /hosts\n{rule}\n{rule}\nAn internal error\n");
        assert_eq!(first_block(&said), "No such file: /hosts");
        assert_eq!(first_block("ssh: no host\n\nORTE was unable\n"), "ssh: no host");
        assert_eq!(first_block("error: mpirun: no launcher\nusage: x\n"), "mpirun: no launcher");
        assert_eq!(first_block("\n---\n"), "it failed without a word");
    }
}

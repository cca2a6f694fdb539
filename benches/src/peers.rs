//! The same kernels in C and in Python (`benches/peers`), measured in turn with the strategies of the course.
//!
//! The C programs are compiled when they are first needed. A peer whose compiler, interpreter or package is missing is left
//! out, and [`missing`] says what is missing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, ensure};
use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};
use course::program;

use crate::examples::root;
use crate::{machine, printed};

/// A program in C or Python for a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// C, one thread
    C,
    /// C with OpenMP
    OpenMp,
    /// C with MPI
    CMpi,
    /// Python with NumPy, one process; for `count`, which has nothing to vectorize, a plain loop
    NumPy,
    /// Python's multiprocessing with shared memory
    Multiprocessing,
    /// Python with mpi4py
    Mpi4py,
}

/// A program runs at most this long. Python needs some seconds where C needs milliseconds.
const LIMIT: Duration = Duration::from_secs(120);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::C => "C",
            Self::OpenMp => "C, OpenMP",
            Self::CMpi => "C, MPI",
            Self::NumPy => "NumPy",
            Self::Multiprocessing => "multiprocessing",
            Self::Mpi4py => "mpi4py",
        })
    }
}

impl Peer {
    /// All peers: first those in C.
    pub const ALL: [Self; 6] = [Self::C, Self::OpenMp, Self::CMpi, Self::NumPy, Self::Multiprocessing, Self::Mpi4py];

    /// Whether it uses several workers.
    #[must_use]
    pub fn is_parallel(self) -> bool {
        !matches!(self, Self::C | Self::NumPy)
    }

    fn is_c(self) -> bool {
        matches!(self, Self::C | Self::OpenMp | Self::CMpi)
    }

    /// The source of its program for a kernel.
    #[must_use]
    pub fn source(self, kernel: Kernel) -> PathBuf {
        let (folder, kind, ending) = match self {
            Self::C => ("c", "serial", "c"),
            Self::OpenMp => ("c", "openmp", "c"),
            Self::CMpi => ("c", "mpi", "c"),
            Self::NumPy if kernel == Kernel::Count => ("python", "python", "py"),
            Self::NumPy => ("python", "numpy", "py"),
            Self::Multiprocessing => ("python", "multiprocessing", "py"),
            Self::Mpi4py => ("python", "mpi4py", "py"),
        };
        self::folder().join(format!("{folder}/{kernel}_{kind}.{ending}"))
    }

    /// Whether its programs can run here.
    ///
    /// # Errors
    /// What is missing.
    pub fn available(self) -> anyhow::Result<()> {
        let import = |packages: &str| -> anyhow::Result<()> {
            let python = python()?;
            let import = format!("import {packages}");
            let finished = program::run(Command::new(&python).args(["-c", &import]), LIMIT)?;
            ensure!(finished.code() == Some(0), "{} has no {packages}", python.display());
            Ok(())
        };
        match self {
            Self::C | Self::OpenMp => machine::on_path("gcc").map(drop),
            Self::CMpi => machine::mpi().map(drop),
            Self::NumPy | Self::Multiprocessing => import("numpy"),
            Self::Mpi4py => machine::mpi().map(drop).and_then(|()| import("mpi4py, numpy")),
        }
    }

    /// The command that runs a program of this kind, without the program's arguments.
    ///
    /// # Errors
    /// The program cannot be compiled.
    pub fn command(self, source: &Path, workers: usize) -> anyhow::Result<Command> {
        let mut command = match self {
            Self::C | Self::OpenMp => Command::new(self.compiled(source)?),
            Self::CMpi => ranks(workers, &self.compiled(source)?),
            Self::NumPy | Self::Multiprocessing => Command::new(python()?),
            Self::Mpi4py => {
                let mut command = ranks(workers, &python()?);
                command.args(["-m", "mpi4py"]);
                command
            }
        };
        if !self.is_c() {
            command.arg(source);
        }
        Ok(command)
    }

    /// Solves a problem.
    ///
    /// # Errors
    /// Its program cannot be compiled or started, or fails.
    pub fn solve(self, kernel: Kernel, problem: &Problem) -> anyhow::Result<Measured> {
        let mut command = self.command(&self.source(kernel), problem.workers)?;
        let Problem { size, workers, iterations, grain, .. } = problem;
        for number in [*size as u64, *iterations as u64, *workers as u64, *grain] {
            command.arg(number.to_string());
        }
        let name = self.to_string();
        let results = printed::results(&name, &printed::run(&name, &mut command, LIMIT)?)?;
        results.into_iter().next().with_context(|| format!("{name}: printed no result"))
    }

    /// The program that is compiled from `source`. It is compiled again if a source has changed since.
    fn compiled(self, source: &Path) -> anyhow::Result<PathBuf> {
        let folder = root().join("target/peers");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let program = folder.join(source.file_stem().unwrap_or_default());
        let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let sources = [source, &source.with_file_name("peer.h"), &source.with_file_name("peer_mpi.h")].map(time);
        if time(&program).is_some_and(|built| sources.iter().flatten().all(|source| *source < built)) {
            return Ok(program);
        }
        let compiler = if self == Self::CMpi { machine::mpi()?.0 } else { machine::on_path("gcc")? };
        // Under a name of its own at first: another thread or process may compile or run the same program at this moment.
        static COMPILED: AtomicU32 = AtomicU32::new(0);
        let own = program.with_extension(format!("{}-{}", process::id(), COMPILED.fetch_add(1, Relaxed)));
        let mut command = Command::new(compiler);
        command.args(["-O3", "-march=native", "-std=c11", "-o"]).arg(&own).arg(source).args(["-lm", "-pthread"]);
        command.args((self == Self::OpenMp).then_some("-fopenmp"));
        let finished = program::run(&mut command, LIMIT)?;
        ensure!(finished.code() == Some(0), "{}: {}", source.display(), finished.last_remark());
        fs::rename(&own, &program).with_context(|| program.display().to_string())?;
        Ok(program)
    }
}

/// The folder of the sources.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("benches/peers")
}

/// The command that starts a program as ranks.
fn ranks(count: usize, program: &Path) -> Command {
    let mut command = Command::new(root().join("scripts/mpirun"));
    // The job ends when this program does.
    command
        .env("MPIRUN_QUIET", "1")
        .env("MPIRUN_DIE_WITH", process::id().to_string())
        .args(["-n", &count.to_string()])
        .arg(program);
    command
}

/// The Python that `scripts/setup --peers` has set up, or else the one on the PATH.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    let own = root().join(".mpi/peers/bin/python3");
    if own.is_file() { Ok(own) } else { machine::on_path("python3") }
}

/// The peers that can run here. A process looks for them only once.
pub fn found() -> &'static [Peer] {
    static FOUND: OnceLock<Vec<Peer>> = OnceLock::new();
    FOUND.get_or_init(|| Peer::ALL.into_iter().filter(|peer| peer.available().is_ok()).collect())
}

/// What is missing for the other peers, one line each.
#[must_use]
pub fn missing() -> Vec<String> {
    let missing = |peer: Peer| {
        let mend = if peer.is_c() { "" } else { ": scripts/setup --peers" };
        Some(format!("without {peer}: {:#}{mend}", peer.available().err()?))
    };
    Peer::ALL.into_iter().filter(|peer| !found().contains(peer)).filter_map(missing).collect()
}

/// The size at which peers are compared with the strategies; `None` if no peer solves the kernel.
#[must_use]
pub fn size(kernel: Kernel) -> Option<usize> {
    Some(match kernel {
        Kernel::Nstream => 16_000_000,
        Kernel::Stencil | Kernel::Pipeline => 2000,
        Kernel::Transpose => 2048,
        Kernel::Count => 100,
        Kernel::DoSomething => 1_000_000,
        Kernel::Waiting | Kernel::Grain => return None,
    })
}

/// The lines of code of a source: without blank lines, comments, documentation and Rust's unit tests.
#[must_use]
pub fn lines(source: &str) -> usize {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut count, mut inside) = (0, false);
    for line in source.lines().map(str::trim) {
        // Python's documentation strings and C's comments may have several lines.
        let quotes = line.matches("\"\"\"").count();
        if inside {
            inside = !(quotes == 1 || line.contains("*/"));
        } else if quotes > 0 || line.starts_with("/*") {
            inside = quotes == 1 || (quotes == 0 && !line.contains("*/"));
        } else if !(line.is_empty() || line.starts_with("//") || (line.starts_with('#') && line[1..].starts_with(' ')))
        {
            count += 1;
        }
    }
    count
}

/// The lines of code of a strategy's file; `None` for serial and rayon, which share a file with the definition of the
/// kernel.
#[must_use]
pub fn lines_of(kernel: Kernel, strategy: Strategy) -> Option<usize> {
    let chapter = match strategy {
        Strategy::Serial | Strategy::Rayon => return None,
        Strategy::Threads => "ch2_threads",
        Strategy::Processes => "ch3_processes",
        Strategy::Mpi => "ch4_mpi",
        Strategy::Async => "ch5_async",
    };
    let source = root().join(format!("{chapter}/src/kernels/{kernel}.rs"));
    fs::read_to_string(source).ok().map(|source| lines(&source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_code_are_counted_without_comments() {
        assert_eq!(lines("/* one\n * two\n */\n#include <x.h>\n\nint x; // y\n// z\n/* a */\n"), 2);
        assert_eq!(
            lines("\"\"\"Text.\n\nMore.\n\"\"\"\nimport x\n# y\n\ndef f():\n    \"\"\"Text.\"\"\"\n    return 1\n"),
            3
        );
        assert_eq!(lines("//! Text\nuse x;\n\n/// y\n#[must_use]\nfn f() {}\n\n#[cfg(test)]\nmod tests {}\n"), 3);
    }
}

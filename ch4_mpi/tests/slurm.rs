//! The job files of `scripts/slurm`, on the Slurm of two nodes that `scripts/slurm/local` starts on this machine.
//!
//! Where the user is not root, or Slurm cannot be installed, each test prints a line `skipped: why` and passes.
#![cfg(mpi)]

mod common;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::{LIMIT, assert_gone, failing_rank, run, succeed};
use course::testing::proc::{Process, alive, processes, wait_for};
use tempfile::TempDir;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts");

/// All files of the local Slurm are below this folder.
const STATE: &str = "/run/course-slurm";

/// After `scancel`, Slurm first asks the processes of a job to end, and kills them 2 s later.
const CANCELLED: Duration = Duration::from_secs(10);

/// The processes whose environment has all these `variables`.
fn processes_with(variables: &[String]) -> Vec<Process> {
    let has = |process: &Process| {
        let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        let set: Vec<_> = environment.split(|&byte| byte == 0).collect();
        variables.iter().all(|variable| set.contains(&variable.as_bytes()))
    };
    processes().into_iter().filter(has).collect()
}

/// All processes of the local Slurm, and those of its users.
fn processes_of_slurm() -> Vec<Process> {
    processes_with(&[format!("SLURM_CONF={STATE}/slurm.conf")])
}

fn script(argument: &str) -> Command {
    let mut command = Command::new(format!("{SCRIPTS}/slurm/local"));
    command.arg(argument);
    command
}

fn skip(why: &str) {
    // Not `eprintln!`: the output of tests that pass is not shown.
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

/// The local Slurm, for one test at a time, and a folder for its jobs.
struct Slurm {
    /// As the root of the repository: with `scripts` and the programs in `target/release`.
    folder: TempDir,
    /// A Slurm that ran before the test continues after it.
    ran_before: bool,
    _alone: MutexGuard<'static, ()>,
}

impl Slurm {
    fn up() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        if !rustix::process::geteuid().is_root() {
            skip("scripts/slurm/local needs root");
            return None;
        }
        let ran_before = Path::new(STATE).exists();
        // The packages may have to be installed first.
        let finished = course::program::run(&mut script("up"), 5 * LIMIT).unwrap();
        let cannot = ["apt-get", "CAP_SYS_ADMIN"].iter().any(|reason| finished.stderr.contains(reason));
        if finished.code() == Some(1) && cannot {
            skip(finished.last_remark().trim_start_matches("error: "));
            return None;
        }
        assert_eq!(finished.code(), Some(0), "{finished:#?}");
        assert_eq!(finished.stdout, format!("export SLURM_CONF={STATE}/slurm.conf\n"));

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("target")).unwrap();
        symlink(SCRIPTS, folder.path().join("scripts")).unwrap();
        symlink(programs(), folder.path().join("target/release")).unwrap();
        Some(Self { folder, ran_before, _alone: alone })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("SLURM_CONF", format!("{STATE}/slurm.conf"));
        command
    }

    /// Submits a job and returns its number.
    fn submit(&self, arguments: &[&str]) -> String {
        let mut command = self.command("sbatch");
        if let (None, Some(launcher)) = (std::env::var_os("MPIRUN"), option_env!("MPIRUN_OF_THE_BUILD")) {
            command.env("MPIRUN", launcher);
        }
        succeed(command.arg("--parsable").args(arguments)).trim().to_owned()
    }

    /// Whether the list of jobs still has this job.
    fn is_listed(&self, job: &str) -> bool {
        !run(self.command("squeue").args(["--noheader", "--job", job])).stdout.trim().is_empty()
    }

    /// Waits until the job has ended, and asserts that it has succeeded. An array ends with its last task.
    fn wait_for_success(&self, job: &str) {
        wait_for("end of the job", LIMIT, || (!self.is_listed(job)).then_some(()));
        let tasks = succeed(self.command("scontrol").args(["--oneliner", "show", "job", job]));
        let said = || {
            let files = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
            let logs = ["controller", "n1", "n2"].map(|host| Path::new(STATE).join(host).join("log"));
            files
                .chain(logs)
                .filter_map(|file| Some(format!("{}:\n{}", file.display(), fs::read_to_string(&file).ok()?)))
        };
        let succeeded = tasks.lines().all(|task| task.contains(" JobState=COMPLETED "));
        assert!(succeeded, "{tasks}\n{}", said().collect::<Vec<_>>().join("\n"));
    }

    fn read(&self, file: &str) -> String {
        let path = self.folder.path().join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Starts a job of four ranks that wait for each other for ever, and returns its number and its processes, ranks
    /// included.
    fn hanging_job(&self) -> (String, Vec<Process>) {
        let rank = failing_rank("hang");
        let wrapped =
            format!("MPIRUN_QUIET=1 scripts/mpirun {} hang --deadline 0", rank.get_program().to_string_lossy());
        let job = self.submit(&["--nodes=2", "--ntasks-per-node=2", "--output=hang.out", "--wrap", &wrapped]);
        // Each rank prints a line that ends with its process id.
        let ranks = wait_for("start of all ranks", LIMIT, || {
            let said = fs::read_to_string(self.folder.path().join("hang.out")).unwrap_or_default();
            let ids: Vec<u32> = said.lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
            (ids.len() == 4 && said.ends_with('\n')).then_some(ids)
        });
        let all = self.processes_of(&job);
        assert!(ranks.iter().all(|&rank| all.iter().any(|process| process.id == rank)), "{ranks:?}: {all:?}");
        for node in ["n1", "n2"] {
            let of_node = processes_with(&[format!("SLURM_JOB_ID={job}"), format!("SLURMD_NODENAME={node}")]);
            let count = of_node.iter().filter(|process| ranks.contains(&process.id)).count();
            assert_eq!(count, 2, "ranks on {node}");
        }
        (job, all)
    }

    fn processes_of(&self, job: &str) -> Vec<Process> {
        processes_with(&[format!("SLURM_JOB_ID={job}")])
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        if !self.ran_before {
            let finished = course::program::run(&mut script("down"), LIMIT);
            // A second panic would hide the first.
            if !std::thread::panicking() {
                assert_eq!(finished.as_ref().ok().and_then(|finished| finished.code()), Some(0), "{finished:#?}");
            }
        }
    }
}

/// The folder of the programs.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_kernel_mpi")).parent().unwrap().to_owned()
}

/// Asserts that `ranks` ranks have said hello, the first half of them on n1 and the others on n2.
fn assert_ranks_on_both_nodes(said: &str, ranks: usize) {
    let hellos: Vec<_> = said.lines().filter(|line| line.contains(": hello from ")).collect();
    assert_eq!(hellos.len(), ranks, "{said}");
    for rank in 0..ranks {
        let node = if rank < ranks / 2 { "n1" } else { "n2" };
        let hello = format!("rank {rank} of {ranks} on {node} (");
        assert!(hellos.iter().any(|line| line.starts_with(&hello)), "no line {hello}: {said}");
    }
}

#[test]
fn each_job_file_gives_right_results_from_both_nodes() {
    let Some(slurm) = Slurm::up() else { return };
    // Another program of the course, which only a build of the workspace makes.
    let one_node = programs().join("kernel").exists().then(|| slurm.submit(&["scripts/slurm/one_node.sbatch"]));
    let several_nodes = slurm.submit(&["scripts/slurm/several_nodes.sbatch"]);
    let hybrid = slurm.submit(&["scripts/slurm/hybrid.sbatch"]);
    let scaling = slurm.submit(&["scripts/slurm/scaling.sbatch", "stencil", "300", "20"]);

    // A kernel prints a rate only if its exact check has found no error.
    match one_node {
        Some(one_node) => {
            slurm.wait_for_success(&one_node);
            let said = slurm.read(&format!("one_node-{one_node}.out"));
            for strategy in ["rayon, workers: 4", "mpi, workers: 4"] {
                assert!(said.contains(&format!("stencil of size 1000 by {strategy}, ")), "{said}");
            }
        }
        None => skip("one_node.sbatch: the program kernel is not built, which cargo test --workspace does"),
    }

    slurm.wait_for_success(&several_nodes);
    let said = slurm.read(&format!("several_nodes-{several_nodes}.out"));
    assert_ranks_on_both_nodes(&said, 4);
    assert!(said.contains("stencil of size 1000 by mpi, workers: 4, "), "{said}");

    slurm.wait_for_success(&hybrid);
    let said = slurm.read(&format!("hybrid-{hybrid}.out"));
    assert_ranks_on_both_nodes(&said, 2);
    // A rank that is bound to one core would say (1 cores).
    let cores = std::thread::available_parallelism().unwrap();
    assert_eq!(said.matches(&format!(" ({cores} cores): hello ")).count(), 2, "{said}");
    assert!(said.contains("stencil of size 1000 by mpi, workers: 2, threads of each: 2, "), "{said}");

    slurm.wait_for_success(&scaling);
    for (ranks, nodes) in [(1, 1), (2, 1), (4, 2)] {
        let line = slurm.read(&format!("scaling-{scaling}_{ranks}.csv"));
        let fields: Vec<_> = line.trim_end().split(',').collect();
        let (known, measured) = fields.split_at(5);
        assert_eq!(known, ["stencil", &ranks.to_string(), &nodes.to_string(), "300", "20"], "{line}");
        let [seconds, rate, "MFlops/s"] = measured else { panic!("{line}") };
        for number in [seconds, rate] {
            assert!(number.parse::<f64>().is_ok_and(|number| number > 0.0), "{line}");
        }
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn scancel_leaves_nothing_running() {
    let Some(slurm) = Slurm::up() else { return };
    let (job, all) = slurm.hanging_job();
    succeed(slurm.command("scancel").arg(&job));
    assert_gone(&all, CANCELLED);
    let left = slurm.processes_of(&job);
    assert!(left.is_empty(), "{left:?}");
    wait_for("end of the job", CANCELLED, || (!slurm.is_listed(&job)).then_some(()));
    let state = succeed(slurm.command("scontrol").args(["--oneliner", "show", "job", &job]));
    assert!(state.contains(" JobState=CANCELLED "), "{state}");
}

#[test]
fn a_program_that_is_started_without_mpirun_or_srun_says_so() {
    let Some(slurm) = Slurm::up() else { return };
    let says = "remark: started without mpirun or srun in job ";
    let submit = |output: &str, wrapped: &str| {
        let output = format!("--output={output}");
        slurm.submit(&["--nodes=2", "--ntasks-per-node=1", &output, "--wrap", wrapped])
    };
    let alone = submit("alone.out", "target/release/hello --ranks 3");
    let by_mpirun = submit("mpirun.out", "scripts/mpirun target/release/hello");
    slurm.wait_for_success(&alone);
    slurm.wait_for_success(&by_mpirun);
    let said = slurm.read("alone.out");
    assert!(said.contains(&format!("{says}{alone} of Slurm (tasks: 2), so ")), "{said}");
    assert!(
        said.contains(" starts 3 ranks itself; ") && said.contains(": scripts/mpirun target/release/hello\n"),
        "{said}"
    );
    assert_eq!((said.matches(says).count(), said.matches(" of 3 on n").count()), (1, 3), "{said}");
    let said = slurm.read("mpirun.out");
    assert!(!said.contains(says), "{said}");
    assert_ranks_on_both_nodes(&said, 2);
}

#[test]
fn down_leaves_nothing() {
    let before = processes_of_slurm();
    let Some(slurm) = Slurm::up() else { return };
    if slurm.ran_before {
        skip("a local Slurm runs already, and this test would end it");
        return;
    }
    // Once more: a Slurm that runs stays as it is.
    let daemons = || -> Vec<u32> {
        let files = ["controller/pid", "controller/munged.pid", "n1/pid", "n2/pid"];
        files.map(|file| fs::read_to_string(format!("{STATE}/{file}")).unwrap().trim().parse().unwrap()).to_vec()
    };
    let first = daemons();
    let again = run(&mut script("up"));
    assert_eq!((again.code(), daemons()), (Some(0), first.clone()), "{again:#?}");

    let (_, mut all) = slurm.hanging_job();
    // A process that no longer belongs to any job.
    let detached = "env -i SLURM_CONF=$SLURM_CONF setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!";
    let job = slurm.submit(&["--output=detached.out", "--wrap", detached]);
    slurm.wait_for_success(&job);
    all.extend(processes_of_slurm().into_iter().filter(|process| !before.contains(process)));
    assert!(first.iter().all(|&daemon| alive(daemon)), "{first:?}");

    for _ in 0..2 {
        assert_eq!(succeed(&mut script("down")), "");
        assert_gone(&all, Duration::ZERO);
        assert!(!Path::new(STATE).exists());
        assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(STATE));
        let left: Vec<_> = processes_of_slurm().into_iter().filter(|process| !before.contains(process)).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(first.iter().all(|&daemon| !alive(daemon)), "{first:?}");
    }
}

#[test]
fn local_refuses_bad_flags() {
    for arguments in [&[][..], &["sideways"], &["up", "down"]] {
        let finished = run(Command::new(format!("{SCRIPTS}/slurm/local")).args(arguments));
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(2), ""), "{finished:#?}");
        assert!(finished.stderr.starts_with("error: local: ") && finished.stderr.contains("usage: "), "{finished:#?}");
    }
    assert!(succeed(&mut script("--help")).starts_with("usage: scripts/slurm/local up|down"));
}

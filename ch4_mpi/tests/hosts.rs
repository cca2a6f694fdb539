//! The programs of this chapter over two hosts, which scripts/cluster makes on this machine.
//!
//! This needs root and a kernel with namespaces. A test that cannot run says so on stderr, in a line that begins with
//! `skipped:`.
#![cfg(mpi)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::{LIMIT, run, succeed};
use course::program::Finished;
use course::testing::proc::{self, Process, descendants, wait_for};
use course::testing::traces;
use rustix::process::{Signal, getuid};
use serde_json::Value;

const STATE: &str = "/run/course-cluster";

/// A job ends within this time after one of its hosts is cut off.
const NOTICED: Duration = Duration::from_secs(30);

/// The programs of the chapter with flags that make them short, and their exit status.
const PROGRAMS: &[(&str, &[&str], i32)] = &[
    ("all_to_all", &[], 0),
    ("avoiding_deadlock", &["--rounds", "3"], 0),
    ("broadcast", &[], 0),
    ("collective_order", &[], 3),
    ("deadlock", &["--case", "wrong-tag"], 3),
    ("deadlock", &["--repaired"], 0),
    ("gather", &[], 0),
    ("halo", &["--size", "100", "--iterations", "5"], 0),
    ("hello", &[], 0),
    ("kernel_mpi", &["stencil", "--workers", "4", "--size", "100", "--iterations", "3"], 0),
    ("loggp_mpi", &["--messages"], 0),
    ("map_mpi", &["--tasks", "100", "--grain", "100", "--bytes", "100"], 0),
    ("pi", &["--points", "100000"], 0),
    ("ping_pong", &["--rounds", "3"], 0),
    ("point_to_point", &[], 0),
    ("prices_mpi", &["--launch"], 0),
    ("reduce", &[], 0),
    ("ring", &["--rounds", "3"], 0),
    ("root_mismatch", &[], 3),
    ("scatter", &[], 0),
    ("tag_mismatch", &[], 3),
    ("topology", &[], 0),
    ("wildcard_race", &[], 3),
];

fn program(name: &str) -> Command {
    Command::new(Path::new(env!("CARGO_BIN_EXE_halo")).with_file_name(name))
}

fn cluster(command: &[&str]) -> Command {
    let mut cluster = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/cluster"));
    cluster.args(command).env("MPIRUN_QUIET", "1");
    cluster
}

/// `program` and its arguments with 4 ranks, of which ranks 0 and 1 are on node1, and ranks 2 and 3 on node2.
fn on_two_hosts(program: &Command) -> Command {
    let mut command = cluster(&["run", "-n", "4"]);
    command.arg(program.get_program()).args(program.get_args());
    command
}

/// A job that takes minutes.
fn long_halo() -> Command {
    on_two_hosts(program("halo").args(["--size", "1000", "--iterations", "1000", "--deadline", "0"]))
}

/// A job that takes minutes, and whose ranks notice soon that a host is gone.
fn halo_with_deadline() -> Command {
    on_two_hosts(program("halo").args(["--size", "1000", "--iterations", "1000", "--deadline", "3"]))
}

/// A cluster, which is removed at the end of the test, also if the test fails. Only one test at a time has one.
struct Cluster {
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Nothing if there can be none here: the test is skipped.
    fn up(test: &str, flags: &[&str]) -> Option<Self> {
        let alone = Self::possible(test, flags)?;
        let cluster = Self { _alone: alone };
        succeed(&mut cluster_up(flags));
        Some(cluster)
    }

    /// Whether there can be a cluster here: if not, says why.
    fn possible(test: &str, flags: &[&str]) -> Option<MutexGuard<'static, ()>> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let why = if !getuid().is_root() {
            "not root".into()
        } else if Path::new(STATE).exists() {
            "somebody uses a cluster: scripts/cluster down".into()
        } else {
            let launcher = option_env!("MPIRUN_OF_THE_BUILD").unwrap_or("mpirun");
            let version = Command::new(launcher).arg("--version").output();
            if !version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("(Open MPI) 4")) {
                "scripts/cluster run needs Open MPI 4".into()
            } else {
                match tried(flags) {
                    Ok(()) => return Some(alone),
                    Err(why) => why,
                }
            }
        };
        skip(test, &why);
        None
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let down = run(&mut cluster(&["down"]));
        if !thread::panicking() {
            assert_eq!(down.code(), Some(0), "{down:#?}");
            assert_eq!(left_behind(), Vec::<String>::new());
        }
    }
}

/// What `up` has said with these flags when it was first tried, if it failed. A later `up` must succeed.
fn tried(flags: &[&str]) -> Result<(), String> {
    static TRIED: Mutex<BTreeMap<String, Result<(), String>>> = Mutex::new(BTreeMap::new());
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    let first = || {
        let up = run(&mut cluster_up(flags));
        run(&mut cluster(&["down"]));
        if up.code() == Some(0) { Ok(()) } else { Err(up.last_remark().to_string()) }
    };
    tried.entry(flags.join(" ")).or_insert_with(first).clone()
}

fn cluster_up(flags: &[&str]) -> Command {
    let mut up = cluster(&["up"]);
    up.args(flags);
    up
}

/// Says in one line that a test is skipped, past the test harness, which hides what a test that passes prints with
/// `eprintln!`. The line begins after a line break, because the harness may have begun a line on the same terminal.
fn skip(test: &str, why: &str) {
    // If stderr cannot be written, there is no other place to say it.
    let _ = io::stderr().write_all(format!("\nskipped: {test}: {why}\n").as_bytes());
}

/// What there is of a cluster on this machine: processes, interfaces, folders.
fn left_behind() -> Vec<String> {
    let marked = |process: &Process| {
        let environment = fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == b"COURSE_CLUSTER=/run/course-cluster")
    };
    let processes = proc::processes().into_iter().filter(marked).map(|process| format!("{process:?}"));
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect()
    };
    let interfaces = names("/sys/class/net").into_iter().filter(|name| {
        let name = name.rsplit('/').next().unwrap_or_default();
        name.starts_with("node") || name == "head" || name == "br0"
    });
    let files = names("/run").into_iter().chain(names("/tmp"));
    let files = files
        .filter(|name| name.contains("course-cluster") || name.contains("ompi.node") || name.contains("ompi.head"));
    processes.chain(interfaces).chain(files).collect()
}

/// A job over two hosts whose ranks exchange messages.
struct Job {
    script: Child,
}

impl Job {
    fn start() -> Self {
        Self::of(&mut long_halo())
    }

    fn of(command: &mut Command) -> Self {
        Self::with_stderr(command, Stdio::piped())
    }

    fn with_stderr(command: &mut Command, stderr: Stdio) -> Self {
        let script = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        // A connection between node1 and node2 is one between ranks: the daemons of Open MPI are connected with the head.
        wait_for("connection between ranks", LIMIT, || {
            let connections = run(&mut cluster(&["on", "node1", "cat", "/proc/net/tcp"])).stdout;
            let exchanges = connections.lines().any(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                words.len() > 3 && words[2].starts_with("02004D0A:") && words[3] == "01"
            });
            thread::sleep(Duration::from_millis(20));
            exchanges.then_some(())
        });
        Self { script }
    }

    /// Waits for the end, and returns its exit status (none after a signal) and what it said on stderr, if that is a pipe.
    fn end(mut self, limit: Duration) -> (Option<i32>, String) {
        let status = wait_for("end of the job", limit, || self.script.try_wait().unwrap());
        let stderr = self.script.stderr.take().map(|pipe| io::read_to_string(pipe).unwrap());
        (status.code(), stderr.unwrap_or_default())
    }
}

/// Waits until no rank and no daemon of Open MPI is left on any host.
fn assert_no_rank(within: Duration) {
    let of_job = |process: &Process| ["halo", "orted"].contains(&process.name.as_str());
    let left = || proc::processes().into_iter().filter(of_job).collect::<Vec<_>>();
    let begin = Instant::now();
    while !left().is_empty() {
        assert!(begin.elapsed() < within, "still there after {within:?}: {:?}", left());
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asserts that no host has a file of Open MPI: neither a session folder nor shared memory.
fn assert_no_file() {
    for host in ["head", "node1", "node2"] {
        let files = ["on", host, "find", "/run/course-cluster/tmp", "/dev/shm", "-mindepth", "1"];
        wait_for("end of the files of the job", LIMIT, || {
            let found = succeed(&mut cluster(&files));
            if !found.is_empty() {
                thread::sleep(Duration::from_millis(20));
            }
            found.is_empty().then_some(())
        });
    }
}

/// A text without what differs from run to run: times, shares in percent, the order of lines from different ranks and the
/// names of hosts.
fn without_times(text: &str) -> Vec<String> {
    let host = |word: &str, before: &str| before == "on" && !word.is_empty();
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let plain = |(at, word): (usize, &&str)| {
                let time = word.contains('.') && word.contains(|letter: char| letter.is_ascii_digit());
                let share = words.get(at + 1) == Some(&"%");
                if time || share || at > 0 && host(word, words[at - 1]) { "#".into() } else { (*word).to_string() }
            };
            words.iter().enumerate().map(plain).collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.sort();
    lines
}

/// Runs a job once more if a rank has crashed in MPI_Finalize, which ranks of Open MPI 4.1 are known to do now and then.
fn without_crash(command: &mut Command) -> Finished {
    let first = run(command);
    if first.code() == Some(139) { run(command) } else { first }
}

#[test]
fn every_program_gives_the_results_of_one_host() {
    let Some(_cluster) = Cluster::up("every program over two hosts", &[]) else { return };
    for (name, flags, status) in PROGRAMS {
        let mut program = program(name);
        program.args(*flags);
        let over = without_crash(&mut on_two_hosts(&program));
        assert_eq!(over.code(), Some(*status), "{name} {flags:?}: {over:#?}");
        let one = run(&mut program);
        assert_eq!(one.code(), Some(*status), "{name} {flags:?}: {one:#?}");
        // The parameters are those of the network in the one case and of the node in the other.
        if *name != "loggp_mpi" {
            assert_eq!(without_times(&over.stdout), without_times(&one.stdout), "{name} {flags:?}");
        }
        match *name {
            "hello" => {
                for (rank, host) in ["node1", "node1", "node2", "node2"].iter().enumerate() {
                    assert!(over.stdout.contains(&format!("rank {rank} of 4 on {host} ")), "{over:#?}");
                }
            }
            "deadlock" if *status == 3 => assert!(over.stderr.contains("deadlock: the job cannot go on"), "{over:#?}"),
            _ => {}
        }
    }
}

/// No program is missing in the list above.
#[test]
fn the_list_of_programs_is_complete() {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let files: Vec<_> = files.iter().filter_map(|file| file.file_stem().and_then(OsStr::to_str)).collect();
    let mut listed: Vec<_> = PROGRAMS.iter().map(|(name, ..)| *name).collect();
    listed.dedup();
    assert_eq!(listed, files);
}

#[test]
fn the_exit_status_of_a_rank_is_that_of_the_job() {
    let Some(_cluster) = Cluster::up("exit status over two hosts", &[]) else { return };
    let refused = run(&mut on_two_hosts(program("scatter").arg("--no-such-flag")));
    assert_eq!(refused.code(), Some(2), "{refused:#?}");
}

#[test]
fn hosts_have_their_own_names_clocks_and_processes() {
    let Some(_cluster) = Cluster::up("hosts of their own", &[]) else { return };
    let on = |host: &str, command: &[&str]| succeed(cluster(&["on", host]).args(command));
    let uptime = |text: &str| text.split('.').next().unwrap().parse::<i64>().unwrap();
    let machine = uptime(&fs::read_to_string("/proc/uptime").unwrap());
    for (number, host) in [(1, "node1"), (2, "node2")] {
        assert_eq!(on(host, &["cat", "/proc/sys/kernel/hostname"]).trim(), host);
        assert!(on(host, &["getent", "hosts", "node2"]).starts_with("10.77.0.2 "));
        assert_eq!(on(host, &["pwd"]).trim(), std::env::current_dir().unwrap().to_str().unwrap());
        if Path::new("/proc/self/ns/time").exists() {
            let ahead = uptime(&on(host, &["cat", "/proc/uptime"])) - machine;
            assert!((5000 * number..5000 * number + 60).contains(&ahead), "{host}: {ahead} s");
        }
    }
    let failed = run(&mut cluster(&["on", "node2", "bash", "-c", "exit 7"]));
    assert_eq!(failed.code(), Some(7), "{failed:#?}");
}

#[test]
fn a_host_that_is_cut_off_ends_the_job_with_its_name() {
    let Some(_cluster) = Cluster::up("a host that is cut off", &[]) else { return };
    let job = Job::of(&mut halo_with_deadline());
    succeed(&mut cluster(&["cut", "node2"]));
    let (status, stderr) = job.end(NOTICED);
    assert!(!matches!(status, Some(0 | 124)), "{status:?}: {stderr}");
    // The report of the ranks comes first, and then the launcher's, which says that it has lost node2.
    let (report, launcher): (Vec<_>, Vec<_>) =
        stderr.lines().skip_while(|line| !line.starts_with("host gone: ")).enumerate().partition(|(at, _)| *at < 5);
    let report: Vec<_> = report.into_iter().map(|(_, line)| line).collect();
    assert_eq!(report.len(), 5, "{stderr}");
    assert_eq!(report[0], "host gone: node2: no answer for 3 s");
    for (rank, line) in report[1..3].iter().enumerate() {
        assert!(line.starts_with(&format!("  rank {rank} on node1 ")), "{stderr}");
    }
    assert!(report[1..3].iter().any(|line| line.contains("in MPI_Waitall") && line.contains("halo.rs:")), "{stderr}");
    assert_eq!(report[3], "  ranks 2, 3 run on node2 and do not answer");
    assert!(launcher.iter().any(|(_, line)| line.contains("node2")), "{stderr}");
    // It is not the trace of a crash.
    assert!(!stderr.contains("Segmentation fault"), "{stderr}");
    // The host that was cut off notices it too.
    assert_no_rank(NOTICED);
    assert_no_file();

    // A job on a host that is cut off already does not start, and says which host it is.
    let refused = run(&mut on_two_hosts(&program("hello")));
    assert_eq!((refused.code(), refused.stdout.as_str()), (Some(1), ""), "{refused:#?}");
    assert!(refused.stderr.contains("error: cluster: no route to node2"), "{refused:#?}");

    // `up` mends the link, and a job can start at once.
    succeed(&mut cluster(&["up"]));
    let hello = on_two_hosts(&program("hello"));
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after", "5", "10"]).arg(hello.get_program()).args(hello.get_args());
    let hello = without_crash(&mut limited);
    assert!(hello.stdout.contains("on node2"), "{hello:#?}");
}

/// The script writes into the same file as the ranks, which have written their report before.
#[test]
fn the_error_about_a_host_that_is_cut_off_does_not_erase_the_report() {
    let Some(_cluster) = Cluster::up("stderr in a file", &[]) else { return };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let job = Job::with_stderr(&mut halo_with_deadline(), file.reopen().unwrap().into());
    succeed(&mut cluster(&["cut", "node2"]));
    job.end(NOTICED);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("host gone: node2: "), "{text:?}");
    assert!(text.contains("error: mpirun: the host 10.77.0.2 (node2) does not answer"), "{text:?}");
    assert!(!bytes.contains(&0), "{text:?}");
}

/// The probes of idle connections do not help here: the launcher waits for an answer to what it has sent.
#[test]
fn a_job_that_is_ended_after_its_host_is_cut_off_ends() {
    let Some(_cluster) = Cluster::up("an ended job on a host that is cut off", &[]) else { return };
    let job = Job::start();
    succeed(&mut cluster(&["cut", "node2"]));
    proc::signal(job.script.id(), Signal::TERM);
    let (status, stderr) = job.end(NOTICED);
    assert_ne!(status, Some(0), "{stderr}");
    assert!(stderr.contains("error: mpirun: the host 10.77.0.2 (node2) does not answer"), "{status:?}: {stderr}");
}

/// Runs `halo` over two hosts, and looks at its trace: each lane names its host, and no message is received before it was sent,
/// although the clocks of the hosts are thousands of seconds apart. Returns the shortest time that a message between the hosts
/// took, in microseconds.
fn shortest_message_between_hosts() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lanes.json");
    let mut halo = program("halo");
    halo.args(["--size", "100", "--iterations", "10", "--trace"]).arg(&path);
    let finished = without_crash(&mut on_two_hosts(&halo));
    assert_eq!(finished.code(), Some(0), "{finished:#?}");

    let lanes: BTreeSet<_> = traces::read(&path).into_iter().map(|stretch| stretch.lane).collect();
    let expected = ["rank 0 on node1", "rank 1 on node1", "rank 2 on node2", "rank 3 on node2"];
    assert_eq!(lanes, expected.map(String::from).into());

    let trace: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let messages = |phase: &str| -> HashMap<u64, (u64, f64)> {
        let of_phase = events.iter().filter(|event| event["cat"] == "message" && event["ph"] == phase);
        let end = |event: &Value| {
            let number = |name: &str| event[name].as_u64().unwrap();
            (number("id"), (number("pid"), event["ts"].as_f64().unwrap()))
        };
        of_phase.map(end).collect()
    };
    let (sent, received) = (messages("s"), messages("f"));
    assert!(sent.len() > 20 && sent.len() == received.len(), "{} and {}", sent.len(), received.len());
    let mut shortest = f64::INFINITY;
    for (id, (from, begin)) in &sent {
        let (to, end) = received[id];
        assert!(end >= *begin, "a message of process {from} is received {} us before it was sent", begin - end);
        // In a trace the number of the process is the rank and 1.
        if (*from <= 2) != (to <= 2) {
            shortest = shortest.min(end - begin);
        }
    }
    shortest
}

#[test]
fn no_message_is_drawn_against_time() {
    let Some(_cluster) = Cluster::up("messages over two hosts", &[]) else { return };
    assert!(shortest_message_between_hosts() < 20_000.0);
    let slow = run(&mut cluster(&["slow", "node2", "20"]));
    if slow.stderr.contains("is missing") {
        return skip("messages to a slow host", slow.last_remark());
    }
    let shortest = shortest_message_between_hosts();
    // The clocks are right to a few milliseconds, also on a busy machine.
    assert!((15_000.0..200_000.0).contains(&shortest), "{shortest} us");
}

#[test]
fn a_slow_host_gives_the_right_results() {
    let Some(_cluster) = Cluster::up("a slow host", &[]) else { return };
    let slow = run(&mut cluster(&["slow", "node2", "50"]));
    if slow.stderr.contains("is missing") {
        return skip("a slow host", slow.last_remark());
    }
    assert_eq!(slow.code(), Some(0), "{slow:#?}");
    succeed(&mut cluster(&["up"])); // which mends cut links, and must find that of a slow host
    let stdout = without_crash(&mut on_two_hosts(program("halo").args(["--size", "100", "--iterations", "3"]))).stdout;
    assert!(stdout.ends_with("both grids equal the grid of the serial run\n"), "{stdout}");
    // In each iteration messages go both ways at the same time, so it takes one delay at least.
    let took: f64 = stdout.lines().next().and_then(|line| line.split_whitespace().nth(2)?.parse().ok()).unwrap();
    assert!(took >= 50.0, "{stdout}");

    // Without the delay, the same job on the same cluster is fast again. Other work on this machine may disturb one run.
    succeed(&mut cluster(&["slow", "node2", "0"]));
    let fast = (0..5).any(|_| {
        let stdout = run(&mut on_two_hosts(program("halo").args(["--size", "100", "--iterations", "3"]))).stdout;
        let took = stdout.lines().next().and_then(|line| line.split_whitespace().nth(2)?.parse::<f64>().ok());
        took.is_some_and(|took| took < 50.0)
    });
    assert!(fast, "the delay is still there");
}

#[test]
fn signals_end_the_job_on_all_hosts() {
    let Some(_cluster) = Cluster::up("signals", &[]) else { return };
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let job = Job::start();
        let family = descendants(job.script.id());
        proc::signal(job.script.id(), signal);
        let (status, stderr) = job.end(Duration::from_secs(10));
        assert_ne!(status, Some(0), "{stderr}");
        assert_no_rank(Duration::from_secs(10));
        common::assert_gone(&family, Duration::from_secs(5));
    }
}

#[test]
fn down_leaves_nothing_of_a_job_that_runs() {
    let Some(cluster) = Cluster::up("down while a job runs", &[]) else { return };
    let job = Job::start();
    assert!(!left_behind().is_empty());
    drop(cluster); // asserts that nothing is left
    assert_ne!(job.end(Duration::from_secs(5)).0, Some(0));
    assert_no_rank(Duration::from_secs(1));
    // A second `down` has nothing to do.
    assert_eq!(run(&mut crate::cluster(&["down"])).code(), Some(0));
}

#[test]
fn down_leaves_nothing_of_an_up_that_was_killed() {
    let Some(_alone) = Cluster::possible("an up that was killed", &[]) else { return };
    for killed_after in (0..300).step_by(60) {
        let mut up = cluster(&["up"]).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(killed_after));
        proc::signal(up.id(), Signal::KILL);
        up.wait().unwrap();
        succeed(&mut cluster(&["down"]));
        assert_eq!(left_behind(), Vec::<String>::new(), "up was killed after {killed_after} ms");
    }
}

/// A lock that a shell holds while it runs `up` must be free afterwards, although the hosts still exist.
#[test]
fn hosts_do_not_keep_the_files_of_the_caller_open() {
    let Some(alone) = Cluster::possible("the files of the caller", &[]) else { return };
    let _cluster = Cluster { _alone: alone };
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let up = cluster_up(&[]);
    succeed(Command::new("flock").arg(&lock).arg(up.get_program()).args(up.get_args()));
    let free = run(Command::new("flock").arg("--nonblock").arg(&lock).arg("true"));
    assert_eq!(free.code(), Some(0), "{free:#?}");
}

#[test]
fn a_plain_mpirun_reaches_the_hosts_by_ssh() {
    let Some(_cluster) = Cluster::up("ranks over SSH", &["--ssh"]) else { return };
    assert_eq!(succeed(&mut cluster(&["on", "head", "ssh", "node2", "cat /proc/sys/kernel/hostname"])), "node2\n");
    for host in ["head", "node1"] {
        let mut command = cluster(&["on", host, "mpirun", "--allow-run-as-root"]);
        command.args(["--hostfile", "/run/course-cluster/hostfile", "-n", "4"]).arg(program("hello").get_program());
        let hello = without_crash(&mut command);
        assert_eq!(hello.code(), Some(0), "{hello:#?}");
        assert_eq!(hello.stdout.matches("on node1 ").count(), 2, "{hello:#?}");
        assert_eq!(hello.stdout.matches("on node2 ").count(), 2, "{hello:#?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert_eq!(run(&mut cluster(&["--help"])).code(), Some(0));
    for bad in [&[][..], &["no-such-command"]] {
        let refused = run(&mut cluster(bad));
        assert_eq!(refused.code(), Some(2), "{refused:#?}");
        assert!(refused.stderr.starts_with("error: cluster: ") && refused.stderr.contains("usage: "), "{refused:#?}");
    }
    if !getuid().is_root() {
        let refused = run(&mut cluster(&["up"]));
        assert_eq!(refused.code(), Some(1), "{refused:#?}");
        assert!(refused.stderr.starts_with("error: cluster: it needs root"), "{refused:#?}");
    }
    let Some(_cluster) = Cluster::up("what makes no sense", &[]) else { return };
    for (bad, status) in [
        (&["up", "--hosts", "17"][..], 2),
        (&["up", "--host", "2"], 2),
        (&["up", "--hosts", "3"], 1), // another cluster is up
        (&["run"], 2),
        (&["cut"], 2),
        (&["cut", "node3"], 1),
        (&["cut", "head"], 1),
        (&["slow", "node2"], 2),
        (&["slow", "node2", "-1"], 2),
        (&["on", "node1"], 2),
        (&["on", "nowhere", "true"], 1),
        (&["on", "node.", "true"], 1), // a name, not a pattern
        (&["cut", "node1", "node2"], 2),
        (&["slow", "node1", "5", "ms"], 2),
        (&["down", "node1"], 2),
    ] {
        let refused = run(&mut cluster(bad));
        assert_eq!(refused.code(), Some(status), "{bad:?}: {refused:#?}");
        assert!(refused.stderr.starts_with("error: cluster: "), "{bad:?}: {refused:#?}");
        assert!(status == 2 || refused.stderr.lines().count() == 1, "{bad:?}: {refused:#?}");
        assert!(bad[0] != "on" || status == 2 || refused.stderr.contains("there is no host"), "{bad:?}: {refused:#?}");
    }
}

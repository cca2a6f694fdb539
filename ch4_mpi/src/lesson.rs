//! How a job of many ranks begins and ends.
//!
//! [`run!`](crate::lesson::run) is chapter 1's [`run!`](course::lesson::run) for ranks: a program that no
//! launcher has started starts itself under `mpirun`; each rank is given the world of MPI; the lanes of all ranks end
//! up in one chart; and a rank that fails ends the whole job, since the others would wait for it for ever.

use std::io;
use std::os::fd::AsFd;
use std::process::{ExitCode, exit};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use clap::Parser;
use course::lanes;
use course::lanes::record;
use course::lesson::{self, Role};
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::{initialize_with_threading, is_finalized, library_version};
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use rustix::fs::{FileType, fstat};
use rustix::io::ioctl_fionread;

pub use course::lesson::{Answer, Flags, Lesson, Shown, header};

use crate::clocks::{Alignment, Passing};
use crate::hosts::{self, Hosts};
use crate::instrument::{self, Settings};
use crate::job::Refused;
use crate::launch::{self, Ended, Launched};

/// Runs a story as a job of ranks: `lesson::run!(|args: Args, lesson, world| { ...; Ok(()) })`, where `world` is what
/// `mpi::initialize()` and `universe.world()` give.
#[macro_export]
macro_rules! lesson_run_ranks {
    ($story:expr) => {
        $crate::lesson::run_with($crate::lesson::header!(), $story)
    };
}
pub use crate::lesson_run_ranks as run;

/// The same for a hazard. If it hangs on purpose, the hang is reported after one second. If it goes wrong on purpose in another way,
/// at least one rank returns [`Shown`], and the others return `Ok(())`: the job then ends like one that hangs, with status 3.
#[macro_export]
macro_rules! lesson_hazard_of_ranks {
    ($story:expr) => {
        $crate::lesson::hazard_with($crate::lesson::header!(), $story)
    };
}
pub use crate::lesson_hazard_of_ranks as hazard;

/// After this number of seconds without a move of any rank a job hangs.
const DEADLINE: f64 = 10.0;

/// The same in a program that hangs on purpose.
const DEADLINE_OF_A_HAZARD: f64 = 1.0;

/// A program's own flags and those of every program that starts itself under `mpirun`.
#[derive(Debug, Parser)]
struct Whole<A: clap::Args> {
    #[command(flatten)]
    own: A,
    #[command(flatten)]
    watch: Watch,
    /// Number of ranks that the program starts; under mpirun the launcher decides
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024),
          value_name = "N", help_heading = "Flags of every program of this chapter", display_order = 899)]
    ranks: u16,
}

/// How the job is watched.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct Watch {
    /// If no rank enters or leaves a call of MPI for S seconds while all ranks are in one, ends the job with a report; 0: never
    /// [default: 10; in a program that hangs on purpose: 1]
    #[arg(long, value_name = "S", value_parser = lesson::seconds, help_heading = "Flags of every program of this chapter",
          display_order = 900)]
    deadline: Option<Duration>,
    /// Makes each standard send synchronous, so that it waits for its receiver whatever its size
    #[arg(long, help_heading = "Flags of every program of this chapter", display_order = 901)]
    strict_sends: bool,
}

impl Watch {
    fn settings(self, default: f64) -> Settings {
        let told = Settings::of_environment();
        let deadline = self.deadline.or(told.map(|told| told.deadline).filter(|deadline| !deadline.is_zero()));
        Settings {
            deadline: deadline.unwrap_or(Duration::from_secs_f64(default)),
            strict_sends: self.strict_sends || told.is_some_and(|told| told.strict_sends),
        }
    }
}

/// The bytes of the buffer for buffered sends (MPI_Bsend).
const SEND_BUFFER: usize = 4 << 20;

/// What [`run!`](crate::lesson::run) does, with the header given.
pub fn run_with<A: Parser + clap::Args>(
    header: &str,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    run_watched(header, DEADLINE, false, story)
}

/// What [`hazard!`](crate::lesson::hazard) does, with the header given.
pub fn hazard_with<A: Parser + clap::Args>(
    header: &str,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    run_watched(header, DEADLINE_OF_A_HAZARD, true, story)
}

fn run_watched<A: Parser + clap::Args>(
    header: &str,
    deadline: f64,
    is_hazard: bool,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    let plan = |whole: &Whole<A>| {
        let (ranks, settings) = (whole.ranks.into(), whole.watch.settings(deadline));
        Ok(Plan { ranks, settings, threading: Threading::Single, is_hazard })
    };
    run_planned(header, plan, |whole, lesson, world| story(whole.own, lesson, world))
}

/// The same for a program whose own flags say how many ranks it starts and what its threads do with MPI, or why the flags
/// fit no problem.
pub fn run_job<A: Parser>(
    header: &str,
    job: impl FnOnce(&A) -> Result<(usize, Threading), String>,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    let plan = |args: &A| {
        let (ranks, threading) = job(args)?;
        Ok(Plan { ranks, settings: Watch::default().settings(DEADLINE), threading, is_hazard: false })
    };
    run_planned(header, plan, story)
}

/// What the flags of a program say about its job.
struct Plan {
    /// The number of ranks that the program starts.
    ranks: usize,
    /// How the ranks are watched.
    settings: Settings,
    /// What the threads of a rank do with MPI.
    threading: Threading,
    /// Whether ranks may return [`Shown`].
    is_hazard: bool,
}

fn run_planned<A: Parser>(
    header: &str,
    plan: impl FnOnce(&A) -> Result<Plan, String>,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    launch::become_launcher();
    let flags = || {
        let (args, flags) = lesson::try_parse::<A>(header)?;
        let plan = plan(&args).map_err(|what| Answer::bad_flags::<A>(&what))?;
        Ok((args, flags, plan))
    };
    match launch::launched() {
        Some(launched) => rank(launched, flags, story),
        None => {
            lesson::prepare_signals();
            lesson::end_with_starter();
            let (_, flags, plan) = flags().unwrap_or_else(|answer: Answer| answer.end());
            match supervise(flags, plan.ranks) {
                Ok(status) => ExitCode::from(status),
                Err(error) => lesson::report(Err(error)),
            }
        }
    }
}

fn supervise(flags: Flags, ranks: usize) -> anyhow::Result<u8> {
    // A path that cannot be written is found out before any rank starts. The ranks on this host join the record.
    let lesson = Lesson::begin(flags, &lesson::program_name())?;
    let ended = launch::supervise(ranks)?;
    match ended {
        Ended { drawn: true, .. } => {}
        Ended { status: lesson::INTERRUPTED, .. } => lesson.end_after_interrupt(),
        _ => lesson.end()?,
    }
    Ok(ended.status)
}

fn rank<A>(
    launched: Launched,
    flags: impl FnOnce() -> Result<(A, Flags, Plan), Answer>,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> ExitCode {
    launch::end_with_launcher();
    let library = library_version().unwrap_or_default();
    // Under Open MPI's launcher MPICH fails, and does not say what the user can do.
    if library.starts_with("MPICH") && launched.by_open_mpi {
        return wrong_launcher(launched, &library);
    }
    let flags = flags();
    let (mut wanted, mut is_hazard) = (Threading::Single, false);
    if let Ok((_, _, plan)) = &flags {
        instrument::configure(plan.settings, instrument::Hooks { report: lesson::draw_hanging, exit: record::close });
        (wanted, is_hazard) = (plan.threading, plan.is_hazard);
    }
    // There are other threads, but only the main thread calls MPI (but for `end_job`), and none of the MPI libraries needs
    // to know of threads that do not call it. With `Threading::Funneled` a small message takes 1.6 times as long in Open
    // MPI 4.1. So only a program that divides a rank's work among threads asks for it, as the standard demands.
    let Some((mut universe, provided)) = initialize_with_threading(wanted) else {
        return lesson::report(Err(anyhow!("MPI was initialized before the lesson began")));
    };
    universe.set_buffer_size(SEND_BUFFER);
    let world = universe.world();
    lanes::board::ask_for_calls(instrument::current_call);
    lesson::prepare_signals();
    lesson::watch_for_interrupts(if launch::is_supervised() { Role::Rank } else { Role::LaunchedRank });
    lesson::end_at_panic();
    lesson::at_failure(end_job);
    // Under the launcher of another MPI, each rank believes that it is the only rank of a job.
    if launched.ranks.is_some_and(|ranks| ranks > 1) && world.size() == 1 {
        drop(universe);
        return wrong_launcher(launched, &library);
    }
    lesson::speak_as(&format!("rank {}", world.rank()));

    let (args, flags, _) = match flags {
        Ok(flags) => flags,
        Err(answer) => {
            // Rank 0 reports for all ranks. The other ranks wait, since a launcher ends a job as soon as one rank
            // fails.
            if world.rank() == 0 {
                answer.say();
            }
            world.barrier();
            drop(universe);
            exit(answer.status.into());
        }
    };
    let told = check_threading(wanted, provided, &world).and_then(|()| tell(args, flags, &world, is_hazard, story));
    if let Err(error) = &told
        && let Some(refused) = error.downcast_ref::<Refused>()
    {
        if world.rank() == 0 {
            lesson::say_error(&refused.to_string());
        }
        instrument::finish();
        drop(universe);
        return ExitCode::FAILURE;
    }
    let code = match told {
        Ok(Shows::Nothing) => ExitCode::SUCCESS,
        Ok(shows) => {
            let code = match shows {
                Shows::Here(shown) => lesson::report(Err(shown.into())),
                _ => ExitCode::from(lesson::HANGS),
            };
            // A launcher ends a job as soon as one rank fails, so no rank ends before the report is written.
            world.barrier();
            code
        }
        // It does not return: the job ends inside this call.
        Err(error) => lesson::report(Err(error)),
    };
    drop(universe);
    code
}

/// Makes sure that MPI allows in every rank what the threads of the program do. All ranks return the same result.
fn check_threading(wanted: Threading, provided: Threading, world: &SimpleCommunicator) -> anyhow::Result<()> {
    if wanted == Threading::Single {
        return Ok(());
    }
    let (enough, mut enough_for_all) = (provided >= wanted, false);
    instrument::unnoted(|| world.all_reduce_into(&enough, &mut enough_for_all, SystemOperation::logical_and()));
    if enough_for_all {
        return Ok(());
    }
    let (provided, wanted) = (level(provided), level(wanted));
    Err(Refused::because(format!(
        "threads: the ranks need the thread level {wanted} of MPI, and this MPI gives less (rank 0 has {provided})"
    )))
}

/// MPI's name of a thread level.
fn level(threading: Threading) -> &'static str {
    match threading {
        Threading::Single => "MPI_THREAD_SINGLE",
        Threading::Funneled => "MPI_THREAD_FUNNELED",
        Threading::Serialized => "MPI_THREAD_SERIALIZED",
        Threading::Multiple => "MPI_THREAD_MULTIPLE",
    }
}

/// What a job has shown. In all programs but hazards it is nothing.
enum Shows {
    Nothing,
    /// This rank reports it.
    Here(Shown),
    /// Another rank reports it.
    Elsewhere,
}

impl Shows {
    /// Gathers what the ranks have shown: the first of them reports.
    fn of(own: Option<Shown>, world: &SimpleCommunicator) -> Self {
        let none = world.size();
        let (rank, mut first) = (if own.is_some() { world.rank() } else { none }, none);
        world.all_reduce_into(&rank, &mut first, SystemOperation::min());
        match own {
            Some(shown) if first == world.rank() => Self::Here(shown),
            _ if first < none => Self::Elsewhere,
            _ => Self::Nothing,
        }
    }
}

fn tell<A>(
    args: A,
    flags: Flags,
    world: &SimpleCommunicator,
    is_hazard: bool,
    story: impl FnOnce(A, &Lesson, &SimpleCommunicator) -> anyhow::Result<()>,
) -> anyhow::Result<Shows> {
    let (lesson, recording) = instrument::unnoted(|| begin(flags, world)).context("recording the lanes")?;
    if recording.is_some() {
        instrument::record();
        // The ranks begin together in the picture.
        instrument::unnoted(|| world.barrier());
    }
    let own = {
        let _main = lanes::lane("main");
        match story(args, &lesson, world) {
            Ok(()) => None,
            // Only a hazard asks the other ranks whether one of them has shown something.
            Err(error) if is_hazard => Some(error.downcast::<Shown>()?),
            Err(error) => return Err(error),
        }
    };
    record::close();
    // From here on the program's own work is done in all ranks, so it cannot fail any more.
    instrument::finish();
    let shows = if is_hazard { Shows::of(own, world) } else { Shows::Nothing };
    let supervisor_draws = recording.as_ref().is_some_and(|recording| recording.is_shared);
    if let Some(recording) = recording {
        recording.gather(world)?;
    }
    if world.rank() == 0 {
        launch::tell_supervisor_of_the_end(supervisor_draws);
        if !supervisor_draws {
            lesson.end()?;
        }
    }
    Ok(shows)
}

/// How the lanes of the ranks are recorded.
struct Recording {
    /// This rank writes the record of another process on the same host: the supervisor's or rank 0's. Otherwise it has a record of
    /// its own, and rank 0 draws the one that it has.
    is_shared: bool,
    hosts: Hosts,
    /// Messages between hosts, in rank 0.
    passings: Vec<Passing>,
}

/// Begins the lesson in a rank. Rank 0 tells all ranks which record it writes, and those on the same host join it.
fn begin(flags: Flags, world: &SimpleCommunicator) -> anyhow::Result<(Lesson, Option<Recording>)> {
    if !flags.want_lanes() {
        return Ok((Lesson::begin_quietly(flags), None));
    }
    let hosts = Hosts::of(world);
    let rank = u32::try_from(world.rank())?;
    let name = hosts.name_of(world.rank());
    let mut record = Vec::new();
    let mut begun = None;
    if rank == 0 {
        begun = Some(match record::join(&name, Some(rank))? {
            true => (Lesson::begin_quietly(flags.clone()), true),
            false => (Lesson::begin_as(flags.clone(), &lesson::program_name(), &name, Some(rank))?, false),
        });
        record = record::name_for_others().unwrap_or_default().into_bytes();
    }
    let root = world.process_at_rank(0);
    let mut length = record.len();
    root.broadcast_into(&mut length);
    record.resize(length, 0);
    root.broadcast_into(&mut record[..]);
    let (lesson, is_shared) = match begun {
        Some(begun) => begun,
        None => {
            let lesson = Lesson::begin_quietly(flags);
            let is_shared = record::join_named(&String::from_utf8_lossy(&record), &name, Some(rank))?;
            if !is_shared {
                record::start(&name, Some(rank))?;
            }
            (lesson, is_shared)
        }
    };
    let passings = hosts::exchange(world, &hosts);
    Ok((lesson, Some(Recording { is_shared, hosts, passings })))
}

impl Recording {
    /// Brings the records of ranks on other hosts to rank 0. One after the other: all together may be more than MPI's counts can
    /// say.
    fn gather(mut self, world: &SimpleCommunicator) -> anyhow::Result<()> {
        // A world of its own, in which no message that the lesson has left over can be received.
        let apart = world.duplicate();
        self.passings.extend(hosts::exchange(&apart, &self.hosts));
        if world.rank() > 0 {
            let bytes = if self.is_shared { Vec::new() } else { record::bytes()? };
            ensure!(i32::try_from(bytes.len()).is_ok(), "the record of the lanes is too long to be sent");
            apart.process_at_rank(0).send(&bytes[..]);
            return Ok(());
        }
        let receive = |rank| apart.process_at_rank(rank).receive_vec::<u8>().0;
        let records: Vec<_> = (1..world.size()).map(receive).collect();
        if self.hosts.clocks() > 1 {
            let own = record::bytes()?;
            let all = records.iter().chain([&own]).map(Vec::as_slice);
            self.passings.extend(hosts::passings(&self.hosts, all)?);
        }
        let clocks = Alignment::of(self.hosts.clocks(), &self.passings);
        for (rank, bytes) in (1..).zip(records) {
            let mut processes = Vec::new();
            let renumber = |process| {
                let index = processes.iter().position(|&known| known == process).unwrap_or_else(|| {
                    processes.push(process);
                    processes.len() - 1
                });
                elsewhere(rank, index)
            };
            let clock = self.hosts.clock_of(rank);
            record::import(&bytes, renumber, |time| clocks.ours(clock, time))?;
        }
        Ok(())
    }
}

/// An id for a process of another host that no process of this host has: beyond the largest that Linux gives (2^22), and
/// another one for each rank and each of its processes.
fn elsewhere(rank: i32, index: usize) -> u32 {
    (1 << 23) + (rank as u32) * (1 << 10) + (index as u32).min((1 << 10) - 1)
}

/// Ends all ranks, from any thread of this one.
///
/// This is the last resort. The main thread may be in a call of MPI at this moment, and MPI allows two calls at once
/// only if it was asked for `Threading::Multiple`, which makes every call of every run slower. Here the risk does no
/// harm: if the abort fails, this rank ends nevertheless, and the launcher then ends the other ranks.
fn end_job(status: i32) {
    if !is_finalized() {
        // When a rank aborts, MPICH's launcher drops the output that it has not read, for example the reason.
        let begin = Instant::now();
        while unread(io::stdout()) || unread(io::stderr()) {
            if begin.elapsed() > Duration::from_millis(200) {
                break;
            }
            thread::yield_now();
        }
        SimpleCommunicator::world().abort(status);
    }
}

/// Whether an output is a pipe that holds something which its reader has not taken yet.
fn unread(output: impl AsFd) -> bool {
    let is_pipe = fstat(&output).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_fifo());
    is_pipe && ioctl_fionread(&output).is_ok_and(|bytes| bytes > 0)
}

/// Says so, once for all ranks.
fn wrong_launcher(launched: Launched, library: &str) -> ExitCode {
    let library = library.split([',', '\n']).next().unwrap_or_default().trim_end_matches('\0');
    let library = library.split_whitespace().collect::<Vec<_>>().join(" ");
    let program = std::env::args().next().unwrap_or_default();
    let ranks = launched.ranks.map_or_else(|| "N".into(), |ranks| ranks.to_string());
    if launched.rank > 0 {
        // A launcher ends a job when its first rank fails. So the rank that prints the reason must be the first to end.
        return ExitCode::SUCCESS;
    }
    lesson::say_error(&format!(
        "the launcher started {ranks} ranks that do not see each other: it belongs to another MPI than this program's, \
         {library}; start it with: scripts/mpirun -n {ranks} {program}"
    ));
    ExitCode::FAILURE
}

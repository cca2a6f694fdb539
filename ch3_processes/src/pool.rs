//! A pool: a few processes that call one function for many tasks.
//!
//! Any worker can be killed at any moment. Another worker then runs its task again, once. If two workers die in
//! the same task, the result of the task is an error. In Python the whole `map` waits for the lost result for ever.
//!
//! The tasks lie in a queue in shared memory, from which each worker takes the next chunk, so no worker waits while there are
//! tasks. The results of each worker come back through a ring of its own.

mod chunk;
mod deaths;
mod error;
mod protocol;
mod results;
mod tasks;
mod worker;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use course::lanes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::machinery::bell::spins;
use crate::machinery::memory::SharedAtomics;
use crate::machinery::messages::Messages;
use crate::machinery::ring::{Reader, ring};
use crate::process::{Cause, Child, Error, Function, Process, check_listed};
use chunk::Chunk;
pub use error::{Repeated, TaskCause, TaskError};
use protocol::{Awaited, Control, RESULTS, TASKS, Taken};
#[doc(hidden)]
pub use worker::{ForTasks, WorkerArguments};

/// How many chunks there are for each worker, if the caller does not say: few enough to cost little, and enough for all workers
/// to end at about the same time.
const CHUNKS: usize = 4;

/// How many workers a task may end.
const TRIES: u32 = 2;

/// How long a worker that has nothing to do may take to end.
const TIME_TO_END: Duration = Duration::from_secs(1);

/// How often the pool looks whether all workers live.
const LOOK_AT_WORKERS: Duration = Duration::from_millis(50);

/// Starts a worker with this name.
type Spawn = dyn Fn(&str, WorkerArguments) -> Result<Child<()>, Error> + Send + Sync;

/// Processes that call a function `A -> R` for tasks.
///
/// Dropping the pool ends them. It is possible that tasks without a joined result
/// are never run.
pub struct Pool<A, R> {
    /// The number of this pool. Its tickets have it too, so that they are not taken for tickets of another pool.
    number: u64,
    name: String,
    spawn: Box<Spawn>,
    tasks: Messages,
    control: SharedAtomics<Control>,
    taken: SharedAtomics<Taken>,
    workers: Vec<Worker>,
    /// The chunks that have tasks without a result, by their numbers.
    unfinished: BTreeMap<u64, Chunk>,
    /// The numbers of those chunks that are not in the queue yet.
    waiting: VecDeque<u64>,
    /// The number of the next chunk, from 1 on, and of the next task.
    next_chunk: u64,
    next_task: u64,
    /// The number of the first task of a map, and the results of the map.
    mapped: (u64, Vec<Option<Result<R, TaskError>>>),
    /// The results of submitted tasks, by the numbers of the tasks.
    submitted: HashMap<u64, Result<R, TaskError>>,
    repeated: Vec<Repeated>,
    /// When the pool last looked whether all workers live.
    looked_at_workers: Instant,
    /// How many workers have ended, one after the other, without having taken a task.
    ended_without_task: usize,
    takes: PhantomData<fn(A)>,
}

#[derive(Debug)]
struct Worker {
    /// `None` after the worker has ended, until another worker can be started.
    child: Option<Child<()>>,
    results: Reader,
    /// The beginning of a result whose rest has not arrived.
    read: Vec<u8>,
}

/// A task that has been given to a pool with [`submit`](Pool::submit).
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "the result stays in the pool until the ticket is joined"]
pub struct Ticket {
    pool: u64,
    task: u64,
}

/// When the pool reads the results of its workers.
#[derive(Clone, Copy)]
enum Delivery {
    /// Each result as soon as it is there: the caller waits for one task.
    AtOnce,
    /// Many results together, so that the pool takes no core from the workers: the caller waits for all tasks.
    Together,
}

impl<A, R> Pool<A, R> {
    /// A pool with this number of processes, named `name 0` and so on, that call `function`.
    ///
    /// # Errors
    /// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process or memory.
    pub fn new<F>(name: &str, workers: usize, function: F) -> Result<Self, Error>
    where
        F: Function<(A,), Value = R> + Copy + Send + Sync,
        A: DeserializeOwned + 'static,
    {
        static POOLS: AtomicU64 = AtomicU64::new(0);
        let refused = |error| Error::new(name, Cause::Start(error));
        check_listed::<F>().map_err(refused)?;
        if workers == 0 {
            return Err(refused(io::Error::other("a pool of no workers")));
        }
        let spawn = move |name: &str, worker| {
            Process::new().name(name).daemon(true).spawn(ForTasks::<F, (A,)>::of(function), (worker,))
        };
        let mut pool = Self {
            number: POOLS.fetch_add(1, Relaxed),
            name: name.into(),
            spawn: Box::new(spawn),
            tasks: Messages::new(TASKS).map_err(refused)?,
            control: SharedAtomics::new(1).map_err(refused)?,
            taken: SharedAtomics::new(workers).map_err(refused)?,
            workers: Vec::with_capacity(workers),
            unfinished: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_chunk: 1,
            next_task: 0,
            mapped: (u64::MAX, Vec::new()),
            submitted: HashMap::new(),
            repeated: Vec::new(),
            looked_at_workers: Instant::now(),
            ended_without_task: 0,
            takes: PhantomData,
        };
        for number in 0..workers {
            let worker = pool.start(number)?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    fn start(&self, number: usize) -> Result<Worker, Error> {
        let name = format!("{} {number}", self.name);
        self.taken[number].set(0);
        let (writer, results) = ring(RESULTS).map_err(|error| Error::new(&name, Cause::Start(error)))?;
        let arguments = WorkerArguments {
            tasks: self.tasks.clone(),
            control: self.control.clone(),
            taken: self.taken.clone(),
            number,
            results: writer,
        };
        let child = (self.spawn)(&name, arguments)?;
        Ok(Worker { child: Some(child), results, read: Vec::new() })
    }

    /// The tasks in which a worker died and which were run again, since the last call.
    pub fn repeated(&mut self) -> Vec<Repeated> {
        std::mem::take(&mut self.repeated)
    }

    /// The ids of the workers' processes.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.workers.iter().filter_map(|worker| worker.child.as_ref()).map(Child::id).collect()
    }
}

impl<A: Serialize, R: DeserializeOwned> Pool<A, R> {
    /// Calls the function for each task and returns the results in the order of the tasks. The workers get the tasks in chunks:
    /// four chunks for each worker.
    ///
    /// # Errors
    /// The error of the first task, in the order of the tasks, that failed. All tasks have been run then.
    #[track_caller]
    pub fn map(&mut self, tasks: impl IntoIterator<Item = A>) -> Result<Vec<R>, TaskError> {
        let tasks: Vec<_> = tasks.into_iter().collect();
        let chunk = tasks.len().div_ceil(CHUNKS * self.workers.len());
        self.map_in_chunks(tasks, chunk)
    }

    /// The same with at most `chunk` tasks in a chunk: 1 for tasks that take very different times, many for short tasks.
    ///
    /// # Errors
    /// Those of [`map`](Self::map).
    #[track_caller]
    pub fn map_in_chunks(&mut self, tasks: impl IntoIterator<Item = A>, chunk: usize) -> Result<Vec<R>, TaskError> {
        self.mapped = (self.next_task, Vec::new());
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            self.add_tasks(tasks.by_ref().take(chunk.max(1)));
            self.fill_queue();
        }
        lanes::wait("results", || self.run_until(Delivery::Together, |pool| pool.unfinished.is_empty()));
        let (first, results) = std::mem::replace(&mut self.mapped, (u64::MAX, Vec::new()));
        let results = results.into_iter().map(|result| result.expect("all chunks are complete"));
        results.collect::<Result<_, _>>().map_err(|error| TaskError { task: error.task - first, ..error })
    }

    /// Gives the pool a task and returns at once.
    pub fn submit(&mut self, task: A) -> Ticket {
        let ticket = Ticket { pool: self.number, task: self.next_task };
        // If the iterator of an earlier map panicked, the results of that map are still there.
        self.mapped = (u64::MAX, Vec::new());
        self.add_tasks([task]);
        self.fill_queue();
        ticket
    }

    /// Waits for the result of a task.
    ///
    /// # Errors
    /// The task failed.
    ///
    /// # Panics
    /// The ticket is from another pool.
    #[track_caller]
    pub fn join(&mut self, ticket: Ticket) -> Result<R, TaskError> {
        assert_eq!(ticket.pool, self.number, "the ticket is from another pool");
        lanes::wait("results", || self.run_until(Delivery::AtOnce, |pool| pool.submitted.contains_key(&ticket.task)));
        self.submitted.remove(&ticket.task).expect("its result is there")
    }

    /// Gives tasks to the workers, reads their results and replaces workers that have ended, until `done`.
    fn run_until(&mut self, delivery: Delivery, mut done: impl FnMut(&Self) -> bool) {
        let control = self.control.clone();
        self.ended_without_task = 0;
        loop {
            self.fill_queue();
            self.collect();
            if done(self) {
                return;
            }
            let (awaited, spins) = match delivery {
                Delivery::AtOnce => (Awaited::EachChunk, spins(2)),
                // While the workers work, they need the cores.
                Delivery::Together if self.waiting.is_empty() => (Awaited::EmptyQueue, 0),
                Delivery::Together => (Awaited::HalfEmptyQueue, 0),
            };
            control[0].set_awaited(awaited);
            let deadline = Some(Instant::now() + LOOK_AT_WORKERS);
            let _ = control[0].bell.wait(spins, deadline, || self.has_happened(awaited).then_some(()), || false);
            if self.looked_at_workers.elapsed() >= LOOK_AT_WORKERS {
                self.looked_at_workers = Instant::now();
                for number in 0..self.workers.len() {
                    if self.workers[number].child.as_mut().is_none_or(|child| !child.is_alive()) {
                        self.replace(number);
                    }
                }
            }
        }
    }

    /// Whether the event that the pool waits for has happened, or a worker has little room left for results. The worker
    /// that causes the event rings the bell.
    fn has_happened(&mut self, awaited: Awaited) -> bool {
        let (has_room, reads_results) = match awaited {
            Awaited::EachChunk => (false, true),
            Awaited::EmptyQueue => (false, self.tasks.is_empty()),
            Awaited::HalfEmptyQueue => (self.tasks.is_half_empty(), false),
        };
        has_room
            || self.workers.iter_mut().any(|worker| {
                let arrived = worker.results.available_now();
                arrived > 0 && reads_results || arrived > RESULTS / 2
            })
    }
}

impl<A, R> fmt::Debug for Pool<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name).field("workers", &self.workers).finish_non_exhaustive()
    }
}

impl<A, R> Drop for Pool<A, R> {
    fn drop(&mut self) {
        // Workers that have nothing to do end by themselves, so that the picture shows an end and no death. The other workers
        // are killed when their `Child` is dropped, and so is a worker that does not end soon.
        if !self.unfinished.is_empty() || thread::panicking() {
            return;
        }
        self.control[0].close();
        self.tasks.wake_all_takers();
        let deadline = Instant::now() + TIME_TO_END;
        for worker in &mut self.workers {
            if let Some(child) = &mut worker.child {
                let _ = child.wait_timeout(deadline.saturating_duration_since(Instant::now()));
            }
        }
    }
}

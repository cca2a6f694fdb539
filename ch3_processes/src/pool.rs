//! A pool: a few processes that call one function for many tasks.
//!
//! Any worker can be killed at any moment. Its task is then run again, once, by another; a task that ends its worker twice
//! is an error that names it. In Python the whole `map` waits for ever for the lost result.
//!
//! The tasks lie in a [queue](mod@crate::queue) in shared memory, from which each worker takes the next, so no worker waits while
//! there is something to do. Results come back through a ring of each worker's own.

mod chunk;
mod deaths;
mod error;
mod worker;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::thread;
use std::time::{Duration, Instant};

use course::lanes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::machinery::bell::spins;
use crate::machinery::memory::SharedAtomics;
use crate::machinery::ring::{Reader, ring};
use crate::process::{Cause, Child, Error, Function, Id, Mode, Process};
use crate::queue::Messages;
use chunk::Chunk;
pub use error::{Repeated, TaskCause, TaskError};
pub(crate) use worker::work;
use worker::{Board, DRAINED, EACH, FAILED, Post, ROOM, Taken, VALUE};

/// Room for the tasks that no worker has taken yet, used only as far as needed, and for each worker's results.
const TASKS: usize = 64 << 20;
const RESULTS: usize = 1 << 20;

/// So many chunks for each worker, if nothing is said: few enough to cost little, and enough for all to end at about the
/// same time.
const CHUNKS: usize = 4;

/// How often a task may end its worker.
const TRIES: u32 = 2;

/// How long a worker that has nothing to do may take to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often to see whether all workers live.
const ROUND: Duration = Duration::from_millis(50);

/// Processes that call a function `A -> R` for tasks.
///
/// Dropping it ends them. What they were given and nobody has asked for may not be done then.
#[derive(Debug)]
pub struct Pool<A, R> {
    /// Tells this pool's tickets from those of others.
    number: u64,
    name: String,
    function: Id,
    tasks: Messages,
    board: SharedAtomics<Board>,
    taken: SharedAtomics<Taken>,
    workers: Vec<Worker>,
    /// The chunks whose results are not all here, by their numbers.
    open: BTreeMap<u64, Chunk>,
    /// Those of them that are not in the queue yet.
    waiting: VecDeque<u64>,
    /// The number of the next chunk, from 1 on, and of the next task.
    next_chunk: u64,
    next_task: u64,
    /// The results of a map from this task on.
    mapped: (u64, Vec<Option<Result<R, TaskError>>>),
    /// Those of other tasks.
    submitted: HashMap<u64, Result<R, TaskError>>,
    repeated: Vec<Repeated>,
    seen_alive: Instant,
    /// How many workers have ended without having taken anything, one after the other.
    useless: usize,
    takes: PhantomData<fn(A)>,
}

#[derive(Debug)]
struct Worker {
    /// None after it has ended, until another can be started.
    child: Option<Child<()>>,
    results: Reader,
    /// What has been read of results and is not used yet.
    read: Vec<u8>,
}

/// A task that has been given to a pool with [`submit`](Pool::submit).
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "its result stays in the pool until it is asked for"]
pub struct Ticket {
    pool: u64,
    task: u64,
}

impl<A: Serialize, R: DeserializeOwned> Pool<A, R> {
    /// So many processes, named `name 0` and so on, that call `function`.
    ///
    /// # Errors
    /// The function is missing in the [`children!`](crate::children) of `main`, or the system gave no process or memory.
    pub fn new<F: Function<(A,), Value = R>>(name: &str, workers: usize, function: F) -> Result<Self, Error> {
        // It has no state: the workers take their own.
        drop(function);
        let refused = |error| Error::new(name, Cause::Start(error));
        if workers == 0 {
            return Err(refused(io::Error::other("a pool of no workers")));
        }
        static POOLS: AtomicU64 = AtomicU64::new(0);
        let mut pool = Self {
            number: POOLS.fetch_add(1, Relaxed),
            name: name.into(),
            function: Id::of::<F>(),
            tasks: Messages::new(TASKS).map_err(refused)?,
            board: SharedAtomics::new(1).map_err(refused)?,
            taken: SharedAtomics::new(workers).map_err(refused)?,
            workers: Vec::with_capacity(workers),
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_chunk: 1,
            next_task: 0,
            mapped: (u64::MAX, Vec::new()),
            submitted: HashMap::new(),
            repeated: Vec::new(),
            seen_alive: Instant::now(),
            useless: 0,
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
        self.taken[number].0.store(0, Relaxed);
        let (writer, results) = ring(RESULTS).map_err(|error| Error::new(&name, Cause::Start(error)))?;
        let post = Post {
            tasks: self.tasks.clone(),
            board: self.board.clone(),
            taken: self.taken.clone(),
            number,
            results: writer,
        };
        let child = Process::new().name(name).daemon(true).spawn_as(self.function, Mode::ForTasks, &post)?;
        Ok(Worker { child: Some(child), results, read: Vec::new() })
    }

    /// Calls the function for each task and returns the results in the order of the tasks. They go to the workers in chunks,
    /// four for each worker.
    ///
    /// # Errors
    /// That of the first task, in their order, that failed. All tasks have been run then.
    pub fn map(&mut self, tasks: impl IntoIterator<Item = A>) -> Result<Vec<R>, TaskError> {
        let tasks: Vec<_> = tasks.into_iter().collect();
        let chunk = tasks.len().div_ceil(CHUNKS * self.workers.len());
        self.map_in_chunks(tasks, chunk)
    }

    /// The same with so many tasks in a chunk, at most: one for tasks of very different length, many for short ones.
    ///
    /// # Errors
    /// Those of [`map`](Self::map).
    pub fn map_in_chunks(&mut self, tasks: impl IntoIterator<Item = A>, chunk: usize) -> Result<Vec<R>, TaskError> {
        self.mapped = (self.next_task, Vec::new());
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            self.give(tasks.by_ref().take(chunk.max(1)));
            self.fill();
        }
        self.run_until(false, |pool| pool.open.is_empty());
        let (first, results) = std::mem::replace(&mut self.mapped, (u64::MAX, Vec::new()));
        let results = results.into_iter().map(|result| result.expect("all chunks are complete"));
        results.collect::<Result<_, _>>().map_err(|error| TaskError { task: error.task - first, ..error })
    }

    /// Gives the pool a task and goes on.
    pub fn submit(&mut self, task: A) -> Ticket {
        let ticket = Ticket { pool: self.number, task: self.next_task };
        // Left there by a map whose tasks panicked while they were taken in.
        self.mapped = (u64::MAX, Vec::new());
        self.give([task]);
        self.fill();
        ticket
    }

    /// Waits for the result of a task.
    ///
    /// # Errors
    /// The task failed.
    ///
    /// # Panics
    /// The ticket is another pool's.
    pub fn join(&mut self, ticket: Ticket) -> Result<R, TaskError> {
        assert_eq!(ticket.pool, self.number, "the ticket is of another pool");
        self.run_until(true, |pool| pool.submitted.contains_key(&ticket.task));
        self.submitted.remove(&ticket.task).expect("its result came")
    }

    /// The tasks in which a worker died and which were run again, since this was last asked.
    pub fn repeated(&mut self) -> Vec<Repeated> {
        std::mem::take(&mut self.repeated)
    }

    /// The ids of the workers' processes.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.workers.iter().filter_map(|worker| worker.child.as_ref()).map(Child::id).collect()
    }

    /// Makes chunks of these tasks.
    fn give(&mut self, tasks: impl IntoIterator<Item = A>) {
        let mut chunk = Chunk::new(self.next_task);
        for task in tasks {
            let number = self.next_task;
            self.next_task += 1;
            if number >= self.mapped.0 {
                self.mapped.1.push(None);
            }
            let refused = chunk.add(&(task,)).err();
            if refused.is_some() || chunk.is_large() {
                self.open(std::mem::replace(&mut chunk, Chunk::new(number + 1)));
            }
            if let Some(why) = refused {
                self.came(Err(TaskError { task: number, cause: TaskCause::Task(why) }));
            }
        }
        self.open(chunk);
    }

    fn open(&mut self, chunk: Chunk) {
        if !chunk.is_done() {
            self.open.insert(self.next_chunk, chunk);
            self.waiting.push_back(self.next_chunk);
            self.next_chunk += 1;
        }
    }

    /// Puts chunks into the queue while there is room.
    fn fill(&mut self) {
        while let Some(&number) = self.waiting.front() {
            let pushed = self.open.get(&number).map_or(Some(true), |chunk| self.tasks.push(&chunk.message(number)));
            match pushed {
                Some(false) => break,
                Some(true) => {}
                None => {
                    // The last task of it is too long: what comes before is little.
                    if let Some(chunk) = self.open.remove(&number) {
                        let task = chunk.first();
                        let (one, rest) = chunk.split_first();
                        if rest.is_done() {
                            let cause =
                                TaskCause::Task(format!("it is longer than the {TASKS} bytes of the pool's queue"));
                            self.came(Err(TaskError { task, cause }));
                        } else {
                            self.open(one);
                            self.open(rest);
                        }
                    }
                }
            }
            self.waiting.pop_front();
        }
    }

    /// Goes on with all there is to do until `done`. Wants to know of `each` result at once, or has time.
    fn run_until(&mut self, each: bool, mut done: impl FnMut(&Self) -> bool) {
        let board = self.board.clone();
        self.useless = 0;
        loop {
            self.fill();
            self.collect();
            if done(self) {
                return;
            }
            let wanted = if each {
                EACH
            } else if self.waiting.is_empty() {
                DRAINED
            } else {
                ROOM
            };
            board[0].wanted.store(wanted, Relaxed);
            // While the workers work, they need the cores.
            let spins = if each { spins(2) } else { 0 };
            lanes::wait("results", || {
                board[0].bell.wait(spins, Some(Instant::now() + ROUND), || self.news(wanted).then_some(()), || false)
            });
            if self.seen_alive.elapsed() >= ROUND {
                self.seen_alive = Instant::now();
                for number in 0..self.workers.len() {
                    if self.workers[number].child.as_mut().is_none_or(|child| !child.is_alive()) {
                        self.replace(number);
                    }
                }
            }
        }
    }

    /// Whether there is something for the pool to do. A worker that makes it so rings.
    fn news(&mut self, wanted: u32) -> bool {
        let due = self.tasks.is_empty() || wanted == EACH || wanted == ROOM && self.tasks.is_half_empty();
        let room = wanted == ROOM && self.tasks.is_half_empty();
        room || self.workers.iter_mut().any(|worker| {
            let came = worker.results.available_now();
            came > 0 && due || came > RESULTS / 2
        })
    }

    /// Takes in all results that are there.
    fn collect(&mut self) {
        for number in 0..self.workers.len() {
            loop {
                let worker = &mut self.workers[number];
                if worker.results.read(&mut worker.read, usize::MAX) == 0 {
                    break;
                }
                worker.results.free();
                let mut bytes = std::mem::take(&mut worker.read);
                let used = self.take_in(&bytes);
                bytes.drain(..used);
                self.workers[number].read = bytes;
            }
        }
    }

    /// Takes in the whole results at the front of these bytes, and says how long they were.
    fn take_in(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some((head, rest)) = bytes[used..].split_first_chunk::<{ worker::HEAD }>() {
            let (number, length, said) = worker::parse_head(head);
            let Some(value) = rest.get(..length) else { break };
            used += worker::HEAD + length;
            self.useless = 0;
            let Some(chunk) = self.open.get_mut(&number) else { continue };
            let task = chunk.first();
            chunk.done();
            if chunk.is_done() {
                self.open.remove(&number);
            }
            let result = match said {
                VALUE => postcard::from_bytes(value).map_err(|error| TaskCause::Result(error.to_string())),
                FAILED => Err(TaskCause::Failed(String::from_utf8_lossy(value).into())),
                other => Err(TaskCause::Result(format!("it begins with {other}"))),
            };
            self.came(result.map(|value| (task, value)).map_err(|cause| TaskError { task, cause }));
        }
        used
    }

    fn came(&mut self, result: Result<(u64, R), TaskError>) {
        let (task, result) = match result {
            Ok((task, value)) => (task, Ok(value)),
            Err(error) => (error.task, Err(error)),
        };
        match task.checked_sub(self.mapped.0) {
            Some(place) => self.mapped.1[place as usize] = Some(result),
            None => {
                self.submitted.insert(task, result);
            }
        }
    }
}

impl<A, R> Drop for Pool<A, R> {
    fn drop(&mut self) {
        // Those who have nothing to do end by themselves, so that the picture shows an end and no death. The others are
        // killed when their `Child` is dropped, and so is one that does not end soon.
        if !self.open.is_empty() || thread::panicking() {
            return;
        }
        self.board[0].closed.store(1, Release);
        self.tasks.wake_all();
        let start = Instant::now();
        for worker in &mut self.workers {
            if let Some(child) = &mut worker.child {
                let _ = child.wait_timeout(PATIENCE.saturating_sub(start.elapsed()));
            }
        }
    }
}

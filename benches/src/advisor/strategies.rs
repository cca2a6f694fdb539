//! A map under each strategy: how its tasks get to workers, and how the results get back to the caller.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ch1_parallel::kernels::{Strategy, count, pool};
use ch1_parallel::map::{Map, Results};
use ch3_processes::Pool;
use course::lanes;
use rayon::prelude::*;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::{mpi, printed};

/// A job of ranks may take this long.
const LIMIT: Duration = Duration::from_secs(60);

/// Into how many chunks for each thread the tasks are divided: few cost little, many let all threads end at about the same
/// time.
const CHUNKS: usize = 8;

/// Runs maps. Rayon's threads and the event loop start once, as in most programs. All that the other strategies need is
/// started and ended in each run.
#[derive(Debug)]
pub struct Runner {
    workers: usize,
    pool: rayon::ThreadPool,
    event_loop: Runtime,
}

impl Runner {
    /// A runner with this number of workers.
    ///
    /// # Errors
    /// The system does not start the threads.
    pub fn new(workers: usize) -> anyhow::Result<Self> {
        let event_loop = Builder::new_current_thread().enable_time().build().context("starting an event loop")?;
        Ok(Self { workers, pool: pool(workers)?, event_loop })
    }

    /// The seconds from the call until all results are with the caller. The results are checked after that.
    ///
    /// # Errors
    /// Workers do not start, there is not enough memory, or the results are wrong.
    pub fn run(&self, strategy: Strategy, map: &Map) -> anyhow::Result<f64> {
        if strategy == Strategy::Mpi {
            // Rank 0 is the caller.
            return ranks(map, self.workers);
        }
        let start = Instant::now();
        let mut results = Results::new(map, map.tasks)?;
        let workers = self.workers.min(map.tasks);
        let sum = match strategy {
            Strategy::Serial => map.run_all(0, results.bytes_mut()),
            Strategy::Rayon => self.rayon(map, results.bytes_mut()),
            Strategy::Threads => threads(map, workers, results.bytes_mut()),
            Strategy::Processes => processes(map, workers, results.bytes_mut())?,
            Strategy::Async => lanes::wait("tasks", || self.event_loop.block_on(tasks(map, results.bytes_mut())))?,
            Strategy::Mpi => bail!("ranks are started elsewhere"),
        };
        let seconds = start.elapsed().as_secs_f64();
        match map.check(results.bytes(), sum) {
            Some(wrong) => bail!("{strategy}: {wrong}"),
            None => Ok(seconds),
        }
    }

    /// A parallel iterator over the results. The workers of the pool write into the caller's memory.
    fn rayon(&self, map: &Map, results: &mut [u8]) -> u64 {
        // Rayon supposes that tasks compute. Of tasks that wait, each must be one that another worker can steal.
        let most = if map.wait.is_zero() { usize::MAX } else { 1 };
        lanes::wait("pool", || {
            self.pool.install(|| {
                let each = results.par_chunks_mut(map.stride()).enumerate().with_max_len(most);
                each.map(|(task, result)| map.run(task, result)).reduce(|| 0, u64::wrapping_add)
            })
        })
    }
}

/// Scoped threads. Each takes the next chunk of the caller's memory and fills it. The caller is one of them.
fn threads(map: &Map, workers: usize, results: &mut [u8]) -> u64 {
    let chunk = map.tasks.div_ceil(CHUNKS * workers);
    let chunks = Mutex::new(results.chunks_mut(chunk * map.stride()).enumerate());
    let work = || {
        let mut sum = 0u64;
        // No thread panics while it holds the lock.
        let next = || chunks.lock().expect("no panic").next();
        while let Some((number, results)) = next() {
            sum = sum.wrapping_add(map.run_all(number * chunk, results));
        }
        sum
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let sums = others.into_iter().map(|other| other.join().expect("no panic"));
        // The iterator joins the threads only after the caller has worked.
        sums.fold(work(), u64::wrapping_add)
    })
}

/// A task in a process: its number, and what `Map` says. A process cannot write into the caller's memory, so it returns the
/// bytes.
pub fn in_process((task, grain, wait, bytes): (usize, u64, Duration, usize)) -> anyhow::Result<(u64, Vec<u8>)> {
    let map = Map { tasks: 1, grain, wait, bytes };
    let mut result = vec![0; bytes];
    Ok((map.run(task, &mut result), result))
}

/// A pool of processes. The caller copies the results into its memory.
fn processes(map: &Map, workers: usize, results: &mut [u8]) -> anyhow::Result<u64> {
    let mut pool = Pool::new("map", workers, in_process)?;
    let returned = pool.map((0..map.tasks).map(|task| (task, map.grain, map.wait, map.bytes)))?;
    let mut sum = 0u64;
    for ((number, bytes), result) in returned.into_iter().zip(results.chunks_mut(map.stride())) {
        sum = sum.wrapping_add(number);
        result[..map.bytes].copy_from_slice(&bytes);
    }
    Ok(sum)
}

/// Tasks of an event loop in one thread: all of them wait at the same time.
async fn tasks(map: &Map, results: &mut [u8]) -> anyhow::Result<u64> {
    let map = *map;
    let mut set = JoinSet::new();
    for task in 0..map.tasks {
        set.spawn(async move {
            let counted = count::task(map.grain);
            if !map.wait.is_zero() {
                tokio::time::sleep(map.wait).await;
            }
            let mut result = vec![0; map.bytes];
            (task, map.finish(task, counted, &mut result), result)
        });
    }
    let mut sum = 0u64;
    while let Some(ended) = set.join_next().await {
        let (task, number, bytes) = ended?;
        sum = sum.wrapping_add(number);
        results[task * map.stride()..][..map.bytes].copy_from_slice(&bytes);
    }
    Ok(sum)
}

/// What rank 0 prints: the seconds of its check, which are no part of the map.
#[derive(Deserialize)]
struct Gathered {
    check: f64,
}

/// A job of ranks, from its start to its end.
fn ranks(map: &Map, workers: usize) -> anyhow::Result<f64> {
    let finished = printed::run("mpi", &mut mpi::map(map, workers)?, LIMIT)?;
    let check: f64 = printed::results::<Gathered>("mpi", &finished)?.iter().map(|gathered| gathered.check).sum();
    Ok(finished.took.as_secs_f64() - check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_in_one_process_are_right() {
        // Those with processes and ranks need programs: tests/programs/advise.rs runs them.
        for workers in [1, 3] {
            let runner = Runner::new(workers).unwrap();
            for (tasks, bytes) in [(1, 0), (7, 1), (100, 0), (1000, 33)] {
                for wait in [Duration::ZERO, Duration::from_nanos(1)] {
                    let map = Map { tasks, grain: 3, wait, bytes };
                    for strategy in [Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async] {
                        runner.run(strategy, &map).unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn a_process_returns_what_a_thread_writes() {
        let map = Map { tasks: 1, grain: 4, wait: Duration::ZERO, bytes: 5 };
        let mut result = [0; 5];
        let number = map.run(9, &mut result);
        assert_eq!(in_process((9, 4, Duration::ZERO, 5)).unwrap(), (number, result.to_vec()));
    }
}

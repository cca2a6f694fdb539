//! Pools, some of whose workers are killed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ch3_processes::pool::TaskCause;
use ch3_processes::{Pool, children, spawn};
use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};

use course::testing::group::LIMIT;
use course::testing::harness::{run_trials, trials};
use course::testing::proc::{alive, children_of, signal, wait_for};

/// A child that starts in a folder with this file ends as soon as it has its request, before it takes a task.
const ENDS_AT_ONCE: &str = "ends-at-once";

fn main() -> ExitCode {
    if Path::new(ENDS_AT_ONCE).exists() {
        // Its standard input is the socket.
        let read = std::io::stdin().read(&mut [0]);
        exit(if read.is_ok() { 7 } else { 8 });
    }
    children![square, square_slowly, square_or, square_into, reverse, large, lose_one, lose_all, start_in_vain];
    run_trials(trials![
        results_come_in_order
        tasks_can_be_submitted_and_joined_in_any_order
        tasks_and_results_of_any_size
        a_task_whose_worker_is_killed_is_run_again
        a_task_that_kills_each_worker_is_named
        a_panic_and_an_error_are_errors_of_the_task
        a_task_that_cannot_be_sent_is_the_only_one_that_fails
        workers_can_be_killed_at_any_moment
        a_pool_that_can_start_no_worker_says_so
        a_pool_continues_without_a_worker_that_cannot_be_started
        a_pool_gives_up_if_each_worker_ends_before_it_takes_a_task
        a_pool_gives_up_if_its_workers_are_killed_all_the_time
        a_ticket_is_valid_for_its_pool_only
        a_panic_of_the_iterator_of_tasks_leaves_the_pool_usable
        a_result_wakes_the_caller
        a_dropped_pool_leaves_no_process
        a_pool_of_no_workers_is_an_error
    ])
}

fn square(number: u64) -> anyhow::Result<u64> {
    Ok(number * number)
}

fn square_slowly((number, micros): (u64, u64)) -> anyhow::Result<u64> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {}
    square(number)
}

/// A number that cannot be sent if it is 42.
#[derive(serde::Deserialize)]
struct Picky(u64);

impl serde::Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            42 => Err(serde::ser::Error::custom("it is 42")),
            number => serializer.serialize_u64(number),
        }
    }
}

/// Writes down the square of a number.
fn square_into((Picky(number), folder): (Picky, PathBuf)) -> anyhow::Result<()> {
    Ok(std::fs::write(folder.join(number.to_string()), (number * number).to_string())?)
}

/// Squares a number; `way` says what happens at 42 instead. With a file that happens once only.
fn square_or((number, way, once): (u64, String, Option<PathBuf>)) -> anyhow::Result<u64> {
    if number == 42 && once.is_none_or(|file| std::fs::File::create_new(file).is_ok()) {
        match way.as_str() {
            "die" => kill_process(getpid(), Signal::KILL)?,
            "leave" => exit(3),
            "panic" => panic!("there is no square of {number}"),
            _ => anyhow::bail!("it is no number"),
        }
    }
    square(number)
}

fn reverse(text: String) -> anyhow::Result<String> {
    Ok(text.chars().rev().collect())
}

fn large(length: usize) -> anyhow::Result<Vec<u8>> {
    Ok(vec![length as u8; length])
}

fn squares(count: u64) -> Vec<u64> {
    (0..count).map(|number| number * number).collect()
}

fn results_come_in_order() {
    for workers in [1, 2, 5] {
        let mut pool = Pool::new("square", workers, square).unwrap();
        for count in [0, 1, 7, 1000] {
            assert_eq!(pool.map(0..count).unwrap(), squares(count));
            for chunk in [0, 1, 3, 5000] {
                assert_eq!(pool.map_in_chunks(0..count, chunk).unwrap(), squares(count));
            }
        }
        assert_eq!(pool.map(0..300_000).unwrap(), squares(300_000));
        assert!(pool.repeated().is_empty());
    }
}

fn tasks_can_be_submitted_and_joined_in_any_order() {
    let mut pool = Pool::new("reverse", 3, reverse).unwrap();
    let mut tickets: Vec<_> = (0..500).map(|number| (number, pool.submit(format!("{number}.")))).collect();
    assert_eq!(pool.map(["one".into(), "two".into()]).unwrap(), ["eno", "owt"]);
    let right = |number: u32| format!(".{}", number.to_string().chars().rev().collect::<String>());
    for _ in 0..200 {
        let (number, ticket) = tickets.pop().unwrap();
        assert_eq!(pool.join(ticket).unwrap(), right(number));
    }
    for (number, ticket) in tickets {
        assert_eq!(pool.join(ticket).unwrap(), right(number));
    }
    for number in 0..100 {
        let ticket = pool.submit(format!("{number}."));
        assert_eq!(pool.join(ticket).unwrap(), right(number));
    }
}

fn tasks_and_results_of_any_size() {
    let mut pool = Pool::new("large", 2, large).unwrap();
    let lengths = [0, 1 << 20, 3, 64 << 20, 5_000_000, 1];
    for chunk in [1, 4] {
        let results = pool.map_in_chunks(lengths, chunk).unwrap();
        assert!(results.iter().map(Vec::len).eq(lengths));
        assert!(results.iter().all(|result| result.iter().all(|&byte| byte == result.len() as u8)));
    }
    // Together more than the pool's queue has room for, and then one task that alone is longer.
    let mut pool = Pool::new("reverse", 2, reverse).unwrap();
    let text = "ab".repeat(2_000_000);
    let results = pool.map((0..40).map(|_| text.clone())).unwrap();
    assert!(results.len() == 40 && results.iter().all(|result| result.len() == text.len() && result.starts_with("ba")));
    for chunk in [1, 2, 3] {
        let error = pool.map_in_chunks(["short".into(), "x".repeat(65 << 20), "end".into()], chunk).unwrap_err();
        assert!(error.task == 1 && matches!(error.cause, TaskCause::Task(_)), "{error}");
    }
    assert_eq!(pool.map(["ok".into()]).unwrap(), ["ko"]);
}

fn tasks(way: &str, once: Option<PathBuf>) -> impl Iterator<Item = (u64, String, Option<PathBuf>)> {
    (0..100).map(move |number| (number, way.into(), once.clone()))
}

fn a_task_whose_worker_is_killed_is_run_again() {
    for (round, way) in ["die", "leave"].into_iter().cycle().take(6).enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut pool = Pool::new("worker", 1 + round % 3, square_or).unwrap();
        let results = pool.map_in_chunks(tasks(way, Some(folder.path().join("once"))), [1, 10, 100][round / 2]);
        assert_eq!(results.unwrap(), squares(100), "{way}");
        let repeated = pool.repeated();
        assert_eq!(repeated.len(), 1);
        let said = repeated[0].to_string();
        assert!(
            said.starts_with("worker ") && said.contains(" ended in task 42 (") && said.ends_with("run again"),
            "{said}"
        );
        assert_eq!(pool.map_in_chunks(tasks("none", None).take(42), 1).unwrap(), squares(42));
        assert!(pool.repeated().is_empty());
        // In a later map the task has the number that it has there.
        let again = tasks(way, Some(folder.path().join("again"))).skip(40);
        assert_eq!(pool.map_in_chunks(again, 7).unwrap(), squares(100)[40..]);
        assert_eq!(pool.repeated()[0].task, 2);
    }
}

fn a_task_that_kills_each_worker_is_named() {
    let mut pool = Pool::new("worker", 2, square_or).unwrap();
    for chunk in [1, 10, 100] {
        let error = pool.map_in_chunks(tasks("die", None), chunk).unwrap_err();
        assert_eq!(error.to_string(), "task 42: it ended its worker, twice: signal: 9 (SIGKILL)");
        assert_eq!(pool.repeated().len(), 1);
        let others = tasks("die", None).filter(|task| task.0 != 42);
        assert_eq!(pool.map(others).unwrap().len(), 99);
        let ticket = pool.submit((42, "die".into(), None));
        assert!(matches!(pool.join(ticket).unwrap_err().cause, TaskCause::Ended(_)));
        assert_eq!(pool.repeated().len(), 1);
    }
}

fn a_panic_and_an_error_are_errors_of_the_task() {
    let mut pool = Pool::new("worker", 2, square_or).unwrap();
    let error = pool.map(tasks("panic", None)).unwrap_err();
    assert_eq!(error.task, 42);
    let said = error.to_string();
    assert!(
        said.starts_with("task 42: it panicked: there is no square of 42 (") && said.contains("pool.rs:"),
        "{said}"
    );
    assert!(pool.repeated().is_empty(), "a task that panicked is not run again");
    let error = pool.map(tasks("fail", None)).unwrap_err();
    assert_eq!(error.to_string(), "task 42: it is no number");
    assert_eq!(pool.map(tasks("fail", None).skip(43)).unwrap().len(), 57);
}

fn a_task_that_cannot_be_sent_is_the_only_one_that_fails() {
    let mut pool = Pool::new("worker", 2, square_into).unwrap();
    for chunk in [1, 10, 100] {
        let folder = tempfile::tempdir().unwrap();
        let tasks = (0..100).map(|number| (Picky(number), folder.path().to_path_buf()));
        let error = pool.map_in_chunks(tasks, chunk).unwrap_err();
        assert!(error.task == 42 && matches!(error.cause, TaskCause::Task(_)), "{error}");
        for number in (0..100_u64).filter(|&number| number != 42) {
            let square = std::fs::read_to_string(folder.path().join(number.to_string()));
            assert_eq!(square.unwrap(), (number * number).to_string());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let submit = |number| (number, pool.submit((Picky(number), folder.path().to_path_buf())));
    let tickets: Vec<_> = (40..45).map(submit).collect();
    for (number, ticket) in tickets {
        assert_eq!(pool.join(ticket).is_err(), number == 42, "{number}");
    }
}

fn workers_can_be_killed_at_any_moment() {
    let mut pool = Pool::new("square", 3, square_slowly).unwrap();
    let mut repeated = 0;
    for round in 0..40 {
        let victims = pool.processes();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(431 * round));
            let id = victims[round as usize % victims.len()];
            if alive(id) {
                signal(id, Signal::KILL);
            }
        });
        let micros = [0, 5, 100][round as usize % 3];
        let (count, chunk) = if micros == 100 { (200, 1) } else { (3000, [1, 7][round as usize % 2]) };
        let results = pool.map_in_chunks((0..count).map(|number| (number, micros)), chunk).unwrap();
        assert_eq!(results, squares(count), "round {round}");
        killer.join().unwrap();
        repeated += pool.repeated().len();
    }
    assert!(repeated > 0, "no worker was killed in a task");
}

/// Kills all workers of a pool while no process can be started. Returns the pool's error.
fn lose_all() -> anyhow::Result<String> {
    let mut pool = Pool::new("square", 2, square)?;
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limits })?;
    pool.processes().into_iter().for_each(|id| signal(id, Signal::KILL));
    let error = pool.map(0..100).expect_err("no worker is left");
    let ticket = pool.submit(3);
    anyhow::ensure!(pool.join(ticket).is_err());
    setrlimit(Resource::Nofile, limits)?;
    anyhow::ensure!(pool.map(0..3)? == [0, 1, 4], "the pool starts workers as soon as that is possible");
    Ok(error.to_string())
}

fn a_pool_that_can_start_no_worker_says_so() {
    let error = spawn("lose all", lose_all, ()).unwrap().join().unwrap();
    assert!(error.starts_with("task 0: square ") && error.contains("Too many open files"), "{error}");
}

/// Kills one of two workers while no process can be started. The tasks take longer than the pool needs to see that.
fn lose_one() -> anyhow::Result<Vec<u64>> {
    let mut pool = Pool::new("square", 2, square_slowly)?;
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limits })?;
    signal(pool.processes()[0], Signal::KILL);
    let results = pool.map_in_chunks((0..50).map(|number| (number, 10_000)), 1);
    setrlimit(Resource::Nofile, limits)?;
    Ok(results?)
}

fn a_pool_continues_without_a_worker_that_cannot_be_started() {
    assert_eq!(spawn("lose one", lose_one, ()).unwrap().join().unwrap(), squares(50));
}

/// The pool's error, and what it says of a second map.
fn start_in_vain() -> anyhow::Result<(String, String)> {
    let folder = tempfile::tempdir()?;
    std::env::set_current_dir(folder.path())?;
    std::fs::write(ENDS_AT_ONCE, "")?;
    let mut pool = Pool::new("doomed", 2, square)?;
    let mut error = || anyhow::Ok(pool.map(0..100).expect_err("no worker takes a task").to_string());
    Ok((error()?, error()?))
}

fn a_pool_gives_up_if_each_worker_ends_before_it_takes_a_task() {
    let mut child = spawn("start in vain", start_in_vain, ()).unwrap();
    assert!(child.wait_timeout(LIMIT).unwrap().is_some(), "the pool starts workers for ever");
    let (first, second) = child.join().unwrap();
    for error in [first, second] {
        assert!(error.starts_with("task 0: doomed ") && error.contains("exit status: 7"), "{error}");
    }
}

fn a_pool_gives_up_if_its_workers_are_killed_all_the_time() {
    let mut pool = Pool::new("doomed", 2, square_slowly).unwrap();
    let (done, over) = mpsc::channel::<()>();
    let killer = thread::spawn(move || {
        while let Err(mpsc::TryRecvError::Empty) = over.try_recv() {
            for child in children_of(std::process::id()).into_iter().filter(|child| child.name.starts_with("doomed")) {
                // The pool may have waited for it by now. Then no process has its id, or another worker.
                let _ = kill_process(course::testing::proc::pid(child.id), Signal::KILL);
            }
        }
    });
    let error = pool.map_in_chunks((0..10).map(|number| (number, 1_000_000)), 1).unwrap_err();
    assert!(matches!(error.cause, TaskCause::Worker(_) | TaskCause::Ended(_)), "{error}");
    done.send(()).unwrap();
    killer.join().unwrap();
    assert_eq!(pool.map([(3, 0)]).unwrap(), [9]);
}

/// Whether `act` panics. Prints nothing.
fn panics(act: impl FnOnce()) -> bool {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).is_err();
    std::panic::set_hook(hook);
    panicked
}

fn a_ticket_is_valid_for_its_pool_only() {
    let pool = || Pool::new("square", 1, square).unwrap();
    let (mut one, mut other) = (pool(), pool());
    let ticket = one.submit(3);
    let _same_number = other.submit(4);
    assert!(panics(|| drop(other.join(ticket))));
}

fn a_panic_of_the_iterator_of_tasks_leaves_the_pool_usable() {
    let mut pool = Pool::new("square", 2, square).unwrap();
    let tasks = (0..1000).map(|number| if number == 700 { panic!("no more") } else { number });
    assert!(panics(|| drop(pool.map_in_chunks(tasks, 10))));
    let ticket = pool.submit(5);
    assert_eq!(pool.join(ticket).unwrap(), 25);
    assert_eq!(pool.map(0..100).unwrap(), squares(100));
}

fn a_result_wakes_the_caller() {
    // A caller that no worker wakes looks again after 50 ms. The tasks take longer than the caller spins.
    const ROUNDS: u32 = 200;
    let unwoken = Duration::from_millis(50) * ROUNDS;
    let mut pool = Pool::new("slow", 2, square_slowly).unwrap();
    pool.map([(0, 0)]).unwrap();
    let start = Instant::now();
    for number in 0..ROUNDS.into() {
        let ticket = pool.submit((number, 500));
        assert_eq!(pool.join(ticket).unwrap(), number * number);
    }
    assert!(start.elapsed() < unwoken / 2, "submitted tasks: {:?}", start.elapsed());
    let start = Instant::now();
    for number in 0..ROUNDS.into() {
        assert_eq!(pool.map_in_chunks([(number, 500), (number, 500)], 1).unwrap(), [number * number; 2]);
    }
    assert!(start.elapsed() < unwoken / 2, "maps: {:?}", start.elapsed());
}

fn a_dropped_pool_leaves_no_process() {
    let mut pool = Pool::new("square", 4, square).unwrap();
    let _never = pool.submit(3);
    let workers = pool.processes();
    drop(pool);
    wait_for("end of the workers", LIMIT, || workers.iter().all(|&id| !alive(id)).then_some(()));
}

fn a_pool_of_no_workers_is_an_error() {
    assert_eq!(
        Pool::new("none", 0, square).unwrap_err().to_string(),
        "none: it cannot be started: a pool of no workers"
    );
}

//! Tasks that wait for each other on a real runtime and go on: no report may call them a deadlock. One test, since a process has one
//! board of lanes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use course::lanes::hang::{Lanes, Verdict};
use course::lanes::{self, board};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio::{join, pin, select, spawn};

/// For how long a task holds the lock, so that the other lanes do not move.
const HELD: Duration = Duration::from_millis(200);
/// A lane that has not moved for this time may be called stuck.
const STILL: Duration = Duration::from_millis(20);

/// Holds the lock while it sleeps.
async fn holds(lock: &Mutex<u32>) {
    let mut guard = lanes::lock_for("the lock", lock, Mutex::lock).await;
    lanes::sleeping("a pause", sleep(HELD)).await;
    *guard += 1;
}

async fn needs(lock: &Mutex<u32>) {
    *lanes::lock_for("the lock", lock, Mutex::lock).await += 1;
}

async fn two_tasks(lock: Arc<Mutex<u32>>) {
    let (one, other) = (Arc::clone(&lock), lock);
    let holder = spawn(lanes::task("holder", async move { holds(&one).await }));
    let needy = spawn(lanes::task("needy", async move { needs(&other).await }));
    lanes::join_for("needy", needy).await.expect("it does not panic");
    lanes::join_for("holder", holder).await.expect("it does not panic");
}

/// The task polls the future that holds the lock, and waits for the lock beside it.
async fn one_task(lock: Arc<Mutex<u32>>) {
    lanes::task("both", async { join!(lanes::task("holder", holds(&lock)), needs(&lock)) }).await;
}

/// The lane waits for the lock that it holds itself, beside a sleep that is not marked.
async fn not_marked(lock: Arc<Mutex<u32>>) {
    let holds = async {
        let mut guard = lanes::lock_for("the lock", &*lock, Mutex::lock).await;
        sleep(HELD).await;
        *guard += 1;
    };
    lanes::task("both", async { join!(holds, needs(&lock)) }).await;
}

/// The task leaves out the future that holds the lock, waits for something else, and polls it again.
async fn polled_again(lock: Arc<Mutex<u32>>) {
    lanes::task("server", async {
        let (pause, write) = (sleep(2 * HELD), lanes::task("write", holds(&lock)));
        pin!(pause, write);
        select! {
            biased;
            () = &mut write => panic!("the future sleeps"),
            () = async {} => {}
        }
        // The future is woken meanwhile.
        lanes::wait_for("a pause", &mut pause).await;
        join!(write, needs(&lock));
    })
    .await;
}

fn run<F: Future<Output = ()>>(runtime: &Runtime, case: impl FnOnce(Arc<Mutex<u32>>) -> F) {
    let lock = Arc::<Mutex<u32>>::default();
    runtime.block_on(case(Arc::clone(&lock)));
    assert_eq!(*lock.try_lock().expect("it is free"), 2, "a task holds the lock, and another one acquires it later");
}

#[test]
fn tasks_that_go_on_are_no_deadlock() {
    board::watch();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut looks = 0;
            let begin = Instant::now();
            // The limit is for a case that has failed.
            while !ended.load(Relaxed) && begin.elapsed() < Duration::from_secs(30) {
                let lanes = Lanes::now(STILL);
                assert_ne!(lanes.verdict(), Verdict::Deadlock, "{}", lanes.report());
                looks += 1;
                thread::sleep(Duration::from_millis(1));
            }
            looks
        });
        {
            let _main = lanes::lane("main");
            let one = Builder::new_current_thread().enable_time().build().expect("a runtime");
            let many = Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime");
            for runtime in [&one, &many] {
                run(runtime, two_tasks);
                run(runtime, one_task);
                run(runtime, not_marked);
                run(runtime, polled_again);
            }
        }
        ended.store(true, Relaxed);
        assert!(watching.join().expect("no deadlock is seen") > 8);
    });
}

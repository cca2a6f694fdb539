use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::{has_lanes, items};
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, signal, wait_for};

pub const PROCESS_POOL: Program = Program {
    path: env!("CARGO_BIN_EXE_process_pool"),
    source: "src/bin/process_pool.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "x"],
        &["--workers", "401"],
        &["--tasks", "0"],
        &["--tasks", "-1"],
        &["--tasks", "100001"],
        &["--steps", "-1"],
        &["--steps", "many"],
        &["--steps", "1000000000001"],
    ],
    long: &["--steps", "10000000000"],
};

fn squares(tasks: u64) -> String {
    let squares: Vec<_> = (0..tasks).map(|number| number * number).collect();
    format!("{squares:?}")
}

#[test]
fn keeps_its_promises() {
    PROCESS_POOL.keeps_its_promises();
}

#[test]
fn squares_come_in_order() {
    for (workers, tasks, steps) in
        [(1, 1, 0), (1, 100, 0), (4, 100, 10_000), (64, 100, 0), (64, 3, 100), (3, 20_000, 0)]
    {
        let [workers_text, tasks_text, steps] = [workers, tasks, steps].map(|number: u64| number.to_string());
        let output = PROCESS_POOL.succeeds(&["--workers", &workers_text, "--tasks", &tasks_text, "--steps", &steps]);
        assert_eq!(output.lines().nth(1), Some(squares(tasks).as_str()));
        assert!(output.contains("speed-up "), "{output}");
        // No process but the workers, which have been started once, does a task.
        let by = items(&output, |line| line.strip_prefix("workers that did a task: "));
        assert!((1..=workers).contains(&by[0].parse().unwrap()), "{output}");
    }
}

#[test]
fn a_worker_that_is_killed_costs_nothing_but_a_remark() {
    // Some seconds of work, in tasks of some ten milliseconds.
    let mut group = Group::start(Command::new(PROCESS_POOL.path).args(["--workers", "3", "--steps", "10000000"]));
    let reader = group.read_output();
    let workers = wait_for("workers", LIMIT, || {
        let workers: Vec<_> =
            children_of(group.id()).into_iter().filter(|child| child.name.starts_with("worker")).collect();
        (workers.len() == 3).then_some(workers)
    });
    // Until it computes, which is when it has used the processor for a while.
    let ticks = |id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(11)?.parse::<u64>().ok()
    };
    wait_for("work", LIMIT, || ticks(workers[1].id).filter(|&ticks| ticks >= 3));
    signal(workers[1].id, Signal::KILL);
    let (status, errors) = group.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(errors.starts_with("remark: ") && errors.contains("worker 1") && errors.contains("SIGKILL"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_eq!(reader.join().unwrap().lines().nth(1), Some(squares(100).as_str()));
}

#[test]
fn the_squares_are_complete_or_an_error_comes_if_workers_are_killed_all_the_time() {
    let mut group = Group::start(Command::new(PROCESS_POOL.path).args(["--workers", "3", "--steps", "10000000"]));
    let reader = group.read_output();
    let mut kills = 0;
    let status = wait_for("end", 2 * LIMIT, || {
        let status = group.child.try_wait().expect("a child");
        if status.is_none() && kills < 40 {
            std::thread::sleep(Duration::from_millis(7));
            for child in children_of(group.id()).into_iter().filter(|child| child.name.starts_with("worker")).take(1) {
                let _ = rustix::process::kill_process(course::testing::proc::pid(child.id), Signal::KILL);
                kills += 1;
            }
        }
        status
    });
    let (_, errors) = group.end();
    let output = reader.join().unwrap();
    match status.code() {
        Some(0) => assert_eq!(output.lines().nth(1), Some(squares(100).as_str())),
        Some(1) => assert!(errors.lines().last().is_some_and(|line| line.starts_with("error: task ")), "{errors}"),
        _ => panic!("{status}: {errors}"),
    }
}

#[test]
fn the_chart_has_all_workers() {
    let args = ["--workers", "3", "--tasks", "30", "--steps", "5000000"];
    let output = has_lanes(&PROCESS_POOL, &args, &["process_pool", "worker 0", "worker 1", "worker 2"]);
    assert!(!output.contains("killed"), "workers that have nothing to do end by themselves: {output}");
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_POOL.ends_every_time(&["--workers", "8"]);
}

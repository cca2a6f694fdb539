//! `kernel` as a program: every pair of kernel and strategy, its figures, and bad input.

use std::process::Command;
use std::time::Duration;

use benches::machine::usable_cores;
use benches::mpi;
use ch1_parallel::kernels::grain::Pattern;
use ch1_parallel::kernels::{Figures, Kernel, Strategy};
use clap::ValueEnum;
use course::program::{Finished, run};
use course::testing::traces::{Stretch, in_state, of, read};
use serde_json::Value;

fn kernel(args: &[&str]) -> Finished {
    let finished = run(Command::new(env!("CARGO_BIN_EXE_kernel")).args(args), Duration::from_secs(120));
    finished.expect("the program starts")
}

/// All pairs that can run here: with `mpi` only if chapter 4 can be built.
fn pairs() -> Vec<(Kernel, Strategy)> {
    let mpi = mpi::available();
    if let Err(missing) = &mpi {
        println!("without the strategy mpi: {missing:#}");
    }
    let can_run = |strategy: &Strategy| mpi.is_ok() || *strategy != Strategy::Mpi;
    let all =
        |&kernel: &Kernel| kernel.strategies().iter().copied().filter(can_run).map(move |strategy| (kernel, strategy));
    Kernel::value_variants().iter().flat_map(all).collect()
}

#[test]
fn every_pair_is_right_with_any_number_of_workers() {
    for (kernel_name, strategy) in pairs() {
        // Several blocks of random numbers, or several groups of rows.
        let large = if kernel_name == Kernel::DoSomething { "10000" } else { "100" };
        for (workers, size) in ["1", "2", "3", "7"].into_iter().flat_map(|workers| [(workers, "13"), (workers, large)])
        {
            let (kernel_name, strategy) = (kernel_name.to_string(), strategy.to_string());
            let args =
                [&kernel_name, "--strategy", &strategy, "--workers", workers, "--size", size, "--iterations", "3"];
            let finished = kernel(&[&args[..], &["--grain", "50", "--json"]].concat());
            assert_eq!(finished.code(), Some(0), "{args:?}: {finished:?}");
            let lines: Vec<_> = finished.stdout.lines().collect();
            assert_eq!(lines.len(), 1, "{args:?}: {finished:?}");
            let figures: Value = serde_json::from_str(lines[0]).expect("JSON");
            let workers = if strategy == "serial" { "1" } else { workers };
            assert_eq!(figures["kernel"], kernel_name);
            assert_eq!(figures["strategy"], strategy);
            assert_eq!(figures["workers"].to_string(), workers);
            assert_eq!(figures["size"].to_string(), size);
            assert_eq!(figures["iterations"], 3);
            assert_eq!(figures["valid"], true);
            assert!(figures["unit"].is_string());
            let number = |name: &str| figures[name].as_f64().expect(name);
            assert!(number("rate") > 0.0 && number("seconds_min") > 0.0);
            assert!(number("seconds_min") <= number("seconds_avg"));
        }
    }
}

#[test]
fn graphs_of_every_pattern_are_right() {
    for (_, strategy) in pairs().into_iter().filter(|(kernel, _)| *kernel == Kernel::Grain) {
        for pattern in Pattern::value_variants() {
            let flags = ["--workers", "5", "--size", "40", "--iterations", "2", "--grain", "10", "--json"];
            let pair = ["grain", "--strategy", &strategy.to_string(), "--pattern", pattern.name()];
            let finished = kernel(&[&pair[..], &flags].concat());
            assert_eq!(finished.code(), Some(0), "{strategy}, {pattern}: {finished:?}");
            let figures: Figures = serde_json::from_str(&finished.stdout).expect("JSON");
            assert!(figures.valid && figures.unit == "tasks/s", "{figures:?}");
        }
    }
}

#[test]
fn the_smallest_and_the_default_sizes_are_right() {
    for (kernel_name, strategy) in pairs() {
        let (least, name, strategy) =
            (kernel_name.least_size().to_string(), kernel_name.to_string(), strategy.to_string());
        for size in [&["--size", &least][..], &[]] {
            let flags = [&name, "--strategy", &strategy, "--workers", "2", "--iterations", "3"];
            let finished = kernel(&[&flags[..], size].concat());
            assert_eq!(finished.code(), Some(0), "{name} {strategy} {size:?}: {finished:?}");
            assert!(finished.stdout.contains("/s"), "{finished:?}");
        }
    }
}

#[test]
fn without_a_number_of_iterations_the_warm_up_is_left_out() {
    for (_, strategy) in pairs().into_iter().filter(|(kernel, _)| *kernel == Kernel::Count) {
        let finished =
            kernel(&["count", "--strategy", &strategy.to_string(), "--workers", "2", "--size", "10", "--json"]);
        assert_eq!(finished.code(), Some(0), "{strategy}: {finished:?}");
        assert!(finished.stderr.contains("remark: warm-up: "), "{strategy}: {finished:?}");
        let figures: Figures = serde_json::from_str(&finished.stdout).expect("JSON");
        let rate = figures.rate.expect("a rate");
        assert!(
            (rate * figures.seconds_median / 10.0 - 1.0).abs() < 1e-6,
            "the rate is that of the median: {figures:?}"
        );
        let [low, high] = figures.seconds_quartiles;
        let ordered = [figures.seconds_min, low, figures.seconds_median, high];
        assert!(ordered.is_sorted() && figures.iterations >= 3, "{figures:?}");
    }
}

#[test]
fn bad_flags_are_usage_errors() {
    let bad: &[&[&str]] = &[
        &[],
        &["stencil"],
        &["stencil", "--strategy", "serial", "--workers", "0"],
        &["stencil", "--strategy", "serial", "--workers", "two"],
        &["stencil", "--strategy", "threads", "--size", "4"],
        &["stencil", "--strategy", "mpi", "--size", "4"],
        &["stencil", "--strategy", "threads", "--size", "big"],
        &["stencil", "--strategy", "threads", "--size", "99999999999999999999"],
        &["count", "--strategy", "threads", "--size", "0"],
        &["nstream", "--strategy", "threads", "--size", "0"],
        &["pipeline", "--strategy", "processes", "--size", "1"],
        &["transpose", "--strategy", "rayon", "--size", "65537"],
        &["do_something", "--strategy", "serial", "--size", "4294967296"],
        &["do-something", "--strategy", "serial"],
        &["stencil", "--strategy", "rayon", "--threads", "2"],
        &["stencil", "--strategy", "threads", "--threads", "1"],
        &["count", "--strategy", "mpi", "--threads", "2"],
        &["stencil", "--strategy", "mpi", "--threads", "0"],
        &["count", "--strategy", "threads", "--iterations", "0"],
        &["count", "--strategy", "threads", "--grain", "-1"],
        &["grain", "--strategy", "threads", "--size", "0"],
        &["grain", "--strategy", "threads", "--pattern", "star"],
        &["count", "--strategy", "threads", "--pace", "x"],
    ];
    for args in bad {
        let finished = kernel(args);
        assert_eq!(finished.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: "), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn ranks_may_have_threads_in_the_stencil() {
    if let Err(missing) = mpi::available() {
        println!("skipped: {missing:#}");
        return;
    }
    let flags = ["--workers", "2", "--threads", "3", "--size", "101", "--iterations", "3", "--json"];
    let finished = kernel(&[&["stencil", "--strategy", "mpi"][..], &flags].concat());
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let figures: Figures = serde_json::from_str(&finished.stdout).expect("JSON");
    assert!(figures.valid && (figures.workers, figures.threads) == (2, 3), "{figures:?}");
    let finished = kernel(&["count", "--strategy", "mpi", "--threads", "2"]);
    let first = finished.stderr.lines().next();
    let right = "error: '--threads 2' is for the kernel stencil with the strategy mpi, not for count with mpi";
    assert_eq!(first, Some(right), "{finished:?}");
}

#[test]
fn an_unknown_pair_lists_the_pairs() {
    for args in [["stencil", "--strategy", "magic"], ["sort", "--strategy", "serial"]] {
        let finished = kernel(&args);
        assert_eq!(finished.code(), Some(2), "{finished:?}");
        for known in [
            "nstream",
            "stencil",
            "transpose",
            "pipeline",
            "count",
            "do_something",
            "serial, rayon, threads, processes, mpi",
            "Usage: ",
        ] {
            assert!(finished.stderr.contains(known), "{finished:?}");
        }
    }
}

#[test]
fn a_problem_that_does_not_fit_in_memory_is_refused() {
    if benches::solve::fits(Kernel::Stencil, 65536).is_ok() {
        println!("this machine has 64 GiB of free memory, so nothing is refused");
        return;
    }
    for strategy in ["serial", "mpi"] {
        let finished = kernel(&["stencil", "--strategy", strategy, "--size", "65536"]);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
        assert!(finished.stderr.contains("needs 64.0 GiB of memory"), "{finished:?}");
    }
}

#[test]
fn the_lanes_of_the_workers_are_drawn() {
    let args = ["count", "--workers", "2", "--size", "100", "--grain", "1000", "--timeline"];
    for strategy in ["threads", "processes"] {
        let finished = kernel(&[&args[..], &["--strategy", strategy]].concat());
        assert_eq!(finished.code(), Some(0), "{finished:?}");
        assert!(finished.stdout.contains("waits") && finished.stdout.contains("worker 1"), "{}", finished.stdout);
    }
}

#[test]
fn requests_of_all_workers_wait_at_the_same_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("lanes.json");
    // A request waits for much longer than the start of a worker takes, on a busy machine too.
    let args = ["waiting", "--workers", "4", "--size", "8", "--wait", "300000", "--iterations", "1"];
    for (strategy, at_once) in [("serial", 1), ("threads", 4), ("async", 4)] {
        let flags = ["--strategy", strategy, "--trace", trace.to_str().expect("a path in UTF-8")];
        let finished = kernel(&[&args[..], &flags].concat());
        assert_eq!(finished.code(), Some(0), "{finished:?}");
        let requests = in_state("sleep", &read(&trace));
        let others = |one| requests.iter().filter(move |other| other.overlaps(one)).count();
        assert_eq!(requests.len(), 16, "{strategy}: two iterations of eight requests: {requests:?}");
        assert!(requests.iter().all(|one| others(one) >= at_once), "{strategy}: {requests:?}");
        assert!(at_once > 1 || requests.iter().all(|one| others(one) == 1), "{strategy}: {requests:?}");
    }
}

#[test]
fn tasks_of_an_event_loop_that_exchange_values_use_all_cores() {
    if usable_cores() == 1 {
        println!("this machine has one core");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("lanes.json");
    let args = ["grain", "--workers", "2", "--size", "20", "--grain", "1000000", "--iterations", "3"];
    let flags = ["--strategy", "async", "--trace", trace.to_str().expect("a path in UTF-8")];
    let finished = kernel(&[&args[..], &flags].concat());
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let stretches = read(&trace);
    let runs = |lane| of(&stretches, lane, "run");
    let (ones, others) = (runs("worker 0"), runs("worker 1"));
    let together = |one: &Stretch, other: &Stretch| (one.to.min(other.to) - one.from.max(other.from)).max(0.0);
    let together: f64 = ones.iter().flat_map(|one| others.iter().map(move |other| together(one, other))).sum();
    let all: f64 = ones.iter().map(|one| one.to - one.from).sum();
    assert!(together > 0.3 * all, "{together} of {all} microseconds");
}

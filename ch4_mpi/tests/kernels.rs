//! The kernels, the prices and the map under the strategy `mpi`.
#![cfg(mpi)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use ch1_parallel::kernels::grain::Pattern;
use ch1_parallel::kernels::{Figures, Kernel, Measured, Strategy};
use clap::ValueEnum;
use common::{kernel, mpirun, run, succeed};
use course::testing::traces::read;

fn figures(stdout: &str) -> Figures {
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    serde_json::from_str(stdout).unwrap()
}

#[test]
fn all_ranks_and_sizes_are_exact() {
    for ranks in ["1", "2", "3", "5"] {
        // Fewer rows than ranks, slightly more rows than ranks, and sizes that the ranks cannot share evenly.
        for (name, size) in [
            ("nstream", "1"),
            ("nstream", "1000"),
            ("stencil", "5"),
            ("stencil", "7"),
            ("stencil", "101"),
            ("transpose", "1"),
            ("transpose", "17"),
            ("transpose", "100"),
            ("pipeline", "2"),
            ("pipeline", "3"),
            ("pipeline", "100"),
            ("count", "3"),
            ("count", "100"),
            ("do_something", "1"),
            ("do_something", "10000"),
            ("grain", "1"),
            ("grain", "100"),
            // Several slices for each rank.
            ("do_something", "400000"),
        ] {
            let flags = ["--workers", ranks, "--size", size, "--iterations", "3", "--grain", "100", "--json"];
            let figures = figures(&succeed(kernel().arg(name).args(flags)));
            assert!(figures.valid && figures.rate.is_some_and(|rate| rate > 0.0), "{figures:?}");
            assert_eq!(figures.strategy, Strategy::Mpi);
            assert_eq!(figures.workers.to_string(), ranks);
        }
    }
}

#[test]
fn ranks_with_threads_are_exact() {
    for (ranks, threads) in
        ["1", "2", "3"].into_iter().flat_map(|ranks| ["1", "2", "3"].map(|threads| (ranks, threads)))
    {
        // Bands of rows with fewer rows than threads, and sizes that neither ranks nor threads can share evenly.
        for size in ["5", "7", "9", "13", "101"] {
            let flags = ["--workers", ranks, "--threads", threads, "--size", size, "--iterations", "3", "--json"];
            let printed = succeed(kernel().arg("stencil").args(flags));
            let figures = figures(&printed);
            assert!(figures.valid && figures.rate.is_some_and(|rate| rate > 0.0), "{figures:?}");
            assert_eq!((figures.workers.to_string(), figures.threads.to_string()), (ranks.into(), threads.into()));
            assert_eq!(printed.contains("\"threads\""), threads != "1", "{printed}");
        }
    }
}

#[test]
fn the_threads_of_a_rank_have_lanes_and_only_the_main_thread_calls_mpi() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("lanes.json");
    let flags = ["stencil", "--workers", "2", "--threads", "2", "--size", "101", "--iterations", "3"];
    succeed(kernel().args(flags).arg("--trace").arg(&trace));
    let stretches = read(&trace);
    for (process, rank) in [(1, "rank 0"), (2, "rank 1")] {
        let own = || stretches.iter().filter(move |stretch| stretch.process == process);
        // Either thread of a pool may sweep either band: two bands in each of four iterations.
        let sweeps: Vec<_> = own().filter(|it| ["worker 0", "worker 1"].contains(&&it.lane[..])).collect();
        assert_eq!(sweeps.iter().filter(|it| it.state == "run").count(), 8, "{rank}: {stretches:?}");
        assert_eq!(own().filter(|it| it.label == "pool").count(), 4, "{rank}: {stretches:?}");
        let mut calls = own().filter(|it| it.label.starts_with("MPI_"));
        assert!(calls.all(|it| it.lane == rank), "{rank}: {stretches:?}");
    }
}

/// Compiles a library of the folder `tests/foreign` that is loaded before MPI.
fn preloaded(name: &str, folder: &Path) -> PathBuf {
    let (source, library) = (format!("tests/foreign/{name}.c"), folder.join(format!("lib{name}.so")));
    let compiler = std::env::var_os("MPICC").unwrap_or_else(|| "mpicc".into());
    let flags = ["-shared", "-fPIC", "-Wl,--as-needed", &source, "-ldl", "-o"];
    succeed(Command::new(compiler).args(flags).arg(&library));
    library
}

#[test]
fn an_mpi_that_allows_no_threads_is_refused_only_if_there_are_threads() {
    let folder = tempfile::tempdir().unwrap();
    let library = preloaded("single", folder.path());
    for (threads, level, status) in
        [(&[][..], "single", 0), (&["--threads", "1"], "single", 0), (&["--threads", "2"], "funneled", 1)]
    {
        let flags = ["stencil", "--workers", "2", "--size", "13", "--iterations", "1"];
        let finished = run(kernel().args(flags).args(threads).env("LD_PRELOAD", &library));
        assert_eq!(finished.code(), Some(status), "{threads:?}: {finished:#?}");
        let (asked, errors): (Vec<_>, Vec<_>) =
            finished.stderr.lines().partition(|line| line.starts_with("asked for: "));
        assert_eq!(asked, vec![format!("asked for: {level}"); 2], "{threads:?}: {finished:#?}");
        let right = "error: rank 0: threads: the ranks need the thread level MPI_THREAD_FUNNELED of MPI, and this MPI gives less \
                     (rank 0 has MPI_THREAD_SINGLE)";
        assert_eq!(errors, if status == 0 { vec![] } else { vec![right] }, "{threads:?}: {finished:#?}");
        assert_eq!(finished.stdout.is_empty(), status != 0, "{threads:?}: {finished:#?}");
    }
}

#[test]
fn graphs_of_every_pattern_and_width_are_exact() {
    for ranks in ["1", "2", "3", "4", "5", "7", "8"] {
        for pattern in Pattern::value_variants() {
            let flags = ["--workers", ranks, "--size", "40", "--iterations", "3", "--grain", "10", "--json"];
            let figures = figures(&succeed(kernel().args(["grain", "--pattern", pattern.name()]).args(flags)));
            assert!(figures.valid && figures.kernel == Kernel::Grain, "{pattern}, {ranks} ranks: {figures:?}");
        }
    }
}

#[test]
fn a_sweep_has_a_line_for_each_grain() {
    let flags = ["grain", "--workers", "2", "--size", "10", "--grain", "100", "--iterations", "1", "--laps"];
    let lines = succeed(kernel().args(flags).args(["--down-to", "20"]));
    let laps = |line: &str| serde_json::from_str::<Measured>(line).unwrap();
    let of_each: Vec<_> = lines.lines().map(laps).map(|one| (one.seconds.len(), one.wrong)).collect();
    assert_eq!(of_each, [(1, None), (2, None), (4, None)]);
}

#[test]
fn laps_are_the_times_of_every_iteration() {
    let flags = ["count", "--workers", "2", "--size", "10", "--grain", "10", "--iterations", "7", "--laps"];
    let measured: Measured = serde_json::from_str(&succeed(kernel().args(flags))).unwrap();
    assert_eq!((measured.seconds.len(), measured.wrong), (7, None));
}

#[test]
fn under_mpirun_the_number_of_ranks_must_be_the_number_of_workers() {
    let flags = ["count", "--workers", "3", "--size", "10", "--grain", "10", "--json"];
    assert!(figures(&succeed(&mut mpirun(3, kernel().args(flags)))).valid);
    let flags_without = ["count", "--size", "10", "--grain", "10", "--json"];
    assert_eq!(figures(&succeed(&mut mpirun(3, kernel().args(flags_without)))).workers, 3);
    let finished = run(&mut mpirun(2, kernel().args(flags)));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("3 workers, but there are 2 ranks"), "{finished:#?}");
}

#[test]
fn a_map_gathers_the_results_of_all_ranks() {
    for (ranks, tasks, bytes) in [("1", "1", "0"), ("3", "1", "5"), ("3", "100", "0"), ("2", "1001", "77")] {
        let flags = ["--ranks", ranks, "--tasks", tasks, "--bytes", bytes, "--grain", "10", "--wait-ns", "1"];
        let printed = succeed(Command::new(env!("CARGO_BIN_EXE_map_mpi")).args(flags));
        let gathered: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert!(gathered["check"].as_f64().unwrap() >= 0.0, "{printed}");
    }
    let flags = ["--ranks", "2", "--tasks", "1000000", "--bytes", "4000"];
    let finished = run(Command::new(env!("CARGO_BIN_EXE_map_mpi")).args(flags));
    assert_eq!(finished.code(), Some(1), "{finished:#?}");
    assert!(finished.stderr.contains("too long for one message"), "{finished:#?}");
}

#[test]
fn prices_are_lines_of_json() {
    let prices = |flags: &[&str]| succeed(Command::new(env!("CARGO_BIN_EXE_prices_mpi")).args(flags));
    for (ranks, operations) in [("2", &["short_message", "long_message", "barrier"][..]), ("3", &["barrier"])] {
        let printed = prices(&["--ranks", ranks]);
        let lines: Vec<serde_json::Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let measured: Vec<_> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
        assert_eq!(measured, operations);
        for line in &lines {
            assert_eq!(line["workers"].to_string(), ranks);
            assert!(line["seconds"][0].as_f64().unwrap() > 0.0, "{line}");
        }
    }
    assert_eq!(prices(&["--ranks", "2", "--launch"]), "");
}

#[test]
fn the_parameters_of_a_job_are_one_line_of_json() {
    let measure = |flags: &[&str]| {
        let printed = succeed(Command::new(env!("CARGO_BIN_EXE_loggp_mpi")).args(flags));
        serde_json::from_str::<serde_json::Value>(printed.trim_end()).unwrap()
    };
    let two = measure(&["--ranks", "2", "--kernel", "count"]);
    assert_eq!((two["nodes"].to_string(), two["network"].is_null()), ("[0,0]".into(), true));
    let link = two["node"].as_object().unwrap();
    let lists = ["both_ways", "occupancy"];
    for (name, value) in link.iter().filter(|(name, _)| !lists.contains(&name.as_str())) {
        assert!(value.as_f64().unwrap() >= 0.0, "{name}: {value}");
    }
    let (limit, sizes) = (link["eager_limit"].as_u64().unwrap(), link["both_ways"].as_array().unwrap());
    assert!(sizes.iter().any(|size| size[0].as_u64() > Some(limit)), "{sizes:?}");
    assert!(two["ranks_of_a_core"].as_f64() >= Some(1.0), "{two}");
    assert!(two["rates"]["count"][0][1].as_f64().unwrap() > 0.0 && two["barrier"].as_f64().unwrap() > 0.0, "{two}");
    // The third rank has no partner.
    let three = measure(&["--ranks", "3", "--messages"]);
    assert!(three["nodes"] == serde_json::json!([0, 0, 0]) && three["node"]["latency"].as_f64().is_some(), "{three}");
    let one = measure(&["--ranks", "1", "--kernel", "count"]);
    assert!(one["node"].is_null() && one["network"].is_null(), "{one}");
}

#[test]
fn bad_sizes_are_usage_errors_before_any_rank_starts() {
    for flags in [
        &["stencil", "--size", "4"][..],
        &["stencil", "--size", "99999999"],
        &["count", "--size", "0"],
        &["count", "--workers", "0"],
        &["count", "--iterations", "0"],
        &["count", "--threads", "2"],
        &["count", "--threads", "1"],
        &["stencil", "--threads", "0"],
        &["count", "--json", "--laps"],
        &["count", "--laps", "--down-to", "1"],
        &["grain", "--down-to", "1"],
        &["grain", "--pattern", "star"],
        &["sort"],
        &[],
    ] {
        let finished = run(kernel().args(flags).env("MPIRUN", "no-such-mpirun"));
        assert_eq!(finished.code(), Some(2), "{flags:?}: {finished:#?}");
        assert!(
            finished.stderr.starts_with("error: ") && finished.stderr.contains("Usage: kernel_mpi"),
            "{finished:#?}"
        );
        assert_eq!(finished.stdout, "");
    }
}

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT, assert_only_reports, leaves_no_file};
use course::testing::proc::{children_of, signal, wait_for};
use course::testing::traces::{of, stretches};

pub const PIPE: Program = Program {
    path: env!("CARGO_BIN_EXE_pipe"),
    source: "src/bin/pipe.rs",
    bad: &[&["--items", "-1"], &["--items", "ten"], &["--items", "4294967296"]],
    long: &["--items", "4294967295"],
};

/// A run that lasts until it is ended.
fn long() -> Command {
    let mut command = Command::new(PIPE.path);
    command.args(PIPE.long);
    command
}

fn squares(items: u64) -> String {
    (0..items).map(|number| format!("{}\n", number * number)).collect()
}

#[test]
fn keeps_its_promises() {
    PIPE.keeps_its_promises();
}

#[test]
fn squares_come_once_and_in_order() {
    assert_eq!(PIPE.succeeds(&[]), squares(10));
    for items in [0, 1, 2, 20_000] {
        assert_eq!(PIPE.succeeds(&["--items", &items.to_string()]), squares(items));
    }
}

#[test]
fn one_chart_has_all_processes() {
    let text = PIPE.succeeds(&["--timeline"]);
    let chart = text.strip_prefix(&squares(10)).expect("the squares come first");
    for process in ["pipe", "generate", "square"] {
        assert_eq!(chart.lines().filter(|line| line.starts_with(&format!("{process} "))).count(), 1, "{chart}");
    }
}

#[test]
fn the_trace_has_all_processes() {
    let stretches = stretches(&PIPE, &[]);
    let processes: BTreeSet<_> = stretches.iter().map(|stretch| (stretch.process, stretch.lane.as_str())).collect();
    let names: BTreeSet<_> = processes.iter().map(|(_, name)| *name).collect();
    assert_eq!((processes.len(), names), (3, ["pipe", "generate", "square"].into()));
    for name in ["pipe", "generate", "square"] {
        assert!(!of(&stretches, name, "run").is_empty(), "{name} did nothing: {stretches:?}");
    }
    for (name, label) in [("pipe", "squares"), ("square", "numbers")] {
        let waits = of(&stretches, name, "wait");
        assert!(waits.iter().any(|wait| wait.label == label), "{name} never waited for {label}: {stretches:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut group = Group::start(&mut long());
    assert_eq!(group.line(), "0\n");
    let (status, errors) = group.close_output().end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_ends_all() {
    for _ in 0..10 {
        leaves_no_file(|| {
            let mut group = Group::start(&mut long());
            group.line();
            assert_eq!(group.members().len(), 3);
            group.signal_all(Signal::INT);
            let (status, errors) = group.close_output().end();
            assert_eq!(status.code(), Some(130), "{errors}");
            assert_only_reports(&errors);
        });
    }
}

#[test]
fn a_parent_that_is_terminated_leaves_no_child() {
    let mut group = Group::start(&mut long());
    group.line();
    signal(group.id(), Signal::TERM);
    let (status, errors) = group.close_output().end();
    assert_eq!((status.code(), errors.as_str()), (None, ""));
}

#[test]
fn a_parent_that_is_killed_leaves_nothing() {
    // At a moment that is known: when one child is there, when both are, when all work.
    for children in [1, 2, 3] {
        leaves_no_file(|| {
            let mut group = Group::start(&mut long());
            if children == 3 {
                group.line();
            } else {
                wait_for("children", LIMIT, || (group.members().len() > children).then_some(()));
            }
            signal(group.id(), Signal::KILL);
            let (status, errors) = group.close_output().end();
            assert_eq!((status.code(), errors.as_str()), (None, ""));
        });
    }
    // At any other: the start takes a few milliseconds.
    for moment in 0..40 {
        let group = Group::start(&mut long());
        std::thread::sleep(Duration::from_micros(200 * moment));
        signal(group.id(), Signal::KILL);
        let (_, errors) = group.close_output().end();
        assert_eq!(errors, "", "killed after {moment} x 200 us");
    }
}

#[test]
fn a_child_that_is_killed_is_an_error() {
    for name in ["generate", "square"] {
        let mut group = Group::start(&mut long());
        group.line();
        let child = children_of(group.id()).into_iter().find(|child| child.name == name).expect("its name in ps");
        // The output goes on until the end of the stream, so somebody must read it.
        let reader = group.read_output();
        signal(child.id, Signal::KILL);
        let (status, errors) = group.end();
        assert_eq!(status.code(), Some(1));
        let line = errors.strip_suffix('\n').unwrap();
        assert!(line.starts_with(&format!("error: {name}: ")) && line.contains("SIGKILL"), "{errors}");
        assert!(!line.contains('\n'), "{errors}");
        reader.join().unwrap();
    }
}

#[test]
fn no_run_of_many_hangs() {
    PIPE.ends_every_time(&["--items", "50"]);
}

use std::process::Command;

use rustix::process::Signal;

use crate::{has_lanes, items};
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::{children_of, wait_for};

pub const PROCESS_NAMES: Program = Program {
    path: env!("CARGO_BIN_EXE_process_names"),
    source: "src/bin/process_names.rs",
    bad: &[&["--name", ""], &["--name", "a\nb"], &["--name"]],
    long: &["--pace", "100"],
};

#[test]
fn keeps_its_promises() {
    PROCESS_NAMES.keeps_its_promises();
}

#[test]
fn each_process_prints_its_name() {
    for name in
        ["my_func process", "x", "-", "Process-1", "a name that is longer than fifteen letters", "fünfzehn Größ ä"]
    {
        let output = PROCESS_NAMES.succeeds(&[&format!("--name={name}"), "--pace", "0"]);
        let mut starting = items(&output, |line| line.split_once(" is starting").map(|(name, _)| name));
        let shown = |name: &str| {
            let shown = String::from_utf8_lossy(&name.as_bytes()[..name.len().min(15)]).into_owned();
            format!("{name} is called \"{shown}\" by ps")
        };
        for line in [shown(name), shown("Process-1")] {
            assert!(output.lines().any(|other| other == line), "{line}: {output}");
        }
        let mut exiting = items(&output, |line| line.strip_suffix(" is exiting"));
        let mut wanted = [name, "Process-1"];
        for names in [&mut starting[..], &mut exiting, &mut wanted] {
            names.sort_unstable();
        }
        assert_eq!((&starting[..], &exiting[..]), (&wanted[..], &wanted[..]), "{output}");
    }
}

#[test]
fn the_names_show_in_ps() {
    for (name, shown) in [("my_func process", "my_func process"), ("twenty letters long!", "twenty letters ")] {
        let group = Group::start(Command::new(PROCESS_NAMES.path).args(["--pace", "100", "--name", name]));
        let named = |wanted: &str| children_of(group.id()).into_iter().find(|child| child.name == wanted);
        for (first_argument, shown) in [(name, shown), ("Process-1", "Process-1")] {
            let child = wait_for(shown, LIMIT, || named(shown));
            let folder = format!("/proc/{}", child.id);
            let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).expect("it lives");
            assert_eq!(read("comm"), format!("{shown}\n"));
            assert_eq!(read("cmdline"), format!("{first_argument}\0"));
        }
        group.signal_all(Signal::INT);
        group.end();
    }
}

#[test]
fn the_chart_has_both() {
    has_lanes(&PROCESS_NAMES, &[], &["process_names", "my_func process", "Process-1"]);
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_NAMES.ends_every_time(&["--pace", "0"]);
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use course::program;
use course::testing::contract::Program;
use course::testing::hazard::hazards_of;

const SCHEDULES: Program = Program {
    path: env!("CARGO_BIN_EXE_schedules"),
    source: "src/bin/schedules.rs",
    bad: &[
        &["no_such_hazard"],
        &["lock_order", "lost_update"],
        &["--repaired"],
        &["lock_order", "--schedules", "0"],
        &["lock_order", "--schedules", "many"],
        &["lock_order", "--repaired", "1"],
        &["lock_order", "--replay", "a.json"],
        &["--file", "a.json"],
        &["--replay", "a.json", "--schedules", "1"],
        &["--replay"],
    ],
    long: &["--schedules", "100000000"],
};

/// A hazard, what its failure is, and how its repair is taken out: a text of its source and what takes its place.
struct Hazard {
    name: &'static str,
    failure: &'static str,
    repair: &'static str,
    no_repair: &'static str,
}

const HAZARDS: [Hazard; 14] = [
    Hazard {
        name: "barrier_one_short",
        failure: "deadlock: no thread can continue\n  \
                  worker 0 waits for all have added: 3 of 4 threads have come to the barrier (",
        repair: "if repaired { shares.len() } else { WORKERS }",
        no_repair: "if repaired { WORKERS } else { WORKERS }",
    },
    Hazard {
        name: "cancelled_read",
        failure: "lost bytes: [\"apples\", \"grapes\", \"lemons\"] were sent, and [\"",
        repair: "if !repaired {",
        no_repair: "if !repaired || true {",
    },
    Hazard {
        name: "check_then_act",
        failure: "2 threads have booked the same seat\n",
        repair: "if repaired {",
        no_repair: "if repaired && false {",
    },
    Hazard {
        name: "double_lock",
        failure: "deadlock: no thread can continue\n  taker waits for stock, which it holds itself (double_lock.rs:",
        repair: "if repaired {",
        no_repair: "if repaired && false {",
    },
    Hazard {
        name: "endless_receiver",
        failure: "deadlock: no thread can continue\n  \
                  main waits for numbers: the channel is empty, and 1 sender is left (endless_receiver.rs:",
        repair: "kept = None;",
        no_repair: "let _ = &mut kept;",
    },
    Hazard {
        name: "face_to_face",
        failure: "deadlock: no thread can continue\n  Huey waits for letters to Dewey: no thread receives (face_to_face.rs:",
        repair: "let received = receive();\n        send();",
        no_repair: "send();\n        let received = receive();",
    },
    Hazard {
        name: "guard_across_await",
        failure: "deadlock: no thread can continue\n  Huey waits for ",
        repair: "if repaired {",
        no_repair: "if repaired && false {",
    },
    Hazard {
        name: "lock_order",
        failure: "deadlock: no thread can continue\n  Huey waits for checking, which Dewey holds (lock_order.rs:",
        repair: "repaired && to.number < from.number",
        no_repair: "false && to.number < from.number",
    },
    Hazard {
        name: "lost_update",
        failure: "lost update: 2 additions of 1, and the counter is 1\n",
        repair: "return counter.fetch_add(1, SeqCst) + 1;",
        no_repair: "let sum = counter.load(SeqCst) + 1; counter.store(sum, SeqCst); return sum;",
    },
    Hazard {
        name: "lost_waker",
        failure: "deadlock: no thread can continue\n  \
                  reader waits for letter: no copy of its waker is left (lost_waker.rs:",
        repair: "if self.repaired {",
        no_repair: "if self.repaired && false {",
    },
    Hazard {
        name: "lost_wakeup",
        failure: "deadlock: no thread can continue\n  \
                  eater waits for the baker, and no thread is left that could notify (lost_wakeup.rs:",
        repair: "while !repaired || !*is_baked {",
        no_repair: "loop {",
    },
    Hazard {
        name: "read_write_read",
        failure: "deadlock: no thread can continue\n  \
                  reader waits for list: writer waits to write it, and keeps new readers out (",
        repair: "if repaired { sum_of(&numbers) } else { sum(list) }",
        no_repair: "if repaired { sum(list) } else { sum(list) }",
    },
    Hazard {
        name: "stolen_wakeup",
        failure: "stolen wake-up: a thread was woken for an item and found none: [",
        repair: "(repaired || woken == 0)",
        no_repair: "woken == 0",
    },
    Hazard {
        name: "too_weak_ordering",
        failure: "too weak ordering: Dewey saw the flag, and the message was 0 instead of 42\n",
        repair: "(Release, Acquire)",
        no_repair: "(Relaxed, Relaxed)",
    },
];

/// The hazards that the checker does not search: it has neither pools nor time, and the only task of `futurelock` takes the same steps
/// in every schedule.
const NOT_SEARCHED: &[&str] = &["blocking_the_loop", "false_sharing", "futurelock", "lock_in_pool", "oversubscribed"];

/// Its checker tries all executions, and no random ones.
const OF_EXECUTIONS: &str = "too_weak_ordering";

impl Hazard {
    /// What the program calls that which fails.
    fn fails(&self) -> &str {
        if self.name == OF_EXECUTIONS { "execution" } else { "schedule" }
    }

    /// What passes with the repair if this number of bounded schedules is asked for, and as many random ones.
    fn passes(&self, schedules: u64) -> String {
        match self.name {
            OF_EXECUTIONS => format!("all {EXECUTIONS} executions pass"),
            _ => format!("{} schedules pass", 2 * schedules),
        }
    }
}

/// How many executions loom finds with the repair.
const EXECUTIONS: u64 = 15;

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn keeps_its_promises() {
    SCHEDULES.keeps_its_promises();
}

#[test]
fn all_hazards_of_chapters_2_and_5_are_searched() {
    let mut hazards = hazards_of("../ch2_threads/src/bin");
    hazards.extend(hazards_of("src/bin"));
    for name in NOT_SEARCHED {
        assert!(hazards.remove(*name), "{name} is no hazard");
    }
    assert_eq!(hazards, HAZARDS.map(|hazard| hazard.name.to_owned()).into());
    let table = SCHEDULES.succeeds(&["--schedules", "200"]);
    let rows: Vec<_> = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(rows.len(), HAZARDS.len(), "{table}");
    for (row, hazard) in rows.iter().zip(&HAZARDS) {
        assert_eq!((row[0], row[1], row[3]), (hazard.name, hazard.fails(), "fails"), "{table}");
        assert_eq!(row[4..].join(" "), hazard.passes(200), "{table}");
    }
}

#[test]
fn each_hazard_fails_and_its_schedule_fails_again_in_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    for hazard in &HAZARDS {
        let file = folder.path().join(hazard.name);
        for seed in ["1", "2", "3"] {
            let found = SCHEDULES.run(&[hazard.name, "--file", text(&file), "--seed", seed]);
            assert_eq!(found.code(), Some(3), "{found:?}");
            assert!(found.stderr.starts_with(hazard.failure), "{found:?}");
            let (says, chart) = found.stdout.split_once("\n\n").expect("a chart");
            let start = format!("{}: {} ", hazard.name, hazard.fails());
            let rest = says.strip_prefix(&start).and_then(|rest| rest.split_once(" fails, and is written to "));
            let (schedule, path) = rest.unwrap_or_else(|| panic!("{found:?}"));
            assert!((1..=20_000).contains(&schedule.parse().expect("a number")), "{says}");
            assert_eq!(path, text(&file));
            is_a_chart(chart);

            let again = SCHEDULES.run(&["--replay", text(&file)]);
            assert_eq!((again.code(), &again.stderr), (Some(3), &found.stderr), "{again:?}");
            let (says, chart_again) = again.stdout.split_once("\n\n").expect("a chart");
            assert_eq!(says, format!("{}: the {} of {path} fails", hazard.name, hazard.fails()));
            assert_eq!(chart_again, chart);
        }
    }
}

/// The chart has a column for each step of the list below, with one mark of a step, in the row of the thread of the list.
fn is_a_chart(chart: &str) {
    assert!(chart.lines().all(|line| line.chars().count() <= 120), "{chart}");
    let (rows, rest) = chart.split_once("\n\n● takes a step").expect("the key");
    let (_, list) = rest.split_once("\n\n").expect("the list");
    let steps: Vec<_> = list.lines().take_while(|line| !line.is_empty()).collect();
    let mut parts: Vec<Vec<&str>> = rows.split("\n\n").map(|part| part.lines().collect()).collect();
    let mut drawn = Vec::new();
    for part in &mut parts {
        let numbers: Vec<usize> = part.remove(0).split_whitespace().map(|it| it.parse().expect("a number")).collect();
        let first_number = numbers[0];
        let width = part.iter().map(|row| row.chars().count()).max().expect("rows");
        let begin = width - 3 * numbers.len();
        for number in numbers {
            let at = begin + 3 * (number - first_number) + 2;
            let acts = |row: &&&str| matches!(row.chars().nth(at), Some('●' | '○'));
            let acting: Vec<_> = part.iter().filter(acts).collect();
            assert_eq!(acting.len(), 1, "step {number}: {chart}");
            drawn.push(format!("{number:>3}  {}", acting[0].chars().take(begin).collect::<String>()));
        }
    }
    assert_eq!(drawn.len(), steps.len(), "{chart}");
    for (step, drawn) in steps.iter().zip(drawn) {
        assert!(step.starts_with(drawn.trim_end()), "{step}: {drawn}: {chart}");
    }
}

#[test]
fn each_repaired_hazard_passes_all_schedules() {
    for hazard in &HAZARDS {
        let says = SCHEDULES.succeeds(&[hazard.name, "--repaired"]);
        let kinds = if hazard.name == OF_EXECUTIONS { "" } else { ", 10000 bounded and 10000 random" };
        assert_eq!(says, format!("{} with its repair: {}{kinds}\n", hazard.name, hazard.passes(10_000)));
    }
}

#[test]
fn a_part_of_the_executions_is_called_a_part() {
    let passed = |executions: &str| SCHEDULES.succeeds(&[OF_EXECUTIONS, "--repaired", "--schedules", executions]);
    assert_eq!(passed("2"), "too_weak_ordering with its repair: the first 2 executions pass\n");
    assert_eq!(passed(&EXECUTIONS.to_string()), passed("10000"));
}

#[test]
fn an_execution_of_a_file_is_found_by_its_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("execution.json");
    assert_eq!(SCHEDULES.run(&[OF_EXECUTIONS, "--file", text(&file)]).code(), Some(3));
    let whole = fs::read_to_string(&file).expect("an execution");
    for (changed, why) in [
        (whole.replace("Dewey: 0", "Dewey: 42"), "too_weak_ordering does not fail under this execution"),
        (whole.replace("Dewey: 0", "Dewey: 7"), "the execution does not fit too_weak_ordering: no execution takes"),
        (
            whole.replace("false", "true"),
            "the execution does not fit too_weak_ordering: no execution takes these steps",
        ),
    ] {
        assert_ne!(changed, whole);
        fs::write(&file, changed).expect("a file");
        let finished = SCHEDULES.run(&["--replay", text(&file)]);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{why}: {finished:?}");
        assert!(finished.stderr.starts_with(&format!("error: {}: {why}", text(&file))), "{why}: {finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    }
}

#[test]
fn the_seed_decides_the_schedules() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = |seed: &str, file: &str| {
        let file = folder.path().join(file);
        assert_eq!(SCHEDULES.run(&["check_then_act", "--seed", seed, "--file", text(&file)]).code(), Some(3));
        fs::read_to_string(file).expect("a schedule")
    };
    let first: Vec<_> = (0..10).map(|seed| found(&seed.to_string(), "one")).collect();
    let again: Vec<_> = (0..10).map(|seed| found(&seed.to_string(), "other")).collect();
    assert_eq!(first, again);
    assert!(first.iter().any(|schedule| *schedule != first[0]), "{first:?}");
}

#[test]
fn a_file_that_is_no_schedule_is_an_error_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("schedule.json");
    assert_eq!(SCHEDULES.run(&["lock_order", "--file", text(&file)]).code(), Some(3));
    let whole = fs::read_to_string(&file).expect("a schedule");
    let half = &whole[..whole.len() / 2];
    let swapped = whole.replace("Huey", "nobody").replace("Dewey", "Huey").replace("nobody", "Dewey");
    let shorter = whole.replacen("\"main\",\n", "", 1);
    for (changed, why) in [
        (half, "it is no file of a schedule: "),
        ("", "it is no file of a schedule: "),
        ("[]", "it is no file of a schedule: "),
        (&whole.replace("repaired", "rebuilt"), "it is no file of a schedule: "),
        (&whole.replace("lock_order", "lost_order"), "no hazard is called \"lost_order\""),
        (&whole.replace("lock_order", "lost_update"), "the schedule does not fit lost_update: "),
        (&whole.replace("\"Dewey\"", "\"Louie\""), "the schedule does not fit lock_order: "),
        (&shorter, "the schedule does not fit lock_order: "),
        (&swapped, "the schedule does not fit lock_order: "),
        (&whole.replace("false", "true"), "the schedule does not fit lock_order: "),
        (&"x".repeat(2 << 20), "it is too long for a schedule"),
    ] {
        fs::write(&file, changed).expect("a file");
        let finished = SCHEDULES.run(&["--replay", text(&file)]);
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{why}: {finished:?}");
        let start = format!("error: {}: {why}", text(&file));
        assert!(finished.stderr.starts_with(&start), "{why}: {finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    }
    let finished = SCHEDULES.run(&["--replay", "/no/such/file"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert_eq!(finished.stderr, "error: /no/such/file: No such file or directory (os error 2)\n");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_the_search() {
    let finished = SCHEDULES.run(&["lock_order", "--file", "/no/such/folder/file"]);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
    assert!(finished.stderr.starts_with("error: /no/such/folder/file: "), "{finished:?}");
}

#[test]
fn without_a_file_the_schedule_is_written_below_target_and_looks_as_in_the_readme() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(SCHEDULES.path);
    let finished = program::run(command.arg("lock_order").current_dir(folder.path()), Duration::from_secs(60));
    let finished = finished.expect("the program starts");
    assert_eq!(finished.code(), Some(3), "{finished:?}");
    assert!(folder.path().join("target/schedules/lock_order.json").exists());
    let readme = fs::read_to_string("../ch2_threads/README.md").expect("a README");
    let (_, shown) = readme.split_once("```text\nlock_order: ").expect("the output");
    let (shown, _) = shown.split_once("```").expect("its end");
    assert_eq!(finished.stdout.trim_end(), format!("lock_order: {}", shown.trim_end()));
}

/// The program of the copy below.
const WITHOUT_REPAIRS: &str = "schedules_without_repairs";

/// A copy of the workspace in which the repaired programs have no repair.
fn without_repairs(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let (own, hazards) = (folder.join("ch5_async"), folder.join("ch2_threads/src/bin"));
    fs::create_dir_all(&hazards).expect("a folder");
    copy(&root.join("ch5_async/src"), &own.join("src"));
    for hazard in &HAZARDS {
        fs::write(folder.join(hazard.path(root)), hazard.without_repair(root)).expect("a source");
    }
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a file");
    // Its program has another name, since it is built beside the workspace's own.
    let manifest = fs::read_to_string(root.join("ch5_async/Cargo.toml")).expect("the crate");
    let renamed = format!("name = \"{WITHOUT_REPAIRS}\"\npath = \"src/bin/schedules.rs\"");
    fs::write(own.join("Cargo.toml"), manifest.replace("name = \"schedules\"", &renamed)).expect("a crate");
    // The other crates are the workspace's own.
    let workspace = fs::read_to_string(root.join("Cargo.toml")).expect("the workspace");
    let members = workspace.lines().find(|line| line.starts_with("members = ")).expect("the members");
    let workspace = workspace.replace(members, "members = [\"ch5_async\"]");
    let workspace = workspace.replace("{ path = \"ch5_async\" }", "{ path = \"./ch5_async\" }");
    let workspace = workspace.replace("{ path = \"ch", &format!("{{ path = \"{}/ch", root.display()));
    fs::write(folder.join("Cargo.toml"), workspace).expect("a workspace");
}

impl Hazard {
    /// Its source, below the root of the workspace.
    fn path(&self, root: &Path) -> PathBuf {
        let paths = ["ch2_threads", "ch5_async"].map(|chapter| format!("{chapter}/src/bin/{}.rs", self.name));
        paths.map(PathBuf::from).into_iter().find(|path| root.join(path).exists()).expect("the hazard")
    }

    fn without_repair(&self, root: &Path) -> String {
        let source = fs::read_to_string(root.join(self.path(root))).expect("the hazard");
        let (name, repair) = (self.name, self.repair);
        assert_eq!(source.matches(repair).count(), 1, "{name} has another repair than {repair:?}");
        source.replace(repair, self.no_repair)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).expect("a file");
        }
    }
}

#[test]
fn a_hazard_whose_repair_was_taken_out_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    without_repairs(folder.path());
    // In the target folder of this test, where most of what the program needs of crates.io may be built already.
    let built = Path::new(SCHEDULES.path).parent().and_then(Path::parent).expect("a target folder");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--bin", WITHOUT_REPAIRS, "--target-dir", text(built)]);
    // The configuration is that of the current folder, which is the crate's.
    build.arg("--manifest-path").arg(folder.path().join("Cargo.toml"));
    let finished = program::run(&mut build, Duration::from_secs(900)).expect("cargo starts");
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    for hazard in &HAZARDS {
        let mut changed = Command::new(built.join("debug").join(WITHOUT_REPAIRS));
        changed.args([hazard.name, "--repaired", "--file", text(&folder.path().join("schedule.json"))]);
        let finished = program::run(&mut changed, Duration::from_secs(60)).expect("the program starts");
        assert_eq!(finished.code(), Some(3), "{}: {finished:?}", hazard.name);
        let start = format!("{} with its repair: {} ", hazard.name, hazard.fails());
        assert!(finished.stdout.starts_with(&start), "{finished:?}");
    }
}

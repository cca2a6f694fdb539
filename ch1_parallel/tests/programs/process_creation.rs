use course::testing::contract::Program;

const PROCESS_CREATION: Program = Program {
    path: env!("CARGO_BIN_EXE_process_creation"),
    source: "src/bin/process_creation.rs",
    bad: &[
        &["--number", "-1"],
        &["--number", "ten"],
        &["--number", "1000001"],
        &["--task", "root"],
        &["--fail", "root"],
    ],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    PROCESS_CREATION.keeps_its_promises();
}

#[test]
fn two_child_processes_compute_and_succeed() {
    for number in [0_u64, 1, 10, 1_000_000] {
        let output = PROCESS_CREATION.succeeds(&["--number", &number.to_string()]);
        let process = |start: String| {
            let line = output.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix(')'));
            line.unwrap_or_else(|| panic!("{start:?} is missing: {output}")).to_string()
        };
        let square = process(format!("the square of {number} is {} (process ", number.pow(2)));
        let cube = process(format!("the cube of {number} is {} (process ", number.pow(3)));
        let parent =
            output.lines().find_map(|line| line.strip_prefix("the parent is process ")).expect("the parent's id");
        assert!(square != cube && square != parent && cube != parent, "{output}");
        for (name, id) in [("square", square), ("cube", cube)] {
            assert!(output.contains(&format!("{name}, process {id}, ended with exit status: 0")), "{output}");
        }
    }
}

#[test]
fn a_child_does_only_its_task() {
    let output = PROCESS_CREATION.succeeds(&["--task", "cube", "--number", "3"]);
    assert!(output.starts_with("the cube of 3 is 27 ") && output.lines().count() == 1, "{output}");
}

#[test]
fn the_parent_fails_when_a_child_fails() {
    for task in ["square", "cube"] {
        let finished = PROCESS_CREATION.run(&["--fail", task]);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert_eq!(finished.stderr, format!("error: {task}: the child ended with exit status: 3\n"));
        // The parent has waited for both children.
        for (name, status) in [("square", 3 * i32::from(task == "square")), ("cube", 3 * i32::from(task == "cube"))] {
            let end = format!(", ended with exit status: {status}");
            let told = |line: &str| line.starts_with(&format!("{name}, process ")) && line.ends_with(&end);
            assert!(finished.stdout.lines().any(told), "{name}{end}: {finished:?}");
        }
    }
}

#[test]
fn the_parent_starts_both_children_before_it_waits() {
    let output = PROCESS_CREATION.succeeds(&[]);
    let (starts, _) = output.split_once(", ended with ").expect("a child that ended");
    assert_eq!(starts.matches("the parent started ").count(), 2, "{output}");
}

#[test]
fn no_run_of_many_hangs() {
    PROCESS_CREATION.ends_every_time(&[]);
}

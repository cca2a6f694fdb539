use course::testing::contract::Program;

const PROCESS_CREATION: Program = Program {
    path: env!("CARGO_BIN_EXE_process_creation"),
    source: "src/bin/process_creation.rs",
    bad: &[&["--number", "-1"], &["--number", "ten"], &["--number", "1000001"], &["--task", "root"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    PROCESS_CREATION.keeps_its_promises();
}

#[test]
fn two_children_compute_and_end_well() {
    for number in [0_u64, 1, 10, 1_000_000] {
        let output = PROCESS_CREATION.succeeds(&["--number", &number.to_string()]);
        let process = |start: String| {
            let line = output.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix(')'));
            line.unwrap_or_else(|| panic!("{start:?} is missing: {output}")).to_string()
        };
        let square = process(format!("the square of {number} is {} (process ", number.pow(2)));
        let cube = process(format!("the cube of {number} is {} (process ", number.pow(3)));
        assert_ne!(square, cube);
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
fn no_run_of_many_hangs() {
    PROCESS_CREATION.ends_every_time(&[]);
}

use course::testing::contract::Program;

const MESSAGE_PASSING: Program = Program {
    path: env!("CARGO_BIN_EXE_message_passing"),
    source: "src/bin/message_passing.rs",
    bad: &[&["--workers", "0"], &["--workers", "two"], &["--workers", "1001"]],
    long: &[],
};

#[test]
fn keeps_its_promises() {
    MESSAGE_PASSING.keeps_its_promises();
}

#[test]
fn the_message_arrives_once_and_the_idle_workers_end() {
    for workers in [1, 2, 3, 64, 1000] {
        let output = MESSAGE_PASSING.succeeds(&["--workers", &workers.to_string()]);
        let receiver = format!("worker {} received ", 1 % workers);
        assert_eq!(output.lines().filter(|line| line.contains(" sends ")).count(), 1, "{output}");
        assert_eq!(output.lines().filter(|line| line.starts_with(&receiver)).count(), 1, "{output}");
        let ends = |worker: usize, messages| {
            format!("worker {worker} ends: its inbox is closed, messages received: {messages}")
        };
        for worker in 0..workers {
            let end = ends(worker, u32::from(worker == 1 % workers));
            assert_eq!(output.lines().filter(|line| *line == end).count(), 1, "{end}: {output}");
        }
        assert_eq!(output.lines().count(), 2 + workers, "{output}");
    }
}

#[test]
fn no_run_of_many_hangs() {
    MESSAGE_PASSING.ends_every_time(&["--workers", "8"]);
}

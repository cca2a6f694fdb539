//! The hazards of this chapter: each goes wrong every time, with a report that names what it must, and is repaired every time.

use course::testing::hazard::{hazards, none_is_reported};

#[test]
fn a_program_that_goes_on_is_not_reported() {
    let programs: [(&str, &[&str]); 9] = [
        (env!("CARGO_BIN_EXE_pipe"), &[]),
        (env!("CARGO_BIN_EXE_process_barrier"), &[]),
        (env!("CARGO_BIN_EXE_process_lock"), &[]),
        (env!("CARGO_BIN_EXE_process_queue"), &[]),
        (env!("CARGO_BIN_EXE_process_semaphore"), &[]),
        (env!("CARGO_BIN_EXE_process_struct"), &[]),
        (env!("CARGO_BIN_EXE_process_pool"), &["--steps", "100000"]),
        (env!("CARGO_BIN_EXE_pipe_both_full"), &["--repaired"]),
        (env!("CARGO_BIN_EXE_kept_writer"), &["--repaired"]),
    ];
    none_is_reported(&programs);
}

hazards! {
    kept_writer {
        bad: &[&["--items", "0"], &["--items", "x"], &["--items", "1001"], &["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  main waits for the output of seq at `lanes::read_from(\"the output of seq\", &m...`",
            "reason: main waits for data or the end of the output of seq at `lanes::read_from(\"the output of seq\", &m...`, whose writing end is open only in this process (made at `let (mut output, writer) = lanes::pipe(i...`)",
        ],
        prints: "the child has written 3 numbers, and then the end of the stream came\n"
    }
    pipe_both_full {
        bad: &[&["--repaired", "1"], &["--repaired=no"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  echo waits for the replies at `lanes::write_to(\"the replies\", &mut repl...`",
            "  pipe_both_full waits for the requests at `lanes::write_to(\"the requests\", &mut req...`",
            "reason: a cycle: echo waits for room in the replies at `lanes::write_to(\"the replies\", &mut repl...`, whose reading end is open only in pipe_both_full; pipe_both_full waits for room in the requests at `lanes::write_to(\"the requests\", &mut req...`, whose reading end is open only in echo",
        ],
        prints: "64 replies of 65536 bytes have come\n"
    }
    killed_holder {
        bad: &[&["--repaired", "1"], &["--repaired=no"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  holder has ended; it holds the permit since `let _permit = lanes::permit(\"the permit\"...`",
            "  killed_holder waits for the permit at `let _permit = lanes::permit(\"the permit\"...`",
            "reason: killed_holder waits for the permit at `let _permit = lanes::permit(\"the permit\"...`, which holder holds since `let _permit = lanes::permit(\"the permit\"...`, and holder has ended",
        ],
        prints: "the holder ended by signal: 9 (SIGKILL); the parent has the lock, and is told: the last holder of the \
                 lock died while it held it\nit finds the balances [70, 100], and completes the transfer: [70, 130]\n"
    }
}

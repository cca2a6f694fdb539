//! The hazards of this chapter: each goes wrong every time, with a report that names what it must, and is repaired every time.

use course::testing::hazard::hazards;

const BAD: &[&[&str]] = &[&["--repaired", "1"], &["--repaired=no"]];

hazards! {
    blocking_the_loop {
        bad: super::blocking_the_loop::BLOCKING_THE_LOOP.bad,
        report: &[
            "blocked event loop:",
            "  task 1 blocked the thread for at least 305 ms at `Way::Blocking => (lanes::sleep(\"blocking...`; not polled meanwhile: heartbeat (ready for at least 295 ms), other tasks that were ready: 2",
            "  task 2 blocked the thread for at least 308 ms at `Way::Blocking => (lanes::sleep(\"blocking...`; not polled meanwhile: heartbeat (ready for at least 298 ms), other tasks that were ready: 1",
            "  task 3 blocked the thread for at least 327 ms at `Way::Blocking => (lanes::sleep(\"blocking...`; not polled meanwhile: heartbeat (ready for at least 317 ms), other tasks that were ready: 0",
            "reason: until such a call returns, its thread polls no task and runs no timer",
        ],
        prints: "a heartbeat each 10ms, tasks that sleep: 3\nAsync: beats: "
    }
    guard_across_await {
        bad: BAD,
        report: &[
            "deadlock: these lanes can never go on:",
            "  Dewey waits for stock at `let mut items = lanes::lock(\"stock\", sto...`",
            "  Huey waits for delivery at `lanes::wait_for(\"delivery\", yield_now())...`; it holds stock since `let mut items = lanes::lock(\"stock\", sto...`",
            "  main polls Dewey",
            "reason: a cycle: Dewey waits for stock at `let mut items = lanes::lock(\"stock\", sto...`, which Huey holds since `let mut items = lanes::lock(\"stock\", sto...`; Huey goes on only in the thread of main, which Dewey blocks",
        ],
        prints: "Huey and Dewey sold (Some(\"bread\"), Some(\"milk\"))\n"
    }
    futurelock {
        bad: BAD,
        report: &[
            "deadlock: these lanes can never go on:",
            "  server waits for log at `let mut lines = lanes::lock_for(\"log\", &...`",
            "  write waits for disk at `let _ = lanes::wait_for(\"disk\", is_ready...`, was woken, and is not polled; it holds log since `let mut lines = lanes::lock_for(\"log\", l...`",
            "reason: a cycle: server waits for log at `let mut lines = lanes::lock_for(\"log\", &...`, which write holds since `let mut lines = lanes::lock_for(\"log\", l...`; write goes on only when server polls it",
        ],
        prints: "the log is [\"the disk is slow\"]\n"
    }
    cancelled_read {
        bad: BAD,
        report: &[
            "lost bytes: [\"apples\", \"grapes\", \"lemons\"] were sent, and [\"lesgra\", \"peslem\"] came:",
            "  \"app\" was sent",
            "  a tick came: the read was dropped, with the bytes that it had read",
            "  \"lesgrapeslemons\" was sent",
            "  \"lesgra\" was read",
            "  \"peslem\" was read",
            "  a tick came: the read was dropped, with the bytes that it had read",
        ],
        prints: "the frames [\"apples\", \"grapes\", \"lemons\"] came\n"
    }
    lost_waker {
        bad: BAD,
        report: &[
            "deadlock: these lanes can never go on:",
            "  reader waits for letter at `lanes::wait_for(\"letter\", Letter { mailb...`, and nothing can wake it: no copy of its waker is left",
            "reason: reader waits for letter at `lanes::wait_for(\"letter\", Letter { mailb...`, and nothing can wake it: no copy of its waker is left",
        ],
        prints: "the letter says \"hello\"\n"
    }
}

//! The hazards of this chapter: each goes wrong every time, with a report that names what it must, and is repaired every time.

use course::testing::hazard::{hazards, none_is_reported};

#[test]
fn a_program_that_goes_on_is_not_reported() {
    let programs: [(&str, &[&str]); 6] = [
        (env!("CARGO_BIN_EXE_barrier"), &[]),
        (env!("CARGO_BIN_EXE_condition"), &[]),
        (env!("CARGO_BIN_EXE_event"), &[]),
        (env!("CARGO_BIN_EXE_lock_held"), &[]),
        (env!("CARGO_BIN_EXE_rlock"), &[]),
        (env!("CARGO_BIN_EXE_semaphore_signal"), &[]),
    ];
    // Twice, because a wrong report is rare.
    (0..2).for_each(|_| none_is_reported(&programs));
}

/// The report has the numbers of this machine.
fn oversubscribed_report() -> &'static [&'static str] {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = cores.clamp(4, 8.max((2 * cores).isqrt() + 1));
    let head = format!("oversubscribed: {} threads spin on {cores} cores:", workers * workers);
    let price = format!("  the work takes _ ms in pools inside a pool, and _ ms in one pool of {cores}");
    vec![&*head.leak(), &*price.leak()].leak()
}

hazards! {
    barrier_one_short {
        bad: &[&["--items", "0"], &["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  main waits for join at `lanes::join_all(threads)`",
            r#"  worker 0 waits for all have added at `add(share, || _ = lanes::meet("all have ...`"#,
            r#"  worker 1 waits for all have added at `add(share, || _ = lanes::meet("all have ...`"#,
            r#"  worker 2 waits for all have added at `add(share, || _ = lanes::meet("all have ...`"#,
            r#"reason: worker 0 waits at all have added at `add(share, || _ = lanes::meet("all have ...`, where 3 of 4 lanes have come, and no other lane can come"#,
        ],
        prints: "the sum of the items is 10\n"
    }
    check_then_act {
        bad: &[&["--repaired", "1"]],
        report: &[
            "check, then act: two threads have booked seat 12:",
            "  Huey found it free",
            "  Dewey found it free",
            "  both wrote their names: the seat belongs to the thread that wrote last, and the other name is lost",
        ],
        prints: "seat 12 belongs to "
    }
    double_lock {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            r#"  main waits for stock at `let mut items = lanes::lock("stock", sto...`; it holds stock since `match lanes::lock("stock", stock, Mutex:...`"#,
            r#"reason: main waits for stock at `let mut items = lanes::lock("stock", sto...`, which it holds since `match lanes::lock("stock", stock, Mutex:...`"#,
        ],
        prints: "the items [2, 1, 2] were taken\n"
    }
    endless_receiver {
        bad: &[&["--workers", "0"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  main waits for numbers at `while let Ok(number) = lanes::receive(&r...`",
            "reason: main waits for a message of numbers at `while let Ok(number) = lanes::receive(&r...`, and a sender is owned by this lane (made at `let (numbers, received) = lanes::channel...`, never used)",
        ],
        prints: "the sum of the numbers is 1\n"
    }
    face_to_face {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  Dewey waits for letters to Huey at `let send = || lanes::send(to, |to| to.se...`",
            "  Huey waits for letters to Dewey at `let send = || lanes::send(to, |to| to.se...`",
            "  main waits for join at `lanes::join_all([huey, dewey])`",
            "reason: a cycle: Dewey waits for room in letters to Huey at `let send = || lanes::send(to, |to| to.se...`, and a receiver is owned by Huey (made at `let (to_huey, from_dewey) = lanes::chann...`); Huey waits for room in letters to Dewey at `let send = || lanes::send(to, |to| to.se...`, and a receiver is owned by Dewey (made at `let (to_dewey, from_huey) = lanes::chann...`)",
        ],
        prints: "Huey has a letter from Dewey, and Dewey has one from Huey\n"
    }
    false_sharing {
        bad: &[&["--repaired", "1"]],
        report: &[
            "false sharing: the counters of Huey and Dewey lie 8 bytes apart, in one cache line of 64 bytes:",
            "  an addition takes _ ns in one line, and _ ns in two lines",
        ],
        prints: "the counters of Huey and Dewey lie "
    }
    lock_in_pool {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            r#"  main waits for shipping at `let (sum, shipping) = lanes::fork_join([...`; it holds rates since `let guard = lanes::lock("rates", rates, ...`"#,
            r#"  worker waits for rates at `lanes::lock("rates", rates, Mutex::lock)...`"#,
            r#"reason: a cycle: main waits for the end of shipping at `let (sum, shipping) = lanes::fork_join([...`, which worker runs; worker waits for rates at `lanes::lock("rates", rates, Mutex::lock)...`, which main holds since `let guard = lanes::lock("rates", rates, ...`"#,
        ],
        prints: "the total is 57\n"
    }
    lock_order {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  Dewey waits for savings at `let mut second_balance = lanes::lock(sec...`; it holds checking since `let mut first_balance = lanes::lock(firs...`",
            "  Huey waits for checking at `let mut second_balance = lanes::lock(sec...`; it holds savings since `let mut first_balance = lanes::lock(firs...`",
            "  main waits for join at `lanes::join_all(threads);`",
            "reason: a cycle: Dewey waits for savings at `let mut second_balance = lanes::lock(sec...`, which Huey holds since `let mut first_balance = lanes::lock(firs...`; Huey waits for checking at `let mut second_balance = lanes::lock(sec...`, which Dewey holds since `let mut first_balance = lanes::lock(firs...`",
        ],
        prints: "the balances are [110, 90]\n"
    }
    lost_update {
        bad: &[&["--repaired", "1"]],
        report: &[
            "lost update: 2 additions of 1, and the counter is 1:",
            "  Huey loaded 0",
            "  Dewey loaded 0",
            "  Huey stored 1",
            "  Dewey stored 1: the addition of the thread that stored first is lost",
        ],
        prints: "2 additions of 1, and the counter is 2\n"
    }
    lost_wakeup {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            r#"  eater waits for the baker at `lanes::notified("the baker", &mut is_bak...`"#,
            "  main waits for join at `lanes::join(eater);`",
            r#"reason: eater waits for the baker at `lanes::notified("the baker", &mut is_bak...`, and no lane that could notify it can go on"#,
        ],
        prints: "the bread was eaten\n"
    }
    oversubscribed {
        bad: &[&["--workers", "0"], &["--workers", "9"]],
        report: oversubscribed_report(),
        prints: "threads: "
    }
    read_write_read {
        bad: &[&["--repaired", "1"]],
        report: &[
            "deadlock: these lanes can never go on:",
            "  main waits for join at `lanes::join(reader)`",
            r#"  reader waits for list at `sum_of(&lanes::read("list", list, RwLock...`; it holds list since `let numbers = lanes::read("list", list, ...`"#,
            r#"  writer waits for list at `lanes::lock("list", list, RwLock::write)...`"#,
            r#"reason: a cycle: reader waits for list at `sum_of(&lanes::read("list", list, RwLock...`, behind writer, which waits to write; writer waits for list at `lanes::lock("list", list, RwLock::write)...`, which reader holds since `let numbers = lanes::read("list", list, ...`"#,
        ],
        prints: "the mean was 2, and is 3 after the write\n"
    }
    stolen_wakeup {
        bad: &[&["--repaired", "1"]],
        report: &[
            "stolen wake-up: a thread was woken for an item and found none:",
            "  a thread found no item, and waited",
            "  a thread found no item, and waited",
            "  item 1 was put in, and all threads were woken",
            "  a thread took item 1",
            "  the other thread was woken, and found no item",
        ],
        prints: "the items ["
    }
    too_weak_ordering {
        bad: &[&["--repaired", "1"]],
        report: &[
            "too weak ordering: Dewey saw the flag, and the message was 0 instead of 42:",
            "  Huey stores 42 in the message (`self.message.store(MESSAGE, Relaxed);`)",
            "  Huey stores 1 in the flag (`self.flag.0.store(1, orders(repaired).0)...`)",
            "  Dewey loads 1 from the flag (`let is_there = self.flag.0.load(orders(r...`)",
            "  Dewey loads 0 from the message: an old value (`is_there.then(|| self.message.load(Relax...`)",
            "6 of 21 executions fail with the orders (Relaxed, Relaxed) of the flag",
            "0 of 100000 rounds of real threads failed on this machine (x86_64): this processor keeps the order of stores and of loads",
        ],
        prints: "15 executions, and none of them fails\n0 of 100000 rounds of real threads failed on this machine ("
    }
}

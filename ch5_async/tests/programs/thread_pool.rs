use course::testing::contract::Program;
use course::testing::traces::{Stretch, in_state, most_at_once, of, shows, stretches};

const THREAD_POOL: Program = Program {
    path: env!("CARGO_BIN_EXE_thread_pool"),
    source: "src/bin/thread_pool.rs",
    bad: &[
        &["--workers", "0"],
        &["--workers", "two"],
        &["--workers", "401"],
        &["--items", "-1"],
        &["--items", "10001"],
        &["--items", "1.5"],
    ],
    long: &["--pace", "100"],
};

/// The two pools, by the first word of their threads' names.
const POOLS: [&str; 2] = ["blocking", "rayon"];

/// The sleeps of this pool's threads. Each sleep is the work on a number.
fn work(stretches: &[Stretch], pool: &str) -> Vec<Stretch> {
    in_state("sleep", stretches).into_iter().filter(|stretch| stretch.lane.starts_with(pool)).collect()
}

#[test]
fn keeps_its_promises() {
    THREAD_POOL.keeps_its_promises();
}

#[test]
fn cubes_come_in_the_order_of_the_items() {
    for (workers, items) in [(1, 0), (1, 4), (2, 4), (2, 100), (7, 3), (40, 500)] {
        let (workers_text, items_text) = (workers.to_string(), items.to_string());
        let flags = ["--workers", &workers_text, "--items", &items_text, "--pace", "0.001"];
        let output = THREAD_POOL.succeeds(&flags);
        let numbers: Vec<u64> = std::iter::once(3).chain((1..=items).map(|item| 2 * item)).collect();
        let right = numbers.iter().map(|number| format!("the cube of {number} is {}", number * number * number));
        let right: Vec<_> = right.collect();
        let cubes: Vec<_> = output.lines().filter(|line| line.starts_with("the cube of ")).collect();
        assert_eq!(cubes, [right.clone(), right].concat(), "{output}");
        // Every number is cubed once by each pool.
        for pool in POOLS {
            let cubed = output.lines().filter(|line| line.starts_with(pool));
            let mut cubed: Vec<u64> = cubed
                .filter_map(|line| line.split_once(" has cubed ").map(|(_, number)| number.parse().expect("a number")))
                .collect();
            let mut sorted = numbers.clone();
            cubed.sort_unstable();
            sorted.sort_unstable();
            assert_eq!(cubed, sorted, "{pool}: {output}");
        }
    }
}

#[test]
fn all_threads_end_and_no_more_than_the_workers_work_at_once() {
    for workers in [1, 2, 5] {
        let text = workers.to_string();
        let output = THREAD_POOL.succeeds(&["--workers", &text, "--items", "20", "--pace", "0.01"]);
        let last = output.lines().last().expect("a line");
        let numbers: Vec<usize> =
            last.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
        let [started, ended, most] = numbers[..] else { panic!("{last}") };
        assert_eq!(started, ended, "{last}");
        // Rayon starts all its threads, and tokio starts one when there is work.
        assert!((workers + 1..=2 * workers).contains(&started), "{last}");
        assert!((1..=workers).contains(&most), "{last}");
    }
}

#[test]
fn only_the_threads_of_the_pools_work() {
    for workers in [1, 2, 3] {
        let text = workers.to_string();
        let stretches = stretches(&THREAD_POOL, &["--workers", &text, "--items", "8", "--pace", "0.01"]);
        assert_eq!(in_state("sleep", &stretches).len(), 2 * 9, "each number is one piece of work in each pool");
        for pool in POOLS {
            let work = work(&stretches, pool);
            assert_eq!(work.len(), 9, "{pool}: {stretches:?}");
            assert!(most_at_once(&work) <= workers, "{pool}: {work:?}");
        }
        assert!(of(&stretches, "thread_pool", "sleep").is_empty(), "the event loop's thread worked: {stretches:?}");
        let waits = of(&stretches, "thread_pool", "wait");
        assert!(waits.iter().any(|wait| wait.label == "the next result"), "{waits:?}");
    }
}

#[test]
fn both_pools_work_on_several_items_at_the_same_time() {
    for pool in POOLS {
        shows(&THREAD_POOL, &["--workers", "3", "--items", "8"], |stretches| most_at_once(&work(stretches, pool)) == 3);
    }
}

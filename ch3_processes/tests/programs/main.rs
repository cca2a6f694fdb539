//! The chapter's programs, run as programs.

mod background;
mod background_daemon;
mod endings;
mod hazards;
mod kept_writer;
mod pipe;
mod pipe_both_full;
mod process_barrier;
mod process_kill;
mod process_lock;
mod process_names;
mod process_pool;
mod process_queue;
mod process_semaphore;
mod process_spawn;
mod process_spawn_module;
mod process_struct;
mod shared_memory;

use course::testing::contract::Program;

/// What `part` finds in the lines of `output`, in their order.
fn items<'a>(output: &'a str, part: impl Fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    output.lines().filter_map(part).collect()
}

/// The numbers of the lines that begin with these words, in their order.
fn numbers_after(output: &str, words: &str) -> Vec<u32> {
    items(output, |line| line.strip_prefix(words)).iter().filter_map(|number| number.parse().ok()).collect()
}

/// Checks that the chart has these lanes and no others: a lane for the parent and one for each child. Returns the output.
fn has_lanes(program: &Program, args: &[&str], lanes: &[&str]) -> String {
    let output = program.succeeds(&[args, &["--timeline"]].concat());
    let (_, chart) = output.split_once("a column is").expect("a chart");
    for lane in lanes {
        let wanted = lanes.iter().filter(|other| *other == lane).count();
        let found = chart.lines().filter(|line| line.starts_with(&format!("{lane}  "))).count();
        assert_eq!(found, wanted, "{program}: {lane}: {output}");
    }
    // Below the lanes may stand, in parentheses, what could not be drawn.
    let lines = chart.lines().filter(|line| !line.is_empty() && !line.starts_with('(')).count();
    assert_eq!(lines - 1, lanes.len(), "{program} has other lanes: {output}");
    output
}

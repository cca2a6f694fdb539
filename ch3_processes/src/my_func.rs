//! The function that the program `process_spawn_module` calls in its children. It is in another module than `main`.

use std::process::id;

/// Prints the numbers below `number`. Returns how many numbers it printed, and the id of the process that printed them.
///
/// # Errors
/// None. It returns a `Result` because every function that is called in a child does.
pub fn my_func(number: u32) -> anyhow::Result<(u32, u32)> {
    println!("process {number} calls my_func with the id {}", id());
    for line in 0..number {
        println!("process {number}: {line}");
    }
    Ok((number, id()))
}

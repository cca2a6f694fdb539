//! The function that the program `process_spawn_module` runs in its children. It is in another module than `main`.

use std::process::id;

/// Prints a line for each number below `number`. Returns how many lines that were, and the id of the process that printed them.
///
/// # Errors
/// None; a function that runs in a child must be able to fail.
pub fn my_func(number: u32) -> anyhow::Result<(u32, u32)> {
    println!("process {number} calls my_func with the id {}", id());
    for line in 0..number {
        println!("process {number}: {line}");
    }
    Ok((number, id()))
}

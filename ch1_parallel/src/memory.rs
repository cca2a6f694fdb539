//! Vectors whose length a flag decides.
//!
//! `Vec::with_capacity` ends the program with an abort when the memory is not there. These functions return an error, which a
//! program of the course prints as one line.

use anyhow::anyhow;

/// An empty vector with room for `count` values. `what` names the vector in the error.
///
/// ```
/// let error = ch1_parallel::memory::room_for::<f64>("the grid", 1 << 60).unwrap_err();
/// assert_eq!(error.to_string(), "the grid: out of memory: no room for 1152921504606846976 values of 8 bytes");
/// ```
///
/// # Errors
/// The system does not give the memory.
pub fn room_for<T>(what: &str, count: usize) -> anyhow::Result<Vec<T>> {
    let mut values = Vec::new();
    match values.try_reserve_exact(count) {
        Ok(()) => Ok(values),
        Err(_) => Err(anyhow!("{what}: out of memory: no room for {count} values of {} bytes", size_of::<T>())),
    }
}

/// A vector of `count` values that are all `value`. `what` names the vector in the error.
///
/// # Errors
/// The system does not give the memory.
pub fn filled<T: Clone>(what: &str, value: T, count: usize) -> anyhow::Result<Vec<T>> {
    let mut values = room_for(what, count)?;
    values.resize(count, value);
    Ok(values)
}

/// A vector of all these `values`. `what` names the vector in the error.
///
/// # Errors
/// The system does not give the memory.
pub fn collected<T>(what: &str, values: impl ExactSizeIterator<Item = T>) -> anyhow::Result<Vec<T>> {
    let mut all = room_for(what, values.len())?;
    all.extend(values);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_the_length_and_the_room_that_was_asked_for() {
        let room: Vec<u8> = room_for("room", 1000).unwrap();
        assert!(room.is_empty() && room.capacity() >= 1000);
        assert_eq!(filled("sevens", 7, 3).unwrap(), [7, 7, 7]);
        assert_eq!(collected("squares", [1, 2, 3].iter().map(|number| number * number)).unwrap(), [1, 4, 9]);
        assert!(filled("too many", 0_u8, usize::MAX).is_err());
    }
}

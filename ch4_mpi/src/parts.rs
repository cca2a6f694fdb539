//! The parts of a row of items, one part for each rank.

use mpi::Count;

/// The lengths of the parts of `items` items: they differ by at most one.
#[must_use]
pub fn lengths(items: Count, ranks: usize) -> Vec<Count> {
    let start = |rank: usize| (rank * items as usize / ranks) as Count;
    (0..ranks).map(|rank| start(rank + 1) - start(rank)).collect()
}

/// The index at which each part starts, if the parts follow each other in the order of the ranks.
#[must_use]
pub fn starts(lengths: &[Count]) -> Vec<Count> {
    let next = |end: &mut Count, &length: &Count| Some(std::mem::replace(end, *end + length));
    lengths.iter().scan(0, next).collect()
}

/// A row as text; of a long row, only the first and the last item.
#[must_use]
pub fn shown(row: &[u64]) -> String {
    match row {
        [first, .., last] if row.len() > 10 => format!("[{first}, ..., {last}]"),
        _ => format!("{row:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole_row() {
        for (items, ranks) in [(0, 1), (0, 3), (2, 3), (10, 3), (10, 4), (12, 12)] {
            let lengths = lengths(items, ranks);
            let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            assert!(lengths.len() == ranks && longest - shortest <= 1, "{lengths:?}");
            assert_eq!(starts(&lengths)[ranks - 1] + lengths[ranks - 1], items);
        }
        assert_eq!(starts(&[2, 0, 3]), [0, 2, 2]);
    }
}

//! Which task spawned which, and which lane woke which.

use std::collections::HashMap;

use super::picture::Row;
use super::record::Log;

/// Who woke whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// The wakes, in the order of the polls that followed.
    pub all: Vec<Wake>,
    /// How many wakes were not recorded.
    pub left_out: u64,
}

/// A lane was woken, and polled after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The index of the row that woke or spawned it; `None` if no lane did.
    pub by: Option<usize>,
    /// The index of the row that was woken.
    pub woken: usize,
    /// When it was woken, in nanoseconds of the machine's clock.
    pub at: u64,
    /// When it was polled.
    pub polled: u64,
    /// Whether it was spawned: this is its first poll.
    pub spawned: bool,
}

impl Wakes {
    /// Finds the rows of each wake.
    pub fn of(log: &Log, rows: &[Row]) -> Self {
        let row_of: HashMap<_, _> = rows.iter().enumerate().map(|(row, it)| ((it.process, it.number), row)).collect();
        let wake = |entry: &super::record::WakeEntry| {
            let by = entry.by.and_then(|by| row_of.get(&(entry.process, by)).copied());
            let woken = *row_of.get(&(entry.process, entry.woken))?;
            Some(Wake { by, woken, at: entry.at, polled: entry.polled, spawned: entry.spawned })
        };
        Self { all: log.wakes.iter().filter_map(wake).collect(), left_out: log.unkept_wakes }
    }
}

/// The rows in the order of `key`, but each task behind the lane that has spawned it. `parents` has the number of that lane for each row.
pub fn ordered<K: Ord>(rows: Vec<Row>, parents: &[Option<u32>], key: impl Fn(&Row) -> K) -> Vec<Row> {
    let place: HashMap<_, _> = rows.iter().enumerate().map(|(index, row)| ((row.process, row.number), index)).collect();
    let parent = |index: usize| {
        let number = parents[index]?;
        // A lane is younger than its parent, so there is no circle.
        place.get(&(rows[index].process, number)).copied().filter(|_| number < rows[index].number)
    };
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for index in 0..rows.len() {
        children.entry(parent(index)).or_default().push(index);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_cached_key(|&index| key(&rows[index]));
    }
    let mut next = children.remove(&None).unwrap_or_default();
    next.reverse();
    let mut order = Vec::new();
    let mut depths = vec![0; rows.len()];
    while let Some(index) = next.pop() {
        order.push(index);
        let below = usize::from(rows[index].kind == "task");
        for child in children.remove(&Some(index)).unwrap_or_default().into_iter().rev() {
            depths[child] = depths[index] + below;
            next.push(child);
        }
    }
    let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
    let row = |index: usize| Some(Row { depth: depths[index], ..rows[index].take()? });
    order.into_iter().filter_map(row).collect()
}

//! Whether something else kept the cores busy during a measurement.
//!
//! The system counts the busy time of each core, and the processor time of each process. What the cores were busy with
//! beyond this process and its descendants was something else. Both are counted in ticks of some 10 ms, so only the sum
//! over the turns of a solver says something.

use std::fs;
use std::ops::AddAssign;
use std::process;

/// A share of the cores' time below this one is not worth a remark: the system itself needs some.
const LEAST_SHARE: f64 = 0.1;
/// Fewer ticks than these may be a rounding error.
const LEAST_TICKS: i64 = 5;

/// What the cores did, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// All ticks of all cores that this process may use, idle ones too.
    all: i64,
    /// The ticks in which they worked.
    busy: i64,
    /// The ticks of this process and its descendants, those that have ended too.
    own: i64,
}

impl AddAssign for Busy {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.busy += other.busy;
        self.own += other.own;
    }
}

impl Busy {
    #[cfg(test)]
    pub(super) fn of(all: i64, busy: i64, own: i64) -> Self {
        Self { all, busy, own }
    }

    /// The counts until this moment; zeros where the system does not tell them.
    #[must_use]
    pub fn until_now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (all, busy) = cores(&read("/proc/stat"), &allowed(&read("/proc/self/status")));
        Self { all, busy, own: own(process::id()) }
    }

    /// What has been counted since `start`.
    #[must_use]
    pub fn since(start: Self) -> Self {
        let now = Self::until_now();
        Self { all: now.all - start.all, busy: now.busy - start.busy, own: now.own - start.own }
    }

    /// The share of the cores' time that something else took, if it is worth a remark.
    #[must_use]
    pub fn others(self) -> Option<f64> {
        let others = self.busy - self.own;
        let share = others as f64 / self.all.max(1) as f64;
        (others >= LEAST_TICKS && share >= LEAST_SHARE).then_some(share.min(1.0))
    }
}

/// The ticks of these cores, and those in which they worked. A tick that another virtual machine took counts as work.
fn cores(stat: &str, cores: &[usize]) -> (i64, i64) {
    let (mut all, mut busy) = (0, 0);
    for line in stat.lines() {
        let mut words = line.split_whitespace();
        let core = words.next().and_then(|word| word.strip_prefix("cpu")?.parse().ok());
        if core.is_some_and(|core| cores.contains(&core)) {
            // user, nice, system, idle, waiting for a disk, interrupts, soft interrupts, stolen. What follows is in `user`
            // too.
            let ticks: Vec<i64> = words.take(8).filter_map(|word| word.parse().ok()).collect();
            let idle: i64 = ticks.iter().skip(3).take(2).sum();
            let sum: i64 = ticks.iter().sum();
            all += sum;
            busy += sum - idle;
        }
    }
    (all, busy)
}

/// The cores that this process may use.
fn allowed(status: &str) -> Vec<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or("").trim();
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// The ticks of a process and of all its descendants. A process has the ticks of its children once it has waited for them.
fn own(root: u32) -> i64 {
    let folders = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let stats = folders.filter_map(|folder| {
        let id: u32 = folder.file_name().to_str()?.parse().ok()?;
        let (parent, ticks) = of_process(&fs::read_to_string(folder.path().join("stat")).ok()?)?;
        Some((id, parent, ticks))
    });
    let stats: Vec<_> = stats.collect();
    let (mut family, mut total) = (vec![root], 0);
    while let Some(id) = family.pop() {
        total += stats.iter().find(|stat| stat.0 == id).map_or(0, |stat| stat.2);
        family.extend(stats.iter().filter(|stat| stat.1 == id).map(|stat| stat.0));
    }
    total
}

/// The parent and the ticks in a line of `/proc/ID/stat`.
fn of_process(stat: &str) -> Option<(u32, i64)> {
    // The name, in parentheses, may contain spaces and parentheses.
    let words: Vec<_> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    let ticks = words.get(11..15)?.iter().filter_map(|word| word.parse::<i64>().ok()).sum();
    Some((words.get(1)?.parse().ok()?, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cores_of_this_process_count() {
        let stat = "cpu  1 1 1 1 1 1 1 1\ncpu0 10 1 2 100 5 1 1 3 9 9\ncpu1 20 0 0 80 0 0 0 0 0 0\n\
                    cpu10 7 7 7 7 7 7 7 7 0 0\nintr 5\n";
        assert_eq!(cores(stat, &[0]), (123, 18));
        assert_eq!(cores(stat, &allowed("Name:\tx\nCpus_allowed_list:\t0-1\n")), (223, 38));
        assert_eq!(allowed("Cpus_allowed_list:\t0-1,8\n"), [0, 1, 8]);
        assert_eq!(cores("", &[]), (0, 0));
    }

    #[test]
    fn a_process_has_the_ticks_of_its_children() {
        let stat = "42 (a b) c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 30 4 20 0 1 0 5";
        assert_eq!(of_process(stat), Some((7, 154)));
        assert_eq!(of_process("42 (a"), None);
    }

    #[test]
    fn what_the_cores_did_for_something_else_is_told() {
        let busy = |all, busy, own| Busy::of(all, busy, own).others();
        assert_eq!(busy(200, 150, 100), Some(0.25));
        assert_eq!(busy(200, 100, 100), None, "the process itself");
        assert_eq!(busy(200, 105, 100), None, "too little");
        assert_eq!(busy(4, 4, 0), None, "too short to tell");
        assert_eq!(busy(0, 0, 0), None, "a system that does not tell");
    }

    #[test]
    fn own_work_is_not_the_work_of_others() {
        let start = Busy::until_now();
        let begin = std::time::Instant::now();
        let mut busy = Busy::default();
        // A machine that others use may give this thread less than all of a core.
        while busy.own < 5 && begin.elapsed().as_secs() < 20 {
            (0..10_000).for_each(|_| std::hint::spin_loop());
            busy = Busy::since(start);
        }
        assert!(busy.own >= 5 && (busy.all == 0 || busy.all >= busy.busy), "{busy:?}");
    }
}

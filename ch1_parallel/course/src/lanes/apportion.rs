//! Columns for times: which kind of state each column of a chart shows.
//!
//! A column may contain several kinds of state, but shows one of them. Two rules hold. From the first column to any
//! other, the number of columns that show a kind is the time of that kind, counted in columns and rounded down or up.
//! And a column never shows a kind that it does not contain.
//!
//! Such an assignment always exists: it is an integral point of a transportation problem whose constraints (each
//! column, and each prefix of a kind) are two laminar families. It is found as a matching of columns and jobs. The Nth
//! job of a kind is one column of that kind. This column may not come before N - 1 columns of time of the kind are
//! over, and it must come before N such columns are over.

use super::Kind;

/// A smaller part of a column is a rounding error.
const NOTHING: f64 = 1e-9;

/// The kind that each column shows, given how much of the column each kind takes (by [`Kind::index`], 1 in all).
#[must_use]
pub fn apportion(shares: &[[f64; 5]]) -> Vec<Kind> {
    let mut plan = Plan::new(shares);
    // First the jobs that must get a column, then the columns that must show something. A matching that grows never
    // loses a job or a column that it had.
    for job in 0..plan.jobs.len() {
        if plan.jobs[job].must {
            plan.give_job_a_column(job, &mut vec![false; shares.len()]);
        }
    }
    for column in 0..shares.len() {
        if plan.shown[column].is_none() {
            plan.give_column_a_job(column, &mut vec![false; plan.jobs.len()]);
        }
    }
    let largest = |share: &[f64; 5]| {
        let kinds = Kind::ALL.into_iter();
        kinds.max_by(|a, b| share[a.index()].total_cmp(&share[b.index()])).unwrap_or(Kind::Absent)
    };
    let kinds = plan.shown.iter().zip(shares);
    kinds.map(|(job, share)| job.map_or_else(|| largest(share), |job| plan.jobs[job].kind)).collect()
}

/// A column of one kind.
struct Job {
    kind: Kind,
    /// Whether the time of the kind is enough for this column as a whole.
    must: bool,
    /// The columns that the job can get.
    columns: Vec<usize>,
    /// The column that the job got.
    column: Option<usize>,
}

struct Plan {
    jobs: Vec<Job>,
    /// The jobs that can get each column.
    choices: Vec<Vec<usize>>,
    /// The job that got each column.
    shown: Vec<Option<usize>>,
}

impl Plan {
    fn new(shares: &[[f64; 5]]) -> Self {
        let mut plan =
            Self { jobs: Vec::new(), choices: vec![Vec::new(); shares.len()], shown: vec![None; shares.len()] };
        for kind in Kind::ALL {
            let first = plan.jobs.len();
            let mut until = 0.0;
            for (column, share) in shares.iter().enumerate() {
                let before = (until + NOTHING).floor() as usize;
                until += share[kind.index()];
                let begun = (until - NOTHING).ceil() as usize;
                while plan.jobs.len() - first < begun {
                    plan.jobs.push(Job { kind, must: false, columns: Vec::new(), column: None });
                }
                if share[kind.index()] > NOTHING {
                    for job in first + before..first + begun {
                        plan.jobs[job].columns.push(column);
                        plan.choices[column].push(job);
                    }
                }
            }
            let whole = (until + NOTHING).floor() as usize;
            plan.jobs[first..].iter_mut().take(whole).for_each(|job| job.must = true);
        }
        // A column that has much of a kind is tried before one that has little.
        let share = |job: &Job, column: usize| shares[column][job.kind.index()];
        for job in &mut plan.jobs {
            let kind = job.kind.index();
            job.columns.sort_by(|&a, &b| shares[b][kind].total_cmp(&shares[a][kind]));
        }
        for (column, jobs) in plan.choices.iter_mut().enumerate() {
            jobs.sort_by(|&a, &b| share(&plan.jobs[b], column).total_cmp(&share(&plan.jobs[a], column)));
        }
        plan
    }

    fn match_up(&mut self, job: usize, column: usize) {
        self.jobs[job].column = Some(column);
        self.shown[column] = Some(job);
    }

    /// Gives the job a column. If all its columns are taken, another job moves to another column (an augmenting path).
    fn give_job_a_column(&mut self, job: usize, tried: &mut Vec<bool>) -> bool {
        for index in 0..self.jobs[job].columns.len() {
            let column = self.jobs[job].columns[index];
            if !std::mem::replace(&mut tried[column], true)
                && self.shown[column].is_none_or(|other| self.give_job_a_column(other, tried))
            {
                self.match_up(job, column);
                return true;
            }
        }
        false
    }

    /// The same for a column: gives it a job.
    fn give_column_a_job(&mut self, column: usize, tried: &mut Vec<bool>) -> bool {
        for index in 0..self.choices[column].len() {
            let job = self.choices[column][index];
            if !std::mem::replace(&mut tried[job], true)
                && self.jobs[job].column.is_none_or(|other| self.give_column_a_job(other, tried))
            {
                self.match_up(job, column);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::random_picture;
    use super::*;

    #[test]
    fn the_columns_of_each_kind_are_its_time_to_within_one_column() {
        for seed in 0..2000 {
            let picture = random_picture(seed);
            for (columns, row) in [20, 60, 200].into_iter().flat_map(|n| picture.rows.iter().map(move |row| (n, row))) {
                let shares = picture.shares(row, columns);
                let drawn = apportion(&shares);
                let mut due = [0.0; 5];
                for (column, (share, kind)) in shares.iter().zip(&drawn).enumerate() {
                    assert!(share[kind.index()] > 0.0, "seed {seed}, column {column}: {kind:?} is not in it");
                    for (due, part) in due.iter_mut().zip(share) {
                        *due += part;
                    }
                    for kind in Kind::ALL {
                        let count = drawn[..=column].iter().filter(|&&other| other == kind).count() as f64;
                        let off = (due[kind.index()] - count).abs();
                        assert!(off <= 1.0 + 1e-6, "seed {seed}, column {column}: {kind:?} is {off} columns off");
                    }
                }
            }
        }
    }
}

//! `pipeline`: `G[i][j] = G[i-1][j] + G[i][j-1] - G[i-1][j-1]`, so every point needs its neighbours above and to the left. Then
//! `G[0][0] = -G[N-1][N-1]`, so an iteration needs the end of the iteration before.
//!
//! The points that can be computed at the same time lie on a diagonal, the *wavefront*, which moves from the first corner
//! to the last. In parallel solutions each worker holds some columns. It computes a group of rows, passes the last column
//! of the group to the worker on its right, and computes the next group: a pipeline. The workers on the right are idle
//! until the pipeline is full. Small groups fill it soon, but each group costs a message.
//!
//! The processor is a pipeline too. In a row each sum needs the sum before it. An addition takes some cycles, in which the
//! processor could begin other additions. So [`fill`] computes a few columns of one row, then the same columns of the row
//! below, and so on. A processor that executes instructions as soon as their operands are known then begins the next row
//! while the sums of this row still wait for each other: a wavefront of two or three rows.

use std::ops::Range;

use rayon::prelude::*;

use super::nstream::part;
use super::{Measured, Problem, laps, pool, pool_lane};
use crate::array::Array;
use course::lanes;

/// How many columns of a row [`fill`] computes before it goes to the row below. If they are few, two or three rows fit among
/// the instructions that a processor looks ahead at (some hundred). If they are many, the processor writes whole cache
/// lines of a row before it writes those of another row.
const STRIP: usize = 24;

/// Floating-point operations of one iteration, as the Parallel Research Kernels count them: 2 for each point.
#[must_use]
pub fn flops(size: usize) -> f64 {
    let inside = (size - 1) as f64;
    2.0 * inside * inside
}

/// The memory that the grid takes, in bytes.
#[must_use]
pub fn bytes(size: usize) -> u64 {
    8 * (size as u64).pow(2)
}

/// The groups of rows after each of which a worker passes its last column on. Row 0 never changes, so it is in no group.
pub fn groups(size: usize, workers: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    // With 32 rows for each worker or more, there are at least 4 groups for each worker: the pipeline is full most of the
    // time.
    let rows = (size / (4 * workers)).clamp(8, 32);
    (1..size).step_by(rows).map(move |first| first..(first + rows).min(size))
}

/// The columns of each worker, in order and as evenly as possible. Column 0 never changes, so no worker has it. If there are
/// too few columns, the last workers get none.
#[must_use]
pub fn columns(size: usize, workers: usize) -> Vec<Range<usize>> {
    let busy = workers.min(size - 1);
    let all = |worker: usize| match worker < busy {
        true => part(size - 1, busy, worker),
        false => size - 1..size - 1,
    };
    (0..workers).map(|worker| all(worker).start + 1..all(worker).end + 1).collect()
}

/// Some columns of the grid, row by row.
#[derive(Debug)]
pub struct Columns {
    first: usize,
    width: usize,
    cells: Array,
    /// The number to the left of these columns, in the last row that was computed.
    corner: f64,
}

impl Columns {
    /// The columns `columns` of a grid before the first iteration: row 0 is j, all other rows are 0.
    ///
    /// # Errors
    /// The columns do not fit in the memory.
    pub fn new(size: usize, columns: Range<usize>) -> anyhow::Result<Self> {
        let (first, width) = (columns.start, columns.len());
        let mut cells = Array::zeros("the grid", size * width)?;
        cells.fill(0.0);
        cells.iter_mut().zip(columns).for_each(|(cell, j)| *cell = j as f64);
        Ok(Self { first, width, cells, corner: 0.0 })
    }

    /// Begins an iteration with this number in the first corner of the grid.
    pub fn begin(&mut self, corner: f64) {
        self.corner = if self.first == 1 { corner } else { (self.first - 1) as f64 };
    }

    /// Computes the rows `rows`. Before the call `border` has the numbers to the left of these columns in these rows. After the
    /// call it has the last numbers of these columns, for the worker on the right.
    pub fn compute(&mut self, rows: Range<usize>, border: &mut [f64]) {
        let width = self.width;
        let (above, cells) = self.cells[(rows.start - 1) * width..rows.end * width].split_at_mut(width);
        fill(self.corner, border, above, cells);
        self.corner = border[border.len() - 1];
        for (border, row) in border.iter_mut().zip(cells.chunks_exact(width)) {
            *border = row[width - 1];
        }
    }
}

/// The numbers in column 0 in the rows `rows`: they never change. No worker has this column; it is the border of the first
/// worker.
#[must_use]
pub fn first_column(rows: Range<usize>) -> Vec<f64> {
    rows.map(|i| i as f64).collect()
}

/// Computes rows of the grid: `rows`, one after the other, below the row `above`. `left` has the number to the left of each of
/// them, and `corner` is the number to the left of `above`.
pub fn fill(corner: f64, left: &[f64], above: &[f64], rows: &mut [f64]) {
    // The loops are compiled for several processors. This call chooses the one of the machine.
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || fill_rows(corner, left, above, rows),
    );
}

#[inline(always)]
fn fill_rows(corner: f64, left: &[f64], above: &[f64], rows: &mut [f64]) {
    let width = above.len();
    for first in (0..width).step_by(STRIP) {
        let strip = first..(first + STRIP).min(width);
        // The row above, and the number in it to the left of the strip.
        let mut above = above;
        let mut above_left = if first == 0 { corner } else { above[first - 1] };
        for (left, row) in left.iter().zip(rows.chunks_exact_mut(width)) {
            let left = if first == 0 { *left } else { row[first - 1] };
            let mut number = left;
            for (cell, above) in row[strip.clone()].iter_mut().zip(&above[strip.clone()]) {
                number += above - above_left;
                above_left = *above;
                *cell = number;
            }
            (above, above_left) = (row, left);
        }
    }
}

/// Says why the number in the last corner is wrong, or `None` if it is right. All numbers are whole, so they are exact.
#[must_use]
pub fn check(problem: &Problem, corner: f64) -> Option<String> {
    let right = ((problem.iterations + 1) * 2 * (problem.size - 1)) as f64;
    (corner != right).then(|| format!("the number in the last corner is {corner}, not {right}"))
}

/// One thread that holds all columns.
///
/// # Errors
/// The grid does not fit in the memory.
pub fn serial(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let mut grid = Columns::new(size, 1..size)?;
    let mut corner = 0.0;
    let seconds = laps(problem.iterations, || {
        grid.begin(-corner);
        for rows in groups(size, 1) {
            let mut border = first_column(rows.clone());
            grid.compute(rows, &mut border);
            corner = border[border.len() - 1];
        }
    });
    Ok(Measured { seconds, wrong: check(problem, corner) })
}

/// A parallel iterator for each position of the wavefront: in step d, part c of the columns computes group d - c of the rows.
/// Tasks of rayon should not wait for each other, so the end of each iterator is a barrier between two steps.
///
/// # Errors
/// The system does not start a thread, or the grid does not fit in the memory.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let pool = pool(problem.workers)?;
    let busy = columns(size, problem.workers).into_iter().filter(|columns| !columns.is_empty());
    let mut parts = busy.map(|columns| Columns::new(size, columns)).collect::<Result<Vec<_>, _>>()?;
    let groups: Vec<_> = groups(size, problem.workers).collect();
    let mut corner = 0.0;
    let iterate = || {
        parts.iter_mut().for_each(|part| part.begin(-corner));
        let mut borders: Vec<_> = groups.iter().map(|rows| first_column(rows.clone())).collect();
        for step in 0..groups.len() + parts.len() - 1 {
            // Before its first step and after its last step a part does nothing.
            let active = (step + 1).saturating_sub(groups.len())..parts.len().min(step + 1);
            let their_groups = step + 1 - active.end..step + 1 - active.start;
            let borders = borders[their_groups.clone()].par_iter_mut();
            let rows_and_borders = groups[their_groups].par_iter().zip(borders);
            parts[active].par_iter_mut().zip(rows_and_borders.rev()).for_each(|(part, (rows, border))| {
                let _lane = pool_lane();
                part.compute(rows.clone(), border);
            });
        }
        corner = *borders.last().and_then(|border| border.last()).expect("a grid has two rows or more");
    };
    let seconds = lanes::wait("pool", || pool.install(|| laps(problem.iterations, iterate)));
    Ok(Measured { seconds, wrong: check(problem, corner) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_columns_cover_the_grid_but_for_the_first_row_and_column() {
        for size in [2, 3, 9, 10, 100, 2000] {
            for workers in [1, 2, 7, 200] {
                let inside: Vec<_> = (1..size).collect();
                assert_eq!(groups(size, workers).flatten().collect::<Vec<_>>(), inside);
                let columns = columns(size, workers);
                assert_eq!(columns.len(), workers);
                assert_eq!(columns.iter().cloned().flatten().collect::<Vec<_>>(), inside);
                let busy = columns.iter().take_while(|columns| !columns.is_empty()).count();
                assert_eq!(busy, workers.min(size - 1), "the workers without columns are the last");
            }
        }
    }

    /// The kernel's own check sees only one corner of a special grid.
    #[test]
    fn strips_are_the_rows_one_after_the_other() {
        for (height, width) in [(1, 1), (1, 5), (7, 3), (8, 1), (8, 8), (9, 30), (16, 23), (19, 24), (3, 25), (19, 100)]
        {
            let number = |i: usize, j: usize| ((i * 37 + j * 53) % 101) as f64;
            let mut grid: Vec<Vec<f64>> = (0..=height).map(|i| (0..=width).map(|j| number(i, j)).collect()).collect();
            for i in 1..=height {
                for j in 1..=width {
                    grid[i][j] = grid[i - 1][j] + grid[i][j - 1] - grid[i - 1][j - 1];
                }
            }
            let left: Vec<_> = grid[1..].iter().map(|row| row[0]).collect();
            let mut rows = vec![f64::NAN; height * width];
            fill(grid[0][0], &left, &grid[0][1..], &mut rows);
            assert!(rows.iter().eq(grid[1..].iter().flat_map(|row| &row[1..])), "{height} rows, {width} columns");
        }
    }

    #[test]
    fn all_sizes_and_workers_are_exact() {
        for size in [2, 3, 7, 9, 37, 64] {
            for workers in [1, 2, 3, 64] {
                let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
                assert_eq!(serial(&problem).unwrap().wrong, None);
                assert_eq!(rayon(&problem).unwrap().wrong, None, "size {size}, {workers} workers");
            }
        }
    }

    #[test]
    fn the_check_finds_a_corner_that_missed_an_iteration() {
        let problem = Problem { size: 5, workers: 1, iterations: 2, ..Problem::DEFAULT };
        assert_eq!(check(&problem, 24.0), None);
        assert!(check(&problem, 16.0).is_some());
    }
}

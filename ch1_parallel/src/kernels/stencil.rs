//! `stencil`: a star of radius 2 over an N×N grid. It computes little with each number that it loads, so its speed is the
//! speed of the memory.
//!
//! An iteration is `out += star(in)` on the interior, then `in += 1` everywhere. Two passes would move five grids through the
//! memory (`in` is read, `out` is read and written, `in` is read and written). [`sweep`] does both in one pass and moves four
//! grids: it increases a row of `in` as soon as no later row of `out` needs it, while the row is still in the cache.
//!
//! Parallel solutions divide the grid into [`bands`] of whole rows. For the first two and the last two rows of its `out`, a
//! worker needs two rows of `in` from each neighbour, before the neighbour increases them. So each worker publishes its
//! outermost rows ([`publish`]), and all workers meet at a barrier before they sweep.

use std::ops::Range;

use rayon::prelude::*;

use super::{Measured, Problem, laps, pool, pool_lane};
use crate::array::Array;
use course::lanes;

/// How far the star reaches.
pub const RADIUS: usize = 2;

// 1/(2·j·RADIUS) at distance j. Both are powers of two and all values are small, so every sum is exact in any order.
const NEAR: f64 = 0.25;
const FAR: f64 = 0.125;

/// Floating-point operations of one iteration, as the Parallel Research Kernels count them: 2·9+1 for each point.
#[must_use]
pub fn flops(size: usize) -> f64 {
    let inside = (size - 2 * RADIUS) as f64;
    19.0 * inside * inside
}

/// The memory that the two grids take, in bytes.
#[must_use]
pub fn bytes(size: usize) -> u64 {
    2 * 8 * (size as u64).pow(2)
}

/// Divides `size` rows among `workers`, in order and as evenly as possible. Each band has at least [`RADIUS`] rows. If there
/// are too few rows, the last workers get an empty band.
#[must_use]
pub fn bands(size: usize, workers: usize) -> Vec<Range<usize>> {
    let busy = workers.min(size / RADIUS).max(1);
    (0..workers)
        .map(|worker| match worker {
            _ if worker < busy => worker * size / busy..(worker + 1) * size / busy,
            _ => size..size,
        })
        .collect()
}

/// The initial values of `in` in `rows`, row by row: i + j.
fn initial(size: usize, rows: Range<usize>) -> impl Iterator<Item = f64> {
    rows.flat_map(move |i| (0..size).map(move |j| (i + j) as f64))
}

/// The outermost rows of a band: its first [`RADIUS`] rows and its last [`RADIUS`] rows.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    /// The first rows, for the neighbour above.
    pub first: Vec<f64>,
    /// The last rows, for the neighbour below.
    pub last: Vec<f64>,
}

impl Edges {
    /// Edges for a band of a grid with `size` columns, filled with zeros.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { first: vec![0.0; RADIUS * size], last: vec![0.0; RADIUS * size] }
    }
}

/// Copies the outermost rows of a band's `input` to `first` and `last`, where its neighbours read them.
pub fn publish(input: &[f64], first: &mut [f64], last: &mut [f64]) {
    if !input.is_empty() {
        first.copy_from_slice(&input[..first.len()]);
        last.copy_from_slice(&input[input.len() - last.len()..]);
    }
}

/// One iteration on the rows `rows` of the grid. `input` and `output` hold these rows. `above` holds the [`RADIUS`] rows of
/// `in` before them and `below` the [`RADIUS`] rows after them, both before their increase. At the border of the grid they are
/// empty.
pub fn sweep(size: usize, rows: Range<usize>, input: &mut [f64], output: &mut [f64], above: &[f64], below: &[f64]) {
    // The loops are compiled for several vector widths. This call chooses the width of the machine.
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || sweep_rows(size, rows, input, output, above, below),
    );
}

#[inline(always)]
fn sweep_rows(size: usize, rows: Range<usize>, input: &mut [f64], output: &mut [f64], above: &[f64], below: &[f64]) {
    let count = rows.len();
    for row in 0..count {
        // No later row needs the row that is RADIUS rows back, so this row is increased in the same pass.
        let kept = (row + 1).saturating_sub(RADIUS);
        let (before, rest) = input.split_at_mut(kept * size);
        let oldest = &mut before[row.saturating_sub(RADIUS).min(kept) * size..];
        if !(RADIUS..size - RADIUS).contains(&(rows.start + row)) {
            increase(oldest);
            continue;
        }
        // Row `row + from - RADIUS` of `in`, from this band or from a neighbour.
        let star = |from: usize| match (row + from).checked_sub(RADIUS) {
            None => &above[(row + from) * size..][..size],
            Some(near) if near < count => &rest[(near - kept) * size..][..size],
            Some(far) => &below[(far - count) * size..][..size],
        };
        let (out, near) = (&mut output[row * size..][..size], [star(1), star(2), star(3), star(4)]);
        if row < RADIUS {
            // The neighbour increases its row itself, so here a copy is increased.
            star_row(out, &mut star(0).to_vec(), near);
        } else {
            star_row(out, oldest, near);
        }
    }
    increase(&mut input[count.saturating_sub(RADIUS) * size..]);
}

/// `out += star(in)` for the interior of one row, from this row of `in` and the two rows on each side. Then `north2`, which is
/// not needed any more, is increased.
#[inline(always)]
fn star_row(out: &mut [f64], north2: &mut [f64], near: [&[f64]; 4]) {
    // The vectors of the second part begin at a multiple of their length, so that fewer of them cross the border of a cache
    // line.
    let (first, end) = (4.min(out.len() - RADIUS), out.len() - RADIUS);
    increase(&mut north2[..RADIUS]);
    star_part(RADIUS..first, out, north2, near);
    star_part(first..end, out, north2, near);
    increase(&mut north2[end..]);
}

#[inline(always)]
fn star_part(columns: Range<usize>, out: &mut [f64], north2: &mut [f64], [north, row, south, south2]: [&[f64]; 4]) {
    let (out, north2, north) = (&mut out[columns.clone()], &mut north2[columns.clone()], &north[columns.clone()]);
    let (south, south2) = (&south[columns.clone()], &south2[columns.clone()]);
    let beside = |first: usize| &row[first..][..columns.len()];
    let (west2, west) = (beside(columns.start - 2), beside(columns.start - 1));
    let (east, east2) = (beside(columns.start + 1), beside(columns.start + 2));
    for j in 0..columns.len() {
        out[j] += NEAR * ((south[j] - north[j]) + (east[j] - west[j]))
            + FAR * ((south2[j] - north2[j]) + (east2[j] - west2[j]));
        north2[j] += 1.0;
    }
}

#[inline(always)]
fn increase(values: &mut [f64]) {
    for value in values {
        *value += 1.0;
    }
}

/// The sum of the absolute values of a band's `output`. Outside the interior `output` is 0.
#[must_use]
pub fn sum(output: &[f64]) -> f64 {
    output.iter().map(|value| value.abs()).sum()
}

/// Says why the sum over all bands is wrong, or `None` if it is right. All values are exact, so the sum is exact too.
#[must_use]
pub fn check(problem: &Problem, sum: f64) -> Option<String> {
    let inside = (problem.size - 2 * RADIUS) as f64;
    let (mean, right) = (sum / (inside * inside), 2.0 * (problem.iterations as f64 + 1.0));
    (mean != right).then(|| format!("the mean of the result is {mean}, not {right}"))
}

/// The rows `rows` of both grids before the first iteration: `in`, and `out`, which is 0.
///
/// # Errors
/// The rows do not fit in the memory.
pub fn grids(size: usize, rows: Range<usize>) -> anyhow::Result<(Array, Array)> {
    let cells = rows.len() * size;
    let input = Array::collected("the input grid", cells, initial(size, rows))?;
    let mut output = Array::zeros("the output grid", cells)?;
    output.fill(0.0);
    Ok((input, output))
}

/// One thread, one band.
///
/// # Errors
/// The grids do not fit in the memory.
pub fn serial(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let (mut input, mut output) = grids(size, 0..size)?;
    let seconds = laps(problem.iterations, || sweep(size, 0..size, &mut input, &mut output, &[], &[]));
    Ok(Measured { seconds, wrong: check(problem, sum(&output)) })
}

/// The bands of rows that the threads of a rayon pool sweep at the same time, one band for each thread: with more bands,
/// more edges are copied.
///
/// The rows are the whole grid, or the rows of a rank, whose neighbours are then other ranks.
#[derive(Debug)]
pub struct Team {
    size: usize,
    bands: Vec<Range<usize>>,
    edges: Vec<Edges>,
}

impl Team {
    /// Divides the rows `rows` of a grid of side `size` among `threads` threads.
    #[must_use]
    pub fn new(size: usize, rows: &Range<usize>, threads: usize) -> Self {
        let moved = |band: Range<usize>| rows.start + band.start..rows.start + band.end;
        let bands: Vec<_> = bands(rows.len(), threads).into_iter().map(moved).filter(|band| !band.is_empty()).collect();
        let edges = vec![Edges::new(size); bands.len()];
        Self { size, bands, edges }
    }

    /// What [`sweep`] does, by the threads of the pool in which it is called: a parallel iterator over the bands. The end
    /// of an iterator is the barrier.
    pub fn sweep(&mut self, input: &mut [f64], output: &mut [f64], above: &[f64], below: &[f64]) {
        struct Band<'grid> {
            rows: Range<usize>,
            input: &'grid mut [f64],
            output: &'grid mut [f64],
        }

        let size = self.size;
        let mut bands: Vec<Band<'_>> = Vec::with_capacity(self.bands.len());
        let (mut left_in, mut left_out) = (input, output);
        for rows in self.bands.iter().cloned() {
            let cells = rows.len() * size;
            let (input, output);
            (input, left_in) = left_in.split_at_mut(cells);
            (output, left_out) = left_out.split_at_mut(cells);
            bands.push(Band { rows, input, output });
        }
        bands
            .par_iter()
            .zip(&mut self.edges)
            .for_each(|(band, edges)| publish(band.input, &mut edges.first, &mut edges.last));
        let edges = &self.edges;
        bands.par_iter_mut().enumerate().for_each(|(index, band)| {
            let _lane = pool_lane();
            let above = index.checked_sub(1).map_or(above, |before| &edges[before].last);
            let below = edges.get(index + 1).map_or(below, |after| &after.first);
            sweep(size, band.rows.clone(), band.input, band.output, above, below);
        });
    }
}

/// One pair of grids, a band of them for each thread of a pool.
///
/// # Errors
/// The system does not start a thread, or the grids do not fit in the memory.
pub fn rayon(problem: &Problem) -> anyhow::Result<Measured> {
    let size = problem.size;
    let pool = pool(problem.workers)?;
    let mut team = Team::new(size, &(0..size), problem.workers);
    let (mut input, mut output) = grids(size, 0..size)?;
    let iterate = || team.sweep(&mut input, &mut output, &[], &[]);
    let seconds = lanes::wait("pool", || pool.install(|| laps(problem.iterations, iterate)));
    Ok(Measured { seconds, wrong: check(problem, sum(&output)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_all_rows_once() {
        for size in 5..40 {
            for workers in 1..50 {
                let bands = bands(size, workers);
                assert_eq!(bands.len(), workers);
                assert_eq!(bands.iter().cloned().flatten().collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
                assert!(bands.iter().all(|rows| rows.is_empty() || rows.len() >= RADIUS));
                let busy = || bands.iter().map(Range::len).filter(|&rows| rows > 0);
                assert_eq!(busy().count(), workers.min(size / RADIUS));
                assert!(busy().max().unwrap() - busy().min().unwrap() <= 1, "{bands:?}");
            }
        }
    }

    /// The kernel's own check sees neither a wrong sign nor an input that is not increased: on its grid these cancel out.
    #[test]
    fn a_sweep_adds_the_star_and_increases_the_input() {
        const SIZE: usize = 11;
        let cells = |factor: usize| (0..SIZE * SIZE).map(move |at| (at * factor % 101) as f64).collect::<Vec<_>>();
        let (input, output) = (cells(37), cells(53));
        let near = |row: usize, col: usize, by: usize| {
            let at = |row, col| input[row * SIZE + col];
            (at(row + by, col) - at(row - by, col)) + (at(row, col + by) - at(row, col - by))
        };
        let mut right = output.clone();
        for row in 2..SIZE - 2 {
            for col in 2..SIZE - 2 {
                right[row * SIZE + col] += near(row, col, 1) / 4.0 + near(row, col, 2) / 8.0;
            }
        }
        let increased: Vec<f64> = input.iter().map(|cell| cell + 1.0).collect();
        for workers in 1..=5 {
            let (mut new_input, mut new_output) = (input.clone(), output.clone());
            for rows in bands(SIZE, workers) {
                let here = rows.start * SIZE..rows.end * SIZE;
                let above = &input[rows.start.saturating_sub(RADIUS) * SIZE..here.start];
                let below = &input[here.end..(rows.end + RADIUS).min(SIZE) * SIZE];
                sweep(SIZE, rows, &mut new_input[here.clone()], &mut new_output[here], above, below);
            }
            assert_eq!((&new_input, &new_output), (&increased, &right), "{workers} bands");
            for threads in 1..=4 {
                let (mut new_input, mut new_output) = (input.clone(), output.clone());
                for rows in bands(SIZE, workers) {
                    let here = rows.start * SIZE..rows.end * SIZE;
                    let above = &input[rows.start.saturating_sub(RADIUS) * SIZE..here.start];
                    let below = &input[here.end..(rows.end + RADIUS).min(SIZE) * SIZE];
                    let mut team = Team::new(SIZE, &rows, threads);
                    team.sweep(&mut new_input[here.clone()], &mut new_output[here], above, below);
                }
                assert_eq!((&new_input, &new_output), (&increased, &right), "{workers} bands, {threads} threads");
            }
        }
    }

    #[test]
    fn two_grids_of_eight_bytes_for_each_cell() {
        assert_eq!(bytes(10), 1600);
    }

    #[test]
    fn all_sizes_and_workers_are_exact() {
        for size in [5, 6, 7, 13, 64] {
            for workers in [1, 2, 3, 7, 64] {
                let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
                assert_eq!(serial(&problem).unwrap().wrong, None);
                assert_eq!(rayon(&problem).unwrap().wrong, None, "size {size}, {workers} workers");
            }
        }
    }

    #[test]
    fn the_check_finds_one_wrong_cell() {
        let problem = Problem { size: 7, workers: 1, iterations: 1, ..Problem::DEFAULT };
        assert_eq!(check(&problem, 9.0 * 4.0), None);
        assert!(check(&problem, 9.0 * 4.0 - 0.125).is_some());
    }
}

//! A rank's block of a grid, with a frame for the halo: the edges of the neighbours' blocks.

use std::ops::RangeInclusive;

use mpi::Count;

/// Makes each of these cells of `new` the mean of the four neighbours of that cell in `old`.
pub fn relax(old: &Block, new: &mut Block, rows: RangeInclusive<usize>, cols: RangeInclusive<usize>) {
    let (width, cells) = (old.cols + 2, &old.cells);
    for row in rows {
        for at in row * width + cols.start()..=row * width + cols.end() {
            new.cells[at] = 0.25 * (cells[at - width] + cells[at + width] + cells[at - 1] + cells[at + 1]);
        }
    }
}

/// The cells of a rank, with a frame of one cell around them: the rows of the block are 1, 2, ..., `rows`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The number of rows, without the frame.
    pub rows: usize,
    /// The number of columns, without the frame.
    pub cols: usize,
    /// The cells, row by row, with the frame.
    pub cells: Vec<f64>,
    /// The place of its first cell in the whole grid, and the number of columns of that grid.
    first: [usize; 2],
    size: usize,
}

impl Block {
    /// The block at these coordinates of a grid of `size` rows and columns that is cut into `dims` blocks. Blocks differ by at most
    /// one row and one column.
    #[must_use]
    pub fn new(size: usize, dims: [Count; 2], coords: &[Count]) -> Self {
        let start = |axis: usize, at: Count| at as usize * size / dims[axis] as usize;
        let [rows, cols] = [0, 1].map(|axis| start(axis, coords[axis])..start(axis, coords[axis] + 1) + 2);
        let row = |row| cols.clone().map(move |col| ((31 * row + 17 * col) % 100) as f64);
        let first = [0, 1].map(|axis| start(axis, coords[axis]));
        Self { rows: rows.len() - 2, cols: cols.len() - 2, cells: rows.flat_map(row).collect(), first, size }
    }

    /// The places of the upper, lower, left and right side of the frame (depth 0) or of the block itself (depth 1).
    pub fn sides(&self, depth: usize) -> [impl Iterator<Item = usize> + use<>; 4] {
        let (rows, cols, width) = (self.rows, self.cols, self.cols + 2);
        let (upper, lower) = (depth * width + 1, (rows + 1 - depth) * width + 1);
        let (left, right) = (width + depth, width + cols + 1 - depth);
        [(upper, 1, cols), (lower, 1, cols), (left, width, rows), (right, width, rows)]
            .map(|(start, step, length)| (start..).step_by(step).take(length))
    }

    /// A sum of the bits of all cells, each multiplied by a number that depends on its place in the whole grid. It does not depend
    /// on how the grid is cut.
    #[must_use]
    pub fn sum_of_bits(&self) -> u64 {
        let mut sum = 0_u64;
        for (row, cells) in self.cells.chunks(self.cols + 2).skip(1).take(self.rows).enumerate() {
            for (col, cell) in cells[1..=self.cols].iter().enumerate() {
                // Odd numbers: a product loses no bit.
                let place = 2 * ((self.first[0] + row) * self.size + self.first[1] + col) + 1;
                sum = sum.wrapping_add(cell.to_bits().wrapping_mul(place as u64));
            }
        }
        sum
    }
}

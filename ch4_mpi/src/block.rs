//! A rank's block of a grid, with a frame for the halo: the edges of the neighbours' blocks.

use std::ops::RangeInclusive;

use mpi::Count;

/// The cells of a rank, with a frame of one cell around them: the rows of the block are 1, 2, ..., `rows`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The number of rows and of columns, without the frame.
    rows: usize,
    cols: usize,
    /// The cells, row by row, with the frame.
    cells: Vec<f64>,
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

    /// Copies of the upper, the lower, the left and the right edge.
    #[must_use]
    pub fn edges(&self) -> [Vec<f64>; 4] {
        self.sides(1).map(|edge| edge.map(|at| self.cells[at]).collect())
    }

    /// Writes a side of the frame: 0 is the upper one, then the lower, the left and the right one.
    pub fn set_halo(&mut self, side: usize, halo: &[f64]) {
        let places = self.sides(0).into_iter().nth(side).into_iter().flatten();
        places.zip(halo).for_each(|(at, &cell)| self.cells[at] = cell);
    }

    /// The places of the upper, lower, left and right side of the frame (depth 0) or of the block itself (depth 1).
    fn sides(&self, depth: usize) -> [impl Iterator<Item = usize> + use<>; 4] {
        let (rows, cols, width) = (self.rows, self.cols, self.cols + 2);
        let (upper, lower) = (depth * width + 1, (rows + 1 - depth) * width + 1);
        let (left, right) = (width + depth, width + cols + 1 - depth);
        [(upper, 1, cols), (lower, 1, cols), (left, width, rows), (right, width, rows)]
            .map(|(start, step, length)| (start..).step_by(step).take(length))
    }

    /// Makes each cell the mean of the four neighbours of that cell in `old`. It needs the halo of `old`.
    pub fn relax_all(&mut self, old: &Self) {
        self.relax(old, 1..=self.rows, 1..=self.cols);
    }

    /// The same for the cells that are not at an edge. It needs no halo.
    pub fn relax_interior(&mut self, old: &Self) {
        self.relax(old, 2..=self.rows - 1, 2..=self.cols - 1);
    }

    /// The same for the cells at the edges.
    pub fn relax_border(&mut self, old: &Self) {
        let (rows, cols) = (self.rows, self.cols);
        for (row, col) in [(1, 1), (rows, cols)] {
            self.relax(old, row..=row, 1..=cols);
            self.relax(old, 1..=rows, col..=col);
        }
    }

    fn relax(&mut self, old: &Self, rows: RangeInclusive<usize>, cols: RangeInclusive<usize>) {
        let (width, cells) = (old.cols + 2, &old.cells);
        for row in rows {
            for at in row * width + cols.start()..=row * width + cols.end() {
                self.cells[at] = 0.25 * (cells[at - width] + cells[at + width] + cells[at - 1] + cells[at + 1]);
            }
        }
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

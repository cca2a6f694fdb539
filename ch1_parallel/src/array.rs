//! Arrays of numbers for the kernels, in huge pages.
//!
//! Memory is divided into pages, of 4 KiB in most cases. Each core keeps the addresses of the last pages in a table, the
//! TLB. It covers only some MiB: beyond that, the core waits for each new page. Two cores have two TLBs, so two workers can
//! seem more than twice as fast as one. A huge page has 2 MiB, and the TLB covers some GiB. Linux gives huge pages to a
//! program that asks for them (`madvise(2)`, `MADV_HUGEPAGE`), so the arrays of all strategies ask. Many systems give none
//! to memory that processes share.

use std::ops::{Deref, DerefMut};

use anyhow::anyhow;
use bytemuck::{cast_slice, cast_slice_mut};
use memmap2::MmapMut;

/// The size of a huge page, in bytes, on x86-64 and on most ARM systems.
const HUGE_PAGE: usize = 2 << 20;

/// An array of numbers that begin as 0. The system gives a page at its first write, near to the core of the thread that
/// writes.
#[derive(Debug)]
pub struct Array {
    map: MmapMut,
    /// Where the numbers begin in the mapping, in bytes.
    start: usize,
    count: usize,
}

impl Array {
    /// An array of `count` zeros. `what` names the array in the error.
    ///
    /// # Errors
    /// The system does not give the memory.
    pub fn zeros(what: &str, count: usize) -> anyhow::Result<Self> {
        let mapped = |bytes: usize| {
            let huge = bytes >= HUGE_PAGE;
            // A huge page begins at a multiple of its size, so the mapping has room to begin the numbers there.
            let map = MmapMut::map_anon(if huge { bytes.checked_add(HUGE_PAGE)? } else { bytes.max(1) }).ok()?;
            let start = if huge { map.as_ptr().align_offset(HUGE_PAGE) } else { 0 };
            #[cfg(target_os = "linux")]
            if huge {
                // A system without huge pages refuses. The array then has small pages.
                let _ = map.advise(memmap2::Advice::HugePage);
            }
            Some(Self { map, start, count })
        };
        let array = count.checked_mul(size_of::<f64>()).and_then(mapped);
        array.ok_or_else(|| anyhow!("{what}: out of memory: no room for {count} values of {} bytes", size_of::<f64>()))
    }

    /// An array of all these `values`. `what` names the array in the error.
    ///
    /// # Errors
    /// The system does not give the memory.
    pub fn collected(what: &str, count: usize, values: impl Iterator<Item = f64>) -> anyhow::Result<Self> {
        let mut array = Self::zeros(what, count)?;
        array.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        Ok(array)
    }
}

impl Deref for Array {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        cast_slice(&self.map[self.start..][..self.count * size_of::<f64>()])
    }
}

impl DerefMut for Array {
    fn deref_mut(&mut self) -> &mut [f64] {
        cast_slice_mut(&mut self.map[self.start..][..self.count * size_of::<f64>()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_its_length_and_begins_as_zeros() {
        for count in [0, 1, 1000, HUGE_PAGE / 8 - 1, HUGE_PAGE / 8, 1_000_000] {
            let mut array = Array::zeros("zeros", count).unwrap();
            assert!(array.len() == count && array.iter().all(|value| *value == 0.0), "{count}");
            array.fill(7.0);
            assert_eq!(array.iter().sum::<f64>(), 7.0 * count as f64);
        }
        assert_eq!(*Array::collected("squares", 4, (0..4).map(|i| f64::from(i * i))).unwrap(), [0.0, 1.0, 4.0, 9.0]);
    }

    #[test]
    fn a_large_array_begins_at_a_huge_page() {
        let array = Array::zeros("zeros", 1_000_000).unwrap();
        assert_eq!(array.as_ptr().align_offset(HUGE_PAGE), 0);
    }

    #[test]
    fn an_array_that_does_not_fit_is_an_error() {
        for count in [usize::MAX, usize::MAX / 8, 1 << 60, (usize::MAX >> 3) - 1] {
            let error = Array::zeros("the grid", count).unwrap_err().to_string();
            assert!(error.starts_with("the grid: out of memory: no room for "), "{error}");
        }
    }
}

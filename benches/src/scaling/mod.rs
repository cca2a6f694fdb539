//! How the strategy `mpi` of a kernel scales: the study of the program `scaling`.
//!
//! *Strong* scaling keeps the size of the problem: with more ranks it should take less time. *Weak* scaling lets the size
//! grow with the ranks, so that a rank always has the same work: the time should stay the same. [`study`] measures, [`fit`]
//! finds the serial fraction that explains the measured speed-ups, and [`plot`] draws both.

pub mod fit;
pub mod plot;
pub mod study;

//! A schedule that a model checker has found: its [file](FailingSchedule), and its [chart](chart()).
//!
//! The program `schedules` finds it with the search of [`course::model`].

mod chart;
mod file;

pub use chart::chart;
pub use file::FailingSchedule;

//! The search of hazards under a model checker: the [search](search_one) of a hazard that the program names, the
//! [file](FailingSchedule) of a schedule that fails, and its [chart](chart()).
//!
//! The program `schedules` names the hazards and puts their threads together. The checkers are those of [`course::model`].

mod chart;
mod file;
mod search;

pub use chart::chart;
pub use file::FailingSchedule;
pub use search::{Checker, Hazard, replay, search_all, search_one};

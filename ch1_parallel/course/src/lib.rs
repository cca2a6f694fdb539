//! What makes a file a program of the course.
//!
//! | module | what it holds |
//! |---|---|
//! | [`lesson`] | how a program begins and ends: flags, seed, pace, errors, Ctrl-C |
//! | [`lanes`] | what each thread, process, rank and task did and waited for: the chart, the picture and the trace |
//! | [`program`] | running another program with a limit on its time |
//! | [`processes`] | the processes of this machine |
//! | [`clock`] | the clock that all processes of a machine share |
//! | `model` | locks, channels and atomics under a model checker, and its search (feature `model`) |
//! | `testing` | what the chapters' tests share (feature `testing`) |

pub mod clock;
pub mod lanes;
pub mod lesson;
#[cfg(feature = "model")]
pub mod model;
pub mod processes;
pub mod program;
#[cfg(feature = "testing")]
pub mod testing;

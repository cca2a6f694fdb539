//! The programs of this crate, run as a user runs them.

mod advise;
mod doctor;
mod forecast;
mod kernel;
mod metg;
mod peers;
mod prices;
mod scaling;
mod start;
mod tour;

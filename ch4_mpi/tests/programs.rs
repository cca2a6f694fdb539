//! The chapter's programs, run as programs.
#![cfg(mpi)]

mod common;

mod programs {
    mod all_to_all;
    mod avoiding_deadlock;
    mod broadcast;
    mod collective_order;
    mod deadlock;
    mod gather;
    mod halo;
    mod hello;
    mod pi;
    mod ping_pong;
    mod point_to_point;
    mod reduce;
    mod ring;
    mod root_mismatch;
    mod scatter;
    mod tag_mismatch;
    mod topology;
    mod wildcard_race;
}

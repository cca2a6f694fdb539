//! Every program of the chapter, ended in the middle.

use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT, assert_only_reports, leaves_no_file};
use course::testing::proc::{signal, wait_for};

/// A run that lasts until a signal ends it, as long as the test does not read its output.
struct Long {
    program: &'static Program,
    args: &'static [&'static str],
    children: usize,
}

const PROGRAMS: [Long; 14] = [
    Long { program: &crate::background::BACKGROUND, args: &["--pace", "100"], children: 2 },
    Long { program: &crate::background_daemon::BACKGROUND_DAEMON, args: &["--pace", "100"], children: 2 },
    Long { program: &crate::pipe::PIPE, args: crate::pipe::PIPE.long, children: 2 },
    Long { program: &crate::process_barrier::PROCESS_BARRIER, args: &["--pace", "100"], children: 4 },
    Long { program: &crate::process_kill::PROCESS_KILL, args: &["--pace", "100"], children: 1 },
    Long { program: &crate::process_lock::PROCESS_LOCK, args: &["--pace", "100"], children: 4 },
    Long { program: &crate::process_names::PROCESS_NAMES, args: &["--pace", "100"], children: 2 },
    Long { program: &crate::process_pool::PROCESS_POOL, args: &["--steps", "10000000000"], children: 4 },
    Long {
        program: &crate::process_queue::PROCESS_QUEUE,
        args: &["--pace", "100", "--producers", "3", "--consumers", "2"],
        children: 5,
    },
    Long { program: &crate::process_semaphore::PROCESS_SEMAPHORE, args: &["--pace", "100"], children: 5 },
    // These print more than a pipe holds.
    Long { program: &crate::process_spawn::PROCESS_SPAWN, args: &["--workers", "150"], children: 1 },
    Long { program: &crate::process_spawn_module::PROCESS_SPAWN_MODULE, args: &["--workers", "150"], children: 1 },
    Long { program: &crate::process_struct::PROCESS_STRUCT, args: &["--pace", "100"], children: 10 },
    Long {
        program: &crate::shared_memory::SHARED_MEMORY,
        args: &["--rounds", "1000000", "--items", "100000"],
        children: 1,
    },
];

impl Long {
    fn start(&self) -> Group {
        Group::start(Command::new(self.program.path).args(self.args))
    }

    /// Starts it, and waits until its children have been started too.
    fn begin(&self) -> Group {
        let mut group = self.start();
        assert_ne!(group.line(), "", "{}", self.program);
        wait_for("children", LIMIT, || (group.members().len() > self.children).then_some(()));
        group
    }
}

#[test]
fn ctrl_c_ends_all_processes() {
    for long in &PROGRAMS {
        for moment in 0..4 {
            leaves_no_file(|| {
                let group = long.begin();
                thread::sleep(Duration::from_millis(3 * moment));
                group.signal_all(Signal::INT);
                let (status, errors) = group.end();
                assert_eq!(status.code(), Some(130), "{}: {errors}", long.program);
                assert_only_reports(&errors);
            });
        }
    }
}

#[test]
fn ctrl_c_for_the_parent_alone_ends_all_processes() {
    for long in &PROGRAMS {
        // The parent passes the signal on. A child that has only just been started has nothing to say yet; those of a program
        // with rounds live for milliseconds.
        let rounds = long.args.contains(&"--rounds");
        let children_report = (0..20).any(|_| {
            let group = long.begin();
            signal(group.id(), Signal::INT);
            let (status, errors) = group.end();
            assert_eq!(status.code(), Some(130), "{}: {errors}", long.program);
            assert_only_reports(&errors);
            errors.lines().count() > 1
        });
        assert!(children_report || rounds, "{}: no child ever says what it is doing", long.program);
    }
}

#[test]
fn sigterm_for_the_parent_ends_all_processes() {
    for long in &PROGRAMS {
        leaves_no_file(|| {
            let group = long.begin();
            signal(group.id(), Signal::TERM);
            let (status, errors) = group.end();
            assert_eq!((status.code(), errors.as_str()), (None, ""), "{}", long.program);
        });
    }
}

#[test]
fn a_parent_that_is_killed_leaves_nothing() {
    for long in &PROGRAMS {
        leaves_no_file(|| {
            let group = long.begin();
            signal(group.id(), Signal::KILL);
            let (_, errors) = group.end();
            assert_eq!(errors, "", "{}", long.program);
        });
    }
}

#[test]
fn a_parent_that_is_killed_at_any_moment_leaves_no_child() {
    for long in &PROGRAMS {
        for moment in 0..20 {
            let group = long.start();
            // From before the start of the first child to some time after that of the last.
            thread::sleep(Duration::from_micros(700 * moment));
            signal(group.id(), Signal::KILL);
            let (_, errors) = group.end();
            assert_eq!(errors, "", "{} killed after {moment} x 700 us", long.program);
        }
    }
}

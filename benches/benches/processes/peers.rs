//! The same work by other programs: children of this course, a C program and Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use benches::examples;
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

use crate::peer::run;

/// Programs that print the nanoseconds which their work took.
pub struct Peers {
    ours: Vec<String>,
    c: Option<Vec<String>>,
    python: Option<Vec<String>>,
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

impl Peers {
    /// Builds the programs, and looks for Python.
    pub fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/processes");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let works = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let compiled = works(Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(here.join("peers.c")));
        let python = works(Command::new("python3").args(["-c", "import multiprocessing"]));
        let text = |path: &Path| path.display().to_string();
        Self {
            ours: vec![text(&start_children())],
            c: compiled.then(|| vec![text(&program)]),
            python: python.then(|| vec!["python3".into(), text(&here.join("peers.py"))]),
        }
    }

    /// Children of this course, started by a program that is as small as the C program.
    pub fn ours(&self, group: &mut Group<'_>, name: &str) {
        run(Some(&self.ours), group, name, &[], 1, 1.0);
    }

    pub fn c(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(self.c.as_deref(), group, name, arguments, 1, 1.0);
    }

    pub fn c_halved(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(self.c.as_deref(), group, name, arguments, 1, 0.5);
    }

    pub fn python(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(self.python.as_deref(), group, name, arguments, 1, 1.0);
    }

    pub fn python_halved(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(self.python.as_deref(), group, name, arguments, 1, 0.5);
    }

    pub fn python_at_least(&self, group: &mut Group<'_>, name: &str, arguments: &[&str], least: u64) {
        run(self.python.as_deref(), group, name, arguments, least, 1.0);
    }
}

/// Builds the example `start_children`, which cargo does not build for a bench.
fn start_children() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is inside the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    // Without --package, so that the dependencies have the features with which they are built already.
    cargo.args(["build", "--quiet", "--profile", "bench", "--example", "start_children", "--target-dir"]).arg(target);
    assert!(cargo.current_dir(examples::root()).status().is_ok_and(|status| status.success()), "{cargo:?}");
    target.join("release/examples/start_children")
}

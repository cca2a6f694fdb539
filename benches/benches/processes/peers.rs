//! The same work by a C program and by Python, where they can be had.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

use crate::measure;

/// Programs that print how many nanoseconds so many of something took.
pub struct Peers {
    c: Option<Vec<String>>,
    python: Option<Vec<String>>,
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

impl Peers {
    /// Compiles the C program, and looks for Python.
    pub fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/processes");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let works = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let compiled = works(Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(here.join("peers.c")));
        let python = works(Command::new("python3").args(["-c", "import multiprocessing"]));
        let text = |path: &Path| path.display().to_string();
        Self {
            c: compiled.then(|| vec![text(&program)]),
            python: python.then(|| vec!["python3".into(), text(&here.join("peers.py"))]),
        }
    }

    /// Children of this course, started by a program that is as small as C's.
    pub fn ours(&self, group: &mut Group<'_>, name: &str) {
        run(&Some(vec![env!("CARGO_BIN_EXE_start_children").into()]), group, name, &[], 1, 1.0);
    }

    pub fn c(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(&self.c, group, name, arguments, 1, 1.0);
    }

    pub fn c_halved(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(&self.c, group, name, arguments, 1, 0.5);
    }

    pub fn python(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(&self.python, group, name, arguments, 1, 1.0);
    }

    pub fn python_halved(&self, group: &mut Group<'_>, name: &str, arguments: &[&str]) {
        run(&self.python, group, name, arguments, 1, 0.5);
    }

    pub fn python_at_least(&self, group: &mut Group<'_>, name: &str, arguments: &[&str], least: u64) {
        run(&self.python, group, name, arguments, least, 1.0);
    }
}

/// Measures with at least so many at a time; a part of their time counts.
fn run(command: &Option<Vec<String>>, group: &mut Group<'_>, name: &str, arguments: &[&str], least: u64, part: f64) {
    let Some([program, rest @ ..]) = command.as_deref() else {
        println!("{name}: left out, since it cannot be had here");
        return;
    };
    measure(group, name, |count| {
        let times = count.max(least);
        let output = Command::new(program).args(rest).args(arguments).arg(times.to_string()).output().expect(program);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let nanoseconds: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("nanoseconds");
        Duration::from_nanos(nanoseconds).mul_f64(part * count as f64 / times as f64)
    });
}

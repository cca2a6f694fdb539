//! Python scripts that do the same work as a bench.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A script in the folder of its bench. It prints the nanoseconds that its work took.
#[derive(Clone, Debug)]
pub struct Script {
    /// The program, and its first arguments.
    pub command: Vec<String>,
}

impl Script {
    /// The script at this path below `benches`, if this machine has Python and the module that the script imports.
    #[must_use]
    pub fn find(module: &str, path: &str) -> Option<Self> {
        let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string();
        let is_there = import.is_ok_and(|output| output.status.success());
        is_there.then(|| Self { command: vec!["python3".into(), script] })
    }

    /// The time of `count` pieces of work. At least `least` are done, and their time is reduced in proportion.
    ///
    /// # Panics
    /// The script fails, or does not print a number.
    #[must_use]
    pub fn time(&self, arguments: &[&str], count: u64, least: u64) -> Duration {
        let Self { command } = self;
        let done = count.max(least);
        let output = Command::new(&command[0]).args(&command[1..]).args(arguments).arg(done.to_string()).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", command[0]));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let nanoseconds: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("nanoseconds");
        Duration::from_nanos(nanoseconds).mul_f64(count as f64 / done as f64)
    }
}

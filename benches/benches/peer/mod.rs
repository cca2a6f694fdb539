//! Measuring other programs beside our own code.

use std::process::Command;
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

/// Measures `many`, which is given a number of repetitions and returns the time that they took.
pub fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, many: impl Fn(u64) -> Duration) {
    group.bench_function(name, |bencher| bencher.iter_custom(&many));
}

/// Measures a program, which prints the nanoseconds that its work took. It works on at least `least` items at a time, and
/// `part` of its time counts.
pub fn run(
    command: Option<&[String]>,
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    arguments: &[&str],
    least: u64,
    part: f64,
) {
    let Some([program, rest @ ..]) = command else {
        println!("{name}: left out, since this machine does not have it");
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

/// The command that runs a script, if Python and the script's module are found.
pub fn python(module: &str, script: String) -> Option<Vec<String>> {
    let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    import.is_ok_and(|output| output.status.success()).then(|| vec!["python3".into(), script])
}

//! Runs a program of another kind and reads its results: lines of JSON on stdout.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use course::program::{self, Finished};
use serde::de::DeserializeOwned;

/// Runs the program called `name` to its end.
///
/// # Errors
/// It cannot be started, or does not end within the limit.
pub fn run(name: &str, command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    let finished = program::run(command, limit).with_context(|| name.to_owned())?;
    match finished.status {
        Some(_) => Ok(finished),
        None => bail!("{name}: did not end within {} s", limit.as_secs()),
    }
}

/// The results in the lines that begin with a brace; a launcher may print other lines.
///
/// # Errors
/// There is no such line: the error is what the program said last. Or a line is not what it should be.
pub fn results<T: DeserializeOwned>(name: &str, finished: &Finished) -> anyhow::Result<Vec<T>> {
    let lines: Vec<_> = finished.stdout.lines().filter(|line| line.starts_with('{')).collect();
    if lines.is_empty() {
        bail!("{name}: {}", reason(finished));
    }
    lines.into_iter().map(|line| serde_json::from_str(line).with_context(|| format!("{name}: its output"))).collect()
}

/// Why a program has no result: what it said last, or how it ended.
pub fn reason(finished: &Finished) -> String {
    match (finished.last_remark().trim_start_matches("error: "), finished.status) {
        ("", Some(status)) => format!("printed no result ({status})"),
        (remark, _) => remark.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(script: &str) -> anyhow::Result<Vec<u32>> {
        #[derive(serde::Deserialize)]
        struct Line {
            a: u32,
        }
        let finished = run("sh", Command::new("sh").args(["-c", script]), Duration::from_millis(300))?;
        Ok(results::<Line>("sh", &finished)?.into_iter().map(|line| line.a).collect())
    }

    #[test]
    fn results_are_the_lines_of_json() {
        assert_eq!(after("echo a banner; echo '{\"a\":1}'; echo '{\"a\":2}'").unwrap(), [1, 2]);
        let error = |script: &str| format!("{:#}", after(script).unwrap_err());
        assert_eq!(error("echo 'error: no memory' >&2; exit 1"), "sh: no memory");
        assert_eq!(error("exit 3"), "sh: printed no result (exit status: 3)");
        assert!(error("echo '{\"b\":1}'").starts_with("sh: its output: "));
        assert_eq!(error("exec sleep 60"), "sh: did not end within 0 s");
    }
}

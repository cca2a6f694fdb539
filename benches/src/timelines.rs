//! The timelines in the chapters' READMEs: drawing them again, and checking that the code draws them still.
//!
//! A timeline is drawn by the first command in the header of its program. Two runs never take the same times, so a check compares
//! what does not depend on time: the style, the signs and the names of the lanes, and the source lines at which lanes wait.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::examples::{self, Example, root};

/// Where the timeline of a program stands.
#[must_use]
pub fn path(example: &Example) -> PathBuf {
    root().join(&example.chapter).join("timelines").join(format!("{}.svg", example.name))
}

/// Draws the timeline of a program into `folder` and returns it.
///
/// # Errors
/// The program failed, or drew nothing.
pub fn draw(example: &Example, folder: &Path) -> anyhow::Result<String> {
    let outcome = examples::run(example, folder);
    if let Some(failure) = outcome.failure {
        anyhow::bail!("{}: {failure}", example.name);
    }
    outcome.svg.with_context(|| format!("{} drew nothing", example.name))
}

/// What stands in a line at which a lane waits or sleeps: a call of `lanes`, or of a child process or a pool, which are lanes by
/// themselves.
const WAITS: [&str; 4] = ["lanes::", "join(", "join_all(", "pool.map("];

/// The same in chapter 4, whose calls of MPI are waits by themselves.
const WAITS_OF_RANKS: [&str; 15] = [
    "send",
    "receive",
    "barrier",
    "reduce",
    "gather",
    "scan",
    "scatter",
    "broadcast",
    "all_to_all",
    "wait",
    "probe",
    "duplicate",
    "split",
    "cartesian",
    "print_in_order",
];

/// What to do about a timeline that the code no longer draws.
const AGAIN: &str = "draw it again: cargo run --release --bin tour -- --timelines redraw";

/// Compares a timeline that was drawn just now with the one of the repository.
///
/// # Errors
/// They differ in what does not depend on time, or one of them names a source line at which no lane waits or sleeps.
pub fn check(example: &Example, drawn: &str) -> anyhow::Result<()> {
    let (path, kept) = kept(example)?;
    ensure!(head(&kept) == head(drawn), "{}: another style; {AGAIN}", path.display());
    let (before, now) = (lanes(&kept), lanes(drawn));
    ensure!(before == now, "{}: lanes {before:?}, now {now:?}; {AGAIN}", path.display());
    check_places(example, drawn)?;
    check_kept_places(example)
}

/// Checks that lanes wait or sleep at each source line which the timeline of the repository names.
///
/// # Errors
/// There is no timeline, or no lane waits or sleeps at a line that it names.
pub fn check_kept_places(example: &Example) -> anyhow::Result<()> {
    let (path, kept) = kept(example)?;
    check_places(example, &kept).with_context(|| path.display().to_string())
}

/// The timeline of the repository and where it stands.
fn kept(example: &Example) -> anyhow::Result<(PathBuf, String)> {
    let path = path(example);
    let kept = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok((path, kept))
}

/// Checks that lanes wait or sleep at each source line that `svg` names.
fn check_places(example: &Example, svg: &str) -> anyhow::Result<()> {
    let waits = if example.chapter == "ch4_mpi" { &WAITS_OF_RANKS[..] } else { &WAITS };
    for place in places(svg) {
        let (file, line) = place.rsplit_once(':').with_context(|| place.clone())?;
        let source = fs::read_to_string(root().join(file)).with_context(|| format!("{place}; {AGAIN}"))?;
        let line = line.parse::<usize>().ok().and_then(|line| source.lines().nth(line.checked_sub(1)?));
        ensure!(
            line.is_some_and(|line| waits.iter().any(|call| line.contains(call))),
            "nothing waits or sleeps at {place}; {AGAIN}"
        );
    }
    Ok(())
}

/// All that stands before the title.
fn head(svg: &str) -> &str {
    let end = svg.find("<text").unwrap_or(svg.len());
    // The height depends on the number of lanes, which is compared by their names.
    let start = svg.find("<style>").unwrap_or(0);
    svg.get(start..end).unwrap_or_default()
}

/// The names of the lanes.
fn lanes(svg: &str) -> BTreeSet<&str> {
    let names = svg.lines().filter_map(|line| line.strip_prefix(r#"<text x="12" y=""#)?.split_once('>'));
    names.skip(1).filter_map(|(_, rest)| rest.strip_suffix("</text>")).collect()
}

/// The source lines at which lanes wait and sleep.
fn places(svg: &str) -> BTreeSet<String> {
    let titles = svg.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next());
    let places = titles.filter_map(|title| title.rsplit_once(" at ")?.1.rsplit_once(", ").map(|(place, _)| place));
    places.filter(|place| place.contains(".rs:")).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_depend_on_time_is_read() {
        let svg = concat!(
            "<svg viewBox=\"0 0 960 100\">\n<style>s</style>\n<text x=\"12\" y=\"22\">barrier, 1 s</text>\n",
            "<text x=\"12\" y=\"73.0\">main</text>\n<rect class=\"wait\"><title>waits for a at b at x/y.rs:12, 3 ms</title></rect>\n",
        );
        assert_eq!(head(svg), "<style>s</style>\n");
        assert_eq!(lanes(svg), BTreeSet::from(["main"]));
        assert_eq!(places(svg), BTreeSet::from(["x/y.rs:12".to_string()]));
    }
}

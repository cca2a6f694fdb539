//! The programs of the chapters: finding them and running them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use course::lesson::HANGS;
use course::program;

/// A program that has not ended after this time hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A program of a chapter.
#[derive(Clone, Debug)]
pub struct Example {
    /// The folder of its chapter.
    pub chapter: String,
    /// Its name.
    pub name: String,
    /// The first line of its header: what it shows.
    pub shows: String,
    /// The command of its header.
    pub command: String,
    /// What its header tells to observe.
    pub observe: String,
    /// The program's flags in the first command of its header, without `--timeline`.
    pub arguments: Vec<String>,
    /// It goes wrong on purpose: it ends with a report and status 3.
    pub is_hazard: bool,
}

impl Example {
    /// The path of its source in the checkout.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}/src/bin/{}.rs", self.chapter, self.name)
    }
}

/// How a run of an example went.
#[derive(Debug)]
pub struct Outcome {
    /// Why it failed, in one line; `None` if it did not.
    pub failure: Option<String>,
    /// The time from its start to its end.
    pub seconds: f64,
    /// The picture of its lanes.
    pub svg: Option<String>,
}

/// The root of the checkout in which this program was built.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// All examples of the chapters in reading order. A program without an exercise is a tool and not an example.
///
/// # Errors
/// The sources cannot be read.
pub fn all() -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for chapter in ["ch1_parallel", "ch2_threads", "ch3_processes", "ch4_mpi", "ch5_async"] {
        let folder = root().join(chapter).join("src/bin");
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            paths.push(entry?.path());
        }
        // The README of a chapter names its programs in reading order.
        let readme = fs::read_to_string(root().join(chapter).join("README.md")).unwrap_or_default();
        paths.sort_by_cached_key(|path| readme.find(&format!("[`{}`]", name_of(path))));
        for path in paths {
            let source = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let header: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
            if header.iter().any(|line| line.starts_with("Exercise:")) {
                let shows = header[0].into();
                let command = field(&header, "Run:");
                let observe = field(&header, "Observe:");
                let run = header.iter().find_map(|line| line.strip_prefix("Run:")).unwrap_or("");
                let flags = run.split_once(" -- ").map_or("", |(_, flags)| flags).split_whitespace();
                let arguments = flags.filter(|flag| *flag != "--timeline").map(String::from).collect();
                let is_hazard = source.contains("lesson::hazard!(");
                let (chapter, name) = (chapter.into(), name_of(&path));
                examples.push(Example { chapter, name, shows, command, observe, arguments, is_hazard });
            }
        }
    }
    Ok(examples)
}

/// The text of a field of a header. It ends where the next field begins, or at an empty line.
fn field(header: &[&str], name: &str) -> String {
    const FIELDS: [&str; 4] = ["Run:", "Observe:", "Python:", "Exercise:"];
    let is_end = |line: &&&str| line.is_empty() || FIELDS.iter().any(|field| line.starts_with(field));
    let mut lines = header.iter().skip_while(|line| !line.starts_with(name));
    let first = lines.next().map_or("", |line| line[name.len()..].trim());
    let rest = lines.take_while(|line| !is_end(line)).copied();
    [first].into_iter().chain(rest).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn name_of(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Runs an example with the flags of the command in its header. Its program is in the folder of this program.
#[must_use]
pub fn run(example: &Example, folder: &Path) -> Outcome {
    let svg = folder.join(format!("{}.svg", example.name));
    let finished = beside(&example.name).and_then(|path| {
        let mut command = Command::new(path);
        Ok(program::run(command.args(&example.arguments).arg("--svg").arg(&svg).env("MPIRUN_QUIET", "1"), LIMIT)?)
    });
    match finished {
        Err(error) => Outcome { failure: Some(format!("{error:#}")), seconds: 0.0, svg: None },
        Ok(finished) => {
            let failure = match (finished.status, finished.code()) {
                (_, Some(code)) if code == if example.is_hazard { i32::from(HANGS) } else { 0 } => None,
                (_, Some(0)) => Some("it did not go wrong".into()),
                (None, _) => Some(format!("did not end within {} s", LIMIT.as_secs())),
                (Some(status), _) => Some(format!("{status}: {}", finished.last_remark())),
            };
            Outcome { failure, seconds: finished.took.as_secs_f64(), svg: fs::read_to_string(svg).ok() }
        }
    }
}

fn beside(name: &str) -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_each_example_is_read() {
        let header = ["Title.", "", "Run:       a --b", "Observe:   one", "two: three", "Exercise:  x"];
        assert_eq!(field(&header, "Observe:"), "one two: three");
        assert_eq!(field(&header, "Python:"), "");
        for example in all().expect("examples") {
            assert!(
                example.command.starts_with("cargo run ") || example.command.starts_with("scripts/"),
                "{example:?}"
            );
            assert!(example.observe.len() > 20, "{example:?}");
        }
    }
}

//! The file of a schedule.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// No schedule of these small programs comes near this length. A file without an end must not fill the memory.
const LONGEST: u64 = 1 << 20;

/// What it takes to run a hazard once more under the schedule that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingSchedule {
    /// The name of the hazard.
    pub hazard: String,
    /// Whether it was searched with its repair.
    pub repaired: bool,
    /// The names of the threads in the order in which the checker has chosen them.
    pub choices: Vec<String>,
}

impl FailingSchedule {
    /// The text of its file.
    ///
    /// # Errors
    /// None is known: the names are plain text.
    pub fn to_text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or it is no such file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let read = || {
            let mut text = Vec::new();
            File::open(path)?.take(LONGEST + 1).read_to_end(&mut text)?;
            ensure!(text.len() as u64 <= LONGEST, "it is too long for a schedule");
            serde_json::from_slice(&text).context("it is no file of a schedule")
        };
        read().with_context(|| path.display().to_string())
    }
}

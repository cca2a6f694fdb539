//! The prices of this machine in a file, so that they are measured once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::UNIX_EPOCH;

use anyhow::Context;
use ch1_parallel::kernels::Strategy;
use serde::{Deserialize, Serialize};

use super::measure::measure;
use super::model::{Cores, Prices};
use crate::examples::root;
use crate::{machine, mpi};

/// The prices, and where they are valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The machine, its cores and the build of this program. With another machine, or another build, the prices are
    /// measured anew.
    pub valid_for: String,
    /// The cores.
    pub cores: Cores,
    /// The prices of each strategy that can run here.
    pub prices: BTreeMap<Strategy, Prices>,
}

/// The file of the prices: `target/prices.json`, or the file that the environment variable `ADVISE_PRICES` names.
#[must_use]
pub fn path() -> PathBuf {
    std::env::var_os("ADVISE_PRICES").map_or_else(|| root().join("target/prices.json"), PathBuf::from)
}

/// The prices from the file, if it is there, whole and of this machine and build. Otherwise `None`.
#[must_use]
pub fn load(path: &Path) -> Option<Stored> {
    let stored: Stored = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    (stored.valid_for == here()).then_some(stored)
}

/// Measures the prices and writes the file, whole or not at all.
///
/// # Errors
/// A strategy fails, or the file cannot be written.
pub fn renew(path: &Path) -> anyhow::Result<Stored> {
    let (cores, prices) = measure(machine::usable_cores(), mpi::available().is_ok())?;
    let stored = Stored { valid_for: here(), cores, prices };
    let named = || path.display().to_string();
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).with_context(named)?;
    // Under a name of its own at first: another process may read or write the file at this moment.
    let own = path.with_extension(format!("json-{}", process::id()));
    let written = fs::write(&own, serde_json::to_string_pretty(&stored)?).and_then(|()| fs::rename(&own, path));
    if written.is_err() {
        // What was written of it is of no use.
        let _ = fs::remove_file(&own);
    }
    written.with_context(named)?;
    Ok(stored)
}

/// The machine, the cores that this process may use, and the build.
fn here() -> String {
    let facts = machine::facts();
    let kept = facts.iter().filter(|fact| fact.starts_with("cores: ") || fact.starts_with("MPI: "));
    let program = std::env::current_exe().and_then(fs::metadata);
    let built = program.as_ref().ok().and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let size = program.map_or(0, |file| file.len());
    let build = format!("build: {size} bytes, {}", built.unwrap_or_default().as_nanos());
    kept.cloned().chain([build]).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_or_one_of_another_machine_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        assert_eq!(load(&path), None);
        let cores = Cores { count: 2, speed: 1.9, step: 1e-9 };
        let prices = BTreeMap::from([(Strategy::Serial, Prices { start: 1e-6, ..Prices::default() })]);
        let stored = Stored { valid_for: here(), cores, prices };
        let text = serde_json::to_string(&stored).unwrap();
        fs::write(&path, &text).unwrap();
        assert_eq!(load(&path).as_ref(), Some(&stored));
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert_eq!(load(&path), None);
        let elsewhere = Stored { valid_for: "cores: 1000".into(), ..stored };
        fs::write(&path, serde_json::to_string(&elsewhere).unwrap()).unwrap();
        assert_eq!(load(&path), None);
    }
}

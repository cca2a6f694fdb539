//! The prices of this machine in a file, so that they are measured once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::UNIX_EPOCH;

use anyhow::{Context, ensure};
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
    std::env::var_os("ADVISE_PRICES")
        .filter(|path| !path.is_empty())
        .map_or_else(|| root().join("target/prices.json"), PathBuf::from)
}

/// The prices from the file, if it is there, whole and of this machine and build. Otherwise `None`.
#[must_use]
pub fn load(path: &Path) -> Option<Stored> {
    let stored: Stored = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    (stored.valid_for == here() && stored.is_sane()).then_some(stored)
}

impl Stored {
    /// Whether a measurement can have given these prices. A file may be damaged and still be JSON.
    fn is_sane(&self) -> bool {
        let Self { cores, prices, .. } = self;
        let is_time = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
        let in_process = [Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async];
        cores.count == machine::usable_cores()
            && (1.0..=cores.count as f64).contains(&cores.speed)
            && is_time(cores.step)
            && cores.step > 0.0
            && in_process.iter().all(|strategy| prices.contains_key(strategy))
            && prices.values().all(|&Prices { alone, start, worker, dispatch, near_byte, byte, oversleep, wake }| {
                [alone, start, worker, dispatch, near_byte, byte, oversleep, wake].into_iter().all(is_time)
            })
    }
}

/// Measures the prices and writes the file, whole or not at all.
///
/// # Errors
/// A strategy fails, or the file cannot be written.
pub fn renew(path: &Path) -> anyhow::Result<Stored> {
    let named = || path.display().to_string();
    // Through a link, the file to which it leads is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    ensure!(!path.exists() || path.is_file(), "{}: it is no plain file", named());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(named)?;
    // Under a name of its own at first: another process may read or write the file at this moment.
    let own = path.with_extension(format!("json-{}", process::id()));
    // The measurement takes long, so it is tried before whether a file can be written at all.
    fs::write(&own, "").and_then(|()| fs::remove_file(&own)).with_context(named)?;
    let (cores, prices) = measure(machine::usable_cores(), mpi::available().is_ok())?;
    let stored = Stored { valid_for: here(), cores, prices };
    let written = fs::write(&own, serde_json::to_string_pretty(&stored)?).and_then(|()| fs::rename(&own, &path));
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
        let cores = Cores { count: machine::usable_cores(), speed: 1.0, step: 1e-9 };
        let price = |strategy| (strategy, Prices { start: 1e-6, ..Prices::default() });
        let in_process = [Strategy::Serial, Strategy::Rayon, Strategy::Threads, Strategy::Async];
        let stored = Stored { valid_for: here(), cores, prices: in_process.map(price).into() };
        let text = serde_json::to_string(&stored).unwrap();
        fs::write(&path, &text).unwrap();
        assert_eq!(load(&path).as_ref(), Some(&stored));
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert_eq!(load(&path), None);
        let without = |strategy| {
            let mut stored = stored.clone();
            stored.prices.remove(&strategy);
            stored
        };
        for damaged in [
            Stored { valid_for: "cores: 1000".into(), ..stored.clone() },
            Stored { cores: Cores { speed: 0.0, ..cores }, ..stored.clone() },
            Stored { cores: Cores { step: 0.0, ..cores }, ..stored.clone() },
            Stored { cores: Cores { count: cores.count + 1, ..cores }, ..stored.clone() },
            Stored {
                prices: in_process.map(|strategy| (strategy, Prices { wake: -1e-9, ..price(strategy).1 })).into(),
                ..stored.clone()
            },
            without(Strategy::Serial),
            without(Strategy::Async),
        ] {
            fs::write(&path, serde_json::to_string(&damaged).unwrap()).unwrap();
            assert_eq!(load(&path), None, "{damaged:?}");
        }
    }
}

//! Passes on where MPI is: to the linker, so that a program finds at run time the library it was built with, and to the
//! program, so that it can start itself under the launcher that belongs to this library.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for variable in ["MPICC", "MPI_PKG_CONFIG", "CRAY_MPICH_DIR", "PKG_CONFIG_PATH", "MPIRUN"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // Where there is no MPI, the build of the `mpi` crate says so.
    let Ok(library) = build_probe_mpi::probe() else { return };
    for folder in &library.lib_paths {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
    let launcher = env::var_os("MPIRUN").map(PathBuf::from).or_else(|| launcher_beside(&library.mpicc?));
    if let Some(launcher) = launcher {
        println!("cargo:rustc-env=MPIRUN_OF_THE_BUILD={}", launcher.display());
    }
}

/// The launcher that belongs to a compiler wrapper: it stands in the same folder and has the same suffix.
///
/// A name like `mpicc` may be a link to `mpicc.openmpi`, while `mpirun` beside it is a link to another MPI's launcher.
/// So the last link for which there is a launcher counts, by the first name that is the same file.
fn launcher_beside(mpicc: &str) -> Option<PathBuf> {
    let mut wrapper = match Path::new(mpicc).parent() {
        Some(folder) if folder != Path::new("") => PathBuf::from(mpicc),
        _ => env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(mpicc)).find(|file| file.is_file())?,
    };
    let mut found: Option<PathBuf> = None;
    // So many links are a circle.
    for _ in 0..40 {
        let folder = wrapper.parent()?;
        let name = wrapper.file_name()?.to_string_lossy();
        let beside = ["mpirun", "mpiexec"].map(|launcher| folder.join(name.replace("mpicc", launcher)));
        let beside = beside.into_iter().find(|file| name.contains("mpicc") && file.is_file());
        if let Some(beside) = beside
            && found.as_ref().is_none_or(|found| !same_file(found, &beside))
        {
            found = Some(beside);
        }
        match wrapper.read_link() {
            Ok(target) => wrapper = folder.join(target),
            Err(_) => break,
        }
    }
    found
}

fn same_file(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

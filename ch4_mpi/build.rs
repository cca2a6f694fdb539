//! Tells the linker and the programs where MPI is; where MPI is not set up, puts one line in the place of each program.
//!
//! `scripts/setup` writes `.cargo/mpi.toml`, which makes cargo pass `--cfg mpi` to the compiler. Only then does this crate
//! depend on the crate `mpi`, which does not compile without MPI.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // The folder, since cargo runs this script in every build if a file that it should watch does not exist.
    println!("cargo:rerun-if-changed=../.cargo");
    if env::var_os("CARGO_CFG_MPI").is_none() {
        return leave_out(&why_not());
    }
    // For rustdoc, which is not given the compiler's flags.
    println!("cargo:rustc-cfg=mpi");
    for variable in ["MPICC", "MPI_PKG_CONFIG", "CRAY_MPICH_DIR", "PKG_CONFIG_PATH", "MPIRUN"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // If there is no MPI after all, the build of the crate `mpi` says so.
    let Ok(library) = build_probe_mpi::probe() else { return Ok(()) };
    // A program finds at run time the library that it was built with, and starts itself with the launcher of that library.
    for folder in &library.lib_paths {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
    let launcher = env::var_os("MPIRUN").map(PathBuf::from).or_else(|| launcher_beside(&library.mpicc?));
    if let Some(launcher) = launcher {
        println!("cargo:rustc-env=MPIRUN_OF_THE_BUILD={}", launcher.display());
    }
    Ok(())
}

/// Why this build has no MPI, and which command changes that.
fn why_not() -> String {
    let Ok(setup) = fs::read_to_string("../.cargo/mpi.toml") else {
        return "it is not set up: scripts/setup".into();
    };
    let recorded = |key: &str| {
        let start = format!("# {key} = \"");
        setup.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"').map(str::to_owned))
    };
    match recorded("chosen").as_deref() {
        Some("none") => "it is left out, as chosen by scripts/setup --mpi none: scripts/setup --mpi auto".into(),
        Some("missing") => {
            let why = recorded("why").unwrap_or_default();
            format!("scripts/setup found none that works: {why}; then: scripts/setup --mpi auto")
        }
        _ => "the variable RUSTFLAGS replaces the flags that scripts/setup wrote: add --cfg mpi to it".into(),
    }
}

/// Builds programs that only say why they are left out. The sources of the programs are empty then (`cfg(mpi)`), so the linker
/// is given another `main`.
fn leave_out(why: &str) -> io::Result<()> {
    println!("cargo:warning=chapter 4 is left out, since it needs MPI: {why}");
    let main = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("main.c");
    let line = format!("error: this program needs MPI: {why}\n");
    fs::write(&main, format!("#include <stdio.h>\nint main(void) {{ fputs({line:?}, stderr); return 1; }}\n"))?;
    for kind in ["bins", "examples"] {
        println!("cargo:rustc-link-arg-{kind}=-fPIE");
        println!("cargo:rustc-link-arg-{kind}={}", main.display());
    }
    Ok(())
}

/// The launcher that belongs to a compiler wrapper: it is in the same folder and has the same suffix.
///
/// The name `mpicc` may be a link to `mpicc.openmpi`, while `mpirun` beside it is a link to the launcher of another MPI.
/// Therefore the last link that has a launcher beside it counts, under the first name of that file.
fn launcher_beside(mpicc: &str) -> Option<PathBuf> {
    let mut wrapper = match Path::new(mpicc).parent() {
        Some(folder) if folder != Path::new("") => PathBuf::from(mpicc),
        _ => env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(mpicc)).find(|file| file.is_file())?,
    };
    let mut found: Option<PathBuf> = None;
    // Forty links in a row are a circle.
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

//! What this machine has, for the head of a report and for the program `doctor`.
//!
//! MPI is searched for where cargo and scripts/mpirun search for it: in the environment, in `.cargo/mpi.toml`, on the PATH.

use std::env;
use std::fmt;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use course::program;

use crate::examples::root;
use crate::peers;

/// A program that gives no answer in this time does not work. A launcher on a busy machine may take seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// The command that installs what chapter 4 needs. Without `--mpi auto`, set-up would keep an earlier choice of no MPI.
pub const MEND: &str = "scripts/setup --mpi auto";

/// Facts for the head of a report or a table, one line each. A line also says what is missing; nothing fails.
#[must_use]
pub fn facts() -> Vec<String> {
    let mpi = mpi().and_then(|_| launcher()).map(|(path, mpi)| format!("{mpi}, started by {}", path.display()));
    let fact = |name: &str, found: anyhow::Result<String>| match found {
        Ok(value) => format!("{name}: {value}"),
        Err(missing) => format!("{name}: {missing:#}"),
    };
    let mut facts = vec![
        fact("cores", cores()),
        fact("memory", memory()),
        fact("compiler", answer("rustc", &["--version"])),
        fact("commit", commit()),
        fact("date", answer("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        fact("MPI", mpi),
    ];
    // Only programs in other languages need these, so a line about one that is missing would be noise.
    let python = |arguments: &[&str]| answer(peers::python()?, arguments);
    let version = |package: &str| python(&["-c", &format!("import {package}; print({package}.__version__)")]);
    let others = [
        ("C compiler", answer("gcc", &["--version"])),
        ("Python", python(&["--version"])),
        ("NumPy", version("numpy")),
        ("mpi4py", version("mpi4py")),
    ];
    facts.extend(others.into_iter().filter_map(|(name, found)| Some(format!("{name}: {}", found.ok()?))));
    facts
}

/// A thing that the course needs, found or not.
#[derive(Debug)]
pub struct Check {
    /// The name of the thing.
    pub name: &'static str,
    /// What was found, or what is wrong.
    pub found: anyhow::Result<String>,
    /// What mends it: a command in most cases.
    pub mend: &'static str,
    /// Whether a part of the course does not work without it. If every part works, a fault is only a remark.
    pub needed: bool,
}

/// Looks for everything that the course needs.
#[must_use]
pub fn checks() -> Vec<Check> {
    let launcher = launcher().and_then(|(path, mpi)| {
        start(&path)?;
        Ok(format!("{mpi}, {}", path.display()))
    });
    let several = cores().and_then(|found| {
        let usable = usable_cores();
        ensure!(usable > 1, "{found}: one core runs nothing in parallel");
        Ok(found)
    });
    let more = "allow this process more cores (taskset, the container's quota)";
    let check = |name, found, mend| Check { name, found, mend, needed: true };
    vec![
        Check { name: "cores", found: several, mend: more, needed: false },
        check("memory", memory(), "close other programs"),
        check("Rust compiler", answer("rustc", &["--version"]), "rustup update stable"),
        check("C compiler", answer("cc", &["--version"]), "install gcc (Debian: apt-get install build-essential)"),
        check("MPI", mpi().map(|(path, mpi)| format!("{mpi}, {}", path.display())), MEND),
        check("launcher", launcher, MEND),
        check("libclang", libclang().map(|path| path.display().to_string()), MEND),
    ]
}

/// An implementation of MPI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpi {
    /// `Open MPI` or `MPICH`.
    pub name: &'static str,
    /// Its version, as in `4.1.4`.
    pub version: String,
}

impl fmt::Display for Mpi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.name, self.version)
    }
}

/// The MPI with which programs are built: its compiler wrapper and its version.
///
/// # Errors
/// There is none, or its header is not where the wrapper says.
pub fn mpi() -> anyhow::Result<(PathBuf, Mpi)> {
    wants_mpi()?;
    let wrapper = on_path(&setting("MPICC").unwrap_or_else(|| "mpicc".into()))?;
    let line = answer(&wrapper, &["-show"])?;
    let folders = line.split_whitespace().filter_map(|word| word.strip_prefix("-I"));
    let mut headers = folders.chain(["/usr/include"]).map(|folder| Path::new(folder).join("mpi.h"));
    let header = headers.find(|file| file.exists());
    let header = header.with_context(|| format!("{} names no folder that has mpi.h", wrapper.display()))?;
    let text = fs::read_to_string(&header).with_context(|| header.display().to_string())?;
    let mpi = of_header(&text).with_context(|| format!("{}: neither Open MPI's nor MPICH's", header.display()))?;
    Ok((wrapper, mpi))
}

/// Whether scripts/setup has set MPI up.
///
/// # Errors
/// It has not run, it was told to leave MPI out, or it has found none that works.
pub fn wants_mpi() -> anyhow::Result<()> {
    match recorded("chosen").as_deref() {
        Some("none") => bail!("left out, as chosen by scripts/setup --mpi none"),
        Some("missing") => {
            let why = recorded("why").unwrap_or_default();
            bail!("scripts/setup found none that works: {why}")
        }
        // A build without scripts/setup may pass the flag by hand.
        None if !cfg!(mpi) => bail!("not set up"),
        _ => Ok(()),
    }
}

/// The launcher, and the MPI to which it belongs, which is the MPI with which programs are built.
///
/// # Errors
/// There is none, or it belongs to another MPI: its ranks would not find each other.
pub fn launcher() -> anyhow::Result<(PathBuf, Mpi)> {
    let Ok((_, built)) = mpi() else { bail!("no MPI to which it could belong") };
    let path = match setting("MPIRUN") {
        Some(path) => on_path(&path)?,
        None => on_path("mpirun").or_else(|_| on_path("mpiexec"))?,
    };
    let said = run(Command::new(&path).arg("--version"))?;
    // A launcher like srun, which belongs to no MPI, starts the programs of any MPI.
    let mpi = of_launcher(&said).unwrap_or_else(|| built.clone());
    ensure!(mpi == built, "{} belongs to {mpi}, but programs are built with {built}", path.display());
    Ok((path, mpi))
}

/// Whether the launcher may start ranks on several hosts: the environment has a host file, the allocation of a scheduler, or
/// another launcher than that of scripts/setup.
#[must_use]
pub fn may_have_hosts() -> bool {
    names_hosts(|key| env::var(key).ok().filter(|value| !value.is_empty()), recorded("MPIRUN").as_deref())
}

fn names_hosts(variable: impl Fn(&str) -> Option<String>, of_setup: Option<&str>) -> bool {
    let hosts = [
        "OMPI_MCA_orte_default_hostfile",
        "PRTE_MCA_prte_default_hostfile",
        "HYDRA_HOST_FILE",
        "SLURM_JOB_ID",
        "PBS_NODEFILE",
    ];
    // Cargo puts the launcher of scripts/setup into the environment.
    let launcher = variable("MPIRUN").filter(|launcher| Some(launcher.as_str()) != of_setup);
    launcher.is_some() || hosts.into_iter().any(|key| variable(key).is_some())
}

/// Starts two processes that do nothing.
fn start(launcher: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(root().join("scripts/mpirun"));
    command.env("MPIRUN", launcher).env("MPIRUN_QUIET", "1").args(["-n", "2", "true"]);
    run(&mut command).with_context(|| format!("{} does not start", launcher.display()))?;
    Ok(())
}

/// Where libclang is. It makes the bindings to MPI.
///
/// # Errors
/// It is in none of the usual places.
pub fn libclang() -> anyhow::Result<PathBuf> {
    let usual = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let below = inside(Path::new("/usr/lib")).flat_map(|folder| [folder.join("lib"), folder]);
    let folders = match setting("LIBCLANG_PATH") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => below.chain(usual).collect(),
    };
    // libclang.so, libclang.so.18, libclang-14.so.1; not libclang-cpp.so, which is another library.
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ending = name.strip_prefix("libclang").unwrap_or_default();
        ending.contains(".so") && !ending.starts_with("-cpp")
    };
    let found = folders.iter().flat_map(|folder| inside(folder)).find(is_it);
    found.context("no libclang found: it makes the bindings to MPI")
}

/// The entries of a folder; none if the folder does not exist.
fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn cores() -> anyhow::Result<String> {
    let usable = usable_cores();
    let online = fs::read_to_string("/sys/devices/system/cpu/online").ok().and_then(|list| count(list.trim()));
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = value_of(&info, "model name").unwrap_or(env::consts::ARCH);
    let of = online.filter(|&online| online != usable).map(|online| format!(" of {online}")).unwrap_or_default();
    Ok(format!("{usable}{of}, {model}"))
}

/// The number of cores that this process may use.
#[must_use]
pub fn usable_cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

fn memory() -> anyhow::Result<String> {
    let info = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
    let gib = |key| {
        let bytes = bytes(&info, key).with_context(|| format!("/proc/meminfo: no {key}"))?;
        anyhow::Ok(bytes as f64 / f64::from(1 << 30))
    };
    let (total, free) = (gib("MemTotal")?, gib("MemAvailable")?);
    ensure!(free >= 0.5, "{free:.1} GiB free of {total:.1}: too little for the comparisons");
    Ok(format!("{total:.1} GiB, {free:.1} free"))
}

/// The number of bytes that programs can still allocate without swapping.
#[must_use]
pub fn free_memory() -> Option<u64> {
    bytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

/// The commit that is checked out, marked if the files differ from it.
fn commit() -> anyhow::Result<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"]).current_dir(root());
    Ok(run(&mut git).context("none")?.trim().to_owned())
}

/// A setting from the environment, else from the file of scripts/setup. Cargo puts that file's settings into the environment.
fn setting(key: &str) -> Option<String> {
    let set = env::var(key).ok().filter(|value| !value.is_empty());
    set.or_else(|| recorded(key))
}

fn recorded(key: &str) -> Option<String> {
    of_toml(&fs::read_to_string(root().join(".cargo/mpi.toml")).ok()?, key)
}

/// The value of a line `KEY = "VALUE"`, or of the comment `# KEY = "VALUE"`.
fn of_toml(toml: &str, key: &str) -> Option<String> {
    toml.lines().find_map(|line| {
        let value = line.trim_start_matches("# ").strip_prefix(key)?.strip_prefix(" = \"")?;
        value.strip_suffix('"').map(str::to_owned)
    })
}

/// The full path of a program.
///
/// # Errors
/// No folder of the PATH has it.
pub fn on_path(name: &str) -> anyhow::Result<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    // A name with a folder is not searched for.
    let mut candidates = env::split_paths(&folders).map(|folder| folder.join(name));
    let found = if name.contains('/') { Some(PathBuf::from(name)) } else { candidates.find(|path| path.is_file()) };
    found.filter(|path| path.is_file()).with_context(|| format!("no {name} found"))
}

/// The first line of a program's output.
fn answer(program: impl AsRef<Path>, arguments: &[&str]) -> anyhow::Result<String> {
    let program = program.as_ref();
    let said = run(Command::new(program).args(arguments))?;
    said.lines().next().map(str::to_owned).with_context(|| format!("{} says nothing", program.display()))
}

/// Runs a command to its end and returns its output.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let finished = program::run(command, LIMIT).with_context(|| name.clone())?;
    let Some(status) = finished.status else {
        bail!("{name}: no answer within {} s", LIMIT.as_secs());
    };
    ensure!(status.success(), "{name}: {status}, {}", finished.last_remark());
    Ok(finished.stdout)
}

/// The number of cores in a list like `0-3,8`.
fn count(list: &str) -> Option<usize> {
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        (last.parse::<usize>().ok()? + 1).checked_sub(first.parse().ok()?)
    };
    list.split(',').map(range).sum()
}

/// The value of a line `KEY : VALUE`.
fn value_of<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    text.lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.trim() == key))
        .map(|(_, value)| value.trim())
}

/// The value of a line `KEY: 123 kB`.
fn bytes(text: &str, key: &str) -> Option<u64> {
    let kib: u64 = value_of(text, key)?.strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The MPI to which a header belongs.
fn of_header(text: &str) -> Option<Mpi> {
    let value = |name: &str| {
        let mut words = text.lines().map(|line| line.split_whitespace().skip_while(|&word| word == "#"));
        words.find_map(|mut words| {
            let is_it = words.next()?.ends_with("define") && words.next()? == name;
            words.next().filter(|_| is_it).map(|value| value.trim_matches('"').to_owned())
        })
    };
    if let Some(version) = value("MPICH_VERSION") {
        return Some(Mpi { name: "MPICH", version });
    }
    let parts = ["OMPI_MAJOR_VERSION", "OMPI_MINOR_VERSION", "OMPI_RELEASE_VERSION"].map(value);
    let parts: Option<Vec<_>> = parts.into_iter().collect();
    Some(Mpi { name: "Open MPI", version: parts?.join(".") })
}

/// The MPI to which a launcher belongs, from its answer to `--version`.
fn of_launcher(text: &str) -> Option<Mpi> {
    let first = text.lines().next()?;
    // Under the name mpirun.openmpi, Open MPI's launcher calls itself OpenRTE.
    if first.contains("(Open MPI)") || first.contains("(OpenRTE)") {
        return Some(Mpi { name: "Open MPI", version: first.rsplit(' ').next()?.to_owned() });
    }
    let version = value_of(text, "Version").filter(|_| first.contains("HYDRA"))?;
    Some(Mpi { name: "MPICH", version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mpi(name: &'static str, version: &str) -> Option<Mpi> {
        Some(Mpi { name, version: version.into() })
    }

    #[test]
    fn counts_the_cores_of_a_list() {
        for (list, cores) in [("0", Some(1)), ("0-1", Some(2)), ("0-3,8,10-11", Some(7)), ("", None), ("3-0", None)] {
            assert_eq!(count(list), cores, "{list}");
        }
    }

    #[test]
    fn reads_proc() {
        let text = "MemTotal:       24577384 kB\nMemFree:  9 kB\nMemAvailable:   23068672 kB\n";
        assert_eq!(bytes(text, "MemAvailable"), Some(22 << 30));
        assert_eq!(bytes(text, "Mem"), None);
        assert_eq!(value_of("processor\t: 0\nmodel name\t: A CPU @ 2: fast\n", "model name"), Some("A CPU @ 2: fast"));
    }

    #[test]
    fn reads_the_file_of_setup() {
        let toml = "# chosen = \"mpich\"\n\n[env]\nMPICC = \"/a folder/mpicc\"\nMPIRUN = \"/b/mpirun\"\n";
        assert_eq!(of_toml(toml, "chosen").as_deref(), Some("mpich"));
        assert_eq!(of_toml(toml, "MPICC").as_deref(), Some("/a folder/mpicc"));
        assert_eq!(of_toml(toml, "MPI"), None);
        assert_eq!(of_toml(toml, "LIBCLANG_PATH"), None);
    }

    #[test]
    fn recognizes_an_mpi_by_its_header() {
        let open = "#define OMPI_MAJOR_VERSION 4\n#define OMPI_MINOR_VERSION 1\n#define OMPI_RELEASE_VERSION 6\n";
        assert_eq!(of_header(open), mpi("Open MPI", "4.1.6"));
        assert_eq!(of_header("#define MPI_VERSION 4\n#  define MPICH_VERSION \"5.0.2\"\n"), mpi("MPICH", "5.0.2"));
        assert_eq!(of_header("#define MPI_VERSION 4\n#define OMPI_MAJOR_VERSION 4\n"), None);
    }

    #[test]
    fn recognizes_the_mpi_of_a_launcher() {
        assert_eq!(of_launcher("mpirun (Open MPI) 5.0.11\n\nReport bugs\n"), mpi("Open MPI", "5.0.11"));
        assert_eq!(of_launcher("mpirun.openmpi (OpenRTE) 4.1.4\n"), mpi("Open MPI", "4.1.4"));
        let hydra = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: x\n";
        assert_eq!(of_launcher(hydra), mpi("MPICH", "4.0.2"));
        assert_eq!(of_launcher("slurm 22.05.8\n"), None);
        assert_eq!(of_launcher(""), None);
    }

    #[test]
    fn facts_are_lines() {
        let facts = facts();
        assert!(facts.iter().all(|fact| fact.contains(": ") && !fact.contains('\n')), "{facts:?}");
    }

    #[test]
    fn hosts_are_named_by_variables() {
        let with = |name: &'static str, value: &'static str| {
            names_hosts(move |key| (key == name).then(|| value.to_owned()), Some("/usr/bin/mpirun"))
        };
        assert!(with("MPIRUN", "/a/launcher") && with("HYDRA_HOST_FILE", "hosts") && with("SLURM_JOB_ID", "7"));
        assert!(!with("MPIRUN", "/usr/bin/mpirun") && !with("HOME", "/root"));
    }
}

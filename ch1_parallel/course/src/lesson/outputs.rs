//! The files into which the pictures are written.
//!
//! A regular file is written whole or not at all: its text goes into a file without a name, which then takes the place of the
//! old one. Anything else (a named pipe, a terminal) is opened once, before the run begins.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

/// A file that can be written.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    /// It is no regular file.
    open: Option<File>,
}

impl Output {
    /// Makes sure that the file can be written, so that a bad path ends a run before it begins. What is in the file stays.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn check(path: &Path) -> anyhow::Result<Self> {
        checked(path).with_context(|| path.display().to_string())
    }

    /// Writes `text` as all that the file holds.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(self, text: &str) -> anyhow::Result<()> {
        let written = match self.open {
            Some(mut file) => file.write_all(text.as_bytes()),
            None => replace(&self.path, text.as_bytes()),
        };
        match written {
            // As on stdout, it is no error if the reader has closed it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.with_context(|| self.path.display().to_string()),
        }
    }
}

fn checked(path: &Path) -> io::Result<Output> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Errno::ISDIR.into());
    }
    if let Some(open) = own_output(path)? {
        return Ok(Output { path: path.into(), open: Some(open) });
    }
    let path = target(path);
    let open = match fs::metadata(&path) {
        Ok(found) if found.is_dir() => return Err(Errno::ISDIR.into()),
        Ok(found) => {
            let file = File::options().write(true).open(&path)?;
            (!found.is_file()).then_some(file)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            rustix::fs::access(folder(&path), Access::WRITE_OK | Access::EXEC_OK)?;
            None
        }
        Err(error) => return Err(error),
    };
    Ok(Output { path, open })
}

/// This process's stdout or stderr, if `path` leads there (/dev/stdout, for one). Opened by its path it would be written from its
/// beginning, over what the program has printed.
fn own_output(path: &Path) -> io::Result<Option<File>> {
    let links = links(path);
    for (number, output) in [(1, io::stdout().as_fd()), (2, io::stderr().as_fd())] {
        let names = [format!("/proc/self/fd/{number}"), format!("/proc/{}/fd/{number}", std::process::id())];
        if links.iter().any(|link| names.iter().any(|name| link == Path::new(name))) {
            return Ok(Some(output.try_clone_to_owned()?.into()));
        }
    }
    Ok(None)
}

/// `path`, and the paths to which it leads by links.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut links = vec![path.to_path_buf()];
    while links.len() < 40 {
        let last = &links[links.len() - 1];
        // In a folder that is a link (/dev/fd) the file has another name too.
        let real = fs::canonicalize(folder(last)).map(|folder| folder.join(last.file_name().unwrap_or_default()));
        let next = match real {
            Ok(real) if real != *last => real,
            _ => match fs::read_link(last) {
                Ok(next) => folder(last).join(next),
                Err(_) => break,
            },
        };
        links.push(next);
    }
    links
}

/// Where `path` leads to: links are followed, also one to a file that does not exist yet.
fn target(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        // A link in /proc may lead to something that has no path, and is to be opened as it is.
        if path.starts_with("/proc") || fs::canonicalize(folder(&path)).is_ok_and(|folder| folder.starts_with("/proc"))
        {
            break;
        }
        let Ok(next) = fs::read_link(&path) else { break };
        path = folder(&path).join(next);
    }
    path
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

/// Whether both paths lead to one file, of which the second text would take the place of the first.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let (one, other) = (target(one), target(other));
    let same = |one: &Metadata, other: &Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    match (fs::metadata(&one), fs::metadata(&other)) {
        // Texts that go to a device, /dev/null for one, do not replace each other.
        (Ok(one), Ok(other)) => same(&one, &other) && !one.file_type().is_char_device(),
        (Err(_), Err(_)) => {
            let folders = (fs::metadata(folder(&one)), fs::metadata(folder(&other)));
            one.file_name() == other.file_name() && matches!(&folders, (Ok(one), Ok(other)) if same(one, other))
        }
        _ => false,
    }
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let before = fs::metadata(path).ok();
    // Another file in its place would not have the other names.
    if before.as_ref().is_some_and(|before| before.nlink() > 1) {
        return fs::write(path, text);
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = match rustix::fs::open(folder(path), flags, Mode::from_raw_mode(0o666)) {
        Ok(unnamed) => File::from(unnamed),
        // Files may not be made in this folder; the old one can be written all the same.
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) if before.is_some() => return fs::write(path, text),
        // Not every file system has files without a name.
        Err(_) => return replace_by_name(path, text, before.as_ref()),
    };
    file.write_all(text)?;
    keep_mode(&file, before.as_ref())?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |to: &Path| rustix::fs::linkat(CWD, &unnamed, CWD, to, AtFlags::SYMLINK_FOLLOW);
    match link(path) {
        Err(Errno::EXIST) => {
            let other = beside(path);
            link(&other)?;
            let renamed = fs::rename(&other, path).inspect_err(|_| drop(fs::remove_file(&other)));
            match renamed {
                // In a folder like /tmp, another user's file can be written but not replaced.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fs::write(path, text),
                renamed => renamed,
            }
        }
        linked => Ok(linked?),
    }
}

fn replace_by_name(path: &Path, text: &[u8], before: Option<&Metadata>) -> io::Result<()> {
    let other = beside(path);
    let mut file = File::options().write(true).create_new(true).open(&other)?;
    let written = file.write_all(text).and_then(|()| keep_mode(&file, before)).and_then(|()| fs::rename(&other, path));
    written.inspect_err(|_| drop(fs::remove_file(&other)))
}

fn keep_mode(file: &File, before: Option<&Metadata>) -> io::Result<()> {
    match before {
        Some(before) => file.set_permissions(fs::Permissions::from_mode(before.mode() & 0o7777)),
        None => Ok(()),
    }
}

/// A name in the same folder that no other process takes.
fn beside(path: &Path) -> PathBuf {
    folder(path).join(format!(".picture.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder_of_a_test(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("outputs-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_a_link_stays_one() {
        let folder = folder_of_a_test("whole");
        let (file, link) = (folder.join("a.svg"), folder.join("link.svg"));
        symlink("a.svg", &link).unwrap();
        let output = Output::check(&link).unwrap();
        assert!(!file.exists(), "nothing is made before there is something to write");
        output.write("one").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Output::check(&file).unwrap().write("another").unwrap();
        assert_eq!(fs::read_to_string(&link).unwrap(), "another");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing else is left");
        replace_by_name(&file, b"third", None).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "third");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_file_has_many_paths() {
        let folder = folder_of_a_test("paths");
        let (file, link, other) = (folder.join("a"), folder.join("l"), folder.join("b"));
        symlink("a", &link).unwrap();
        for _ in 0..2 {
            assert!(same_file(&file, &folder.join("./a")) && same_file(&file, &link));
            assert!(!same_file(&file, &other));
            fs::write(&file, "now it exists").unwrap();
        }
        fs::hard_link(&file, &other).unwrap();
        assert!(same_file(&file, &other));
        assert!(!same_file(Path::new("/dev/null"), Path::new("/dev/null")));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn stdout_is_stdout_by_any_name() {
        for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert!(own_output(Path::new(name)).unwrap().is_some(), "{name}");
        }
        assert!(own_output(Path::new("/dev/null")).unwrap().is_none());
    }

    #[test]
    fn a_file_with_two_names_keeps_both() {
        let folder = folder_of_a_test("names");
        let (one, other) = (folder.join("one"), folder.join("x".repeat(250)));
        fs::write(&one, "old").unwrap();
        fs::hard_link(&one, &other).unwrap();
        Output::check(&other).unwrap().write("new").unwrap();
        assert_eq!(fs::read_to_string(&one).unwrap(), "new");
        fs::remove_file(&one).unwrap();
        Output::check(&other).unwrap().write("newer").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "newer");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_bad_path_is_found_out_before() {
        let error = |path: &str| format!("{:#}", Output::check(Path::new(path)).unwrap_err());
        assert!(error("/no/such/folder/file").starts_with("/no/such/folder/file: No such file"));
        assert!(error("/").starts_with("/: Is a directory"));
        assert!(error("/tmp/new/").starts_with("/tmp/new/: Is a directory"));
    }
}

//! The child's side: finds out what this process is, calls the function and sends the outcome to the parent.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::Context;
use course::lanes;
use course::lesson::{self, Refusal};

use super::end_with_parent::end_with;
use super::function::{Entry, list};
use super::message::{Outcome, Request, SOCKET, head_of, packed_with};
use crate::machinery::descriptors::Packed;
use crate::machinery::presence::Watch;
use crate::machinery::{signals, wire};

/// What this process is.
enum Role {
    /// No list has been read yet.
    Unknown,
    Parent,
    /// A child whose function was in none of the lists until now, and the arguments of the function.
    Child(Request, Packed),
}

static ROLE: Mutex<Role> = Mutex::new(Role::Unknown);

/// The child's end of the socket.
static TO_PARENT: OnceLock<UnixStream> = OnceLock::new();

/// The name of this process, if it is a child.
static NAME: OnceLock<String> = OnceLock::new();

/// What [`children!`](crate::children) does: makes the functions known. In a child whose function is among them it calls the
/// function and ends the process.
#[doc(hidden)]
pub fn enter(entries: Vec<Entry>) {
    list(&entries);
    let mut role = ROLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Role::Unknown = *role {
        *role = read_role();
    }
    if let Role::Child(request, _) = &*role
        // If the function is in none of these entries, another list follows: the parent has found it.
        && let Some(entry) = entries.into_iter().find(|entry| entry.name() == request.function)
        && let Role::Child(request, arguments) = std::mem::replace(&mut *role, Role::Parent)
    {
        drop(role);
        run(entry, &request.name, arguments);
    }
}

/// The name that this process was given, if it is a child.
pub fn name() -> Option<&'static str> {
    NAME.get().map(String::as_str)
}

fn read_role() -> Role {
    let Ok(inode) = std::env::var(SOCKET) else { return Role::Parent };
    let is_child = rustix::fs::fstat(rustix::stdio::stdin()).is_ok_and(|stat| stat.st_ino.to_string() == inode);
    if !is_child {
        return Role::Parent;
    }
    let read = || -> io::Result<_> {
        signals::accept()?;
        let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        let socket = TO_PARENT.get_or_init(|| socket);
        let Some(mut arguments) = wire::receive(socket)? else {
            // The parent has ended already.
            exit(1);
        };
        Ok((head_of(&mut arguments)?, arguments))
    };
    match read() {
        Ok((request, arguments)) => Role::Child(request, arguments),
        // The parent was killed while it sent the request.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(1),
        Err(error) => {
            // The parent does not understand the messages of this child, so the error goes to stderr.
            lesson::say_error(&format!("what this child process is to do cannot be read: {error}"));
            exit(1);
        }
    }
}

/// Runs the function of `entry` and ends the process.
fn run(entry: Entry, name: &str, mut arguments: Packed) -> ! {
    // A panic of any thread ends the process, as it does in the parent, and the parent prints it.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("without a text");
        let outcome = match Refusal::of_panic(text) {
            Some(Refusal::NoReader) => Outcome::OutputClosed,
            Some(Refusal::Other(told)) => Outcome::Failed(told),
            None => {
                let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
                Outcome::Panicked(format!("{text}{}", place.unwrap_or_default()))
            }
        };
        // Stdout is not flushed here: a thread that holds it may wait for this thread. The exit flushes it if no thread does.
        send_and_exit(packed_with(&outcome), 1)
    }));
    let called = begin(name, &mut arguments).and_then(|()| {
        let _main = lanes::lane("main");
        entry.call(arguments)
    });
    match called {
        Ok(packed) => finish(Ok(packed), 0),
        Err(error) => finish(packed_with(&Outcome::Failed(format!("{error:#}"))), 1),
    }
}

fn begin(name: &str, arguments: &mut Packed) -> anyhow::Result<()> {
    NAME.get_or_init(|| name.into());
    let life = arguments.descriptors.pop().and_then(Watch::from_descriptor);
    end_with(life.context("its arguments cannot be read: the parent's sign of life is missing")?)?;
    // For `ps`. A name with a zero byte never got here: it cannot be an argument of a program either.
    if let Ok(name) = CString::new(name) {
        rustix::thread::set_name(&name)?;
    }
    lesson::begin_child(name);
    Ok(())
}

/// Flushes stdout, sends the outcome to the parent and ends the process.
fn finish(outcome: io::Result<Packed>, mut status: i32) -> ! {
    // The exit would flush stdout too, but not report output that cannot be written.
    let outcome = match io::stdout().flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => packed_with(&Outcome::OutputClosed),
        Err(error) if status == 0 => {
            status = 1;
            packed_with(&Outcome::Failed(format!("stdout: {error}")))
        }
        _ => outcome.or_else(|error| packed_with(&Outcome::Failed(format!("its result cannot be sent: {error}")))),
    };
    send_and_exit(outcome, status)
}

/// Sends the outcome to the parent and ends the process. Only the first thread that calls it does so; the others block.
fn send_and_exit(outcome: io::Result<Packed>, status: i32) -> ! {
    // After Ctrl-C the parent ends this process.
    lesson::hold();
    lanes::record::close();
    static FIRST: Mutex<()> = Mutex::new(());
    // Never released: the process ends here.
    let _first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Ok(packed), Some(socket)) = (outcome, TO_PARENT.get()) {
        // If the parent has closed its end, the parent has ended, and the system ends this process too.
        let _ = wire::send(socket, &packed);
    }
    exit(status)
}

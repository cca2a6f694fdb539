//! How a child process finds the function that it must call.

use std::any::{TypeId, type_name};
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::{Outcome, packed_with};
use crate::machinery::descriptors::{Packed, pack, unpack};

/// A function that can run in a child process. It has up to eight arguments, as a tuple in `A`, and returns a value or an
/// error.
pub trait Function<A>: 'static {
    /// What it returns if it does not fail.
    type Value: Serialize + DeserializeOwned;

    /// Calls it.
    ///
    /// # Errors
    /// Those of the function.
    fn call(&self, arguments: A) -> anyhow::Result<Self::Value>;
}

macro_rules! functions {
    ($($name:ident: $argument:ident),*) => {
        impl<F, R, $($argument),*> Function<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> anyhow::Result<R> + 'static,
            R: Serialize + DeserializeOwned,
        {
            type Value = R;

            fn call(&self, ($($name,)*): ($($argument,)*)) -> anyhow::Result<R> {
                self($($name),*)
            }
        }
    };
}
functions!();
functions!(a: A);
functions!(a: A, b: B);
functions!(a: A, b: B, c: C);
functions!(a: A, b: B, c: C, d: D);
functions!(a: A, b: B, c: C, d: D, e: E);
functions!(a: A, b: B, c: C, d: D, e: E, g: G);
functions!(a: A, b: B, c: C, d: D, e: E, g: G, h: H);
functions!(a: A, b: B, c: C, d: D, e: E, g: G, h: H, i: I);

/// What a child of one kind does: it takes its arguments out of what the parent sent, calls a function and packs the outcome.
pub struct Entry {
    id: Id,
    call: Box<dyn FnOnce(Packed) -> anyhow::Result<Packed>>,
}

/// Which function. The name is sent to the child, since a `TypeId` cannot be; the `TypeId` distinguishes closures that have
/// the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub name: &'static str,
    kind: TypeId,
}

/// The functions that children can run: those of all lists until now.
static LISTED: Mutex<Vec<Id>> = Mutex::new(Vec::new());

impl Id {
    pub fn of<F: 'static>() -> Self {
        // A function pointer, or a closure that captures something, is a value that the child does not have.
        const { assert!(size_of::<F>() == 0, "a child process can run a function, but not a function pointer") };
        Self { name: type_name::<F>(), kind: TypeId::of::<F>() }
    }
}

/// Makes these functions known, so that children can be started for them.
///
/// # Panics
/// Two functions have the same name.
pub(super) fn list(entries: &[Entry]) {
    let mut listed = LISTED.lock().unwrap_or_else(PoisonError::into_inner);
    for id in entries.iter().map(|entry| entry.id) {
        let known = listed.iter().find(|other| other.name == id.name);
        assert!(known.is_none_or(|other| *other == id), "`children!` has two functions named `{}`", id.name);
        listed.push(id);
    }
}

/// An error if children cannot run this function, because `main` does not list it.
pub(crate) fn check_listed<F: 'static>() -> io::Result<()> {
    let id = Id::of::<F>();
    if LISTED.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
        return Ok(());
    }
    Err(io::Error::other(format!("`children!` in the first line of `main` lacks `{}`", id.name)))
}

impl Entry {
    /// The entry of a child that calls `function` once.
    #[must_use]
    pub fn of<A: DeserializeOwned, F: Function<A>>(function: F) -> Self {
        let call = move |packed: Packed| {
            let arguments = unpack(&packed.bytes, packed.descriptors)
                .map_err(|error| anyhow::anyhow!("its arguments cannot be read: {error}"))?;
            let value = function.call(arguments)?;
            let mut packed = packed_with(&Outcome::Value)?;
            pack(&value, &mut packed)?;
            Ok(packed)
        };
        Self { id: Id::of::<F>(), call: Box::new(call) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.id.name
    }

    pub(super) fn call(self, arguments: Packed) -> anyhow::Result<Packed> {
        (self.call)(arguments)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.name)
    }
}

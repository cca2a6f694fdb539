//! Functions as child processes find them.

use std::any::{TypeId, type_name};
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::message::{Outcome, packed_with};
use crate::machinery::descriptors::{Packed, pack, unpack};
use crate::pool;

/// Lists the functions that [`spawn`](crate::spawn) may run in child processes. The first line of `main`: in a child it
/// calls the function and ends the process.
#[macro_export]
macro_rules! children {
    ($($function:expr),* $(,)?) => {
        $crate::process::enter(vec![$($crate::process::Entry::of($function)),*])
    };
}

/// A function that can run in a child process: up to eight arguments, in `A` as a tuple, and a result or an error.
pub trait Function<A>: 'static {
    /// What it returns if all goes well.
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

/// A function as [`children!`](crate::children) lists it.
pub struct Entry {
    pub(super) id: Id,
    /// Calls it with arguments, for [`spawn`](crate::spawn).
    pub(super) call: Box<dyn FnOnce(Packed) -> anyhow::Result<Packed>>,
    /// Calls it for one task after the other, for a [`Pool`](crate::Pool).
    pub(super) serve: Box<dyn FnOnce(Packed) -> anyhow::Result<Packed>>,
}

/// Which function. The name goes to the child, since a `TypeId` cannot; the `TypeId` tells closures of one name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    name: &'static str,
    kind: TypeId,
}

impl Id {
    pub(crate) fn of<F: 'static>() -> Self {
        // A function pointer or a closure that captures something is a value, of which the child would know nothing.
        const { assert!(size_of::<F>() == 0, "a child process can run a function, but not a function pointer") };
        Self { name: type_name::<F>(), kind: TypeId::of::<F>() }
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }
}

impl Entry {
    /// The entry of `function`.
    #[must_use]
    pub fn of<A: DeserializeOwned, F: Function<A> + Copy>(function: F) -> Self {
        let call = move |packed| value_packed(&function.call(arguments(packed)?)?);
        let serve = move |packed| value_packed(&pool::work(arguments(packed)?, |task: A| function.call(task))?);
        Self { id: Id::of::<F>(), call: Box::new(call), serve: Box::new(serve) }
    }
}

fn arguments<A: DeserializeOwned>(packed: Packed) -> anyhow::Result<A> {
    unpack(&packed.bytes, packed.descriptors).map_err(|error| anyhow::anyhow!("its arguments cannot be read: {error}"))
}

fn value_packed(value: &impl Serialize) -> anyhow::Result<Packed> {
    let mut packed = packed_with(&Outcome::Value)?;
    pack(value, &mut packed)?;
    Ok(packed)
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.name)
    }
}

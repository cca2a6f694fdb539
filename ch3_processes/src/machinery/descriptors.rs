//! Descriptors inside serialized values.
//!
//! A descriptor is a number that means something in one process only. [`pack`] therefore collects the descriptors of a
//! value beside its bytes, in which only their places in that list are written; [`unpack`] puts them back.
//!
//! With each goes its [`Kind`], beside the bytes too. A type with a `Serialize` and a `Deserialize` of its own can
//! change the bytes as it likes, but a descriptor comes out as what it went in as: shared memory is never taken for
//! other memory.

use std::cell::RefCell;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

thread_local! {
    /// The descriptors of the value that this thread is packing.
    static GOING: RefCell<Option<Going>> = const { RefCell::new(None) };
    /// The descriptors of the value that this thread is unpacking.
    static COMING: RefCell<Vec<Option<Descriptor>>> = const { RefCell::new(Vec::new()) };
}

/// What a descriptor stands for, with all that must be the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The writing end of a pipe.
    Sender,
    /// The reading end of a pipe.
    Receiver,
    /// Shared memory full of this type.
    Atomics(String),
    /// Shared memory with a head of this type.
    Region(String),
    /// Open as long as somebody takes part.
    Presence,
    /// Tells whether anybody still takes part.
    Watch,
    /// Shared memory with parts of these lengths, for items of this size.
    Array { item: usize, lengths: Vec<usize> },
}

#[derive(Default)]
struct Going {
    descriptors: Vec<Descriptor>,
    /// Why one could not be taken: the serializer keeps no more of an error than that there was one.
    failed: Option<io::Error>,
}

/// A value as it travels to another process.
#[derive(Debug, Default)]
pub struct Packed {
    pub bytes: Vec<u8>,
    pub descriptors: Vec<Descriptor>,
}

/// Appends `value` to `packed`.
pub fn pack(value: &impl Serialize, packed: &mut Packed) -> io::Result<()> {
    GOING.set(Some(Going { descriptors: std::mem::take(&mut packed.descriptors), failed: None }));
    let written = postcard::to_extend(value, std::mem::take(&mut packed.bytes));
    let going = GOING.take().unwrap_or_default();
    packed.descriptors = going.descriptors;
    packed.bytes = written.map_err(|error| going.failed.unwrap_or_else(|| io::Error::other(error)))?;
    Ok(())
}

/// Reads the value that takes up all of `bytes`.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8], descriptors: Vec<Descriptor>) -> io::Result<T> {
    COMING.set(descriptors.into_iter().map(Some).collect());
    let read = postcard::take_from_bytes(bytes);
    // Those that the value did not take are closed here.
    COMING.take();
    match read.map_err(io::Error::other)? {
        (value, []) => Ok(value),
        (_, rest) => Err(io::Error::other(format!("{} bytes too many", rest.len()))),
    }
}

/// A descriptor on its way to another process, which will have a copy.
#[derive(Debug)]
pub struct Passed<'fd>(pub BorrowedFd<'fd>, pub Kind);

/// A descriptor between two processes, or one that came from another.
#[derive(Debug)]
pub struct Descriptor {
    pub file: OwnedFd,
    pub kind: Kind,
}

impl Descriptor {
    /// The descriptor if it is of this kind.
    pub fn of<E: serde::de::Error>(self, kind: &Kind) -> Result<OwnedFd, E> {
        if self.kind == *kind { Ok(self.file) } else { Err(self.refused()) }
    }

    pub fn refused<E: serde::de::Error>(&self) -> E {
        E::custom(format!("what came along is something else: {:?}", self.kind))
    }
}

impl Serialize for Passed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = GOING.with_borrow_mut(|going| {
            let Some(going) = going else {
                return Err("it can be passed only in the arguments or the result of a child process".to_owned());
            };
            let file = self.0.try_clone_to_owned().map_err(|error| {
                let text = error.to_string();
                going.failed = Some(error);
                text
            })?;
            going.descriptors.push(Descriptor { file, kind: self.1.clone() });
            Ok(going.descriptors.len() as u32 - 1)
        });
        place.map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let found = COMING.with_borrow_mut(|coming| coming.get_mut(place as usize).and_then(Option::take));
        found.ok_or_else(|| D::Error::custom("no such descriptor came along"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_descriptor_needs_a_way_to_travel() {
        let some = std::io::stdin();
        assert!(
            serde_json::to_string(&Passed(some.as_fd(), Kind::Receiver))
                .unwrap_err()
                .to_string()
                .contains("only in the arguments")
        );
        assert!(serde_json::from_str::<Descriptor>("0").is_err());
    }

    #[test]
    fn what_is_packed_comes_out() {
        let some = std::io::pipe().unwrap().0;
        let mut packed = Packed::default();
        let array = Kind::Array { item: 8, lengths: vec![1, 2] };
        let passed = |kind: &Kind| Passed(some.as_fd(), kind.clone());
        pack(&(1u8, passed(&array), "two", passed(&Kind::Sender)), &mut packed).unwrap();
        assert_eq!(packed.descriptors.len(), 2);
        let (one, first, two, second) =
            unpack::<(u8, Descriptor, String, Descriptor)>(&packed.bytes, packed.descriptors).unwrap();
        assert_eq!((one, two.as_str()), (1, "two"));
        assert_eq!((first.kind, second.kind), (array, Kind::Sender));
    }

    #[test]
    fn garbage_is_no_value() {
        assert!(unpack::<(u64, String)>(&[1, 200, 7], vec![]).is_err());
        assert!(unpack::<u8>(&[1, 2], vec![]).unwrap_err().to_string().contains("1 bytes too many"));
        assert!(unpack::<Descriptor>(&[0], vec![]).is_err());
    }
}

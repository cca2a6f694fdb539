//! Descriptors inside of serialized values.
//!
//! A descriptor is a number that has a meaning in one process only. So [`pack`] collects the descriptors of a value in a list beside
//! its bytes. In the bytes stands only the place of each descriptor in the list. [`unpack`] puts the descriptors back.
//!
//! The list also contains the [`Kind`] of each descriptor. A type with its own `Serialize` and `Deserialize` can change the bytes,
//! but not the kinds: a descriptor is received as the kind as which it was sent, so shared memory is never taken for other memory.

use std::cell::RefCell;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

thread_local! {
    /// The descriptors of the value that this thread is packing.
    static PACKING: RefCell<Option<Packing>> = const { RefCell::new(None) };
    /// The descriptors of the value that this thread is unpacking.
    static UNPACKING: RefCell<Vec<Option<Descriptor>>> = const { RefCell::new(Vec::new()) };
}

/// What a descriptor stands for, with all that both sides must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The writing end of a pipe.
    Sender,
    /// The reading end of a pipe.
    Receiver,
    /// Shared memory that consists of values of this type.
    Atomics(String),
    /// Shared memory with a head of this type.
    Region(String),
    /// Open as long as its process takes part.
    Presence,
    /// Shows whether any process still takes part.
    Watch,
    /// Shared memory with parts of these lengths, for items of this size.
    Array { item: usize, lengths: Vec<usize> },
}

#[derive(Default)]
struct Packing {
    descriptors: Vec<Descriptor>,
    /// Why a descriptor could not be copied. The serializer drops the text of such an error.
    failed: Option<io::Error>,
}

/// A value in the form in which it is sent to another process.
#[derive(Debug, Default)]
pub struct Packed {
    pub bytes: Vec<u8>,
    pub descriptors: Vec<Descriptor>,
}

/// Appends `value` to `packed`.
pub fn pack(value: &impl Serialize, packed: &mut Packed) -> io::Result<()> {
    PACKING.set(Some(Packing { descriptors: std::mem::take(&mut packed.descriptors), failed: None }));
    let written = postcard::to_extend(value, std::mem::take(&mut packed.bytes));
    let packing = PACKING.take().unwrap_or_default();
    packed.descriptors = packing.descriptors;
    packed.bytes = written.map_err(|error| packing.failed.unwrap_or_else(|| io::Error::other(error)))?;
    Ok(())
}

/// Reads the value that takes up all of `bytes`.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8], descriptors: Vec<Descriptor>) -> io::Result<T> {
    UNPACKING.set(descriptors.into_iter().map(Some).collect());
    let read = postcard::take_from_bytes(bytes);
    // Descriptors that the value did not take are closed here.
    UNPACKING.take();
    match read.map_err(io::Error::other)? {
        (value, []) => Ok(value),
        (_, rest) => Err(io::Error::other(format!("{} bytes too many", rest.len()))),
    }
}

/// A descriptor to be sent to another process, which gets a copy.
#[derive(Debug)]
pub struct Passed<'fd>(pub BorrowedFd<'fd>, pub Kind);

/// A copy of a descriptor that is sent to another process, or that was received from one.
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
        E::custom(format!("another kind of descriptor was received: {:?}", self.kind))
    }
}

impl Serialize for Passed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = PACKING.with_borrow_mut(|packing| {
            let Some(packing) = packing else {
                return Err("it can be passed only in the arguments or the result of a child process".to_owned());
            };
            let file = self.0.try_clone_to_owned().map_err(|error| {
                let text = error.to_string();
                packing.failed = Some(error);
                text
            })?;
            packing.descriptors.push(Descriptor { file, kind: self.1.clone() });
            Ok(packing.descriptors.len() as u32 - 1)
        });
        place.map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let found = UNPACKING.with_borrow_mut(|received| received.get_mut(place as usize).and_then(Option::take));
        found.ok_or_else(|| D::Error::custom("the descriptor at this place is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_descriptor_cannot_be_sent_as_text() {
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
    fn a_packed_value_is_unpacked_with_its_descriptors() {
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
    fn bytes_that_are_not_a_value_are_an_error() {
        assert!(unpack::<(u64, String)>(&[1, 200, 7], vec![]).is_err());
        assert!(unpack::<u8>(&[1, 2], vec![]).unwrap_err().to_string().contains("1 bytes too many"));
        assert!(unpack::<Descriptor>(&[0], vec![]).is_err());
    }
}

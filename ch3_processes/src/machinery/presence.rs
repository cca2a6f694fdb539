//! Shows whether any process still takes part, in whatever way the other processes ended.
//!
//! Each process that takes part holds the writing end of a pipe, to which no process writes. The system closes the end of a process
//! that is killed. When the last writing end is closed, the reading end shows it.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::descriptors::{Descriptor, Kind, Passed};

/// Held by each process that takes part.
#[derive(Debug)]
pub struct Presence(PipeWriter);

/// Sees whether any process holds a [`Presence`].
#[derive(Debug)]
pub struct Watch(PipeReader);

/// A presence, and a watch that sees it and its clones.
pub fn presence() -> io::Result<(Presence, Watch)> {
    let (reader, writer) = io::pipe()?;
    Ok((Presence(writer), Watch(reader)))
}

impl Presence {
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }
}

impl Watch {
    /// To be sent to a child beside its arguments.
    pub fn into_descriptor(self) -> Descriptor {
        Descriptor { file: self.0.into(), kind: Kind::Watch }
    }

    pub fn from_descriptor(descriptor: Descriptor) -> Option<Self> {
        (descriptor.kind == Kind::Watch).then(|| Self(descriptor.file.into()))
    }

    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Whether no process holds a presence any more.
    pub fn alone(&self) -> bool {
        let mut pipe = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut pipe, Some(&now)).is_ok() && pipe[0].revents().contains(PollFlags::HUP)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Serialize for Presence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Passed(self.0.as_fd(), Kind::Presence).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Descriptor::deserialize(deserializer)?.of(&Kind::Presence)?.into()))
    }
}

impl Serialize for Watch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Passed(self.0.as_fd(), Kind::Watch).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Watch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Descriptor::deserialize(deserializer)?.of(&Kind::Watch)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_sees_when_the_last_presence_is_dropped() {
        let (one, watch) = presence().unwrap();
        let other = one.try_clone().unwrap();
        drop(one);
        assert!(!watch.alone());
        drop(other);
        assert!(watch.alone() && watch.try_clone().unwrap().alone());
    }
}

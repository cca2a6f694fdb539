//! Packed values over a socket between two processes: any number of bytes and any number of descriptors.

use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv,
    recvmsg, sendmsg,
};

use crate::machinery::descriptors::{Descriptor, Kind, Packed};

/// The system takes no more descriptors in one message.
const MOST_DESCRIPTORS: usize = 253;
const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS));

/// The lengths of what follows: how many descriptors, how many bytes for their kinds, and how many bytes of the value.
const HEAD: usize = 24;

pub fn send(socket: &UnixStream, packed: &Packed) -> io::Result<()> {
    let kinds: Vec<_> = packed.descriptors.iter().map(|descriptor| &descriptor.kind).collect();
    let kinds = if kinds.is_empty() { Vec::new() } else { postcard::to_stdvec(&kinds).map_err(io::Error::other)? };
    let mut head = [0; HEAD];
    let lengths = [packed.descriptors.len(), kinds.len(), packed.bytes.len()];
    for (place, length) in head.chunks_exact_mut(8).zip(lengths) {
        place.copy_from_slice(&(length as u64).to_le_bytes());
    }
    let mut chunks = packed.descriptors.chunks(MOST_DESCRIPTORS);
    send_with(socket, &head, chunks.next().unwrap_or(&[]))?;
    for chunk in chunks {
        // Descriptors travel only with at least one byte.
        send_with(socket, &[0], chunk)?;
    }
    (&*socket).write_all(&kinds)?;
    (&*socket).write_all(&packed.bytes)
}

fn send_with(socket: &UnixStream, bytes: &[u8], descriptors: &[Descriptor]) -> io::Result<()> {
    let borrowed: Vec<_> = descriptors.iter().map(|descriptor| descriptor.file.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::Error::other("too many descriptors in a message"));
    }
    let sent = retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))?;
    // The descriptors were sent with the first byte, so the rest is sent without them.
    (&*socket).write_all(&bytes[sent..])
}

/// Waits for the next packed value; `None` if the other side closed the socket before a value. `UnexpectedEof` if the
/// other side closed it within a value.
pub fn receive(socket: &UnixStream) -> io::Result<Option<Packed>> {
    let mut incoming = Incoming::default();
    match incoming.receive(socket, RecvFlags::empty())? {
        Progress::Complete(packed) => Ok(Some(packed)),
        // Without the flag for it the call waits until there is more.
        Progress::Partial | Progress::Closed => incoming.cut_off().map(|()| None),
    }
}

/// A packed value that is arriving: a part of it has arrived, or nothing yet.
#[derive(Debug, Default)]
pub struct Incoming {
    head: [u8; HEAD],
    /// How many bytes of the head have arrived.
    head_bytes: usize,
    files: Vec<OwnedFd>,
    /// The bytes that say the kinds of the descriptors, then the value's bytes.
    body: Vec<u8>,
}

/// What [`Incoming::receive`] found.
#[derive(Debug)]
pub enum Progress {
    /// The socket is empty, and the value is not complete.
    Partial,
    Complete(Packed),
    /// The socket was closed at the other side, and the value is not complete.
    Closed,
}

/// At most this room is allocated for bytes that have not arrived.
const AHEAD: usize = 64 << 10;

impl Incoming {
    /// Takes in what has arrived. With the flag `DONTWAIT` it returns when the socket is empty.
    pub fn receive(&mut self, socket: &UnixStream, flags: RecvFlags) -> io::Result<Progress> {
        loop {
            let read = if self.head_bytes < HEAD {
                let read = receive_with(socket, &mut self.head[self.head_bytes..], &mut self.files, flags);
                read.inspect(|&read| self.head_bytes += read)
            } else if (self.files.len() as u64) < self.length(0) {
                let before = self.files.len();
                let read = receive_with(socket, &mut [0], &mut self.files, flags);
                if read.as_ref().is_ok_and(|&read| read > 0) && self.files.len() == before {
                    return Err(io::Error::other("there is no descriptor where one should be"));
                }
                read
            } else {
                let length = self.length(1).saturating_add(self.length(2));
                let missing = length.saturating_sub(self.body.len() as u64);
                if missing == 0 {
                    return std::mem::take(self).unpacked().map(Progress::Complete);
                }
                // Not as much as the head announces: a broken head may announce any length.
                self.body.try_reserve(missing.min(AHEAD.max(self.body.len()) as u64) as usize)?;
                retry_on_intr(|| recv(socket, spare_capacity(&mut self.body), flags))
                    .map(|(_, read)| read)
                    .map_err(io::Error::from)
            };
            match read {
                Ok(0) => return Ok(Progress::Closed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Progress::Partial),
                Err(error) => return Err(error),
            }
        }
    }

    /// An error if a part of a value has arrived, which will never be complete.
    pub fn cut_off(&self) -> io::Result<()> {
        if self.head_bytes == 0 {
            return Ok(());
        }
        let (arrived, length) = (self.body.len() as u64, self.length(1).saturating_add(self.length(2)));
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{arrived} of {length} bytes arrived")))
    }

    /// One of the lengths that the head announces.
    fn length(&self, place: usize) -> u64 {
        u64::from_le_bytes(self.head[8 * place..][..8].try_into().unwrap_or_default())
    }

    fn unpacked(mut self) -> io::Result<Packed> {
        let length = self.length(1).min(self.body.len() as u64) as usize;
        let kinds: Vec<Kind> = match self.files.is_empty() {
            true => Vec::new(),
            false => postcard::from_bytes(&self.body[..length]).map_err(io::Error::other)?,
        };
        self.body.drain(..length);
        if self.body.len() as u64 != self.length(2) {
            return Err(io::Error::other("more bytes arrived than were announced"));
        }
        if kinds.len() != self.files.len() {
            let (files, kinds) = (self.files.len(), kinds.len());
            return Err(io::Error::other(format!("{files} descriptors arrived, but {kinds} kinds")));
        }
        let descriptors = self.files.into_iter().zip(kinds).map(|(file, kind)| Descriptor { file, kind }).collect();
        Ok(Packed { bytes: self.body, descriptors })
    }
}

fn receive_with(
    socket: &UnixStream,
    bytes: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
    flags: RecvFlags,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, flags))?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            descriptors.extend(files);
        }
    }
    Ok(received.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn many_descriptors_and_bytes_arrive() {
        let (here, there) = UnixStream::pair().unwrap();
        let descriptor = |item| Descriptor {
            file: io::pipe().unwrap().0.into(),
            kind: Kind::Array { item, lengths: vec![item; 3] },
        };
        // More than one message carries, and both ends together fewer than a process may usually have.
        let descriptors = move || (0..300).map(descriptor).collect();
        let sender =
            thread::spawn(move || send(&here, &Packed { bytes: vec![7; 1 << 22], descriptors: descriptors() }));
        let packed = receive(&there).unwrap().unwrap();
        sender.join().unwrap().unwrap();
        let items: Vec<_> = packed.descriptors.iter().map(|descriptor| descriptor.kind.clone()).collect();
        let right: Vec<_> = (0..300).map(|item| Kind::Array { item, lengths: vec![item; 3] }).collect();
        assert_eq!(items, right);
        assert!(packed.bytes.len() == 1 << 22 && packed.bytes.iter().all(|&byte| byte == 7));
        assert!(receive(&there).unwrap().is_none(), "the sender has closed its end");
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        let (here, there) = UnixStream::pair().unwrap();
        (&here).write_all(&[0; 16]).unwrap();
        (&here).write_all(&[255; 8]).unwrap();
        (&here).write_all(b"short").unwrap();
        drop(here);
        assert!(receive(&there).unwrap_err().to_string().starts_with("5 of "));

        let (here, there) = UnixStream::pair().unwrap();
        (&here).write_all(&[255; HEAD]).unwrap();
        drop(here);
        assert!(receive(&there).is_err());
    }
}

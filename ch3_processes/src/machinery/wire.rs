//! Packed values over a socket between two processes: bytes of any length, descriptors in any number.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use crate::machinery::descriptors::{Descriptor, Kind, Packed};

/// The system takes no more in one message.
const MOST_DESCRIPTORS: usize = 253;
const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS));

/// The lengths of what follows: the descriptors, the bytes that say their kinds, and the value's bytes.
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
    // The descriptors went with the first byte, so what is left goes without.
    (&*socket).write_all(&bytes[sent..])
}

/// The next packed value; `None` if the other side closed the socket before it. `UnexpectedEof` if it did so within it.
pub fn receive(socket: &UnixStream) -> io::Result<Option<Packed>> {
    let mut files = Vec::new();
    let mut head = [0; HEAD];
    match receive_with(socket, &mut head, &mut files)? {
        0 => return Ok(None),
        read => (&*socket).read_exact(&mut head[read..])?,
    }
    let length = |place: usize| u64::from_le_bytes(head[8 * place..][..8].try_into().unwrap_or_default());
    while (files.len() as u64) < length(0) {
        let before = files.len();
        if receive_with(socket, &mut [0], &mut files)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a descriptor is missing"));
        }
        if files.len() == before {
            return Err(io::Error::other("there is no descriptor where one should be"));
        }
    }
    let kinds = receive_bytes(socket, length(1))?;
    let kinds: Vec<Kind> =
        if files.is_empty() { Vec::new() } else { postcard::from_bytes(&kinds).map_err(io::Error::other)? };
    if kinds.len() != files.len() {
        return Err(io::Error::other(format!("{} descriptors came, but {} kinds", files.len(), kinds.len())));
    }
    let descriptors = files.into_iter().zip(kinds).map(|(file, kind)| Descriptor { file, kind }).collect();
    Ok(Some(Packed { bytes: receive_bytes(socket, length(2))?, descriptors }))
}

fn receive_bytes(socket: &UnixStream, length: u64) -> io::Result<Vec<u8>> {
    // Not allocated from the length that was announced, which may be anything.
    let mut bytes = Vec::new();
    let read = socket.take(length).read_to_end(&mut bytes)?;
    if (read as u64) < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{read} of {length} bytes came")));
    }
    Ok(bytes)
}

fn receive_with(socket: &UnixStream, bytes: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        retry_on_intr(|| recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC))?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = message {
            descriptors.extend(came);
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

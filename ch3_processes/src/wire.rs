//! Packed values over a socket between two processes: bytes of any length and descriptors in any number.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use crate::descriptors::Packed;

/// The system takes no more in one message.
const MOST_DESCRIPTORS: usize = 253;
const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS));

/// The lengths of what follows, bytes and descriptors.
const HEAD: usize = 16;

pub fn send(socket: &UnixStream, packed: &Packed) -> io::Result<()> {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&(packed.bytes.len() as u64).to_le_bytes());
    head[8..].copy_from_slice(&(packed.descriptors.len() as u64).to_le_bytes());
    let mut chunks = packed.descriptors.chunks(MOST_DESCRIPTORS);
    send_with(socket, &head, chunks.next().unwrap_or(&[]))?;
    for chunk in chunks {
        // Descriptors travel only with at least one byte.
        send_with(socket, &[0], chunk)?;
    }
    (&*socket).write_all(&packed.bytes)
}

fn send_with(socket: &UnixStream, bytes: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
    let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::Error::other("too many descriptors in a message"));
    }
    let sent = retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))?;
    // The descriptors went with the first byte, so what is left goes without.
    (&*socket).write_all(&bytes[sent..])
}

/// The next packed value; `None` if the other side closed the socket before it.
pub fn receive(socket: &UnixStream) -> io::Result<Option<Packed>> {
    let mut packed = Packed::default();
    let mut head = [0; HEAD];
    match receive_with(socket, &mut head, &mut packed.descriptors)? {
        0 => return Ok(None),
        read => (&*socket).read_exact(&mut head[read..])?,
    }
    let length = u64::from_le_bytes(head[..8].try_into().unwrap_or_default());
    let descriptors = u64::from_le_bytes(head[8..].try_into().unwrap_or_default());
    while (packed.descriptors.len() as u64) < descriptors {
        let before = packed.descriptors.len();
        if receive_with(socket, &mut [0], &mut packed.descriptors)? == 0 || packed.descriptors.len() == before {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a descriptor is missing"));
        }
    }
    // Not allocated from the length that was announced, which may be anything.
    let read = socket.take(length).read_to_end(&mut packed.bytes)?;
    if (read as u64) < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{read} of {length} bytes came")));
    }
    Ok(Some(packed))
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
        let descriptors = || (0..600).map(|_| io::pipe().unwrap().0.into()).collect();
        let sender =
            thread::spawn(move || send(&here, &Packed { bytes: vec![7; 1 << 22], descriptors: descriptors() }));
        let packed = receive(&there).unwrap().unwrap();
        sender.join().unwrap().unwrap();
        assert_eq!(packed.descriptors.len(), 600);
        assert!(packed.bytes.len() == 1 << 22 && packed.bytes.iter().all(|&byte| byte == 7));
        assert!(receive(&there).unwrap().is_none(), "the sender has closed its end");
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        let (here, there) = UnixStream::pair().unwrap();
        (&here).write_all(&[255; 8]).unwrap();
        (&here).write_all(&[0; 8]).unwrap();
        (&here).write_all(b"short").unwrap();
        drop(here);
        assert!(receive(&there).unwrap_err().to_string().starts_with("5 of "));

        let (here, there) = UnixStream::pair().unwrap();
        (&here).write_all(&[255; HEAD]).unwrap();
        drop(here);
        assert!(receive(&there).is_err());
    }
}

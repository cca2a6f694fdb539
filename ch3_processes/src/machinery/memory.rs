//! Memory that several processes map: a file that has no name in any folder (memfd). So it is gone as soon as the last process that
//! holds it has ended, in whatever way.

use std::any::type_name;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
#[cfg(not(feature = "model"))]
use std::os::fd::BorrowedFd;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::machinery::descriptors::{Descriptor, Kind, Passed};

const HUGE_PAGE: usize = 2 << 20;

/// A mapped file in memory. Its size never changes.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Mapped>);

#[derive(Debug)]
struct Mapped {
    file: OwnedFd,
    map: MmapRaw,
}

impl Memory {
    /// This number of bytes, all zero.
    pub fn new(bytes: usize) -> io::Result<Self> {
        // Without this check the system would grant any size, and kill a process as soon as it used more memory than
        // there is.
        let machine = rustix::system::sysinfo();
        if bytes as u64 / u64::from(machine.mem_unit.max(1)) > machine.totalram + machine.totalswap {
            return Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("{} GiB are more than there are", bytes >> 30),
            ));
        }
        let file = rustix::fs::memfd_create("shared", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, bytes.max(1) as u64)?;
        // An access beyond the end of a file that has shrunk is a fatal signal. So no process can shrink this file.
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(file)
    }

    pub fn map(file: OwnedFd) -> io::Result<Self> {
        if !rustix::fs::fcntl_get_seals(&file)?.contains(SealFlags::SHRINK) {
            return Err(io::Error::other("shared memory could be shrunk"));
        }
        let map = MmapOptions::new().map_raw(&file)?;
        if map.len() >= HUGE_PAGE {
            // Large pages make a sweep through the memory faster by about a fifth. Most systems do not grant them to shared
            // memory, and then nothing changes.
            let _ = map.advise(Advice::HugePage);
        }
        Ok(Self(Arc::new(Mapped { file, map })))
    }

    pub fn length(&self) -> usize {
        self.0.map.len()
    }

    /// This memory, to be sent to another process.
    pub fn pass(&self, kind: Kind) -> Passed<'_> {
        Passed(self.0.file.as_fd(), kind)
    }

    /// The bytes from `offset` on.
    pub fn at(&self, offset: usize) -> *mut u8 {
        self.0.map.as_mut_ptr().wrapping_add(offset)
    }
}

/// Types that may lie in shared memory, where all processes may use them at any time.
///
/// # Safety
/// Any bytes are a valid value, also zero bytes. All changes through a shared reference are atomic. The type has no pointer and
/// nothing to drop, and its alignment is at most a page.
pub unsafe trait Atomic: Sync {}

// SAFETY: an atomic integer.
unsafe impl Atomic for AtomicU32 {}
// SAFETY: an atomic integer.
unsafe impl Atomic for AtomicU64 {}

/// Atomics that processes share. They start as zero.
#[derive(Debug)]
pub struct SharedAtomics<A> {
    pub memory: Memory,
    kind: PhantomData<A>,
}

impl<A> Clone for SharedAtomics<A> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), kind: PhantomData }
    }
}

impl<A: Atomic> SharedAtomics<A> {
    pub fn new(count: usize) -> io::Result<Self> {
        let bytes = count.checked_mul(size_of::<A>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory: Memory::new(bytes)?, kind: PhantomData })
    }
}

impl<A> SharedAtomics<A> {
    // The checker's semaphore has other memory.
    #[cfg(not(feature = "model"))]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.0.file.as_fd()
    }

    /// The kind contains the name of the type, since numbers of different lengths in the same memory would not be atomic.
    fn kind() -> Kind {
        Kind::Atomics(type_name::<A>().into())
    }
}

impl<A> Serialize for SharedAtomics<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.memory.pass(Self::kind()).serialize(serializer)
    }
}

impl<'de, A: Atomic> Deserialize<'de> for SharedAtomics<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = Descriptor::deserialize(deserializer)?.of(&Self::kind())?;
        Ok(Self { memory: Memory::map(file).map_err(D::Error::custom)?, kind: PhantomData })
    }
}

impl<A: Atomic> Deref for SharedAtomics<A> {
    type Target = [A];

    fn deref(&self) -> &[A] {
        let count = self.memory.length() / size_of::<A>();
        // SAFETY: the mapping has that many bytes as long as `self` lives, and starts on a page, so it is aligned. An `Atomic` may
        // have any bytes. All processes use this memory as `[A]` and nothing else: only `new` makes it, and other processes
        // receive it as `[A]` only (`kind`).
        unsafe { std::slice::from_raw_parts(self.memory.at(0).cast(), count) }
    }
}

/// A head of type `H` that processes share, and bytes behind it. The head says how the bytes are used.
#[derive(Debug)]
pub struct Region<H> {
    memory: Memory,
    kind: PhantomData<H>,
}

impl<H> Clone for Region<H> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), kind: PhantomData }
    }
}

impl<H: Atomic> Region<H> {
    /// A region with this number of bytes behind the head, all zero.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let all = bytes.checked_add(Self::HEAD).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory: Memory::new(all)?, kind: PhantomData })
    }

    pub fn head(&self) -> &H {
        // SAFETY: the mapping begins with `HEAD` bytes that are used as an `H` and nothing else, as long as `self` lives. It starts
        // on a page, so it is aligned, and an `Atomic` may have any bytes. Other processes receive it as a region with such a head
        // only (`kind`).
        unsafe { &*self.memory.at(0).cast::<H>() }
    }
}

impl<H> Region<H> {
    /// The bytes behind the head begin in a cache line of their own, with the alignment of the head.
    const HEAD: usize = size_of::<H>().next_multiple_of(128);

    /// This region, to be sent to another process, which uses it in a certain role.
    pub fn pass(&self, role: &str) -> Passed<'_> {
        self.memory.pass(Kind::Region(format!("{} {role}", type_name::<H>())))
    }

    /// How many bytes are behind the head.
    pub fn length(&self) -> usize {
        self.memory.length() - Self::HEAD
    }

    /// The bytes from `offset` on. Valid as long as `self` lives.
    pub fn at(&self, offset: usize) -> *mut u8 {
        self.memory.at(Self::HEAD + offset)
    }
}

impl<H: Atomic> Region<H> {
    /// The region that was received, if it was sent with this role.
    pub fn accept<E: serde::de::Error>(received: Descriptor, role: &str) -> Result<Self, E> {
        let file = received.of(&Kind::Region(format!("{} {role}", type_name::<H>())))?;
        let memory = Memory::map(file).map_err(E::custom)?;
        if memory.length() < Self::HEAD {
            return Err(E::custom("shared memory of another size"));
        }
        Ok(Self { memory, kind: PhantomData })
    }
}

impl<H> Serialize for Region<H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pass("").serialize(serializer)
    }
}

impl<'de, H: Atomic> Deserialize<'de> for Region<H> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::accept(Descriptor::deserialize(deserializer)?, "")
    }
}

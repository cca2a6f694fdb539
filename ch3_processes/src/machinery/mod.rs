//! What the chapter's types are made of. No lesson names anything in here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`wire`] | messages with descriptors over a socket |
//! | [`descriptors`] | values that stand for something in the system, and how they are passed on |
//! | [`presence`] | knowing whether another process still takes part |
//! | [`memory`] | memory that processes share |
//! | [`bell`] | sleeping until another process has changed something in shared memory |
//! | [`ring`] | bytes through shared memory: one writer, one reader |
//! | [`robust`] | a mutex in shared memory that survives the death of its holder |
//! | [`primitive`] | the atomics and the futex below all of them, which a model checker can replace |

pub mod bell;
pub mod descriptors;
pub mod memory;
pub mod presence;
pub mod primitive;
pub mod ring;
pub mod robust;
pub mod wire;

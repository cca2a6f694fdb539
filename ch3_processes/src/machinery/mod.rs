//! The parts of which the chapter's types are made. No program uses this module directly.
//!
//! | module | what it holds |
//! |---|---|
//! | [`wire`] | messages with descriptors over a socket |
//! | [`descriptors`] | descriptors inside of values that are sent |
//! | [`presence`] | seeing whether another process still takes part |
//! | [`memory`] | memory that processes share |
//! | [`bell`] | sleeping until another process has changed something in shared memory |
//! | [`ring`] | bytes in shared memory, with one writer and one reader |
//! | [`messages`] | messages in shared memory, with many writers and many readers |
//! | [`signals`] | the signals of a child process |
//! | [`robust`] | a mutex in shared memory that survives the death of its holder |
//! | [`primitive`] | the atomics and the futex under all of them, which a model checker can replace |

pub mod bell;
pub mod descriptors;
pub mod memory;
pub mod messages;
pub mod presence;
pub mod primitive;
pub mod ring;
pub mod robust;
pub mod signals;
pub mod wire;

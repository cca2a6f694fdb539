//! What a rank tells the others when it has not moved for a while: its calls, and what each of them waits for.

use std::sync::atomic::Ordering::Relaxed;

use mpi::ffi;
use serde::{Deserialize, Serialize};

use super::calls::{Call, Kind, NONE, Slot, slots};
use super::communicators::{self, Communicator};
use super::functions::bytes_of_word;
use super::place::{self, Stand};
use super::{FINALIZED, HOST, requests};

/// A rank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// The name of its host, if the job runs on several.
    pub host: String,
    /// It has called MPI_Finalize, or has come to the end of its program.
    pub finalized: bool,
    /// What its threads are in, each a call of MPI.
    pub calls: Vec<Blocked>,
    /// All its operations that are under way, as far as is known.
    pub under_way: Vec<Operation>,
    /// The collectives that it has begun on each communicator.
    pub collectives: Vec<Begun>,
}

/// The collectives that a rank has begun on a communicator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The number of the communicator.
    pub communicator: u64,
    /// How many.
    pub count: u64,
    /// The functions and the roots of the last ones, the newest last.
    pub recent: Vec<(String, Option<i32>)>,
}

impl Begun {
    /// The collective of this number, if it is one of the last ones.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&(String, Option<i32>)> {
        let back = self.count.checked_sub(number + 1)?;
        let index = self.recent.len().checked_sub(1)?.checked_sub(usize::try_from(back).ok()?)?;
        self.recent.get(index)
    }
}

fn begun(communicator: &Communicator) -> Begun {
    let recent =
        communicator.recent.iter().map(|&(function, root)| (function.to_owned(), (root != NONE).then_some(root)));
    Begun { communicator: communicator.id, count: communicator.collectives, recent: recent.collect() }
}

/// A thread that is in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The name of the function.
    pub function: String,
    /// File and line of the caller.
    pub place: Option<String>,
    /// What it waits for: all of it, or any of it.
    pub operations: Vec<Operation>,
    /// Whether one of the operations is enough.
    pub any: bool,
    /// Whether the operations are certainly not complete. Some of the requests of one call may be.
    pub certain: bool,
}

/// What a call waits for. Ranks are those of MPI_COMM_WORLD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The function that began it.
    pub function: String,
    /// What it is, and with which ranks.
    pub kind: OperationKind,
    /// The number of the communicator, the same in all its ranks.
    pub communicator: u64,
    /// Its name in this rank; empty for MPI_COMM_WORLD.
    pub name: String,
    /// `None`: any tag.
    pub tag: Option<i32>,
    /// The size of its data in this rank; of a receive, of its buffer.
    pub bytes: u64,
}

/// The kinds of operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationKind {
    /// A message to a rank.
    Send(u32),
    /// A message from one of these ranks.
    Receive(Vec<u32>),
    /// The collective of this number among these ranks.
    Collective {
        /// Its number on the communicator.
        number: u64,
        /// The ranks of the communicator.
        members: Vec<u32>,
        /// Whether no rank leaves before the last rank has entered.
        synchronizing: bool,
        /// The rank in the communicator that is the root.
        root: Option<i32>,
    },
    /// Something of which only these ranks can be the reason; empty: ranks outside this world can be it.
    Other(Vec<u32>),
}

/// The state of this rank; with the places of its calls if asked for. `None` if a thread runs code of the program within a call: a
/// reduction or a callback of the program's own, say. That is found out only with the places.
pub fn of_this_rank(with_places: bool) -> Option<Rank> {
    let mut calls = Vec::new();
    for slot in slots() {
        let Some((call, requests)) = slot.current() else { continue };
        let place = match with_places.then(|| place::of_thread(slot.thread)) {
            Some(Stand::InProgram) => return None,
            Some(Stand::InCall(place)) => place,
            None => None,
        };
        calls.push(Blocked { place, ..described(&call, &requests) });
    }
    let mut under_way: Vec<Operation> = requests::active().iter().flat_map(operations).collect();
    under_way.extend(calls.iter().flat_map(|call| call.operations.clone()));
    Some(Rank {
        host: HOST.get().cloned().unwrap_or_default(),
        finalized: FINALIZED.load(Relaxed),
        calls,
        under_way,
        collectives: communicators::all().iter().map(begun).collect(),
    })
}

/// The call in which a thread is, with its place.
pub fn blocked(slot: &Slot) -> Option<Blocked> {
    let (call, requests) = slot.current()?;
    let place = match place::of_thread(slot.thread) {
        Stand::InCall(place) => place,
        Stand::InProgram => None,
    };
    Some(Blocked { place, ..described(&call, &requests) })
}

/// What a call waits for, if these are the requests that it is given.
pub fn described(call: &Call, requests: &[usize]) -> Blocked {
    let waits = matches!(call.function.kind, Kind::WaitAll | Kind::WaitAny);
    let operations = if waits {
        let waited = requests.iter().filter(|&&handle| !requests::is_complete(handle));
        waited
            .flat_map(|&handle| match requests::get(handle) {
                Some(request) if request.active => operations(&request.call),
                // A persistent request that has not been started.
                Some(_) => Vec::new(),
                None => vec![unknown_request()],
            })
            .collect()
    } else {
        operations(call)
    };
    Blocked {
        function: call.function.name.into(),
        place: None,
        any: call.function.kind == Kind::WaitAny,
        certain: !waits || operations.len() == 1,
        operations,
    }
}

/// A request that the instrument has not seen begin: somebody outside MPI may complete it.
fn unknown_request() -> Operation {
    let (function, name) = ("a request".to_owned(), String::new());
    Operation { function, kind: OperationKind::Other(Vec::new()), communicator: u64::MAX, name, tag: None, bytes: 0 }
}

/// What a call, or the request that it began, waits for.
pub fn operations(call: &Call) -> Vec<Operation> {
    if call.function.kind == Kind::Finalize {
        return Vec::new();
    }
    let communicator = communicators::get(call.communicator);
    let bytes = match call.datatype {
        0 => call.count,
        datatype => bytes_of_word(call.count, datatype),
    };
    let operation = |kind, tag| Operation {
        function: call.function.name.into(),
        kind,
        communicator: communicator.as_ref().map_or(u64::MAX, |it| it.id),
        name: communicator.as_ref().filter(|it| it.id != 0).map(|it| it.name.clone()).unwrap_or_default(),
        tag,
        bytes: bytes.unsigned_abs().into(),
    };
    let members = communicator.as_ref().map(|it| it.members.to_vec()).unwrap_or_default();
    if members.is_empty() {
        return vec![operation(OperationKind::Other(Vec::new()), None)];
    }
    let collective = match call.function.kind {
        Kind::Collective => Some(false),
        Kind::Synchronizing => Some(true),
        _ => None,
    };
    if let Some(synchronizing) = collective {
        // In a collective of an inter-communicator the ranks of one group wait for some of the other group.
        if communicator.as_ref().is_some_and(|it| it.remote.is_some()) {
            return vec![operation(OperationKind::Other(members), None)];
        }
        let root = (call.root != NONE).then_some(call.root);
        let kind = OperationKind::Collective { number: call.number, members, synchronizing, root };
        return vec![operation(kind, None)];
    }
    let send = peer(call.to.0, communicator.as_ref()).map(|to| {
        // A send has one receiver.
        operation(OperationKind::Send(to[0]), Some(call.to.1))
    });
    // SAFETY: a constant, as in `peer`.
    let any_tag = unsafe { ffi::RSMPI_ANY_TAG };
    let receive = peer(call.from.0, communicator.as_ref())
        .map(|from| operation(OperationKind::Receive(from), Some(call.from.1).filter(|&tag| tag != any_tag)));
    if call.to.0 == NONE && call.from.0 == NONE {
        return vec![operation(OperationKind::Other(members), None)];
    }
    send.into_iter().chain(receive).collect()
}

/// The ranks that a rank of the communicator, or any source, stands for; `None` if it stands for no rank.
fn peer(rank: i32, communicator: Option<&Communicator>) -> Option<Vec<u32>> {
    let communicator = communicator?;
    let members = communicator.remote.as_ref().unwrap_or(&communicator.members);
    // SAFETY: constants that are never written after the program is loaded.
    if rank == unsafe { ffi::RSMPI_ANY_SOURCE } {
        return Some(members.to_vec());
    }
    let index = usize::try_from(rank).ok()?;
    members.get(index).map(|&world| vec![world])
}

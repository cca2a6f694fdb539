//! The communicators of this rank: which ranks they have, and how many collectives have begun on each.
//!
//! A handle has a meaning in its own process only. Ranks that create a communicator together give it the same number, without a
//! message: a hash of the number of its parent, of the count of collectives on the parent, and of its members.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_int;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpi::ffi::{self, MPI_Comm, MPI_Group};

use super::functions::word;

/// What is known of a communicator.
#[derive(Clone, Debug)]
pub struct Communicator {
    /// The same number in all ranks that created it together.
    pub id: u64,
    pub name: String,
    /// The ranks in MPI_COMM_WORLD of its members, in its own order; empty if some are outside this world. Of an
    /// inter-communicator: of both groups.
    pub members: Arc<[u32]>,
    /// Of an inter-communicator: the ranks of the other group, to which this rank sends and from which it receives.
    pub remote: Option<Arc<[u32]>>,
    /// How many collectives have begun on it in this rank.
    pub collectives: u64,
    /// The names and the roots of the last ones, the newest last.
    pub recent: VecDeque<(&'static str, i32)>,
}

/// How many collectives of a communicator are kept. A rank may leave a collective long before the others.
const KEPT: usize = 32;

#[derive(Default)]
struct Known {
    all: HashMap<usize, Communicator>,
    /// The windows and files: each has a communicator under a handle that no communicator of MPI has.
    objects: HashMap<usize, usize>,
    /// How many have been created, for their names.
    created: u32,
    /// How often groups with this parent, these members and this tag have created a communicator.
    groups: HashMap<(u64, u64, c_int), u64>,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

fn known() -> MutexGuard<'static, Option<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The communicators that exist after MPI_Init.
pub fn begin(rank: u32, ranks: u32) {
    let entry = |id, name: &str, members: Vec<u32>| Communicator {
        id,
        name: name.into(),
        members: members.into(),
        remote: None,
        collectives: 0,
        recent: VecDeque::new(),
    };
    // SAFETY: these constants are set when the program is loaded, and are never written.
    let (world, own) = unsafe { (word(ffi::RSMPI_COMM_WORLD), word(ffi::RSMPI_COMM_SELF)) };
    let mut all = HashMap::new();
    all.insert(world, entry(0, "MPI_COMM_WORLD", (0..ranks).collect()));
    all.insert(own, entry(u64::from(rank) + 1, "MPI_COMM_SELF", vec![rank]));
    *known() = Some(Known { all, ..Known::default() });
}

/// What is known of the communicator with this handle.
pub fn get(handle: usize) -> Option<Communicator> {
    known().as_ref()?.all.get(&handle).cloned()
}

/// Counts a collective that begins on this communicator, and returns its number.
pub fn count(handle: usize, function: &'static str, root: i32) -> u64 {
    let mut known = known();
    let communicator = known.as_mut().and_then(|known| known.all.get_mut(&handle));
    communicator.map_or(0, |it| {
        if it.recent.len() == KEPT {
            it.recent.pop_front();
        }
        it.recent.push_back((function, root));
        it.collectives += 1;
        it.collectives - 1
    })
}

/// All communicators of this rank.
pub fn all() -> Vec<Communicator> {
    known().iter().flat_map(|known| known.all.values()).cloned().collect()
}

/// What creates a communicator.
#[derive(Clone, Copy, Debug)]
pub enum Creation {
    /// All ranks of the parent, in the collective of this number.
    Collective(u64),
    /// Only its members, with this tag.
    Group(c_int),
    /// Two groups, whose communicators are different ones, with this tag.
    Groups(c_int),
}

/// Notes a communicator that a call of MPI has created from `parent`. `how` names the call in a word.
pub fn created(parent: usize, creation: Creation, how: &str, new: MPI_Comm) {
    // SAFETY: a constant, as above.
    if new == unsafe { ffi::RSMPI_COMM_NULL } {
        return;
    }
    let (members, remote) = members_of(new);
    let mut known = known();
    let Some(known) = known.as_mut() else { return };
    let Some(parent) = known.all.get(&parent).map(|parent| parent.id) else {
        // The ranks have no number for it, so nothing can be said of it. The handle may have had another meaning before.
        known.all.remove(&word(new));
        return;
    };
    let mut hasher = DefaultHasher::new();
    members.hash(&mut hasher);
    match creation {
        Creation::Collective(number) => (parent, number).hash(&mut hasher),
        Creation::Group(tag) => known.repeated((parent, hasher.finish(), tag)).hash(&mut hasher),
        Creation::Groups(tag) => known.repeated((u64::MAX, hasher.finish(), tag)).hash(&mut hasher),
    }
    let remote = remote.map(Arc::from);
    known.add(word(new), hasher.finish(), how, members.into(), remote);
}

/// Notes something that the ranks of `parent` have created together in the collective of this number, with the same ranks.
pub fn created_alike(parent: usize, number: u64, how: &str, new: usize) {
    let mut known = known();
    let Some(known) = known.as_mut() else { return };
    let Some(parent) = known.all.get(&parent).cloned() else { return };
    known.add(new, id_of((how, parent.id, number)), how, parent.members, parent.remote);
}

/// Notes a window or a file, which is a communicator of its own: its fences, its collective reads, ... are collectives.
pub fn created_object(parent: usize, number: u64, how: &str, object: usize) {
    let communicator = id_of(("object", how, parent, number, object)) as usize;
    created_alike(parent, number, how, communicator);
    if let Some(known) = known().as_mut() {
        known.objects.insert(object, communicator);
    }
}

/// Under which handle the communicator of a window or a file is known.
pub fn of_object(object: usize) -> usize {
    known().as_ref().and_then(|known| known.objects.get(&object).copied()).unwrap_or(0)
}

fn id_of(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

impl Known {
    fn add(&mut self, handle: usize, id: u64, how: &str, members: Arc<[u32]>, remote: Option<Arc<[u32]>>) {
        self.created += 1;
        let name = format!("{how} {}", self.created);
        let new = Communicator { id, name, members, remote, collectives: 0, recent: VecDeque::new() };
        self.all.insert(handle, new);
    }

    /// The same groups can create a communicator with the same tag again, which has another number then.
    fn repeated(&mut self, groups: (u64, u64, c_int)) -> impl Hash + use<> {
        let times = self.groups.entry(groups).or_default();
        *times += 1;
        ("group", groups, *times)
    }
}

/// Forgets what has had this handle.
pub fn forget(handle: usize) {
    if let Some(known) = known().as_mut() {
        known.all.remove(&handle);
    }
}

/// Forgets which communicator a window or a file has, but not the communicator: a call may still wait there.
pub fn forget_object(object: usize) {
    if let Some(known) = known().as_mut() {
        known.objects.remove(&object);
    }
}

/// The number of the communicator with this handle.
pub fn id(handle: usize) -> Option<u64> {
    Some(known().as_ref()?.all.get(&handle)?.id)
}

/// The ranks in MPI_COMM_WORLD of the members, and of the other group if it is an inter-communicator. The members are none if one
/// of them is not in MPI_COMM_WORLD.
fn members_of(communicator: MPI_Comm) -> (Vec<u32>, Option<Vec<u32>>) {
    let mut inter: c_int = 0;
    let (mut own, mut remote): (MPI_Group, MPI_Group);
    // SAFETY: the communicator has just been created, and each call writes what its pointer points to.
    unsafe {
        (own, remote) = (ffi::RSMPI_GROUP_NULL, ffi::RSMPI_GROUP_NULL);
        ffi::PMPI_Comm_group(communicator, &mut own);
        ffi::PMPI_Comm_test_inter(communicator, &mut inter);
        if inter != 0 {
            ffi::PMPI_Comm_remote_group(communicator, &mut remote);
        }
    }
    let own = ranks_of(own);
    if inter == 0 {
        return (own, None);
    }
    let remote = ranks_of(remote);
    // The same order in both groups.
    let mut both = if own.is_empty() || remote.is_empty() { Vec::new() } else { [own, remote.clone()].concat() };
    both.sort_unstable();
    (both, Some(remote))
}

/// The ranks in MPI_COMM_WORLD of a group, which is freed; none if one of them is not in it.
fn ranks_of(mut group: MPI_Group) -> Vec<u32> {
    let mut size: c_int = 0;
    // SAFETY: the group exists, and the call writes what its pointer points to.
    unsafe { ffi::PMPI_Group_size(group, &mut size) };
    let own: Vec<c_int> = (0..size).collect();
    let mut world = vec![0; own.len()];
    // SAFETY: as above; both arrays have `size` places, and both groups are freed.
    unsafe {
        let mut all: MPI_Group = ffi::RSMPI_GROUP_NULL;
        ffi::PMPI_Comm_group(ffi::RSMPI_COMM_WORLD, &mut all);
        ffi::PMPI_Group_translate_ranks(group, size, own.as_ptr(), all, world.as_mut_ptr());
        ffi::PMPI_Group_free(&mut group);
        ffi::PMPI_Group_free(&mut all);
    }
    world.into_iter().map(u32::try_from).collect::<Result<_, _>>().unwrap_or_default()
}

//! Watches for a job that hangs.
//!
//! A thread in each rank looks now and then whether the rank has entered or left a call of MPI. A rank that has not moved for the
//! deadline, and sits in MPI, tells rank 0 what it waits for. When all ranks have told that, rank 0 asks each rank to confirm it and
//! to say where the call stands, writes the report, and ends the job.
//!
//! On several hosts, rank 0 also reports that a host is gone (see [`super::links`]).
//!
//! The ranks talk over TCP, since a call of MPI may be what hangs. Rank 0 listens; its address and a random word that proves that a
//! caller belongs to the job reach the others by a broadcast in MPI_Init. If all ranks are on one host, only that host can connect.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use course::clock::Moment;
use serde::{Deserialize, Serialize};

use super::calls::{self, Stillness};
use super::graph::{self, Graph, Verdict};
use super::state::{self, Rank};
use super::{links, place};

/// How long a hang may look like a long transfer, in deadlines.
const PATIENCE_WITH_TRANSFERS: u32 = 6;

/// All ranks have heard that they must end after this time.
const TIME_TO_END: Duration = Duration::from_millis(50);

/// How long the ranks have to connect and to confirm.
const PATIENCE: Duration = Duration::from_secs(2);

/// A host that does not answer for the deadline is gone, but never sooner than after this time.
const PATIENCE_WITH_HOSTS: Duration = Duration::from_secs(3);

/// After the first connection to a host that is gone, the others follow within this time.
const TIME_TO_LOSE: Duration = Duration::from_millis(2500);

/// Where rank 0 listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    addresses: Vec<String>,
    port: u16,
    /// Only the ranks of the job know it.
    pub word: u128,
}

/// The first line of a rank that connects to rank 0.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// See [`Contact::word`].
    pub word: u128,
    /// The rank.
    pub rank: u32,
    /// The name of the rank's host, if this connection only shows that the host is there.
    pub host: Option<String>,
}

/// What a rank tells rank 0.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// It has not moved for the deadline.
    Still(Rank),
    /// It has moved since.
    Moved,
    /// It has still not moved, and these are the places of its calls.
    Confirmed(Rank),
    /// This is what it does, whether it moves or not.
    Is(Rank),
}

/// What rank 0 tells a rank.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// To say whether it has moved, and, if asked for, where its calls stand: that interrupts a sleep within a call.
    Confirm {
        /// Whether the places are asked for.
        places: bool,
    },
    /// To say what it does, because a host is gone.
    Tell,
    /// To end itself at this moment: the job has been reported.
    End(Moment),
}

/// Begins to listen, in rank 0.
pub fn listen(on_one_host: bool) -> io::Result<(TcpListener, Contact)> {
    let listener = TcpListener::bind((if on_one_host { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED }, 0))?;
    let addresses = if on_one_host { vec![Ipv4Addr::LOCALHOST.to_string()] } else { own_addresses() };
    let contact = Contact { addresses, port: listener.local_addr()?.port(), word: rand::random() };
    Ok((listener, contact))
}

/// The addresses at which other hosts may reach this one, and its name.
fn own_addresses() -> Vec<String> {
    let local = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let mut addresses = Vec::new();
    let mut address = "";
    for line in local.lines() {
        if let Some((_, found)) = line.split_once("|-- ") {
            address = found;
        } else if line.contains("/32 host LOCAL")
            && !address.starts_with("127.")
            && !addresses.iter().any(|it| it == address)
        {
            addresses.push(address.to_owned());
        }
    }
    addresses.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
    addresses
}

/// Watches this rank, in threads of its own, until the process ends. `host` is the name of this host if there are several.
pub fn watch(
    rank: u32,
    ranks: u32,
    host: Option<String>,
    deadline: Duration,
    contact: Contact,
    listener: Option<TcpListener>,
) {
    let limit = limit(deadline);
    let told = listener.map(|listener| {
        let (sender, told) = mpsc::channel();
        let word = contact.word;
        let accept = move || accept(&listener, word, ranks, limit, &sender);
        // Without a thread for it, a hang is not reported.
        let _ = thread::Builder::new().name("hang listen".into()).spawn(accept);
        told
    });
    if let Some(host) = host
        && rank > 0
    {
        links::keep(rank, host, contact.clone(), limit);
    }
    let _ = thread::Builder::new().name("hang watch".into()).spawn(move || match told {
        Some(told) => Judge::new(ranks, deadline, told).watch(),
        None => watch_own(rank, deadline, &contact),
    });
}

/// A host that does not answer for this time is gone.
fn limit(deadline: Duration) -> Duration {
    deadline.max(PATIENCE_WITH_HOSTS)
}

/// Whether this rank moves.
struct Movement {
    moves: Vec<(u64, Stillness)>,
    since: Instant,
}

impl Movement {
    fn new() -> Self {
        Self { moves: Vec::new(), since: Instant::now() }
    }

    /// The rank is not still after all.
    fn restart(&mut self) {
        *self = Self::new();
    }

    /// How long the rank has been in the same calls; `None` if a thread that uses MPI is outside it and may go on by itself.
    fn still_for(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let moves = calls::moves();
        let is = |stillness| move |it: &(u64, Stillness)| it.1 == stillness;
        let is_still = moves.iter().any(is(Stillness::Inside)) && !moves.iter().any(is(Stillness::Outside));
        if !is_still || moves != self.moves || calls::another_thread_may_call() {
            self.moves = moves;
            self.since = now;
            return None;
        }
        Some(now - self.since)
    }
}

/// Looks at this rank now and then in a job that is not watched, for the report after Ctrl-C: since when does it wait?
pub fn look() {
    let _ = thread::Builder::new().name("hang look".into()).spawn(|| {
        loop {
            calls::moves();
            thread::sleep(Duration::from_millis(100));
        }
    });
}

fn tick(deadline: Duration) -> Duration {
    (deadline / 20).clamp(Duration::from_millis(2), Duration::from_millis(200))
}

// ---- Every rank but rank 0 --------------------------------------------------------------------------------------------------

fn watch_own(rank: u32, deadline: Duration, contact: &Contact) {
    let mut movement = Movement::new();
    loop {
        thread::sleep(tick(deadline));
        if movement.still_for().is_some_and(|still| still >= deadline)
            && let Ok(stream) = connect(contact)
            // If rank 0 cannot be reached, the job ends, or it is not rank 0 that hangs.
            && let Err(_) = talk(rank, stream, &mut movement, deadline, contact)
        {
            thread::sleep(tick(deadline));
        }
    }
}

/// Connects to rank 0.
pub fn connect(contact: &Contact) -> io::Result<TcpStream> {
    let addresses = contact.addresses.iter().filter_map(|it| (it.as_str(), contact.port).to_socket_addrs().ok());
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.flatten().filter(SocketAddr::is_ipv4) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Tells rank 0 about this rank, until the rank moves.
fn talk(
    rank: u32,
    stream: TcpStream,
    movement: &mut Movement,
    deadline: Duration,
    contact: &Contact,
) -> io::Result<()> {
    let mut to = stream.try_clone()?;
    stream.set_read_timeout(Some(tick(deadline)))?;
    let mut from = BufReader::new(stream);
    say(&mut to, &Hello { word: contact.word, rank, host: None })?;
    say(&mut to, &Told::Still(state::of_this_rank(false).unwrap_or_default()))?;
    let mut line = String::new();
    loop {
        let read = from.read_line(&mut line);
        let has_moved = movement.still_for().is_none();
        if has_moved {
            return say(&mut to, &Told::Moved);
        }
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => match serde_json::from_str(&line)? {
                Order::Confirm { places } => {
                    match state::of_this_rank(places).filter(|_| movement.still_for().is_some()) {
                        Some(state) => say(&mut to, &Told::Confirmed(state))?,
                        None => {
                            movement.restart();
                            return say(&mut to, &Told::Moved);
                        }
                    }
                    line.clear();
                }
                Order::End(at) => super::exit(at),
                Order::Tell => line.clear(),
            },
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends a line.
pub fn say(to: &mut TcpStream, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)
}

// ---- Rank 0 -----------------------------------------------------------------------------------------------------------------

/// What reaches the judge.
enum Event {
    /// A rank connects, because it has not moved for the deadline.
    Connected(TcpStream),
    /// A rank of this host connects, and shows that its host is there.
    Linked(TcpStream, String),
    /// What a rank tells.
    Told(Told),
    /// The first kind of connection has ended.
    Gone,
    /// The second kind has ended, because the process has, or because its host is gone.
    Unlinked { host_is_gone: bool },
}

fn accept(listener: &TcpListener, word: u128, ranks: u32, limit: Duration, events: &Sender<(u32, Event)>) {
    for stream in listener.incoming().map_while(Result::ok) {
        let events = events.clone();
        let hear = move || hear(stream, word, ranks, limit, &events);
        let _ = thread::Builder::new().name("hang rank".into()).spawn(hear);
    }
}

/// Passes on what a rank tells. A caller that does not know the word is not heard.
fn hear(stream: TcpStream, word: u128, ranks: u32, limit: Duration, events: &Sender<(u32, Event)>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut to = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    to.read_line(&mut line).ok()?;
    let hello: Hello = serde_json::from_str(&line).ok()?;
    let rank = hello.rank;
    if hello.word != word || rank == 0 || rank >= ranks {
        return None;
    }
    stream.set_read_timeout(None).ok()?;
    let is_link = hello.host.is_some();
    let begin = match hello.host {
        Some(host) => {
            links::keep_alive(&stream, limit).ok()?;
            Event::Linked(stream, host)
        }
        None => Event::Connected(stream),
    };
    events.send((rank, begin)).ok()?;
    let mut host_is_gone = false;
    for line in to.lines() {
        host_is_gone = line.as_ref().is_err_and(links::is_gone);
        let Some(told) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
        events.send((rank, Event::Told(told))).ok()?;
    }
    events.send((rank, if is_link { Event::Unlinked { host_is_gone } } else { Event::Gone })).ok()
}

/// Collects what the ranks tell, and decides.
struct Judge {
    ranks: u32,
    deadline: Duration,
    events: Receiver<(u32, Event)>,
    streams: BTreeMap<u32, TcpStream>,
    still: BTreeMap<u32, Rank>,
    /// The connections that show that the hosts are there.
    links: BTreeMap<u32, TcpStream>,
    /// The hosts of the ranks.
    hosts: BTreeMap<u32, String>,
    /// The ranks whose hosts are gone.
    lost: BTreeSet<u32>,
    lost_since: Option<Instant>,
    movement: Movement,
    /// Since when all ranks have been still while a transfer may be under way.
    transfers_since: Option<Instant>,
    /// When the ranks were judged last, if the job may go on.
    judged: Option<Instant>,
}

impl Judge {
    fn new(ranks: u32, deadline: Duration, events: Receiver<(u32, Event)>) -> Self {
        Self {
            ranks,
            deadline,
            events,
            streams: BTreeMap::new(),
            still: BTreeMap::new(),
            links: BTreeMap::new(),
            hosts: BTreeMap::new(),
            lost: BTreeSet::new(),
            lost_since: None,
            movement: Movement::new(),
            transfers_since: None,
            judged: None,
        }
    }

    fn watch(mut self) {
        loop {
            match self.events.recv_timeout(tick(self.deadline)) {
                Ok((rank, event)) => self.note(rank, event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(tick(self.deadline)),
            }
            if self.lost_since.is_some_and(|since| since.elapsed() > TIME_TO_LOSE) {
                self.report_lost();
            }
            match self.movement.still_for() {
                Some(still) if still >= self.deadline => {
                    self.still.entry(0).or_insert_with(|| state::of_this_rank(false).unwrap_or_default());
                }
                Some(_) => {}
                None => drop(self.still.remove(&0)),
            }
            if self.still.len() < self.ranks as usize {
                (self.transfers_since, self.judged) = (None, None);
            } else if self.judged.is_some_and(|judged| judged.elapsed() < self.deadline) {
                // Nothing has changed since.
            } else if self.transfers_since.is_none_or(|since| since.elapsed() > self.deadline * PATIENCE_WITH_TRANSFERS)
            {
                self.judge();
            }
        }
    }

    fn note(&mut self, rank: u32, event: Event) {
        match event {
            Event::Connected(stream) => drop(self.streams.insert(rank, stream)),
            Event::Told(Told::Still(state) | Told::Confirmed(state)) => drop(self.still.insert(rank, state)),
            Event::Linked(stream, host) => {
                self.links.insert(rank, stream);
                self.hosts.insert(rank, host);
            }
            Event::Unlinked { host_is_gone } => {
                self.links.remove(&rank);
                if host_is_gone {
                    self.lost.insert(rank);
                    self.lost_since.get_or_insert_with(Instant::now);
                }
            }
            // Asked for and taken in `report_lost`.
            Event::Told(Told::Is(_)) => {}
            Event::Told(Told::Moved) | Event::Gone => {
                // The rank connects again when it is still again.
                if let Some(stream) = self.streams.remove(&rank) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
                self.still.remove(&rank);
            }
        }
    }

    fn judge(&mut self) {
        // All ranks at their end: they wait for nothing but each other, and MPI is ending.
        if self.still.values().all(|rank| rank.finalized) {
            return;
        }
        let Some(ranks) = self.confirmed(false) else { return };
        match Graph::of(&ranks).verdict() {
            Verdict::MayGoOn => self.judged = Some(Instant::now()),
            Verdict::Transfers if self.transfers_since.is_none() => self.transfers_since = Some(Instant::now()),
            Verdict::Transfers | Verdict::Stuck { .. } => {
                let Some(ranks) = self.confirmed(true) else {
                    // To ask for the places may interrupt a sleep, so it is not done again at once.
                    self.judged = Some(Instant::now());
                    return;
                };
                super::report(&Graph::of(&ranks).report(self.deadline.as_secs_f64()));
                self.end()
            }
        }
    }

    /// Asks every rank whether it has still not moved, and where its calls stand.
    fn confirmed(&mut self, places: bool) -> Option<Vec<Rank>> {
        for stream in self.streams.values_mut() {
            let _ = say(stream, &Order::Confirm { places });
        }
        let Some(own) = state::of_this_rank(places) else {
            self.movement.restart();
            self.still.remove(&0);
            return None;
        };
        let mut confirmed = BTreeMap::from([(0, own)]);
        let patience = if places { PATIENCE + place::PATIENCE } else { PATIENCE };
        let begin = Instant::now();
        while confirmed.len() < self.ranks as usize {
            let left = patience.checked_sub(begin.elapsed())?;
            let (rank, event) = self.events.recv_timeout(left).ok()?;
            if let Event::Told(Told::Confirmed(state)) = &event {
                confirmed.insert(rank, state.clone());
            }
            self.note(rank, event);
            if !self.still.contains_key(&rank) {
                return None;
            }
        }
        self.movement.still_for()?;
        Some(confirmed.into_values().collect())
    }

    /// Reports the hosts that are gone, with what the ranks of the other hosts do, and ends the job.
    fn report_lost(&mut self) -> ! {
        for stream in self.links.values_mut() {
            let _ = say(stream, &Order::Tell);
        }
        let mut states = BTreeMap::from([(0, state::of_this_rank(true).unwrap_or_default())]);
        let begin = Instant::now();
        while states.len() <= self.links.len()
            && let Some(left) = PATIENCE.checked_sub(begin.elapsed())
            && let Ok((rank, event)) = self.events.recv_timeout(left)
        {
            match event {
                Event::Told(Told::Is(state)) => drop(states.insert(rank, state)),
                event => self.note(rank, event),
            }
        }
        let mut gone: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for &rank in &self.lost {
            gone.entry(self.hosts.get(&rank).map_or("", String::as_str)).or_default().push(rank);
        }
        super::report(&graph::report_of_gone_hosts(&gone, &states, limit(self.deadline).as_secs_f64()));
        self.end()
    }

    /// Ends all ranks at the same moment. A launcher kills the other ranks as soon as one has ended, and MPICH's then gives the
    /// status of a killed rank.
    fn end(&mut self) -> ! {
        let at = Moment(Moment::now().0 + TIME_TO_END.as_nanos() as u64);
        for stream in self.streams.values_mut().chain(self.links.values_mut()) {
            // A rank that cannot be told is ended by the launcher.
            let _ = say(stream, &Order::End(at));
        }
        super::exit(at)
    }
}

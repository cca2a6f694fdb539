//! The messages of a picture, and the calls that ranks made together.

use std::collections::{BTreeMap, HashMap};

use super::picture::Row;
use super::record::{Log, MessageEntry};

/// A picture shows at most this number of messages: a reader could not tell more of them apart.
const MOST_MESSAGES: usize = 500;

/// The same for calls made together.
const MOST_MEETINGS: usize = 200;

/// What ranks exchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// The messages, in the order in which they were sent.
    pub messages: Vec<Message>,
    /// The calls made together, in the order in which the first rank entered.
    pub meetings: Vec<Meeting>,
    /// What each rank sent and received, by rank.
    pub sums: BTreeMap<u32, Sums>,
    /// How many messages are not shown.
    pub messages_left_out: u64,
}

/// A message from a row to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The index of the sender's row.
    pub from: usize,
    /// When the send began, in nanoseconds of the machine's clock.
    pub sent: u64,
    /// The index of the receiver's row.
    pub to: usize,
    /// When the receive ended.
    pub received: u64,
    /// The tag.
    pub tag: i32,
    /// The size.
    pub bytes: u64,
}

/// A call that ranks made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The name of the call.
    pub what: String,
    /// For each rank: the index of its row, when it entered and when it left; ordered by row.
    pub ranks: Vec<(usize, u64, u64)>,
}

/// The messages of a rank: for each other rank their number and their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// To other ranks.
    pub sent: BTreeMap<u32, (u64, u64)>,
    /// From other ranks.
    pub received: BTreeMap<u32, (u64, u64)>,
}

impl Exchange {
    /// Finds the two sides of each message.
    pub fn of(log: &Log, rows: &[Row]) -> Self {
        let ranks: HashMap<u32, u32> = log.processes.iter().filter_map(|it| Some((it.id, it.rank?))).collect();
        let mut row_of: HashMap<u32, usize> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            if let Some(rank) = row.rank {
                row_of.entry(rank).or_insert(index);
            }
        }
        let mut exchange = Self::default();
        for sum in &log.traffic {
            let Some(&rank) = ranks.get(&sum.process) else { continue };
            let of_rank = exchange.sums.entry(rank).or_default();
            let sums = if sum.sent { &mut of_rank.sent } else { &mut of_rank.received };
            let (messages, bytes) = sums.entry(sum.peer).or_default();
            *messages += sum.messages;
            *bytes += sum.bytes;
        }

        type Key = (u32, u32, u64, i32, u64);
        let key = |message: &MessageEntry| -> Option<Key> {
            let own = *ranks.get(&message.process)?;
            let (from, to) = if message.sent { (own, message.peer) } else { (message.peer, own) };
            Some((from, to, message.channel, message.tag, message.index))
        };
        let (sent, received): (Vec<_>, Vec<_>) = log.messages.iter().partition(|message| message.sent);
        let received: HashMap<Key, &MessageEntry> =
            received.into_iter().filter_map(|it| Some((key(it)?, it))).collect();
        for send in sent {
            let Some(key) = key(send) else { continue };
            let (Some(&from), Some(&to), Some(receive)) = (row_of.get(&key.0), row_of.get(&key.1), received.get(&key))
            else {
                continue;
            };
            exchange.messages.push(Message {
                from,
                sent: send.at,
                to,
                received: receive.at,
                tag: send.tag,
                bytes: receive.bytes,
            });
        }
        exchange.messages.sort_by_key(|message| message.sent);
        thin_out(&mut exchange.messages, MOST_MESSAGES);

        let mut meetings: BTreeMap<(u64, u64), Meeting> = BTreeMap::new();
        for entry in &log.meetings {
            let Some(&row) = ranks.get(&entry.process).and_then(|rank| row_of.get(rank)) else { continue };
            let meeting = meetings.entry((entry.group, entry.number));
            let meeting = meeting.or_insert_with(|| Meeting { what: entry.what.clone(), ranks: Vec::new() });
            meeting.ranks.push((row, entry.from, entry.to));
        }
        exchange.meetings = meetings.into_values().filter(|meeting| meeting.ranks.len() > 1).collect();
        exchange.meetings.iter_mut().for_each(|meeting| meeting.ranks.sort_unstable());
        exchange.meetings.sort_by_key(|meeting| meeting.ranks.iter().map(|rank| rank.1).min());
        thin_out(&mut exchange.meetings, MOST_MEETINGS);

        let all: u64 =
            exchange.sums.values().flat_map(|sums| sums.received.values()).map(|(messages, _)| messages).sum();
        exchange.messages_left_out = all.saturating_sub(exchange.messages.len() as u64);
        exchange
    }

    /// A line for each rank that sent or received messages.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |(rank, sums): (&u32, &Sums)| {
            format!("rank {rank}: sent {}; received {}", listed(&sums.sent, "to"), listed(&sums.received, "from"))
        };
        self.sums.iter().map(line).collect()
    }
}

/// Leaves out members evenly if there are too many.
fn thin_out<T>(all: &mut Vec<T>, most: usize) {
    let stride = all.len().div_ceil(most).max(1);
    let mut index = 0;
    all.retain(|_| {
        index += 1;
        (index - 1) % stride == 0
    });
}

/// "3 messages, 24 B, to ranks 1-3".
fn listed(sums: &BTreeMap<u32, (u64, u64)>, direction: &str) -> String {
    let (messages, bytes) = sums.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    if messages == 0 {
        return "none".into();
    }
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &peer in sums.keys() {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == peer => *last = peer,
            _ => ranges.push((peer, peer)),
        }
    }
    let range = |&(first, last): &(u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    };
    let peers: Vec<String> = ranges.iter().take(8).map(range).collect();
    let more = if ranges.len() > 8 { ", ..." } else { "" };
    let (message, rank) =
        (if messages == 1 { "message" } else { "messages" }, if sums.len() == 1 { "rank" } else { "ranks" });
    format!("{messages} {message}, {}, {direction} {rank} {}{more}", size(bytes), peers.join(", "))
}

/// A number of bytes in the unit that suits it.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::ranks_picture;
    use super::*;

    #[test]
    fn each_send_finds_its_receive() {
        let picture = ranks_picture();
        let found: Vec<_> = picture.exchange.messages.iter().map(|it| (it.from, it.to, it.tag, it.bytes)).collect();
        // Rank 0 sent tags 5 and 6 to rank 1, which received 6 first; a message of rank 1 was never received.
        assert_eq!(found, [(0, 1, 5, 8), (0, 1, 6, 16)]);
        let messages = &picture.exchange.messages;
        assert!(messages[0].received > messages[1].received);
        assert_eq!(picture.exchange.meetings.len(), 1);
        assert_eq!(picture.exchange.meetings[0].ranks.len(), 2);
        assert_eq!(
            picture.exchange.lines(),
            [
                "rank 0: sent 3 messages, 10.0 kB, to rank 1; received none",
                "rank 1: sent 1 message, 4 B, to rank 0; received 3 messages, 10.0 kB, from rank 0"
            ]
        );
        assert_eq!(picture.exchange.messages_left_out, 1);
        assert!(
            picture.remark().is_some_and(|remark| remark.contains("1 message is not drawn")),
            "{:?}",
            picture.remark()
        );
    }

    #[test]
    fn many_members_are_left_out_evenly() {
        let mut all: Vec<usize> = (0..10_001).collect();
        thin_out(&mut all, 2000);
        assert!(all.len() <= 2000 && all.len() > 1500, "{}", all.len());
        assert!(all.windows(2).all(|two| two[1] - two[0] == 6));
    }
}

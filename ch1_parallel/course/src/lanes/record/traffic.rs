//! Messages between ranks, and calls that ranks make together.
//!
//! Sender and receiver each record what they see. The messages of one channel and one tag between two ranks arrive in their order,
//! so their numbers tell which send belongs to which receive. Of very many messages both ranks keep the same ones, by their
//! numbers; the sums of all are always recorded.

use std::collections::HashMap;

use super::file::{Entry, MeetingEntry, MessageEntry, TrafficEntry};
use super::{OWN, locked};
use crate::clock::Moment;

/// The first messages of a channel and a tag are all kept; after them, this number in each doubling.
const FEW: u64 = 64;

/// A process records at most this number of messages and of calls made together.
const MOST: usize = 20_000;

/// What this process has counted.
#[derive(Default)]
pub struct Traffic {
    /// How many messages of a channel and a tag there were from (or to) a rank.
    counts: HashMap<(bool, u32, u64, i32), u64>,
    /// The sums by rank, and where they stand in the record.
    sums: HashMap<(bool, u32), (TrafficEntry, Option<u64>)>,
    kept: usize,
}

/// A message, as one of its ranks sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether this rank sends it; otherwise it has received it.
    pub sent: bool,
    /// The other rank.
    pub peer: u32,
    /// Messages of one channel and one tag between two ranks arrive in their order.
    pub channel: u64,
    /// The tag.
    pub tag: i32,
    /// The size.
    pub bytes: u64,
}

/// Records a message of this rank, which it sends or has received at this moment.
pub fn note_message(message: Message, at: Moment) {
    let Some(record) = OWN.get() else { return };
    let Message { sent, peer, channel, tag, bytes } = message;
    let at = at.0;
    let mut traffic = locked(&record.traffic);
    if traffic.counts.len() < MOST || traffic.counts.contains_key(&(sent, peer, channel, tag)) {
        let count = traffic.counts.entry((sent, peer, channel, tag)).or_default();
        let index = *count;
        *count += 1;
        if is_kept(index) && traffic.kept < MOST {
            traffic.kept += 1;
            let process = record.process;
            record.append(&Entry::Message(MessageEntry { process, sent, at, peer, channel, tag, index, bytes }));
        }
    }
    let new = (TrafficEntry { process: record.process, sent, peer, messages: 0, bytes: 0 }, None);
    let (sum, place) = traffic.sums.entry((sent, peer)).or_insert(new);
    sum.messages += 1;
    sum.bytes += bytes;
    match place {
        Some(place) => record.anew(*place, &Entry::Traffic(*sum)),
        None => *place = record.append(&Entry::Traffic(*sum)),
    }
}

/// Whether a message is recorded by itself.
fn is_kept(index: u64) -> bool {
    let stride = (index / FEW).checked_ilog2().map_or(1, |log| 1 << log);
    index.is_multiple_of(stride)
}

/// Records that this rank was in a call that the ranks of a group make together, from a moment until now.
pub fn note_meeting(group: u64, number: u64, what: &str, from: Moment) {
    let Some(record) = OWN.get().filter(|_| is_kept(number)) else { return };
    let mut traffic = locked(&record.traffic);
    if traffic.kept < MOST {
        traffic.kept += 1;
        let (process, to) = (record.process, Moment::now().0);
        record.append(&Entry::Meeting(MeetingEntry { process, group, number, what: what.into(), from: from.0, to }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_of_very_many_messages_are_kept() {
        let kept = |until| (0..until).filter(|&index| is_kept(index)).count();
        assert_eq!(kept(128), 128);
        assert_eq!(kept(256), 128 + 64);
        assert!(kept(1 << 20) < 1100, "{}", kept(1 << 20));
    }
}

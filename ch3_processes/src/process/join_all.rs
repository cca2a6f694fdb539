//! Joining many children at once.

use std::time::{Duration, Instant};

use course::lanes;
use serde::de::DeserializeOwned;

use super::error::{Cause, Error};
use super::handle::{Child, poll_all};

/// After a failure, how long [`join_all`] looks for a dead process that may have caused it.
const AFTERMATH: Duration = Duration::from_millis(100);

/// Joins all `children` and returns their results in the order of the list. The current lane waits meanwhile. As soon as one
/// child fails, the other children are killed, so that no child waits for the failed child for ever.
///
/// # Errors
/// The error of the first child that failed. If several failed at about the same time, the error of a child that died or
/// panicked, since the failures of the others may follow from it.
#[track_caller]
pub fn join_all<R: DeserializeOwned>(children: impl IntoIterator<Item = Child<R>>) -> Result<Vec<R>, Error> {
    lanes::wait("join", || join_each(children))
}

fn join_each<R: DeserializeOwned>(children: impl IntoIterator<Item = Child<R>>) -> Result<Vec<R>, Error> {
    let mut waiting: Vec<_> = children.into_iter().enumerate().collect();
    let mut results: Vec<Option<R>> = waiting.iter().map(|_| None).collect();
    let mut failed: Option<(Error, Instant)> = None;
    let mut ready = vec![true; waiting.len()];
    loop {
        let mut looks = ready.into_iter();
        // If the look fails, the join fails too.
        let ended = |child: &mut Child<R>| !matches!(child.look(), Ok(None));
        for (place, child) in waiting.extract_if(.., |(_, child)| looks.next() == Some(true) && ended(child)) {
            match child.result() {
                Ok(result) => results[place] = Some(result),
                Err(error) if failed.is_none() || error.cause().is_first() => failed = Some((error, Instant::now())),
                Err(_) => {}
            }
        }
        let deadline = match &failed {
            _ if waiting.is_empty() => break,
            None => None,
            Some((error, _)) if error.cause().is_first() => break,
            // The end of a process is seen at its pipes and by its parent in no certain order.
            Some((_, since)) if since.elapsed() < AFTERMATH => Some(*since + AFTERMATH),
            Some(_) => break,
        };
        ready = match poll_all(waiting.iter().map(|(_, child)| child), deadline) {
            Ok(ready) => ready,
            Err(error) => {
                let name = waiting.first().map_or("", |(_, child)| child.name());
                failed = failed.or_else(|| Some((Error::new(name, Cause::Wait(error)), Instant::now())));
                break;
            }
        };
    }
    for (_, child) in &mut waiting {
        child.daemon = true;
    }
    match failed {
        Some((error, _)) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

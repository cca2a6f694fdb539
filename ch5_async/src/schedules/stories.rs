//! The hazards that can be searched, and how their threads are put together.
//!
//! The functions are the hazards' own. Where a hazard waits at a barrier to make its failure certain, nothing waits here: the
//! search finds the schedule without that. The clock of `cancelled_read` ticks at any time.

use std::sync::Arc;

use ch5_async::schedules::{self, Checker};
use clap::ValueEnum;
use course::lanes;
use course::model::{self, Barrier, EventLoop, block_on, channel::bounded, spawn, threads};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::sync::mpsc;

use crate::barrier_one_short::{self, WORKERS};
use crate::cancelled_read::{self, FRAMES, Frames, Steps};
use crate::lost_waker::{self, Mailbox};
use crate::lost_wakeup::Bread;
use crate::stolen_wakeup::Shelf;
use crate::too_weak_ordering;
use crate::{
    check_then_act, double_lock, endless_receiver, face_to_face, guard_across_await, lock_order, lost_update,
    read_write_read,
};

/// A hazard that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Hazard {
    /// A worker without data does not come to a barrier
    BarrierOneShort,
    /// A read is dropped in the middle of a frame
    CancelledRead,
    /// Two threads book one seat
    CheckThenAct,
    /// A thread locks what it holds already
    DoubleLock,
    /// A thread receives from a channel whose sender it keeps
    EndlessReceiver,
    /// Two threads send to each other before they receive
    FaceToFace,
    /// A task holds a lock across an await
    GuardAcrossAwait,
    /// Two threads lock two accounts in opposite orders
    LockOrder,
    /// Two threads add to a number with a load and a store
    LostUpdate,
    /// A future does not keep its waker
    LostWaker,
    /// A thread waits for a notification that has come before
    LostWakeup,
    /// A reader reads once more while a writer waits
    ReadWriteRead,
    /// A woken thread does not look at the data again
    StolenWakeup,
    /// A thread sees a flag, and not what was stored before it
    TooWeakOrdering,
}

impl schedules::Hazard for Hazard {
    fn checker(self) -> Checker {
        if self == Self::TooWeakOrdering { Checker::Executions } else { Checker::Schedules }
    }

    fn run(self, repaired: bool) -> Result<(), String> {
        match self {
            Self::BarrierOneShort => barrier_one_short(repaired),
            Self::CancelledRead => cancelled_read(repaired),
            Self::CheckThenAct => check_then_act(repaired),
            Self::DoubleLock => double_lock(repaired),
            Self::EndlessReceiver => endless_receiver(repaired),
            Self::FaceToFace => face_to_face(repaired),
            Self::GuardAcrossAwait => guard_across_await(repaired),
            Self::LockOrder => lock_order(repaired),
            Self::LostUpdate => lost_update(repaired),
            Self::LostWakeup => lost_wakeup(repaired),
            Self::LostWaker => lost_waker(repaired),
            Self::ReadWriteRead => read_write_read(repaired),
            Self::StolenWakeup => stolen_wakeup(repaired),
            Self::TooWeakOrdering => too_weak_ordering::exchange(repaired),
        }
    }
}

/// The result is right, or `wrong` says what it is.
fn expect(is_right: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(wrong()) }
}

/// What the threads have shared. All of them have ended.
fn alone<T>(shared: Arc<T>) -> T {
    Arc::into_inner(shared).expect("the threads have ended")
}

fn barrier_one_short(repaired: bool) -> Result<(), String> {
    let items: Vec<u64> = (0..5).collect();
    let shares = barrier_one_short::shares(&items);
    let parties = barrier_one_short::parties(&shares, repaired);
    let all_have_added = Arc::new(Barrier::new(parties));
    let worker = |worker: usize| {
        let (share, barrier) =
            (shares.get(worker).map_or_else(Vec::new, |it| it.to_vec()), Arc::clone(&all_have_added));
        let meet = move || lanes::meet("all have added", &*barrier, parties, Barrier::wait);
        (format!("worker {worker}"), move || barrier_one_short::add(&share, meet))
    };
    let sum: u64 = threads((0..WORKERS).map(worker)).iter().sum();
    expect(sum == 10, || format!("the sum of the items is {sum} instead of 10"))
}

fn cancelled_read(repaired: bool) -> Result<(), String> {
    let ((mut sender, stream), (clock, ticks)) = (duplex(64), mpsc::channel(2));
    // The receiver goes on until the clock is dropped, and both threads have it.
    let until_sent = clock.clone();
    let sends = spawn("sender", move || {
        let bytes = FRAMES.concat();
        for part in [&bytes[..3], &bytes[3..]] {
            block_on(sender.write_all(part.as_bytes())).expect("a receiver");
        }
        drop(until_sent);
        sender
    });
    let ticking = spawn("clock", move || block_on(clock.send(())).expect("a receiver"));
    let receives = spawn("receiver", move || {
        block_on(cancelled_read::receive(Frames::new(stream), ticks, repaired, &Steps::default()))
    });
    // The stream has no end while this lives.
    let _sender = sends();
    ticking();
    let frames = receives().map_err(|error| error.to_string())?;
    expect(frames == FRAMES, || format!("lost bytes: {FRAMES:?} were sent, and {frames:?} came"))
}

fn check_then_act(repaired: bool) -> Result<(), String> {
    let seats = Arc::new(check_then_act::Seats::default());
    let booked = threads(["Huey", "Dewey"].map(|name| {
        let seats = Arc::clone(&seats);
        (name, move || check_then_act::book(&seats, name, repaired, || ()))
    }));
    let owners = booked.iter().filter(|&&booked| booked).count();
    expect(owners == 1, || format!("{owners} threads have booked the same seat"))
}

fn double_lock(repaired: bool) -> Result<(), String> {
    let stock = Arc::new(model::Mutex::new(vec![1, 2]));
    let take_three = move || [(); 3].map(|()| double_lock::take(&stock, repaired));
    let taken = spawn("taker", take_three)();
    expect(taken == [2, 1, 2], || format!("the items {taken:?} were taken"))
}

fn endless_receiver(repaired: bool) -> Result<(), String> {
    let (numbers, received) = lanes::channel("numbers", 1, bounded);
    let start = |worker, numbers| {
        // The thread ends by itself after its only number.
        let _join = spawn(format!("worker {worker}"), move || endless_receiver::send(worker, &numbers));
    };
    let sum = endless_receiver::sum(2, numbers, received, repaired, start);
    expect(sum == 1, || format!("the sum of the numbers is {sum} instead of 1"))
}

fn face_to_face(repaired: bool) -> Result<(), String> {
    let (to_dewey, from_huey) = lanes::channel("letters to Dewey", 0, bounded);
    let (to_huey, from_dewey) = lanes::channel("letters to Huey", 0, bounded);
    let huey = spawn("Huey", move || face_to_face::exchange(&to_dewey, &from_dewey, "from Huey", true));
    // Dewey sends first, as Huey does, or he receives first.
    let dewey = spawn("Dewey", move || face_to_face::exchange(&to_huey, &from_huey, "from Dewey", !repaired));
    let received = [huey(), dewey()];
    expect(received == ["from Dewey", "from Huey"], || format!("the letters are {received:?}"))
}

fn guard_across_await(repaired: bool) -> Result<(), String> {
    let shared = Arc::new((EventLoop::new(), model::Mutex::new(vec!["milk", "bread"])));
    let mut sold = threads(["Huey", "Dewey"].map(|name| {
        let shared = Arc::clone(&shared);
        (name, move || shared.0.run(guard_across_await::sell(&shared.1, repaired)))
    }));
    sold.sort_unstable();
    expect(sold == [Some("bread"), Some("milk")], || format!("{sold:?} were sold"))
}

fn lock_order(repaired: bool) -> Result<(), String> {
    let accounts = Arc::new(lock_order::accounts());
    let transfers = [("Huey", 1, 0, 30), ("Dewey", 0, 1, 20)];
    threads(transfers.map(|(name, from, to, amount)| {
        let accounts = Arc::clone(&accounts);
        (name, move || lock_order::transfer(&accounts[from], &accounts[to], amount, repaired, || ()))
    }));
    let balances = alone(accounts).map(|account| account.balance.into_inner());
    expect(balances == [110, 90], || format!("the balances are {balances:?} instead of [110, 90]"))
}

fn lost_update(repaired: bool) -> Result<(), String> {
    let counter = Arc::new(model::AtomicU64::new(0));
    threads(["Huey", "Dewey"].map(|name| {
        let counter = Arc::clone(&counter);
        (name, move || lost_update::add(&counter, repaired, || ()))
    }));
    let sum = alone(counter).into_inner();
    expect(sum == 2, || format!("lost update: 2 additions of 1, and the counter is {sum}"))
}

fn lost_wakeup(repaired: bool) -> Result<(), String> {
    let bread = Arc::new(Bread::default());
    let of_baker = Arc::clone(&bread);
    let baker = spawn("baker", move || of_baker.bake());
    let eater = spawn("eater", move || bread.wait(repaired));
    baker();
    eater();
    Ok(())
}

fn lost_waker(repaired: bool) -> Result<(), String> {
    let mailbox = Arc::<model::Mutex<Mailbox>>::default();
    let of_writer = Arc::clone(&mailbox);
    // Each task has a thread of its own, as in a runtime with several threads.
    let reader = spawn("reader", move || block_on(lost_waker::read(mailbox, repaired)));
    let writer = spawn("writer", move || block_on(lost_waker::write(of_writer)));
    let letter = reader();
    writer();
    expect(letter == "hello", || format!("the letter says {letter:?}"))
}

fn read_write_read(repaired: bool) -> Result<(), String> {
    let list = Arc::new(model::RwLock::new(vec![1.0, 2.0, 3.0]));
    let of_reader = Arc::clone(&list);
    let reader = spawn("reader", move || read_write_read::mean(&of_reader, repaired, || ()));
    let writer = spawn("writer", move || read_write_read::add(&list, 6.0));
    let mean = reader();
    writer();
    expect(mean == 2.0 || mean == 3.0, || format!("the mean is {mean}, neither that of 3 numbers nor that of 4"))
}

fn stolen_wakeup(repaired: bool) -> Result<(), String> {
    let shelf = Arc::new(Shelf::default());
    let takers = ["Huey", "Dewey"].map(|name| {
        let shelf = Arc::clone(&shelf);
        spawn(name, move || shelf.take(repaired))
    });
    let putter = spawn("putter", move || {
        for item in [1, 2] {
            shelf.put(item, 0);
        }
    });
    let taken = takers.map(|join| join());
    putter();
    let is_right = taken.contains(&Some(1)) && taken.contains(&Some(2));
    expect(is_right, || format!("stolen wake-up: a thread was woken for an item and found none: {taken:?} were taken"))
}

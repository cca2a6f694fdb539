//! Who spawned and who woke whom, as a picture has it. One test, since a process has one record.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::thread;

use course::lanes::picture::Picture;
use course::lanes::{self, Kind, record, trace};
use serde_json::Value;

/// Where a future that waits keeps its waker.
static WAKER: Mutex<Option<Waker>> = Mutex::new(None);

fn wake() {
    WAKER.lock().unwrap().take().expect("a future waits").wake();
}

/// Is ready when it is polled again.
async fn woken() {
    let mut polled = false;
    poll_fn(|context| {
        *WAKER.lock().unwrap() = Some(context.waker().clone());
        if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_picture_has_who_spawned_and_who_woke_whom() {
    record::start("wakes", None).expect("a record");
    let main = lanes::lane("main");
    let child: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>> = Mutex::new(None);
    let poll_child = || poll(child.lock().unwrap().as_mut().expect("it is spawned").as_mut());
    {
        let mut parent = pin!(lanes::task("parent", async {
            *child.lock().unwrap() = Some(Box::pin(lanes::task("child", async {
                for _ in 0..3 {
                    woken().await;
                }
            })));
            woken().await;
            woken().await;
        }));
        // A later task of the thread stands behind the family of the first one.
        let mut other = pin!(lanes::task("other", lanes::wait_for("an event", woken())));

        assert!(!poll(parent.as_mut()));
        wake(); // by main
        assert!(!poll(parent.as_mut()));
        assert!(!poll_child());
        // A second call before the poll changes nothing: the first one was the cause.
        wake(); // the child's, by main
        assert!(!poll_child());
        thread::spawn(wake).join().expect("it does not panic"); // by a thread without a lane
        assert!(!poll_child());
        assert!(!poll(other.as_mut()));
        let mut waker = pin!(lanes::task("waker", async { wake() }));
        assert!(poll(waker.as_mut()));
        assert!(poll(other.as_mut()));

        // The thread waits in a future: it has given itself to an executor, and what wakes then is not main.
        let mut waits = pin!(lanes::wait_for("another event", woken()));
        assert!(!poll(waits.as_mut()));
        wake();
        assert!(poll(waits.as_mut()));
    }
    drop(child);
    drop(main);

    let log = record::log().expect("the record");
    let picture = Picture::of(log, 0, |_| true);
    let rows: Vec<_> = picture.named().map(|(name, _)| name).collect();
    assert_eq!(rows, ["main", "parent", "└ child", "other", "waker"]);

    let name = |row: usize| picture.rows[row].name.as_str();
    let wakes = picture.wakes.all.iter().map(|it| (it.by.map_or("nobody", name), name(it.woken), it.spawned));
    let wanted = [
        ("main", "parent", true),
        ("main", "parent", false),
        ("parent", "child", true),
        ("main", "child", false),
        ("nobody", "child", false),
        ("main", "other", true),
        ("main", "waker", true),
        ("waker", "other", false),
        ("nobody", "main", false),
    ];
    assert_eq!(wakes.collect::<Vec<_>>(), wanted);
    assert!(picture.wakes.all.iter().all(|wake| wake.at <= wake.polled));
    // A task runs while it is polled, also if it then goes on waiting.
    for wake in picture.wakes.all.iter().filter(|wake| picture.rows[wake.woken].kind == "task") {
        let own = &picture.rows[wake.woken].stretches;
        let polled = own.iter().find(|it| (it.from..=it.to).contains(&wake.polled) && it.state.kind() == Kind::Run);
        assert!(polled.is_some(), "{} does not run at {}: {own:?}", name(wake.woken), wake.polled);
    }

    let trace: Value = serde_json::from_str(&trace::draw(&picture)).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let of = |phase: &str| events.iter().filter(|it| it["ph"] == phase && it["cat"] == "wake").collect::<Vec<_>>();
    let (starts, ends) = (of("s"), of("f"));
    let arrows = starts.iter().zip(&ends).map(|(start, end)| {
        assert_eq!((&start["id"], &start["name"]), (&end["id"], &end["name"]));
        let row = |event: &Value| name(event["tid"].as_u64().expect("a row") as usize - 1).to_string();
        (row(start), row(end), start["name"] == "spawns")
    });
    let drawn = wanted.iter().filter(|(by, ..)| *by != "nobody");
    let drawn: Vec<_> = drawn.map(|&(by, woken, spawned)| (by.to_string(), woken.to_string(), spawned)).collect();
    assert_eq!(arrows.collect::<Vec<_>>(), drawn);
    assert_eq!(of("i").iter().filter(|it| it["name"] == "woken").count(), 2);

    // Of very many wakes the first ones are kept, and the others are counted.
    let mut busy = pin!(lanes::task("busy", async {
        for _ in 0..20_000 {
            woken().await;
        }
    }));
    while !poll(busy.as_mut()) {
        wake();
    }
    let picture = Picture::of(record::log().expect("the record"), 0, |_| true);
    assert_eq!((picture.wakes.all.len(), picture.wakes.left_out), (20_000, wanted.len() as u64 + 1));
    assert!(trace::draw(&picture).contains("10 wakes were not recorded"));
}

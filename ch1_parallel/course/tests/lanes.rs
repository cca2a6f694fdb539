//! Lanes with a subscriber that is not ours: they are plain spans of `tracing`.

use std::sync::{Arc, Mutex};
use std::thread;

use course::lanes;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        self.0.lock().unwrap().push(format!("{} {} {}", metadata.target(), metadata.name(), attributes.values()));
    }
}

/// One after the other: `tracing` may miss a span that one thread meets first while another sets up a subscriber.
#[test]
fn lanes_are_plain_spans() {
    without_a_subscriber_they_do_nothing();
    other_subscribers_see_the_same_spans();
}

fn other_subscribers_see_the_same_spans() {
    let seen = Seen::default();
    let subscriber = tracing_subscriber::registry().with(seen.clone());
    tracing::subscriber::with_default(subscriber, || {
        let _lane = lanes::lane("Huey");
        assert_eq!(lanes::work("runs", || lanes::wait("barrier", || 3)), 3);
    });
    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen[0].starts_with("lanes lane") && seen[0].contains("Huey"), "{seen:?}");
    assert!(seen[1].starts_with("lanes work") && seen[1].contains("runs"), "{seen:?}");
    assert!(seen[2].starts_with("lanes wait") && seen[2].contains("barrier"), "{seen:?}");
    assert!(seen[2].contains("tests/lanes.rs"), "a wait says where it is: {seen:?}");
}

fn without_a_subscriber_they_do_nothing() {
    thread::spawn(|| {
        let _lane = lanes::lane("alone");
        assert_eq!(lanes::wait("nothing", || 4), 4);
    })
    .join()
    .unwrap();
    assert!(lanes::record::bytes().unwrap().is_empty());
}

//! The subscriber of `tracing` that follows the spans of lanes, works, sleeps and waits.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::wakes::{self, Entered};
use super::{Lane, OWN, State, first_state, locked};
use crate::lanes::TARGET;

/// Follows the spans and records what changes.
pub struct Recorder;

/// Kept with the span of a lane.
struct Track {
    lane: Arc<Mutex<Lane>>,
    number: u32,
    name: String,
    kind: String,
    /// Whether the span is entered: a thread's always is, a task's only while it is polled.
    entered: bool,
    /// The waits, sleeps and works that have begun and not ended, the newest last.
    doing: Vec<Doing>,
    last: State,
    /// Whether the lane is a thread's that waits or sleeps.
    blocked: Arc<AtomicBool>,
}

/// A wait, a sleep or a work.
struct Doing {
    span: Id,
    state: State,
    /// It keeps the thread, so that no other task runs meanwhile.
    keeps_thread: bool,
}

/// Kept with the span of a wait, a sleep or a work: the span of its lane.
struct Within(Id);

impl Track {
    fn state(&self) -> State {
        let is_polled = self.entered && self.kind == "task";
        // A task that waits or sleeps does so between the polls.
        let mut doing = self.doing.iter().rev().skip_while(|doing| is_polled && doing.blocks() && !doing.keeps_thread);
        match doing.next() {
            Some(doing) if doing.blocks() || self.entered => doing.state.clone(),
            None if self.entered => State::Run(String::new()),
            _ => State::Idle,
        }
    }

    fn note(&mut self) {
        let state = self.state();
        if state != self.last
            && let Some(record) = OWN.get()
        {
            record.turn(&self.lane, &state);
            self.blocked.store(matches!(state, State::Wait { .. } | State::Sleep { .. }), Relaxed);
            self.last = state;
        }
    }
}

impl Doing {
    fn blocks(&self) -> bool {
        matches!(self.state, State::Wait { .. } | State::Sleep { .. })
    }
}

fn with_track<S: for<'l> LookupSpan<'l>>(span: &SpanRef<'_, S>, change: impl FnOnce(&mut Track)) {
    if let Some(track) = span.extensions_mut().get_mut::<Track>() {
        change(track);
        track.note();
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let place = || match fields.line {
            0 => fields.file.clone(),
            line => format!("{}:{line}", fields.file),
        };
        let state = match attributes.metadata().name() {
            "lane" => {
                let parent = if fields.kind == "task" { wakes::entered() } else { None };
                if let Some(lane) = OWN.get().and_then(|record| record.lane(&fields.label, &fields.kind, parent)) {
                    let number = locked(&lane).number;
                    span.extensions_mut().insert(Track {
                        lane,
                        number,
                        last: first_state(&fields.kind),
                        name: fields.label,
                        kind: fields.kind,
                        entered: false,
                        doing: Vec::new(),
                        blocked: Arc::default(),
                    });
                }
                return;
            }
            "wait" => State::Wait { place: place(), on: fields.label },
            "sleep" => State::Sleep { place: place(), what: fields.label },
            _ => State::Run(fields.label),
        };
        let lane = span.scope().skip(1).find(|outer| outer.extensions().get::<Track>().is_some());
        if let Some(lane) = lane {
            let doing = Doing { span: id.clone(), state, keeps_thread: fields.keeps_thread };
            with_track(&lane, |track| track.doing.push(doing));
            span.extensions_mut().insert(Within(lane.id()));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            with_track(&span, |track| track.entered = true);
            wakes::enter(entered(&span, &context));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            with_track(&span, |track| track.entered = false);
            wakes::exit(id);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let (Some(track), Some(record)) = (span.extensions().get::<Track>(), OWN.get()) {
            record.end(&track.lane, &track.name, &track.kind);
        }
        let lane = span.extensions().get::<Within>().and_then(|within| context.span(&within.0));
        if let Some(lane) = lane {
            with_track(&lane, |track| track.doing.retain(|doing| doing.span != id));
        }
    }
}

/// What a thread is in that has entered this span.
fn entered<S: Subscriber + for<'l> LookupSpan<'l>>(span: &SpanRef<'_, S>, context: &Context<'_, S>) -> Entered {
    let within = span.extensions().get::<Within>().and_then(|within| context.span(&within.0));
    let of_lane = |span: &SpanRef<'_, S>| {
        let extensions = span.extensions();
        let track = extensions.get::<Track>()?;
        Some((track.number, (track.kind == "thread").then(|| Arc::clone(&track.blocked))))
    };
    match within {
        // While a thread is in the wait itself, the lane runs what it waits for.
        Some(lane) => {
            let (number, of_thread) = of_lane(&lane).unzip();
            Entered { span: span.id(), lane: number, gave_thread: of_thread.flatten().map(|_| Arc::default()) }
        }
        None => {
            let (number, of_thread) = of_lane(span).unzip();
            Entered { span: span.id(), lane: number, gave_thread: of_thread.flatten() }
        }
    }
}

#[derive(Default)]
struct Fields {
    label: String,
    kind: String,
    file: String,
    line: u64,
    keeps_thread: bool,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "line" {
            self.line = value;
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "keeps_thread" {
            self.keeps_thread = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "label" => self.label = value.into(),
            "kind" => self.kind = value.into(),
            "file" => self.file = value.into(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

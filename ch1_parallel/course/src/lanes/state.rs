//! What a lane can be doing.

use serde::{Deserialize, Serialize};

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// The lane has not begun, or it has ended.
    Absent,
    /// Nothing: a task that is not polled and has not said what it waits for.
    Idle,
    /// It runs. The label may be empty.
    Run(String),
    /// It sleeps.
    Sleep {
        /// What the sleep stands for: a pause, or work that takes this long.
        what: String,
        /// Where in the source: file and line.
        place: String,
    },
    /// It waits.
    Wait {
        /// What for.
        on: String,
        /// Where in the source: file and line.
        place: String,
    },
}

/// The kinds of state, in the order of the chart's legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// [`State::Run`]
    Run,
    /// [`State::Sleep`]
    Sleep,
    /// [`State::Wait`]
    Wait,
    /// [`State::Idle`]
    Idle,
    /// [`State::Absent`]
    Absent,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Run, Self::Sleep, Self::Wait, Self::Idle, Self::Absent];

    /// The kind's place in [`ALL`](Self::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl State {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Absent => Kind::Absent,
            Self::Idle => Kind::Idle,
            Self::Run(_) => Kind::Run,
            Self::Sleep { .. } => Kind::Sleep,
            Self::Wait { .. } => Kind::Wait,
        }
    }

    /// What the lane runs, sleeps or waits for; empty where the program does not say.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Absent | Self::Idle => "",
            Self::Run(what) | Self::Sleep { what, .. } | Self::Wait { on: what, .. } => what,
        }
    }

    /// Where in the source a sleep or a wait stands: file and line.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Sleep { place, .. } | Self::Wait { place, .. } => Some(place),
            _ => None,
        }
    }

    /// The state in words: "waits for barrier".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Absent => "has ended".into(),
            Self::Idle => "is idle".into(),
            Self::Run(what) if what.is_empty() => "runs".into(),
            Self::Run(what) => format!("runs: {what}"),
            Self::Sleep { what, .. } => format!("sleeps: {what}"),
            Self::Wait { on, .. } => format!("waits for {on}"),
        }
    }
}

//! Panics by which the standard library, or tokio, says that the system refused something.
//!
//! `println!` and `thread::scope` have no other way to say it, and nothing but the text of the panic tells it from a bug. The
//! texts are known here only. Tests of the real programs (a full disk, no memory for threads) go red if std changes them.

/// What the system refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The reader of the output has closed it. That is no error, and the program has nothing more to do.
    NoReader,
    /// Something else, in words for an error: what and why.
    Other(String),
}

impl Refusal {
    /// What the system refused, if the text of this panic says so.
    #[must_use]
    pub fn of_panic(text: &str) -> Option<Self> {
        if let Some(why) = text.strip_prefix("failed printing to stdout: ") {
            let no_reader = why.ends_with("(os error 32)");
            return Some(if no_reader { Self::NoReader } else { Self::Other(format!("stdout: {why}")) });
        }
        // The pools of threads of tokio.
        if let Some((_, why)) = text.split_once("OS can't spawn worker thread: ") {
            return Some(Self::Other(format!("starting a thread: {}", why.split(" (os error").next().unwrap_or(why))));
        }
        // Os { code: 11, kind: ..., message: "..." }
        let why = text.strip_prefix("failed to spawn thread: ")?;
        let message = why.split("message: \"").nth(1).and_then(|rest| rest.split('"').next());
        Some(Self::Other(format!("starting a thread: {}", message.unwrap_or(why))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_the_systems_words() {
        let other = |text: &str| Some(Refusal::Other(text.into()));
        let thread =
            r#"failed to spawn thread: Os { code: 11, kind: WouldBlock, message: "Resource temporarily unavailable" }"#;
        assert_eq!(Refusal::of_panic(thread), other("starting a thread: Resource temporarily unavailable"));
        let worker = "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)";
        assert_eq!(Refusal::of_panic(worker), other("starting a thread: Resource temporarily unavailable"));
        let full = "failed printing to stdout: No space left on device (os error 28)";
        assert_eq!(Refusal::of_panic(full), other("stdout: No space left on device (os error 28)"));
        let closed = "failed printing to stdout: Broken pipe (os error 32)";
        assert_eq!(Refusal::of_panic(closed), Some(Refusal::NoReader));
        assert_eq!(Refusal::of_panic("index out of bounds"), None);
    }
}

//! A read is cancelled in the middle of a frame (a message of 6 bytes). Its bytes are lost, and every later frame is wrong.
//!
//! `read_exact` reads until its buffer is full, and may have to wait several times. If `select!` drops the read while it
//! waits, the bytes in the buffer are lost, and the stream does not have them any more. The next read begins in the
//! middle of a frame. A future is *cancel safe* if it can be dropped at any await without a loss. In the documentation of
//! tokio, the section "Cancel safety" of a function says whether it is. The repair keeps the bytes in `self`, which lives
//! longer than the future, and calls `read`, which is cancel safe.
//!
//! Run:       cargo run --bin cancelled_read -- --timeline
//!            cargo run --bin cancelled_read -- --repaired --timeline
//! Observe:   the report lists the steps: a clock ticks in the middle of the first frame, and the read is dropped. All
//!            bytes were sent, and no frame is right. The repaired program gets the three frames.
//! Exercise:  keep the future instead: in `receive`, call `frames.next(repaired)` once for each frame, pin the future with
//!            `tokio::pin!`, and select `&mut next` until it is ready. Is the exit status 0 without `--repaired` now?
//!            In `futurelock` a future that is kept causes a deadlock: why not here?

use std::cell::RefCell;
use std::process::ExitCode;

use anyhow::ensure;
use course::{lanes, lesson, lesson::Shown};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::{runtime::Builder, select, try_join};

#[derive(clap::Parser)]
struct Args {
    /// The bytes of a frame outlive a read that is cancelled
    #[arg(long)]
    repaired: bool,
}

/// What is sent.
pub const FRAMES: [&str; 3] = ["apples", "grapes", "lemons"];
/// What the tasks did.
pub type Steps = RefCell<Vec<String>>;

/// Shows the hazard, or its repair.
pub fn main() -> ExitCode {
    lesson::hazard!(|args: Args, _lesson| {
        let (steps, (mut sender, stream), (clock, ticks)) = (Steps::default(), duplex(64), channel(1));
        let send = lanes::task("sender", send(&mut sender, clock, &steps));
        let frames = Frames::new(stream);
        let receive = lanes::task("receiver", receive(frames, ticks, args.repaired, &steps));
        let both = lanes::wait_for("both tasks", async { try_join!(send, receive) });
        let (_, frames) = Builder::new_current_thread().build()?.block_on(both)?;
        if !args.repaired && frames != FRAMES {
            let steps = steps.take().join("\n  ");
            return Err(Shown(format!("lost bytes: {FRAMES:?} were sent, and {frames:?} came:\n  {steps}")).into());
        }
        println!("the frames {frames:?} came");
        ensure!(frames == FRAMES, "{FRAMES:?} were sent, and {frames:?} came");
        Ok(())
    })
}

/// Sends the frames in two parts. After each part the clock ticks, and the receiver takes the tick before the next part.
async fn send(stream: &mut DuplexStream, clock: Sender<()>, steps: &Steps) -> anyhow::Result<()> {
    let bytes = FRAMES.concat();
    for part in [&bytes[..3], &bytes[3..]] {
        stream.write_all(part.as_bytes()).await?;
        steps.borrow_mut().push(format!("{part:?} was sent"));
        clock.send(()).await?;
        let _ = lanes::wait_for("the tick is taken", clock.reserve()).await?;
    }
    Ok(())
}

/// Receives frames until the clock is dropped. A tick cancels the read, which `biased` polls first.
pub async fn receive(
    mut frames: Frames,
    mut ticks: Receiver<()>,
    repaired: bool,
    steps: &Steps,
) -> anyhow::Result<Vec<String>> {
    let mut received = Vec::new();
    loop {
        select! {
            biased;
            frame = lanes::wait_for("a frame", frames.next(repaired)) => {
                let frame = String::from_utf8(frame?.to_vec())?;
                steps.borrow_mut().push(format!("{frame:?} was read"));
                received.push(frame);
            }
            tick = ticks.recv() => {
                let Some(()) = tick else { return Ok(received) };
                steps.borrow_mut().push("a tick came: the read was dropped, with the bytes that it had read".into());
            }
        }
    }
}

/// A stream of frames.
pub struct Frames {
    stream: DuplexStream,
    bytes: [u8; 6],
    filled: usize,
}

impl Frames {
    /// The frames that come through the stream.
    pub fn new(stream: DuplexStream) -> Self {
        Self { stream, bytes: [0; 6], filled: 0 }
    }

    async fn next(&mut self, repaired: bool) -> anyhow::Result<[u8; 6]> {
        // The hazard: the bytes are in this future. The repair: they are in `self`, where the next call finds them.
        if !repaired {
            let mut bytes = [0; 6];
            self.stream.read_exact(&mut bytes).await?;
            return Ok(bytes);
        }
        while self.filled < self.bytes.len() {
            let read = self.stream.read(&mut self.bytes[self.filled..]).await?;
            ensure!(read > 0, "the stream ends in the middle of a frame");
            self.filled += read;
        }
        self.filled = 0;
        Ok(self.bytes)
    }
}

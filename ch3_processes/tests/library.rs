//! Children, pipes, barriers, shared arrays and kernels, with real child processes.
//!
//! The children are this program run again, and so are the programs that tests run. So this file has a `main` of its own.

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio, exit};
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use ch1_parallel::kernels::grain::Pattern;
use ch1_parallel::kernels::{Kernel, Problem};
use ch3_processes::process::Cause;
use ch3_processes::{
    Barrier, Child, Counters, Error, Lock, Process, Receiver, Semaphore, Sender, SharedArray, channel, children,
    join_all, kernels, pipe, queue, spawn,
};
use clap::ValueEnum;
use course::lesson;
use course::program::run;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Signal, WaitOptions};
use serde::{Deserialize, Serialize};

use course::testing::group::{Group, LIMIT};
use course::testing::harness::{run_trials, trials};
use course::testing::proc::{alive, children_of, signal, wait_for};

/// Names the program that a test runs; without it the tests run.
const PROGRAM: &str = "LIBRARY_PROGRAM";

/// Children of a program with this variable exit before they have read their request.
const EARLY: &str = "LIBRARY_EARLY";

fn main() -> ExitCode {
    if std::env::var(EARLY).is_ok() && std::env::var("PROCESS_SOCKET").is_ok() {
        exit(2);
    }
    kernels::init();
    children![
        hello,
        add_all,
        open_pipe,
        fail,
        panic_here,
        panic_in_thread,
        leave,
        stay,
        say,
        send_text,
        send_bytes,
        sum,
        first,
        hold,
        count_to,
        arrive,
        meet,
        write_part,
        is_child,
        print_lines,
        print_for_ever,
        print_and_fail,
        nest,
        take_all,
        write_late,
        panic_with_stdout,
        forget_guard
    ];
    if let Ok(program) = std::env::var(PROGRAM) {
        return lesson::run_with("A program for a test.", move |_: NoFlags, _| program_named(&program));
    }
    run_trials(trials![
        arguments_and_results_are_typed
        errors_and_panics_are_errors_with_their_text
        a_function_that_is_not_listed_is_an_error
        a_child_that_ends_too_early_is_an_error
        a_dropped_child_is_gone
        the_name_shows
        a_program_of_a_child_is_no_child
        a_child_can_have_children
        a_failure_ends_the_children_that_would_wait
        the_child_that_died_is_named
        a_request_that_cannot_be_read_is_a_clear_error
        messages_of_any_size_go_through
        a_receiver_that_has_read_ahead_can_be_passed
        a_sender_without_a_receiver_gets_an_error
        a_sender_that_dies_within_a_message_is_an_error
        a_barrier_holds_processes
        an_abort_of_a_barrier_reaches_other_processes
        a_part_that_another_process_writes_is_refused
        the_kernels_are_exact
        a_killed_worker_ends_the_kernel
        a_panic_in_a_child_ends_the_program_with_one_line
        nothing_is_left_of_many_children
        what_a_child_prints_comes_before_its_result
        a_child_whose_reader_went_away_ends_quietly
        a_child_that_cannot_print_is_an_error
        a_child_is_waited_for_unless_it_is_a_daemon
        a_child_can_be_asked_to_end
        a_wait_has_a_limit
        children_have_the_given_name_or_a_number
        a_panic_is_told_though_a_thread_holds_stdout
        a_guard_that_is_forgotten_keeps_its_memory
        a_value_that_cannot_be_read_is_skipped
        the_exit_status_of_a_child_that_never_began_is_told
    ])
}

#[derive(clap::Parser)]
struct NoFlags {}

/// A program of this name, for a test.
fn program(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(PROGRAM, name);
    command
}

fn program_named(name: &str) -> anyhow::Result<()> {
    match name {
        "kernel count" => kernel(Kernel::Count, 1000),
        "kernel stencil" => kernel(Kernel::Stencil, 100),
        "kernel transpose" => kernel(Kernel::Transpose, 100),
        "kernel pipeline" => kernel(Kernel::Pipeline, 100),
        "kernel grain" => kernel(Kernel::Grain, 1000),
        "panic" => {
            let (numbers, _kept) = pipe::<u64>()?;
            let others = (0..3).map(|_| spawn("other", stay, ())).collect::<Result<Vec<_>, _>>()?;
            let one = spawn("one", panic_here, (7, numbers))?;
            join_all(others.into_iter().chain([one]))?;
            Ok(())
        }
        "many" => many(),
        "early" => (0..20).try_for_each(|_| {
            let error = spawn("early", hello, ()).and_then(Child::join).expect_err("it has left").to_string();
            anyhow::ensure!(error == "early: it ended before its work was done: exit status: 2", "{error}");
            Ok(())
        }),
        "print" => {
            let child = spawn("printer", print_lines, (100,))?;
            child.join()?;
            println!("after");
            Ok(())
        }
        "print for ever" => Ok(spawn("printer", print_for_ever, ())?.join()?),
        "print and fail" => Ok(spawn("printer", print_and_fail, ())?.join()?),
        _ => anyhow::bail!("no program {name}"),
    }
}

// Functions of children.

fn hello() -> anyhow::Result<String> {
    Ok("hello".into())
}

fn add_all(a: u8, b: u64, c: (i32, f64), d: Vec<u64>) -> anyhow::Result<f64> {
    Ok(f64::from(a) + b as f64 + f64::from(c.0) + c.1 + d.iter().sum::<u64>() as f64)
}

fn open_pipe() -> anyhow::Result<Receiver<String>> {
    let (mut texts, receiver) = pipe()?;
    texts.send(&"from a child".to_owned())?;
    Ok(receiver)
}

fn fail(text: String) -> anyhow::Result<()> {
    Err(anyhow::anyhow!(text).context("it could not be done"))
}

fn panic_here(number: u64, _numbers: Sender<u64>) -> anyhow::Result<()> {
    panic!("the number is {number}\nand not less")
}

fn panic_in_thread() -> anyhow::Result<()> {
    thread::spawn(|| panic!("in a thread")).join().unwrap();
    Ok(())
}

fn leave(status: i32) -> anyhow::Result<()> {
    exit(status)
}

/// Never ends by itself.
fn stay() -> anyhow::Result<()> {
    loop {
        thread::park();
    }
}

/// Sends a message when it runs, and then never ends by itself.
fn say(mut started: Sender<()>) -> anyhow::Result<()> {
    started.send(&())?;
    stay()
}

fn send_text(mut texts: Sender<String>, lengths: Vec<usize>) -> anyhow::Result<()> {
    for length in lengths {
        texts.send(&text(length))?;
    }
    Ok(())
}

fn text(length: usize) -> String {
    (0..length).map(|place| char::from(b'a' + (place % 26) as u8)).collect()
}

/// Sends the same message again and again.
fn send_bytes(mut messages: Sender<Vec<u8>>, length: usize) -> anyhow::Result<()> {
    let message = vec![7; length];
    loop {
        messages.send(&message)?;
    }
}

fn sum(numbers: Receiver<u64>) -> anyhow::Result<u64> {
    let mut sum = 0;
    for number in numbers {
        sum += number?;
    }
    Ok(sum)
}

/// Receives one number and ends.
fn first(mut numbers: Receiver<u64>) -> anyhow::Result<Option<u64>> {
    Ok(numbers.recv()?)
}

/// Waits at the barrier `rounds` times, and checks each time that no party is ahead or behind. Returns how many times it was the last.
fn count_to(rounds: u64, parties: u64, barrier: Barrier, counters: Counters) -> anyhow::Result<u64> {
    let mut lasts = 0;
    for round in 1..=rounds {
        counters[0].fetch_add(1, Relaxed);
        lasts += u64::from(barrier.wait()?);
        let arrived = counters[0].load(Relaxed);
        let possible = round * parties..=(round + 1) * parties;
        anyhow::ensure!(possible.contains(&arrived), "{arrived} arrivals after round {round}");
    }
    Ok(lasts)
}

/// Says that it is about to wait at the barrier, and waits.
fn arrive(barrier: Barrier, mut begins: Sender<()>) -> anyhow::Result<()> {
    begins.send(&())?;
    drop(begins);
    barrier.wait()?;
    Ok(())
}

fn meet(barrier: Barrier) -> anyhow::Result<bool> {
    Ok(barrier.wait()?)
}

/// Writes to a part while the parent tries to.
fn write_part(array: SharedArray<u32>, mut tell: Sender<()>, mut told: Receiver<()>) -> anyhow::Result<()> {
    let mut part = array.try_write(1)?;
    part.fill(5);
    tell.send(&())?;
    told.recv()?;
    Ok(())
}

/// Runs this program again from within a child.
fn is_child() -> anyhow::Result<String> {
    let output = Command::new("/proc/self/exe").arg("--list").env_remove(PROGRAM).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

fn print_lines(lines: usize) -> anyhow::Result<()> {
    (0..lines).for_each(|line| print!("{line} "));
    Ok(())
}

fn print_for_ever() -> anyhow::Result<()> {
    loop {
        println!("on and on");
    }
}

fn print_and_fail() -> anyhow::Result<()> {
    print_lines(1)?;
    fail("no paper".into())
}

fn nest(depth: u32, mut told: Sender<u32>) -> anyhow::Result<u32> {
    told.send(&std::process::id())?;
    if depth == 0 { stay().map(|()| 0) } else { Ok(spawn("nested", nest, (depth - 1, told))?.join()? + 1) }
}

// The tests.

fn arguments_and_results_are_typed() {
    assert_eq!(spawn("hello", hello, ()).unwrap().join().unwrap(), "hello");
    let numbers: Vec<u64> = (0..200_000).collect();
    let right = 0.5 + numbers.iter().sum::<u64>() as f64;
    assert_eq!(spawn("add", add_all, (1, 2, (-3, 0.5), numbers)).unwrap().join().unwrap(), right);
    let mut texts = spawn("open", open_pipe, ()).unwrap().join().unwrap();
    assert_eq!(texts.recv().unwrap().as_deref(), Some("from a child"));
    assert_eq!(texts.recv().unwrap(), None, "the child has ended, and its sender with it");
}

fn errors_and_panics_are_errors_with_their_text() {
    let error = spawn("x", fail, ("no paper".to_owned(),)).unwrap().join().unwrap_err();
    assert_eq!(error.to_string(), "x: it could not be done: no paper");
    assert!(matches!(error.cause(), Cause::Failed(_)));

    let (numbers, _kept) = pipe().unwrap();
    let error = spawn("y", panic_here, (12, numbers)).unwrap().join().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("y: it panicked: the number is 12\nand not less (ch3_processes/tests/library.rs:")
    );
    let error = spawn("z", panic_in_thread, ()).unwrap().join().unwrap_err();
    assert!(error.to_string().starts_with("z: it panicked: in a thread ("), "{error}");
}

fn a_function_that_is_not_listed_is_an_error() {
    fn unlisted() -> anyhow::Result<()> {
        Ok(())
    }
    let error = spawn("u", unlisted, ()).unwrap_err();
    assert!(error.to_string().contains("u: it cannot be started: `children!`"), "{error}");
    let error = spawn("nul\0", hello, ()).unwrap_err();
    assert!(matches!(error.cause(), Cause::Start(_)), "{error}");
}

fn a_child_that_ends_too_early_is_an_error() {
    let error = spawn("early", leave, (3,)).unwrap().join().unwrap_err();
    assert_eq!(error.to_string(), "early: it ended before its work was done: exit status: 3");
    let (child, _started) = started("killed");
    signal(child.id(), Signal::KILL);
    let error = child.join().unwrap_err();
    assert_eq!(error.to_string(), "killed: it ended before its work was done: signal: 9 (SIGKILL)");
    assert_eq!(error.process(), "killed");
}

/// A child that never ends by itself. It runs when this returns.
fn started(name: &str) -> (Child<()>, Receiver<()>) {
    let (sender, mut receiver) = pipe().unwrap();
    let child = spawn(name, say, (sender,)).unwrap();
    receiver.recv().unwrap().expect("it runs");
    (child, receiver)
}

fn a_dropped_child_is_gone() {
    let (child, _started) = started("dropped");
    let id = child.id();
    assert!(alive(id));
    drop(child);
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "not even as a zombie");
}

fn the_name_shows() {
    let (child, _started) = started("a name with spaces");
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    assert_eq!(read("comm"), "a name with spa\n", "ps has room for 15 bytes");
    assert_eq!(read("cmdline"), "a name with spaces\0");
    assert_eq!(std::fs::read_link(format!("/proc/{}/fd/0", child.id())).unwrap().to_str(), Some("/dev/null"));
}

fn a_program_of_a_child_is_no_child() {
    let list = spawn("runner", is_child, ()).unwrap().join().unwrap();
    assert!(list.contains("a_program_of_a_child_is_no_child: test"), "{list}");
}

fn a_child_can_have_children() {
    let (sender, mut told) = pipe().unwrap();
    let child = spawn("nested", nest, (3, sender)).unwrap();
    let ids: Vec<_> = (0..4).map(|_| told.recv().unwrap().unwrap()).collect();
    assert!(ids.iter().all(|&id| alive(id)));
    drop(child);
    wait_for("end of the grandchildren", Duration::from_secs(1), || (!ids.iter().any(|&id| alive(id))).then_some(()));
}

fn a_failure_ends_the_children_that_would_wait() {
    let barrier = Barrier::new(3).unwrap();
    let mut group: Vec<Child<bool>> =
        (0..2).map(|number| spawn(format!("waits {number}"), meet, (barrier.clone(),)).unwrap()).collect();
    let ids: Vec<_> = group.iter().map(|child| child.id()).collect();
    let broken = Barrier::new(1).unwrap();
    broken.abort();
    group.push(spawn("breaks", meet, (broken,)).unwrap());
    let error = join_all(group).unwrap_err();
    assert_eq!(error.to_string(), "breaks: the barrier was aborted");
    assert!(!ids.iter().any(|&id| alive(id)));
}

fn the_child_that_died_is_named() {
    // The sender fails because the receiver was killed.
    for _ in 0..20 {
        let (sender, receiver) = pipe().unwrap();
        let fails = spawn("sender", send_bytes, (sender, 1000)).unwrap();
        let (started, mut has_started) = pipe().unwrap();
        let dies = spawn("receiver", hold, (receiver, started)).unwrap();
        has_started.recv().unwrap().unwrap();
        signal(dies.id(), Signal::KILL);
        let error = join_all([fails, dies]).unwrap_err();
        assert_eq!(error.process(), "receiver", "{error}");
    }
}

fn hold(_messages: Receiver<Vec<u8>>, started: Sender<()>) -> anyhow::Result<()> {
    say(started)
}

enum Then {
    Listen,
    Close,
}

/// Does what the parent of a child does: sends it these bytes. Returns the child's answer, its exit status and its stderr.
fn child_that_reads(bytes: &[u8], then: Then) -> (String, Option<i32>, String) {
    let (here, there) = UnixStream::pair().unwrap();
    let inode = rustix::fs::fstat(&there).unwrap().st_ino;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("PROCESS_SOCKET", inode.to_string()).stdin(Stdio::from(OwnedFd::from(there)));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    // The parent's sign of life is sent too if the bytes say that there is a descriptor.
    let (life, _living) = std::io::pipe().unwrap();
    if bytes.first() == Some(&1) {
        let (descriptors, mut space) = ([life.as_fd()], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let sent = sendmsg(&here, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
        assert_eq!(sent, bytes.len());
    } else {
        (&here).write_all(bytes).unwrap();
    }
    if let Then::Close = then {
        here.shutdown(std::net::Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    let _ = (&here).read_to_end(&mut answer);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    (String::from_utf8_lossy(&answer).into(), output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn frame(body: &[u8]) -> Vec<u8> {
    // No descriptors, so no kinds.
    [&[0; 16], &(body.len() as u64).to_le_bytes()[..], body].concat()
}

fn frame_with_life(body: &[u8]) -> Vec<u8> {
    // One descriptor and its kind, by the kind's number.
    [&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], &(body.len() as u64).to_le_bytes()[..], &[1, 5], body].concat()
}

fn a_request_that_cannot_be_read_is_a_clear_error() {
    // To be called once.
    let request = postcard::to_stdvec(&("fails", std::any::type_name_of_val(&fail))).unwrap();
    let no_text = [request.as_slice(), &[200, 200]].concat();
    let too_much = [&request, &postcard::to_stdvec("text").unwrap()[..], &[1, 2]].concat();
    for (arguments, why) in [
        (frame_with_life(&no_text), "Hit the end"),
        (frame_with_life(&too_much), "2 bytes too many"),
        (frame(&request), "the parent's sign of life is missing"),
    ] {
        let (answer, status, said) = child_that_reads(&arguments, Then::Listen);
        assert_eq!((status, said.as_str()), (Some(1), ""));
        assert!(answer.contains("its arguments cannot be read: ") && answer.contains(why), "{answer}");
    }
    for garbage in [&frame(&[0xff; 40])[..], &frame(&[]), &[0xff; 100]] {
        let (answer, status, said) = child_that_reads(garbage, Then::Close);
        assert_eq!((status, answer.as_str()), (Some(1), ""), "{garbage:?}");
        assert!(said.starts_with("error: what this child process is to do cannot be read: "), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // A parent that died before it sent the request, or while it sent it.
    let whole = frame(&request);
    for length in [0, 1, 23, 24, whole.len() - 1] {
        let quietly = (String::new(), Some(1), String::new());
        assert_eq!(child_that_reads(&whole[..length], Then::Close), quietly, "{length}");
    }
}

fn messages_of_any_size_go_through() {
    let lengths = vec![0, 1, 65_535, 65_536, 65_537, 1 << 20, 64 << 20, 3];
    let (sender, texts) = pipe::<String>().unwrap();
    let child = spawn("sender", send_text, (sender, lengths.clone())).unwrap();
    let mut received = 0;
    for (got, &length) in texts.zip(&lengths) {
        assert!(got.unwrap() == text(length), "{length} bytes");
        received += 1;
    }
    assert_eq!(received, lengths.len());
    child.join().unwrap();
}

fn a_receiver_that_has_read_ahead_can_be_passed() {
    const COUNT: u64 = 5000;
    let (mut numbers, mut receiver) = pipe().unwrap();
    // Fewer than the pipe has room for.
    (0..COUNT).for_each(|number| numbers.send(&number).unwrap());
    for number in 0..10 {
        assert_eq!(receiver.recv().unwrap(), Some(number));
    }
    let child = spawn("sum", sum, (receiver,)).unwrap();
    (COUNT..2 * COUNT).for_each(|number| numbers.send(&number).unwrap());
    drop(numbers);
    assert_eq!(child.join().unwrap(), (10..2 * COUNT).sum::<u64>());
}

fn a_sender_without_a_receiver_gets_an_error() {
    let (mut numbers, receiver) = pipe().unwrap();
    let child = spawn("first", first, (receiver,)).unwrap();
    numbers.send(&9).unwrap();
    assert_eq!(child.join().unwrap(), Some(9));
    let error = numbers.send(&10).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::BrokenPipe, "the receiver of the pipe has gone")
    );

    // A sender that waits for room gets the error too.
    let (sender, receiver) = pipe().unwrap();
    let child = spawn("sender", send_bytes, (sender, 1 << 20)).unwrap();
    wait_until_begun(&receiver);
    drop(receiver);
    assert_eq!(child.join().unwrap_err().to_string(), "sender: the receiver of the pipe has gone");
}

/// Waits until there are bytes in the pipe, that is, until the sender has begun.
fn wait_until_begun(receiver: &Receiver<Vec<u8>>) {
    let mut waiting = [rustix::event::PollFd::new(receiver, rustix::event::PollFlags::IN)];
    let limit = rustix::event::Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut waiting, Some(&limit)), Ok(1));
}

fn a_sender_that_dies_within_a_message_is_an_error() {
    let (sender, mut receiver) = pipe().unwrap();
    let child = spawn("sender", send_bytes, (sender, 1 << 20)).unwrap();
    wait_until_begun(&receiver);
    drop(child);
    let error = receiver.recv().unwrap_err();
    assert_eq!(error.to_string(), "the sender of the pipe ended within a message");
}

fn a_barrier_holds_processes() {
    const ROUNDS: u64 = 500;
    for parties in [1, 2, 5] {
        let barrier = Barrier::new(parties as usize).unwrap();
        let counters = Counters::new(1).unwrap();
        let children: Result<Vec<_>, Error> = (0..parties)
            .map(|number| {
                spawn(format!("party {number}"), count_to, (ROUNDS, parties, barrier.clone(), counters.clone()))
            })
            .collect();
        let lasts = join_all(children.unwrap()).unwrap();
        assert_eq!(lasts.iter().sum::<u64>(), ROUNDS, "one party is the last in each round");
        assert_eq!(counters[0].load(Relaxed), ROUNDS * parties);
    }
}

fn an_abort_of_a_barrier_reaches_other_processes() {
    let barrier = Barrier::new(3).unwrap();
    let (begins, mut begun) = pipe().unwrap();
    let waits = spawn("waits", arrive, (barrier.clone(), begins)).unwrap();
    assert_eq!((begun.recv().unwrap(), begun.recv().unwrap()), (Some(()), None));
    let (dies, _started) = started("dies");
    signal(dies.id(), Signal::KILL);
    assert!(dies.join().is_err());
    barrier.abort();
    assert_eq!(waits.join().unwrap_err().to_string(), "waits: the barrier was aborted");
    assert!(barrier.wait().is_err());
}

fn a_part_that_another_process_writes_is_refused() {
    let array = SharedArray::new(&[10, 100_000]).unwrap();
    let ((tell, mut told), (mut let_go, wait)) = (pipe().unwrap(), pipe().unwrap());
    let child = spawn("writer", write_part, (array.clone(), tell, wait)).unwrap();
    told.recv().unwrap().unwrap();
    assert!(array.try_write(1).is_err() && array.try_read(1).is_err());
    assert!(array.try_read(0).unwrap().iter().all(|&item| item == 0));
    let_go.send(&()).unwrap();
    child.join().unwrap();
    assert!(array.try_read(1).unwrap().iter().all(|&item| item == 5));

    // The part of a process that died stays borrowed.
    let ((tell, mut told), (_let_go, wait)) = (pipe().unwrap(), pipe().unwrap());
    let child = spawn("writer", write_part, (array.clone(), tell, wait)).unwrap();
    told.recv().unwrap().unwrap();
    drop(child);
    assert_eq!(array.try_read(1).unwrap_err().to_string(), "part 1 of the shared array is borrowed by a writer");
}

fn the_kernels_are_exact() {
    let problem = Problem { size: 0, workers: 0, iterations: 3, grain: 50, ..Problem::DEFAULT };
    for workers in [1, 2, 3, 7, 20] {
        for (kernel, sizes) in [
            (Kernel::Nstream, [1, 13, 1000]),
            (Kernel::Stencil, [5, 13, 301]),
            (Kernel::Transpose, [1, 17, 100]),
            (Kernel::Pipeline, [2, 13, 100]),
            (Kernel::Count, [1, 10, 1000]),
            (Kernel::DoSomething, [1, 4097, 100_000]),
            (Kernel::Grain, [1, 2, 100]),
        ] {
            for size in sizes {
                let problem = Problem { size, workers, ..problem };
                let measured = kernels::solve(kernel, &problem).unwrap();
                assert_eq!((measured.wrong, measured.seconds.len()), (None, 3), "{kernel}: {problem:?}");
            }
        }
    }
    for &pattern in Pattern::value_variants() {
        for workers in [1, 2, 3, 4, 5, 7, 8] {
            let problem = Problem { size: 20, workers, pattern, ..problem };
            let measured = kernels::solve(Kernel::Grain, &problem).unwrap();
            assert_eq!((measured.wrong, measured.seconds.len()), (None, 3), "{problem:?}");
        }
    }
    for iterations in [0, 1] {
        let problem = Problem { size: 20, workers: 2, iterations, ..problem };
        assert_eq!(kernels::solve(Kernel::Stencil, &problem).unwrap().seconds.len(), iterations);
        assert_eq!(kernels::solve(Kernel::Count, &problem).unwrap().seconds.len(), iterations);
    }
}

/// Runs a kernel until it is killed.
fn kernel(kernel: Kernel, size: usize) -> anyhow::Result<()> {
    kernels::solve(kernel, &Problem { size, workers: 3, iterations: 100_000_000, grain: 1000, ..Problem::DEFAULT })?;
    Ok(())
}

fn a_killed_worker_ends_the_kernel() {
    for name in ["kernel count", "kernel stencil", "kernel transpose", "kernel pipeline", "kernel grain"] {
        for victim in ["worker 0", "worker 2"] {
            let group = Group::start(&mut program(name));
            let worker =
                wait_for("worker", LIMIT, || children_of(group.id()).into_iter().find(|child| child.name == victim));
            signal(worker.id, Signal::KILL);
            let (status, errors) = group.end();
            let right = format!("error: {victim}: it ended before its work was done: signal: 9 (SIGKILL)\n");
            // A neighbour in the ring of channels may notice the end first.
            let of_a_neighbour = name == "kernel pipeline" && errors.contains("worker") && errors.lines().count() == 1;
            assert!(status.code() == Some(1) && (errors == right || of_a_neighbour), "{name}: {status}: {errors}");
        }
    }
}

fn a_panic_in_a_child_ends_the_program_with_one_line() {
    let group = Group::start(&mut program("panic"));
    let (status, errors) = group.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        errors.starts_with("error: one: it panicked: the number is 7 and not less (ch3_processes/tests/"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

/// Starts many children, one after the other and all at once, and counts what is left of them.
fn many() -> anyhow::Result<()> {
    let left = || -> anyhow::Result<_> {
        let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
        let mappings = std::fs::read_to_string("/proc/self/maps")?.matches("memfd:").count();
        let threads = std::fs::read_dir("/proc/self/task")?.count();
        let child = rustix::process::wait(WaitOptions::NOHANG);
        anyhow::ensure!(child.as_ref().err() == Some(&Errno::CHILD), "there is a child, perhaps a zombie: {child:?}");
        Ok((descriptors, mappings, threads))
    };
    let one = |number: usize| -> anyhow::Result<Child<u64>> {
        let (mut numbers, receiver) = pipe()?;
        numbers.send(&1)?;
        if number % 5 == 1 {
            // Everything that can be passed.
            let (mut bytes, bytes_out) = channel()?;
            let (texts, texts_out) = queue()?;
            bytes.send(&7)?;
            texts.send(&"seven".into())?;
            let (lock, semaphore, array) = (Lock::new(3)?, Semaphore::new(1)?, SharedArray::new(&[5, 5])?);
            return Ok(spawn("all", take_all, (bytes_out, texts_out, lock, semaphore, array))?);
        }
        if number.is_multiple_of(3) {
            let barrier = Barrier::new(1)?;
            return Ok(spawn("barrier", count_to, (3, 1, barrier, Counters::new(1)?))?);
        }
        Ok(spawn("sum", sum, (receiver,))?)
    };
    one(1)?.join()?;
    let before = left()?;
    for number in 0..1000 {
        let child = one(number)?;
        match number % 4 {
            0 => drop(child),
            _ => _ = child.join()?,
        }
    }
    join_all((0..200).map(one).collect::<Result<Vec<_>, _>>()?)?;
    anyhow::ensure!(left()? == before, "left: {:?}, not {before:?}", left()?);
    Ok(())
}

fn take_all(
    mut numbers: ch3_processes::channel::Receiver<u64>,
    texts: ch3_processes::queue::Receiver<String>,
    lock: Lock<u64>,
    semaphore: Semaphore,
    array: SharedArray<u64>,
) -> anyhow::Result<u64> {
    anyhow::ensure!(texts.recv()?.as_deref() == Some("seven") && semaphore.try_acquire().is_some());
    anyhow::ensure!(array.try_read(1)?.len() == 5);
    let three = *lock.lock().map_err(|abandoned| anyhow::anyhow!("{abandoned}"))?;
    Ok(numbers.recv()?.unwrap_or(0) * three)
}

fn nothing_is_left_of_many_children() {
    let finished = run(&mut program("many"), LIMIT).unwrap();
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""));
}

fn what_a_child_prints_comes_before_its_result() {
    let finished = run(&mut program("print"), LIMIT).unwrap();
    let lines: String = (0..100).map(|line| format!("{line} ")).collect();
    assert_eq!((finished.code(), finished.stdout), (Some(0), lines + "after\n"));
}

fn a_child_whose_reader_went_away_ends_quietly() {
    let mut group = Group::start(&mut program("print for ever"));
    assert_eq!(group.line(), "on and on\n");
    let (status, errors) = group.close_output().end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

fn a_child_that_cannot_print_is_an_error() {
    let end = |name: &str| Group::start_with(&mut program(name), File::create("/dev/full").unwrap()).end();
    // The error comes from `println!`, or from the flush at the end, or after the function has failed.
    for (name, why) in [
        ("print for ever", "stdout: No space left on device (os error 28)"),
        ("print", "stdout: No space left on device (os error 28)"),
        ("print and fail", "it could not be done: no paper"),
    ] {
        let (status, errors) = end(name);
        assert_eq!((status.code(), errors), (Some(1), format!("error: printer: {why}\n")), "{name}");
    }
}

/// Sends 1, waits for a message, and sends 2.
fn write_late(mut told: Receiver<()>, mut tell: Sender<u32>) -> anyhow::Result<Vec<u8>> {
    tell.send(&1)?;
    told.recv()?;
    tell.send(&2)?;
    Ok(vec![3; 1 << 20])
}

fn a_child_is_waited_for_unless_it_is_a_daemon() {
    for daemon in [false, true] {
        let ((mut tell, told), (said, mut heard)) = (pipe().unwrap(), pipe().unwrap());
        let child = Process::new().daemon(daemon).spawn(write_late, (told, said)).unwrap();
        assert_eq!(heard.recv().unwrap(), Some(1));
        let dropping = thread::spawn(move || drop(child));
        if !daemon {
            assert!(!dropping.is_finished());
            tell.send(&()).unwrap();
        }
        dropping.join().unwrap();
        assert_eq!(heard.recv().unwrap(), (!daemon).then_some(2));
        assert_eq!(heard.recv().unwrap(), None, "it has ended");
    }
}

fn a_child_can_be_asked_to_end() {
    let (mut child, _started) = started("asked");
    assert!(child.is_alive() && child.exit_status().is_none());
    child.terminate().unwrap();
    let status = child.wait().unwrap();
    assert!(!child.is_alive() && child.exit_status() == Some(status));
    assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    // Both do nothing: the id may be that of another process by now.
    child.terminate().unwrap();
    child.kill().unwrap();
    assert!(matches!(child.join().unwrap_err().cause(), Cause::Ended(ended) if *ended == status));
}

fn a_wait_has_a_limit() {
    let ((mut tell, told), (said, mut heard)) = (pipe().unwrap(), pipe().unwrap());
    let mut child = spawn("late", write_late, (told, said)).unwrap();
    heard.recv().unwrap();
    assert_eq!(child.wait_timeout(Duration::from_millis(20)).unwrap(), None);
    let child = child.join_timeout(Duration::ZERO).unwrap_err();
    let mut child = child.join_timeout(Duration::from_millis(20)).unwrap_err();
    tell.send(&()).unwrap();
    // The result is longer than what a socket holds, so the child ends only when the parent reads it.
    assert!(child.wait_timeout(LIMIT).unwrap().unwrap().success());
    assert!(child.wait_timeout(Duration::ZERO).unwrap().is_some(), "it was known already");
    let result = child.join_timeout(Duration::MAX).expect("it has ended").unwrap();
    assert!(result.len() == 1 << 20 && result.iter().all(|&byte| byte == 3));
}

fn children_have_the_given_name_or_a_number() {
    let name = |process: Process| process.daemon(true).spawn(hello, ()).unwrap().name().to_owned();
    let (first, second) = (name(Process::new()), name(Process::new()));
    let number = |name: &str| name.strip_prefix("Process-").unwrap().parse::<u32>().unwrap();
    assert!(number(&second) > number(&first));
    assert_eq!(name(Process::new().name("mine")), "mine");
}

fn panic_with_stdout() -> anyhow::Result<()> {
    let _held = std::io::stdout().lock();
    thread::scope(|scope| {
        scope.spawn(|| panic!("nobody can print"));
    });
    Ok(())
}

fn a_panic_is_told_though_a_thread_holds_stdout() {
    let child = spawn("holds", panic_with_stdout, ()).unwrap();
    let error = child.join_timeout(LIMIT).expect("it has ended").unwrap_err().to_string();
    assert!(error.starts_with("holds: it panicked: nobody can print ("), "{error}");
}

/// Runs in a child, since a mistake here would end the process.
fn forget_guard() -> anyhow::Result<u32> {
    let lock = Lock::new(1)?;
    std::mem::forget(lock.lock());
    drop(lock);
    let others: Vec<_> = (2..50).map(Lock::new).collect::<Result<_, _>>()?;
    others.iter().map(|lock| lock.lock().map(|guard| *guard).map_err(|abandoned| anyhow::anyhow!("{abandoned}"))).sum()
}

fn a_guard_that_is_forgotten_keeps_its_memory() {
    assert_eq!(spawn("forgets", forget_guard, ()).unwrap().join().unwrap(), (2..50).sum::<u32>());
}

/// Can be sent with any number, but received with an even number only.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
struct Even {
    number: u32,
}

impl TryFrom<u32> for Even {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number.is_multiple_of(2) { Ok(Self { number }) } else { Err("it is odd") }
    }
}

fn a_value_that_cannot_be_read_is_skipped() {
    let (mut sender, receiver) = pipe().unwrap();
    (0..3).for_each(|number| sender.send(&Even { number }).unwrap());
    drop(sender);
    let read: Vec<_> = receiver.take(10).map(|value| value.ok().map(|even| even.number)).collect();
    assert_eq!(read, [Some(0), None, Some(2)]);
}

fn the_exit_status_of_a_child_that_never_began_is_told() {
    let finished = run(program("early").env(EARLY, ""), LIMIT).unwrap();
    assert_eq!((finished.code(), finished.stderr.as_str()), (Some(0), ""));
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use ch5_async::echo::clients::{Load, exchange, finish};
use ch5_async::echo::limits::allow_open_files;
use ch5_async::echo::process::Usage;
use course::program;
use course::testing::contract::Program;
use course::testing::group::{Group, LIMIT};
use course::testing::proc::wait_for;
use course::testing::traces::{in_state, lives, of, stretches};
use rand::Rng;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

const ECHO: Program = Program {
    path: env!("CARGO_BIN_EXE_echo"),
    source: "src/bin/echo.rs",
    bad: &[
        &["--clients", "0"],
        &["--clients", "10001"],
        &["--messages", "0"],
        &["--messages", "many"],
        &["--size", "0"],
        &["--size", "65537"],
        &["--serve", "port"],
        &["--serve", "65536"],
        &["--serve", "::1"],
        &["--connect", "0"],
        &["--connect", "127.0.0.1"],
        &["--serve", "0", "--connect", "1"],
        &["--serve", "0", "--clients", "1"],
    ],
    long: &["--serve", "0"],
};

/// More than a server needs for the clients of a test, and less than a client that does not read sends.
const MEMORY: u64 = 32 << 20;

/// `echo --serve`, until it is dropped.
struct Server {
    group: Group,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        Self::start_by(Command::new(ECHO.path).args(["--serve", "0"]))
    }

    fn start_by(command: &mut Command) -> Self {
        let mut group = Group::start(command);
        let line = group.line();
        let address = line.strip_prefix("listening on ").and_then(|address| address.trim_end().parse().ok());
        let address: SocketAddr = address.unwrap_or_else(|| panic!("no address: {line}"));
        assert!(address.ip().is_loopback() && address.port() != 0, "{address}");
        Self { group, address }
    }

    fn memory(&self) -> u64 {
        Usage::of(self.group.id()).expect("the server lives").memory
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).expect("the server accepts");
        client.set_read_timeout(Some(LIMIT)).expect("a limit");
        client.set_write_timeout(Some(LIMIT)).expect("a limit");
        client
    }

    /// Runs clients of another process, which check every byte.
    fn serves(&self, clients: &str, messages: &str) {
        let address = self.address.to_string();
        let output = ECHO.succeeds(&["--connect", &address, "--clients", clients, "--messages", messages]);
        assert!(output.contains("every byte came back in "), "{output}");
    }

    /// Ends it by Ctrl-C, and returns what it said before.
    fn end(self) -> String {
        self.group.signal_all(Signal::INT);
        let (status, errors) = self.group.end();
        assert_eq!(status.code(), Some(130), "{errors}");
        errors.lines().filter(|line| !line.starts_with("interrupted: ")).map(|line| format!("{line}\n")).collect()
    }
}

/// Sends a text and checks that it comes back.
fn exchanges(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).expect("the server reads");
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer).expect("the server answers");
    assert_eq!(answer, text.as_bytes());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn keeps_its_promises() {
    ECHO.keeps_its_promises();
}

/// The words of a line of the table behind the name of the server.
fn row<'a>(output: &'a str, server: &str) -> Vec<&'a str> {
    let line = output.lines().find_map(|line| line.strip_prefix(server));
    line.unwrap_or_else(|| panic!("no {server}: {output}")).split_whitespace().collect()
}

#[test]
fn each_way_serves_all_clients_with_its_threads() {
    let output = ECHO.succeeds(&["--clients", "100", "--size", "10000"]);
    let cores = thread::available_parallelism().expect("cores").get();
    let servers = [("serial", 1), ("thread a client", 101), ("async, one thread", 1), ("async, all cores", 1 + cores)];
    for (server, threads) in servers {
        let row = row(&output, server);
        assert_eq!((row[1], row[2], row[4], row[6]), ("s,", "threads", "memory", "KiB"), "{output}");
        assert_eq!(row[3], format!("{threads},"), "{server}: {output}");
    }
}

#[test]
fn the_first_client_of_a_shutdown_gets_all_it_has_sent() {
    for clients in ["1", "2", "300"] {
        let output = ECHO.succeeds(&["--clients", clients, "--messages", "1"]);
        let owed =
            output.lines().last().and_then(|line| line.strip_prefix("shutdown: client 1 had sent ")?.split(' ').next());
        let owed: usize = owed.and_then(|owed| owed.parse().ok()).unwrap_or_else(|| panic!("no bytes: {output}"));
        // More than the server's buffer: it cannot have sent all of it back when it was told to stop.
        assert!(owed > 1 << 16, "{output}");
    }
}

#[test]
fn a_thousand_clients_get_every_byte_back() {
    let server = Server::start();
    server.serves("1000", "100");
    assert_eq!(server.end(), "");
}

#[test]
fn clients_that_vanish_in_the_middle_of_a_message_do_not_harm_the_others() {
    const CLIENTS: usize = 1500;
    allow_open_files(CLIENTS).expect("enough files");
    let server = Server::start();
    let load = Load { clients: CLIENTS, messages: 100, size: 64, seed: 42 };
    let (address, all_served) = (server.address, Arc::new(Barrier::new(CLIENTS)));
    let client = |number: usize, all_served: Arc<Barrier>| async move {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let mut bytes = load.bytes_of(number);
        let mut message = vec![0; load.size];
        for sent in 0..load.messages {
            bytes.fill_bytes(&mut message);
            if sent == 1 && number.is_multiple_of(3) {
                stream.write_all(&message[..load.size / 2]).await?;
                // Of these clients half reset the connection; the others close it with an answer that they have not read.
                if number.is_multiple_of(2) {
                    stream.set_zero_linger()?;
                }
                return Ok(());
            }
            exchange(&mut stream, &message).await?;
            if sent == 0 {
                all_served.wait().await;
            }
        }
        finish(stream).await
    };
    runtime().block_on(async {
        let mut clients: JoinSet<_> = (1..=CLIENTS).map(|number| client(number, Arc::clone(&all_served))).collect();
        let all = async {
            while let Some(done) = clients.join_next().await {
                done.expect("no client panics").expect("every byte comes back");
            }
        };
        timeout(LIMIT, all).await.expect("the server serves them in time");
    });
    server.serves("10", "1");
    assert_eq!(server.end(), "");
}

#[test]
fn slow_and_silent_clients_hold_neither_the_others_nor_memory() {
    const FLOOD: usize = 100 << 20;
    let server = Server::start();
    server.serves("100", "1");
    let before = server.memory();
    let _silent: Vec<_> = (0..50).map(|_| server.client()).collect();
    let mut half_a_line = server.client();
    exchanges(&mut half_a_line, "half a li");
    let mut slow = server.client();

    // A client that sends and does not read, until it is told to.
    let sent = Arc::new(AtomicUsize::new(0));
    let (mut writer, sends) = (server.client(), Arc::clone(&sent));
    writer.set_write_timeout(None).expect("no limit");
    let mut reader = writer.try_clone().expect("a descriptor");
    let byte = |place: usize| (place / 7) as u8;
    let flood = thread::spawn(move || {
        for from in (0..FLOOD).step_by(1 << 16) {
            let part: Vec<_> = (from..from + (1 << 16)).map(byte).collect();
            // It fails when the test has failed and the server is gone.
            if writer.write_all(&part).is_err() {
                return;
            }
            sends.fetch_add(part.len(), SeqCst);
        }
        writer.shutdown(std::net::Shutdown::Write).expect("the server lives");
    });
    // When nothing more is sent while others are served again and again, the buffers on the way are full.
    let (mut unchanged, mut before_round) = (0, 0);
    for _ in 0..500 {
        server.serves("10", "10");
        exchanges(&mut slow, "x");
        let now = sent.load(SeqCst);
        unchanged = if now == before_round && now > 0 { unchanged + 1 } else { 0 };
        before_round = now;
        if unchanged == 50 {
            break;
        }
    }
    assert_eq!(unchanged, 50, "the server reads on and on, although nobody reads its answers");
    let (taken, grown) = (sent.load(SeqCst), server.memory().saturating_sub(before));
    assert!(taken < FLOOD, "the server has taken all {taken} bytes, although nobody read its answers");
    assert!(grown < MEMORY, "the server has grown by {grown} bytes");

    exchanges(&mut half_a_line, "ne\n");
    let mut answer = vec![0; 1 << 16];
    for from in (0..FLOOD).step_by(answer.len()) {
        reader.read_exact(&mut answer).expect("the server goes on");
        assert!(answer.iter().copied().eq((from..from + answer.len()).map(byte)), "wrong bytes after {from}");
    }
    assert_eq!(reader.read(&mut answer).expect("the end"), 0);
    flood.join().expect("the client does not panic");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < MEMORY, "the server has grown by {grown} bytes");
    assert_eq!(server.end(), "");
}

#[test]
fn a_server_without_open_files_goes_on_when_clients_leave() {
    let errors = tempfile::NamedTempFile::new().expect("a file");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 80; exec \"$0\" --serve 0 2>\"$1\"", ECHO.path]).arg(errors.path());
    let server = Server::start_by(&mut limited);
    let mut clients: Vec<_> = (0..100).map(|_| server.client()).collect();
    // The last client waits for a place. Its byte comes back when others have left.
    let mut last = clients.pop().expect("a client");
    last.write_all(b"x").expect("the system takes a byte");
    // Otherwise the first clients could leave before the server has reached its limit.
    wait_for("remark that a client must wait", LIMIT, || {
        let said = std::fs::read_to_string(errors.path()).expect("what the server says");
        said.starts_with("remark: a client must wait: ").then_some(())
    });
    for mut served in clients.drain(..50) {
        exchanges(&mut served, "y");
    }
    let mut answer = [0];
    last.read_exact(&mut answer).expect("the server answers");
    assert_eq!(answer, *b"x");
    server.end();
}

/// Runs it with a limit of open files.
fn limited(limit: &str, args: &[&str]) -> program::Finished {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\""), ECHO.path]).args(args);
    program::run(&mut command, LIMIT).expect("the program starts")
}

#[test]
fn it_needs_a_file_for_each_client() {
    let finished = limited("-S -n 200", &["--clients", "300", "--messages", "1"]);
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    let finished = limited("-n 200", &["--clients", "300", "--messages", "1"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert_eq!(finished.stderr, "error: open files: 300 clients need 364, and the system allows 200\n");
    assert_eq!(finished.stdout, "");
}

/// Runs a client against a server that serves it in this way. It must end with one line.
fn error_with(server: impl FnOnce(TcpStream, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let serves = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut message = vec![0; 64];
        stream.read_exact(&mut message).expect("a message");
        server(stream, message);
    });
    let finished = ECHO.run(&["--connect", &address, "--clients", "1", "--messages", "1"]);
    serves.join().expect("the server does not panic");
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.starts_with("error: client 1: "), "{}", finished.stderr);
    finished.stderr
}

#[test]
fn the_clients_check_every_byte() {
    let wrong = error_with(|mut stream, mut message| {
        message[63] ^= 1;
        stream.write_all(&message).expect("the client reads");
    });
    assert!(wrong.contains("message 1: the answer is not the message"), "{wrong}");
    let short = error_with(|mut stream, message| stream.write_all(&message[..63]).expect("the client reads"));
    assert!(short.contains("message 1: "), "{short}");
    let long = error_with(|mut stream, mut message| {
        message.push(0);
        stream.write_all(&message).expect("the client reads");
    });
    assert!(long.contains("the server sent more than it got"), "{long}");
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let finished = ECHO.run(&["--connect", &nobody, "--clients", "5"]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&format!("connecting to {nobody}: ")), "{}", finished.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let finished = ECHO.run(&["--serve", &address]);
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with(&format!("error: listening on {address}: ")), "{}", finished.stderr);
}

#[test]
fn the_picture_has_the_first_clients_of_each_process() {
    let stretches = stretches(&ECHO, &["--clients", "50"]);
    let clients: Vec<_> = lives(&stretches, "client ").into_iter().map(|life| life.lane).collect();
    assert_eq!(clients, ["client 1", "client 2"]);
    let processes: std::collections::BTreeSet<_> =
        stretches.iter().filter(|stretch| stretch.lane == "client 2").map(|stretch| stretch.process).collect();
    // All but the serial server, whose only lane is that of its main thread.
    assert_eq!(processes.len(), 5, "{stretches:?}");
    assert!(of(&stretches, "serial", "wait").iter().any(|wait| wait.label == "bytes"), "{stretches:?}");
    assert!(in_state("wait", &stretches).iter().any(|wait| wait.lane == "async, all cores"), "{stretches:?}");
}

#[test]
fn ctrl_c_ends_the_servers_too() {
    for signal in [Signal::INT, Signal::KILL] {
        let mut group = Group::start(Command::new(ECHO.path).args(["--messages", "1000000", "--clients", "10"]));
        group.line();
        rustix::process::kill_process(course::testing::proc::pid(group.id()), signal).expect("it lives");
        let (status, errors) = group.end();
        if signal == Signal::INT {
            assert_eq!(status.code(), Some(130), "{errors}");
        }
    }
}

//! What the flags and the system allow.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::num::NonZero;
use std::thread;

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Lets this process and its children open as many files as the system allows. Returns this number.
fn raise_limit_of_open_files() -> anyhow::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("raising the limit of open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Lets this process open as many files as the system allows, and checks that there is a socket for each of this number of clients.
///
/// # Errors
/// There are not enough.
pub fn allow_open_files(clients: usize) -> anyhow::Result<()> {
    // Each process also has its standard files, and some of the runtime.
    let (need, most) = (clients as u64 + 64, raise_limit_of_open_files()?);
    let clients = if clients == 1 { "1 client needs".into() } else { format!("{clients} clients need") };
    ensure!(need <= most, "open files: {clients} {need}, and the system allows {most}");
    Ok(())
}

/// Reads an address from a flag: `PORT`, `:PORT` or `HOST:PORT`. Without a host it is an address of this machine that other
/// machines cannot reach.
///
/// # Errors
/// It is no address.
pub fn address(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if port.parse::<u16>().is_err() || (host.contains(':') && !bracketed) {
        return Err("it must be PORT, :PORT or HOST:PORT, with a port from 0 to 65535".into());
    }
    Ok(format!("{}:{port}", if host.is_empty() { "127.0.0.1" } else { host }))
}

/// The same for the address of a server that is there already: its port is not 0.
///
/// # Errors
/// It is no address of a server.
pub fn server_address(text: &str) -> Result<String, String> {
    let address = address(text)?;
    let port = address.rsplit_once(':').map_or("", |(_, port)| port);
    if port.parse() == Ok(0_u16) { Err("no server has port 0".into()) } else { Ok(address) }
}

/// Looks up the host of an address. If the host has several addresses, it is the one at which a server answers.
///
/// # Errors
/// There is no such host, or no server.
pub fn look_up(address: &str) -> anyhow::Result<SocketAddr> {
    let found: Vec<_> = address.to_socket_addrs().with_context(|| address.to_string())?.collect();
    match found[..] {
        [] => bail!("{address}: the host has no address"),
        [only] => Ok(only),
        _ => {
            let stream = TcpStream::connect(&found[..]).with_context(|| format!("connecting to {address}"))?;
            Ok(stream.peer_addr()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_host_is_of_this_machine() {
        for text in ["7000", ":7000", "127.0.0.1:7000"] {
            assert_eq!(address(text).as_deref(), Ok("127.0.0.1:7000"));
        }
        assert_eq!(address("[::1]:0").as_deref(), Ok("[::1]:0"));
        assert_eq!(address("localhost:1").as_deref(), Ok("localhost:1"));
        for text in ["", ":", "host", "65536", "-1", "127.0.0.1", "127.0.0.1:", "::1", "1:2:3"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert!(server_address("0").is_err());
        assert!(server_address("10").is_ok());
        assert!(server_address("127.0.0.1:000").is_err());
    }
}

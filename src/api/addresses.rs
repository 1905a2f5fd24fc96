//! From a name to a connection: a name is looked up once in a run, its addresses are tried side by side (the next one
//! after 250 ms, RFC 8305), and the one that answered is the first from then on.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ArrayVec, DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

/// After so long without an answer from one address the next one is tried as well.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Host and port, and what they were looked up as.
type Found = (String, Vec<SocketAddr>);

/// What was looked up in this run. ureq asks before every request, also where a connection is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<Vec<Found>>>);

impl Addresses {
    fn known(&self, place: &str) -> Option<Vec<SocketAddr>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(name, _)| name == place).map(|(_, addresses)| addresses.clone())
    }

    fn learn(&self, place: String, addresses: Vec<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((place, addresses));
    }

    /// This one answered: it is tried first from now on.
    fn prefer(&self, good: SocketAddr) {
        for (_, addresses) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if let Some(at) = addresses.iter().position(|address| *address == good) {
                addresses[..=at].rotate_right(1);
            }
        }
    }
}

impl Resolver for Addresses {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let place = uri.scheme().zip(uri.authority());
        let place = place.and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority));
        let Some(place) = place else { return Err(Error::HostNotFound) };
        let addresses = match self.known(&place) {
            Some(addresses) => addresses,
            None => {
                let found = match literal(&place) {
                    Some(address) => vec![address],
                    None => DefaultResolver::default().resolve(uri, config, timeout)?.to_vec(),
                };
                self.learn(place, found.clone());
                found
            }
        };
        Ok(some(&addresses))
    }
}

/// An address that needs no look-up, which costs a thread.
fn literal(place: &str) -> Option<SocketAddr> {
    let (host, port) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, port.parse().ok()?))
}

fn some(addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
    let mut list: ResolvedSocketAddrs = ArrayVec::from_fn(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
    let room = 16;
    addresses.iter().take(room).for_each(|address| list.push(*address));
    list
}

/// Opens the connections of an agent.
#[derive(Debug)]
pub(super) struct Opening(pub(super) Addresses);

impl<In: Transport> Connector<In> for Opening {
    type Out = Either<In, Stream>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            // Through a proxy there is a connection already.
            return Ok(Some(Either::A(chained)));
        }
        let limit = details.timeout.not_zero().map_or(Duration::from_secs(10), |limit| *limit);
        let (stream, address) = race(&details.addrs, limit).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(Timeout::Connect),
            _ => Error::Io(error),
        })?;
        stream.set_nodelay(true)?;
        self.0.prefer(address);
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(Stream { stream, buffers, reads_within: None, writes_within: None })))
    }
}

/// The first address that answers. One alone is waited for as it is, without a thread.
fn race(addresses: &[SocketAddr], limit: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    if let [one] = addresses {
        return TcpStream::connect_timeout(one, limit).map(|stream| (stream, *one));
    }
    let end = Instant::now() + limit;
    let left = || end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let (tell, told) = mpsc::channel();
    let (mut waiting, mut under_way) = (addresses.iter().copied(), 0);
    let mut fault = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let started = waiting.next().inspect(|address| {
            let (tell, address, left) = (tell.clone(), *address, left());
            // Whoever comes too late finds nobody listening, and closes its connection.
            thread::spawn(move || tell.send((address, TcpStream::connect_timeout(&address, left))));
        });
        under_way += usize::from(started.is_some());
        if under_way == 0 {
            return Err(fault);
        }
        let patience = if waiting.len() > 0 { NEXT_ADDRESS.min(left()) } else { left() + NEXT_ADDRESS };
        match told.recv_timeout(patience) {
            Ok((address, Ok(stream))) => return Ok((stream, address)),
            Ok((_, Err(error))) => {
                under_way -= 1;
                fault = error;
            }
            Err(RecvTimeoutError::Timeout) if waiting.len() > 0 => {}
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// ureq's transport over a socket; its own has no public name.
pub(super) struct Stream {
    stream: TcpStream,
    buffers: LazyBuffers,
    /// As the socket has them: setting them costs a system call.
    reads_within: Option<Duration>,
    writes_within: Option<Duration>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.stream.peer_addr().ok()).finish()
    }
}

/// What is left of a request's time; `None`: there is no limit.
fn time_left(timeout: &NextTimeout) -> Result<Option<Duration>, Error> {
    if timeout.after.is_zero() {
        return Err(Error::Timeout(timeout.reason));
    }
    Ok(timeout.not_zero().map(|left| *left))
}

fn or_timeout(error: io::Error, timeout: &NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

impl Transport for Stream {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let within = time_left(&timeout)?;
        if within != self.writes_within {
            self.stream.set_write_timeout(within)?;
            self.writes_within = within;
        }
        self.stream.write_all(&self.buffers.output()[..amount]).map_err(|error| or_timeout(error, &timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let within = time_left(&timeout)?;
        let end = within.map(|within| Instant::now() + within);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
            if left != self.reads_within {
                self.stream.set_read_timeout(left)?;
                self.reads_within = left;
            }
            match self.stream.read(self.buffers.input_append_buf()) {
                // A signal's handler ran: what is left of the time counts.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(or_timeout(error, &timeout)),
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
            }
        }
    }

    /// Open, and nothing has come unasked.
    fn is_open(&mut self) -> bool {
        let silent = self.buffers.input().is_empty()
            && self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        silent && self.stream.set_nonblocking(false).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const SECOND: Duration = Duration::from_secs(1);

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    fn closed() -> SocketAddr {
        listener().1
    }

    #[test]
    fn the_next_address_answers_where_the_first_is_dead() {
        let (_kept, good) = listener();
        // A full backlog and an address of a net for documentation: refused, unreachable, or silent.
        let silent: SocketAddr = "192.0.2.1:9".parse().expect("an address");
        for dead in [closed(), silent] {
            let started = Instant::now();
            let (_, address) = race(&[dead, good], 5 * SECOND).expect("one answers");
            assert_eq!(address, good);
            assert!(started.elapsed() < SECOND, "{:?}", started.elapsed());
        }
    }

    #[test]
    fn nobody_answers() {
        let error = race(&[closed(), closed()], SECOND).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(race(&[], SECOND).is_err());
    }

    #[test]
    fn the_good_one_is_kept() {
        let all = [closed(), closed(), closed()];
        let addresses = Addresses::default();
        addresses.learn("a.b:1".into(), all.to_vec());
        addresses.prefer(all[2]);
        assert_eq!(addresses.known("a.b:1"), Some(vec![all[2], all[0], all[1]]));
    }

    #[test]
    fn an_address_is_not_looked_up() {
        for (place, known) in [("127.0.0.1:80", true), ("[::1]:80", true), ("localhost:80", false), ("::1", false)] {
            assert_eq!(literal(place).is_some(), known, "{place}");
        }
    }
}

//! A loopback listener whose connections are served by threads of the test, which can be taken down (connections are
//! then really refused) and brought back on the same port. What is said on a connection is the caller's business.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A connection on which nothing is said for this long is given up.
const IDLE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Open,
    /// Asked to close; the listener may still be there.
    Closing,
    Closed,
    Opening,
    Ended,
}

/// No copy of a served connection is kept anywhere: the serving thread closes it by dropping it, and a reset needs the
/// last copy to go.
struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
}

impl Shared {
    fn phase(&self) -> Phase {
        *self.phase.lock().expect("no thread panics holding it")
    }

    /// `Ended` is final.
    fn enter(&self, next: Phase) {
        let mut phase = self.phase.lock().expect("no thread panics holding it");
        if *phase != Phase::Ended {
            *phase = next;
        }
        self.changed.notify_all();
    }

    fn wait_for(&self, wanted: &[Phase]) -> Phase {
        let phase = self.phase.lock().expect("no thread panics holding it");
        *self.changed.wait_while(phase, |phase| !wanted.contains(phase)).expect("no thread panics holding it")
    }
}

/// A handle that may be given to the serving threads.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Door {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the return of this call on, connections are refused. Those already there go on.
    pub fn close(&self) {
        if self.shared.phase() != Phase::Open {
            return;
        }
        self.shared.enter(Phase::Closing);
        // Wakes the accepting thread; that it is closed unserved is the point.
        let _ = TcpStream::connect(self.address);
        self.shared.wait_for(&[Phase::Closed, Phase::Ended]);
    }

    pub fn open(&self) {
        if self.shared.phase() == Phase::Closed {
            self.shared.enter(Phase::Opening);
            self.shared.wait_for(&[Phase::Open, Phase::Ended]);
        }
    }
}

pub struct Acceptor {
    door: Door,
    thread: Option<JoinHandle<()>>,
}

impl Acceptor {
    /// `serve` is called on a thread of its own for each connection.
    pub fn start(serve: impl Fn(TcpStream, &Door) + Send + Sync + 'static) -> Acceptor {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Shared { phase: Mutex::new(Phase::Open), changed: Condvar::new() };
        let door = Door { shared: Arc::new(shared), address };
        let inner = door.clone();
        let thread = std::thread::spawn(move || accept(&inner, listener, Arc::new(serve)));
        Acceptor { door, thread: Some(thread) }
    }

    pub fn door(&self) -> &Door {
        &self.door
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.door.shared.enter(Phase::Ended);
        let _ = TcpStream::connect(self.door.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A program that another test is starting has a copy of the listener until it runs: dropping ours would not close it.
fn refuse(listener: TcpListener) {
    let _ = TcpStream::from(OwnedFd::from(listener)).shutdown(Shutdown::Both);
}

fn accept(door: &Door, listener: TcpListener, serve: Arc<impl Fn(TcpStream, &Door) + Send + Sync + 'static>) {
    let mut listener = Some(listener);
    loop {
        let arrived = listener.as_ref().and_then(|listener| listener.accept().ok());
        match door.shared.phase() {
            Phase::Ended => return listener.into_iter().for_each(refuse),
            Phase::Open => {
                let Some((stream, _)) = arrived else { continue };
                let _ = stream.set_read_timeout(Some(IDLE));
                let (door, serve) = (door.clone(), serve.clone());
                std::thread::spawn(move || serve(stream, &door));
            }
            Phase::Closing | Phase::Closed | Phase::Opening => {
                listener.take().into_iter().for_each(refuse);
                door.shared.enter(Phase::Closed);
                if door.shared.wait_for(&[Phase::Opening, Phase::Ended]) == Phase::Ended {
                    return;
                }
                listener = Some(TcpListener::bind(door.address).expect("our own port is free again"));
                door.shared.enter(Phase::Open);
            }
        }
    }
}

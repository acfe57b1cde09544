//! A cable between agent and collector that counts what goes through it, and that can be pulled out.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Listens on a port of its own and passes on to the collector.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    cable: Arc<Cable>,
}

struct Cable {
    collector: SocketAddr,
    plugged: AtomicBool,
    connections: AtomicU64,
    bytes: AtomicU64,
}

impl Relay {
    pub(crate) fn start(collector: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let cable = Arc::new(Cable {
            collector,
            plugged: AtomicBool::new(true),
            connections: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let passing = cable.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                passing.connections.fetch_add(1, Ordering::Relaxed);
                if passing.plugged.load(Ordering::Relaxed) {
                    // What does not come through is for the two ends to notice.
                    let _ = pass(&passing, stream);
                }
            }
        });
        Ok(Self { address, cable })
    }

    pub(crate) fn plug(&self, in_place: bool) {
        self.cable.plugged.store(in_place, Ordering::Relaxed);
    }

    /// Attempts to connect so far.
    pub(crate) fn connections(&self) -> u64 {
        self.cable.connections.load(Ordering::Relaxed)
    }

    /// Bytes so far, both ways, as TCP carried them.
    pub(crate) fn bytes(&self) -> u64 {
        self.cable.bytes.load(Ordering::Relaxed)
    }
}

fn pass(cable: &Arc<Cable>, agent: TcpStream) -> io::Result<()> {
    let collector = TcpStream::connect(cable.collector)?;
    agent.set_nodelay(true)?;
    collector.set_nodelay(true)?;
    let ways = [(agent.try_clone()?, collector.try_clone()?), (collector, agent)];
    for (from, to) in ways {
        let cable = cable.clone();
        thread::spawn(move || one_way(&cable, from, to));
    }
    Ok(())
}

fn one_way(cable: &Cable, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        cable.bytes.fetch_add(length as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

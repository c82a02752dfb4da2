//! All sockets that we listen on, and their connections, as one source.
//!
//! Each connection is a lane: its bytes are never mixed with those of another. What has something
//! to read is read in turn, once each, until nothing is left; only then is what was read settled,
//! so that many small senders cost one trip to the disk together. What is not read stays with the
//! kernel, which has TCP's and Unix sockets' senders wait.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;

use super::address::Address;
use super::bind::{Bound, SocketFile};
use super::connection::{Connection, Got, Stream};
use super::framing::Framing;
use super::message_lines::MessageLines;
use crate::cli::input::{NextSource, Sources};
use crate::cli::message;
use crate::cli::seldom::Seldom;
use crate::cli::source::{Polled, Source};
use crate::cli::watch::{Waiting, Woken};
use crate::sys::datagram::{self, Datagram};
use crate::sys::poller::Poller;
use crate::sys::process;

/// How much of the datagrams that are not read yet the kernel is asked to keep. A short one takes
/// much more there than its bytes.
const KEPT_BYTES: usize = 16 << 20;
/// Datagrams are gathered until there is less room than this: the longest has fewer bytes.
const DATAGRAM_BYTES_MAX: usize = 224 << 10;
/// How many datagrams that were not read are counted at the end; the kernel keeps fewer.
const UNREAD_MAX: u64 = 1 << 16;
/// Descriptors that are not for connections.
const OTHER_FILES: u64 = 64;

/// How to listen.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// Where.
    pub addresses: Vec<Address>,
    /// The mode of Unix sockets.
    pub mode: u32,
    /// How many connections at a time; others wait.
    pub connections_max: usize,
    /// Whether what comes are messages of syslog, with its framings.
    pub syslog: bool,
    /// Whether records may have several lines, so that a datagram is an input of its own.
    pub several_lines: bool,
    /// The longest message, in bytes.
    pub message_bytes_max: usize,
}

/// What was lost before we could read it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lost(Rc<LostCounts>);

#[derive(Debug, Default)]
struct LostCounts {
    datagrams: Cell<u64>,
    connections: Cell<u64>,
}

/// The source; and what gives it to a tool, once.
pub struct Listener {
    options: ListenOptions,
    poller: Poller,
    /// The sockets; their numbers are their places.
    bound: Vec<(Bound, Arc<str>)>,
    /// The files of Unix sockets, which go with us.
    _files: Vec<SocketFile>,
    connections: HashMap<u64, Connection>,
    /// The number of the next connection.
    next: u64,
    /// What has something to read.
    ready: VecDeque<u64>,
    /// Whether connections wait until others end.
    is_full: bool,
    full: Seldom,
    /// The lane of what was given last, its name and position.
    lane: u64,
    name: Arc<str>,
    position: u64,
    /// Whether that lane has ended.
    is_over: bool,
    /// A datagram of another sender than those before it.
    kept: Option<(u64, Vec<u8>, Arc<str>)>,
    /// Who sent the last datagram of each socket.
    senders: Vec<Option<(SocketAddr, Arc<str>)>>,
    /// How many datagrams the kernel has dropped of each socket.
    dropped: Vec<u32>,
    lost: Lost,
    losses: Seldom,
}

impl Lost {
    /// How many datagrams.
    pub fn datagrams(&self) -> u64 {
        self.0.datagrams.get()
    }

    /// How many connections were closed because it was not known where their next message begins.
    pub fn connections(&self) -> u64 {
        self.0.connections.get()
    }

    fn add(&self, datagrams: u64) {
        self.0.datagrams.set(self.0.datagrams.get() + datagrams);
    }
}

impl Listener {
    /// Makes the sockets, and tells where they are.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn new(mut options: ListenOptions) -> anyhow::Result<Listener> {
        let poller = Poller::new()?;
        let (mut bound, mut socket_files) = (Vec::<(Bound, Arc<str>)>::new(), Vec::new());
        for address in &options.addresses {
            let (socket, at, file) = Bound::new(address, options.mode)?;
            socket_files.extend(file);
            let place = || at.to_string();
            match &socket {
                Bound::Udp(socket) => datagram::prepare(socket, KEPT_BYTES).with_context(place)?,
                Bound::Unixgram(socket) => {
                    datagram::prepare(socket, KEPT_BYTES).with_context(place)?;
                }
                Bound::Tcp(_) | Bound::Unix(_) => {}
            }
            watch(&poller, &socket, bound.len() as u64)?;
            message::note(&format!("listening on {at}"));
            bound.push((socket, Arc::from(at.to_string())));
        }
        let (files, _) = process::raise_file_limit()?;
        let connections_max = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(1);
        options.connections_max = options.connections_max.min(connections_max.max(1));
        Ok(Listener {
            options,
            poller,
            next: bound.len() as u64,
            senders: vec![None; bound.len()],
            dropped: vec![0; bound.len()],
            bound,
            _files: socket_files,
            connections: HashMap::new(),
            ready: VecDeque::new(),
            is_full: false,
            full: Seldom::default(),
            lane: 0,
            name: Arc::from("socket"),
            position: 0,
            is_over: false,
            kept: None,
            lost: Lost::default(),
            losses: Seldom::default(),
        })
    }

    /// What is lost, now and later.
    pub fn lost(&self) -> Lost {
        self.lost.clone()
    }

    /// Finds what has something to read.
    fn look(&mut self) -> io::Result<()> {
        let ready = &mut self.ready;
        self.poller.ready(|number| ready.push_back(number))
    }

    /// Reads one of those that have something to read.
    fn serve(&mut self, number: u64, block: &mut [u8]) -> anyhow::Result<Option<Polled>> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        match self.bound.get(place) {
            Some((Bound::Tcp(_) | Bound::Unix(_), _)) => {
                self.accept(place)?;
                Ok(None)
            }
            Some(_) => self.receive(place, block),
            None => Ok(self.read(number, block)),
        }
    }

    /// Takes a connection.
    fn accept(&mut self, place: usize) -> anyhow::Result<()> {
        if self.connections.len() >= self.options.connections_max {
            return self.wait_for_ends(None);
        }
        let Some((socket, at)) = self.bound.get(place) else { return Ok(()) };
        let number = self.next;
        let accepted = match socket {
            Bound::Tcp(listener) => listener.accept().map(|(stream, from)| {
                // Without it a peer that is gone is never missed.
                let _ = datagram::keep_alive(&stream);
                (stream.set_nonblocking(true), Stream::Tcp(stream), format!("tcp://{from}"))
            }),
            Bound::Unix(listener) => listener.accept().map(|(stream, _)| {
                let name = format!("{at}#{number}");
                (stream.set_nonblocking(true), Stream::Unix(stream), name)
            }),
            Bound::Udp(_) | Bound::Unixgram(_) => return Ok(()),
        };
        let (nonblocking, stream, name) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                return match error.kind() {
                    ErrorKind::WouldBlock
                    | ErrorKind::Interrupted
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::ConnectionReset => Ok(()),
                    // There are no descriptors, or no memory for them.
                    _ if !self.connections.is_empty() => self.wait_for_ends(Some(&error)),
                    _ => Err(error).with_context(|| at.to_string()),
                };
            }
        };
        nonblocking.with_context(|| name.clone())?;
        let framing = self.options.syslog.then(|| Framing::new(self.options.message_bytes_max));
        let connection = Connection::new(stream, Arc::from(name), framing);
        self.poller.add(&connection, number)?;
        self.connections.insert(number, connection);
        self.next += 1;
        Ok(())
    }

    /// Takes no more connections until one ends.
    fn wait_for_ends(&mut self, error: Option<&io::Error>) -> anyhow::Result<()> {
        let count = self.connections.len();
        self.full.note_total(|| match error {
            Some(error) => format!("{error}; more connections wait until one of {count} ends"),
            None => format!(
                "{count} connections are open; others wait until one ends; allow more with \
                 --max-connections"
            ),
        });
        self.accepting(false)
    }

    fn accepting(&mut self, accepts: bool) -> anyhow::Result<()> {
        if self.is_full != accepts {
            return Ok(());
        }
        self.is_full = !accepts;
        for (number, (socket, _)) in (0..).zip(&self.bound) {
            match socket {
                Bound::Udp(_) | Bound::Unixgram(_) => {}
                socket if accepts => watch(&self.poller, socket, number)?,
                Bound::Tcp(listener) => self.poller.remove(listener)?,
                Bound::Unix(listener) => self.poller.remove(listener)?,
            }
        }
        Ok(())
    }

    /// Reads a connection.
    fn read(&mut self, number: u64, block: &mut [u8]) -> Option<Polled> {
        // It may have been closed since.
        let connection = self.connections.get_mut(&number)?;
        let got = connection.read(block);
        (self.lane, self.position) = (number, connection.position);
        self.name = Arc::clone(&connection.name);
        let (count, why, is_garbled) = match got {
            Got::Nothing => return None,
            Got::Bytes(count) => return Some(Polled::Bytes(count)),
            Got::End(why) => (0, why, false),
            Got::Garbled(count, why) => (count, Some(why), true),
        };
        if let Some(why) = why {
            self.losses.note(|| format!("{}: {why}; the connection is closed", self.name));
        }
        if is_garbled {
            let connections = &self.lost.0.connections;
            connections.set(connections.get() + 1);
        }
        self.forget(number);
        if count == 0 {
            return Some(Polled::LaneEnd);
        }
        self.is_over = true;
        Some(Polled::Bytes(count))
    }

    fn forget(&mut self, number: u64) {
        // Its descriptor goes with it, and so does the poller's interest.
        if self.connections.remove(&number).is_some() {
            // If the poller has no memory for it, the next end tries again.
            let _ = self.accepting(true);
        }
    }

    /// Receives datagrams of one sender, as many as there are and have room.
    fn receive(&mut self, place: usize, block: &mut [u8]) -> anyhow::Result<Option<Polled>> {
        let number = place as u64;
        let mut count = 0;
        self.lane = number;
        if let Some((_, bytes, name)) = self.kept.take_if(|(socket, ..)| *socket == number) {
            let front = block.get_mut(..bytes.len()).unwrap_or_default();
            front.copy_from_slice(&bytes);
            (count, self.name) = (bytes.len(), name);
        }
        let alone = self.options.several_lines;
        while count == 0 || (!alone && block.len() - count > DATAGRAM_BYTES_MAX) {
            let room = block.get_mut(count..).unwrap_or_default();
            let Some((socket, at)) = self.bound.get(place) else { break };
            let received = match socket {
                Bound::Udp(socket) => datagram::receive(socket, room),
                Bound::Unixgram(socket) => datagram::receive(socket, room),
                Bound::Tcp(_) | Bound::Unix(_) => break,
            };
            let received = match received {
                Ok(Some(received)) => received,
                Ok(None) => break,
                // What an earlier answer of ours met; we send none, but a peer may say so.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => break,
                Err(error) => return Err(error).with_context(|| at.to_string()),
            };
            let at = Arc::clone(at);
            let length = self.note(place, &at, &received, room);
            if length == 0 {
                continue;
            }
            let name = self.sender(place, received.from).unwrap_or(at);
            if count > 0 && !Arc::ptr_eq(&name, &self.name) {
                let bytes = block.get(count..count + length).unwrap_or_default();
                self.kept = Some((number, bytes.to_vec(), name));
                self.ready.push_front(number);
                break;
            }
            self.name = name;
            count += length;
        }
        self.position += count as u64;
        self.is_over = alone && count > 0;
        Ok((count > 0).then_some(Polled::Bytes(count)))
    }

    /// The name of whoever sent a datagram, if that is known.
    fn sender(&mut self, place: usize, from: Option<SocketAddr>) -> Option<Arc<str>> {
        let (from, last) = (from?, self.senders.get_mut(place)?);
        match last {
            Some((sender, name)) if *sender == from => Some(Arc::clone(name)),
            last => {
                let name = Arc::from(format!("udp://{from}"));
                Some(Arc::clone(&last.insert((from, name)).1))
            }
        }
    }

    /// Counts what the kernel has dropped of a socket: so many in all.
    fn count_dropped(&mut self, place: usize, at: &str, dropped: u32) {
        let Some(before) = self.dropped.get_mut(place) else { return };
        let more = dropped.wrapping_sub(std::mem::replace(before, dropped));
        if more > 0 {
            self.lost.add(u64::from(more));
            self.losses.note(|| {
                format!("{at}: the kernel dropped {more} datagrams, since they came too fast")
            });
        }
    }

    /// Makes lines of a datagram; tells their length, 0 if there are none. Counts what was lost.
    fn note(&mut self, place: usize, at: &str, received: &Datagram, room: &mut [u8]) -> usize {
        if let Some(dropped) = received.dropped {
            self.count_dropped(place, at, dropped);
        }
        let Datagram { bytes, is_cut, .. } = *received;
        // The line end needs room, too.
        if is_cut || bytes >= room.len() {
            self.lost.add(1);
            self.losses.note(|| format!("{at}: a datagram is too long; it is dropped"));
            return 0;
        }
        let lines = if self.options.syslog { MessageLines::One } else { MessageLines::Several };
        let message = room.get_mut(..bytes).unwrap_or_default();
        let length = lines.make(message, true);
        match room.get_mut(length) {
            Some(end) if length > 0 => *end = b'\n',
            _ => return 0,
        }
        length + 1
    }
}

impl Drop for Listener {
    /// Counts the datagrams that no other tells of: those that were not read, and those that the
    /// kernel dropped after the last one that was.
    fn drop(&mut self) {
        for place in 0..self.bound.len() {
            let Some((socket, at)) = self.bound.get(place) else { continue };
            let (unread, dropped) = match socket {
                Bound::Udp(socket) => {
                    (datagram::discard(socket, UNREAD_MAX), datagram::dropped(socket))
                }
                Bound::Unixgram(socket) => (datagram::discard(socket, UNREAD_MAX), None),
                Bound::Tcp(_) | Bound::Unix(_) => continue,
            };
            let at = Arc::clone(at);
            self.lost.add(unread);
            if let Some(dropped) = dropped {
                self.count_dropped(place, &at, dropped);
            }
        }
    }
}

fn watch(poller: &Poller, socket: &Bound, number: u64) -> io::Result<()> {
    match socket {
        Bound::Tcp(listener) => poller.add(listener.as_fd(), number),
        Bound::Unix(listener) => poller.add(listener.as_fd(), number),
        Bound::Udp(socket) => poller.add(socket.as_fd(), number),
        Bound::Unixgram(socket) => poller.add(socket.as_fd(), number),
    }
}

impl Source for Listener {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn may_wait(&self) -> bool {
        self.ready.is_empty() && !self.is_over
    }

    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled> {
        if let Some(reason) = waiting.stopped() {
            return Ok(Polled::Stopped(reason));
        }
        if std::mem::take(&mut self.is_over) {
            return Ok(Polled::LaneEnd);
        }
        // Then what was read before is not settled yet.
        let promised = !self.ready.is_empty();
        loop {
            while let Some(number) = self.ready.pop_front() {
                if let Some(polled) = self.serve(number, block)? {
                    if self.ready.is_empty() {
                        self.look()?;
                    }
                    return Ok(polled);
                }
            }
            self.look()?;
            if !self.ready.is_empty() {
                continue;
            }
            if promised {
                return Ok(Polled::Quiet);
            }
            match waiting.until_ready(&self.poller)? {
                Woken::Ready => {}
                Woken::Quiet => return Ok(Polled::Quiet),
                Woken::Stopped(reason) => return Ok(Polled::Stopped(reason)),
            }
        }
    }

    fn lane(&self) -> Option<u64> {
        Some(self.lane)
    }

    fn close_lane(&mut self, lane: u64) {
        self.forget(lane);
    }
}

/// A listener is the one source of a tool.
pub struct Listening(Option<Listener>);

impl Listening {
    /// The sources of a tool that listens.
    pub fn new(listener: Listener) -> Listening {
        Listening(Some(listener))
    }
}

impl Sources for Listening {
    fn next(&mut self, _: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        match self.0.take() {
            Some(listener) => Ok(NextSource::Source(Box::new(listener))),
            None => Ok(NextSource::End),
        }
    }
}

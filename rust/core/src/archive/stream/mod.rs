//! Turns an archive, read once from front to back, into its members, without an index.
//!
//! Two ways to all of them: [`Stream`] reads a path or a pipe on threads of its own, ahead of the
//! caller by at most a few MiB or one member; [`PushedStream`] gets the bytes from the caller and has
//! no thread. `read_one` is for one of them.
//!
//! A member is handed out when its last byte has come. gzip's own checksum comes behind all of
//! them, so that a damaged archive is an error after the members that were whole.

mod collector;
mod pushed;
mod single;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::chunks::{Chunks, Next};
use super::file::ArchiveFile;
use super::folder;
use super::tar::{Entry, EntryKind, Members};
use super::unpack::Unpacker;
use crate::error::{Error, Result};
use collector::{Collector, Publish};
pub use collector::{Missing, StreamedMember};
pub use pushed::PushedStream;
pub(crate) use single::read_one;

/// Batches that may wait for the caller.
const QUEUE: usize = 1;

/// Bytes of input that are dealt with between two looks at whether anybody wants more.
const PIECE: usize = 64 << 10;

/// How an archive ended that had nothing wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Whether the tar ended with its end-of-archive mark.
    pub complete: bool,
    /// Why there may be members that did not come; none if there are not.
    pub stopped: Option<String>,
}

/// What [`Stream::next`] found.
#[derive(Debug)]
pub enum Turn {
    /// The next member.
    Member(Box<StreamedMember>),
    /// There are no more.
    End(End),
    /// The time is up and the next member has not come.
    NotYet,
}

enum Message {
    Members(Vec<StreamedMember>),
    End(Result<End>),
}

/// The members of an archive in its order; its threads end with it.
#[derive(Debug)]
pub struct Stream {
    ready: VecDeque<StreamedMember>,
    /// None behind the end.
    receiver: Option<Receiver<Message>>,
    worker: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    end: End,
    /// The process whose threads these are: after a fork the child has none of them.
    process: u32,
}

impl Stream {
    /// The members of the file or directory `path`.
    pub fn of_path(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::io(error, path))?;
        if metadata.is_dir() {
            let root = path.to_owned();
            return Ok(Self::start(path, move |collector, stop| {
                read_folder(&root, collector, stop)
            }));
        }
        let file = ArchiveFile::open(path)?.into_file();
        Ok(Self::of_reader(Box::new(file), path))
    }

    /// The members of what `reader` yields; `name` stands for it in messages.
    pub fn of_reader(reader: Box<dyn Read + Send>, name: &Path) -> Self {
        Self::start(name, move |collector, stop| unpack(reader, collector, stop))
    }

    fn start(
        path: &Path,
        work: impl FnOnce(&mut Collector, &AtomicBool) -> Result<End> + Send + 'static,
    ) -> Self {
        let (send, receiver) = sync_channel(QUEUE);
        let stop = Arc::new(AtomicBool::new(false));
        let (path, stopped) = (path.to_owned(), Arc::clone(&stop));
        let worker = thread::spawn(move || run(&path, &send, &stopped, work));
        Self {
            ready: VecDeque::new(),
            receiver: Some(receiver),
            worker: Some(worker),
            stop,
            end: End {
                complete: false,
                stopped: None,
            },
            process: std::process::id(),
        }
    }

    /// Whether this process was forked from the one that started the threads; nothing more comes in
    /// it then.
    pub fn is_orphaned(&self) -> bool {
        self.process != std::process::id()
    }

    /// Waits for the next member, at most for `timeout`; an error comes once, then the end.
    pub fn next(&mut self, timeout: Duration) -> Result<Turn> {
        if let Some(member) = self.ready.pop_front() {
            return Ok(Turn::Member(Box::new(member)));
        }
        let Some(receiver) = &self.receiver else {
            return Ok(Turn::End(self.end.clone()));
        };
        match receiver.recv_timeout(timeout) {
            Ok(Message::Members(members)) => {
                self.ready = members.into();
                self.next(timeout)
            }
            Ok(Message::End(end)) => {
                self.stop();
                self.end = end?;
                Ok(Turn::End(self.end.clone()))
            }
            Err(RecvTimeoutError::Timeout) => Ok(Turn::NotYet),
            Err(RecvTimeoutError::Disconnected) => {
                self.stop();
                Err(Error::archive(
                    "the thread that reads the archive ended early",
                ))
            }
        }
    }

    /// Ends the threads, but for one that waits for a pipe: that ends when the pipe says something.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.ready.clear();
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            // A panic was told as the early end that it is.
            let _ = worker.join();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.is_orphaned() {
            // The thread is the parent's, and so may be whoever holds the queue's lock.
            std::mem::forget((self.receiver.take(), self.worker.take()));
        } else {
            self.stop();
        }
    }
}

/// The worker's life: the members, then how it ended.
fn run(
    path: &Path,
    send: &SyncSender<Message>,
    stop: &AtomicBool,
    work: impl FnOnce(&mut Collector, &AtomicBool) -> Result<End>,
) {
    let members = send.clone();
    let publish: Publish = Box::new(move |batch| {
        members
            .send(Message::Members(batch))
            .map_err(|_| Error::cancelled())
    });
    let mut collector = Collector::new(Some(publish));
    let end = work(&mut collector, stop).map_err(|error| error.with_path(path));
    // The members before an error come first; where nobody listens any more, nobody is told.
    collector.settle();
    if collector.flush().is_ok() {
        let _ = send.send(Message::End(end));
    }
}

/// Unpacks what `reader` yields.
fn unpack(
    reader: Box<dyn Read + Send>,
    collector: &mut Collector,
    stop: &AtomicBool,
) -> Result<End> {
    let chunks = Chunks::start(reader, 0, None);
    let mut unpacker = Unpacker::default();
    let mut size = 0;
    loop {
        check(stop)?;
        match chunks.next()? {
            Next::Chunk(chunk) => {
                size += chunk.bytes.len() as u64;
                for piece in chunk.bytes.chunks(PIECE) {
                    check(stop)?;
                    unpacker.feed(piece, collector)?;
                }
                collector.flush()?;
            }
            Next::Nothing => {}
            Next::End => break,
        }
    }
    end(&mut unpacker, collector, size)
}

/// Judges the end of an archive of `size` bytes.
fn end(unpacker: &mut Unpacker, collector: &mut Collector, size: u64) -> Result<End> {
    let (complete, stopped) = unpacker.finish(collector, size)?;
    if unpacker.is_gzip() && !unpacker.is_checked() {
        collector.forget_unproven();
    }
    Ok(End { complete, stopped })
}

/// Reads every file below `root`.
fn read_folder(root: &Path, collector: &mut Collector, stop: &AtomicBool) -> Result<End> {
    let mut piece = vec![0; PIECE];
    for name in folder::walk(root, &mut |_| check(stop))? {
        check(stop)?;
        let path: PathBuf = root.join(OsStr::from_bytes(&name));
        read_file(&path, name, &mut piece, collector).map_err(|error| error.with_path(&path))?;
    }
    Ok(End {
        complete: true,
        stopped: None,
    })
}

/// Fails if nobody wants more.
fn check(stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::Relaxed) {
        Err(Error::cancelled())
    } else {
        Ok(())
    }
}

fn read_file(
    path: &Path,
    name: Vec<u8>,
    piece: &mut [u8],
    collector: &mut Collector,
) -> Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    collector.begin(Entry {
        name,
        data_offset: 0,
        size,
        kind: EntryKind::File,
        start: None,
    })?;
    let mut left = size;
    while left > 0 {
        let some = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        match file.read(&mut piece[..some])? {
            0 => {
                return Err(Error::archive(format!(
                    "expected a file of {size} bytes, found {}; it was changed while it was read",
                    size - left
                )));
            }
            count => {
                collector.data(&piece[..count]);
                left -= count as u64;
            }
        }
    }
    collector.end()
}

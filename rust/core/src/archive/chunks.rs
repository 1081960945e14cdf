//! Turns a file or a pipe into chunks of bytes, read ahead and summed on threads of their own.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::md5::Md5;
use crate::error::{Error, Result};

/// Bytes read at once: few system calls, and a queue of [`QUEUE`] of them is little memory.
const CHUNK: usize = 1 << 20;

/// Chunks that may wait for the md5 or for the tar.
const QUEUE: usize = 4;

/// How long to wait for input before the caller may ask whether to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Some bytes of the file, and where they start.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) offset: u64,
    pub(super) bytes: Arc<Vec<u8>>,
}

impl Chunk {
    /// The bytes from `offset` of the file on.
    pub(super) fn from(&self, offset: u64) -> &[u8] {
        let skipped = offset.saturating_sub(self.offset);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        self.bytes.get(skipped..).unwrap_or_default()
    }
}

/// What came next.
pub(super) enum Next {
    Chunk(Chunk),
    /// Nothing for a while.
    Nothing,
    End,
}

/// The two threads and what they send.
pub(super) struct Chunks {
    receiver: Receiver<io::Result<Chunk>>,
    md5: Option<(JoinHandle<()>, Arc<Mutex<Md5>>)>,
}

impl Chunks {
    /// Reads from `offset` of the file on, where `reader` stands; `md5` is that of the bytes before
    /// some place at or behind `offset`.
    pub(super) fn start(
        mut reader: Box<dyn Read + Send>,
        mut offset: u64,
        md5: Option<Md5>,
    ) -> Self {
        let (send, receiver) = sync_channel(QUEUE);
        let (md5, mut send_md5) = match md5 {
            Some(md5) => {
                let (send, receive) = sync_channel(QUEUE);
                let shared = Arc::new(Mutex::new(md5));
                let theirs = Arc::clone(&shared);
                let thread = thread::spawn(move || sum(receive, &theirs));
                (Some((thread, shared)), Some(send))
            }
            None => (None, None),
        };
        // Not joined: a pipe that says nothing more would hold the caller for ever. The thread ends
        // with its next chunk, because nobody takes it any more.
        thread::spawn(move || read_all(&mut *reader, &mut offset, &send, &mut send_md5));
        Self { receiver, md5 }
    }

    /// What comes next, if it comes soon.
    pub(super) fn next(&self) -> io::Result<Next> {
        match self.receiver.recv_timeout(PATIENCE) {
            Ok(chunk) => chunk.map(Next::Chunk),
            Err(RecvTimeoutError::Timeout) => Ok(Next::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::End),
        }
    }

    /// The md5 in progress: of more or less than the chunks received.
    pub(super) fn md5_so_far(&self) -> Option<Md5> {
        let (_, md5) = self.md5.as_ref()?;
        Some(md5.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The md5 of all chunks, which must all have been received.
    pub(super) fn finish(self) -> Result<Option<[u8; 16]>> {
        let Some((thread, md5)) = self.md5 else {
            return Ok(None);
        };
        thread
            .join()
            .map_err(|_| Error::archive("the md5 thread ended early"))?;
        let md5 = md5.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Some(md5.finish()))
    }
}

fn sum(chunks: Receiver<Chunk>, shared: &Mutex<Md5>) {
    let mut md5 = shared
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for chunk in chunks {
        md5.update(chunk.from(md5.length()));
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = md5.clone();
    }
}

fn read_all(
    reader: &mut dyn Read,
    offset: &mut u64,
    send: &SyncSender<io::Result<Chunk>>,
    send_md5: &mut Option<SyncSender<Chunk>>,
) {
    // Fresh memory costs a page fault every 4 KiB; a chunk that both have done with is used again.
    let mut used: VecDeque<Arc<Vec<u8>>> = VecDeque::new();
    loop {
        let free = used
            .front()
            .is_some_and(|chunk| Arc::strong_count(chunk) == 1);
        let chunk = if free { used.pop_front() } else { None };
        let memory = chunk.and_then(Arc::into_inner).unwrap_or_default();
        match read_chunk(reader, memory) {
            Ok(bytes) if bytes.is_empty() => return,
            Ok(bytes) => {
                let bytes = Arc::new(bytes);
                used.push_back(Arc::clone(&bytes));
                let chunk = Chunk {
                    offset: *offset,
                    bytes,
                };
                *offset += chunk.bytes.len() as u64;
                let summed = send_md5
                    .as_ref()
                    .is_none_or(|send| send.send(chunk.clone()).is_ok());
                if !summed || send.send(Ok(chunk)).is_err() {
                    return;
                }
            }
            Err(error) => {
                let _ = send.send(Err(error));
                return;
            }
        }
    }
}

/// The next chunk: full except at the end, or when a pipe has no more for now.
fn read_chunk(reader: &mut dyn Read, mut chunk: Vec<u8>) -> io::Result<Vec<u8>> {
    chunk.resize(CHUNK, 0);
    let mut filled = 0;
    while filled < CHUNK {
        match reader.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    chunk.truncate(filled);
    Ok(chunk)
}

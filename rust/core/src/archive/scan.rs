//! Turns an archive, read once from front to back, into an index.
//!
//! Three threads and bounded queues: one reads, one computes the md5, the caller's inflates,
//! parses the tar, checksums the members and looks at their image headers.
//!
//! Not here: folders (`archive/folder.rs`), the index file itself (`index/build.rs`).

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::gzip::{self, Inflater, Piece};
use super::magic;
use super::md5::Md5;
use super::record::Recorder;
use super::stamp::{self, StampTaker};
use super::tar::{Fault, TarParser};
use crate::error::{Error, Result};
use crate::index::build::IndexBuilder;
use crate::index::{Kind, Summary};
use crate::progress::{OnProgress, Progress, Reporter};

/// Bytes read at once: few system calls, and a queue of [`QUEUE`] of them is little memory.
const CHUNK: usize = 1 << 20;

/// Chunks that may wait for the md5 or for the tar.
const QUEUE: usize = 4;

/// How long the pass may wait for input before it asks whether to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a pass reads: a file or a pipe.
pub(crate) struct Source<'a> {
    pub(crate) reader: Box<dyn Read + Send>,
    /// The archive's path, or a name for messages.
    pub(crate) path: &'a Path,
    /// Bytes in all, where known.
    pub(crate) total: Option<u64>,
}

/// Indexes `source` into the file `index_path`.
pub(crate) fn scan(
    source: Source<'_>,
    index_path: &Path,
    expected_md5: Option<&str>,
    progress: &mut OnProgress<'_>,
) -> Result<Summary> {
    let expected_md5 = expected_md5.map(super::checked_md5).transpose()?;
    let builder = IndexBuilder::new(index_path)?;
    let mut report = |done: Progress| progress(done);
    let mut reporter = Reporter::new(&mut report);
    let path = source.path.to_owned();
    let total = source.total;
    let chunks = Chunks::start(source.reader);
    let mut pass = Pass::new(builder);
    let mut result = pass.run(&chunks, total, &mut reporter);
    // A read error ends the data: it explains whatever the parsers then miss.
    if let (Err(_), Some(error)) = (&result, pass.read_error.take()) {
        result = Err(Error::io(error, &path));
    }
    result.map_err(|error| error.with_path(&path))?;
    let md5 = chunks.finish()?;
    if let Some(expected) = expected_md5.filter(|expected| *expected != md5) {
        return Err(Error::archive(format!(
            "the md5 is wrong: expected `{}`, found `{}`; download the file again",
            super::hexadecimal(&expected),
            super::hexadecimal(&md5)
        ))
        .with_path(&path));
    }
    pass.finish(md5, reporter, total)
        .map_err(|error| error.with_path(&path))
}

type Chunk = Arc<Vec<u8>>;

/// The two other threads and what they send.
struct Chunks {
    receiver: Receiver<io::Result<Chunk>>,
    md5: JoinHandle<[u8; 16]>,
}

impl Chunks {
    fn start(mut reader: Box<dyn Read + Send>) -> Self {
        let (send, receiver) = sync_channel(QUEUE);
        let (send_md5, receive_md5) = sync_channel::<Chunk>(QUEUE);
        let md5 = thread::spawn(move || {
            let mut md5 = Md5::default();
            for chunk in receive_md5 {
                md5.update(&chunk[..]);
            }
            md5.finish()
        });
        // Not joined: a pipe that says nothing more would hold the caller for ever. The thread ends
        // with its next chunk, because nobody takes it any more.
        thread::spawn(move || read_all(&mut *reader, &send, &send_md5));
        Self { receiver, md5 }
    }

    /// The md5 of all chunks, which must all have been received.
    fn finish(self) -> Result<[u8; 16]> {
        self.md5
            .join()
            .map_err(|_| Error::archive("the md5 thread ended early"))
    }
}

fn read_all(
    reader: &mut dyn Read,
    send: &SyncSender<io::Result<Chunk>>,
    send_md5: &SyncSender<Chunk>,
) {
    // Fresh memory costs a page fault every 4 KiB; a chunk that both have done with is used again.
    let mut used: VecDeque<Chunk> = VecDeque::new();
    loop {
        let free = used
            .front()
            .is_some_and(|chunk| Arc::strong_count(chunk) == 1);
        let chunk = if free { used.pop_front() } else { None };
        let memory = chunk.and_then(Arc::into_inner).unwrap_or_default();
        match read_chunk(reader, memory) {
            Ok(chunk) if chunk.is_empty() => return,
            Ok(chunk) => {
                let chunk = Arc::new(chunk);
                used.push_back(Arc::clone(&chunk));
                if send_md5.send(chunk.clone()).is_err() || send.send(Ok(chunk)).is_err() {
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

/// The caller's part of the pass.
struct Pass {
    framing: Option<Framing>,
    parser: TarParser,
    recorder: Recorder,
    stamp: StampTaker,
    read_error: Option<io::Error>,
    complete: bool,
}

enum Framing {
    Tar,
    Gzip(Box<Inflater>),
}

impl Pass {
    fn new(builder: IndexBuilder) -> Self {
        Self {
            framing: None,
            parser: TarParser::default(),
            recorder: Recorder::new(builder),
            stamp: StampTaker::default(),
            read_error: None,
            complete: false,
        }
    }

    fn run(
        &mut self,
        chunks: &Chunks,
        total: Option<u64>,
        reporter: &mut Reporter<'_>,
    ) -> Result<()> {
        loop {
            match chunks.receiver.recv_timeout(PATIENCE) {
                Ok(Ok(chunk)) => {
                    self.stamp.take(&chunk);
                    self.feed(&chunk)?;
                }
                Ok(Err(error)) => {
                    self.read_error = Some(error);
                    return Err(Error::archive("reading failed"));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            reporter.tick(self.progress(total))?;
        }
        self.end()
    }

    fn progress(&self, total: Option<u64>) -> Progress {
        Progress {
            done: self.stamp.size(),
            total,
            members: self.recorder.members(),
        }
    }

    fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        let Self {
            framing,
            parser,
            recorder,
            ..
        } = self;
        let framing = match framing {
            Some(framing) => framing,
            None if chunk.starts_with(&gzip::MAGIC) => {
                framing.insert(Framing::Gzip(Box::new(Inflater::new())))
            }
            None => {
                magic::refuse_other_formats(chunk)?;
                framing.insert(Framing::Tar)
            }
        };
        match framing {
            Framing::Tar => parser
                .push(chunk, recorder)
                .map_err(|fault| explain(fault, None)),
            Framing::Gzip(inflater) => {
                inflater.feed(chunk, &mut |piece| record(piece, parser, recorder))
            }
        }
    }

    fn end(&mut self) -> Result<()> {
        let Self {
            framing,
            parser,
            recorder,
            ..
        } = self;
        let mut at = None;
        if let Some(Framing::Gzip(inflater)) = framing {
            at = Some(self.stamp.size());
            inflater.finish(&mut |piece| record(piece, parser, recorder))?;
        }
        self.complete = parser.finish().map_err(|fault| explain(fault, at))?;
        Ok(())
    }

    /// Writes the index; nothing has its name before.
    fn finish(
        self,
        md5: [u8; 16],
        mut reporter: Reporter<'_>,
        total: Option<u64>,
    ) -> Result<Summary> {
        reporter.finish(self.progress(total))?;
        let kind = match self.framing {
            Some(Framing::Gzip(_)) => Kind::Gzip,
            _ => Kind::Tar,
        };
        let builder = self.recorder.finish()?;
        let stamp = self.stamp.finish();
        builder.finish(Summary {
            kind,
            complete: self.complete,
            stopped: None,
            members: 0,
            bytes: 0,
            stamp,
            md5: Some(md5),
            fingerprint: stamp::fingerprint(&stamp),
        })
    }
}

/// Records the members in one piece of inflated tar.
fn record(mut piece: Piece<'_>, parser: &mut TarParser, recorder: &mut Recorder) -> Result<()> {
    recorder.start_piece(&mut piece);
    let at = piece.end_bit / 8;
    parser
        .push(piece.bytes, recorder)
        .map_err(|fault| explain(fault, Some(at)))?;
    recorder.end_piece()
}

/// The error for what is wrong with the tar; `compressed` is about where in the file.
fn explain(fault: Fault, compressed: Option<u64>) -> Error {
    match (fault, compressed) {
        (Fault::Sink(error), _) => error,
        (
            Fault::Tar {
                message,
                tar_offset,
            },
            None,
        ) => Error::archive(message).with_offset(tar_offset),
        (
            Fault::Tar {
                message,
                tar_offset,
            },
            Some(at),
        ) => Error::archive(format!(
            "{message}, {tar_offset} bytes into the uncompressed tar"
        ))
        .with_offset(at),
    }
}

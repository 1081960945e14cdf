//! Turns an archive, read once from front to back, into an index.
//!
//! The caller's thread inflates and parses (`archive/unpack.rs`), checksums the members and looks at
//! their image headers; `archive/chunks.rs` has the two other threads. A pass over a file keeps a journal, and
//! takes up the one of an earlier pass that was ended, or whose file has grown since.
//!
//! Not here: folders (`archive/folder.rs`), the index file itself (`index/write.rs`).

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::chunks::{Chunk, Chunks, Next};
use super::cut::Cut;
use super::deflate::BLOCK_HEADER_BYTES;
use super::file::ArchiveFile;
use super::gzip::{Inflater, Piece};
use super::md5::Md5;
use super::record::Recorder;
use super::stamp::{self, StampTaker};
use super::tar::{Fault, Start, TarParser};
use super::unpack::{Sink, Unpacker};
use crate::error::{Error, ErrorKind, Result};
use crate::index::build::IndexBuilder;
use crate::index::checkpoint::Checkpoint;
use crate::index::{Kind, Summary, journal};
use crate::progress::{OnProgress, Progress, Reporter};

/// What a pass reads.
pub(crate) enum Input {
    /// A regular file: it can be read again.
    File(ArchiveFile),
    /// Anything else.
    Stream(Box<dyn Read + Send>),
}

/// What a pass is to find out beside the members.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) expected_md5: Option<&'a str>,
    /// Whether to leave the md5 out.
    pub(crate) no_md5: bool,
}

/// Indexes `input`, called `path` in messages, into the file `index_path`.
pub(crate) fn scan(
    input: Input,
    path: &Path,
    index_path: &Path,
    wanted: Wanted<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<Summary> {
    let expected_md5 = wanted.expected_md5.map(super::checked_md5).transpose()?;
    let mut builder = IndexBuilder::new(index_path)?;
    let mut report = |done: Progress| progress(done);
    let mut reporter = Reporter::new(&mut report);
    let (chunks, mut pass) = match input {
        Input::Stream(reader) => {
            let md5 = (!wanted.no_md5).then(Md5::default);
            (Chunks::start(reader, 0, md5), Pass::new(builder, None))
        }
        Input::File(file) => {
            let size = file.size()?;
            let fits = |checkpoint: &Checkpoint| fits(&file, size, checkpoint, wanted);
            let found = journal::open(&mut builder, index_path, fits)
                .map_err(|error| Error::io(error, journal::journal_path(index_path)))?;
            start(&file, size, builder, found, wanted).map_err(|error| error.with_path(path))?
        }
    };
    let outcome = pass
        .run(&chunks, &mut reporter)
        .and_then(|()| pass.end(chunks, expected_md5, &mut reporter));
    pass.close(outcome, path)
}

/// Whether a pass can go on from `checkpoint`: what was read then is what the file has now.
fn fits(file: &ArchiveFile, size: u64, checkpoint: &Checkpoint, wanted: Wanted<'_>) -> bool {
    let read = checkpoint.read;
    let same = read.size <= size && stamp::of_file(file, read.size).is_ok_and(|now| now == read);
    same && (wanted.no_md5 || checkpoint.md5.is_some())
}

/// The threads and the pass over a file, from its start or from a checkpoint on.
fn start(
    file: &ArchiveFile,
    size: u64,
    builder: IndexBuilder,
    found: Option<Checkpoint>,
    wanted: Wanted<'_>,
) -> Result<(Chunks, Pass)> {
    let mut reader = file.reopen()?;
    let Some(checkpoint) = found else {
        let md5 = (!wanted.no_md5).then(Md5::default);
        let chunks = Chunks::start(Box::new(reader), 0, md5);
        return Ok((chunks, Pass::new(builder, Some(size))));
    };
    let mut pass = Pass::new(builder, Some(size));
    let parser = pass
        .go_on(&checkpoint)
        .map_err(|fault| fault.explain(None))?;
    pass.file_offset = checkpoint.tar_offset;
    let mut inflater = None;
    if let Some(gzip) = &checkpoint.gzip {
        let mut header = [0; BLOCK_HEADER_BYTES];
        let count = file.read_up_to(&mut header, gzip.header_bit / 8)?;
        inflater = Some(Inflater::starting_at(gzip, &header[..count])?);
        pass.file_offset = gzip.bit / 8;
    }
    pass.unpacker = Unpacker::starting_at(checkpoint.tar_offset, parser, inflater);
    let md5 = match &checkpoint.md5 {
        Some(md5) if !wanted.no_md5 => Some(Md5::restore(md5)),
        _ => None,
    };
    let md5_offset = md5.as_ref().map_or(u64::MAX, Md5::length);
    let offset = pass.file_offset.min(md5_offset);
    pass.stamp = StampTaker::of_file(file, offset)?;
    reader
        .seek(SeekFrom::Start(offset))
        .map_err(|error| Error::io(error, file.path()))?;
    Ok((Chunks::start(Box::new(reader), offset, md5), pass))
}

/// The caller's part of the pass.
struct Pass {
    unpacker: Unpacker,
    recorder: Option<Recorder>,
    stamp: StampTaker,
    /// Bytes of the file before this one have been dealt with by an earlier pass.
    file_offset: u64,
    total: Option<u64>,
}

impl Pass {
    fn new(builder: IndexBuilder, total: Option<u64>) -> Self {
        Self {
            unpacker: Unpacker::default(),
            recorder: Some(Recorder::new(builder)),
            stamp: StampTaker::default(),
            file_offset: 0,
            total,
        }
    }

    /// Sets up the recorder where an earlier pass was, and the parser that goes with it.
    fn go_on(&mut self, checkpoint: &Checkpoint) -> Result<TarParser, Fault> {
        let start = Start {
            tar_offset: checkpoint.tar_offset,
            zero_blocks: checkpoint.zero_blocks,
            global: checkpoint.global.clone(),
        };
        let Some(inside) = &checkpoint.inside else {
            return TarParser::starting_at(&start);
        };
        let (size, first) = (inside.place.size, inside.place.tar_offset);
        let left = size - (start.tar_offset - first);
        let parser = TarParser::starting_inside(&start, &inside.name, size, left)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.go_on_inside(inside, start);
        }
        Ok(parser)
    }

    fn run(&mut self, chunks: &Chunks, reporter: &mut Reporter<'_>) -> Result<()> {
        loop {
            match chunks.next() {
                Ok(Next::Chunk(chunk)) => {
                    self.stamp.take(&chunk.bytes);
                    self.feed(&chunk)?;
                    self.commit(chunks)?;
                }
                Ok(Next::Nothing) => {}
                Ok(Next::End) => return Ok(()),
                Err(error) => return Err(Error::from(error)),
            }
            reporter.tick(self.progress())?;
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.stamp.size(),
            total: self.total,
            members: self.recorder.as_ref().map_or(0, Recorder::members),
        }
    }

    fn feed(&mut self, chunk: &Chunk) -> Result<()> {
        match &mut self.recorder {
            Some(recorder) => self.unpacker.feed(chunk.from(self.file_offset), recorder),
            None => Ok(()),
        }
    }

    /// Logs the last place to go on from, if there is a new one.
    fn commit(&mut self, chunks: &Chunks) -> Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let Some(cut) = recorder.take_cut() else {
            return Ok(());
        };
        let Cut {
            members,
            window_bytes,
            start,
            inside,
            gzip,
            ..
        } = cut;
        let checkpoint = Checkpoint {
            members,
            window_bytes,
            tar_offset: start.tar_offset,
            zero_blocks: start.zero_blocks,
            global: start.global,
            inside,
            read: self.stamp.finish(),
            md5: chunks.md5_so_far().map(|md5| md5.snapshot()),
            gzip,
        };
        recorder.builder().commit(&checkpoint).map_err(Error::from)
    }

    /// Judges the end of the file, and writes the index.
    fn end(
        &mut self,
        chunks: Chunks,
        expected_md5: Option<[u8; 16]>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Summary> {
        let Some(mut recorder) = self.recorder.take() else {
            return Err(Error::archive("the pass has ended before"));
        };
        let end = self.unpacker.finish(&mut recorder, self.stamp.size());
        // The members and the journal outlive a bad end.
        self.recorder = Some(recorder);
        let (complete, stopped) = end?;
        let md5 = chunks.finish()?;
        if let (Some(expected), Some(found)) = (expected_md5, md5)
            && expected != found
        {
            return Err(wrong_md5(&expected, &found, stopped.as_deref()));
        }
        reporter.finish(self.progress())?;
        let Some(recorder) = self.recorder.take() else {
            return Err(Error::archive("the pass has ended before"));
        };
        let stamp = self.stamp.finish();
        let unproven =
            self.unpacker.is_gzip() && !self.unpacker.is_checked() && recorder.last_is_unproven();
        let mut builder = recorder.finish()?;
        let journal = builder.take_journal();
        let whole = stopped.is_none();
        if unproven {
            builder.forget_last()?;
        }
        let written = builder.finish(Summary {
            kind: if self.unpacker.is_gzip() {
                Kind::Gzip
            } else {
                Kind::Tar
            },
            complete,
            stopped,
            members: 0,
            bytes: 0,
            stamp,
            md5,
            fingerprint: stamp::fingerprint(&stamp),
        });
        // The journal of a part stays: from there a longer file goes on. So does that of an index
        // for which there is no room.
        let done = whole && written.is_ok();
        if let Some(journal) = journal.filter(|journal| done || !journal.is_useful()) {
            journal.remove();
        }
        written
    }

    /// Adds the archive's name to an error, and leaves no journal of an archive that is no good.
    fn close(mut self, outcome: Result<Summary>, path: &Path) -> Result<Summary> {
        outcome.map_err(|error| {
            let error = error.with_path(path);
            let resumable = error.is_truncated()
                || matches!(error.kind(), ErrorKind::Io | ErrorKind::Cancelled);
            let journal = self
                .recorder
                .as_mut()
                .and_then(|recorder| recorder.builder().take_journal());
            if let Some(journal) = journal.filter(|journal| !resumable || !journal.is_useful()) {
                journal.remove();
            }
            error
        })
    }
}

fn wrong_md5(expected: &[u8; 16], found: &[u8; 16], stopped: Option<&str>) -> Error {
    let (expected, found) = (super::hexadecimal(expected), super::hexadecimal(found));
    let error = Error::archive(match stopped {
        None => format!(
            "the md5 is wrong: expected `{expected}`, found `{found}`; download the file again"
        ),
        Some(reason) => format!(
            "{reason}; expected the md5 `{expected}`, found `{found}`; go on with the download, \
             then run this again"
        ),
    });
    if stopped.is_some() {
        error.truncated()
    } else {
        error
    }
}

impl Sink for Recorder {
    fn start_piece(&mut self, piece: &mut Piece<'_>) {
        Self::start_piece(self, piece);
    }

    fn end_piece(&mut self, piece: &Piece<'_>) -> Result<()> {
        Self::end_piece(self, piece)
    }
}

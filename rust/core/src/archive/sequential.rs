//! Turns a file into its bytes from front to back, without pushing everything else out of memory.
//!
//! What is read once stays in the page cache. An archive that fits there is better kept: the reads
//! at random that follow find it. One that does not would push out other files and then its own
//! beginning, so what has been read is dropped behind.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

/// How much is dropped at once.
const STEP: u64 = 32 << 20;

/// A file that is read from front to back.
#[derive(Debug)]
pub(crate) struct Sequential {
    file: File,
    at: u64,
    /// Bytes before this one were dropped, if they are to be.
    dropped: Option<u64>,
}

impl Sequential {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let memory = rustix::system::sysinfo();
        let memory = (memory.totalram as u64).saturating_mul(memory.mem_unit.into());
        let keep = file.metadata()?.len() <= memory / 2;
        Ok(Self::keeping(file, keep))
    }

    fn keeping(file: File, keep: bool) -> Self {
        // Advice only: some file systems know none, and nothing is lost then.
        let _ = fadvise(&file, 0, None, Advice::Sequential);
        Self {
            file,
            at: 0,
            dropped: (!keep).then_some(0),
        }
    }
}

impl Read for Sequential {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.at += count as u64;
        if let Some(dropped) = &mut self.dropped
            && let Some(length) = NonZeroU64::new(self.at - *dropped)
            && (length.get() >= STEP || count == 0)
        {
            let _ = fadvise(&self.file, *dropped, Some(length), Advice::DontNeed);
            *dropped = self.at;
        }
        Ok(count)
    }
}

impl Seek for Sequential {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        self.dropped = self.dropped.map(|_| self.at);
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn all_bytes_come_whether_they_are_dropped_or_kept() {
        let bytes: Vec<u8> = (0..(70u32 << 20)).map(|at| (at / 977) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        for keep in [true, false] {
            let mut reader = Sequential::keeping(File::open(file.path()).unwrap(), keep);
            let mut found = Vec::new();
            reader.read_to_end(&mut found).unwrap();
            assert!(found == bytes);
            assert_eq!(reader.dropped, (!keep).then_some(bytes.len() as u64));
            assert_eq!(reader.seek(SeekFrom::Start(100)).unwrap(), 100);
            let mut some = [0; 1000];
            reader.read_exact(&mut some).unwrap();
            assert_eq!(some, bytes[100..1100]);
        }
    }
}

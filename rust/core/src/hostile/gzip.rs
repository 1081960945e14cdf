//! Turns any bytes, taken as a `.gz` file, into what our inflater and `flate2` make of them.

use std::io::Read;

use crate::archive::gzip::{Inflater, Piece};
use crate::archive::points::Points;
use crate::error::{Error, Result};

/// Checks that both readers find the same bytes or both refuse.
///
/// `flate2` decodes with `zlib-rs`. The two differ on purpose in one thing:
///
/// * Zero bytes behind a member are padding, as for gzip itself; `flate2` refuses them, so they are
///   taken away before it sees them.
///
/// # Panics
/// If the readers differ.
pub fn gzip(bytes: &[u8]) {
    let theirs = by_flate2(bytes);
    let short = 1 + usize::from(bytes.last().copied().unwrap_or(0)) % 64;
    for step in [bytes.len().max(1), short] {
        match (inflated(bytes, step), &theirs) {
            (Ok(ours), Some(theirs)) => assert!(ours == *theirs, "other bytes, step {step}"),
            (Err(_), None) => {}
            (Ok(ours), None) => panic!("only flate2 refuses; ours has {} bytes", ours.len()),
            (Err(error), Some(theirs)) => {
                panic!(
                    "only ours refuses: {error}; flate2 has {} bytes",
                    theirs.len()
                )
            }
        }
    }
}

/// What our inflater makes of `bytes` that arrive in pieces of `step`.
pub(super) fn inflated(bytes: &[u8], step: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut points = Points::default();
    let mut sink = |piece: Piece<'_>| {
        assert_eq!(
            piece.tar_offset,
            out.len() as u64,
            "pieces follow one another"
        );
        points.take(piece.log, piece.bytes, piece.tar_offset);
        points.prune();
        out.extend_from_slice(piece.bytes);
        Ok(())
    };
    let mut inflater = Inflater::default();
    for piece in bytes.chunks(step) {
        inflater.feed(piece, &mut sink)?;
    }
    let end: Option<Error> = inflater.finish(&mut sink)?;
    end.map_or(Ok(out), Err)
}

/// What `flate2` makes of all members; `None` if it refuses.
fn by_flate2(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        flate2::bufread::GzDecoder::new(&mut bytes)
            .read_to_end(&mut out)
            .ok()?;
        let padding = bytes.iter().position(|&byte| byte != 0);
        bytes = &bytes[padding.unwrap_or(bytes.len())..];
        if bytes.is_empty() {
            return Some(out);
        }
    }
}

//! Inflating and random reads beside zlib-rs: `cargo bench --bench archive [-- FILE.tar.gz]`.
//!
//! Without a file it makes photos of its own and packs them. All sides take turns for several
//! rounds; the medians are compared. With `--once` every side runs once, for correctness.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints a table and may end at any error"
)]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ptarmigan_core::archive::deflate::{Output, SLACK, Stop, Untraced, WINDOW, Walker};
use ptarmigan_core::archive::{Archive, OpenOptions};
use ptarmigan_core::member::{Reader, read_many, read_many_with};
use ptarmigan_core::synth::{Camera, Pictures};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

const ROUNDS: usize = 9;
const PHOTOS: usize = 200;
const PIECE: usize = 256 << 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = if arguments.iter().any(|argument| argument == "--once") {
        1
    } else {
        ROUNDS
    };
    let folder = tempfile::tempdir().unwrap();
    let given = arguments.iter().find(|argument| !argument.starts_with('-'));
    let path = match given {
        Some(path) => PathBuf::from(path),
        None => made(folder.path()),
    };
    let options = OpenOptions {
        index_path: Some(folder.path().join("index")),
        ..OpenOptions::default()
    };
    let archive = Archive::open(&path, &options, &mut |_| ControlFlow::Continue(())).unwrap();
    println!(
        "{} members of {}, {}",
        archive.index().len(),
        path.display(),
        processor()
    );
    whole_stream(&path, rounds);
    random_reads(&archive, &path, rounds);
    two_threads(&archive, rounds);
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(": ").nth(1));
    name.unwrap_or("an unknown processor").to_owned()
}

/// Seconds of every side, the median of rounds in which all take turns.
fn medians<const N: usize>(rounds: usize, mut sides: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    // One round to warm up.
    for round in 0..=rounds {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            let start = Instant::now();
            side();
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

/// An archive of made photos: a tar of them, compressed by zlib-rs at level 6.
fn made(folder: &Path) -> PathBuf {
    let numbers: Vec<i64> = (0..PHOTOS as i64).collect();
    let pictures = Pictures {
        classes: &numbers,
        groups: &numbers,
        keys: &numbers,
        widths: &[800; PHOTOS],
        heights: &[600; PHOTOS],
        components: &[3; PHOTOS],
    };
    let photos = Camera::new(1, 4.9)
        .unwrap()
        .photograph(&pictures, 2)
        .unwrap();
    let mut tar = Vec::new();
    for (number, photo) in photos.iter().enumerate() {
        let mut header = [0; 512];
        let name = format!("{number:032x}.jpg");
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", photo.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        tar.extend(header);
        tar.extend_from_slice(photo);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    out.extend(deflated(&tar));
    out.extend(crc32fast::hash(&tar).to_le_bytes());
    out.extend((tar.len() as u32).to_le_bytes());
    let path = folder.join("made.tar.gz");
    std::fs::write(&path, out).unwrap();
    path
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len() + data.len() / 100 + 1000];
    let mut deflate = Deflate::new(6, false, 15);
    let status = deflate.compress(data, &mut out, DeflateFlush::Finish);
    assert!(matches!(status, Ok(Status::StreamEnd)));
    out.truncate(deflate.total_out() as usize);
    out
}

fn whole_stream(path: &Path, rounds: usize) {
    let file = std::fs::read(path).unwrap();
    let body = body(&file);
    let bytes = walked(body);
    assert_eq!(bytes, inflated(body));
    let [ours, theirs] = medians(
        rounds,
        [&mut || _ = black_box(walked(body)), &mut || {
            _ = black_box(inflated(body));
        }],
    );
    row(
        "inflating, MB/s",
        bytes as f64 / 1e6,
        ours,
        &[("zlib-rs", theirs)],
    );
}

/// The deflate stream behind a header without extras, or with the name that gzip puts there.
fn body(file: &[u8]) -> &[u8] {
    let name = if file[3] & 8 == 0 {
        0
    } else {
        1 + file[10..].iter().position(|&byte| byte == 0).unwrap()
    };
    &file[10 + name..]
}

fn walked(body: &[u8]) -> usize {
    let mut walker = Walker::default();
    walker.start(0);
    let mut bytes = vec![0; WINDOW + PIECE + SLACK];
    let (mut at, mut fed, mut total) = (WINDOW, 0, 0);
    loop {
        let mut output = Output {
            bytes: &mut bytes,
            at,
            limit: WINDOW + PIECE,
            floor: 0,
        };
        let (used, stop) = walker
            .run(&body[fed..], &mut output, &mut Untraced)
            .unwrap();
        at = output.at;
        fed += used;
        match stop {
            Stop::Output => {
                total += at - WINDOW;
                bytes.copy_within(at - WINDOW..at, 0);
                at = WINDOW;
            }
            Stop::End => return total + at - WINDOW,
            Stop::Input => return 0,
        }
    }
}

fn inflated(body: &[u8]) -> usize {
    let mut inflate = Inflate::new(false, 15);
    let mut bytes = vec![0; PIECE];
    loop {
        let input = &body[inflate.total_in() as usize..];
        match inflate.decompress(input, &mut bytes, InflateFlush::NoFlush) {
            Ok(Status::StreamEnd) => return inflate.total_out() as usize,
            Ok(_) if inflate.total_out() > 0 => {}
            _ => return 0,
        }
    }
}

/// All members in an order of chance, beside zlib-rs on the same bytes from front to back: no file,
/// no seek point, no checksum.
fn random_reads(archive: &Archive, path: &Path, rounds: usize) {
    let order = shuffled(archive.index().len());
    let file = std::fs::read(path).unwrap();
    let body = body(&file);
    let mut reader = Reader::default();
    let [ours, theirs] = medians(
        rounds,
        [
            &mut || {
                for &member in &order {
                    black_box(archive.read_slice(member, &mut reader).unwrap());
                }
            },
            &mut || {
                black_box(inflated(body));
            },
        ],
    );
    let count = order.len() as f64;
    row(
        "random reads/s",
        count,
        ours,
        &[("zlib-rs on the same bytes in order", theirs)],
    );
}

/// Reads whose bytes are dropped at once, and `read_many`, which keeps them all: fresh memory.
fn two_threads(archive: &Archive, rounds: usize) {
    let order = shuffled(archive.index().len());
    let drop = |threads: usize| {
        let progress = &mut |_| ControlFlow::Continue(());
        let lengths = read_many_with(archive, &order, Some(threads), progress, <[u8]>::len);
        black_box(lengths.unwrap());
    };
    let count = order.len() as f64;
    let [two, one] = medians(rounds, [&mut || drop(2), &mut || drop(1)]);
    row(
        "reads on two threads, members/s",
        count,
        two,
        &[("on one", one)],
    );
    let keep = |threads: usize| {
        let progress = &mut |_| ControlFlow::Continue(());
        black_box(read_many(archive, &order, Some(threads), progress).unwrap());
    };
    let [two, one] = medians(rounds, [&mut || keep(2), &mut || keep(1)]);
    row(
        "read_many on two threads, members/s",
        count,
        two,
        &[("on one", one)],
    );
}

fn row(what: &str, amount: f64, ours: f64, peers: &[(&str, f64)]) {
    print!("{what}: {:.0}", amount / ours);
    for (name, seconds) in peers {
        print!("; {name} {:.0} ({:.2}x)", amount / seconds, seconds / ours);
    }
    println!();
}

/// The numbers below `count` in an order that is the same every time.
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&number| (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    order
}

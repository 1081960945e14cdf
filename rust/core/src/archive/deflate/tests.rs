//! The walker against `miniz_oxide`, whole and in pieces, from the start and from the middle.

use proptest::prelude::*;

use super::*;
use crate::random::{Purpose, Stream};

/// Decodes `input` in pieces of `step` bytes into pieces of `room` bytes; `None` if it ends early.
fn walk<T: Trace>(
    input: &[u8],
    step: usize,
    room: usize,
    trace: &mut T,
) -> crate::Result<Option<Vec<u8>>> {
    let mut walker = Walker::default();
    walker.start(0);
    let mut bytes = vec![0; 1 << 22];
    let mut at = 0;
    let mut fed = 0;
    loop {
        let piece = &input[fed..input.len().min(fed + step)];
        let limit = (at + room).min(bytes.len() - SLACK);
        let mut output = Output {
            bytes: &mut bytes,
            at,
            limit,
            floor: 0,
        };
        let (used, stop) = walker.run(piece, &mut output, trace)?;
        at = output.at;
        fed += used;
        match stop {
            Stop::End => {
                bytes.truncate(at);
                return Ok(Some(bytes));
            }
            Stop::Input if fed == input.len() => return Ok(None),
            Stop::Input => assert_eq!(used, piece.len()),
            Stop::Output => assert!(at >= limit),
        }
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed, 0, 0, Purpose::Crop);
    (0..length).map(|_| stream.below(256) as u8).collect()
}

/// Data with literals, short and long matches, near and far.
fn mixture(seed: u64, length: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed, 1, 0, Purpose::Crop);
    let mut data = noise(seed, 300);
    while data.len() < length {
        match stream.below(3) {
            0 => data.extend(noise(stream.below(1 << 40), 1 + stream.below(400) as usize)),
            1 => {
                let start = data.len().saturating_sub(1 + stream.below(32768) as usize);
                let end = data.len().min(start + 3 + stream.below(256) as usize);
                data.extend_from_within(start..end);
            }
            _ => {
                let byte = stream.below(256) as u8;
                data.extend(std::iter::repeat_n(byte, 1 + stream.below(300) as usize));
            }
        }
    }
    data.truncate(length);
    data
}

/// Data that is mostly literals of six to eleven bits, with a match now and then, as a photo's.
fn literals(seed: u64, length: usize) -> Vec<u8> {
    let mut stream = Stream::new(seed, 2, 0, Purpose::Crop);
    let mut data = Vec::new();
    while data.len() < length {
        if stream.below(700) == 0 && data.len() > 300 {
            let start = data.len() - 1 - stream.below(data.len().min(32768) as u64 - 1) as usize;
            let end = data.len().min(start + 3 + stream.below(9) as usize);
            data.extend_from_within(start..end);
        }
        data.push(u64::midpoint(stream.below(256), stream.below(256)) as u8);
    }
    data.truncate(length);
    data
}

#[test]
fn literals_are_the_same_whatever_part_of_them_a_scout_decodes() {
    let data = literals(1, 600_000);
    for level in [1, 6, 9] {
        let packed = miniz_oxide::deflate::compress_to_vec(&data, level);
        // Pieces of 700 bytes are too short for a scout.
        let mut alone = Record::default();
        let found = walk(&packed, 700, 1 << 21, &mut alone).unwrap();
        assert!(found.unwrap() == data, "level {level}");
        assert!(
            alone.blocks.len() > 3 && alone.far.len() > 10,
            "level {level}"
        );
        for (step, room) in [
            (usize::MAX / 2, 1 << 21),
            (1 << 20, 256 << 10),
            (30_011, 1 << 21),
            (1 << 20, 30_011),
            (20_000, 20_000),
        ] {
            let mut record = Record::default();
            let found = walk(&packed, step, room, &mut record).unwrap();
            assert!(found.unwrap() == data, "level {level}, {step}, {room}");
            assert!(record == alone, "level {level}, {step}, {room}");
        }
    }
}

#[test]
fn the_walker_stops_at_the_same_symbol_wherever_it_started() {
    let data = literals(2, 300_000);
    let packed = miniz_oxide::deflate::compress_to_vec(&data, 6);
    let stops = |first: usize| {
        let mut walker = Walker::default();
        walker.start(0);
        let mut bytes = vec![0; data.len() + SLACK];
        let (mut at, mut fed, mut found) = (0, 0, Vec::new());
        for limit in (first..data.len())
            .step_by(100)
            .filter(|at| at % 50_000 < 20_000)
        {
            let mut output = Output {
                bytes: &mut bytes,
                at,
                limit,
                floor: 0,
            };
            let (used, stop) = walker
                .run(&packed[fed..], &mut output, &mut Untraced)
                .unwrap();
            assert_eq!(stop, Stop::Output);
            (at, fed) = (output.at, fed + used);
            found.push((at, walker.next_bit()));
        }
        found
    };
    // The first lists hold the stops of the last one.
    let (all, few) = (stops(100), stops(250_000));
    assert!(!few.is_empty() && few.iter().all(|stop| all.contains(stop)));
}

#[test]
fn every_level_decodes_as_miniz_wrote_it() {
    for level in [0, 1, 3, 6, 9, 10] {
        for data in [
            vec![],
            vec![7],
            mixture(1, 300_000),
            noise(2, 100_000),
            vec![0; 400_000],
        ] {
            let packed = miniz_oxide::deflate::compress_to_vec(&data, level);
            for (step, room) in [
                (usize::MAX / 2, 1 << 21),
                (1, 1 << 21),
                (7, 1000),
                (4096, 1),
            ] {
                let found = walk(&packed, step, room, &mut Untraced).unwrap();
                assert_eq!(
                    found.as_deref(),
                    Some(&data[..]),
                    "level {level}, {step}, {room}"
                );
            }
        }
    }
}

#[test]
fn a_cut_stream_waits_for_more_at_every_byte() {
    let data = mixture(3, 20_000);
    let packed = miniz_oxide::deflate::compress_to_vec(&data, 6);
    for cut in 0..packed.len() {
        assert_eq!(
            walk(&packed[..cut], 1 << 20, 1 << 21, &mut Untraced).unwrap(),
            None
        );
    }
}

#[derive(Default, PartialEq)]
struct Record {
    blocks: Vec<(u64, usize)>,
    far: Vec<(usize, usize, usize)>,
}

impl Trace for Record {
    fn block(&mut self, bit: u64, at: usize) {
        self.blocks.push((bit, at));
    }

    fn matched(&mut self, at: usize, distance: usize, length: usize) {
        if self
            .blocks
            .last()
            .is_some_and(|&(_, start)| at - distance < start)
        {
            self.far.push((at, distance, length));
        }
    }
}

#[test]
fn every_block_can_be_entered_with_only_the_bytes_it_refers_to() {
    let data = mixture(4, 1_000_000);
    for level in [1, 6, 9] {
        let packed = miniz_oxide::deflate::compress_to_vec(&data, level);
        let mut record = Record::default();
        walk(&packed, 1000, 5000, &mut record).unwrap().unwrap();
        assert!(record.blocks.len() > 3, "the data has several blocks");
        for &(bit, start) in &record.blocks {
            let mut bytes = vec![0xEE; WINDOW + data.len() - start + SLACK];
            for &(at, distance, length) in record.far.iter().filter(|far| far.0 >= start) {
                for step in 0..length {
                    if at - distance + step < start {
                        bytes[WINDOW + at - distance + step - start] = data[at + step];
                    }
                }
            }
            let mut walker = Walker::default();
            walker.start(bit);
            let limit = bytes.len() - SLACK;
            let mut output = Output {
                bytes: &mut bytes,
                at: WINDOW,
                limit,
                floor: 0,
            };
            let input = &packed[(bit / 8) as usize..];
            walker.run(input, &mut output, &mut Untraced).unwrap();
            assert_eq!(&output.bytes[WINDOW..output.at], &data[start..]);
        }
    }
}

#[test]
fn a_block_can_be_entered_at_any_symbol() {
    let data = mixture(5, 200_000);
    let packed = miniz_oxide::deflate::compress_to_vec(&data, 9);
    let mut walker = Walker::default();
    walker.start(0);
    let mut bytes = vec![0; data.len() + 4096 + SLACK];
    let (mut at, mut fed, mut entered) = (0, 0, 0);
    loop {
        let mut output = Output {
            bytes: &mut bytes,
            at,
            limit: at + 3000,
            floor: 0,
        };
        let (used, stop) = walker
            .run(&packed[fed..], &mut output, &mut Untraced)
            .unwrap();
        (at, fed) = (output.at, fed + used);
        if stop == Stop::End {
            break;
        }
        let Some(header_bit) = walker.inside_block() else {
            continue;
        };
        let bit = walker.next_bit();
        let mut second = Walker::default();
        let header = &packed[(header_bit / 8) as usize..];
        let header = &header[..header.len().min(BLOCK_HEADER_BYTES)];
        second.start_inside(header, header_bit, bit).unwrap();
        let mut copy = data[..at].to_vec();
        copy.resize(data.len() + 4096 + SLACK, 0);
        let mut output = Output {
            bytes: &mut copy,
            at,
            limit: data.len() + 4096,
            floor: 0,
        };
        second
            .run(&packed[(bit / 8) as usize..], &mut output, &mut Untraced)
            .unwrap();
        assert_eq!(&output.bytes[..output.at], &data[..]);
        entered += 1;
    }
    assert!(entered > 10, "entered {entered} times");
}

fn refused(bits: &[(u32, u32)]) -> String {
    let mut packed = Vec::new();
    let (mut buffer, mut count) = (0u64, 0);
    for &(value, width) in bits {
        buffer |= u64::from(value) << count;
        count += width;
        while count >= 8 {
            packed.push(buffer as u8);
            buffer >>= 8;
            count -= 8;
        }
    }
    packed.push(buffer as u8);
    packed.extend([0; 16]);
    walk(&packed, 1 << 20, 1 << 20, &mut Untraced)
        .unwrap_err()
        .message()
        .to_owned()
}

#[test]
fn what_the_format_forbids_is_refused() {
    assert_eq!(refused(&[(1, 1), (3, 2)]), "an invalid block type");
    assert!(refused(&[(1, 1), (0, 2), (0, 5), (5, 16), (5, 16)]).contains("complement"));
    // Fixed codes: length 3 (code 0000001, first bit first), then distance 1 with no history.
    assert!(refused(&[(1, 1), (1, 2), (0b100_0000, 7), (0, 5)]).contains("before the start"));
    // Fixed codes: distance symbol 30 after one literal.
    assert!(
        refused(&[
            (1, 1),
            (1, 2),
            (0b0000_1100, 8),
            (0b100_0000, 7),
            (0b01111, 5)
        ])
        .contains("distance")
    );
    assert!(refused(&[(1, 1), (2, 2), (31, 5), (0, 5), (0, 4)]).contains("too many"));
    // Four code lengths of one bit each: over-subscribed.
    let twelve = [
        (1, 1),
        (2, 2),
        (0, 5),
        (0, 5),
        (0, 4),
        (1, 3),
        (1, 3),
        (1, 3),
        (1, 3),
    ];
    assert!(refused(&twelve).contains("over-subscribed"));
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_as_miniz_decodes_them(
        input in proptest::collection::vec(any::<u8>(), 0..400)
    ) {
        let expected = miniz_oxide::inflate::decompress_to_vec_with_limit(&input, 1 << 20);
        let found = walk(&input, 1 << 20, 1 << 20, &mut Untraced);
        match expected {
            Ok(expected) => prop_assert_eq!(found.unwrap(), Some(expected)),
            Err(_) => prop_assert!(!matches!(found, Ok(Some(_)))),
        }
    }

    #[test]
    fn flipped_bits_among_literals_agree_with_miniz(
        seed in 0u64..1000, level in 1u8..10, flips in proptest::collection::vec(any::<u32>(), 0..3)
    ) {
        let data = literals(seed, 40_000);
        let mut packed = miniz_oxide::deflate::compress_to_vec(&data, level);
        for flip in flips {
            let bit = flip as usize % (packed.len() * 8);
            packed[bit / 8] ^= 1 << (bit % 8);
        }
        let expected = miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, 1 << 20).ok();
        let found = walk(&packed, 1 << 20, 1 << 20, &mut Untraced).ok().flatten();
        prop_assert!(found == expected);
    }

    #[test]
    fn flipped_bits_never_panic_and_agree_with_miniz(
        seed in 0u64..1000, level in 0u8..10, flips in proptest::collection::vec(any::<u32>(), 0..4)
    ) {
        let data = mixture(seed, 5000);
        let mut packed = miniz_oxide::deflate::compress_to_vec(&data, level);
        for flip in flips {
            let bit = flip as usize % (packed.len() * 8);
            packed[bit / 8] ^= 1 << (bit % 8);
        }
        let expected = miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, 1 << 20).ok();
        let found = walk(&packed, 97, 1000, &mut Untraced).ok().flatten();
        prop_assert_eq!(found.map(|f| f.len()), expected.map(|e| e.len()));
    }
}

use libjpeg_turbo_rs::{Encoder, PixelFormat, ScanScript};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::library::Library;
use super::*;
use crate::limits;
use crate::pixels::rows::Whole;

/// How a picture is made.
#[derive(Clone, Debug)]
struct Recipe {
    size: (usize, usize),
    seed: u64,
    quality: u8,
    sampling: Vec<(u8, u8)>,
    scans: Scans,
    restart: u16,
}

#[derive(Clone, Copy, Debug)]
enum Scans {
    One,
    Progressive,
    /// Progressive, but without the last bits of AC coefficients, so that blocks are smoothed.
    Rough,
    /// Only DC coefficients.
    Dc,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let factor = || prop_oneof![Just(1_u8), Just(2), Just(4)];
    // At least one component has as many samples as pixels in each direction.
    let chroma = (factor(), factor(), factor(), factor()).prop_map(|(a, b, c, d)| {
        let most = (a.max(c), b.max(d));
        vec![most, (a, b), (c, d)]
    });
    let usual = prop_oneof![
        Just(vec![(1, 1); 3]),
        Just(vec![(2, 1), (1, 1), (1, 1)]),
        Just(vec![(1, 2), (1, 1), (1, 1)]),
        Just(vec![(2, 2), (1, 1), (1, 1)]),
    ];
    let sampling = prop_oneof![usual, chroma]
        .prop_filter("MCUs of at most 10 blocks", |sampling| {
            sampling.iter().map(|&(h, v)| h * v).sum::<u8>() <= 10
        });
    let scans = prop_oneof![
        Just(Scans::One),
        Just(Scans::Progressive),
        Just(Scans::Rough),
        Just(Scans::Dc)
    ];
    let size = (1_usize..90, 1_usize..90);
    let restart = prop_oneof![Just(0_u16), 1_u16..9];
    (size, any::<u64>(), 1_u8..=100, sampling, scans, restart).prop_map(
        |(size, seed, quality, sampling, scans, restart)| Recipe {
            size,
            seed,
            quality,
            sampling,
            scans,
            restart,
        },
    )
}

impl Recipe {
    /// Soft shapes with noise on them.
    fn pixels(&self) -> Vec<u8> {
        let mut state = self.seed | 1;
        let mut pixels = Vec::new();
        for y in 0..self.size.1 {
            for x in 0..self.size.0 {
                for colour in 0..3 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let shape = (x * (colour + 1) + y * 3 + self.seed as usize % 97) % 256;
                    pixels.push((shape as u8) ^ (state as u8 & 31));
                }
            }
        }
        pixels
    }

    fn make(&self) -> Vec<u8> {
        let pixels = self.pixels();
        let mut encoder = Encoder::new(&pixels, self.size.0, self.size.1, PixelFormat::Rgb)
            .quality(self.quality)
            .sampling_factors(self.sampling.clone());
        if self.restart > 0 {
            encoder = encoder.restart_blocks(self.restart);
        }
        let scan = |components: &[u8], ss, se, al| ScanScript {
            components: components.to_vec(),
            ss,
            se,
            ah: 0,
            al,
        };
        let dc = scan(&[0, 1, 2], 0, 0, 0);
        encoder = match self.scans {
            Scans::One => encoder,
            Scans::Progressive => encoder.progressive(true),
            Scans::Rough => encoder.progressive(true).scan_script(vec![
                dc,
                scan(&[0], 1, 5, 2),
                scan(&[1], 1, 63, 1),
                scan(&[2], 6, 63, 0),
            ]),
            Scans::Dc => encoder.progressive(true).scan_script(vec![dc]),
        };
        encoder.encode().unwrap()
    }
}

fn decode(data: &[u8], room: &mut Room) -> Result<Vec<u8>> {
    let picture = Picture::open(data)?;
    let (width, height) = (picture.size.0 as usize, picture.size.1 as usize);
    let window = Window {
        columns: 0..width,
        rows: 0..height,
    };
    let mut out = vec![0; width * height * 3];
    let mut sink = Whole {
        out: &mut out,
        stride: width * 3,
    };
    picture.decode(&window, room, &mut Band::default(), &mut sink)?;
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whole_pictures_equal_the_library(recipe in recipe()) {
        let data = recipe.make();
        let library = Library::open(&data).unwrap();
        let mut expected = vec![0; library.width as usize * library.height as usize * 3];
        library.decode(&mut expected).unwrap();
        let mut room = Room::default();
        prop_assert!(decode(&data, &mut room).unwrap() == expected);
        // The memory of one picture does not show in the next.
        prop_assert!(decode(&data, &mut room).unwrap() == expected);
    }

    #[test]
    fn damage_gives_pixels_or_an_error(
        recipe in recipe(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut data = recipe.make();
        for (place, byte) in damage {
            let place = 2 + place.index(data.len() - 2);
            data[place] = byte;
        }
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        // A damaged size may be huge, and right.
        let small = Picture::open(&data).is_ok_and(|it| it.size.0 * it.size.1 < 1 << 20);
        if small {
            let _ = decode(&data, &mut Room::default());
        }
    }

    #[test]
    fn any_bytes_behind_a_header_give_pixels_or_an_error(
        recipe in recipe(), tail in vec(prop_oneof![Just(0xFF_u8), any::<u8>()], 0..400)
    ) {
        let mut data = recipe.make();
        let scan = data.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        data.truncate(scan + 14);
        data.extend(tail);
        data.extend([0xFF, 0xD9]);
        let _ = decode(&data, &mut Room::default());
    }
}

fn plain() -> Vec<u8> {
    Recipe {
        size: (40, 30),
        seed: 7,
        quality: 80,
        sampling: vec![(1, 1); 3],
        scans: Scans::Progressive,
        restart: 0,
    }
    .make()
}

/// The file with other bytes in the frame header, from its precision on.
fn with_frame(code: u8, values: &[u8]) -> Vec<u8> {
    let mut data = plain();
    let at = data
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC2])
        .unwrap();
    data[at + 1] = code;
    data[at + 4..at + 4 + values.len()].copy_from_slice(values);
    data
}

#[test]
fn what_is_not_decoded_is_named() {
    for (code, values, expected) in [
        (0xC2, &[12_u8][..], "found 12 bits a sample"),
        (0xC3, &[8], "a lossless scan by predictor 0"),
        (0xC5, &[8], "found a hierarchical one"),
        (0xC9, &[8], "found arithmetic coding"),
        (0xC2, &[8, 0, 30, 0, 0], "0 x 30 pixels"),
        (
            0xC2,
            &[8, 0xFF, 0xDC, 0xFF, 0xDC],
            "65500 x 65500 pixels, more than the limit",
        ),
        (
            0xC2,
            &[8, 0xFF, 0xDD, 0, 1],
            "1 x 65501 pixels, more than 65500",
        ),
        (
            0xC2,
            &[8, 0, 30, 0, 40, 2],
            "expected 1, 3 or 4 components, found 2",
        ),
        (
            0xC2,
            &[8, 0, 30, 0, 40, 3, 1, 0x15],
            "a sampling factor of 1 x 5",
        ),
        (
            0xC2,
            &[8, 0, 30, 0, 40, 3, 1, 0x31, 0, 2, 0x21],
            "2 x 1 samples for 3 x 1 pixels",
        ),
    ] {
        let mut room = Room::default();
        let error = decode(&with_frame(code, values), &mut room).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
        assert_eq!(room.coefficients.planes[0].blocks.capacity(), 0);
    }
}

#[test]
fn too_many_scans_or_segments_are_refused_before_memory_is_taken() {
    let data = plain();
    let scan = data
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    let empty = &data[scan..scan + 14];
    let scans = limits::IMAGE_SCANS as usize;
    let many = [&data[..scan], &empty.repeat(scans + 1), &data[scan..]].concat();
    let comment = [0xFF, 0xFE, 0, 2].repeat(limits::IMAGE_SEGMENTS as usize + 1);
    let long = [&data[..2], &comment, &data[2..]].concat();
    for (data, expected) in [(many, "more scans than"), (long, "more segments than")] {
        let mut room = Room::default();
        let error = decode(&data, &mut room).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
        assert_eq!(room.coefficients.planes[0].blocks.capacity(), 0);
    }
}

#[test]
fn garbage_between_segments_and_nonsense_in_comments_change_nothing() {
    let data = plain();
    let expected = decode(&data, &mut Room::default()).unwrap();
    let garbage = [
        0, 1, 2, 0xFF, 0, 3, 0xFF, 0xFF, 0xFE, 0, 0, 0xFF, 0xDC, 0, 4, 9, 9,
    ];
    let dirty = [&data[..2], &garbage, &data[2..]].concat();
    assert_eq!(decode(&dirty, &mut Room::default()).unwrap(), expected);
}

#[test]
fn a_stream_of_tables_may_come_first() {
    let data = plain();
    let expected = decode(&data, &mut Room::default()).unwrap();
    let tables = data
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC2])
        .unwrap();
    let apart = [&data[..tables], &[0xFF, 0xD9, 0xFF, 0xD8], &data[tables..]].concat();
    assert_eq!(decode(&apart, &mut Room::default()).unwrap(), expected);
}

#[test]
fn a_progressive_file_without_its_end_is_refused() {
    let data = plain();
    for missing in [1, 2, 3, 50, data.len() / 2] {
        let error = decode(&data[..data.len() - missing], &mut Room::default()).unwrap_err();
        assert!(error.message().contains("truncated"), "{}", error.message());
    }
}

//! Vector code beside scalar code, and what the weights add up to.

use super::*;
use crate::pixels::Filter;

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Extremes are common, so that sums saturate on both sides.
        match state >> 28 {
            0..4 => 0,
            4..8 => 255,
            _ => (state >> 16) as u8,
        }
    };
    (0..length).map(|_| next()).collect()
}

fn spans() -> Vec<(Span, Filter, bool)> {
    let mut spans = Vec::new();
    for input in (1..=40).chain([63, 64, 65, 200]) {
        for output in [1, 2, 3, 5, 8, 13, 16, 17, 31, 64] {
            let half = input as f32 / 3.0;
            for (start, end) in [
                (0.0, input as f32),
                (half.floor(), input as f32),
                (0.5, 0.9),
            ] {
                for filter in Filter::ALL {
                    let window = (output / 4, output);
                    let span = Span {
                        input,
                        start,
                        end,
                        output,
                        window,
                    };
                    spans.push((span, filter, input % 2 == 0));
                }
            }
        }
    }
    spans
}

/// Runs one pass both ways into memory that is dirty in different ways.
fn compare(length: usize, pass: impl Fn(bool, &mut [u8])) {
    let (mut vector, mut scalar) = (vec![1; length], vec![1; length]);
    pass(true, &mut vector);
    pass(false, &mut scalar);
    assert!(vector == scalar);
}

#[test]
fn avx2_gives_the_bytes_of_the_scalar_code() {
    if !avx2::available() {
        return;
    }
    let mut axis = Axis::default();
    for (span, filter, reversed) in spans() {
        axis.plan(&span, filter, reversed);
        for other in [1_u32, 3, 4, 5, 6, 11] {
            let stride = span.input as usize * 3;
            let pixels = noise(stride * other as usize + SLACK);
            let region = Region {
                x: 0,
                y: 0,
                stride,
                pixels: &pixels,
            };
            let out = axis.len() * 3 + 2;
            compare(out * other as usize, |vector, bytes| {
                let pass = if vector {
                    avx2::horizontal
                } else {
                    horizontal_scalar
                };
                pass(&axis, &region, &(0..other), bytes, out);
            });
            let stride = other as usize * 3;
            let pixels = noise(stride * span.input as usize + SLACK);
            let region = Region {
                x: 0,
                y: 0,
                stride,
                pixels: &pixels,
            };
            compare(axis.len() * (stride + 1), |vector, bytes| {
                let pass = if vector {
                    avx2::vertical
                } else {
                    vertical_scalar
                };
                pass(
                    &axis,
                    &(0..axis.len()),
                    &region,
                    &(0..other),
                    bytes,
                    stride + 1,
                );
            });
        }
    }
}

#[test]
fn weights_add_up_to_one_but_for_rounding() {
    let mut axis = Axis::default();
    for (span, filter, reversed) in spans() {
        axis.plan(&span, filter, reversed);
        for output in 0..axis.len() {
            let count = axis.count[output] as usize;
            assert!(count > 0 && axis.first[output] + axis.count[output] <= span.input);
            let sum: i32 = (0..count).map(|tap| axis.weight(output, tap)).sum();
            assert!(
                (sum - (1 << PRECISION)).unsigned_abs() as usize <= count,
                "{span:?}"
            );
        }
    }
}

#[test]
fn sums_of_weighted_samples_fit_32_bits() {
    let limit = |filter| match filter {
        Filter::Box | Filter::Bilinear | Filter::Hamming => 1.0,
        Filter::Bicubic => 1.27,
        Filter::Lanczos => 11.0 / 7.0,
    };
    let mut axis = Axis::default();
    for filter in Filter::ALL {
        let mut most = 0;
        for input in 1..40_u32 {
            for output in (1..50).chain([333, 4096]) {
                let span = Span {
                    input,
                    start: 0.0,
                    end: input as f32,
                    output,
                    window: (0, output),
                };
                axis.plan(&span, filter, false);
                for output in 0..axis.len() {
                    let taps = 0..axis.count[output] as usize;
                    let weights = taps.map(|tap| axis.weight(output, tap).unsigned_abs());
                    most = most.max(weights.sum());
                }
            }
        }
        let share = f64::from(most) / f64::from(1 << PRECISION);
        assert!(share <= limit(filter) + 1e-5, "{filter:?}: {share}");
        assert!(share >= limit(filter) - 0.01, "{filter:?}: {share}");
    }
}

//! Any bytes as raw deflate: our walker against `zlib-rs`, whole, in pieces, from points on.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ptarmigan_core::hostile::deflate(bytes));

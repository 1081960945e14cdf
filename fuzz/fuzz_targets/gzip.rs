//! Any bytes as a `.gz` file: our inflater against `flate2`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ptarmigan_core::hostile::gzip(bytes));

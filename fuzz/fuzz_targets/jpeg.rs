//! Any bytes as a JPEG or PNG: our decoder against `libjpeg-turbo-rs`, and parts against the whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ptarmigan_core::hostile::jpeg(bytes));

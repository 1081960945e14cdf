//! Any bytes as a tar: our parser against the `tar` crate.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ptarmigan_core::hostile::tar(bytes));

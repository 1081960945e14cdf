//! Decoding photos on one core, stage by stage: `cargo bench --bench pixels [-- FOLDER]`.
//!
//! Without a folder it makes photos of its own. `--only 035` picks stages by number; `--once` runs
//! every stage once, for correctness. Other decoders are compared in `benches/`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints a table and may end at any error"
)]

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use ptarmigan_core::pixels::{Decoder, Fidelity, Filter, Output, Recipe, ScanPoints, Transform};
use ptarmigan_core::synth::{Camera, Pictures};

const ROUNDS: usize = 7;
const STAGES: [&str; 8] = [
    "0 coefficients",
    "1 passing over them",
    "2 whole image",
    "3 random crop to 224",
    "4 resize 256, central 224",
    "5 random crop, later epochs",
    "6 random crop, fast",
    "7 resize 256, central 224, fast",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut rounds, mut only, mut folder) = (ROUNDS, String::from("01234567"), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => rounds = 1,
            "--only" => only = arguments.next().unwrap(),
            other if other.starts_with('-') => {}
            path => folder = Some(path.to_owned()),
        }
    }
    let mut files = Vec::new();
    match folder {
        Some(path) => read(Path::new(&path), &mut files),
        None => files = made(),
    }
    let mut bench = Bench::default();
    files.retain(|file| bench.decoder.entropy(file, true).is_ok());
    let bytes: usize = files.iter().map(Vec::len).sum();
    println!(
        "{} plain baseline photos, {:.1} MB",
        files.len(),
        bytes as f64 / 1e6
    );
    let mut times = vec![Vec::new(); STAGES.len()];
    // The first epoch of the stage that is about later ones.
    for (number, file) in files.iter().enumerate() {
        bench.run(5, number as u64, file);
    }
    for _ in 0..rounds {
        bench.epoch += 1;
        for (stage, times) in times.iter_mut().enumerate() {
            if only.contains(&stage.to_string()) {
                let start = Instant::now();
                for (number, file) in files.iter().enumerate() {
                    bench.run(stage, number as u64, file);
                }
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    for (stage, mut times) in STAGES.into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        if let Some(seconds) = times.get(times.len() / 2) {
            println!(
                "{stage}: {:.0} MB/s, {:.0} images/s, {:.3} ms",
                bytes as f64 / 1e6 / seconds,
                files.len() as f64 / seconds,
                seconds / files.len() as f64 * 1e3
            );
        }
    }
}

#[derive(Default)]
struct Bench {
    decoder: Decoder,
    pixels: Vec<u8>,
    /// Of the photos of stage 5.
    points: HashMap<u64, ScanPoints>,
    epoch: u64,
}

impl Bench {
    fn run(&mut self, stage: usize, sample: u64, file: &[u8]) {
        let filter = Filter::Bilinear;
        let transform = match stage {
            0 | 1 => {
                self.decoder.entropy(file, stage == 0).unwrap();
                return;
            }
            2 => {
                let (width, height) = Decoder::size(file).unwrap();
                self.pixels.resize(width as usize * height as usize * 3, 0);
                self.decoder.decode_into(file, &mut self.pixels).unwrap();
                return;
            }
            3 | 5 | 6 => Transform::RandomResizedCrop {
                size: (224, 224),
                scale: (0.08, 1.0),
                ratio: (0.75, 4.0 / 3.0),
                hflip: 0.5,
                filter,
            },
            _ => Transform::ResizeCenterCrop {
                resize: 256,
                crop: (224, 224),
                filter,
            },
        };
        self.pixels.resize(224 * 224 * 3, 0);
        let recipe = Recipe {
            transform: &transform,
            output: &Output::default(),
            fidelity: if stage > 5 {
                Fidelity::Fast
            } else {
                Fidelity::Exact
            },
            seed: 1,
            epoch: if stage == 5 { self.epoch } else { 2 },
        };
        let known = (stage == 5).then(|| self.points.entry(sample).or_default());
        self.decoder
            .render(file, &recipe, sample, known, &mut self.pixels)
            .unwrap();
    }
}

fn read(folder: &Path, files: &mut Vec<Vec<u8>>) {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, files);
        } else {
            files.push(std::fs::read(path).unwrap());
        }
    }
}

fn made() -> Vec<Vec<u8>> {
    const PHOTOS: usize = 48;
    let numbers: Vec<i64> = (0..PHOTOS as i64).collect();
    let pictures = Pictures {
        classes: &numbers,
        groups: &numbers,
        keys: &numbers,
        widths: &[800; PHOTOS],
        heights: &[600; PHOTOS],
        components: &[3; PHOTOS],
    };
    let camera = Camera::new(1, 4.9).unwrap();
    camera.photograph(&pictures, 2).unwrap()
}

//! The threads of an epoch: same batches for any number of them, none left behind, no hang.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ptarmigan_core::batch::{
    Batch, Epoch, Loader, OnError, Options, Order, Share, Source, Turn, assembly::ALIGNMENT,
};
use ptarmigan_core::{Error, ErrorKind, Result};

const IMAGE: usize = 37;

/// Counting this process' threads needs that no other test has any.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An image is its sample's number and epoch over and over; some fail, some panic.
#[derive(Debug, Default)]
struct Numbers {
    places: Vec<u32>,
    failing: Vec<u32>,
    panicking: Vec<u32>,
    pause: Duration,
    rendered: AtomicUsize,
}

impl Numbers {
    fn new(samples: u32) -> Self {
        Self {
            places: (0..samples).collect(),
            ..Self::default()
        }
    }
}

impl Source for Numbers {
    type Scratch = Vec<u8>;

    fn places(&self) -> &[u32] {
        &self.places
    }

    fn image_bytes(&self) -> usize {
        IMAGE
    }

    fn render(&self, sample: u32, epoch: u64, scratch: &mut Vec<u8>, out: &mut [u8]) -> Result<()> {
        self.rendered.fetch_add(1, Ordering::Relaxed);
        thread::sleep(self.pause);
        scratch.push(0);
        out.fill((sample as u8).wrapping_mul(7).wrapping_add(epoch as u8));
        if self.failing.contains(&sample) {
            return Err(Error::decode("no end marker").with_member(b"a.jpg"));
        }
        assert!(!self.panicking.contains(&sample), "sample {sample} panics");
        Ok(())
    }
}

fn options(batch_size: usize) -> Options {
    Options {
        order: Order::Exact,
        seed: 5,
        batch_size: NonZeroUsize::new(batch_size).unwrap(),
        drop_last: false,
        prefetch: 2,
        on_error: OnError::Zero,
    }
}

fn threads_of(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn next(epoch: &Epoch<Numbers>) -> Option<Batch> {
    loop {
        match epoch.next(Duration::from_millis(50)).unwrap() {
            Turn::Batch(batch) => return Some(batch),
            Turn::End => return None,
            Turn::NotYet => {}
        }
    }
}

fn all(epoch: &Epoch<Numbers>) -> Vec<Batch> {
    std::iter::from_fn(|| next(epoch)).collect()
}

fn pixels(batch: &Batch) -> &[u8] {
    &batch.memory[batch.offset..][..batch.samples.len() * IMAGE]
}

/// Threads of epochs, by their names; the test harness has threads of its own.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("pt-"))
        .count()
}

/// Waits a second at most: a thread names itself after its start, and one that has been joined may
/// stay listed for an instant.
fn wait_for_threads(wanted: impl Fn(usize) -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(1);
    while !wanted(threads()) && Instant::now() < deadline {
        thread::yield_now();
    }
    wanted(threads())
}

#[test]
fn any_number_of_threads_and_any_prefetch_make_the_same_batches() {
    let _alone = alone();
    let reference = Loader::new(Numbers::new(100), options(7)).unwrap();
    let expected = all(&reference.start(3, 0, Share::WHOLE, threads_of(1)).unwrap());
    assert_eq!(expected.len(), 15);
    let order = reference.order(3);
    for (number, batch) in expected.iter().enumerate() {
        assert_eq!(batch.samples, order[number * 7..(number * 7 + 7).min(100)]);
        assert!(
            batch.memory[batch.offset..]
                .as_ptr()
                .addr()
                .is_multiple_of(ALIGNMENT)
        );
        for (image, sample) in pixels(batch).chunks(IMAGE).zip(&batch.samples) {
            assert_eq!(
                image,
                [(*sample as u8).wrapping_mul(7).wrapping_add(3); IMAGE]
            );
        }
    }
    for (threads, prefetch) in [(1, 0), (2, 1), (7, 2), (7, 50)] {
        let options = Options {
            prefetch,
            ..options(7)
        };
        let loader = Loader::new(Numbers::new(100), options).unwrap();
        let found = all(&loader
            .start(3, 0, Share::WHOLE, threads_of(threads))
            .unwrap());
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.samples, expected.samples);
            assert_eq!(found.position, expected.position);
            assert_eq!(pixels(found), pixels(expected));
        }
    }
}

#[test]
fn an_epoch_that_is_dropped_leaves_no_thread_and_stops_at_once() {
    let _alone = alone();
    for taken in [0, 1, 3] {
        let source = Numbers {
            pause: Duration::from_millis(20),
            ..Numbers::new(4000)
        };
        let loader = Loader::new(source, options(40)).unwrap();
        let epoch = loader.start(0, 0, Share::WHOLE, threads_of(3)).unwrap();
        for _ in 0..taken {
            next(&epoch).unwrap();
        }
        assert!(wait_for_threads(|count| count > 0));
        let start = Instant::now();
        drop(epoch);
        assert!(
            start.elapsed() < Duration::from_millis(500),
            "{:?}",
            start.elapsed()
        );
        assert!(wait_for_threads(|count| count == 0));
    }
}

#[test]
fn a_stopped_epoch_ends_for_a_caller_that_waits() {
    let _alone = alone();
    let source = Numbers {
        pause: Duration::from_millis(100),
        ..Numbers::new(100)
    };
    let loader = Loader::new(source, options(50)).unwrap();
    let epoch = loader.start(0, 0, Share::WHOLE, threads_of(1)).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| epoch.next(Duration::from_secs(60)).unwrap());
        thread::sleep(Duration::from_millis(50));
        epoch.stop();
        assert!(matches!(waiting.join().unwrap(), Turn::End));
    });
    assert!(matches!(epoch.next(Duration::ZERO).unwrap(), Turn::End));
}

#[test]
fn no_more_batches_are_made_than_prefetch_allows() {
    let _alone = alone();
    let loader = Loader::new(Numbers::new(1000), options(10)).unwrap();
    let epoch = loader.start(0, 0, Share::WHOLE, threads_of(2)).unwrap();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(loader.source().rendered.load(Ordering::Relaxed), 30);
    next(&epoch).unwrap();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(loader.source().rendered.load(Ordering::Relaxed), 40);
}

#[test]
fn failures_and_panics_concern_their_own_rows() {
    let _alone = alone();
    for on_error in [OnError::Zero, OnError::Skip] {
        let source = Numbers {
            failing: vec![1, 2, 9],
            panicking: vec![4],
            ..Numbers::new(10)
        };
        let options = Options {
            order: Order::Stored,
            on_error,
            ..options(5)
        };
        let loader = Loader::new(source, options).unwrap();
        let batches = all(&loader.start(0, 0, Share::WHOLE, threads_of(2)).unwrap());
        let rows: Vec<_> = batches[0]
            .failures
            .iter()
            .map(|f| (f.row, f.sample))
            .collect();
        assert_eq!(rows, [(1, 1), (2, 2), (4, 4)]);
        assert_eq!(batches[0].failures[0].error.kind(), ErrorKind::Decode);
        assert!(
            batches[0].failures[2]
                .error
                .to_string()
                .contains("sample 4 panics")
        );
        if on_error == OnError::Zero {
            assert_eq!(batches[0].samples, [0, 1, 2, 3, 4]);
            assert_eq!(batches[0].valid, [true, false, false, true, false]);
            assert_eq!(&pixels(&batches[0])[IMAGE..3 * IMAGE], [0; 2 * IMAGE]);
            assert_eq!(&pixels(&batches[0])[3 * IMAGE..4 * IMAGE], [21; IMAGE]);
        } else {
            assert_eq!(batches[0].samples, [0, 3]);
            assert_eq!(batches[0].valid, [true, true]);
            assert_eq!(pixels(&batches[0]), [[0; IMAGE], [21; IMAGE]].concat());
        }
        assert_eq!(batches[1].failures.len(), 1);
    }
}

#[test]
fn a_rank_without_a_batch_yields_rows_that_do_not_count() {
    let _alone = alone();
    let source = Numbers {
        failing: vec![0],
        ..Numbers::new(7)
    };
    let options = Options {
        order: Order::Stored,
        ..options(5)
    };
    let loader = Loader::new(source, options).unwrap();
    let share = Share::of_rank(2, 3);
    let batches = all(&loader.start(0, 0, share, threads_of(2)).unwrap());
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].samples, [0, 1]);
    assert_eq!(batches[0].valid, [false, false]);
    assert!(
        batches[0].failures.is_empty(),
        "the rank that owns the sample reports it"
    );
    assert_eq!(batches[0].position, 7);
}

#[test]
fn an_empty_epoch_needs_no_thread() {
    let _alone = alone();
    let loader = Loader::new(Numbers::new(0), options(5)).unwrap();
    let epoch = loader.start(0, 0, Share::WHOLE, threads_of(2)).unwrap();
    assert_eq!(threads(), 0);
    assert!(all(&epoch).is_empty());
}

#[test]
fn a_batch_that_no_machine_holds_is_refused() {
    #[derive(Debug)]
    struct Huge;
    impl Source for Huge {
        type Scratch = ();
        fn places(&self) -> &[u32] {
            &[0, 1, 2]
        }
        fn image_bytes(&self) -> usize {
            usize::MAX / 4
        }
        fn render(&self, _: u32, _: u64, (): &mut (), _: &mut [u8]) -> Result<()> {
            Ok(())
        }
    }
    let loader = Loader::new(Huge, options(8)).unwrap();
    let error = loader.start(0, 0, Share::WHOLE, threads_of(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
}

//! Turns a data set into batches: in order, in parallel, the same for any number of threads.
//!
//! [`order`] decides which sample comes when, [`plan`] which rows each batch of each rank has,
//! [`epoch`] owns the threads that fill the batches, [`photos`] is the source that reads an archive,
//! and [`points`] keeps what one epoch learns for the next. Nothing here depends on time or on the number of threads: a batch is a function of
//! (seed, epoch, position).

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::error::{Error, Result};

pub mod assembly;
pub mod epoch;
pub mod order;
pub mod photos;
pub mod plan;
pub mod points;

pub use assembly::{Batch, Failure};
pub use epoch::{Epoch, Turn};
pub use order::Order;
pub use photos::Photos;
pub use plan::{Plan, Share};
pub use points::PointStore;

/// What batches are made of: samples that can be rendered into memory by any thread.
pub trait Source: Send + Sync + 'static {
    /// The memory that one thread keeps from one image to the next.
    type Scratch: Debug + Default + Send;

    /// The place of every sample in the archive; its length is the number of samples.
    fn places(&self) -> &[u32];

    /// Bytes of one rendered image.
    fn image_bytes(&self) -> usize;

    /// Renders one sample into `out`, which has [`Source::image_bytes`] bytes.
    fn render(
        &self,
        sample: u32,
        epoch: u64,
        scratch: &mut Self::Scratch,
        out: &mut [u8],
    ) -> Result<()>;

    /// An epoch is about to start.
    fn epoch_starts(&self) {}

    /// An epoch is over, or was left; its threads are gone.
    fn epoch_ended(&self) {}
}

/// What becomes of a row whose image cannot be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The row is taken out, the batch shrinks.
    Skip,
    /// The row stays, zeroed and not valid.
    #[default]
    Zero,
}

/// How a [`Loader`] goes through its source.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which sample comes when.
    pub order: Order,
    /// Names every random choice of the run.
    pub seed: u64,
    /// Rows of a full batch.
    pub batch_size: NonZeroUsize,
    /// Whether a last batch that is not full is left out.
    pub drop_last: bool,
    /// Batches made ahead of the one that the caller waits for.
    pub prefetch: usize,
    /// What becomes of a row whose image cannot be made.
    pub on_error: OnError,
}

/// A source and the way to go through it; has no threads until an epoch is started.
#[derive(Debug)]
pub struct Loader<S: Source> {
    source: Arc<S>,
    options: Options,
}

impl<S: Source> Loader<S> {
    /// A loader over `source`.
    pub fn new(source: S, options: Options) -> Result<Self> {
        if u32::try_from(source.places().len()).is_err() {
            return Err(Error::argument(format!(
                "a data set has at most {} samples, this one has {}",
                u32::MAX,
                source.places().len()
            )));
        }
        Ok(Self {
            source: Arc::new(source),
            options,
        })
    }

    /// What the batches are made of.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The samples of an epoch in the order in which all ranks together read them.
    pub fn order(&self, epoch: u64) -> Vec<u32> {
        self.options
            .order
            .permutation(self.source.places(), self.options.seed, epoch)
    }

    /// Which rows the batches of one share of an epoch have, from `position` on.
    pub fn plan(&self, position: usize, share: Share) -> Result<Plan> {
        let options = &self.options;
        Plan::new(
            self.source.places().len(),
            position,
            options.batch_size.get(),
            options.drop_last,
            share,
        )
    }

    /// Starts the threads that make the batches of one share of an epoch, from `position` on.
    pub fn start(
        &self,
        epoch: u64,
        position: usize,
        share: Share,
        threads: NonZeroUsize,
    ) -> Result<Epoch<S>> {
        let plan = self.plan(position, share)?;
        let order = self.order(epoch);
        Epoch::start(
            Arc::clone(&self.source),
            order,
            plan,
            epoch,
            threads,
            &self.options,
        )
    }
}

//! Turns (position, batch size, rank, world size) into the rows of every batch.
//!
//! Batch `j` of an epoch that goes on from position P has the samples `order[P + jB .. P + (j+1)B]`,
//! whatever the number of ranks; rank `r` of `W` yields the batches r, r + W, r + 2W, ... So the
//! ranks together read what one rank alone would read, and a position is all that has to be kept
//! to go on under another batch size or another number of ranks.
//!
//! Every rank yields equally many batches, because a rank with one batch less would leave the
//! others waiting in their next all-reduce. With `drop_last` the batches that are not full or have
//! no partner on every rank are left out; without, a rank whose turn has no batch yields padding:
//! samples from the start of the order, none of them valid.

use crate::error::{Error, Result};

/// Which part of the batches is made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// This process among those that train together, from 0.
    pub rank: usize,
    /// Number of processes that train together.
    pub world: usize,
    /// This worker among those that make the rank's batches, from 0.
    pub worker: usize,
    /// Number of workers that make the rank's batches in turn.
    pub workers: usize,
}

impl Share {
    /// Everything.
    pub const WHOLE: Self = Self {
        rank: 0,
        world: 1,
        worker: 0,
        workers: 1,
    };

    /// One rank, made by one worker.
    pub fn of_rank(rank: usize, world: usize) -> Self {
        Self {
            rank,
            world,
            ..Self::WHOLE
        }
    }
}

/// The rows of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Samples, in order.
    pub samples: Vec<u32>,
    /// Whether this batch only keeps the rank in step with the others.
    pub padding: bool,
}

/// Which batches a share of an epoch has.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    samples: usize,
    position: usize,
    batch_size: usize,
    drop_last: bool,
    share: Share,
}

impl Plan {
    /// The plan of `share` from `position` on; `samples` is the length of the whole epoch.
    pub fn new(
        samples: usize,
        position: usize,
        batch_size: usize,
        drop_last: bool,
        share: Share,
    ) -> Result<Self> {
        let Share {
            rank,
            world,
            worker,
            workers,
        } = share;
        if batch_size == 0 {
            return Err(Error::argument(
                "a batch has at least one row, the batch size is 0",
            ));
        }
        if rank >= world || worker >= workers {
            return Err(Error::argument(format!(
                "rank {rank} of {world} and worker {worker} of {workers} are not both in range"
            )));
        }
        if position > samples {
            return Err(Error::argument(format!(
                "position {position} is beyond the end of the epoch, which has {samples} samples"
            )));
        }
        Ok(Self {
            samples,
            position,
            batch_size,
            drop_last,
            share,
        })
    }

    /// Batches of all ranks together, padding not counted.
    fn real_batches(&self) -> usize {
        let left = self.samples - self.position;
        if self.drop_last {
            left / self.batch_size
        } else {
            left.div_ceil(self.batch_size)
        }
    }

    /// Batches of every rank.
    pub fn batches_per_rank(&self) -> usize {
        if self.drop_last {
            self.real_batches() / self.share.world
        } else {
            self.real_batches().div_ceil(self.share.world)
        }
    }

    /// Batches of this share.
    pub fn len(&self) -> usize {
        let Share {
            worker, workers, ..
        } = self.share;
        self.batches_per_rank()
            .saturating_sub(worker)
            .div_ceil(workers)
    }

    /// Whether this share has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most rows that a batch of this plan has.
    pub fn most_rows(&self) -> usize {
        self.batch_size.min(self.samples - self.position)
    }

    /// The samples that all ranks together have read once each worker here and on every other rank
    /// has yielded as many batches as this one.
    pub fn position_after(&self, batches: usize) -> usize {
        let Share { world, workers, .. } = self.share;
        if workers == 1 && batches >= self.len() {
            return self.samples;
        }
        batches
            .saturating_mul(workers)
            .saturating_mul(world)
            .saturating_mul(self.batch_size)
            .saturating_add(self.position)
            .min(self.samples)
    }

    /// The rows of this share's batch `number`, counted from 0.
    pub fn rows(&self, number: usize, order: &[u32]) -> Rows {
        let Share {
            rank,
            world,
            worker,
            workers,
        } = self.share;
        let turn = (worker + number * workers) * world + rank;
        let real = self.real_batches();
        if turn < real {
            let start = self.position + turn * self.batch_size;
            let end = (start + self.batch_size).min(self.samples);
            return Rows {
                samples: order[start..end].to_vec(),
                padding: false,
            };
        }
        let last = self.samples - (self.position + (real - 1) * self.batch_size);
        let start = (turn - real) * last;
        let samples = (start..start + last)
            .map(|row| order[row % order.len()])
            .collect();
        Rows {
            samples,
            padding: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(samples: usize) -> Vec<u32> {
        (0..samples as u32).rev().collect()
    }

    fn batches(plan: &Plan, order: &[u32]) -> Vec<Rows> {
        (0..plan.len())
            .map(|number| plan.rows(number, order))
            .collect()
    }

    /// The batches of all ranks, rank 0's first, rank 1's first, ..., rank 0's second, ...
    fn in_turn(ranks: &[Vec<Rows>]) -> Vec<Rows> {
        let rounds = ranks.iter().map(Vec::len).max().unwrap_or(0);
        (0..rounds)
            .flat_map(|round| ranks.iter().filter_map(move |r| r.get(round).cloned()))
            .collect()
    }

    proptest! {
        #[test]
        fn ranks_together_read_what_one_rank_reads(
            samples in 0_usize..60, size in 1_usize..9, world in 1_usize..5, drop_last: bool,
            start in 0_usize..60,
        ) {
            let position = start.min(samples);
            let order = order(samples);
            let alone =
                batches(&Plan::new(samples, position, size, drop_last, Share::WHOLE)?, &order);
            let mut ranks = Vec::new();
            for rank in 0..world {
                let share = Share::of_rank(rank, world);
                let plan = Plan::new(samples, position, size, drop_last, share)?;
                ranks.push(batches(&plan, &order));
                prop_assert_eq!(plan.position_after(plan.len()), samples);
            }
            prop_assert!(ranks.iter().all(|batches| batches.len() == ranks[0].len()));
            let together = in_turn(&ranks);
            let real: Vec<Rows> =
                together.iter().filter(|rows| !rows.padding).cloned().collect();
            if drop_last {
                prop_assert_eq!(&real[..], &alone[..alone.len() / world * world]);
                prop_assert_eq!(real.len(), together.len());
            } else {
                prop_assert_eq!(&real, &alone);
                for padding in together.iter().filter(|rows| rows.padding) {
                    prop_assert_eq!(padding.samples.len(), alone[alone.len() - 1].samples.len());
                }
            }
        }

        #[test]
        fn a_position_resumes_under_any_batch_size_and_world(
            samples in 1_usize..60, size in 1_usize..9, world in 1_usize..4, done in 0_usize..20,
            next_size in 1_usize..9, next_world in 1_usize..4,
        ) {
            let order = order(samples);
            let mut read = Vec::new();
            let mut position = 0;
            for rank in 0..world {
                let plan = Plan::new(samples, 0, size, false, Share::of_rank(rank, world))?;
                let done = done.min(plan.len());
                position = plan.position_after(done);
                for rows in batches(&plan, &order).into_iter().take(done) {
                    if !rows.padding {
                        read.extend(rows.samples);
                    }
                }
            }
            for rank in 0..next_world {
                let share = Share::of_rank(rank, next_world);
                let plan = Plan::new(samples, position, next_size, false, share)?;
                for rows in batches(&plan, &order) {
                    if !rows.padding {
                        read.extend(rows.samples);
                    }
                }
            }
            read.sort_unstable();
            prop_assert!(read.into_iter().eq(0..samples as u32));
        }

        #[test]
        fn workers_in_turn_make_the_rank(
            samples in 0_usize..60, size in 1_usize..9, workers in 1_usize..4, done in 0_usize..9,
        ) {
            let order = order(samples);
            let alone = batches(&Plan::new(samples, 0, size, false, Share::WHOLE)?, &order);
            let (mut whole, mut resumed) = (Vec::new(), Vec::new());
            for worker in 0..workers {
                let share = Share { worker, workers, ..Share::WHOLE };
                let plan = Plan::new(samples, 0, size, false, share)?;
                whole.push(batches(&plan, &order));
                let done = done.min(plan.len());
                let rest = Plan::new(samples, plan.position_after(done), size, false, share)?;
                resumed.push(
                    whole[worker][..done].iter().cloned().chain(batches(&rest, &order)).collect(),
                );
            }
            prop_assert_eq!(in_turn(&whole), alone.clone());
            prop_assert_eq!(in_turn(&resumed), alone);
        }
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for (position, size, share) in [
            (11, 4, Share::WHOLE),
            (0, 0, Share::WHOLE),
            (0, 4, Share::of_rank(2, 2)),
            (
                0,
                4,
                Share {
                    worker: 1,
                    ..Share::WHOLE
                },
            ),
        ] {
            assert!(Plan::new(10, position, size, false, share).is_err());
        }
    }
}

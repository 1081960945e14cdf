//! Turns a member's number into its record, in the file or still in memory.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use super::slots::{Places, Slots};

/// Where the points are; locked only to look something up or to put it down.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) file: Option<Arc<File>>,
    pub(super) slots: Slots,
    /// Records that are not written yet, by member.
    pub(super) waiting: HashMap<u32, Arc<Waiting>>,
    waiting_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: Vec<u8>,
    pub(super) rows: u32,
}

impl Shelf {
    /// Nothing yet, of an archive with so many members.
    pub(super) fn new(members: usize) -> Self {
        Self {
            file: None,
            slots: Slots::new(members),
            waiting: HashMap::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes a record that is to be written, unless that is too much; returns the bytes that wait.
    pub(super) fn wait(&mut self, member: u32, record: Vec<u8>, rows: u32, most: usize) -> usize {
        let old = self.waiting.get(&member);
        let better = old.is_none_or(|old| old.rows < rows);
        let bytes = self.waiting_bytes - old.map_or(0, |old| old.record.len()) + record.len();
        if better && bytes <= most {
            self.waiting_bytes = bytes;
            self.waiting
                .insert(member, Arc::new(Waiting { record, rows }));
        }
        self.waiting_bytes
    }

    /// Takes places of records, the later ones of a member for the earlier ones.
    pub(super) fn add(&mut self, records: Places) {
        for (member, slot) in records {
            self.slots.set(member, slot);
        }
    }

    /// Forgets records that need not wait any more, unless better ones have come meanwhile.
    pub(super) fn done(&mut self, written: &[(u32, Arc<Waiting>)]) {
        for (member, written) in written {
            let waits = self.waiting.get(member);
            if waits.is_some_and(|waits| Arc::ptr_eq(waits, written)) {
                self.waiting.remove(member);
                self.waiting_bytes -= written.record.len();
            }
        }
    }
}

//! Turns a member's number into the place of its record, and all places into the directory at the
//! end of a file.

use super::record::{HEAD, crc, mix, u32_at, u64_at};
use crate::limits::SCAN_POINTS_RECORD_BYTES;

/// Where the record of a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Where it starts; 0, where the file's header is, if there is none.
    pub(super) offset: u64,
    /// Bytes of its points.
    pub(super) length: u32,
    /// Rows of MCUs that have points.
    pub(super) rows: u32,
}

impl Slot {
    /// Bytes of the record.
    pub(super) fn bytes(&self) -> u64 {
        HEAD as u64 + u64::from(self.length)
    }
}

/// Records by member.
pub(super) type Places = Vec<(u32, Slot)>;

/// The places of all records.
#[derive(Debug, Default)]
pub(super) struct Slots {
    by_member: Vec<Slot>,
    members: usize,
    /// Bytes of the records that count.
    live: u64,
}

/// Bytes of a row of the directory: member, length, offset, rows.
const ROW: usize = 4 + 4 + 8 + 4;

/// Bytes behind the rows: a mark, where they start, and two checksums of all that.
pub(super) const FOOTER: usize = 8 + 8 + 4 + 4 + 8;

const MARK: [u8; 8] = *b"PTSCNDIR";

impl Slots {
    /// Room for so many members, taken when the first one comes.
    pub(super) fn new(members: usize) -> Self {
        Self {
            by_member: Vec::new(),
            members,
            live: 0,
        }
    }

    pub(super) fn live(&self) -> u64 {
        self.live
    }

    pub(super) fn get(&self, member: u32) -> Option<Slot> {
        let slot = self.by_member.get(member as usize)?;
        (slot.offset > 0).then_some(*slot)
    }

    /// Sets the place of a member's record; nothing for members that the archive does not have.
    pub(super) fn set(&mut self, member: u32, slot: Slot) {
        if member as usize >= self.members {
            return;
        }
        if self.by_member.is_empty() {
            self.by_member.resize(self.members, Slot::default());
        }
        let old = std::mem::replace(&mut self.by_member[member as usize], slot);
        if old.offset > 0 {
            self.live -= old.bytes();
        }
        self.live += slot.bytes();
    }

    /// Forgets a record that turned out to be damaged, unless another one has come meanwhile.
    pub(super) fn forget(&mut self, member: u32, slot: Slot) {
        if self.get(member) == Some(slot) {
            self.by_member[member as usize] = Slot::default();
            self.live -= slot.bytes();
        }
    }

    /// All records in the order of the file.
    pub(super) fn in_order(&self) -> Places {
        let mut all: Vec<_> = (0..).zip(self.by_member.iter().copied()).collect();
        all.retain(|(_, slot)| slot.offset > 0);
        all.sort_unstable_by_key(|(_, slot)| slot.offset);
        all
    }
}

/// The directory of these records, which is to start at the byte `start` of the file.
pub(super) fn directory(records: &[(u32, Slot)], start: u64, archive: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(records.len() * ROW + FOOTER);
    for (member, slot) in records {
        out.extend(member.to_le_bytes());
        out.extend(slot.length.to_le_bytes());
        out.extend(slot.offset.to_le_bytes());
        out.extend(slot.rows.to_le_bytes());
    }
    out.extend(MARK);
    out.extend(start.to_le_bytes());
    let (crc, mixed) = (crc(archive, &[&out]), mix(archive, &[&out]));
    out.extend(crc.to_le_bytes());
    out.extend([0; 4]);
    out.extend(mixed.to_le_bytes());
    out
}

/// Where the directory starts, from the last bytes of a file of this length.
pub(super) fn directory_start(footer: &[u8; FOOTER], first: u64, length: u64) -> Option<u64> {
    let start = u64_at(footer, 8);
    let rows = length.checked_sub(FOOTER as u64)?.checked_sub(start)?;
    (footer[..8] == MARK && start >= first && rows.is_multiple_of(ROW as u64)).then_some(start)
}

/// The records that a directory lists, if all of it is as it was written.
pub(super) fn listed(directory: &[u8], first: u64, archive: u64) -> Option<Places> {
    let (rows, footer) = directory.split_last_chunk::<FOOTER>()?;
    let start = u64_at(footer, 8);
    let plain = [&directory[..rows.len() + 16]];
    if crc(archive, &plain) != u32_at(footer, 16) || mix(archive, &plain) != u64_at(footer, 24) {
        return None;
    }
    let mut records = Vec::with_capacity(rows.len() / ROW);
    for row in rows.chunks_exact(ROW) {
        let slot = Slot {
            length: u32_at(row, 4),
            offset: u64_at(row, 8),
            rows: u32_at(row, 16),
        };
        let inside = slot.offset >= first
            && slot.length as usize <= SCAN_POINTS_RECORD_BYTES
            && slot.offset.checked_add(slot.bytes())? <= start;
        if !inside {
            return None;
        }
        records.push((u32_at(row, 0), slot));
    }
    Some(records)
}

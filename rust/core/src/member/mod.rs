//! Turns (index, member number) into the member's bytes.

/// The memory that reading a member needs, kept from one read to the next.
#[derive(Debug, Default)]
pub struct Reader {}

pub(super) const _X: u8 = 0;

//! Turns extended headers (GNU `L` and `K`, pax `x` and `g`) into changes of the header behind them.

use super::header::Header;
use super::pax::{self, Overrides};

/// What extended headers have said of the next member, and of all that follow.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    local: Option<Overrides>,
    global: Overrides,
}

impl Extensions {
    /// Whether something is said of the next member.
    pub(super) fn pending(&self) -> bool {
        self.long_name.is_some() || self.long_link.is_some() || self.local.is_some()
    }

    /// Whether the next member has an extended header of this type; global ones may follow another.
    pub(super) fn has(&self, kind: u8) -> bool {
        match kind {
            b'L' => self.long_name.is_some(),
            b'K' => self.long_link.is_some(),
            b'g' => false,
            _ => self.local.is_some(),
        }
    }

    /// Takes the data of an extended header; fails with what is wrong with it.
    pub(super) fn set(&mut self, kind: u8, bytes: Vec<u8>) -> Result<(), String> {
        match kind {
            b'L' => self.long_name = Some(up_to_nul(bytes)),
            b'K' => self.long_link = Some(up_to_nul(bytes)),
            b'g' => pax::read(&bytes, &mut self.global)?,
            _ => {
                let mut overrides = Overrides::default();
                pax::read(&bytes, &mut overrides)?;
                self.local = Some(overrides);
            }
        }
        Ok(())
    }

    /// Pax records for what global headers have said so far.
    pub(super) fn global(&self) -> Vec<u8> {
        pax::write(&self.global)
    }

    /// The member's header with all that was said of it; what is said next is of another one.
    pub(super) fn apply(&mut self, mut header: Header) -> Header {
        let overrides = self.local.take().unwrap_or_default().or(&self.global);
        let (name, link) = (self.long_name.take(), self.long_link.take());
        if let Some(size) = overrides.size {
            header.size = Ok(size);
        }
        if let Some(name) = overrides.path.or(name) {
            header.name = name;
        }
        if let Some(link) = overrides.link.or(link) {
            header.link = link;
        }
        header.sparse = overrides.sparse;
        header
    }
}

fn up_to_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        bytes.truncate(end);
    }
    bytes
}

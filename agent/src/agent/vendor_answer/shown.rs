//! What the clinic is shown of the vendor's answer: pieces of what is inside, and why there are none.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use age::{DecryptError, Decryptor};
use protocol::answer::{FIRST, First};
use protocol::rights::PrivacyKind;

use super::{Come, VendorAnswer, answered};
use crate::api::support::Piece;
use crate::consent::tickets::{Ticket, Tickets};
use crate::limits;
use crate::vault::Vault;

crate::texts! {
    /// Why no answer of the vendor is shown.
    pub(in crate::agent) enum NotShown {
        NotAsked =>
            "the vendor was not asked what it holds: `privacy export --vendor -o DIR` asks it",
            "leverandøren er ikke spurgt, hvad den opbevarer: `privacy export --vendor -o MAPPE` spørger";
        NotAnswered =>
            "the vendor has not answered yet, or its answer is still on its way: `status` shows the ticket and until when it \
             is due",
            "leverandøren har ikke svaret endnu, eller svaret er på vej: `status` viser anmodningen og dens frist";
        Gone =>
            "the vendor's answer is gone, because it is kept for 30 days, or you got it by another way: `privacy export \
             --vendor -o DIR` asks again",
            "leverandørens svar er væk, fordi det opbevares i 30 dage, eller I har fået det på anden vis: `privacy export \
             --vendor -o MAPPE` spørger igen";
        TooLarge =>
            "the vendor's answer is larger than 64 MiB and was not fetched: ask the vendor to hand it over",
            "leverandørens svar er større end 64 MiB og blev ikke hentet: bed leverandøren om at udlevere det";
        OtherKey =>
            "the vendor's answer is sealed for a key that is not here, of another owner or device: `privacy export --vendor -o \
             DIR` asks again",
            "leverandørens svar er forseglet til en nøgle, der ikke er her, fra en anden ejer eller enhed: `privacy export \
             --vendor -o MAPPE` spørger igen";
        Foreign =>
            "the vendor's answer is about another request or another device, and was not shown: ask the vendor",
            "leverandørens svar handler om en anden anmodning eller en anden enhed og blev ikke vist: spørg leverandøren";
        Damaged =>
            "the vendor's answer is damaged, and was not shown: it is fetched again",
            "leverandørens svar er beskadiget og blev ikke vist: det hentes igen";
        Unreadable { why: io::ErrorKind } =>
            "the vendor's answer cannot be read now ({why}): check the disk and the rights of data_dir",
            "leverandørens svar kan ikke læses nu ({why}): kontrollér disken og rettighederne til data_dir";
    }
}

impl VendorAnswer {
    /// A piece of what is inside, from `offset` on.
    pub(in crate::agent) fn piece(
        &mut self,
        vault: &Vault,
        tickets: &Tickets,
        offset: u64,
    ) -> Result<Piece, NotShown> {
        let Some((ticket, sealed)) = answered(tickets) else {
            let asked = tickets.all().iter().rev().find(|ticket| ticket.kind == PrivacyKind::Access);
            return Err(match asked {
                None => NotShown::NotAsked,
                Some(ticket) if ticket.is_open() => NotShown::NotAnswered,
                Some(_) => NotShown::Gone,
            });
        };
        if !sealed.is_bounded() {
            return Err(NotShown::TooLarge);
        }
        match self.come(sealed).map_err(unreadable)? {
            Come::Other(_) => return Err(NotShown::Damaged),
            Come::Parts(_) => return Err(NotShown::NotAnswered),
            Come::Gone => return Err(NotShown::Gone),
            Come::Whole => {}
        }
        let path = self.path(sealed, "age");
        let shown = self.open(&path, vault, ticket, offset);
        if matches!(shown, Err(NotShown::Damaged)) {
            // Read from the disk, and not what was fetched: fetched once more.
            fs::remove_file(&path).map_err(unreadable)?;
            self.known = None;
        }
        shown
    }

    fn open(&self, path: &Path, vault: &Vault, ticket: &Ticket, offset: u64) -> Result<Piece, NotShown> {
        let identity = self.identity(vault).map_err(unreadable)?.ok_or(NotShown::OtherKey)?;
        let file = File::open(path).map_err(unreadable)?;
        let decryptor = Decryptor::new_buffered(BufReader::new(file)).map_err(|e| sealed_wrongly(&e))?;
        let identities = std::iter::once(&identity as &dyn age::Identity);
        let mut inside = decryptor.decrypt(identities).map_err(|e| sealed_wrongly(&e))?;
        let mut line = Vec::new();
        BufReader::new(&mut inside).take(FIRST as u64).read_until(b'\n', &mut line).map_err(unread)?;
        let first: First = serde_json::from_slice(&line).map_err(|_| NotShown::Foreign)?;
        if !first.answers(&ticket.ticket, vault.device()) {
            return Err(NotShown::Foreign);
        }
        let bytes = inside.seek(SeekFrom::End(0)).map_err(unread)?;
        inside.seek(SeekFrom::Start(offset.min(bytes))).map_err(unread)?;
        let mut piece = Vec::new();
        inside.take(limits::PIECE as u64).read_to_end(&mut piece).map_err(unread)?;
        Ok(Piece::of(&piece, offset, bytes))
    }
}

fn sealed_wrongly(error: &DecryptError) -> NotShown {
    match error {
        DecryptError::NoMatchingKeys => NotShown::OtherKey,
        DecryptError::Io(e) => unread_kind(e.kind()),
        _ => NotShown::Damaged,
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unread(error: io::Error) -> NotShown {
    unread_kind(error.kind())
}

fn unread_kind(kind: io::ErrorKind) -> NotShown {
    match kind {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => NotShown::Damaged,
        why => NotShown::Unreadable { why },
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: io::Error) -> NotShown {
    NotShown::Unreadable { why: error.kind() }
}

//! The consent that travels beside a sealed bundle on a stick: `FILE.consent`, one JSON object.
//!
//! It is what a device says on the wire before it sends a bundle: the announcement, and the ledger entries of the case.
//! The device signs the text `kathea-stick-1 DEVICE CASE SIZE SHA256 MANIFEST CONSENT...`, divided by blanks, so
//! the entries of one bundle do not stand in for another.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::bundle::Announcement;
use crate::identity::{DeviceId, Digest};
use crate::ledger::{self, Entry};
use crate::signature;

/// What is added to the name of the sealed file.
pub const ENDING: &str = ".consent";
/// Bytes of the longest that is read: some hundred ledger entries.
pub const MAX: usize = 1 << 20;
const FORMAT: &str = "kathea-stick-1";

/// The object as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stick {
    format: String,
    device: DeviceId,
    /// Base64 of the raw Ed25519 key.
    public_key: String,
    bundle: Announcement,
    /// Every ledger entry of the case, as the device signed it.
    lines: Vec<String>,
    /// Base64.
    signature: String,
}

/// One that was read, and whose signatures are the device's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The device.
    pub device: DeviceId,
    /// Its raw Ed25519 key.
    pub public_key: Vec<u8>,
    /// Its bundle.
    pub bundle: Announcement,
    /// Ledger entries of the bundle's case, each with its line.
    pub lines: Vec<(String, Entry)>,
}

/// Why an object is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadStick {
    /// Longer than [`MAX`].
    TooLong,
    /// Not of this shape, or of a later version.
    Shape,
    /// The device did not sign it, or not one of its entries.
    Signature,
    /// An entry is of another device or another case than the bundle.
    OtherEntry,
}

impl Stick {
    /// What goes beside the bundle of the device with this key; `sign` returns the Ed25519 signature of its argument.
    pub fn new(
        public_key: &[u8],
        bundle: Announcement,
        lines: Vec<String>,
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> Self {
        let device = DeviceId::of_public_key(public_key);
        let signature = BASE64.encode(&sign(signed(device, &bundle).as_bytes()));
        let public_key = BASE64.encode(public_key);
        Self { format: FORMAT.to_owned(), device, public_key, bundle, lines, signature }
    }

    /// Reads one and checks every signature.
    ///
    /// # Errors
    /// [`BadStick`].
    pub fn read(bytes: &[u8]) -> Result<Carried, BadStick> {
        if bytes.len() > MAX {
            return Err(BadStick::TooLong);
        }
        let Self { format, device, public_key, bundle, lines, signature } =
            serde_json::from_slice(bytes).map_err(|_| BadStick::Shape)?;
        let decoded = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| BadStick::Shape);
        let (public_key, signature) = (decoded(&public_key)?, decoded(&signature)?);
        if format != FORMAT {
            return Err(BadStick::Shape);
        }
        let is_signed = signature::is_signed(&public_key, signed(device, &bundle).as_bytes(), &signature);
        if DeviceId::of_public_key(&public_key) != device || !is_signed {
            return Err(BadStick::Signature);
        }
        let read = |line: String| {
            let entry = ledger::read_line(&line, &public_key).map_err(|_| BadStick::Signature)?;
            if entry.header.device != device || entry.processing.case.as_ref() != Some(&bundle.case) {
                return Err(BadStick::OtherEntry);
            }
            Ok((line, entry))
        };
        let lines = lines.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Carried { device, public_key, bundle, lines })
    }
}

fn signed(device: DeviceId, bundle: &Announcement) -> String {
    let Announcement { case, size, sha256, manifest_sha256, consents } = bundle;
    let consents: String = consents.iter().map(|consent: &Digest| format!(" {consent}")).collect();
    format!("{FORMAT} {device} {case} {size} {sha256} {manifest_sha256}{consents}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenSSL signed it: another program reads and writes the format.
    const GOLDEN: &str = include_str!("../tests/golden/stick-1.json");

    #[test]
    fn the_golden_stick_is_read_and_written_again() {
        let carried = Stick::read(GOLDEN.trim_end().as_bytes()).unwrap();
        assert_eq!((carried.lines.len(), carried.bundle.case.as_str()), (1, "CASE-1042"));
        assert_eq!(carried.bundle.consents, [ledger::line_hash(&carried.lines[0].0)]);
        let stick: Stick = serde_json::from_str(GOLDEN).unwrap();
        assert_eq!(serde_json::to_string(&stick).unwrap(), GOLDEN.trim_end());
    }

    #[test]
    fn what_was_changed_is_refused_whatever_it_is() {
        let golden: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        let changed = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut stick = golden.clone();
            change(&mut stick);
            Stick::read(stick.to_string().as_bytes()).unwrap_err()
        };
        let digest = Digest::of(b"another").to_string();
        assert_eq!(changed(&|stick| stick["bundle"]["sha256"] = digest.as_str().into()), BadStick::Signature);
        assert_eq!(changed(&|stick| stick["bundle"]["size"] = 8.into()), BadStick::Signature);
        let manifest = digest.as_str();
        assert_eq!(
            changed(&|stick| stick["bundle"]["manifest_sha256"] = manifest.into()),
            BadStick::Signature
        );
        assert_eq!(
            changed(&|stick| stick["bundle"]["consents"] = serde_json::json!([])),
            BadStick::Signature
        );
        assert_eq!(changed(&|stick| stick["bundle"]["case"] = "CASE-7".into()), BadStick::Signature);
        assert_eq!(changed(&|stick| stick["device"] = "07".repeat(16).into()), BadStick::Signature);
        assert_eq!(changed(&|stick| stick["format"] = "kathea-stick-2".into()), BadStick::Shape);
        let granted = |stick: &serde_json::Value| stick["lines"][0].as_str().unwrap().to_owned();
        let other = granted(&golden).replace("granted", "expired");
        assert_eq!(changed(&|stick| stick["lines"][0] = other.as_str().into()), BadStick::Signature);
        assert_eq!(changed(&|stick| stick["public_key"] = "AAAA".into()), BadStick::Signature);
        assert_eq!(Stick::read(b"age-encryption.org/v1"), Err(BadStick::Shape));
        assert_eq!(Stick::read(&vec![b' '; MAX + 1]), Err(BadStick::TooLong));
    }
}

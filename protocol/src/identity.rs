//! Names on the wire: digests, devices, epochs, purposes, queues.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the hexadecimal form of the type that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the lower-case hexadecimal form that was expected")]
pub struct NotHex;

macro_rules! hex_text {
    ($name:ident, $bytes:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.to_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotHex)?;
                <[u8; $bytes]>::try_from(bytes).map(Self::from_bytes).map_err(|_| NotHex)
            }
        }

        /// Hexadecimal text where a person reads it (JSON), raw bytes in bincode.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.to_bytes().serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; $bytes]>::deserialize(deserializer).map(Self::from_bytes)
                }
            }
        }
    };
}

/// A SHA-256 digest; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes` (FIPS 180-4, SHA-256).
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(out)
    }

    /// The digest whose 32 bytes are `bytes`.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

hex_text!(Digest, 32);

/// A device: the first 16 bytes of the SHA-256 of its raw Ed25519 public key, 32 hexadecimal digits
/// as text. Nobody assigns it, so it is the same before and after enrolment, and a device that
/// lost its key is another device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// The device that holds the private half of this raw 32-byte Ed25519 public key (RFC 8032).
    pub fn of_public_key(public_key: &[u8]) -> Self {
        let mut out = [0; 16];
        out.copy_from_slice(&Digest::of(public_key).0[..16]);
        Self(out)
    }

    /// The device whose 16 bytes are `bytes`.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Six characters to say on the telephone, in Crockford's alphabet (no I, L, O, U): the first 30 bits. They tell the
    /// devices of a clinic apart, and prove nothing.
    pub fn short(self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let [a, b, c, d, ..] = self.0;
        let bits = u32::from_be_bytes([a, b, c, d]) >> 2;
        let digit = |at: u32| char::from(ALPHABET[(bits >> (25 - 5 * at)) as usize % ALPHABET.len()]);
        (0..6).map(digit).collect()
    }
}

hex_text!(DeviceId, 16);

/// One run of a store: a counter, one higher at each process start, and random bytes that tell two
/// copies of a restored disk apart. Two epochs of one device with the same counter are a fork.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// High-water mark plus one at the start.
    pub counter: u64,
    /// Drawn at the start.
    pub random: [u8; 8],
}

impl Epoch {
    /// From the 16 bytes of the wire: the counter big-endian, then the random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let (mut counter, mut random) = ([0; 8], [0; 8]);
        counter.copy_from_slice(&bytes[..8]);
        random.copy_from_slice(&bytes[8..]);
        Self { counter: u64::from_be_bytes(counter), random }
    }

    /// The 16 bytes of the wire.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.counter.to_be_bytes());
        out[8..].copy_from_slice(&self.random);
        out
    }
}

hex_text!(Epoch, 16);

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$inner])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every one, in the order of their numbers on the wire.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one word for it, from code to help text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::identity::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::identity::UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or($crate::identity::UnknownWord)
            }
        }
    };
}
pub(crate) use words;

/// A word that is not on the closed list it was looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a word of the closed list")]
pub struct UnknownWord;

words! {
    /// What data is used for, and the consent flag of the same name (GDPR art. 5(1)(b)).
    Purpose {
        /// Usage of Kathea and the X1, device information.
        UsageStatistics = "usage_statistics",
        /// Contact information, case details, logs; per case.
        SupportCase = "support_case",
        /// De-identified scan metadata and numeric motion trace; per case.
        SupportScanData = "support_scan_data",
    }
}

words! {
    /// How long the vendor keeps a record, and the event the period starts from.
    Retention {
        /// 24 months from receipt.
        Usage24Months = "usage_24m",
        /// 10 years from the device's decommissioning.
        SupportDecommission10Years = "support_decom_10y",
        /// 14 months from receipt.
        Analytics14Months = "analytics_14m",
        /// 2 years from the last contact about the case.
        Contact2Years = "contact_2y",
        /// The period that stands beside it in the consent's ledger line, as the policy names it.
        Period = "period",
    }
}

words! {
    /// Why a support case was opened.
    CaseReason {
        /// Artefacts, noise, blur, wrong grey values.
        ImageQuality = "image_quality",
        /// The scanner or Kathea reported an error, or stopped.
        Error = "error",
        /// Too slow.
        Performance = "performance",
        /// The scanner, the network or another program is not reached.
        Connectivity = "connectivity",
        /// A calibration or a constancy test failed, or is overdue.
        Calibration = "calibration",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// Why something was refused or dropped: the closed list. New reasons go to the end.
    Reason {
        /// No live grant for its purpose.
        NoConsent = "no_consent",
        /// Happened before the grant.
        BeforeGrant = "before_grant",
        /// A line that is not UTF-8.
        NotUtf8 = "not_utf8",
        /// A line that is not a flat JSON object.
        NotJson = "not_json",
        /// A line longer than the limit.
        TooLong = "too_long",
        /// An event that the catalog does not list.
        UnknownEvent = "unknown_event",
        /// An attribute the catalog does not know for it.
        UnknownAttribute = "unknown_attribute",
        /// An attribute that is required is not there.
        MissingAttribute = "missing_attribute",
        /// An attribute is there twice.
        RepeatedAttribute = "repeated_attribute",
        /// Text where a number is wanted, or the reverse.
        BadType = "bad_type",
        /// A number outside its range, a word outside its enumeration.
        OutOfRange = "out_of_range",
        /// `at` is not RFC 3339 with an offset, or not a believable time.
        BadTime = "bad_time",
        /// Something in the outbox that is not a regular file.
        NotAFile = "not_a_file",
        /// Dropped because the spool was full; the oldest go first.
        Quota = "quota",
        /// Older than the policy's period on the device.
        Expired = "expired",
        /// Dropped by a withdrawal.
        Withdrawn = "withdrawn",
        /// Lost to damage on disk.
        Damaged = "damaged",
        /// The collector refused it for good.
        Rejected = "rejected",
        /// Happened after the last day on which the catalog has it collected.
        Ended = "ended",
    }
}

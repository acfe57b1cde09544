//! The vendor's signing keys. They need no data directory and belong on no server: a stick in a safe is a good place.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::signature::{Context, PublicKey, Signature, TrustedKey, TrustedKeys};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SigningKey};

use crate::disk::{self, Access};
use crate::failure::Failure;

/// Signs what devices are informed of: the use of their data. It is here because the server signs while it serves.
pub(crate) const USE_KEY: &str = "use-key.pem";

/// Makes a key in `file`, and gives the entry that agents need of it in `[vendor] keys`.
pub(crate) fn make(file: &Path, signs: &[Context]) -> Result<String, Failure> {
    if file.exists() {
        return Err(Failure::new(format!(
            "{} is there already; a signing key is never overwritten: name a new file",
            file.display()
        )));
    }
    let pair = KeyPair::generate_for(&PKCS_ED25519)
        .map_err(|_| Failure::new("this system gives no random numbers"))?;
    let key = public_key(&pair)?;
    disk::write(file, pair.serialize_pem().as_bytes(), Access::Private)?;
    let words = signs.iter().map(|context| format!("\"{context}\"")).collect::<Vec<_>>();
    Ok(format!("{{ key = \"{key}\", signs = [{}] }}", words.join(", ")))
}

/// Signs what `file` holds, in a file beside it whose name ends in `.sig`, and gives its path.
pub(crate) fn sign(file: &Path, context: Context, key: &Path) -> Result<PathBuf, Failure> {
    let signer = Signer::read(key)?;
    let content = Digest::of(&fs::read(file).map_err(Failure::at(file))?);
    let signature = signer.sign(context, content)?;
    let mut name = OsString::from(file);
    name.push(".sig");
    let beside = PathBuf::from(name);
    disk::write(&beside, format!("{signature}\n").as_bytes(), Access::Public)?;
    Ok(beside)
}

/// The key that signs use receipts and the head of the audit, in the data directory; none of a directory that an older
/// version made.
pub(crate) fn of_uses(data: &Path) -> Result<Option<Signer>, Failure> {
    let file = data.join(USE_KEY);
    if disk::read_secret(&file)?.is_none() { Ok(None) } else { Signer::read(&file).map(Some) }
}

/// A signing key that was read.
pub(crate) struct Signer {
    pair: KeyPair,
    key: PublicKey,
}

impl Signer {
    /// The key that `signing-key` made in `file`.
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let pem = fs::read_to_string(file).map_err(Failure::at(file))?;
        let no_key = || Failure::new(format!("{} is not a key that `signing-key` made", file.display()));
        let pair = KeyPair::from_pem(&pem).map_err(|_| no_key())?;
        Ok(Self { key: public_key(&pair)?, pair })
    }

    /// That it alone is trusted, for what it signs here.
    pub(crate) fn trusted(&self) -> TrustedKeys {
        let signs = vec![Context::UseReceipt, Context::AuditHead];
        TrustedKeys::new(vec![TrustedKey { key: self.key, signs }])
    }

    /// The signature of what has this digest.
    pub(crate) fn sign(&self, context: Context, content: Digest) -> Result<Signature, Failure> {
        let sign = |text: &[u8]| SigningKey::sign(&self.pair, text).unwrap_or_default();
        let failed = |_| Failure::new("the signing key gives no signature: make one with `signing-key`");
        Signature::new(context, self.key, content, sign).map_err(failed)
    }
}

fn public_key(pair: &KeyPair) -> Result<PublicKey, Failure> {
    let raw = <[u8; 32]>::try_from(pair.der_bytes()).ok().filter(|_| pair.algorithm() == &PKCS_ED25519);
    raw.map(PublicKey::from_bytes)
        .ok_or_else(|| Failure::new("the signing key is not Ed25519: make one with `signing-key`"))
}

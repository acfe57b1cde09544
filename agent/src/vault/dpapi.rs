//! The root key under Windows data protection, in the scope of the account that made it.
//!
//! ```text
//! magic "KDPA" | version u8 = 1 | entropy [32] | length of the account's name u8 | its security identifier | blob
//! ```
//!
//! The identifier tells a key that is lost from one that this account may not open. The entropy keeps other
//! programs of the same account from opening the blob by itself.

use ring::rand::SecureRandom;
use windows_dpapi::{Scope, decrypt_data, encrypt_data};
use zeroize::Zeroizing;

use super::VaultError;
use crate::account::Account;

const HEAD: &[u8; 5] = b"KDPA\x01";
const ENTROPY_LEN: usize = 32;

/// The bytes of the file.
pub(super) fn protect(secret: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, VaultError> {
    let account = Account::own().ok_or(VaultError::Crypto)?;
    let mut entropy = [0; ENTROPY_LEN];
    random.fill(&mut entropy).map_err(|_| VaultError::Crypto)?;
    let blob = encrypt_data(secret, Scope::User, Some(&entropy)).map_err(|_| VaultError::NoDpapi)?;
    let length = u8::try_from(account.id().len()).map_err(|_| VaultError::Crypto)?;
    Ok([HEAD.as_slice(), &entropy, &[length], account.id().as_bytes(), &blob].concat())
}

/// The secret; none if the bytes are damaged.
///
/// # Errors
/// [`VaultError::OtherAccount`] if another account made them.
pub(super) fn unprotect(bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let parse = || {
        let (entropy, rest) = bytes.strip_prefix(HEAD)?.split_at_checked(ENTROPY_LEN)?;
        let (length, rest) = rest.split_first()?;
        let (account, blob) = rest.split_at_checked(usize::from(*length))?;
        Some((entropy, account, blob))
    };
    let Some((entropy, account, blob)) = parse() else { return Ok(None) };
    if Account::own().is_none_or(|own| own.id().as_bytes() != account) {
        return Err(VaultError::OtherAccount);
    }
    Ok(decrypt_data(blob, Scope::User, Some(entropy)).ok().map(Zeroizing::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_account_that_made_it_opens_it() {
        let random = ring::rand::SystemRandom::new();
        let bytes = protect(&[7; 32], &random).unwrap();
        assert!(!bytes.windows(32).any(|window| window == [7; 32]));
        assert_eq!(unprotect(&bytes).unwrap().unwrap().as_slice(), [7; 32]);

        let mut other = bytes.clone();
        other[HEAD.len() + ENTROPY_LEN + 1] ^= 1;
        assert_eq!(unprotect(&other), Err(VaultError::OtherAccount));
        let mut entropy = bytes.clone();
        entropy[HEAD.len()] ^= 1;
        assert_eq!(unprotect(&entropy), Ok(None), "the blob alone is not enough");
        for cut in [0, 4, HEAD.len() + ENTROPY_LEN] {
            assert_eq!(unprotect(&bytes[..cut]), Ok(None), "{cut}");
        }
    }
}

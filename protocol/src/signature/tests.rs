//! One format for ever, and each way in which a signature must not count.

use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;
use crate::claim::{Claim, NONCE};
use crate::identity::DeviceId;

const CONTENT: &[u8] = b"what the vendor says";

/// A key pair that is the same in every run.
fn pair(seed: u8) -> (Ed25519KeyPair, PublicKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
    (pair, key)
}

fn sign(seed: u8, context: Context) -> Signature {
    let (pair, key) = pair(seed);
    Signature::new(context, key, Digest::of(CONTENT), |text| pair.sign(text).as_ref().to_vec()).unwrap()
}

fn trusted(seed: u8, signs: &[Context]) -> TrustedKeys {
    TrustedKeys::new(vec![TrustedKey { key: pair(seed).1, signs: signs.to_vec() }])
}

/// OpenSSL made it: nothing of this crate has to be right for it to be.
#[test]
fn the_format_is_the_golden_one() {
    let golden = include_str!("../../tests/golden/signature-1.txt");
    let lines = golden.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let [key, content, line] = lines.as_slice() else { unreachable!("a key, a content, a signature") };
    let signature = sign(1, Context::Release);
    assert_eq!((signature.to_string().as_str(), content.as_bytes()), (*line, CONTENT));
    assert_eq!(key.parse::<PublicKey>().unwrap(), pair(1).1);
    assert_eq!(line.parse::<Signature>().unwrap(), signature);
    let trusted = trusted(1, &[Context::Release]);
    assert_eq!(trusted.verify(Context::Release, Digest::of(CONTENT), &signature), Ok(pair(1).1.id()));
}

#[test]
fn a_signature_of_one_context_does_not_count_in_another() {
    let trusted = trusted(1, Context::ALL);
    for made in Context::ALL {
        for asked in Context::ALL {
            let signature = sign(1, *made);
            let verified = trusted.verify(*asked, Digest::of(CONTENT), &signature);
            assert_eq!(verified.is_ok(), made == asked, "{made} as {asked}");
            // Who edits the word in the line gains nothing: the key signed the context.
            let edited = Signature { context: *asked, ..signature };
            let verified = trusted.verify(*asked, Digest::of(CONTENT), &edited);
            assert_eq!(verified.is_ok(), made == asked, "{made} edited to {asked}");
        }
    }
}

#[test]
fn a_key_counts_only_for_what_it_may_sign_and_only_if_it_is_known() {
    let signature = sign(1, Context::Notice);
    let content = Digest::of(CONTENT);
    let id = pair(1).1.id();
    let verify = |trusted: TrustedKeys| trusted.verify(Context::Notice, content, &signature);
    assert_eq!(verify(trusted(1, &[Context::Notice, Context::Release])), Ok(id));
    assert_eq!(verify(trusted(1, &[Context::Release])), Err(Refused::NotAllowed(id)));
    assert_eq!(verify(trusted(1, &[])), Err(Refused::NotAllowed(id)));
    assert_eq!(verify(trusted(2, &[Context::Notice])), Err(Refused::UnknownKey(id)));
    assert_eq!(verify(TrustedKeys::default()), Err(Refused::UnknownKey(id)));
}

#[test]
fn neither_other_content_nor_another_key_under_the_same_name_counts() {
    let trusted = trusted(1, &[Context::Release]);
    let signature = sign(1, Context::Release);
    let id = pair(1).1.id();
    let other = trusted.verify(Context::Release, Digest::of(b"what it does not say"), &signature);
    assert_eq!(other, Err(Refused::Wrong(id)));
    let posing = Signature { key: id, ..sign(2, Context::Release) };
    assert_eq!(trusted.verify(Context::Release, Digest::of(CONTENT), &posing), Err(Refused::Wrong(id)));
    for place in 0..64 {
        let mut changed = signature;
        changed.bytes[place] ^= 1;
        assert_eq!(
            trusted.verify(Context::Release, Digest::of(CONTENT), &changed),
            Err(Refused::Wrong(id)),
            "byte {place}"
        );
    }
}

#[test]
fn only_the_one_line_is_read() {
    let line = sign(1, Context::Release).to_string();
    assert!(format!("{line}\n").parse::<Signature>().is_ok());
    for bad in [
        String::new(),
        format!(" {line}"),
        format!("{line} "),
        format!("{line}\n\n"),
        format!("{line} {line}"),
        line.replace("kathea-signature-1", "kathea-signature-2"),
        line.replace("release", "relase"),
        line[..line.len() - 4].to_owned(),
        line.replace(' ', "\t"),
        "kathea-signature-1 release 00 AAAA".to_owned(),
    ] {
        assert_eq!(bad.parse::<Signature>(), Err(NoSignature), "{bad}");
    }
    for bad in ["", "AAAA", "no base64 at all", &BASE64.encode(&[0; 33])] {
        assert_eq!(bad.parse::<PublicKey>(), Err(NoKey), "{bad}");
    }
    assert!(Signature::new(Context::Release, pair(1).1, Digest::of(b""), |_| vec![]).is_err());
}

/// Even if a device's key were among the vendor's, nothing that it signs today would count as anything else.
#[test]
fn what_a_device_signs_begins_unlike_what_the_vendor_signs() {
    let mut texts = vec![];
    let device = DeviceId::from_bytes([7; 16]);
    let _ = Claim::new(device, 1, [0; NONCE], |text| {
        texts.push(text.to_vec());
        vec![]
    });
    texts.push(format!("kathea-claim-1 {device}").into_bytes());
    let line = r#"{"entry":{"header":{"#;
    texts.push(line.strip_prefix(r#"{"entry":"#).unwrap().as_bytes().to_vec());
    texts.push(b"kathea-head-1 ".to_vec());
    texts.extend(Context::ALL.iter().map(|context| signed(*context, Digest::of(b""))));
    for (at, one) in texts.iter().enumerate() {
        for other in texts.iter().skip(at + 1) {
            let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
            assert!(common < one.len().min(other.len()), "one could be the other's beginning");
        }
    }
}

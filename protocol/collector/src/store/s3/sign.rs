//! AWS Signature Version 4: proves to an S3 who asks, by HMAC-SHA256 over what is asked. Pure: the time is given.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256, Key, Tag};
use time::OffsetDateTime;

use super::credentials::Credentials;

/// What is signed of a request.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// As the request line has it, encoded.
    pub(super) path: &'a str,
    /// As the request line has it: encoded, and sorted by name.
    pub(super) query: &'a str,
    /// Names in small letters, sorted.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// SHA-256 of the body, hex.
    pub(super) payload: &'a str,
}

/// The header `Authorization` of a request that is sent at `at`.
pub(super) fn authorization(
    signed: &Signed<'_>,
    credentials: &Credentials,
    region: &str,
    at: OffsetDateTime,
) -> String {
    let names: Vec<&str> = signed.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let headers: String =
        signed.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let Signed { method, path, query, payload, .. } = signed;
    let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{payload}");
    let time = time(at);
    let day = &time[..8];
    let scope = format!("{day}/{region}/s3/aws4_request");
    let canonical = HEXLOWER.encode(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
    let first = format!("AWS4{}", credentials.secret());
    let key = [day, region, "s3", "aws4_request"]
        .iter()
        .fold(Key::new(HMAC_SHA256, first.as_bytes()), |key, part| {
            Key::new(HMAC_SHA256, mac(&key, part).as_ref())
        });
    let signature = HEXLOWER.encode(mac(&key, &text).as_ref());
    let id = &credentials.id;
    format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn mac(key: &Key, text: &str) -> Tag {
    hmac::sign(key, text.as_bytes())
}

/// A time as the header `x-amz-date` has it: `20130524T000000Z`.
pub(super) fn time(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second) = at.to_hms();
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}

/// A text as a path or a query has it: all but letters, digits and `-._~` in percent; also `/`, unless it `is_path`.
pub(super) fn encoded(text: &str, is_path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b'/' if is_path => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const AT: &str = "20130524T000000Z";

    /// The examples of "Signature Calculations for the Authorization Header", Amazon S3 API Reference.
    #[test]
    fn the_published_examples_have_the_published_signatures() {
        let credentials =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
        let at = OffsetDateTime::from_unix_timestamp(1_369_353_600).unwrap();
        assert_eq!(time(at), AT);
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let date = ("x-amz-date", AT);
        let empty = ("x-amz-content-sha256", EMPTY);
        let welcome = HEXLOWER.encode(digest(&SHA256, b"Welcome to Amazon S3.").as_ref());
        let put = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            ("x-amz-content-sha256", &*welcome),
            date,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        let path = encoded("/test$file.text", true);
        for (method, path, query, headers, payload, signature) in [
            (
                "GET",
                "/test.txt",
                "",
                &[host, ("range", "bytes=0-9"), empty, date][..],
                EMPTY,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                &*path,
                "",
                &put[..],
                &*welcome,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                "GET",
                "/",
                "lifecycle=",
                &[host, empty, date][..],
                EMPTY,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "GET",
                "/",
                "max-keys=2&prefix=J",
                &[host, empty, date][..],
                EMPTY,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let signed = Signed { method, path, query, headers, payload };
            let said = authorization(&signed, &credentials, "us-east-1", at);
            assert!(said.ends_with(&format!("Signature={signature}")), "{method} {path}?{query}: {said}");
        }
    }

    #[test]
    fn a_text_is_encoded_as_the_signature_wants_it() {
        assert_eq!(encoded("/a b/ü+~", true), "/a%20b/%C3%BC%2B~");
        assert_eq!(encoded("a/b=", false), "a%2Fb%3D");
    }
}

//! What an S3 answers: pages of a list, and why it refused. Pure, and strict: it is input from outside.

use quick_xml::Reader;
use quick_xml::events::Event;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::Failure;

/// An object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// When it was written.
    pub(crate) modified: OffsetDateTime,
}

/// A page of a list, and the mark of the next one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) next: Option<String>,
}

/// Reads a page of `ListObjectsV2`; `None` if it is none.
pub(super) fn page(body: &[u8]) -> Option<Page> {
    let (mut page, mut is_list, mut is_truncated) = (Page::default(), false, None::<bool>);
    let (mut key, mut size, mut modified) = (None, None, None);
    each(body, |path, text| {
        match path {
            ["ListBucketResult", "Contents", "Key"] => key = Some(text.to_owned()),
            ["ListBucketResult", "Contents", "Size"] => size = Some(text.parse().ok()?),
            ["ListBucketResult", "Contents", "LastModified"] => {
                modified = Some(OffsetDateTime::parse(text, &Rfc3339).ok()?);
            }
            ["ListBucketResult", "Contents"] => {
                let (key, size, modified) = (key.take()?, size.take()?, modified.take()?);
                page.objects.push(Object { key, size, modified });
            }
            ["ListBucketResult", "IsTruncated"] => is_truncated = Some(text.parse().ok()?),
            ["ListBucketResult", "NextContinuationToken"] => page.next = Some(text.to_owned()),
            ["ListBucketResult"] => is_list = true,
            _ => {}
        }
        Some(())
    })?;
    // A list that broke off would say that what is missing is not there.
    let is_whole = is_list && is_truncated? == page.next.is_some();
    is_whole.then_some(page)
}

/// Hands `each` every element when it ends: the names of those around it and its own, and the text in it.
fn each(body: &[u8], mut each: impl FnMut(&[&str], &str) -> Option<()>) -> Option<()> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let (mut path, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(String::from_utf8(start.local_name().as_ref().to_vec()).ok()?);
                text.clear();
            }
            Event::Text(more) => text.push_str(&more.decode().ok()?),
            Event::GeneralRef(more) => match more.resolve_char_ref().ok()? {
                Some(character) => text.push(character),
                None => {
                    let name = more.decode().ok()?;
                    text.push_str(quick_xml::escape::resolve_predefined_entity(&name)?);
                }
            },
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                each(&names, text.trim())?;
                path.pop();
                text.clear();
            }
            // A document type may define anything.
            Event::DocType(_) => return None,
            Event::Eof => return path.is_empty().then_some(()),
            _ => {}
        }
    }
}

/// The code of a refusal; none if the body has none.
pub(super) fn code(body: &[u8]) -> Option<String> {
    let mut code = None;
    let _ = each(body, |path, text| {
        if path == ["Error", "Code"] {
            code = Some(text.to_owned());
        }
        Some(())
    });
    code.filter(|code| code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Why an S3 refused, and what to do.
pub(super) fn refused(host: &str, status: u16, body: &[u8]) -> Failure {
    let code = code(body);
    let what = match (status, code.as_deref().unwrap_or_default()) {
        (_, "RequestTimeTooSkewed" | "RequestExpired") => {
            "the clock of this machine is not right: set it, and keep it by NTP"
        }
        (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken") => {
            "it does not take the credentials of store.s3.credentials_file: correct them"
        }
        (_, "NoSuchBucket") => "there is no such bucket: make it, or correct store.s3.bucket",
        (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") | (301 | 302 | 307 | 308, _) => {
            "the bucket is in another region, or at another endpoint: correct store.s3.region and store.s3.endpoint"
        }
        (403, _) => {
            "it does not allow this: the credentials need to get, put and delete objects and to list the bucket"
        }
        (501, _) => {
            "it does not do what is asked; it has to take If-None-Match with PUT, and lists of version 2"
        }
        (429 | 503, _) => "it takes no more requests now",
        (507, _) | (_, "QuotaExceeded" | "XMinioStorageFull") => "it is full: make space",
        (200..=299, _) => "its answer is not one of S3: correct store.s3.endpoint",
        _ => "it failed",
    };
    let code = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    Failure::new(format!("the S3 with the bundles, {host}: {what} ({code})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>a&amp;b</Prefix>
<Contents><Key>uploads/x/0</Key><LastModified>2026-05-01T10:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size>
<Owner><ID>1</ID></Owner></Contents>
<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>
<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b&#43;/=</NextContinuationToken></ListBucketResult>"#;

    #[test]
    fn a_page_is_read_and_half_a_page_is_none() {
        let page = page(LIST.as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("a&b+/="));
        let modified = OffsetDateTime::from_unix_timestamp(1_777_629_600).unwrap();
        assert_eq!(page.objects, [Object { key: "uploads/x/0".to_owned(), size: 7, modified }]);
        for cut in (1..LIST.len()).step_by(7) {
            assert_eq!(super::page(&LIST.as_bytes()[..cut]), None, "{cut}");
        }
        for wrong in [
            LIST.replace("<Size>7", "<Size>-7"),
            LIST.replace("<Size>7</Size>", ""),
            LIST.replace("2026-05", "2026-15"),
            LIST.replace(">true<", ">false<"),
            LIST.replace("<Name>", "<!DOCTYPE a><Name>"),
            LIST.replace("&#43;", "&other;"),
            LIST.replace("ListBucketResult", "Error"),
            String::new(),
        ] {
            assert_eq!(super::page(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_and_quotes_a_code_alone() {
        for (status, code, says) in [
            (403, "RequestTimeTooSkewed", "clock of this machine"),
            (403, "SignatureDoesNotMatch", "store.s3.credentials_file"),
            (403, "AccessDenied", "does not allow"),
            (404, "NoSuchBucket", "no such bucket"),
            (301, "PermanentRedirect", "store.s3.region"),
            (501, "NotImplemented", "If-None-Match"),
            (503, "SlowDown", "takes no more requests now (503 SlowDown)"),
            (500, "InternalError", "it failed (500 InternalError)"),
        ] {
            let body = format!("<Error><Code>{code}</Code><Message>words</Message></Error>");
            let said = refused("s3.example:443", status, body.as_bytes()).to_string();
            assert!(said.contains(says) && !said.contains("words"), "{said}");
        }
        let said = refused("h", 503, b"<Error><Code>a secret\n</Code></Error>").to_string();
        assert!(said.ends_with("(503)"), "{said}");
    }
}

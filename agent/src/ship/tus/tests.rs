//! A model of a server that keeps its promises, and servers that do not.

use protocol::CaseId;

use super::*;
use crate::ship::exchange::Answer;
use crate::ship::failure::Failure;

const SIZE: u64 = 300_000;

fn announcement() -> Announcement {
    Announcement {
        case: "CASE-1042".parse::<CaseId>().unwrap(),
        size: SIZE,
        sha256: Digest::of(b"sealed"),
        manifest_sha256: Digest::of(b"manifest"),
        consents: vec![Digest::of(b"yes"), Digest::of(b"yes to scans")],
    }
}

fn answer(status: u16) -> Answer {
    Answer { status, ..Answer::default() }
}

fn at(offset: u64) -> Outcome {
    Ok(Answer { upload_offset: Some(offset.to_string()), ..answer(200) })
}

fn named(location: &str) -> Outcome {
    Ok(Answer { location: Some(location.to_owned()), ..answer(201) })
}

fn hear(upload: &mut Upload, outcome: Outcome) -> StepResult {
    let step = upload.next();
    upload.apply(step, &outcome, Duration::from_secs(1))
}

/// One that was announced and stands at `offset`.
fn underway(offset: u64) -> Upload {
    let mut upload = Upload::new(announcement(), None, 64 << 10);
    assert_eq!(hear(&mut upload, Ok(answer(204))), StepResult::GoesOn);
    assert_eq!(hear(&mut upload, named("/v1/bundles/a")), StepResult::GoesOn);
    hear(&mut upload, at(offset));
    upload
}

fn complete(sha256: Digest, size: u64, durable: bool) -> Outcome {
    let reply = BundleReply { sha256, size, durable, receipt: "r-1".to_owned() };
    Ok(Answer { body: serde_json::to_vec(&reply).unwrap(), ..answer(200) })
}

#[test]
fn a_bundle_goes_from_the_question_to_the_receipt() {
    let mut upload = Upload::new(announcement(), None, 10_000);
    let mut steps = Vec::new();
    let mut stored = 0;
    loop {
        let step = upload.next();
        steps.push(step);
        let outcome = match step {
            Step::Look => Ok(Answer { checksum_algorithms: Some("sha1, sha256".into()), ..answer(204) }),
            Step::Announce => named("https://elsewhere.example/v1/bundles/a"),
            Step::Send { offset, length } => {
                assert_eq!(offset, stored);
                stored += length;
                at(stored)
            }
            Step::Complete => complete(Digest::of(b"sealed"), SIZE, true),
            _ => at(stored),
        };
        if upload.apply(step, &outcome, Duration::from_secs(10)) == StepResult::Settled("r-1".to_owned()) {
            break;
        }
        assert_eq!(upload.path(), (steps.len() > 1).then_some("/v1/bundles/a"), "its path, on our host");
    }
    assert!(upload.checks());
    let sizes = [100_000; 3].iter().enumerate().map(|(nth, length)| (nth as u64 * length, *length));
    let sends = sizes.map(|(offset, length)| Step::Send { offset, length });
    let expected: Vec<Step> =
        [Step::Look, Step::Announce, Step::Ask].into_iter().chain(sends).chain([Step::Complete]).collect();
    assert_eq!(steps, expected);
}

#[test]
fn a_chunk_lasts_about_as_long_as_it_should() {
    let send = |upload: &Upload| match upload.next() {
        Step::Send { length, .. } => length,
        other => panic!("{other:?}"),
    };
    let start = |rate| {
        let mut upload = Upload::new(Announcement { size: 1 << 30, ..announcement() }, Some("/u"), rate);
        hear(&mut upload, Ok(answer(404)));
        hear(&mut upload, at(0));
        upload
    };
    assert_eq!(send(&start(64 << 10)), 640 << 10);
    assert_eq!(send(&start(1)), limits::SMALLEST_PART);
    let mut upload = start(u64::MAX);
    assert_eq!(send(&upload), MAX_CHUNK);
    // A line that brings 40 KiB/s: cut, then slow, then fast again.
    for (result, expected) in
        [(StepResult::GoesOn, MAX_CHUNK / 2), (StepResult::Setback(Reply::Failed), MAX_CHUNK / 4)]
    {
        assert_eq!(hear(&mut upload, Err(Failure::Cut)), result, "once, as long as nothing more is there");
        hear(&mut upload, at(0));
        assert_eq!(send(&upload), expected);
    }
    let slow = Duration::from_secs(32);
    assert_eq!(upload.apply(upload.next(), &at(MAX_CHUNK / 4), slow), StepResult::Further);
    assert_eq!(send(&upload), 400 << 10);
    let fast = Duration::from_millis(10);
    assert_eq!(upload.apply(upload.next(), &at(MAX_CHUNK / 4 + (400 << 10)), fast), StepResult::Further);
    assert_eq!(send(&upload), 800 << 10, "not more than twice at once");
    for _ in 0..20 {
        hear(&mut upload, Err(Failure::Cut));
        hear(&mut upload, at(0));
    }
    assert_eq!(send(&upload), limits::SMALLEST_PART);
}

#[test]
fn after_a_cut_the_server_says_where_it_stands() {
    for outcome in [Err(Failure::Cut), Ok(answer(409)), Ok(answer(460)), at(SIZE + 1), at(1), at(0)] {
        let mut upload = underway(0);
        for stored in [70_000, 140_000] {
            assert_eq!(hear(&mut upload, Err(Failure::Cut)), StepResult::GoesOn);
            assert_eq!(upload.next(), Step::Ask);
            assert_eq!(
                hear(&mut upload, at(stored)),
                StepResult::Further,
                "and so the next cut is forgiven too"
            );
        }
        assert_eq!(
            hear(&mut upload, outcome.map(|answer| Answer { body: vec![], ..answer })),
            StepResult::GoesOn
        );
        assert_eq!(upload.next(), Step::Ask);
        assert_eq!(hear(&mut upload, at(10)), StepResult::GoesOn, "less than it had");
        assert!(matches!(upload.next(), Step::Send { offset: 10, .. }));
        assert_eq!(hear(&mut upload, Err(Failure::Cut)), StepResult::Setback(Reply::Failed));
        assert_eq!(upload.next(), Step::Ask);
    }
    assert_eq!(hear(&mut underway(0), Ok(answer(500))), StepResult::Setback(Reply::Failed));
}

#[test]
fn an_upload_that_is_lost_is_announced_again() {
    for lost in [404, 410] {
        let mut upload = underway(0);
        assert_eq!(hear(&mut upload, Ok(answer(lost))), StepResult::GoesOn);
        assert_eq!((upload.next(), upload.path()), (Step::Announce, None));
        hear(&mut upload, named("/v1/bundles/b"));
        hear(&mut upload, at(0));
        assert_eq!(
            hear(&mut upload, Ok(answer(lost))),
            StepResult::Setback(Reply::Failed),
            "and again and again"
        );
    }
    // At the question, also what is another upload under its name, and what makes no sense.
    let longer =
        Ok(Answer { upload_length: Some("7".into()), upload_offset: Some("3".into()), ..answer(200) });
    for lost in [Ok(answer(403)), Ok(answer(404)), Ok(answer(410)), longer, at(SIZE + 1), Ok(answer(200))] {
        let mut upload = underway(0);
        hear(&mut upload, Err(Failure::Cut));
        assert_eq!(hear(&mut upload, lost), StepResult::Setback(Reply::Failed));
        assert_eq!(upload.next(), Step::Announce);
    }
}

#[test]
fn only_its_own_digest_kept_durably_settles_a_bundle() {
    let own = Digest::of(b"sealed");
    let html = || Ok(Answer { content_type: Some("text/html".into()), ..complete(own, SIZE, true).unwrap() });
    for lie in [
        complete(Digest::of(b"other"), SIZE, true),
        complete(own, SIZE - 1, true),
        complete(own, SIZE, false),
        html(),
        Ok(answer(200)),
        Ok(answer(204)),
        Ok(answer(404)),
        Ok(answer(409)),
        Err(Failure::Cut),
    ] {
        let mut upload = underway(SIZE);
        assert_eq!(upload.next(), Step::Complete);
        assert_eq!(hear(&mut upload, lie), StepResult::Setback(Reply::Failed));
        assert_eq!(upload.next(), Step::Ask);
    }
    let mut upload = underway(SIZE);
    assert_eq!(hear(&mut upload, complete(own, SIZE, true)), StepResult::Settled("r-1".to_owned()));
}

#[test]
fn what_the_collector_says_of_consent_and_device_is_heeded() {
    let problem = |status, kind: &str| {
        let body = format!(r#"{{"type":"{kind}","title":"t","status":{status}}}"#).into();
        Ok(Answer { body, ..answer(status) })
    };
    let mut upload = underway(0);
    assert_eq!(hear(&mut upload, problem(403, "consent_withdrawn")), StepResult::Refused);
    assert_eq!(
        hear(&mut underway(0), problem(403, "device_revoked")),
        StepResult::Setback(Reply::Unauthorised)
    );
    let mut upload = Upload::new(announcement(), None, 1);
    hear(&mut upload, Ok(answer(204)));
    assert_eq!(hear(&mut upload, Ok(answer(413))), StepResult::Refused);
    assert_eq!(hear(&mut upload, problem(410, "device_retired")), StepResult::Setback(Reply::Retired));

    assert_eq!(
        hear(&mut upload, problem(428, "consent_required")),
        StepResult::Setback(Reply::ConsentRequired)
    );
    let stored = |text: &[u8]| {
        let body = format!(r#"{{"hash":"{}","durable":true}}"#, Digest::of(text)).into();
        Ok(Answer { body, ..answer(201) })
    };
    assert_eq!(upload.next(), Step::Consent(Digest::of(b"yes to scans")));
    assert_eq!(hear(&mut upload, stored(b"other")), StepResult::Setback(Reply::Failed));
    assert_eq!(hear(&mut upload, stored(b"yes to scans")), StepResult::GoesOn);
    assert_eq!(hear(&mut upload, stored(b"yes")), StepResult::GoesOn);
    assert_eq!(upload.next(), Step::Announce);
}

#[test]
fn a_location_is_a_path_of_ours_or_nothing() {
    assert_eq!(path_of("/files/a?b=1").as_deref(), Some("/files/a?b=1"));
    assert_eq!(path_of("http://other.example:1/files/a").as_deref(), Some("/files/a"));
    let long = format!("/{}", "a".repeat(limits::UPLOAD_PATH));
    for bad in ["", "files/a", "https://other.example", "/a b", "/a\r\nX: y", "/æ", "/a#b", &long] {
        assert_eq!(path_of(bad), None, "{bad}");
    }
}

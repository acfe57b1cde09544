//! Every subject, raised by its cause and cleared when the cause is gone.

use std::fs;

use protocol::reply::{NewsReply, PrivacyReply, SignedText, TicketState};
use protocol::rights::PrivacyKind;
use protocol::signature::{Context, PublicKey, TrustedKey, TrustedKeys};
use protocol::{DeviceId, Digest, Reason};

use super::site::Site;
use super::site::unix_now;
use super::*;
use crate::agent::Parts;
use crate::agent::uplink::note_contact;
use crate::agent::usage::Look;
use crate::agent::usage::{note_unread, remove};
use crate::collect::outbox;
use crate::consent::vendor_request::VendorRequest;
use crate::consent::{By, Channel, Flag};
use crate::request::HistoryAsk;
use crate::ship::failure::Failure;
use crate::ship::pace::Reply;
use crate::spool::Recovery;

/// Fails here as the loop does.
fn trouble(site: &mut Site, subject: Subject) {
    site.agent.trouble(subject, &Trouble::NoPermit);
}

/// Raises `subject` by its cause.
fn raise(subject: Subject) -> Site {
    use Subject::*;
    let mut site = match subject {
        Intake | OutboxRemoval | OutboxLarge | Spool | Upkeep | Quota | NotEnrolled | KeysSetAside
        | Expiry | Periods => Site::granted(),
        _ => Site::new(),
    };
    match subject {
        Intake => {
            site.block(&site.config.kathea.outbox);
            assert!(!site.agent.take_some(Look::All));
        }
        OutboxUnwatched => {
            site.block(&site.config.kathea.outbox);
            let below = site.outbox("below");
            let why = crate::agent::watch::outbox(&below, std::sync::Arc::default(), |_| ()).unwrap_err();
            site.agent.health.raise(subject, &why, Duration::ZERO);
        }
        OutboxRemoval => {
            fs::write(site.outbox("a.ndjson"), b"").unwrap();
            let sources =
                outbox::list(&site.config.kathea.outbox, unix_now()).unwrap().sources.collect::<Vec<_>>();
            assert_eq!(sources.len(), 1);
            fs::remove_file(site.outbox("a.ndjson")).unwrap();
            fs::create_dir(site.outbox("a.ndjson")).unwrap();
            site.with_cx(|parts| drop(remove(&mut parts.cx, &sources)));
        }
        OutboxUnread => {
            site.with_cx(|parts| note_unread(&mut parts.cx, std::io::ErrorKind::PermissionDenied));
        }
        OutboxLarge => {
            let file = fs::File::create(site.outbox("a.ndjson")).unwrap();
            file.set_len(limits::OUTBOX_FILE + 1).unwrap();
            // Its age says whether it is complete: it has no last line.
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
            site.agent.take_some(Look::All);
        }
        Spool => {
            site.block(&site.data("spool/usage"));
            assert_eq!(site.record(), 0);
            site.work();
        }
        Upkeep => {
            site.block(&site.data("spool"));
            site.agent.keep_in_order();
        }
        Periods | Expiry | Transfer | Connection | Cases | Decommissioning => trouble(&mut site, subject),
        Quota => {
            site.agent.config.spool.quota = 4096;
            assert_eq!(site.record(), 64);
        }
        Counts => {
            let _ = fs::remove_file(site.data("tally.json"));
            fs::create_dir(site.data("tally.json")).unwrap();
            site.agent.counters.drop(Reason::TooLong, 1);
            site.with_cx(|parts| parts.cx.save_counters());
        }
        History => {
            assert!(site.agent.answer_history(HistoryAsk::On).is_done());
            let sealed = site.data("history.sealed");
            fs::remove_file(&sealed).unwrap();
            fs::create_dir(&sealed).unwrap();
            site.with_cx(|parts| parts.usage.note_device(&mut parts.cx));
        }
        CountsLost => site.restart(|site| fs::write(site.data("tally.json"), "{").unwrap()),
        TicketsLost => site.restart(|site| fs::write(site.data("tickets.json"), "{").unwrap()),
        HistoryLost => site.restart(|site| fs::write(site.data("history.sealed"), "{").unwrap()),
        KeysLost => site.restart(|site| fs::write(site.data("keys/device.key"), "damaged").unwrap()),
        BundlesLost => {
            site.bundle();
            site.restart(|site| {
                for entry in fs::read_dir(site.data("keys")).unwrap() {
                    let path = entry.unwrap().path();
                    if path.file_name().unwrap().to_string_lossy().starts_with("support_case") {
                        fs::remove_file(path).unwrap();
                    }
                }
            });
        }
        ReadAgain | Damage | Numbering => {
            let recovery = Recovery {
                lost: u64::from(subject == Damage),
                read_again: u32::from(subject == ReadAgain),
                high_water_lost: subject == Numbering,
                ..Recovery::default()
            };
            site.with_cx(|parts| parts.cx.note_losses(&recovery).unwrap());
        }
        Collector => {
            site.with_cx(|parts| note_contact(&mut parts.cx, &Reply::Failed, &Err(Failure::Connect)));
        }
        VendorHead => {
            fs::create_dir(site.data("ledger.vendor")).unwrap();
            site.agent.note_head(9, Digest::of(b"newer"));
        }
        Certificate => {
            site.with_cx(|parts| parts.uplink.renewed(&mut parts.cx, Err(Failure::Connect)));
        }
        Bundle => {
            site.bundle();
            site.restart(|site| assert!(!site.shown(subject)));
            let agent = &mut site.agent;
            agent.cases.queue.fail("00000001", &mut agent.vault, unix_now()).unwrap();
            site.restart(|_| {});
        }
        Leaving => fs::write(site.data("decommissioning"), "0").unwrap(),
        Copied => {
            let salt = "00".repeat(16);
            fs::write(site.data("machine"), format!("{salt} {}\n", Digest::of(b"another"))).unwrap();
        }
        Kept | Registry => {
            fs::create_dir(site.data("ledger.ndjson")).unwrap();
            site.restart(|_| {});
        }
        KeysSetAside => {
            assert_eq!(site.record(), 64);
            site.restart(|site| {
                for entry in fs::read_dir(site.data("keys")).unwrap() {
                    let path = entry.unwrap().path();
                    if path.file_name().unwrap().to_string_lossy().starts_with("usage_statistics") {
                        fs::write(path, "damaged").unwrap();
                    }
                }
            });
        }
        FoldersUnread => {
            fs::write(site.data("a file"), "").unwrap();
            site.agent.config.kathea.logs = vec![site.data("a file")];
        }
        Tickets => {
            let late = Some("2026-01-01T00:00:00Z".to_owned());
            let reply = PrivacyReply { due: late, ..PrivacyReply::new("T-1".to_owned(), TicketState::Open) };
            let flag = Flag::UsageStatistics;
            let asked = VendorRequest::privacy(PrivacyKind::Rectify, &flag, Digest::of(b"asked"));
            let VendorRequest::Privacy { kind, request } = asked else { panic!("a privacy request") };
            let tickets = &mut site.agent.consents.requests.tickets;
            tickets.taken(kind, &request, reply, "2025-12-01T00:00:00Z".to_owned()).unwrap();
        }
        News => {
            let keys = TrustedKeys::new(vec![TrustedKey {
                key: PublicKey::from_bytes([7; 32]),
                signs: vec![Context::UseReceipt],
            }]);
            let now = site.agent.now();
            let news = &mut site.agent.consents.requests.news;
            news.offered(Some("1-0000000000000000"), &keys, now).unwrap();
            let forged = SignedText { text: "{}".to_owned(), signature: String::new() };
            let reply = NewsReply { receipts: vec![forged], notices: Vec::new() };
            news.answered(Some(reply), &keys, DeviceId::from_bytes([0; 16]), now).unwrap();
        }
        Uplink => {
            fs::remove_file(site.dir.path().join("ca.pem")).unwrap();
            site.with_cx(|parts| parts.uplink.connect(&mut parts.cx).unwrap());
        }
        NotEnrolled => assert_eq!(site.record(), 64),
        DiskUse => site.block(&site.data("spool")),
    }
    site
}

/// Takes its cause away.
fn clear(site: &mut Site, subject: Subject) {
    use Subject::*;
    match subject {
        Intake => {
            site.unblock(&site.config.kathea.outbox);
            site.agent.take_some(Look::All);
        }
        OutboxUnwatched => {
            site.unblock(&site.config.kathea.outbox);
            site.restart(|_| {});
        }
        OutboxRemoval => {
            fs::remove_dir(site.outbox("a.ndjson")).unwrap();
            site.agent.take_some(Look::All);
        }
        OutboxLarge => {
            fs::remove_file(site.outbox("a.ndjson")).unwrap();
            site.agent.take_some(Look::All);
        }
        OutboxUnread => drop(site.agent.take_some(Look::All)),
        Spool => {
            site.unblock(&site.data("spool/usage"));
            site.work();
        }
        Periods | Transfer | Cases | Decommissioning | Expiry => {
            (site.agent.device_due, site.agent.expiry_due) = (Duration::ZERO, Duration::ZERO);
            site.work();
            // The loop rests when nothing is due, which a device that is not enrolled never comes to.
            site.agent.rest();
        }
        Upkeep => {
            site.unblock(&site.data("spool"));
            site.agent.keep_in_order();
        }
        Quota => {
            site.agent.config.spool.quota = site.config.spool.quota;
            assert_eq!(site.record(), 64);
            assert!(site.shown(subject), "what waits now was not sent yet");
            site.drain();
        }
        NotEnrolled | KeysSetAside => {
            // A request to the vendor waits after it: that of a device that was never enrolled goes with the queue.
            let by = By { role: None, channel: Channel::CommandLine, session: None };
            site.agent.withdraw(&Flag::UsageStatistics, false, by, unix_now()).unwrap();
            site.agent.consents.requests.purge().unwrap();
        }
        Counts => {
            fs::remove_dir(site.data("tally.json")).unwrap();
            site.with_cx(|parts| parts.cx.save_counters());
        }
        History => {
            fs::remove_dir(site.data("history.sealed")).unwrap();
            site.with_cx(|parts| parts.usage.note_device(&mut parts.cx));
        }
        CountsLost | TicketsLost | HistoryLost | KeysLost | BundlesLost | ReadAgain | Damage | Numbering => {
            // Nobody waits for a day here: the list itself is asked for the announcement.
            let later = site.agent.since_start() + limits::LOSS_SHOWN;
            assert!(site.agent.health.problems(later).all(|(raised, _)| raised != subject));
            site.agent.health.clear(subject);
        }
        Tickets => {
            let reply = PrivacyReply::new("T-1".to_owned(), TicketState::Done);
            let Parts { requests, cx, .. } = site.agent.parts();
            let (keys, device) = (&cx.config.vendor.keys, cx.vault.device());
            requests.tickets.answered("T-1", Some(&reply), keys, device, Duration::ZERO).unwrap();
        }
        News => {
            fs::remove_file(site.data("news.json")).unwrap();
            site.restart(|_| {});
        }
        VendorHead => {
            fs::remove_dir(site.data("ledger.vendor")).unwrap();
            site.agent.note_head(9, Digest::of(b"newer"));
        }
        Collector => {
            // Nothing is allowed: nobody is asked any more.
            site.agent.rest();
        }
        Connection | Certificate | Uplink => {
            fs::write(site.dir.path().join("ca.pem"), "").unwrap();
            site.with_cx(|parts| parts.uplink.connect(&mut parts.cx).unwrap());
        }
        Bundle => {
            let discard = crate::request::SupportRequest::Discard { id: "00000001".into() };
            let caller = crate::request::Caller { administrator: true, ..Default::default() };
            assert!(site.agent.answer_support(&discard, caller, unix_now()).is_done());
        }
        Leaving => fs::remove_file(site.data("decommissioning")).unwrap(),
        Copied => fs::remove_file(site.data("machine")).unwrap(),
        Kept | Registry => {
            fs::remove_dir(site.data("ledger.ndjson")).unwrap();
            site.agent.registry.look_again();
        }
        FoldersUnread => fs::remove_file(site.data("a file")).unwrap(),
        DiskUse => site.unblock(&site.data("spool")),
    }
}

#[test]
fn every_subject_is_raised_by_its_cause_and_cleared_with_it() {
    let mut wrong = Vec::new();
    let mut hold = |holds: bool, subject, what, site: &Site| {
        if !holds {
            wrong.push(format!("{subject:?} {what}: {:?}", site.agent.status(unix_now()).problems));
        }
    };
    // Windows says of what lies below a file that it is not there: there these errors cannot be made.
    let can_be_made =
        |subject: &Subject| cfg!(unix) || !matches!(subject, Subject::DiskUse | Subject::Upkeep);
    for subject in Subject::ALL.into_iter().filter(can_be_made) {
        let calm = Site::new();
        hold(!calm.shown(subject), subject, "without a cause", &calm);
        let mut site = raise(subject);
        hold(site.shown(subject), subject, "is not raised", &site);
        clear(&mut site, subject);
        hold(!site.shown(subject), subject, "stays", &site);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_subject_is_walked_and_has_its_own_place() {
    let mut listed = Subject::ALL;
    listed.sort_unstable();
    assert_eq!(listed, Subject::ALL, "in order, none twice");
    // The last variant's number is that of the list's end: none is left out.
    assert_eq!(Subject::DiskUse as usize + 1, Subject::ALL.len());
}

#[test]
fn a_request_that_waits_on_a_device_that_is_not_enrolled_is_a_problem() {
    let mut site = Site::new();
    let request = VendorRequest::general(PrivacyKind::Access, None, Digest::of(b"newest"), unix_now());
    let Parts { requests, mut cx, .. } = site.agent.parts();
    requests.put(&mut cx, request).unwrap();
    assert!(site.shown(Subject::NotEnrolled));
}

/// Not of health: it needs the same workstation.
#[cfg(unix)]
#[test]
fn what_came_whole_is_taken_at_once_and_what_may_be_growing_is_not() {
    let mut site = Site::granted();
    site.agent.begin();
    site.agent.step().unwrap(); // the look and the sweep of the start
    std::fs::write(site.outbox("growing.ndjson"), b"\n").unwrap();
    std::fs::write(site.outbox("b.tmp"), b"\n").unwrap();
    let file = std::fs::File::options().append(true).open(site.outbox("b.tmp")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000)).unwrap();
    std::fs::rename(site.outbox("b.tmp"), site.outbox("whole.ndjson")).unwrap();
    site.agent.wakes.0.send(crate::agent::Wake::Outbox(crate::agent::watch::Arrival::Enough)).unwrap();
    site.agent.step().unwrap();
    let is_there = |name: &str| site.outbox(name).exists();
    assert_eq!((is_there("whole.ndjson"), is_there("growing.ndjson")), (false, true));
}

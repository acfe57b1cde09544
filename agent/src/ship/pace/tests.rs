//! Every answer's fate as a table, the bisection by exhaustion, outages in simulated time.

use test_support::Random;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const NOW: Duration = Duration::from_secs(100);

fn ready() -> Pace {
    let mut pace = Pace::new(Duration::ZERO, 0);
    assert_eq!(pace.next(NOW, Waiting::Usual), Step::Send { max_records: 1000 });
    pace
}

#[test]
fn every_answer_has_one_fate_and_one_next_step() {
    let now = Step::Send { max_records: 1000 };
    let half = Step::Send { max_records: 50 };
    let after = |seconds| Step::Wait(NOW + Duration::from_secs(seconds));
    let all = Fate::Settle { records: 100, rejected: vec![] };
    let some = Fate::Settle { records: 100, rejected: vec![7] };
    let table = [
        (Reply::Acknowledged { records: 100, rejected: vec![] }, all, now),
        (Reply::Acknowledged { records: 100, rejected: vec![7] }, some, now),
        (Reply::Refused { rejected: vec![] }, Fate::Keep, half),
        (Reply::Refused { rejected: vec![3, 4] }, Fate::Reject(vec![3, 4]), now),
        (Reply::Unauthorised, Fate::Stop(Problem::Unauthorised), after(24 * 3600)),
        (Reply::Unsupported, Fate::Stop(Problem::Unsupported), after(24 * 3600)),
        (Reply::Elsewhere, Fate::Stop(Problem::Elsewhere), after(24 * 3600)),
        (Reply::Retired, Fate::Stop(Problem::RetiredOnce), after(3600)),
        (Reply::Conflict, Fate::Keep, half),
        (Reply::TooLarge, Fate::Keep, half),
        (Reply::ConsentRequired, Fate::Consent, now),
        (Reply::Busy(Duration::from_secs(7)), Fate::Keep, after(7)),
        (Reply::Busy(Duration::ZERO), Fate::Keep, after(1)),
        (Reply::Busy(Duration::MAX), Fate::Keep, after(24 * 3600)),
        (Reply::Failed, Fate::Keep, after(1)),
    ];
    for (reply, fate, next) in table {
        let mut pace = ready();
        assert_eq!(pace.next(NOW, Waiting::Urgent), Step::Idle, "one batch in flight");
        assert_eq!(pace.apply(reply.clone(), 100, NOW, 0), fate, "{reply:?}");
        assert_eq!(pace.next(NOW, Waiting::Usual), next, "{reply:?}");
    }
}

#[test]
fn urgency_overrides_the_interval_and_nothing_else() {
    let mut pace = Pace::new(6 * HOUR, u64::MAX);
    let Step::Wait(first) = pace.next(Duration::ZERO, Waiting::Usual) else { panic!("not spread") };
    assert!(first <= limits::START_SPREAD && first > limits::START_SPREAD - Duration::from_secs(1));
    assert!(matches!(pace.next(NOW, Waiting::Urgent), Step::Send { .. }));
    pace.apply(Reply::Busy(HOUR), 10, NOW, 0);
    assert_eq!(pace.next(NOW, Waiting::Urgent), Step::Wait(NOW + HOUR));
}

#[test]
fn a_drain_goes_on_until_nothing_waits_and_then_rests_for_the_interval() {
    let mut pace = Pace::new(6 * HOUR, 0);
    for _ in 0..3 {
        assert!(matches!(pace.next(NOW, Waiting::Usual), Step::Send { .. }));
        pace.apply(Reply::Acknowledged { records: 10, rejected: vec![] }, 10, NOW, u64::MAX);
    }
    assert_eq!(pace.next(NOW, Waiting::Nothing), Step::Idle);
    let Step::Wait(until) = pace.next(NOW, Waiting::Usual) else { panic!("no rest") };
    assert!(until > NOW + 6 * HOUR && until <= NOW + 6 * HOUR + 36 * Duration::from_secs(60));
    assert!(matches!(pace.next(until, Waiting::Usual), Step::Send { .. }));
}

#[test]
fn a_refused_device_sends_no_payload_until_a_probe_is_welcome() {
    let mut pace = ready();
    pace.apply(Reply::Unauthorised, 100, NOW, 0);
    let mut now = NOW;
    for _ in 0..3 {
        let Step::Wait(until) = pace.next(now, Waiting::Urgent) else { panic!("not stopped") };
        assert!(until >= now + limits::PROBE_EVERY);
        now = until;
        assert_eq!(pace.next(now, Waiting::Usual), Step::Probe);
        assert_eq!(pace.apply(Reply::Unauthorised, 0, now, 0), Fate::Stop(Problem::Unauthorised));
    }
    now += 2 * limits::PROBE_EVERY;
    assert_eq!(pace.next(now, Waiting::Usual), Step::Probe);
    assert_eq!(pace.apply(Reply::Failed, 0, now, 0), Fate::Keep);
    now += 2 * HOUR;
    assert_eq!(pace.next(now, Waiting::Usual), Step::Probe, "an error is no welcome");
    assert_eq!(pace.problem(), Some(Problem::Unauthorised));
    assert_eq!(pace.apply(Reply::Welcome, 0, now, 0), Fate::Keep);
    assert_eq!((pace.problem(), pace.next(now, Waiting::Usual)), (None, Step::Send { max_records: 1000 }));
}

#[test]
fn a_retired_device_is_silent_for_ever_after_a_second_later_answer() {
    let mut pace = ready();
    pace.apply(Reply::Retired, 100, NOW, 0);
    pace.resume();
    assert_eq!(
        pace.next(NOW, Waiting::Urgent),
        Step::Wait(NOW + limits::RETIRED_AGAIN),
        "not by a new grant"
    );
    assert_eq!(pace.next(NOW + limits::RETIRED_AGAIN, Waiting::Urgent), Step::Probe, "without a payload");
    assert_eq!(pace.apply(Reply::Failed, 0, NOW + HOUR, 0), Fate::Keep);
    assert_eq!(pace.next(NOW + 3 * HOUR, Waiting::Urgent), Step::Probe, "an error is no second answer");
    assert_eq!(pace.apply(Reply::Retired, 0, NOW + 3 * HOUR, 0), Fate::Stop(Problem::Retired));
    assert_eq!(pace.next(NOW + 10_000 * HOUR, Waiting::Urgent), Step::Idle);
    assert_eq!(pace.problem(), Some(Problem::Retired));
}

#[test]
fn a_second_conflict_stops_and_a_conflict_of_one_record_at_once() {
    let mut pace = ready();
    assert_eq!(pace.apply(Reply::Conflict, 100, NOW, 0), Fate::Keep);
    assert_eq!(pace.problem(), Some(Problem::Conflict));
    assert_eq!(pace.next(NOW, Waiting::Usual), Step::Send { max_records: 50 });
    assert_eq!(pace.apply(Reply::Conflict, 50, NOW, 0), Fate::Stop(Problem::Conflict));
    assert_eq!(pace.next(NOW + 1000 * HOUR, Waiting::Urgent), Step::Idle);
    assert_eq!(ready().apply(Reply::Conflict, 1, NOW, 0), Fate::Stop(Problem::Conflict));
}

#[test]
fn a_consent_that_never_arrives_ends_in_backoff() {
    let mut pace = ready();
    for _ in 0..limits::CONSENT_TRIES {
        assert_eq!(pace.apply(Reply::ConsentRequired, 10, NOW, 0), Fate::Consent);
    }
    assert_eq!(pace.apply(Reply::ConsentRequired, 10, NOW, 0), Fate::Keep);
    assert!(matches!(pace.next(NOW, Waiting::Urgent), Step::Wait(_)));
}

/// Sends `n` records of which `bad` are refused without being named; returns requests and given-up records.
fn bisect(n: u32, bad: &[u32]) -> (u32, Vec<u32>) {
    let mut pace = Pace::new(Duration::ZERO, 0);
    let (mut from, mut requests, mut given_up) = (0, 0, vec![]);
    while from < n {
        let Step::Send { max_records } = pace.next(NOW, Waiting::Usual) else { panic!("stands still") };
        let sent = max_records.min(n - from);
        requests += 1;
        let refused = bad.iter().any(|b| (from..from + sent).contains(b));
        let reply = match (refused, sent) {
            (false, _) => Reply::Acknowledged { records: sent, rejected: vec![] },
            (true, 1) => Reply::Refused { rejected: vec![u64::from(from)] },
            (true, _) => Reply::Refused { rejected: vec![] },
        };
        match pace.apply(reply, sent, NOW, 0) {
            Fate::Settle { records, .. } => from += records,
            Fate::Reject(seqs) => {
                given_up.extend(seqs.iter().map(|seq| *seq as u32));
                from += 1;
            }
            Fate::Keep => {}
            other => panic!("{other:?}"),
        }
    }
    (requests, given_up)
}

#[test]
fn one_bad_record_is_found_by_bisection_wherever_it_is() {
    for n in [1, 2, 3, 10, 255, 256, 1000] {
        for bad in 0..n {
            let (requests, given_up) = bisect(n, &[bad]);
            assert_eq!(given_up, [bad], "of {n}");
            // The last request carries the rest, unless the bad one was the last.
            let bound = 2 * n.ilog2() + 1 + 1 + u32::from(bad + 1 < n);
            assert!(requests <= bound, "{requests} requests for {bad} of {n}");
        }
    }
    assert_eq!(bisect(1000, &[0, 500, 501, 999]).1, [0, 500, 501, 999]);
    assert_eq!(bisect(1000, &[]), (1, vec![]), "negative control");
}

#[test]
fn a_collector_that_refuses_everything_costs_three_records_at_most() {
    let mut pace = Pace::new(Duration::ZERO, 0);
    let mut given_up = 0;
    for _ in 0..1000 {
        let Step::Send { max_records } = pace.next(NOW, Waiting::Usual) else { break };
        let rejected = if max_records == 1 { vec![given_up] } else { vec![] };
        if let Fate::Reject(_) = pace.apply(Reply::Refused { rejected }, max_records, NOW, 0) {
            given_up += 1;
        }
    }
    assert_eq!(given_up, u64::from(limits::REFUSALS_IN_A_ROW));
    assert_eq!(pace.problem(), Some(Problem::RefusesAll));
}

/// Times of the requests of `days` without an answer.
fn outage(seed: u64, days: u32, reply: &Reply) -> Vec<Duration> {
    let mut random = Random::new(seed);
    let mut pace = Pace::new(6 * HOUR, random.next());
    let (mut now, mut sent) = (Duration::ZERO, vec![]);
    while now < days * 24 * HOUR {
        match pace.next(now, Waiting::Usual) {
            Step::Wait(until) => now = until,
            Step::Send { .. } => {
                sent.push(now);
                assert!(sent.len() < 10_000, "one request after the other");
                assert_eq!(pace.apply(reply.clone(), 1000, now, random.next()), Fate::Keep);
            }
            other => panic!("{other:?}"),
        }
    }
    sent
}

#[test]
fn thirty_days_without_an_answer_stay_quiet() {
    for seed in 0..50 {
        for reply in [Reply::Failed, Reply::Busy(Duration::from_secs(1))] {
            let sent = outage(seed, 30, &reply);
            let start = sent[0];
            let first_hour = sent.iter().filter(|at| **at < start + HOUR).count();
            assert!(first_hour <= 15, "seed {seed}: {first_hour} requests in the first hour");
            let later = sent.iter().copied().filter(|at| *at >= start + HOUR).collect::<Vec<_>>();
            assert!(
                later.windows(4).all(|four| four[3] - four[0] >= HOUR),
                "seed {seed}: more than 3 requests in an hour"
            );
            assert!(sent.len() > 30 * 24, "seed {seed}: it gave up");
        }
    }
}

#[test]
fn the_spread_differs_from_device_to_device() {
    let starts =
        (0..50).map(|seed| outage(seed, 1, &Reply::Failed)[0]).collect::<std::collections::BTreeSet<_>>();
    assert!(starts.len() > 45, "{} different starts of 50", starts.len());
}

#[test]
fn a_fleet_with_one_retry_after_comes_back_spread_and_never_earlier() {
    const FLEET: u64 = 1000;
    for (reported, spread) in [(120, 60), (30, 15), (7200, 3600), (24 * 3600, 3600)] {
        let reported = Duration::from_secs(reported);
        let mut pauses: Vec<Duration> = (0..FLEET)
            .map(|device| {
                let mut pace = ready();
                pace.apply(Reply::Busy(reported), 10, NOW, device * (u64::MAX / FLEET));
                assert_eq!(pace.next(NOW, Waiting::Urgent), Step::Wait(NOW + pace.pause(NOW)));
                pace.pause(NOW)
            })
            .collect();
        pauses.sort();
        let (first, last) = (pauses[0], pauses[pauses.len() - 1]);
        assert!(first >= reported && last <= reported + Duration::from_secs(spread), "{first:?} {last:?}");
        assert!(last - first >= Duration::from_secs(spread * 99 / 100), "{reported:?}: {:?}", last - first);
        // No tenth of the time gets more than a fifth of the fleet.
        let tenth = Duration::from_secs(spread) / 10;
        let most = pauses.iter().map(|at| pauses.iter().filter(|it| *it >= at && **it < *at + tenth).count());
        assert!(most.max().unwrap() <= (FLEET / 5) as usize);
    }
}

#[test]
fn one_stray_answer_that_the_device_is_retired_stops_it_for_an_hour() {
    let mut pace = ready();
    assert_eq!(pace.apply(Reply::Retired, 100, NOW, 0), Fate::Stop(Problem::RetiredOnce));
    let later = NOW + limits::RETIRED_AGAIN;
    assert_eq!(pace.next(later, Waiting::Usual), Step::Probe);
    assert_eq!(pace.apply(Reply::Welcome, 0, later, 0), Fate::Keep);
    assert_eq!((pace.problem(), pace.next(later, Waiting::Usual)), (None, Step::Send { max_records: 1000 }));
}

/// A collector that acknowledges and rejects all of it is suspected after a few batches, not after all that waits.
#[test]
fn a_success_that_rejects_every_record_stops_after_a_few_batches() {
    let all = || Reply::Acknowledged { records: 3, rejected: vec![1, 2, 3] };
    let mut pace = ready();
    for _ in 0..limits::REFUSALS_IN_A_ROW {
        assert!(matches!(pace.apply(all(), 3, NOW, 0), Fate::Settle { .. }));
        assert!(matches!(pace.next(NOW, Waiting::Usual), Step::Send { .. }));
    }
    assert_eq!(pace.apply(all(), 3, NOW, 0), Fate::Stop(Problem::RefusesAll), "and these are kept");

    let mut pace = ready();
    for _ in 0..3 * limits::REFUSALS_IN_A_ROW {
        let some = Reply::Acknowledged { records: 3, rejected: vec![1, 2] };
        assert!(matches!(pace.apply(some, 3, NOW, 0), Fate::Settle { .. }), "one was taken");
        assert!(matches!(pace.next(NOW, Waiting::Usual), Step::Send { .. }));
    }
}

//! 500 healthy scanners of a year, and drifts planted into others.

use super::*;

const SEED: u64 = 18;
const DAYS: usize = 365;
const SCANNERS: u64 = 500;

/// What a scanner measures: a normal value by Box and Muller.
struct Random(test_support::Random);

impl Random {
    fn of(scanner: u64) -> Self {
        Self(test_support::Random::new(SEED << 32 | scanner))
    }

    fn uniform(&mut self) -> f64 {
        ((self.0.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// A healthy value of this day: noise of the day, of its 5 to 40 exposures, the season, and one odd day in a hundred.
fn healthy(watched: &Watched, day: usize, random: &mut Random) -> f64 {
    let season = (day as f64 / 365.0 * std::f64::consts::TAU).sin();
    let odd = if random.uniform() < 0.01 { 3.0 } else { 1.0 };
    match watched.figure {
        "detector_gain" => 1_000.0 + 3.0 * season + 6.0 * odd * random.normal(),
        name => {
            let of_patients = |unit: f64, random: &mut Random| {
                let exposures = (5.0 + 35.0 * random.uniform()).floor();
                let mean = 0.8 * unit + 0.6 * unit * odd * random.normal() / exposures.sqrt();
                (mean + 0.1 * unit * (season + random.normal())).max(0.0)
            };
            of_patients(if name.starts_with("generator") { 1.0 } else { 20.0 }, random)
        }
    }
}

/// Whether there is a value: no clinic on weekends, one constancy test a week.
fn has_value(watched: &Watched, day: usize) -> bool {
    if watched.figure == "detector_gain" { day.is_multiple_of(7) } else { day % 7 < 5 }
}

/// A disk of 1,000 GiB that loses up to 4 GiB a working day and is cleared below 200.
fn disk(random: &mut Random, most: f64, cleared: f64) -> Vec<(i32, f64)> {
    let mut free = 300.0 + 600.0 * random.uniform();
    let mut day = |day: i32| {
        free -= if day % 7 < 5 { most * random.uniform() } else { 0.0 };
        free = if free < cleared { 900.0 } else { free };
        (day, free.max(0.0).floor())
    };
    (0..DAYS as i32).map(&mut day).collect()
}

fn is_trend(trend: Option<&Trend>) -> bool {
    trend.is_some()
}

#[test]
fn at_most_one_false_alarm_a_year_and_scanner() {
    let (mut alarms, mut most) = (0, 0);
    for scanner in 0..SCANNERS {
        let random = &mut Random::of(scanner);
        let mut own = 0;
        for watched in &WATCHED {
            let (mut values, mut was_on) = (Vec::new(), false);
            for day in (0..DAYS).filter(|day| has_value(watched, *day)) {
                values.push(healthy(watched, day, random));
                let is_on = values.len().is_multiple_of(3) && is_trend(drift(watched, &values).as_ref());
                own += u32::from(is_on && !was_on);
                was_on = is_on || was_on && !values.len().is_multiple_of(3);
            }
        }
        let values = disk(random, 4.0, 200.0);
        let foreseen = |end: usize| days_until(&values[..end], 50.0).is_some_and(|days| days <= DISK_AHEAD);
        own += u32::from((1..DAYS).step_by(3).any(foreseen));
        alarms += own;
        most = most.max(own);
    }
    println!(
        "seed {SEED}: {alarms} false alarms of {SCANNERS} healthy scanners in a year, {most} of one at most"
    );
    assert!(most <= 1 && alarms <= SCANNERS as u32 / 20, "{alarms}, {most} of one");
}

#[test]
fn a_planted_drift_is_found_two_weeks_before_the_fixed_limit() {
    const BEGINS: usize = 160;
    const LASTS: f64 = 100.0;
    let mut least = [usize::MAX; WATCHED.len()];
    for (place, watched) in WATCHED.iter().enumerate() {
        for scanner in 0..100 {
            let random = &mut Random::of(1_000 + scanner);
            let usual = if watched.low.is_finite() { 1_000.0 } else { 0.0 };
            let limit = if watched.low.is_finite() && scanner % 2 == 0 { watched.low } else { watched.high };
            let (mut values, mut found, mut beyond) = (Vec::new(), None, None);
            for day in (0..DAYS).filter(|day| has_value(watched, *day)) {
                let along = day.saturating_sub(BEGINS) as f64 / LASTS;
                values.push(healthy(watched, day, random) + along * (limit - usual));
                match drift(watched, &values) {
                    Some(Trend::Beyond(_)) => beyond = beyond.or(Some(day)),
                    Some(_) => found = found.or(Some(day)),
                    None => {}
                }
            }
            let (found, beyond) = (found.expect("found"), beyond.expect("the limit is reached"));
            assert!(found >= BEGINS, "{}: a false alarm on day {found}", watched.figure);
            least[place] = least[place].min(beyond.saturating_sub(found));
        }
    }
    println!("seed {SEED}: days before the fixed limit, at least {least:?} of 100 each");
    assert!(least.iter().all(|days| *days >= 14), "{least:?}");
    // A disk that nobody clears.
    let mut least = usize::MAX;
    for scanner in 0..100 {
        let values = disk(&mut Random::of(2_000 + scanner), 8.0, f64::NEG_INFINITY);
        let low = values.iter().position(|(_, free)| *free < 50.0).expect("it fills");
        let foreseen = |end: &usize| days_until(&values[..*end], 50.0).is_some_and(|days| days <= DISK_AHEAD);
        let found = (1..low).find(foreseen).expect("foreseen");
        least = least.min(low - found);
    }
    println!("seed {SEED}: a disk is foreseen at least {least} days before");
    assert!(least >= 14, "{least}");
}

#[test]
fn what_says_nothing_is_not_judged() {
    let watched = &WATCHED[1];
    assert_eq!(drift(watched, &[]), None);
    assert_eq!(drift(watched, &[1.0; 40]), None);
    assert_eq!(drift(watched, &[1.0; 400]), None);
    assert!(matches!(drift(watched, &[1.0, 5.1]), Some(Trend::Beyond(_))));
    assert_eq!(days_until(&[], 50.0), None);
    let history =
        super::super::shown::History { keeping: super::super::shown::Keeping::Off, figures: Vec::new() };
    assert_eq!(trends(&history), (Vec::new(), false));
}

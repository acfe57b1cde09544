//! Policies as data: what they say, and what is said of one that is wrong.

use super::*;

fn built_in() -> &'static str {
    POLICIES[0].1
}

#[test]
fn every_built_in_policy_is_sound_and_asks_for_something() {
    for (id, text) in POLICIES {
        let policy = Policy::parse(text).unwrap();
        assert_eq!(policy.id(), *id);
        assert_eq!(policy.hash(), Policy::load(id).unwrap().hash());
        assert!(Purpose::ALL.iter().any(|purpose| policy.terms(*purpose).is_some()));
    }
    assert_eq!(Policy::load("copenhagen-imaging").unwrap().effective(), 1_715_817_600); // date -d 2024-05-16Z +%s
}

#[test]
fn whatever_is_wrong_is_named_with_its_line() {
    let cases = [
        ("version = \"2024-05-16\"", "version = \"\"", "empty"),
        ("effective = 2024-05-16", "effective = 2024-05-16T10:00:00Z", "date"),
        ("effective = 2024-05-16", "effective = \"soon\"", "expected"),
        ("registration = \"35802940\"", "registrations = \"35802940\"", "registrations"),
        ("[purposes.usage_statistics]", "[purposes.usage_statistic]", "usage_statistic"),
        ("legal_basis = \"GDPR art. 6(1)(a)\"", "legal_basis = \" \"", "empty"),
        ("lasts = \"24 months\"", "lasts = \"0 months\"", "months"),
        ("vendor_retention = \"usage_24m\"", "vendor_retention = \"for ever\"", "for ever"),
        ("place = \"EØS\"", "place = EØS", ""),
        ("effective = 2024-05-16\n", "effective = 2024-05-16\neffective = 2024-05-16\n", "duplicate"),
    ];
    for (right, wrong, said) in cases {
        let at = built_in().find(right).unwrap_or_else(|| panic!("{right}"));
        let text = built_in().replacen(right, wrong, 1);
        let line = line_of(&text, at) + usize::from(said == "duplicate");
        match Policy::parse(&text).unwrap_err() {
            PolicyError::Malformed { line: found, what } => {
                assert_eq!(found, line, "{wrong}: {what}");
                assert!(what.contains(said), "{wrong}: {what}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_purpose_without_a_ground_is_refused_and_one_that_is_not_offered_has_no_terms() {
    let without = built_in().replacen("legal_basis = \"GDPR art. 6(1)(a)\"\n", "", 1);
    let error = Policy::parse(&without).unwrap_err().to_string();
    assert!(error.contains("legal_basis"), "{error}");

    let novo = Policy::load("novo-imaging").unwrap();
    assert!(novo.terms(Purpose::SupportScanData).is_none());
    assert!(novo.terms(Purpose::SupportCase).is_some());
}

#[test]
fn a_policy_that_is_not_there_names_those_that_are() {
    let error = Policy::load("novo-imagin").unwrap_err().to_string();
    assert!(error.contains("novo-imagin") && error.contains("copenhagen-imaging"), "{error}");
}

#[test]
fn two_policies_ask_for_different_things_and_keep_them_for_different_times() {
    let terms = |id| Policy::load(id).unwrap().terms(Purpose::UsageStatistics).unwrap().clone();
    let (copenhagen, novo) = (terms("copenhagen-imaging"), terms("novo-imaging"));
    let periods = |terms: &Terms| [terms.lasts, terms.on_device].map(|period| period.to_string());
    assert_eq!(periods(&copenhagen), ["24 months", "2 months"]);
    assert_eq!(periods(&novo), ["12 months", "45 days"]);
    assert_ne!(copenhagen.vendor_retention, novo.vendor_retention);
}

#[test]
fn a_policy_of_the_future_says_so_with_its_line() {
    let policy =
        Policy::parse(&built_in().replacen("effective = 2024-05-16", "effective = 2031-01-01", 1)).unwrap();
    let line = 1 + built_in().lines().position(|line| line.starts_with("effective")).unwrap();
    let problem = policy.problem(1_780_000_000).unwrap();
    assert!(problem.to_string().contains(&format!("line {line} ")), "{problem}");
    assert!(policy.problem(policy.effective()).is_none());
}

#[test]
fn only_a_change_of_words_that_says_so_goes_on_under_the_old_yes() {
    let old = Policy::parse(built_in()).unwrap();
    let listed = format!("editorial_change_of = [\"{}\", ", old.hash());
    let text = built_in().replacen("sold", "sold to anybody", 1);
    let editorial = Policy::parse(&text.replacen("editorial_change_of = [", &listed, 1)).unwrap();
    let material = Policy::parse(&text).unwrap();
    assert!(editorial.continues(old.hash()) && editorial.continues(editorial.hash()));
    assert!(!material.continues(old.hash()) && !old.continues(editorial.hash()));
}

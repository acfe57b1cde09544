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
        ("vendor_retention = \"usage_24m\"", "vendor_retention = \"for ever\"", "P36M from receipt"),
        ("vendor_retention = \"usage_24m\"", "vendor_retention = \"period\"", "P36M from receipt"),
        ("vendor_retention = \"usage_24m\"", "vendor_retention = \"P36M\"", "last_contact"),
        ("vendor_retention = \"usage_24m\"", "vendor_retention = \"P36M from Mars\"", "last_contact"),
        ("lasts = \"24 months\"", "lasts = \"P1Y6M\"", "P10Y"),
        ("residency = \"EEA\"", "residency = \"\"", "one word"),
        ("residency = \"EEA\"", "residency = \"the moon\"", "one word"),
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

fn third() -> Policy {
    Policy::parse(test_support::THIRD_POLICY).unwrap()
}

#[test]
fn another_controller_has_its_own_periods_by_data_alone() {
    let policy = third();
    let terms = policy.terms(Purpose::UsageStatistics).unwrap();
    assert_eq!((terms.lasts, terms.on_device), (Period::Years(1), Period::Days(45)));
    let english = policy.notice(Purpose::UsageStatistics, Language::En).unwrap();
    for said in [
        "Kept by the vendor: 36 months from receipt",
        "A yes lasts: 1 years",
        "most: 45 days",
        "a laboratory",
    ] {
        assert!(english.contains(said), "{said}: {english}");
    }
    assert_eq!(policy.answers_days(), 3 * 366);
    let asked = policy.processing(&crate::consent::Flag::UsageStatistics).unwrap();
    assert_eq!(asked.retention, protocol::Retention::Period);
    assert_eq!(asked.kept(), Some(terms.vendor_retention));
    let line = serde_json::to_value(&asked).unwrap();
    assert_eq!(
        (&line["retention"], &line["retention_period"]),
        (&"period".into(), &"P36M from receipt".into())
    );
    let built_in = Policy::load("copenhagen-imaging").unwrap();
    let line =
        serde_json::to_value(built_in.processing(&crate::consent::Flag::UsageStatistics).unwrap()).unwrap();
    assert_eq!((&line["retention"], line.get("retention_period")), (&"usage_24m".into(), None), "as ever");
}

#[test]
fn a_third_language_is_shown_by_data_alone_and_falls_back_as_it_is_said() {
    let shown = |policy: &Policy, language| policy.notice(Purpose::UsageStatistics, language).unwrap();
    let plain = third();
    assert!(shown(&plain, Language::En).starts_with("Usage statistics"));
    assert!(shown(&plain, Language::Da).starts_with("Usage statistics"), "it has no Danish: English");
    assert!(shown(&plain, Language::Da).contains("Kept by the vendor"), "and not half of each");
    let digest = plain.digest(Purpose::UsageStatistics);
    for tag in ["de", "de-AT"] {
        let german = third().shown_in(tag).unwrap();
        for language in [Language::En, Language::Da] {
            let text = shown(&german, language);
            for said in [
                "Nutzungsstatistik\n",
                "Beim Hersteller: 36 Monate ab Eingang\n",
                "Ein Ja gilt: 1 Jahre\n",
                "Gespeichert in: EWR; nur im EWR\n",
                "ein Labor in Musterstadt",
            ] {
                assert!(text.contains(said), "{said}: {text}");
            }
            assert!(!text.contains("Kept") && !text.contains("Data:"), "{text}");
            let case = german.periods(Purpose::SupportCase, language).unwrap();
            assert_eq!(case, ["30 Tage", "30 Tage", "18 Monate ab dem letzten Kontakt zum Fall"]);
        }
        assert_eq!(
            german.digest(Purpose::UsageStatistics),
            digest,
            "what was said yes to is in every language"
        );
        assert_eq!(
            german.processing(&crate::consent::Flag::UsageStatistics),
            plain.processing(&crate::consent::Flag::UsageStatistics)
        );
    }
    // Without English its only language is everybody's.
    let keep =
        test_support::THIRD_POLICY.split("\n\n").filter(|part| !part.contains(".en]")).collect::<Vec<_>>();
    let german = Policy::parse(&keep.join("\n\n")).unwrap();
    assert!(shown(&german, Language::Da).contains("Beim Hersteller: 36 Monate ab Eingang"));
    let error = third().shown_in("fr").unwrap_err().to_string();
    assert!(error.contains("`fr`") && error.contains("en, de"), "{error}");
}

#[test]
fn a_language_that_is_not_whole_is_named_with_its_line() {
    for (right, wrong, said) in [
        ("[words.de]", "[words.deutsch]", "language tag"),
        ("[words.de]", "[words.\"DE\"]", "language tag"),
        ("[words.de]", "[words.\"\"]", "language tag"),
        ("[purposes.support_case.text.de]", "[purposes.support_case.text.fr]", "en, de"),
        ("[phrases.de]", "[phrases.fr]", "[phrases.de] is missing"),
        ("\"Daten\", ", "", "13"),
        ("\"{} Tage\"", "\"Tage\"", "{}"),
        ("\"{} Tage\"", "\"{} {} Tage\"", "{}"),
        ("\"{} Tage\", ", "", "{}"),
        ("[words.en]", "[words]", ""),
    ] {
        let text = test_support::THIRD_POLICY.replacen(right, wrong, 1);
        assert_ne!(text, test_support::THIRD_POLICY, "{right}");
        let error = Policy::parse(&text).unwrap_err();
        let PolicyError::Malformed { line, what } = &error else { panic!("{error}") };
        assert!(what.contains(said), "{wrong}: {what}");
        assert!(*line > 1, "{wrong}: line {line}: {what}");
    }
}

//! Each rule refuses a small catalog that breaks it, and only it.

use super::*;

const GOOD: &str = r#"
[attributes]
mode = { values = ["cbct", "scout"] }
kv = { unit = "kV", min = 60, max = 120 }
mb = { unit = "MB", min = 0, max = 100 }
size = { values = ["small", "large"] }
panel = { values = ["one", "two"] }

[[happening]]
name = "exposure.completed"
what = "An exposure."
per = "patient"
attributes = ["mode", "kv", "mb"]

[[entry]]
number = 1
name = "exposure.count"
what = "Exposures."
reason = "Wear."
kind = "counter"
granularity = "month"
purpose = "usage_statistics"
owner = "imaging"
ends = 2028-11-22
attributes = ["mode", "size"]
from = [{ happening = "exposure.completed", with = { size = { of = "mb", upto = [50] } } }]

[[entry]]
number = 2
name = "exposure.voltage"
what = "Voltages."
reason = "Wear."
kind = "distribution"
granularity = "month"
purpose = "usage_statistics"
owner = "imaging"
ends = 2028-11-22
unit = "kV"
bounds = [70, 90]
from = [{ happening = "exposure.completed", observe = "kv" }]

[[entry]]
number = 3
name = "panel.state"
what = "Panels."
reason = "Age."
kind = "state"
granularity = "day"
purpose = "usage_statistics"
owner = "service"
ends = 2028-11-22
attributes = ["panel", "mb"]
keys = ["panel"]
"#;

/// Replaces `old` by `new` in the good catalog and expects the refusal to say `what`.
fn refused(old: &str, new: &str, what: &str) {
    assert!(GOOD.contains(old), "{old} is not in the good catalog");
    let error = Catalog::parse(&GOOD.replacen(old, new, 1)).expect_err(what);
    assert!(error.what.contains(what), "{new}: {error}");
    assert!(error.line > 1, "{new}: {error}");
}

#[test]
fn the_good_catalog_loads() {
    assert_eq!(Catalog::parse(GOOD).map(|catalog| catalog.entries().len()), Ok(3));
}

#[test]
fn what_happens_per_patient_is_neither_event_nor_state() {
    let rule = "nothing that happens once per patient";
    for kind in ["event", "state"] {
        let broken = GOOD.replacen("kind = \"counter\"", &format!("kind = \"{kind}\""), 1);
        let error = Catalog::parse(&broken).expect_err("a patient's event");
        assert!(error.what.contains(rule), "{error}");
        let device = broken.replace("per = \"patient\"", "per = \"device\"");
        assert!(Catalog::parse(&device).is_ok(), "the device's own may be one");
    }
}

#[test]
fn what_happens_per_patient_is_kept_by_month() {
    for shorter in ["hour", "day", "week"] {
        let by = format!("granularity = \"{shorter}\"");
        refused("granularity = \"month\"", &by, "per patient is kept by month");
    }
}

#[test]
fn numbers_and_names_are_unique_and_plain() {
    refused("number = 2", "number = 1", "number and name are its own");
    refused("name = \"exposure.voltage\"", "name = \"exposure.count\"", "number and name are its own");
    refused("name = \"exposure.completed\"", "name = \"panel.state\"", "there is no such event");
    refused("[\"mode\", \"kv\", \"mb\"]", "[\"mode\", \"kv\", \"mb\", \"kv\"]", "name is unique");
    refused("name = \"exposure.count\"", "name = \"Exposure count\"", "lower-case");
    refused("\"scout\"]", "\"Scout view\"]", "lower-case");
    let twice = GOOD.replacen("[[entry]]", "[[happening]]\nname = \"panel.state\"\nwhat = \"Twice.\"\nper = \"device\"\nattributes = []\n\n[[entry]]", 1);
    assert!(Catalog::parse(&twice).is_err());
}

#[test]
fn an_entry_says_what_why_and_whose() {
    refused("what = \"Voltages.\"", "what = \" \"", "says what, why");
    refused("reason = \"Age.\"", "reason = \"\"", "says what, why");
    refused("owner = \"service\"", "owner = \"\"", "says what, why");
    refused("owner = \"service\"\n", "", "missing field `owner`");
    refused("ends = 2028-11-22\n", "", "missing field `ends`");
    refused("ends = 2028-11-22", "ends = 10:00:00", "`ends` is not a date");
    refused("what = \"An exposure.\"", "what = \"\"", "says what happened");
}

#[test]
fn nothing_is_written_that_nobody_needs() {
    refused("[\"mode\", \"kv\", \"mb\"]", "[\"mode\", \"kv\", \"mb\", \"panel\"]", "used by a rule");
    refused("from = [{ happening = \"exposure.completed\", observe = \"kv\" }]", "", "fed by an event");
    let unused =
        "[[happening]]\nname = \"idle\"\nwhat = \"Nothing.\"\nper = \"device\"\nattributes = []\n\n[[entry]]";
    refused("[[entry]]", unused, "feeds an entry");
}

#[test]
fn names_do_not_identify() {
    for name in ["patient", "patient_id", "serial", "host", "operator", "birth_year", "user"] {
        refused(
            "[\"panel\", \"mb\"]",
            &format!("[\"panel\", \"mb\", {{ name = \"{name}\", is = \"mb\" }}]"),
            "identifier",
        );
    }
    for name in ["event", "at"] {
        refused(
            "[\"panel\", \"mb\"]",
            &format!("[\"panel\", \"mb\", {{ name = \"{name}\", is = \"mb\" }}]"),
            "reserved",
        );
    }
}

#[test]
fn ranges_lists_and_bounds_are_sane() {
    refused("min = 60, max = 120", "min = 120, max = 60", "a range");
    refused("min = 60, max = 120", "min = 60, max = 120, step = 0", "a range");
    refused("min = 60, max = 120", "min = -1, max = 120", "below zero");
    refused("min = 60, max = 120", "min = 60.5, max = 120", "too many decimals");
    refused("min = 60, max = 120", "min = 60", "either `values`, or");
    refused("[\"one\", \"two\"]", "[\"one\", \"one\"]", "different words");
    let words: Vec<String> = (0..256).map(|n| format!("\"w{n}\"")).collect();
    refused("[\"one\", \"two\"]", &format!("[{}]", words.join(",")), "1 to 255");
    refused("[70, 90]", "[90, 70]", "ascend");
    refused("[70, 90]", "[70, 70]", "ascend");
    refused("bounds = [70, 90]\n", "", "has bounds");
    refused("keys = [\"panel\"]", "bounds = [1]", "has bounds");
    let bounds: Vec<String> = (0..MAX_BUCKETS).map(|n| n.to_string()).collect();
    refused("[70, 90]", &format!("[{}]", bounds.join(",")), "not too many");
    refused("unit = \"kV\"\nbounds", "unit = \"V\"\nbounds", "unit of what is observed");
    let many: Vec<String> = (0..15).map(|n| format!("{{ name = \"mb{n}\", is = \"mb\" }}")).collect();
    refused("[\"panel\", \"mb\"]", &format!("[\"panel\", \"mb\", {}]", many.join(",")), "no more attributes");
}

#[test]
fn rules_name_what_is_there() {
    refused("observe = \"kv\"", "observe = \"ma\"", "no attribute ma");
    refused("observe = \"kv\"", "observe = \"mode\"", "cannot be observed");
    refused("observe = \"kv\"", "sum = \"kv\"", "a distribution has `observe`");
    refused("observe = \"kv\"", "observe = \"kv\", with = { mode = \"cbct\" }", "has no attribute mode");
    refused("observe = \"kv\"", "observe = \"kv\", when = { mode = [\"ct\"] }", "not on the list");
    refused("upto = [50]", "upto = [50, 60]", "one bound fewer");
    refused("of = \"mb\"", "of = \"mode\"", "one bound fewer");
    let twice = "{ of = \"mode\", to = { small = [\"cbct\", \"scout\"], large = [\"scout\"] } }";
    refused("{ of = \"mb\", upto = [50] }", twice, "mapped twice");
    refused("{ of = \"mb\", upto = [50] }", "{ of = \"mode\" }", "is not on the list");
    refused("{ of = \"mb\", upto = [50] }", "\"medium\"", "is not on the list");
    refused(
        "attributes = [\"mode\", \"size\"]",
        "attributes = [\"mode\", \"panel\", \"size\"]",
        "no attribute panel",
    );
    refused("keys = [\"panel\"]", "keys = [\"pane\"]", "is no attribute");
    refused("attributes = [\"panel\", \"mb\"]", "attributes = [\"panel\", \"gb\"]", "is not defined");
    refused("per = \"patient\"", "per = \"patient\"\nnote = \"\"", "unknown field");
    refused("kind = \"state\"", "kind = \"text\"", "unknown variant");
    refused("panel = { values = [\"one\", \"two\"] }", "panel = { text = true }", "unknown field");
}

//! The built-in catalog: what it holds, and how events fold into it.

use super::*;
use crate::batch::{Record, Value};
use crate::civil::Granularity::{self, Day, Hour, Month, Week};
use crate::identity::Reason;

/// Numbers, names and periods are for ever: this list only grows.
const ENTRIES: &[(&str, Granularity)] = &[
    ("exposure.count", Month),
    ("exposure.patient_size", Month),
    ("exposure.tube_voltage", Month),
    ("exposure.tube_current", Month),
    ("exposure.beam_on", Month),
    ("exposure.dap", Month),
    ("cbct.field_of_view", Month),
    ("cbct.voxel_size", Month),
    ("cbct.protocol", Month),
    ("panoramic.program", Month),
    ("cephalometric.program", Month),
    ("face_scan.outcome", Month),
    ("exposure.abort", Month),
    ("exposure.retake", Month),
    ("motion.class", Month),
    ("motion.tracking_visible", Month),
    ("projection.loss", Month),
    ("reconstruction.duration", Month),
    ("reconstruction.outcome", Month),
    ("artefact_reduction.use", Month),
    ("tube.heat_peak", Month),
    ("tube.cooldown_wait", Month),
    ("tube.lifetime", Month),
    ("generator.deviation", Month),
    ("detector.state", Week),
    ("gantry.position_error", Month),
    ("calibration.age", Day),
    ("qa.constancy", Day),
    ("device.error", Hour),
    ("device.restart", Hour),
    ("device.link", Day),
    ("kathea.start", Day),
    ("kathea.crash", Hour),
    ("kathea.hang", Day),
    ("feature.use", Month),
    ("export.outcome", Month),
    ("import.outcome", Month),
    ("host.resources", Day),
    ("software.inventory", Day),
    ("agent.health", Day),
];

#[test]
fn numbers_names_and_periods_are_for_ever() {
    let entries = Catalog::built_in().entries();
    let entries: Vec<_> =
        entries.map(|entry| (entry.number, (entry.name.as_str(), entry.granularity))).collect();
    assert_eq!(entries, (1..).zip(ENTRIES.iter().copied()).collect::<Vec<_>>());
}

#[test]
fn the_agents_own_counters_have_a_word_for_every_reason() {
    let event_type = Catalog::built_in().event_type("agent.health").unwrap();
    let measure = &event_type.attributes[event_type.position("measure").unwrap()].kind;
    for reason in Reason::ALL {
        assert!(measure.check_text(&format!("dropped_{reason}")).is_ok(), "{reason}");
    }
}

/// What an event with these attributes (words as text, numbers as JSON) feeds, in words.
fn folded(name: &str, attributes: &[(&str, serde_json::Value)]) -> Vec<String> {
    let event_type = Catalog::built_in().event_type(name).expect("an event type");
    let mut values = vec![None; event_type.attributes.len()];
    for (name, value) in attributes {
        let position = event_type.position(name).expect("an attribute");
        let kind = &event_type.attributes[position].kind;
        values[position] = Some(match value.as_str() {
            Some(text) => kind.check_text(text).expect(text),
            None => kind.check_number(value.as_f64().expect("a number")).expect("in range"),
        });
    }
    let mut out = Vec::new();
    event_type.feeds(&values, &mut |contribution| {
        let attributes = contribution.attributes.to_vec();
        let record = Record { entry: contribution.entry.number, at: 0, attributes, value: Value::Plain };
        let said: Vec<_> = contribution
            .entry
            .describe_record(&record)
            .iter()
            .map(|(name, shown)| format!("{name}={shown}"))
            .collect();
        out.push(format!("{} {} {:?}", contribution.entry.name, said.join(" "), contribution.what));
    });
    out
}

#[test]
fn an_exposure_only_counts_and_distributes() {
    let folded = folded(
        "exposure.completed",
        &[
            ("mode", "cbct".into()),
            ("patient_size", "child".into()),
            ("kv", 90.into()),
            ("ma", 12.5.into()),
            ("beam_s", 0.1.into()),
            ("dap", 400.into()),
            ("fov", "8x9".into()),
            ("voxel_um", 150.into()),
            ("protocol", "endodontic".into()),
            ("changed_by_user", "yes".into()),
            ("projections_lost", 0.into()),
            ("kv_deviation", 1.1.into()),
        ],
    );
    assert_eq!(
        folded,
        [
            "exposure.count mode=cbct outcome=completed Count(1)",
            "exposure.patient_size mode=cbct size=child Count(1)",
            "exposure.tube_voltage mode=cbct Bucket(5)",
            "exposure.tube_current mode=cbct Bucket(6)",
            "exposure.beam_on mode=cbct Bucket(0)",
            "exposure.dap mode=cbct fov_class=medium Bucket(4)",
            "cbct.field_of_view fov=8x9 Count(1)",
            "cbct.voxel_size voxel=150 Count(1)",
            "cbct.protocol protocol=endodontic changed_by_user=yes Count(1)",
            "projection.loss  Bucket(0)",
            "generator.deviation quantity=kv Bucket(1)",
        ]
    );
}

#[test]
fn other_modes_feed_what_is_theirs() {
    let scout = folded(
        "exposure.completed",
        &[
            ("mode", "scout".into()),
            ("patient_size", "large".into()),
            ("kv", 60.into()),
            ("ma", 2.into()),
            ("beam_s", 40.into()),
            ("dap", 5000.into()),
        ],
    );
    assert_eq!(scout[0], "exposure.count mode=scout outcome=completed Count(1)");
    assert_eq!(scout[5], "exposure.dap mode=scout fov_class=none Bucket(9)");
    assert_eq!(scout.len(), 6);
    assert_eq!(
        folded("face_scan.finished", &[("outcome", "motion".into())]),
        [
            "exposure.count mode=face_scan outcome=failed Count(1)",
            "face_scan.outcome outcome=motion Count(1)"
        ]
    );
}

#[test]
fn events_states_and_sums_pass_through() {
    assert_eq!(
        folded(
            "device.error",
            &[
                ("code", 4097.into()),
                ("subsystem", "motion".into()),
                ("severity", "stop".into()),
                ("repeats", 1.into())
            ]
        ),
        ["device.error code=4097 subsystem=motion severity=stop repeats=1 Event"]
    );
    assert_eq!(
        folded(
            "software.inventory",
            &[("component", "agent".into()), ("version", "0.1".into()), ("last_update", "ok".into())]
        ),
        ["software.inventory component=agent version=0.1.0 last_update=ok State"]
    );
    assert_eq!(
        folded("device.link", &[("fault", "slow".into()), ("count", 17.into())]),
        ["device.link fault=slow Count(17)"]
    );
    let free = |gib: u64| {
        let percent = serde_json::Value::from(50);
        folded(
            "host.resources",
            &[
                ("volume", "scans".into()),
                ("free_gib", gib.into()),
                ("smart", "ok".into()),
                ("ram_gib", 32.into()),
                ("ram_peak", percent.clone()),
                ("gpu_memory_peak", percent),
            ],
        )
    };
    for (gib, class) in [(9, "below_10"), (10, "below_50"), (199, "below_200"), (200, "more")] {
        assert_eq!(
            free(gib),
            [format!(
                "host.resources volume=scans free={class} smart=ok ram_gib=32 ram_peak=50 gpu_memory_peak=50 State"
            )]
        );
    }
}

#[test]
fn the_inventory_has_every_entry_and_event() {
    let catalog = Catalog::built_in();
    let (markdown, json) = (catalog.to_markdown(), catalog.to_json());
    for entry in catalog.entries() {
        assert!(markdown.contains(&format!("## {}. {}\n\n{}\n", entry.number, entry.name, entry.what)));
    }
    for event_type in catalog.event_types() {
        assert!(markdown.contains(&format!("\n## {}\n", event_type.name)));
    }
    assert_eq!(json["entries"].as_array().map(Vec::len), Some(ENTRIES.len()));
    assert_eq!(json["happenings"].as_array().map(Vec::len), Some(catalog.event_types().len()));
    assert_eq!(json["entries"][0]["retention"], "usage_24m");
}

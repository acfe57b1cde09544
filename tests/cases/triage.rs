//! Ten simulated cases, each with a planted cause beside ordinary noise, through the real programs: the cause stands first
//! on the summary that `kathea-case` writes.

use std::fmt::Write as _;
use std::fs;

use crate::common::clinic::Clinic;
use crate::common::{Random, browser, seeded, vendor};
use serde_json::json;
use test_support::or_skip;
use time::{Duration, OffsetDateTime};

/// A cause that is planted: what the summary has to say, the case's reason, lines of the logs, and documents.
struct Planted {
    cause: &'static str,
    reason: &'static str,
    kathea: &'static [&'static str],
    x1: &'static [&'static str],
    /// How often the lines come.
    times: u32,
    documents: &'static [(&'static str, &'static str)],
}

const PLANTED: &[Planted] = &[
    Planted {
        cause: "The detector's gain drifts",
        reason: "image_quality",
        kathea: &["[WARN] reconstruction(5010): uniformity 0.91 below limit 0.95"],
        x1: &["[WARN] detector(210): gain drift 7.2 percent since calibration"],
        times: 3,
        documents: &[
            (
                "calibration.json",
                r#"[{"type":"gain","days":190,"last":"warn"},{"type":"geometry","days":9,"last":"pass"}]"#,
            ),
            ("constancy.json", r#"{"test":"uniformity","verdict":"fail","days_overdue":0}"#),
        ],
    },
    Planted {
        cause: "A calibration failed",
        reason: "calibration",
        kathea: &["[ERROR] calibration(330): calibration failed, residual 412 um"],
        x1: &[],
        times: 2,
        documents: &[("calibration.json", r#"[{"type":"geometry","days":1,"last":"fail"}]"#)],
    },
    Planted {
        cause: "The disk is full",
        reason: "error",
        kathea: &[
            "[ERROR] store(3101): write failed, no space left on device",
            "[WARN] store(3102): disk full",
        ],
        x1: &[],
        times: 4,
        documents: &[],
    },
    Planted {
        cause: "Kathea crashes again and again",
        reason: "error",
        kathea: &[
            "[FATAL] viewer(9001): unhandled exception, code=0xC0000005",
            "[INFO] main(1): application started",
        ],
        x1: &[],
        times: 6,
        documents: &[],
    },
    Planted {
        cause: "The network between workstation, X1 or archive is cut",
        reason: "connectivity",
        kathea: &[
            "[ERROR] link(2201): connection lost, retry 3",
            "[ERROR] store(2204): connection timeout after 30 s",
        ],
        x1: &[],
        times: 4,
        documents: &[],
    },
    Planted {
        cause: "The license has expired",
        reason: "other",
        kathea: &["[ERROR] license(7001): license expired"],
        x1: &[],
        times: 1,
        documents: &[],
    },
    Planted {
        cause: "The gantry moves unevenly",
        reason: "image_quality",
        kathea: &[],
        x1: &["[ERROR] column(1204): encoder error, position 412"],
        times: 8,
        documents: &[(
            "encoders.json",
            r#"[{"motion_mm":0.4,"encoder_errors":88},{"motion_mm":0.2,"encoder_errors":31}]"#,
        )],
    },
    Planted {
        cause: "The X-ray generator is too hot",
        reason: "error",
        kathea: &["[ERROR] acquisition(1009): exposure aborted"],
        x1: &["[ERROR] generator(1107): temperature too high, 78 C", "[WARN] generator(1108): cooling down"],
        times: 3,
        documents: &[],
    },
    Planted {
        cause: "The X1's firmware is older than Kathea needs",
        reason: "error",
        kathea: &["[ERROR] link(2301): firmware version 3.9 not supported"],
        x1: &[],
        times: 1,
        documents: &[("versions.json", r#"{"x1_firmware":"3.9","x1_firmware_needed":"3.10"}"#)],
    },
    Planted {
        cause: "The graphics card fails",
        reason: "performance",
        kathea: &["[ERROR] reconstruction(5003): gpu memory error, device lost"],
        x1: &[],
        times: 3,
        documents: &[],
    },
];

/// What stands in the logs of every workstation, whatever is wrong.
const NOISE: &[&str] = &[
    "[INFO] acquisition(1001): exposure started, 90 kV, 8 mA",
    "[INFO] generator(1042): ready at 90 kV",
    "[WARN] detector(17): lost 3 frames",
    "[ERROR] link(2204): connection timeout, retry 1",
    "[INFO] store(3003): volume stored in 41 s",
];

/// The logs of an hour, with the planted lines among the others.
fn write(clinic: &Clinic, planted: &Planted, random: &mut Random) {
    let logs = clinic.path("logs");
    let start = OffsetDateTime::now_utc() - Duration::minutes(50);
    let mut log = |name: &str, planted: &[&str], noise: &[&str], times: u32| {
        let mut lines: Vec<(i64, &str)> =
            noise.iter().map(|line| (random.within(0, 2900).into(), *line)).collect();
        for _ in 0..times {
            let second: i64 = random.within(0, 2900).into();
            lines.extend(planted.iter().zip(0..).map(|(line, after)| (second + after, *line)));
        }
        lines.sort_unstable();
        let mut text = String::new();
        for (second, line) in lines {
            let at = start + Duration::seconds(second);
            let (hour, minute, second) = at.to_hms();
            let _ = writeln!(
                text,
                "{} {hour:02}:{minute:02}:{second:02}.{:03} {line}",
                at.date(),
                random.within(0, 999)
            );
        }
        fs::write(logs.join(name), text).unwrap();
    };
    log("kathea.log", planted.kathea, NOISE, planted.times);
    log("x1-controller.log", planted.x1, &NOISE[1..3], planted.times);
    let healthy = [
        (
            "calibration.json",
            r#"[{"type":"geometry","days":9,"last":"pass"},{"type":"gain","days":12,"last":"pass"}]"#,
        ),
        ("constancy.json", r#"{"test":"uniformity","verdict":"pass","days_overdue":0}"#),
        ("encoders.json", r#"{"motion_mm":0.4,"encoder_errors":0}"#),
    ];
    for (name, text) in healthy.iter().chain(planted.documents) {
        fs::write(logs.join(name), text).unwrap();
    }
}

/// What a reader sees first: the text of the first section.
fn first_screen(page: &str) -> (String, String) {
    let section = page.split("<section").nth(1).unwrap();
    let cause = section.split("<b>").nth(1).map_or("", |rest| rest.split("</b>").next().unwrap());
    (cause.replace("&#39;", "'").replace("&amp;", "&"), section.to_owned())
}

#[test]
fn the_planted_cause_stands_first_on_the_summary_in_nine_of_ten_cases() {
    let mut random = seeded();
    let mut right = 0;
    for planted in PLANTED {
        let clinic = Clinic::new();
        write(&clinic, planted, &mut random);
        let copy = clinic.text("copy");
        let draft = clinic.workstation.json(&[
            "support",
            "preview",
            "--case",
            "CASE-1",
            "--reason",
            planted.reason,
            "--last-scan",
            "--json",
            "-o",
            &copy,
        ]);
        let bundle = clinic.create(&draft);
        let folder = clinic.path("opened");
        let output = vendor::open(&vendor::sealed(&clinic, &bundle), &vendor::key(&clinic), &folder, &[]);
        assert!(output.status.success(), "{}", vendor::errors(&output));
        let (cause, section) = first_screen(&fs::read_to_string(folder.join("summary.html")).unwrap());
        let is_right = cause == planted.cause;
        println!("{}: {} ({cause})", if is_right { "right" } else { "WRONG" }, planted.cause);
        if !is_right {
            println!("{section}");
            for name in ["logs/kathea-0001.log", "logs/x1-0001.log", "summary.json"] {
                println!("{}", fs::read_to_string(folder.join(name)).unwrap_or_default());
            }
        }
        right += u32::from(is_right);
    }
    println!("{right} of {}", PLANTED.len());
    assert!(right >= 9);
}

#[test]
fn the_summary_is_read_on_every_screen_and_on_paper_without_the_network() {
    let clinic = Clinic::new();
    write(&clinic, &PLANTED[0], &mut seeded());
    let bundle = clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    let folder = clinic.path("opened");
    let output = vendor::open(&vendor::sealed(&clinic, &bundle), &vendor::key(&clinic), &folder, &[]);
    assert!(output.status.success(), "{}", vendor::errors(&output));
    let seen = or_skip!(browser::look("watch.mjs", &folder.join("summary.html")));
    for quiet in ["requests", "complaints", "violations", "dark_violations", "unfit"] {
        assert_eq!(seen[quiet], json!([]), "{quiet}");
    }
    assert_eq!(seen["overflow"], json!({"1280": 0, "400": 0}));
}

#[test]
fn a_case_without_a_cause_blames_nothing() {
    let clinic = Clinic::new();
    let nothing = Planted { cause: "", reason: "other", kathea: &[], x1: &[], times: 0, documents: &[] };
    write(&clinic, &nothing, &mut seeded());
    let bundle = clinic.create(&clinic.preview("CASE-1", &["--last-scan"]));
    let folder = clinic.path("opened");
    let output = vendor::open(&vendor::sealed(&clinic, &bundle), &vendor::key(&clinic), &folder, &[]);
    assert!(output.status.success(), "{}", vendor::errors(&output));
    let (cause, section) = first_screen(&fs::read_to_string(folder.join("summary.html")).unwrap());
    assert!(cause.is_empty() && section.contains("No rule knows this case"), "{section}");
}

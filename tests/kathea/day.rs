//! One believable day of a clinic: the machine wakes up, patients come, people click, a few things go wrong.

use serde_json::{Map, Value, json};
use time::Weekday;

use super::Random;

/// Something that happened, at a second of its day.
pub(super) struct Event {
    pub(super) second: u32,
    pub(super) event: &'static str,
    pub(super) attributes: Map<String, Value>,
}

const OPENS: u32 = 8 * 3600;
const CLOSES: u32 = 17 * 3600;
/// Lines of an ordinary day.
const LINES: (u32, u32) = (1800, 2200);

const FOVS: &[&str] = &["4x4", "5x5", "8x5", "8x8", "8x9", "12x8", "15x9", "18x16", "other"];
const AXES: &[&str] = &["rotation", "column", "x", "y", "ceph"];
const RETAKES: &[&str] = &["incomplete_fov", "motion", "positioning", "technique", "software", "not_given"];
const ABORTS: &[&str] =
    &["switch_released", "emergency_stop", "collision", "interlock", "link_lost", "generator", "detector"];
const SUBSYSTEMS: &[&str] = &[
    "generator",
    "detector",
    "motion",
    "collimator",
    "camera",
    "tracker",
    "safety",
    "controller",
    "network",
    "power",
];
const FEATURES: &[&str] = &[
    "viewer_2d",
    "viewer_3d",
    "mpr",
    "window_level",
    "sharpen",
    "compare",
    "length",
    "angle",
    "annotation",
    "nerve",
    "implant_plan",
    "implant_library",
    "surgical_guide",
    "ceph_trace",
    "airway",
    "face_merge",
    "report",
    "print",
    "share",
    "stl_export",
    "dicom_send",
    "worklist_query",
    "help",
];
const MODULES: &[&str] = &["acquisition", "viewer_3d", "implant", "export", "worklist", "other"];

/// The day, in the order of time. Nobody is there at the weekend.
pub(super) fn events(random: &mut Random, weekday: Weekday) -> Vec<Event> {
    if matches!(weekday, Weekday::Saturday | Weekday::Sunday) {
        return Vec::new();
    }
    let mut day = Day { random, events: Vec::new() };
    day.wakes_up(weekday);
    for _ in 0..day.random.within(5, 40) {
        let second = day.random.within(OPENS, CLOSES);
        day.examination(second);
    }
    day.trouble();
    day.small_things();
    let mut events = day.events;
    events.sort_by_key(|event| event.second);
    events
}

struct Day<'a> {
    random: &'a mut Random,
    events: Vec<Event>,
}

impl Day<'_> {
    fn say(&mut self, second: u32, event: &'static str, attributes: Value) {
        let Value::Object(attributes) = attributes else { return };
        self.events.push(Event { second, event, attributes });
    }

    fn wakes_up(&mut self, weekday: Weekday) {
        let second = OPENS - self.random.within(600, 1800);
        let ready = self.random.within(35, 120);
        self.say(second, "device.restart", json!({"cause": "power_on", "ready_s": ready}));
        let start = self.random.within(80, 400);
        self.say(second + 20, "kathea.start", json!({"type": "cold", "duration_s": tenths(start)}));
        for (component, version) in
            [("kathea", "7.2.1"), ("x1_firmware", "3.14.0"), ("gpu_driver", "560.94.0.0")]
        {
            let line = json!({"component": component, "version": version, "last_update": "ok"});
            self.say(second + 30, "software.inventory", line);
        }
        for kind in ["geometry", "gain", "offset", "dose", "face_camera", "tracker"] {
            let days = self.random.within(0, 200);
            self.say(second + 40, "calibration.age", json!({"type": kind, "days": days, "last": "pass"}));
        }
        if weekday == Weekday::Monday {
            self.constancy(second + 300);
        }
    }

    fn constancy(&mut self, second: u32) {
        for test in ["uniformity", "noise", "cnr", "mtf10", "geometry", "grey_value", "dose"] {
            let value = self.random.within(930, 1070);
            let verdict = if (950..=1050).contains(&value) { "pass" } else { "warn" };
            let overdue = self.random.within(0, 3);
            let line = json!({"test": test, "value": value, "verdict": verdict, "days_overdue": overdue});
            self.say(second, "qa.constancy", line);
        }
    }

    /// One patient: positioning, exposure, what is done with the images.
    fn examination(&mut self, second: u32) {
        let mode =
            self.random.weighted(&[("cbct", 50), ("panoramic", 34), ("cephalometric", 8), ("face_scan", 8)]);
        self.say(second, "import.finished", json!({"source": "worklist", "outcome": "ok"}));
        for axis in AXES {
            let error = self.random.within(0, 60);
            self.say(second + 10, "gantry.positioned", json!({"axis": axis, "error": error}));
        }
        if mode == "face_scan" {
            let outcome = self.random.weighted(&[("ok", 90), ("poor_light", 5), ("motion", 5)]);
            self.say(second + 30, "face_scan.finished", json!({"outcome": outcome}));
            return;
        }
        if mode == "cbct" && self.random.percent(30) {
            self.exposure(second + 20, "scout");
        }
        if self.random.percent(3) {
            let (reason, phase) =
                (self.random.one(ABORTS), self.random.one(&["positioning", "scout", "beam", "return"]));
            self.say(
                second + 40,
                "exposure.aborted",
                json!({"mode": mode, "reason": reason, "phase": phase}),
            );
        } else if self.random.percent(1) {
            self.say(second + 40, "exposure.failed", json!({"mode": mode}));
        } else {
            self.exposure(second + 40, mode);
        }
        if self.random.percent(5) {
            let reason = self.random.one(RETAKES);
            self.say(second + 200, "exposure.retaken", json!({"mode": mode, "reason": reason}));
            self.exposure(second + 230, mode);
        }
        let target = self.random.weighted(&[("pacs", 70), ("dicom_file", 15), ("stl", 10), ("print", 5)]);
        let (outcome, mb) = (self.random.weighted(&[("ok", 96), ("timeout", 4)]), self.random.within(1, 900));
        self.say(second + 600, "export.finished", json!({"target": target, "outcome": outcome, "mb": mb}));
    }

    fn exposure(&mut self, second: u32, mode: &'static str) {
        let size = self.random.weighted(&[("child", 15), ("small", 20), ("medium", 45), ("large", 20)]);
        let (kv, ma) = (self.random.within(60, 120), self.random.within(10, 160));
        let (beam, dap) = (self.random.within(2, 300), self.random.within(10, 30_000));
        let mut line = json!({
            "mode": mode, "patient_size": size, "kv": kv, "ma": tenths(ma), "beam_s": tenths(beam),
            "dap": tenths(dap), "tube_heat": self.random.within(5, 80),
        });
        let extra = match mode {
            "cbct" => {
                let fov = self.random.one(FOVS);
                let voxel = self.random.within(75, 400);
                self.after_cbct(second, fov, voxel);
                json!({
                    "fov": fov, "voxel_um": voxel, "changed_by_user": self.random.one(&["no", "yes"]),
                    "protocol": self.random.one(&["adult_standard", "adult_low_dose", "endodontic", "custom"]),
                    "projections_lost": self.random.within(0, 3),
                })
            }
            "panoramic" => json!({"panoramic_program": self.random.one(&["standard", "child", "bitewing"])}),
            "cephalometric" => json!({"cephalometric_program": self.random.one(&["lateral", "pa"])}),
            _ => json!({}),
        };
        if let (Value::Object(line), Value::Object(extra)) = (&mut line, extra) {
            line.extend(extra);
        }
        self.say(second, "exposure.completed", line);
    }

    fn after_cbct(&mut self, second: u32, fov: &str, voxel: u32) {
        let (motion, visible) = (self.random.within(0, 45), self.random.within(60, 100));
        let correction = if motion < 5 { "not_needed" } else { "applied" };
        let line = json!({"motion_mm": tenths(motion), "correction": correction, "visible": visible});
        self.say(second + 30, "motion.tracked", line);
        let outcome = self.random.weighted(&[("ok", 93), ("reduced", 4), ("no_memory", 2), ("cancelled", 1)]);
        let algorithm = self.random.one(&["fdk", "iterative", "motion_corrected"]);
        let (duration, gpu) =
            (self.random.within(20, 4000), self.random.weighted(&[("yes", 90), ("no", 10)]));
        let line = json!({
            "algorithm": algorithm, "outcome": outcome, "duration_s": tenths(duration), "gpu": gpu, "fov": fov,
            "voxel_um": voxel,
        });
        self.say(second + 120, "reconstruction.finished", line);
    }

    /// What nobody planned.
    fn trouble(&mut self) {
        for _ in 0..self.random.within(0, 6) {
            let (second, code) = (self.random.within(OPENS, CLOSES), self.random.within(1000, 1400));
            let (subsystem, repeats) = (self.random.one(SUBSYSTEMS), self.random.within(1, 20));
            let severity = self.random.weighted(&[("info", 30), ("warn", 50), ("error", 17), ("stop", 3)]);
            let line =
                json!({"code": code, "subsystem": subsystem, "severity": severity, "repeats": repeats});
            self.say(second, "device.error", line);
        }
        if self.random.percent(10) {
            let (second, ready) = (self.random.within(OPENS, CLOSES), self.random.within(35, 120));
            let cause = self.random.one(&["power_loss", "watchdog", "operator"]);
            self.say(second, "device.restart", json!({"cause": cause, "ready_s": ready}));
        }
        if self.random.percent(20) {
            let (second, duration) = (self.random.within(OPENS, CLOSES), self.random.within(20, 300));
            let module = self.random.one(MODULES);
            self.say(second, "kathea.hang", json!({"module": module, "duration_s": tenths(duration)}));
        }
        if self.random.percent(3) {
            let (second, signature) = (self.random.within(OPENS, CLOSES), self.random.next() >> 16);
            let module = self.random.one(MODULES);
            let line = json!({"module": module, "signature": signature, "version": "7.2.1"});
            self.say(second, "kathea.crash", line);
        }
    }

    /// Most lines of a day: clicks, axes that move, a cable that falters.
    fn small_things(&mut self) {
        let wanted = self.random.within(LINES.0, LINES.1) as usize;
        while self.events.len() < wanted {
            let second = self.random.within(OPENS, CLOSES);
            match self.random.within(1, 100) {
                1..=70 => {
                    let feature = self.random.one(FEATURES);
                    self.say(second, "feature.used", json!({"feature": feature}));
                }
                71..=96 => {
                    let (axis, error) = (self.random.one(AXES), self.random.within(0, 120));
                    self.say(second, "gantry.positioned", json!({"axis": axis, "error": error}));
                }
                _ => {
                    let fault = self.random.one(&["retransmit", "crc_error", "slow"]);
                    let count = self.random.within(1, 40);
                    self.say(second, "device.link", json!({"fault": fault, "count": count}));
                }
            }
        }
    }
}

/// A number that is kept in tenths, as it is written.
fn tenths(number: u32) -> Value {
    if number.is_multiple_of(10) { json!(number / 10) } else { json!(f64::from(number) / 10.0) }
}

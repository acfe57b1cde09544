//! What Kathea writes, and what must come of it: added up line by line, without the product's catalog.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::Random;
use super::totals::Totals;
use super::workstation::Workstation;

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.within(0, from.len() as u32 - 1) as usize]
}

/// Events of the next two days, and their sums.
pub(crate) struct Outbox {
    random: Random,
    start: OffsetDateTime,
    files: u32,
    pub(crate) expected: Totals,
}

/// When something happened, as its line says and as the periods are named.
struct Moment {
    at: String,
    hour: String,
    month: String,
}

impl Outbox {
    /// Begins in a while, after every consent that is given until then.
    pub(crate) fn new(random: Random) -> Self {
        let start = OffsetDateTime::now_utc() + Duration::minutes(30);
        Self { random, start, files: 0, expected: Totals::default() }
    }

    /// Leaves `lines` at the workstation, in files of `per_file`.
    pub(crate) fn fill(
        &mut self,
        workstation: &Workstation,
        lines: usize,
        per_file: usize,
        line: impl Fn(&mut Self) -> String,
    ) {
        for first in (0..lines).step_by(per_file) {
            let text: String = (first..lines.min(first + per_file)).map(|_| line(self) + "\n").collect();
            self.files += 1;
            let name = format!("{}-{:06}.ndjson", self.start.unix_timestamp_nanos(), self.files);
            workstation.leave(&name, text);
        }
    }

    fn moment(&mut self) -> Moment {
        let hours = *pick(&mut self.random, &[-5, 0, 1]);
        let offset = UtcOffset::from_hms(hours, 0, 0).unwrap();
        let ahead = Duration::seconds(self.random.within(0, 46 * 3600).into());
        let time = (self.start + ahead).to_offset(offset).replace_nanosecond(0).unwrap();
        let at = time.format(&Rfc3339).unwrap();
        Moment { hour: at[..13].to_owned(), month: at[..7].to_owned(), at }
    }

    /// An error of the device: an event, which arrives as itself.
    pub(crate) fn device_error(&mut self) -> String {
        let Moment { at, hour, .. } = self.moment();
        let code = self.random.within(0, 65_535).to_string();
        let subsystem = self.random.one(&["generator", "detector", "motion", "tracker", "power"]);
        let severity = self.random.one(&["info", "warn", "error", "stop"]);
        let repeats = self.random.within(1, 1000).to_string();
        let attributes =
            [("code", &*code), ("subsystem", subsystem), ("severity", severity), ("repeats", &*repeats)];
        self.expected.count("device.error", &hour, &attributes);
        format!(
            r#"{{"event":"device.error","at":"{at}","code":{code},"subsystem":"{subsystem}","severity":"{severity}","repeats":{repeats}}}"#
        )
    }

    /// An exposure, of any end: it only counts and distributes.
    pub(crate) fn exposure(&mut self) -> String {
        match self.random.within(0, 9) {
            0 => self.aborted(),
            1 => self.failed_or_retaken(),
            _ => self.completed(),
        }
    }

    fn aborted(&mut self) -> String {
        let Moment { at, month, .. } = self.moment();
        let mode = self.random.one(&["cbct", "panoramic", "face_scan"]);
        let reason = self.random.one(&["switch_released", "collision", "detector"]);
        let phase = self.random.one(&["positioning", "beam", "return"]);
        self.expected.count("exposure.count", &month, &[("mode", mode), ("outcome", "aborted")]);
        self.expected.count("exposure.abort", &month, &[("reason", reason), ("phase", phase)]);
        format!(
            r#"{{"event":"exposure.aborted","at":"{at}","mode":"{mode}","reason":"{reason}","phase":"{phase}"}}"#
        )
    }

    fn failed_or_retaken(&mut self) -> String {
        let Moment { at, month, .. } = self.moment();
        let mode = self.random.one(&["cbct", "panoramic", "cephalometric", "scout"]);
        if self.random.within(0, 1) == 0 {
            self.expected.count("exposure.count", &month, &[("mode", mode), ("outcome", "failed")]);
            return format!(r#"{{"event":"exposure.failed","at":"{at}","mode":"{mode}"}}"#);
        }
        let reason = self.random.one(&["motion", "positioning", "not_given"]);
        self.expected.count("exposure.retake", &month, &[("mode", mode), ("reason", reason)]);
        format!(r#"{{"event":"exposure.retaken","at":"{at}","mode":"{mode}","reason":"{reason}"}}"#)
    }

    fn completed(&mut self) -> String {
        let Moment { at, month, .. } = self.moment();
        let mode = self.random.one(&["cbct", "panoramic", "cephalometric", "scout"]);
        let size = self.random.one(&["child", "small", "medium", "large"]);
        let kv = self.random.within(60, 120);
        let [ma, beam, dap] = [(10, 160), (1, 400), (10, 50_000)]
            .map(|(low, high)| f64::from(self.random.within(low, high)) / 10.0);
        let of_mode = [("mode", mode)];
        let sums = &mut self.expected;
        sums.count("exposure.count", &month, &[("mode", mode), ("outcome", "completed")]);
        sums.count("exposure.patient_size", &month, &[("mode", mode), ("size", size)]);
        let bounds = [65, 70, 75, 80, 85, 90, 100, 120];
        sums.observe("exposure.tube_voltage", &month, &of_mode, &bounds, kv.into());
        sums.observe("exposure.tube_current", &month, &of_mode, &[2, 4, 6, 8, 10, 12, 16], ma);
        sums.observe("exposure.beam_on", &month, &of_mode, &[1, 3, 6, 9, 12, 16, 20, 30, 40], beam);

        let mut line = format!(
            r#"{{"event":"exposure.completed","at":"{at}","mode":"{mode}","patient_size":"{size}","kv":{kv},"ma":{ma},"beam_s":{beam},"dap":{dap}"#
        );
        let fov_class = match mode {
            "cbct" => self.cbct(&mut line, &month),
            "panoramic" => self.program(&mut line, &month, "panoramic", &["standard", "bitewing", "tmj"]),
            "cephalometric" => self.program(&mut line, &month, "cephalometric", &["lateral", "pa", "carpus"]),
            _ => "none",
        };
        let bounds = [20, 50, 100, 200, 400, 700, 1150, 1500, 2500, 5000];
        let attributes = [("mode", mode), ("fov_class", fov_class)];
        self.expected.observe("exposure.dap", &month, &attributes, &bounds, dap);
        self.measured(&mut line, &month);
        line + "}"
    }

    /// Gives the class of the field of view.
    fn cbct(&mut self, line: &mut String, month: &str) -> &'static str {
        let (fov, class) = *pick(
            &mut self.random,
            &[("4x4", "small"), ("5x5", "small"), ("8x8", "medium"), ("12x8", "large"), ("other", "large")],
        );
        let (voxel_um, voxel) =
            *pick(&mut self.random, &[(50, "75"), (75, "75"), (76, "100"), (300, "300"), (301, "400")]);
        let protocol = self.random.one(&["adult_standard", "child_low_dose", "implant_arch", "custom"]);
        let changed = self.random.one(&["no", "yes"]);
        let lost = self.random.within(0, 149);
        self.expected.count("cbct.field_of_view", month, &[("fov", fov)]);
        self.expected.count("cbct.voxel_size", month, &[("voxel", voxel)]);
        self.expected.count("cbct.protocol", month, &[("protocol", protocol), ("changed_by_user", changed)]);
        self.expected.observe("projection.loss", month, &[], &[0, 1, 5, 20, 100, 1000], lost.into());
        *line += &format!(
            r#","fov":"{fov}","voxel_um":{voxel_um},"protocol":"{protocol}","changed_by_user":"{changed}","projections_lost":{lost}"#
        );
        class
    }

    fn program(&mut self, line: &mut String, month: &str, mode: &str, programs: &[&str]) -> &'static str {
        let program = self.random.one(programs);
        self.expected.count(&format!("{mode}.program"), month, &[("program", program)]);
        *line += &format!(r#","{mode}_program":"{program}""#);
        "none"
    }

    /// What only some exposures report.
    fn measured(&mut self, line: &mut String, month: &str) {
        if self.random.within(0, 1) == 0 {
            let heat = self.random.within(0, 100);
            self.expected.observe("tube.heat_peak", month, &[], &[25, 50, 70, 80, 90, 100], heat.into());
            *line += &format!(r#","tube_heat":{heat}"#);
        }
        for quantity in ["kv", "ma"] {
            if self.random.within(0, 1) == 0 {
                let deviation = f64::from(self.random.within(0, 200)) / 10.0;
                let bounds = [1, 2, 3, 5, 10, 20];
                self.expected.observe(
                    "generator.deviation",
                    month,
                    &[("quantity", quantity)],
                    &bounds,
                    deviation,
                );
                *line += &format!(r#","{quantity}_deviation":{deviation}"#);
            }
        }
    }
}

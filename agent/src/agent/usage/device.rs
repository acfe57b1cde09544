//! The agent's own events: the state of the workstation, and its counts about itself.

use std::path::PathBuf;

use time::OffsetDateTime;

use super::super::cx::Cx;
use super::Statistics;
use crate::workstation as device;

impl Statistics {
    /// Takes in what is seen of the workstation now, and the counts since the last time.
    pub(in crate::agent) fn report_device(&mut self, cx: &mut Cx<'_>) {
        let at = OffsetDateTime::from_unix_timestamp(cx.now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut lines = device::events(cx.config.kathea.scans.first().map(PathBuf::as_path), at);
        let mut counted = cx.counters.unreported();
        let seconds = device::processor_seconds().unwrap_or_default();
        if seconds > self.seconds_reported {
            counted.push(("cpu_s".to_owned(), seconds - self.seconds_reported));
        }
        lines.extend(device::health(&counted, at));
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        // What cannot be taken in now is reported tomorrow. A crash before the counts are saved reports a day's twice.
        if self.take_lines(cx, &lines).iter().all(Result::is_ok) {
            cx.counters.mark_reported();
            self.seconds_reported = seconds;
        }
        // One that is not saved is a problem of `status`.
        let _ = self.save_own(cx);
    }
}

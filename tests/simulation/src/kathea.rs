//! Kathea beside the agent: what it writes into the outbox.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use crate::clinic::Clinic;
use crate::model::attributes_of;
use crate::world::rfc3339;

/// Features of Kathea that the story uses, by their words and the numbers that the catalog gives them.
const FEATURES: [(&str, u64); 3] = [("viewer_2d", 0), ("viewer_3d", 1), ("mpr", 2)];
impl Clinic {
    /// Kathea writes what happened since: some errors of the X1, and uses of features.
    pub(crate) fn kathea_works(&mut self) {
        for _ in 0..self.random.within(1, 3) {
            let errors = u64::from(self.random.within(1, 6));
            let uses = (0..self.random.within(0, 6)).map(|_| self.random.below(3)).collect();
            let wall = self.pc.wall();
            let is_covered = self.consent.live(wall).is_some_and(|yes| wall >= yes.since);
            let said = self.model.say(self.world.now(), wall, errors, uses, is_covered);
            self.kathea_writes(&said.name, &said.errors, &said.uses, wall);
            self.world.advance_to(self.world.now() + 7);
        }
    }

    /// Kathea leaves a file in the outbox.
    pub(crate) fn kathea_writes(&mut self, name: &str, errors: &[u64], uses: &[u64], wall: i64) {
        let at = rfc3339(wall);
        let mut text = String::new();
        for number in errors {
            let (code, repeats) = attributes_of(*number);
            text += &format!(
                "{{\"event\":\"device.error\",\"at\":\"{at}\",\"code\":{code},\"subsystem\":\"detector\",\
                 \"severity\":\"error\",\"repeats\":{repeats}}}\n"
            );
        }
        for feature in uses {
            let word = FEATURES.iter().find(|(_, number)| number == feature).map_or("", |(word, _)| word);
            text += &format!("{{\"event\":\"feature.used\",\"at\":\"{at}\",\"feature\":\"{word}\"}}\n");
        }
        let path = self.pc.outbox().join(name);
        let partial = path.with_extension("tmp");
        let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(wall).unwrap_or(0));
        let written = fs::write(&partial, text)
            .and_then(|()| fs::File::options().write(true).open(&partial)?.set_modified(time))
            .and_then(|()| fs::rename(&partial, &path));
        if let Err(error) = written {
            self.violations.push(format!("world: the outbox: {}", error.kind()));
        }
        self.pc.notice_outbox();
    }
}

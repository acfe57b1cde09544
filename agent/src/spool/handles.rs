//! The open generations of a queue.

use super::error::SpoolError;
use super::files::QueueDir;
use super::generation::Generation;

/// The databases that are open: never more than two.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// The one that is written to.
    pub(super) newest: Option<(u64, Generation)>,
    /// The one that is drained or merged.
    pub(super) older: Option<(u64, Generation)>,
}

impl Open {
    /// The generation `id`, opened if it is not.
    pub(super) fn at(&mut self, dir: &QueueDir, id: u64, newest: u64) -> Result<&Generation, SpoolError> {
        // The newest are gone and an older one became the last: it may be open already, and sled opens nothing twice.
        if id == newest && self.older.as_ref().is_some_and(|(open, _)| *open == id) {
            self.newest = self.older.take();
        }
        let place = if id == newest { &mut self.newest } else { &mut self.older };
        if place.as_ref().is_some_and(|(open, _)| *open != id) {
            *place = None;
        }
        match place {
            Some((_, generation)) => Ok(generation),
            None => Ok(&place.insert((id, Generation::open(&dir.generation(id))?)).1),
        }
    }

    /// Whether the generation `id` is open.
    pub(super) fn has(&self, id: u64) -> bool {
        [&self.newest, &self.older].into_iter().flatten().any(|(open, _)| *open == id)
    }

    /// Closes the generation `id`.
    pub(super) fn close(&mut self, id: u64) {
        self.newest.take_if(|(open, _)| *open == id);
        self.older.take_if(|(open, _)| *open == id);
    }
}

//! Who may hold a connection. Without a certificate everybody shares one part of the places: the
//! larger of two groups, those that said nothing yet and those that did, loses its oldest to a newcomer. Devices
//! that showed a certificate have the other part, in which the one idle longest is closed. So silence
//! never keeps a device out, however much of it there is, and no more do greetings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::DeviceId;
use tokio::sync::Notify;

/// Connections that one device may hold: the agent uses two at a time, and a cut one lingers for a while.
const OF_ONE_DEVICE: usize = 8;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Before a certificate is shown, and for enrolment.
    pub(crate) strangers: usize,
    /// After a certificate was shown.
    pub(crate) devices: usize,
}

impl Capacity {
    /// Descriptors for the store, the listeners, the runtime.
    const OWN: u64 = 64;
    const STRANGERS: u64 = 512;
    const DEVICES: u64 = 2048;

    /// What so many descriptors allow: a device's connection may need a second one, for a file that it writes.
    pub(crate) fn of_descriptors(descriptors: u64) -> Self {
        let free = descriptors.saturating_sub(Self::OWN);
        let at_most = |count: u64, most: u64| usize::try_from(count.clamp(4, most)).unwrap_or(4);
        Self { strangers: at_most(free / 2, Self::STRANGERS), devices: at_most(free / 4, Self::DEVICES) }
    }
}

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    capacity: Capacity,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Grows with each event, so that a lower number is an older one.
    now: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    stage: Stage,
    /// Requests that are being answered.
    working: usize,
    /// Since when it has been idle.
    since: u64,
    leave: Arc<Notify>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing, or half of a greeting.
    Silent,
    /// A whole TLS greeting.
    Greeted,
    /// The certificate of a device.
    Certified(DeviceId),
}

/// One connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    leave: Arc<Notify>,
}

/// A request that is being answered: its connection is not made to leave.
#[derive(Debug)]
pub(crate) struct Working(Arc<Place>);

/// What a newcomer did to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vacancy {
    /// There was a free place.
    Free,
    /// Another connection was closed to free the place.
    Made,
    /// Everybody is at work: there is no place.
    None,
}

impl Places {
    pub(crate) fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, held: Mutex::default() })
    }

    /// A place for a new connection.
    pub(crate) fn enter(self: &Arc<Self>) -> (Option<Place>, Vacancy) {
        let mut held = self.lock();
        let idle = |stage| held.count(|other| other.stage == stage && other.working == 0);
        let larger = if idle(Stage::Greeted) > idle(Stage::Silent) { Stage::Greeted } else { Stage::Silent };
        let vacancy =
            held.free_place(self.capacity.strangers, Connection::is_stranger, |other| other.stage == larger);
        if vacancy == Vacancy::None {
            return (None, vacancy);
        }
        let (number, leave) = (held.next(), Arc::new(Notify::new()));
        let connection = Connection { stage: Stage::Silent, working: 0, since: number, leave: leave.clone() };
        held.connections.insert(number, connection);
        (Some(Place { places: self.clone(), number, leave }), vacancy)
    }

    /// Connections before and after a certificate.
    pub(crate) fn count(&self) -> (usize, usize) {
        let held = self.lock();
        let strangers = held.count(Connection::is_stranger);
        (strangers, held.connections.len() - strangers)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Every change is a single insertion or removal: a panic elsewhere leaves nothing half-done.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The other end has sent a whole TLS greeting.
    pub(crate) fn greeted(&self) {
        self.change(|own, _| own.stage = Stage::Greeted);
    }

    /// Moves the connection among those of devices. With [`Vacancy::None`] it stays where it is.
    pub(crate) fn certify(&self, device: DeviceId) -> Vacancy {
        let mut held = self.places.lock();
        if held.count(|other| other.stage == Stage::Certified(device)) >= OF_ONE_DEVICE {
            // Its own oldest, also at work: a device that comes back does not wait for a connection that was cut.
            held.end_oldest(|other| other.stage == Stage::Certified(device));
        }
        let vacancy = held.free_place(
            self.places.capacity.devices,
            |other| !other.is_stranger(),
            |other| !other.is_stranger(),
        );
        let since = held.next();
        if vacancy != Vacancy::None
            && let Some(own) = held.connections.get_mut(&self.number)
        {
            own.stage = Stage::Certified(device);
            own.since = since;
        }
        vacancy
    }

    /// Keeps the place while a request is answered.
    pub(crate) fn work(self: &Arc<Self>) -> Working {
        self.change(|own, _| own.working += 1);
        Working(self.clone())
    }

    /// Ends when another connection needs the place.
    pub(crate) async fn displaced_by_another(&self) {
        self.leave.notified().await;
    }

    fn change(&self, change: impl FnOnce(&mut Connection, u64)) {
        let mut held = self.places.lock();
        let now = held.next();
        if let Some(own) = held.connections.get_mut(&self.number) {
            change(own, now);
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.change(|own, now| {
            own.working -= 1;
            own.since = now;
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().connections.remove(&self.number);
    }
}

impl Connection {
    fn is_stranger(&self) -> bool {
        !matches!(self.stage, Stage::Certified(_))
    }
}

impl Held {
    fn next(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn count(&self, of: impl Fn(&Connection) -> bool) -> usize {
        self.connections.values().filter(|connection| of(connection)).count()
    }

    /// If the connections `of` a kind fill its places, the oldest idle one that `may_end` leaves.
    fn free_place(
        &mut self,
        capacity: usize,
        of: impl Fn(&Connection) -> bool,
        may_end: impl Fn(&Connection) -> bool,
    ) -> Vacancy {
        if self.count(of) < capacity {
            Vacancy::Free
        } else if self.end_oldest(|other| may_end(other) && other.working == 0) {
            Vacancy::Made
        } else {
            Vacancy::None
        }
    }

    fn end_oldest(&mut self, of: impl Fn(&Connection) -> bool) -> bool {
        let those = self.connections.iter().filter(|(_, connection)| of(connection));
        let oldest = those.min_by_key(|(_, connection)| connection.since).map(|(number, _)| *number);
        let ended = oldest.and_then(|number| self.connections.remove(&number));
        ended.map(|connection| connection.leave.notify_one()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const SMALL: Capacity = Capacity { strangers: 3, devices: 2 };

    fn device(number: u8) -> DeviceId {
        DeviceId::of_public_key(&[number])
    }

    fn must_leave(place: &Place) -> bool {
        pin!(place.displaced_by_another()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    fn enter(places: &Arc<Places>) -> Arc<Place> {
        Arc::new(places.enter().0.expect("a place"))
    }

    #[test]
    fn the_oldest_stranger_is_displaced_and_devices_are_left_alone() {
        let places = Places::new(SMALL);
        let known = enter(&places);
        assert_eq!(known.certify(device(1)), Vacancy::Free);
        let strangers: Vec<_> = (0..3).map(|_| enter(&places)).collect();
        let newest = places.enter();
        assert_eq!((newest.1, places.count()), (Vacancy::Made, (3, 1)));
        assert_eq!(strangers.iter().map(|place| must_leave(place)).collect::<Vec<_>>(), [true, false, false]);
        assert!(!must_leave(&known));
    }

    #[test]
    fn of_the_silent_and_those_that_greeted_the_larger_group_loses_its_oldest() {
        let places = Places::new(SMALL);
        let [greeted, silent, also_silent] = [(); 3].map(|()| enter(&places));
        greeted.greeted();
        let newest = [enter(&places), enter(&places)];
        assert!(must_leave(&silent) && must_leave(&also_silent) && !must_leave(&greeted));
        newest.iter().for_each(|place| place.greeted());
        let silent = enter(&places);
        let _last = enter(&places);
        assert!(must_leave(&greeted) && must_leave(&newest[0]) && !must_leave(&silent));
    }

    #[test]
    fn who_is_answered_stays_and_who_was_idle_longest_goes() {
        let places = Places::new(SMALL);
        let [first, second, third] = [(); 3].map(|()| enter(&places));
        let working = first.work();
        assert_eq!(second.certify(device(1)), Vacancy::Free);
        assert_eq!(third.certify(device(2)), Vacancy::Free);
        drop(second.work());
        let fourth = enter(&places);
        assert_eq!(fourth.certify(device(3)), Vacancy::Made);
        assert!(must_leave(&third) && !must_leave(&second) && !must_leave(&first));
        let _all = [second.work(), fourth.work()];
        let fifth = enter(&places);
        assert_eq!((fifth.certify(device(4)), places.count()), (Vacancy::None, (2, 2)));
        let more = enter(&places);
        let _others = [fifth.work(), more.work()];
        assert_eq!(places.enter().1, Vacancy::None);
        drop(working);
        assert_eq!(places.enter().1, Vacancy::Made);
    }

    #[test]
    fn one_device_holds_a_few_connections_and_its_own_oldest_goes() {
        let places = Places::new(Capacity { strangers: 100, devices: 100 });
        let other = enter(&places);
        assert_eq!(other.certify(device(9)), Vacancy::Free);
        let own: Vec<_> = (0..OF_ONE_DEVICE).map(|_| enter(&places)).collect();
        own.iter().for_each(|place| assert_eq!(place.certify(device(1)), Vacancy::Free));
        let _working = own[0].work();
        let newest = enter(&places);
        assert_eq!(newest.certify(device(1)), Vacancy::Free);
        assert_eq!(places.count(), (0, OF_ONE_DEVICE + 1));
        assert!(must_leave(&own[0]) && !must_leave(&own[1]) && !must_leave(&other));
    }

    #[test]
    fn places_follow_the_descriptors_and_end() {
        let of = Capacity::of_descriptors;
        assert_eq!(of(256), Capacity { strangers: 96, devices: 48 });
        assert_eq!(of(1024), Capacity { strangers: 480, devices: 240 });
        assert_eq!(of(1 << 20), Capacity { strangers: 512, devices: 2048 });
        assert_eq!(of(0), Capacity { strangers: 4, devices: 4 });
        let places = Places::new(SMALL);
        drop(enter(&places));
        assert_eq!(places.count(), (0, 0));
    }
}

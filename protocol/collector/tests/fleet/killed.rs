//! One part after the other is killed while the fleet goes on.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::DeviceId;
use test_support::{or_skip, peer};

use crate::balancer::Balancer;
use crate::devices::{Device, Place};
use crate::front::Front;
use crate::load::Load;
use crate::server::Server;

/// Fronts.
const FRONTS: usize = 3;
/// Devices that are at it at once.
const THREADS: usize = 16;
/// The longest that the whole fleet may get no answer when a part is killed.
pub(crate) const PAUSE: Duration = Duration::from_secs(3);

pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// All that a fleet needs, each part with a way to kill it; `D` is what keeps its records.
pub(crate) struct Site<D> {
    pub(crate) database: D,
    pub(crate) fronts: Vec<Front>,
    pub(crate) balancer: Balancer,
    dir: tempfile::TempDir,
}

/// PostgreSQL and two replicas of it, of which one has to have each commit.
pub(crate) struct Servers {
    pub(crate) server: Server,
    replicas: Vec<Server>,
}

impl Site<Servers> {
    pub(crate) fn start(bundles: impl FnOnce(&Path) -> String) -> Result<Self, peer::Skipped> {
        peer::need(peer::has("haproxy"), "HAProxy is not there: install haproxy")?;
        let server = Server::start(&[])?;
        let replicas = vec![server.replica("one"), server.replica("two")];
        server.set("synchronous_standby_names", "ANY 1 (one, two)");
        server.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'", "2");
        let url = server.database("fleet", &server.own());
        Ok(Self::over(Servers { server, replicas }, &url, bundles, |_, fronts| Balancer::start(fronts)))
    }
}

impl<D> Site<D> {
    /// Fronts over a database that is there.
    pub(crate) fn over(
        database: D,
        url: &str,
        bundles: impl FnOnce(&Path) -> String,
        balancer: impl FnOnce(&D, &[SocketAddr]) -> Balancer,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bundles = bundles(dir.path());
        let start = |number| Front::start(dir.path(), number, url, &bundles);
        let fronts: Vec<Front> = (0..FRONTS).map(start).collect();
        let addresses: Vec<_> = fronts.iter().map(|front| front.address).collect();
        let balancer = balancer(&database, &addresses);
        Self { database, fronts, balancer, dir }
    }

    /// Enrolled devices, and where they come.
    pub(crate) fn devices(&self, count: u64) -> (Place, Vec<Device>) {
        let place = Place::new(self.balancer.address, &self.fronts[0].data.join("ca.pem")).unwrap();
        let tokens = self.fronts[0].run("token", &["--count", &count.to_string()]);
        let enrol = |(token, number): (&str, u64)| {
            let mut device = Device::new(&place, number).unwrap();
            assert_eq!(device.enrol(&place, token).unwrap().status, 201);
            device
        };
        let devices = tokens.lines().zip(0..).map(enrol).collect();
        (place, devices)
    }
}

/// That the fronts share a directory for bundles.
pub(crate) fn shared(dir: &Path) -> String {
    let shared = dir.join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    format!("bundles = {shared:?}\n")
}

/// The longest time without an acknowledgement from `begun` on, and the slowest visit that ended in it.
fn pause(load: &Load, begun: Instant) -> (Duration, Duration) {
    let answers = load.answers.lock().unwrap();
    let mut last = begun;
    let (mut pause, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for (at, took) in answers.iter().filter(|(at, _)| *at >= begun) {
        pause = pause.max(at.saturating_duration_since(last));
        slowest = slowest.max(*took);
        last = *at;
    }
    (pause, slowest)
}

/// Sees that each device's records are there once, from the first on, as far as they were acknowledged.
fn check<D>(site: &Site<D>, load: &Load) -> (u64, u64) {
    let mut stored: std::collections::BTreeMap<DeviceId, Vec<u64>> = std::collections::BTreeMap::new();
    let lines = site.fronts[0].run("export", &["--to", "Example Vendor", "--why", "audit"]);
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let device = record["device"].as_str().unwrap().parse().unwrap();
        stored.entry(device).or_default().push(record["seq"].as_u64().unwrap());
    }
    let (mut lost, mut twice) = (0, 0);
    for (device, end) in load.acknowledged.lock().unwrap().iter() {
        let here = stored.get(device).cloned().unwrap_or_default();
        let once: BTreeSet<u64> = here.iter().copied().collect();
        twice += (here.len() - once.len()) as u64;
        lost += (0..*end).filter(|seq| !once.contains(seq)).count() as u64;
    }
    (lost, twice)
}

/// What was killed, and how the fleet bore it.
pub(crate) struct Kills<'a> {
    load: &'a Load,
    /// Acknowledgements between two kills.
    answers: u64,
    /// What was killed, the longest pause that it may cost, and the one that it cost.
    pauses: Vec<(&'static str, Duration, Duration)>,
}

impl Kills<'_> {
    /// Kills a part, waits for acknowledgements without it, and for as many when it is `back`. `longest`: how long the whole
    /// fleet may get no answer.
    pub(crate) fn part<D>(
        &mut self,
        (what, longest): (&'static str, Duration),
        site: &mut Site<D>,
        kill: impl FnOnce(&mut Site<D>),
        back: impl FnOnce(&mut Site<D>),
    ) {
        let begun = Instant::now();
        kill(site);
        self.load.wait_for(self.answers);
        back(site);
        self.load.wait_for(self.answers);
        let (pause, slowest) = pause(self.load, begun);
        println!("killed {what}: pause {} ms, slowest visit {} ms", pause.as_millis(), slowest.as_millis());
        self.pauses.push((what, longest, pause));
    }

    /// Each front, and the balancer.
    pub(crate) fn fronts<D>(&mut self, site: &mut Site<D>) {
        self.part(("nothing", PAUSE), site, |_| {}, |_| {});
        for number in 0..FRONTS {
            let front = |site: &mut Site<D>| site.fronts[number].kill();
            self.part(("a front", PAUSE), site, front, |site| site.fronts[number].restart());
        }
        let balancer = |site: &mut Site<D>| {
            site.balancer.kill();
            site.balancer.restart();
        };
        self.part(("the balancer", PAUSE), site, balancer, |_| {});
    }
}

/// Lets the fleet come while `kills` does what it does: nothing is lost, nothing there twice, nobody refused for good, and
/// no pause longer than it may be.
pub(crate) fn under_load<D>(site: &mut Site<D>, kills: impl FnOnce(&mut Site<D>, &mut Kills<'_>)) {
    let (count, answers) = (number("FLEET_DEVICES", 1000), number("FLEET_ANSWERS", 500));
    let seed = number("FLEET_SEED", u64::from(std::process::id()));
    println!("seed {seed}, {count} devices, {FRONTS} fronts, {answers} answers between two kills");
    let (place, devices) = site.devices(count);
    let load = Load::default();
    let mut killing = Kills { load: &load, answers, pauses: Vec::new() };
    std::thread::scope(|scope| {
        let fleet = scope.spawn(|| load.run(&place, &devices, THREADS, seed));
        // Whatever fails, the devices end.
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            load.wait_for(answers);
            kills(site, &mut killing);
        }));
        load.over();
        fleet.join().unwrap();
        killed.unwrap();
    });
    let (lost, twice) = check(site, &load);
    let refused = load.refused.lock().unwrap().clone();
    let all = load.answers.lock().unwrap().len();
    let again = load.again.load(std::sync::atomic::Ordering::SeqCst);
    println!("{all} acknowledged, {again} sent again, {lost} lost, {twice} twice, refused {refused:?}");
    assert_eq!((lost, twice, refused.len()), (0, 0, 0));
    assert_eq!(site.fronts[1].run("verify", &[]), "", "nothing is damaged");
    for (what, longest, pause) in &killing.pauses {
        assert!(pause <= longest, "killed {what}: no answer for {pause:?}");
    }
    assert!(site.dir.path().exists());
}

#[test]
fn a_fleet_loses_nothing_while_fronts_balancer_and_replica_are_killed() {
    if !peer::is_slow("the fleet behind a balancer, with a kill of each part") {
        return;
    }
    let mut site = or_skip!(Site::start(shared));
    under_load(&mut site, |site, kills| {
        kills.fronts(site);
        let replica = |site: &mut Site<Servers>| site.database.replicas[0].kill();
        kills.part(("a replica", PAUSE), site, replica, |site| site.database.replicas[0].restart_ended());
    });
    assert!(site.database.server.text("SELECT 1") == "1");
}

//! The link between the agent and the collector: it loses requests and replies, repeats requests, and is cut. On it every
//! batch is looked at: whether the clinic allows it at this moment.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent::agent::Connect;
use agent::ship::exchange::{Answer, Body, Exchange, Method, Outcome, Transport};
use agent::ship::failure::{Failure, Phase, TlsFailure};
use kathea_collector::{InProcess, Question};
use protocol::bundle::tus;
use test_support::random::Random;

use crate::faults::{Fault, Faults};
use crate::world::World;

/// What both ends share.
pub struct Net {
    /// The collector, while it runs.
    pub vendor: Option<InProcess>,
    world: Arc<World>,
    /// What becomes of single exchanges.
    pub random: Random,
    /// Nothing gets through.
    pub is_cut: bool,
    /// Faults of single exchanges, in a hundred.
    pub faulty: u32,
    /// Steps of bundles after which the line is cut; none: it is not.
    pub cut_after: Option<u32>,
    /// Whether a case is open that allows bundles, by the model.
    pub is_case_open: bool,
    /// Whether the clinic allows that usage is sent now, by the model.
    pub is_allowed: bool,
    /// Exchanges that the collector answered with a success.
    pub successes: u64,
    /// Exchanges in all.
    pub exchanges: u64,
    /// What happened.
    pub faults: Faults,
    /// What must not happen.
    pub violations: Vec<String>,
}

/// The link, for both ends.
#[derive(Clone)]
pub struct Link(Arc<Mutex<Net>>);

impl Link {
    /// A sound link to nobody yet.
    pub fn new(world: Arc<World>, random: Random) -> Self {
        Self(Arc::new(Mutex::new(Net {
            vendor: None,
            world,
            random,
            is_cut: false,
            faulty: 0,
            is_allowed: false,
            cut_after: None,
            is_case_open: false,
            successes: 0,
            exchanges: 0,
            faults: Faults::default(),
            violations: Vec::new(),
        })))
    }

    /// What is on it now.
    pub fn net(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the agent's connections.
    pub fn connect(&self) -> Arc<Connect> {
        let link = self.clone();
        Arc::new(move |settings| {
            let chain = settings.identity.map(|identity| identity.chain_pem);
            Ok(Box::new(Line { link: link.clone(), chain }))
        })
    }
}

struct Line {
    link: Link,
    chain: Option<Vec<u8>>,
}

impl Transport for Line {
    fn exchange(&mut self, exchange: &Exchange) -> Outcome {
        self.link.net().exchange(self.chain.as_deref(), exchange)
    }

    fn rest(&mut self) {}
}

impl Net {
    fn exchange(&mut self, chain: Option<&[u8]>, exchange: &Exchange) -> Outcome {
        self.exchanges += 1;
        if exchange.path.starts_with("/v1/streams/") && !self.is_allowed {
            self.violations.push(format!("permit: {} is sent without a live permit", exchange.path));
        }
        if exchange.path.starts_with("/v1/bundles") {
            if matches!(exchange.method, Method::Patch | Method::Post) && !self.is_case_open {
                self.violations.push(format!("permit: {} is sent and no case is open", exchange.path));
            }
            self.cut_after = self.cut_after.and_then(|left| {
                self.is_cut |= left == 0;
                left.checked_sub(1)
            });
        }
        if exchange.lease.as_ref().is_some_and(|lease| !lease.stands()) {
            return Err(Failure::Withdrawn);
        }
        if self.is_cut {
            return Err(Failure::Connect);
        }
        let Some(vendor) = &self.vendor else { return Err(Failure::Connect) };
        vendor.set_time(self.world.now());
        if !self.random.percent(self.faulty) {
            return self.ask(chain, exchange);
        }
        match self.random.below(5) {
            0 => {
                self.faults.count(Fault::RequestLost);
                Err(Failure::Timeout(Phase::Reply))
            }
            1 => {
                self.faults.count(Fault::ReplyLost);
                let _ = self.ask(chain, exchange);
                Err(Failure::Cut)
            }
            2 => {
                self.faults.count(Fault::RequestRepeated);
                let _ = self.ask(chain, exchange);
                self.ask(chain, exchange)
            }
            3 => {
                self.faults.count(Fault::ReplyDelayed);
                self.world.advance_to(self.world.now() + 1 + i64::from(self.random.within(1, 100)));
                self.ask(chain, exchange)
            }
            _ => {
                self.faults.count(Fault::Busy);
                let retry_after = Some(self.random.within(1, 7200).to_string());
                Ok(Answer { status: 503, retry_after, ..Answer::default() })
            }
        }
    }

    fn ask(&mut self, chain: Option<&[u8]>, exchange: &Exchange) -> Outcome {
        let Some(vendor) = &self.vendor else { return Err(Failure::Connect) };
        let body = match &exchange.body {
            Body::Bytes(body) => body.clone(),
            Body::Part(file, length) => match part(file, *length) {
                Ok(body) => body,
                Err(_) => return Err(Failure::Internal),
            },
        };
        let question = Question {
            chain_pem: chain,
            method: exchange.method.as_str(),
            path: &exchange.path,
            headers: exchange.headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            body,
        };
        let answer = match vendor.ask(question) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(Failure::Tls(TlsFailure::ClientExpired)),
            Err(what) => {
                self.violations.push(format!("collector: {what}"));
                return Err(Failure::Internal);
            }
        };
        if answer.status >= 500 {
            self.violations.push(format!(
                "collector: {} to {} {}",
                answer.status,
                exchange.method.as_str(),
                exchange.path
            ));
        }
        self.successes += u64::from((200..300).contains(&answer.status));
        let header = |wanted: &str| {
            let found = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone())
        };
        Ok(Answer {
            status: answer.status,
            content_type: header("content-type"),
            retry_after: header("retry-after"),
            ledger_head: header(protocol::reply::names::LEDGER_HEAD),
            invitations: header(protocol::reply::names::INVITATIONS),
            news: header(protocol::reply::names::NEWS),
            location: header("location"),
            upload_offset: header(tus::OFFSET),
            upload_length: header(tus::LENGTH),
            checksum_algorithms: header(tus::CHECKSUM_ALGORITHM),
            body: answer.body.clone(),
            ..Answer::default()
        })
    }
}

/// So many bytes from where the file stands, which is where it stands afterwards too: a request may be repeated.
fn part(mut file: &File, length: u64) -> io::Result<Vec<u8>> {
    let begin = file.stream_position()?;
    let mut body = Vec::new();
    file.take(length).read_to_end(&mut body)?;
    file.seek(SeekFrom::Start(begin))?;
    Ok(body)
}

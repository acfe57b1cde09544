//! A bundle as a workstation makes one: a draft that was gathered elsewhere, the clinic's yes, the sealed file; and the
//! same on a stick.

use std::fs;
use std::io::Write;
use std::path::Path;

use agent::api::Reply;
use agent::api::support::{Bundled, Drafted, Elsewhere, List, Piece, Work};
use agent::request::{Request, SupportRequest};
use agent::support::draft::Writer;
use agent::support::pseudonyms::Pseudonyms;
use protocol::CaseId;
use protocol::ledger::Role;
use ring::rand::SystemRandom;
use serde::de::DeserializeOwned;
use test_support::random::Random;

use crate::workstation::Workstation;
use crate::world::rfc3339;

/// Times that a job is asked how far it is; a file of a MiB is sealed within some thousands.
const PATIENCE: u32 = 20_000_000;

impl Workstation {
    fn done<T: DeserializeOwned>(&mut self, ask: SupportRequest) -> Result<T, String> {
        let reply = self.ask(&Request::Support(ask)).map_err(|_| "killed".to_owned())?;
        let reply: Reply = reply.ok_or("it is off")?;
        let what = reply.what().to_owned();
        if !reply.is_done() {
            return Err(what);
        }
        reply.read().ok_or_else(|| "not understood".to_owned())
    }

    /// Makes a draft of `case` with a file of `bytes` that no program shortens, says yes to it, and seals it.
    ///
    /// # Errors
    /// What the agent says.
    pub(crate) fn seal(
        &mut self,
        case: &CaseId,
        bytes: usize,
        random: &mut Random,
    ) -> Result<Bundled, String> {
        let Elsewhere { draft: id, device, policy, .. } =
            self.done(SupportRequest::Begin { case: case.clone() })?;
        let text: Vec<u8> = (0..bytes.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).collect();
        let disk = |error: std::io::Error| format!("the draft: {}", error.kind());
        let mut writer = Writer::create(&self.data(), &id, SystemRandom::new()).map_err(disk)?;
        writer.begin();
        writer.write_all(&text).map_err(disk)?;
        let span = writer.end().map_err(disk)?;
        let (made, sha256) = (rfc3339(self.wall()), span.sha256);
        let manifest = format!(
            "{{\"schema\":\"kathea-support-manifest/1\",\"case\":\"{case}\",\"reason\":\"error\",\"contact\":null,\"made\":\"{made}\",\
             \"agent\":\"0\",\"device\":\"{device}\",\"policy\":{{\"id\":\"{}\",\"version\":\"{}\"}},\
             \"purposes\":[\"support_case\"],\"operations\":[],\"files\":[{{\"name\":\"logs/log-0001.txt\",\"kind\":\"text\",\
             \"purpose\":\"support_case\",\"bytes\":{},\"sha256\":\"{sha256}\"}}],\"removed\":{{}},\"persons_learned\":0,\
             \"files_learned\":0,\"edition\":\"2024c\",\"checks\":[]}}",
            policy.id, policy.version, span.bytes,
        );
        let pseudonyms = Pseudonyms::draw(&SystemRandom::new()).map_err(disk)?;
        let at = self.wall();
        let (_, key) = writer.finish(case.clone(), at, pseudonyms, manifest.as_bytes()).map_err(disk)?;
        let adopt = SupportRequest::Adopt { draft: id, key: key.to_hex().to_string() };
        let Drafted { draft, digest, .. } = self.done(adopt)?;
        let create =
            SupportRequest::Create { draft, yes: digest.to_string(), by: Role::Owner, session: None };
        self.done::<serde_json::Value>(create)?;
        for _ in 0..PATIENCE {
            match self.done::<Work<Bundled>>(SupportRequest::Progress)? {
                Work::Done(bundled) => return Ok(bundled),
                Work::Running(_) => std::thread::yield_now(),
            }
        }
        Err("the sealing does not end".to_owned())
    }

    /// The bundles that it lists; none where it does not say.
    pub(crate) fn bundles(&mut self) -> Option<List> {
        self.done(SupportRequest::List).ok()
    }

    /// Writes a sealed bundle and the consent to it to `file` and `consent`.
    ///
    /// # Errors
    /// What the agent says.
    pub(crate) fn export(&mut self, bundle: &str, file: &Path, consent: &Path) -> Result<(), String> {
        let (mut all, mut beside) = (Vec::new(), None);
        loop {
            let ask = SupportRequest::Export { bundle: bundle.to_owned(), offset: all.len() as u64 };
            let piece: Piece = self.done(ask)?;
            let more = piece.decoded().ok_or("no base64")?;
            beside = piece.consent.or(beside);
            all.extend_from_slice(&more);
            if more.is_empty() || all.len() as u64 >= piece.bytes {
                break;
            }
        }
        let written = fs::write(file, all).and_then(|()| fs::write(consent, beside.unwrap_or_default()));
        written.map_err(|error| format!("the stick: {}", error.kind()))
    }
}

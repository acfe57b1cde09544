//! Why an exchange with the collector failed: a closed list, each with something to do.

/// No answer was had. Carries neither content nor an address, which may hold a proxy's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name of the collector, or of the proxy, has no address.
    Name,
    /// Nobody took the connection.
    Connect,
    /// The proxy is not there, or refused; its status if it gave one.
    Proxy(Option<u16>),
    /// The two ends could not agree on whom they talk to.
    Tls(TlsFailure),
    /// It took longer than it may.
    Timeout(Phase),
    /// The connection ended in the middle.
    Cut,
    /// The answer is longer than any answer is.
    TooLarge,
    /// What came back is not HTTP.
    NotHttp,
    /// The consent was withdrawn while it was being sent.
    Withdrawn,
    /// The system starts no thread for it.
    NoThread,
    /// A fault in a library; caught.
    Internal,
}

/// What was wrong with the other end's proof of identity, or with ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// Not signed by the vendor's CA: another server, or a proxy that inspects TLS.
    UnknownCa,
    /// Past its end, or the clock is ahead.
    Expired,
    /// Before its beginning: the clock is behind.
    NotYetValid,
    /// Of another host.
    WrongName,
    /// The collector did not take the device's certificate.
    ClientRefused,
    /// The collector takes the device's certificate for one that is over or not valid yet. One that is over by this
    /// computer's clock is never shown, so the two clocks differ.
    ClientExpired,
    /// The other end speaks no TLS 1.3.
    Version,
    /// Anything else.
    Other,
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Finding the address.
    Resolve,
    /// Connecting, with the proxy's and the TLS handshake.
    Connect,
    /// Sending.
    Send,
    /// Waiting for the answer, or reading it.
    Reply,
    /// All together.
    Whole,
}

crate::texts! { Failure {
    Self::Name =>
        "the collector's name cannot be resolved: check the network, DNS and [collector] url",
        "navnet på leverandørens server kan ikke slås op: kontrollér netværket, DNS og [collector] url";
    Self::Connect =>
        "no server answers at the collector's address: check the network, the firewall and [collector] url",
        "ingen server svarer på adressen for leverandørens server: kontrollér netværket, firewallen og [collector] url";
    Self::Proxy(Some(407)) =>
        "the proxy requires a user name and password: set them in [collector] proxy (Basic; NTLM is not supported)",
        "proxyen kræver brugernavn og adgangskode: angiv dem i [collector] proxy (Basic; NTLM understøttes ikke)";
    Self::Proxy(Some(status)) =>
        "the proxy answered {status}: ask its administrator to allow the collector",
        "proxyen svarede {status}: bed dens administrator om at tillade leverandørens server", status;
    Self::Proxy(None) =>
        "the proxy does not answer: check [collector] proxy",
        "proxyen svarer ikke: kontrollér [collector] proxy";
    Self::Tls(why) => "{why}", "{why}", why;
    Self::Timeout(phase) =>
        "{phase} took too long: the agent retries later",
        "{phase} tog for lang tid: agenten prøver igen senere", phase;
    Self::Cut =>
        "the connection was interrupted: the agent retries later",
        "forbindelsen blev afbrudt: agenten prøver igen senere";
    Self::TooLarge =>
        "the response is too long for a collector: check [collector] url and proxies",
        "svaret er for langt til at komme fra leverandørens server: kontrollér [collector] url og eventuelle proxyer";
    Self::NotHttp =>
        "the server that answered does not speak HTTP: check [collector] url and proxies",
        "den server, der svarede, taler ikke HTTP: kontrollér [collector] url og eventuelle proxyer";
    Self::Withdrawn =>
        "stopped: the consent was withdrawn during the upload",
        "stoppet: samtykket blev tilbagekaldt under overførslen";
    Self::NoThread =>
        "the system could not start a thread to send with: close other programs; the agent retries later",
        "systemet kan ikke starte en tråd at sende med: luk andre programmer; agenten prøver igen senere";
    Self::Internal =>
        "an internal error ended the exchange: the agent retries later; inform the vendor",
        "en intern fejl afbrød overførslen: agenten prøver igen senere; giv leverandøren besked";
} }

impl std::error::Error for Failure {}

crate::texts! { TlsFailure {
    Self::UnknownCa =>
        "the collector's certificate was not issued by the vendor's CA: another server answers, or a proxy inspects TLS; check [collector] url and ca",
        "serverens certifikat er ikke udstedt af leverandørens CA: en anden server svarer, eller en proxy åbner TLS; kontrollér [collector] url og ca";
    Self::Expired =>
        "the collector's certificate has expired: check this computer's clock, then inform the vendor",
        "serverens certifikat er udløbet: kontrollér computerens ur, og giv derefter leverandøren besked";
    Self::NotYetValid =>
        "the collector's certificate is not valid yet: check this computer's clock",
        "serverens certifikat gælder ikke endnu: kontrollér computerens ur";
    Self::WrongName =>
        "the collector's certificate belongs to another host: check [collector] url",
        "serverens certifikat tilhører en anden vært: kontrollér [collector] url";
    Self::ClientRefused =>
        "the collector refuses this device's certificate: enrol the device again",
        "leverandørens server afviser enhedens certifikat: tilmeld enheden igen";
    Self::ClientExpired =>
        "this device's certificate is valid by this computer's clock, but not by the collector's: the agent retries \
         later; check this computer's clock, and if it is right, inform the vendor",
        "efter serverens ur gælder enhedens certifikat ikke, efter computerens gør det: agenten prøver igen senere; \
         kontrollér computerens ur, og giv leverandøren besked, hvis det går rigtigt";
    Self::Version =>
        "the server that answered does not support TLS 1.3: check [collector] url and proxies",
        "den server, der svarede, understøtter ikke TLS 1.3: kontrollér [collector] url og eventuelle proxyer";
    Self::Other =>
        "no secure connection could be made: check [collector] url and proxies",
        "der kunne ikke oprettes en sikker forbindelse: kontrollér [collector] url og eventuelle proxyer";
} }

crate::texts! { Phase {
    Self::Resolve => "finding the collector's address", "opslaget af serverens adresse";
    Self::Connect => "connecting to the collector", "forbindelsen til leverandørens server";
    Self::Send => "sending to the collector", "afsendelsen til leverandørens server";
    Self::Reply => "the collector's answer", "svaret fra leverandørens server";
    Self::Whole => "the exchange with the collector", "udvekslingen med leverandørens server";
} }

/// Why the uplink cannot be opened: found at the start, not at the first upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSettings {
    /// Not `https://host[:port]`.
    Url,
    /// A host that the policy does not name.
    Endpoint,
    /// Not `http://[user:password@]host[:port]`.
    Proxy,
    /// Not PEM, without a certificate, or one of them can't be a root.
    Ca,
    /// The device's chain is not PEM, or has no certificate.
    Chain,
    /// The device's certificate is not of the device's key.
    KeyMismatch,
}

crate::texts! { BadSettings {
    Self::Url =>
        "[collector] url is not of the form https://host:port: correct it",
        "[collector] url har ikke formen https://host:port: ret den";
    Self::Endpoint =>
        "the policy does not allow this collector, so nothing is sent to it: [collector] url must be a host \
         that the policy names under `endpoints`",
        "politikken tillader ikke denne server, så intet sendes til den: [collector] url skal være en vært, som \
         politikken nævner under `endpoints`";
    Self::Proxy =>
        "[collector] proxy is not of the form http://user:password@host:port: correct it",
        "[collector] proxy har ikke formen http://user:password@host:port: ret den";
    Self::Ca =>
        "[collector] ca is not a PEM file of CA certificates, each of them readable: fetch it again from the vendor",
        "[collector] ca er ikke en PEM-fil med læsbare CA-certifikater: hent den igen hos leverandøren";
    Self::Chain =>
        "the device's certificate cannot be read: enrol the device again",
        "enhedens certifikat kan ikke læses: tilmeld enheden igen";
    Self::KeyMismatch =>
        "the device's certificate does not belong to the device's key: enrol the device again",
        "enhedens certifikat hører ikke til enhedens nøgle: tilmeld enheden igen";
} }

impl std::error::Error for BadSettings {}

//! Why an exchange with the collector failed: a closed list, each with something to do.

use std::fmt;

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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the collector's name cannot be resolved: check the network, DNS and [collector] url",
            Self::Connect => "no server answers at the collector's address: check the network, the firewall and [collector] url",
            Self::Proxy(Some(407)) => {
                "the proxy requires a user name and password: set them in [collector] proxy (Basic; NTLM is not supported)"
            }
            Self::Proxy(Some(status)) => {
                return write!(f, "the proxy answered {status}: ask its administrator to allow the collector");
            }
            Self::Proxy(None) => "the proxy does not answer: check [collector] proxy",
            Self::Tls(why) => return why.fmt(f),
            Self::Timeout(phase) => return write!(f, "{phase} took too long: the agent retries later"),
            Self::Cut => "the connection was interrupted: the agent retries later",
            Self::TooLarge => "the response is too long for a collector: check [collector] url and proxies",
            Self::NotHttp => "the server that answered does not speak HTTP: check [collector] url and proxies",
            Self::Withdrawn => "stopped: the consent was withdrawn during the upload",
            Self::NoThread => "the system starts no thread to send with: close other programs; it is tried again later",
            Self::Internal => "an internal error ended the exchange: the agent retries later; inform the vendor",
        })
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownCa => {
                "the collector's certificate was not issued by the vendor's CA: another server answers, or a proxy inspects TLS; check [collector] url and ca"
            }
            Self::Expired => "the collector's certificate has expired: check this computer's clock, then inform the vendor",
            Self::NotYetValid => "the collector's certificate is not valid yet: check this computer's clock",
            Self::WrongName => "the collector's certificate belongs to another host: check [collector] url",
            Self::ClientRefused => "the collector refuses this device's certificate: enrol the device again",
            Self::ClientExpired => {
                "by the collector's clock this device's certificate is not valid, by this computer's it is: it is tried \
                 again later; check this computer's clock, and if it is right, tell the vendor"
            }
            Self::Version => "the server that answered does not support TLS 1.3: check [collector] url and proxies",
            Self::Other => "no secure connection could be made: check [collector] url and proxies",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "finding the collector's address",
            Self::Connect => "connecting to the collector",
            Self::Send => "sending to the collector",
            Self::Reply => "the collector's answer",
            Self::Whole => "the exchange with the collector",
        })
    }
}

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

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "[collector] url is not of the form https://host:port: correct it",
            Self::Endpoint => {
                "the policy does not allow this collector, so nothing is sent to it: [collector] url must be a host \
                 that the policy names under `endpoints`"
            }
            Self::Proxy => "[collector] proxy is not of the form http://user:password@host:port: correct it",
            Self::Ca => {
                "[collector] ca is not a PEM file of CA certificates, each of them readable: fetch it again from the vendor"
            }
            Self::Chain => "the device's certificate cannot be read: enrol the device again",
            Self::KeyMismatch => "the device's certificate does not belong to the device's key: enrol the device again",
        })
    }
}

impl std::error::Error for BadSettings {}

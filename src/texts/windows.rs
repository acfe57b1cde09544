//! What the commands for the Windows service say.

use std::io::ErrorKind;
use std::path::PathBuf;

agent::texts! {
    /// What was not done, and what to do.
    #[cfg_attr(not(windows), allow(dead_code, reason = "elsewhere the package and systemd do it"))]
    pub(crate) enum Say {
        NoGroup =>
            "the group kathea-consent cannot be made: make it, and put in it whoever may say yes",
            "gruppen kathea-consent kan ikke oprettes: opret den, og tilføj dem, der må give samtykke";
        Unreadable { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be read now ({why}): nothing was changed",
            "{path} kan ikke læses nu ({why}): intet er ændret";
        CaUnreadable { path: PathBuf, why: ErrorKind } =>
            "the CA file {path} cannot be read ({why}): give the path of the vendor's ca.pem",
            "CA-filen {path} kan ikke læses ({why}): angiv stien til leverandørens ca.pem";
        NoCertificate { path: PathBuf } =>
            "{path} holds no certificate: give the vendor's ca.pem",
            "{path} indeholder intet certifikat: angiv leverandørens ca.pem";
        NoUrl =>
            "the collector is given as https://host:port",
            "serveren angives som https://vært:port";
        WriteUrl { url: String } =>
            "write the collector into the configuration: url = \"{url}\"",
            "skriv serveren i konfigurationen: url = \"{url}\"";
        ProgramUnknown { why: ErrorKind } =>
            "the program does not know where it is ({why})",
            "programmet ved ikke, hvor det ligger ({why})";
        NotTaken { what: String } =>
            "kathea-agent: the system did not take {what}",
            "kathea-agent: systemet tog ikke imod {what}";
        RightsNotSet { path: PathBuf } =>
            "kathea-agent: the rights of {path} could not be set: set them by hand",
            "kathea-agent: rettighederne til {path} kunne ikke sættes: sæt dem selv";
        NoEventSource =>
            "kathea-agent: the event log does not know the service's name: its messages have none",
            "kathea-agent: hændelsesloggen kender ikke tjenestens navn: dens meddelelser har intet";
        Unwritable { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be written ({why}): run this as an administrator",
            "{path} kan ikke skrives ({why}): kør det som administrator";
        NotRunning =>
            "the service is not running after a minute: look into the event log, and at `kathea-agent doctor`",
            "tjenesten kører ikke efter et minut: se i hændelsesloggen og på `kathea-agent doctor`";
        NotStopped =>
            "the service is not stopped after a minute: look into the event log, and at `kathea-agent doctor`",
            "tjenesten er ikke stoppet efter et minut: se i hændelsesloggen og på `kathea-agent doctor`";
        NobodyListens =>
            "the service runs but nobody listens at [kathea] socket: look into the event log",
            "tjenesten kører, men ingen lytter ved [kathea] socket: se i hændelsesloggen";
        Failed { what: String, why: String } =>
            "{what} ({why}): run this as an administrator, and look into the event log",
            "{what} ({why}): kør det som administrator, og se i hændelsesloggen";
    }
}

agent::texts! {
    /// What the service's manager did not do.
    #[cfg_attr(not(windows), allow(dead_code, reason = "elsewhere the package and systemd do it"))]
    pub(crate) enum Undone {
        NotRemoved => "the service cannot be removed", "tjenesten kan ikke fjernes";
        NotMade => "the service cannot be made", "tjenesten kan ikke oprettes";
        NotOpened => "the service cannot be opened", "tjenesten kan ikke åbnes";
        NotStarted => "the service does not start", "tjenesten starter ikke";
        NotStopped => "the service does not stop", "tjenesten stopper ikke";
        StateUnknown => "the service's state is not known", "tjenestens tilstand er ikke kendt";
    }
}

agent::texts! {
    /// Without these the service is as good, it only starts at once and is not started again.
    #[cfg_attr(not(windows), allow(dead_code, reason = "elsewhere the package and systemd do it"))]
    pub(crate) enum Extra {
        Description => "its description", "beskrivelsen";
        Recovery => "its recovery", "genstart efter fejl";
        OwnFailures => "recovery from its own failures", "genstart efter egne fejl";
        DelayedStart => "its delayed start", "den udskudte start";
    }
}

//! Why a command was not carried out: what happened, and what to do.

use std::io::ErrorKind;
use std::path::PathBuf;

agent::texts! {
    /// What happened and what to do.
    #[cfg_attr(not(unix), allow(dead_code, reason = "accounts are taken on, and files given away, on Unix alone"))]
    pub(crate) enum Refusal {
        TerminalGone => "the terminal is gone", "forbindelsen til terminalen er afbrudt";
        OutputGone { why: ErrorKind } =>
            "standard output cannot be written ({why})",
            "standardoutput kan ikke skrives ({why})";
        NoJson =>
            "the answer cannot be written as JSON: tell the vendor",
            "svaret kan ikke skrives som JSON: giv leverandøren besked";
        Exists { path: PathBuf } =>
            "{path} is there already: name another place, or overwrite it with --force",
            "{path} findes allerede: angiv et andet sted, eller overskriv med --force";
        Missing { path: PathBuf } =>
            "{path} does not exist: check how it is written",
            "{path} findes ikke: kontrollér, hvordan navnet er skrevet";
        Forbidden { path: PathBuf } =>
            "{path} may not be read by this account: check its rights",
            "{path} må ikke læses af denne konto: kontrollér rettighederne";
        Folder { path: PathBuf } => "{path} is a folder: name a file", "{path} er en mappe: angiv en fil";
        BelowNoFolder { path: PathBuf } =>
            "{path} lies below something that is no folder: check how it is written",
            "{path} ligger under noget, der ikke er en mappe: kontrollér, hvordan navnet er skrevet";
        Unreadable { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be read ({why}): try again, and check the disk",
            "{path} kan ikke læses ({why}): prøv igen, og kontrollér disken";
        NoFolder { path: PathBuf } =>
            "the folder {path} does not exist: make it, or name another place with -o",
            "mappen {path} findes ikke: opret den, eller angiv et andet sted med -o";
        Unwritable { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be written ({why}): name another place with -o",
            "{path} kan ikke skrives ({why}): angiv et andet sted med -o";
        UnwritableFolder { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be written ({why}): name another folder with -o",
            "{path} kan ikke skrives ({why}): angiv en anden mappe med -o";
        NoNewFolder { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be made ({why}): name another folder with -o",
            "{path} kan ikke oprettes ({why}): angiv en anden mappe med -o";
        NotWritten { why: ErrorKind } => "it cannot be written ({why})", "det kan ikke skrives ({why})";
        AgentSilent =>
            "the agent runs but does not answer: try again in a minute",
            "agenten kører, men svarer ikke: prøv igen om et minut";
        NotUnderstood =>
            "the agent's answer is not understood: is it of another version?",
            "agentens svar kan ikke forstås: kører der en anden version?";
        DataUnreadable { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be read now ({why}): nothing was changed; check the disk, and try again",
            "{path} kan ikke læses nu ({why}): intet er ændret; kontrollér disken, og prøv igen";
        NoAccount =>
            "the account of the data directory cannot be taken on: run this as that account",
            "kommandoen kan ikke køre som datamappens konto: kør den selv fra den konto";
        NameConfig => "name the configuration with --config", "angiv konfigurationen med --config";
        WindowNotStarted { path: PathBuf, why: ErrorKind } =>
            "the window {path} cannot be started ({why}): install the whole package again",
            "vinduet {path} kan ikke startes ({why}): installér hele pakken igen";
        WindowSilent =>
            "the window did not start: use `status` and `support`",
            "vinduet startede ikke: brug `status` og `support`";
        EmptyFile { path: PathBuf, what: Holds } =>
            "the file {path} is empty: name the file that holds the {what}",
            "filen {path} er tom: angiv den fil, der indeholder {what}";
        FileOf { why: String, what: Holds } => "{why} (it holds the {what})", "{why} (den indeholder {what})";
        OwnConfig =>
            "the sandbox makes a configuration of its own, and prints where it is: leave --config out",
            "sandkassen laver sin egen konfiguration og skriver, hvor den er: udelad --config";
        NoSuchCommand { hint: String } =>
            "there is no such command{hint}: `--help` lists them",
            "den kommando findes ikke{hint}: `--help` viser dem";
        NoProgram => "this program does not find itself", "programmet kan ikke finde sig selv";
    }
}

agent::texts! {
    /// What a file of one word holds.
    #[derive(Copy)]
    pub(crate) enum Holds {
        Token => "one-time token", "engangskoden";
        ClaimCode => "claim code", "ejerkoden";
    }
}

agent::texts! {
    /// Where a name is wrong: what was perhaps meant.
    pub(crate) enum Hint {
        Nearest { nearest: String } => "the nearest is {nearest}", "den nærmeste er {nearest}";
        ConsentList => "`consent list` shows those that are", "`consent list` viser dem, der findes";
        StatusAndList =>
            "`status` and `support list` show those that are",
            "`status` og `support list` viser dem, der findes";
    }
}

agent::texts! {
    /// The word before what an agent refused.
    pub(crate) enum Word {
        Failed => "failed", "mislykket";
        Usage => "usage", "ugyldigt";
        NotAllowed => "not_allowed", "ikke tilladt";
        NoConsent => "no_consent", "intet samtykke";
        Busy => "busy", "optaget";
        Personal => "personal", "personoplysning";
        Other { word: String } => "{word}", "{word}";
    }
}

impl Word {
    /// The word of an answer of the socket.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "failed" => Self::Failed,
            "usage" => Self::Usage,
            "not_allowed" => Self::NotAllowed,
            "no_consent" => Self::NoConsent,
            "busy" => Self::Busy,
            "personal" => Self::Personal,
            word => Self::Other { word: word.to_owned() },
        }
    }
}

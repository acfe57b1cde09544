//! What the commands for files, single events, the table of literals and the service say.

use std::io::ErrorKind;
use std::path::PathBuf;

agent::texts! {
    /// What was done, and what was not.
    pub(crate) enum Say {
        NoTable { why: ErrorKind } =>
            "the table of the program's literals cannot be read ({why}): more words are removed than with it",
            "tabellen over programmets tekster kan ikke læses ({why}): der fjernes flere ord end med den";
        ReportUnwritten { path: PathBuf } =>
            "the report {path} can't be written: name another file",
            "rapporten {path} kan ikke skrives: angiv en anden fil";
        PageUnwritten { why: ErrorKind } =>
            "the report can't be written ({why}): name another file",
            "rapporten kan ikke skrives ({why}): angiv en anden fil";
        NoRandom =>
            "the system gives no random numbers: restart it", "systemet giver ingen tilfældige tal: genstart det";
        ProgramLost =>
            "the system does not say where this program lies: install it again",
            "systemet oplyser ikke, hvor programmet ligger: installér det igen";
        Cleaned { cleaned: u64, files: u64, refused: u64, persons: u64, from: u64, case: String } =>
            "{cleaned} of {files} files cleaned, {refused} refused; persons learned: {persons}, files that name them: {from}; case {case}",
            "{cleaned} af {files} filer afidentificeret, {refused} afvist; fundne personer: {persons}, filer, der nævner dem: {from}; sag {case}";
        NotCleaned { why: String, input: String } => "  refused ({why}): {input}", "  afvist ({why}): {input}";
        NotThere => "it does not exist", "den findes ikke";
        Quarantined =>
            "  quarantined: something of a patient would have stayed in what came of that file, so nothing of it was \
             written. Look at the line or the attribute that is named, take out what stands there and clean the file \
             again, and name the rule to the vendor.",
            "  i karantæne: noget om en patient ville være blevet stående i resultatet af filen, så intet af den er skrevet. \
             Se på den nævnte linje eller attribut, fjern det, der står der, afidentificér filen igen, og nævn reglen for \
             leverandøren.";
        NotLearned { why: String, input: String } =>
            "  not learned from ({why}): {input}", "  ikke gennemset for patienter ({why}): {input}";
        Recorded => "recorded", "registreret";
        NoEvent =>
            "the catalog lists no event of this name: `kathea-agent catalog` prints them",
            "kataloget har ingen hændelse med det navn: `kathea-agent catalog` viser dem";
        NoEventNearest { nearest: String } =>
            "the catalog lists no event of this name; the nearest is {nearest}",
            "kataloget har ingen hændelse med det navn; den nærmeste er {nearest}";
        Twice { key: String } =>
            "{key} is given twice, or has a name of its own: leave one out",
            "{key} er angivet to gange eller har allerede et navn: udelad den ene";
        NoLine => "that cannot be written as a line", "det kan ikke skrives som en linje";
        NoKeys =>
            "the configuration trusts no key: put the vendor's, from a place that you trust, into `keys` under [vendor]",
            "konfigurationen har ikke tillid til nogen nøgle: skriv leverandørens nøgle, hentet et sted, I stoler på, i `keys` under [vendor]";
        DoNotUse { path: PathBuf, kind: String, why: String } =>
            "do not use {path} as {kind}: {why}", "brug ikke {path} som {kind}: {why}";
        Signed { path: PathBuf, kind: String, key: String } =>
            "{path}: {kind}, signed by key {key}", "{path}: {kind}, signeret med nøglen {key}";
        Validated { accepted: u64, refused: u64 } =>
            "{accepted} lines are events, {refused} are refused; nothing was taken in",
            "{accepted} linjer er hændelser, {refused} er afvist; intet er modtaget";
        Table { literals: u64, words: u64, programs: usize, lists: usize, bytes: u64, sha256: String } =>
            "{literals} literals and {words} words of {programs} programs and {lists} lists, {bytes} bytes, sha256 {sha256}",
            "{literals} tekster og {words} ord fra {programs} programmer og {lists} lister, {bytes} byte, sha256 {sha256}";
        LeftOut { count: u64 } => "  {count} more did not fit", "  {count} flere kunne ikke være der";
        RecordUnread { why: ErrorKind } =>
            "the record of the table cannot be read ({why}): run `kathea-agent provenance build`",
            "fortegnelsen over tabellen kan ikke læses ({why}): kør `kathea-agent provenance build`";
        NotBuilt =>
            "no table was built: run `kathea-agent provenance build`",
            "der er ikke lavet nogen tabel: kør `kathea-agent provenance build`";
        NotFit =>
            "the table does not fit any more: run `kathea-agent provenance build`",
            "tabellen passer ikke længere: kør `kathea-agent provenance build`";
        OtherTable =>
            "the table is not the one that was built", "tabellen er ikke den, der blev lavet";
        Changed { path: PathBuf } => "changed: {path}", "ændret: {path}";
        New { path: PathBuf } => "new: {path}", "ny: {path}";
        Gone { path: PathBuf } => "gone: {path}", "væk: {path}";
        OtherFolders =>
            "the configuration names other folders", "konfigurationen nævner andre mapper";
        OtherLists => "other lists are there", "der er andre lister";
        ListAdded { name: String, number: String } =>
            "list {name} {number} added", "listen {name} {number} er tilføjet";
        NoSandbox { path: PathBuf } =>
            "kathea-sandbox is not beside this program ({path} does not exist): it comes with the integrator's package, not \
             with what a clinic installs",
            "kathea-sandbox ligger ikke ved siden af programmet ({path} findes ikke): det følger med integratorens pakke, ikke \
             med det, en klinik installerer";
        SandboxNotStarted { path: PathBuf, why: ErrorKind } =>
            "{path} cannot be started ({why}): install the integrator's package again",
            "{path} kan ikke startes ({why}): installér integratorens pakke igen";
    }
}

agent::texts! {
    /// The service, where systemd has it.
    #[cfg_attr(windows, allow(dead_code, reason = "Windows has a control manager of its own"))]
    pub(crate) enum Service {
        OfItsPackage =>
            "the service comes and goes with its package: apt install ./kathea-agent.deb, apt remove kathea-agent",
            "tjenesten følger sin pakke: apt install ./kathea-agent.deb, apt remove kathea-agent";
        ForWindows =>
            "this is for Windows: systemd starts `kathea-agent run`",
            "det er til Windows: systemd starter `kathea-agent run`";
        Unmoved { verb: String } =>
            "systemctl could not {verb} the service: run this as root, with the package installed",
            "systemctl kunne ikke udføre {verb} for tjenesten: kør det som root, med pakken installeret";
        NoSignals =>
            "the system does not pass on its signals: start the agent by its service manager",
            "systemet giver ikke sine signaler videre: start agenten med systemets tjenestestyring";
    }
}

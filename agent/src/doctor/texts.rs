//! What `doctor` says, in both languages.

use std::io::ErrorKind;

use crate::ship::failure::TlsFailure;

crate::texts! {
    /// How it is with what was checked.
    pub(super) enum State {
        IsRead => "is read", "er læst";
        OpenToOthers { name: String } => "{name} can be read by other accounts", "{name} kan læses af andre konti";
        Own { name: String } => "{name} is the agent's own", "{name} er agentens egen";
        NotYet { name: String } => "{name} does not exist yet", "{name} findes ikke endnu";
        Unreadable { name: String, why: ErrorKind } => "{name} cannot be read ({why})", "{name} kan ikke læses ({why})";
        UnreadableHere { name: String, why: ErrorKind } =>
            "{name} cannot be read by this account ({why})",
            "{name} kan ikke læses af denne konto ({why})";
        QuotaTooLarge => "the agent does not run with this quota", "agenten kan ikke køre med denne grænse";
        SpaceUnknown => "the system does not report the free space", "systemet oplyser ikke den ledige plads";
        SpaceBelowQuota { free: u64, quota: u64 } =>
            "{free} MiB are free, less than the quota of {quota} MiB",
            "{free} MiB er ledige, mindre end grænsen på {quota} MiB";
        Space { free: u64 } => "{free} MiB are free", "{free} MiB er ledige";
        OutboxRead { name: String, count: usize } =>
            "{name} is read, {count} files wait",
            "{name} læses, {count} filer venter";
        FolderRead { name: String } => "{name} is read", "{name} læses";
        FoldersUnreadable { name: String, count: usize } =>
            "{count} folders below {name} cannot be read",
            "{count} mapper under {name} kan ikke læses";
        OwnData => "the data was made on this computer", "data er lavet på denne computer";
        CopiedData =>
            "the data was made on another computer: this one is a copy, and both are one device for the vendor",
            "data er lavet på en anden computer: denne er en kopi, og begge er én enhed for leverandøren";
        Runs => "runs and answers", "kører og svarer";
        RunsUnread =>
            "runs and answers, but this account may not read its status",
            "kører og svarer, men kontoen må ikke læse dens status";
        NoAnswer => "runs but does not answer", "kører, men svarer ikke";
        SocketForbidden => "this account may not use its socket", "kontoen må ikke bruge dens socket";
        Stopped => "does not run", "kører ikke";
        CatalogEmpty => "lists nothing", "indeholder intet";
        CatalogUntil { end: String } => "is collected until {end} at least", "indsamles mindst til {end}";
        CatalogOver { name: String, end: String } =>
            "{name} is not collected any more since {end}, perhaps others too",
            "{name} er ikke indsamlet siden {end}, måske heller ikke andre";
        CatalogEnds { name: String, end: String, left: i64 } =>
            "{name} is collected until {end}, for {left} days more, perhaps others too",
            "{name} indsamles til {end}, {left} dage endnu, måske også andre";
        ClockBefore => "this computer's clock shows a time before 2026", "computerens ur viser en tid før 2026";
        ClockFine => "is plausible", "er troværdigt";
        KeysUnseen =>
            "protected by systemd, which shows its credential to the service alone",
            "beskyttet af systemd, som kun viser sin nøgle til tjenesten";
        KeysByFile =>
            "protected by a file beside them: a stolen disk gives them away",
            "beskyttet af en fil ved siden af dem: stjæles disken, er nøglerne med";
        KeysBy { word: String } => "protected by {word}", "beskyttet af {word}";
        KeysBare => "are not protected, so the agent does not start", "er ikke beskyttet, så agenten starter ikke";
        Enrolled => "the device has its certificate", "enheden har sit certifikat";
        NotEnrolled =>
            "the device has no certificate: nothing can be sent",
            "enheden har intet certifikat: intet kan sendes";
        CertificateEnded { days: i64 } => "ended {days} days ago", "udløb for {days} dage siden";
        CertificateEnds { days: i64 } =>
            "ends in {days} days, and was not renewed yet",
            "udløber om {days} dage og er ikke fornyet endnu";
        CertificateHolds { days: i64 } => "holds for {days} days more", "gælder {days} dage endnu";
        ProxyOurs => "the one of [collector] proxy is used", "den i [collector] proxy bruges";
        ProxyScript =>
            "none is used; the system's is chosen by a script (PAC)",
            "ingen bruges; systemets vælges af et script (PAC)";
        ProxySystem { address: String } => "none is used; the system's is {address}", "ingen bruges; systemets er {address}";
        ProxyNone => "none is configured, none is used", "ingen er angivet, ingen bruges";
        ProxyRefuses => "does not let the agent through", "lader ikke agenten komme igennem";
        BreaksOff => "breaks off", "afbryder";
        CaRead => "the vendor's certificates are read", "leverandørens certifikater er læst";
        NoCa { name: String } => "{name} is no CA file", "{name} er ikke en CA-fil";
        NotConfigured => "the way to the collector is not configured", "vejen til leverandørens server er ikke sat op";
        Addressed => "has an address", "har en adresse";
        Connected => "is made", "er oprettet";
        Agreed => "both ends agree on whom they talk to", "begge ender kender hinanden";
        FailsToComeAbout => "does not come about", "lykkes ikke";
        Opened =>
            "is opened by somebody in between, or by another server: the certificate is not of the vendor's CA",
            "åbnes af nogen undervejs eller af en anden server: certifikatet er ikke fra leverandørens CA";
        Reached => "is reached over TLS", "nås over TLS";
        WrongAnswer { status: u16 } =>
            "answers {status} where it should know this route",
            "svarer {status}, hvor den burde kende adressen";
        ClockOff { minutes: u64 } =>
            "this computer's clock is {minutes} minutes off the collector's",
            "computerens ur afviger {minutes} minutter fra serverens";
        ClockAgrees => "this computer's clock agrees with the collector's", "computerens ur stemmer med serverens";
    }
}

crate::texts! {
    /// What to do about it.
    pub(super) enum Remedy {
        Chmod { name: String } => "chmod 700 {name}", "chmod 700 {name}";
        MadeAtStart =>
            "it is made at the first start; check data_dir if the agent has run before",
            "den oprettes ved første start; kontrollér data_dir, hvis agenten har kørt før";
        OtherAccount =>
            "run this as the agent's account or as an administrator",
            "kør kommandoen fra agentens konto eller som administrator";
        ByHand => "check it by hand", "kontrollér den selv";
        FreeSpace => "free some space, or lower [spool] quota", "frigør plads, eller sænk [spool] quota";
        MakeOutbox =>
            "make it, let Kathea write and the agent read and remove files there, or correct [kathea] outbox",
            "opret den, og lad Kathea skrive og agenten læse og fjerne filer der, eller ret [kathea] outbox";
        ReadBelow =>
            "a support bundle will lack what is in them: let the agent's account read them",
            "en supportpakke vil mangle deres indhold: giv agentens konto læseadgang";
        ReadFolder { check: &'static str } =>
            "a support bundle will lack it: let the agent's account read it, or correct [kathea] {check}",
            "en supportpakke vil mangle den: giv agentens konto læseadgang, eller ret [kathea] {check}";
        OwnDevice =>
            "stop the service, remove data_dir, start the service, enrol with a token of its own, and ask the clinic again",
            "stop tjenesten, fjern data_dir, start tjenesten, tilmeld enheden med sin egen engangskode, og spørg klinikken igen";
        WaitOrRestart => "wait a minute; if it stays so, restart it", "vent et minut; genstart den, hvis det bliver ved";
        Administrator => "run this as an administrator", "kør kommandoen som administrator";
        Start => "start it", "start den";
        NewerCatalog =>
            "ask the vendor for a version whose catalog is renewed",
            "bed leverandøren om en version med et fornyet katalog";
        SetClock => "set it", "stil det";
        StartThenDoctor => "start the service, then run doctor again", "start tjenesten, og kør doctor igen";
        Auto =>
            "set [keys] protector to \"auto\" where the system has something better",
            "sæt [keys] protector til \"auto\", hvis systemet har noget bedre";
        Enrol =>
            "get a token from the vendor: kathea-agent enroll --token-file FILE",
            "få en engangskode hos leverandøren: kathea-agent enroll --token-file FILE";
        RenewedAtContact =>
            "it is renewed at the next contact, up to a year after its end; later, enrol again",
            "det fornyes ved næste kontakt, indtil et år efter udløb; tilmeld derefter enheden igen";
        RenewedWhenSent =>
            "it is renewed while something may be sent: look at the lines below",
            "det fornyes, mens noget må sendes: se linjerne nedenfor";
        ProxyOfScript =>
            "if the collector is not reached, write a proxy into [collector] proxy: NTLM and PAC files are not supported",
            "hvis leverandørens server ikke nås, så angiv en proxy i [collector] proxy: NTLM og PAC-filer understøttes ikke";
        ProxyOfSystem =>
            "if the collector is not reached, write it into [collector] proxy as http://user:password@host:port: NTLM and \
             PAC files are not supported",
            "hvis leverandørens server ikke nås, så angiv den i [collector] proxy som http://user:password@host:port: NTLM \
             og PAC-filer understøttes ikke";
        CheckProxy =>
            "what answers there is no proxy, or lets nobody through: check [collector] proxy",
            "det, der svarer der, er ikke en proxy, eller den afviser alle: kontrollér [collector] proxy";
        BrokenOff =>
            "something between, or another server, breaks off: check [collector] url and the firewall",
            "noget undervejs eller en anden server afbryder: kontrollér [collector] url og firewallen";
        PutCa =>
            "put the file there that the vendor gave you, or correct [collector] ca",
            "læg filen fra leverandøren der, eller ret [collector] ca";
        LetThrough { why: TlsFailure } =>
            "{why}; if it is an inspection proxy, let the collector's address through unopened",
            "{why}; hvis det er en proxy, der åbner forbindelser, så lad serverens adresse gå uåbnet igennem";
        CheckUrl =>
            "check [collector] url, and that it is the collector of this version",
            "kontrollér [collector] url, og at serveren har denne version";
        KeepClock => "set it, and let the system keep it right", "stil det, og lad systemet holde det rigtigt";
    }
}

pub(super) use State as Is;

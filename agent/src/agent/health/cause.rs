//! What `status` says is wrong, in both languages, where no error says it already.

crate::texts! {
    /// What is wrong. The subject behind it says what to do.
    pub(in crate::agent) enum Cause {
        OutboxUnwatched { minutes: u64, remedy: Unwatched } =>
            "the outbox cannot be watched and is looked at every {minutes} minutes only; {remedy}",
            "udbakken kan ikke overvåges og undersøges kun hvert {minutes}. minut; {remedy}";
        OutboxRemoval { why: std::io::ErrorKind } =>
            "files of the outbox cannot be removed ({why})",
            "filer i udbakken kan ikke fjernes ({why})";
        OutboxUnread { why: std::io::ErrorKind } =>
            "a file of the outbox cannot be read now ({why})",
            "en fil i udbakken kan ikke læses nu ({why})";
        OutboxLarge { count: usize, mib: u64 } =>
            "{count} of the outbox's files are larger than {mib} MiB and not read",
            "{count} af udbakkens filer er større end {mib} MiB og læses ikke";
        FolderUnread { check: &'static str, name: String, why: std::io::ErrorKind } =>
            "{name} ([kathea] {check}) cannot be read ({why})",
            "{name} ([kathea] {check}) kan ikke læses ({why})";
        FoldersSilent =>
            "a folder of logs or scans does not answer",
            "en mappe med logfiler eller scanninger svarer ikke";
        Quota =>
            "the spool reached its quota: the oldest usage was dropped and counted",
            "køen har nået sin grænse: den ældste statistik er kasseret og talt med";
        CountsLost =>
            "the counters of dropped records were damaged and start again at zero",
            "tællerne for kasserede poster var beskadiget og begynder forfra";
        TicketsLost =>
            "the list of requests to the vendor was damaged and starts empty",
            "listen over anmodninger til leverandøren var beskadiget og begynder forfra";
        HistoryLost =>
            "the clinic's own history does not open and was set aside (history.damaged)",
            "klinikkens egen historik kan ikke åbnes og er lagt til side (history.damaged)";
        BundlesLost { count: usize } =>
            "{count} bundles were lost with their keys",
            "{count} supportpakker er gået tabt med deres nøgler";
        ReadAgain =>
            "the disk gave the spool's files only at the second look",
            "disken afleverede først køens filer i andet forsøg";
        Damage { count: u64 } =>
            "the disk damaged the queue: {count} records are lost and counted",
            "disken har beskadiget køen: {count} poster er gået tabt og talt med";
        Numbering =>
            "the spool's numbering was damaged: records may be sent again",
            "køens nummerering var beskadiget: poster kan blive sendt igen";
        NotACollector { status: u16 } =>
            "what answers is not the collector, or it does not work now (status {status}): if this network asks for a \
             login, log in",
            "det, der svarer, er ikke leverandørens server, eller den virker ikke nu (status {status}): log på, hvis \
             netværket kræver det";
        NotRenewed { why: crate::texts::Said } =>
            "the certificate was not renewed: {why}",
            "certifikatet er ikke fornyet: {why}";
        NotSaved { why: std::io::ErrorKind } =>
            "it cannot be saved ({why}): check the space and rights of data_dir",
            "det kan ikke gemmes ({why}): kontrollér plads og rettigheder i data_dir";
        CertificateNotSaved { why: std::io::ErrorKind } =>
            "the certificate cannot be saved ({why}): check the space and rights of data_dir",
            "certifikatet kan ikke gemmes ({why}): kontrollér plads og rettigheder i data_dir";
        NoCa { why: std::io::ErrorKind } =>
            "the vendor's CA ([collector] ca) cannot be read ({why}): put the file there",
            "leverandørens CA ([collector] ca) kan ikke læses ({why}): læg filen der";
        NoThread { why: std::io::ErrorKind } =>
            "the system cannot start a thread ({why}): try again in a minute",
            "systemet kan ikke starte en tråd ({why}): prøv igen om et minut";
        BundleRefused { id: String } =>
            "the collector refuses bundle {id}, for its size or because it knows of a later no: ask the \
             vendor; `support send {id}` tries again, `support export {id}` writes it to a stick",
            "leverandørens server afviser pakke {id} på grund af størrelsen, eller fordi den kender et senere afslag: spørg \
             leverandøren; `support send {id}` prøver igen, `support export {id}` skriver den til et USB-stik";
        BundleUnreadable { id: String, why: crate::texts::Said } =>
            "a bundle cannot be read ({why}): it is not sent; gather it again, then `support discard {id}`",
            "en supportpakke kan ikke læses ({why}): den sendes ikke; saml den igen, og kør derefter `support discard {id}`";
        BundleUnreadNow { id: String, why: crate::texts::Said } =>
            "bundle {id} cannot be read now ({why}): it is tried again; check the disk",
            "pakke {id} kan ikke læses lige nu ({why}): den prøves igen; kontrollér disken";
        BundleFailed { id: String } =>
            "bundle {id} was not sent: `support send {id}` tries again, `support export {id}` writes it to a stick",
            "pakke {id} er ikke sendt: `support send {id}` prøver igen, `support export {id}` skriver den til et USB-stik";
        Leaving =>
            "this device is being taken out of use: only the last message to the vendor waits",
            "enheden er ved at blive taget ud af brug: kun den sidste besked til leverandøren venter";
        Copied =>
            "the data was made on another computer: this one is a copy",
            "data er lavet på en anden computer: denne er en kopi";
        KeysSetAside { count: usize } =>
            "{count} keys were damaged and set aside (keys/quarantine-*): what was sealed under them is kept and cannot \
             be read",
            "{count} nøgler var beskadiget og er lagt til side (keys/quarantine-*): det, der er forseglet under dem, \
             bevares og kan ikke læses";
        NotEnrolled =>
            "this device is not enrolled: what waits cannot be sent",
            "enheden er ikke tilmeldt: det, der venter, kan ikke sendes";
    }
}

crate::texts! {
    /// What keeps the outbox from being watched.
    pub(in crate::agent) enum Unwatched {
        Limit { limit: &'static str } =>
            "this system's limit is reached: raise {limit} (sysctl) and restart the service",
            "systemets grænse er nået: hæv {limit} (sysctl), og genstart tjenesten";
        Right =>
            "let the agent's account read [kathea] outbox, or correct its path, and restart the service",
            "giv agentens konto læseadgang til [kathea] outbox, eller ret stien, og genstart tjenesten";
    }
}

crate::texts! {
    /// Why a bundle cannot be sent.
    pub(in crate::agent) enum Unsent {
        NoConsent => "its consent is not in the ledger", "dens samtykke står ikke i journalen";
        Damaged => "its file is damaged", "dens fil er beskadiget";
    }
}

//! The texts of `support`.

use std::path::PathBuf;

use protocol::CaseId;

agent::texts! {
    /// Sentences, headings and labels.
    #[cfg_attr(not(unix), allow(dead_code, reason = "accounts are taken on, and files given away, on Unix alone"))]
    pub(crate) enum Say {
        NameFolder => "name the folder for the copy with -o", "angiv mappen til kopien med -o";
        NoCase { case: CaseId, hint: super::refusal::Hint } =>
            "there is no case {case} here: {hint}",
            "der er ingen sag {case} her: {hint}";
        Erased => "erased", "slettet";
        Closed => "closed: nothing more of this case leaves", "afsluttet: intet mere fra sagen sendes";
        State { bundle: String, state: String } => "{bundle}: {state}", "{bundle}: {state}";
        LookedFor => "Looked for", "Der ledes efter";
        Below => "Below", "Under";
        NothingOpened => "Nothing was opened.", "Intet blev åbnet.";
        Draft => "Draft", "Udkast";
        LabelCase => "case", "sag";
        LabelDraft => "draft", "udkast";
        LabelDigest => "digest", "kontrolsum";
        LabelFiles => "files", "filer";
        LabelPersons => "persons searched for", "personer søgt efter";
        LabelBundle => "bundle", "pakke";
        LabelSize => "size", "størrelse";
        Bundle => "Bundle", "Supportpakke";
        HowToAnswer { dir: String, draft: String, digits: String } =>
            "\nRead {dir}/preview.html. Nothing has left this computer.\n\
             To say yes: kathea-agent support create {draft} --by ROLE --yes {digits}\n\
             To say no:  kathea-agent support discard {draft}\n\
             ROLE is owner, privacy_officer or delegate. In 24 hours the draft is erased.",
            "\nLæs {dir}/preview.html. Intet har forladt computeren.\n\
             Sig ja:  kathea-agent support create {draft} --by ROLE --yes {digits}\n\
             Sig nej: kathea-agent support discard {draft}\n\
             ROLE er owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate (befuldmægtiget). Udkastet \
             slettes inden 24 timer.";
        ScansHere => "Scans of this workstation", "Optagelser på denne arbejdsstation";
        Drafts => "Drafts, seen by nobody else", "Udkast, som kun I har set";
        Bundles => "Bundles, sealed for the vendor", "Pakker, forseglet til leverandøren";
        NoBundles => "No bundle is here.", "Der er ingen pakker her.";
        SomeFailed { failed: usize } =>
            "{failed} bundles failed. To try again: kathea-agent support send BUNDLE",
            "{failed} pakker mislykkedes. Prøv igen med: kathea-agent support send BUNDLE";
        PercentOf { percent: u64, size: String } => "{percent} % of {size}", "{percent} % af {size}";
        Left { span: String } => "{span} left", "{span} tilbage";
        NotSent =>
            "the service does not run, so nothing is sent: `service start`",
            "tjenesten kører ikke, så intet sendes: `service start`";
        NoBundle =>
            "there is no bundle of this name: `support list` shows those that are",
            "der er ingen pakke med det navn: `support list` viser dem, der findes";
        Delivered { receipt: String } =>
            "Delivered: the vendor confirmed it. {receipt}",
            "Leveret: leverandøren har bekræftet det. {receipt}";
        BundleRefused { id: String, case: CaseId } =>
            "the vendor's collector refused the bundle: kathea-agent support send {id}, or take it on a stick: \
             kathea-agent support export {id} -o {case}.age",
            "leverandørens server afviste pakken: kathea-agent support send {id}, eller overdrag den på et USB-stik: \
             kathea-agent support export {id} -o {case}.age";
        WaitsForScan => "waits: a scan runs (--now overrides)", "venter: en optagelse er i gang (brug --now for ikke at vente)";
        Exported { path: PathBuf, size: String, sha256: String } =>
            "{path}: {size}, sha256 {sha256}. Only the vendor can open it.",
            "{path}: {size}, sha256 {sha256}. Kun leverandøren kan åbne den.";
        ConsentBeside { path: PathBuf } =>
            "{path}: the clinic's consent to it. Send both files.",
            "{path}: klinikkens samtykke til den. Send begge filer.";
        DamagedDraft =>
            "the draft is damaged: discard it and collect again",
            "udkastet er beskadiget: kassér det, og indsaml igen";
        DamagedBundle =>
            "the sealed file is damaged: discard the bundle and gather again",
            "den forseglede fil er beskadiget: kassér pakken, og indsaml igen";
        AsTyped =>
            "Does it leave as it is? Type yes; anything else stops here.",
            "Skal det sendes, som det er? Skriv ja; alt andet stopper her.";
        LeftOut { file: String, finding: String } =>
            "left out, because something of a patient would have stayed in it; everything else is there. Look at that \
             place, name the file to support without what stands there, and name the rule to the vendor: {file} ({finding})",
            "udeladt, fordi noget om en patient ville være blevet stående; alt andet er med. Se på stedet, nævn filen for \
             support uden det, der står der, og nævn reglen for leverandøren: {file} ({finding})";
        NotGiven { why: std::io::ErrorKind } =>
            "the draft cannot be given to the agent's account ({why})",
            "udkastet kan ikke overdrages til agentens konto ({why})";
        NameCase => "name the case with --case ID", "angiv sagen med --case ID";
        NameReason { words: String } =>
            "name the reason with --reason: one of {words}",
            "angiv grunden med --reason: en af {words}";
        NoNames => "standard input names no scan", "standardinput angiver ingen optagelse";
        PickNeedsTerminal =>
            "--pick asks at a terminal: use --last-scan, --since or --scans here",
            "--pick spørger ved en terminal: brug --last-scan, --since eller --scans her";
        NoScan =>
            "no scan was found: check [kathea] scans, or name files with --scans",
            "ingen optagelse blev fundet: kontrollér [kathea] scans, eller angiv filer med --scans";
        Files { files: u64 } => "{files} files", "{files} filer";
        Newest => "Scans, the newest first", "Optagelser, de nyeste først";
        Which =>
            "Which? Numbers, separated by blanks; the newest where nothing is typed:",
            "Hvilke? Skriv numrene med mellemrum imellem; skrives intet, vælges den nyeste:";
        NotInList { last: usize } =>
            "that is no number of the list: 1 to {last}",
            "det er ikke et nummer på listen: 1 til {last}";
        NothingPicked =>
            "no scan was chosen: nothing was gathered",
            "ingen optagelse blev valgt: intet er indsamlet";
        GuideNeedsTerminal =>
            "`support --case ID` asks at a terminal: use support preview and support create here",
            "`support --case ID` spørger ved en terminal: brug support preview og support create her";
        NothingChosen => "nothing was chosen: nothing was gathered", "intet blev valgt: intet er indsamlet";
        CaseNumber => "The number of the case, as CASE-1042", "Sagens nummer, som CASE-1042";
        NoCaseNumber =>
            "That is no number of a case: it has 2 to 32 capital letters, digits and hyphens; the vendor gives it.",
            "Det er ikke et sagsnummer: det har 2 til 32 store bogstaver, cifre og bindestreger; leverandøren oplyser det.";
        LookedForHere => "Looked for on this computer", "Der ledes efter på denne computer";
        NothingLeaves =>
            "Names and numbers of patients are removed. Nothing leaves before you say yes.\n",
            "Patienters navne og numre fjernes. Intet forlader computeren, før I siger ja.\n";
        WhichScans =>
            "Which scans? l the newest (default), p pick from a list, n none",
            "Hvilke optagelser? l den nyeste (standard), p vælg fra en liste, n ingen";
        WhichAgain => "Please type l, p or n.", "Skriv l, p eller n.";
        ReadPage { files: u64, size: String, page: PathBuf } =>
            "{files} files, {size}\nOpen this page and read it:\n\n  {page}\n",
            "{files} filer, {size}\nÅbn denne side, og læs den:\n\n  {page}\n";
        MayItLeave =>
            "May it leave, sealed so that only the vendor can open it?\n\
             To say yes, type the code that stands on the page. To say no, type n.",
            "Må det sendes, forseglet så kun leverandøren kan åbne det?\n\
             Sig ja ved at skrive koden fra siden. Sig nej ved at skrive n.";
        OtherCode =>
            "That is not the code of the page. Type the code for yes, or n for no.",
            "Det er ikke koden fra siden. Skriv koden for ja eller n for nej.";
        SaidNo =>
            "No. Nothing was sent; the draft is erased within 24 hours.",
            "Nej. Intet er sendt; udkastet slettes inden 24 timer.";
        Sealed { bundle: String, case: CaseId } =>
            "Sealed and queued as {bundle}\n  kathea-agent support list\n  kathea-agent support export {bundle} -o {case}.age",
            "Forseglet og sat i kø som {bundle}\n  kathea-agent support list\n  kathea-agent support export {bundle} -o {case}.age";
        SentLater =>
            "The service does not run: it is sent when it does.",
            "Tjenesten kører ikke: pakken sendes, når den kører.";
        GoesOn =>
            "Sending. You may leave with Ctrl-C: it goes on by itself.",
            "Sendes. I kan afbryde med Ctrl-C: afsendelsen fortsætter af sig selv.";
        Subject => "What is it about?", "Hvad drejer det sig om?";
        NotOnList { last: usize } =>
            "that is no number of the list: 1-{last}",
            "det er ikke et nummer på listen: 1-{last}";
        Bar { bar: &'static str } => "{bar} left", "{bar} tilbage";
    }
}

agent::texts! {
    /// What long work does at the moment.
    pub(crate) enum Stage {
        Looking => "looking", "leder";
        Learning => "learning", "læser navne, der skal fjernes";
        Cleaning => "cleaning", "fjerner patientoplysninger";
        Sealing => "sealing", "forsegler";
        Writing => "writing", "skriver";
        Sending => "sending", "sender";
        Other { word: String } => "{word}", "{word}";
    }
}

impl Stage {
    /// The stage of this word.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "looking" => Self::Looking,
            "learning" => Self::Learning,
            "cleaning" => Self::Cleaning,
            "sealing" => Self::Sealing,
            "writing" => Self::Writing,
            "sending" => Self::Sending,
            word => Self::Other { word: word.to_owned() },
        }
    }
}

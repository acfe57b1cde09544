//! What `--help` says, in English and Danish: a key for each command and each of its arguments.
//!
//! ```text
//! mod      words that several commands share, and the commands of the program
//! answers  consent, privacy, history
//! support  a support case
//! machine  the service, the literals of the program, programs that report events
//! ```

pub(crate) mod answers;
pub(crate) mod machine;
pub(crate) mod support;

use super::say;
use agent::texts::Text;

/// An example of a command, below its help.
pub(crate) fn example(command: &str) -> String {
    format!("{} {command}", say(Shared::Example))
}

/// An example, and a sentence below it.
pub(crate) fn example_and(command: &str, more: impl Text) -> String {
    format!("{}\n{}", example(command), say(more))
}

/// A command's first sentence, and what `--help` says behind it.
pub(crate) fn long(first: impl Text, more: impl Text) -> String {
    format!("{}\n\n{}", say(first), say(more))
}

agent::texts! {
    /// What several commands say.
    pub(crate) enum Shared {
        Example => "Example:", "Eksempel:";
        Json => "Print machine-readable JSON", "Skriv maskinlæsbar JSON";
        Role =>
            "Role of the person who answers: owner, privacy_officer or delegate",
            "Rollen for den, der svarer: owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate \
             (befuldmægtiget)";
        RoleOrAsked =>
            "Role of the person who answers: owner, privacy_officer or delegate [default: asked after a yes]",
            "Rollen for den, der svarer: owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate \
             (befuldmægtiget) [standard: der spørges efter et ja]";
        Signature => "The signature [default: FILE.sig]", "Signaturen [standard: FILE.sig]";
        Case => "The support case", "Supportsagen";
    }
}

agent::texts! {
    /// The commands of the program, and what they take.
    pub(crate) enum Help {
        Agent =>
            "Telemetry agent for Kathea and the X1 scanner. It collects and sends only what the clinic has consented to; \
             `consent list` shows each consent",
            "Telemetriagent til Kathea og X1-scanneren. Den indsamler og sender kun det, klinikken har givet samtykke til; \
             `consent list` viser hvert samtykke";
        Config =>
            "Configuration [default: /etc/kathea-agent/agent.toml, on Windows %ProgramData%\\Kathea Agent\\agent.toml]",
            "Konfigurationen [standard: /etc/kathea-agent/agent.toml, på Windows %ProgramData%\\Kathea Agent\\agent.toml]";
        Force => "Overwrite files that -o and --report name", "Overskriv filer, som -o og --report angiver";
        ExitCodes =>
            "Exit codes:\n  0  done\n  1  failed\n  2  invalid command line or configuration\n  \
             3  partly done; what is left is listed\n  \
             4  refused: no consent, not offered by the policy, or missing rights\n  \
             5  the agent is not running, or is busy",
            "Afslutningskoder:\n  0  udført\n  1  mislykket\n  2  ugyldig kommandolinje eller konfiguration\n  \
             3  delvist udført; resten er nævnt\n  \
             4  afvist: intet samtykke, ikke tilbudt af politikken eller manglende rettigheder\n  \
             5  agenten kører ikke eller er optaget";
        Run =>
            "Run the service in the foreground until it is stopped",
            "Kør tjenesten i forgrunden, indtil den stoppes";
        RunOnce =>
            "Read every complete file, close the periods that are over, send everything queued, then exit: \
             0 nothing is left to send, 3 something is left, 1 failed on this computer",
            "Læs alle færdige filer, afslut overståede perioder, send alt i køen, og slut så: \
             0 intet mangler at blive sendt, 3 noget mangler, 1 mislykket på computeren";
        RunClose => "Also close the current periods", "Afslut også de igangværende perioder";
        Status =>
            "Show consents, queues, what was sent, what was dropped and why, and how the keys are protected",
            "Vis samtykker, køer, hvad der er sendt, hvad der er kasseret og hvorfor, og hvordan nøglerne er beskyttet";
        StatusCheck => "Exit with 1 if there are problems", "Slut med 1, hvis der er problemer";
        Record =>
            "Report one event by hand; `catalog` lists the events",
            "Meld én hændelse manuelt; `catalog` viser hændelserne";
        RecordTime =>
            "The time is now, unless at=2026-11-21T10:32:11+01:00 is given.",
            "Tidspunktet er nu, medmindre at=2026-11-21T10:32:11+01:00 er angivet.";
        RecordEvent => "Name of the event", "Hændelsens navn";
        RecordAttributes => "Its attributes", "Dens attributter";
        Decommission =>
            "Decommission this device: send or drop queued data, erase every key, inform the vendor, print a certificate",
            "Tag enheden ud af brug: send eller kassér det, der er i kø, slet alle nøgler, giv leverandøren besked, og \
             skriv en attest";
        DecommissionFinal =>
            "This cannot be undone: data kept here can never be read again.",
            "Det kan ikke fortrydes: det, der opbevares her, kan aldrig læses igen.";
        DecommissionYes => "Confirm; required", "Bekræft; påkrævet";
        DecommissionDiscard =>
            "Drop queued data instead of sending it first", "Kassér det, der er i kø, i stedet for at sende det først";
        Catalog =>
            "Print the data inventory: everything that can be collected, and why",
            "Skriv datafortegnelsen: alt, hvad der kan indsamles, og hvorfor";
        CatalogFormat =>
            "md: Markdown for reading; json: machine-readable", "md: Markdown til læsning; json: maskinlæsbar";
        CatalogJson =>
            "Print machine-readable JSON, as --format json", "Skriv maskinlæsbar JSON, som --format json";
        Deidentify =>
            "Remove patient identifiers from scan metadata, logs, JSON and XML; one call is one case",
            "Fjern patientoplysninger fra optagelsers metadata, logfiler, JSON og XML; ét kald er én sag";
        DeidentifyMore =>
            "Reads only the header of a DICOM file and writes DICOM JSON with the attributes that a support case needs. \
             Logs keep times of day, levels, modules, codes and numbers. Nothing leaves this computer.",
            "Læser kun headeren i en DICOM-fil og skriver DICOM JSON med de attributter, en supportsag behøver. \
             Logfiler beholder klokkeslæt, niveauer, moduler, koder og tal. Intet forlader computeren.";
        DeidentifyCodes =>
            "Exit codes: 0 all files done, 3 some refused (the report lists them), 1 no file done.",
            "Afslutningskoder: 0 alle filer udført, 3 nogle afvist (rapporten nævner dem), 1 ingen fil udført.";
        DeidentifyPaths => "Files and folders to de-identify", "Filer og mapper, der skal afidentificeres";
        DeidentifyOutput =>
            "Output folder; files are named 0001.json, 0002.log, ...",
            "Mappe til resultatet; filerne får navnene 0001.json, 0002.log, ...";
        DeidentifyContext =>
            "Scans and sidecars to learn identifiers from, without output: a log names all patients of its days",
            "Optagelser og følgefiler, hvis patienter der skal søges efter, uden resultat: en logfil nævner alle patienter \
             fra sine dage";
        DeidentifyReport =>
            "Write a report on each input file; it names the inputs, so keep it on this computer. A name ending in .html \
             gives a page with every attribute before (masked) and after, any other name JSON",
            "Skriv en rapport om hver inputfil; den nævner dem, så den skal blive på computeren. Et navn, der ender på .html, \
             giver en side med hver attribut før (maskeret) og efter, ethvert andet navn JSON";
        DeidentifyJson =>
            "Print the report as machine-readable JSON", "Skriv rapporten som maskinlæsbar JSON";
        Enroll =>
            "Enrol this device: exchange a one-time token for a certificate",
            "Tilmeld enheden: byt en engangskode til et certifikat";
        EnrollUrl =>
            "URL of the collector [default: from the configuration]",
            "Adressen på leverandørens server [standard: den i konfigurationen]";
        EnrollToken => "File with the token", "Fil med engangskoden";
        Doctor =>
            "Check configuration, folders, clock, keys and connectivity to the collector; print a remedy for each problem",
            "Kontrollér konfiguration, mapper, ur, nøgler og forbindelse til leverandørens server; skriv et råd til hvert \
             problem";
        DoctorMore =>
            "Makes one connection to the collector and sends no data; --offline skips it.",
            "Opretter én forbindelse til leverandørens server og sender ingen data; --offline springer den over.";
        DoctorOffline => "Skip the connectivity checks", "Spring kontrollen af forbindelsen over";
        Contact =>
            "Talk to the vendor's collector now, and print the cases that it asks a bundle for",
            "Kontakt leverandørens server nu, og skriv de sager, den beder om en pakke til";
        ContactMore =>
            "While a case is open the agent goes on every 30 seconds for an hour, so that the vendor's request is seen within a \
             call. Without a consent to anything nothing is sent.",
            "Mens en sag er åben, kontakter agenten serveren hvert 30. sekund i en time, så leverandørens anmodning ses under \
             et telefonopkald. Uden et samtykke sendes intet.";
        Open =>
            "Open the window: a page in your browser, for this account and this computer only",
            "Åbn vinduet: en side i jeres browser, kun for denne konto og denne computer";
        OpenMore =>
            "It shows what is on, what leaves and why, prepares support cases, and takes answers by a click. Opening it sends \
             nothing; it ends when the page is closed.",
            "Det viser, hvad der er slået til, hvad der sendes og hvorfor, forbereder supportsager og tager imod svar med et \
             klik. Der sendes intet, når det åbnes; det lukker, når siden lukkes.";
        OpenNoBrowser =>
            "Start no browser: print the file to open in one", "Start ikke en browser: skriv navnet på den fil, I selv kan åbne";
        Completions =>
            "Print completions for a shell: bash, zsh, fish, powershell or elvish",
            "Skriv kommandofuldførelse til en shell: bash, zsh, fish, powershell eller elvish";
        CompletionsShell => "The shell", "Shellen";
        Man =>
            "Print the manual page of the program, or of one of its commands",
            "Skriv manualsiden for programmet eller for en af dets kommandoer";
        ManCommand => "The command [default: the program]", "Kommandoen [standard: programmet]";
    }
}

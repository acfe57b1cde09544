//! Help for the commands of whoever looks after this computer or writes a program that reports events.

agent::texts! {
    /// `service`, `provenance`, `verify`, `sandbox`, `validate`, and what they take.
    pub(crate) enum Help {
        Provenance =>
            "See to the table of the installed program's literals: a word of it may stay in a log",
            "Vedligehold tabellen over det installerede programs tekster: et ord derfra må blive stående i en logfil";
        Build =>
            "Read the programs in the folders of `[kathea] program` and make the table anew",
            "Læs programmerne i mapperne i `[kathea] program`, og lav tabellen på ny";
        BuildCodes =>
            "Exit: 0 done, 3 some programs were refused (they are listed), 1 nothing changed.",
            "Afslutningskoder: 0 udført, 3 nogle programmer afvist (de er nævnt), 1 intet ændret.";
        List => "List what the table was made of", "Vis, hvad tabellen er lavet af";
        Verify =>
            "Check that the table is the one that was built, and that the programs are still the same",
            "Kontrollér, at tabellen er den, der blev lavet, og at programmerne stadig er de samme";
        VerifyCodes =>
            "Exit: 0 it fits, 1 it does not: what changed is listed.",
            "Afslutningskoder: 0 den passer, 1 den passer ikke: det ændrede er nævnt.";
        Add =>
            "Add a list of words that the vendor signed, and make the table anew",
            "Tilføj en ordliste, som leverandøren har signeret, og lav tabellen på ny";
        AddFile => "The list", "Listen";
        Service =>
            "Install, remove, start or stop the service, as an administrator",
            "Installér, fjern, start eller stop tjenesten, som administrator";
        Install =>
            "Install the service, or repair the installed one (Windows)",
            "Installér tjenesten, eller reparér den installerede (Windows)";
        InstallCollector =>
            "The vendor's collector, written into the configuration", "Leverandørens server, skrives i konfigurationen";
        InstallToken =>
            "File with the one-time token: enrol immediately", "Fil med engangskoden: tilmeld med det samme";
        InstallCa =>
            "CA certificate of the vendor, copied to the path in the configuration",
            "Leverandørens CA-certifikat, kopieres til stien i konfigurationen";
        Uninstall => "Stop and remove the service; keep its data", "Stop og fjern tjenesten; behold dens data";
        Start => "Start the service", "Start tjenesten";
        Stop => "Stop the service", "Stop tjenesten";
        VerifyFile =>
            "Verify that a file is signed by one of the vendor's keys in the configuration",
            "Kontrollér, at en fil er signeret med en af leverandørens nøgler i konfigurationen";
        File => "The file", "Filen";
        Kind =>
            "What the file is: release, word_list, notice, erasure_certificate or use_receipt",
            "Hvad filen er: release (udgivelse), word_list (ordliste), notice (samtykketekst), erasure_certificate \
             (sletteattest) eller use_receipt (kvittering for brug)";
        Sandbox =>
            "Try the interface for programs: an agent and a collector in a temporary place, and what becomes of each event",
            "Prøv grænsefladen for programmer: en agent og en server i en midlertidig mappe, og hvad der sker med hver \
             hændelse";
        SandboxMore =>
            "Prints where the socket and the outbox are, then each event as it comes: accepted, or refused with the attribute, \
             what may stand there, and the nearest known word. Nothing leaves this computer, and the consent counts in that \
             place only. Ctrl-C ends it and removes the place. Needs kathea-sandbox, of the integrator's package.",
            "Skriver, hvor socketen og udbakken er, og derefter hver hændelse, efterhånden som den kommer: accepteret, eller \
             afvist med attributten, hvad der må stå der, og det nærmeste kendte ord. Intet forlader computeren, og samtykket \
             gælder kun i sandkassen. Ctrl-C afslutter og sletter den. Kræver kathea-sandbox fra integratorens pakke.";
        SandboxAsk =>
            "Have the vendor ask for a support bundle of this case, as your program would have to show it",
            "Lad leverandøren bede om en supportpakke til denne sag, så jeres program kan vise anmodningen";
        SandboxJson =>
            "Print machine-readable JSON, one object a line", "Skriv maskinlæsbar JSON, ét objekt pr. linje";
        Validate =>
            "Check a file of events, line by line, as the intake does; nothing is taken in or sent",
            "Kontrollér en fil med hændelser, linje for linje, ligesom agenten gør; intet modtages eller sendes";
        ValidateCodes =>
            "Exit: 0 every line is an event, 3 some are refused, 1 none is one.",
            "Afslutningskoder: 0 alle linjer er hændelser, 3 nogle er afvist, 1 ingen er en hændelse.";
        ValidateFile =>
            "The file, one event a line; - reads standard input", "Filen, én hændelse pr. linje; - læser standardinput";
        ValidateJson =>
            "Print machine-readable JSON, one refused line a line",
            "Skriv maskinlæsbar JSON, én afvist linje pr. linje";
    }
}

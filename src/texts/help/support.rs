//! Help for the commands on support cases.

agent::texts! {
    /// `support`, and what it takes.
    pub(crate) enum Help {
        Support =>
            "Collect data for a support case, review it, consent, and seal it for the vendor",
            "Indsaml data til en supportsag, gennemse dem, giv samtykke, og forsegl dem til leverandøren";
        SupportMore =>
            "At a terminal, --case ID guides you through all steps. Nothing is sent before the clinic consents to exactly \
             what was shown.",
            "Ved en terminal fører --case ID jer gennem alle trin. Intet sendes, før klinikken giver samtykke til netop det, \
             der blev vist.";
        OwnCopy =>
            "Folder for the clinic's own copy [default: ./support-ID]",
            "Mappe til klinikkens egen kopi [standard: ./support-ID]";
        CaseNamed => "The case, as the vendor named it", "Sagens nummer, som leverandøren har oplyst";
        Reason =>
            "image_quality, error, performance, connectivity, calibration or other",
            "image_quality (billedkvalitet), error (fejl), performance (ydelse), connectivity (forbindelse), calibration \
             (kalibrering) eller other (andet)";
        Contact =>
            "Person whom the vendor may contact; shown in the preview and sent with the bundle",
            "Den person, leverandøren må kontakte; vises i forhåndsvisningen og sendes med pakken";
        Description =>
            "What happened, in your words, at most 1,000 characters; shown in the preview and sent with the bundle",
            "Hvad der skete, med jeres egne ord, højst 1.000 tegn; vises i forhåndsvisningen og sendes med pakken";
        AsTyped =>
            "Send contact, description and case ID as typed, even if they may contain a patient's name or number",
            "Send kontakt, beskrivelse og sagsnummer som skrevet, selv om de måske indeholder en patients navn eller nummer";
        LastScan =>
            "Select the newest scan and the logs around it", "Vælg den nyeste optagelse og logfilerne omkring den";
        Since =>
            "Select scans and logs of the last 30min, 2h, 3d; at most 7d",
            "Vælg optagelser og logfiler fra de seneste 30min, 2h, 3d; højst 7d";
        Pick =>
            "Choose scans from a list of times and modes", "Vælg optagelser på en liste over tidspunkter og typer";
        Scans =>
            "Scan files and folders; - reads their names from standard input",
            "Optagelsers filer og mapper; - læser navnene fra standardinput";
        Logs => "Read logs from here instead of [kathea] logs", "Læs logfiler herfra i stedet for [kathea] logs";
        Now =>
            "Do not wait for a running scan to finish", "Vent ikke på, at en igangværende optagelse bliver færdig";
        Preview =>
            "Collect and de-identify, and write the clinic's own copy; nothing is sent",
            "Indsaml og afidentificér, og skriv klinikkens egen kopi; intet sendes";
        PreviewOutput =>
            "Folder for preview.html and manifest.json", "Mappe til preview.html og manifest.json";
        PreviewDryRun => "Only list what would be collected", "Vis kun, hvad der ville blive indsamlet";
        Create =>
            "Consent to exactly what a preview showed, and seal it for the vendor",
            "Giv samtykke til netop det, en forhåndsvisning viste, og forsegl det til leverandøren";
        CreateDraft => "The draft that `preview` named", "Det udkast, `preview` nævnte";
        CreateYes =>
            "Digest shown on the preview, at least 16 digits", "Kontrolsummen, der står på forhåndsvisningen, mindst 16 cifre";
        Check =>
            "Check this workstation: disk, clock, calibration, errors, versions, graphics, encoders; print a remedy for each",
            "Kontrollér arbejdsstationen: disk, ur, kalibrering, fejl, versioner, grafik, encodere; skriv et råd til hvert \
             problem";
        CheckMore =>
            "Nothing leaves this computer, so no consent is needed. Exits with 1 if a check fails.",
            "Intet forlader computeren, så der kræves intet samtykke. Slutter med 1, hvis noget kræver handling.";
        List => "List drafts and bundles with their state", "Vis udkast og pakker og deres tilstand";
        ListJson =>
            "Print machine-readable JSON; with --watch one line for each change",
            "Skriv maskinlæsbar JSON; med --watch en linje for hver ændring";
        ListWatch =>
            "Go on until every bundle is delivered or failed: rate and time left. Ctrl-C stops watching, not sending",
            "Vis hastighed og resterende tid, indtil hver pakke er leveret eller mislykket. Ctrl-C standser visningen, \
             ikke afsendelsen";
        Show =>
            "Print one file of a draft exactly as it would be sent",
            "Skriv én fil fra et udkast, nøjagtigt som den ville blive sendt";
        ShowDraft => "The draft", "Udkastet";
        ShowFile =>
            "A name from its manifest, or manifest.json", "Et navn fra dets manifest, eller manifest.json";
        Find =>
            "Tell which scan of this workstation a name in a bundle stands for, for example when support calls about scan-0003",
            "Vis, hvilken optagelse på arbejdsstationen et navn i en pakke står for, for eksempel når support ringer om \
             scan-0003";
        FindMore =>
            "The answer stays here. It is known until the draft is erased or the case ends.",
            "Svaret forlader ikke computeren. Det findes, indtil udkastet slettes, eller sagen slutter.";
        FindName =>
            "The name, as support reads it from the bundle: scan-0003",
            "Navnet, som support ser i pakken: scan-0003";
        Export =>
            "Copy a sealed bundle to a file, for example on a USB stick; only the vendor can open it",
            "Kopiér en forseglet pakke til en fil, for eksempel på et USB-stik; kun leverandøren kan åbne den";
        Bundle => "The bundle", "Pakken";
        ExportOutput => "The file to write", "Den fil, der skal skrives";
        Send => "Retry a failed bundle", "Forsøg en mislykket pakke igen";
        SendWait =>
            "Wait until the vendor confirmed it. Ctrl-C stops waiting, not sending",
            "Vent, indtil leverandøren har bekræftet den. Ctrl-C standser ventetiden, ikke afsendelsen";
        Discard =>
            "Erase a draft, or a bundle that has not been sent", "Slet et udkast eller en pakke, der ikke er sendt";
        DiscardId => "The draft or the bundle", "Udkastet eller pakken";
        Close =>
            "Close a case: erase its key, drafts and bundles here, and stop sending",
            "Luk en sag: slet dens nøgle, udkast og pakker her, og stop afsendelsen";
        CloseCase => "The case", "Sagen";
    }
}

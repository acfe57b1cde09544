//! Help for the commands on consent, privacy rights and the clinic's own history.

agent::texts! {
    /// `consent`, `privacy`, `history`, and what they take.
    pub(crate) enum Help {
        Flags =>
            "Flags: usage_statistics, support_case, support_scan_data",
            "Samtykker: usage_statistics (brugsstatistik), support_case (supportsag), support_scan_data (optagelsesdata)";
        Flag => "The flag", "Samtykket";
        FlagOrAll => "The flag [default: all]", "Samtykket [standard: alle]";
        AboutCase =>
            "The support case, for the flags that are asked per case",
            "Supportsagen, for de samtykker, der gælder den enkelte sag";
        ClaimFile =>
            "File with the claim code that `privacy claim` printed", "Fil med den ejerkode, `privacy claim` skrev";
        Consent =>
            "Grant, deny or withdraw consent, and show the answers given",
            "Giv, afslå eller tilbagekald samtykke, og vis de givne svar";
        List => "List every consent flag and its state", "Vis hvert samtykke og dets tilstand";
        Show =>
            "Show the consent notice and its digest, which --yes of `consent grant` needs",
            "Vis samtykketeksten og dens kontrolsum, som --yes til `consent grant` kræver";
        ShowJson =>
            "Print machine-readable JSON, with the text in every language",
            "Skriv maskinlæsbar JSON, med teksten på alle sprog";
        Grant => "Grant the consent that `consent show` displayed", "Giv det samtykke, som `consent show` viste";
        GrantYes => "Digest of the notice, at least 16 digits", "Tekstens kontrolsum, mindst 16 cifre";
        Deny => "Deny consent. Anyone may do this", "Afslå samtykke. Det må alle";
        Withdraw =>
            "Withdraw consent: erase keys and queued data, print a receipt. Anyone may do this",
            "Tilbagekald samtykke: slet nøgler og data i kø, og skriv en kvittering. Det må alle";
        WithdrawErase =>
            "Also ask the vendor to erase what was sent; needs membership of [consent] group, or --claim-file",
            "Bed også leverandøren om at slette det sendte; kræver medlemskab af [consent] group eller --claim-file";
        Restrict =>
            "Restrict processing: keep the data, but neither read nor send it for now. Anyone may do this",
            "Begræns behandlingen: opbevar data, men hverken læs eller send dem indtil videre. Det må alle";
        Release => "End a restriction", "Ophæv en begrænsning";
        NewOwner =>
            "End every consent because the clinic has a new owner, who is asked again. Needs [consent] group or --claim-file",
            "Bring alle samtykker til ophør, fordi klinikken har fået ny ejer, som spørges igen. Kræver [consent] group \
             eller --claim-file";
        Ask =>
            "Read the consent notice and answer at a terminal, in the configured language (Danish or English)",
            "Læs samtykketeksten, og svar ved en terminal, på det konfigurerede sprog (dansk eller engelsk)";
        Receipt =>
            "Print a receipt of the answers given, to keep or to hand out",
            "Skriv en kvittering for de givne svar, til at gemme eller udlevere";
        ReceiptJson =>
            "Print the ledger entries as JSON (ISO/IEC TS 27560)",
            "Skriv samtykkejournalens poster som JSON (ISO/IEC TS 27560)";
        Verify =>
            "Verify the ledger: every entry is signed, none is missing or changed",
            "Kontrollér samtykkejournalen: hver post er signeret, og ingen mangler eller er ændret";
        Privacy =>
            "Show what is held, have it corrected or erased", "Vis, hvad der opbevares, og få det rettet eller slettet";
        Export =>
            "Export everything that this workstation holds: held.json, and held.txt for reading",
            "Eksportér alt, hvad arbejdsstationen opbevarer: held.json, og held.txt til læsning";
        ExportOutput =>
            "Folder for both files; with --from-vendor a file", "Mappe til begge filer; med --from-vendor en fil";
        ExportVendor =>
            "Also ask the vendor for what it holds", "Bed også leverandøren om det, den opbevarer";
        ExportFromVendor =>
            "Write the vendor's answer instead: everything that it holds of this device, as lines of JSON",
            "Skriv leverandørens svar i stedet: alt, den opbevarer om enheden, som JSON-linjer";
        Object =>
            "Object to the vendor's use of what was sent: it stops at once, and the vendor has to answer",
            "Gør indsigelse mod leverandørens brug af det sendte: den ophører straks, og leverandøren skal svare";
        ObjectCase => "Only what was sent of this support case", "Kun det, der er sendt om denne supportsag";
        Report =>
            "Write one page, in Danish and English, that shows what is collected, kept and sent, under which consent, and \
             how to withdraw it",
            "Skriv én side, på dansk og engelsk, der viser, hvad der indsamles, opbevares og sendes, med hvilket samtykke, \
             og hvordan det tilbagekaldes";
        ReportOutput => "The page", "Siden";
        Rectify =>
            "Ask the vendor to correct what it holds of a support case",
            "Bed leverandøren om at rette det, den har om en supportsag";
        Revoke =>
            "Take back what the vendor was asked to erase, within 14 days. Needs [consent] group",
            "Fortryd inden for 14 dage, at leverandøren er bedt om at slette. Kræver [consent] group";
        RevokeCase =>
            "Only what was asked of this support case", "Kun det, der er bedt om for denne supportsag";
        Claim =>
            "Print the claim code, with which you can request erasure after this device has failed",
            "Skriv ejerkoden, som I kan bruge til at kræve sletning, hvis enheden er gået i stykker";
        Erase =>
            "Withdraw every consent, erase everything held here, and ask the vendor to erase what was sent. Needs [consent] \
             group or --claim-file",
            "Tilbagekald alle samtykker, slet alt, hvad der opbevares her, og bed leverandøren om at slette det sendte. \
             Kræver [consent] group eller --claim-file";
        History =>
            "Show the clinic's own history: figures of this scanner over 24 months, kept on this computer and never sent",
            "Vis klinikkens egen historik: tal for denne scanner over 24 måneder, opbevaret på computeren og aldrig sendt";
        HistoryMore =>
            "A setting of the clinic and no consent: its members of [consent] group and administrators switch it on and off and \
             read it, whatever was answered to the vendor. One value a day at most, no single exposure, nobody's name.",
            "En indstilling hos klinikken og ikke et samtykke: medlemmer af [consent] group og administratorer slår den til og \
             fra og læser den, uanset hvad I har svaret leverandøren. Højst én værdi om dagen, ingen enkelte optagelser \
             og ingen navne.";
        HistoryAction => "Switch it; left out: show it", "Slå den til eller fra; udeladt: vis den";
        HistoryCsv =>
            "Print a table for programs: a column for each figure, commas, decimal points",
            "Skriv en tabel til programmer: en kolonne for hvert tal, kommaer, decimalpunktummer";
        HistoryExcel =>
            "Print a table for Excel: semicolons, decimal commas",
            "Skriv en tabel til Excel: semikoloner, decimalkommaer";
        HistoryOn => "Switch the history on from now on", "Slå historikken til fra nu af";
        HistoryOff => "Switch the history off; what was kept stays", "Slå historikken fra; det opbevarede bliver";
        HistoryErase =>
            "Switch the history off, and erase what was kept", "Slå historikken fra, og slet det opbevarede";
    }
}

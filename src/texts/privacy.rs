//! The texts of `privacy`, `decommission` and `enroll`.

use std::path::PathBuf;

use protocol::CaseId;

agent::texts! {
    /// Sentences.
    pub(crate) enum Say {
        Rectify { case: CaseId } =>
            "The vendor will be asked to correct what it holds of case {case}; `status` shows its ticket.\n\
             Tell it what is wrong by the contact that `consent show support_case` names, with that ticket.\n\
             A bundle that has not left yet: `support discard` it and make it anew.",
            "Leverandøren bliver bedt om at rette det, den har om sagen {case}; `status` viser anmodningens nummer.\n\
             Skriv, hvad der er forkert, til den kontakt, som `consent show support_case` nævner, og angiv nummeret.\n\
             Er pakken ikke sendt endnu, så kassér den med `support discard`, og lav den på ny.";
        Object =>
            "The vendor will be asked to use what was sent no more: it is hidden there from all use once the request is there,\n\
             and only a reason that the law allows ends that; `status` shows its ticket and the answer.\n\
             What is collected from now on: `consent withdraw` ends that.",
            "Leverandøren bliver bedt om ikke længere at bruge det sendte: det er skjult for al brug, når anmodningen er modtaget,\n\
             og kun en grund efter loven ophæver det; `status` viser anmodningens nummer og svaret.\n\
             Det, der indsamles fra nu af: `consent withdraw` standser det.";
        FromVendor { lines: u64, path: PathBuf } =>
            "written to {path}: what the vendor holds of this device, {lines} lines of JSON; each says in `what` what it is.\n\
             The answer itself stays here, sealed, until 30 days after it came",
            "skrevet til {path}: det, leverandøren opbevarer om enheden, {lines} JSON-linjer; hver siger i `what`, hvad den er.\n\
             Selve svaret bliver her, forseglet, indtil 30 dage efter, at det kom";
        AnswerChanged =>
            "another answer of the vendor came meanwhile, and nothing was written: run the command again",
            "et andet svar fra leverandøren kom imens, og intet er skrevet: kør kommandoen igen";
        Revoke =>
            "The vendor will be asked not to erase what it has not erased yet; `status` shows what became of the\n\
             request to erase. What was erased on this workstation does not come back.",
            "Leverandøren bliver bedt om ikke at slette det, den endnu ikke har slettet; `status` viser, hvordan det gik\n\
             med anmodningen om sletning. Det, der er slettet på arbejdsstationen, kommer ikke tilbage.";
        Claim =>
            "Keep this code on paper, apart from this computer: with it, and with nothing else, you can ask the\n\
             vendor to erase what this device sent when the device can't ask any more. On this device it stands\n\
             for a member of [consent] group: --claim-file, with privacy erase, withdraw --erase and new-owner.",
            "Gem koden på papir, væk fra computeren: kun med den kan I bede leverandøren slette det, enheden har sendt,\n\
             når enheden ikke længere selv kan bede om det. På enheden træder den i stedet for et medlem af\n\
             [consent] group: --claim-file, med privacy erase, withdraw --erase og new-owner.";
        Erased { keys: u64 } =>
            "Erased: {keys} keys, and all that was kept under them. Kept: your answers, which prove what you allowed.\n\
             The vendor is asked to erase what was sent: it does so after 14 days, in which `privacy revoke` takes\n\
             that back; `status` shows its ticket, and its certificate when that is done.",
            "Slettet: {keys} nøgler og alt, der var opbevaret under dem. Bevaret: jeres svar, som beviser, hvad I har tilladt.\n\
             Leverandøren bliver bedt om at slette det, der er sendt: det sker efter 14 dage, og indtil da kan `privacy revoke`\n\
             trække anmodningen tilbage; `status` viser anmodningens nummer og attesten, når det er gjort.";
        Unreported =>
            "Every key of what was kept is shredded. The vendor could not be informed yet: leave the service running, or run\n\
             `kathea-agent run --once`, until it was; the certificate is then the file `decommissioned` in data_dir.",
            "Alle nøgler til det opbevarede er slettet. Leverandøren har ikke kunnet få besked endnu: lad tjenesten køre, eller\n\
             kør `kathea-agent run --once`, til det er sket; attesten er derefter filen `decommissioned` i data_dir.";
        Holds { at: String } => "What this workstation holds, {at}", "Opbevaret på denne arbejdsstation, {at}";
        NoPatients =>
            "These records hold no patient data: the agent never accepts any.",
            "Disse poster indeholder ingen patientdata: agenten tager aldrig imod patientdata.";
        HistoryKept =>
            "The clinic's own history is kept on this computer. Nothing of it is sent.",
            "Klinikkens egen historik er slået til og opbevares på computeren. Den sendes aldrig.";
        HistoryOff =>
            "The clinic's own history is not kept: `kathea-agent history on` begins it.",
            "Klinikkens egen historik er slået fra: `kathea-agent history on` slår den til.";
        HistoryFigures =>
            "Figure, newest value, number of values (--csv prints all)",
            "Måling, nyeste værdi, antal værdier (--csv viser alle)";
        OwnHistory => "The clinic's own history, which is never sent", "Klinikkens egen historik, som aldrig sendes";
        Remains =>
            "something remains to be sent: what is said above, or `kathea-agent status`, tells why",
            "noget er ikke sendt endnu: det ovenstående eller `kathea-agent status` viser hvorfor";
        InAll { count: u64 } => "  {count} in all", "  {count} i alt";
        Exported { count: u64, path: PathBuf } =>
            "{count} sealed records, flags, answers and requests written to {path}",
            "{count} forseglede poster, samtykker, svar og anmodninger er skrevet til {path}";
        Reported { path: PathBuf } =>
            "written to {path}: open it in a browser, it loads nothing",
            "skrevet til {path}: åbn den i en browser, den henter intet";
        SealedRecord { number: u64 } =>
            "  record {number}: sealed, and not to be read while there is no live yes",
            "  post {number}: forseglet og kan ikke læses uden et gældende samtykke";
        Enrolled { device: String } => "enrolled as device {device}", "tilmeldt som enhed {device}";
    }
}

//! The texts of `consent`.

agent::texts! {
    /// Sentences and labels.
    pub(crate) enum Say {
        Granted { purpose: String, command: String } =>
            "{purpose}: granted. Take it back with: {command}",
            "{purpose}: samtykke givet. Tilbagekald det med: {command}";
        OwnerEnded { ended: u64 } =>
            "Ended: {ended} answers. Nothing is collected until the new owner says yes: kathea-agent consent ask",
            "Ophørte samtykker: {ended}. Intet indsamles, før den nye ejer siger ja: kathea-agent consent ask";
        Verified { entries: u64 } =>
            "{entries} entries: each signed, none missing, none changed",
            "{entries} poster: alle signeret, ingen mangler, ingen er ændret";
        NotAsked => "not asked for", "bedes der ikke om";
        Lasts { span: String } => "a yes lasts {span}", "et samtykke gælder i {span}";
        HeldHere { span: String } => "held here {span} at most", "opbevares her højst {span}";
        HeldThere { span: String } => "vendor keeps it {span}", "hos leverandøren: {span}";
        AskedBy { controller: String, id: String, version: String } =>
            "Asked by {controller} ({id}, {version})",
            "Dataansvarlig: {controller} ({id}, {version})";
        State { purpose: String, state: String } => "{purpose}: {state}", "{purpose}: {state}";
        NotAnyMore { purpose: String, state: String } =>
            "{purpose}: {state}. Nothing is collected for it.",
            "{purpose}: {state}. Intet indsamles til dette formål.";
        Digest { digest: String } => "Digest: {digest}", "Kontrolsum: {digest}";
        HowToAnswer { purpose: String, digits: String } =>
            "\nTo say yes: kathea-agent consent grant {purpose} --by ROLE --yes {digits}\n\
             To say no:  kathea-agent consent deny {purpose}\n\
             ROLE is owner, privacy_officer or delegate.",
            "\nSig ja:  kathea-agent consent grant {purpose} --by ROLE --yes {digits}\n\
             Sig nej: kathea-agent consent deny {purpose}\n\
             ROLE er owner (ejer), privacy_officer (databeskyttelsesansvarlig) eller delegate (befuldmægtiget).";
        NotPerCase { purpose: String } =>
            "{purpose} is not asked per case: leave --case out",
            "{purpose} gælder ikke den enkelte sag: udelad --case";
        PerCase { purpose: String } =>
            "{purpose} is asked per case: name it with --case ID",
            "{purpose} gælder den enkelte sag: angiv den med --case ID";
        NeverAnswered { case: String, hint: super::refusal::Hint } =>
            "nothing was ever answered about the case {case} here: {hint}",
            "der er aldrig svaret noget om sagen {case} her: {hint}";
        NeedsTerminal =>
            "an answer is given at a terminal: for scripts there are `consent show` and `consent grant`",
            "der skal svares ved en terminal: brug `consent show` og `consent grant` i scripts";
        LastsUntil { end: String } => "Your yes lasts until {end}.", "Jeres samtykke gælder til {end}.";
        Question =>
            "Your answer (yes or no; nothing changes if you leave): ",
            "Jeres svar (ja eller nej; intet ændres, hvis I afbryder): ";
        AskAgain => "Please type yes or no.", "Skriv ja eller nej.";
        Thanks =>
            "Thank you. It is collected from now on. Take it back at any time with:\n  kathea-agent consent withdraw usage_statistics",
            "Tak. Statistik indsamles fra nu af. I kan altid tilbagekalde samtykket med:\n  kathea-agent consent withdraw usage_statistics";
        SaidNo =>
            "Nothing is collected. Should you change your mind: kathea-agent consent ask",
            "Intet indsamles. Hvis I ombestemmer jer: kathea-agent consent ask";
        WhoAnswers =>
            "Who answers?\n  1  owner (default)\n  2  privacy officer\n  3  delegate",
            "Hvem svarer?\n  1  ejer (standard)\n  2  databeskyttelsesansvarlig\n  3  befuldmægtiget";
        WhoAgain => "Please type 1, 2 or 3.", "Skriv 1, 2 eller 3.";
    }
}

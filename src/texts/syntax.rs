//! What is wrong with a command line, and the words that the parser itself puts around help.

agent::texts! {
    /// What is wrong, as the parser found it, and what helps.
    pub(crate) enum Syntax {
        Repeated { argument: String } =>
            "the argument '{argument}' cannot be used multiple times",
            "argumentet '{argument}' kan kun angives én gang";
        Conflict { argument: String, others: String } =>
            "the argument '{argument}' cannot be used with{others}",
            "argumentet '{argument}' kan ikke bruges sammen med{others}";
        CommandConflict { command: String, others: String } =>
            "the subcommand '{command}' cannot be used with{others}",
            "kommandoen '{command}' kan ikke bruges sammen med{others}";
        NoValue { argument: String } =>
            "a value is required for '{argument}' but none was supplied", "'{argument}' kræver en værdi";
        Invalid { value: String, argument: String } =>
            "invalid value '{value}' for '{argument}'", "ugyldig værdi '{value}' for '{argument}'";
        TooMany { value: String, argument: String } =>
            "unexpected value '{value}' for '{argument}' found; no more were expected",
            "uventet værdi '{value}' for '{argument}'";
        UnknownCommand { command: String } =>
            "unrecognized subcommand '{command}'", "ukendt kommando '{command}'";
        Unknown { argument: String } =>
            "unexpected argument '{argument}' found", "ukendt argument '{argument}'";
        Missing { arguments: String } =>
            "the following required arguments were not provided:{arguments}",
            "disse påkrævede argumenter mangler:{arguments}";
        NotText =>
            "invalid UTF-8 was detected in one or more arguments",
            "et eller flere argumenter er ikke gyldig UTF-8";
        PossibleValues { values: String } => "[possible values: {values}]", "[mulige værdier: {values}]";
        Like { name: String } => "a similar subcommand exists: {name}", "en lignende kommando findes: {name}";
        SomeLike { names: String } =>
            "some similar subcommands exist: {names}", "lignende kommandoer findes: {names}";
        ArgumentLike { name: String } =>
            "a similar argument exists: {name}", "et lignende argument findes: {name}";
        ValueLike { name: String } => "a similar value exists: {name}", "en lignende værdi findes: {name}";
        Error { what: String } => "error: {what}", "fejl: {what}";
        Tip { tip: String } => "tip: {tip}", "råd: {tip}";
        More => "For more information, try '--help'.", "Mere hjælp: '--help'.";
        OneOf { all: String } => "it is one of {all}", "det er en af {all}";
        OneOfNearest { all: String, nearest: String } =>
            "it is one of {all}; the nearest is {nearest}", "det er en af {all}; den nærmeste er {nearest}";
        KeyValue => "write each attribute as key=value", "skriv hver attribut som nøgle=værdi";
        Case =>
            "a case number is 2 to 32 capital letters, digits and hyphens, as CASE-1042",
            "et sagsnummer er 2 til 32 store bogstaver, cifre og bindestreger, for eksempel CASE-1042";
        NoDescription =>
            "say in a sentence what happened, or leave it out", "skriv i en sætning, hvad der skete, eller udelad det";
        LongDescription { count: usize, most: usize } =>
            "it has {count} characters, and {most} at most: put the rest into a log or a call",
            "den har {count} tegn, og højst {most} er tilladt: tag resten i en logfil eller et opkald";
        Length =>
            "a whole number and s, min, h or d, seven days at most: 30min, 2h, 3d",
            "et helt tal og s, min, h eller d, højst syv dage: 30min, 2h, 3d";
    }
}

agent::texts! {
    /// What stands for the placeholder of an argument that is missing.
    pub(crate) enum Placeholder {
        Purpose =>
            "PURPOSE is one of usage_statistics, support_case, support_scan_data.",
            "PURPOSE er et af usage_statistics, support_case, support_scan_data.";
        Role =>
            "ROLE is one of owner, privacy_officer, delegate: who of the clinic answers.",
            "ROLE er en af owner, privacy_officer, delegate: hvem fra klinikken der svarer.";
        Digest =>
            "DIGEST is what `consent show` and the preview print, at least 16 digits.",
            "DIGEST er kontrolsummen, som `consent show` og forhåndsvisningen viser, mindst 16 cifre.";
        Kind =>
            "KIND is one of release, word_list, notice, erasure_certificate, use_receipt.",
            "KIND er en af release, word_list, notice, erasure_certificate, use_receipt.";
        Id =>
            "ID is the case as the vendor named it, as CASE-1042.",
            "ID er sagens nummer, som leverandøren har oplyst, for eksempel CASE-1042.";
        Shell =>
            "SHELL is one of bash, zsh, fish, powershell, elvish.",
            "SHELL er en af bash, zsh, fish, powershell, elvish.";
        DraftOrBundle =>
            "DRAFT_OR_BUNDLE is what `support list` prints.", "DRAFT_OR_BUNDLE er det, `support list` viser.";
        Draft =>
            "DRAFT is what `support preview` and `support list` print.",
            "DRAFT er det, `support preview` og `support list` viser.";
        Bundle =>
            "BUNDLE is what `support create` and `support list` print.",
            "BUNDLE er det, `support create` og `support list` viser.";
    }
}

/// Words that the parser writes around help and has no setting for, in English and Danish.
pub(crate) const AROUND: &[(&str, &str)] = &[
    ("Usage: ", "Brug: "),
    ("[OPTIONS]", "[TILVALG]"),
    ("<COMMAND>", "<KOMMANDO>"),
    ("[COMMAND]", "[KOMMANDO]"),
    ("\nCommands:\n", "\nKommandoer:\n"),
    ("\nArguments:\n", "\nArgumenter:\n"),
    ("\nOptions:\n", "\nTilvalg:\n"),
    ("Print help (see more with '--help')", "Vis hjælp (mere med '--help')"),
    ("Print help (see a summary with '-h')", "Vis hjælp (i kort form med '-h')"),
    ("Print help for the subcommand(s)", "Vis hjælp til kommandoen"),
    ("Print help\n", "Vis hjælp\n"),
    ("Print version\n", "Vis version\n"),
    (
        "Print this message or the help of the given subcommand(s)",
        "Vis denne tekst eller hjælp til en kommando",
    ),
    ("Possible values:\n", "Mulige værdier:\n"),
    ("[possible values: ", "[mulige værdier: "),
    ("[default: ", "[standard: "),
];

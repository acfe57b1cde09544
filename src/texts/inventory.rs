//! The texts of `catalog`.

agent::texts! {
    /// Headings and what stands beside values.
    pub(crate) enum Say {
        Begins { hash: protocol::Digest } =>
            "# Data inventory\n\nCatalog {hash}. Nothing else can be collected; nothing is before the clinic says yes.\n\n\
             ## What is kept and sent\n\n\
             | no. | name | kind | what | why | values | time | flag | owner | until |\n",
            "# Datafortegnelse\n\nKatalog {hash}. Intet andet kan indsamles, og intet indsamles, før klinikken siger ja.\n\n\
             ## Hvad der opbevares og sendes\n\n\
             | nr. | navn | art | hvad | hvorfor | værdier | tid | samtykke | ansvarlig | til |\n";
        Reported =>
            "\n## What Kathea may report\n\n| name | what | values | kept as |\n",
            "\n## Hvad Kathea må melde\n\n| navn | hvad | værdier | opbevares som |\n";
        Optional => " (optional)", " (valgfri)";
        UpTo { unit: String, bounds: String } => "{unit} up to {bounds}, more", "{unit} op til {bounds}, mere";
    }
}

/// A word of the catalog.
pub(crate) struct Word<'a>(pub(crate) &'a str);

agent::texts! { Word<'_> {
    Self("counter") => "counter", "tæller";
    Self("distribution") => "distribution", "fordeling";
    Self("event") => "event", "hændelse";
    Self("state") => "state", "tilstand";
    Self("month") => "month", "måned";
    Self("week") => "week", "uge";
    Self("day") => "day", "dag";
    Self("hour") => "hour", "time";
    Self("count") => "count", "antal";
    Self("‰ of baseline") => "‰ of baseline", "‰ af udgangsværdien";
    Self("µm or mdeg") => "µm or mdeg", "µm eller mgrad";
    Self("version") => "version", "version";
    Self(other) => "{other}", "{other}", other;
} }

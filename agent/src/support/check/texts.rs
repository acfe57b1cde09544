//! What the checks of this workstation say, in both languages.

use super::facts::Volume;
use crate::html::{Both, size};
use crate::texts::{Language, Text};

/// Bytes as people read them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size(pub(super) u64);

impl Text for Size {
    fn text(&self, language: Language) -> String {
        size(self.0).of(language).clone()
    }
}

crate::texts! { Volume {
    Self::System => "the system", "systemet";
    Self::Scans => "scans", "optagelser";
} }

/// What is calibrated, as it is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named(pub(super) Both<&'static str>);

impl Text for Named {
    fn text(&self, language: Language) -> String {
        (*self.0.of(language)).to_owned()
    }
}

crate::texts! {
    /// What was found.
    pub(super) enum Is {
        Free { free: Size, volume: Volume } => "{free} are free for {volume}", "{free} er ledige til {volume}";
        ClockBefore => "this computer's clock shows a time before 2026", "computerens ur viser en tid før 2026";
        ClockTurned { hours: i64 } =>
            "a log was written {hours} hours in the future: the clock was turned back",
            "en logfil er skrevet {hours} timer ude i fremtiden: uret er stillet tilbage";
        ClockFine => "the clock is plausible", "uret er troværdigt";
        CalibrationAge { name: Named, days: u64 } =>
            "the calibration of {name} is {days} days old",
            "kalibreringen af {name} er {days} dage gammel";
        CalibrationFailed { name: Named } =>
            "the last calibration of {name} did not succeed",
            "den seneste kalibrering af {name} lykkedes ikke";
        ConstancyFailed { tests: String } =>
            "the constancy test failed: {tests}",
            "konstanskontrollen er ikke bestået: {tests}";
        ConstancyOverdue { days: u64 } =>
            "a constancy test is {days} days overdue",
            "en konstanskontrol er {days} dage forsinket";
        ConstancyFine =>
            "the constancy tests are done and passed", "konstanskontrollerne er udført og bestået";
        ErrorRepeated { code: u32, count: u64 } =>
            "error {code} came {count} times in the last logs",
            "fejl {code} er kommet {count} gange i de seneste logfiler";
        NoErrorRepeated => "no error was repeated", "ingen fejl er gentaget";
        FirmwareOld { have: String, need: String } =>
            "the X1 has version {have}, this Kathea needs {need}",
            "X1'eren har version {have}, denne Kathea kræver {need}";
        VersionsFit { have: String } =>
            "Kathea and the X1 ({have}) fit each other",
            "Kathea og X1'eren ({have}) passer sammen";
        NoReset =>
            "the graphics card was not reset this week",
            "grafikkortet er ikke nulstillet i denne uge";
        Resets { count: u64 } =>
            "the graphics card was reset {count} times this week",
            "grafikkortet er nulstillet {count} gange i denne uge";
        NoEncoderErrors => "the encoders count no errors", "encoderne tæller ingen fejl";
        EncodersMoved { count: u64 } =>
            "{count} encoder errors, all in scans in which the patient moved",
            "{count} encoderfejl, alle i optagelser, hvor patienten bevægede sig";
        EncodersStill { count: u64 } =>
            "{count} encoder errors in scans in which the patient kept still: the gantry moves unevenly",
            "{count} encoderfejl i optagelser, hvor patienten stod stille: armen kører ujævnt";
    }
}

crate::texts! {
    /// What to do about it.
    pub(super) enum Remedy {
        Archive =>
            "archive scans or remove what is not needed; a full disk ends reconstructions",
            "arkivér optagelser, eller fjern det unødvendige; en fuld disk afbryder rekonstruktioner";
        SetClock =>
            "set the clock, and let the system keep it right",
            "stil uret, og lad systemet holde det rigtigt";
        Calibrate =>
            "calibrate as the manual of the X1 says; ask support if it fails again",
            "kalibrér som beskrevet i X1'erens manual; spørg support, hvis det mislykkes igen";
        RepeatConstancy =>
            "repeat it with the phantom as the manual says; do not scan patients before it passes",
            "gentag den med fantomet som beskrevet i manualen; optag ingen patienter, før den er bestået";
        DoConstancy => "do it with the phantom", "udfør den med fantomet";
        LookUp { code: u32 } =>
            "look error {code} up in the service manual, and name it to support",
            "slå fejl {code} op i servicemanualen, og oplys den til support";
        Update => "update the X1 with Kathea's service tool", "opdatér X1'eren med Katheas serviceværktøj";
        UpdateDriver =>
            "update the graphics driver, and look for heat and a loose card",
            "opdatér grafikdriveren, og se efter varme og et løst kort";
        HeadSupport =>
            "use the head support, and explain to keep still; the scanner itself is likely well",
            "brug hovedstøtten, og forklar, at man skal stå stille; selve scanneren er sandsynligvis i orden";
        CallService => "call service: belt, bearing or encoder", "tilkald service: rem, leje eller encoder";
    }
}

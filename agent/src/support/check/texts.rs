//! What the checks of this workstation say, in both languages, and what to do about each.
//!
//! A bundle keeps a check in English, with key and arguments; by these [`Is::read`] finds its entry again.

use std::collections::BTreeMap;

use super::facts::{self, Volume};
use crate::html::{Both, both, size};
use crate::texts::{Language, Text};

/// Bytes as people read them.
#[derive(Clone, Debug)]
pub(super) struct Size(Both<String>);

impl Size {
    pub(super) fn of(bytes: u64) -> Self {
        Self(size(bytes))
    }
}

impl Text for Size {
    fn text(&self, language: Language) -> String {
        self.0.of(language).clone()
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

impl Is {
    /// What to do about it, if it is not as it should be.
    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Free { .. } => Some(Remedy::Archive),
            Self::ClockBefore | Self::ClockTurned { .. } => Some(Remedy::SetClock),
            Self::CalibrationAge { .. } | Self::CalibrationFailed { .. } => Some(Remedy::Calibrate),
            Self::ConstancyFailed { .. } => Some(Remedy::RepeatConstancy),
            Self::ConstancyOverdue { .. } => Some(Remedy::DoConstancy),
            Self::ErrorRepeated { code, .. } => Some(Remedy::LookUp { code: *code }),
            Self::FirmwareOld { .. } => Some(Remedy::Update),
            Self::Resets { .. } => Some(Remedy::UpdateDriver),
            Self::EncodersMoved { .. } => Some(Remedy::HeadSupport),
            Self::EncodersStill { .. } => Some(Remedy::CallService),
            Self::ClockFine
            | Self::ConstancyFine
            | Self::NoErrorRepeated
            | Self::VersionsFit { .. }
            | Self::NoReset
            | Self::NoEncoderErrors => None,
        }
    }

    /// The entry of this key with these arguments, as [`Text::key`] and [`Text::arguments`] gave them.
    pub(super) fn read(key: &str, arguments: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name| arguments.get(name).cloned();
        let number = |name| arguments.get(name)?.parse::<u64>().ok();
        let name = || facts::calibration_of(arguments.get("name")?).map(Named);
        Some(match key {
            "free" => Self::Free {
                free: text("free").map(|en| Size(both(en.clone(), en.replace('.', ","))))?,
                volume: [Volume::System, Volume::Scans]
                    .into_iter()
                    .find(|is| Some(is.to_string()) == text("volume"))?,
            },
            "clock_before" => Self::ClockBefore,
            "clock_turned" => Self::ClockTurned { hours: text("hours")?.parse().ok()? },
            "clock_fine" => Self::ClockFine,
            "calibration_age" => Self::CalibrationAge { name: name()?, days: number("days")? },
            "calibration_failed" => Self::CalibrationFailed { name: name()? },
            "constancy_failed" => Self::ConstancyFailed { tests: text("tests")? },
            "constancy_overdue" => Self::ConstancyOverdue { days: number("days")? },
            "constancy_fine" => Self::ConstancyFine,
            "error_repeated" => {
                Self::ErrorRepeated { code: text("code")?.parse().ok()?, count: number("count")? }
            }
            "no_error_repeated" => Self::NoErrorRepeated,
            "firmware_old" => Self::FirmwareOld { have: text("have")?, need: text("need")? },
            "versions_fit" => Self::VersionsFit { have: text("have")? },
            "no_reset" => Self::NoReset,
            "resets" => Self::Resets { count: number("count")? },
            "no_encoder_errors" => Self::NoEncoderErrors,
            "encoders_moved" => Self::EncodersMoved { count: number("count")? },
            "encoders_still" => Self::EncodersStill { count: number("count")? },
            _ => return None,
        })
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

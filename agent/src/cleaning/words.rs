//! Why files were refused and values replaced, in plain Danish and English. A word that is not known here is shown as
//! it is.

use crate::html::{Both, both};

/// Why a file was left out.
pub(crate) fn refusal(name: &str) -> Both<&str> {
    known(REFUSALS, name)
}

/// What was removed or replaced.
pub fn rule(name: &str) -> Both<&str> {
    known(RULES, name)
}

/// The words of `list` for `name`.
pub(crate) fn known<'a>(list: &[(&str, Both<&'static str>)], name: &'a str) -> Both<&'a str> {
    list.iter().find(|(known, _)| *known == name).map_or(both(name, name), |(_, words)| *words)
}

pub(crate) const REFUSALS: &[(&str, Both<&'static str>)] = &[
    ("symbolic_link", both("a link to elsewhere", "en henvisning til et andet sted")),
    ("not_a_file", both("not a file", "ikke en fil")),
    (
        "replaced",
        both("another file took its name while it was read", "en anden fil har overtaget dens navn imens"),
    ),
    ("no_permission", both("it may not be read", "den må ikke læses")),
    ("missing", both("it is not there", "den findes ikke")),
    ("unreadable", both("it cannot be read", "den kan ikke læses")),
    ("empty", both("it is empty", "den er tom")),
    ("other_format", both("neither a scan nor text", "hverken en optagelse eller tekst")),
    (
        "quarantined",
        both(
            "something of a patient would have stayed in it, so it was left out: the rule and the line are named where it \
             was made",
            "noget om en patient ville være blevet stående, så den er udeladt: regel og linje er nævnt, hvor den blev \
             lavet",
        ),
    ),
    ("no_text", both("no line of it is text", "ingen linje er tekst")),
    ("not_dicom", both("not a scan", "ikke en optagelse")),
    ("cut", both("the scan's file is cut off", "optagelsens fil er afkortet")),
    ("structure", both("the scan's file is damaged", "optagelsens fil er beskadiget")),
    ("too_deep", both("nested too deep to be a scan", "for dybt indlejret til at være en optagelse")),
    ("too_many", both("too many attributes for a scan", "for mange attributter til en optagelse")),
    ("too_large", both("too large a header for a scan", "for stor en header til en optagelse")),
    ("fatal", both("reading it needs more memory than any file", "den kræver mere hukommelse end nogen fil")),
    ("damaged_program", both("the program's file is damaged", "programfilen er beskadiget")),
    ("program_too_large", both("the program is larger than 2 GiB", "programmet er større end 2 GiB")),
    ("deflate", both("the compressed part is damaged", "den komprimerede del er beskadiget")),
];

pub(crate) const RULES: &[(&str, Both<&'static str>)] = &[
    ("learned_name", both("Names of patients and staff", "Navne på patienter og personale")),
    ("learned_id", both("Patients' numbers", "Patientnumre")),
    ("learned_birth_date", both("Birth dates", "Fødselsdatoer")),
    ("learned_phone", both("Patients' telephone numbers", "Patienters telefonnumre")),
    ("learned_email", both("Patients' e-mail addresses", "Patienters e-mailadresser")),
    ("learned_address", both("Patients' addresses", "Patienters adresser")),
    ("learned_clinic", both("Names of clinics", "Navne på klinikker")),
    ("learned_remark", both("Remarks about patients", "Bemærkninger om patienter")),
    ("learned_uid", both("Numbers of examinations, replaced", "Undersøgelsers numre, erstattet")),
    ("date_moved", both("Dates, moved by whole weeks", "Datoer, flyttet hele uger")),
    ("date", both("Dates", "Datoer")),
    ("personal_number", both("Civil registration numbers (CPR)", "CPR-numre")),
    ("long_number", both("Telephone and other long numbers", "Telefonnumre og andre lange numre")),
    ("email", both("E-mail addresses", "E-mailadresser")),
    ("network_address", both("Addresses in the network", "Netværksadresser")),
    ("url", both("Web addresses", "Webadresser")),
    ("path", both("Paths of files and folders", "Stier til filer og mapper")),
    ("uid_mapped", both("Numbers of objects, replaced", "Objektnumre, erstattet")),
    ("guid_mapped", both("Numbers of programs, replaced", "Programnumre, erstattet")),
    ("dicom_dump", both("Printed attributes of scans", "Udskrevne attributter fra optagelser")),
    (
        "key_of_person_or_place",
        both(
            "Values about a person, a place or a computer",
            "Værdier om en person, et sted eller en computer",
        ),
    ),
    ("key_not_listed", both("Values of unknown meaning", "Værdier af ukendt betydning")),
    (
        "outside_vocabulary",
        both("Words that are not Kathea's or the X1's own", "Ord, der ikke er Katheas eller X1'erens egne"),
    ),
    (
        "not_a_number",
        both("Lines of measurements that are not numbers", "Linjer i målinger, der ikke er tal"),
    ),
    ("not_readable", both("Lines that cannot be read", "Linjer, der ikke kan læses")),
    ("replaced", both("Attributes of scans, replaced", "Attributter fra optagelser, erstattet")),
    (
        "not_listed",
        both(
            "Attributes of scans that support does not need",
            "Attributter fra optagelser, som support ikke behøver",
        ),
    ),
    (
        "private",
        both("Attributes of scans by other makers", "Attributter fra optagelser af andre fabrikater"),
    ),
    (
        "names",
        both("Attributes of scans that name a person", "Attributter fra optagelser, der nævner en person"),
    ),
    (
        "unfit",
        both(
            "Attributes of scans with a value that does not fit",
            "Attributter fra optagelser med en værdi, der ikke passer",
        ),
    ),
    (
        "too_long",
        both("Attributes of scans that are too long", "Attributter fra optagelser, der er for lange"),
    ),
    (
        "repeated",
        both("Attributes of scans that come twice", "Attributter fra optagelser, der kommer to gange"),
    ),
];

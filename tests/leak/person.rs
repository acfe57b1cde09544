//! A patient who exists nowhere, and the spellings in which people and programs write who that is.

/// Who is planted.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) family: &'a str,
    pub(crate) given: &'a str,
    pub(crate) id: &'a str,
    pub(crate) accession: &'a str,
    /// Year, month, day.
    pub(crate) born: (&'a str, &'a str, &'a str),
    pub(crate) phone: &'a str,
    pub(crate) street: &'a str,
}

/// In the case's own scans.
pub(crate) const OWN: Person<'_> = Person {
    family: "Østergård-Kjærbye",
    given: "Bjørg Änne",
    id: "050370-4983",
    accession: "ACC-7734021",
    born: ("1970", "03", "05"),
    phone: "61 74 29 53",
    street: "Kragelundvænget 17",
};

/// In a scan beside the case, and in the case's log. The name is made of the product's own words.
pub(crate) const OTHER: Person<'_> = Person {
    family: "Crown",
    given: "Tube",
    id: "7391824",
    accession: "8820416",
    born: ("1958", "11", "23"),
    phone: "48 20 66 91",
    street: "Skovløkken 3",
};

impl Person<'_> {
    pub(crate) fn name(self) -> String {
        format!("{}^{}", self.family, self.given)
    }

    /// The name, as it comes in logs, file names and documents.
    pub(crate) fn names(self) -> Vec<String> {
        let (family, given) = (self.family, self.given);
        let first = given.split(' ').next().unwrap_or(given);
        let spelled = |text: &str| {
            [("æ", "ae"), ("ø", "oe"), ("å", "aa"), ("Æ", "Ae"), ("Ø", "Oe"), ("ä", "ae"), ("Ä", "Ae")]
                .iter()
                .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let bare = |text: &str| {
            [("æ", "a"), ("ø", "o"), ("å", "a"), ("Æ", "A"), ("Ø", "O"), ("ä", "a"), ("Ä", "A")]
                .iter()
                .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let escaped = |text: &str, by: &dyn Fn(char) -> String| {
            text.chars().map(|c| if c.is_ascii() { c.to_string() } else { by(c) }).collect::<String>()
        };
        let octets = |mark: char, text: &str| {
            escaped(text, &|c| {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().map(|byte| format!("{mark}{byte:02X}")).collect()
            })
        };
        vec![
            self.name(),
            format!("{given} {family}"),
            format!("{family}, {given}"),
            format!("{given} {family}").to_uppercase(),
            format!("{given} {family}").to_lowercase(),
            spelled(&format!("{first} {family}")),
            bare(&format!("{first} {family}")),
            spelled(family).replace('-', ""),
            format!("{first}_{family}"),
            format!("{first}{family}"),
            format!("{}. {family}", first.chars().next().unwrap_or('x')),
            format!("{family}s"),
            format!("{}.{}", spelled(first), spelled(family)).to_lowercase(),
            escaped(family, &|c| format!("\\u{:04x}", u32::from(c))),
            escaped(family, &|c| format!("&#{};", u32::from(c))),
            escaped(family, &|c| format!("&#x{:x};", u32::from(c))),
            octets('%', family),
            octets('=', family),
            family.chars().map(|c| format!("{c} ")).collect::<String>(),
        ]
    }

    /// The numbers and days.
    pub(crate) fn numbers(self) -> Vec<String> {
        let (year, month, day) = self.born;
        let short = year.get(2..).unwrap_or(year);
        let id = self.id.replace('-', "");
        vec![
            self.id.to_owned(),
            id.clone(),
            self.id.replace('-', " "),
            format!(
                "{} {}",
                id.get(..id.len() / 2).unwrap_or_default(),
                id.get(id.len() / 2..).unwrap_or_default()
            ),
            self.accession.to_owned(),
            self.phone.to_owned(),
            self.phone.replace(' ', ""),
            format!("+45 {}", self.phone),
            self.phone.replace(' ', "-"),
            format!("{year}-{month}-{day}"),
            format!("{year}{month}{day}"),
            format!("{day}-{month}-{year}"),
            format!("{day}.{month}.{year}"),
            format!("{}/{}/{year}", day.trim_start_matches('0'), month.trim_start_matches('0')),
            format!("{day}{month}{short}"),
            format!("{short}{month}{day}"),
            format!("{month}/{day}/{year}"),
        ]
    }

    /// What must be found nowhere: letters and digits only, as [`plain`] makes them.
    pub(crate) fn needles(self) -> Vec<String> {
        let (year, month, day) = self.born;
        let mut needles: Vec<String> = self
            .family
            .split('-')
            .chain(self.given.split(' '))
            .chain([self.id, self.accession, self.phone])
            .chain(self.street.split(' ').take(1))
            .map(plain)
            .collect();
        needles.extend([format!("{year}{month}{day}"), format!("{day}{month}{year}")]);
        needles
    }
}

/// A text as it is searched here: small letters without marks, digits, nothing between them. Written apart from
/// the product, so that they share no mistake.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            'æ' | 'ä' => plain.push('a'),
            'ø' | 'ö' => plain.push('o'),
            'å' => plain.push('a'),
            _ if character.is_ascii_alphanumeric() => plain.push(character),
            _ => {}
        }
    }
    ["ae", "aa"].iter().fold(plain, |text, pair| text.replace(pair, "a")).replace("oe", "o")
}

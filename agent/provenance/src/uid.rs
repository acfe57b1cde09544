//! What an object identifier looks like (DICOM PS3.5, section 9.1), for the literals of a program and for the logs.

/// Characters of the shortest that is taken for one.
const SHORTEST: usize = 10;
/// Numbers of one that is no version.
const NUMBERS: usize = 5;

/// How many numbers a UID has: digits and points, from one of the three roots, four numbers or more. `None` for what is none.
pub fn uid_numbers(word: &str) -> Option<usize> {
    let (root, rest) = word.split_once('.')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_uid = ["0", "1", "2"].contains(&root) && word.len() >= SHORTEST && rest.split('.').all(is_number);
    Some(1 + rest.split('.').count()).filter(|numbers| is_uid && *numbers >= NUMBERS - 1)
}

/// Whether `word` is a UID that is no version of four numbers.
pub fn is_uid(word: &str) -> bool {
    uid_numbers(word).is_some_and(|numbers| numbers >= NUMBERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_points_from_a_root_are_a_uid() {
        for (word, numbers) in [
            ("1.2.276.0.7230010.3.0.3.6.7", Some(10)),
            ("2.25.123456789", None),
            ("1.2.3.45678", Some(4)),
            ("1.2.3.4.5", None),
            ("3.2.840.10008.1", None),
            ("10.2.840.10008.1", None),
            ("1..2.3.4.5.6.7", None),
            ("1.2.840.10008.x", None),
            ("1.2.840.10008.", None),
            ("", None),
        ] {
            assert_eq!(uid_numbers(word), numbers, "{word}");
        }
        assert!(is_uid("1.2.276.0.7230010") && !is_uid("1.2.3.45678"));
    }
}

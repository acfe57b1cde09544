//! The shape of a value that a vendor gives, such as a serial number: `X1-######`.

/// Whether `text` has the shape: `#` is any digit, `@` any capital, and every other sign itself.
pub fn has_shape(shape: &str, text: &str) -> bool {
    let fits = |(wanted, found): (char, char)| match wanted {
        '#' => found.is_ascii_digit(),
        '@' => found.is_ascii_uppercase(),
        other => other == found,
    };
    shape.chars().count() == text.chars().count() && shape.chars().zip(text.chars()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_capitals_vary_and_nothing_else() {
        for text in ["X1-000123", "X1-999999"] {
            assert!(has_shape("X1-######", text), "{text}");
        }
        for text in ["X1-00012", "X1-0001234", "X2-000123", "x1-000123", "X1-00012a", "X1-00012\u{663}", ""] {
            assert!(!has_shape("X1-######", text), "{text}");
        }
        assert!(has_shape("@-@####", "T-D1213") && !has_shape("@-@####", "T-d1213"));
    }
}

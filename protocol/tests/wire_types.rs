//! Serde attributes that bincode encodes but cannot decode stay out of the wire's types.

const FORBIDDEN: &[&str] = &["skip", "untagged", "flatten", "serde(tag", "serde(default"];

fn offences(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter(|line| {
            line.trim_start().starts_with("#[serde") && FORBIDDEN.iter().any(|word| line.contains(word))
        })
        .collect()
}

#[test]
fn wire_types_have_no_attribute_that_bincode_cannot_read_back() {
    for source in [include_str!("../src/envelope/v1.rs"), include_str!("../src/identity.rs")] {
        assert_eq!(offences(source), Vec::<&str>::new());
    }
    assert_eq!(offences("    #[serde(default, skip_serializing_if = \"Option::is_none\")]").len(), 1);
}

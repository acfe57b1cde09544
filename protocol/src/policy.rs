//! The texts of the policies that are known on both sides of the border: what a consent's hash of a policy stands for.

/// Id and TOML text of each.
pub const POLICIES: &[(&str, &str)] = &[
    ("copenhagen-imaging", include_str!("../policies/copenhagen-imaging.toml")),
    ("novo-imaging", include_str!("../policies/novo-imaging.toml")),
];

//! Digests that make a damaged row visible: a sum over the columns of one row, and the chain from one stored
//! envelope to the next in its stream.

use protocol::Digest;

/// One column of a row, as it is summed: a tag, a length where it varies, the value.
pub(crate) enum Column<'a> {
    /// An integer.
    Int(i64),
    /// An integer, or NULL.
    Maybe(Option<i64>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Bytes, or NULL.
    MaybeBytes(Option<&'a [u8]>),
    /// Text.
    Text(&'a str),
    /// Text, or NULL.
    MaybeText(Option<&'a str>),
}

/// Digest of the columns of a row of `table`. Rows of two tables never have the same sum.
pub(crate) fn sum(table: &str, columns: &[Column<'_>]) -> Digest {
    // Digested in one go: an update for each column costs more than the digest.
    let mut all = Vec::with_capacity(512);
    let mut add = |tag: u8, bytes: &[u8]| {
        all.push(tag);
        all.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        all.extend_from_slice(bytes);
    };
    add(b'T', table.as_bytes());
    for column in columns {
        match column {
            Column::Int(value) | Column::Maybe(Some(value)) => add(b'i', &value.to_le_bytes()),
            Column::Bytes(value) | Column::MaybeBytes(Some(value)) => add(b'b', value),
            Column::Text(value) | Column::MaybeText(Some(value)) => add(b't', value.as_bytes()),
            Column::Maybe(None) | Column::MaybeBytes(None) | Column::MaybeText(None) => add(b'n', &[]),
        }
    }
    Digest::of(&all)
}

/// The first digest of every chain.
pub(crate) const START: Digest = Digest::from_bytes([0; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_do_not_run_into_each_other() {
        let sums = [
            sum("a", &[Column::Text("b"), Column::Text("c")]),
            sum("a", &[Column::Text("bc"), Column::Text("")]),
            sum("ab", &[Column::Text(""), Column::Text("c")]),
            sum("a", &[Column::Bytes(b"b"), Column::Text("c")]),
            sum("a", &[Column::MaybeText(None), Column::Text("c")]),
            sum("a", &[Column::Maybe(Some(0)), Column::Text("c")]),
            sum("a", &[Column::Maybe(None), Column::Text("c")]),
        ];
        for (at, one) in sums.iter().enumerate() {
            let same = sums.iter().filter(|other| one == *other).count();
            assert_eq!(same, if at == 4 || at == 6 { 2 } else { 1 }, "{at}");
        }
    }
}

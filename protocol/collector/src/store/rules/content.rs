//! What the records of a batch say, as one digest: independent of how the sender compressed or split them
//! into columns, and of the gaps that it declared beside them.

use protocol::{Batch, Digest, Value};
use ring::digest::{Context, SHA256};

/// Digest of purpose, catalog, consent, epoch, first number and every record. A device that lost a reply sends
/// the same range again, perhaps with gaps that it knows of only now or compressed by a newer version: that is
/// the same content.
pub(crate) fn digest(batch: &Batch) -> Digest {
    let mut bytes = Vec::with_capacity(64 + batch.records.len() * 64);
    let header = &batch.header;
    bytes.extend_from_slice(header.purpose.as_str().as_bytes());
    bytes.extend_from_slice(&(header.agent.len() as u64).to_le_bytes());
    bytes.extend_from_slice(header.agent.as_bytes());
    bytes.extend_from_slice(&header.catalog.to_bytes());
    bytes.extend_from_slice(&header.consent.to_bytes());
    bytes.extend_from_slice(header.retention.as_str().as_bytes());
    bytes.extend_from_slice(&batch.epoch.to_bytes());
    bytes.extend_from_slice(&batch.lo.to_le_bytes());
    let mut context = Context::new(&SHA256);
    for record in &batch.records {
        bytes.extend_from_slice(&record.entry.to_le_bytes());
        bytes.extend_from_slice(&record.at.to_le_bytes());
        numbers(&mut bytes, 0, &record.attributes);
        match &record.value {
            Value::Plain => bytes.push(1),
            Value::Count(count) => numbers(&mut bytes, 2, &[*count]),
            Value::Buckets(counts) => numbers(&mut bytes, 3, counts),
        }
        if bytes.len() > 1 << 16 {
            context.update(&bytes);
            bytes.clear();
        }
    }
    context.update(&bytes);
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Digest::from_bytes(out)
}

fn numbers(bytes: &mut Vec<u8>, tag: u8, numbers: &[u64]) {
    bytes.extend_from_slice(&[tag, numbers.len() as u8]);
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use protocol::Reason;

    use super::*;
    use crate::store::testing::{batch, epoch, gap};

    #[test]
    fn gaps_change_nothing_and_every_number_does() {
        let first = batch(epoch(1, 0), 0, 4);
        let mut same = first.clone();
        same.gaps = vec![gap(epoch(1, 0), 9, 9, Reason::Quota)];
        assert_eq!(digest(&first), digest(&same));
        let change = |change: fn(&mut Batch)| {
            let mut other = first.clone();
            change(&mut other);
            assert_ne!(digest(&first), digest(&other));
        };
        change(|batch| batch.records[2].at += 1);
        change(|batch| batch.records[4].attributes[3] += 1);
        change(|batch| batch.records[0].value = Value::Count(0));
        change(|batch| batch.lo += 1);
        change(|batch| batch.header.agent.push('x'));
        change(|batch| drop(batch.records.pop()));
    }
}

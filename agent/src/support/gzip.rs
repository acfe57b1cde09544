//! gzip by several threads: blocks of a stream are compressed beside each other and written in their order.
//!
//! ```text
//! who fills -> block -> compressor 0 or 1 -> who writes: encryption, digest, disk
//! ```
//!
//! The blocks are one stream of DEFLATE (RFC 1951): each ends at a whole byte, the last one ends the stream. So what comes
//! out is one member of gzip (RFC 1952), which every reader opens. Memory is that of a few blocks. The threads have the
//! priority of the one that starts them.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// Bytes that are compressed at once.
const BLOCK: usize = 256 << 10;
/// Threads that compress.
const COMPRESSORS: usize = 2;
/// Of nine. The first leaves half as much again of logs and traces, the third takes a quarter longer for a twentieth less.
const LEVEL: Compression = Compression::new(2);
/// Method 8, no flags, no time, compressed fast, on any system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// A part of the stream, and whether it is the last.
struct Block {
    bytes: Vec<u8>,
    is_last: bool,
}

/// The same, compressed, with the sum over what it was.
struct Packed {
    bytes: Vec<u8>,
    crc: Hasher,
    length: usize,
    is_last: bool,
}

/// Takes the stream.
pub(super) struct Input {
    to: Vec<SyncSender<Block>>,
    next: usize,
    block: Vec<u8>,
}

/// Compresses to `out` what `fill` writes.
///
/// # Errors
/// Those of `fill` and of `out`.
pub(super) fn gzip<W: Write + Send, E: From<io::Error>>(
    out: W,
    fill: impl FnOnce(&mut Input) -> Result<(), E>,
) -> Result<W, E> {
    thread::scope(|scope| {
        let (mut to, mut from) = (Vec::new(), Vec::new());
        for _ in 0..COMPRESSORS {
            let (block, blocks) = sync_channel(1);
            let (packed, all) = sync_channel(1);
            thread::Builder::new().spawn_scoped(scope, move || compress(&blocks, &packed))?;
            to.push(block);
            from.push(all);
        }
        let writing = thread::Builder::new().spawn_scoped(scope, move || write(out, &from))?;
        let mut input = Input { to, next: 0, block: Vec::with_capacity(BLOCK) };
        let filled = fill(&mut input).and_then(|()| input.send(true).map_err(E::from));
        // Without it whoever waits for a block ends.
        drop(input);
        let written = writing.join().map_err(|_| io::Error::from(ErrorKind::Other))?;
        match (filled, written) {
            // What the disk refuses shows to who fills as a channel that is closed.
            (_, Err(error)) => Err(error.into()),
            (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(out)) => out.ok_or_else(closed).map_err(E::from),
        }
    })
}

impl Input {
    fn send(&mut self, is_last: bool) -> io::Result<()> {
        let bytes = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let to = self.to.get(self.next % COMPRESSORS).ok_or_else(closed)?;
        self.next += 1;
        to.send(Block { bytes, is_last }).map_err(|_| closed())
    }
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.send(false)?;
        }
        let (taken, _) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
        self.block.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn closed() -> io::Error {
    ErrorKind::BrokenPipe.into()
}

/// Compresses every block for itself, so that none waits for another.
fn compress(blocks: &Receiver<Block>, packed: &SyncSender<io::Result<Packed>>) {
    let mut compress = Compress::new(LEVEL, false);
    for block in blocks {
        if packed.send(pack(&mut compress, &block)).is_err() {
            return;
        }
    }
}

fn pack(compress: &mut Compress, block: &Block) -> io::Result<Packed> {
    compress.reset();
    let flush = if block.is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut bytes = Vec::with_capacity(block.bytes.len() / 2 + 1024);
    loop {
        let taken = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = block.bytes.get(taken..).unwrap_or_default();
        compress.compress_vec(rest, &mut bytes, flush)?;
        // A buffer that is not full has all of it.
        if bytes.len() < bytes.capacity() {
            break;
        }
        bytes.reserve(BLOCK / 4);
    }
    // With the processor's instructions: that of zlib-rs takes 0.8 s for a gibibyte.
    let mut crc = Hasher::new();
    crc.update(&block.bytes);
    Ok(Packed { bytes, crc, length: block.bytes.len(), is_last: block.is_last })
}

/// Writes the blocks in their order. `None` if the last one never came.
fn write<W: Write>(mut out: W, from: &[Receiver<io::Result<Packed>>]) -> io::Result<Option<W>> {
    let (mut whole, mut total) = (Hasher::new(), 0_u32);
    out.write_all(&HEADER)?;
    for packed in from.iter().cycle() {
        let Ok(packed) = packed.recv() else { return Ok(None) };
        let Packed { bytes, crc, length, is_last } = packed?;
        whole.combine(&crc);
        total = total.wrapping_add(length as u32);
        out.write_all(&bytes)?;
        if is_last {
            break;
        }
    }
    out.write_all(&whole.finalize().to_le_bytes())?;
    // Modulo 2^32.
    out.write_all(&total.to_le_bytes())?;
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use test_support::Random;

    use super::*;

    /// Bytes of which some come again and some do not.
    fn bytes(length: usize) -> Vec<u8> {
        let mut random = Random::new(7);
        (0..length).map(|at| if at % 5000 < 2000 { random.next() as u8 } else { b'x' }).collect()
    }

    #[test]
    fn every_length_comes_out_as_one_member_that_any_reader_opens() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 17] {
            let text = bytes(length);
            let fill = |input: &mut Input| text.chunks(70_001).try_for_each(|part| input.write_all(part));
            let packed = gzip(Vec::new(), fill).unwrap();
            let (mut opened, mut reader) = (Vec::new(), GzDecoder::new(packed.as_slice()));
            reader.read_to_end(&mut opened).unwrap();
            assert!(opened == text, "{length} bytes came out as {}", opened.len());
            assert!(reader.into_inner().is_empty(), "something follows the member of {length} bytes");
        }
    }

    #[test]
    fn two_compressors_give_the_bytes_that_one_gives_and_the_sum_of_another_library() {
        let text = bytes(5 * BLOCK + 17);
        let (mut one, mut compress) = (HEADER.to_vec(), Compress::new(LEVEL, false));
        for (number, part) in text.chunks(BLOCK).enumerate() {
            let block = Block { bytes: part.to_vec(), is_last: (number + 1) * BLOCK > text.len() };
            one.extend(pack(&mut compress, &block).unwrap().bytes);
        }
        let mut sum = flate2::Crc::new();
        sum.update(&text);
        one.extend([sum.sum().to_le_bytes(), sum.amount().to_le_bytes()].concat());
        assert!(gzip(Vec::new(), |input| input.write_all(&text)).unwrap() == one);
    }

    /// What no packer makes shorter: every block is longer than its buffer at first.
    #[test]
    fn bytes_without_order_come_out_whole() {
        let mut random = Random::new(9);
        let text: Vec<u8> = (0..3 * BLOCK).map(|_| random.next() as u8).collect();
        let packed = gzip(Vec::new(), |input| input.write_all(&text)).unwrap();
        let mut opened = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut opened).unwrap();
        assert!(opened == text && packed.len() < text.len() + 8192, "{}", packed.len());
    }

    /// Takes so many bytes and no more.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whatever_fails_is_what_is_said() {
        let text = bytes(20 * BLOCK);
        let refused = gzip(Full(100_000), |input| input.write_all(&text)).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        let stopped = gzip(Vec::new(), |input| {
            input.write_all(&text)?;
            Err(io::Error::from(ErrorKind::Interrupted))
        });
        assert_eq!(stopped.err().unwrap().kind(), ErrorKind::Interrupted);
    }
}

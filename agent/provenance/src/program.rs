//! Which bytes of a program hold its literals: sections with data that no processor executes.
//!
//! Headers are parsed by the crate `object`, without its symbol tables; what the sections hold is read in small pieces.

use std::io::{Read, Seek, SeekFrom};

use object::pe::{self, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::elf::{FileHeader, SectionHeader};
use object::read::pe::ImageNtHeaders;
use object::{Endianness, FileKind, LittleEndian, ReadCache, ReadRef, elf};

use crate::dotnet;
use crate::runs::Runs;
use crate::text::{FILE_BYTES, Refused, Text};

/// Where bytes lie in a file.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// The literals of an ELF file.
pub(crate) fn elf(mut file: impl Read + Seek, take: &mut dyn FnMut(Text<'_>)) -> Result<(), Refused> {
    let places = {
        let cache = ReadCache::new(&mut file);
        match FileKind::parse(&cache) {
            Ok(FileKind::Elf32) => elf_places::<elf::FileHeader32<Endianness>, _>(&cache),
            Ok(FileKind::Elf64) => elf_places::<elf::FileHeader64<Endianness>, _>(&cache),
            _ => return Err(Refused::Damaged),
        }
        .ok_or(Refused::Damaged)?
    };
    for place in places {
        scan(&mut file, place, take)?;
    }
    Ok(())
}

fn elf_places<'d, H: FileHeader<Endian = Endianness>, R: ReadRef<'d>>(data: R) -> Option<Vec<Place>> {
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    // A count of 0 may stand for one in the first section, without a bound.
    if header.e_shnum(endian) == 0 {
        return None;
    }
    let sections = header.section_headers(endian, data).ok()?;
    let is_data = |section: &&H::SectionHeader| {
        let flags = section.sh_flags(endian);
        section.sh_type(endian) == elf::SHT_PROGBITS
            && flags.contains(elf::SHF_ALLOC)
            && !flags.contains(elf::SHF_EXECINSTR)
    };
    let place = |section: &H::SectionHeader| Place {
        offset: section.sh_offset(endian).into(),
        bytes: section.sh_size(endian).into(),
    };
    Some(sections.iter().filter(is_data).map(place).collect())
}

/// The literals of a PE file, and of the .NET assembly in it.
pub(crate) fn pe(mut file: impl Read + Seek, take: &mut dyn FnMut(Text<'_>)) -> Result<(), Refused> {
    let (places, metadata) = {
        let cache = ReadCache::new(&mut file);
        match FileKind::parse(&cache) {
            Ok(FileKind::Pe32) => pe_places::<ImageNtHeaders32, _>(&cache),
            Ok(FileKind::Pe64) => pe_places::<ImageNtHeaders64, _>(&cache),
            _ => return Err(Refused::Damaged),
        }
        .ok_or(Refused::Damaged)?
    };
    for place in places {
        scan(&mut file, place, take)?;
    }
    match metadata {
        Some(metadata) => dotnet::heaps(&mut file, metadata, take),
        None => Ok(()),
    }
}

/// Sections of data, and where the metadata of .NET lies.
type PePlaces = (Vec<Place>, Option<Place>);

fn pe_places<'d, H: ImageNtHeaders, R: ReadRef<'d>>(data: R) -> Option<PePlaces> {
    let dos = ImageDosHeader::parse(data).ok()?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, directories) = H::parse(data, &mut offset).ok()?;
    let sections = headers.sections(data, offset).ok()?;
    let places = sections.iter().filter_map(|section| {
        let flags = section.characteristics.get(LittleEndian);
        (!flags.contains(pe::IMAGE_SCN_MEM_EXECUTE)).then(|| Place {
            offset: section.pointer_to_raw_data.get(LittleEndian).into(),
            bytes: section.size_of_raw_data.get(LittleEndian).into(),
        })
    });
    let cli = directories.get(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    let metadata = cli.and_then(|cli| {
        let (offset, size) = sections.pe_file_range_at(cli.virtual_address.get(LittleEndian))?;
        let header = data.read_bytes_at(offset.into(), u64::from(size.min(16))).ok()?;
        let word = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
        // ECMA-335, II.25.3.3: the metadata's address and size follow the sizes and versions.
        let (offset, size) = sections.pe_file_range_at(word(8)?)?;
        Some(Place { offset: offset.into(), bytes: size.min(word(12)?).into() })
    });
    Some((places.collect(), metadata))
}

fn scan(file: &mut (impl Read + Seek), place: Place, take: &mut dyn FnMut(Text<'_>)) -> Result<(), Refused> {
    let mut literal = |text: &str| take(Text::Literal(text));
    let mut runs = Runs::new(&mut literal);
    let mut window = vec![0; Runs::window()];
    file.seek(SeekFrom::Start(place.offset))?;
    let mut section = file.take(place.bytes.min(FILE_BYTES));
    loop {
        let read = section.read(&mut window)?;
        if read == 0 {
            break;
        }
        runs.push(window.get(..read).unwrap_or_default());
    }
    runs.end();
    Ok(())
}

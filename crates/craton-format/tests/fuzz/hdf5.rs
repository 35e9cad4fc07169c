//! HDF5 and netCDF-4 files that another library wrote, with their checksums made right again after the damage.

use crate::exercise::exercise_file;
use crate::machine::{Random, fuzz};
use craton_format::codec::lookup3::lookup3;
use std::path::Path;

/// Structures that end in a checksum, by their first bytes.
const CHECKED: [&[u8]; 16] = [
    b"\x89HDF\r\n\x1a\n",
    b"OHDR",
    b"OCHK",
    b"FRHP",
    b"FHIB",
    b"FHDB",
    b"BTHD",
    b"BTIN",
    b"BTLF",
    b"FAHD",
    b"FADB",
    b"EAHD",
    b"EAIB",
    b"EASB",
    b"EADB",
    b"SMTB",
];
/// No checked structure of the files at hand is longer.
const LONGEST_CHECKED: usize = 4096;

struct Seed {
    name: String,
    bytes: Vec<u8>,
    /// Where a checked structure starts, and where its checksum lies.
    checked: Vec<(usize, usize)>,
}

fn seeds() -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/h5py");
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // The largest files only repeat what the others have.
        if (name.ends_with(".h5") || name.ends_with(".nc")) && !name.starts_with("many") {
            let bytes = std::fs::read(&path).unwrap();
            let checked = checked_structures(&bytes);
            seeds.push(Seed {
                name,
                bytes,
                checked,
            });
        }
    }
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    seeds
}

/// Structures whose length is known by the checksum that fits.
fn checked_structures(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for start in 0..bytes.len() {
        if !CHECKED
            .iter()
            .any(|signature| bytes[start..].starts_with(signature))
        {
            continue;
        }
        let last = (start + LONGEST_CHECKED).min(bytes.len() - 4);
        let end = (start + 4..=last).find(|end| {
            let stored =
                u32::from_le_bytes([bytes[*end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]);
            stored != 0 && lookup3(&bytes[start..*end]) == stored
        });
        found.extend(end.map(|end| (start, end)));
    }
    found
}

fn damaged(seed: &Seed, random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.bytes.clone();
    let reach = bytes.len();
    for _ in 0..=random.below(6) {
        // Most of the damage goes where the structures are.
        let (start, end) = match random.below(4) {
            0 => (0, reach),
            1 => (0, reach.min(1500)),
            _ if seed.checked.is_empty() => (0, reach),
            _ => seed.checked[random.below(seed.checked.len())],
        };
        let at = start + random.below(end - start);
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
            2 => bytes[at] = random.next() as u8,
            _ => bytes[at] = [0, 1, 2, 0x7f, 0xff][random.below(5)],
        }
    }
    if random.below(8) != 0 {
        // Inner structures first would be right if they nested; they do not.
        for (start, end) in &seed.checked {
            let checksum = lookup3(&bytes[*start..*end]);
            bytes[*end..end + 4].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    if random.below(8) == 0 {
        bytes.truncate(random.below(reach));
    }
    bytes
}

#[test]
fn hdf5_files() {
    let seeds = seeds();
    for seed in &seeds {
        assert!(
            exercise_file(&seed.name, seed.bytes.clone()) > 0,
            "{}",
            seed.name
        );
    }
    let checked: usize = seeds.iter().map(|seed| seed.checked.len()).sum();
    assert!(
        checked > 50,
        "{checked} structures with checksums were found"
    );
    fuzz("hdf5_files", 1500, |random| {
        let seed = &seeds[random.below(seeds.len())];
        exercise_file(&seed.name, damaged(seed, random));
    });
}

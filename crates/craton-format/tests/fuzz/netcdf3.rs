//! Classic netCDF files of the three versions.

use crate::exercise::exercise_file;
use crate::machine::{damage, fuzz};

/// Writes numbers as wide as a version has them.
struct Writer {
    bytes: Vec<u8>,
    version: u8,
}

impl Writer {
    fn tag(&mut self, tag: u32) {
        self.bytes.extend(tag.to_be_bytes());
    }

    fn count(&mut self, count: u64) {
        match self.version {
            5 => self.bytes.extend(count.to_be_bytes()),
            _ => self.bytes.extend((count as u32).to_be_bytes()),
        }
    }

    fn offset(&mut self, offset: u64) {
        match self.version {
            1 => self.bytes.extend((offset as u32).to_be_bytes()),
            _ => self.bytes.extend(offset.to_be_bytes()),
        }
    }

    fn name(&mut self, name: &str) {
        self.count(name.len() as u64);
        self.padded(name.as_bytes());
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn attributes(&mut self) {
        self.tag(0x0c);
        self.count(2);
        for (name, kind, bytes) in [
            ("units", 2, &b"days since 2000-01-01"[..]),
            ("range", 4, &[0, 0, 0, 1, 0, 0, 0, 9]),
        ] {
            self.name(name);
            self.tag(kind);
            self.count(if kind == 2 {
                bytes.len() as u64
            } else {
                bytes.len() as u64 / 4
            });
            self.padded(bytes);
        }
    }
}

/// A file with a growing dimension, two record variables and two fixed ones.
fn file(version: u8) -> Vec<u8> {
    let mut out = Writer {
        bytes: vec![b'C', b'D', b'F', version],
        version,
    };
    let begin = 1024;
    out.count(3);
    out.tag(0x0a);
    out.count(3);
    for (name, length) in [("time", 0), ("y", 3), ("letters", 5)] {
        out.name(name);
        out.count(length);
    }
    out.attributes();
    out.tag(0x0b);
    out.count(4);
    let variables: [(&str, &[u64], u32, u64, u64); 4] = [
        ("fixed", &[1], 6, 24, begin),
        ("texts", &[1, 2], 2, 15, begin + 24),
        ("record", &[0, 1], 3, 8, begin + 40),
        ("time", &[0], 4, 4, begin + 48),
    ];
    for (name, axes, kind, size, begin) in variables {
        out.name(name);
        out.count(axes.len() as u64);
        axes.iter().for_each(|axis| out.count(*axis));
        out.attributes();
        out.tag(kind);
        out.count(size);
        out.offset(begin);
    }
    assert!(out.bytes.len() < begin as usize);
    out.bytes.resize(begin as usize + 40 + 3 * 12, 7);
    out.bytes
}

#[test]
fn netcdf3_files() {
    let files: Vec<Vec<u8>> = [1, 2, 5].into_iter().map(file).collect();
    for good in &files {
        assert!(exercise_file("a.nc", good.clone()) >= 4);
    }
    fuzz("netcdf3_files", 6000, |random| {
        let good = &files[random.below(3)];
        // The header is where the rules are.
        let header = if random.below(4) == 0 {
            good.len()
        } else {
            900
        };
        let mut bad = damage(&good[..header], &[], random);
        bad.extend(&good[header..]);
        exercise_file("a.nc", bad);
    });
}

//! Seeded fuzzing: the same damage on every machine, for some rounds or for as long as asked.
//!
//! `CRATON_FUZZ_SECONDS` lets every fuzz test run for so long, `CRATON_FUZZ_SEED` is the number of the first round. A
//! failure names its round; starting there shows it again at once.

use std::time::Instant;

/// No round takes more processor time than this, in any build.
const LONGEST_ROUND: f64 = 10.0;

/// A small generator, so that every run is the same.
pub struct Random(u64);

impl Random {
    /// The generator of one round.
    pub fn of_round(round: u64) -> Self {
        // Neighbouring rounds must not begin alike; this mixing is SplitMix64's.
        let mut mixed = round.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// Damages bytes: flips, cuts, repeats, removes, sets extremes, or puts `pieces` that mean something in place of a word.
pub fn damage(bytes: &[u8], pieces: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bad = bytes.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bad.len());
        let kinds = if pieces.is_empty() { 7 } else { 12 };
        match random.below(kinds) {
            _ if bad.is_empty() => bad.push(random.next() as u8),
            0 => bad.truncate(at),
            1 => bad[at] = random.next() as u8,
            2 => bad[at] ^= 1 << random.below(8),
            3 => bad[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
            4 => bad[at..].iter_mut().take(4).for_each(|byte| *byte = 0),
            5 => {
                bad.remove(at);
            }
            6 => {
                let end = (at + 1 + random.below(16)).min(bad.len());
                let part = bad[at..end].to_vec();
                bad.splice(at..at, part);
            }
            _ => {
                let (start, end) = word_at(&bad, at);
                bad.splice(start..end, random.of(pieces).bytes());
            }
        }
    }
    bad
}

/// Where the number or word around `at` begins and ends.
fn word_at(bytes: &[u8], at: usize) -> (usize, usize) {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+._<>|".contains(byte);
    let before = bytes[..at].iter().rev().take_while(|byte| belongs(byte));
    let after = bytes[at..].iter().take_while(|byte| belongs(byte));
    (at - before.count(), at + after.count())
}

/// Runs `work` for `rounds` rounds, or for `CRATON_FUZZ_SECONDS`, and says what it did.
pub fn fuzz(name: &str, rounds: u64, mut work: impl FnMut(&mut Random)) {
    let seconds: Option<f64> = number_in("CRATON_FUZZ_SECONDS");
    let first: u64 = number_in("CRATON_FUZZ_SEED").unwrap_or(0);
    let (start, start_of_work) = (Instant::now(), processor_seconds());
    let mut round = first;
    let mut longest = 0.0_f64;
    while match seconds {
        Some(seconds) => start.elapsed().as_secs_f64() < seconds,
        None => round - first < rounds,
    } {
        let guard = Guard { name, round };
        let before = processor_seconds();
        work(&mut Random::of_round(round));
        let taken = processor_seconds() - before;
        assert!(taken < LONGEST_ROUND, "the round took {taken} s");
        longest = longest.max(taken);
        drop(guard);
        round += 1;
    }
    println!(
        "fuzz {name}: seed {first}, {} rounds, {:.0} s ({:.0} s of processor time), longest round {longest:.3} s",
        round - first,
        start.elapsed().as_secs_f64(),
        processor_seconds() - start_of_work,
    );
}

fn number_in<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Names the round when a panic passes by.
struct Guard<'a> {
    name: &'a str,
    round: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "fuzz {}: CRATON_FUZZ_SEED={} begins with this failure",
                self.name, self.round
            );
        }
    }
}

/// Seconds that this thread has computed; where the system does not tell, seconds that have passed.
pub fn processor_seconds() -> f64 {
    thread_local!(static BEGIN: Instant = Instant::now());
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(
            || BEGIN.with(|begin| begin.elapsed().as_secs_f64()),
            |nanoseconds| nanoseconds / 1e9,
        )
}

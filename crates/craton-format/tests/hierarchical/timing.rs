//! Figures, on demand: `CRATON_TIMING=folder cargo test --release -- --ignored --nocapture timing`.
//!
//! The folder holds `index_*.h5`, files of many chunks in a dataset `/d`, and any number of small `*.nc`.

use crate::reading::{array, now};
use craton_core::ReadRanges;
use craton_format::hdf5;
use craton_store::LocalStore;
use std::sync::Arc;
use std::time::Instant;

#[test]
#[ignore = "prints figures for files that are not part of the project"]
fn timing_of_indexes_and_opens() {
    let Some(folder) = std::env::var_os("CRATON_TIMING") else {
        return;
    };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let store: Arc<dyn ReadRanges> = Arc::new(LocalStore::new(folder));
    for name in names.iter().filter(|name| name.starts_with("index_")) {
        let start = Instant::now();
        let file = now(hdf5::open(store.clone(), name)).unwrap();
        let opened = start.elapsed();
        let source = array(&file.nodes, "/d").unwrap();
        let index = vec![0; source.meta().shape.len()];
        let start = Instant::now();
        now(source.locate(&index)).unwrap();
        println!(
            "{name}: open {opened:?}, index of {} chunks {:?}",
            source.meta().grid.len(),
            start.elapsed()
        );
    }
    let small: Vec<&String> = names.iter().filter(|name| name.ends_with(".nc")).collect();
    for _ in 0..3 {
        let start = Instant::now();
        for name in &small {
            now(hdf5::open(store.clone(), name)).unwrap();
        }
        println!(
            "{} small files: {:?} each",
            small.len(),
            start.elapsed() / small.len().max(1) as u32
        );
    }
}

//! Evaluates an expression and prints what it cost.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]
use craton::Session;
use craton::evaluate::{Scope, Value, evaluate};
use craton::open::{OpenOptions, Opened, open};

fn main() {
    let mut args = std::env::args().skip(1);
    let expression = args.next().unwrap();
    let memory = std::env::var("MEMORY").ok().and_then(|m| m.parse().ok());
    let start = std::time::Instant::now();
    let session = Session::new(
        std::env::var("THREADS").ok().and_then(|m| m.parse().ok()),
        memory,
    );
    let urls: Vec<String> = args.collect();
    let mut scope = Scope::default();
    match open(&urls, OpenOptions::default(), &session).unwrap() {
        Opened::Dataset(dataset) => scope.insert("ds", Value::Dataset(dataset)),
        Opened::Array(array) => scope.insert("ds", Value::Array(array)),
    }
    println!("opened after {:?}", start.elapsed());
    let value = evaluate(&expression, scope, &session)
        .map_err(|e| println!("{}", e.report()))
        .unwrap();
    if let Value::Array(array) = value {
        let block = array
            .variable
            .values(&session)
            .map_err(|e| println!("{}", e.report()))
            .unwrap();
        let values: Vec<String> = block.scalars().take(8).map(|s| s.to_string()).collect();
        println!(
            "{:?} {} {:?} {}",
            array.dims(),
            block.dtype(),
            block.shape(),
            values.join(" ")
        );
    }
    println!(
        "{:?} after {:?}, peak {} MiB",
        session.metrics(),
        start.elapsed(),
        craton_exec::peak_resident() >> 20
    );
}

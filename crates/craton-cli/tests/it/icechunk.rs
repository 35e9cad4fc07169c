//! `log`, `branch`, `tag` and `reset`, and what `info`, `eval` and `diff` say of versions.

use crate::data::write_weather;
use crate::outcome::{corpus, craton, shown, unpack};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// A repository with two branches and two tags, and the folder that it lies in.
fn repository(name: &str) -> Option<(tempfile::TempDir, String)> {
    let archive = corpus(&format!("real/icechunk/{name}.tar.gz"))?;
    let folder = tempfile::tempdir().unwrap();
    let path = unpack(&archive, folder.path());
    Some((folder, path.to_str().unwrap().to_owned()))
}

fn json_of(arguments: &[&str]) -> Value {
    let text = craton(&[arguments, &["--json"]].concat()).good();
    serde_json::from_str(&text).unwrap()
}

/// What a person sees of several runs.
fn session(runs: &[&[&str]], folder: &Path) -> String {
    let mut text = String::new();
    for arguments in runs {
        let line = arguments.join(" ");
        let line = line.replace(folder.to_str().unwrap(), "[TMP]");
        let outcome = shown(&craton(arguments), folder);
        writeln!(text, "$ craton {line}\n{outcome}").unwrap();
    }
    text
}

#[test]
fn history_and_names_are_shown() {
    let Some((folder, path)) = repository("test-repo-v2") else {
        return;
    };
    let branch = format!("{path}@my-branch");
    let runs: [&[&str]; 7] = [
        &["log", &path],
        &["log", &branch],
        &["branch", &path],
        &["tag", &path],
        &["info", &format!("icechunk+{branch}!/group1")],
        &["log", &format!("{path}@my-brunch")],
        &["log", &format!("{path}/nowhere")],
    ];
    insta::assert_snapshot!("history", session(&runs, folder.path()));
    let log = json_of(&["log", &path]);
    assert_eq!(log[0]["branches"], json!(["main"]));
    assert_eq!(log[0]["parent"], log[1]["id"]);
    assert_eq!(log[0]["message"], "set virtual chunk");
    assert_eq!(json_of(&["branch", &path])["main"], log[0]["id"]);
}

#[test]
fn names_are_made_moved_and_deleted() {
    for name in ["test-repo-v1", "test-repo-v2"] {
        let Some((folder, path)) = repository(name) else {
            return;
        };
        let tagged = format!("{path}@it works!");
        let runs: [&[&str]; 14] = [
            &["branch", &tagged, "fix"],
            &["branch", &tagged, "fix"],
            &["branch", &path, "it works!"],
            &["branch", &path, "--delete", "my-branch"],
            &["branch", &path, "--delete", "my-branch"],
            &["branch", &path, "--delete", "main"],
            &["tag", &path, "v1", "--json"],
            &["tag", &path, "--delete", "it works!", "--json"],
            &["tag", &path, "it works!"],
            &["reset", &path, "main", "fix"],
            &["reset", &path, "main", "fix", "--yes"],
            &["reset", &path, "mian", "fix", "--yes"],
            &["branch", &path],
            &["tag", &path],
        ];
        let text = session(&runs, folder.path()).replace(name, "[REPO]");
        insta::assert_snapshot!(format!("names_{name}"), text);
    }
}

#[test]
fn versions_are_read_and_compared() {
    let Some((folder, path)) = repository("test-repo-v2") else {
        return;
    };
    let at = |version: &str| format!("icechunk+{path}@{version}!/group1/small_chunks");
    let (main, branch) = (at("main"), at("my-branch"));
    assert_eq!(
        json_of(&["eval", "ds", &main])["data"],
        json!([84, 84, 84, 84, 84])
    );
    assert_eq!(
        json_of(&["eval", "ds", &branch])["data"],
        json!([84, 84, 84, 84, 8])
    );
    assert_eq!(craton(&["diff", &main, &main]).code, Some(0));
    assert_eq!(craton(&["diff", &main, &branch]).code, Some(1));
    // A plain path is the branch `main`, and its versions are named with `icechunk+`.
    let plain = format!("{path}!/group1/small_chunks");
    assert_eq!(craton(&["diff", &plain, &main]).code, Some(0));
    let hint = craton(&["info", &format!("{path}@my-branch")]);
    assert!(hint.bad(3).contains("`icechunk+"), "{}", hint.stderr);
    // What lies elsewhere is not read.
    let elsewhere = format!("{path}!/group1/big_chunks");
    let refused = craton(&["eval", "ds.mean()", &elsewhere]);
    assert!(
        refused.bad(9).contains("s3://testbucket"),
        "{}",
        refused.stderr
    );
    // The snapshot that was read stands in the recipe.
    let out = folder.path().join("out.zarr");
    let out = out.to_str().unwrap();
    craton(&["eval", "ds * 2", &branch, "-o", out]).good();
    let metadata = std::fs::read_to_string(format!("{out}/zarr.json")).unwrap();
    assert!(metadata.contains("H7T8YA6KR5TH32F3PS10"), "{metadata}");
}

#[test]
fn results_are_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (source, repository) = (path("w.zarr"), path("results"));
    write_weather(Path::new(&source));
    let branch = format!("icechunk+{repository}");
    craton(&["copy", &source, &branch]).good();
    assert_eq!(craton(&["diff", &source, &repository]).code, Some(0));
    let question = "ds.t2m.mean('time')";
    let shards = ["--chunks", "lat=4,lon=4", "--shards", "lat=8,lon=8"];
    let write = [
        &["eval", question, &source, "-o", &branch, "-m", "a mean"],
        &shards[..],
    ]
    .concat();
    craton(&write).good();
    let outputs = [&source, &repository].map(|input| match input == &source {
        true => json_of(&["eval", question, input]),
        false => json_of(&["eval", "ds.t2m", input]),
    });
    assert_eq!(outputs[0]["data"], outputs[1]["data"]);
    let log = json_of(&["log", &repository]);
    let messages = [&log[0]["message"], &log[1]["message"], &log[2]["message"]];
    assert_eq!(
        messages,
        ["a mean", "craton copy", "Repository initialized"]
    );
    // An error on the way leaves the branch as it was, and an older version is copied out again.
    craton(&["eval", "ds.t2m.mean('tome')", &source, "-o", &branch]).bad(3);
    craton(&["eval", question, &source, "-o", &branch, "--memory", "1KiB"]).bad(7);
    craton(&["eval", question, &source, "-o", &format!("{branch}@v1")]).bad(3);
    craton(&[
        "eval",
        question,
        &source,
        "-o",
        &branch,
        "--append-dim",
        "time",
    ])
    .bad(2);
    craton(&["eval", question, &source, "-o", &path("x.zarr"), "-m", "x"]).bad(2);
    assert_eq!(json_of(&["log", &repository])[0]["id"], log[0]["id"]);
    let (old, out) = (
        format!("{branch}@{}", log[1]["id"].as_str().unwrap()),
        path("out.zarr"),
    );
    craton(&["copy", &old, &out]).good();
    assert_eq!(craton(&["diff", &source, &out]).code, Some(0));
    let metadata = std::fs::read_to_string(format!("{out}/zarr.json")).unwrap();
    assert!(
        metadata.contains(log[1]["id"].as_str().unwrap()),
        "{metadata}"
    );
}

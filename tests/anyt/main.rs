//! Everything that is tested of the client, in one program: the tests' stage (`common`) is compiled and linked once. Each
//! file in this folder is a module here; `cargo test --test anyt conflicts::` runs one of them.

#[path = "../common/mod.rs"]
mod common;

mod attempt_run;
mod attempts;
mod auth;
mod backlog;
mod bad_input;
mod canary;
mod cli_surface;
mod comments;
mod completion;
mod concurrency;
mod conflicts;
mod container;
mod convergence;
mod crash;
mod credentials_store;
mod destruction;
mod directories;
mod docs;
mod doctor;
mod editor;
mod everything;
mod fault_proxy;
mod faults;
mod file_modes;
mod generations;
mod golden;
mod harness;
mod hostile_text;
mod identity;
mod inbox;
mod json_contract;
mod keyring;
mod lists;
mod login;
mod lost_answers;
mod merging;
mod named;
mod newcomer;
mod odd_servers;
mod origins;
mod paging;
#[cfg(target_os = "linux")]
mod passphrase;
mod patience;
mod poison;
mod provisional;
mod regressions;
mod restore;
mod restored_server;
mod scripted_server;
mod served_only;
mod settings;
mod spare_copy;
mod specification;
mod storage;
mod surroundings;
mod terminal;
mod tls;
mod tour;
mod transcripts;
mod undo;
mod unknown;
mod unreadable;
mod unseen;
mod words;
mod workspaces;
mod writes;
mod written;

/// A file that is not listed above would be compiled by nobody, and its tests would be missed by nobody.
#[test]
fn every_file_in_this_folder_is_a_module() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/anyt");
    let listed: Vec<&str> = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("mod ")).collect();
    for entry in std::fs::read_dir(folder).expect("the folder of this file") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let module = name.strip_suffix(".rs").filter(|module| *module != "main");
        let is_listed = module.is_none_or(|module| listed.contains(&format!("{module};").as_str()));
        assert!(is_listed, "tests/anyt/{name} is not a module of tests/anyt/main.rs");
    }
}

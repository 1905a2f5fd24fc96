//! docs/tour.md, word for word: every command of it is run as it stands there, and answers what stands below it. With
//! `TOUR_WRITE=1` the answers are written into the file instead.

use crate::common::{ALICE, BOB, Sandbox, Server};
use std::collections::BTreeMap;
use std::path::Path;

/// The address in the file.
const ADDRESS: &str = "http://127.0.0.1:8000";

/// Runs `line` as `sh` does and gives what is seen of it.
fn answer(person: &Sandbox, line: &str, server: &Server) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_anyt")).parent().expect("a file is in a folder");
    let path = format!("{}:{}", folder.display(), person.env()["PATH"]);
    let line = line.replace(ADDRESS, &server.url());
    let run = person.program(Path::new("/bin/sh"), &["-c", &line]).env("PATH", &path).merged();
    let folders = ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];
    let run = folders.into_iter().fold(run, |run, name| run.without_env(name)).run();
    run.stdout.replace(&server.url(), ADDRESS).replace(&*person.path("home").to_string_lossy(), "~")
}

#[test]
fn the_tour_is_as_it_is_told() {
    let server = Server::start();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md");
    let told = std::fs::read_to_string(&file).expect("the tour");
    let mut people: BTreeMap<String, Sandbox> = BTreeMap::new();
    let (mut seen, mut inside) = (String::new(), false);
    for line in told.lines() {
        let is_fence = line.starts_with("```");
        let command = line.split_once("$ ").filter(|(who, _)| inside && who.chars().all(char::is_alphabetic));
        if is_fence {
            inside = line == "```console";
        }
        // The old answers are left out, and the new ones stand in their place.
        if is_fence || !inside || command.is_some() {
            seen += &format!("{line}\n");
        }
        let Some((who, typed)) = command else { continue };
        let person = people.entry(who.to_string()).or_insert_with(|| {
            let person = Sandbox::new();
            person.write("work/token.txt", if who == "bob" { BOB } else { ALICE });
            person
        });
        seen += &answer(person, typed, &server);
    }
    if std::env::var_os("TOUR_WRITE").is_some() {
        std::fs::write(&file, &seen).expect("the tour can be written");
    }
    for (told, seen) in told.lines().zip(seen.lines()) {
        assert_eq!(told, seen, "docs/tour.md tells it otherwise");
    }
    assert_eq!(told.lines().count(), seen.lines().count());
}

/// The README's transcript is lines of the tour, in their order.
#[test]
fn the_first_screen_is_taken_from_it() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file");
    let (readme, tour) = (read("README.md"), read("docs/tour.md"));
    let mut tour = tour.lines();
    let shown = readme.lines().skip_while(|line| *line != "```console").skip(1).take_while(|line| *line != "```");
    for line in shown {
        assert!(tour.any(|told| told == line), "README.md shows {line:?}, docs/tour.md does not");
    }
}

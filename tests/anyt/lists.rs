//! What lists show: names that are never cut, marks with their meaning, what is left out, and how to find things.

use crate::common::faults::{What, When};
use crate::common::json::{self, Look, Value};
use crate::common::pty::Terminal;
use crate::common::{Dispute, Exit};

/// Nine tasks: DEV-1 depends on DEV-2, DEV-3 is done, DEV-4 has labels and an owner, DEV-5 a change that waits.
fn scene() -> Dispute {
    let dispute = Dispute::about(5);
    let alice = |args: &[&str]| drop(dispute.alice.anyt(args).ok());
    alice(&["task", "dep", "add", "DEV-1", "--on", "DEV-2"]);
    alice(&["task", "done", "DEV-3"]);
    alice(&["task", "update", "DEV-4", "--owner", "alice", "--labels", "ui,Größe", "--status", "active", "-p", "1"]);
    alice(&[
        "task",
        "create",
        "Äpfel pflücken und sehr viele Birnen in einen Korb legen",
        "-d",
        "The LOGIN of bob",
        "-p",
        "-1",
    ]);
    alice(&["task", "create", "E\u{301}tude for the login page", "-p", "-1", "--status", "blocked"]);
    alice(&["task", "create", "\"Quoted\", with a comma", "-p", "-2"]);
    alice(&["sync"]);
    dispute.mine("DEV-5", &["--priority", "2"]);
    dispute
}

fn names(dispute: &Dispute, args: &[&str]) -> Vec<String> {
    let run = dispute.alice.anyt(&[&["task", "list", "--columns", "id", "--no-header"], args].concat()).ok();
    run.stdout.lines().map(str::to_string).collect()
}

#[test]
fn filters_find_what_they_name() {
    let dispute = scene();
    for (args, expected) in [
        (&["--ready"][..], "DEV-5 DEV-4 DEV-2 DEV-6 DEV-8"),
        (&["--blocked"], "DEV-1 DEV-7"),
        (&["--unassigned", "--status", "active,done"], "DEV-3"),
        (&["--search", "äpfel"], "DEV-6"),
        (&["--search", "A\u{308}PFEL"], "DEV-6"),
        (&["--search", "étude"], "DEV-7"),
        (&["--search", "LOGIN"], "DEV-7 DEV-6"),
        (&["--search", "login birnen"], "DEV-6"),
        (&["--search", "login", "--search", "page"], "DEV-7"),
        (&["--search", "login", "--limit", "1", "--offset", "1"], "DEV-6"),
        (&["--search", "bob birnen étude"], ""),
        (&["--updated-since", "1h", "--labels", "ui"], "DEV-4"),
        (&["--pending"], "DEV-5"),
        (&["--sort", "status", "--all"], "DEV-5 DEV-1 DEV-2 DEV-6 DEV-8 DEV-4 DEV-7 DEV-3"),
        (&["--sort", "status", "--order", "desc"], "DEV-7 DEV-4 DEV-5 DEV-1 DEV-2 DEV-6 DEV-8"),
    ] {
        assert_eq!(names(&dispute, args).join(" "), expected, "{args:?}");
    }
    let remote = names(&dispute, &["--search", "ÄPFEL", "--remote"]);
    assert_eq!(remote, ["DEV-6"]);
    let counted = dispute.alice.anyt(&["task", "list", "--search", "login", "--limit", "1", "--json"]).ok().json();
    assert_eq!((counted.int("data.count"), counted.int("data.total")), (1, 2));
}

#[test]
fn a_filter_that_names_what_is_not_there_says_so() {
    let dispute = scene();
    let list = |args: &[&str]| dispute.alice.anyt(&[&["task", "list"], args].concat()).ok();
    let unknown = list(&["--owner", "bobby"]);
    assert!(unknown.stderr.contains("no member 'bobby' is known in DEV; there are: "), "{unknown}");
    let unknown = list(&["--labels", "bgu"]);
    assert!(unknown.stderr.contains("no label 'bgu' is known in DEV"), "{unknown}");
    // Known, and nothing there now.
    for args in
        [&["--owner", "alice", "--status", "done"][..], &["--labels", "ui", "--status", "done"], &["--owner", "bob"]]
    {
        assert_eq!(list(args).stderr, "anyt: warning: no task matches\n");
    }
}

#[test]
fn what_is_left_out_is_said_on_standard_error() {
    let dispute = scene();
    let list = |args: &[&str]| dispute.alice.anyt(&[&["task", "list"], args].concat()).ok();
    let page = list(&["--limit", "2"]);
    assert_eq!((page.stdout_lines().len(), page.stderr.as_str()), (3, "2 of 7 tasks (--limit 0 shows all)\n"));
    for quiet in [&["--limit", "2", "-q"][..], &["--limit", "2", "--json"], &["--limit", "0"], &["--limit", "7"]] {
        assert_eq!(list(quiet).stderr, "", "{quiet:?}");
    }
}

#[test]
fn columns_and_csv() {
    let dispute = scene();
    let list = |args: &[&str]| dispute.alice.anyt(&[&["task", "list"], args].concat());
    let two = list(&["--columns", "title,id", "--search", "quoted"]).ok();
    assert_eq!(two.stdout, "TITLE                   ID\n\"Quoted\", with a comma  DEV-8\n");
    let csv = list(&["--csv", "--columns", "id,title,labels,mark", "--search", "quoted"]).ok();
    assert_eq!(csv.stdout, "id,title,labels,mark\r\nDEV-8,\"\"\"Quoted\"\", with a comma\",,\r\n");
    assert_eq!(list(&["--csv", "--no-header", "--columns", "labels,mark", "--search", "5"]).ok().stdout, ",*\r\n");
    assert_eq!(
        list(&["--csv", "--columns", "labels", "--no-header", "--labels", "ui"]).ok().stdout,
        "\"ui,Größe\"\r\n"
    );
    let unknown = list(&["--columns", "id,colour"]).code(2);
    assert!(unknown.stderr.contains("there is no column 'colour' (there are: id, mark, status"), "{unknown}");
    let json = list(&["--blocked", "--json"]).ok().json();
    assert!(json::to_string(json.at("data.items.0.blocked")) == "true", "{}", json::to_string(&json));
}

/// Names are whole and no line is longer than the terminal, from 30 columns on; from some width on nothing is cut.
#[test]
fn a_list_fits_the_terminal() {
    let dispute = scene();
    dispute.alice.set_env("NO_COLOR", "1");
    let anyt = env!("CARGO_BIN_EXE_anyt");
    for width in [30, 40, 60, 80, 120, 200] {
        let session = Terminal::wide(&dispute.alice, width, &[anyt, "task", "list", "--all"]).end();
        assert_eq!(session.exit, Exit::Code(0));
        let lines: Vec<&str> = session.screen.lines().map(|line| line.trim_end_matches('\r')).collect();
        for (at, line) in lines.iter().enumerate() {
            let columns = anyt::ui::width::columns(line);
            assert!(columns <= usize::from(width) || at == 9, "{columns} at {width}\n{}", session.screen);
        }
        for number in 1..=8 {
            assert!(session.screen.contains(&format!("\nDEV-{number} ")), "{width}\n{}", session.screen);
        }
        assert_eq!(session.screen.contains("viele Birnen in einen Korb legen"), width >= 120, "{}", session.screen);
        assert_eq!(lines[9], "* not sent yet   ! waits for an open task", "{}", session.screen);
        for command in ["board", "summary", "next"] {
            let session = Terminal::wide(&dispute.alice, width, &[anyt, command]).end();
            let longest = session.screen.lines().map(|line| anyt::ui::width::columns(line.trim_end())).max();
            let fits = longest.is_some_and(|columns| columns <= usize::from(width).max(56));
            assert!(fits && session.exit == Exit::Code(0), "{command} at {width}\n{}", session.screen);
        }
    }
}

/// What is below a task or linked to it waits with it: the mark, `--pending` and `--json` agree.
#[test]
fn a_task_of_which_anything_waits_is_marked() {
    let dispute = Dispute::about(7);
    let alice = &dispute.alice;
    alice.anyt(&["attempt", "start", "4"]).ok();
    let marked = || {
        let list = alice.anyt(&["task", "list", "--sort", "identifier", "--order", "asc", "--columns", "id,mark"]).ok();
        let ids = |lines: &str| -> Vec<String> {
            lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect()
        };
        let starred: String =
            list.stdout.lines().filter(|line| line.contains('*')).map(|line| format!("{line}\n")).collect();
        let waiting = ids(&alice
            .anyt(&[
                "task",
                "list",
                "--pending",
                "--columns",
                "id",
                "--no-header",
                "--sort",
                "identifier",
                "--order",
                "asc",
            ])
            .ok()
            .stdout);
        assert_eq!(ids(&starred), waiting, "{list}");
        let is_pending = |id: &&String| matches!(alice.cached_task(id).at("pending"), Value::Bool(true));
        assert_eq!(waiting.iter().filter(is_pending).count(), waiting.len(), "{waiting:?}");
        waiting
    };
    assert!(marked().is_empty());
    alice.anyt(&["task", "create", "Made"]).ok();
    alice.write("work/note", "Left");
    dispute.proxy.go_down();
    for (change, id) in [
        (&["comment", "add", "1", "-m", "Said"][..], "DEV-1"),
        (&["attempt", "start", "2"], "DEV-2"),
        (&["task", "dep", "add", "3", "--on", "7"], "DEV-3"),
        (&["artifact", "add", "4", "note"], "DEV-4"),
        (&["task", "update", "5", "-p", "1"], "DEV-5"),
    ] {
        alice.anyt(change).ok();
        assert_eq!(marked().last().map(String::as_str), Some(id), "{change:?}");
    }
    assert_eq!(marked(), ["DEV-1", "DEV-2", "DEV-3", "DEV-4", "DEV-5"]);
    dispute.proxy.come_back();
    dispute.sync(&[]).ok();
    assert!(marked().is_empty());
    // A link that waits although its task, which it names by its creation, is on the server.
    alice.anyt(&["task", "create", "New", "--offline"]).ok();
    alice.anyt(&["task", "dep", "add", "DEV-9", "--on", "1", "--offline"]).ok();
    dispute.proxy.fault(When::ending("POST", "/dependencies"), What::status(422, &[]));
    dispute.sync(&["--no-input"]).code(6);
    assert_eq!(marked(), ["DEV-9"]);
}

#[test]
fn colours_come_when_they_are_wanted() {
    let dispute = scene();
    let colored = |args: &[&str], variables: &[(&str, &str)]| {
        let run = dispute.alice.anyt(&[&["task", "list"], args].concat());
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value)).ok();
        run.stdout.contains("\x1b[33mactive\x1b[0m")
    };
    assert!(!colored(&[], &[]) && colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]) && !colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    for (variable, expected) in [("ANYTHING", true), ("NO_COLOR", false), ("CLICOLOR", false)] {
        dispute.alice.set_env(variable, if variable == "CLICOLOR" { "0" } else { "1" });
        let screen = Terminal::anyt(&dispute.alice, &["task", "list"]).end().screen;
        assert_eq!(screen.contains("\x1b[33mactive\x1b[0m"), expected, "{variable}\n{screen}");
        dispute.alice.set_env("NO_COLOR", "");
    }
}

#[test]
fn next_is_what_can_be_worked_on_and_why() {
    let dispute = scene();
    let next = dispute.alice.anyt(&["next"]).ok();
    let lines: Vec<Vec<&str>> = next.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let first: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(first, ["ID", "DEV-4", "DEV-5", "DEV-2", "DEV-6", "DEV-8"], "{next}");
    assert!(next.stdout.contains("begun, yours\n") && next.stdout.contains("1 task waits for it\n"), "{next}");
    let one = dispute.alice.anyt(&["next", "-n", "1", "--json"]).ok().json();
    assert_eq!((one.text("data.items.0.identifier"), one.int("data.items.0.unblocks")), ("DEV-4", 0));
    let bobs = dispute.alice.anyt(&["next", "--owner", "bob"]).ok();
    assert!(!bobs.stdout.contains("DEV-4"), "that is Alice's\n{bobs}");
}

#[test]
fn a_summary_and_a_board_say_where_everything_stands() {
    let dispute = scene();
    let summary = dispute.alice.anyt(&["summary"]).ok().stdout;
    for line in [
        "DEV: 7 open tasks, 1 change to send, synced ",
        "Done in the last 24 hours: 1\n  DEV-3  Task 3\n",
        "Done in the last 7 days: 1\n",
        "Active: 1\n  DEV-4  Task 4\n",
        "Blocked: 2\n  DEV-1  Task 1\n  DEV-7",
        "Next: 4\n  DEV-5  Task 5\n",
    ] {
        assert!(summary.contains(line), "{line}\n{summary}");
    }
    let document = dispute.alice.anyt(&["summary", "--json"]).ok().json();
    assert_eq!((document.int("data.open"), document.int("data.blocked.count")), (7, 2));
    let board = dispute.alice.anyt(&["board"]).ok().stdout;
    assert!(
        board.starts_with("backlog ") && board.contains("! DEV-1 Task 1") && board.contains("DEV-3 Task 3"),
        "{board}"
    );
    let document = dispute.alice.anyt(&["board", "--json", "-n", "1"]).ok().json();
    assert_eq!((document.int("data.backlog.count"), document.items("data.backlog.items").len()), (5, 1));
}

/// What only reads opens no socket: it works with a server that is gone, and asks nothing.
#[test]
fn they_ask_nobody() {
    let dispute = scene();
    dispute.proxy.go_down();
    for args in
        [&["next"][..], &["summary"], &["board"], &["task", "list", "--search", "x"], &["task", "list", "--owner", "z"]]
    {
        dispute.alice.anyt(args).without_env("ANYT_AUTH_TOKEN").ok();
    }
}

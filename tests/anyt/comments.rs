//! Comments: pulled, shown, written, changed and deleted, here and there, with and without a network; on servers that list
//! them for a whole workspace, task by task, or not at all.

use crate::common::json::{self, Look};
use crate::common::proxy::{Proxy, What, When};
use crate::common::scripted::{Quirks, Scripted};
use crate::common::{ALICE, Exit, Run, Sandbox, Server, synced};

/// One task with a comment of Bob's and one of Alice's, which Alice has.
fn stage() -> (Server, Proxy, Sandbox) {
    let (server, proxy, sandbox) = synced(&["One", "Two"]);
    server.bob().comment("DEV-1", "Do not ship");
    server.alice().comment("DEV-1", "Why?");
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    (server, proxy, sandbox)
}

/// Both sides have the same comments on a task, nothing waits, and one more sync changes nothing.
#[track_caller]
fn assert_same(server: &Server, proxy: &Proxy, sandbox: &Sandbox, task: &str) {
    assert_eq!(sandbox.comments(task), server.alice().comments(task), "the cache and the server");
    assert_eq!(sandbox.pending(), 0, "operations left");
    proxy.reset();
    let run = sandbox.anyt(&["sync", "--no-input"]).ok();
    assert!(proxy.writes().is_empty() && !run.stdout.contains("Pulled"), "{run}");
}

fn edit_there(server: &Server, number: i64, content: &str) {
    let alice = server.alice();
    let body = json::object([("content", json::string(content))]);
    assert_eq!(alice.patch(&format!("{}/comments/{number}", alice.workspace()), &body).0, 200);
}

fn delete_there(server: &Server, number: i64) {
    let alice = server.alice();
    assert_eq!(alice.delete(&format!("{}/comments/{number}", alice.workspace())).0, 204);
}

#[test]
fn what_colleagues_say_change_and_delete_comes_with_a_sync() {
    let (server, proxy, sandbox) = stage();
    assert_eq!(sandbox.comments("DEV-1"), ["#1 bob: Do not ship", "#2 alice: Why?"]);
    sandbox.anyt(&["sync"]).ok();
    sandbox.anyt(&["sync"]).ok();
    proxy.reset();
    sandbox.anyt(&["sync"]).ok();
    assert!(proxy.log().len() <= 4, "a sync without news: {:?}", proxy.log());
    server.bob().comment("DEV-2", "Me too");
    edit_there(&server, 2, "Why not?");
    let run = sandbox.anyt(&["sync"]).ok().says("  - Pulled 1 updated comment").says("  - Pulled 1 new comment");
    assert!(run.stdout.contains("✓ Synced 2 changes"), "{run}");
    assert_eq!(sandbox.comments("DEV-1"), ["#1 bob: Do not ship", "#2 alice: Why not?"]);
    assert_eq!(sandbox.comments("DEV-2"), ["#3 bob: Me too"]);
    delete_there(&server, 2);
    sandbox.anyt(&["sync"]).ok().says("  - Pulled 1 deleted comment");
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    let bob = server.bob();
    assert_eq!(bob.delete(&bob.tasks("DEV-2")).0, 204);
    sandbox.anyt(&["sync"]).ok();
    let left: i64 = rusqlite::Connection::open(sandbox.cache_db())
        .and_then(|db| db.query_row("SELECT count(*) FROM comments WHERE id = 3", [], |row| row.get(0)))
        .expect("the cache");
    assert_eq!(left, 0, "comments go with their task");
}

#[test]
fn a_comment_is_added_changed_and_deleted_on_the_server_at_once() {
    let (server, proxy, sandbox) = stage();
    sandbox
        .anyt(&["comment", "add", "DEV-1", "-m", "-"])
        .stdin("From a pipe\nin two lines\n")
        .ok()
        .says("✓ Created comment DEV-1#3\n");
    sandbox.anyt(&["comment", "edit", "dev1", "#3", "-m", "Shorter"]).ok().says("✓ Updated comment DEV-1#3\n");
    assert_eq!(server.bob().comments("DEV-1")[2], "#3 alice: Shorter");
    sandbox.anyt(&["comment", "edit", "DEV-1", "3", "-m", "Shorter"]).ok().says("nothing was changed");
    sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "2"]).ok().says("✓ Deleted comment DEV-1#2\n");
    assert_same(&server, &proxy, &sandbox, "DEV-1");
    let made = sandbox.anyt(&["comment", "add", "DEV-1", "-m", "json", "--json"]).ok().json();
    assert_eq!((made.text("data.identifier"), made.text("data.content")), ("DEV-1#4", "json"));
    let none = sandbox.anyt(&["comment", "rm", "DEV-1", "9"]).code(1);
    assert!(none.stderr.contains("there is no comment #9 on DEV-1"), "{none}");
    let theirs = sandbox.anyt(&["comment", "edit", "DEV-1", "1", "-m", "x"]).code(1);
    assert!(theirs.stderr.contains("DEV-1#1 is by bob; only its author may change a comment"), "{theirs}");
    sandbox.anyt(&["comment", "add", "DEV-1", "-m", "  "]).code(2);
    let no_text = sandbox.anyt(&["comment", "add", "DEV-1", "--no-input"]).code(2);
    assert!(no_text.stderr.contains("the comment has no text"), "{no_text}");
}

#[test]
fn the_editor_writes_a_comment() {
    let (server, _proxy, sandbox) = stage();
    let editor = sandbox.write("work/editor", "#!/bin/sh\necho 'as typed' >> \"$1\"\n");
    sandbox.set_env("EDITOR", &format!("sh {}", editor.display()));
    sandbox.anyt(&["comment", "add", "DEV-1"]).ok();
    sandbox.anyt(&["comment", "edit", "DEV-1", "2"]).ok();
    assert_eq!(server.bob().comments("DEV-1")[1..], ["#2 alice: Why?as typed", "#3 alice: as typed"]);
    sandbox.set_env("EDITOR", "true");
    sandbox.anyt(&["comment", "add", "DEV-1"]).code(2).warns("the comment is empty");
}

#[test]
fn without_a_network_it_waits_and_is_sent_once() {
    let (server, proxy, sandbox) = stage();
    proxy.go_down();
    sandbox.anyt(&["comment", "add", "DEV-1", "-m", "One more", "--offline"]).ok().says("(queued for sync)");
    sandbox.anyt(&["comment", "edit", "DEV-1", "2", "-m", "Why not?", "--offline"]).ok();
    sandbox.anyt(&["comment", "add", "DEV-1", "-m", "Out of reach"]).ok().says("the server is out of reach");
    assert_eq!(
        sandbox.comments("DEV-1"),
        ["#1 bob: Do not ship", "#2 alice: Why not?", "#new-1 -: One more", "#new-2 -: Out of reach"]
    );
    sandbox.anyt(&["comment", "edit", "DEV-1", "new-1", "-m", "Two more", "--offline"]).ok();
    sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "new-2", "--offline"]).ok().says("(it was never sent)");
    let queue = sandbox.anyt(&["sync", "queue"]).ok();
    assert!(queue.stdout.contains("Create: comment DEV-1#new-1"), "{queue}");
    proxy.come_back();
    sandbox.anyt(&["sync"]).ok().says("  - Created: comment DEV-1#3").says("  - Updated: comment DEV-1#2");
    assert_eq!(server.bob().comments("DEV-1")[1..], ["#2 alice: Why not?", "#3 alice: Two more"]);
    sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "3", "--offline"]).ok();
    sandbox.anyt(&["sync"]).ok();
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

/// A comment on a task that is still to be made goes in the same sync, after it, whatever number that gets.
#[test]
fn a_comment_on_a_task_made_offline() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Three", "--offline"]).ok();
    sandbox.anyt(&["comment", "add", "DEV-3", "-m", "On three", "--offline"]).ok();
    server.bob().add_task("Taken");
    sandbox.anyt(&["sync"]).ok().says("  - Created: DEV-4 (was DEV-3)").says("  - Created: comment DEV-4#3");
    assert_eq!(server.bob().comments("DEV-4"), ["#3 alice: On three"]);
    assert_same(&server, &proxy, &sandbox, "DEV-4");
}

/// What the server does not want of a task holds its comments back, and dropping the one drops the other.
#[test]
fn a_comment_waits_for_its_task_and_goes_with_it() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Refused", "--offline"]).ok();
    sandbox.anyt(&["comment", "add", "DEV-3", "-m", "On three", "--offline"]).ok();
    proxy.fault(When::ending("POST", "/tasks"), What::status(422, &[]));
    let run = sandbox.anyt(&["sync"]).code(6);
    assert!(run.stderr.contains("DEV-3#new-1 waits for an operation that was not sent"), "{run}");
    sandbox.anyt(&["sync", "queue", "drop", "DEV-3", "--yes"]).ok();
    assert_eq!(sandbox.pending(), 0);
    sandbox.anyt(&["sync", "restore", "--last"]).ok();
    assert_eq!(sandbox.pending(), 2);
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(server.bob().comments("DEV-3"), ["#3 alice: On three"]);
    assert_same(&server, &proxy, &sandbox, "DEV-3");
}

/// Two machines of one person change the same comment: neither is lost unseen.
#[test]
fn both_change_a_comment() {
    for (flag, wanted, lost) in [("--local", "Mine", "Theirs"), ("--remote", "Theirs", "Mine")] {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["comment", "edit", "DEV-1", "2", "-m", "Mine", "--offline"]).ok();
        edit_there(&server, 2, "Theirs");
        let run = sandbox.anyt(&["sync", "--no-input"]).code(3);
        assert!(run.stderr.contains("DEV-1#2: the conflict waits for a decision"), "{run}");
        let inbox = sandbox.anyt(&["sync", "conflicts"]).ok();
        assert!(inbox.stdout.contains("  text: Why? → local Mine, remote Theirs"), "{inbox}");
        sandbox.anyt(&["sync", "resolve", "DEV-1#2", flag]).ok();
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(server.bob().comments("DEV-1")[1], format!("#2 alice: {wanted}"));
        assert_same(&server, &proxy, &sandbox, "DEV-1");
        sandbox.anyt(&["sync", "restore", "--last"]).ok();
        let run = sandbox.anyt(&["sync", "--resolve", "local"]).ok();
        assert_eq!(server.bob().comments("DEV-1")[1], format!("#2 alice: {lost}"), "{run}");
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
}

/// The question names no versions where there are none.
#[test]
fn a_person_is_asked_about_a_comment() {
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["comment", "edit", "DEV-1", "2", "-m", "Mine", "--offline"]).ok();
    edit_there(&server, 2, "Theirs");
    let run = sandbox.anyt(&["sync"]).stdin("1\n").ok();
    let asked = "⚠ Conflict detected for DEV-1#2:\n  Local version: changed\n  Remote version: changed\n";
    assert!(run.stdout.contains(asked) && run.stdout.contains("Mine") && run.stdout.contains("Theirs"), "{run}");
    assert_eq!(server.bob().comments("DEV-1")[1], "#2 alice: Mine");
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

#[test]
fn one_side_deletes_what_the_other_changes() {
    for (flag, wanted) in
        [("local", vec!["#1 bob: Do not ship", "#3 alice: Mine"]), ("remote", vec!["#1 bob: Do not ship"])]
    {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["comment", "edit", "DEV-1", "2", "-m", "Mine", "--offline"]).ok();
        delete_there(&server, 2);
        sandbox.anyt(&["sync", "--no-input"]).code(3);
        sandbox.anyt(&["sync", "--no-input", "--resolve", flag]).ok();
        assert_eq!(server.bob().comments("DEV-1"), wanted, "{flag}");
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
    for (flag, wanted) in
        [("local", vec!["#1 bob: Do not ship"]), ("remote", vec!["#1 bob: Do not ship", "#2 alice: Theirs"])]
    {
        let (server, proxy, sandbox) = stage();
        sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "2", "--offline"]).ok();
        edit_there(&server, 2, "Theirs");
        sandbox.anyt(&["sync", "--no-input"]).code(3);
        sandbox.anyt(&["sync", "--no-input", "--resolve", flag]).ok();
        assert_eq!(server.bob().comments("DEV-1"), wanted, "{flag}");
        assert_same(&server, &proxy, &sandbox, "DEV-1");
    }
    let (server, proxy, sandbox) = stage();
    sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "2", "--offline"]).ok();
    delete_there(&server, 2);
    sandbox.anyt(&["sync", "--no-input"]).ok();
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

/// The answer is lost, or the process dies with the request: one comment, with and without `Idempotency-Key`.
#[test]
fn a_comment_whose_answer_was_lost_is_one_comment() {
    for (keys, killed) in [(true, true), (true, false), (false, true), (false, false)] {
        let (server, proxy, sandbox) = stage();
        if !keys {
            proxy.hide_idempotency();
            // What was made since is told by the server's clock, whatever ours shows.
            sandbox.set_env("ANYT_CLOCK_SKEW", if killed { "86400" } else { "-86400" });
        }
        sandbox.anyt(&["comment", "add", "DEV-1", "-m", "Once", "--offline"]).ok();
        if killed {
            let run = sandbox.anyt(&["sync", "--no-input"]).env("ANYT_FAILPOINT", "push.request.after").run();
            assert_eq!(run.exit, Exit::Signal(9), "{run}");
        } else {
            proxy.fault(When::ending("POST", "/comments"), What::DropReply);
            drop(sandbox.anyt(&["sync", "--no-input"]).run());
        }
        sandbox.anyt(&["sync", "--no-input"]).ok();
        assert_eq!(server.bob().comments("DEV-1")[2..], ["#3 alice: Once"], "keys {keys}, killed {killed}");
        assert_same(&server, &proxy, &sandbox, "DEV-1");
        // The same words a second time are a second comment.
        sandbox.anyt(&["comment", "add", "DEV-1", "-m", "Once"]).ok();
        assert_eq!(server.bob().comments("DEV-1").len(), 4, "keys {keys}, killed {killed}");
    }
}

#[test]
fn a_task_is_shown_with_its_last_comments() {
    let (server, _proxy, sandbox) = stage();
    for n in 3..=7 {
        server.bob().comment("DEV-1", &format!("Number {n}"));
    }
    sandbox.anyt(&["sync"]).ok();
    let shown = sandbox.anyt(&["task", "show", "DEV-1"]).ok();
    assert!(shown.stdout.contains("Comments (last 5 of 7; all: --comments)"), "{shown}");
    assert!(!shown.stdout.contains("Why?") && shown.stdout.contains("Number 7"), "{shown}");
    let all = sandbox.anyt(&["task", "show", "DEV-1", "--comments"]).ok();
    assert!(all.stdout.contains("Comments (7)") && all.stdout.contains("Do not ship"), "{all}");
    let json = sandbox.anyt(&["task", "show", "DEV-1", "--json"]).ok().json();
    assert_eq!((json.items("data.comments").len(), json.text("data.comments.0.content")), (7, "Do not ship"));
    assert_eq!(
        sandbox.anyt(&["comment", "list", "DEV-1", "--remote", "--json"]).ok().json().items("data.items").len(),
        7
    );
}

fn scripted(quirks: Quirks) -> (Scripted, Sandbox) {
    let server = Scripted::start(quirks);
    for title in ["One", "Two"] {
        server.add_task(&json::object([("title", json::string(title))]));
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(&server.url(), ALICE);
    (server, sandbox)
}

fn asked(server: &Scripted) -> Vec<String> {
    let about = |target: &&str| target.contains("/comments");
    let requests = server.requests();
    requests.iter().map(|request| request.target()).filter(about).map(str::to_string).collect()
}

/// Generations C and D list comments task by task, and change them in different places.
#[test]
fn servers_that_list_them_task_by_task() {
    for quirks in [Quirks { comments: true, ..Quirks::c() }, Quirks { comments: true, ..Quirks::d() }] {
        let (server, sandbox) = scripted(quirks);
        server.world().comment("DEV-1", "bob", json::string("First"));
        server.world().comment("DEV-1", "alice", json::string("Second"));
        sandbox.anyt(&["sync"]).ok();
        assert_eq!(sandbox.comments("DEV-1"), ["#3 bob: First", "#4 alice: Second"]);
        let before = asked(&server).len();
        sandbox.anyt(&["sync"]).ok();
        assert_eq!(asked(&server).len(), before, "nothing has changed");
        server.world().comment("DEV-1", "bob", json::string("Third"));
        server.change_task("DEV-1", &json::parse(r#"{"priority":1}"#));
        sandbox.anyt(&["comment", "edit", "DEV-1", "4", "-m", "Changed", "--offline"]).ok();
        sandbox.anyt(&["comment", "add", "DEV-2", "-m", "On two", "--offline"]).ok();
        sandbox.anyt(&["sync"]).ok();
        assert_eq!(sandbox.comments("DEV-1"), ["#3 bob: First", "#4 alice: Changed", "#5 bob: Third"]);
        assert_eq!(sandbox.comments("DEV-2"), ["#6 alice: On two"]);
        sandbox.anyt(&["comment", "rm", "--force", "DEV-1", "4"]).ok();
        server.world().comments.retain(|comment| json::as_text(&comment["content"]) != Some("First"));
        server.change_task("DEV-1", &json::parse(r#"{"priority":2}"#));
        sandbox.anyt(&["sync"]).ok();
        assert_eq!(sandbox.comments("DEV-1"), ["#5 bob: Third"]);
        let left: Vec<String> = server.world().comments.iter().map(|one| json::to_string(&one["content"])).collect();
        assert_eq!(left, ["\"Third\"", "\"On two\""]);
    }
}

/// No comments, no words about it, and no request once that is known.
#[test]
fn a_server_without_comments_is_asked_once() {
    let (server, sandbox) = scripted(Quirks::d());
    let quiet = |run: Run| assert!(run.stderr.is_empty(), "{run}");
    quiet(sandbox.anyt(&["sync"]).ok());
    assert_eq!(asked(&server).len(), 1, "{:?}", asked(&server));
    server.change_task("DEV-1", &json::parse(r#"{"priority":1}"#));
    quiet(sandbox.anyt(&["sync"]).ok());
    assert_eq!(asked(&server).len(), 1, "{:?}", asked(&server));
    let refused = sandbox.anyt(&["comment", "add", "DEV-1", "-m", "x", "--offline"]).code(1);
    assert!(refused.stderr.contains("has no comments"), "{refused}");
    assert_eq!(sandbox.pending(), 0, "it is not queued");
    sandbox.anyt(&["task", "show", "DEV-1"]).ok();
}

/// A cache of anyt 0.2.0 has seen a workspace in which nothing has changed since: its comments come all the same.
#[test]
fn an_older_cache_learns_of_comments() {
    let (server, proxy, sandbox) = stage();
    let db = rusqlite::Connection::open(sandbox.cache_db()).expect("the cache");
    let mut undo = String::from(
        "DROP TABLE contents; DROP TABLE staged_attempts; DROP TABLE staged_artifacts; DROP TABLE comments; DROP TABLE staged_comments; ALTER TABLE tasks DROP COLUMN below_read;
         DELETE FROM sync_metadata WHERE key LIKE '%comments%'; PRAGMA user_version = 3;",
    );
    let common =
        ["identifier", "number", "uid", "version", "deleted_at", "created_us", "updated_us", "remote", "made_by"];
    for table in ["tasks", "staged_tasks", "labels", "projects", "attempts", "artifacts"] {
        undo += &format!("ALTER TABLE {table} DROP COLUMN unknown;");
    }
    for (table, own) in [("labels", &[][..]), ("projects", &["lead_id", "start_date", "target_date", "color", "icon"])]
    {
        undo += &format!("DROP INDEX {table}_by_maker; DROP INDEX {table}_overlaid; DROP TABLE staged_{table};");
        for column in common.iter().chain(own) {
            undo += &format!("ALTER TABLE {table} DROP COLUMN {column};");
        }
    }
    db.execute_batch(&undo).expect("SQL");
    drop(db);
    sandbox.anyt(&["project", "list"]).ok().says("development");
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(sandbox.comments("DEV-1"), ["#1 bob: Do not ship", "#2 alice: Why?"]);
    assert_same(&server, &proxy, &sandbox, "DEV-1");
}

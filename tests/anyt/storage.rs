//! P1 on disks that fail (issue 3 "Disk full"): full at any byte, read-only, wiped, damaged, torn. Every time a clear
//! line of error, the right exit code, and nothing lost that was confirmed. (tests/anyt/bad_input.rs has the plain cases.)

use crate::common;
use crate::common::json::Look;
use crate::common::proxy::{Gate, What, When};
use crate::common::run::{Invocation, Running};
use crate::common::skip::skip;
use crate::common::{Exit, Sandbox, Server, synced};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A person who has synced three tasks.
fn stage() -> (Server, Sandbox) {
    let server = Server::start();
    for title in ["One", "Two", "Three"] {
        server.bob().add_task(title);
    }
    let sandbox = Sandbox::new();
    sandbox.sign_in(&server);
    sandbox.anyt(&["sync"]).ok();
    (server, sandbox)
}

fn titles(server: &Server) -> Vec<String> {
    let mut titles: Vec<String> =
        server.alice().all_tasks().iter().map(|task| task.text("title").to_string()).collect();
    titles.sort();
    titles
}

/// Small disks of a sandbox's own, in a mount space that lasts as long as its holder.
struct Disks<'a> {
    sandbox: &'a Sandbox,
    holder: Running,
}

impl Disks<'_> {
    /// Puts `cache` and `state` on disks of this size. `None`, after saying so, where nobody may mount.
    fn new<'a>(sandbox: &'a Sandbox, size: &str) -> Option<Disks<'a>> {
        let root = sandbox.path("");
        let mount = |folder: &str| {
            format!(
                "cp -a {folder} {folder}.was && mount -t tmpfs -o size={size},mode=700 tmpfs {folder} && \
                 cp -a {folder}.was/. {folder} && "
            )
        };
        let script = format!("cd '{}' && {}{}echo mounted && cat", root.display(), mount("cache"), mount("state"));
        let holder =
            sandbox.program(Path::new("unshare"), &["-m", "--propagation=private", "sh", "-c", &script]).stdin_silent();
        let holder = holder.spawn();
        let process = format!("/proc/{}", holder.pid());
        common::deadline::wait_until("the disks are mounted, or not", common::run::TIMEOUT, || {
            holder.stdout_so_far().contains("mounted")
                || std::fs::read_to_string(process.clone() + "/stat").is_ok_and(|stat| stat.contains(") Z "))
                || !Path::new(&process).exists()
        });
        if !holder.stdout_so_far().contains("mounted") {
            skip(&format!("no private mounts here: {}", holder.stderr_so_far().trim()));
            return None;
        }
        let disks = Disks { sandbox, holder };
        // In a root folder that is not the mount space's own (chroot) everything but the disks is elsewhere there.
        let seen = disks.anyt(&["--version"]).run();
        if seen.exit != Exit::Code(0) {
            skip(&format!("a mount space here begins elsewhere: {}", seen.stderr.trim()));
            return None;
        }
        Some(disks)
    }

    fn inside(&self, program: &str, args: &[&str]) -> Invocation {
        let pid = self.holder.pid().to_string();
        let words: Vec<&str> = ["-t", &pid, "-m", "--", program].iter().chain(args).copied().collect();
        self.sandbox.program(Path::new("nsenter"), &words)
    }

    fn anyt(&self, args: &[&str]) -> Invocation {
        self.inside(env!("CARGO_BIN_EXE_anyt"), args)
    }

    /// Leaves `kilobytes` of room on the disk of `folder`.
    fn fill(&self, folder: &str, kilobytes: usize) {
        let root = self.sandbox.path("");
        let script = format!(
            "cd '{}/{folder}' && cat /dev/zero > filler 2>/dev/null; \
             truncate -s -{kilobytes}K filler; df -k . | tail -1",
            root.display()
        );
        self.inside("sh", &["-c", &script]).ok();
    }

    fn make_room(&self) {
        let root = self.sandbox.path("");
        self.inside("sh", &["-c", &format!("rm -f '{0}/cache/filler' '{0}/state/filler'", root.display())]).ok();
    }

    fn pending(&self) -> usize {
        let status = self.anyt(&["sync", "status", "--offline"]).ok();
        let count = status.stdout.lines().find_map(|line| line.strip_prefix("Pending operations: "));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("no count\n{status}"))
    }
}

/// What was confirmed before the disk was full is there afterwards; what was not confirmed is not. When the cache is lost
/// then, all of it is still there.
#[test]
fn a_disk_that_gets_full_loses_nothing_that_was_confirmed() {
    let (server, sandbox) = stage();
    let Some(disks) = Disks::new(&sandbox, "2m") else { return };
    let (mut confirmed, mut refused) = (Vec::from(["One", "Two", "Three"].map(String::from)), 0);
    for folder in ["cache", "state"] {
        for kilobytes in [0, 4, 8, 16, 40, 80] {
            disks.fill(folder, kilobytes);
            for n in 0..6 {
                let title = format!("{folder} {kilobytes} {n}");
                let run = disks.anyt(&["task", "create", &title, "-d", &"x".repeat(3000), "--offline"]).run();
                match run.exit {
                    Exit::Code(0) => confirmed.push(title),
                    Exit::Code(1) => {
                        refused += 1;
                        run.is_one_line_of_error();
                        let cause = ["room", "space", "disk"].iter().any(|word| run.stderr.contains(word));
                        assert!(cause, "the error does not say what is wrong\n{run}");
                    }
                    _ => panic!("an exit code that was not expected\n{run}"),
                }
            }
            // Reading wants a little room too: SQLite's index of the log.
            let list = disks.anyt(&["task", "list"]).run();
            assert!(list.exit == Exit::Code(0) || list.stderr.contains("disk"), "{list}");
            disks.make_room();
            assert_eq!(disks.pending(), confirmed.len() - 3, "with {kilobytes} KB of room for {folder}");
        }
    }
    assert!(refused > 10, "the disks were never full: {refused}");
    let root = sandbox.path("");
    disks.inside("sh", &["-c", &format!("rm -rf '{}/cache/anyt'", root.display())]).ok();
    disks.anyt(&["sync", "--no-input"]).ok();
    confirmed.sort();
    assert_eq!(titles(&server), confirmed, "after the cache was lost");
}

/// A sync on a full disk fails with a clear line and sends nothing that it could not write down first; once there is
/// room, everything arrives, once.
#[test]
fn a_sync_on_a_full_disk_sends_nothing_twice() {
    let (server, proxy, sandbox) = synced(&["One", "Two", "Three"]);
    proxy.hide_idempotency();
    let Some(disks) = Disks::new(&sandbox, "2m") else { return };
    let mut wanted = Vec::from(["One", "Two", "Three"].map(String::from));
    let mut failures = 0;
    for folder in ["cache", "state"] {
        for kilobytes in [0, 4, 8, 16, 40, 100] {
            for n in 0..3 {
                let title = format!("{folder} {kilobytes} {n}");
                disks.anyt(&["task", "create", &title, "-d", &"x".repeat(3000), "--offline"]).ok();
                wanted.push(title);
            }
            disks.fill(folder, kilobytes);
            let run = disks.anyt(&["sync", "--no-input", "-q"]).run();
            if run.exit != Exit::Code(0) {
                failures += 1;
                assert_eq!(run.exit, Exit::Code(1), "{run}");
                run.is_one_line_of_error();
            }
            disks.make_room();
            disks.anyt(&["sync", "--no-input"]).ok();
            wanted.sort();
            assert_eq!(titles(&server), wanted, "with {kilobytes} KB of room for {folder}\n{run}");
            assert_eq!(disks.pending(), 0);
        }
    }
    assert!(failures >= 4, "the disks were never full: {failures}");
}

/// A limit on the size of files is another full disk, met at another byte each time, and needs no rights to set up.
#[test]
fn a_limit_on_the_size_of_files_loses_nothing_that_was_confirmed() {
    let (server, sandbox) = stage();
    let anyt = env!("CARGO_BIN_EXE_anyt");
    let mut confirmed = Vec::from(["One", "Two", "Three"].map(String::from));
    let (mut refused, mut unsynced) = (0, 0);
    let limited = |blocks: usize, args: &[&str]| {
        let limit = format!("ulimit -f {blocks}; exec \"$@\"");
        let words: Vec<&str> = ["-c", &limit, "sh", anyt].iter().chain(args).copied().collect();
        let run = sandbox.program(Path::new("/bin/sh"), &words).run();
        match run.exit {
            Exit::Code(0) => {}
            Exit::Code(1) => run.is_one_line_of_error(),
            _ => panic!("an exit code that was not expected with {blocks} blocks\n{run}"),
        }
        run.exit == Exit::Code(0)
    };
    // Blocks of 512 bytes. Some limits lie within what is there already, some within what is written.
    for blocks in [0, 1, 3, 8, 16, 30, 60, 100, 150, 200, 250, 300, 350, 400, 500, 700] {
        for n in 0..3 {
            let title = format!("{blocks} blocks {n}");
            let create = ["task", "create", &title, "-d", &"x".repeat(3000), "--offline"];
            if limited(blocks, &create) { confirmed.push(title) } else { refused += 1 }
        }
        unsynced += usize::from(!limited(blocks, &["sync", "-q", "--no-input"]));
        sandbox.anyt(&["sync", "--no-input"]).ok();
        confirmed.sort();
        assert_eq!(titles(&server), confirmed, "with {blocks} blocks");
    }
    assert!(refused > 3 && unsynced > 1 && confirmed.len() > 6, "{refused} refused, {unsynced} not synced");
}

/// Root writes where the mode bits forbid it, unless it gives that up.
fn mortal(sandbox: &Sandbox, args: &[&str]) -> Invocation {
    if !rustix::process::geteuid().is_root() {
        return sandbox.anyt(args);
    }
    let bare = ["--bounding-set", "-dac_override,-dac_read_search", "--", env!("CARGO_BIN_EXE_anyt")];
    let words: Vec<&str> = bare.iter().chain(args).copied().collect();
    sandbox.program(Path::new("setpriv"), &words)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own file");
}

/// Nothing is queued, and nothing sent, that cannot be written down twice.
#[test]
fn a_spare_copy_that_cannot_be_written() {
    let (server, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Before", "--offline"]).ok();
    set_mode(&sandbox.queue_file(), 0o400);
    for args in [
        &["task", "create", "x", "--offline"][..],
        &["task", "update", "DEV-1", "--title", "x", "--offline"],
        &["task", "rm", "DEV-1", "--force", "--offline"],
        &["task", "create", "x"],
    ] {
        let run = mortal(&sandbox, args).code(1);
        run.is_one_line_of_error();
        assert!(run.stderr.contains("queue.jsonl"), "the error does not name it\n{run}");
    }
    mortal(&sandbox, &["task", "list"]).ok();
    mortal(&sandbox, &["task", "show", "DEV-1"]).ok();
    set_mode(&sandbox.queue_file(), 0o600);
    assert_eq!(sandbox.pending(), 1);
    assert_eq!(titles(&server), ["One", "Three", "Two"], "nothing was sent");
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(titles(&server), ["Before", "One", "Three", "Two"]);
}

#[test]
fn a_cache_folder_that_cannot_be_written() {
    let (_server, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Before", "--offline"]).ok();
    let (cache, queue) = (sandbox.cache_db(), std::fs::read(sandbox.queue_file()).expect("it is there"));
    let folder = cache.parent().expect("it has one");
    set_mode(&cache, 0o400);
    set_mode(folder, 0o500);
    for args in [&["task", "create", "x", "--offline"][..], &["task", "done", "DEV-1", "--offline"], &["sync", "-q"]] {
        let run = mortal(&sandbox, args).code(1);
        run.is_one_line_of_error();
        assert!(run.stderr.contains("cache"), "the error does not name it\n{run}");
        assert_eq!(std::fs::read(sandbox.queue_file()).expect("it is there"), queue, "nothing was queued\n{run}");
    }
    for args in [
        &["task", "list", "--json"][..],
        &["task", "show", "DEV-1"],
        &["sync", "status", "--offline"],
        &["sync", "queue"],
        &["sync", "log"],
    ] {
        let read = mortal(&sandbox, args).ok();
        assert_eq!(read.stderr, "", "{read}");
    }
    let list = mortal(&sandbox, &["task", "list"]).ok();
    assert_eq!(list.stdout_lines().len(), 5, "{list}");
    let list = mortal(&sandbox, &["task", "list"]).run();
    assert!(matches!(list.exit, Exit::Code(0 | 1)), "{list}");
    if list.exit == Exit::Code(1) {
        list.is_one_line_of_error();
    }
    set_mode(folder, 0o700);
    set_mode(&cache, 0o600);
    assert_eq!(sandbox.pending(), 1);
}

/// What cannot be written down as sent is not sent; the next sync does it.
#[test]
fn a_sync_whose_cache_cannot_be_written_sends_nothing() {
    let (server, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    set_mode(&sandbox.cache_db(), 0o400);
    let run = mortal(&sandbox, &["sync", "-q"]).code(1);
    run.is_one_line_of_error();
    assert!(run.stderr.contains("cannot be written"), "{run}");
    assert_eq!(titles(&server), ["One", "Three", "Two"], "{run}");
    for file in std::fs::read_dir(sandbox.cache_db().parent().expect("it has one")).expect("ours").flatten() {
        set_mode(&file.path(), 0o600);
    }
    sandbox.anyt(&["sync", "-q"]).ok();
    assert_eq!(titles(&server), ["Mine", "One", "Three", "Two"]);
    assert_eq!(sandbox.pending(), 0);
}

/// The disk gets full while the server works: the same for a sync and for a command's own write, which takes back only
/// what was not sent.
#[test]
fn a_disk_that_gets_full_while_the_server_works() {
    for (args, said) in [
        (&["sync", "-q"][..], "the server has taken 1 change"),
        (&["task", "create", "Sent", "-q"], "it may have arrived, so it is kept"),
    ] {
        let (server, proxy, sandbox) = synced(&["One", "Two", "Three"]);
        let Some(disks) = Disks::new(&sandbox, "2m") else { return };
        if args[0] == "sync" {
            disks.anyt(&["task", "create", "Sent", "-d", &"x".repeat(30_000), "--offline"]).ok();
        }
        let gate = Gate::new();
        proxy.fault(When::ending("POST", "/tasks"), What::StallReply(gate.clone()));
        let running = disks.anyt(args).spawn();
        gate.wait_for_somebody();
        disks.fill("cache", 0);
        gate.open();
        let run = running.wait(common::run::TIMEOUT).code(1);
        run.is_one_line_of_error();
        assert!(run.stderr.contains("no room left") && run.stderr.contains(said), "{run}");
        assert!(!run.stderr.contains("nothing was changed"), "{run}");
        disks.make_room();
        disks.anyt(&["sync", "-q"]).ok();
        assert_eq!(titles(&server), ["One", "Sent", "Three", "Two"], "{run}");
        assert_eq!(disks.pending(), 0);
    }
}

/// Rewriting the spare copy is housekeeping: it keeps nobody from syncing, and from reading even less.
#[test]
fn a_spare_copy_that_cannot_be_rewritten() {
    let (server, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let folder = sandbox.queue_file().parent().expect("it has one").to_path_buf();
    set_mode(&folder, 0o500);
    for _ in 0..2 {
        let run = mortal(&sandbox, &["sync", "-q", "--no-input"])
            .ok()
            .warns("queue.jsonl could not be shortened; the next sync tries again");
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
    }
    for args in
        [&["task", "list"][..], &["task", "show", "DEV-4"], &["sync", "status", "--offline"], &["sync", "queue"]]
    {
        let run = mortal(&sandbox, args).ok();
        assert_eq!(run.stderr, "", "{run}");
    }
    mortal(&sandbox, &["task", "update", "DEV-4", "--priority", "2", "--offline"]).ok();
    mortal(&sandbox, &["sync", "-q", "--no-input"]).ok();
    set_mode(&folder, 0o700);
    let run = sandbox.anyt(&["sync", "-q"]).ok();
    assert_eq!(run.stderr, "", "{run}");
    assert_eq!(titles(&server), ["Mine", "One", "Three", "Two"]);
    assert_eq!((server.alice().task("DEV-4").expect("it is there").int("priority"), sandbox.pending()), (2, 0));
    assert_eq!(std::fs::read(sandbox.queue_file()).expect("it is there"), b"");
}

/// Folders are named by bytes, not by text.
#[test]
fn a_home_whose_name_is_no_text() {
    let (server, sandbox) = stage();
    let anyt = |args: &[&str]| {
        let folders = ["CACHE", "STATE", "DATA", "CONFIG"].map(|name| format!("XDG_{name}_HOME=")).join(" ");
        let script = format!("export HOME=\"$HOME/$(printf 'h\\377')\" {folders}; mkdir -p \"$HOME\"; exec \"$@\"");
        let words: Vec<&str> = ["-c", &script, "sh", env!("CARGO_BIN_EXE_anyt")].iter().chain(args).copied().collect();
        sandbox.program(Path::new("/bin/sh"), &words)
    };
    anyt(&["env", "add", "dev", &server.url(), "--active"]).ok();
    anyt(&["sync"]).ok();
    anyt(&["task", "create", "Mine", "--offline"]).ok();
    anyt(&["sync"]).ok();
    assert_eq!(titles(&server), ["Mine", "One", "Three", "Two"]);
}

/// Another program's database in the place of the cache is not filled with our tables, and what to do is said. The same
/// for a queue that says what no anyt wrote.
#[test]
fn a_cache_that_is_not_ours() {
    let (server, sandbox) = stage();
    sandbox.anyt(&["task", "create", "Mine", "--offline"]).ok();
    let ours = std::fs::read(sandbox.cache_db()).expect("it is there");
    for damage in [
        "DROP TABLE {all}; CREATE TABLE notes (note TEXT); PRAGMA user_version = 0",
        "DROP TABLE {all}; CREATE TABLE notes (note TEXT)",
        "UPDATE sync_queue SET operation = 'frobnicate'",
        "UPDATE sync_queue SET entity_type = 'gadget'",
    ] {
        let db = rusqlite::Connection::open(sandbox.cache_db()).expect("it is there");
        if let Some(rest) = damage.strip_prefix("DROP TABLE {all}; ") {
            let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("SQL");
            drop(db);
            std::fs::remove_file(sandbox.cache_db()).expect("it is ours");
            let db = rusqlite::Connection::open(sandbox.cache_db()).expect("it is ours");
            db.pragma_update(None, "user_version", version).expect("SQL");
            db.execute_batch(rest).expect("SQL");
        } else {
            db.execute_batch(damage).expect("SQL");
        }
        for args in [&["sync", "queue"][..], &["sync", "-q"], &["sync", "status", "--offline"]] {
            let run = sandbox.anyt(args).code(1);
            run.is_one_line_of_error();
            assert!(run.stderr.contains("cache.db") && run.stderr.contains("; mv "), "{damage}\n{run}");
            assert!(!run.stderr.contains("no such table") && !run.stderr.contains("read-only"), "{damage}\n{run}");
        }
        if damage.contains("notes") {
            let db = rusqlite::Connection::open(sandbox.cache_db()).expect("it is there");
            let tables =
                db.query_row("SELECT group_concat(name) FROM sqlite_master", [], |row| row.get::<_, String>(0));
            assert_eq!(tables.expect("SQL"), "notes", "it was left alone");
        }
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(sandbox.cache_db().with_file_name(format!("cache.db{suffix}")));
        }
        std::fs::write(sandbox.cache_db(), &ours).expect("it is ours");
    }
    sandbox.anyt(&["sync"]).ok();
    assert_eq!(titles(&server), ["Mine", "One", "Three", "Two"]);
}

/// Whoever cannot write into the state folder any more, or has lost it, still reads; a write says what is wrong.
#[test]
fn a_state_folder_that_is_lost_and_cannot_be_made() {
    let (_server, sandbox) = stage();
    sandbox.anyt(&["task", "done", "DEV-1", "--offline"]).ok();
    let state = sandbox.path("state");
    std::fs::remove_dir_all(&state).expect("ours");
    // A file in its place: not even root makes a folder there.
    std::fs::write(&state, "in the way").expect("ours");
    sandbox.anyt(&["task", "list"]).ok().says("Three").warns("the spare copy of what waits cannot be used");
    sandbox.anyt(&["task", "show", "DEV-1"]).ok().says("One");
    sandbox.anyt(&["sync", "--no-input"]).code(1);
    sandbox.anyt(&["task", "create", "Four", "--offline"]).code(1).warns("queue.jsonl");
    std::fs::remove_file(&state).expect("ours");
    sandbox.anyt(&["task", "create", "Four", "--offline"]).ok();
    assert_eq!(sandbox.pending(), 2);
}

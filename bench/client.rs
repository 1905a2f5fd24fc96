//! What the client takes: its start, its reading, its syncs, its memory.

use crate::Scale;
use crate::backlog;
use crate::common::proxy::{Exchange, Proxy};
use crate::common::sandbox::ENV;
use crate::common::tempdir::TempDir;
use crate::common::{ALICE, Sandbox, Server};
use crate::measure::{Pairs, cost, cost_of_each, is_here, median, peak_memory};
use crate::replay::Replay;
use crate::size::static_file;
use crate::table::{Table, mebibytes, time};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Short runs that are measured as one.
const SERIES: usize = 20;

fn anyt(sandbox: &Sandbox, args: &[&str]) -> Command {
    sandbox.anyt(args).command()
}

/// What people start: the static file where there is one.
fn delivered(sandbox: &Sandbox, args: &[&str]) -> (Command, &'static str) {
    match static_file() {
        Some(program) => (sandbox.program(&program, args).command(), ", static file"),
        None => (anyt(sandbox, args), ", no static file: make static"),
    }
}

fn signed_in(url: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sign_in_at(url, ALICE);
    sandbox
}

/// The requests of `work`, done once by a home of its own whose server is the proxy.
fn requests(server: &Server, prepare: impl Fn(&Sandbox), work: &[&str]) -> Vec<Exchange> {
    let proxy = Proxy::before(server);
    let sandbox = signed_in(&proxy.url());
    prepare(&sandbox);
    proxy.reset();
    sandbox.anyt(work).timeout(Duration::from_secs(300)).ok();
    proxy.log()
}

pub fn starting(table: &mut Table, scale: &Scale) {
    let work = "`--version`";
    if !table.wants(work) {
        return;
    }
    let (reach, sandbox) = ("≤ 0.4", Sandbox::new());
    let (mut command, note) = delivered(&sandbox, &["--version"]);
    let mut ours = || cost_of_each(SERIES, &mut command).wall;
    if !is_here("git") {
        return table.alone(work, &time(median((0..scale.pairs(11)).map(|_| ours()))), "git is missing", reach);
    }
    let git = || cost_of_each(SERIES, &mut sandbox.program(Path::new("git"), &["--version"]).command()).wall;
    table.compare(work, "git --version", &Pairs::measure(scale.pairs(11), ours, git), note, reach);
}

pub fn pushing(table: &mut Table, scale: &Scale) {
    let count = scale.of(1000);
    let work = format!("push of {count} queued creates");
    if !table.wants(&work) {
        return;
    }
    let mut server = Server::start();
    let empty = server.remember();
    let queue = |sandbox: &Sandbox| {
        sandbox.anyt(&["sync"]).ok();
        for n in 0..count {
            let title = format!("Task {n}, as long as a title is");
            sandbox.anyt(&["task", "create", &title, "-d", "Some words about it.", "--offline"]).ok();
        }
    };
    let replay = is_here("curl").then(|| {
        let log = requests(&server, queue, &["sync"]);
        eprintln!("{work}: {} requests", log.len());
        Replay::of(&log, &server)
    });
    server.go_back(&empty);
    let prepared = signed_in(&server.url());
    queue(&prepared);

    let cpu = Cell::new(Vec::new());
    let server = std::cell::RefCell::new(server);
    let ours = || {
        server.borrow_mut().go_back(&empty);
        let sandbox = prepared.twin();
        let cost = cost(&mut anyt(&sandbox, &["sync"]));
        assert_eq!(sandbox.pending(), 0);
        cpu.set([cpu.take(), vec![cost.cpu]].concat());
        cost.wall
    };
    let (reach, pairs) = ("≤ 1.25, ≤ 0.6 s CPU", scale.pairs(5));
    let Some(replay) = replay else {
        return table.alone(&work, &time(median((0..pairs).map(|_| ours()))), "curl is missing", reach);
    };
    let curl = || {
        server.borrow_mut().go_back(&empty);
        let cost = cost(&mut replay.command());
        replay.assert_done();
        cost.wall
    };
    let pairs = Pairs::measure(pairs, ours, curl);
    let note = format!(", {} CPU", time(median(cpu.take().into_iter())));
    table.compare(&work, "curl, same requests, one connection", &pairs, &note, reach);
}

pub fn at_ten_thousand(table: &mut Table, scale: &Scale) {
    let count = scale.of(10_000);
    let first = format!("first sync of {count}");
    let idle = format!("sync with nothing to do, {count} cached");
    let list = format!("list 50 of {count}");
    if !table.wants_any(&[&first, &idle, &list]) {
        return;
    }
    let server = backlog::server(count);
    let synced = signed_in(&server.url());
    synced.anyt(&["sync"]).timeout(Duration::from_secs(300)).ok();
    if table.wants(&first) {
        first_sync(table, scale, &first, &server, &synced);
    }
    if table.wants(&idle) {
        idle_sync(table, scale, &idle, &server, &synced);
    }
    if table.wants(&list) {
        listing(table, scale, &list, &synced);
    }
}

fn first_sync(table: &mut Table, scale: &Scale, work: &str, server: &Server, synced: &Sandbox) {
    let ours = || {
        let sandbox = signed_in(&server.url());
        cost(&mut anyt(&sandbox, &["sync"])).wall
    };
    let (reach, pairs) = ("≤ 1.1", scale.pairs(7));
    if !is_here("curl") || !is_here("sqlite3") {
        let missing = if is_here("curl") { "sqlite3 is missing" } else { "curl is missing" };
        return table.alone(work, &time(median((0..pairs).map(|_| ours()))), missing, reach);
    }
    let replay = Replay::of(&requests(server, |_| (), &["sync"]), server);
    let folder = TempDir::new("import");
    let (rows, database) = (folder.path().join("rows.sql"), folder.path().join("rows.db"));
    let dump = format!("sqlite3 '{}' '.dump tasks' >'{}'", synced.cache_db().display(), rows.display());
    cost(Command::new("sh").args(["-c", &dump]));
    let import = format!("sqlite3 '{}' 'PRAGMA journal_mode = WAL' '.read {}'", database.display(), rows.display());
    let yardstick = || {
        let _ = std::fs::remove_file(&database);
        let taken = cost(Command::new("sh").args(["-ec", &format!("{}; {import}", replay.script())])).wall;
        replay.assert_done();
        assert_same_rows(&database, &synced.cache_db());
        taken
    };
    let pairs = Pairs::measure(pairs, ours, yardstick);
    table.compare(work, "curl of the same pages, sqlite3 importing the same rows", &pairs, "", reach);
}

fn assert_same_rows(one: &Path, other: &Path) {
    let count = |path: &Path| -> i64 {
        let connection = rusqlite::Connection::open(path).expect("a database");
        connection.query_row("SELECT count(*) FROM tasks", [], |row| row.get(0)).expect("a table of tasks")
    };
    assert_eq!(count(one), count(other));
}

fn idle_sync(table: &mut Table, scale: &Scale, work: &str, server: &Server, synced: &Sandbox) {
    let prepare = |sandbox: &Sandbox| drop(sandbox.anyt(&["sync"]).timeout(Duration::from_secs(300)).ok());
    let log = requests(server, prepare, &["sync"]);
    let note = format!(", {} requests", log.len());
    let ours = || cost(&mut anyt(synced, &["sync"])).wall;
    let (reach, pairs) = ("≤ 1.1, ≤ 4 requests", scale.pairs(21));
    if !is_here("curl") {
        let ours = time(median((0..pairs).map(|_| ours())));
        return table.alone(work, &(ours + &note), "curl is missing", reach);
    }
    let replay = Replay::of(&log, server);
    let curl = || {
        let cost = cost(&mut replay.command());
        replay.assert_done();
        cost.wall
    };
    table.compare(work, "curl, same requests", &Pairs::measure(pairs, ours, curl), &note, reach);
}

fn listing(table: &mut Table, scale: &Scale, work: &str, synced: &Sandbox) {
    let (mut command, note) = delivered(synced, &["task", "list"]);
    let mut ours = || cost_of_each(SERIES, &mut command).wall;
    let (reach, pairs) = ("≤ 0.9", scale.pairs(11));
    if !is_here("sqlite3") {
        return table.alone(work, &time(median((0..pairs).map(|_| ours()))), "sqlite3 is missing", reach);
    }
    let query = "SELECT identifier, status, priority, title, assignee_id, labels FROM tasks WHERE deleted_at IS NULL
        AND workspace_id = 1 AND status NOT IN ('done', 'canceled', 'archived')
        ORDER BY priority DESC, updated_us DESC, id LIMIT 50";
    let database = synced.cache_db().display().to_string();
    let mut shell = Command::new("sqlite3");
    shell.args([&database, query]);
    let sqlite = || cost_of_each(SERIES, &mut shell).wall;
    table.compare(work, "sqlite3, the same query", &Pairs::measure(pairs, ours, sqlite), note, reach);
}

/// The same program twice would show the machine's unrest: without another version there is no yardstick.
pub fn writing(table: &mut Table, scale: &Scale) {
    let work = "offline write, whole process";
    if !table.wants(work) {
        return;
    }
    let (reach, pairs) = ("≤ 1.0", scale.pairs(11));
    let server = Server::start();
    let write = |program: PathBuf| {
        let sandbox = Sandbox::new();
        let run = |args: &[&str]| sandbox.program(&program, args);
        run(&["env", "add", ENV, &server.url(), "--active"]).ok();
        sandbox.set_env("ANYT_AUTH_TOKEN", ALICE);
        sandbox.program(&program, &["sync"]).ok();
        move || {
            let args = ["task", "create", "Written offline", "--offline"];
            cost_of_each(SERIES, &mut sandbox.program(&program, &args).command()).wall
        }
    };
    let ours = write(static_file().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_anyt"))));
    let Some(base) = std::env::var_os("ANYT_BENCH_BASE").map(PathBuf::from) else {
        let without = "no earlier anyt: ANYT_BENCH_BASE names it";
        return table.alone(work, &time(median((0..pairs).map(|_| ours()))), without, reach);
    };
    table.compare(work, "the earlier anyt", &Pairs::measure(pairs, ours, write(base)), "", reach);
}

pub fn at_a_hundred_thousand(table: &mut Table, scale: &Scale) {
    let count = scale.of(100_000);
    let first = format!("memory: first sync of {count}");
    let list = format!("memory: list at {count}");
    let taken = format!("time: first sync of {count}");
    if !table.wants_any(&[&first, &list, &taken]) {
        return;
    }
    let server = backlog::server(count);
    let sandbox = signed_in(&server.url());
    let began = std::time::Instant::now();
    let peak = peak_memory(&anyt(&sandbox, &["sync"]));
    table.alone(&taken, &time(began.elapsed()), "–", "≤ 8 s");
    table.alone(&first, &mebibytes(peak), "–", "≤ 24 MiB");
    table.alone(&list, &mebibytes(peak_memory(&anyt(&sandbox, &["task", "list"]))), "–", "≤ 10 MiB");
}

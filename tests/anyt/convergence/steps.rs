//! One random thing that somebody does, and its entry in the ledger.

use super::Stage;
use super::ledger::tokens;
use super::sorts::{Above, SORTS, Shown, Sort};
use crate::common::json::{self, Look, Value};
use crate::common::run::TIMEOUT;
use crate::common::{Exit, Run};
use std::collections::BTreeSet;

const STATUSES: [&str; 7] = ["backlog", "todo", "active", "blocked", "done", "canceled", "archived"];

/// What became of a command, as its user saw it.
#[derive(PartialEq)]
enum Seen {
    /// It said that the change is made or queued.
    Confirmed,
    /// It was killed, or said that it failed: the change may have been made or not.
    Unknown,
}

impl Stage {
    pub fn step(&mut self) {
        let who = self.dice.roll(3);
        match self.dice.roll(100) {
            0..14 => self.create(who),
            14..36 => self.update(who),
            36..40 => self.note(who),
            40..45 => self.delete(who),
            45..50 => self.link(who),
            50..53 => self.unlink(who),
            53..77 => self.other(who),
            77..89 => self.sync(who),
            89..92 => self.change_while_syncing(who),
            92 => drop(self.run(who, &["sync", "--force", "--yes"])),
            93 => drop(self.run(who, &["sync", "resolve", "--local", "--all"])),
            94 => drop(self.run(who, &["sync", "resolve", "--remote", "--all"])),
            95..97 => {
                self.clients[who].wipe_cache();
                self.tell(who, "rm -r ~/.cache/anyt", None);
            }
            97 => {
                self.server.restart();
                self.history.push("the server was killed and started again".into());
            }
            _ => drop(self.run(who, &["sync", "status", "--offline"])),
        }
    }

    fn run(&mut self, who: usize, args: &[&str]) -> Run {
        let run = self.clients[who].run(args, true, &mut self.dice);
        self.tell(who, &args.join(" "), Some(&run));
        run
    }

    fn tell(&mut self, who: usize, what: &str, run: Option<&Run>) {
        let came = run.map_or(String::new(), |run| {
            format!(" → {:?} {}", run.exit, (run.stdout.clone() + &run.stderr).trim().replace('\n', " | "))
        });
        self.history.push(format!("{}: {what}{came}", self.clients[who].name));
    }

    /// Runs a change, offline more often than not.
    fn change(&mut self, who: usize, mut args: Vec<String>) -> (Seen, String) {
        if self.dice.chance(70) {
            args.push("--offline".into());
        }
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = self.run(who, &words);
        let confirmed = match run.exit {
            Exit::Code(0 | 3) => true,
            Exit::Code(5) => run.stderr.contains("queued"),
            _ => false,
        };
        (if confirmed { Seen::Confirmed } else { Seen::Unknown }, args.join(" "))
    }

    /// A task the client can see; most of the work is on a few, so that people meet.
    fn some_task(&mut self, who: usize) -> Option<Value> {
        let mut tasks = self.clients[who].tasks();
        if self.dice.chance(60) {
            tasks.sort_by_key(|task| task.int("number"));
            tasks.truncate(3);
        }
        (!tasks.is_empty()).then(|| self.dice.pick(&tasks).clone())
    }

    fn create(&mut self, who: usize) {
        let (mark, title, text) = (self.ledger.mark(), self.ledger.token(), self.ledger.token());
        let mut args: Vec<String> =
            ["task", "create", &format!("{mark} {title}"), "-d", &text].map(String::from).into();
        let mut written = vec![title, text];
        if self.dice.chance(30) {
            let label = self.ledger.token();
            args.extend(["--labels".to_string(), label.clone()]);
            written.push(label);
        }
        if self.dice.chance(25)
            && let Some(parent) = self.some_task(who)
        {
            args.extend(["--parent".to_string(), parent.text("identifier").to_string()]);
        }
        let (seen, command) = self.change(who, args);
        if seen == Seen::Confirmed {
            written.into_iter().for_each(|token| drop(self.ledger.written.insert(token, command.clone())));
            self.ledger.created.insert(mark, command);
        }
    }

    fn update(&mut self, who: usize) {
        let Some(task) = self.some_task(who) else { return };
        let mut args: Vec<String> = ["task", "update", task.text("identifier")].map(String::from).into();
        let (mut added, mut replaced) = (Vec::new(), BTreeSet::new());
        for _ in 0..=self.dice.roll(2) {
            let token = self.ledger.token();
            let (flag, value, field) = match self.dice.roll(9) {
                0 => {
                    let mark = tokens(task.text("title"), 'c').into_iter().next().unwrap_or_default();
                    ("--title", format!("{mark} {token}"), "title")
                }
                1 | 2 => ("-d", token.clone(), "description"),
                3 => ("--phase", token.clone(), "phase"),
                4 => ("--plan", token.clone(), "implementation_plan"),
                5 => ("--add-labels", token.clone(), ""),
                6 => ("--status", self.dice.pick(&STATUSES).to_string(), ""),
                7 => ("--priority", (self.dice.roll(5) as i64 - 2).to_string(), ""),
                _ => {
                    let labels = tokens(&json::to_string(task.at("labels")), 'v');
                    let Some(label) = labels.into_iter().next() else { continue };
                    replaced.insert(label.clone());
                    ("--remove-labels", label, "")
                }
            };
            if args.iter().any(|arg| arg == flag) {
                continue;
            }
            if value.contains(&token) {
                added.push(token);
            }
            if !field.is_empty() {
                replaced.extend(tokens(json::as_text(task.at(field)).unwrap_or_default(), 'v'));
            }
            args.extend([flag.to_string(), value]);
        }
        if args.len() == 3 {
            return;
        }
        let (seen, command) = self.change(who, args);
        self.ledger.replaced.extend(replaced);
        if seen == Seen::Confirmed {
            added.into_iter().for_each(|token| drop(self.ledger.written.insert(token, command.clone())));
        }
    }

    /// Cron syncs while a person works: what is queued meanwhile is laid over what the sync brings.
    fn change_while_syncing(&mut self, who: usize) {
        let request = self.dice.roll(10);
        let (syncing, gate) = self.clients[who].sync_until_request(request);
        for _ in 0..=self.dice.roll(2) {
            match self.dice.roll(4) {
                0 => self.create(who),
                1 => self.delete(who),
                2 => self.link(who),
                _ => self.update(who),
            }
        }
        gate.open();
        let run = syncing.wait(TIMEOUT);
        self.tell(who, &format!("(a sync that stood at its request {request} meanwhile)"), Some(&run));
    }

    fn note(&mut self, who: usize) {
        let Some(task) = self.some_task(who) else { return };
        let token = self.ledger.token();
        let args = ["task", "note", task.text("identifier"), "-m", &token].map(String::from).into();
        let (seen, command) = self.change(who, args);
        if seen == Seen::Confirmed {
            self.ledger.written.insert(token, command);
        }
    }

    fn delete(&mut self, who: usize) {
        let Some(task) = self.some_task(who) else { return };
        let args = ["task", "rm", task.text("identifier"), "--force"].map(String::from).into();
        self.change(who, args);
        let shown = json::to_string(&task);
        self.ledger.replaced.extend(tokens(&shown, 'v'));
        self.ledger.deleted.extend(tokens(task.text("title"), 'c'));
    }

    /// Something is done to a thing of another kind.
    fn other(&mut self, who: usize) {
        let sort = self.dice.pick(SORTS);
        let rows: Vec<Shown> =
            sort.cached(&self.clients[who]).into_values().filter(|row| row.mark().is_some()).collect();
        let chosen = if rows.is_empty() { None } else { Some(self.dice.pick(&rows).clone()) };
        match (self.dice.roll(10), chosen) {
            (0..4, Some(row)) if let Some(update) = sort.update => self.update_other(who, &row, update),
            (4..6, Some(row)) if let Some(delete) = sort.delete => {
                self.change(who, delete(&row.name));
                self.ledger.replaced.extend(tokens(&row.said, 'v'));
                self.ledger.deleted.extend(row.mark());
            }
            _ => self.create_other(who, sort),
        }
    }

    fn create_other(&mut self, who: usize, sort: &Sort) {
        let marked = |name: String, mark: Option<String>| Some((name, mark?));
        let above = match sort.above {
            Above::Nothing => Some((String::new(), String::new())),
            Above::Task => self.some_task(who).and_then(|task| {
                marked(task.text("identifier").to_string(), tokens(task.text("title"), 'c').into_iter().next())
            }),
            Above::Attempt => {
                let attempts = SORTS.iter().find(|sort| sort.table == "attempts").expect("it is there");
                let rows: Vec<Shown> = attempts.cached(&self.clients[who]).into_values().collect();
                if rows.is_empty() { None } else { Some(self.dice.pick(&rows)) }
                    .and_then(|row| marked(row.name.clone(), row.mark()))
            }
        };
        let Some((name, above)) = above else { return };
        let (mark, token) = (self.ledger.mark(), self.ledger.token());
        self.ledger.above.insert(mark.clone(), above);
        self.ledger.within.insert(token.clone(), mark.clone());
        let (seen, command) = self.change(who, (sort.create)(&name, &mark, &token));
        if seen == Seen::Confirmed {
            self.ledger.written.insert(token, command.clone());
            self.ledger.created.insert(mark, command);
        }
    }

    fn update_other(&mut self, who: usize, row: &Shown, update: fn(&str, &str, &str) -> Vec<String>) {
        let (mark, token) = (row.mark().unwrap_or_default(), self.ledger.token());
        self.ledger.within.insert(token.clone(), mark.clone());
        let (seen, command) = self.change(who, update(&row.name, &mark, &token));
        self.ledger.replaced.extend(tokens(&row.said, 'v'));
        if seen == Seen::Confirmed {
            self.ledger.written.insert(token, command);
        }
    }

    /// Two tasks of which the second was made before the first, so that no circle can come of it.
    fn two_tasks(&mut self, who: usize) -> Option<[(String, String); 2]> {
        let named = |task: &Value| {
            let mark = tokens(task.text("title"), 'c').into_iter().next()?;
            Some((mark, task.text("identifier").to_string()))
        };
        let (one, two) = (named(&self.some_task(who)?)?, named(&self.some_task(who)?)?);
        let number = |mark: &str| mark[1..].parse::<usize>().unwrap_or(0);
        match number(&one.0).cmp(&number(&two.0)) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some([two, one]),
            std::cmp::Ordering::Greater => Some([one, two]),
        }
    }

    fn link(&mut self, who: usize) {
        let Some([(from, task), (to, on)]) = self.two_tasks(who) else { return };
        let args = ["task", "dep", "add", &task, "--on", &on].map(String::from).into();
        let (seen, command) = self.change(who, args);
        if seen == Seen::Confirmed {
            self.ledger.linked.insert((from, to), command);
        }
    }

    fn unlink(&mut self, who: usize) {
        let tasks = self.clients[who].tasks();
        let edges: Vec<(String, String)> = self.clients[who].edges().into_iter().collect();
        if edges.is_empty() {
            return;
        }
        let (task, on) = self.dice.pick(&edges).clone();
        let mark = |identifier: &str| {
            let found = tasks.iter().find(|task| task.text("identifier") == identifier);
            found.and_then(|task| tokens(task.text("title"), 'c').into_iter().next()).unwrap_or_default()
        };
        self.ledger.unlinked.insert((mark(&task), mark(&on)));
        self.change(who, ["task", "dep", "rm", &task, "--on", &on].map(String::from).into());
    }

    fn sync(&mut self, who: usize) {
        let mut args = vec!["sync", "--no-input"];
        args.extend(match self.dice.roll(12) {
            0 => &["--pull"][..],
            1 | 2 => &["--push"],
            3 | 4 => &["--resolve", "local"],
            5 | 6 => &["--resolve", "remote"],
            7 => &["--resolve", "skip"],
            8 => &["--no-merge", "--resolve", "local"],
            _ => &[],
        });
        self.run(who, &args);
    }
}

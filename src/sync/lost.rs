//! Answers that never came: what is remembered of them, and how the task is found that a create may have made.

use super::Engine;
use super::plan::Plan;
use super::push::Sent;
use super::remote::{RemoteError, to_error};
use super::report::{Event, Summary};
use crate::error::{Error, Result};
use crate::model::{Field, Operation, Patch, Task, Value};
use crate::time::Timestamp;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// For so long operations are put off one after the other before no more are tried.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// For so long a create that was sent by a run which was killed may still arrive.
pub(super) const STUCK: Duration = Duration::from_secs(10);

/// Characters that a text has at least whose rest a server has cut off.
const CUT_AT: usize = 40;

/// Marks that Unicode normalisation joins with the letter before them.
const COMBINING: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// What a server holds of a create whose answer was lost.
pub(super) enum Found {
    None,
    One(Box<Task>),
    /// Several are what it asked for.
    Several(String),
    /// None is, but these may have been.
    Alike(String),
    /// The server could not be asked.
    Unknown(Error),
}

impl Engine<'_> {
    /// The answer to a create was lost after so long, also after the tries that a server which honours the key allows. On
    /// another one the task may be there already, or may still appear when a request that is stuck on the way gets
    /// through: only a later run sends it again.
    pub(super) fn create_lost(
        &mut self,
        plan: &mut Plan,
        index: usize,
        set: &Patch,
        took: Duration,
        message: String,
    ) -> Result<Sent> {
        let repeated = plan.entries[index].uncertain_before.is_some();
        self.note_lost(plan, index);
        let until = self.arrives_until(took);
        if let Some(uncertain) = &mut plan.entries[index].operation.uncertain {
            uncertain.until = Some(until);
        }
        // One that honours the key and still cannot be understood, twice: its answer may be empty.
        if self.remote.honours_idempotency_key() && !repeated {
            return Ok(Sent::Later(self.lost_error(message)));
        }
        let operation = plan.entries[index].operation.clone();
        Ok(match self.find_created(plan, &operation, set)? {
            Found::One(task) => Sent::Done(Some(task)),
            Found::None | Found::Several(_) | Found::Alike(_) => Sent::Later(self.lost_error(message)),
            Found::Unknown(error) => Sent::Stop(error),
        })
    }

    /// What a repeated create has made. Where the key is honoured the answer may be the one that was given the first time;
    /// what has become of the task since was pulled, or is asked for.
    pub(super) fn answered_again(&self, answer: Task) -> Result<Task> {
        if !self.remote.honours_idempotency_key() {
            return Ok(answer);
        }
        if self.options.pull
            && let Some(staged) = self.cache.staged_task(answer.id)?
        {
            return Ok(staged);
        }
        Ok(match self.remote.task(answer.workspace_id, &answer.identifier) {
            Ok(Some(now)) if now.id == answer.id => now,
            Ok(_) => Task { deleted_at: Some(Timestamp::now().rfc3339()), ..answer },
            // The answer itself is not in doubt.
            Err(_) => answer,
        })
    }

    /// Remembers that an answer was lost, for this run and, through the queue, for the next. True for the first time.
    pub(super) fn note_lost(&self, plan: &mut Plan, index: usize) -> bool {
        let entry = &mut plan.entries[index];
        entry.uncertain_before = entry.operation.uncertain.clone();
        entry.lost += 1;
        entry.lost == 1
    }

    pub(super) fn lost_error(&self, message: String) -> Error {
        to_error(RemoteError::Uncertain(message), &self.remote.origin())
    }

    /// Nothing more is sent for the task in this run, and the run ends with the error. The rest of the queue goes on, so
    /// that one operation that a server always fails at does not hold everything up; but each may take as long as all
    /// tries take, and the lock is held meanwhile. Gives the error that ends the run when that has gone on for too long.
    /// `began` is when this one was begun.
    pub(super) fn put_off(
        &mut self,
        plan: &mut Plan,
        summary: &mut Summary,
        index: usize,
        began: Instant,
        error: Error,
    ) -> Option<Error> {
        plan.held.insert(plan.entries[index].operation.task_id);
        let earlier = plan.put_off.is_some();
        let since = *plan.put_off.get_or_insert(began);
        summary.first_error.get_or_insert_with(|| error.to_string());
        if earlier && since.elapsed() > LONG_ENOUGH {
            return Some(error);
        }
        summary.stopped.get_or_insert(error);
        None
    }

    pub(super) fn highest_number(&self, plan: &Plan, workspace_id: i64) -> Result<i64> {
        let created =
            plan.created.values().filter(|task| task.workspace_id == workspace_id).map(|task| task.number).max();
        Ok(self.cache.highest_known_number(workspace_id)?.max(created.unwrap_or(0)))
    }

    /// Until when a request may arrive that `more` is left for.
    pub(super) fn arrives_until(&self, more: Duration) -> Timestamp {
        Timestamp::now().plus(more.min(self.remote.time_limit()))
    }

    /// Looks for a task of ours that a create whose answer was lost has made, until it can no longer be made: a request
    /// may be stuck on the way, or with a slow server that does not see that nobody waits for it any more.
    pub(super) fn find_arrived(&mut self, plan: &Plan, operation: &Operation, set: &Patch) -> Result<Found> {
        let found = self.find_created(plan, operation, set)?;
        let until = operation.uncertain.as_ref().and_then(|uncertain| uncertain.until);
        // A clock may have been set back since.
        let left = until.map_or(Duration::ZERO, |until| Timestamp::now().age(until).min(self.remote.time_limit()));
        if left.is_zero() || !matches!(found, Found::None) {
            return Ok(found);
        }
        let (name, seconds) = (&operation.identifier, left.as_secs() + 1);
        let note = format!("{name}: it was sent before and may still arrive; looking again in {seconds} s");
        self.reporter.tell(Event::Note(note));
        std::thread::sleep(left);
        self.find_created(plan, operation, set)
    }

    /// Looks for it once.
    fn find_created(&mut self, plan: &Plan, operation: &Operation, set: &Patch) -> Result<Found> {
        // What the pull staged may be older than the lost request. Before it is said that nothing was made, everything
        // is listed: a server's clock may have been set back.
        for everything in [false, true] {
            let workspace = operation.workspace_id;
            let staged =
                if everything { self.page_through(workspace, None) } else { self.stage_all_changes(workspace) };
            if let Err(error) = staged {
                return Ok(Found::Unknown(error));
            }
            match self.look_for(plan, operation, set)? {
                Found::None => {}
                found => return Ok(found),
            }
        }
        Ok(Found::None)
    }

    /// Looks through what is staged and cached.
    fn look_for(&self, plan: &Plan, operation: &Operation, set: &Patch) -> Result<Found> {
        let account = self.remote.account().unwrap_or(None).map(|account| account.user_id);
        let after = operation.uncertain.as_ref().map_or(0, |uncertain| uncertain.after_number);
        let taken = self.cache.answered_ids(operation.workspace_id)?;
        let mut newer = self.cache.tasks_made_after(operation.workspace_id, after)?;
        newer.retain(|task| !taken.contains(&task.id) && !plan.created.values().any(|made| made.id == task.id));
        let names = |tasks: &[&Task]| tasks.iter().map(|task| task.identifier.as_str()).collect::<Vec<_>>().join(", ");
        let ours: Vec<&Task> = newer.iter().filter(|task| is_made_of(task, set, account.as_deref())).collect();
        let alike: Vec<&Task> = newer.iter().filter(|task| is_alike(task, set)).collect();
        Ok(match (&ours[..], &alike[..]) {
            ([], []) => Found::None,
            ([], alike) => Found::Alike(names(alike)),
            ([one], _) => Found::One(Box::new((*one).clone())),
            (several, _) => Found::Several(names(several)),
        })
    }
}

/// The task is what the create asked for, as far as a server may write texts in its own way.
fn is_made_of(task: &Task, set: &Patch, account: Option<&str>) -> bool {
    let same = |field: Field| task.get(field).reads_as(set.get(&field).unwrap_or(&Value::Null));
    let ours = task.creator_id.is_none() || account.is_none() || task.creator_id.as_deref() == account;
    // Another machine of the account may have made one of the same name. Nobody has changed it yet.
    let differs = |field: Field| set.get(&field).is_some_and(|value| !task.get(field).reads_as(value));
    let twin = task.version <= 1 && [Field::Status, Field::Priority].into_iter().any(differs);
    let named = [Field::Title, Field::Description, Field::Project].into_iter().all(same);
    ours && !twin && task.deleted_at.is_none() && named
}

/// It may be that task all the same: cut, rewritten by the server, changed or deleted by somebody since, made under
/// another name of the account.
fn is_alike(task: &Task, set: &Patch) -> bool {
    let alike = |field: Field| {
        let (here, there) = (skeleton(set.get(&field)), skeleton(Some(&task.get(field))));
        let length = here.len().min(there.len());
        length > 0 && (here == there || (length >= CUT_AT && here[..length] == there[..length]))
    };
    alike(Field::Title) || alike(Field::Description)
}

/// What no server changes in a text: its ASCII letters and digits, in lower case. Not those that carry a combining mark,
/// which Unicode normalisation makes one character of, nor those of an HTML entity.
fn skeleton(value: Option<&Value>) -> Vec<u8> {
    let Some(Value::Text(text)) = value else { return Vec::new() };
    let plain = without_entities(text);
    let mut next = plain.chars().skip(1);
    let is_bare =
        |letter: &char| !next.next().is_some_and(|mark| COMBINING.contains(&mark)) && letter.is_ascii_alphanumeric();
    let kept: Vec<u8> = plain.chars().filter(is_bare).map(|letter| letter.to_ascii_lowercase() as u8).collect();
    // Nothing to compare in other scripts; then everything is.
    if kept.is_empty() { text.split_whitespace().collect::<String>().into_bytes() } else { kept }
}

fn without_entities(text: &str) -> String {
    let mut parts = text.split('&');
    let mut kept = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let name = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').filter(|end| *end > 1);
        kept += name.and_then(|end| part[end..].strip_prefix(';')).unwrap_or(part);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What servers were seen to make of a text, and what they leave.
    #[test]
    fn a_text_is_known_by_what_no_server_changes() {
        let bones = |text: &str| String::from_utf8(skeleton(Some(&Value::Text(text.into())))).unwrap();
        assert_eq!(bones("Café größer"), bones("Cafe\u{301} gro\u{308}ßer"));
        assert_eq!(bones("<b> & \"it's\""), bones("&lt;b&gt; &amp; &quot;it&#39;s&quot;"));
        assert_eq!(bones("R&D; a & b &"), "rdab");
        assert_eq!(bones("日本 語"), "日本語");
    }
}

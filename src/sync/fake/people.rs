//! A prompter that answers from a script, and a reporter that remembers.

use crate::error::Result;
use crate::sync::choose::Choice;
use crate::sync::relate::Difference;
use crate::sync::report::Cause;
use crate::sync::report::{Decision, Event, Prompter, Question, Reporter};
use std::collections::VecDeque;

/// A question as it was put.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub identifier: String,
    pub title: String,
    pub cause: Cause,
    pub versions: (i64, i64),
    pub differences: Vec<Difference>,
    pub beside: Vec<Difference>,
}

pub type Thinking = Box<dyn FnMut(&Asked)>;

/// Gives the answers of its script in order, then `Skip`, as where nobody is there.
#[derive(Default)]
pub struct ScriptedPrompter {
    pub answers: VecDeque<(Choice, bool)>,
    pub asked: Vec<Asked>,
    /// Runs while the person thinks: nothing may be locked meanwhile.
    pub meanwhile: Option<Thinking>,
}

impl ScriptedPrompter {
    pub fn answering(answers: impl IntoIterator<Item = Choice>) -> ScriptedPrompter {
        let answers = answers.into_iter().map(|choice| (choice, false)).collect();
        ScriptedPrompter { answers, ..ScriptedPrompter::default() }
    }

    /// The next answer is for every conflict that remains.
    pub fn for_all(choice: Choice) -> ScriptedPrompter {
        ScriptedPrompter { answers: [(choice, true)].into(), ..ScriptedPrompter::default() }
    }
}

impl Prompter for ScriptedPrompter {
    fn conflict(&mut self, question: &Question) -> Result<Decision> {
        let asked = Asked {
            identifier: question.identifier.into(),
            title: question.title.into(),
            cause: question.cause,
            versions: (question.local_version, question.remote_version),
            differences: question.differences.to_vec(),
            beside: question.beside.to_vec(),
        };
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile(&asked);
        }
        self.asked.push(asked);
        let (choice, for_all) = self.answers.pop_front().unwrap_or((Choice::Skip, false));
        Ok(Decision { choice, for_all })
    }
}

#[derive(Default)]
pub struct RecordingReporter {
    pub events: Vec<Event>,
}

impl RecordingReporter {
    pub fn has(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(what)
    }

    pub fn notes(&self) -> Vec<&str> {
        let mut notes = Vec::new();
        for event in &self.events {
            if let Event::Note(text) = event {
                notes.push(text.as_str());
            }
        }
        notes
    }
}

impl Reporter for RecordingReporter {
    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

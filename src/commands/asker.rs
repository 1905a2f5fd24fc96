//! The engine's `Prompter`: puts its questions to the person, in the words of `ui::conflict`.

use crate::error::{Error, Result};
use crate::sync::merge::Difference;
use crate::sync::report::{Choice, Clash, Decision, Prompter, Question};
use crate::ui::{Editor, Input, Output, conflict, interrupt};
use std::cell::RefCell;

pub struct Asker<'a> {
    pub out: &'a RefCell<&'a mut Output>,
    pub input: &'a mut Input,
    pub editor: Editor,
    /// Go straight to the editor (`sync resolve --edit`).
    pub edit_first: bool,
}

impl Prompter for Asker<'_> {
    fn conflict(&mut self, question: &Question) -> Result<Decision> {
        let (fields, beside) = (shown(question.differences), shown(question.beside));
        let asked = conflict::Question {
            identifier: question.identifier,
            local_version: question.local_version,
            remote_version: question.remote_version,
            fields: &fields,
            beside: &beside,
            names: question.names,
            cause: match question.clash {
                Clash::Changed => conflict::Cause::Differs,
                Clash::DeletedThere => conflict::Cause::DeletedThere,
                Clash::DeletedHere => conflict::Cause::DeletedHere,
            },
        };
        let mut out = self.out.borrow_mut();
        let editor = &mut self.editor;
        if self.edit_first && question.clash == Clash::Changed {
            match editor.edit(&asked) {
                Ok(patch) => return Ok(Decision { choice: Choice::Edited(patch), for_all: false }),
                Err(reason) => {
                    out.warn(&reason)?;
                    interrupt::obey();
                }
            }
        }
        let decision = match conflict::ask(&mut out, self.input, &mut |question| editor.edit(question), &asked) {
            Err(Error::Interrupted { .. }) => return Ok(Decision { choice: Choice::Stop, for_all: false }),
            decided => decided?,
        };
        Ok(Decision {
            choice: match decision.choice {
                conflict::Choice::Local => Choice::Local,
                conflict::Choice::Remote => Choice::Remote,
                conflict::Choice::Edited(patch) => Choice::Edited(patch),
                conflict::Choice::Skip => Choice::Skip,
                conflict::Choice::Stop => Choice::Stop,
            },
            for_all: decision.for_all,
        })
    }
}

fn shown(differences: &[Difference]) -> Vec<conflict::FieldDifference> {
    let shown = |Difference { field, base, local, remote }| conflict::FieldDifference { field, base, local, remote };
    differences.iter().cloned().map(shown).collect()
}

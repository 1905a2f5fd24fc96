//! `ConsolePrompter`, the engine's `Prompter`: puts its questions to the person, in the words of `ui::conflict`.

use crate::error::{Error, Result};
use crate::sync::choose::Choice;
use crate::sync::report::Cause;
use crate::sync::report::{Decision, Prompter, Question};
use crate::ui::{Editor, Input, Output, conflict, interrupt};
use std::cell::RefCell;

pub struct ConsolePrompter<'a> {
    pub out: &'a RefCell<&'a mut Output>,
    pub input: &'a mut Input,
    pub editor: Editor,
    /// Go straight to the editor (`sync resolve --edit`).
    pub edit_first: bool,
}

impl Prompter for ConsolePrompter<'_> {
    fn conflict(&mut self, question: &Question) -> Result<Decision> {
        let mut out = self.out.borrow_mut();
        let editor = &mut self.editor;
        if self.edit_first && question.cause == Cause::Changed {
            match editor.edit(question) {
                Ok(patch) => return Ok(Decision { choice: Choice::Edited(patch), for_all: false }),
                Err(reason) => {
                    out.warn(&reason)?;
                    interrupt::obey();
                }
            }
        }
        match conflict::ask(&mut out, self.input, &mut |question| editor.edit(question), question) {
            Err(Error::Interrupted { .. }) => Ok(Decision { choice: Choice::Stop, for_all: false }),
            decided => decided,
        }
    }
}

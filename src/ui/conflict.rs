//! The question that a conflict puts to a person: the prompt of spec/ "Conflict Resolution", with what differs between
//! its heading and its choices. It decides nothing itself and stores nothing; `Choice::Skip` is for the caller's inbox.

use crate::error::Error;
use crate::model::Patch;
use crate::sync::choose::Choice;
use crate::sync::report::Cause;
use crate::sync::report::{Decision, Question};
use crate::time::Timestamp;
use crate::ui::difference;
use crate::ui::width::truncate;
use crate::ui::{Answer, Input, Output, Style, interrupt, sanitise};

/// Invalid answers before the question is given up.
const STRIKES: usize = 3;

/// Answers of any kind, so that `yes d` and `yes 3` with an editor that fails come to an end too.
const ROUNDS: usize = 20;

/// Asks until there is a decision. `edit` makes the patch of choice 3, or says why it could not; then the question is
/// put again. Without answers (end of input, `--no-input`, three invalid ones) the decision is `Choice::Skip`; where
/// it is known before that no answer can come, nothing is printed at all.
pub fn ask(
    out: &mut Output,
    input: &mut Input,
    edit: &mut dyn FnMut(&Question<'_>) -> Result<Patch, String>,
    question: &Question<'_>,
) -> Result<Decision, Error> {
    let decided = |choice, for_all| Ok(Decision { choice, for_all });
    if !input.can_answer(out) {
        return decided(Choice::Skip, false);
    }
    show(out, question)?;
    let prompt = if question.cause == Cause::Changed { "  Choice [1-3]: " } else { "  Choice [1-2]: " };
    let mut strikes = 0;
    for _ in 0..ROUNDS {
        let Answer::Line(answer) = input.ask(out, prompt)? else { break };
        match answer.trim() {
            "1" => return decided(Choice::Local, false),
            "2" => return decided(Choice::Remote, false),
            "1!" => return decided(Choice::Local, true),
            "2!" => return decided(Choice::Remote, true),
            "s" => return decided(Choice::Skip, false),
            "q" => return decided(Choice::Stop, false),
            "d" => difference::print(out, question)?,
            "?" => out.question(help(question.cause))?,
            "3" if question.cause == Cause::Changed => match edit(question) {
                Ok(patch) => return decided(Choice::Edited(patch), false),
                Err(reason) => {
                    out.question(&format!("  Not edited: {}\n", sanitise::line(&reason)))?;
                    interrupt::obey();
                }
            },
            _ => {
                strikes += 1;
                if strikes == STRIKES {
                    break;
                }
                out.question(help(question.cause))?;
            }
        }
    }
    decided(Choice::Skip, false)
}

/// Every key.
fn help(cause: Cause) -> &'static str {
    match cause {
        Cause::Changed => {
            "  1   keep local changes    1!  for all that remain\n  2   accept remote         2!  for all that remain\n  \
             3   edit manually         d   show the full difference\n  s   leave it for later    q   stop; nothing is changed\n"
        }
        _ => {
            "  1   keep local changes    1!  for all that remain\n  2   accept remote         2!  for all that remain\n  \
             d   show all fields\n  s   leave it for later    q   stop; nothing is changed\n"
        }
    }
}

/// What the task is about, and when the other side changed it.
fn subject(question: &Question<'_>) -> String {
    let title = truncate(&sanitise::line(question.title), 72);
    let at = Timestamp::parse(question.changed_at).filter(|_| question.cause != Cause::DeletedThere);
    let changed = at.map(|at| format!("changed there {}", at.ago(Timestamp::now())));
    let place = match question.place {
        (_, 0 | 1) => String::new(),
        (number, all) => format!("{number} of {all}"),
    };
    let words: Vec<String> =
        [title, changed.unwrap_or_default(), place].into_iter().filter(|part| !part.is_empty()).collect();
    format!("    {} (? shows all keys)\n", words.join(", "))
}

fn show(out: &mut Output, question: &Question<'_>) -> Result<(), Error> {
    let heading = out.paint(Style::Yellow, &format!("⚠ Conflict detected for {}:", question.identifier));
    // Not every kind of thing has versions.
    let version = |number: i64, deleted| match deleted {
        true => "deleted".to_string(),
        false if question.local_version == 0 => "changed".to_string(),
        false => number.to_string(),
    };
    out.question(&format!(
        "{heading}\n  Local version: {}\n  Remote version: {}\n",
        version(question.local_version, question.cause == Cause::DeletedHere),
        version(question.remote_version, question.cause == Cause::DeletedThere),
    ))?;
    out.question(&subject(question))?;
    for field in question.differences {
        let summary = difference::summary(out, field, question);
        out.question(&summary)?;
    }
    for field in question.beside {
        out.question(&difference::beside(field, question))?;
    }
    out.question(match question.cause {
        Cause::Changed => {
            "\n  Choose resolution:\n  1. Keep local changes (overwrite remote)\n  \
             2. Accept remote changes (overwrite local)\n  3. Edit manually\n\n"
        }
        Cause::DeletedThere => {
            "\n  Choose resolution:\n  1. Keep local changes (create it again)\n  \
             2. Accept remote changes (delete it here)\n\n"
        }
        Cause::DeletedHere => {
            "\n  Choose resolution:\n  1. Keep local changes (delete it there)\n  \
             2. Accept remote changes (bring it back here)\n\n"
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Value;
    use crate::model::task::STATUS;
    use crate::names::tests::Few;
    use crate::sync::relate::Difference;
    use crate::ui::output::tests::captured;

    fn status() -> Difference {
        let text = |text: &str| Value::Text(text.into());
        Difference { field: STATUS, base: text("todo"), local: text("active"), remote: text("done") }
    }

    pub fn question(fields: &[Difference]) -> Question<'_> {
        Question {
            identifier: "DEV-42",
            title: "Fix bug",
            changed_at: "",
            cause: Cause::Changed,
            local_version: 5,
            remote_version: 6,
            differences: fields,
            beside: &[],
            place: (1, 1),
            names: &Few,
        }
    }

    fn answered(given: &str, cause: Cause) -> ((Choice, bool), String) {
        let (mut out, stdout, _) = captured(Default::default());
        let fields = [status()];
        let question = Question { cause, ..question(&fields) };
        let mut edit = |_: &Question<'_>| Err("the editor failed".to_string());
        let decision = ask(&mut out, &mut Input::given(given), &mut edit, &question).unwrap();
        ((decision.choice, decision.for_all), stdout.text())
    }

    #[test]
    fn reads_like_the_specification() {
        let fields = [status()];
        let third = Question { place: (3, 5), ..question(&fields) };
        assert_eq!(subject(&third), "    Fix bug, 3 of 5 (? shows all keys)\n");
        let (decision, screen) = answered("2\n", Cause::Changed);
        assert_eq!(decision, (Choice::Remote, false));
        let expected = "\
⚠ Conflict detected for DEV-42:
  Local version: 5
  Remote version: 6
    Fix bug (? shows all keys)
    status: todo → local active, remote done

  Choose resolution:
  1. Keep local changes (overwrite remote)
  2. Accept remote changes (overwrite local)
  3. Edit manually

  Choice [1-3]: 2
";
        assert_eq!(screen, expected);
    }

    #[test]
    fn every_answer_has_its_decision() {
        for (given, choice, for_all) in [
            ("1\n", Choice::Local, false),
            (" 1! \n", Choice::Local, true),
            ("2!\n", Choice::Remote, true),
            ("s\n", Choice::Skip, false),
            ("q\n", Choice::Stop, false),
            ("d\n1\n", Choice::Local, false),
            ("3\n2\n", Choice::Remote, false),
            ("x\n\n2", Choice::Remote, false),
            ("?\n?\n?\n?\n2", Choice::Remote, false),
            ("x\nx\nx\n2\n", Choice::Skip, false),
            ("", Choice::Skip, false),
            ("refs/heads/main 1a2b refs/heads/main 3c4d\n", Choice::Skip, false),
        ] {
            assert_eq!(answered(given, Cause::Changed).0, (choice, for_all), "{given:?}");
        }
        assert_eq!(answered(&"d\n".repeat(1000), Cause::Changed).0.0, Choice::Skip);
        assert_eq!(answered(&"3\n".repeat(1000), Cause::Changed).0.0, Choice::Skip);
    }

    #[test]
    fn an_edit_is_handed_on_and_its_failure_is_said() {
        let (mut out, _, _) = captured(Default::default());
        let patch = Patch::from([(STATUS, Value::Text("blocked".into()))]);
        let fields = [status()];
        let mut edit = |_: &Question<'_>| Ok(patch.clone());
        let decision = ask(&mut out, &mut Input::given("3\n"), &mut edit, &question(&fields)).unwrap();
        assert_eq!(decision.choice, Choice::Edited(patch.clone()));
        let (_, screen) = answered("3\n1\n", Cause::Changed);
        assert!(screen.ends_with("[1-3]: 3\n  Not edited: the editor failed\n  Choice [1-3]: 1\n"), "{screen}");
    }

    #[test]
    fn a_deletion_has_two_ways_out() {
        let (decision, screen) = answered("3\n1\n", Cause::DeletedThere);
        assert_eq!(decision.0, Choice::Local);
        assert!(
            screen.contains(
                "  Remote version: deleted\n    Fix bug (? shows all keys)\n    status: todo → local active\n"
            ),
            "{screen}"
        );
        let (_, screen) = answered("2\n", Cause::DeletedHere);
        assert!(screen.contains("  Local version: deleted\n"), "{screen}");
        assert!(screen.contains("    status: todo → remote done\n"), "{screen}");
    }

    #[test]
    fn without_input_there_is_no_question() {
        let (mut out, stdout, _) = captured(Default::default());
        let mut edit = |_: &Question<'_>| Err(String::new());
        let decision = ask(&mut out, &mut Input::new(true), &mut edit, &question(&[])).unwrap();
        out.flush().unwrap();
        assert_eq!((decision.choice, stdout.text()), (Choice::Skip, String::new()));
    }
}

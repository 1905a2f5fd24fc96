//! Comparing what a command showed with a transcript of the specification: every line of it, in its order, and
//! nothing else.

/// What may stand between the transcript's lines.
#[derive(Clone, Copy, PartialEq)]
pub enum Extra {
    Nothing,
    /// The conflict block's own lines: which fields differ and how (issue 4 point 2).
    IndentedLines,
}

/// Questions of the transcripts. What was typed stands behind them on a terminal; on a pipe nothing echoes it, so there
/// the answer, and the end of its line, may be missing.
const QUESTIONS: [&str; 2] = ["Continue? [y/N]:", "Choice [1-3]:"];

/// `shown` is stdout and stderr in their order (`Invocation::merged`) or a terminal's screen; `transcript` starts and
/// ends with a line break for the sake of the source's looks.
#[track_caller]
pub fn assert_shows(shown: &str, transcript: &str, extra: Extra) {
    let wanted: Vec<&str> = transcript.trim_matches('\n').lines().map(str::trim_end).collect();
    let shown = with_answers(&shown.replace('\r', ""), &wanted);
    let mut missing = wanted.iter().copied().peekable();
    for line in shown.lines().map(str::trim_end) {
        if missing.next_if_eq(&line).is_none() {
            let allowed = extra == Extra::IndentedLines && (line.is_empty() || line.starts_with("    "));
            assert!(allowed, "unexpected: {line:?}\n--- expected\n{}\n--- shown\n{shown}", wanted.join("\n"));
        }
    }
    if let Some(line) = missing.next() {
        panic!("missing: {line:?}\n--- expected\n{}\n--- shown\n{shown}", wanted.join("\n"));
    }
}

/// Puts the transcript's answer and a line break behind each question, whether or not they were echoed.
fn with_answers(shown: &str, wanted: &[&str]) -> String {
    let mut text = shown.to_string();
    for question in QUESTIONS {
        let asked = wanted.iter().find_map(|line| line.split_once(question));
        let Some((_, answer)) = asked else { continue };
        let answer = answer.trim();
        let mut parts = text.split(question);
        let mut answered = parts.next().unwrap_or_default().to_string();
        for rest in parts {
            let rest = rest.trim_start_matches(' ');
            let rest = rest.strip_prefix(answer).unwrap_or(rest).trim_start_matches(' ');
            answered += &format!("{question} {answer}\n{}", rest.strip_prefix('\n').unwrap_or(rest));
        }
        text = answered;
    }
    text
}

//! Did you mean …? The known word nearest to a mistyped one.

/// The nearest of `known`, if it is near enough to be meant: the typed word abbreviates it, or a third of its letters
/// or fewer (of a short word one) differ. One letter is near to nothing.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match typed.chars().count() {
        0 | 1 => 0,
        letters => (letters / 3).max(1),
    };
    let scored = known.into_iter().map(|word| match typed.len() > 1 && word.starts_with(typed) {
        true => (1, word),
        false => (distance(typed, word), word),
    });
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Letters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != other);
            let mut best = replaced.min(above[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *letter == to[column - 1] && from[row - 1] == *other {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in
            [("", "", 0), ("abc", "", 3), ("ofline", "offline", 1), ("taks", "task", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["create", "update", "list", "description"];
        assert_eq!(nearest("creat", known), Some("create"));
        assert_eq!(nearest("udpate", known), Some("update"));
        assert_eq!(nearest("desc", known), Some("description"));
        assert_eq!(nearest("frobnicate", known), None);
        assert_eq!(nearest("7", ["-2", "1"]), None);
    }
}

//! Making tokens.

use crate::problem::Problem;

/// Letters of a token that are kept to tell it from others.
const SHOWN: usize = 12;

/// 192 bits.
pub fn make() -> Result<String, Problem> {
    let digits: String = random_bytes::<24>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("anyt_{digits}"))
}

/// A quarter of the token at most.
pub fn prefix(token: &str) -> &str {
    token.get(..SHOWN.min(token.len() / 4)).unwrap_or_default()
}

pub fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new(500, format!("no random numbers: {error}")))?;
    Ok(bytes)
}

//! Making tokens and API keys.

use crate::auth::AGENT_PREFIX;
use crate::problem::Problem;

/// Letters of a token after its fixed part that are kept to tell it from others.
const SHOWN: usize = 7;

/// A user's token.
pub fn make() -> Result<String, Problem> {
    Ok(format!("anyt_{}", digits()?))
}

pub fn make_key() -> Result<String, Problem> {
    Ok(format!("{AGENT_PREFIX}{}", digits()?))
}

/// 192 bits.
fn digits() -> Result<String, Problem> {
    Ok(random_bytes::<24>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What may be kept and shown of a token that was made here.
pub fn prefix(token: &str) -> &str {
    let fixed = if token.starts_with(AGENT_PREFIX) { AGENT_PREFIX.len() } else { "anyt_".len() };
    token.get(..fixed + SHOWN).unwrap_or_default()
}

pub fn random_bytes<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Problem::new(500, format!("no random numbers: {error}")))?;
    Ok(bytes)
}

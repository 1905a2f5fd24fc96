//! The identifier of an operation.

use crate::error::{Error, Result};

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
/// The operating system has no random numbers to give.
pub fn new_op_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::failure(format!("no random numbers from the system: {e}")))?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

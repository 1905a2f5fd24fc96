//! The encrypted file's format, on bytes in memory: XChaCha20-Poly1305 under a random key or one that Argon2id makes of a
//! passphrase. It knows no files and no environment variables.
//!
//! ```text
//! magic "ANYTCRED" · version 1 · kdf (0 random key, 1 Argon2id) · memory KiB u32 · passes u32 · lanes u32
//! salt 16 · nonce 24 · length of the ciphertext with its tag u32 · length of the origin u16 · origin · ciphertext · tag
//! ```
//!
//! Numbers are little-endian; a random key has three zeros for the parameters. The additional data is the whole header,
//! then service, account and origin, each behind its length (u32): moved to another environment or with another origin
//! written into it, the file does not open. Salt and nonce are new at every sealing.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use super::SERVICE;

const MAGIC: &[u8; 8] = b"ANYTCRED";
const VERSION: u8 = 1;
/// Of the header without the origin.
const FIXED: usize = 8 + 1 + 1 + 12 + 16 + 24 + 4 + 2;
const TAG: usize = 16;

/// Argon2id for new files: 64 MiB, 3 passes, 1 lane, about 0.3 s.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

/// What opens a file.
pub enum Key {
    Random([u8; 32]),
    /// Any bytes, through Argon2id.
    Passphrase(Vec<u8>),
}

/// Why a file does not open. What was wrong and what was tampered with cannot be told apart: that is the point of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It ends before its header says so.
    Truncated,
    Version(u8),
    /// The wrong key, or changed bytes.
    WrongKeyOrDamaged,
    /// It was sealed with the other kind of key: `true` if that was a passphrase.
    OtherKind {
        passphrase: bool,
    },
}

/// What can be read without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Not trustworthy before the file has been opened.
    pub origin: String,
    pub passphrase: bool,
    cost: Cost,
    salt: [u8; 16],
    nonce: [u8; 24],
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    const NONE: Cost = Cost { memory_kib: 0, passes: 0, lanes: 0 };

    /// A file must not make us fill the memory or compute for ever.
    fn is_bearable(self) -> bool {
        (8 * 1024..=256 * 1024).contains(&self.memory_kib)
            && (1..=10).contains(&self.passes)
            && (1..=4).contains(&self.lanes)
    }
}

/// Seals `text` for an account (the environment's name) and an origin. `None` if the system gives no random numbers or no memory.
pub fn seal(text: &[u8], account: &str, origin: &str, key: &Key) -> Option<Vec<u8>> {
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    getrandom::fill(&mut salt).ok()?;
    getrandom::fill(&mut nonce).ok()?;
    let (kdf, cost) = match key {
        Key::Random(_) => (0, Cost::NONE),
        Key::Passphrase(_) => (1, COST),
    };
    let mut file = MAGIC.to_vec();
    file.extend([VERSION, kdf]);
    [cost.memory_kib, cost.passes, cost.lanes].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.extend(salt);
    file.extend(nonce);
    file.extend(u32::try_from(text.len() + TAG).ok()?.to_le_bytes());
    file.extend(u16::try_from(origin.len()).ok()?.to_le_bytes());
    file.extend(origin.as_bytes());
    let aad = additional_data(&file, account, origin);
    let cipher = cipher(key, cost, &salt)?;
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), Payload { msg: text, aad: &aad }).ok()?;
    file.extend(sealed);
    Some(file)
}

/// Opens what `seal` made, for the same account.
pub fn open(file: &[u8], account: &str, key: &Key) -> Result<Vec<u8>, Broken> {
    let header = header(file)?;
    if header.passphrase != matches!(key, Key::Passphrase(_)) {
        return Err(Broken::OtherKind { passphrase: header.passphrase });
    }
    let aad = additional_data(&file[..header.end], account, &header.origin);
    let cipher = cipher(key, header.cost, &header.salt).ok_or(Broken::WrongKeyOrDamaged)?;
    let payload = Payload { msg: &file[header.end..], aad: &aad };
    cipher.decrypt(XNonce::from_slice(&header.nonce), payload).map_err(|_| Broken::WrongKeyOrDamaged)
}

/// Reads and bounds the header, before anything is allocated or computed for it.
pub fn header(file: &[u8]) -> Result<Header, Broken> {
    let known = file.len().min(MAGIC.len());
    if file[..known] != MAGIC[..known] {
        return Err(Broken::WrongKeyOrDamaged);
    }
    match file.get(MAGIC.len()) {
        None => return Err(Broken::Truncated),
        Some(&VERSION) => {}
        Some(&other) => return Err(Broken::Version(other)),
    }
    let mut fields = Fields { rest: &file[MAGIC.len() + 1..] };
    let [kdf] = fields.take()?;
    let cost = Cost { memory_kib: fields.number()?, passes: fields.number()?, lanes: fields.number()? };
    let (salt, nonce) = (fields.take()?, fields.take()?);
    let ciphertext = fields.number()? as usize;
    let origin_length = u16::from_le_bytes(fields.take()?) as usize;
    let origin = fields.rest.get(..origin_length).ok_or(Broken::Truncated)?;
    let end = FIXED + origin_length;
    let sensible = match kdf {
        0 => cost == Cost::NONE,
        1 => cost.is_bearable(),
        _ => false,
    };
    if !sensible || ciphertext < TAG {
        return Err(Broken::WrongKeyOrDamaged);
    }
    match (file.len() - end).cmp(&ciphertext) {
        std::cmp::Ordering::Less => Err(Broken::Truncated),
        std::cmp::Ordering::Greater => Err(Broken::WrongKeyOrDamaged),
        std::cmp::Ordering::Equal => {
            let origin = std::str::from_utf8(origin).map_err(|_| Broken::WrongKeyOrDamaged)?.to_string();
            Ok(Header { origin, passphrase: kdf == 1, cost, salt, nonce, end })
        }
    }
}

/// The header's bytes, taken from the front.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(Broken::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_le_bytes(self.take()?))
    }
}

fn additional_data(header: &[u8], account: &str, origin: &str) -> Vec<u8> {
    let mut data = header.to_vec();
    for part in [SERVICE, account, origin] {
        data.extend((part.len() as u32).to_le_bytes());
        data.extend(part.as_bytes());
    }
    data
}

fn cipher(key: &Key, cost: Cost, salt: &[u8; 16]) -> Option<XChaCha20Poly1305> {
    match key {
        Key::Random(bytes) => Some(XChaCha20Poly1305::new(bytes.into())),
        Key::Passphrase(passphrase) => {
            let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
            let mut derived = [0; 32];
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon.hash_password_into(passphrase, salt, &mut derived).ok()?;
            Some(XChaCha20Poly1305::new(&derived.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://localhost:8000";

    fn sealed(key: &Key) -> Vec<u8> {
        seal(b"anyt_canary", "dev", ORIGIN, key).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_and_shows_nothing() {
        for key in [Key::Random([7; 32]), Key::Passphrase(b"correct horse".to_vec())] {
            let file = sealed(&key);
            assert_eq!(open(&file, "dev", &key).unwrap(), b"anyt_canary");
            assert_eq!(header(&file).unwrap().origin, ORIGIN);
            assert!(!file.windows(6).any(|window| window == b"canary"));
            assert_ne!(file, sealed(&key), "salt and nonce are new");
            assert_eq!(open(&file, "prod", &key), Err(Broken::WrongKeyOrDamaged));
        }
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let key = Key::Random([7; 32]);
        let file = sealed(&key);
        for index in 0..file.len() {
            for bit in 0..8 {
                let mut flipped = file.clone();
                flipped[index] ^= 1 << bit;
                let broken = open(&flipped, "dev", &key).expect_err("a flipped bit");
                if index == MAGIC.len() {
                    assert_eq!(broken, Broken::Version(VERSION ^ (1 << bit)));
                }
            }
        }
    }

    #[test]
    fn every_shortening_is_called_one() {
        let key = Key::Random([7; 32]);
        let file = sealed(&key);
        for length in 0..file.len() {
            assert_eq!(open(&file[..length], "dev", &key), Err(Broken::Truncated), "{length}");
        }
        let longer = [file.as_slice(), b"x"].concat();
        assert_eq!(open(&longer, "dev", &key), Err(Broken::WrongKeyOrDamaged));
    }

    #[test]
    fn wrong_keys_and_the_other_kind_of_key() {
        let file = sealed(&Key::Random([7; 32]));
        assert_eq!(open(&file, "dev", &Key::Random([8; 32])), Err(Broken::WrongKeyOrDamaged));
        let passphrase = Key::Passphrase(b"p".to_vec());
        assert_eq!(open(&file, "dev", &passphrase), Err(Broken::OtherKind { passphrase: false }));
        let file = sealed(&passphrase);
        assert_eq!(open(&file, "dev", &Key::Passphrase(b"q".to_vec())), Err(Broken::WrongKeyOrDamaged));
        assert_eq!(open(&file, "dev", &Key::Random([7; 32])), Err(Broken::OtherKind { passphrase: true }));
    }

    #[test]
    fn absurd_parameters_are_refused_before_they_are_used() {
        let key = Key::Passphrase(b"p".to_vec());
        let file = sealed(&key);
        for (at, value) in [(10, u32::MAX), (10, 256 * 1024 + 1), (10, 1), (14, 11), (14, 0), (18, 5), (18, 0)] {
            let mut absurd = file.clone();
            absurd[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let start = std::time::Instant::now();
            assert_eq!(open(&absurd, "dev", &key), Err(Broken::WrongKeyOrDamaged));
            assert!(start.elapsed().as_millis() < 100);
        }
    }
}

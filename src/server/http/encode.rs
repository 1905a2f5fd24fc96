//! Bodies as they travel: compressed, for clients that ask for it and bodies that are worth it.

use super::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use std::io::Write;

/// Shorter bodies fit into a packet or two as they are.
const WORTH_IT: usize = 1_024;

/// Longer bodies are compressed on a thread of their own, where nobody waits behind them.
const QUICK: usize = 16 << 10;

/// Whether `Accept-Encoding` asks for gzip.
pub fn is_wanted(accept: Option<&str>) -> bool {
    accept.is_some_and(|codings| {
        codings.split(',').any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse::<f32>() == Ok(0.0));
            ["gzip", "x-gzip", "*"].iter().any(|known| name.trim().eq_ignore_ascii_case(known)) && !refused
        })
    })
}

/// The response without its body, and the body as it travels.
pub async fn encode(mut response: Response, gzip: bool) -> (Response, Bytes) {
    let body = std::mem::take(&mut response.body);
    if body.len() < WORTH_IT {
        return (response, body.into());
    }
    response.headers.push(("Vary", "Accept-Encoding".into()));
    if !gzip {
        return (response, body.into());
    }
    let compressed = if body.len() <= QUICK {
        compress(body.as_bytes())
    } else {
        let text = body.clone();
        tokio::task::spawn_blocking(move || compress(text.as_bytes())).await.unwrap_or(None)
    };
    match compressed {
        Some(compressed) => {
            response.headers.push(("Content-Encoding", "gzip".into()));
            (response, compressed.into())
        }
        None => (response, body.into()),
    }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_ask_for_it() {
        for wanted in ["gzip", "deflate, gzip;q=0.5", "*", "GZIP"] {
            assert!(is_wanted(Some(wanted)), "{wanted}");
        }
        for other in ["", "br", "gzip;q=0", "gzip; q=0.0", "identity"] {
            assert!(!is_wanted(Some(other)), "{other}");
        }
        assert!(!is_wanted(None));
    }
}

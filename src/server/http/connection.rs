//! One connection: requests one after the other, until either side has enough.

use super::{Application, exchange};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

/// How long a connection may lie idle, and how long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(60);

/// How long the client may take none of an answer's bytes.
const WRITE: Duration = Duration::from_secs(30);

/// Request line and headers together, in bytes; anybody can make the server hold this much.
const HEAD_SIZE: usize = 16 << 10;

/// How long, and how many bytes, are read and thrown away before a connection with unread input is closed. Closing at
/// once would reset it, and the client might never see the answer that says why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 << 20;

/// What all connections have in common.
pub struct Shared<A> {
    pub application: Arc<A>,
    pub body_limit: usize,
}

type Stream = Pin<Box<TimeoutStream<TcpStream>>>;

pub async fn converse<A: Application>(
    stream: TcpStream,
    peer: IpAddr,
    shared: Arc<Shared<A>>,
    mut stopping: watch::Receiver<bool>,
) {
    // Nothing waits for a delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    if is_asked(&stream, &mut stopping).await {
        // Boxed: a connection without a request does not hold the room for one.
        Box::pin(serve(stream, peer, shared, stopping)).await;
    }
}

async fn serve<A: Application>(
    stream: TcpStream,
    peer: IpAddr,
    shared: Arc<Shared<A>>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { exchange::answer(&*shared, peer, request).await })
            as Pin<Box<dyn Future<Output = exchange::Answer> + Send>>
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_header_size(HEAD_SIZE)
        .max_buf_size(HEAD_SIZE)
        // Clients may close their side once they have asked.
        .half_close(true)
        .title_case_headers(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut stop = Box::pin(stopping.wait_for(|stop| *stop));
    let mut told = false;
    let ended = poll_fn(|context| {
        if !told && stop.as_mut().poll(context).is_ready() {
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(context)
    })
    .await;
    if let Err(error) = &ended
        && error.is_parse()
    {
        exchange::log_refused(peer, error);
    }
    let stream: Stream = connection.into_parts().io.into_inner();
    let _ = tokio::time::timeout(LINGER, linger(stream)).await;
}

/// Waits for the first byte, at which buffers are made: a connection without a request costs next to nothing.
async fn is_asked(stream: &TcpStream, stopping: &mut watch::Receiver<bool>) -> bool {
    let mut stop = Box::pin(stopping.wait_for(|stop| *stop));
    let asked = poll_fn(|context| {
        if stop.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(false);
        }
        // A look, not a question for readiness, which a new connection always answers with yes.
        let mut byte = [0; 1];
        stream.poll_peek(context, &mut ReadBuf::new(&mut byte)).map(|seen| seen.is_ok())
    });
    tokio::time::timeout(HEAD, asked).await.unwrap_or(false)
}

/// Reads what the client still sends until it closes, too.
async fn linger(mut stream: Stream) -> std::io::Result<()> {
    poll_fn(|context| stream.as_mut().poll_shutdown(context)).await?;
    let mut bytes = vec![0; 4_096];
    let mut total = 0;
    while total < LINGER_BYTES {
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| stream.as_mut().poll_read(context, &mut buffer)).await?;
        if buffer.filled().is_empty() {
            break;
        }
        total += buffer.filled().len();
    }
    Ok(())
}
